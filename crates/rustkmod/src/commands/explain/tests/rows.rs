// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table: each row knows its examples, and prints nothing that a shell would run.

use std::process::{Command, Stdio};

use super::super::facts::Facts;
use super::super::help::Other;
use super::super::table::{Weight, rows};
use super::super::*;
use super::{ids, of, shown};

#[test]
fn rows_know_their_own_examples() {
    for row in rows() {
        assert!(!row.examples.is_empty(), "{} has no example", row.id);
        for example in &row.examples {
            let found = of(&format!("before\n{example}\n\nafter\n"));
            let status = match row.weight {
                Weight::Failure => Status::Error,
                Weight::Doubtful => Status::Warning,
                Weight::Harmless => Status::Ok,
            };
            assert_eq!(ids(&found, status), [row.id.as_str()], "{example}");
            assert_eq!(found.findings.len(), 1, "{example}: {:?}", found.findings);
            let shown = shown(&found);
            for name in ["{", "  note: \n", "``"] {
                assert!(
                    !shown.contains(name) || example.contains(name),
                    "{name}: {shown}"
                );
            }
        }
    }
}

#[test]
fn rows_have_names_of_their_own() {
    let mut ids: Vec<_> = rows().iter().map(|row| &row.id).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn rows_name_causes_that_exist() {
    for row in rows() {
        for name in &row.under {
            assert!(
                name == "*"
                    || rows()
                        .iter()
                        .any(|other| other.id == *name || other.class == *name),
                "{}: {name}",
                row.id
            );
        }
    }
}

#[test]
fn rows_name_values_that_can_be_known() {
    let targets = ["kdir", "dir", "file", "for_kdir", "for_kernel"];
    let facts = [
        "series",
        "release",
        "rustc",
        "rustc_wanted",
        "bindgen",
        "bindgen_wanted",
        "kdir",
        "dkms_release",
        "kernel_cc",
        "installed",
        "own_tree",
        "flags",
        "release_wanted",
        "retpoline",
    ];
    for row in rows() {
        let patterns = [&row.pattern].into_iter().chain(&row.values);
        let known: Vec<_> = patterns
            .flat_map(|pattern| values::names(pattern))
            .collect();
        let remedies = row.help.iter();
        let texts = remedies
            .flat_map(|help| [Some(&*help.text), help.command()])
            .flatten()
            .chain(row.notes.iter().map(String::as_str))
            .chain([row.meaning.as_str()]);
        for text in texts {
            assert!(
                !text.contains("<<"),
                "{}: nothing is shared as in {text}",
                row.id
            );
            let check = |name: &str| {
                assert!(
                    known.contains(&name) || facts.contains(&name) || targets.contains(&name),
                    "{}: {name} in {text}",
                    row.id
                );
                Some(String::new())
            };
            help::fill(text, &check);
        }
    }
}

/// No text of a log reaches a shell as anything but a word.
#[test]
fn commands_of_all_rows_quote_what_logs_say() {
    const HOSTILE: &str = "$(>MARK); >MARK `>MARK` 'z\" && >MARK\n>MARK";
    let hostile = || Some(HOSTILE.to_string());
    let targets = [
        Target::of(&Facts::default()),
        Target::other(Other {
            kdir: hostile(),
            kernel: hostile(),
            dir: hostile(),
            file: hostile(),
            build: None,
        }),
    ];
    let place = tempfile::tempdir().unwrap();
    let mut tried = std::collections::BTreeSet::new();
    for target in &targets {
        for remedy in rows().iter().flat_map(|row| &row.help) {
            let help = target.help(remedy, &|_| hostile());
            let Some(command) = help.and_then(|help| help.command) else {
                continue;
            };
            if !tried.insert(command.to_string()) {
                continue;
            }
            // Nothing is found in that PATH; redirections need nothing.
            let output = Command::new("/bin/sh")
                .args(["-c", &command.to_string()])
                .env_clear()
                .env("PATH", "/nonexistent")
                .current_dir(&place)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!place.path().join("MARK").exists(), "{command}");
            for fault in ["yntax", "nterminated", "nexpected"] {
                assert!(!said.contains(fault), "{command}: {said}");
            }
        }
    }
    assert!(tried.len() > 60, "{}", tried.len());
}
