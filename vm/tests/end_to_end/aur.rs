// SPDX-License-Identifier: MIT OR Apache-2.0

//! The folders for the AUR: whole by themselves, and what makepkg makes of them.

use std::{fs, path::Path, process::Command, sync::Arc};

use libtest_mimic::{Failed, Trial};
use vm::{aur, packages::Makepkg, series};

use crate::lab::{self, Lab, says, text};

pub fn trials(lab: Option<&Arc<Lab>>) -> Vec<Trial> {
    lab::trials(
        lab,
        &[
            ("aur_folders_stand_alone", stand_alone),
            ("an_aur_folder_prepares_its_own_series", prepares),
        ],
    )
}

fn stand_alone(_: &Lab) -> Result<(), Failed> {
    let place = tempfile::tempdir()?;
    let trees = aur::write(place.path())?;
    let rows = series::all()?;
    assert_eq!(trees.len(), rows.len() + 1);
    for (tree, row) in trees.iter().zip(&rows) {
        let info = fs::read_to_string(tree.join(".SRCINFO"))?;
        let lines = [
            format!("pkgbase = {}\n", row.pkgbase),
            format!("pkgname = {}-headers\n", row.pkgbase),
            format!("source = {}\n", row.patches[0]),
        ];
        says(&info, &lines.each_ref().map(String::as_str));
        // It is the default there, and no other is.
        assert_eq!(fs::read_to_string(tree.join("series"))?.trim(), row.row);
    }
    for tree in &trees {
        let info = fs::read_to_string(tree.join(".SRCINFO"))?;
        for source in local_sources(&info) {
            let file = tree.join(source);
            assert!(
                file.is_file() && !file.is_symlink(),
                "{} is no file of its own",
                file.display()
            );
        }
        for name in ["LICENSE", "REUSE.toml"] {
            assert!(tree.join(name).is_file(), "{name}");
        }
        // As from a clone in any folder.
        let again = tempfile::tempdir()?;
        let copy = again.path().join("clone");
        let output = Command::new("cp").arg("-r").args([tree, &copy]).output()?;
        assert!(output.status.success(), "{}", text(&output));
        assert_eq!(aur::srcinfo(again.path(), &copy)?, info);
    }
    // A second run replaces, and adds nothing.
    let count = |folder: &Path| fs::read_dir(folder).map(Iterator::count);
    let before = count(&trees[0])?;
    aur::write(place.path())?;
    assert_eq!(count(&trees[0])?, before);
    Ok(())
}

/// The sources of a `.SRCINFO` that are no addresses.
fn local_sources(info: &str) -> Vec<&str> {
    let found: Vec<_> = info
        .lines()
        .filter_map(|line| line.trim().strip_prefix("source = "))
        .filter(|source| !source.contains("://"))
        .collect();
    assert!(!found.is_empty());
    found
}

fn prepares(lab: &Lab) -> Result<(), Failed> {
    let place = lab.shop.cache.folder("test-aur", vm::host::BUILDER)?;
    let trees = aur::write(&place)?;
    let row = series::all()?.remove(1);
    let shop = lab.shop.for_series(row)?;
    // Nothing chooses the series but the folder.
    let mut makepkg = Makepkg::new(&shop, trees[1].clone());
    makepkg.set("_config", "vm");
    let log = lab.shop.cache.log("test-aur")?;
    makepkg
        .program("reading sources", &log, &["--verifysource", "--force"])?
        .run(&lab.shop.progress)?;
    says(
        &fs::read_to_string(&log)?,
        &["Validating source files with sha256sums", "Passed"],
    );
    Ok(())
}
