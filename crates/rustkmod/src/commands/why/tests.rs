// SPDX-License-Identifier: MIT OR Apache-2.0

//! How questions are answered, and in which words.

use super::question::Place;
use super::words::rust_of_arch;
use super::*;
use crate::command::Command;
use crate::testing::Root;
use kernel_tree::kdir::Kdir;
use kernel_tree::system::System;

const KCONFIG: &str = "config BTF\n\tbool \"types\"\nconfig TOOL\n\tbool\n\
    config RUST\n\tbool \"Rust\"\n\tdepends on !BTF\n\
    config NEVER\n\tbool \"never\"\n\tdepends on TOOL\n\
    config TEXT\n\tstring \"text\"\n\
    config NUMBER\n\tint \"number\"\n\trange 2 512\n\tdefault 64\n";

fn place() -> Place {
    Place {
        config: ".config".into(),
        make: Command::new("make -C ."),
        arch: "x86".into(),
        series: None,
    }
}

fn ask(symbol: &str) -> kconfig::Why {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("Kconfig"), KCONFIG).unwrap();
    std::fs::write(directory.path().join(".config"), "CONFIG_BTF=y\n").unwrap();
    let kdir = Kdir::open(&System::bare("/"), directory.path());
    Question::new(&kdir, symbol, None)
        .answer(&System::bare("/"))
        .unwrap()
        .0
}

#[test]
fn the_changes_and_the_chain_are_told() {
    let why = ask("RUST");
    assert_eq!(
        fragment(&why).unwrap(),
        "# CONFIG_BTF is not set\nCONFIG_RUST=y\n"
    );
    let finding = finding(&why, &place());
    assert_eq!(finding.message, "CONFIG_RUST is n, and 2 changes make it y");
    assert!(finding.notes[0].contains("depends on !BTF"), "{finding:?}");
    assert!(
        finding.help[0]
            .command
            .as_ref()
            .unwrap()
            .to_string()
            .contains("olddefconfig")
    );
}

#[test]
fn what_is_impossible_says_what_is_in_the_way() {
    let why = ask("NEVER");
    assert!(fragment(&why).is_none() && !is_possible(&why));
    let finding = finding(&why, &place());
    assert!(
        finding
            .notes
            .iter()
            .any(|note| note.starts_with("in the way: TOOL"))
    );
}

#[test]
fn any_value_can_be_asked_for() {
    assert_eq!(
        fragment(&ask("CONFIG_BTF=n")).unwrap(),
        "# CONFIG_BTF is not set\n"
    );
    assert_eq!(fragment(&ask("BTF=y")).unwrap(), "");
}

#[test]
fn a_tree_without_kconfig_is_an_error_that_helps() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(".config"), "").unwrap();
    let kdir = Kdir::open(&System::bare("/"), directory.path());
    let error = Question::new(&kdir, "RUST", None)
        .answer(&System::bare("/"))
        .unwrap_err();
    assert!(error.to_string().starts_with("there are no Kconfig files"));
}

#[test]
fn the_source_package_is_the_series_own() {
    let root = Root::new();
    root.write(".config", "");
    root.write("Makefile", "VERSION = 6\nPATCHLEVEL = 1\n");
    let system = root.system();
    let package = |os: &str| {
        root.write("etc/os-release", os);
        let kdir = Kdir::open(&system, root.path());
        let error = Question::new(&kdir, "RUST", None).answer(&system);
        let command = error.unwrap_err().help[0].command.clone().unwrap();
        let command = command.to_string();
        command.split_whitespace().nth(3).unwrap().to_string()
    };
    assert_eq!(package("ID=debian\n"), "linux-source-6.1");
    assert_eq!(package("ID=ubuntu\nID_LIKE=debian\n"), "linux-source");
}

#[test]
fn what_kconfig_refuses_has_a_command() {
    let directory = tempfile::tempdir().unwrap();
    let system = System::bare("/");
    let refused = |kconfig: &str, asked: &str| {
        std::fs::write(directory.path().join("Kconfig"), kconfig).unwrap();
        std::fs::write(directory.path().join(".config"), "").unwrap();
        let kdir = Kdir::open(&system, directory.path());
        let error = Question::new(&kdir, asked, None)
            .answer(&system)
            .unwrap_err();
        assert_eq!(error.help.len(), 1, "{error}");
        let command = error.help[0].command.as_ref().unwrap().to_string();
        (error.message.clone(), command)
    };
    let tree = directory.path().display();
    for (kconfig, asked, message, command) in [
        (KCONFIG, "RUSTY", "RUSTY is not defined", "rustkmod why"),
        (KCONFIG, "A$(x)", "A$(x) is not defined", "'config.*A$(x)'"),
        (KCONFIG, "BTF=5", "BTF is ", "rustkmod why"),
        ("config A\n\tboool\n", "A", "Kconfig:2: ", "sed -n 2p "),
        ("source \"gone\"\n", "A", "Kconfig:1: ", "--kdir SOURCE"),
        (
            "config A\n\tbool\n\tdepends on B\nconfig B\n\tbool\n\tdepends on A\n",
            "A",
            "circular dependency",
            &format!("make -C {tree} listnewconfig"),
        ),
    ] {
        let (said, run) = refused(kconfig, asked);
        assert!(said.starts_with(message), "{said}");
        assert!(run.contains(command), "{run}");
        assert!(!said.contains(';'), "{said}");
    }
}

#[test]
fn the_command_writes_the_lines_and_lets_make_read_that_file() {
    let directory = tempfile::Builder::new().prefix("a b").tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::create_dir(at("tree")).unwrap();
    std::fs::write(at("tree/Kconfig"), KCONFIG).unwrap();
    // make that says what it was asked, in place of the kernel's.
    let makefile = "olddefconfig:\n\t@echo '$(KCONFIG_CONFIG)' '$(LLVM)'\n";
    std::fs::write(at("tree/Makefile"), makefile).unwrap();
    std::fs::write(at("my config"), "CONFIG_CC_IS_CLANG=y\n").unwrap();
    let system = System::bare("/");
    let kdir = Kdir::open(&system, &at("tree"));
    for (asked, line) in [
        ("TEXT=50%s it's", "CONFIG_TEXT=\"50%s it's\""),
        ("BTF", "CONFIG_BTF=y"),
    ] {
        let question = Question::new(&kdir, asked, Some(at("my config")));
        let (why, place) = question.answer(&system).unwrap();
        let finding = finding(&why, &place);
        let command = finding.help[0].command.as_ref().unwrap();
        let ran = std::process::Command::new("sh")
            .args(["-euc", &command.to_string()])
            .output()
            .unwrap();
        assert!(ran.status.success(), "{command}: {ran:?}");
        let said = String::from_utf8_lossy(&ran.stdout);
        let wanted = format!("{} 1\n", at("my config").display());
        assert!(said.contains(&wanted), "{said}");
        let written = std::fs::read_to_string(at("my config")).unwrap();
        assert!(written.ends_with(&format!("{line}\n")), "{written}");
    }
}

#[test]
fn commands_name_the_architecture_and_the_compiler_and_keep_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("Kconfig"), KCONFIG).unwrap();
    std::fs::write(
        at("Makefile"),
        "olddefconfig:\n\t@echo \"$(ARCH) $(LLVM) $(CROSS_COMPILE) $(CC)\"\n",
    )
    .unwrap();
    let heading = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/arm64 6.12.1 Kernel Configuration\n#\n";
    for (text, said) in [
        ("CONFIG_CC_IS_CLANG=y\n", "arm64 1  cc"),
        (
            "CONFIG_CC_IS_CLANG=y\nCONFIG_LD_IS_BFD=y\n",
            "arm64   clang",
        ),
        (
            "CONFIG_CC_VERSION_TEXT=\"aarch64-linux-gnu-gcc (Debian 12) 12.2.0\"\n",
            "arm64  aarch64-linux-gnu- cc",
        ),
        (
            "CONFIG_CC_VERSION_TEXT=\"gcc-12; touch x (Debian) 12.2.0\"\n",
            "arm64   gcc-12;",
        ),
        (
            "CONFIG_CC_VERSION_TEXT=\"gcc (Debian) 12.2.0\"\n",
            "arm64   cc",
        ),
    ] {
        let text = format!("{heading}{text}");
        std::fs::write(at(".config"), &text).unwrap();
        let kdir = Kdir::open(&System::bare("/"), directory.path());
        let question = Question::new(&kdir, "BTF", None);
        let (why, place) = question.answer(&System::bare("/")).unwrap();
        let finding = finding(&why, &place);
        let command = finding.help[0].command.as_ref().unwrap().to_string();
        let ran = std::process::Command::new("sh")
            .args(["-euc", &command])
            .output()
            .unwrap();
        assert!(ran.status.success(), "{command}: {ran:?}");
        let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(
            printed.lines().any(|line| line.trim_end() == said),
            "{command}: {printed}"
        );
        assert_eq!(std::fs::read_to_string(at(".config.kept")).unwrap(), text);
    }
    // What was kept before is still there.
    assert!(at(".config.kept.~4~").exists() && !at("x").exists());
}

#[test]
fn rust_came_to_each_architecture_with_a_series() {
    let of = |arch, series| rust_of_arch(arch, Some(series)).is_some();
    assert!(of("arm64", (6, 8)) && !of("arm64", (6, 9)));
    assert!(of("riscv", (6, 9)) && of("arm", (6, 15)));
    assert!(!of("x86", (6, 1)) && rust_of_arch("arm64", None).is_none());
}

#[test]
fn what_is_not_a_configuration_is_not_to_be_added_to() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("Kconfig"), KCONFIG).unwrap();
    let kdir = Kdir::open(&System::bare("/"), directory.path());
    let config = directory.path().join("file");
    for text in ["a program\n", "\u{7f}ELF\0CONFIG_A=y\n", "\nCONFIG_A=y\n\0"] {
        std::fs::write(&config, text).unwrap();
        let said = Question::new(&kdir, "RUST", Some(config.clone()))
            .answer(&System::bare("/"))
            .unwrap_err()
            .to_string();
        assert!(said.contains("is not a kernel's configuration"), "{said}");
    }
    std::fs::write(&config, "").unwrap();
    let question = Question::new(&kdir, "RUST", Some(config));
    assert!(question.answer(&System::bare("/")).is_ok());
}

#[test]
fn a_number_out_of_its_range_shows_the_range() {
    let finding = finding(&ask("NUMBER=99999"), &place());
    let range = "as it is configured, the range of NUMBER is 2 to 512";
    assert!(
        finding.notes.iter().any(|note| note == range),
        "{finding:?}"
    );
}

#[test]
fn a_text_that_is_empty_is_seen() {
    let finding = finding(&ask("TEXT=x"), &place());
    assert!(
        finding.message.starts_with("CONFIG_TEXT is \"\", and"),
        "{finding:?}"
    );
}
