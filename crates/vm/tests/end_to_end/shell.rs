// SPDX-License-Identifier: MIT OR Apache-2.0

//! The shell that there is: short, and clean.

use std::{fs, path::PathBuf, process::Command};

use libtest_mimic::Failed;
use vm::{cache::file_hash, files::repository};

use crate::lab::{Lab, ran, text, trials};

trials![
    shellcheck_finds_nothing,
    the_sums_of_local_sources_are_theirs,
    makepkg_writes_over_nothing_of_gits,
];

/// Files that git tracks, links left out.
fn tracked() -> Result<Vec<PathBuf>, Failed> {
    let output = Command::new("git")
        .arg("-C")
        .arg(repository())
        .args(["ls-files", "-z"])
        .output()?;
    assert!(output.status.success(), "{}", text(&output));
    Ok(String::from_utf8(output.stdout)?
        .split_terminator('\0')
        .map(|name| repository().join(name))
        .filter(|path| path.is_file() && !path.is_symlink())
        .collect())
}

fn shellcheck_finds_nothing(_: &Lab) -> Result<(), Failed> {
    let (mut scripts, mut pkgbuilds) = (0, 0);
    for file in tracked()? {
        let mut command = Command::new("shellcheck");
        if file.ends_with("PKGBUILD") {
            pkgbuilds += 1;
            // Variables are makepkg's to read and to set, and makepkg is the interpreter.
            command.args(["--shell=bash", "--exclude=SC2034,SC2154,SC2148"]);
        } else if fs::read(&file)?.starts_with(b"#!") {
            scripts += 1;
        } else {
            continue;
        }
        ran(command.arg(&file))?;
    }
    assert!(
        scripts >= 5 && pkgbuilds >= 2,
        "{scripts} scripts, {pkgbuilds} PKGBUILDs"
    );
    Ok(())
}

/// makepkg's `src` and `pkg` are beside the PKGBUILD, and it empties them.
fn makepkg_writes_over_nothing_of_gits(_: &Lab) -> Result<(), Failed> {
    let tracked = tracked()?;
    for pkgbuild in tracked.iter().filter(|file| file.ends_with("PKGBUILD")) {
        let directory = pkgbuild.parent().ok_or("a directory")?;
        for name in ["src", "pkg"] {
            let directory = directory.join(name);
            let lost: Vec<_> = tracked
                .iter()
                .filter(|file| file.starts_with(&directory))
                .collect();
            assert!(lost.is_empty(), "makepkg -c would remove {lost:#?}");
        }
    }
    Ok(())
}

fn the_sums_of_local_sources_are_theirs(_: &Lab) -> Result<(), Failed> {
    let mut checked = 0;
    for pkgbuild in tracked()?
        .into_iter()
        .filter(|file| file.ends_with("PKGBUILD"))
    {
        let directory = pkgbuild.parent().ok_or("a directory")?;
        let text = fs::read_to_string(&pkgbuild)?;
        for file in fs::read_dir(directory)?.flatten().map(|entry| entry.path()) {
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            // Where sums are given at all.
            let listed =
                text.lines().any(|line| line.trim() == name) && !text.contains(" SKIP SKIP");
            if listed && file.is_file() {
                let sum = file_hash(&file)?;
                assert!(
                    text.contains(&sum),
                    "{}: {name} is {sum}",
                    pkgbuild.display()
                );
                checked += 1;
            }
        }
    }
    assert!(checked >= 5, "{checked}");
    Ok(())
}
