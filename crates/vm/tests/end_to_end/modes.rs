// SPDX-License-Identifier: MIT OR Apache-2.0

//! What makepkg can be asked for, from the directories of the AUR, in whatever directories.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::Failed;
use vm::{host::BUILDER, makepkg::Makepkg, package_files::packages};

use crate::{
    aur::written,
    lab::{self, Lab, files, says, text, trials},
};

trials![
    makepkg_verifysource_reads_and_builds_nothing,
    makepkg_nobuild_then_noextract_is_one_build,
    makepkg_repackage_packs_again,
    makepkg_source_packs_what_builds_elsewhere,
    makepkg_allsource_packs_the_release_too,
    every_directory_of_makepkg_may_be_elsewhere_and_have_blanks,
    the_kernel_is_prepared_from_directories_with_blanks,
    the_kernel_refuses_a_builddir_with_blanks,
];

/// The AUR's directory of a package, below one with blanks, and directories for makepkg beside it.
struct Place {
    root: PathBuf,
    tree: PathBuf,
}

impl Place {
    fn new(lab: &Lab, name: &str) -> Result<Self, Failed> {
        let root = lab.shop.cache.empty_directory("test-modes", BUILDER)?;
        let trees = root.join("directories with blanks");
        let tree = trees.join(name);
        let copied = Command::new("cp")
            .args([Path::new("-r"), &written(lab)?.root, &trees])
            .status()?;
        assert!(copied.success(), "cp -r {}", trees.display());
        own(&root)?;
        Ok(Self { root, tree })
    }

    /// makepkg in the tree; its other directories are beside it.
    fn makepkg<'a>(&self, lab: &'a Lab) -> Makepkg<'a> {
        let mut makepkg = Makepkg::new(&lab.shop, self.tree.clone());
        makepkg.builddir = self.root.join("the build");
        makepkg.pkgdest = self.root.join("the packages");
        makepkg.srcdest = self.root.join("the sources");
        makepkg
    }
}

fn own(directory: &Path) -> Result<(), Failed> {
    chown(directory, Some(BUILDER), Some(BUILDER))?;
    for entry in fs::read_dir(directory)?.flatten() {
        if entry.path().is_dir() {
            own(&entry.path())?;
        } else {
            chown(entry.path(), Some(BUILDER), Some(BUILDER))?;
        }
    }
    Ok(())
}

const DKMS: &str = "rust-out-of-tree-dkms";

/// Runs it, and returns what it said.
fn run(lab: &Lab, makepkg: &Makepkg<'_>, options: &[&str]) -> Result<String, Failed> {
    let log = lab.shop.cache.log("test-modes")?;
    makepkg
        .program("makepkg", &log, options)?
        .run(&lab.shop.progress)?;
    Ok(fs::read_to_string(&log)?)
}

fn makepkg_verifysource_reads_and_builds_nothing(lab: &Lab) -> Result<(), Failed> {
    let place = Place::new(lab, DKMS)?;
    let makepkg = place.makepkg(lab);
    let said = run(lab, &makepkg, &["--verifysource"])?;
    says(
        &said,
        &["Validating source files with sha256sums", "Passed"],
    );
    assert!(packages(&makepkg.pkgdest)?.is_empty());
    let built = makepkg.builddir.join(DKMS);
    assert!(!built.exists() || files(&built).is_empty(), "{built:?}");

    // The release that rustkmod's directory names, where it would be downloaded to.
    let place = Place::new(lab, "rustkmod")?;
    let makepkg = place.makepkg(lab);
    fs::create_dir_all(&makepkg.srcdest)?;
    let release = fs::read_dir(place.tree.parent().ok_or("a directory")?)?
        .flatten()
        .find(|entry| entry.path().extension().is_some_and(|end| end == "gz"))
        .ok_or("no release")?;
    let downloaded = makepkg.srcdest.join(release.file_name());
    fs::copy(release.path(), &downloaded)?;
    says(&run(lab, &makepkg, &["--verifysource"])?, &["Passed"]);
    // Another one with its name is not it.
    fs::write(&downloaded, "another")?;
    let error = run(lab, &makepkg, &["--verifysource"]).expect_err("accepted");
    let error = error.message().unwrap_or_default().to_owned();
    says(&error, &["FAILED", "did not pass the validity check"]);
    Ok(())
}

fn makepkg_nobuild_then_noextract_is_one_build(lab: &Lab) -> Result<(), Failed> {
    let place = Place::new(lab, DKMS)?;
    let makepkg = place.makepkg(lab);
    says(
        &run(lab, &makepkg, &["--nobuild"])?,
        &["Sources are ready."],
    );
    assert!(packages(&makepkg.pkgdest)?.is_empty());
    assert!(makepkg.builddir.join(DKMS).join("src/Kbuild").exists());
    says(
        &run(lab, &makepkg, &["--noextract"])?,
        &["Using existing $srcdir/ tree", "Finished making"],
    );
    same_as_kept(lab, &makepkg)
}

fn makepkg_repackage_packs_again(lab: &Lab) -> Result<(), Failed> {
    let place = Place::new(lab, DKMS)?;
    let makepkg = place.makepkg(lab);
    run(lab, &makepkg, &["--nobuild"])?;
    run(lab, &makepkg, &["--noextract"])?;
    let package = packages(&makepkg.pkgdest)?.remove(0);
    fs::remove_file(&package)?;
    says(&run(lab, &makepkg, &["--repackage"])?, &["Finished making"]);
    same_as_kept(lab, &makepkg)
}

/// The one package that was made is the kept one, wherever it was made.
fn same_as_kept(lab: &Lab, makepkg: &Makepkg<'_>) -> Result<(), Failed> {
    crate::bit_for_bit::same(
        lab,
        &packages(&lab.dkms.path)?,
        &packages(&makepkg.pkgdest)?,
    )
}

/// The names of the files in a source package, without its top directory.
fn listed(directory: &Path) -> Result<(PathBuf, Vec<String>), Failed> {
    let package = fs::read_dir(directory)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains(".src.tar"))
        .ok_or("no source package")?;
    let output = Command::new("bsdtar").arg("-tf").arg(&package).output()?;
    assert!(output.status.success(), "{}", text(&output));
    let mut names: Vec<_> = String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| line.split_once('/'))
        .map(|(_, name)| name.to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    Ok((package, names))
}

fn makepkg_source_packs_what_builds_elsewhere(lab: &Lab) -> Result<(), Failed> {
    // What makepkg knows of: neither licences nor what else lies there.
    for name in [DKMS, "linux-rust-lts61"] {
        let place = Place::new(lab, name)?;
        let mut makepkg = place.makepkg(lab);
        let there = place.root.join("source packages");
        fs::create_dir(&there)?;
        chown(&there, Some(BUILDER), Some(BUILDER))?;
        makepkg
            .set("SRCPKGDEST", &there.display().to_string())
            .set("_config", "vm");
        let key = lab.shop.signing_key()?.ok_or("a key")?;
        makepkg.set("_signing_key", &key.display().to_string());
        run(lab, &makepkg, &["--source"])?;
        let (package, names) = listed(&there)?;
        let info = fs::read_to_string(place.tree.join(".SRCINFO"))?;
        let mut wanted: Vec<_> = info
            .lines()
            .filter_map(|line| line.trim().strip_prefix("source = "))
            .filter(|source| !source.contains("://"))
            .chain(["PKGBUILD", ".SRCINFO"])
            .map(str::to_owned)
            .collect();
        wanted.sort();
        assert_eq!(names, wanted, "{name}");

        if name == DKMS {
            // Whoever is handed it can build it.
            let elsewhere = place.root.join("unpacked");
            lab::unpack(&package, &elsewhere)?;
            own(&elsewhere)?;
            makepkg.start = elsewhere.join(DKMS);
            run(lab, &makepkg, &["--cleanbuild"])?;
            crate::bit_for_bit::same(
                lab,
                &packages(&lab.dkms.path)?,
                &packages(&makepkg.pkgdest)?,
            )?;
        }
    }
    Ok(())
}

fn makepkg_allsource_packs_the_release_too(lab: &Lab) -> Result<(), Failed> {
    let place = Place::new(lab, "rustkmod")?;
    let mut makepkg = place.makepkg(lab);
    let there = place.root.join("source packages");
    fs::create_dir(&there)?;
    chown(&there, Some(BUILDER), Some(BUILDER))?;
    makepkg.set("SRCPKGDEST", &there.display().to_string());
    fs::create_dir_all(&makepkg.srcdest)?;
    let release = format!("rustkmod-{}.tar.gz", env!("CARGO_PKG_VERSION"));
    fs::copy(
        place.tree.parent().ok_or("a directory")?.join(&release),
        makepkg.srcdest.join(&release),
    )?;
    run(lab, &makepkg, &["--allsource"])?;
    assert_eq!(listed(&there)?.1, [".SRCINFO", "PKGBUILD", &release]);
    Ok(())
}

fn every_directory_of_makepkg_may_be_elsewhere_and_have_blanks(lab: &Lab) -> Result<(), Failed> {
    let place = Place::new(lab, DKMS)?;
    let mut makepkg = place.makepkg(lab);
    let logs = place.root.join("the logs");
    fs::create_dir(&logs)?;
    chown(&logs, Some(BUILDER), Some(BUILDER))?;
    makepkg.set("LOGDEST", &logs.display().to_string());
    let before = files(&place.tree);
    run(lab, &makepkg, &["--log", "--clean"])?;
    assert_eq!(
        files(&place.tree),
        before,
        "something lies beside the PKGBUILD"
    );
    // package() says nothing; the file is there.
    assert_eq!(files(&logs).len(), 1);
    same_as_kept(lab, &makepkg)
}

/// Prepared in a BUILDDIR that it can take; all other directories have blanks.
fn the_kernel_is_prepared_from_directories_with_blanks(lab: &Lab) -> Result<(), Failed> {
    let place = Place::new(lab, "linux-rust-lts61")?;
    let mut makepkg = lab.configuring(place.tree.clone())?;
    makepkg.pkgdest = place.root.join("the packages");
    makepkg.srcdest = place.root.join("the sources");
    let logs = place.root.join("the logs");
    fs::create_dir(&logs)?;
    chown(&logs, Some(BUILDER), Some(BUILDER))?;
    makepkg
        .set("_config", "vm")
        .set("LOGDEST", &logs.display().to_string());
    let before = files(&place.tree);
    let said = run(lab, &makepkg, &["--nobuild", "--log"])?;
    says(
        &said,
        &["Prepared linux-rust-lts61-vm version", "Sources are ready."],
    );
    assert_eq!(
        files(&place.tree),
        before,
        "something lies beside the PKGBUILD"
    );
    let log = fs::read_to_string(files(&logs).first().ok_or("no log")?)?;
    says(&log, &["Prepared linux-rust-lts61-vm version"]);
    Ok(())
}

fn the_kernel_refuses_a_builddir_with_blanks(lab: &Lab) -> Result<(), Failed> {
    let place = Place::new(lab, "linux-rust-lts61")?;
    let mut makepkg = lab.configuring(place.tree.clone())?;
    makepkg.builddir = place.root.join("the build");
    makepkg.set("_config", "vm");
    let error = run(lab, &makepkg, &["--nobuild"]).expect_err("accepted");
    says(
        error.message().unwrap_or_default(),
        &["source directory cannot contain spaces or colons"],
    );
    Ok(())
}
