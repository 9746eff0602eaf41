// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's crates: are all there, do they belong together, can rustc use them where they lie.

use std::collections::BTreeMap;

use kernel_files::file;
use serde_json::Value;

use super::subject::Subject;
use crate::command::Command;
use crate::report::{Finding, counted};
use kernel_files::rmeta::{Rmeta, Target};
use kernel_tree::kdir::Kdir;
use kernel_tree::toolchain;

const E0461: &str =
    "rustc would say: error[E0461]: couldn't find crate `core` with expected target triple";

/// Reads which crates and files the tree's own rule for Rust modules hands to rustc
/// (`rust_common_cmd` in `scripts/Makefile.build`), follows the crates they were made against,
/// and looks for each in `rust/`.
pub fn complete(subject: &Subject) -> Vec<Finding> {
    let check = "crates";
    let kdir = &subject.kdir;
    let mut findings = Vec::new();
    let missing = missing(kdir);
    let directory = subject.system.shown(&kdir.path.join("rust"));
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|(name, _)| name.as_str()).collect();
        let message = match kdir.crates.is_empty() {
            true => "the kernel has Rust, but the headers have none of its crates".to_string(),
            false => format!(
                "{} missing from the headers: {}",
                counted(missing.len(), "crate"),
                names.join(", ")
            ),
        };
        let mut finding = Finding::error(check, &directory, message);
        for (name, why) in missing.iter().take(4) {
            finding = finding.note(format!(
                "there is no lib{name}.rmeta or lib{name}.so: {why}"
            ));
        }
        finding = finding.note(format!(
            "rustc would say: error[E0463]: can't find crate for `{}`",
            names[0]
        ));
        findings.push(match (kdir.crates.is_empty(), subject.is_source()) {
            (true, false) => not_shipped(subject, finding),
            _ => subject.reinstall(finding),
        });
    }
    for file in kdir.rule.files.iter().filter(|file| file.ends_with(".bc")) {
        if !kdir.file(file).exists() && kdir.config.is_y("RUST_INLINE_HELPERS") {
            let finding = Finding::error(
                check,
                subject.shown(file),
                format!("the headers lack {file}"),
            )
            .note("CONFIG_RUST_INLINE_HELPERS links every Rust module with it");
            findings.push(subject.reinstall(finding));
        }
    }
    if findings.is_empty() {
        let message = format!(
            "{} and {} are complete",
            counted(kdir.crates.len(), "crate"),
            counted(kdir.libraries.len(), "proc-macro library")
        );
        findings.push(Finding::ok(check, &directory, message));
    }
    findings
}

/// The crates that a module needs and that are not there, each with who wants it: those that are named
/// somewhere.
fn missing(kdir: &Kdir) -> Vec<(String, String)> {
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for name in &kdir.rule.externs {
        wanted.insert(
            name.clone(),
            "scripts/Makefile.build passes it to rustc".into(),
        );
    }
    wanted
        .entry("core".into())
        .or_insert_with(|| "every crate is compiled against it".into());
    let mut waiting: Vec<String> = wanted.keys().cloned().collect();
    while let Some(user) = waiting.pop() {
        let Some(Ok(rmeta)) = kdir.crates.get(&user) else {
            continue;
        };
        for name in rmeta
            .dependencies
            .iter()
            .filter_map(|dependency| dependency.name.as_ref())
        {
            if !wanted.contains_key(name) {
                wanted.insert(name.clone(), format!("`{user}` was compiled against it"));
                waiting.push(name.clone());
            }
        }
    }
    let is_there =
        |name: &String| kdir.crates.contains_key(name) || kdir.libraries.contains_key(name);
    wanted.retain(|name, _| !is_there(name));
    wanted.into_iter().collect()
}

/// Distributions that turn Rust on and ship no crates: installing their headers again helps
/// nobody.
fn not_shipped(subject: &Subject, finding: Finding) -> Finding {
    use kernel_tree::system::Distribution;
    let Some(release) = &subject.release else {
        return finding.advise("build the kernel first: its crates come with it");
    };
    match subject.distribution() {
        // linux-headers and kernel-devel have them.
        Distribution::Arch | Distribution::Fedora => subject.reinstall(finding),
        Distribution::Debian if subject.system.is_ubuntu() => finding
            .note("Ubuntu has them in a package of their own")
            .run("install that", Command::new("sudo apt install").arg(format!("linux-lib-rust-{release}"))),
        Distribution::Debian => finding
            .note("Debian's kernels have Rust since 6.18, and none of Debian's packages has their crates")
            .advise("build the kernel yourself, from Debian's linux-source, or use one whose headers have them, such as linux-rust-lts61"),
        _ => finding.advise("build the kernel yourself, or use one whose headers have them, such as linux-rust-lts61"),
    }
}

/// Reads the headers of all crates: each must be sound, made by one and the same rustc, for one
/// target, and against these very crates (E0514, E0786, E0460).
pub fn agree(subject: &Subject) -> Vec<Finding> {
    let check = "crates-agree";
    let kdir = &subject.kdir;
    let mut findings = Vec::new();
    for (name, outcome) in &kdir.crates {
        if let Err(why) = outcome {
            let file = subject.shown(&format!("rust/lib{name}.rmeta"));
            let finding = Finding::error(check, &file, format!("the crate `{name}` is damaged"))
                .note(format!("lib{name}.rmeta: {why}"))
                .note(format!(
                    "rustc would panic, or say: error[E0786]: found invalid metadata files for crate `{name}`"
                ));
            findings.push(subject.reinstall(finding));
        }
    }
    let sound: Vec<(&String, &Rmeta)> = kdir
        .crates
        .iter()
        .filter_map(|(name, found)| Some((name, found.as_ref().ok()?)))
        .collect();
    if let Some(finding) = one_rustc(subject, &sound) {
        findings.push(finding);
    } else if let Some(finding) = one_build(subject, &sound) {
        findings.push(finding);
    }
    if findings.is_empty() {
        let directory = subject.system.shown(&kdir.path.join("rust"));
        findings.push(match sound.first() {
            Some((_, rmeta)) => Finding::ok(
                check,
                &directory,
                format!("the crates belong together, made by {}", rmeta.rustc),
            ),
            None => Finding::skipped(check, &directory, "there are no crates to look at"),
        });
    }
    findings
}

fn one_rustc(subject: &Subject, sound: &[(&String, &Rmeta)]) -> Option<Finding> {
    let (first_name, first) = sound.first()?;
    let (name, other) = sound.iter().find(|(_, rmeta)| rmeta.rustc != first.rustc)?;
    let file = subject.shown(&format!("rust/lib{name}.rmeta"));
    let finding = Finding::error(
        "crates-agree",
        file,
        "the crates were made by different rustcs",
    )
    .versus((first_name, &first.rustc), (name, &other.rustc))
    .note("no rustc can read both");
    Some(subject.reinstall(finding))
}

/// A crate records the hash of each it was compiled against. Names that rustc knows itself, such
/// as `core`, are not written out: there it has to be the hash of one of those that are here.
fn one_build(subject: &Subject, sound: &[(&String, &Rmeta)]) -> Option<Finding> {
    let hashes: BTreeMap<&str, &[u8]> = sound
        .iter()
        .filter_map(|(name, rmeta)| Some((name.as_str(), rmeta.root.as_ref()?.hash.as_slice())))
        .collect();
    let libraries: Vec<Option<&[u8]>> = subject
        .kdir
        .libraries
        .values()
        .map(|library| library.as_ref().ok()?.hash.as_deref())
        .collect();
    // Where one is missing by its name, a hash that is not here is that one's.
    let all_are_known = hashes.len() == subject.kdir.crates.len()
        && libraries.iter().all(Option::is_some)
        && missing(&subject.kdir).is_empty();
    for (user, rmeta) in sound {
        for dependency in &rmeta.dependencies {
            let Some(name) = dependency.name.as_deref() else {
                let hash = dependency.hash.as_slice();
                let is_here =
                    hashes.values().any(|known| *known == hash) || libraries.contains(&Some(hash));
                if all_are_known && !is_here {
                    let file = subject.shown(&format!("rust/lib{user}.rmeta"));
                    let message =
                        format!("`{user}` was compiled against a crate that is not among these");
                    let finding = Finding::error("crates-agree", file, message)
                        .note(format!("no crate here has the hash {}", hex(hash)))
                        .note("one is missing, or is of another build: E0463 or E0460");
                    return Some(subject.reinstall(finding));
                }
                continue;
            };
            let Some(hash) = hashes.get(name) else {
                continue;
            };
            if dependency.hash != *hash {
                let file = subject.shown(&format!("rust/lib{name}.rmeta"));
                let message =
                    format!("`{name}` is not the crate that `{user}` was compiled against");
                let finding = Finding::error("crates-agree", file, message)
                    .versus(
                        (&format!("`{user}` wants"), &hex(&dependency.hash)),
                        (&format!("`{name}` is"), &hex(hash)),
                    )
                    .note(format!("rustc would say: error[E0460]: found possibly newer version of crate `{name}` which `{user}` depends on"));
                return Some(subject.reinstall(finding));
            }
        }
    }
    None
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the proc-macro libraries in `rust/`: ELF for this machine, with the metadata of the
/// crates' own rustc and the table rustc looks for. rustc loads them into itself.
pub fn proc_macros(subject: &Subject) -> Vec<Finding> {
    let check = "proc-macros";
    let kdir = &subject.kdir;
    let mut findings = Vec::new();
    let made_by = kdir
        .crate_for_rustc()
        .map(|(_, rmeta)| rmeta.rustc.as_str());
    let host_glibc = host_glibc(subject);
    for (name, outcome) in &kdir.libraries {
        let file = subject.shown(&format!("rust/lib{name}.so"));
        let error = |message: String| Finding::error(check, &file, message);
        let finding = match outcome {
            Err(why) => error(format!("the proc-macro library `{name}` is damaged"))
                .note(format!("lib{name}.so: {why}"))
                .note(format!(
                    "rustc would say: error[E0463]: can't find crate for `{name}`"
                )),
            Ok(library) if library.machine != subject.system.machine => error(format!(
                "the proc-macro library `{name}` cannot run on this machine"
            ))
            .versus(
                ("it is made for", &library.machine),
                ("this machine is", subject.system.machine),
            ),
            Ok(library) if made_by.is_some_and(|made_by| made_by != library.rustc) => {
                error(format!(
                    "the proc-macro library `{name}` was made by another rustc than the crates"
                ))
                .versus(
                    (&format!("lib{name}.so"), &library.rustc),
                    ("the crates", made_by.unwrap_or_default()),
                )
            }
            Ok(library) if !library.has_macros => error(format!(
                "the proc-macro library `{name}` was stripped of what rustc looks for"
            ))
            .note("it exports no __rustc_proc_macro_decls_ symbol: it was stripped too far"),
            Ok(library) => match (&library.glibc, &host_glibc) {
                (Some(wants), Some(has)) if toolchain::compare(wants, has).is_gt() => error(
                    format!("the proc-macro library `{name}` needs a newer glibc"),
                )
                .versus(("it needs", wants), ("this machine has", has)),
                _ => continue,
            },
        };
        findings.push(subject.reinstall(finding));
    }
    if findings.is_empty() {
        let directory = subject.system.shown(&kdir.path.join("rust"));
        let names: Vec<_> = kdir
            .libraries
            .keys()
            .map(|name| format!("lib{name}.so"))
            .collect();
        findings.push(match names.is_empty() {
            true => Finding::skipped(check, directory, "there are no proc-macro libraries"),
            false => Finding::ok(
                check,
                directory,
                format!("rustc can load {}", names.join(", ")),
            ),
        });
    }
    findings
}

/// The newest version glibc defines, from the strings of `libc.so.6`.
fn host_glibc(subject: &Subject) -> Option<String> {
    let machine = subject.system.machine;
    let places = [
        format!("/usr/lib/{machine}-linux-gnu"),
        "/usr/lib".into(),
        "/usr/lib64".into(),
    ];
    let path = places
        .into_iter()
        .map(|place| subject.system.at(format!("{place}/libc.so.6")))
        .find(|path| path.exists())?;
    kernel_files::rmeta::defined_glibc(&path)
}

/// Compares the target the crates were made for with the one this tree's Makefile passes:
/// `rust/target.json` or `scripts/target.json` must be there, hold what it held, and, for a rustc
/// before 1.63, lie where it lay (E0461).
pub fn target(subject: &Subject) -> Vec<Finding> {
    let check = "target";
    let kdir = &subject.kdir;
    let makefile = kdir.makefile.as_ref().ok();
    let flag = makefile.and_then(|found| found.target.as_deref());
    let recorded = kdir
        .crate_for_rustc()
        .and_then(|(_, rmeta)| rmeta.root.as_ref())
        .map(|root| &root.target);
    let mut files = kdir.rule.files.iter();
    let file = files.find(|file| file.ends_with("target.json"));
    let finding = match (file, recorded) {
        (None, Some(Target::Name(name))) if flag != Some("target") => {
            let message = format!("the target is rustc's own {name}");
            Finding::ok(check, subject.shown("Makefile"), message)
        }
        (None, None) if flag != Some("target") => {
            let message = "the Makefiles name no target.json";
            Finding::skipped(check, subject.shown("Makefile"), message)
        }
        _ => {
            let file = file.map_or("rust/target.json", String::as_str);
            target_file(subject, file, flag)
                .map(|text| same_target(subject, file, &text, flag, recorded))
                .unwrap_or_else(|finding| finding)
        }
    };
    vec![finding]
}

/// The text of a target file that rustc finds, can read, and that is for the kernel's processor.
fn target_file(subject: &Subject, file: &str, flag: Option<&str>) -> Result<String, Finding> {
    let check = "target";
    let kdir = &subject.kdir;
    let path = kdir.path.join(file);
    let shown = subject.system.shown(&path);
    let text = file::read_text(&path, 1 << 20).map_err(|why| {
        if kdir.crates.is_empty() && !subject.is_source() {
            let message = format!("there is no {file}: it comes with the crates");
            return Finding::skipped(check, &shown, message);
        }
        let finding = Finding::error(check, &shown, format!("the headers lack {file}"))
            .note(why.to_string())
            .note(format!(
                "rustc would say: target file \"./{file}\" does not exist"
            ));
        subject.reinstall(finding)
    })?;
    let value = match serde_json::from_str::<Value>(&text) {
        Ok(value) if value.is_object() => value,
        outcome => {
            let why = outcome
                .err()
                .map_or("it is not a JSON object".to_string(), |e| e.to_string());
            let finding = Finding::error(check, &shown, format!("{file} is damaged")).note(why);
            return Err(subject.reinstall(finding));
        }
    };
    let makefile = kdir.makefile.as_ref();
    if flag == Some("target") && !makefile.is_ok_and(|found| found.exports_target_path) {
        let message = "the Makefile names the target without saying where its file is";
        return Err(Finding::error(check, subject.shown("Makefile"), message)
            .note("it passes --target=target to rustc, and does not export RUST_TARGET_PATH")
            .run(
                "say where it is",
                Command::new("export").set("RUST_TARGET_PATH", format!("{}/rust", subject.tree())),
            ));
    }
    let arch = value["arch"].as_str().unwrap_or_default();
    let machine = kdir.machine().unwrap_or(arch);
    // rustc calls 32-bit x86 "x86", and uname i686.
    if !arch.is_empty() && arch != machine && !(arch == "x86" && machine == "i686") {
        let message = "target.json is of another processor than the kernel";
        let finding =
            Finding::error(check, &shown, message).versus((file, arch), ("the kernel", machine));
        return Err(subject.reinstall(finding));
    }
    Ok(text)
}

/// Whether rustc takes the target in `file` for the one that the crates were made for.
fn same_target(
    subject: &Subject,
    file: &str,
    text: &str,
    flag: Option<&str>,
    recorded: Option<&Target>,
) -> Finding {
    let check = "target";
    let shown = subject.shown(file);
    let by_name = flag == Some("target");
    match recorded {
        Some(Target::Path(recorded)) if by_name => {
            let message =
                "the crates were made for the target by path, and the Makefile passes it by name";
            Finding::error(check, shown, message)
                .versus(
                    ("the crates", recorded),
                    ("the Makefile", "--target=target"),
                )
                .note(E0461)
                .run(
                    "build the crates again, by this Makefile",
                    subject.make().shell("prepare"),
                )
        }
        Some(Target::Path(recorded)) => moved(subject, file, recorded),
        Some(Target::Name(name)) if name == "target" && !by_name => {
            let message =
                "the crates were made for the target by name, and the Makefile passes it by path";
            let finding = Finding::error(check, subject.shown("Makefile"), message)
                .versus(
                    ("the crates", "--target=target"),
                    ("the Makefile", &format!("--target={}", flag.unwrap_or("?"))),
                )
                .note(E0461);
            subject.reinstall(finding)
        }
        Some(Target::Contents { contents, .. }) if !same_json(contents, text) => {
            let message = format!("{file} is not the one the crates were made with");
            let (was, is) = first_difference(contents, text);
            let finding = Finding::error(check, shown, message)
                .versus(("the crates", &was), (file, &is))
                .note(E0461);
            subject.reinstall(finding)
        }
        Some(_) => {
            let message = format!("{file} is the one the crates were made with");
            Finding::ok(check, shown, message)
        }
        None => {
            let machine = subject.kdir.machine().unwrap_or("this kernel");
            Finding::ok(check, shown, format!("{file} is there, for {machine}"))
        }
    }
}

/// rustc before 1.63 takes a target by the path of its file alone.
fn moved(subject: &Subject, file: &str, recorded: &str) -> Finding {
    let check = "target";
    let shown = subject.shown(file);
    let path = subject.kdir.path.join(file);
    let now = std::fs::canonicalize(&path).unwrap_or(path);
    let now = subject.system.shown(&now);
    if now == recorded {
        let message = "target.json lies where it lay when the crates were made";
        return Finding::ok(check, shown, message);
    }
    let was = recorded
        .strip_suffix("/rust/target.json")
        .unwrap_or(recorded);
    let made_by = subject.kdir.crate_for_rustc();
    let made_by = made_by.map_or("rustc", |(_, rmeta)| rmeta.rustc.as_str());
    Finding::error(check, shown, "these headers were moved, and their rustc cannot stand that")
        .versus(("made in", recorded), ("now in", &now))
        .note(format!("{made_by} hashes the path of target.json into every crate; 1.63 and later hash what it holds"))
        .note(E0461)
        .run(
            "give them back their path",
            Command::new("sudo mkdir -p")
                .arg(was)
                .then(&Command::new("sudo mount --bind").arg(subject.tree()).arg(was)),
        )
        .advise("or use headers that were built to be moved, such as linux-rust-lts61-headers")
}

/// rustc writes the file into the crate as it read it; spaces do not matter.
fn same_json(recorded: &str, now: &str) -> bool {
    let read = |text| serde_json::from_str::<Value>(text).ok();
    read(recorded).is_some_and(|recorded| read(now) == Some(recorded))
}

fn first_difference(recorded: &str, now: &str) -> (String, String) {
    let line = |text: Option<&str>| text.unwrap_or("ends here").trim().to_string();
    let (mut one, mut other) = (recorded.lines(), now.lines());
    loop {
        match (one.next(), other.next()) {
            (None, None) => return ("the same lines".into(), "the same lines".into()),
            (a, b) if a != b => return (line(a), line(b)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Error, Ok, Skipped};

    /// A crate of format 6, with its dependencies by name and hash.
    fn rmeta(name: &str, rustc: &str, hash: u8, target: &[u8], uses: &[(&str, u8)]) -> Vec<u8> {
        let string = |text: &str| {
            let mut bytes = vec![u8::try_from(text.len()).unwrap()];
            bytes.extend(text.bytes());
            bytes.push(0xC1);
            bytes
        };
        let mut body = string(rustc);
        for (used, hash) in uses {
            // Without a name: one that rustc writes as a number.
            match used.is_empty() {
                true => body.extend([2, 7]),
                false => body.extend(string(used)),
            }
            body.extend([*hash, 0, 2, 0, 0xC1]);
        }
        let mut bytes = b"rust\0\0\0\x06".to_vec();
        bytes.extend(u32::try_from(12 + body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes.extend(string(name));
        bytes.extend(target);
        bytes.extend([0, 0xC1, hash]);
        bytes
    }

    const RUSTC: &str = "rustc 1.62.0 (a8314ef7d 2022-06-27)";
    const BY_NAME: &[u8] = b"\x00\x06target\xC1";

    fn tree() -> Tree {
        let tree = Tree::new();
        tree.write(
            "scripts/Makefile.build",
            "rust_common_cmd = $(RUSTC) --extern alloc --extern kernel -L $(objtree)/rust/\n",
        );
        tree.write("rust/libcore.rmeta", rmeta("core", RUSTC, 1, BY_NAME, &[]));
        tree.write(
            "rust/liballoc.rmeta",
            rmeta("alloc", RUSTC, 2, BY_NAME, &[("core", 1)]),
        );
        tree.write(
            "rust/libkernel.rmeta",
            rmeta("kernel", RUSTC, 3, BY_NAME, &[("core", 1), ("bindings", 4)]),
        );
        tree.write(
            "rust/libbindings.rmeta",
            rmeta("bindings", RUSTC, 4, BY_NAME, &[("core", 1)]),
        );
        tree
    }

    #[test]
    fn a_whole_set_is_fine() {
        assert_eq!(tree().run(complete), [Ok]);
        assert_eq!(tree().run(agree), [Ok]);
    }

    #[test]
    fn target_json_is_missed_where_there_are_crates() {
        let rule = "RUSTFLAGS := --target=$(objtree)/scripts/target.json\n";
        let without_crates = Tree::new();
        without_crates.write("scripts/Makefile.build", rule);
        assert_eq!(without_crates.run(target), [Skipped]);
        let with_crates = tree();
        with_crates.write("scripts/Makefile.build", rule);
        assert_eq!(with_crates.run(target), [Error]);
    }

    #[test]
    fn crates_passed_or_compiled_against_must_be_there() {
        for name in ["core", "alloc", "kernel", "bindings"] {
            let tree = tree();
            tree.remove(&format!("rust/lib{name}.rmeta"));
            assert_eq!(tree.run(complete), [Error], "{name}");
        }
    }

    #[test]
    fn bitcode_must_be_there_where_helpers_are_inlined() {
        let tree = tree();
        let rule = "cmd = $(RUSTC) --extern kernel \\\n\
                    \t$(objtree)/rust/helpers/helpers$(if $(part-of-module),_module).bc\n";
        tree.write("scripts/Makefile.build", rule);
        assert_eq!(tree.run(complete), [Ok]);
        tree.write(".config", "CONFIG_RUST=y\nCONFIG_RUST_INLINE_HELPERS=y\n");
        tree.write(
            "include/config/auto.conf",
            "CONFIG_RUST=y\nCONFIG_RUST_INLINE_HELPERS=y\n",
        );
        assert_eq!(tree.run(complete), [Error]);
        tree.write("rust/helpers/helpers_module.bc", "BC");
        assert_eq!(tree.run(complete), [Ok]);
    }

    #[test]
    fn damaged_mixed_and_foreign_crates_are_found() {
        let damaged = tree();
        damaged.write("rust/libcore.rmeta", b"rust\0\0\0");
        assert_eq!(damaged.run(agree), [Error]);

        let foreign = tree();
        foreign.write(
            "rust/liballoc.rmeta",
            rmeta("alloc", "rustc 1.63.0", 2, BY_NAME, &[]),
        );
        assert_eq!(foreign.run(agree), [Error]);

        let unnamed = tree();
        unnamed.write(
            "rust/liballoc.rmeta",
            rmeta("alloc", RUSTC, 2, BY_NAME, &[("", 1)]),
        );
        assert_eq!(unnamed.run(agree), [Ok]);
        unnamed.write(
            "rust/liballoc.rmeta",
            rmeta("alloc", RUSTC, 2, BY_NAME, &[("", 9)]),
        );
        assert_eq!(unnamed.run(agree), [Error]);

        let mixed = tree();
        mixed.write("rust/libcore.rmeta", rmeta("core", RUSTC, 9, BY_NAME, &[]));
        let findings = agree(&mixed.subject());
        assert_eq!(findings.len(), 1);
        assert!(findings[0].notes.iter().any(|note| note.contains("E0460")));
    }

    #[test]
    fn the_target_has_to_be_there_and_to_be_the_same() {
        let with = |makefile: &str, target: &[u8]| {
            let tree = tree();
            tree.write(
                "Makefile",
                format!("VERSION = 6\nPATCHLEVEL = 1\n{makefile}\n"),
            );
            tree.write("rust/libcore.rmeta", rmeta("core", RUSTC, 1, target, &[]));
            tree
        };
        let moved = with(
            "F := --target=$(objtree)/rust/target.json",
            b"\x01\x19/build/rust/target.json__\xC1",
        );
        assert_eq!(moved.run(target), [Error]);
        moved.write("rust/target.json", r#"{"arch": "x86_64"}"#);
        let finding = &target(&moved.subject())[0];
        assert!(finding.message.contains("were moved"), "{finding:?}");

        let by_name = with(
            "F := --target=target\nexport RUST_TARGET_PATH := x",
            BY_NAME,
        );
        assert_eq!(by_name.run(target), [Error]);
        by_name.write("rust/target.json", r#"{"arch": "x86_64"}"#);
        assert_eq!(by_name.run(target), [Ok]);
        by_name.write("rust/target.json", r#"{"arch": "aarch64"}"#);
        assert_eq!(by_name.run(target), [Error]);
        by_name.write("rust/target.json", "{");
        assert_eq!(by_name.run(target), [Error]);

        let unexported = with("F := --target=target", BY_NAME);
        unexported.write("rust/target.json", r#"{"arch": "x86_64"}"#);
        assert_eq!(unexported.run(target), [Error]);
    }

    #[test]
    fn a_library_that_is_none_is_found() {
        assert_eq!(tree().run(proc_macros), [Skipped]);
        let tree = tree();
        tree.write("rust/libmacros.so", "nonsense");
        assert_eq!(tree.run(proc_macros), [Error]);
        tree.write(
            "rust/libmacros.so",
            std::fs::read("/proc/self/exe").unwrap(),
        );
        assert_eq!(tree.run(proc_macros), [Error]);
    }
}
