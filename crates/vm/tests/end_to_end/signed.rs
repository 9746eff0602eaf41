// SPDX-License-Identifier: MIT OR Apache-2.0

//! A signing key of the user's own: what the PKGBUILD takes, and what DKMS and the kernel make of it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use kernel_boot::{Boot, Verdict};
use libtest_mimic::Failed;
use vm::{
    boot::{boot, put_program},
    demo::MODULE,
    host::BUILDER,
    machine::Machine,
};

use crate::{
    contents::all_unpacked,
    lab::{Lab, files, logged, ran, says, text, trials},
};

trials![
    dkms_signs_with_the_key_and_the_kernel_trusts_it,
    dkms_signs_with_another_key_and_the_kernel_does_not,
    the_signing_key_is_in_no_package_and_no_build,
    a_signing_key_that_is_none_is_refused,
];

/// Where the key lies in the machine.
const KEY: &str = "/etc/keys/modules.pem";

pub const ENFORCE: &str = "module.sig_enforce=1";

/// The installed module, built by DKMS as `framework.conf` says.
fn built(lab: &Lab, machine: &Machine, framework: &str) -> Result<PathBuf, Failed> {
    let conf = "/etc/dkms/framework.conf";
    let before = fs::read_to_string(machine.path(conf)).unwrap_or_default();
    machine.write(conf, &format!("{before}\n{framework}"))?;
    let script = format!(
        "dkms remove rust-out-of-tree/1.0 --all; dkms install rust-out-of-tree/1.0 -k {}",
        lab.release
    );
    ran(&mut machine.sh(&script))?;
    Ok(machine.module_files(&lab.release, MODULE)?.remove(0))
}

fn enforced(lab: &Lab, machine: &Machine, name: &str, module: PathBuf) -> Result<Boot, Failed> {
    let cache = &lab.shop.cache;
    Ok(boot(
        cache,
        name,
        machine,
        &lab.release,
        &[module],
        ENFORCE,
    )?)
}

/// `rustkmod check` of the installed module, for a kernel that asks for signatures.
fn check(lab: &Lab, machine: &Machine) -> Result<(Option<i32>, String), Failed> {
    lab.force_signatures(machine)?;
    put_program(machine)?;
    let module = format!(
        "/usr/lib/modules/{}/updates/dkms/{MODULE}.ko.zst",
        lab.release
    );
    let output = machine
        .command("rustkmod")
        .args(["check", &module, "--kernel", &lab.release])
        .output()?;
    Ok((output.status.code(), text(&output)))
}

fn signer(module: &Path) -> Result<String, Failed> {
    let output = ran(Command::new("modinfo").args(["-F", "signer"]).arg(module))?;
    Ok(output.trim().to_owned())
}

fn dkms_signs_with_the_key_and_the_kernel_trusts_it(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let key = lab.shop.signing_key()?.ok_or("a key")?;
    machine.write(KEY, &fs::read_to_string(key)?)?;
    fs::set_permissions(machine.path(KEY), fs::Permissions::from_mode(0o600))?;
    // One file is both; sign-file reads the certificate out of it.
    let framework = format!("mok_signing_key={KEY}\nmok_certificate={KEY}\n");
    let module = built(lab, &machine, &framework)?;
    assert_eq!(signer(&module)?, "The test machine's modules");

    let (code, said) = check(lab, &machine)?;
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("warning"), "{said}");

    let boot = enforced(lab, &machine, "dkms-signed", module)?;
    assert_eq!(boot.verdict, Verdict::Good, "{:?}", boot.console);
    let log = logged(&boot);
    says(&log, &["Hello from Rust, outside the kernel tree (init)"]);
    assert!(!log.contains("module verification failed"), "{log}");
    Ok(())
}

/// dkms's own key, which it makes where none is named. Which keys a kernel trusts is known to it
/// alone; `rustkmod check` says that it is not the one that its own modules are signed with.
fn dkms_signs_with_another_key_and_the_kernel_does_not(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    let module = built(lab, &machine, "")?;
    let by = signer(&module)?;
    assert!(!by.is_empty() && by != "The test machine's modules", "{by}");
    let (_, said) = check(lab, &machine)?;
    let reason = "Loading of module with unavailable key is rejected";
    let by = format!("'{by}'");
    says(
        &said,
        &[
            "warning[signature]",
            "another key",
            &by,
            "'The test machine's modules'",
            reason,
        ],
    );
    let boot = enforced(lab, &machine, "dkms-untrusted", module)?;
    let Verdict::Failed(step) = &boot.verdict else {
        panic!("{:?}", boot.verdict)
    };
    says(
        step,
        &["load rust_out_of_tree", "Key was rejected by service"],
    );
    says(&logged(&boot), &[reason]);
    Ok(())
}

fn the_signing_key_is_in_no_package_and_no_build(lab: &Lab) -> Result<(), Failed> {
    let key = lab.shop.signing_key()?.ok_or("a key")?;
    let mode = key.metadata()?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let pem = fs::read_to_string(&key)?;
    // A line out of the middle of the private half.
    let line = pem.lines().nth(20).ok_or("a key of many lines")?;
    let path = key.display().to_string();
    let holds = |file: &Path, needle: &str| -> Result<bool, Failed> {
        let content = fs::read(file)?;
        Ok(content
            .windows(needle.len())
            .any(|bytes| bytes == needle.as_bytes()))
    };
    assert!(holds(&key, line)?);
    for (name, package) in all_unpacked(lab)? {
        for file in files(&package) {
            for needle in [line, &path, "PRIVATE KEY-----\nMI"] {
                let here = file.display();
                assert!(!holds(&file, needle)?, "{name}: {needle} is in {here}");
            }
        }
    }
    // In the build there is a link to it, and nothing else.
    let builds = lab.shop.cache.path("build/linux-rust-lts61-vm/src");
    let tree = fs::read_dir(&builds)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("certs").is_dir())
        .ok_or("a tree")?;
    let links = fs::read_dir(tree.join("certs"))?.flatten();
    let links: Vec<_> = links.filter(|entry| entry.path().is_symlink()).collect();
    assert_eq!(links.len(), 1, "{links:?}");
    assert_eq!(fs::read_link(links[0].path())?, key);
    // It is the one that make reads of, and none was made in its place.
    let config = fs::read_to_string(tree.join("include/config/auto.conf"))?;
    let name = links[0].file_name().to_string_lossy().into_owned();
    says(&config, &[&format!("certs/{name}")]);
    assert!(!tree.join("certs/signing_key.pem").exists());
    for file in files(&tree.join("certs"))
        .iter()
        .chain(&files(&tree.join("include/generated")))
    {
        assert!(!holds(file, line)?, "the key is in {}", file.display());
    }
    Ok(())
}

/// A file for a key that the builder has, with this in it and this mode.
fn key_file(lab: &Lab, text: &str, mode: u32) -> Result<PathBuf, Failed> {
    let key = lab
        .shop
        .cache
        .directory("test-keys", BUILDER)?
        .join("a key.pem");
    let _ = fs::remove_file(&key);
    fs::write(&key, text)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(mode))?;
    chown(&key, Some(BUILDER), Some(BUILDER))?;
    Ok(key)
}

/// A certificate that is not there, or a file that has none, stops prepare().
fn a_signing_key_that_is_none_is_refused(lab: &Lab) -> Result<(), Failed> {
    let good = fs::read_to_string(lab.shop.signing_key()?.ok_or("a key")?)?;
    let (private, _) = good.split_once("-----BEGIN CERT").ok_or("both")?;
    let without = key_file(lab, private, 0o600)?;
    for (key, words) in [
        (Path::new("/no/such/key.pem"), "/no/such/key.pem"),
        (&without, "certificate"),
    ] {
        let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
        makepkg
            .set("_config", "vm")
            .set("_signing_key", &key.display().to_string());
        let error = makepkg
            .run("preparing", &["--force", "--nobuild"])
            .expect_err("it was accepted");
        says(&error.to_string(), &[words]);
    }
    Ok(())
}
