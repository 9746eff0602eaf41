// SPDX-License-Identifier: MIT OR Apache-2.0

//! The rustc that `make` would run, against the one the kernel's crates need.

use super::subject::Subject;
use crate::command::Command;
use crate::report::{Finding, Status};
use kernel_tree::system::System;
use kernel_tree::too_new::Limit;
use kernel_tree::toolchain::{self, Fit, Found, Need, Origin, WouldRun};

/// Finds the rustc that `make` would run from here (`RUSTC` in the tree's Makefiles, `PATH`,
/// rustup's rules) and compares its full version string with the one in the crates' headers.
pub fn rustc(subject: &Subject) -> Vec<Finding> {
    let mut findings = of_tree(subject);
    if let (None, Some(value)) = (&subject.rustc, subject.system.env("RUSTC")) {
        for finding in findings
            .iter_mut()
            .filter(|one| one.status > Status::Skipped)
        {
            finding.notes.push(format!(
                "RUSTC={value} in the environment does not count, as the Makefile sets it: give it to make"
            ));
        }
    }
    findings
}

fn of_tree(subject: &Subject) -> Vec<Finding> {
    let check = "rustc";
    let Some(need) = toolchain::need(&subject.kdir) else {
        return vec![Finding::skipped(
            check,
            subject.tree(),
            "the tree does not say which rustc it needs",
        )];
    };
    let (value, found, chosen_by) = match subject.would_run() {
        WouldRun::Rustc {
            value,
            found,
            chosen_by,
        } => (value, found, chosen_by),
        WouldRun::Missing { value, from } => {
            let message = format!("make would run '{value}', and there is no such program");
            let from = from.as_ref().map(|from| subject.system.shown(from));
            let is_packaged = from.is_some() && value.contains('/');
            let package = subject
                .kdir
                .package_file("toolchain")
                .filter(|_| is_packaged);
            let place = from.clone().unwrap_or_else(|| "the command line".into());
            let note = match value.contains('/') {
                true => format!("{place} names it"),
                false => format!(
                    "{place} names it, and it is not in PATH: {}",
                    subject.system.env("PATH").unwrap_or("not set")
                ),
            };
            let mut finding = Finding::error(check, place, message).note(note);
            if let Some(package) = package {
                finding = finding.run(
                    "install the toolchain package of these headers",
                    Command::new("sudo pacman -U").arg(package),
                );
            }
            return vec![remedy(subject, &need, finding)];
        }
        WouldRun::NoToolchain { proxy, reason } => {
            let shown = subject.system.shown(proxy);
            let finding = Finding::error(
                check,
                &shown,
                "make would run rustup, which has no rustc to run",
            )
            .note(reason);
            return vec![remedy(subject, &need, finding)];
        }
        WouldRun::Unknown(reason) => {
            let makefile = subject.shown("Makefile");
            let message = "which rustc make would run cannot be told";
            return vec![Finding::warning(check, makefile, message).note(reason)];
        }
    };
    let shown = subject.system.shown(&found.path);
    let described = describe(&subject.system, found, chosen_by.as_deref());
    let version = match &found.version {
        Ok(version) => version,
        Err(why) => {
            let message = format!("'{value}' does not run");
            let finding =
                Finding::error(check, &shown, message).note(format!("{described}: {why}"));
            return vec![remedy(subject, &need, finding)];
        }
    };
    vec![compare(subject, &need, version, &shown, &described)]
}

fn compare(subject: &Subject, need: &Need, version: &str, shown: &str, described: &str) -> Finding {
    let check = "rustc";
    let fits = format!("make would run {version}, {described}");
    match need {
        Need::Exactly { rustc, .. } if rustc == version => {
            Finding::ok(check, shown, format!("{fits}: it made the crates"))
        }
        Need::Exactly { rustc, from } => {
            let mut finding = Finding::error(
                check,
                shown,
                "rustc cannot read this kernel's crates: another rustc made them",
            )
            .versus(("the crates", rustc), ("make would run", version))
            .note(format!(
                "the first is in {}, the second is {described}",
                subject.system.shown(from)
            ));
            if toolchain::number(rustc) == toolchain::number(version) {
                finding = finding.note(
                    "the numbers agree, the full version strings do not, and rustc compares these",
                );
            }
            remedy(subject, need, finding.note("rustc would say: error[E0514]: found crate `core` compiled by an incompatible version of rustc"))
        }
        Need::ConfiguredWith { rustc, .. } if rustc == version => Finding::ok(
            check,
            shown,
            format!("{fits}: the kernel was configured with it"),
        ),
        Need::ConfiguredWith { rustc, from } => {
            let finding =
                Finding::warning(check, shown, "the kernel was configured with another rustc")
                    .versus(("configured with", rustc), ("make would run", version))
                    .note(format!(
                        "the first is in {}, the second is {described}",
                        subject.system.shown(from)
                    ));
            remedy(subject, need, finding)
        }
        Need::AtLeast {
            version: wanted, ..
        } => {
            let (new, message, says): (fn(_, _, _) -> _, _, String) = match need.fit(version) {
                Fit::Fits | Fit::Another => {
                    return Finding::ok(check, shown, format!("{fits}: the tree wants {wanted}"));
                }
                Fit::TooOld => (
                    Finding::error,
                    "rustc is older than this kernel needs",
                    "make would say: Rust compiler 'rustc' is too old".into(),
                ),
                Fit::TooNew => (
                    Finding::warning,
                    "rustc is newer than the one this series was made for",
                    "make would say: Rust compiler 'rustc' is too new".into(),
                ),
                Fit::Breaks(Limit {
                    first,
                    why,
                    says,
                    file,
                }) => {
                    let finding = Finding::error(check, shown, "rustc is too new for this tree")
                        .versus(
                            (
                                "the tree can use",
                                &format!("{wanted} or later, before {first}"),
                            ),
                            ("make would run", version),
                        )
                        .note(format!("it is {described}"))
                        .note(format!(
                            "rustc {first}: {why} ({})",
                            subject.system.shown(&file)
                        ))
                        .note(format!("rustc would say: {says}"));
                    return remedy(subject, need, finding)
                        .advise("or take a later stable release of the series, which knows it");
                }
            };
            let finding = new(check, shown, message)
                .versus(("the tree wants", wanted), ("make would run", version))
                .note(format!("it is {described}"))
                .note(says);
            remedy(subject, need, finding)
        }
    }
}

/// Where a rustc comes from, for a message.
fn describe(system: &System, found: &Found, chosen_by: Option<&str>) -> String {
    let path = system.shown(&found.path);
    match (&found.origin, chosen_by) {
        (Origin::Rustup(name), Some(because)) => format!("rustup's {name} ({because})"),
        (Origin::Rustup(name), None) => format!("rustup's {name}"),
        (Origin::Makefile(from), _) => format!("{path} (named in {})", system.shown(from)),
        (Origin::Packaged | Origin::Fetched | Origin::Path, _) => path,
    }
}

/// Adds how the right rustc is come by: the path of one that is here, or how to get it.
fn remedy(subject: &Subject, need: &Need, finding: Finding) -> Finding {
    let system = &subject.system;
    let Some(wanted) = need.exact() else {
        let all = toolchain::all(system);
        if let Some(here) = all.iter().find(|found| found.fits(need)) {
            let make = subject.make().set("RUSTC", system.shown(&here.path));
            return finding.run("one that fits is on this machine: use it", make);
        }
        return finding.run(
            "get it",
            Command::new("rustup toolchain install")
                .arg(need.rustup_toolchain().unwrap_or_default())
                .shell("--profile minimal"),
        );
    };
    if let Some(here) = toolchain::find_exact(system, wanted)
        && here.origin != Origin::Fetched
    {
        let make = subject.make().shell("M=\"$PWD\"");
        return finding.run(
            "the right one is on this machine: use it",
            make.set("RUSTC", system.shown(&here.path)).shell("modules"),
        );
    }
    match need.rustup_toolchain() {
        Some(name) => finding.run("rustup has the right one: get it, and use it", {
            let which = Command::new("rustup which --toolchain")
                .arg(&name)
                .shell("rustc");
            let make = subject.make().shell("M=\"$PWD\"");
            Command::new("rustup toolchain install")
                .arg(name)
                .shell("--profile minimal")
                .line(&make.set_to_output("RUSTC", &which).shell("modules"))
        }),
        None => {
            let (kdir, release) = (&subject.kdir.path, subject.release.as_deref());
            let help = crate::install::rustc(system, kdir, release, wanted);
            Finding {
                help: [finding.help, vec![help]].concat(),
                ..finding
            }
        }
    }
}

/// Looks whether the rustc that make would run lies in somebody's home: DKMS builds as root,
/// inside the package manager, and finds neither rustup nor its toolchains there.
pub fn rustc_for_root(subject: &Subject) -> Vec<Finding> {
    let check = "rustc-for-root";
    let WouldRun::Rustc { found, .. } = subject.would_run() else {
        return vec![Finding::skipped(check, "", "there is no rustc to look at")];
    };
    let shown = subject.system.shown(&found.path);
    let is_private = subject.rustc.is_none()
        && (matches!(found.origin, Origin::Rustup(_))
            || shown.starts_with("/home/")
            || shown.starts_with("/root/"));
    let uses_dkms = subject.system.at("/var/lib/dkms").is_dir();
    if !is_private {
        return vec![Finding::ok(
            check,
            &shown,
            "every user's build, DKMS's too, finds this rustc",
        )];
    }
    if !uses_dkms {
        return vec![Finding::ok(
            check,
            &shown,
            "this rustc is one user's own; there is no DKMS that would miss it",
        )];
    }
    let mut finding = Finding::warning(check, &shown, "DKMS will not find this rustc").note(
        "it belongs to one user, and DKMS builds as root, without that user's PATH and rustup",
    );
    if let Some(Need::Exactly { rustc, .. }) = toolchain::need(&subject.kdir) {
        finding = finding.note(format!("the kernel needs {rustc} for root as well"));
    }
    vec![finding.advise(
        "use a rustc at a fixed path, named in the headers (rust/toolchain.mk), as the packages \
         linux-rust-lts61-headers and rust162 do",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Error, Ok, Warning};

    fn need_exactly(rustc: &str) -> Need {
        Need::Exactly {
            rustc: rustc.into(),
            from: "/k/rust/libcore.rmeta".into(),
        }
    }

    fn verdict(need: &Need, version: &str) -> Finding {
        compare(
            &Tree::new().subject(),
            need,
            version,
            "/bin/rustc",
            "/bin/rustc",
        )
    }

    #[test]
    fn the_full_string_decides_and_not_the_number() {
        let made_by = need_exactly("rustc 1.75.0 (82e1608df 2023-12-21)");
        assert_eq!(
            verdict(&made_by, "rustc 1.75.0 (82e1608df 2023-12-21)").status,
            Ok
        );
        let debian = verdict(
            &made_by,
            "rustc 1.75.0 (82e1608df 2023-12-21) (built from a source tarball)",
        );
        assert_eq!(debian.status, Error);
        assert!(
            debian
                .notes
                .iter()
                .any(|note| note.contains("the numbers agree"))
        );
    }

    #[test]
    fn a_tree_without_crates_has_a_minimum() {
        let exact = Need::AtLeast {
            version: "1.62.0".into(),
            only: true,
            too_new: Vec::new(),
        };
        assert_eq!(verdict(&exact, "rustc 1.62.0 (x)").status, Ok);
        assert_eq!(verdict(&exact, "rustc 1.63.0 (x)").status, Warning);
        let minimum = Need::AtLeast {
            version: "1.78.0".into(),
            only: false,
            too_new: Vec::new(),
        };
        assert_eq!(verdict(&minimum, "rustc 1.100.0 (x)").status, Ok);
        assert_eq!(verdict(&minimum, "rustc 1.77.0 (x)").status, Error);
    }

    #[test]
    fn rustc_that_the_tree_does_not_know_is_too_new() {
        let tree = Tree::new();
        tree.write("rust/Makefile", "core-edition := 2021\n");
        let need = Need::AtLeast {
            version: "1.78.0".into(),
            only: false,
            too_new: kernel_tree::too_new::limits(&tree.subject().kdir),
        };
        let of = |version| compare(&tree.subject(), &need, version, "/bin/rustc", "/bin/rustc");
        assert_eq!(of("rustc 1.86.0 (x)").status, Ok);
        let finding = of("rustc 1.95.0 (x)");
        assert_eq!(finding.status, Error);
        assert!(
            finding.notes.iter().any(|note| note.contains("E0658")),
            "{finding:?}"
        );
        assert_eq!(of("rustc 1.77.0 (x)").status, Error);
    }

    #[test]
    fn rustc_in_the_environment_does_not_count() {
        let tree = Tree::new();
        tree.write("scripts/min-tool-version.sh", "rustc)\n\techo 1.62.0\n");
        let system = System::bare(tree.directory.path());
        let notes = |system: System| rustc(&tree.subject_on(system))[0].notes.clone();
        let with = notes(system.clone().with("RUSTC", "/opt/rustc"));
        assert!(
            with.last()
                .unwrap()
                .starts_with("RUSTC=/opt/rustc in the environment")
        );
        assert_eq!(with.len(), notes(system).len() + 1);
    }

    #[test]
    fn a_rustc_that_is_not_there_is_found() {
        let tree = Tree::new();
        tree.write(
            "scripts/min-tool-version.sh",
            "case $1 in\nrustc)\n\techo 1.62.0\n\t;;\nesac\n",
        );
        let system = System::bare(tree.directory.path()).with("PATH", "/nowhere");
        let finding = &rustc(&tree.subject_on(system))[0];
        assert_eq!(finding.status, Error);
        assert!(
            finding.notes[0].contains("not in PATH: /nowhere"),
            "{finding:?}"
        );
    }
}
