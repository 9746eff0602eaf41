// SPDX-License-Identifier: MIT OR Apache-2.0

//! The installed headers of a real kernel with Rust, broken in each known way: what `doctor` says
//! before is what `make` says after.
//!
//! `RUSTKMOD_TEST_HEADERS` names the headers (a `build` directory): those of a package like
//! linux-rust-headers, unpacked anywhere, with its toolchain's beside it.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

const MODULE: &str = "//! A module.\nuse kernel::prelude::*;\nmodule! {\n    type: M,\n    name: \"m\",\n    license: \"GPL\",\n}\nstruct M;\nimpl kernel::Module for M {\n    fn init(_module: &'static ThisModule) -> Result<Self> {\n        pr_info!(\"hello\\n\");\n        Ok(M)\n    }\n}\n";

struct Kernel {
    /// A copy of the headers that may be broken.
    tree: PathBuf,
    module: PathBuf,
    rustc: String,
    /// What its package says that it holds: the target's file, and the crates.
    target: String,
    crates: Vec<String>,
    /// With the LLVM that built the kernel first.
    path: std::ffi::OsString,
    _keep: tempfile::TempDir,
}

/// What `rust/toolchain.mk` says after this.
fn fact<'m>(makefile: &'m str, name: &str) -> Option<&'m str> {
    makefile.lines().find_map(|line| line.strip_prefix(name))
}

impl Kernel {
    fn get() -> Self {
        let Some(headers) = std::env::var_os("RUSTKMOD_TEST_HEADERS").map(PathBuf::from) else {
            common::lacks("RUSTKMOD_TEST_HEADERS names no headers of a kernel with Rust");
        };
        let makefile = std::fs::read_to_string(headers.join("rust/toolchain.mk")).unwrap();
        // ROOT/usr/lib/modules/RELEASE/build
        let root = headers.ancestors().nth(5).unwrap();
        let rustc = fact(&makefile, "RUSTC = /").expect("a rustc");
        let rustc = root.join(rustc).display().to_string();
        let named = fact(&makefile, "# crates: ").expect("crates");
        let mut named = named.split(' ').map(str::to_owned);
        let target = named.next().expect("the target");
        let crates: Vec<_> = named.collect();
        let config = std::fs::read_to_string(headers.join(".config")).unwrap();
        let keep = tempfile::tempdir().unwrap();
        let tree = keep.path().join("tree");
        let copied = Command::new("cp")
            .arg("-a")
            .arg(&headers)
            .arg(&tree)
            .status()
            .unwrap();
        assert!(copied.success());
        let module = keep.path().join("module");
        common::write(module.join("Kbuild"), "obj-m := m.o\n");
        // Until 6.2 it took bytes.
        let is_6_1 = config.contains("# Linux/x86 6.1.");
        let bytes = MODULE.replace(": \"", ": b\"");
        common::write(module.join("m.rs"), if is_6_1 { &bytes } else { MODULE });
        Self {
            tree,
            module,
            rustc,
            target,
            crates,
            path: common::path_with_llvm(&headers),
            _keep: keep,
        }
    }

    /// The names of the checks that fail.
    fn doctor(&self) -> Vec<String> {
        let output = common::command()
            .args(["doctor", "--json", "--rustc", &self.rustc, "--kdir"])
            .arg(&self.tree)
            .env("PATH", &self.path)
            .output()
            .unwrap();
        common::failing(&output)
    }

    /// Builds the module; what make said when it failed.
    fn make(&self) -> Result<(), String> {
        for leftover in ["m.o", "m.ko", ".m.o.cmd"] {
            let _ = std::fs::remove_file(self.module.join(leftover));
        }
        let output = Command::new("make")
            .arg("-C")
            .arg(&self.tree)
            .arg(format!("M={}", self.module.display()))
            .arg(format!("RUSTC={}", self.rustc))
            .arg("modules")
            .env("PATH", &self.path)
            .env_remove("LLVM")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(said)
        }
    }

    /// Both before and after something is broken, and with it fixed again.
    fn broken(&self, name: &str, checks: &[&str], damage: impl Fn(&Path)) {
        let path = self.tree.join(name);
        let kept = std::fs::read(&path).unwrap();
        damage(&path);
        let found = self.doctor();
        assert!(
            matches!(&found[..], [only] if checks.contains(&&**only)),
            "{name}: {found:?}"
        );
        let said = self.make().expect_err(name);
        // What make said is known to explain, too.
        let log = self.module.join("log");
        std::fs::write(&log, &said).unwrap();
        let explained = common::rustkmod(&["explain", "--json", log.to_str().unwrap()]);
        assert!(!common::failing(&explained).is_empty(), "{name}: {said}");
        std::fs::write(&path, kept).unwrap();
    }
}

#[test]
#[ignore = "needs the headers of a kernel with Rust: RUSTKMOD_TEST_HEADERS"]
fn doctor_says_before_what_make_says_after() {
    let kernel = Kernel::get();
    assert_eq!(kernel.doctor(), [""; 0]);
    kernel.make().unwrap();

    let module = kernel.module.join("m.ko");
    let output = common::command()
        .args(["check", "--kernel"])
        .arg(&kernel.tree)
        .arg(&module)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        common::printed(&output)
    );

    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    for name in ["core", "compiler_builtins", "bindings", "kernel"] {
        let name = format!("rust/lib{name}.rmeta");
        assert!(kernel.crates.contains(&name), "{:?}", kernel.crates);
    }
    // A crate that no command line names is missed by those that were compiled against it.
    for name in &kernel.crates {
        kernel.broken(name, &["crates", "crates-agree"], remove);
    }
    kernel.broken(&kernel.target, &["target"], remove);
    kernel.broken("rust/libkernel.rmeta", &["crates-agree"], |path| {
        let whole = std::fs::read(path).unwrap();
        std::fs::write(path, &whole[..whole.len() / 2]).unwrap();
    });
    kernel.broken("rust/libcore.rmeta", &["crates-agree"], |path| {
        std::fs::write(path, "").unwrap()
    });
    assert_eq!(kernel.doctor(), [""; 0]);
    kernel.make().unwrap();
}
