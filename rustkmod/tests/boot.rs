// SPDX-License-Identifier: MIT OR Apache-2.0

//! `boot` on this machine: what it says when something is missing, and a kernel of Debian's that
//! is booted for real. The kernels of this project are booted by the tests of `vm`.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::{command, debian, debian_release, printed, skip, write};

/// As much of a kernel's image as is looked at.
fn image() -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes
}

/// A folder with a kernel that has an image and nothing else.
fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path().join("lib/modules/6.1-x/vmlinuz"), image());
    root
}

fn boot(root: &Path) -> Command {
    let mut command = command();
    command.env("RUSTKMOD_ACCEL", "tcg");
    command
        .arg("--root")
        .arg(root)
        .args(["boot", "--kernel", "6.1-x"]);
    command
}

/// It could not run, and says this.
#[track_caller]
fn says(output: &Output, wanted: &[&str]) {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    for wanted in wanted {
        assert!(said.contains(wanted), "not said: {wanted}\n{said}");
    }
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        skip(&format!("there is no {program} here"));
    }
    found
}

#[test]
fn what_this_machine_lacks_is_named() {
    let root = machine();
    let tools = tempfile::tempdir().unwrap();
    let output = boot(root.path())
        .env("PATH", tools.path())
        .output()
        .unwrap();
    says(
        &output,
        &["error: qemu-system-x86_64 is not installed", "help: "],
    );

    for (name, text) in [
        ("qemu-system-x86_64", "#!/bin/sh\n"),
        ("busybox", "#!/bin/sh\n"),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let path = tools.path().join(name);
        write(&path, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = boot(root.path())
        .env("PATH", tools.path())
        .env("RUSTKMOD_INIT", "/no/init")
        .output()
        .unwrap();
    says(&output, &["there is no /no/init"]);

    let output = boot(root.path())
        .env("PATH", tools.path())
        .env("RUSTKMOD_INIT", tools.path().join("busybox"))
        .args(["--command", "true"])
        .output()
        .unwrap();
    says(
        &output,
        &["error: busybox is not installed", "needs a static one"],
    );
}

#[test]
fn what_cannot_be_built_or_loaded_is_named() {
    let root = machine();
    let module = tempfile::tempdir().unwrap();
    let run = |argument: &Path| boot(root.path()).arg(argument).output().unwrap();
    says(
        &run(module.path()),
        &[
            "cannot be built: the headers of 6.1-x are not here",
            "/lib/modules/6.1-x/build",
        ],
    );
    write(root.path().join("lib/modules/6.1-x/build/Makefile"), "");
    says(
        &run(module.path()),
        &["is no module's folder", "neither Kbuild nor Makefile"],
    );
    says(
        &run(Path::new("none")),
        &["error: 6.1-x has no module none"],
    );
    says(
        &run(&root.path().join("lib/modules/6.1-x/vmlinuz")),
        &["is no kernel module", "it does not begin as ELF does"],
    );
}

#[test]
fn a_kernel_that_is_not_here_is_named() {
    let root = machine();
    let run = |kernel: &str| {
        let mut command = command();
        command.arg("--root").arg(root.path());
        command.args(["boot", "--kernel", kernel]).output().unwrap()
    };
    says(
        &run("6.9"),
        &[
            "error: the kernel 6.9 is not here",
            "rustkmod boot --kernel 6.1-x",
        ],
    );
    let package = root.path().join("linux-1-1-x86_64.pkg.tar.zst");
    write(&package, b"\x28\xb5\x2f\xfd cut off");
    says(&run(package.to_str().unwrap()), &["cannot be unpacked"]);
    let image = root.path().join("text");
    write(&image, "text");
    says(
        &run(image.to_str().unwrap()),
        &["is no kernel image of x86"],
    );
}

/// Another distribution's kernel, from the folder its package was unpacked in: other places, another
/// configuration, modules with dependencies.
#[test]
fn debians_kernel_boots_from_where_it_was_unpacked() {
    if !has("qemu-system-x86_64") {
        return;
    }
    if let Err(error) = rustkmod::boot::init() {
        skip(&error.to_string());
        return;
    }
    let Some(release) = debian_release() else {
        return;
    };
    let Some(root) = debian(&[&format!("linux-image-{release}")]) else {
        return;
    };
    let output = command()
        .env("RUSTKMOD_ACCEL", "tcg")
        .args(["boot", "--quiet", "--timeout", "180", "--kernel"])
        .arg(&root)
        .args(["bridge", "--json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let document: serde_json::Value = serde_json::from_str(&printed(&output)).unwrap();
    assert_eq!(document["kernelrelease"], release);
    assert_eq!(document["verdict"], "good");
    let steps: Vec<_> = document["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    let loads: Vec<_> = steps
        .iter()
        .filter(|step| step.starts_with("load"))
        .collect();
    assert_eq!(loads, [&"load llc", &"load stp", &"load bridge"]);
    assert_eq!(steps.last(), Some(&"unload llc"));
}
