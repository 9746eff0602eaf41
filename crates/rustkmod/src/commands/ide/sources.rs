// SPDX-License-Identifier: MIT OR Apache-2.0

//! The sources that rust-analyzer reads: the kernel's crates, and Rust's own libraries.

use std::path::PathBuf;

use kernel_tree::kdir::Kdir;
use kernel_tree::system::System;
use kernel_tree::toolchain::{self, Found, Origin, WouldRun};

use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};

/// A rustc and the sources of its libraries.
pub(super) struct Libraries {
    pub(super) rustc: PathBuf,
    pub(super) directory: PathBuf,
}

/// The tree and Rust's own libraries, with the sources that rust-analyzer reads.
pub(super) fn sources(system: &System, mut kdir: Kdir) -> Result<(Kdir, Libraries)> {
    for needed in ["rust/Makefile", "rust/kernel/lib.rs"] {
        let path = kdir.file(needed);
        if !path.is_file() {
            let error =
                Error::new("the sources of the kernel's crates are not installed").note(format!(
                    "rust-analyzer reads sources, and {} is not there",
                    system.shown(&path)
                ));
            return Err(with_source_package(error, system, &kdir));
        }
    }
    let libraries = libraries(system, &kdir)?;

    // The file outlives the link that the tree may have been named by.
    for path in [&mut kdir.path, &mut kdir.srctree] {
        *path = std::fs::canonicalize(&*path).unwrap_or_else(|_| path.clone());
    }
    Ok((kdir, libraries))
}

/// The sources of the libraries of the rustc that made the kernel's crates.
fn libraries(system: &System, kdir: &Kdir) -> Result<Libraries> {
    let exact = kdir.crate_for_rustc().map(|(_, rmeta)| rmeta.rustc.clone());
    let mut candidates: Vec<Found> = match toolchain::would_run(system, kdir, None) {
        WouldRun::Rustc { found, .. } => vec![found],
        _ => Vec::new(),
    };
    candidates.extend(toolchain::all(system));
    candidates.retain(|found| match (&exact, &found.version) {
        (Some(exact), Ok(version)) => exact == version,
        (None, Ok(_)) => true,
        (_, Err(_)) => false,
    });
    let sources = |found: &Found| {
        let sysroot = found.path.parent()?.parent()?;
        Some(sysroot.join("lib/rustlib/src/rust/library"))
    };
    let root = "core/src/lib.rs";
    for found in &candidates {
        if let Some(directory) = sources(found)
            && directory.join(root).is_file()
        {
            return Ok(Libraries {
                rustc: found.path.clone(),
                directory: std::fs::canonicalize(&directory).unwrap_or(directory),
            });
        }
    }
    let missing = candidates
        .first()
        .and_then(&sources)
        .map(|path| path.join(root));
    let by_rustup = candidates.iter().find_map(|found| match &found.origin {
        Origin::Rustup(name) => Some(name.clone()),
        _ => None,
    });
    let rustc = exact.as_ref().map(|exact| format!(", {exact}"));
    let missing = missing.map_or_else(
        || "that rustc is not here".to_string(),
        |path| format!("{} is not there", system.shown(&path)),
    );
    let error = Error::new("the sources of core are not installed").note(format!(
        "rust-analyzer reads those of the very rustc that made the kernel's crates{}, and {missing}",
        rustc.unwrap_or_default()
    ));
    Err(match (by_rustup, &exact) {
        _ if package(kdir).is_some() && candidates.is_empty() => {
            let doctor = Call::on(system, &["doctor"]);
            error.run(
                "that rustc is in a package, too",
                doctor.with("--kdir", &kdir.path),
            )
        }
        _ if package(kdir).is_some() => with_source_package(error, system, kdir),
        (Some(name), _) => error.run(
            "add them",
            Command::new("rustup component add rust-src --toolchain").arg(name),
        ),
        (None, Some(exact)) => match toolchain::rustup_toolchain(exact) {
            Some(name) => error.run(
                "get that rustc, with them",
                Command::new("rustup toolchain install")
                    .arg(name)
                    .shell("--profile minimal --component rust-src"),
            ),
            None => error.advise("install the rust-src of the distribution that rustc is from"),
        },
        (None, None) => error.advise("install a rustc and its rust-src"),
    })
}

/// The package of sources that goes with these headers, where they are of a package that has one.
fn package(kdir: &Kdir) -> Option<String> {
    let file = kdir.package_file("headers")?;
    Some(file.replacen("-headers-", "-src-", 1))
}

/// Adds how to get the sources.
fn with_source_package(error: Error, system: &System, kdir: &Kdir) -> Error {
    match package(kdir) {
        Some(file) => error.run(
            "install them, in the directory where makepkg left the package",
            Command::new("sudo pacman -U").arg(file),
        ),
        None => error.run(
            format!(
                "name the tree that the headers were built from (not {})",
                system.shown(&kdir.path)
            ),
            Call::again("ide")
                .without("--kernel")
                .with("--kdir", "LINUX"),
        ),
    }
}
