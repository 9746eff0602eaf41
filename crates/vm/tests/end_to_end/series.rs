// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every row of the table: built, side by side on one machine, followed by DKMS, loaded; and what
//! `rustkmod` says of each.

use std::{fs, path::Path};

use kernel_boot::Verdict;
use libtest_mimic::Failed;
use vm::{
    boot::put_program,
    check_series,
    demo::boot_installed,
    machine::Machine,
    makepkg::Makepkg,
    package_files::{packages, packages_of},
    workshop::Workshop,
};

use crate::{
    ibt::rust_can_be_called,
    lab::{Lab, of_all_series, ran, says, slow_of_all_series, text, trials},
};

trials![
    every_row_fits_its_tree => of_all_series,
    all_series_live_side_by_side => of_all_series,
    a_series_without_a_row_is_named,
    the_default_series_with_the_newest_clang_is_as_good => slow_of_all_series,
];

/// As on Arch, whose clang is that of no series.
fn the_default_series_with_the_newest_clang_is_as_good(lab: &Lab) -> Result<(), Failed> {
    let mut shop = Workshop::new(&lab.shop, lab.shop.series.clone())?;
    shop.llvm = lab.newest_llvm()?;
    let mut makepkg = lab.makepkg_of(&shop, "test-newest", shop.pkgbuild("linux-rust", 1)?)?;
    makepkg.set("_config", "vm");
    shop.progress
        .say("Building with the newest clang (minutes)...");
    // With a bindgen that reads its libclang.
    shop.install_toolchain()?;
    let built = makepkg.run("building with the newest clang", &["--force"]);
    lab.shop.install_toolchain()?;
    built?;

    let (machine, kernel) = lab.booted(&shop, &makepkg, "newest-clang")?;
    put_program(&machine)?;
    rustkmod_agrees(&machine, &kernel)?;
    rust_can_be_called(&machine, &kernel)?;

    let kdir = format!("/usr/lib/modules/{kernel}/build");
    structs_have_fields(&machine.path(&kdir))?;
    fs::remove_dir_all(&makepkg.builddir)?;
    Ok(())
}

/// Structs of the kernel's are in the bindings as they are.
fn structs_have_fields(kdir: &Path) -> Result<(), Failed> {
    let bindings = kdir.join("rust/bindings/bindings_generated.rs");
    let bindings = fs::read_to_string(bindings)?;
    for name in ["task_struct", "page", "inode"] {
        let (_, after) = bindings
            .split_once(&format!("pub struct {name} {{"))
            .ok_or_else(|| format!("no struct {name}"))?;
        let body = after.split('}').next().unwrap_or_default();
        assert!(body.matches("pub ").count() > 3, "{name}: {body}");
    }
    Ok(())
}

fn every_row_fits_its_tree(lab: &Lab) -> Result<(), Failed> {
    let wrong = check_series::check(&lab.shop)?;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn all_series_live_side_by_side(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.bare_machine()?;
    let mut all = packages(&lab.dkms.path)?;
    for shop in lab.series()? {
        all.extend(packages_of([&shop.toolchain()?, &shop.kernel(1)?])?);
        // The newest of them: to the older kernels' headers it is the clang of an upgrade.
        if let Some(directory) = &shop.llvm {
            machine.use_llvm(directory)?;
        }
    }
    // One transaction, as an upgrade of them all is.
    let said = lab.pacman(&machine, "side-by-side", &all)?;
    let kernels = machine.kernels()?;
    assert_eq!(kernels.len(), lab.series()?.len(), "{kernels:?}\n{said}");

    put_program(&machine)?;
    for kernel in &kernels {
        let name = format!("side-by-side-{kernel}");
        let boot = boot_installed(&lab.shop, &machine, &name, kernel, "")?;
        assert!(
            matches!(boot.verdict, Verdict::Good),
            "{kernel}: {}",
            boot.verdict
        );
        rustkmod_agrees(&machine, kernel)?;
        rust_can_be_called(&machine, kernel)?;
        let log = machine.path(&format!(
            "/var/lib/dkms/rust-out-of-tree/1.0/{kernel}/x86_64/log/make.log"
        ));
        let log = fs::read_to_string(&log)?;
        // Of rustc's; that the compiler differs from the kernel's is kbuild's to say.
        assert!(!log.contains("warning: unused"), "{log}");
        assert!(!log.contains("generated "), "{log}");
        assert!(!log.contains("objtool:"), "{log}");
    }

    // One goes, and takes nothing of the others with it.
    let pkgbase = lab.newest()?.pkgbase();
    let names = ["", "-headers", "-src", "-rustdoc"].map(|part| format!("{pkgbase}{part}"));
    ran(machine
        .command("pacman")
        .args(["-R", "--noconfirm"])
        .args(&names))?;
    let left = machine.kernels()?;
    assert_eq!(left.len(), kernels.len() - 1, "{left:?}");
    for kernel in left {
        assert!(machine.module_files(&kernel, "rust_out_of_tree").is_ok());
    }
    Ok(())
}

/// What was just seen to work, `rustkmod` finds nothing wrong with.
pub fn rustkmod_agrees(machine: &Machine, kernel: &str) -> Result<(), Failed> {
    let module = machine
        .module_files(kernel, "rust_out_of_tree")?
        .pop()
        .ok_or("a file")?;
    let module = format!("/{}", module.strip_prefix(machine.root())?.display());
    for arguments in [
        &["doctor", kernel][..],
        &["check", "--kernel", kernel, &module],
        &["toolchain", kernel],
    ] {
        let output = machine.command("rustkmod").args(arguments).output()?;
        assert!(
            output.status.success(),
            "rustkmod {}:\n{}",
            arguments.join(" "),
            text(&output)
        );
    }
    let output = machine
        .command("rustkmod")
        .args(["toolchain", "--path", kernel])
        .output()?;
    says(&text(&output), &["/usr/lib/rust1", "/bin/rustc"]);
    Ok(())
}

/// What makepkg says, which does not come as far as the sources.
fn refused(lab: &Lab, makepkg: &Makepkg, name: &str) -> Result<String, Failed> {
    let log = lab.shop.cache.log(name)?;
    let prepared = makepkg
        .program("preparing", &log, &["--nobuild"])?
        .run(&lab.shop.progress);
    Ok(prepared.expect_err("it was accepted").to_string())
}

fn a_series_without_a_row_is_named(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.makepkg(lab.shop.pkgbuild("linux-rust", 1)?)?;
    // The last two are as numbers what rows have.
    for series in ["5.15", "6.10", "6.120"] {
        makepkg.set("_series", series);
        let error = refused(lab, &makepkg, "test-no-row")?;
        says(&error, &[&format!("There is no series '{series}' in '")]);
    }
    Ok(())
}
