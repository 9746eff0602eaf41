// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's configuration: is Rust on, and if not, why.

use super::subject::Subject;
use crate::commands::why::{self, Question};
use crate::report::Finding;
use kernel_files::config::Config;

/// Reads `CONFIG_RUST` in `include/config/auto.conf` or `.config`. Where it is off, the Kconfig
/// files of the tree say why (`init/Kconfig`).
pub fn config_rust(subject: &Subject) -> Vec<Finding> {
    let check = "config-rust";
    let path = subject.system.shown(&subject.kdir.config_path);
    let config = &subject.kdir.config;
    if config.is_y("RUST") {
        let by = config
            .get("RUSTC_VERSION_TEXT")
            .unwrap_or("a rustc it does not name");
        return vec![Finding::ok(
            check,
            &path,
            format!("CONFIG_RUST=y, configured with {by}"),
        )];
    }
    let mut finding = Finding::error(check, &path, "this kernel was built without Rust").versus(
        ("it has", &config.line("RUST")),
        ("it needs", "CONFIG_RUST=y"),
    );
    if config.is_empty() {
        finding = finding.note("no option at all is set in it: it is empty or no configuration");
    } else if subject.kdir.series().is_some_and(|series| series < (6, 1)) {
        finding = finding.note("Rust came with Linux 6.1, and this tree is older");
    }
    vec![
        why_it_is_off(subject, finding)
            .advise("or use a kernel that has it, such as linux-rust-lts61"),
    ]
}

/// Adds the chain of dependencies that keeps Rust off, and the changes that turn it on.
fn why_it_is_off(subject: &Subject, finding: Finding) -> Finding {
    let question = Question::new(&subject.kdir, "RUST", None);
    let (answer, place) = match question.answer(&subject.system) {
        Ok(answered) => answered,
        Err(error) => {
            let mut finding = finding;
            // What is to be done about a configuration that `why` cannot read is another check's.
            if !question.srctree.join("Kconfig").exists() && question.config.exists() {
                finding.help.extend(error.finding.help);
            }
            return finding;
        }
    };
    let own = why::finding(&answer, &place);
    let mut finding = finding.note(format!("why it is off:\n{}", why::chain(&answer)));
    // The first note of that finding is the chain.
    finding.notes.extend(own.notes.into_iter().skip(1));
    for help in own.help {
        let text = format!("if you build this kernel yourself: {}", help.text);
        finding = match help.command {
            Some(command) => finding.run(text, command),
            None => finding.advise(text),
        };
    }
    finding
}

/// Compares `CONFIG_RUST` in `.config`, which one edits, with `include/config/auto.conf`, which
/// the build reads (`make syncconfig` makes one from the other).
pub fn config_applied(subject: &Subject) -> Vec<Finding> {
    let check = "config-applied";
    let path = subject.shown(".config");
    let edited = match Config::read(&subject.kdir.path.join(".config")) {
        Ok(edited) => edited,
        Err(_) => {
            let why = match subject.kdir.path.join(".config").exists() {
                true => ".config cannot be read, and building modules does not need it",
                false => "there is no .config beside auto.conf",
            };
            return vec![Finding::skipped(check, &path, why)];
        }
    };
    let applied = &subject.kdir.config;
    for name in [
        "RUST",
        "RUSTC_VERSION_TEXT",
        "CC_VERSION_TEXT",
        "MODVERSIONS",
    ] {
        if edited.get(name) != applied.get(name) {
            let message = format!(".config was changed after the tree was built: CONFIG_{name}");
            return vec![
                Finding::warning(check, &path, message)
                    .versus(
                        (".config", &edited.line(name)),
                        ("what the build reads", &applied.line(name)),
                    )
                    .run(
                        "apply it, and build the kernel again",
                        subject.make().shell("olddefconfig all"),
                    ),
            ];
        }
    }
    vec![Finding::ok(
        check,
        &path,
        ".config is the configuration the tree was built with",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Error, Ok, Skipped, Warning};

    #[test]
    fn rust_off_is_found_with_its_line() {
        let tree = Tree::new();
        assert_eq!(tree.run(config_rust), [Ok]);
        tree.write("include/config/auto.conf", "CONFIG_X86=y\n");
        let finding = &config_rust(&tree.subject())[0];
        assert_eq!(finding.status, Error);
        assert!(finding.notes[0].contains("# CONFIG_RUST is not set"));
    }

    #[test]
    fn a_config_that_was_not_applied_is_found() {
        let tree = Tree::new();
        assert_eq!(tree.run(config_applied), [Ok]);
        tree.write(".config", "# CONFIG_RUST is not set\n");
        assert_eq!(tree.run(config_applied), [Warning]);
        tree.remove(".config");
        assert_eq!(tree.run(config_applied), [Skipped]);
    }
}
