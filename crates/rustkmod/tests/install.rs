// SPDX-License-Identifier: MIT OR Apache-2.0

//! `toolchain --install`, with the real rustup in a home of its own.

mod common;

use std::path::Path;
use std::process::{Command, Output};

/// A tree made by a rustc that rustup has, and that nobody has installed.
const RUSTC: &str = "rustc 1.63.0 (4b91a6ea7 2022-08-08)";

fn tree(directory: &Path) {
    common::write(directory.join("Makefile"), "VERSION = 6\nPATCHLEVEL = 1\n");
    common::write(
        directory.join("include/config/kernel.release"),
        "6.1.0-test\n",
    );
    let config = format!("CONFIG_RUST=y\nCONFIG_RUSTC_VERSION_TEXT=\"{RUSTC}\"\n");
    common::write(directory.join("include/config/auto.conf"), &config);
    common::write(directory.join(".config"), &config);
}

/// The program with rustup's home, and cargo's, in `home`.
fn toolchain(home: &Path, kdir: &Path, arguments: &[&str], server: Option<&str>) -> Output {
    let mut command = common::command();
    command
        .env("RUSTUP_HOME", home.join("rustup"))
        .env("CARGO_HOME", home.join("cargo"))
        .arg("toolchain")
        .arg("--kdir")
        .arg(kdir)
        .args(arguments);
    if let Some(server) = server {
        command.env("RUSTUP_DIST_SERVER", server);
    }
    command.output().unwrap()
}

#[test]
#[ignore = "needs rustup and the network"]
fn the_rustc_is_fetched_and_its_path_printed() {
    let keep = tempfile::tempdir().unwrap();
    let home = keep.path().canonicalize().unwrap();
    let kdir = home.join("kdir");
    tree(&kdir);
    let before = toolchain(&home, &kdir, &["--path"], None);
    assert_eq!(before.status.code(), Some(1), "{before:?}");
    let output = toolchain(&home, &kdir, &["--install", "--path"], None);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let path = common::printed(&output);
    let path = path.trim_end();
    assert!(Path::new(path).starts_with(home.join("rustup")), "{path}");
    let version = Command::new(path).arg("--version").output().unwrap();
    assert_eq!(common::printed(&version).trim_end(), RUSTC);
    // Nothing is fetched twice, nor asked for.
    let nowhere = Some("http://127.0.0.1:9");
    let again = toolchain(&home, &kdir, &["--install", "--path"], nowhere);
    assert_eq!(common::printed(&again).trim_end(), path, "{again:?}");
}

#[test]
#[ignore = "needs rustup"]
fn a_server_that_does_not_answer_leaves_nothing_behind() {
    let keep = tempfile::tempdir().unwrap();
    let home = keep.path().canonicalize().unwrap();
    let kdir = home.join("kdir");
    tree(&kdir);
    let nowhere = Some("http://127.0.0.1:9");
    let output = toolchain(&home, &kdir, &["--install", "--path"], nowhere);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(common::printed(&output), "");
    let said = String::from_utf8_lossy(&output.stderr);
    let command = "rustup toolchain install 1.63.0 --profile minimal";
    assert!(said.contains(command), "{said}");
    let is_own = |line: &&str| line.starts_with("error: ") && line.contains(command);
    assert_eq!(said.lines().filter(is_own).count(), 1, "{said}");
    let left = std::fs::read_dir(home.join("rustup/toolchains"));
    assert_eq!(left.into_iter().flatten().count(), 0);
}
