// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which rustc a kernel needs, which one `make` would run, and where others are.

mod ask;
mod need;
mod run;
mod rustup;
mod version;

use std::path::{Path, PathBuf};

use crate::fetched;
use crate::system::{self, System};

pub use ask::version_of;
pub use need::{Fit, Need, need};
pub use run::{WouldRun, would_run};
pub use version::{compare, number, package_of, rustup_toolchain};

/// A rustc that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The program itself, behind links and rustup.
    pub path: PathBuf,
    /// Its full version string, or why it has none.
    pub version: Result<String, String>,
    /// How it was come by, for messages.
    pub origin: Origin,
}

impl Found {
    /// Whether it can build for a tree.
    pub fn fits(&self, need: &Need) -> bool {
        let version = self.version.as_ref();
        version.is_ok_and(|version| need.fit(version) == Fit::Fits)
    }
}

/// How a rustc was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A package of this repository.
    Packaged,
    /// Fetched by `rustkmod toolchain --install`, out of an archive of packages.
    Fetched,
    /// A toolchain of rustup's, by its name.
    Rustup(String),
    /// From `PATH`: usually the distribution's.
    Path,
    /// A path written in a Makefile.
    Makefile(PathBuf),
}

/// Every rustc on the machine, this repository's first.
pub fn all(system: &System) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |path: PathBuf, origin: Origin| {
        if system::is_executable(&path) {
            let version = version_of(system, &path);
            found.push(Found {
                path,
                version,
                origin,
            });
        }
    };
    // A directory a release: rust162, rust197.
    for directory in sorted_directories(&system.at("/usr/lib")) {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let version = name.strip_prefix("rust").unwrap_or_default();
        if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) {
            add(directory.join("bin/rustc"), Origin::Packaged);
        }
    }
    for directory in fetched::all(system) {
        add(directory.join("bin/rustc"), Origin::Fetched);
    }
    if let Some(home) = rustup::home(system) {
        for directory in sorted_directories(&home.join("toolchains")) {
            let name = directory
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            add(directory.join("bin/rustc"), Origin::Rustup(name));
        }
    }
    let mut in_path: Vec<PathBuf> = Vec::new();
    in_path.extend(system.which("rustc"));
    for usual in ["/usr/bin/rustc", "/usr/local/bin/rustc"] {
        let path = system.at(usual);
        if !in_path.contains(&path) {
            in_path.push(path);
        }
    }
    // Debian has versions side by side, as /usr/bin/rustc-1.78.
    for entry in std::fs::read_dir(system.at("/usr/bin"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name
            .strip_prefix("rustc-")
            .is_some_and(|rest| rest.starts_with("1."))
        {
            in_path.push(entry.path());
        }
    }
    for path in in_path {
        if !rustup::is_rustup(&path) {
            add(path, Origin::Path);
        }
    }
    found
}

fn sorted_directories(directory: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<_> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    directories.sort();
    directories
}

/// The first rustc on the machine whose version string is exactly this one.
pub fn find_exact(system: &System, rustc: &str) -> Option<Found> {
    all(system)
        .into_iter()
        .find(|found| found.version.as_deref() == Ok(rustc))
}
