// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make vm`: the chain from makepkg to a loaded module, and again after an upgrade.

use std::path::PathBuf;

use crate::{
    error::{Error, Result},
    guest::{self, Boot, Guest, Verdict},
    host,
    machine::Machine,
    packages::{Workshop, packages},
    run::Progress,
};

/// The module that is shown.
pub const MODULE: &str = "rust_out_of_tree";

/// Shows everything. What it shows is good if every boot was.
pub fn run() -> Result<()> {
    let progress = Progress::default();
    host::begin()?;
    guest::require_init()?;
    let shop = Workshop::open(progress)?;
    let first = shop.kernel(1)?;
    let dkms = shop.dkms()?;

    let machine = Machine::new(&shop.cache)?;
    let log = shop.cache.log("pacman")?;
    progress.say("Installing all of it with pacman, in a throwaway copy of this machine...");
    let mut all = packages(&first.path)?;
    all.extend(packages(&dkms.path)?);
    machine.pacman_upgrade(&all, &log, &progress)?;
    let before = machine.kernel()?;
    show(&shop, &machine, "first")?;

    progress.say("The upgrade: the same kernel, pkgrel 2, over the first");
    let second = shop.kernel(2)?;
    machine.pacman_upgrade(&packages(&second.path)?, &log, &progress)?;
    let after = machine.kernel()?;
    if before == after {
        return Err(Error::State {
            what: "the upgrade changed nothing".into(),
            note: format!("before and after it the kernel is {after}"),
            help: format!("less {}", log.display()),
        });
    }
    show(&shop, &machine, "upgraded")?;

    progress.say(format!(
        "Good: {before} and {after} were built, installed by pacman, the module built by DKMS, loaded \
         and unloaded."
    ));
    Ok(())
}

/// Boots the installed kernel, loads the module that DKMS built, and shows what it says.
fn show(shop: &Workshop, machine: &Machine, name: &str) -> Result<()> {
    let kernel = machine.kernel()?;
    let boot = boot_installed(shop, machine, name, &kernel, "")?;
    for line in &boot.log {
        println!("          {line}");
    }
    let step = |(worked, step): &(bool, String)| {
        format!("{step}{}", if *worked { "" } else { ": FAILED" })
    };
    let steps: Vec<_> = boot.results.iter().map(step).collect();
    shop.progress.say(format!(
        "{} ({:.1} s in QEMU)",
        steps.join(", "),
        boot.time.as_secs_f64()
    ));
    match &boot.verdict {
        Verdict::Good => Ok(()),
        verdict => Err(Error::State {
            what: format!("{MODULE} does not work in {kernel}: {verdict}"),
            note: format!("it was loaded in QEMU; its log: {:?}", boot.log),
            help: format!("less {}", boot.console.display()),
        }),
    }
}

/// Boots a kernel that is installed in the machine, and loads the module there.
pub fn boot_installed(
    shop: &Workshop,
    machine: &Machine,
    name: &str,
    kernel: &str,
    append: &str,
) -> Result<Boot> {
    let modules: Vec<PathBuf> = machine.module_files(kernel, MODULE)?;
    shop.progress.say(format!(
        "Booting {kernel}; DKMS has built {}",
        modules
            .last()
            .and_then(|path| path.strip_prefix(machine.root()).ok())
            .map_or_else(String::new, |path| format!("/{}", path.display()))
    ));
    let image = machine.path(&format!("/usr/lib/modules/{kernel}/vmlinuz"));
    Guest {
        kernel: &image,
        modules: &modules,
        append,
    }
    .boot(&shop.cache, name)
}
