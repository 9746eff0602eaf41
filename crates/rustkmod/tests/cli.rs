// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line as a whole: how kernels are named, what is refused, help, completion, documents,
//! and how the program ends.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::machine::{Machine, RELEASE};
use common::{command, printed};

#[test]
fn where_no_kernel_runs_each_command_says_how_to_name_one() {
    let machine = Machine::new("arch");
    std::fs::remove_file(machine.path("proc/sys/kernel/osrelease")).unwrap();
    machine.write("m.ko", "");
    for (given, wanted) in [
        (&["doctor", "-q"][..], "doctor -q KERNELRELEASE"),
        (&["toolchain"], "toolchain KERNELRELEASE"),
        (&["why", "RUST"], "why RUST --kdir DIR"),
        (&["check", "m.ko"], "check m.ko --kernel KERNELRELEASE"),
        (&["new", "hello"], "new hello --kernel KERNELRELEASE"),
        (&["ide"], "ide --kernel KERNELRELEASE"),
        (&["boot"], "boot --kernel KERNELRELEASE"),
    ] {
        let said = machine.run(given);
        assert!(said.contains("cannot be read"), "{said}");
        let help =
            format!("help: name a kernel\n            rustkmod --root ROOT {wanted}\n[exit 2]");
        assert!(said.contains(&help), "{said}");
    }
}

#[test]
fn what_is_of_no_use_is_refused_with_what_would_be() {
    let machine = Machine::new("arch");
    machine.write("m.ko", "");
    machine.write("a b/x", "");
    machine.write("module", "\u{7f}ELF");
    let utf16: Vec<u8> = "\u{feff}error"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    machine.write("utf16", utf16);
    for (given, wanted) in [
        (
            &["check", "m.ko", "--kernel", "./gone"][..],
            &["a kernel in ./gone", "No such file"][..],
        ),
        (
            &["check", "m.ko", "--kernel", "a b"],
            &["a kernel in a b", "neither include"],
        ),
        (
            &["check", "m.ko", "--kernel", "x y"],
            &["whoever built this kernel", "the kernel x y"],
        ),
        (&["check", "m.ko", "--kernel", ""], &["a value is required"]),
        (&["doctor", ""], &["a value is required"]),
        (&["new", "hello", "--kernel", ""], &["a value is required"]),
        (&["ide", "--kernel", ""], &["a value is required"]),
        (&["why", ""], &["no symbol is named"]),
        (&["why", "=y"], &["no symbol is named"]),
        (
            &["why", "RUST", "--config", "gone"],
            &["cannot be read", "why RUST --config FILE"],
        ),
        (
            &["why", "RUST", "--kdir", "a b"],
            &[
                "is not a kernel tree",
                "doctor --root ROOT --kdir 'ROOT/a b'",
            ],
        ),
        (
            &["explain", "/dev/null"],
            &["/dev/null is empty", "sudo dmesg | rustkmod explain"],
        ),
        (&["explain", "module"], &["ELF", "rustkmod check module"]),
        (
            &["explain", "utf16"],
            &[
                "UTF-16",
                "iconv -f UTF-16 -t UTF-8 utf16 | rustkmod explain",
            ],
        ),
    ] {
        let said = machine.run(given);
        assert!(said.ends_with("[exit 2]\n"), "{given:?}: {said}");
        for wanted in wanted {
            assert!(said.contains(wanted), "{given:?}, {wanted}: {said}");
        }
    }
    let output = command()
        .args(["--root", "/etc/passwd", "doctor"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/etc/passwd is not a directory"), "{said}");
}

/// Of a kernel without headers the release is all that its package could be found by.
#[test]
fn help_names_the_release_that_was_asked_for() {
    let machine = Machine::new("arch");
    std::fs::remove_dir_all(machine.build()).unwrap();
    machine.write("hello/Kbuild", "obj-m := hello.o\n");
    for command in [["ide", "hello"], ["new", "greeter"]] {
        let shown = machine.run(&[&command[..], &["--kernel", "6.9.9-none"]].concat());
        assert!(
            shown.contains("rustkmod doctor --root ROOT 6.9.9-none"),
            "{shown}"
        );
    }
}

#[test]
fn the_program_ends_quietly_when_nobody_reads_on() {
    let machine = Machine::new("arch");
    let mut child = command()
        .args([
            "--root",
            machine.directory.path().to_str().unwrap(),
            "doctor",
        ])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A pipe that nobody reads.
fn unread() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

fn full() -> std::fs::File {
    std::fs::File::create("/dev/full").unwrap()
}

/// A verdict that is bad, on a machine where something is missing.
fn doctor(machine: &Machine, more: &[&str]) -> std::process::Command {
    let mut command = command();
    command
        .arg("--root")
        .arg(machine.directory.path())
        .args(["doctor", "6.0.0"])
        .args(more);
    command
}

#[test]
fn a_bad_verdict_stays_one_when_nobody_reads_on() {
    let machine = Machine::new("arch");
    for more in [&[][..], &["--json"]] {
        let output = doctor(&machine, more).stdout(unread()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn an_answer_that_finds_no_room_is_an_error() {
    let machine = Machine::new("arch");
    for more in [&[][..], &["--json"]] {
        let output = doctor(&machine, more).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("the output cannot be written\n  note: No space"),
            "{said}"
        );
    }
}

#[test]
fn an_error_that_cannot_be_said_is_the_exit_status() {
    let machine = Machine::new("arch");
    let new = ["new", "fn"];
    let toolchain = ["toolchain", "--path"];
    let root = machine.directory.path();
    for (arguments, status) in [(new, 2), (toolchain, 1)] {
        for stderr in [full().into(), std::process::Stdio::from(unread())] {
            let mut command = command();
            command.arg("--root").arg(root).args(arguments);
            let output = command.stderr(stderr).output().unwrap();
            assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        }
    }
}

#[test]
fn man_pages_and_completions_are_generated() {
    let directory = tempfile::tempdir().unwrap();
    let status = command()
        .arg("generate")
        .arg(directory.path())
        .status()
        .unwrap();
    assert!(status.success());
    for name in [
        "rustkmod.1",
        "rustkmod-doctor.1",
        "rustkmod-new.1",
        "rustkmod-ide.1",
        "rustkmod.bash",
        "_rustkmod",
        "rustkmod.fish",
    ] {
        assert!(directory.path().join(name).exists(), "{name}");
    }
}

/// What bash offers, by the script that is installed, at the end of a command line.
fn offered(machine: &Machine, words: &[&str]) -> Vec<String> {
    let scripts = tempfile::tempdir().unwrap();
    let generated = command().arg("generate").arg(scripts.path()).status();
    assert!(generated.unwrap().success());
    let program = Path::new(env!("CARGO_BIN_EXE_rustkmod")).parent().unwrap();
    let output = std::process::Command::new("bash")
        .args([
            "-euc",
            "source rustkmod.bash; cd \"$ROOT\"; COMP_WORDS=(rustkmod \"$@\"); \
            COMP_CWORD=$#; COMP_TYPE=9; _clap_complete_rustkmod rustkmod \"${@: -1}\" rustkmod; \
            printf '%s\\n' \"${COMPREPLY[@]}\"",
            "bash",
        ])
        .args(words)
        .current_dir(scripts.path())
        .env("ROOT", machine.directory.path())
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    printed(&output).lines().map(str::to_owned).collect()
}

#[test]
fn completion_offers_the_installed_kernels() {
    let machine = Machine::new("arch");
    machine.write("usr/lib/modules/6.12.1-1-lts/vmlinuz", "");
    machine.write("linux/Kbuild", "");
    let root = ["--root", machine.directory.path().to_str().unwrap()];
    let offered = |words: &[&str]| offered(&machine, &[&root, words].concat());
    for before in [
        &["doctor"][..],
        &["doctor", "--kernel"],
        &["toolchain"],
        &["check", "m.ko", "--kernel"],
        &["why", "RUST", "--kernel"],
        &["new", "hello", "--kernel"],
        &["ide", "--kernel"],
        &["boot", "--kernel"],
    ] {
        let at = |word| offered(&[before, &[word]].concat());
        assert_eq!(at("6."), [RELEASE, "6.12.1-1-lts"], "{before:?}");
        assert_eq!(at("6.12"), ["6.12.1-1-lts"], "{before:?}");
        // It may as well be a directory.
        assert_eq!(at("lin"), ["linux/"], "{before:?}");
    }
    assert_eq!(offered(&["toolc"]), ["toolchain"]);
}

#[test]
fn error_of_a_path_names_the_path() {
    let output = command().args(["generate", "/proc/x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/proc/x cannot be written"), "{said}");
}

#[test]
fn install_is_refused_for_another_root() {
    let said = Machine::new("arch").run(&["toolchain", "--install"]);
    assert!(said.contains("--root names another"), "{said}");
    assert!(said.ends_with("[exit 2]\n"), "{said}");
}

#[test]
fn json_of_an_error_is_a_document() {
    let output = command()
        .args(["--json", "explain", "/nowhere/log"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let document = common::json(&output);
    assert_eq!(document["schema"], 2);
    let message = document["error"]["message"].as_str().unwrap();
    assert_eq!(message, "/nowhere/log cannot be read");
    assert_eq!(document["error"]["help"][0]["command"], "ls /");
}

#[test]
fn color_is_where_it_is_asked_for() {
    for (choice, is_coloured) in [("auto", false), ("always", true), ("never", false)] {
        let mut command = command();
        command.args(["--color", choice, "explain", "/nowhere/log"]);
        let output = command.output().unwrap();
        assert_eq!(output.stderr.contains(&0x1b), is_coloured, "{choice}");
    }
}

/// The fields of a document, with those of what is in it.
fn fields(document: &serde_json::Value, found: &mut BTreeSet<String>) {
    match document {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                found.insert(name.clone());
                fields(value, found);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

/// Every command, but for what only packagers call.
const COMMANDS: [&str; 8] = [
    "doctor",
    "check",
    "why",
    "explain",
    "toolchain",
    "new",
    "ide",
    "boot",
];

/// docs/json.md has a section for each command, and one for what they share.
#[test]
fn json_of_every_command_is_documented() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(here.join("../../docs/json.md")).unwrap();
    let section = |title: &str| {
        let start = page.find(&format!("\n## {title}\n"));
        let text = &page[start.unwrap_or_else(|| panic!("no section {title}")) + 4..];
        text.split("\n## ").next().unwrap().to_owned()
    };
    let shared = section("Every document") + &section("Findings");
    // A boot has one document where the module does not build, and one where all is good.
    let snapshots = COMMANDS.map(|name| ("messages", name));
    for (test, name) in snapshots.into_iter().chain([("debian", "boot")]) {
        let snapshot = here.join(format!("tests/snapshots/{test}__{name}_json.snap"));
        let text = std::fs::read_to_string(snapshot).unwrap();
        let document = &text[text.find("\n{").unwrap()..=text.rfind("}\n").unwrap()];
        let mut found = BTreeSet::new();
        fields(&serde_json::from_str(document).unwrap(), &mut found);
        let own = section(&format!("`{name}`"));
        for field in found {
            let word = format!("`{field}`");
            let is_said = own.contains(&word) || shared.contains(&word);
            assert!(is_said, "{name}: docs/json.md does not say what {word} is");
        }
    }
}

#[test]
fn kernel_is_named_in_one_way_by_every_command() {
    let machine = Machine::new("arch");
    let build = machine.build();
    let (tree, modules) = (build.to_str().unwrap(), build.parent().unwrap());
    for named in [RELEASE, tree, modules.to_str().unwrap()] {
        for command in [&["doctor", "-q"][..], &["toolchain"], &["why", "RUST"]] {
            let by_option = machine.run(&[command, &["--kernel", named]].concat());
            let wanted = machine.run(&[command, &["--kdir", tree]].concat());
            // Only what installs the headers hangs on how the kernel was named.
            let lines = |said: &str| said.lines().next().map(str::to_owned);
            assert_eq!(lines(&by_option), lines(&wanted), "{command:?} {named}");
        }
    }
}

#[test]
fn help_of_every_command_has_examples() {
    for name in COMMANDS {
        // It is as wide as the terminal, and shows what the environment sets.
        let output = command()
            .args([name, "--help"])
            .env_remove("COLUMNS")
            .env_remove("RUSTKMOD_ACCEL")
            .output();
        let help = printed(&output.unwrap());
        insta::assert_snapshot!(format!("help_{name}"), help);
        assert!(help.contains("\nExamples:\n  "), "{help}");
        assert!(help.contains(&format!("rustkmod {name}")), "{help}");
        assert!(help.contains("\nGlobal options:\n"), "{help}");
        assert!(!help.contains("--kdir"), "{help}");
        let names_a_kernel = !matches!(name, "explain" | "boot");
        let option = "--kernel <RELEASE|DIRECTORY|IMAGE>";
        assert!(!names_a_kernel || help.contains(option), "{help}");
    }
}
