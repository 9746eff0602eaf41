// SPDX-License-Identifier: MIT OR Apache-2.0

//! Modules that others have published: C modules that Debian packages for DKMS, on a kernel that clang
//! built; and bcachefs, a file system that is partly Rust.

use std::{env, fs, path::Path, process::Command};

use kernel_boot::Verdict;
use libtest_mimic::Failed;
use vm::{
    boot::{boot, run_in},
    machine::Machine,
    package_files::for_modules,
    source::newest_package,
    workshop::Workshop,
};

use crate::lab::{self, Lab, ran, slow, slow_of_all_series, text, trials};

/// Names a checkout of bcachefs-tools, which is not part of this project.
const BCACHEFS: &str = "LINUX_RUST_BCACHEFS";

trials![
    published_c_module_works_on_each_series,
    published_c_modules_of_every_kind_work => slow,
    bcachefs_is_built_with_its_rust
        => |lab| slow_of_all_series(lab) && env::var_os(BCACHEFS).is_some(),
];

/// Makes a file system, fills it, checks it while nobody uses it, and reads it once more.
const KEEPS_FILES: &str = "set -e
    cd /tmp
    truncate --size 256M disk
    disk=$(losetup --show --find disk)
    modprobe bcachefs
    bcachefs format --quiet --force --compression=lz4 --data_checksum=crc32c \"$disk\"
    mkdir on
    mount -t bcachefs \"$disk\" on
    cp -r /usr/share/perl5 on
    diff -r /usr/share/perl5 on/perl5
    umount on
    bcachefs fsck -n \"$disk\" && echo clean filesystem
    mount -t bcachefs \"$disk\" on
    diff -r /usr/share/perl5 on/perl5 && echo what was written was read
    umount on
    modprobe -r bcachefs";

/// A module in C as somebody else packages it.
struct Published {
    /// Debian's package.
    package: &'static str,
    /// DKMS's name of it.
    name: &'static str,
    /// One of its modules, which needs the others.
    module: &'static str,
}

/// Has DKMS build it for the kernel from Debian's package, and loads it. Without an answer, the
/// module's own dkms.conf says that it is not for this kernel.
fn works(
    lab: &Lab,
    machine: &Machine,
    kernel: &str,
    published: &Published,
) -> Result<bool, Failed> {
    let Published {
        package,
        name,
        module,
    } = published;
    let deb = newest_package(package, &lab.shop.cache, &lab.shop.progress)?;
    ran(Command::new("dpkg-deb")
        .arg("-x")
        .args([&deb, &machine.root()]))?;
    let version = fs::read_dir(machine.path("/usr/src"))?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find_map(|entry| Some(entry.strip_prefix(name)?.strip_prefix('-')?.to_owned()))
        .ok_or("a version")?;
    let source = format!("{name}/{version}");
    let output = machine
        .command("dkms")
        .args(["install", "--force", &source, "-k", kernel])
        .output()?;
    // dkms's own status for BUILD_EXCLUSIVE.
    if output.status.code() == Some(77) {
        return Ok(false);
    }
    let log = format!("/var/lib/dkms/{source}/build/make.log");
    let log = fs::read_to_string(machine.path(&log)).unwrap_or_default();
    assert!(
        output.status.success(),
        "{kernel}: {}\n{log}",
        text(&output)
    );
    ran(machine.command("depmod").arg(kernel))?;
    let boot = boot(&lab.shop.cache, name, machine, kernel, &[module.into()], "")?;
    assert_eq!(boot.verdict, Verdict::Good, "{kernel}: {}", boot.log);
    Ok(true)
}

fn published_c_module_works_on_each_series(lab: &Lab) -> Result<(), Failed> {
    let published = Published {
        package: "acpi-call-dkms",
        name: "acpi-call",
        module: "acpi_call",
    };
    for (_, machine) in lab.each_series()? {
        let kernel = machine.kernel()?;
        assert!(works(lab, &machine, &kernel, &published)?, "{kernel}");
    }
    Ok(())
}

/// A machine with a kernel that has what such modules want, and that kernel's release.
fn rich(lab: &Lab, shop: &Workshop, machine: &Machine) -> Result<String, Failed> {
    let before = machine.kernels()?;
    // The next release of the package, so that pacman has something to upgrade.
    let more = include_str!("../modules.config");
    let kept = lab.kernel_with("test-rich", shop, 2, more, &[])?;
    lab.pacman(machine, "rich", &for_modules(&kept.path)?)?;
    let new = machine
        .kernels()?
        .into_iter()
        .find(|kernel| !before.contains(kernel));
    Ok(new.ok_or("another kernel")?)
}

fn published_c_modules_of_every_kind_work(lab: &Lab) -> Result<(), Failed> {
    for (shop, machine) in lab.each_series()? {
        let kernel = rich(lab, shop, &machine)?;
        let mut worked = Vec::new();
        for published in [
            Published {
                package: "v4l2loopback-dkms",
                name: "v4l2loopback",
                module: "v4l2loopback",
            },
            Published {
                package: "openvpn-dco-dkms",
                name: "ovpn-dco",
                module: "ovpn-dco-v2",
            },
            Published {
                package: "lttng-modules-dkms",
                name: "lttng-modules",
                module: "lttng-tracer",
            },
        ] {
            if works(lab, &machine, &kernel, &published)? {
                worked.push(published.name);
            }
        }
        assert!(worked.contains(&"v4l2loopback"), "{kernel}: {worked:?}");
        println!("{kernel}: {}", worked.join(", "));
    }
    Ok(())
}

/// Its own `make install_dkms`, and DKMS. That its Rust is left out would be no error of its build.
fn bcachefs_is_built_with_its_rust(lab: &Lab) -> Result<(), Failed> {
    let checkout = env::var_os(BCACHEFS).ok_or("it is set")?;
    let (shop, machine) = lab.each_series()?.pop().ok_or("a series")?;
    let kernel = rich(lab, shop, &machine)?;
    let copy = shop.cache.directory("test-bcachefs", 0)?.join("tools");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    ran(Command::new("cp")
        .arg("-rT")
        .args([Path::new(&checkout), &copy]))?;
    ran(Command::new("make")
        .arg("-C")
        .args([copy.as_os_str(), "install_dkms".as_ref()])
        .arg(format!("DESTDIR={}", machine.root().display())))?;
    let source = fs::read_dir(machine.path("/usr/src"))?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find_map(|entry| Some(format!("bcachefs/{}", entry.strip_prefix("bcachefs-")?)))
        .ok_or("a version")?;
    let output = machine
        .command("dkms")
        .args(["install", &source, "-k", &kernel])
        .output()?;
    let log = format!("/var/lib/dkms/{source}/{kernel}/x86_64/log/make.log");
    let log = fs::read_to_string(machine.path(&log)).unwrap_or_default();
    assert!(output.status.success(), "{}\n{log}", text(&output));
    assert!(!log.contains("building without Rust"), "{log}");
    lab::says(&log, &["CODEGEN", "RUSTC [M] src/fs/bcachefs/mod.o"]);
    ran(machine.command("depmod").arg(&kernel))?;
    let modules = ["bcachefs".into()];
    let boot = boot(&shop.cache, "bcachefs", &machine, &kernel, &modules, "")?;
    assert_eq!(boot.verdict, Verdict::Good, "{}", boot.log);

    // And it keeps files, which needs the program of the same checkout.
    let program = copy.join("target/release/bcachefs");
    if !program.is_file() {
        println!(
            "{}: not built, so no file system was made",
            program.display()
        );
        return Ok(());
    }
    fs::copy(&program, machine.path("/usr/local/sbin/bcachefs"))?;
    let boot = run_in(&shop.cache, "bcachefs", &machine, &kernel, KEEPS_FILES)?;
    assert_eq!(boot.verdict, Verdict::Good, "{}", boot.log);
    lab::says(
        &boot.log,
        &["clean filesystem", "what was written was read"],
    );
    Ok(())
}
