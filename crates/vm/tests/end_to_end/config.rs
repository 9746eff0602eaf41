// SPDX-License-Identifier: MIT OR Apache-2.0

//! Configurations: what comes out with Rust, and what is refused, with which words.

use std::{
    collections::BTreeMap, fs, os::unix::process::CommandExt, path::PathBuf, process::Command,
};

use libtest_mimic::Failed;
use vm::{host::BUILDER, makepkg::Makepkg, series};

use crate::lab::{Lab, says, trials};

trials![
    a_config_with_modversions_is_refused,
    a_config_of_ones_own_gets_rust,
    the_debug_config_loses_none_of_its_options,
    a_kernel_for_qemu_has_a_name_of_its_own,
    a_config_that_is_not_there_is_named,
    a_config_that_was_changed_by_hand_is_asked_again,
    only_listed_modules_are_built_with_localmodcfg,
    the_list_of_modules_is_asked_for_when_it_is_not_there,
    an_old_clang_is_named_where_it_is_the_reason => has_old_clang,
];

/// Where there is one in PATH.
fn has_old_clang(_: Option<&Lab>) -> bool {
    series::clang_major("clang").is_some_and(|major| major < 15)
}

/// A small configuration, as a user's own would be: what config.vm says, with these lines.
fn small(lab: &Lab, lines: &str) -> Result<PathBuf, Failed> {
    let from = vm::files::repository().join("linux-rust/config.vm");
    let path = lab
        .shop
        .cache
        .directory("test-config", BUILDER)?
        .join("own.config");
    fs::write(&path, format!("{}\n{lines}\n", fs::read_to_string(from)?))?;
    Ok(path)
}

pub fn prepare(makepkg: &Makepkg<'_>) -> vm::Result<()> {
    makepkg.run("preparing", &["--force", "--nobuild"])
}

/// The configuration that came out.
pub fn config(makepkg: &Makepkg<'_>) -> Result<BTreeMap<String, String>, Failed> {
    let config = makepkg.tree()?.join(".config");
    Ok(options(&fs::read_to_string(config)?))
}

/// The options that a configuration sets.
pub fn options(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[track_caller]
fn is_set(config: &BTreeMap<String, String>, option: &str, value: &str) {
    let found = config.get(option).map(String::as_str);
    assert_eq!(found, Some(value), "{option}");
}

fn refused(lab: &Lab, config: &str, message: &[&str]) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg.set("_config", config);
    let error = prepare(&makepkg).expect_err("it was accepted").to_string();
    says(&error, message);
    Ok(())
}

fn a_config_with_modversions_is_refused(lab: &Lab) -> Result<(), Failed> {
    let config = small(lab, "CONFIG_MODVERSIONS=y")?.display().to_string();
    refused(
        lab,
        &config,
        &[
            "CONFIG_RUST was asked for as y, and is n",
            "error: this configuration loses what no kernel here goes without: RUST",
            "help: rustkmod why RUST --kdir /",
        ],
    )
}

fn a_config_of_ones_own_gets_rust(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    let own = small(lab, "CONFIG_GCC_PLUGINS=y\nCONFIG_IKHEADERS=m")?;
    makepkg.set("_config", &own.display().to_string());
    prepare(&makepkg)?;
    let config = config(&makepkg)?;
    is_set(&config, "CONFIG_RUST", "y");
    assert_eq!(config.get("CONFIG_GCC_PLUGINS"), None);
    // What is the user's own.
    is_set(&config, "CONFIG_IKHEADERS", "m");
    Ok(())
}

fn the_debug_config_loses_none_of_its_options(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg.set("_config", "debug");
    prepare(&makepkg)?;
    let config = config(&makepkg)?;
    let asked = options(&fs::read_to_string(makepkg.start.join("config.debug"))?);
    is_set(&asked, "CONFIG_KASAN", "y");
    for (option, value) in asked {
        assert_eq!(config.get(&option), Some(&value), "{option}");
    }
    is_set(&config, "CONFIG_RUST", "y");
    Ok(())
}

/// Whoever builds one in the checkout does not replace the kernel that the computer runs.
fn a_kernel_for_qemu_has_a_name_of_its_own(lab: &Lab) -> Result<(), Failed> {
    for (config, name) in [("arch", ""), ("vm", "-vm"), ("debug", "-debug")] {
        let mut makepkg = lab.makepkg(lab.shop.pkgbuild("linux-rust", 1)?)?;
        makepkg.set("_config", config);
        let log = lab.shop.cache.log("test-named")?;
        makepkg
            .program("naming packages", &log, &["--packagelist"])?
            .run(&lab.shop.progress)?;
        let headers = format!("/linux-rust-lts61{name}-headers-6.1.");
        says(&fs::read_to_string(&log)?, &[&headers]);
    }
    Ok(())
}

fn a_config_that_is_not_there_is_named(lab: &Lab) -> Result<(), Failed> {
    refused(lab, "/no/such/config", &["cannot stat '/no/such/config'"])
}

/// `makepkg -e` on a tree whose `.config` is another than `prepare()` left.
fn a_config_that_was_changed_by_hand_is_asked_again(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg.set("_config", "vm");
    prepare(&makepkg)?;
    let tree = makepkg.tree()?;
    let build = |changes: &[&str]| {
        let changed = Command::new("scripts/config")
            .args(changes)
            .current_dir(&tree)
            .uid(BUILDER)
            .gid(BUILDER)
            .status();
        assert!(changed.is_ok_and(|status| status.success()), "{changes:?}");
        // What is there of the kernel is enough to configure it, and no more.
        let built = makepkg.run("building", &["--force", "--noextract"]);
        built.expect_err("it was built").to_string()
    };
    says(
        &build(&["-e", "MODVERSIONS"]),
        &["CONFIG_RUST was asked for as y, and is n"],
    );
    // The release that all is named by is that of what is compiled.
    let name = ["--set-str", "LOCALVERSION", "-mine"];
    build(&[&["-d", "MODVERSIONS", "-e", "RUST"][..], &name].concat());
    let version = fs::read_to_string(tree.join("version"))?;
    assert!(version.trim().ends_with("-rust-lts61-vm-mine"), "{version}");
    Ok(())
}

/// A mitigation that an old compiler cannot does not vanish.
fn an_old_clang_is_named_where_it_is_the_reason(lab: &Lab) -> Result<(), Failed> {
    let config = small(lab, "CONFIG_RETPOLINE=y\nCONFIG_RETHUNK=y")?;
    refused(
        lab,
        &config.display().to_string(),
        &[
            "CONFIG_RETHUNK was asked for as y, and is n",
            "loses what no kernel here goes without: RETHUNK",
        ],
    )
}

fn the_list_of_modules_is_asked_for_when_it_is_not_there(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    makepkg
        .set("_config", "vm")
        .set("_localmodcfg", "y")
        .set("_localmodcfg_path", "/no/such/list");
    let error = prepare(&makepkg).expect_err("it was accepted").to_string();
    says(&error, &["/no/such/list"]);
    Ok(())
}

fn only_listed_modules_are_built_with_localmodcfg(lab: &Lab) -> Result<(), Failed> {
    let mut makepkg = lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?;
    // As modprobed-db writes it: a name a line.
    fs::write(makepkg.start.join("modprobed.db"), "rust_minimal\n")?;
    let own = small(lab, "CONFIG_IKHEADERS=m")?;
    makepkg
        .set("_config", &own.display().to_string())
        .set("_localmodcfg", "y")
        // A path that counts from the PKGBUILD's directory.
        .set("_localmodcfg_path", "modprobed.db");
    prepare(&makepkg)?;
    let config = config(&makepkg)?;
    is_set(&config, "CONFIG_SAMPLE_RUST_MINIMAL", "m");
    // It was not in the list.
    assert_eq!(config.get("CONFIG_IKHEADERS"), None);
    is_set(&config, "CONFIG_RUST", "y");
    Ok(())
}

/// `make prepare` in the prepared sources, and what it says.
pub fn make_prepare(lab: &Lab, makepkg: &Makepkg<'_>, name: &str) -> Result<String, Failed> {
    let log = lab.shop.cache.log(name)?;
    makepkg
        .make("make prepare", &log, &makepkg.src(), "prepare")?
        .run(&lab.shop.progress)?;
    Ok(fs::read_to_string(&log)?)
}
