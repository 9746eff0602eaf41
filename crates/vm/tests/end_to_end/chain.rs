// SPDX-License-Identifier: MIT OR Apache-2.0

//! From `pacman -U` to a loaded module, and through an upgrade.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use kernel_boot::Verdict;
use libtest_mimic::Failed;
use vm::{
    boot::{boot, put_program},
    demo::{MODULE, boot_installed},
    machine::Machine,
    package_files::{for_modules, package_name, packages},
};

use crate::lab::{Lab, logged, ran, says, text, trials};

trials![
    dkms_builds_the_module_inside_the_transaction,
    the_module_loads_prints_and_unloads,
    the_kernels_own_rust_modules_load,
    a_module_of_another_kernel_is_refused_and_the_boot_says_so,
    an_unsigned_module_is_rejected_where_the_kernel_asks_for_signatures,
    dkms_builds_whatever_comes_first,
    an_upgrade_rebuilds_the_module_by_itself,
    an_upgrade_whose_dkms_build_fails_keeps_the_old_kernel,
    a_kept_kernel_stays_until_its_modules_are_there,
    an_upgrade_of_the_kernel_alone_leaves_the_headers,
    removing_the_kernel_leaves_nothing,
    links_inside_the_copy_of_the_machine_stay_inside,
];

fn module_file(lab: &Lab, machine: &Machine) -> bool {
    machine
        .path(&format!(
            "/usr/lib/modules/{}/updates/dkms/{MODULE}.ko.zst",
            lab.release
        ))
        .exists()
}

fn dkms_builds_the_module_inside_the_transaction(lab: &Lab) -> Result<(), Failed> {
    assert!(
        module_file(lab, &lab.installed),
        "no {MODULE}.ko.zst in updates/dkms"
    );
    let status = lab.machine()?.command("dkms").arg("status").output()?;
    says(
        &text(&status),
        &["rust-out-of-tree", &lab.release, "installed"],
    );
    Ok(())
}

/// The installed kernel boots, and the module loads, prints and goes.
pub fn loads(lab: &Lab, machine: &Machine, name: &str, release: &str) -> Result<(), Failed> {
    let boot = boot_installed(&lab.shop, machine, name, release, "")?;
    let console = boot.console.display();
    assert_eq!(boot.verdict, Verdict::Good, "console: {console}");
    let steps = boot.report.steps.iter();
    let steps: Vec<_> = steps.map(|step| step.step.as_str()).collect();
    let boot_step = format!("boot {release}");
    assert_eq!(
        steps,
        [
            &*boot_step,
            "load rust_out_of_tree",
            "unload rust_out_of_tree"
        ]
    );
    let said: Vec<_> = boot
        .report
        .log()
        .filter_map(|line| line.strip_prefix("rust_out_of_tree: "))
        .collect();
    assert_eq!(
        said,
        [
            "loading out-of-tree module taints kernel.",
            "module verification failed: signature and/or required key missing - tainting kernel",
            "Hello from Rust, outside the kernel tree (init)",
            "My numbers are [72, 108, 200]",
            "Goodbye from Rust, outside the kernel tree (exit)",
        ]
    );
    Ok(())
}

fn the_module_loads_prints_and_unloads(lab: &Lab) -> Result<(), Failed> {
    loads(lab, &lab.machine()?, "loads", &lab.release)
}

fn the_kernels_own_rust_modules_load(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let cache = &lab.shop.cache;
    let modules = ["rust_minimal".into()];
    let boot = boot(cache, "samples", &machine, &lab.release, &modules, "")?;
    assert_eq!(boot.verdict, Verdict::Good);
    says(
        &logged(&boot),
        &["rust_minimal: Rust minimal sample (init)"],
    );
    Ok(())
}

fn a_module_of_another_kernel_is_refused_and_the_boot_says_so(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let foreign = machine.path("/tmp/rust_out_of_tree.ko");
    fs::write(&foreign, lab.foreign_module(&machine)?)?;
    let cache = &lab.shop.cache;
    let boot = boot(cache, "foreign", &machine, &lab.release, &[foreign], "")?;
    let Verdict::Failed(step) = &boot.verdict else {
        panic!("{:?}", boot.verdict)
    };
    says(step, &["load rust_out_of_tree", "Exec format error"]);
    says(&logged(&boot), &["version magic '6.9.", "should be '6.1."]);
    Ok(())
}

/// Under `module.sig_enforce=1` the kernel's own module loads and an unsigned one is rejected, in the
/// words that `rustkmod check` foretold.
fn an_unsigned_module_is_rejected_where_the_kernel_asks_for_signatures(
    lab: &Lab,
) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let enforced = |name: &str, module: PathBuf| {
        let enforce = "module.sig_enforce=1";
        let cache = &lab.shop.cache;
        boot(cache, name, &machine, &lab.release, &[module], enforce)
    };
    let own = enforced("signed", "rust_minimal".into())?;
    assert_eq!(own.verdict, Verdict::Good);
    says(&logged(&own), &["rust_minimal: Rust minimal sample"]);

    // dkms may have signed it, with a key that this kernel does not know; objcopy writes what ELF
    // knows of, and a signature is behind that.
    let unsigned = machine.path("/tmp/rust_out_of_tree.ko");
    let script = r#"zstd -dcqf "$1" >"$2.signed"; llvm-objcopy "$2.signed" "$2""#;
    let built = machine.module_files(&lab.release, MODULE)?;
    let status = Command::new("sh")
        .args(["-euc", script, "sh"])
        .arg(&built[0])
        .arg(&unsigned)
        .status()?;
    assert!(status.success(), "{script}");

    lab.force_signatures(&machine)?;
    put_program(&machine)?;
    let check = machine
        .command("rustkmod")
        .args(["check", "/tmp/rust_out_of_tree.ko"])
        .args(["--kernel", &lab.release])
        .output()?;
    assert_eq!(check.status.code(), Some(1), "{}", text(&check));
    let reason = "Loading of unsigned module is rejected";
    says(&text(&check), &["error[signature]", reason]);

    let boot = enforced("unsigned", unsigned)?;
    let Verdict::Failed(step) = &boot.verdict else {
        panic!("{:?}", boot.verdict)
    };
    says(step, &["load rust_out_of_tree", "Key was rejected"]);
    says(&logged(&boot), &[reason]);
    Ok(())
}

fn dkms_builds_whatever_comes_first(lab: &Lab) -> Result<(), Failed> {
    let dkms = packages(&lab.dkms.path)?;
    let mut headers = packages(&lab.toolchain.path)?;
    headers.extend(lab.some(&lab.first, &["linux-rust-lts61-vm-headers"])?);
    let kernel = lab.some(&lab.first, &["linux-rust-lts61-vm"])?;
    for (name, order) in [
        ("dkms-first", [&dkms, &kernel, &headers]),
        ("kernel-first", [&kernel, &headers, &dkms]),
    ] {
        let machine = lab.bare_machine()?;
        let mut said = String::new();
        for packages in order {
            said = lab.pacman(&machine, name, packages)?;
        }
        assert!(module_file(lab, &machine), "{name}: not built:\n{said}");
    }
    Ok(())
}

fn an_upgrade_rebuilds_the_module_by_itself(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    lab.pacman(&machine, "upgrade", &packages(&lab.second.path)?)?;
    let release = machine.kernel()?;
    assert_ne!(release, *lab.release);
    let left = machine.path(&format!("/usr/lib/modules/{}/vmlinuz", lab.release));
    assert!(!left.exists(), "the old kernel is still there");
    loads(lab, &machine, "upgrade", &release)
}

fn an_upgrade_whose_dkms_build_fails_keeps_the_old_kernel(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let good = break_source(&machine)?;
    // As mkinitcpio and kernel-modules-hook would have it.
    machine.write("/etc/mkinitcpio.d/linux-rust-lts61-vm.preset", "")?;
    let unit = "linux-modules-cleanup.service";
    machine.write(
        &format!("/etc/systemd/system/{unit}"),
        "[Service]\nExecStart=true\n[Install]\nWantedBy=basic.target\n",
    )?;
    ran(machine.command("systemctl").args(["enable", unit]))?;
    let said = lab.pacman(&machine, "failed-upgrade", &for_modules(&lab.second.path)?)?;
    let new = lab.release.replace("-1-", "-2-");
    says(
        &said,
        &[
            &format!("warning: not built for {new}: {MODULE}"),
            &format!("{} is kept, with its modules", lab.release),
            &format!(
                "sudo cp /usr/lib/modules/{0}/vmlinuz /boot/vmlinuz-{0} && \
                 sudo mkinitcpio -k {0} -g /boot/initramfs-{0}.img",
                lab.release
            ),
            &format!("sudo systemctl disable {unit}"),
        ],
    );
    assert_eq!(machine.kernels()?, [lab.release.clone(), new.clone()]);
    loads(lab, &machine, "kept", &lab.release)?;

    // Once it builds again, the next upgrade takes the kept kernel away.
    machine.write(SOURCE, &good)?;
    lab.pacman(&machine, "fixed-upgrade", &for_modules(&lab.second.path)?)?;
    assert_eq!(machine.kernels()?.as_slice(), std::slice::from_ref(&new));
    loads(lab, &machine, "fixed", &new)
}

const SOURCE: &str = "/usr/src/rust-out-of-tree-1.0/rust_out_of_tree.rs";

/// The module's source inside as it is, after it was broken.
fn break_source(machine: &Machine) -> Result<String, Failed> {
    let good = fs::read_to_string(machine.path(SOURCE))?;
    machine.write(SOURCE, &good.replace("pr_info!", "pr_infos!"))?;
    Ok(good)
}

fn a_kept_kernel_stays_until_its_modules_are_there(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let second = for_modules(&lab.second.path)?;
    break_source(&machine)?;
    lab.pacman(&machine, "kept-1", &second)?;
    // The obvious thing to try, and it fails again.
    let said = lab.pacman(&machine, "kept-2", &second)?;
    says(
        &said,
        &[
            &format!("{} is kept, with its modules", lab.release),
            &format!("to boot {}: make an initramfs of it", lab.release),
        ],
    );
    loads(lab, &machine, "kept-2", &lab.release)?;

    // Back to the old package, as the message says. DKMS cannot build for it either, and its module
    // of before is there all the same.
    let back = said
        .lines()
        .find_map(|line| line.split_once("where its packages are: sudo "))
        .map(|(_, command)| command.to_owned())
        .ok_or_else(|| format!("no way back in: {said}"))?;
    for package in packages(&lab.first.path)? {
        let name = package.file_name().unwrap_or_default().to_owned();
        fs::copy(&package, machine.path("/packages").join(name))?;
    }
    let assumed = "--noconfirm -dd";
    let back = back.replace("pacman -U", &format!("pacman -U {assumed}"));
    let output = machine.sh(&format!("cd /packages; {back}")).output()?;
    assert!(output.status.success(), "{back}: {}", text(&output));
    assert!(module_file(lab, &machine), "{}", text(&output));
    assert_eq!(
        machine.kernels()?.as_slice(),
        std::slice::from_ref(&*lab.release)
    );
    let names = second
        .iter()
        .map(|package| package_name(package).to_owned());
    nothing_is_missing(&machine, names)?;
    loads(lab, &machine, "kept-back", &lab.release)
}

/// `pacman -Qk` of these packages.
pub fn nothing_is_missing(
    machine: &Machine,
    names: impl IntoIterator<Item = String>,
) -> Result<(), Failed> {
    // It fails when a file is missing.
    ran(machine.command("pacman").arg("-Qk").args(names))?;
    Ok(())
}

fn an_upgrade_of_the_kernel_alone_leaves_the_headers(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    break_source(&machine)?;
    lab.pacman(
        &machine,
        "alone",
        &lab.some(&lab.second, &["linux-rust-lts61-vm"])?,
    )?;
    nothing_is_missing(&machine, ["linux-rust-lts61-vm-headers".to_owned()])?;
    loads(lab, &machine, "alone", &lab.release)
}

/// An absolute link, as of DKMS sources that are worked on, names a file of the real machine here.
fn links_inside_the_copy_of_the_machine_stay_inside(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.bare_machine()?;
    let real = tempfile::tempdir()?;
    let file = real.path().join("dkms.conf");
    fs::write(&file, "real")?;
    symlink(real.path(), machine.path("/usr/src").join("linked"))?;
    machine.write("/usr/src/linked/dkms.conf", "copy")?;
    let inside = machine
        .command("cat")
        .arg("/usr/src/linked/dkms.conf")
        .output()?;
    assert_eq!(text(&inside), "copy");
    assert_eq!(fs::read_to_string(&file)?, "real");
    fs::remove_file(machine.path("/usr/src/linked/dkms.conf"))?;
    assert!(file.exists());
    Ok(())
}

fn removing_the_kernel_leaves_nothing(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    ran(machine.command("pacman").args(
        "-R --noconfirm linux-rust-lts61-vm linux-rust-lts61-vm-headers rust162".split(' '),
    ))?;
    for left in [
        format!("/usr/lib/modules/{}/updates", lab.release),
        "/usr/src/linux-rust-lts61-vm".into(),
    ] {
        assert!(!machine.path(&left).exists(), "{left} is left");
    }
    assert!(!machine.path("/usr/lib/rust162").exists());
    assert!(machine.kernels()?.is_empty());
    Ok(())
}
