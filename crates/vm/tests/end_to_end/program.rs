// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod`'s own package, made by the real makepkg; and all packages, as Arch's own reader of
//! packages sees them.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
};

use alpm_mtree::{
    Mtree,
    mtree::v2::{File, Path as Entry},
};
use alpm_package::Package;
use libtest_mimic::Failed;
use vm::{
    cache::{Kept, Key},
    files::repository,
    host::BUILDER,
    makepkg::{Makepkg, PACKAGER, lend},
    package_files::packages,
    run::answer,
};

use crate::lab::{self, Lab, files, ran, says, text, trials};

trials![
    archs_reader_accepts_every_package,
    rustkmods_package_installs_runs_and_goes,
    rustkmods_package_names_no_path_of_its_build,
];

/// What git has of this repository, the builder's own: makepkg refuses root, and its checkout may
/// be one that others cannot read.
fn checkout(lab: &Lab) -> Result<PathBuf, Failed> {
    let to = lab.shop.cache.empty_directory("test-program", BUILDER)?;
    let listed = Command::new("git")
        .arg("-C")
        .arg(repository())
        .args("ls-files -z --cached --others --exclude-standard".split(' '))
        .output()?;
    assert!(listed.status.success(), "{}", text(&listed));
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, copy) = (repository().join(name), to.join(name));
        // What was deleted and not yet committed, git still lists.
        if !from.is_file() {
            continue;
        }
        let mut directory = copy.parent().ok_or("a directory")?;
        fs::create_dir_all(directory)?;
        fs::copy(&from, &copy)?;
        chown(&copy, Some(BUILDER), Some(BUILDER))?;
        while directory != to {
            chown(directory, Some(BUILDER), Some(BUILDER))?;
            directory = directory.parent().ok_or("a directory")?;
        }
    }
    Ok(to)
}

/// The package, kept while what it is made from stays the same.
fn program(lab: &Lab) -> Result<Kept, Failed> {
    let mut key = Key::default();
    for name in [
        "rustkmod",
        "crates/kconfig",
        "crates/kernel-boot",
        "crates/kernel-files",
        "crates/kernel-tree",
        "crates/kmod-init",
        "crates/rustkmod",
        "rust-out-of-tree-dkms",
        "docs/first-module.md",
        "docs/json.md",
        "LICENSES/MIT.txt",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        let path = repository().join(name);
        let all = if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        };
        for file in all {
            let name = file.strip_prefix(repository())?.display().to_string();
            key.text(&name, &vm::cache::file_hash(&file)?);
        }
    }
    key.text("packager", PACKAGER);
    key.text("cargo", &answer("cargo", ["--version"]));
    key.text("makepkg", &answer("makepkg", ["--version"]));
    Ok(lab.shop.cache.keep("rustkmod", &key, BUILDER, |packages| {
        lab.shop.progress.say("Building rustkmod's package...");
        let start = checkout(lab).expect("a checkout").join("rustkmod");
        let mut makepkg = Makepkg::new(&lab.shop, start);
        let sysroot = answer("rustc", ["--print", "sysroot"]);
        makepkg
            .path
            .push(lend(&Path::new(&sysroot).join("bin"), &lab.shop.cache)?);
        makepkg.pkgdest = packages.to_owned();
        makepkg.run("building rustkmod", &["--force", "--cleanbuild"])
    })?)
}

fn plain(path: &Path, uid: u32, gid: u32, mode: &str) {
    assert_eq!((uid, gid), (0, 0), "{} is not root's", path.display());
    let bits = u32::from_str_radix(mode, 8).expect("an octal mode");
    assert_eq!(bits & 0o7022, 0, "{} has mode {mode}", path.display());
}

/// The files that a package lists.
fn listed(package: &Path) -> Result<Vec<File>, Failed> {
    let package = Package::try_from(package)?;
    let (Mtree::V1(paths) | Mtree::V2(paths)) = package.read_mtree()?;
    let mut found = Vec::new();
    for path in paths {
        match path {
            Entry::Directory(entry) => plain(&entry.path, entry.uid, entry.gid, &entry.mode),
            // A link's mode means nothing.
            Entry::Link(entry) => plain(&entry.path, entry.uid, entry.gid, "0"),
            Entry::File(entry) => {
                plain(&entry.path, entry.uid, entry.gid, &entry.mode);
                found.push(entry);
            }
        }
    }
    Ok(found)
}

fn archs_reader_accepts_every_package(lab: &Lab) -> Result<(), Failed> {
    let mut read = 0;
    for kept in [
        &*lab.first,
        &lab.dkms,
        &program(lab)?,
        &lab.shop.toolchain()?,
    ] {
        for file in packages(&kept.path)? {
            let name = file.display().to_string();
            let metadata = Package::try_from(file.as_path())
                .map_err(|error| format!("{name}: {error}"))?
                .into_reader()
                .and_then(|mut reader| reader.metadata())
                .map_err(|error| format!("{name}: {error}"))?;
            // The three of them tell one story; a reader that gave nothing would tell none.
            // Debian 12's makepkg writes the first version, later ones the second.
            let (pkgname, pkgver, license) = match &metadata.pkginfo {
                alpm_pkginfo::PackageInfo::V1(info) => (&info.pkgname, &info.pkgver, &info.license),
                alpm_pkginfo::PackageInfo::V2(info) => (&info.pkgname, &info.pkgver, &info.license),
            };
            says(&name, &[&format!("/{pkgname}-{pkgver}-")]);
            assert!(!license.is_empty(), "{name}: no licence");
            assert!(!listed(&file)?.is_empty(), "{name}: no file");
            read += 1;
        }
    }
    assert_eq!(read, 7);
    Ok(())
}

fn rustkmods_package_installs_runs_and_goes(lab: &Lab) -> Result<(), Failed> {
    let kept = program(lab)?;
    let package = packages(&kept.path)?.pop().ok_or("a package")?;
    let all = listed(&package)?;
    let has = |name: &str| all.iter().any(|file| file.path.ends_with(name));
    for name in [
        "usr/bin/rustkmod",
        "usr/lib/rustkmod/init",
        "usr/share/bash-completion/completions/rustkmod",
        "usr/share/zsh/site-functions/_rustkmod",
        "usr/share/fish/vendor_completions.d/rustkmod.fish",
        "usr/share/doc/rustkmod/README.md",
        "usr/share/libalpm/hooks/rustkmod.hook",
        "usr/share/licenses/rustkmod/MIT.txt",
        "usr/share/man/man1/rustkmod.1.gz",
        "usr/share/man/man1/rustkmod-doctor.1.gz",
        "usr/share/man/man1/rustkmod-check.1.gz",
        "usr/share/man/man1/rustkmod-why.1.gz",
        "usr/share/man/man1/rustkmod-explain.1.gz",
        "usr/share/man/man1/rustkmod-toolchain.1.gz",
        "usr/share/man/man1/rustkmod-new.1.gz",
        "usr/share/man/man1/rustkmod-ide.1.gz",
        "usr/share/man/man1/rustkmod-boot.1.gz",
    ] {
        assert!(has(name), "{name} is not in the package");
    }

    let machine = lab.bare_machine()?;
    lab.pacman(&machine, "rustkmod", &[package])?;
    let output = machine.as_user("rustkmod --version; ldd /usr/bin/rustkmod")?;
    assert!(output.status.success(), "{}", text(&output));
    let version = env!("CARGO_PKG_VERSION");
    says(&text(&output), &[&format!("rustkmod {version}")]);
    // What its package depends on: glibc and the unwinder of gcc-libs.
    for line in text(&output).lines().filter(|line| line.contains("=>")) {
        assert!(
            ["libc.so", "libgcc_s.so", "libm.so"]
                .iter()
                .any(|library| line.trim().starts_with(library)),
            "{line}"
        );
    }
    // Every file that it listed is there as listed, and none is left behind.
    let all: Vec<_> = all
        .iter()
        .map(|file| (file.path.display().to_string(), file.size))
        // pacman's own, such as .PKGINFO.
        .filter(|(path, _)| !path.trim_start_matches("./").starts_with('.'))
        .collect();
    assert!(all.len() > 10, "{all:?}");
    for (path, size) in &all {
        assert_eq!(machine.path(path).metadata()?.len(), *size, "{path}");
    }
    ran(machine
        .command("pacman")
        .args(["-R", "--noconfirm", "rustkmod"]))?;
    for (path, _) in &all {
        assert!(!machine.path(path).exists(), "{path} is left");
    }
    Ok(())
}

fn rustkmods_package_names_no_path_of_its_build(lab: &Lab) -> Result<(), Failed> {
    let kept = program(lab)?;
    let package = packages(&kept.path)?.pop().ok_or("a package")?;
    let directory = lab
        .shop
        .cache
        .directory("test-unpacked", 0)?
        .join("rustkmod");
    lab::unpack(&package, &directory)?;
    let cache = lab.shop.cache.path("").display().to_string();
    for name in ["usr/bin/rustkmod", "usr/lib/rustkmod/init"] {
        let program = fs::read(directory.join(name))?;
        for path in [cache.as_str(), "/cargo-home/", "/root/.", "/nonexistent/."] {
            let found = program
                .windows(path.len())
                .position(|window| window == path.as_bytes());
            if let Some(at) = found {
                let around = &program[at.saturating_sub(20)..(at + 120).min(program.len())];
                let around = String::from_utf8_lossy(around);
                return Err(format!("{path} is in {name}: {around}").into());
            }
        }
    }
    Ok(())
}
