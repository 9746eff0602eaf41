// SPDX-License-Identifier: MIT OR Apache-2.0

//! The directories for the AUR: whole by themselves, and what makepkg makes of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
    sync::OnceLock,
};

use alpm_srcinfo::{SourceInfo, SourceInfoV1};
use alpm_types::Source;
use libtest_mimic::Failed;
use rayon::prelude::*;
use vm::{aur, makepkg::Makepkg, series};

use crate::lab::{Lab, of_all_series, ran, says, trials};

trials![
    aur_directories_stand_alone,
    aur_directories_say_what_each_file_is_licensed_under,
    an_aur_directory_prepares_its_own_series => of_all_series,
];

fn aur_directories_stand_alone(lab: &Lab) -> Result<(), Failed> {
    let Written { root, trees } = written(lab)?;
    let rows = series::all()?;
    let mut names: Vec<_> = rows.iter().map(|row| row.pkgbase.clone()).collect();
    names.extend(rows.iter().map(aur::binary));
    names.extend(["keep-kernel", "rust-out-of-tree-dkms", "rustkmod"].map(str::to_owned));
    assert_eq!(trees.len(), names.len());
    for (tree, row) in trees.iter().zip(&rows) {
        let packages = parsed(tree)?.packages;
        let headers = format!("{}-headers", row.pkgbase);
        assert!(packages.iter().any(|one| one.name.inner() == headers));
        // It is the default there, and no other is.
        assert_eq!(fs::read_to_string(tree.join("series"))?.trim(), row.row);
        // What it is made of is signed, and no configuration is this machine's.
        let (release, tag) = (&row.release, &row.arch);
        let info = fs::read_to_string(tree.join(".SRCINFO"))?;
        says(
            &info,
            &[
                &format!("/linux-{release}.tar.xz\n"),
                &format!("/linux-{release}.tar.sign\n"),
                &format!("source = linux-{tag}.config::https://"),
                "validpgpkeys = ",
            ],
        );
    }
    for (tree, row) in trees[rows.len()..].iter().zip(&rows) {
        let (name, rustc) = (row.toolchain(), &row.rustc);
        let info = fs::read_to_string(tree.join(".SRCINFO"))?;
        says(
            &info,
            &[
                &format!("provides = {name}={rustc}\n"),
                &format!("conflicts = {name}\n"),
            ],
        );
    }
    for (tree, name) in trees.iter().zip(&names) {
        let info = parsed(tree)?;
        assert_eq!(info.base.name.inner(), name);
        assert!(!info.base.licenses.is_empty(), "{name}: no licence");
        assert_eq!(info.base.sources.len(), info.base.sha256_checksums.len());
        for source in &info.base.sources {
            if let Source::File { location, .. } = source {
                let file = tree.join(location);
                assert!(
                    file.is_file() && !file.is_symlink(),
                    "{} is not a file of its own",
                    file.display()
                );
            }
        }
        // The AUR takes no directory but this, and no file above 250 KiB.
        for entry in fs::read_dir(tree)? {
            let entry = entry?;
            assert!(entry.file_name() == "LICENSES" || entry.path().is_file());
            assert!(entry.metadata()?.len() < 250 << 10, "{:?}", entry.path());
        }
    }
    trees
        .par_iter()
        .try_for_each(|tree| as_from_a_clone(tree))?;
    // A second run replaces, and adds nothing. A clone of the AUR's stays one.
    let count = |directory: &Path| fs::read_dir(directory).map(Iterator::count);
    let before = count(&trees[0])?;
    fs::create_dir(trees[0].join(".git"))?;
    fs::write(trees[0].join(".git/HEAD"), "ref: refs/heads/master\n")?;
    fs::write(trees[0].join("of-an-earlier-release.patch"), "")?;
    aur::write(root)?;
    assert!(trees[0].join(".git/HEAD").exists());
    assert_eq!(count(&trees[0])?, before + 1);
    fs::remove_dir_all(trees[0].join(".git"))?;
    Ok(())
}

/// makepkg says the same of a copy in any directory.
fn as_from_a_clone(tree: &Path) -> Result<(), Failed> {
    let info = fs::read_to_string(tree.join(".SRCINFO"))?;
    let again = tempfile::tempdir()?;
    let copy = again.path().join("clone");
    ran(Command::new("cp").arg("-r").args([tree, &copy]))?;
    assert_eq!(aur::srcinfo(again.path(), &copy)?, info);
    Ok(())
}

/// The AUR's directories, written once for all trials that only read them.
#[derive(Debug)]
pub struct Written {
    pub root: PathBuf,
    pub trees: Vec<PathBuf>,
}

pub fn written(lab: &Lab) -> Result<&'static Written, Failed> {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    if WRITTEN.get().is_none() {
        let root = lab.shop.cache.directory("test-aur", vm::host::BUILDER)?;
        let trees = aur::write(&root)?;
        let _ = WRITTEN.set(Written { root, trees });
    }
    Ok(WRITTEN.get().expect("it was just set"))
}

/// `.SRCINFO`, as the AUR's and Arch's own tools read it.
fn parsed(tree: &Path) -> Result<SourceInfoV1, Failed> {
    let file = tree.join(".SRCINFO");
    let SourceInfo::V1(info) = SourceInfo::from_str(&fs::read_to_string(&file)?)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(info)
}

/// Each by itself or by REUSE.toml, under a licence whose text is there, and no text without use.
fn aur_directories_say_what_each_file_is_licensed_under(lab: &Lab) -> Result<(), Failed> {
    for tree in &written(lab)?.trees {
        let reuse = fs::read_to_string(tree.join("REUSE.toml"))?;
        let mut patterns = Vec::new();
        let mut used = Vec::new();
        for block in reuse.split("[[annotations]]").skip(1) {
            let quoted = |line: &str| -> Vec<String> {
                let parts = line.split('"').skip(1).step_by(2);
                parts.map(str::to_owned).collect()
            };
            let of = |key: &str| {
                let line = block.lines().find(|line| line.starts_with(key));
                quoted(line.unwrap_or_default())
            };
            for pattern in of("path") {
                patterns.push((pattern, of("SPDX-License-Identifier").remove(0)));
            }
        }
        for entry in fs::read_dir(tree)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if ["LICENSES", "LICENSE", "REUSE.toml"].contains(&&*name) {
                continue;
            }
            let matching = patterns.iter().find(|(pattern, _)| {
                pattern
                    .strip_prefix('*')
                    .map_or(*pattern == name, |end| name.ends_with(end))
            });
            let (_, licence) = matching.unwrap_or_else(|| panic!("{name} has no licence"));
            used.push(format!("{licence}.txt"));
        }
        used.sort();
        used.dedup();
        let mut there: Vec<_> = fs::read_dir(tree.join("LICENSES"))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        there.sort();
        assert_eq!(there, used, "{}", tree.display());
    }
    Ok(())
}

fn an_aur_directory_prepares_its_own_series(lab: &Lab) -> Result<(), Failed> {
    let trees = &written(lab)?.trees;
    // Nothing chooses the series but the directory.
    let shop = &lab.series()?[1];
    let mut makepkg = Makepkg::new(shop, trees[1].clone());
    makepkg.set("_config", "vm");
    let log = lab.shop.cache.log("test-aur")?;
    makepkg
        .program("reading sources", &log, &["--verifysource", "--force"])?
        .run(&lab.shop.progress)?;
    let made = format!("Making package: {} ", shop.pkgbase());
    let patch = format!("Found {}", shop.series.patch());
    says(&fs::read_to_string(&log)?, &[&made, &patch]);
    Ok(())
}
