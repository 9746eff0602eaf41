// SPDX-License-Identifier: MIT OR Apache-2.0

//! `BUILDENV=(ccache)` and `BUILDENV=(distcc)` in makepkg.conf are all that there is to set.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::Failed;
use vm::{
    buildenv::{self, CompileHost},
    cache::file_hash,
    package_files::{package_name, packages},
};

use crate::lab::{self, Lab, files, slow, trials};

trials![
    the_second_build_is_ccaches => slow,
    distcc_spreads_the_build_and_changes_nothing => slow,
];

fn the_second_build_is_ccaches(lab: &Lab) -> Result<(), Failed> {
    buildenv::install(&lab.shop)?;
    let mut makepkg = lab.makepkg_in("test-ccache", lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg.set("_config", "vm");
    let turns = buildenv::build_twice(&mut makepkg, &lab.shop)?;
    let said = format!("{turns:#?}");
    lab.shop.progress.say(&said);
    let [first, second] = turns;
    // All of the kernel's C went through it...
    assert!(first.misses > 700, "{said}");
    // ...and but for what has the date in it, comes back.
    assert!(second.hits + second.misses >= first.misses, "{said}");
    assert!(second.misses * 50 <= second.hits, "{said}");
    assert_eq!(names(&makepkg.pkgdest)?, names(&lab.first.path)?);
    fs::remove_dir_all(&makepkg.builddir)?;
    Ok(())
}

fn distcc_spreads_the_build_and_changes_nothing(lab: &Lab) -> Result<(), Failed> {
    buildenv::install(&lab.shop)?;
    let _links = buildenv::links_of("distcc")?;
    let mut makepkg = lab.makepkg_in("test-distcc", lab.shop.pkgbuild("linux-rust", 1)?)?;
    let key = lab.shop.signing_key()?.ok_or("a key")?;
    makepkg
        .set("_config", "vm")
        .set("_signing_key", &key.display().to_string());
    buildenv::remove_tree(&makepkg)?;
    let path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
    let start = |number| CompileHost::start(number, path, &lab.shop.cache, &lab.shop.progress);
    let hosts = [start(1)?, start(2)?];
    let slots: Vec<_> = hosts
        .iter()
        .map(|host| format!("{}/2", host.address))
        .collect();
    let config = format!("BUILDENV=(distcc)\nDISTCC_HOSTS='{}'\n", slots.join(" "));
    buildenv::configure(&mut makepkg, &lab.shop.cache, &config)?;
    makepkg.run("building with distcc", &["--force"])?;

    for host in &hosts {
        let compiled = host.compiled();
        lab.shop
            .progress
            .say(format!("{}: {compiled} files compiled", host.address));
        assert!(compiled > 200, "{} compiled {compiled}", host.address);
    }
    let (here, there) = (
        contents(lab, &lab.first.path)?,
        contents(lab, &makepkg.pkgdest)?,
    );
    let differ: Vec<_> = here
        .keys()
        .chain(there.keys())
        .filter(|name| here.get(*name) != there.get(*name))
        .collect();
    assert!(differ.is_empty(), "distcc makes other files: {differ:#?}");
    fs::remove_dir_all(&makepkg.builddir)?;
    Ok(())
}

fn names(directory: &Path) -> Result<Vec<String>, Failed> {
    let packages = packages(directory)?;
    let names = packages.iter().map(|path| package_name(path).to_owned());
    Ok(names.collect())
}

/// Every file in the packages by its hash, links by where they lead. What makepkg says of the build
/// itself, such as BUILDENV, is not among them.
fn contents(lab: &Lab, directory: &Path) -> Result<BTreeMap<PathBuf, String>, Failed> {
    let mut found = BTreeMap::new();
    for package in packages(directory)? {
        let to = tempfile::tempdir_in(lab.shop.cache.path(""))?;
        lab::unpack(&package, to.path())?;
        for file in files(to.path()) {
            let of_the_build = [".BUILDINFO", ".MTREE", ".PKGINFO"];
            if of_the_build.iter().any(|name| file.ends_with(name)) {
                continue;
            }
            found.insert(file.strip_prefix(to.path())?.to_owned(), file_hash(&file)?);
        }
    }
    Ok(found)
}
