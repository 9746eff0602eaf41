// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod ide` and the real rust-analyzer, on installed packages alone.
//!
//! `RUSTKMOD_TEST_HEADERS` names the headers, as in `kernel.rs`; toolchain and sources are unpacked
//! into the same directory.

mod common;
#[path = "common/lsp.rs"]
mod lsp;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::Packages;
use serde_json::{Value, json};

fn packages() -> Packages {
    let packages = common::packages();
    if packages.kdir.join("rust/kernel/lib.rs").exists() {
        return packages;
    }
    common::lacks("there are no sources of the kernel's crates beside the headers")
}

/// The real one: rustup's, or one in `PATH`.
fn rust_analyzer() -> PathBuf {
    let rustup = Command::new("rustup")
        .args(["which", "rust-analyzer"])
        .output();
    let path = match rustup {
        Ok(output) if output.status.success() => PathBuf::from(common::printed(&output).trim()),
        _ => PathBuf::from("rust-analyzer"),
    };
    let runs = Command::new(&path).arg("--version").output();
    if runs.is_ok_and(|output| output.status.success()) {
        return path;
    }
    common::lacks("rust-analyzer is not here: rustup component add rust-analyzer")
}

fn server(path: &Path) -> Command {
    let mut command = Command::new(path);
    // What a machine without any Rust but the kernel's has.
    command.env("PATH", "/usr/sbin:/sbin");
    command
}

fn ide(packages: &Packages, directory: &Path) -> Output {
    common::command()
        .arg("--root")
        .arg(&packages.root)
        .args(["--json", "ide", "--kernel", &packages.release])
        .arg(directory)
        .output()
        .unwrap()
}

/// What it says when it has written the file.
fn written(packages: &Packages, directory: &Path) -> Value {
    let output = ide(packages, directory);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
#[ignore = "needs the headers of a kernel with Rust: RUSTKMOD_TEST_HEADERS"]
fn an_editor_knows_a_new_module_and_the_sample() {
    let (packages, analyzer) = (packages(), rust_analyzer());
    let Packages { kdir, .. } = &packages;
    let directory = tempfile::tempdir().unwrap();
    let made = common::command()
        .current_dir(directory.path())
        .args(["new", "greeter", "--author", "A. Author", "--kdir"])
        .arg(kdir)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let module = std::fs::canonicalize(directory.path().join("greeter")).unwrap();
    let document = written(&packages, &module);
    assert_eq!(document["modules"], json!(["greeter"]));
    let (root, source) = (Path::new("/"), module.join("greeter.rs"));
    lsp::is_known(server(&analyzer), root, &source, "Greeter", kdir);

    // Its flags are made by functions of make, from the kernel's version.
    let sample = module.parent().unwrap().join("sample");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rust-out-of-tree-dkms");
    for name in ["Kbuild", "rust_out_of_tree.rs"] {
        common::write(sample.join(name), std::fs::read(from.join(name)).unwrap());
    }
    written(&packages, &sample);
    let source = sample.join("rust_out_of_tree.rs");
    lsp::is_known(server(&analyzer), root, &source, "RustOutOfTree", kdir);
}

#[test]
#[ignore = "needs the headers of a kernel with Rust: RUSTKMOD_TEST_HEADERS"]
fn what_make_computes_is_known_whatever_the_directory_is_called() {
    let packages = packages();
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("my $(first) #module's");
    common::write(
        module.join("Kbuild"),
        "obj-$(CONFIG_RUST) := pair.o sub/\nobj-m += in_c.o\nobj-$(CONFIG_NO_SUCH) += off.o\n\
         pair-y := one.o two.o\n\
         RUSTFLAGS_one.o := $(if $(filter $(VERSION),6 7),--cfg known) --cfg 'feature=\"x y\"'\n",
    );
    common::write(module.join("sub/Makefile"), "obj-m := below.o\n");
    for name in [
        "one.rs",
        "two.rs",
        "off.rs",
        "beside.rs",
        "in_c.c",
        "sub/below.rs",
    ] {
        common::write(module.join(name), "");
    }
    let module = std::fs::canonicalize(module).unwrap();
    let document = written(&packages, &module);
    assert_eq!(document["modules"], json!(["one", "two", "below"]));
    let text = std::fs::read_to_string(module.join("rust-project.json")).unwrap();
    let project: Value = serde_json::from_str(&text).unwrap();
    let crates = project["crates"].as_array().unwrap();
    let one = crates
        .iter()
        .find(|known| known["display_name"] == "one")
        .unwrap();
    let cfg = one["cfg"].as_array().unwrap();
    for wanted in [
        "known",
        "feature=\"x y\"",
        "MODULE",
        "CONFIG_RUST",
        "CONFIG_RUST=\"y\"",
    ] {
        assert!(cfg.iter().any(|cfg| cfg == wanted), "{wanted}");
    }
    assert_eq!(one["root_module"], module.join("one.rs").to_str().unwrap());
    // Every crate that is named is there, before those that use it.
    for (place, known) in crates.iter().enumerate() {
        assert!(
            Path::new(known["root_module"].as_str().unwrap()).is_file(),
            "{known}"
        );
        for dep in known["deps"].as_array().unwrap() {
            assert!(dep["crate"].as_u64().unwrap() < place as u64, "{known}");
        }
    }
}

#[test]
#[ignore = "needs the headers of a kernel with Rust: RUSTKMOD_TEST_HEADERS"]
fn a_kbuild_that_make_cannot_read_is_said() {
    let packages = packages();
    let module = tempfile::tempdir().unwrap();
    common::write(module.path().join("Kbuild"), "$(error no kernel of mine)\n");
    let output = ide(&packages, module.path());
    // With --json, errors are JSON as well.
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no kernel of mine"), "{said}");
    assert!(!module.path().join("rust-project.json").exists());
}
