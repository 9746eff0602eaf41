// SPDX-License-Identifier: MIT OR Apache-2.0

//! The packaging, as far as it can be seen without building anything.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn packaging(name: &str) -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    repository.join("linux-rust").join(name)
}

#[test]
fn pkgbuild_is_read_in_ten_minutes() {
    let text = fs::read_to_string(packaging("PKGBUILD")).unwrap();
    let prepare = text.lines().position(|line| line == "prepare() {").unwrap();
    assert!(text.lines().count() <= 320, "{}", text.lines().count());
    assert!(prepare < 129, "prepare() is at line {}", prepare + 1);
}

/// Runs check_config.sh in a tree with this `.config`: whether it was content, and what it said.
fn checked(config: &str, arguments: &[&str]) -> (bool, String) {
    let tree = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(tree.path().join(name), text).unwrap();
    write(
        "base",
        "CONFIG_A=y\nCONFIG_B=m\nCONFIG_RETPOLINE=y\nCONFIG_MITIGATION_X=y\n",
    );
    write(
        "options",
        "CONFIG_RUST=y\n# CONFIG_GCC_PLUGINS is not set\n",
    );
    write("Kconfig", "config B\nmenuconfig RETPOLINE\nconfig RUST\n");
    write(".config", config);
    let output = Command::new(packaging("check_config.sh").canonicalize().unwrap())
        .args(["base", "options"])
        .args(arguments)
        .current_dir(&tree)
        // No rustkmod, whatever this machine has.
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let mut said = String::from_utf8(output.stdout).unwrap();
    said += &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

#[test]
fn check_config_names_what_is_lost() {
    let all = "CONFIG_A=y\nCONFIG_B=m\nCONFIG_RETPOLINE=y\nCONFIG_RUST=y\n";
    // A mitigation that this series does not have is named, and not missed.
    let (good, said) = checked(all, &[]);
    assert!(good, "{said}");
    assert_eq!(
        said,
        "CONFIG_MITIGATION_X was asked for as y, and this kernel has no such option\n"
    );
    let (good, said) = checked(&all.replace("CONFIG_B=m\n", ""), &[]);
    assert!(good, "{said}");
    assert!(
        said.contains("CONFIG_B was asked for as m, and is n"),
        "{said}"
    );
    // localmodconfig takes modules away on purpose.
    let (_, said) = checked(&all.replace("CONFIG_B=m\n", ""), &["y"]);
    assert!(!said.contains("CONFIG_B"), "{said}");
}

#[test]
fn check_config_refuses_a_kernel_without_rust_or_a_mitigation() {
    let all = "CONFIG_A=y\nCONFIG_B=m\nCONFIG_RETPOLINE=y\nCONFIG_RUST=y\n";
    for (config, lost) in [
        (all.replace("CONFIG_RUST=y\n", ""), "RUST"),
        (all.replace("CONFIG_RETPOLINE=y\n", ""), "RETPOLINE"),
        (format!("{all}CONFIG_GCC_PLUGINS=y\n"), "GCC_PLUGINS"),
    ] {
        let (good, said) = checked(&config, &[]);
        assert!(!good, "{lost}: {said}");
        let error =
            format!("error: this configuration loses what no kernel here goes without: {lost}\n");
        assert!(said.contains(&error), "{said}");
        assert!(
            said.contains(&format!("help: rustkmod why {lost} --kdir /")),
            "{said}"
        );
    }
}
