// SPDX-License-Identifier: MIT OR Apache-2.0

//! Lockdown and signatures: would the kernel load a module of your own.

use super::subject::Subject;
use crate::call::Call;
use crate::command::Command;
use crate::report::Finding;
use kernel_tree::security::{self, Enforcement};

/// Reads lockdown's mode and `module.sig_enforce` of the running kernel, or the configuration of
/// another one (`Documentation/admin-guide/module-signing.rst`).
pub fn signatures(subject: &Subject) -> Vec<Finding> {
    let check = "signatures";
    let config = &subject.kdir.config;
    let (looked_at, enforcement) = if subject.is_running {
        let parameter = "/sys/module/module/parameters/sig_enforce";
        (
            parameter.to_string(),
            security::of_running(&subject.system, config),
        )
    } else if subject.kdir.config_error.is_some() {
        return vec![Finding::skipped(
            check,
            "",
            "neither the running kernel nor a configuration to look at",
        )];
    } else {
        (
            subject.system.shown(&subject.kdir.config_path),
            security::of_config(config),
        )
    };
    vec![match enforcement {
        Enforcement::Refuses(reason) => {
            Finding::warning(check, &looked_at, "this kernel loads signed modules only")
                .note(reason)
                .note("it would say: Loading of unsigned module is rejected")
                .run(
                    "sign the module with a key this kernel trusts",
                    Command::program(format!("{}/scripts/sign-file", subject.tree()))
                        .shell("sha256 KEY.pem CERT.x509 FILE.ko"),
                )
                .run(
                    "see whether a module is signed",
                    Call::of(&["check", "FILE.ko", "--kernel", &subject.tree()]),
                )
        }
        Enforcement::Depends(condition) => Finding::warning(
            check,
            &looked_at,
            "this kernel may load signed modules only",
        )
        .note(condition)
        .run("see whether Secure Boot is on", "mokutil --sb-state"),
        Enforcement::Taints => Finding::ok(
            check,
            &looked_at,
            "unsigned modules are loaded, and noted as a taint",
        ),
        Enforcement::Ignores => Finding::ok(check, &looked_at, "unsigned modules are loaded"),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Ok, Warning};

    #[test]
    fn enforcement_is_told_before_the_load() {
        let tree = Tree::new();
        assert_eq!(tree.run(signatures), [Ok]);
        tree.write("include/config/auto.conf", "CONFIG_MODULE_SIG_FORCE=y\n");
        assert_eq!(tree.run(signatures), [Warning]);
    }

    #[test]
    fn the_running_kernel_is_asked_itself() {
        let tree = Tree::new();
        tree.write(
            "sys/kernel/security/lockdown",
            "none [integrity] confidentiality\n",
        );
        let mut subject = tree.subject();
        subject.is_running = true;
        assert_eq!(signatures(&subject)[0].status, Warning);
    }
}
