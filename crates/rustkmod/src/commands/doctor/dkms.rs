// SPDX-License-Identifier: MIT OR Apache-2.0

//! DKMS: the modules it knows, and why it did not build them.

use kernel_files::file;

use super::subject::Subject;
use crate::call::Call;
use crate::command::Command;
use crate::commands::explain;
use crate::report::{Finding, counted};
use kernel_tree::dkms::{self as tree, DkmsModule, State};

/// Reads `/var/lib/dkms` (`dkms(8)`), and explains the `make.log` of each build that failed.
pub fn dkms(subject: &Subject) -> Vec<Finding> {
    let check = "dkms";
    let Some(release) = &subject.release else {
        return vec![Finding::skipped(
            check,
            "/var/lib/dkms",
            "which kernel to look for is not known",
        )];
    };
    let modules = match tree::modules(&subject.system, release) {
        None => {
            return vec![Finding::skipped(
                check,
                "/var/lib/dkms",
                "DKMS is not installed, or was never used",
            )];
        }
        Some(modules) if modules.is_empty() => {
            return vec![Finding::ok(check, "/var/lib/dkms", "DKMS has no modules")];
        }
        Some(modules) => modules,
    };
    let mut findings: Vec<_> = modules
        .iter()
        .filter_map(|module| {
            let finding = of_module(subject, module, release)?;
            let is_other =
                |other: &&DkmsModule| other.name == module.name && other.state == State::Installed;
            Some(match modules.iter().find(is_other) {
                Some(other) => finding.note(format!(
                    "{}/{} is installed for this kernel",
                    other.name, other.version
                )),
                None => finding,
            })
        })
        .collect();
    if findings.is_empty() {
        let message = format!(
            "{} of DKMS installed for {release}",
            match modules.as_slice() {
                [one] => format!("{}/{} is", one.name, one.version),
                many => format!("{} are", counted(many.len(), "module")),
            }
        );
        findings.push(Finding::ok(check, "/var/lib/dkms", message));
    }
    findings
}

fn of_module(subject: &Subject, module: &DkmsModule, release: &str) -> Option<Finding> {
    let check = "dkms";
    let DkmsModule { name, version, .. } = module;
    let shown = format!("/var/lib/dkms/{name}/{version}");
    let again = Command::new("sudo dkms install")
        .arg(format!("{name}/{version}"))
        .shell("-k")
        .arg(release);
    if module.state == State::Installed {
        return None;
    }
    if module.source.is_none() {
        return Some(
            Finding::warning(
                check,
                &shown,
                format!("the source of DKMS's {name}/{version} is gone"),
            )
            .note(format!("{shown}/source leads nowhere"))
            .run(
                "forget the module, or install its package again",
                Command::new("sudo dkms remove")
                    .arg(format!("{name}/{version}"))
                    .shell("--all"),
            ),
        );
    }
    let wants_rust = module
        .exclusive
        .iter()
        .any(|line| line.starts_with("BUILD_EXCLUSIVE_CONFIG") && mentions_rust(line));
    if wants_rust && subject.kdir.config_error.is_none() && !subject.kdir.config.is_y("RUST") {
        return Some(
            Finding::warning(
                check,
                &shown,
                format!("DKMS leaves {name}/{version} out for {release}, as it should"),
            )
            .note("its dkms.conf wants CONFIG_RUST, which this kernel has not"),
        );
    }
    if module.state == State::Built {
        return Some(
            Finding::warning(
                check,
                &shown,
                format!("{name}/{version} is built for {release}, and not installed"),
            )
            .run("install it", again),
        );
    }
    let Some(log) = &module.failed_log else {
        let message = format!("DKMS has not built {name}/{version} for {release}");
        let mut finding = Finding::warning(check, &shown, message)
            .note("there is no log of a build for this kernel");
        if !module.is_automatic {
            finding = finding
                .note("its dkms.conf has no AUTOINSTALL: DKMS builds it only when it is told to");
        }
        for line in &module.exclusive {
            finding = finding.note(format!("its dkms.conf is not for every kernel: {line}"));
        }
        return Some(finding.run("build it, and see", again));
    };
    let log_shown = subject.system.shown(log);
    // A build that failed is a thing of the past: what still stands in its way, other checks find.
    // As an error it would keep a DKMS build that asks first from ever being tried again.
    let mut finding = Finding::warning(
        check,
        &log_shown,
        format!("DKMS could not build {name}/{version} for {release}"),
    );
    let explained = file::open(log)
        .and_then(|(file, _)| explain::explain(file).map_err(file::Error::reading(log)));
    match explained {
        Ok(explained) => match explained.failures().next() {
            Some(cause) => {
                let line = cause.says.last().map_or("", |line| &line.text);
                finding = finding.note(format!(
                    "line {}: {}",
                    cause.number(),
                    match cause.finding.check {
                        explain::UNKNOWN => line,
                        _ => &cause.finding.message,
                    }
                ));
                for note in &cause.finding.notes {
                    finding = finding.note(note.clone());
                }
                finding.help.extend(cause.finding.help.iter().cloned());
                if cause.finding.check == explain::UNKNOWN {
                    finding = finding.note("rustkmod does not know this failure");
                }
            }
            None => finding = finding.note("its log names no failure"),
        },
        Err(why) => finding = finding.note(why.to_string()),
    }
    Some(
        finding
            .run("read the whole log", Call::of(&["explain", &log_shown]))
            .run("when it is fixed, build again", again),
    )
}

fn mentions_rust(line: &str) -> bool {
    line.split(['"', '\'', ' ', '='])
        .any(|word| word == "CONFIG_RUST")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Skipped, Warning};

    fn with_module(tree: &Tree) {
        tree.write(
            "usr/src/m-1.0/dkms.conf",
            "BUILD_EXCLUSIVE_CONFIG=\"CONFIG_RUST\"\n",
        );
        tree.write("var/lib/dkms/m/1.0/x", "");
        std::os::unix::fs::symlink(
            "/usr/src/m-1.0",
            tree.directory.path().join("var/lib/dkms/m/1.0/source"),
        )
        .unwrap();
    }

    #[test]
    fn without_dkms_it_is_skipped() {
        assert_eq!(Tree::new().run(dkms), [Skipped]);
    }

    #[test]
    fn the_reason_of_a_failed_build_is_in_the_finding() {
        let tree = Tree::new();
        with_module(&tree);
        assert_eq!(tree.run(dkms), [Warning]);
        tree.write(
            "var/lib/dkms/m/1.0/build/make.log",
            "DKMS make.log for m-1.0 for kernel 6.1.0-test (x86_64)\n\
             error[E0463]: can't find crate for `core`\n",
        );
        let finding = &dkms(&tree.subject())[0];
        assert_eq!(finding.status, Warning);
        assert_eq!(finding.notes[0], "line 2: the headers have no crate `core`");
    }

    #[test]
    fn what_dkms_conf_says_of_kernels_is_told() {
        let tree = Tree::new();
        with_module(&tree);
        let notes = || dkms(&tree.subject())[0].notes.clone();
        assert!(notes().iter().any(|note| note.contains("no AUTOINSTALL")));
        tree.write(
            "usr/src/m-1.0/dkms.conf",
            "AUTOINSTALL=\"yes\"\nBUILD_EXCLUSIVE_KERNEL=\"^5\"\n",
        );
        let other = tree.directory.path().join("var/lib/dkms/m");
        tree.write("var/lib/dkms/m/0.9/x", "");
        std::os::unix::fs::symlink("/usr/src/m-1.0", other.join("0.9/source")).unwrap();
        std::os::unix::fs::symlink(
            "0.9/6.1.0-test/x86_64",
            other.join("kernel-6.1.0-test-x86_64"),
        )
        .unwrap();
        assert_eq!(
            notes()[1..],
            [
                "its dkms.conf is not for every kernel: BUILD_EXCLUSIVE_KERNEL=\"^5\"",
                "m/0.9 is installed for this kernel"
            ]
        );
    }

    #[test]
    fn a_kernel_without_rust_is_left_out_rightly() {
        let tree = Tree::new();
        with_module(&tree);
        tree.write("include/config/auto.conf", "CONFIG_X86=y\n");
        let finding = &dkms(&tree.subject())[0];
        assert_eq!(finding.status, Warning);
        assert!(finding.message.ends_with("as it should"));
    }

    #[test]
    fn a_source_that_is_gone_is_found() {
        let tree = Tree::new();
        with_module(&tree);
        std::fs::remove_dir_all(tree.directory.path().join("usr/src/m-1.0")).unwrap();
        assert_eq!(tree.run(dkms), [Warning]);
    }
}
