// SPDX-License-Identifier: MIT OR Apache-2.0

//! A real kernel package of Debian's: every module against the tools that are there for it, and a boot.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use kernel_files::depmod::modules_below;
use kernel_files::kofile::{KoFile, Signature};
use rayon::prelude::*;

struct Debian {
    root: PathBuf,
    release: String,
}

impl Debian {
    /// Debian's newest 6.1 kernel with its headers, unpacked.
    fn get() -> Self {
        // Only one test at a time fetches.
        static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _guard = LOCK.lock();
        let release = common::debian_release();
        let common_headers = release.replace("-amd64", "-common");
        let root = common::debian(
            &release,
            &[
                &format!("linux-image-{release}"),
                &format!("linux-headers-{release}"),
                &format!("linux-headers-{common_headers}"),
                "linux-kbuild-6.1",
            ],
        );
        Self { root, release }
    }

    fn directory(&self) -> PathBuf {
        self.root.join("lib/modules").join(&self.release)
    }

    fn modules(&self) -> Vec<PathBuf> {
        let modules: Vec<_> = modules_below(&self.directory()).collect();
        assert!(modules.len() > 3000, "{} modules", modules.len());
        modules
    }

    fn rustkmod(&self) -> Command {
        let mut command = common::command();
        command.arg("--root").arg(&self.root);
        command
    }
}

/// What `modinfo` says of each file: the pairs, by path.
fn modinfo(paths: &[PathBuf]) -> BTreeMap<PathBuf, BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for batch in paths.chunks(200) {
        let output = Command::new("modinfo").args(batch).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut path = PathBuf::new();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            if key == "filename" {
                path = PathBuf::from(value);
            }
            let pairs: &mut BTreeMap<_, _> = all.entry(path.clone()).or_default();
            pairs.entry(key.to_string()).or_insert(value.to_string());
        }
    }
    all
}

#[test]
#[ignore = "needs the network: apt-get download"]
fn each_module_says_what_modinfo_says() {
    let debian = Debian::get();
    let modules = debian.modules();
    let expected = modinfo(&modules);
    assert_eq!(expected.len(), modules.len());
    let mut signed = 0;
    for path in &modules {
        let file = KoFile::read(path).unwrap();
        let pairs = &expected[path];
        let shown = path.display();
        for key in ["vermagic", "license", "name", "depends"] {
            let expected = pairs.get(key).map(String::as_str);
            assert_eq!(file.info(key).map(str::trim), expected, "{key} of {shown}");
        }
        match (&file.signature, pairs.get("signer")) {
            (Some(Signature::Signed(signer)), Some(name)) => {
                assert_eq!(&signer.name, name, "{shown}");
                assert_eq!(signer.key, pairs["sig_key"], "{shown}");
                signed += 1;
            }
            (None, None) => {}
            (ours, theirs) => panic!("{shown}: {ours:?}, and modinfo says {theirs:?}"),
        }
    }
    eprintln!(
        "{} modules agree with modinfo, {signed} of them signed",
        modules.len()
    );
}

#[test]
#[ignore = "needs the network: apt-get download"]
fn each_module_needs_what_nm_says() {
    let debian = Debian::get();
    let modules = debian.modules();
    let symbols: usize = modules
        .par_chunks(200)
        .map(|batch| {
            let output = Command::new("nm")
                .args(["-u", "-A", "--"])
                .args(batch)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let mut expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for line in text.lines() {
                let (path, rest) = line.split_once(':').unwrap();
                let name = rest.split_whitespace().next_back().unwrap();
                expected.entry(path).or_default().insert(name);
            }
            let mut count = 0;
            for path in batch {
                let file = KoFile::read(path).unwrap();
                let ours: BTreeSet<_> = file.undefined.iter().map(|s| s.name.as_str()).collect();
                let shown = path.to_str().unwrap();
                let theirs = expected.remove(shown).unwrap_or_default();
                assert_eq!(ours, theirs, "{shown}");
                count += ours.len();
            }
            count
        })
        .sum();
    eprintln!(
        "{symbols} undefined symbols of {} modules agree with nm",
        modules.len()
    );
}

#[test]
#[ignore = "needs the network: apt-get download"]
fn the_kernel_takes_all_its_own_modules() {
    let debian = Debian::get();
    let mut command = debian.rustkmod();
    command
        .arg("check")
        .arg(debian.directory())
        .args(["--kernel", &debian.release]);
    let output = command.output().unwrap();
    let printed = common::printed(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("would take all"), "{printed}");
}

/// depmod looks symbols up in a `System.map`, made here from Module.symvers, and in the modules.
/// Both are given a kernel that lacks some symbols.
#[test]
#[ignore = "needs the network: apt-get download"]
fn modules_that_depmod_finds_wanting_are_refused() {
    let debian = Debian::get();
    let directory = tempfile::tempdir().unwrap();
    let headers = debian
        .root
        .join("usr/src")
        .join(format!("linux-headers-{}", debian.release));
    let symvers = std::fs::read_to_string(headers.join("Module.symvers")).unwrap();
    let lacking = [
        "crc16",
        "drm_open",
        "usb_submit_urb",
        "kthread_create_on_node",
    ];
    let mut kept = String::new();
    let mut map = String::new();
    for line in symvers.lines() {
        let mut fields = line.split('\t');
        let (_, name, exporter) = (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        );
        if lacking.contains(&name) {
            continue;
        }
        kept.push_str(&format!("{line}\n"));
        if exporter == "vmlinux" {
            map.push_str(&format!("ffffffff81000000 r __ksymtab_{name}\n"));
        }
    }
    // A copy of the tree whose modules are links, without those that export what is to lack.
    let tree = directory.path().join("lib/modules").join(&debian.release);
    for path in debian.modules() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if ["crc16.ko", "drm.ko", "usbcore.ko"].contains(&name.as_str()) {
            continue;
        }
        let copy = tree.join(path.strip_prefix(debian.directory()).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        if std::fs::hard_link(&path, &copy).is_err() {
            std::fs::copy(&path, &copy).unwrap();
        }
    }
    for list in [
        "modules.order",
        "modules.builtin",
        "modules.builtin.modinfo",
    ] {
        let _ = std::fs::copy(debian.directory().join(list), tree.join(list));
    }
    // depmod knows exports of the modules only; ours must not know those of the ones left out.
    let gone = ["/crc16", "/drm", "/usbcore"];
    let kept: String = kept
        .lines()
        .filter(|line| {
            let exporter = line.split('\t').nth(2).unwrap();
            !gone.iter().any(|name| exporter.ends_with(name))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    common::write(directory.path().join("System.map"), map);
    let build = tree.join("build");
    common::write(build.join("Module.symvers"), kept);

    let output = Command::new("depmod")
        .args(["-e", "-n", "-F"])
        .arg(directory.path().join("System.map"))
        .arg("-b")
        .arg(directory.path())
        .arg(&debian.release)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let mut expected: BTreeSet<(String, String)> = BTreeSet::new();
    for line in said.lines() {
        // depmod: WARNING: /…/x.ko needs unknown symbol y
        let Some((path, symbol)) = line.split_once(" needs unknown symbol ") else {
            continue;
        };
        let name = Path::new(path)
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        expected.insert((name, symbol.to_string()));
    }
    assert!(expected.len() > 300, "{} from depmod", expected.len());

    let output = common::command()
        .args(["check", "--json", "--kernel"])
        .arg(&build)
        .arg(tree.join("kernel"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let document = common::json(&output);
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for module in document["modules"].as_array().unwrap() {
        let path = Path::new(module["path"].as_str().unwrap());
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for symbol in module["missing"].as_array().into_iter().flatten() {
            found.insert((name.clone(), symbol["symbol"].as_str().unwrap().to_string()));
        }
    }
    let only_depmod: Vec<_> = expected.difference(&found).take(5).collect();
    let only_ours: Vec<_> = found.difference(&expected).take(5).collect();
    assert!(
        only_depmod.is_empty() && only_ours.is_empty(),
        "{only_depmod:?} {only_ours:?}"
    );
    eprintln!("{} missing symbols agree with depmod", found.len());
}

#[test]
#[ignore = "needs the network: apt-get download"]
fn a_module_of_another_kernel_is_refused_field_by_field() {
    let debian = Debian::get();
    let directory = tempfile::tempdir().unwrap();
    let module = debian.directory().join("kernel/lib/crc7.ko");
    let module = if module.exists() {
        module
    } else {
        debian.modules()[0].clone()
    };
    // The same file with another vermagic of the same length, as another kernel's build has it.
    let bytes = std::fs::read(&module).unwrap();
    let magic = b"vermagic=";
    let at = bytes
        .windows(magic.len())
        .position(|window| window == magic)
        .unwrap();
    let foreign = bytes[at..]
        .windows(3)
        .position(|window| window == b"SMP")
        .unwrap()
        + at;
    let mut other = bytes.clone();
    other[foreign..foreign + 3].copy_from_slice(b"UP_");
    let path = directory.path().join("foreign.ko");
    std::fs::write(&path, other).unwrap();
    let output = debian
        .rustkmod()
        .args(["check", "--kernel", &debian.release])
        .arg(&path)
        .output()
        .unwrap();
    let printed = common::printed(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("it differs in SMP"), "{printed}");
    assert!(
        printed.contains("SMP (CONFIG_SMP): the module has none, the kernel has SMP"),
        "{printed}"
    );
}

/// As the kernel does in `check_version()` (`kernel/module/version.c`). Which symbols a module has
/// versions of, and which, is modprobe's word.
#[test]
#[ignore = "needs the network: apt-get download"]
fn a_symbol_of_another_version_is_refused_with_both_versions() {
    let debian = Debian::get();
    let path = debian.modules().into_iter().next().unwrap();
    let output = Command::new("modprobe")
        .arg("--dump-modversions")
        .arg(&path)
        .output()
        .unwrap();
    let dumped = common::printed(&output);
    let versions: Vec<(u32, &str)> = dumped
        .lines()
        .filter_map(|line| {
            let (crc, symbol) = line.split_once('\t')?;
            let crc = u32::from_str_radix(crc.strip_prefix("0x")?, 16).ok()?;
            Some((crc, symbol))
        })
        .collect();
    assert!(versions.len() > 3, "{dumped}");

    let directory = tempfile::tempdir().unwrap();
    let changed = directory.path().join("changed.ko");
    for (crc, symbol) in versions.into_iter().take(20) {
        let entry = [&u64::from(crc).to_le_bytes(), symbol.as_bytes(), b"\0"].concat();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes
            .windows(entry.len())
            .position(|window| window == entry)
            .unwrap();
        bytes[at] ^= 1;
        std::fs::write(&changed, bytes).unwrap();
        let output = debian
            .rustkmod()
            .args(["check", "--kernel", &debian.release])
            .arg(&changed)
            .output()
            .unwrap();
        let printed = common::printed(&output);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        let says = format!("disagrees about version of symbol {symbol}");
        assert!(printed.contains(&says), "{printed}");
        for version in [crc, crc ^ 1] {
            assert!(printed.contains(&format!("{version:#010x}")), "{printed}");
        }
    }
}

#[test]
#[ignore = "needs the network: apt-get download"]
fn packed_modules_are_the_same_modules() {
    let debian = Debian::get();
    let directory = tempfile::tempdir().unwrap();
    let module = &debian.modules()[0];
    let plain = KoFile::read(module).unwrap();
    for (program, ending, arguments) in [
        ("zstd", "zst", &["-q", "-19", "-c"][..]),
        // As the kernel's build packs: with the checksum its own unpacker knows.
        (
            "xz",
            "xz",
            &["--check=crc32", "--lzma2=dict=1MiB", "-c"][..],
        ),
        ("gzip", "gz", &["-n", "-c"][..]),
    ] {
        let output = Command::new(program).args(arguments).arg(module).output();
        let output = output.unwrap_or_else(|_| common::lacks(&format!("there is no {program}")));
        let path = directory.path().join(format!("m.ko.{ending}"));
        std::fs::write(&path, &output.stdout).unwrap();
        assert_eq!(KoFile::read(&path).unwrap(), plain, "{program}");
        std::fs::write(&path, &output.stdout[..output.stdout.len() / 2]).unwrap();
        assert!(KoFile::read(&path).is_err(), "half a {program} stream");
    }
}

#[test]
#[ignore = "needs the network: apt-get download"]
fn doctor_says_that_debians_headers_are_without_rust() {
    let debian = Debian::get();
    let output = debian
        .rustkmod()
        .args(["doctor", "--json", &debian.release])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let document = common::json(&output);
    // There is no gcc-12 below that root, either.
    let failing = common::failing(&output);
    assert_eq!(failing, ["config-rust", "compiler"], "{document:#}");
    assert_eq!(document["kernelrelease"], debian.release.as_str());
}

/// Another distribution's kernel, from the directory its package was unpacked in: other places, another
/// configuration, modules with dependencies.
#[test]
#[ignore = "needs QEMU and the network: apt-get download"]
fn debians_kernel_boots_from_where_it_was_unpacked() {
    if let Err(error) = kernel_boot::init() {
        common::lacks(&error.to_string());
    }
    let Debian { root, release } = Debian::get();
    let output = common::command()
        .env("RUSTKMOD_ACCEL", "tcg")
        .args(["boot", "--timeout", "180", "--kernel"])
        .arg(&root)
        .args(["bridge", "--json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut document = common::json(&output);
    assert_eq!(document["kernelrelease"], release);
    assert_eq!(document["verdict"], "good");
    let steps: Vec<_> = document["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    let loads: Vec<_> = steps
        .iter()
        .filter(|step| step.starts_with("load"))
        .collect();
    assert_eq!(loads, [&"load llc", &"load stp", &"load bridge"]);
    assert_eq!(steps.last(), Some(&"unload llc"));
    // The whole document, without what changes from run to run and from release to release.
    assert!(
        document["log"][0]
            .as_str()
            .unwrap()
            .contains("Linux version")
    );
    document["log"] = "LOG".into();
    for step in document["steps"].as_array_mut().unwrap() {
        let step = step.as_object_mut().unwrap();
        // The kernel may say something of its own meanwhile.
        if let Some(log) = step.get_mut("log").and_then(|log| log.as_array_mut()) {
            log.retain(|line| line.as_str().unwrap().starts_with("bridge: "));
            if log.is_empty() {
                step.remove("log");
            }
        }
    }
    let shown = serde_json::to_string_pretty(&document).unwrap();
    let shown = shown.replace(root.to_str().unwrap(), "ROOT");
    let seconds = regex::Regex::new(r#"\d+\.\d+(,| s in QEMU|\n)"#).unwrap();
    let shown = shown.replace(&release, "RELEASE");
    insta::assert_snapshot!("boot_json", seconds.replace_all(&shown, "0.5$1"));
}
