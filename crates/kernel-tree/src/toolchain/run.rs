// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which rustc `make` would run.

use std::path::{Path, PathBuf};

use super::ask::{limited, printed, run_version, version_of};
use super::{Found, Origin, rustup};
use crate::kdir::Kdir;
use crate::makefile::Rustc;
use crate::system::{self, System};

/// What `make` would run as rustc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WouldRun {
    /// This one.
    Rustc {
        /// What the Makefile has for `RUSTC`, or the caller gave.
        value: String,
        /// The file it stands for.
        found: Found,
        /// Which rule of rustup's chose the toolchain, if one did.
        chosen_by: Option<String>,
    },
    /// Nothing: there is no such program.
    Missing {
        /// What the Makefile has for `RUSTC`.
        value: String,
        /// Where that was written, when it is a file of the tree.
        from: Option<PathBuf>,
    },
    /// rustup's proxy, which has no toolchain to run.
    NoToolchain {
        /// The file that is rustup.
        proxy: PathBuf,
        /// Why rustup has none.
        reason: String,
    },
    /// It cannot be told.
    Unknown(String),
}

/// What `make` would run from the caller's directory on this tree, with `RUSTC=` on its command line
/// when `given` is there.
pub fn would_run(system: &System, kdir: &Kdir, given: Option<&str>) -> WouldRun {
    let (value, from) = match (given, kdir.makefile.as_ref().map(|found| &found.rustc)) {
        (Some(value), _) => (value.to_string(), None),
        (None, Ok(Rustc::Value(value, from))) => (value.clone(), Some(from.clone())),
        (None, Ok(Rustc::Unset)) => {
            return WouldRun::Unknown(
                "the tree's Makefile does not set RUSTC, so it does not support Rust".into(),
            );
        }
        (None, Ok(Rustc::AskMake)) => match ask_make(system, kdir) {
            Ok(value) => (value, Some(kdir.file("Makefile"))),
            Err(reason) => return WouldRun::Unknown(reason),
        },
        (None, Err(reason)) => return WouldRun::Unknown(reason.clone()),
    };
    let mut words = value.split_whitespace();
    let Some(program) = words.next() else {
        return WouldRun::Missing { value, from };
    };
    if words.next().is_some() {
        // A wrapper with arguments, such as `ccache rustc`: only running it tells.
        let version = run_version(system, &value, &kdir.path);
        let found = Found {
            path: PathBuf::from(program),
            version,
            origin: Origin::Path,
        };
        return WouldRun::Rustc {
            value,
            found,
            chosen_by: None,
        };
    }
    let file = if program.contains('/') {
        let path = Path::new(program);
        let path = if path.is_absolute() {
            system.at(path)
        } else {
            kdir.path.join(path)
        };
        Some(path).filter(|path| system::is_executable(path))
    } else {
        system.which(program)
    };
    let Some(file) = file else {
        return WouldRun::Missing { value, from };
    };
    let named_by_tree = from
        .as_ref()
        .is_some_and(|from| program.contains('/') && from.starts_with(&kdir.path));
    let (path, origin, chosen_by) = if rustup::is_rustup(&file) {
        match rustup::choice(system, &working_directory(system, kdir)) {
            Ok(choice) => (
                choice.directory.join("bin/rustc"),
                Origin::Rustup(choice.name),
                Some(choice.because),
            ),
            Err(reason) => {
                return WouldRun::NoToolchain {
                    proxy: file,
                    reason,
                };
            }
        }
    } else {
        let origin = match from {
            Some(from) if named_by_tree => Origin::Makefile(from),
            _ => Origin::Path,
        };
        (file, origin, None)
    };
    if !system::is_executable(&path) {
        return WouldRun::NoToolchain {
            proxy: path.clone(),
            reason: format!("the toolchain has no {}", path.display()),
        };
    }
    let version = version_of(system, &path);
    WouldRun::Rustc {
        value,
        found: Found {
            path,
            version,
            origin,
        },
        chosen_by,
    }
}

/// The directory rustc is started in: the tree, or the module's own directory since 6.13.
fn working_directory(system: &System, kdir: &Kdir) -> PathBuf {
    match kdir.series() {
        Some(series) if series >= (6, 13) => system.cwd.clone(),
        _ => None,
    }
    .unwrap_or_else(|| kdir.path.clone())
}

/// Asks make for the value of `RUSTC`, for a tree whose Makefile computes it.
fn ask_make(system: &System, kdir: &Kdir) -> Result<String, String> {
    if !system.is_live() {
        return Err(
            "its Makefile computes RUSTC, and only make on that machine can do that".into(),
        );
    }
    let mut command = limited("make");
    command
        .args(["-s", "--no-print-directory", "-C"])
        .arg(&kdir.path)
        .args([
            "KBUILD_EXTMOD=.",
            "--eval=rustkmod-rustc: ; @echo $(RUSTC)",
            "rustkmod-rustc",
        ]);
    let output = printed(&mut command, "make fails in the tree")?;
    output
        .lines()
        .next_back()
        .map(|line| line.trim().to_string())
        .filter(|value| !value.is_empty())
        .ok_or_else(|| "make did not say what RUSTC is".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_own_failure_is_not_called_rustcs() {
        let tree = tempfile::tempdir().unwrap();
        let system = System::here(None);
        let asked = |makefile: &str| {
            std::fs::write(tree.path().join("Makefile"), makefile).unwrap();
            ask_make(&system, &Kdir::open(&system, tree.path()))
        };
        assert_eq!(asked("RUSTC = $(shell echo a)\n"), Ok("a".into()));
        let reason = asked("$(error broken)\n").unwrap_err();
        assert!(reason.starts_with("make fails in the tree ("), "{reason}");
        assert!(reason.contains("broken"), "{reason}");
    }
}
