// SPDX-License-Identifier: MIT OR Apache-2.0

//! RUST_INLINE_HELPERS, where a series has it: the C helpers are linked into every Rust module as
//! bitcode, which the headers must hold.

use std::{
    fs::{self, OpenOptions},
    io::Write,
};

use libtest_mimic::Failed;
use vm::{makepkg::Makepkg, package_files::packages, run::answer};

use crate::lab::{Lab, slow_of_all_series, text, trials};

trials![
    inlined_helpers_are_in_the_headers => slow_of_all_series,
];

/// A rustc whose LLVM is that of this clang, which the option asks for: the row's where nothing older
/// is known.
fn rustc_of(clang: &str, row: &str) -> String {
    match clang.split('.').next() {
        Some("19") => "1.85.1".into(),
        _ => row.into(),
    }
}

fn inlined_helpers_are_in_the_headers(lab: &Lab) -> Result<(), Failed> {
    let shop = lab.newest()?;
    let clang = answer(&shop.llvm_program("clang"), ["-dumpversion"]);
    let wanted = rustc_of(&clang, &shop.series.rustc);
    let other = lab
        .series()?
        .iter()
        .find(|other| other.series.rustc == wanted);
    let rustc = lab.rust_of(other.ok_or("its rustc")?)?.join("bin/rustc");
    // Packaged as this series' own, as somebody does who tries another compiler.
    let mut toolchain = shop.toolchain_call()?;
    toolchain.set("_rustc", &rustc.display().to_string());
    toolchain.pkgdest = shop
        .cache
        .directory("test-helpers-rust", vm::host::BUILDER)?;
    toolchain.run("packaging another rustc", &["--force", "--cleanbuild"])?;
    let toolchain = packages(&toolchain.pkgdest)?;
    vm::root::install(&toolchain, &shop.cache, &shop.progress)?;
    let mut makepkg = Makepkg::new(shop, shop.pkgbuild("linux-rust", 1)?);
    OpenOptions::new()
        .append(true)
        .open(makepkg.start.join("config.vm"))?
        .write_all(b"CONFIG_EXPERT=y\nCONFIG_RUST_INLINE_HELPERS=y\n")?;
    makepkg.builddir = shop.cache.directory("test-helpers", vm::host::BUILDER)?;
    makepkg.pkgdest = makepkg.builddir.join("packages");
    makepkg.set("_config", "vm");
    shop.progress
        .say("Building with RUST_INLINE_HELPERS (minutes)...");
    makepkg.run("building with RUST_INLINE_HELPERS", &["--force"])?;

    // DKMS has built the module, and it works.
    let mut all = toolchain;
    all.extend(packages(&makepkg.pkgdest)?);
    let (machine, kernel) = lab.booted_with(shop, all, "inline-helpers")?;
    let kdir = machine.path(&format!("/usr/lib/modules/{kernel}/build"));
    let config = fs::read_to_string(kdir.join(".config"))?;
    assert!(
        config.contains("CONFIG_RUST_INLINE_HELPERS=y"),
        "it went, with clang {clang} and {}",
        rustc.display()
    );
    for name in ["helpers.bc", "helpers_module.bc"] {
        let file = kdir.join("rust/helpers").join(name);
        assert!(
            file.metadata().is_ok_and(|file| file.len() > 0),
            "no {name}"
        );
    }
    // That is what the bitcode was needed for.
    fs::remove_dir_all(kdir.join("rust/helpers"))?;
    let output = machine
        .command("dkms")
        .args(["build", "--force", "rust-out-of-tree/1.0", "-k", &kernel])
        .output()?;
    let log = format!("/var/lib/dkms/rust-out-of-tree/1.0/{kernel}/x86_64/log/make.log");
    let log = fs::read_to_string(machine.path(&log))
        .or_else(|_| {
            let build = "/var/lib/dkms/rust-out-of-tree/1.0/build/make.log";
            fs::read_to_string(machine.path(build))
        })
        .unwrap_or_default();
    assert!(!output.status.success(), "{}", text(&output));
    assert!(log.contains("helpers_module.bc"), "{log}");
    fs::remove_dir_all(&makepkg.builddir)?;
    Ok(())
}
