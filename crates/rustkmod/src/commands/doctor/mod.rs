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
mod module;
mod rustc;
mod signatures;
mod subject;
mod symvers;

use crate::report::Finding;
use subject::Subject;

/// What a check needs to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A configured kernel tree.
    Tree,
    /// A kernel tree with Rust.
    Rust,
}

/// A check: its name, what it needs, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The name its findings have.
    pub name: &'static str,
    /// When it makes sense.
    pub needs: Needs,
    /// What it does.
    pub run: fn(&Subject) -> Vec<Finding>,
}

/// All checks, in the order in which a reader has to fix what they find.
pub const CHECKS: &[Check] = &[
    Check {
        name: "headers",
        needs: Needs::Nothing,
        run: headers::headers,
    },
    Check {
        name: "headers-release",
        needs: Needs::Tree,
        run: headers::release,
    },
    Check {
        name: "build-tools",
        needs: Needs::Tree,
        run: headers::build_tools,
    },
    Check {
        name: "config-rust",
        needs: Needs::Tree,
        run: config::config_rust,
    },
    Check {
        name: "config-applied",
        needs: Needs::Tree,
        run: config::config_applied,
    },
    Check {
        name: "crates",
        needs: Needs::Rust,
        run: crates::complete,
    },
    Check {
        name: "crates-agree",
        needs: Needs::Rust,
        run: crates::agree,
    },
    Check {
        name: "proc-macros",
        needs: Needs::Rust,
        run: crates::proc_macros,
    },
    Check {
        name: "target",
        needs: Needs::Rust,
        run: crates::target,
    },
    Check {
        name: "rustc",
        needs: Needs::Rust,
        run: rustc::rustc,
    },
    Check {
        name: "rustc-for-root",
        needs: Needs::Rust,
        run: rustc::rustc_for_root,
    },
    Check {
        name: "compiler",
        needs: Needs::Tree,
        run: llvm::compiler,
    },
    Check {
        name: "symvers",
        needs: Needs::Rust,
        run: symvers::symvers,
    },
    Check {
        name: "dkms",
        needs: Needs::Nothing,
        run: dkms::dkms,
    },
    Check {
        name: "signatures",
        needs: Needs::Nothing,
        run: signatures::signatures,
    },
    Check {
        name: "module",
        needs: Needs::Nothing,
        run: module::module,
    },
];

/// Runs every check.
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

    /// A tree in a directory of its own.
    pub struct Tree {
        pub directory: tempfile::TempDir,
    }

    impl Tree {
        /// A tree with Rust that has nothing wrong with its texts; it has no crates.
        pub fn new() -> Self {
            let tree = Self {
                directory: tempfile::tempdir().unwrap(),
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
                "Module.symvers",
                "0x0\t_RNvC6kernel1f\tvmlinux\tEXPORT_SYMBOL_GPL\t\n",
            );
            tree
        }

        pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
            let path = self.directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        pub fn remove(&self, name: &str) {
            std::fs::remove_file(self.directory.path().join(name)).unwrap();
        }

        pub fn subject(&self) -> Subject {
            self.subject_on(System::bare(self.directory.path()))
        }

        pub fn subject_on(&self, system: System) -> Subject {
            let kdir = Kdir::open(&system, self.directory.path());
            Subject::new(system, kdir, None, false, None, None)
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
