// SPDX-License-Identifier: MIT OR Apache-2.0

//! Arch's configuration: what comes out of it, option by option; its crates; and, with the modules that
//! one machine uses, all of the way from makepkg to the loaded module.

use std::{collections::BTreeSet, fs, process::Command};

use kernel_boot::Verdict;
use libtest_mimic::Failed;
use vm::{
    boot::{boot, put_program},
    demo::MODULE,
    files::data,
    makepkg::Makepkg,
    workshop::Workshop,
};

use crate::{
    config::{config, make_prepare, options, prepare},
    contents::{CRATES, has},
    ibt::rust_can_be_called,
    lab::{Lab, content, slow_of_all_series, trials},
    series::rustkmod_agrees,
    signed::ENFORCE,
};

/// Arch's stock configuration, which is fetched by the PKGBUILD and is not in this repository.
const ARCH: &str = "arch-linux-6.1.arch1.config";

trials![
    archs_config_has_rust_and_keeps_btf_and_signing => |_| data(ARCH).is_some(),
    archs_config_builds_every_crate_with_make_prepare
        => |lab| slow_of_all_series(lab) && data(ARCH).is_some(),
    archs_config_boots_with_the_modules_of_one_machine
        => |lab| slow_of_all_series(lab) && data(ARCH).is_some(),
];

/// Every symbol that the tree's Kconfig files define.
fn defined(makepkg: &Makepkg<'_>) -> Result<BTreeSet<String>, Failed> {
    let output = Command::new("grep")
        .args([
            "-rhoE",
            "^[[:space:]]*(menu)?config [A-Za-z0-9_]+",
            "--include=Kconfig*",
        ])
        .arg(makepkg.src())
        .output()?;
    assert!(output.status.success());
    Ok(String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(str::to_owned)
        .collect())
}

/// What Arch's configuration of 6.1 has on and ours has not, and why.
const LOST: &[(&str, &str)] = &[
    ("CONFIG_GCC_PLUGINS", "config.rust.patch: it excludes Rust"),
    ("CONFIG_CC_IS_GCC", "built by LLVM"),
    ("CONFIG_AS_IS_GNU", "built by LLVM"),
    ("CONFIG_LD_IS_BFD", "built by LLVM"),
    ("CONFIG_CC_NO_ARRAY_BOUNDS", "around a fault of gcc 12"),
    (
        "CONFIG_FTRACE_MCOUNT_USE_CC",
        "clang: FTRACE_MCOUNT_USE_OBJTOOL",
    ),
    (
        "CONFIG_USERMODE_DRIVER",
        "has no prompt; BPF_PRELOAD_UMD, which selected it, is on",
    ),
    ("CONFIG_HAVE_EISA", "stable: 32 bits only"),
    ("CONFIG_Z3FOLD", "stable: deprecated"),
    ("CONFIG_DRM_USE_DYNAMIC_DEBUG", "stable: BROKEN"),
    ("CONFIG_DWMAC_LOONGSON", "stable: MACH_LOONGSON64 only"),
    (
        "CONFIG_SERIAL_FSL_LPUART_CONSOLE",
        "stable: needs SERIAL_FSL_LPUART=y, which is m",
    ),
    (
        "CONFIG_MFD_TI_AM335X_TSCADC",
        "stable: for TI's own processors",
    ),
    ("CONFIG_TOUCHSCREEN_TI_AM335X_TSC", "MFD_TI_AM335X_TSCADC"),
    ("CONFIG_TI_AM335X_ADC", "MFD_TI_AM335X_TSCADC"),
    ("CONFIG_REGULATOR_DA903X", "not with clang (LLVM bug 38789)"),
    ("CONFIG_VIDEO_VS6624", "stable: BROKEN"),
];

/// Arch's configuration, prepared.
fn prepare_arch<'a>(lab: &Lab, mut makepkg: Makepkg<'a>) -> Result<Makepkg<'a>, Failed> {
    let stock = data(ARCH).ok_or("no data")?;
    makepkg.set("_config", "arch");
    // Debian 12's clang cannot mitigate Retbleed, and is refused; the newest series brings one.
    makepkg.path.extend(lab.newest_llvm()?);
    // Where makepkg finds what it would fetch from Arch.
    makepkg.srcdest = makepkg.builddir.join("sources");
    fs::create_dir_all(&makepkg.srcdest)?;
    fs::copy(stock, makepkg.srcdest.join("linux-6.1.arch1-1.config"))?;
    prepare(&makepkg)?;
    Ok(makepkg)
}

fn archs_config_has_rust_and_keeps_btf_and_signing(lab: &Lab) -> Result<(), Failed> {
    let makepkg = prepare_arch(lab, lab.configuring(lab.shop.pkgbuild("linux-rust", 1)?)?)?;
    let config = config(&makepkg)?;
    for (name, value) in [
        ("CONFIG_RUST", Some("y")),
        ("CONFIG_DEBUG_INFO_BTF", Some("y")),
        ("CONFIG_DEBUG_INFO_BTF_MODULES", Some("y")),
        ("CONFIG_MODULE_SIG", Some("y")),
        ("CONFIG_MODULE_SIG_ALL", Some("y")),
        ("CONFIG_MODULE_COMPRESS_ZSTD", Some("y")),
        ("CONFIG_GCC_PLUGINS", None),
        ("CONFIG_MODVERSIONS", None),
    ] {
        assert_eq!(config.get(name).map(String::as_str), value, "{name}");
    }

    // Option by option: nothing that was on is off now but what is listed, with its reason.
    let stock = options(&fs::read_to_string(data(ARCH).ok_or("no data")?)?);
    let defined = defined(&makepkg)?;
    let on = |value: &String| value == "y" || value == "m";
    let lost: Vec<_> = stock
        .iter()
        .filter(|(name, value)| on(value) && !config.get(*name).is_some_and(on))
        .map(|(name, _)| name.as_str())
        // What the release has no more, nobody can turn on.
        .filter(|name| defined.contains(name.trim_start_matches("CONFIG_")))
        .filter(|name| !LOST.iter().any(|(known, _)| known == name))
        .collect();
    assert!(
        lost.is_empty(),
        "lost against Arch's configuration: {lost:#?}"
    );
    // What is not lost any more has no place in the list.
    for (name, reason) in LOST {
        assert!(
            stock.get(*name).is_some_and(on) && !config.get(*name).is_some_and(on),
            "{name} ({reason}) is not lost"
        );
    }
    Ok(())
}

/// `make prepare` on that configuration: every crate, and what BTF and objtool need.
fn archs_config_builds_every_crate_with_make_prepare(lab: &Lab) -> Result<(), Failed> {
    let whole = lab.makepkg(lab.shop.pkgbuild("linux-rust", 1)?)?;
    let makepkg = prepare_arch(lab, whole)?;
    make_prepare(lab, &makepkg, "test-arch-prepare")?;
    let tree = makepkg.tree()?;
    has(&tree, &CRATES);
    has(
        &tree,
        &[
            "rust/kernel.o",
            "tools/objtool/objtool",
            "tools/bpf/resolve_btfids/resolve_btfids",
        ],
    );
    Ok(())
}

/// From makepkg to the loaded module, with what `_localmodcfg` leaves of it: all that is built in, and
/// what is made of modules, from objtool to BTF and signatures.
fn archs_config_boots_with_the_modules_of_one_machine(lab: &Lab) -> Result<(), Failed> {
    let start = lab.shop.pkgbuild("linux-rust", 1)?;
    // ext4 is not a part of Arch's image, and needs others.
    fs::write(start.join("modprobed.db"), "ext4\n")?;
    let mut makepkg = lab.makepkg_in("test-arch", start)?;
    makepkg
        .set("_localmodcfg", "y")
        .set("_localmodcfg_path", "modprobed.db");
    let makepkg = prepare_arch(lab, makepkg)?;
    lab.shop.progress.say(
        "Building Arch's configuration with the modules of one machine (a quarter of an hour)...",
    );
    let log = lab.shop.cache.log("test-arch-build")?;
    makepkg
        .program("building", &log, &["--force", "--noextract"])?
        .run(&lab.shop.progress)?;
    // What the rustc of 6.1 cannot do, README says so; what stands behind BUG(); and nothing else.
    let known = [
        ": 'naked' return found in RETHUNK build",
        ": missing int3 after ret",
        ": rust_begin_unwind+0x70: unreachable instruction",
    ];
    let log = fs::read_to_string(log)?;
    let found: Vec<_> = log
        .lines()
        .filter(|line| line.contains("objtool:") && !known.iter().any(|end| line.ends_with(end)))
        .collect();
    assert!(found.is_empty(), "{found:#?}");

    let mut shop = Workshop::new(&lab.shop, lab.shop.series.clone())?;
    shop.llvm = lab.newest_llvm()?;
    let (machine, kernel) = lab.booted(&shop, &makepkg, "arch")?;
    put_program(&machine)?;
    rustkmod_agrees(&machine, &kernel)?;
    rust_can_be_called(&machine, &kernel)?;

    // The kernel's own modules are signed, with a key that it trusts.
    let ext4 = "ext4".into();
    let boot = boot(
        &lab.shop.cache,
        "arch-ext4",
        &machine,
        &kernel,
        &[ext4],
        ENFORCE,
    )?;
    assert_eq!(boot.verdict, Verdict::Good, "{:?}", boot.console);

    // A module of DKMS's describes its types as the kernel's own do.
    for module in ["jbd2", MODULE] {
        let file = machine
            .module_files(&kernel, module)?
            .pop()
            .ok_or("a file")?;
        let btf = content(&file)?.windows(5).any(|name| name == b".BTF\0");
        assert!(btf, "no BTF in {}", file.display());
    }
    // What was not listed is not built: Arch's kernel has thousands.
    let modules = machine.path(&format!("/usr/lib/modules/{kernel}/kernel"));
    let built = vm::files::files(&modules).count();
    assert!(built < 100, "{built} modules");
    fs::remove_dir_all(&makepkg.builddir)?;
    Ok(())
}
