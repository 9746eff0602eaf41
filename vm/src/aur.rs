// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make aur`: the folders that are pushed to the AUR, one for each series and one for the module.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::Uid;

use crate::{
    error::{Context, Error, Result},
    host::BUILDER,
    packages::{copy_package, repository},
    series::{self, Series},
};

/// What each file is licensed under is said for folders whose files cannot say it themselves.
const REUSE: &str = r#"version = 1

[[annotations]]
path = ["PKGBUILD", ".SRCINFO", "series", "config.vm", "*.hook", "keep-kernel", "check-headers", "dkms.conf"]
SPDX-FileCopyrightText = "The linux-rust maintainers"
SPDX-License-Identifier = "0BSD"

[[annotations]]
path = ["*.patch", "*.rs", "Kbuild", "Makefile", "rust_rmeta_check.sh"]
SPDX-FileCopyrightText = "The linux-rust maintainers"
SPDX-License-Identifier = "GPL-2.0-only"
"#;

/// Writes them all, and says where.
pub fn print(folder: Option<&Path>) -> Result<()> {
    let folder = folder.map_or_else(|| repository().join("target/aur"), Path::to_owned);
    for tree in write(&folder)? {
        println!("{}", tree.display());
    }
    Ok(())
}

/// Writes a folder for each row of the table and one for the module into `to`, each whole or not at
/// all: what was there under its name is replaced in the end.
pub fn write(to: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(to).context("create", to)?;
    let rows = series::all()?;
    let mut trees = Vec::new();
    for row in &rows {
        trees.push(write_one("linux-rust", &row.pkgbase, row, to)?);
    }
    let name = "rust-out-of-tree-dkms";
    trees.push(write_one(name, name, &rows[0], to)?);
    Ok(trees)
}

fn write_one(package: &str, name: &str, row: &Series, to: &Path) -> Result<PathBuf> {
    // makepkg refuses root, and the builder has to come to it, wherever `to` lies.
    let place = tempfile::tempdir().context("create a folder in", std::env::temp_dir())?;
    let tree = place.path().join(name);
    fs::create_dir(&tree).context("create", &tree)?;
    copy_package(package, row, &tree)?;
    let write = |file: &str, text: &str| {
        let path = tree.join(file);
        fs::write(&path, text).context("write", path)
    };
    let licence = repository().join("LICENSES/0BSD.txt");
    write(
        "LICENSE",
        &fs::read_to_string(&licence).context("read", &licence)?,
    )?;
    write("REUSE.toml", REUSE)?;
    let info = srcinfo(place.path(), &tree)?;
    write(".SRCINFO", &info)?;

    let end = to.join(name);
    if end.exists() {
        fs::remove_dir_all(&end).context("remove", &end)?;
    }
    fs::create_dir(&end).context("create", &end)?;
    for file in fs::read_dir(&tree).context("read", &tree)?.flatten() {
        let copy = end.join(file.file_name());
        fs::copy(file.path(), &copy).context("copy", file.path())?;
    }
    Ok(end)
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
