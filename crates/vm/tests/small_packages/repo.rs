// SPDX-License-Identifier: MIT OR Apache-2.0

//! A repository over HTTP, with signatures checked.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::Failed;
use vm::{machine::Machine, repo};

use crate::{Shop, Test, http, runs, says, text};

pub const TESTS: &[(&str, Test)] = &[
    (
        "repo_installs_what_was_signed_and_refuses_what_was_changed",
        signed,
    ),
    ("repo_names_a_key_that_cannot_sign", no_key),
];

const ADDRESS: &str = "packager@linux-rust.example";

/// A key without a passphrase, in a directory of gpg's.
fn make_key(home: &Path) -> Result<(), Failed> {
    let output = Command::new("gpg")
        .args([
            "--batch",
            "--passphrase",
            "",
            "--quick-generate-key",
            ADDRESS,
            "ed25519",
        ])
        .env("GNUPGHOME", home)
        .output()?;
    assert!(output.status.success(), "{}", text(&output));
    Ok(())
}

fn signed(shop: &Shop) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    make_key(home.path())?;
    let signer = repo::Signer::at(home.path(), ADDRESS)?;
    let directory = tempfile::tempdir()?;
    let repo = directory.path().join("repo");
    let mut files = shop.kernel("tiny", "1")?;
    files.extend(shop.dkms("1.0", "none")?);
    repo::collect(
        &files,
        &repo,
        &shop.cache.log("small-repo")?,
        &shop.progress,
    )?;
    signer.sign(&repo)?;

    let machine = Machine::new(&shop.cache)?;
    uses(&machine, &http::serve(&repo)?)?;
    let install = "pacman -Sy --noconfirm tiny tiny-headers small-dkms";

    // The key is not known yet.
    says(&runs(&machine, false, install), &["unknown trust"]);
    fs::copy(repo.join(repo::PUBLIC_KEY), machine.path("/tmp/key"))?;
    runs(
        &machine,
        true,
        &format!("pacman-key --init; pacman-key --add /tmp/key; pacman-key --lsign-key {ADDRESS}"),
    );

    let kernel = find(&repo, "tiny-1-")?;
    let good = fs::read(&kernel)?;
    let mut changed = good.clone();
    *changed.last_mut().ok_or("an empty package")? ^= 1;
    fs::write(&kernel, &changed)?;
    let said = runs(&machine, false, install);
    says(&said, &["tiny: ", "invalid or corrupted package"]);

    // Nor with a database that knows the changed one.
    fs::write(&kernel, &good)?;
    let database = repo.join("linux-rust.db.tar.gz");
    let good = fs::read(&database)?;
    let mut changed = good.clone();
    *changed.last_mut().ok_or("an empty database")? ^= 1;
    fs::write(&database, &changed)?;
    says(&runs(&machine, false, install), &["linux-rust"]);

    fs::write(&database, &good)?;
    runs(&machine, true, install);
    runs(
        &machine,
        true,
        "ls /usr/lib/modules/1-tiny/updates/dkms/small.ko*",
    );
    Ok(())
}

/// The lines of `pacman.conf`.
fn uses(machine: &Machine, server: &str) -> Result<(), Failed> {
    let path = machine.path("/etc/pacman.conf");
    let conf = fs::read_to_string(&path)?;
    let repository = repo::pacman_conf(server, true);
    Ok(fs::write(&path, format!("{conf}\n{repository}"))?)
}

fn find(directory: &Path, start: &str) -> Result<PathBuf, Failed> {
    let found = vm::packages::packages(directory)?.into_iter().find(|path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(start)
    });
    Ok(found.ok_or_else(|| format!("no {start}"))?)
}

fn no_key(_: &Shop) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let error = repo::Signer::at(home.path(), "nobody@linux-rust.example")
        .err()
        .ok_or("it signs")?;
    says(
        &error.to_string(),
        &[
            "the key 'nobody@linux-rust.example' does not sign",
            "No secret key",
            "help: gpg --list-secret-keys",
        ],
    );
    Ok(())
}
