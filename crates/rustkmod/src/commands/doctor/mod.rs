// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod doctor`: every check of a kernel tree and of the machine it is to be used on.
//!
//! A check is a function from the [`Subject`] to its findings. To add one, write it in the file
//! of its group and add its name to [`CHECKS`].

pub mod command;
mod config;
mod crates;
mod dkms;
mod headers;
mod llvm;
mod rustc;
mod signatures;
mod subject;
mod symvers;

use crate::report::Finding;
use subject::Subject;

/// What a check needs to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// A configured kernel tree.
    Tree,
    /// A kernel tree with Rust.
    Rust,
}

/// A check: its name, what it needs, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    pub needs: Needs,
    pub run: fn(&Subject) -> Vec<Finding>,
}

const fn check(name: &'static str, needs: Needs, run: fn(&Subject) -> Vec<Finding>) -> Check {
    Check { name, needs, run }
}

/// All checks, in the order in which a reader has to fix what they find.
pub const CHECKS: &[Check] = &[
    check("headers", Needs::Nothing, headers::headers),
    check("headers-release", Needs::Tree, headers::release),
    check("build-tools", Needs::Tree, headers::build_tools),
    check("config-rust", Needs::Tree, config::config_rust),
    check("config-applied", Needs::Tree, config::config_applied),
    check("crates", Needs::Rust, crates::complete),
    check("crates-agree", Needs::Rust, crates::agree),
    check("proc-macros", Needs::Rust, crates::proc_macros),
    check("target", Needs::Rust, crates::target),
    check("rustc", Needs::Rust, rustc::rustc),
    check("rustc-for-root", Needs::Rust, rustc::rustc_for_root),
    check("compiler", Needs::Tree, llvm::compiler),
    check("symvers", Needs::Rust, symvers::symvers),
    check("dkms", Needs::Nothing, dkms::dkms),
    check("signatures", Needs::Nothing, signatures::signatures),
];

pub fn examine(subject: &Subject) -> Vec<Finding> {
    CHECKS
        .iter()
        .flat_map(|check| examine_one(subject, check))
        .collect()
}

fn examine_one(subject: &Subject, check: &Check) -> Vec<Finding> {
    let reason = match check.needs {
        Needs::Tree | Needs::Rust if !subject.has_tree() => "there is no kernel tree to look at",
        Needs::Rust if !subject.has_rust() => "this kernel has no Rust",
        _ => {
            let mut findings = (check.run)(subject);
            // What a check passes on from elsewhere may name a file by its place outside the root.
            for note in findings.iter_mut().flat_map(|finding| &mut finding.notes) {
                *note = subject.system.seen(note);
            }
            return findings;
        }
    };
    let path = subject.kdir.path.display();
    vec![Finding::skipped(check.name, path, reason)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own() {
        let mut names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHECKS.len());
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A kernel tree of a few small files, for the tests of single checks.

    use kernel_tree::kdir::Kdir;
    use kernel_tree::system::System;

    use super::*;
    use crate::report::Status;
    use crate::testing::Root;

    /// A tree in a directory of its own.
    pub struct Tree {
        pub directory: Root,
    }

    impl Tree {
        /// A tree with Rust that has nothing wrong with its texts; it has no crates.
        pub fn new() -> Self {
            let tree = Self {
                directory: Root::new(),
            };
            tree.write("Makefile", "VERSION = 6\nPATCHLEVEL = 1\nRUSTC = rustc\n");
            tree.write(
                "include/config/auto.conf",
                "CONFIG_RUST=y\nCONFIG_X86=y\nCONFIG_X86_64=y\n",
            );
            tree.write(".config", "CONFIG_RUST=y\nCONFIG_X86=y\nCONFIG_X86_64=y\n");
            tree.write("include/config/kernel.release", "6.1.0-test\n");
            tree.write("include/generated/autoconf.h", "");
            tree.write(
                "include/generated/utsrelease.h",
                "#define UTS_RELEASE \"6.1.0-test\"\n",
            );
            tree.write(
                "Module.symvers",
                "0x0\t_RNvC6kernel1f\tvmlinux\tEXPORT_SYMBOL_GPL\t\n",
            );
            tree
        }

        pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
            self.directory.write(name, text);
        }

        pub fn remove(&self, name: &str) {
            std::fs::remove_file(self.directory.path().join(name)).unwrap();
        }

        pub fn subject(&self) -> Subject {
            self.subject_on(self.directory.system())
        }

        pub fn subject_on(&self, system: System) -> Subject {
            let kdir = Kdir::open(&system, self.directory.path());
            Subject::new(system, kdir, None, false, None)
        }

        /// The statuses of a check's findings.
        pub fn run(&self, check: fn(&Subject) -> Vec<Finding>) -> Vec<Status> {
            check(&self.subject())
                .iter()
                .map(|finding| finding.status)
                .collect()
        }
    }
}
