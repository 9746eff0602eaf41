// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod check` against the kernel itself: a kernel of Debian's, in QEMU, is given its own
//! modules and damaged ones, and what it takes is compared with what was foretold.
//!
//! Fetches the kernel's packages with apt, and takes minutes:
//! `cargo test -p rustkmod --test loader -- --ignored`.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::damage::{self, Module};
use kernel_files::{decompress, depmod, kofile::KoFile, symvers::Symvers};
use kernel_tree::system::System;
use rustkmod::commands::check::{self, Kernel, ModuleReport, Options};

/// A kernel of Debian's with its headers, unpacked.
struct Debian {
    root: PathBuf,
    release: String,
}

impl Debian {
    /// The newest one of a series that apt offers.
    fn newest(series: &str) -> Self {
        let (start, build) = match series {
            "6.1" => ("6.1.0-".to_string(), "linux-kbuild-6.1".to_string()),
            _ => (format!("{series}."), String::new()),
        };
        let names = Command::new("apt-cache")
            .args(["pkgnames", &format!("linux-image-{start}")])
            .output()
            .unwrap();
        let names = String::from_utf8(names.stdout).unwrap();
        let numbers = |release: &str| -> Vec<u32> {
            let parts = release.split(['.', '-', '+']);
            parts.filter_map(|part| part.parse().ok()).collect()
        };
        let is_offered = |release: &&str| {
            let package = format!("linux-image-{release}");
            let shown = Command::new("apt-cache")
                .args(["show", "--no-all-versions", &package])
                .output();
            shown.is_ok_and(|output| !output.stdout.is_empty())
        };
        let is_plain = |release: &&str| {
            let middle = release[start.len()..].trim_end_matches("-amd64");
            let middle = middle.trim_end_matches("+deb12").trim_end_matches("+deb13");
            release.ends_with("-amd64") && middle.bytes().all(|byte| byte.is_ascii_digit())
        };
        let mut releases: Vec<&str> = (names.lines())
            .filter_map(|name| name.strip_prefix("linux-image-"))
            .filter(is_plain)
            .collect();
        releases.sort_by_key(|release| std::cmp::Reverse(numbers(release)));
        let release = releases.into_iter().find(is_offered);
        let release = release.unwrap_or_else(|| panic!("apt offers no kernel {series}"));
        let release = release.to_string();
        let base = release.trim_end_matches("-amd64");
        let build = match build.is_empty() {
            true => format!("linux-kbuild-{base}"),
            false => build,
        };
        let root = common::debian(
            &release,
            &[
                &format!("linux-image-{release}"),
                &format!("linux-headers-{release}"),
                &format!("linux-headers-{base}-common"),
                &build,
                "busybox-static",
            ],
        );
        Self { root, release }
    }

    fn directory(&self) -> PathBuf {
        self.root.join("lib/modules").join(&self.release)
    }

    fn kernel(&self) -> Kernel {
        let system = System::here(Some(self.root.clone()));
        Kernel::find(&system, Some(&self.release)).unwrap()
    }
}

/// What the kernel's loader made of a module.
#[derive(Debug, PartialEq, Eq)]
enum Loader {
    Takes,
    Refuses,
}

/// Boots the kernel and lets it load modules, in this order: `(name, bytes, whether it stays)`.
/// Returns what it made of each, and its log of it.
fn load(
    debian: &Debian,
    modules: &[(String, Vec<u8>, bool)],
    options: &str,
) -> BTreeMap<String, (Loader, String)> {
    let directory = tempfile::tempdir().unwrap();
    let tree = directory.path().join("tree");
    let mut list = String::new();
    for (name, bytes, stays) in modules {
        common::write(tree.join("m").join(name), bytes);
        list.push_str(&format!("{name} {}\n", if *stays { "stay" } else { "go" }));
    }
    common::write(tree.join("list"), list);
    let busybox = std::fs::read(debian.root.join("bin/busybox")).unwrap();
    common::write(tree.join("bin/busybox"), busybox);
    // The kernel numbers its lines; what is written to /dev/kmsg stands among them.
    let init = "#!/bin/busybox sh\n\
        b=/bin/busybox\n\
        for d in proc sys dev; do $b mkdir -p /$d; done\n\
        $b mount -t proc proc /proc; $b mount -t sysfs sysfs /sys; $b mount -t devtmpfs dev /dev\n\
        while read name what; do\n\
        echo \"@begin $name\" >/dev/kmsg\n\
        said=$($b insmod /m/$name 2>&1); status=$?\n\
        echo \"@end $name $status $said\" >/dev/kmsg\n\
        [ $status != 0 ] || [ $what = stay ] || $b rmmod $($b head -n1 /proc/modules | $b cut -d' ' -f1)\n\
        done </list\n\
        echo @done >/dev/kmsg\n\
        $b poweroff -f\n";
    common::write(tree.join("init"), init);
    for program in ["init", "bin/busybox"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(tree.join(program), mode).unwrap();
    }
    let packed = directory.path().join("initramfs");
    let mut packing = Command::new("sh");
    packing
        .args(["-c", "find . | \"$0\" cpio -o -H newc >\"$1\""])
        .args([&debian.root.join("bin/busybox"), &packed])
        .current_dir(&tree);
    assert!(packing.stderr(Stdio::null()).status().unwrap().success());
    std::fs::remove_dir_all(&tree).unwrap();
    let log = directory.path().join("log");
    let append = format!(
        "console=ttyS0 loglevel=8 initcall_debug printk.devkmsg=on panic=-1 nokaslr {options}"
    );
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args("-accel tcg -m 3G -cpu max -nodefaults -no-reboot".split(' '))
        .args(["-display", "none", "-append", &append, "-serial"])
        .arg(format!("file:{}", log.display()))
        .arg("-kernel")
        .arg(
            debian
                .root
                .join("boot")
                .join(format!("vmlinuz-{}", debian.release)),
        )
        .arg("-initrd")
        .arg(&packed);
    let limit = std::time::Duration::from_secs(3600);
    let mut guest = qemu
        .stdin(Stdio::null())
        .spawn()
        .expect("qemu-system-x86_64");
    let start = std::time::Instant::now();
    while guest.try_wait().unwrap().is_none() {
        if start.elapsed() > limit {
            guest.kill().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let text = String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
    if let Some(kept) = std::env::var_os("RUSTKMOD_TEST_LOG") {
        std::fs::write(kept, &text).unwrap();
    }
    let mut found = BTreeMap::new();
    let mut current: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((_, name)) = line.split_once("@begin ") {
            current = Some((name.trim().to_string(), String::new()));
        } else if let Some((_, rest)) = line.split_once("@end ") {
            let (name, mut said) = current.take().expect("a module that began");
            let status = rest.trim().split(' ').nth(1);
            // Its init function may fail; then the loader has taken it.
            let ran = said.contains("calling  ");
            said.push_str(rest);
            let loader = match ran || status == Some("0") {
                true => Loader::Takes,
                false => Loader::Refuses,
            };
            found.insert(name, (loader, said));
        } else if let Some((_, said)) = &mut current {
            said.push_str(line);
            said.push('\n');
        }
    }
    if let Some((name, said)) = current {
        panic!("the kernel did not come back from {name}:\n{said}");
    }
    assert!(text.contains("@done"), "the guest did not end:\n{text}");
    found
}

/// What was foretold of a module, beside what became of it.
fn compare(
    foretold: &BTreeMap<String, ModuleReport>,
    happened: &BTreeMap<String, (Loader, String)>,
) -> Vec<String> {
    (foretold.iter())
        .filter_map(|(name, report)| {
            let (loader, log) = happened.get(name)?;
            let agrees = report.loads == (*loader == Loader::Takes);
            let findings: Vec<_> = report.findings.iter().map(|f| &f.message).collect();
            (!agrees).then(|| format!("{name}: loads {}: {findings:?}\n{log}", report.loads))
        })
        .collect()
}

#[test]
#[ignore = "boots a kernel of Debian's, for minutes"]
fn debians_kernel_takes_what_check_lets_pass() {
    let series = std::env::var("RUSTKMOD_TEST_SERIES").unwrap_or_else(|_| "6.1".into());
    let debian = Debian::newest(&series);
    let kernel = debian.kernel();
    let paths: Vec<_> = depmod::modules_below(&debian.directory()).collect();
    let reports = check::check(&kernel, &paths, Options::default());
    let mut files = HashMap::new();
    let mut foretold = BTreeMap::new();
    for (path, report) in paths.iter().zip(reports) {
        let name = depmod::module_name(path);
        files.insert(name.clone(), KoFile::read(path).unwrap());
        foretold.insert(format!("{name}.ko"), (path.clone(), report));
    }
    // Each after those that it needs.
    let mut order = Vec::new();
    let mut done = BTreeSet::new();
    fn visit(
        name: &str,
        files: &HashMap<String, KoFile>,
        done: &mut BTreeSet<String>,
        order: &mut Vec<String>,
    ) {
        let Some(file) = files.get(name).filter(|_| done.insert(name.to_string())) else {
            return;
        };
        for needed in file.depends() {
            visit(&needed.replace('-', "_"), files, done, order);
        }
        order.push(format!("{name}.ko"));
    }
    // The ciphers first, which others ask for without naming them.
    let mut names: Vec<_> = files.keys().cloned().collect();
    names.sort_by_key(|name| {
        let path = &foretold[&format!("{name}.ko")].0;
        let is_cipher = path.components().any(|part| part.as_os_str() == "crypto");
        (!is_cipher, name.clone())
    });
    for name in &names {
        visit(name, &files, &mut done, &mut order);
    }
    let modules: Vec<_> = (order.iter())
        .map(|name| {
            (
                name.clone(),
                decompress::read(&foretold[name].0).unwrap(),
                true,
            )
        })
        .collect();
    let happened = load(&debian, &modules, "");
    assert_eq!(happened.len(), foretold.len());
    // A module whose init function found nothing to drive is gone again, and what it exports with it:
    // those that need it are refused for that alone.
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    let mut foretold_here = BTreeMap::new();
    for file in &order {
        let name = file.trim_end_matches(".ko");
        let needs = files[name].depends().map(|name| name.replace('-', "_"));
        let lacks = needs
            .into_iter()
            .any(|needed| gone.contains(needed.as_str()));
        let (loader, said) = &happened[file];
        let has_loaded = *loader == Loader::Takes && said.contains(&format!("{file} 0"));
        if !has_loaded {
            gone.insert(name);
        }
        if !lacks {
            foretold_here.insert(file.clone(), foretold.remove(file).unwrap().1);
        }
    }
    let differences = compare(&foretold_here, &happened);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let left = foretold.len();
    assert!(left < 150, "{left} modules need one that did not stay");
    eprintln!(
        "{}: {} modules agreed, {left} need one that found nothing to drive",
        debian.release,
        foretold_here.len()
    );
}

type Change<'a> = Box<dyn Fn(&mut Module) + 'a>;

/// One damage a module. `crc8` is small, exports a symbol and has no init function.
fn damages(symvers: &Symvers) -> Vec<(&'static str, Change<'_>)> {
    use damage::*;
    let crc = |name: &str| symvers.exports[name].crc;
    let in_namespace = (symvers.exports.iter())
        .find(|(_, export)| !export.namespace.is_empty() && export.exporter == "vmlinux")
        .map(|(name, export)| (name.clone(), export.crc))
        .expect("a symbol in a namespace");
    let own = ".gnu.linkonce.this_module";
    fn put(at: usize, bytes: &'static [u8]) -> Change<'static> {
        Box::new(move |module| module.put(at, bytes))
    }
    fn header(name: &'static str, field: usize, bytes: &'static [u8]) -> Change<'static> {
        Box::new(move |module| {
            let at = module.section(name) + field;
            module.put(at, bytes);
        })
    }
    let gpl = (symvers.exports.iter())
        .find(|(_, export)| {
            export.gpl_only && export.namespace.is_empty() && export.exporter == "vmlinux"
        })
        .map(|(name, export)| (name.clone(), export.crc))
        .expect("a symbol for GPL modules");
    let gpl_too = gpl.clone();
    let plain = (symvers.exports.iter())
        .find(|(_, export)| !export.gpl_only && export.exporter == "vmlinux")
        .map(|(name, export)| (name.clone(), export.crc))
        .expect("a symbol for all");
    let (plain_too, plain_three) = (plain.clone(), plain.clone());
    let of_four = (symvers.exports.iter())
        .find(|(name, export)| name.len() == 4 && export.exporter == "vmlinux")
        .map(|(name, _)| name.clone())
        .expect("a symbol with a name as long as `crc8`");
    vec![
        ("whole", Box::new(|_| {})),
        ("shorter_than_a_header", Box::new(|m| m.0.truncate(40))),
        ("half", Box::new(|m| m.0.truncate(m.0.len() / 2))),
        (
            "one_byte_short",
            Box::new(|m| {
                m.0.pop();
            }),
        ),
        ("magic", put(1, b"e")),
        ("class_32", put(4, &[1])),
        ("big_endian", put(5, &[2])),
        ("ident_version", put(6, &[0])),
        ("executable", put(E_TYPE, &[2])),
        ("library", put(E_TYPE, &[3])),
        ("aarch64", put(E_MACHINE, &[183])),
        ("i386", put(E_MACHINE, &[3])),
        ("section_header_size", put(E_SHENTSIZE, &[40])),
        ("sections_beyond", put(E_SHOFF + 4, &[1])),
        ("many_sections", put(E_SHNUM, &[0xff, 0x7f])),
        ("no_names", put(E_SHSTRNDX, &[0, 0])),
        ("names_beyond", put(E_SHSTRNDX, &[0xff, 0x7f])),
        (
            "section_0",
            Box::new(|m| {
                let at = m.header(0) + SH_SIZE;
                m.put(at, &[1]);
            }),
        ),
        ("text_beyond", header(".text", SH_OFFSET + 4, &[1])),
        ("text_endless", header(".text", SH_SIZE, &[0xff; 8])),
        (
            "names_without_end",
            Box::new(|m| {
                let end = m.content(".shstrtab").end;
                m.put(end - 1, b"x");
            }),
        ),
        ("name_beyond", header(".text", SH_NAME, &[0xff, 0xff, 0, 0])),
        (
            "comment_name_beyond",
            header(".comment", SH_NAME, &[0xff, 0xff, 0, 0]),
        ),
        ("no_symbols", header(".symtab", SH_TYPE, &[1])),
        (
            "two_symbol_tables",
            Box::new(|m| {
                let (at, link) = (m.section(".shstrtab"), m.index(".strtab"));
                m.put(at + SH_TYPE, &[2]);
                m.put(at + SH_LINK, &u32::try_from(link).unwrap().to_le_bytes());
            }),
        ),
        ("symbols_without_names", header(".symtab", SH_LINK, &[0; 4])),
        (
            "symbols_names_beyond",
            header(".symtab", SH_LINK, &[0xff, 0xf, 0, 0]),
        ),
        (
            "strtab_begins_with_a_name",
            Box::new(|m| {
                let start = m.content(".strtab").start;
                m.put(start, b"x");
            }),
        ),
        ("common", Box::new(|m| m.common())),
        (
            "no_this_module",
            Box::new(move |m| m.rename_section(own, ".other")),
        ),
        ("this_module_without_content", header(own, SH_TYPE, &[8])),
        ("this_module_not_loaded", header(own, SH_FLAGS, &[1])),
        (
            "this_module_small",
            Box::new(move |m| {
                let at = m.section(own) + SH_SIZE;
                let size = m.u64(at) as u64 - 64;
                m.put(at, &size.to_le_bytes());
            }),
        ),
        (
            "this_module_large",
            Box::new(move |m| {
                let mut content = m.0[m.content(own)].to_vec();
                content.resize(content.len() + 64, 0);
                m.replace(own, &content);
            }),
        ),
        (
            "two_this_modules",
            Box::new(move |m| m.rename_section(".comment", own)),
        ),
        (
            "two_modinfos",
            Box::new(|m| m.rename_section(".comment", ".modinfo")),
        ),
        (
            "release_with_checksums",
            Box::new(|m| {
                let magic = m.info("vermagic");
                let words = magic.split_once(' ').unwrap().1;
                m.modinfo("vermagic", Some(&format!("1.2.3 {words}")));
            }),
        ),
        (
            "vermagic",
            Box::new(|m| {
                let magic = m.info("vermagic").replace("SMP", "UP");
                m.modinfo("vermagic", Some(&magic));
            }),
        ),
        (
            "vermagic_space",
            Box::new(|m| {
                let magic = m.info("vermagic");
                m.modinfo("vermagic", Some(magic.trim_end()));
            }),
        ),
        ("no_vermagic", Box::new(|m| m.modinfo("vermagic", None))),
        ("livepatch", Box::new(|m| m.modinfo("livepatch", Some("Y")))),
        ("staging", Box::new(|m| m.modinfo("staging", Some("Y")))),
        (
            "missing_symbol",
            Box::new(|m| m.need("nobody_exports_this", false)),
        ),
        (
            "missing_weak_symbol",
            Box::new(|m| m.need("nobody_exports_this", true)),
        ),
        (
            "namespace",
            Box::new(move |m| {
                m.need(&in_namespace.0, false);
                m.version(&in_namespace.0, Some(in_namespace.1));
            }),
        ),
        (
            "gpl_symbol",
            Box::new(move |m| {
                m.need(&gpl.0, false);
                m.version(&gpl.0, Some(gpl.1));
            }),
        ),
        (
            "gpl_symbol_proprietary",
            Box::new(move |m| {
                m.need(&gpl_too.0, false);
                m.version(&gpl_too.0, Some(gpl_too.1));
                m.modinfo("license", Some("Proprietary"));
            }),
        ),
        (
            "other_checksum",
            Box::new(move |m| {
                m.need(&plain.0, false);
                m.version(&plain.0, Some(plain.1 ^ 1));
            }),
        ),
        (
            "no_checksum",
            Box::new(move |m| {
                m.need(&plain_too.0, false);
                m.version(&plain_too.0, None);
            }),
        ),
        (
            "other_checksum_not_needed",
            Box::new(move |m| {
                m.version(&plain_three.0, Some(plain_three.1 ^ 1));
            }),
        ),
        (
            "module_layout",
            Box::new(move |m| m.version("module_layout", Some(crc("module_layout") ^ 1))),
        ),
        (
            "no_checksums",
            Box::new(|m| m.rename_section("__versions", "__other")),
        ),
        (
            "duplicate_export",
            Box::new(move |m| {
                let strings = m.content("__ksymtab_strings");
                let at = m.0[strings.clone()]
                    .windows(5)
                    .position(|w| w == b"crc8\0")
                    .unwrap();
                m.put(strings.start + at, of_four.as_bytes());
                m.rename_symbol("__ksymtab_crc8", &format!("__ksymtab_{of_four}"));
            }),
        ),
        (
            "no_export_checksums",
            Box::new(|m| {
                let name = if m.0.windows(14).any(|w| w == b"__kcrctab_gpl\0") {
                    "__kcrctab_gpl"
                } else {
                    "__kcrctab"
                };
                m.rename_section(name, "__other");
            }),
        ),
        ("relocation_42", Box::new(|m| m.relocation(42))),
        ("relocation_9", Box::new(|m| m.relocation(9))),
        ("relocation_32", Box::new(|m| m.relocation(10))),
        (
            "relocation_place",
            Box::new(|m| {
                let last = m.content(".rela.text").end - 24;
                let at = m.content(".text").start + m.u64(last);
                m.put(at, &[1]);
            }),
        ),
        (
            "relocations_without_addend",
            header(".rela.text", SH_TYPE, &[9]),
        ),
        ("writable_code", header(".text", SH_FLAGS, &[7])),
        (
            "btf",
            Box::new(|m| {
                let at = m.content(".BTF").start;
                m.put(at, &[0]);
            }),
        ),
        (
            "signature_too_long",
            Box::new(|m| m.sign([0, 0, 2, 0, 0, 0, 0, 0], b"", u32::MAX)),
        ),
        (
            "signature_of_another_kind",
            Box::new(|m| m.sign([0, 0, 1, 0, 0, 0, 0, 0], b"x", 1)),
        ),
        (
            "signature_fields",
            Box::new(|m| m.sign([1, 0, 2, 0, 0, 0, 0, 0], b"x", 1)),
        ),
        (
            "signature_message",
            Box::new(|m| m.sign([0, 0, 2, 0, 0, 0, 0, 0], b"nonsense", 8)),
        ),
        ("already_loaded", Box::new(|m| m.rename("crc7"))),
        ("built_in", Box::new(|m| m.rename("printk"))),
        ("forbidden", Box::new(|m| m.rename("forbidden"))),
    ]
}

#[test]
#[ignore = "boots a kernel of Debian's"]
fn damaged_modules_are_refused_as_the_loader_refuses_them() {
    let series = std::env::var("RUSTKMOD_TEST_SERIES").unwrap_or_else(|_| "6.12".into());
    let debian = Debian::newest(&series);
    let read = |name: &str| {
        let directory = debian.directory();
        let all = depmod::modules_below(&directory);
        let mut paths = all.filter(|path| depmod::module_name(path) == name);
        decompress::read(&paths.next().expect(name)).unwrap()
    };
    let state = tempfile::tempdir().unwrap();
    // As the guest is booted, and with what it loads first.
    let options = "module_blacklist=forbidden";
    let mut kernel = debian.kernel();
    kernel.forbidden = HashSet::from(["forbidden".to_string()]);
    kernel.loaded = HashSet::from(["crc7".to_string()]);
    let headers = debian.directory().join("build/Module.symvers");
    let headers = System::here(Some(debian.root.clone()))
        .at(Path::new("/").join(headers.strip_prefix(&debian.root).unwrap()));
    let symvers = Symvers::read(&headers).unwrap();
    let signed = read("crc8");
    let mut modules = vec![("crc7.ko".to_string(), read("crc7"), true)];
    let mut foretold = BTreeMap::new();
    let mut tell = |name: &str, bytes: Vec<u8>| {
        let path = state.path().join(format!("{name}.ko"));
        std::fs::write(&path, &bytes).unwrap();
        let reports = check::check(&kernel, &[path], Options::default());
        foretold.extend(
            reports
                .into_iter()
                .map(|report| (format!("{name}.ko"), report)),
        );
        modules.push((format!("{name}.ko"), bytes, false));
    };
    let damages = damages(&symvers);
    assert!(damages.len() > 50);
    for (name, change) in &damages {
        let mut module = damage::unsigned(&signed);
        change(&mut module);
        tell(name, module.0);
    }
    tell("signed", signed.clone());
    let mut changed = signed;
    let at = damage::unsigned(&changed).content(".comment").start;
    changed[at] ^= 1;
    tell("changed_behind_its_signature", changed);
    let happened = load(&debian, &modules, options);
    // What check cannot know, it says.
    let report = &foretold["changed_behind_its_signature.ko"];
    assert!(
        report
            .not_looked_at
            .iter()
            .any(|what| what.contains("signature fits"))
    );
    let (loader, _) = &happened["changed_behind_its_signature.ko"];
    assert_eq!(*loader, Loader::Refuses);
    foretold.remove("changed_behind_its_signature.ko");
    let differences = compare(&foretold, &happened);
    assert_eq!(happened.len(), modules.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let refused = foretold.values().filter(|report| !report.loads).count();
    eprintln!(
        "{}: {refused} refused and {} taken",
        debian.release,
        foretold.len() - refused
    );
}
