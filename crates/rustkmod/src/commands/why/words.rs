// SPDX-License-Identifier: MIT OR Apache-2.0

//! An answer in words.

use kconfig::{Answer, Plan};

use super::question::Place;
use crate::command::Command;
use crate::report::{Finding, counted};

/// An answer in words, as a finding.
pub fn finding(why: &kconfig::Why, place: &Place) -> Finding {
    let check = "why";
    let config = &place.config;
    let name = &why.symbol.symbol.name;
    let is_now = format!("CONFIG_{name} is {}", why.symbol.shown_value());
    match &why.answer {
        Answer::Already => Finding::ok(check, config, format!("{is_now}, as wanted")),
        Answer::Changes(plan) => {
            let message = format!(
                "{is_now}, and {} it {}",
                match plan.changes.as_slice() {
                    [_] => "one change makes".to_string(),
                    many => format!("{} make", counted(many.len(), "change")),
                },
                plan.value
            );
            let finding = with_chain(Finding::warning(check, config, message), why);
            with_plan(
                finding,
                plan,
                place,
                "make these changes, and let the kernel check them",
            )
        }
        Answer::Impossible {
            blockers,
            afterwards,
        } => {
            let message = format!("{is_now}, and no change of the configuration alone turns it on");
            let mut finding = with_chain(Finding::error(check, config, message), why);
            for blocker in blockers.iter().take(8) {
                finding = finding.note(format!("in the way: {blocker}"));
            }
            if blockers
                .iter()
                .any(|blocker| blocker.to_string().contains("HAVE_RUST"))
                && let Some(note) = rust_of_arch(&place.arch, place.series)
            {
                finding = finding.note(note);
            }
            if blockers
                .iter()
                .any(|blocker| blocker.to_string().contains("rust_is_available.sh"))
            {
                finding = finding
                    .note("that script looks for rustc, bindgen and libclang when the kernel is configured; the configuration has what it said then")
                    .run("see what it says here", place.make.clone().shell("rustavailable"));
            }
            match afterwards {
                Some(plan) => with_plan(
                    finding,
                    plan,
                    place,
                    "fix that first; then make these changes",
                ),
                None => finding.advise("fix what stands in the way; the configuration cannot"),
            }
        }
        Answer::NotFound { tries, range } => {
            let message = format!("{is_now}, and no set of changes was found that gives it");
            let mut finding = with_chain(Finding::error(check, config, message), why);
            if let Some((low, high)) = range {
                finding = finding.note(format!(
                    "as it is configured, the range of {name} is {low} to {high}"
                ));
            }
            finding
                .note(format!(
                    "{tries} configurations were tried: none of them had it"
                ))
                .run(
                    "look at its dependencies yourself",
                    place.make.clone().shell("menuconfig"),
                )
        }
    }
}

fn with_chain(finding: Finding, why: &kconfig::Why) -> Finding {
    finding.note(format!("why it is so:\n{}", chain(why)))
}

/// The chain of causes, cut off where nobody reads on.
pub fn chain(why: &kconfig::Why) -> String {
    const SHOWN: usize = 40;
    let text = why.symbol.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    let count = lines.len();
    lines.truncate(SHOWN);
    let mut text = lines.join("\n");
    if count > SHOWN {
        text.push_str(&format!("\nand {} more", counted(count - SHOWN, "line")));
    }
    text
}

/// Adds the changes and where each is defined, and the command that applies them.
fn with_plan(finding: Finding, plan: &Plan, place: &Place, text: &str) -> Finding {
    let mut changes: Vec<String> = Vec::new();
    let mut print = Command::new("printf '%s\\n'");
    for change in &plan.changes {
        let at = change
            .symbol
            .definitions
            .first()
            .map(|at| format!("  ({at})"))
            .unwrap_or_default();
        changes.push(format!("{}{at}", change.line()));
        print = print.arg(change.line());
    }
    let smallest = match plan.is_smallest {
        true => "the smallest set of changes:",
        false => "changes (a smaller set may exist):",
    };
    let finding = finding.note(format!("{smallest}\n{}", changes.join("\n")));
    // Each run keeps a copy: cp gives those from before other names.
    let kept = format!("{}.kept", place.config);
    let keep = Command::new("cp --backup=numbered --")
        .arg(&place.config)
        .arg(&kept);
    let append = print.shell(">>").arg(&place.config);
    let make = place.make.clone().shell("olddefconfig");
    finding
        .note(format!("the configuration as it is now is kept in {kept}"))
        .run(text, keep.then(&append).then(&make))
}

/// Whether a series has Rust for an architecture: the first one that does.
pub(super) fn rust_of_arch(arch: &str, series: Option<(u32, u32)>) -> Option<String> {
    let (version, patchlevel) = match arch {
        "arm64" | "loongarch" => (6, 9),
        "riscv" => (6, 10),
        "arm" => (6, 16),
        _ => return None,
    };
    let own = series.filter(|series| *series < (version, patchlevel))?;
    Some(format!(
        "Linux {}.{} has no Rust for {arch} (HAVE_RUST): it came with {version}.{patchlevel}",
        own.0, own.1
    ))
}
