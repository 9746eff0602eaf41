// SPDX-License-Identifier: MIT OR Apache-2.0

//! Configurations of other distributions, as they are: every crate of the newest series is built with
//! them, and each option that they lose is named.

use std::{collections::BTreeSet, fs};

use libtest_mimic::Failed;
use vm::{
    files::data,
    source::{file_of_package, newest_package},
};

use crate::{
    config::{config, make_prepare, options},
    contents::has,
    lab::{self, Lab, slow_of_all_series, trials},
};

/// CachyOS's, which is not in this repository.
const CACHYOS: &str = "cachyos-7.2.config";

trials![
    debians_config_builds_every_crate => slow_of_all_series,
    cachyos_config_builds_every_crate
        => |lab| slow_of_all_series(lab) && data(CACHYOS).is_some(),
];

fn debians_config_builds_every_crate(lab: &Lab) -> Result<(), Failed> {
    let name = format!("linux-config-{}", lab.newest()?.series.name);
    let deb = newest_package(&name, &lab.shop.cache, &lab.shop.progress)?;
    let inner = format!("./usr/src/{name}/config.amd64_none_amd64.xz");
    let unpacked = file_of_package(&deb, &inner).output()?;
    assert!(unpacked.status.success(), "{}", lab::text(&unpacked));
    builds_every_crate(lab, "debian", &unpacked.stdout)
}

fn cachyos_config_builds_every_crate(lab: &Lab) -> Result<(), Failed> {
    let config = fs::read(data(CACHYOS).ok_or("no data")?)?;
    builds_every_crate(lab, "cachyos", &config)
}

/// `makepkg --nobuild` with a configuration, and `make prepare`.
fn builds_every_crate(lab: &Lab, name: &str, stock: &[u8]) -> Result<(), Failed> {
    let shop = lab.newest()?;
    let mut makepkg = lab.makepkg_of(shop, "test-others", shop.pkgbuild("linux-rust", 1)?)?;
    let path = makepkg.builddir.join(format!("{name}.config"));
    fs::write(&path, stock)?;
    makepkg.set("_config", &path.display().to_string());
    let log = lab.shop.cache.log(&format!("test-{name}-config"))?;
    makepkg
        .program("preparing", &log, &["--force", "--nobuild", "--cleanbuild"])?
        .run(&lab.shop.progress)?;
    let said = fs::read_to_string(&log)?;

    // Each option that was on and is off is named, with both values.
    let config = config(&makepkg)?;
    let is_on = |value: &String| value == "y" || value == "m";
    let stock = options(&String::from_utf8_lossy(stock));
    let lost: BTreeSet<String> = stock
        .iter()
        .filter(|(name, value)| is_on(value) && !config.get(*name).is_some_and(is_on))
        .map(|(name, value)| format!("{name} was asked for as {value}"))
        .collect();
    let named: BTreeSet<String> = said
        .lines()
        .filter_map(|line| {
            line.strip_suffix(", and is n")
                .or_else(|| line.strip_suffix(", and this kernel has no such option"))
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(lost, named);
    println!(
        "{name}: of {} options, {} are lost, and named",
        stock.len(),
        lost.len()
    );
    for option in ["CONFIG_RUST", "CONFIG_DEBUG_INFO_BTF", "CONFIG_MODULE_SIG"] {
        assert_eq!(config.get(option), Some(&"y".to_owned()), "{option}");
    }

    make_prepare(lab, &makepkg, &format!("test-{name}-prepare"))?;
    let tree = makepkg.tree()?;
    has(
        &tree,
        &[
            "rust/libcore.rmeta",
            "rust/libbindings.rmeta",
            "rust/libuapi.rmeta",
            "rust/libkernel.rmeta",
            "rust/libmacros.so",
            "rust/kernel.o",
        ],
    );
    Ok(())
}
