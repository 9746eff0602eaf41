// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a check looks at, and what checks have in common.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::OnceLock;

use kernel_files::file;
use kernel_tree::kdir::{self, Kdir};
use kernel_tree::system::{Distribution, System};
use kernel_tree::toolchain::{self, WouldRun};

use crate::command::Command;
use crate::install;
use crate::report::Finding;

/// What a check looks at.
#[derive(Debug)]
pub struct Subject {
    pub system: System,
    pub kdir: Kdir,
    /// The release that was asked for, or that the tree is of.
    pub release: Option<String>,
    pub is_running: bool,
    /// `RUSTC=` as it would be on make's command line.
    pub rustc: Option<String>,
    would_run: OnceLock<WouldRun>,
}

impl Subject {
    pub fn new(
        system: System,
        kdir: Kdir,
        release: Option<String>,
        is_running: bool,
        rustc: Option<String>,
    ) -> Self {
        let release = release.or_else(|| kdir.release.clone());
        let would_run = OnceLock::new();
        Self {
            system,
            kdir,
            release,
            is_running,
            rustc,
            would_run,
        }
    }

    pub(super) fn has_tree(&self) -> bool {
        self.kdir
            .makefile
            .as_ref()
            .is_ok_and(|found| found.missing.is_none())
            && self.kdir.config_error.is_none()
    }

    pub(super) fn has_rust(&self) -> bool {
        self.kdir.config.is_y("RUST")
    }

    /// What make would run as rustc, found out once.
    pub(super) fn would_run(&self) -> &WouldRun {
        self.would_run
            .get_or_init(|| toolchain::would_run(&self.system, &self.kdir, self.rustc.as_deref()))
    }

    /// A file of the tree as the messages call it.
    pub(super) fn shown(&self, file: &str) -> String {
        self.system.shown(&self.kdir.file(file))
    }

    /// The tree as the messages call it.
    pub(super) fn tree(&self) -> String {
        self.system.shown(&self.kdir.path)
    }

    pub(super) fn release_name(&self) -> &str {
        self.release.as_deref().unwrap_or("this kernel")
    }

    /// Whether the tree holds the kernel's source, and can be built by its owner.
    pub(super) fn is_source(&self) -> bool {
        self.kdir.file("init/main.c").exists()
    }

    /// The make command of this tree, with the options it needs and does not choose by itself.
    pub(super) fn make(&self) -> Command {
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

    /// What to say of a file of the tree that is there, and that this user may not read.
    pub(super) fn may_not_read(&self, check: &'static str, path: &Path) -> Option<Finding> {
        let Err(file::Error::Read { source, .. }) = file::open(path) else {
            return None;
        };
        (source.kind() == ErrorKind::PermissionDenied).then(|| {
            let shown = self.system.shown(path);
            let finding = Finding::error(check, &shown, "this user may not read the kernel tree")
                .note(format!("{shown} cannot be read: {source}"));
            // Only that much: a tree may have the private key that its modules are signed with.
            let reached = path
                .ancestors()
                .find(|place| place.symlink_metadata().is_ok());
            match reached.filter(|at| at.starts_with(&self.kdir.path) && at.metadata().is_ok()) {
                Some(file) if file == path => finding.run(
                    "let everyone read this file",
                    Command::new("sudo chmod a+r").arg(shown),
                ),
                Some(directory) => finding.run(
                    "let everyone into this directory",
                    Command::new("sudo chmod a+rx").arg(self.system.shown(directory)),
                ),
                None => finding.run(
                    "see which directory keeps this user out",
                    Command::new("namei -l").arg(shown),
                ),
            }
        })
    }

    /// Adds how this kernel's headers are installed, or installed again.
    pub(super) fn reinstall(&self, finding: Finding) -> Finding {
        if self.is_source() {
            return finding.run("build this part of the tree", self.make().shell("prepare"));
        }
        if let Some(package) = self.kdir.package_file("headers") {
            return finding.run(
                "install them again",
                Command::new("sudo pacman -U").arg(package),
            );
        }
        let Some(release) = &self.release else {
            return finding.advise("prepare or install the tree again, whole");
        };
        let modules = kdir::modules_directory(&self.system, release);
        match install::headers_again(&self.system, &modules, release) {
            Some(command) => finding.run("install the kernel's headers again", command),
            None => finding.advise(install::NO_PACKAGE),
        }
    }

    pub(super) fn distribution(&self) -> Distribution {
        self.system.distribution()
    }
}
