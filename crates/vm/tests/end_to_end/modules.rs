// SPDX-License-Identifier: MIT OR Apache-2.0

//! The modules that people really build: half C and half Rust, with bindings, a proc macro and a
//! program that generates code.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use libtest_mimic::Failed;
use vm::{
    boot::{module_file, put_program},
    host::BUILDER,
    machine::Machine,
};

use crate::lab::{Lab, ran, says, text, trials};

trials![
    mixed_module_works_on_each_series,
    mixed_module_follows_an_upgrade,
    new_mixed_module_passes_its_own_ci,
];

/// Where the module is built by hand.
const HOME: &str = "/home/author";

/// What user space does with /dev/mixed, which may keep nine bytes.
const USER_SPACE: &str = "set -e\n\
    test \"$(cat /sys/module/mixed/parameters/limit)\" = 9\n\
    printf 1234 >/dev/mixed\n\
    printf 56789 >/dev/mixed\n\
    if printf 0 >/dev/mixed; then exit 1; fi\n\
    echo \"read back: $(cat /dev/mixed)\"";

/// What it and the two modules say. cbf43926 is the CRC-32 of "123456789" in every textbook.
const SAID: [&str; 5] = [
    "mixed: /dev/mixed keeps 9 bytes in [\"bytes\", \"writes\"]",
    "mixed_peer: the CRC of 123456789 is cbf43926",
    "read back: 123456789",
    "mixed: 2 writes left bytes with the CRC cbf43926",
    "loaded and unloaded mixed, mixed_peer",
];

/// The module's sources, in a directory of a machine that belongs to the one who builds.
fn put_sources(machine: &Machine, to: &str) -> Result<(), Failed> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules/mixed");
    let inside = machine.path(to);
    fs::create_dir_all(inside.parent().ok_or("a parent")?)?;
    ran(Command::new("cp").arg("-rLT").args([&from, &inside]))?;
    ran(Command::new("chown")
        .args(["-R", &format!("{BUILDER}:{BUILDER}")])
        .arg(&inside))?;
    Ok(())
}

/// A shell script inside, as an unprivileged user without network.
fn offline(machine: &Machine, script: &str) -> Result<Output, Failed> {
    let id = BUILDER.to_string();
    let mut command = machine.command("unshare");
    command
        .args([
            "--net",
            "setpriv",
            "--clear-groups",
            "--reuid",
            &id,
            "--regid",
            &id,
        ])
        .args(["sh", "-euc", script])
        .env("HOME", HOME);
    Ok(command.output()?)
}

/// Boots the kernel, loads the modules, and has user space use the device.
fn used(machine: &Machine, kernel: &str, modules: &[&str]) -> Result<(), Failed> {
    let output = machine
        .command("rustkmod")
        .args([
            "boot",
            "--accel",
            "tcg",
            "--timeout",
            "180",
            "--kernel",
            kernel,
        ])
        .args(["--append", "mixed.limit=9", "--command", USER_SPACE])
        .args(modules)
        .output()?;
    let said = text(&output);
    assert!(output.status.success(), "{kernel}: {said}");
    says(&said, &SAID);
    Ok(())
}

/// By make and a user who may do nothing else.
pub fn by_make(machine: &Machine, kernel: &str) -> Result<(), Failed> {
    let directory = format!("{HOME}/mixed");
    put_sources(machine, &directory)?;
    let make = format!("cd {directory}; make KDIR=/usr/lib/modules/{kernel}/build");
    let output = offline(machine, &make)?;
    let said = text(&output);
    assert!(output.status.success(), "{kernel}: {said}");
    // That the compiler differs from the kernel's is kbuild's to say.
    let warned = said
        .lines()
        .find(|line| line.contains("warning") && !line.contains("the compiler differs"));
    assert_eq!(warned, None, "{kernel}: {said}");
    says(&said, &["BINDGEN", "HOSTRUSTC", "RUSTC [M]", "CC [M]"]);

    // Nothing is made again when nothing has changed.
    let again = text(&offline(machine, &make)?);
    for step in ["BINDGEN", "HOSTRUSTC", "RUSTC", "CC"] {
        assert!(!again.contains(step), "{kernel}: {again}");
    }
    let files = ["mixed.ko", "mixed_peer.ko"].map(|name| format!("{directory}/{name}"));
    // Neither is installed: the second finds the first one's symbols because both are named.
    ran(machine
        .command("rustkmod")
        .args(["check", "--kernel", kernel])
        .args(&files))?;
    used(machine, kernel, &files.each_ref().map(String::as_str))?;

    // And make clean leaves the sources alone.
    let cleaned = offline(machine, &format!("{make} clean"))?;
    assert!(cleaned.status.success(), "{kernel}: {}", text(&cleaned));
    let left = ran(Command::new("diff").arg("-r").args([
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules/mixed"),
        &machine.path(&directory),
    ]))?;
    assert_eq!(left, "", "{kernel}");
    Ok(())
}

/// `makepkg`, as a user without network.
fn package(lab: &Lab, machine: &Machine) -> Result<PathBuf, Failed> {
    let directory = format!("{HOME}/package");
    put_sources(machine, &directory)?;
    let output = offline(
        machine,
        &format!("cd {directory}; PKGEXT=.pkg.tar.zst makepkg --nodeps"),
    )?;
    assert!(output.status.success(), "{}", text(&output));
    let name = "mixed-dkms-1.0-1-any.pkg.tar.zst";
    let kept = lab.shop.cache.directory("test-modules", 0)?.join(name);
    fs::copy(machine.path(&format!("{directory}/{name}")), &kept)?;
    Ok(kept)
}

/// By DKMS, while pacman installs the package.
fn by_dkms(lab: &Lab, machine: &Machine, kernel: &str) -> Result<(), Failed> {
    let package = package(lab, machine)?;
    lab.pacman(machine, "mixed", &[package])?;
    // The second needs the first, which `check` finds where it is installed.
    let peer = module_file(machine, kernel, "mixed_peer")?.ok_or("mixed_peer")?;
    let peer = Path::new("/").join(peer.strip_prefix(machine.root())?);
    ran(machine
        .command("rustkmod")
        .args(["check", "--kernel", kernel])
        .arg(peer))?;
    used(machine, kernel, &["mixed_peer"])
}

fn mixed_module_works_on_each_series(lab: &Lab) -> Result<(), Failed> {
    for (_, machine) in lab.each_series()? {
        put_program(&machine)?;
        let kernel = machine.kernel()?;
        by_make(&machine, &kernel)?;
        by_dkms(lab, &machine, &kernel)?;
    }
    Ok(())
}

/// What `rustkmod new` has made is packaged, built, linted, checked and booted by its own script; and
/// an editor knows both halves.
fn new_mixed_module_passes_its_own_ci(lab: &Lab) -> Result<(), Failed> {
    for (_, machine) in lab.each_series()? {
        put_program(&machine)?;
        let kernel = machine.kernel()?;
        let home = machine.path(HOME);
        fs::create_dir_all(&home)?;
        chown(&home, Some(BUILDER), Some(BUILDER))?;
        let script = format!(
            "cd {HOME}; export PKGEXT=.pkg.tar.zst RUSTKMOD_ACCEL=tcg\n\
             rustkmod new greeter --kernel {kernel} --author A --template mixed --ci\n\
             cd greeter; makepkg --nodeps; ./ci {kernel}\n\
             rustkmod ide --kernel {kernel}; cat compile_commands.json"
        );
        let output = offline(&machine, &script)?;
        let said = text(&output);
        assert!(output.status.success(), "{kernel}: {said}");
        says(
            &said,
            &[
                "CLIPPY [M]",
                "greeter: Hello from Rust: /dev/greeter",
                "greeter: Goodbye, 0 bytes were kept",
                "rust-analyzer knows greeter_main",
                &format!("\"file\": \"{HOME}/greeter/greeter_device.c\""),
            ],
        );
        let ci = home.join("greeter/ci");
        ran(Command::new("shellcheck").arg(&ci))?;

        // The script fails where a lint does.
        let spoil = format!(
            "cd {HOME}/greeter; export RUSTKMOD_ACCEL=tcg\n\
             sed -i 's/^    given as i32/    let unused = given;\\n&/' greeter_main.rs; ./ci {kernel}"
        );
        let spoiled = offline(&machine, &spoil)?;
        assert!(!spoiled.status.success(), "{}", text(&spoiled));
        says(&text(&spoiled), &["unused variable: `unused`"]);
    }
    Ok(())
}

/// DKMS builds it for the new kernel while pacman installs that.
fn mixed_module_follows_an_upgrade(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    put_program(&machine)?;
    let package = package(lab, &machine)?;
    lab.pacman(&machine, "mixed-before", &[package])?;
    lab.pacman(
        &machine,
        "mixed-upgrade",
        &vm::package_files::for_modules(&lab.second.path)?,
    )?;
    let kernels = machine.kernels()?;
    let new = kernels.iter().find(|kernel| **kernel != *lab.release);
    used(&machine, new.ok_or("another kernel")?, &["mixed_peer"])
}
