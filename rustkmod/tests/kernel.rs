// SPDX-License-Identifier: MIT OR Apache-2.0

//! The installed headers of a real kernel with Rust, broken in each known way: what `doctor` says
//! before is what `make` says after.
//!
//! `RUSTKMOD_TEST_HEADERS` names the headers (a `build` folder), such as those of the package
//! linux-rust-headers, unpacked anywhere.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

const MODULE: &str = "//! A module.\nuse kernel::prelude::*;\nmodule! {\n    type: M,\n    name: b\"m\",\n    license: b\"GPL\",\n}\nstruct M;\nimpl kernel::Module for M {\n    fn init(_module: &'static ThisModule) -> Result<Self> {\n        pr_info!(\"hello\\n\");\n        Ok(M)\n    }\n}\n";

struct Kernel {
    /// A copy of the headers that may be broken.
    tree: PathBuf,
    module: PathBuf,
    rustc: String,
    _keep: tempfile::TempDir,
}

impl Kernel {
    fn get() -> Option<Self> {
        let Some(headers) = std::env::var_os("RUSTKMOD_TEST_HEADERS").map(PathBuf::from) else {
            common::skip("RUSTKMOD_TEST_HEADERS names no headers of a kernel with Rust");
            return None;
        };
        let fitting = common::command()
            .args(["toolchain", "--path", "--kdir"])
            .arg(&headers)
            .output()
            .unwrap();
        if !fitting.status.success() {
            common::skip("the rustc of these headers is not here");
            return None;
        }
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
        common::write(module.join("m.rs"), MODULE);
        let rustc = common::printed(&fitting).trim().to_string();
        Some(Self {
            tree,
            module,
            rustc,
            _keep: keep,
        })
    }

    /// The names of the checks that fail.
    fn doctor(&self) -> Vec<String> {
        let output = common::command()
            .args(["doctor", "--json", "--rustc", &self.rustc, "--kdir"])
            .arg(&self.tree)
            .output()
            .unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap();
        findings
            .iter()
            .filter(|finding| finding["status"] == "error")
            .map(|finding| finding["check"].as_str().unwrap().to_string())
            .collect()
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

    /// Both before and after something is broken, and with it mended again.
    fn broken(&self, name: &str, check: &str, damage: impl Fn(&Path)) {
        let path = self.tree.join(name);
        let kept = std::fs::read(&path).unwrap();
        damage(&path);
        assert_eq!(self.doctor(), [check], "{name}");
        let said = self.make().expect_err(name);
        // What make said is known to explain, too.
        let log = self.module.join("log");
        std::fs::write(&log, &said).unwrap();
        let explained = common::rustkmod(&["explain", "--json", log.to_str().unwrap()]);
        let document: serde_json::Value = serde_json::from_slice(&explained.stdout).unwrap();
        let known = document["known"].as_array().unwrap();
        let is_known = known.iter().any(|known| known["status"] == "error");
        assert!(is_known, "{name}: {said}");
        std::fs::write(&path, kept).unwrap();
    }
}

#[test]
fn doctor_says_before_what_make_says_after() {
    let Some(kernel) = Kernel::get() else { return };
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
    for name in ["core", "compiler_builtins", "alloc", "bindings", "kernel"] {
        kernel.broken(&format!("rust/lib{name}.rmeta"), "crates", remove);
    }
    kernel.broken("rust/libmacros.so", "crates", remove);
    kernel.broken("rust/target.json", "target", remove);
    kernel.broken("rust/libkernel.rmeta", "crates-agree", |path| {
        let whole = std::fs::read(path).unwrap();
        std::fs::write(path, &whole[..whole.len() / 2]).unwrap();
    });
    kernel.broken("rust/libcore.rmeta", "crates-agree", |path| {
        std::fs::write(path, "").unwrap()
    });
    assert_eq!(kernel.doctor(), [""; 0]);
    kernel.make().unwrap();
}
