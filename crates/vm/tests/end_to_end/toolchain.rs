// SPDX-License-Identifier: MIT OR Apache-2.0

//! `_rustc=`: a toolchain that is installed already becomes the package.

use std::{fs, process::Command};

use libtest_mimic::Failed;

use crate::{
    contents::has,
    lab::{Lab, package, ran, says, slow_of_all_series, trials, unpack},
};

trials![
    rust_toolchain_packages_a_rustc_that_is_installed => slow_of_all_series,
];

fn rust_toolchain_packages_a_rustc_that_is_installed(lab: &Lab) -> Result<(), Failed> {
    let shop = lab.newest()?;
    let name = shop.series.toolchain();
    // A sysroot, as rustup has them, but for what Arch has elsewhere: without rust-src at first, and
    // with the server of proc macros in lib.
    let place = shop.cache.directory("test-installed-rust", 0)?;
    unpack(&package(&shop.toolchain()?.path, &name)?, &place)?;
    let sysroot = place.join("usr/lib").join(&name);
    let of_arch = sysroot.join("lib/rust-analyzer-proc-macro-srv");
    fs::rename(
        sysroot.join("libexec/rust-analyzer-proc-macro-srv"),
        of_arch,
    )?;
    let source = sysroot.join("lib/rustlib/src");
    fs::rename(&source, place.join("src"))?;

    let mut makepkg = shop.toolchain_call()?;
    makepkg.builddir = shop
        .cache
        .directory("test-installed-build", vm::host::BUILDER)?;
    makepkg.pkgdest = makepkg.builddir.join("packages");
    let rustc = sysroot.join("bin/rustc");
    makepkg.set("_rustc", &rustc.display().to_string());
    let refused = makepkg
        .run("packaging", &["--force"])
        .expect_err("packaged");
    says(
        &refused.to_string(),
        &[
            &format!("'lib/rustlib/src' of {name} is missing."),
            "rustup component add --toolchain ",
        ],
    );

    // It goes on from what is built.
    fs::rename(place.join("src"), source)?;
    makepkg.run("packaging", &["--force", "--repackage"])?;
    let files = place.join("packaged");
    unpack(&package(&makepkg.pkgdest, &name)?, &files)?;
    let packaged = files.join("usr/lib").join(&name);
    has(
        &packaged,
        &[
            "bin/bindgen",
            "lib/rustlib/src/rust/library/core/src/lib.rs",
            "libexec/rust-analyzer-proc-macro-srv",
        ],
    );
    let version = |rustc| ran(Command::new(rustc).arg("-vV"));
    assert_eq!(version(packaged.join("bin/rustc"))?, version(rustc)?);
    Ok(())
}
