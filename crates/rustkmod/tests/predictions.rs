// SPDX-License-Identifier: MIT OR Apache-2.0

//! Failures made for real: a small tree with crates of rustc 1.62.0, broken in each way that is
//! known. What `doctor` predicts is compared with what rustc then says.

mod common;

use std::path::{Path, PathBuf};

const TARGET: &str = r#"{"arch": "x86_64", "data-layout": "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128", "llvm-target": "x86_64-linux-gnu", "target-pointer-width": "64"}"#;

const CORE: &str = "#![no_core]\n#![feature(no_core, lang_items)]\n\
    #[lang = \"sized\"]\npub trait Sized {}\n";
const KERNEL: &str = "#![feature(no_core)]\n#![no_core]\nextern crate core;\n\
    pub use core::Sized;\n";
const MODULE: &str =
    "#![feature(no_core)]\n#![no_core]\nextern crate core;\nextern crate kernel;\n";

/// A tree as the kernel's build leaves it, in a directory of its own.
struct Tree {
    directory: PathBuf,
    toolchain: PathBuf,
    by_path: bool,
    _keep: tempfile::TempDir,
}

impl Tree {
    /// Compiled by 1.62.0, with the target named by its path, as 6.1 does, or by its name.
    fn new(by_path: bool) -> Self {
        let Some(toolchain) = common::toolchain("1.62.0") else {
            common::lacks("there is no rustc 1.62.0: rustup toolchain install 1.62.0");
        };
        let keep = tempfile::tempdir().unwrap();
        let directory = keep.path().canonicalize().unwrap().join("built");
        let tree = Self {
            directory,
            toolchain,
            by_path,
            _keep: keep,
        };
        let flag = if by_path {
            "$(objtree)/rust/target.json"
        } else {
            "target"
        };
        let export = if by_path {
            ""
        } else {
            "export RUST_TARGET_PATH := $(objtree)/rust\n"
        };
        tree.write(
            "Makefile",
            &format!("VERSION = 6\nPATCHLEVEL = 1\nRUSTC = rustc\nF := --target={flag}\n{export}"),
        );
        tree.write(
            "scripts/Makefile.build",
            "cmd = $(RUSTC) --extern kernel -L $(objtree)/rust/\n",
        );
        let config = "CONFIG_RUST=y\nCONFIG_X86=y\nCONFIG_X86_64=y\n";
        tree.write(".config", config);
        tree.write("include/config/auto.conf", config);
        tree.write("include/config/kernel.release", "6.1.0-test\n");
        tree.write("include/generated/autoconf.h", "");
        tree.write(
            "include/generated/utsrelease.h",
            "#define UTS_RELEASE \"6.1.0-test\"\n",
        );
        tree.write(
            "Module.symvers",
            "0x0\t_RNvC6kernel1f\tvmlinux\tEXPORT_SYMBOL_GPL\t\n",
        );
        for tool in ["scripts/basic/fixdep", "scripts/mod/modpost"] {
            tree.write(tool, "#!/bin/sh\n");
            use std::os::unix::fs::PermissionsExt;
            let runs = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(tree.directory.join(tool), runs).unwrap();
        }
        tree.write("rust/target.json", TARGET);
        tree.write("core.rs", CORE);
        tree.write("kernel.rs", KERNEL);
        tree.write("module.rs", MODULE);
        tree.build("core");
        tree.build("kernel");
        tree
    }

    fn write(&self, name: &str, text: &str) {
        common::write(self.directory.join(name), text);
    }

    fn build(&self, name: &str) {
        let emit = format!("--emit=metadata=rust/lib{name}.rmeta");
        let source = format!("{name}.rs");
        let output = self.compile(&self.toolchain, &[&emit, "--crate-name", name, &source]);
        assert_eq!(output, "", "{name}");
    }

    /// Compiles something of this tree, and returns what rustc complains about.
    fn compile(&self, toolchain: &Path, arguments: &[&str]) -> String {
        let target = if self.by_path {
            "--target=rust/target.json"
        } else {
            "--target=target"
        };
        let mut command = std::process::Command::new(toolchain.join("bin/rustc"));
        command
            .args(["--crate-type=rlib", "--edition=2021", "-Lrust", target])
            .args(arguments);
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUST_TARGET_PATH", self.directory.join("rust"));
        let output = command.current_dir(&self.directory).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Compiles a module as kbuild would.
    fn module(&self) -> String {
        self.module_by(&self.toolchain)
    }

    fn module_by(&self, toolchain: &Path) -> String {
        self.compile(toolchain, &["--emit=metadata=module.rmeta", "module.rs"])
    }

    /// The names of the checks that fail.
    fn doctor(&self) -> Vec<String> {
        self.doctor_by(&self.toolchain)
    }

    fn doctor_by(&self, toolchain: &Path) -> Vec<String> {
        let output = common::command()
            .args(["doctor", "--json", "--kdir"])
            .arg(&self.directory)
            .arg("--rustc")
            .arg(toolchain.join("bin/rustc"))
            .output()
            .unwrap();
        let failing = common::failing(&output);
        assert_eq!(output.status.code(), Some(i32::from(!failing.is_empty())));
        failing
    }
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn a_sound_tree_compiles_and_has_no_findings() {
    for by_path in [true, false] {
        let tree = Tree::new(by_path);
        assert_eq!(tree.module(), "");
        assert_eq!(tree.doctor(), [""; 0]);
    }
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn another_rustc_is_e0514() {
    let tree = Tree::new(false);
    for other in common::toolchains() {
        if other == tree.toolchain {
            continue;
        }
        assert_eq!(tree.doctor_by(&other), ["rustc"], "{}", other.display());
        let said = tree.module_by(&other);
        // Those much newer refuse this old target.json before they look at a crate, or do not know the
        // format of its metadata.
        let refusals = ["E0514", "target specification", "E0786"];
        assert!(refusals.iter().any(|why| said.contains(why)), "{said}");
    }
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn headers_moved_by_path_are_e0461_and_by_name_are_fine() {
    let moved = |by_path| {
        let mut tree = Tree::new(by_path);
        let moved = tree.directory.with_file_name("moved");
        std::fs::rename(&tree.directory, &moved).unwrap();
        tree.directory = moved;
        tree
    };
    let tree = moved(true);
    assert!(tree.module().contains("E0461"), "{}", tree.module());
    assert_eq!(tree.doctor(), ["target"]);
    let tree = moved(false);
    assert_eq!(tree.module(), "");
    assert_eq!(tree.doctor(), [""; 0]);
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn a_missing_crate_is_e0463() {
    for name in ["core", "kernel"] {
        let tree = Tree::new(false);
        std::fs::remove_file(tree.directory.join(format!("rust/lib{name}.rmeta"))).unwrap();
        assert!(tree.module().contains("E0463"), "{}", tree.module());
        assert_eq!(tree.doctor(), ["crates"]);
    }
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn a_missing_target_is_what_rustc_says() {
    for (by_path, wanted) in [
        (true, "target.json\" does not exist"),
        (false, "Could not find specification"),
    ] {
        let tree = Tree::new(by_path);
        std::fs::remove_file(tree.directory.join("rust/target.json")).unwrap();
        assert!(tree.module().contains(wanted), "{}", tree.module());
        assert_eq!(tree.doctor(), ["target"]);
    }
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn a_crate_of_another_build_is_e0460() {
    let tree = Tree::new(false);
    tree.write("core.rs", &format!("{CORE}pub trait Later {{}}\n"));
    tree.build("core");
    assert!(tree.module().contains("E0460"), "{}", tree.module());
    assert_eq!(tree.doctor(), ["crates-agree"]);
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn a_crate_that_is_cut_off_is_refused() {
    let tree = Tree::new(false);
    let path = tree.directory.join("rust/libkernel.rmeta");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 7, 20, whole.len() / 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_ne!(tree.module(), "", "{length} bytes");
        assert_eq!(tree.doctor(), ["crates-agree"], "{length} bytes");
    }
}

#[test]
#[ignore = "needs rustc 1.62.0"]
fn a_toolchain_that_fits_is_found_by_its_string() {
    let tree = Tree::new(false);
    let output = common::command()
        .args(["toolchain", "--path", "--kdir"])
        .arg(&tree.directory)
        .output()
        .unwrap();
    let path = common::printed(&output);
    let version = std::process::Command::new(path.trim())
        .arg("--version")
        .output()
        .unwrap();
    assert_eq!(version.stdout, b"rustc 1.62.0 (a8314ef7d 2022-06-27)\n");
}
