// SPDX-License-Identifier: MIT OR Apache-2.0

//! A repository over HTTP, with signatures checked.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::Failed;
use vm::{machine::Machine, repo};

use crate::{Shop, Test, runs, says, served};

pub const TESTS: &[(&str, Test)] = &[
    (
        "repo_installs_what_was_signed_and_refuses_what_was_changed",
        signed,
    ),
    ("repo_names_a_key_that_cannot_sign", no_key),
];

fn signed(shop: &Shop) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let directory = tempfile::tempdir()?;
    let repo = directory.path().join("repo");
    let mut files = shop.kernel("tiny", "1")?;
    files.extend(shop.dkms("1.2", "none")?);
    repo::collect(
        &files,
        &repo,
        &shop.cache.log("small-repo")?,
        &shop.progress,
    )?;
    served::sign(&repo, home.path())?;

    let machine = Machine::new(&shop.cache)?;
    served::add(&machine, &served::serve(&repo)?)?;
    let install = "pacman -Sy --noconfirm tiny tiny-headers small-dkms";

    // The key is not known yet.
    says(
        &runs(&machine, false, install),
        &["invalid or corrupted database (PGP signature)"],
    );
    served::trust(&machine, &repo)?;

    let kernel = find(&repo, "tiny-1-")?;
    let good = fs::read(&kernel)?;
    let mut changed = good.clone();
    *changed.last_mut().ok_or("an empty package")? ^= 1;
    fs::write(&kernel, &changed)?;
    let said = runs(&machine, false, install);
    says(&said, &["tiny-1-1-any.pkg.tar.zst is corrupted"]);

    // Nor with a database that knows the changed one.
    fs::write(&kernel, &good)?;
    let database = repo.join("linux-rust.db.tar.gz");
    let good = fs::read(&database)?;
    let mut changed = good.clone();
    *changed.last_mut().ok_or("an empty database")? ^= 1;
    fs::write(&database, &changed)?;
    says(&runs(&machine, false, install), &["PGP signature"]);

    fs::write(&database, &good)?;
    runs(&machine, true, install);
    runs(
        &machine,
        true,
        "ls /usr/lib/modules/6.1.1-tiny/updates/dkms/small.ko*",
    );
    Ok(())
}

fn find(directory: &Path, start: &str) -> Result<PathBuf, Failed> {
    let found = vm::package_files::packages(directory)?
        .into_iter()
        .find(|path| {
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
