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
mod symvers;

use std::path::PathBuf;
use std::sync::OnceLock;

use kernel_files::file;

use crate::command::Command;
use crate::install;
use crate::report::Finding;
use kernel_tree::kdir::{self, Kdir};
use kernel_tree::system::{Distribution, System};
use kernel_tree::toolchain::{self, WouldRun};

/// What a check looks at.
#[derive(Debug)]
pub struct Subject {
    /// The machine.
    pub system: System,
    /// The kernel tree.
    pub kdir: Kdir,
    /// The release that was asked for, or that the tree is of.
    pub release: Option<String>,
    /// Whether the kernel is the one that runs.
    pub is_running: bool,
    /// `RUSTC=` as it would be on make's command line.
    pub rustc: Option<String>,
    /// A module to look at as well.
    pub module: Option<PathBuf>,
    would_run: OnceLock<WouldRun>,
}

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

/// All checks, in the order in which a reader has to mend what they find.
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

impl Subject {
    /// A subject with its tree read.
    pub fn new(
        system: System,
        kdir: Kdir,
        release: Option<String>,
        is_running: bool,
        rustc: Option<String>,
        module: Option<PathBuf>,
    ) -> Self {
        let release = release.or_else(|| kdir.release.clone());
        let would_run = OnceLock::new();
        Self {
            system,
            kdir,
            release,
            is_running,
            rustc,
            module,
            would_run,
        }
    }

    /// Runs every check.
    pub fn examine(&self) -> Vec<Finding> {
        CHECKS.iter().flat_map(|check| self.run(check)).collect()
    }

    fn run(&self, check: &Check) -> Vec<Finding> {
        let is_tree = self.has_tree();
        let reason = match check.needs {
            Needs::Nothing => None,
            Needs::Tree | Needs::Rust if !is_tree => Some("there is no kernel tree to look at"),
            Needs::Rust if !self.has_rust() => Some("this kernel has no Rust"),
            _ => None,
        };
        match reason {
            Some(reason) => {
                vec![Finding::skipped(
                    check.name,
                    self.kdir.path.display(),
                    reason,
                )]
            }
            None => {
                let mut findings = (check.run)(self);
                findings
                    .iter_mut()
                    .for_each(|finding| self.seen_from_root(finding));
                findings
            }
        }
    }

    /// What a check passes on from elsewhere may name a file by its place outside the root.
    fn seen_from_root(&self, finding: &mut Finding) {
        let outside = self.system.at("/").display().to_string();
        if self.system.is_live() || outside == "/" {
            return;
        }
        let outside = outside.trim_end_matches('/');
        for note in &mut finding.notes {
            *note = note.replace(outside, "");
        }
    }

    fn has_tree(&self) -> bool {
        self.kdir
            .makefile
            .as_ref()
            .is_ok_and(|found| found.missing.is_none())
            && self.kdir.config_error.is_none()
    }

    fn has_rust(&self) -> bool {
        self.kdir.config.is_y("RUST")
    }

    /// What make would run as rustc, found out once.
    fn would_run(&self) -> &WouldRun {
        self.would_run
            .get_or_init(|| toolchain::would_run(&self.system, &self.kdir, self.rustc.as_deref()))
    }

    /// A file of the tree as the messages call it.
    fn shown(&self, file: &str) -> String {
        self.system.shown(&self.kdir.file(file))
    }

    /// The tree as the messages call it.
    fn tree(&self) -> String {
        self.system.shown(&self.kdir.path)
    }

    fn release_name(&self) -> &str {
        self.release.as_deref().unwrap_or("this kernel")
    }

    /// Whether the tree holds the kernel's source, and can be built by its owner.
    fn is_source(&self) -> bool {
        self.kdir.file("init/main.c").exists()
    }

    /// The make command of this tree, with the options it needs and does not choose by itself.
    fn make(&self) -> Command {
        let sets_llvm = self
            .kdir
            .makefile
            .as_ref()
            .is_ok_and(|found| found.sets_llvm);
        let make = Command::new("make -C").arg(self.tree());
        if self.kdir.config.is_y("CC_IS_CLANG") && !sets_llvm {
            make.shell("LLVM=1")
        } else {
            make
        }
    }

    /// Adds how this kernel's headers are installed, or installed again.
    fn reinstall(&self, finding: Finding) -> Finding {
        if self.is_source() {
            return finding.run("build this part of the tree", self.make().shell("prepare"));
        }
        if let Some(package) = self.package("headers") {
            return finding.run(
                "install them again",
                Command::new("sudo pacman -U").arg(package),
            );
        }
        let Some(release) = &self.release else {
            return finding.advise("prepare or install the tree again, whole");
        };
        let modules = kdir::modules_folder(&self.system, release);
        match install::headers_again(&self.system, &modules, release) {
            Some(command) => finding.run("install the kernel's headers again", command),
            None => finding.advise(install::NO_PACKAGE),
        }
    }

    /// The package file that `rust/toolchain.mk` of linux-rust-headers names as its `headers` or
    /// its `toolchain`.
    fn package(&self, what: &str) -> Option<String> {
        let text = file::read_text(&self.kdir.path.join("rust/toolchain.mk"), 64 << 10).ok()?;
        let name = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# {what}: ")))?
            .trim();
        let is_sane = name.ends_with(".zst")
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.+:".contains(c));
        is_sane.then(|| name.to_string())
    }

    fn distribution(&self) -> Distribution {
        self.system.distribution()
    }
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

    use super::*;
    use crate::report::Status;

    /// A tree in a folder of its own.
    pub struct Tree {
        pub folder: tempfile::TempDir,
    }

    impl Tree {
        /// A tree with Rust that has nothing wrong with its texts; it has no crates.
        pub fn new() -> Self {
            let tree = Self {
                folder: tempfile::tempdir().unwrap(),
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
            let path = self.folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        pub fn remove(&self, name: &str) {
            std::fs::remove_file(self.folder.path().join(name)).unwrap();
        }

        pub fn subject(&self) -> Subject {
            self.subject_on(System::bare(self.folder.path()))
        }

        pub fn subject_on(&self, system: System) -> Subject {
            let kdir = Kdir::open(&system, self.folder.path());
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
