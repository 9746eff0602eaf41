// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C compiler: modules have to be built by the kind that built the kernel.

use super::subject::Subject;
use crate::install;
use crate::report::Finding;

/// The packages that LLVM is in, on every distribution.
const LLVM: &str = "clang lld llvm";

/// What make runs of LLVM for an external module.
const TOOLS: [&str; 5] = ["clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy"];

/// Reads `CONFIG_CC_IS_CLANG`, whether make would choose LLVM by itself (`LLVM` in the Makefile
/// or the environment, `Documentation/kbuild/llvm.rst`), and whether its programs are in `PATH`.
pub fn compiler(subject: &Subject) -> Vec<Finding> {
    let check = "compiler";
    let config = &subject.kdir.config;
    let built_by = config
        .get("CC_VERSION_TEXT")
        .unwrap_or("a compiler it does not name");
    let path = subject.system.shown(&subject.kdir.config_path);
    if !config.is_y("CC_IS_CLANG") {
        let message = format!("the kernel was built by {built_by}: no LLVM is needed for C");
        return vec![Finding::ok(check, path, message)];
    }
    let mut findings = Vec::new();
    let llvm = subject.system.env("LLVM");
    let sets_llvm = subject
        .kdir
        .makefile
        .as_ref()
        .is_ok_and(|found| found.sets_llvm);
    if !sets_llvm && llvm.is_none() {
        findings.push(
            Finding::error(
                check,
                subject.shown("Makefile"),
                "clang built this kernel, and make would build modules with gcc",
            )
            .versus(
                ("the kernel", built_by),
                ("make would run", "gcc and ld, since LLVM is not set"),
            )
            .note("gcc would say: unrecognized command-line option '-mstack-alignment=8'")
            .run(
                "build with LLVM",
                subject.make().shell("M=\"$PWD\" modules"),
            ),
        );
    }
    let (prefix, suffix) = match llvm {
        Some(value) if value.ends_with('/') => (value, ""),
        Some(value) if value.starts_with('-') => ("", value),
        _ => ("", ""),
    };
    let missing: Vec<_> = TOOLS
        .iter()
        .map(|tool| format!("{prefix}{tool}{suffix}"))
        .filter(|tool| match prefix.is_empty() {
            true => subject.system.which(tool).is_none(),
            false => !kernel_tree::system::is_executable(&subject.system.at(tool)),
        })
        .collect();
    if !missing.is_empty() {
        let message = format!(
            "clang built this kernel, and {} not installed",
            match missing.as_slice() {
                [one] => format!("{one} is"),
                many => format!("{} are", many.join(", ")),
            }
        );
        let finding = Finding::error(check, "PATH", message).note(format!(
            "the kernel was built by {built_by}; its modules need clang, lld and LLVM's tools"
        ));
        findings.push(
            match install::packages(subject.distribution(), LLVM, LLVM, LLVM) {
                Some(command) => finding.run("install them", command),
                None => finding.advise("install clang, lld and llvm"),
            },
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            check,
            path,
            format!("make would use LLVM, as the kernel's build did ({built_by})"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Error, Ok};
    use kernel_tree::system::System;

    fn clang_tree() -> Tree {
        use std::os::unix::fs::PermissionsExt;
        let tree = Tree::new();
        tree.write(
            "include/config/auto.conf",
            "CONFIG_RUST=y\nCONFIG_CC_IS_CLANG=y\n",
        );
        for tool in TOOLS {
            tree.write(&format!("bin/{tool}"), "");
            let path = tree.directory.path().join("bin").join(tool);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        tree
    }

    fn statuses(tree: &Tree, llvm: Option<&'static str>) -> Vec<crate::report::Status> {
        let mut system = System::bare(tree.directory.path()).with("PATH", "/bin");
        if let Some(llvm) = llvm {
            system = system.with("LLVM", llvm);
        }
        compiler(&tree.subject_on(system))
            .iter()
            .map(|finding| finding.status)
            .collect()
    }

    #[test]
    fn a_gcc_kernel_needs_no_llvm() {
        assert_eq!(Tree::new().run(compiler), [Ok]);
    }

    #[test]
    fn a_clang_kernel_needs_llvm_chosen_and_installed() {
        let tree = clang_tree();
        assert_eq!(statuses(&tree, None), [Error]);
        assert_eq!(statuses(&tree, Some("1")), [Ok]);
        assert_eq!(statuses(&tree, Some("-18")), [Error]);
        assert_eq!(statuses(&tree, Some("/bin/")), [Ok]);
        tree.write("Makefile", "ifneq ($(KBUILD_EXTMOD),)\nLLVM := 1\nendif\n");
        assert_eq!(statuses(&tree, None), [Ok]);
        tree.remove("bin/ld.lld");
        assert_eq!(statuses(&tree, None), [Error]);
    }
}
