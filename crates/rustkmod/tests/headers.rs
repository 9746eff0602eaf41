// SPDX-License-Identifier: MIT OR Apache-2.0

//! Installed headers as Arch lays them out: the directories of other architectures are gone.

mod common;

#[test]
fn why_works_on_headers_without_the_other_architectures() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| common::write(directory.path().join(name), text);
    write(
        "Kconfig",
        "source \"arch/x86/Kconfig\"\nsource \"crypto/Kconfig\"\n",
    );
    write("arch/x86/Kconfig", "config X86\n\tdef_bool y\n");
    write(
        "crypto/Kconfig",
        "if ARM\nsource \"arch/arm/crypto/Kconfig\"\nendif\nconfig RUST\n\tbool \"Rust\"\n",
    );
    write(".config", "CONFIG_X86=y\n");
    let kdir = directory.path().to_str().unwrap();
    let output = common::rustkmod(&["why", "RUST", "--fragment", "--kdir", kdir]);
    assert_eq!(common::printed(&output), "CONFIG_RUST=y\n");

    // A file of its own that is missing is still an error.
    std::fs::remove_dir_all(directory.path().join("arch/x86")).unwrap();
    let output = common::rustkmod(&["why", "RUST", "--kdir", kdir]);
    assert_eq!(output.status.code(), Some(2));
}
