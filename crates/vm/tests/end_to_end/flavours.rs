// SPDX-License-Identifier: MIT OR Apache-2.0

//! Configurations that distributions lose Rust by, because nobody builds them with it: each on the
//! newest series, over the `vm` configuration. `make flavours` runs these alone.

use std::{fs, fs::OpenOptions, io::Write, sync::Arc};

use libtest_mimic::{Failed, Trial};
use vm::{boot::put_program, host::BUILDER, makepkg::Makepkg, package_files::packages};

use crate::{
    config::options,
    lab::{self, Lab},
    modules::by_make,
    series::rustkmod_agrees,
};

/// What is set for each.
const FLAVOURS: &[(&str, &str)] = &[
    (
        "flavour_modversions",
        "CONFIG_DEBUG_KERNEL=y\n\
         # CONFIG_DEBUG_INFO_NONE is not set\n\
         CONFIG_DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT=y\n\
         CONFIG_MODVERSIONS=y\n\
         CONFIG_GENDWARFKSYMS=y\n",
    ),
    ("flavour_kcfi", "CONFIG_CFI=y\n"),
    ("flavour_thinlto", "CONFIG_LTO_CLANG_THIN=y\n"),
    (
        "flavour_preempt_rt",
        "CONFIG_EXPERT=y\nCONFIG_PREEMPT_RT=y\n",
    ),
    // Its options are those of `_config=debug`: KASAN, lockdep, kmemleak, DEBUG_ATOMIC_SLEEP.
    (
        "flavour_debug",
        include_str!("../../../../linux-rust/config.debug"),
    ),
];

pub fn trials(lab: Option<&Arc<Lab>>) -> Vec<Trial> {
    let flavours = FLAVOURS.iter().map(|&(name, fragment)| {
        lab::trial(lab, name, move |lab| flavour(lab, name, fragment))
            .with_ignored_flag(!vm::suite::all_trials())
    });
    flavours.collect()
}

fn flavour(lab: &Lab, name: &str, fragment: &str) -> Result<(), Failed> {
    let shop = lab.newest()?;
    let mut makepkg = Makepkg::new(shop, shop.pkgbuild("linux-rust", 1)?);
    if name == "flavour_debug" {
        makepkg.set("_config", "debug");
    } else {
        makepkg.set("_config", "vm");
        OpenOptions::new()
            .append(true)
            .open(makepkg.start.join("config.vm"))?
            .write_all(fragment.as_bytes())?;
    }
    makepkg.set("_rustdoc", "n");
    let mut key = makepkg.key()?;
    key.text("toolchain", &shop.toolchain()?.path.display().to_string());
    let kept = shop.cache.keep(name, &key, BUILDER, |directory| {
        shop.install_toolchain()?;
        makepkg.builddir = shop.cache.directory("test-flavour", BUILDER)?;
        makepkg.pkgdest = directory.to_owned();
        shop.progress.say(format!("Building {name} (minutes)..."));
        makepkg.run(&format!("building {name}"), &["--force", "--cleanbuild"])
    })?;

    // DKMS builds the sample while pacman installs; `check` foretells what the boot has shown.
    let mut all = packages(&shop.toolchain()?.path)?;
    all.extend(packages(&kept.path)?);
    let (machine, kernel) = lab.booted_with(shop, all, name)?;
    put_program(&machine)?;
    rustkmod_agrees(&machine, &kernel)?;

    // Nothing of the flavour went away on the way.
    let config = machine.path(&format!("/usr/lib/modules/{kernel}/build/.config"));
    let config = options(&fs::read_to_string(config)?);
    for (option, value) in options(fragment) {
        assert_eq!(config.get(&option), Some(&value), "{option}");
    }
    by_make(&machine, &kernel)?;
    println!(
        "{name}: {kernel} booted; the sample by DKMS and the mixed module by make were loaded"
    );
    Ok(())
}
