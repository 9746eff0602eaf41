// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make` from the installed headers, by a user who knows nothing of Rust toolchains.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
};

use libtest_mimic::Failed;
use vm::{boot::put_program, files::repository, machine::Machine, mounts::bind, run::answer};

use crate::lab::{Lab, ran, says, text, trials};

trials![
    make_without_argument_builds_the_module,
    make_builds_in_directories_with_odd_names,
    make_needs_no_network,
    moved_headers_build_with_the_packaged_rustc,
    another_rustc_is_refused_before_anything_compiles,
    a_missing_toolchain_is_named,
    missing_and_damaged_crates_are_named,
    modules_in_c_do_not_need_rust,
    the_dkms_check_names_each_reason,
    rustkmod_is_right_on_these_packages,
    headers_without_their_rustc_are_told_from_roots,
];

/// The module's directory at `place`, which the user owns.
pub fn checkout(machine: &Machine, place: &str) -> Result<(), Failed> {
    let place = machine.path(place);
    fs::create_dir_all(&place)?;
    for name in ["rust_out_of_tree.rs", "Kbuild", "Makefile"] {
        fs::copy(
            repository().join("rust-out-of-tree-dkms").join(name),
            place.join(name),
        )?;
    }
    std::os::unix::fs::chown(place, Some(65534), Some(65534))?;
    Ok(())
}

/// `uname -r` of the kernel that would be running: the one thing here that is not real, because the
/// kernel under test does not run in this copy of the machine.
fn uname(lab: &Lab, machine: &Machine) -> Result<(), Failed> {
    let release = &lab.release;
    let script =
        format!("#!/bin/sh\n[ \"$1\" = -r ] && echo {release} || exec /usr/bin/uname \"$@\"\n");
    machine.write("/usr/local/bin/uname", &script)?;
    vm::files::make_executable(&machine.path("/usr/local/bin/uname"))?;
    Ok(())
}

#[track_caller]
fn is_built(output: &Output, machine: &Machine, place: &str) {
    assert!(output.status.success(), "{}", text(output));
    assert!(
        machine.path(place).join("rust_out_of_tree.ko").exists(),
        "{}",
        text(output)
    );
}

#[track_caller]
fn is_refused(output: &Output, machine: &Machine, place: &str, message: &[&str]) {
    assert!(!output.status.success(), "{}", text(output));
    says(&text(output), message);
    assert!(
        !machine.path(place).join("rust_out_of_tree.o").exists(),
        "it compiled all the same"
    );
}

fn make_without_argument_builds_the_module(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    uname(lab, &machine)?;
    checkout(&machine, "/tmp/module")?;
    let output =
        machine.as_user("cd /tmp/module; PATH=/usr/local/bin:$PATH; unset HOME; make modules")?;
    is_built(&output, &machine, "/tmp/module");

    checkout(&machine, "/tmp/stock")?;
    let script = "cd /tmp/stock; PATH=/usr/local/bin:$PATH; \
                  make -C /lib/modules/$(uname -r)/build M=$PWD";
    is_built(&machine.as_user(script)?, &machine, "/tmp/stock");
    let vermagic =
        machine.as_user("/usr/sbin/modinfo -F vermagic /tmp/stock/rust_out_of_tree.ko")?;
    assert!(
        text(&vermagic).starts_with(&format!("{} ", lab.release)),
        "{}",
        text(&vermagic)
    );
    Ok(())
}

fn make_builds_in_directories_with_odd_names(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let mut running = Vec::new();
    for (number, name) in [
        "my first module",
        "it's",
        "a&b",
        "a(b)",
        "sp \"q",
        "a$b",
        "a#b",
        "a:b",
        "a%b",
        "x $(touch ran)",
    ]
    .into_iter()
    .enumerate()
    {
        let place = format!("/tmp/{number}/{name}");
        checkout(&machine, &place)?;
        // The name reaches the shell by its argument, as by a file manager.
        let mut command = machine.command("sh");
        command.args([
            "-euc",
            r#"cd "$1"; make KDIR="$2""#,
            "sh",
            &place,
            &lab.kdir(),
        ]);
        let make = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        running.push((place, make?));
    }
    for (place, make) in running {
        is_built(&make.wait_with_output()?, &machine, &place);
        assert!(
            !machine.path(&place).join("ran").exists(),
            "a directory's name was executed"
        );
    }
    Ok(())
}

fn make_needs_no_network(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    checkout(&machine, "/tmp/module")?;
    let script = format!("cd /tmp/module; make KDIR={}", lab.kdir());
    let output = machine
        .command("unshare")
        .args(["--net", "sh", "-euc", &script])
        .output()?;
    is_built(&output, &machine, "/tmp/module");
    Ok(())
}

fn moved_headers_build_with_the_packaged_rustc(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    checkout(&machine, "/tmp/module")?;
    fs::rename(machine.path(&lab.kdir()), machine.path("/opt/moved")).or_else(|_| {
        // A directory of a lower layer cannot be renamed.
        let copied = machine
            .command("cp")
            .args(["-a", &lab.kdir(), "/opt/moved"])
            .status()?;
        assert!(copied.success());
        fs::remove_dir_all(machine.path(&lab.kdir()))
    })?;
    let output = machine.as_user("cd /tmp/module; make KDIR=/opt/moved")?;
    is_built(&output, &machine, "/tmp/module");
    Ok(())
}

/// A real rustc of another version: the one that compiles these programs.
fn lend_other_rustc(machine: &Machine) -> Result<String, Failed> {
    let place = machine.path("/opt/rust");
    fs::create_dir_all(&place)?;
    let sysroot = answer("rustc", ["--print", "sysroot"]);
    bind(Path::new(&sysroot), &place)?;
    Ok("/opt/rust/bin/rustc".to_owned())
}

fn another_rustc_is_refused_before_anything_compiles(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let other = lend_other_rustc(&machine)?;
    checkout(&machine, "/tmp/module")?;
    let script = format!("cd /tmp/module; make KDIR={} RUSTC={other}", lab.kdir());
    let output = machine.as_user(&script)?;
    let version = text(&machine.as_user(&format!("{other} --version"))?);
    assert!(version.starts_with("rustc 1."), "{version}");
    let row = &lab.shop.series;
    let message = [
        "error: '/opt/rust/bin/rustc' cannot read the Rust crates of these headers",
        &format!("note: they were made by: rustc {} (", row.rustc),
        &format!("note: RUSTC would run:   {}", version.trim()),
        "help: leave RUSTC out: make then runs /usr/lib/rust162/bin/rustc",
    ];
    is_refused(&output, &machine, "/tmp/module", &message);

    // A single file is not let through either; with the right rustc it is made.
    let single = format!(
        "cd /tmp/module; make -C {} M=$PWD rust_out_of_tree.s",
        lab.kdir()
    );
    let output = machine.as_user(&format!("{single} RUSTC={other}"))?;
    is_refused(&output, &machine, "/tmp/module", &message);
    let output = machine.as_user(&single)?;
    assert!(output.status.success(), "{}", text(&output));
    assert!(machine.path("/tmp/module/rust_out_of_tree.s").exists());
    Ok(())
}

fn a_missing_toolchain_is_named(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    checkout(&machine, "/tmp/module")?;
    fs::remove_dir_all(machine.path("/usr/lib/rust162"))?;
    let output = machine.as_user(&format!("cd /tmp/module; make KDIR={}", lab.kdir()))?;
    let message = [
        "error: the Rust compiler of these headers is not there",
        &format!("note: they were made by: rustc {}", lab.shop.series.rustc),
        "help: install it, from where makepkg left the package: sudo pacman -U rust162-1.62.0-",
    ];
    is_refused(&output, &machine, "/tmp/module", &message);
    Ok(())
}

fn truncate(path: &Path) -> std::io::Result<()> {
    let length = path.metadata()?.len();
    OpenOptions::new()
        .write(true)
        .open(path)?
        .set_len(length / 2)
}

fn missing_and_damaged_crates_are_named(lab: &Lab) -> Result<(), Failed> {
    type Damage = fn(&Path) -> std::io::Result<()>;
    let cases: [(&str, Damage, &str); 6] = [
        (
            "rust/libkernel.rmeta",
            |path| fs::remove_file(path),
            "'rust/libkernel.rmeta' is missing",
        ),
        (
            "rust/target.json",
            |path| fs::remove_file(path),
            "'rust/target.json' is missing",
        ),
        (
            "rust",
            // With the list of what was there.
            |path| fs::remove_dir_all(path),
            "'rust/libcore.rmeta' is missing",
        ),
        (
            "rust/libcore.rmeta",
            truncate,
            "'rust/libcore.rmeta' of these headers is damaged",
        ),
        (
            "rust/libmacros.so",
            truncate,
            "'rust/libmacros.so' of these headers is damaged",
        ),
        (
            "rust/liballoc.rmeta",
            |path| fs::write(path, ""),
            "'rust/liballoc.rmeta' of these headers is damaged",
        ),
    ];
    for (file, damage, message) in cases {
        let machine = lab.machine()?;
        checkout(&machine, "/tmp/module")?;
        damage(&machine.path(&lab.kdir()).join(file))?;
        let output = machine.as_user(&format!("cd /tmp/module; make KDIR={}", lab.kdir()))?;
        is_refused(&output, &machine, "/tmp/module", &[message]);
        if file != "rust" {
            says(
                &text(&output),
                &[
                    "from where makepkg left the package: sudo pacman -U linux-rust-lts61-vm-headers-6.1.",
                ],
            );
        }
    }
    Ok(())
}

fn modules_in_c_do_not_need_rust(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    fs::remove_dir_all(machine.path("/usr/lib/rust162"))?;
    machine.write("/tmp/c/Kbuild", "obj-m := hello.o\n")?;
    machine.write(
        "/tmp/c/hello.c",
        "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"C\");\n",
    )?;
    // A Rust file of that name beside it is not what is compiled.
    machine.write("/tmp/c/hello.rs", "")?;
    ran(machine
        .command("make")
        .args(["-C", &lab.kdir(), "M=/tmp/c"]))?;
    assert!(machine.path("/tmp/c/hello.ko").exists());

    // Nor is a C file of a module that has both: its own mistakes are seen without Rust.
    machine.write("/tmp/both/Kbuild", "obj-m := both.o\nboth-y := c.o r.o\n")?;
    machine.write("/tmp/both/c.c", "#include <linux/module.h>\n")?;
    machine.write("/tmp/both/r.rs", "#![no_std]\n")?;
    let output = machine
        .command("make")
        .args(["-k", "-C", &lab.kdir(), "M=/tmp/both"])
        .output()?;
    assert!(!output.status.success(), "{}", text(&output));
    says(
        &text(&output),
        &["error: the Rust compiler of these headers is not there"],
    );
    assert!(machine.path("/tmp/both/c.o").exists(), "{}", text(&output));
    assert!(!machine.path("/tmp/both/r.o").exists());
    Ok(())
}

fn the_dkms_check_names_each_reason(lab: &Lab) -> Result<(), Failed> {
    type Damage = fn(&Machine, &Path);
    let version = lab.release.trim_end_matches("-rust-lts61-vm");
    let again = format!("sudo pacman -U linux-rust-lts61-vm-headers-{version}-*.pkg.tar.zst");
    let cases: [(&str, Damage, &[&str]); 7] = [
        ("good", |_, _| {}, &[]),
        (
            "no headers",
            |_, kdir| fs::remove_file(kdir.join(".config")).expect("a .config"),
            &["error: there are no headers for", &again],
        ),
        (
            "another kernel's",
            |_, kdir| {
                fs::write(kdir.join("include/config/kernel.release"), "6.0.1-arch1\n")
                    .expect("written");
            },
            &[
                "error: the headers are another kernel's",
                "are of 6.0.1-arch1",
            ],
        ),
        (
            "no Rust",
            |_, kdir| {
                let config = fs::read_to_string(kdir.join(".config")).expect("a .config");
                let config = config.replace("CONFIG_RUST=y", "# CONFIG_RUST is not set");
                fs::write(kdir.join(".config"), config).expect("written");
            },
            &["has no Rust", "CONFIG_RUST is not set in"],
        ),
        (
            "no rmeta",
            |_, kdir| fs::remove_file(kdir.join("rust/libkernel.rmeta")).expect("an rmeta"),
            &[
                "error: these headers cannot build Rust modules",
                "rust/libkernel.rmeta is not in",
            ],
        ),
        (
            "no symbols",
            |_, kdir| fs::remove_file(kdir.join("Module.symvers")).expect("a Module.symvers"),
            &["error: no module could be linked to the Rust code of this kernel"],
        ),
        (
            "no lld",
            |machine, _| fs::remove_file(machine.path("/usr/bin/ld.lld")).expect("ld.lld"),
            &[
                "error: 'ld.lld' is not installed",
                "help: sudo pacman -S clang lld llvm",
            ],
        ),
    ];
    for (name, damage, message) in cases {
        let machine = lab.machine()?;
        damage(&machine, &machine.path(&lab.kdir()));
        let (module, release) = ("rust-out-of-tree/1.0", &*lab.release);
        let output = machine
            .command("dkms")
            .args(["build", "--force", module, "-k", release])
            .output()?;
        // Some versions of dkms succeed when a kernel is excluded: what counts is the module.
        let built = machine
            .path("/var/lib/dkms")
            .join(module)
            .join(release)
            .join("x86_64/module");
        assert_eq!(
            built.join("rust_out_of_tree.ko.zst").exists() && output.status.success(),
            message.is_empty(),
            "{name}: {}",
            text(&output)
        );

        // Where dkms itself finds a reason, it does not come to the check.
        let output = check_headers(lab, &machine)?;
        assert_eq!(
            output.status.success(),
            message.is_empty(),
            "{name}: {}",
            text(&output)
        );
        says(&text(&output), message);
    }
    Ok(())
}

/// What the DKMS package asks before it builds, as dkms runs it.
fn check_headers(lab: &Lab, machine: &Machine) -> Result<Output, Failed> {
    Ok(machine
        .command("sh")
        .args(["-euc", r#"cd /tmp; exec "$@""#, "sh"])
        .arg("/usr/src/rust-out-of-tree-1.0/check-headers")
        .args([&lab.release, &lab.kdir()])
        .output()?)
}

/// Headers that do not bring their rustc, as those of Arch's own kernel: make runs root's.
fn headers_without_their_rustc_are_told_from_roots(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let kdir = machine.path(&lab.kdir());
    let config = fs::read_to_string(kdir.join(".config"))?;
    let made_by = config
        .lines()
        .find_map(|line| line.strip_prefix("CONFIG_RUSTC_VERSION_TEXT="))
        .ok_or("no rustc")?;
    fs::remove_file(kdir.join("rust/toolchain.mk"))?;
    let install = format!("sudo rustup default {}", lab.shop.series.rustc);
    let another = "rustc 1.99.0 (0123456789 2026-01-01)";
    for (rustc, wanted) in [
        (format!("echo {made_by}"), vec![]),
        (
            format!("echo '{another}'"),
            vec!["this rustc cannot read", another, &install],
        ),
        (
            "echo 'error: no default is configured' >&2; exit 1".into(),
            vec!["is nothing: error: no default is configured", &install],
        ),
    ] {
        let program = "/usr/local/bin/rustc";
        machine.write(program, &format!("#!/bin/sh\n{rustc}\n"))?;
        fs::set_permissions(machine.path(program), fs::Permissions::from_mode(0o755))?;
        let output = check_headers(lab, &machine)?;
        assert_eq!(
            output.status.success(),
            wanted.is_empty(),
            "{}",
            text(&output)
        );
        says(&text(&output), &wanted);
    }
    Ok(())
}

/// The installed packages are sound to `doctor` and `check`; broken, `doctor` says so before make
/// does, and the DKMS check shows what it found.
fn rustkmod_is_right_on_these_packages(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    put_program(&machine)?;
    let run = |arguments: &[&str]| machine.command("rustkmod").args(arguments).output();

    let doctor = run(&["doctor", "--kdir", &lab.kdir()])?;
    assert_eq!(doctor.status.code(), Some(0), "{}", text(&doctor));
    let built = format!(
        "/usr/lib/modules/{}/updates/dkms/rust_out_of_tree.ko.zst",
        lab.release
    );
    let check = run(&["check", &built, "--kernel", &lab.release])?;
    assert_eq!(check.status.code(), Some(0), "{}", text(&check));
    let toolchain = run(&["toolchain", "--path", "--kdir", &lab.kdir()])?;
    assert_eq!(text(&toolchain).trim(), "/usr/lib/rust162/bin/rustc");

    checkout(&machine, "/tmp/module")?;
    fs::remove_file(machine.path(&lab.kdir()).join("rust/libkernel.rmeta"))?;
    let doctor = run(&["doctor", "--quiet", "--kdir", &lab.kdir()])?;
    assert_eq!(doctor.status.code(), Some(1), "{}", text(&doctor));
    says(&text(&doctor), &["error[crates]", "libkernel.rmeta"]);
    let make = machine.as_user(&format!("cd /tmp/module; make KDIR={}", lab.kdir()))?;
    is_refused(
        &make,
        &machine,
        "/tmp/module",
        &["'rust/libkernel.rmeta' is missing"],
    );
    let dkms = check_headers(lab, &machine)?;
    assert!(!dkms.status.success());
    says(
        &text(&dkms),
        &["rustkmod doctor has found:", "error[crates]"],
    );
    Ok(())
}
