// SPDX-License-Identifier: MIT OR Apache-2.0

//! Metadata made by real rustcs, of every version on this machine, read back.

mod common;

use std::path::Path;
use std::process::Command;

use kernel_files::rmeta::{self, Target};
use kernel_tree::system::System;
use kernel_tree::toolchain;

/// `rustc --version`, the string that has to be found.
fn version(directory: &Path) -> String {
    let output = Command::new(directory.join("bin/rustc"))
        .arg("--version")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

#[test]
#[ignore = "needs toolchains of rustup"]
fn the_version_of_each_rustc_is_read_as_it_prints_it() {
    let toolchains = common::toolchains();
    if toolchains.is_empty() {
        common::lacks("rustup has no toolchain here");
    }
    let system = System::here(None);
    for directory in toolchains {
        let read = toolchain::version_of(&system, &directory.join("bin/rustc"));
        assert_eq!(read, Ok(version(&directory)), "{}", directory.display());
    }
}

/// Runs a rustc as the kernel does: stable, with what only nightly allows.
#[track_caller]
fn compile(toolchain: &Path, directory: &Path, arguments: &str) {
    let output = Command::new(toolchain.join("bin/rustc"))
        .args(arguments.split(' '))
        .current_dir(directory)
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUST_TARGET_PATH")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
#[ignore = "needs toolchains of rustup"]
fn the_crates_of_each_rustc_name_it() {
    let directory = tempfile::tempdir().unwrap();
    common::write(
        directory.path().join("helper.rs"),
        "#![no_std]\npub fn f() -> u32 { 1 }\n",
    );
    common::write(
        directory.path().join("user.rs"),
        "#![no_std]\npub fn g() -> u32 { helper::f() }\n",
    );
    common::write(
        directory.path().join("macros.rs"),
        "extern crate proc_macro;\n#[proc_macro]\n\
         pub fn m(t: proc_macro::TokenStream) -> proc_macro::TokenStream { t }\n",
    );
    for toolchain in common::toolchains() {
        let version = version(&toolchain);
        let compile = |arguments: &str| compile(&toolchain, directory.path(), arguments);
        compile("--crate-type=rlib --edition=2021 --emit=metadata=libhelper.rmeta helper.rs");
        compile(
            "--crate-type=rlib --edition=2021 --emit=metadata=libuser.rmeta \
             --extern=helper=libhelper.rmeta user.rs",
        );

        let used = rmeta::read(&directory.path().join("libhelper.rmeta")).unwrap();
        assert_eq!(used.rustc, version);
        let root = used.root.expect("the root of this format is known");
        assert_eq!(root.name.as_deref(), Some("helper"), "{version}");
        assert!(
            matches!(root.target, Target::Name(name) if name.contains('-')),
            "{version}"
        );

        let user = rmeta::read(&directory.path().join("libuser.rmeta")).unwrap();
        let dependency = user
            .dependencies
            .iter()
            .find(|dependency| dependency.name.as_deref() == Some("helper"))
            .unwrap_or_else(|| panic!("{version}: {:?}", user.dependencies));
        assert_eq!(dependency.hash, root.hash, "{version}");

        compile("--crate-type=proc-macro --edition=2021 -o libmacros.so macros.rs");
        let library = rmeta::read_library(&directory.path().join("libmacros.so")).unwrap();
        assert_eq!(library.rustc, version);
        assert_eq!(library.machine, std::env::consts::ARCH);
        assert!(library.has_macros, "{version}");
        assert!(library.glibc.is_some(), "{version}");

        // A crate records the hash of a proc-macro library, and of a crate whose name rustc
        // writes as a number, as those have it themselves.
        common::write(directory.path().join("used.rs"), "#![no_std]\n");
        compile("--crate-type=rlib --emit=metadata=libused.rmeta used.rs");
        common::write(
            directory.path().join("both.rs"),
            "#![no_std]\nextern crate used;\nextern crate macros;\n",
        );
        compile(
            "--crate-type=rlib --emit=metadata=libboth.rmeta --extern=used=libused.rmeta \
             --extern=macros=libmacros.so both.rs",
        );
        let both = rmeta::read(&directory.path().join("libboth.rmeta")).unwrap();
        let used = rmeta::read(&directory.path().join("libused.rmeta")).unwrap();
        for hash in [Some(used.root.unwrap().hash), library.hash.clone()] {
            let hash = hash.unwrap_or_else(|| panic!("{version}: the hash is known"));
            assert!(
                both.dependencies
                    .iter()
                    .any(|dependency| dependency.hash == hash),
                "{version}: {:?}",
                both.dependencies
            );
        }

        // Stripped as packages strip it, it still says all of this.
        let path = directory.path().join("libmacros.so");
        let stripped = Command::new("strip")
            .arg("--strip-unneeded")
            .arg(&path)
            .status();
        if stripped.is_ok_and(|status| status.success()) {
            let again = rmeta::read_library(&path).unwrap();
            assert_eq!(again, library, "{version}");
        }
    }
}

#[test]
#[ignore = "needs the network: apt-get download"]
fn debians_own_rustc_is_read_without_running_it() {
    let packages = ["rustc", "libstd-rust-1.63"];
    let root = common::debian("rustc", &packages);
    let system = System::bare(&root);
    let read = toolchain::version_of(&system, &root.join("usr/bin/rustc"));
    let read = read.unwrap();
    assert!(read.starts_with("rustc 1.63.0"), "{read}");
}
