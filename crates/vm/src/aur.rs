// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make aur`: the directories that are pushed to the AUR, and the tarball that rustkmod's fetches. Each
//! is the package's directory here, with its own row of the table alone, and a `.SRCINFO`.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::Uid;
use rayon::prelude::*;

use crate::{
    cache::file_hash,
    error::{Context, Error, Result},
    files::repository,
    host::BUILDER,
    series::{self, Series},
    workshop::copy_package,
};

/// What each file is licensed under, for those that cannot say it themselves.
const REUSE: &str = r#"version = 1

[[annotations]]
path = ["PKGBUILD", ".SRCINFO", "series", "releases", "config.vm", "config.debug", "check_config.sh", "*.hook", "keep-kernel", "check-headers", "dkms.conf"]
SPDX-FileCopyrightText = "The linux-rust maintainers"
SPDX-License-Identifier = "0BSD"

[[annotations]]
path = ["*.patch", "*.rs", "Kbuild", "Makefile", "rust_rmeta_check.sh"]
# The kernel's sources write it GPL-2.0.
precedence = "override"
SPDX-FileCopyrightText = "The linux-rust maintainers"
SPDX-License-Identifier = "GPL-2.0-only"
"#;

/// Their texts, where REUSE looks for them. The AUR takes no other directory than this and `keys`.
const LICENCES: &str = "LICENSES";

/// The packages that are the same for all series.
const OTHERS: [&str; 3] = ["keep-kernel", "rust-out-of-tree-dkms", "rustkmod"];

/// Writes them all, and says where.
pub fn print(directory: Option<&Path>) -> Result<()> {
    let directory = directory.map_or_else(|| repository().join("target/aur"), Path::to_owned);
    for tree in write(&directory)? {
        println!("{}", tree.display());
    }
    Ok(())
}

/// Writes a directory for the kernel and the toolchain of each row of the table, and one for each of the
/// other packages into `to`. What was there under its name is replaced when all of it is made; `.git`
/// stays, of a clone of the AUR's.
pub fn write(to: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(to).context("create", to)?;
    let rows = series::all()?;
    let toolchains: Vec<_> = rows.iter().map(binary).collect();
    let mut all = Vec::new();
    all.extend(rows.iter().map(|row| ("linux-rust", &*row.pkgbase, row)));
    let toolchains = rows.iter().zip(&toolchains);
    all.extend(toolchains.map(|(row, name)| ("rust-toolchain", &**name, row)));
    all.extend(OTHERS.map(|name| (name, name, &rows[0])));
    // Beside each other: makepkg takes its seconds for each.
    all.par_iter()
        .map(|(package, name, row)| write_one(package, name, row, to))
        .collect()
}

/// The AUR's name of a toolchain: what is packed there as others have built it ends in -bin.
pub fn binary(row: &Series) -> String {
    format!("{}-bin", row.toolchain())
}

fn write_one(package: &str, name: &str, row: &Series, to: &Path) -> Result<PathBuf> {
    // makepkg refuses root, and the builder has to come to it, wherever `to` lies.
    let place = tempfile::tempdir().context("create a directory in", std::env::temp_dir())?;
    let tree = place.path().join(name);
    fs::create_dir(&tree).context("create", &tree)?;
    if package == "rustkmod" {
        // Beside its PKGBUILD are its sources, which come in the release.
        let pkgbuild = repository().join("rustkmod/PKGBUILD");
        let text = fs::read_to_string(&pkgbuild).context("read", &pkgbuild)?;
        let text = released(&text, to)?;
        fs::write(tree.join("PKGBUILD"), text).context("write", tree.join("PKGBUILD"))?;
    } else {
        copy_package(package, row, &tree)?;
    }
    if package == "rust-toolchain" {
        let pkgbuild = tree.join("PKGBUILD");
        let text = fs::read_to_string(&pkgbuild).context("read", &pkgbuild)?;
        let text = text.replacen(
            "pkgname=$_name\n",
            "pkgname=$_name-bin\nprovides=(\"$_name=$pkgver\")\nconflicts=(\"$_name\")\n",
            1,
        );
        fs::write(&pkgbuild, text).context("write", &pkgbuild)?;
    }
    let write = |file: &str, text: &str| {
        let path = tree.join(file);
        fs::write(&path, text).context("write", path)
    };
    let read = |licence: &str| {
        let path = repository().join(LICENCES).join(licence);
        fs::read_to_string(&path).context("read", path)
    };
    write("REUSE.toml", REUSE)?;
    write("LICENSE", &read("0BSD.txt")?)?;
    fs::create_dir(tree.join(LICENCES)).context("create", tree.join(LICENCES))?;
    write("LICENSES/0BSD.txt", &read("0BSD.txt")?)?;
    if ["linux-rust", "rust-out-of-tree-dkms"].contains(&package) {
        write("LICENSES/GPL-2.0-only.txt", &read("GPL-2.0-only.txt")?)?;
    }
    write(".SRCINFO", &srcinfo(place.path(), &tree)?)?;

    let end = to.join(name);
    for left in fs::read_dir(&end).into_iter().flatten().flatten() {
        let path = left.path();
        if left.file_name() == ".git" {
            continue;
        }
        let removed = if left.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.context("remove", &path)?;
    }
    copy_tree(&tree, &end)?;
    Ok(end)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).context("create", to)?;
    for entry in fs::read_dir(from).context("read", from)?.flatten() {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_tree(&path, &copy)?;
        } else {
            fs::copy(&path, &copy).context("copy", &path)?;
        }
    }
    Ok(())
}

/// Packs what is committed as the release that rustkmod's directory fetches, into `to`, and returns the
/// PKGBUILD that fetches it.
fn released(pkgbuild: &str, to: &Path) -> Result<String> {
    let value = |name: &str| {
        let line = pkgbuild.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim_matches('\'')
    };
    let (url, version) = (value("url="), value("pkgver="));
    let top = format!("rustkmod-{version}");
    let tarball = to.join(format!("{top}.tar.gz"));
    let output = Command::new("git")
        .arg("-C")
        .arg(repository())
        // Whoever owns the checkout: it is only read.
        .args(["-c", "safe.directory=*", "archive", "--format=tar.gz"])
        .arg(format!("--prefix={top}/"))
        .arg("--output")
        .arg(std::path::absolute(&tarball).context("find", &tarball)?)
        .arg("HEAD")
        .output()
        .context("run git in", repository())?;
    if !output.status.success() {
        return Err(Error::State {
            what: "the release of rustkmod cannot be packed".into(),
            note: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            help: "run it in a clone: git archive packs what is committed".into(),
        });
    }
    let settings = [
        (
            "_source",
            format!("{url}/releases/download/{top}/{top}.tar.gz"),
        ),
        ("_sha256", file_hash(&tarball)?),
    ];
    let mut text = pkgbuild.to_owned();
    for (name, value) in settings {
        let start = format!(": \"${{{name}:=");
        let line = text.lines().find(|line| line.starts_with(&start));
        let line = line.map(str::to_owned).ok_or_else(|| Error::State {
            what: format!("rustkmod/PKGBUILD does not set {name}"),
            note: format!("no line of it begins with {start}"),
            help: "git diff rustkmod/PKGBUILD".into(),
        })?;
        text = text.replacen(&line, &format!("{start}{value}}}\""), 1);
    }
    Ok(text)
}

/// What makepkg says of the PKGBUILD in `tree`, with nothing of this environment.
pub fn srcinfo(home: &Path, tree: &Path) -> Result<String> {
    let mut command = if Uid::effective().is_root() {
        for path in [home, tree] {
            chown(path, Some(BUILDER), Some(BUILDER)).context("give away", path)?;
        }
        let mut command = Command::new("setpriv");
        command.args(["--clear-groups"]).args([
            format!("--reuid={BUILDER}"),
            format!("--regid={BUILDER}"),
            "makepkg".into(),
        ]);
        command
    } else {
        Command::new("makepkg")
    };
    let output = command
        .arg("--printsrcinfo")
        .current_dir(tree)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .context("run makepkg in", tree)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Error::State {
            what: format!("makepkg does not read {}/PKGBUILD", tree.display()),
            note: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            help: "makepkg --printsrcinfo".into(),
        })
    }
}
