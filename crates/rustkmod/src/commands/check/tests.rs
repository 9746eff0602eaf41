// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is found in modules that differ from a fitting one in one thing.

use std::path::Path;
use std::sync::OnceLock;

use kernel_files::config::Config;
use kernel_files::kofile::{Btf, Signature, Undefined};
use kernel_files::pkcs7::Signer;
use kernel_files::sanity::Fault;
use kernel_files::symvers::Symvers;

use super::*;
use crate::testing::Root;
use kernel_tree::security::{Enforcement, Ibt};

fn kernel() -> Kernel {
    let symvers = Symvers::parse(
        "0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n\
         0x00000000\tgpl_thing\tvmlinux\tEXPORT_SYMBOL_GPL\t\n\
         0x00000000\tspaced\tdrivers/a\tEXPORT_SYMBOL\tSPACE\n",
    );
    Kernel {
        release: Some("6.1.0".into()),
        series: Some((6, 1)),
        machine: Some("x86_64"),
        vermagic: Some(("6.1.0 SMP mod_unload ".into(), "vermagic.h".into())),
        symvers: Some((symvers, "Module.symvers".into())),
        symvers_are_whole: true,
        struct_module: Some((1280, "own.ko".into())),
        config: Config::parse("CONFIG_X86_64=y\n"),
        modules: Some((HashSet::from(["a".to_string()]), "modules.dep".into())),
        build: "/lib/modules/6.1.0/build".into(),
        ..Kernel::default()
    }
}

fn module(undefined: &[&str]) -> KoFile {
    KoFile {
        machine: "x86_64".into(),
        modinfo: vec![
            ("vermagic".into(), "6.1.0 SMP mod_unload ".into()),
            ("license".into(), "GPL".into()),
        ],
        undefined: undefined
            .iter()
            .map(|name| Undefined {
                name: name.to_string(),
                weak: false,
            })
            .collect(),
        this_module: Some(1280),
        ..KoFile::default()
    }
}

fn judged(kernel: &Kernel, file: KoFile) -> ModuleReport {
    judged_at(kernel, Path::new("m.ko"), file)
}

fn judged_at(kernel: &Kernel, path: &Path, file: KoFile) -> ModuleReport {
    let context = Context {
        kernel,
        own_exports: HashMap::new(),
        own_names: HashSet::new(),
        rust: &OnceLock::new(),
        options: Options::default(),
    };
    context.module(path, &Ok(file))
}

fn found(kernel: &Kernel, file: KoFile) -> Vec<&'static str> {
    let report = judged(kernel, file);
    assert_eq!(report.loads, report.findings.is_empty());
    report
        .findings
        .iter()
        .map(|finding| finding.check)
        .collect()
}

#[test]
fn a_fitting_module_has_no_findings() {
    assert!(found(&kernel(), module(&["_printk", "gpl_thing"])).is_empty());
}

#[test]
fn each_way_not_to_fit_is_found() {
    let mut other = module(&[]);
    other.machine = "aarch64".into();
    assert_eq!(found(&kernel(), other), ["architecture"]);

    let mut other = module(&[]);
    other.modinfo[0].1 = "6.1.0 SMP preempt mod_unload ".into();
    assert_eq!(found(&kernel(), other), ["vermagic"]);

    let mut other = module(&["gpl_thing"]);
    other.modinfo[1].1 = "Proprietary".into();
    assert_eq!(found(&kernel(), other), ["gpl"]);

    assert_eq!(found(&kernel(), module(&["nowhere"])), ["symbols"]);
    assert_eq!(found(&kernel(), module(&["spaced"])), ["namespace"]);

    let mut other = module(&[]);
    other.modinfo.push(("depends".into(), "a,b".into()));
    assert_eq!(found(&kernel(), other), ["depends"]);

    let mut enforcing = kernel();
    enforcing.enforcement = Enforcement::Refuses("sig_enforce".into());
    assert_eq!(found(&enforcing, module(&[])), ["signature"]);

    let mut unprepared = module(&[]);
    unprepared.without_endbr = vec!["init_module"];
    assert!(found(&kernel(), unprepared.clone()).is_empty());
    let mut tracking = kernel();
    tracking.ibt = Ibt::Here;
    assert_eq!(found(&tracking, unprepared.clone()), ["ibt"]);
    // Elsewhere it may load.
    tracking.ibt = Ibt::WhereItIs;
    let report = judged(&tracking, unprepared);
    assert!(report.loads && report.findings[0].check == "ibt");

    let mut unlinked = module(&[]);
    unlinked.this_module = None;
    assert_eq!(found(&kernel(), unlinked), ["linked"]);
}

#[test]
fn a_key_that_is_not_the_kernels_is_named() {
    let signer = |name: &str, key: &str| Signer {
        name: name.into(),
        key: key.into(),
    };
    let mut kernel = kernel();
    kernel.enforcement = Enforcement::Refuses("sig_enforce".into());
    kernel.signer = Some(signer("the kernel's", "01"));
    let findings = |kernel: &Kernel, key: &str| {
        let mut file = module(&[]);
        file.signature = Some(Signature::Signed(signer("a key", key)));
        let report = judged(kernel, file);
        // It may be enrolled: who can say.
        assert!(report.loads);
        report.findings.len()
    };
    assert_eq!(findings(&kernel, "01"), 0);
    assert_eq!(findings(&kernel, "02"), 1);
    kernel.enforcement = Enforcement::Taints;
    assert_eq!(findings(&kernel, "02"), 0);
    kernel.signer = None;
    assert_eq!(findings(&kernel, "02"), 0);
}

#[test]
fn checksums_are_compared_where_the_kernel_has_them() {
    let mut with = kernel();
    with.symvers.as_mut().unwrap().0 =
        Symvers::parse("0x00000007\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
    assert_eq!(found(&with, module(&["_printk"])), ["checksums"]);
    let mut fits = module(&["_printk"]);
    fits.versions = Some(vec![("_printk".into(), 7)]);
    assert!(found(&with, fits).is_empty());
    let mut other = module(&["_printk"]);
    other.versions = Some(vec![("_printk".into(), 8)]);
    assert_eq!(found(&with, other), ["checksums"]);
}

#[test]
fn weak_symbols_may_be_missing() {
    let mut weak = module(&["nowhere"]);
    weak.undefined[0].weak = true;
    assert!(found(&kernel(), weak).is_empty());
}

/// A kernel of this series, with these options.
fn kernel_with(series: (u32, u32), config: &str) -> Kernel {
    Kernel {
        series: Some(series),
        config: Config::parse(config),
        ..kernel()
    }
}

/// Whether a module loads, and the checks that say something of it.
fn verdict(kernel: &Kernel, file: KoFile) -> (bool, Vec<&'static str>) {
    let report = judged(kernel, file);
    let checks = report.findings.iter().map(|finding| finding.check);
    (report.loads, checks.collect())
}

#[test]
fn struct_module_of_another_size_is_refused() {
    let mut file = module(&[]);
    file.this_module = Some(1216);
    assert_eq!(found(&kernel(), file.clone()), ["struct-module"]);
    let mut unknown = kernel();
    unknown.struct_module = None;
    let report = judged(&unknown, file);
    assert!(report.loads);
    assert!(
        report
            .not_looked_at
            .iter()
            .any(|what| what.contains("struct module"))
    );
}

#[test]
fn faults_count_from_the_series_that_refuses_them() {
    let mut file = module(&[]);
    file.faults = vec![Fault {
        check: "elf",
        message: "it has two sections .modinfo".into(),
        kernel_says: Some("Only one .modinfo section must exist.".into()),
        since: (6, 4),
    }];
    assert_eq!(
        verdict(&kernel_with((6, 4), ""), file.clone()),
        (false, vec!["elf"])
    );
    assert_eq!(verdict(&kernel_with((6, 3), ""), file), (true, vec!["elf"]));
}

#[test]
fn options_of_the_kernel_decide() {
    let refused = |config: &str, change: fn(&mut KoFile)| {
        let mut file = module(&[]);
        change(&mut file);
        verdict(&kernel_with((6, 12), config), file)
    };
    let livepatch = |file: &mut KoFile| file.modinfo.push(("livepatch".into(), "Y".into()));
    assert_eq!(
        refused("CONFIG_X86=y", livepatch),
        (false, vec!["livepatch"])
    );
    assert_eq!(refused("CONFIG_LIVEPATCH=y", livepatch), (true, vec![]));
    let writable = |file: &mut KoFile| file.writable_code = Some(".text".into());
    assert_eq!(
        refused("CONFIG_STRICT_MODULE_RWX=y", writable),
        (false, vec!["writable-code"])
    );
    assert_eq!(refused("CONFIG_X86=y", writable), (true, vec![]));
    let btf = |file: &mut KoFile| file.btf = Btf::Damaged("so");
    let on = "CONFIG_DEBUG_INFO_BTF_MODULES=y\n";
    assert_eq!(refused(on, btf), (false, vec!["btf"]));
    let tolerant = format!("{on}CONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n");
    assert_eq!(refused(&tolerant, btf), (true, vec!["btf"]));
    let exports = |file: &mut KoFile| file.exports.push("mine".into());
    assert_eq!(
        refused("CONFIG_MODVERSIONS=y", exports),
        (false, vec!["exports"])
    );
    let forced = "CONFIG_MODVERSIONS=y\nCONFIG_MODULE_FORCE_LOAD=y\n";
    assert_eq!(refused(forced, exports), (true, vec!["exports"]));
    let cfi = |file: &mut KoFile| file.lacks_cfi = true;
    assert_eq!(refused("CONFIG_CFI=y", cfi), (false, vec!["cfi"]));
    assert_eq!(
        refused("CONFIG_CFI_CLANG=y\nCONFIG_CFI_PERMISSIVE=y", cfi),
        (true, vec!["cfi"])
    );
    let no_vermagic = |file: &mut KoFile| drop(file.modinfo.remove(0));
    assert_eq!(
        refused("CONFIG_X86=y", no_vermagic),
        (false, vec!["vermagic"])
    );
    assert_eq!(
        refused("CONFIG_MODULE_FORCE_LOAD=y", no_vermagic),
        (true, vec!["vermagic"])
    );
}

#[test]
fn the_running_kernel_refuses_what_it_has() {
    let mut running = kernel();
    running.loaded = HashSet::from(["m".to_string()]);
    assert_eq!(found(&running, module(&[])), ["loaded"]);
    // A module that is installed with the kernel is the one that is loaded.
    running.own = Some(PathBuf::from(""));
    assert!(found(&running, module(&[])).is_empty());
    running.loaded.clear();
    running.forbidden = HashSet::from(["m".to_string()]);
    assert_eq!(found(&running, module(&[])), ["forbidden"]);
    running.forbidden.clear();
    running.builtin = HashSet::from(["m".to_string()]);
    assert_eq!(found(&running, module(&[])), ["builtin"]);
}

#[test]
fn duplicate_exports_are_refused() {
    let mut file = module(&[]);
    file.exports = vec!["gpl_thing".into()];
    assert_eq!(found(&kernel(), file.clone()), ["duplicate"]);
    // The module that the kernel has itself.
    file.exports = vec!["spaced".into()];
    file.modinfo.push(("name".into(), "a".into()));
    assert!(found(&kernel(), file).is_empty());
}

#[test]
fn export_flags_are_wanted_where_the_kernel_has_them() {
    let mut file = module(&[]);
    file.exports = vec!["mine".into()];
    let mut kernel = kernel();
    assert!(found(&kernel, file.clone()).is_empty());
    kernel.wants_export_flags = true;
    assert_eq!(found(&kernel, file.clone()), ["exports"]);
    file.has_export_flags = true;
    assert!(found(&kernel, file).is_empty());
}

#[test]
fn damaged_signatures_are_refused_where_signatures_are_looked_at() {
    let mut file = module(&[]);
    file.signature = Some(Signature::Damaged("so"));
    assert!(found(&kernel(), file.clone()).is_empty());
    let mut looking = kernel();
    looking.enforcement = Enforcement::Taints;
    assert_eq!(found(&looking, file.clone()), ["signature"]);
    file.signature = Some(Signature::NotPkcs7);
    assert!(found(&looking, file).is_empty());
}

#[test]
fn checksums_of_what_is_not_needed_do_not_count() {
    let mut with = kernel();
    with.symvers.as_mut().unwrap().0 = Symvers::parse(
        "0x00000007\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n\
         0x00000009\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n\
         0x00000001\tother\tvmlinux\tEXPORT_SYMBOL\t\n",
    );
    let versions = |layout: u32, printk: Option<u32>| {
        let mut file = module(&["_printk"]);
        let mut all = vec![("module_layout".to_string(), layout), ("other".into(), 2)];
        all.extend(printk.map(|crc| ("_printk".to_string(), crc)));
        file.versions = Some(all);
        file
    };
    assert!(found(&with, versions(9, Some(7))).is_empty());
    assert_eq!(found(&with, versions(8, Some(7))), ["checksums"]);
    assert_eq!(found(&with, versions(9, None)), ["checksums"]);
    let mut long = versions(9, None);
    long.has_long_versions = true;
    assert!(found(&with, long).is_empty());
}

#[test]
fn namespaces_of_modules_are_for_them_alone() {
    let with = |series, namespace: &str| {
        let mut kernel = kernel_with(series, "");
        let line = format!("0x0\tthing\tvmlinux\tEXPORT_SYMBOL_GPL\t{namespace}\n");
        kernel.symvers.as_mut().unwrap().0 = Symvers::parse(&line);
        kernel
    };
    let named = |name: &str, import: Option<&str>| {
        let mut file = module(&["thing"]);
        file.modinfo.push(("name".into(), name.into()));
        file.modinfo
            .extend(import.map(|import| ("import_ns".into(), import.to_string())));
        file
    };
    let new = with((6, 16), "module:kvm-intel,snd-*");
    assert!(found(&new, named("kvm_intel", None)).is_empty());
    assert!(found(&new, named("snd_hda", None)).is_empty());
    assert_eq!(found(&new, named("kvm", None)), ["namespace"]);
    assert_eq!(
        found(&new, named("m", Some("module:kvm-intel,snd-*"))),
        ["namespace"]
    );
    let plain = with((6, 16), "SPACE");
    assert!(found(&plain, named("m", Some("SPACE"))).is_empty());
    assert_eq!(found(&plain, named("m", None)), ["namespace"]);
}

#[test]
fn taints_are_told() {
    let mut file = module(&[]);
    assert_eq!(
        judged(&kernel(), file.clone()).taints,
        ["O: it was built outside the kernel's tree"]
    );
    file.modinfo.push(("intree".into(), "Y".into()));
    assert!(judged(&kernel(), file).taints.is_empty());
}

#[test]
fn a_packed_module_is_signed_unpacked() {
    let mut kernel = kernel();
    kernel.enforcement = Enforcement::Refuses("sig_enforce".into());
    let signing = |name: &str| {
        let report = judged_at(&kernel, Path::new(name), module(&[]));
        report.findings[0].help[0]
            .command
            .clone()
            .unwrap()
            .to_string()
    };
    let sign = "sudo /lib/modules/6.1.0/build/scripts/sign-file sha256 KEY.pem CERT.x509 m.ko";
    assert_eq!(signing("m.ko"), sign);
    // If signing fails, the packed file is still there.
    for (packed, unpack, pack) in [
        ("m.ko.zst", "zstd -d -k", "zstd -f --rm"),
        (
            "m.ko.xz",
            "xz -d -k",
            "xz -f --check=crc32 --lzma2=dict=1MiB",
        ),
        ("m.ko.gz", "gzip -d -k", "gzip -f"),
    ] {
        let wanted = format!("sudo {unpack} {packed} && {sign} && sudo {pack} m.ko");
        assert_eq!(signing(packed), wanted);
    }
}

#[test]
fn a_namespace_is_named_as_the_series_wants_it() {
    let advice = |series| {
        let kernel = Kernel {
            series: Some(series),
            ..kernel()
        };
        judged(&kernel, module(&["spaced"])).findings[0].help[0]
            .text
            .clone()
    };
    assert!(advice((6, 12)).contains("MODULE_IMPORT_NS(SPACE)"));
    assert!(advice((6, 13)).contains("MODULE_IMPORT_NS(\"SPACE\")"));
}

#[test]
fn helpers_of_the_kernel_crate_are_rusts() {
    let missing = |kernel: &Kernel| {
        let report = judged(kernel, module(&["rust_helper_krealloc"]));
        report.missing[0].reason
    };
    assert_eq!(missing(&kernel()), "no-rust");
    let mut with_rust = kernel();
    let line = "0x0\t_RNvCsf3ZqGq0Vbkh_6kernel1f\tvmlinux\tEXPORT_SYMBOL_GPL\t\n";
    with_rust.symvers = Some((Symvers::parse(line), "Module.symvers".into()));
    assert_eq!(missing(&with_rust), "another-kernel");
}

/// What is known of the kernel 6.1.0 that is installed below a root.
fn installed(root: &Root) -> Kernel {
    let modules = root.path().join("lib/modules/6.1.0");
    let release = Some("6.1.0".into());
    let build = modules.join("build");
    Kernel::read(&root.system(), &build, Some(&modules), release, false)
}

#[test]
fn a_stub_of_system_map_is_no_list_of_exports() {
    let root = Root::new();
    let modules = "lib/modules/6.1.0";
    let write = |name: &str, text: &str| root.write(&format!("{modules}/{name}"), text);
    write("modules.symbols", "alias symbol:fuse_do_open fuse\n");
    let read = || installed(&root);
    write(
        "System.map",
        "ffffffffffffffff B The real System.map is in another package\n",
    );
    assert!(read().symvers.is_none());
    write("System.map", "ffffffff82a00000 r __ksymtab__printk\n");
    assert_eq!(read().symvers.unwrap().0.exports.len(), 2);
}

#[test]
fn what_modprobe_would_not_load_is_told() {
    let root = Root::new();
    let modules = "lib/modules/6.1.0";
    let write = |name: &str, text: &str| root.write(&format!("{modules}/{name}"), text);
    for name in [
        "updates/dkms/a.ko",
        "kernel/a.ko",
        "kernel/b-c.ko",
        "extra/new.ko",
    ] {
        write(name, "");
    }
    write("modules.dep", "updates/dkms/a.ko:\nkernel/b-c.ko:\n");
    root.write(
        "etc/modprobe.d/hardening.conf",
        "blacklist a\ninstall b-c /bin/false\ninstall a modprobe -i a\n",
    );
    let kernel = Kernel {
        vermagic: None,
        ..installed(&root)
    };
    let told = |name: &str| {
        let report = judged_at(&kernel, &root.path().join(modules).join(name), module(&[]));
        let mut found = report
            .findings
            .into_iter()
            .filter(|one| one.check == "modprobe");
        found.next().map(|one| one.message)
    };
    assert_eq!(told("updates/dkms/a.ko"), None);
    assert_eq!(
        told("kernel/a.ko").unwrap(),
        "modprobe loads another file of this name"
    );
    assert_eq!(told("kernel/b-c.ko").unwrap(), "modprobe does not load it");
    assert_eq!(told("extra/new.ko").unwrap(), "modprobe does not find it");
}

#[test]
fn a_file_that_is_given_twice_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.ko");
    std::fs::write(&file, "").unwrap();
    let again = directory.path().join(".").join("m.ko");
    let given = [file.clone(), again, directory.path().to_path_buf()];
    assert_eq!(find_modules(&given).unwrap(), [file]);
    // One that is not there is told of, once.
    let gone = directory.path().join("gone.ko");
    assert_eq!(find_modules(&[gone.clone(), gone]).unwrap().len(), 1);
}

#[test]
fn no_rust_is_built_again_for_a_kernel_without_it() {
    let help = |kernel: &Kernel, symbol: &str| {
        let mut file = module(&[symbol]);
        file.modinfo[0].1 = "6.2.0 SMP mod_unload ".into();
        let report = judged(kernel, file);
        assert_eq!(report.findings[0].check, "vermagic");
        let command = report.findings[0].help[0].command.clone();
        command.unwrap().to_string()
    };
    let (rust, c) = ("_RNvC6kernel1f", "_printk");
    let mut without = kernel();
    let why = "rustkmod why RUST --kdir /lib/modules/6.1.0/build";
    assert_eq!(help(&without, rust), why);
    assert_eq!(help(&without, c), without.rebuild().to_string());
    // Without its exports the configuration tells.
    without.symvers = None;
    assert_eq!(help(&without, rust), why);
    without.config = Config::parse("CONFIG_RUST=y\n");
    assert_eq!(help(&without, rust), without.rebuild().to_string());
}

#[test]
fn two_files_of_one_module_may_export_the_same() {
    let mut file = module(&[]);
    file.exports = vec!["f".into()];
    file.modinfo.push(("name".into(), "m".into()));
    let found = |path, other| {
        Context {
            kernel: &kernel(),
            own_exports: HashMap::from([("f", Path::new(other))]),
            own_names: HashSet::new(),
            rust: &OnceLock::new(),
            options: Options::default(),
        }
        .duplicates(Path::new(path), &file)
    };
    assert!(found("updates/m.ko", "kernel/m.ko.zst").is_none());
    assert!(found("updates/m.ko", "kernel/n.ko").is_some());
    // The file's own name may be another than the module's.
    assert!(found("renamed.ko", "renamed.ko").is_none());
}
