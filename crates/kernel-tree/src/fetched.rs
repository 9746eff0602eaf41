// SPDX-License-Identifier: MIT OR Apache-2.0

//! Compilers that `rustkmod toolchain --install` fetched for kernels that somebody else packaged.
//!
//! ```text
//! /var/lib/rustkmod/toolchains/arch-rust-1_1.97.1-1/
//!   bin/rustc       a script that starts usr/bin/rustc with the libraries of its day
//!   usr/            what was in the packages
//!   rustc-version   the version string of that rustc
//!   used-by         the trees whose GNUmakefile names it
//! ```

use std::path::{Path, PathBuf};

use kernel_files::file;

use crate::system::System;

/// Where they are. What is below `/usr` is pacman's.
pub const DIRECTORY: &str = "/var/lib/rustkmod/toolchains";

/// The file in each that has the version string. It is written last.
pub const VERSION: &str = "rustc-version";

/// Every complete one.
pub fn all(system: &System) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(system.at(DIRECTORY))
        .into_iter()
        .flatten();
    let mut found: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join(VERSION).is_file())
        .collect();
    found.sort();
    found
}

/// The version string of a rustc that is one of them, `DIRECTORY/NAME/bin/rustc`.
pub fn version_of(rustc: &Path) -> Option<String> {
    let text = file::read_text(&rustc.parent()?.parent()?.join(VERSION), 4096).ok()?;
    Some(text.trim().to_string()).filter(|text| text.starts_with("rustc "))
}
