// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bad input: each gets one message, a non-zero exit, and leaves nothing half-written.

use std::{env, fs, fs::OpenOptions, path::PathBuf, process::Command};

use libtest_mimic::Failed;

use vm::{
    mounts::{Unmount, bind, mount},
    source::Tarball,
};

use crate::lab::{Lab, says, text, trials};

trials![
    a_corrupt_tarball_is_refused => has_tarball,
    a_patch_that_does_not_apply_stops_the_build,
    a_libclang_that_does_not_fit_is_refused,
    without_root_the_command_is_named,
    without_qemu_and_network_the_command_is_named,
    without_space_nothing_is_begun,
    a_kernel_that_panics_is_a_verdict,
];

/// Where kernel.org answers there is no tarball here to damage.
fn has_tarball(lab: Option<&Lab>) -> bool {
    lab.is_some_and(|lab| lab.shop.tarball.is_some())
}

/// The program of `make vm`.
fn vm_program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_vm"))
}

fn a_corrupt_tarball_is_refused(lab: &Lab) -> Result<(), Failed> {
    let tarball = lab.shop.tarball.as_ref().ok_or("no tarball")?;
    let directory = lab.shop.cache.directory("test-build", vm::host::BUILDER)?;
    let copy = directory.join(tarball.path.file_name().unwrap_or_default());
    fs::copy(&tarball.path, &copy)?;
    let length = copy.metadata()?.len();
    OpenOptions::new()
        .write(true)
        .open(&copy)?
        .set_len(length / 2)?;
    let mut makepkg = lab.makepkg(lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg.srcdest = directory.join("corrupt");
    makepkg.set("_config", "vm").tarball = Some(Tarball {
        path: copy.clone(),
        ..tarball.clone()
    });
    let error = makepkg
        .run("preparing", &["--force", "--nobuild"])
        .expect_err("it was accepted");
    says(&error.to_string(), &["Failed to extract"]);
    fs::remove_file(copy)?;
    Ok(())
}

fn a_patch_that_does_not_apply_stops_the_build(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg.set("_config", "vm");
    let patch = makepkg.start.join(lab.shop.series.patch());
    let text = fs::read_to_string(&patch)?;
    fs::write(
        &patch,
        text.replace("/rust/target.json \\", "/rust/other.json \\"),
    )?;
    let error = makepkg
        .run("preparing", &["--force", "--nobuild"])
        .expect_err("it was accepted");
    says(
        &error.to_string(),
        &["FAILED at", "A failure occurred in prepare()"],
    );
    Ok(())
}

fn a_libclang_that_does_not_fit_is_refused(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg
        .set("_config", "vm")
        .set("LIBCLANG_PATH", "/no/such/directory");
    let error = makepkg
        .run("preparing", &["--force", "--nobuild"])
        .expect_err("it was accepted");
    says(&error.to_string(), &["A failure occurred in prepare()"]);
    Ok(())
}

fn without_root_the_command_is_named(_: &Lab) -> Result<(), Failed> {
    // A copy, because the program may lie where only root goes.
    let copy = readable_copy()?;
    let output = Command::new("setpriv")
        .args("--reuid=65534 --regid=65534 --clear-groups --inh-caps=-all".split(' '))
        .arg(&copy)
        .arg("run")
        .output()?;
    fs::remove_file(&copy)?;
    assert_eq!(output.status.code(), Some(1));
    says(
        &text(&output),
        &[
            "error: this needs root",
            "you are uid 65534",
            "help: sudo /",
        ],
    );
    Ok(())
}

fn readable_copy() -> Result<PathBuf, Failed> {
    let copy = env::temp_dir().join(format!("vm-{}", std::process::id()));
    fs::copy(vm_program(), &copy)?;
    vm::files::make_executable(&copy)?;
    Ok(copy)
}

fn without_qemu_and_network_the_command_is_named(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    fs::remove_file(machine.path("/usr/bin/qemu-system-x86_64"))?;
    // The program inside, its own cache, and no way out. What it reads of this repository is found
    // there as well, wherever that lies.
    let checkout = vm::files::repository();
    let inside = machine.path(&checkout.display().to_string());
    fs::create_dir_all(&inside)?;
    bind(&checkout, &inside)?;
    machine.write("/opt/init", "")?;
    fs::copy(vm_program(), machine.path("/opt/vm"))?;
    let output = machine
        .command("unshare")
        .args(["--net", "/opt/vm", "run"])
        .env("RUSTKMOD_INIT", "/opt/init")
        .env("LINUX_RUST_CACHE", "/opt/cache")
        .output()?;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    says(
        &text(&output),
        &[
            "Installing what is missing: qemu-system-x86...",
            "error: a tool is not installed",
            "note: needed to build and boot the kernel: qemu-system-x86",
            "help: sudo apt-get install --reinstall",
        ],
    );
    Ok(())
}

fn without_space_nothing_is_begun(lab: &Lab) -> Result<(), Failed> {
    let small = lab.shop.cache.directory("test-small", 0)?;
    mount("tmpfs", &small, "size=64m")?;
    let mounted = Unmount(&small);
    let output = Command::new(vm_program())
        .arg("run")
        .env("LINUX_RUST_CACHE", &small)
        .output()?;
    let left: Vec<_> = fs::read_dir(&small)?
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    drop(mounted);
    assert_eq!(output.status.code(), Some(1));
    says(
        &text(&output),
        &[
            "error: not enough space in",
            "64 MiB are free",
            "LINUX_RUST_CACHE=",
        ],
    );
    assert_eq!(left, ["lock"], "something was begun");
    Ok(())
}

fn a_kernel_that_panics_is_a_verdict(lab: &Lab) -> Result<(), Failed> {
    let boot = vm::boot::boot(
        &lab.shop.cache,
        "panics",
        &lab.installed,
        &lab.release,
        &[],
        "rdinit=/no/such/init",
    )?;
    says(
        &boot.verdict.to_string(),
        &["the kernel crashed", "Kernel panic"],
    );
    Ok(())
}
