// SPDX-License-Identifier: MIT OR Apache-2.0

//! Configurations that distributions lose Rust by, because nobody builds them with it: each on the
//! newest series, over the `vm` configuration. `make flavours` runs these alone.

use std::{fs, sync::Arc};

use libtest_mimic::{Failed, Trial};
use vm::{boot::put_program, package_files::packages};

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

/// Above the rows.
pub const HEAD: &str = "\
| flavour | kernel, booted | sample module by DKMS, loaded | mixed module by make, loaded | foretold by `check` |
|---|---|---|---|---|";

pub fn trials(lab: Option<&Arc<Lab>>) -> Vec<Trial> {
    let flavours = FLAVOURS.iter().map(|&(name, fragment)| {
        lab::trial(lab, name, move |lab| flavour(lab, name, fragment))
            .with_ignored_flag(!lab::slow_of_all_series(None))
    });
    flavours.collect()
}

fn flavour(lab: &Lab, name: &str, fragment: &str) -> Result<(), Failed> {
    let shop = lab.newest()?;
    // The debug kernel's options are a file of the package, for users as well.
    let (more, config) = match name {
        "flavour_debug" => ("", "debug"),
        _ => (fragment, "vm"),
    };
    let settings = [("_config", config), ("_rustdoc", "n")];
    let kept = lab.kernel_with(name, shop, 1, more, &settings)?;

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
    // All that a cell says was asserted above.
    let flavour = name.trim_start_matches("flavour_");
    let mut rows = lab.flavours.lock().expect("nothing panics with it");
    rows.push(format!("| {flavour} | {kernel} | yes | yes | yes |"));
    Ok(())
}
