// SPDX-License-Identifier: MIT OR Apache-2.0

//! What DKMS knows: its modules, whether they are built for a kernel, and why not.
//!
//! Its state is its directory, `/var/lib/dkms` (`dkms(8)`): `NAME/VERSION/source` is what was added,
//! `NAME/VERSION/RELEASE/ARCH/module` what was built, and `NAME/kernel-RELEASE-ARCH` links to
//! what is installed. A failed build leaves `NAME/VERSION/build/make.log`, whose first line names
//! the kernel.

use std::path::{Path, PathBuf};

use kernel_files::file;

use crate::system::System;

/// A module DKMS knows, as it stands for one kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkmsModule {
    /// `PACKAGE_NAME`.
    pub name: String,
    /// `PACKAGE_VERSION`.
    pub version: String,
    /// How far it got for the kernel.
    pub state: State,
    /// The log of a failed build for that kernel.
    pub failed_log: Option<PathBuf>,
    /// The reason `dkms.conf` gives to leave this kernel out, as its assignments stand.
    pub exclusive: Vec<String>,
    /// Whether DKMS builds it for new kernels by itself (`AUTOINSTALL`).
    pub is_automatic: bool,
    /// The directory of its source, `None` when the link leads nowhere.
    pub source: Option<PathBuf>,
}

/// How far a module got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is known, and not built.
    Added,
    /// It is built, and not installed.
    Built,
    /// It is installed.
    Installed,
}

/// The modules DKMS knows, with their state for a kernel. `None` when there is no DKMS.
pub fn modules(system: &System, release: &str) -> Option<Vec<DkmsModule>> {
    let tree = system.at("/var/lib/dkms");
    let names = std::fs::read_dir(&tree).ok()?;
    let mut found = Vec::new();
    for name in names.flatten().filter(|entry| entry.path().is_dir()) {
        for version in std::fs::read_dir(name.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            // `kernel-…` are the links to what is installed, `original_module` is a backup.
            if version.file_type().is_ok_and(|kind| kind.is_dir())
                && version.path().join("source").symlink_metadata().is_ok()
            {
                found.push(module(system, &name.path(), &version.path(), release));
            }
        }
    }
    found.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    Some(found)
}

fn module(system: &System, name: &Path, version: &Path, release: &str) -> DkmsModule {
    let text = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let prefix = format!("kernel-{release}-");
    let installed = std::fs::read_dir(name)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            entry.file_name().to_string_lossy().starts_with(&prefix)
                && std::fs::read_link(entry.path())
                    .is_ok_and(|target| target.starts_with(text(version)))
        });
    let built = std::fs::read_dir(version.join(release))
        .into_iter()
        .flatten()
        .flatten()
        .any(|arch| arch.path().join("module").is_dir());
    let log = version.join("build/make.log");
    let source = system.at(format!(
        "/{}",
        system
            .shown(&version.join("source"))
            .trim_start_matches('/')
    ));
    let conf = file::read_text(&source.join("dkms.conf"), 1 << 20).unwrap_or_default();
    DkmsModule {
        name: text(name),
        version: text(version),
        state: match (installed, built) {
            (true, _) => State::Installed,
            (_, true) => State::Built,
            _ => State::Added,
        },
        failed_log: Some(log).filter(|log| is_of_kernel(log, release)),
        exclusive: conf
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("BUILD_EXCLUSIVE_"))
            .map(str::to_string)
            .collect(),
        is_automatic: conf
            .lines()
            .any(|line| line.trim().starts_with("AUTOINSTALL=")),
        source: Some(source).filter(|source| source.is_dir()),
    }
}

/// `DKMS make.log for NAME-VERSION for kernel RELEASE (ARCH)`
fn is_of_kernel(log: &Path, release: &str) -> bool {
    use std::io::Read;
    let Ok((file, _)) = file::open(log) else {
        return false;
    };
    let mut head = Vec::new();
    let _ = file.take(4096).read_to_end(&mut head);
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    line.split_whitespace().any(|word| word == release)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().unwrap();
        for directory in [
            "usr/src/a-1.0",
            "var/lib/dkms/a/1.0/6.1.0/x86_64/module",
            "var/lib/dkms/b/2.0/build",
            "var/lib/dkms/c/3.0/6.1.0/x86_64/module",
        ] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, root.path().join(name)).unwrap();
        };
        link("/usr/src/a-1.0", "var/lib/dkms/a/1.0/source");
        link("/usr/src/b-2.0", "var/lib/dkms/b/2.0/source");
        link("/usr/src/c-3.0", "var/lib/dkms/c/3.0/source");
        link("1.0/6.1.0/x86_64", "var/lib/dkms/a/kernel-6.1.0-x86_64");
        std::fs::write(
            root.path().join("usr/src/a-1.0/dkms.conf"),
            "BUILD_EXCLUSIVE_CONFIG=\"CONFIG_RUST\"\n",
        )
        .unwrap();
        std::fs::write(
            root.path().join("var/lib/dkms/b/2.0/build/make.log"),
            "DKMS make.log for b-2.0 for kernel 6.1.0 (x86_64)\nerror[E0463]: x\n",
        )
        .unwrap();
        let system = System::bare(root.path());
        (root, system)
    }

    #[test]
    fn states_are_those_of_dkms_status() {
        let (_root, system) = tree();
        let found = modules(&system, "6.1.0").unwrap();
        let states: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.state)).collect();
        assert_eq!(
            states,
            [
                ("a", State::Installed),
                ("b", State::Added),
                ("c", State::Built)
            ]
        );
        assert!(found[1].failed_log.is_some() && found[1].source.is_none());
        assert_eq!(
            found[0].exclusive,
            ["BUILD_EXCLUSIVE_CONFIG=\"CONFIG_RUST\""]
        );
    }

    #[test]
    fn a_log_of_another_kernel_is_not_this_ones() {
        let (_root, system) = tree();
        let found = modules(&system, "6.2.0").unwrap();
        assert!(
            found
                .iter()
                .all(|m| m.state == State::Added && m.failed_log.is_none())
        );
    }

    #[test]
    fn without_dkms_there_is_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(modules(&System::bare(root.path()), "6.1.0"), None);
    }
}
