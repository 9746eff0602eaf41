// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rust-project.json`, as far as it is used here. rust-analyzer's manual describes it under
//! "Non-Cargo Based Projects".

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

/// The file.
#[derive(Debug, Serialize)]
pub struct Project {
    /// The toolchain, whose server runs the proc macros. Without such a server it is left out:
    /// rust-analyzer warns of toolchains that are too old to have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sysroot: Option<PathBuf>,
    /// The sources of that toolchain's libraries.
    pub sysroot_src: PathBuf,
    /// `core`, as the kernel compiles it. It stands apart because rust-analyzer looks for the
    /// methods of `u32`, `[T]` and `str` only in crates of the sysroot; and it is alone there
    /// because what is there every crate can use: there is no `std` in a module.
    pub sysroot_project: Sysroot,
    pub crates: Vec<Crate>,
}

impl Project {
    /// Whether a text is one of these. `core` alone in a sysroot nobody else writes.
    pub fn is_one(text: &str) -> bool {
        let Ok(found) = serde_json::from_str::<Value>(text) else {
            return false;
        };
        let crates = found["sysroot_project"]["crates"].as_array();
        crates.is_some_and(|crates| matches!(&crates[..], [one] if one["display_name"] == "core"))
    }
}

/// The crates of the sysroot.
#[derive(Debug, Serialize)]
pub struct Sysroot {
    pub crates: Vec<Crate>,
}

/// A crate.
#[derive(Debug, Default, Serialize)]
pub struct Crate {
    pub display_name: String,
    /// Its first file.
    pub root_module: PathBuf,
    pub edition: String,
    pub deps: Vec<Dependency>,
    /// What it is compiled with.
    pub cfg: Vec<String>,
    /// Variables for `env!`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Attributes that come from the command line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crate_attrs: Vec<String>,
    /// Whether it is the author's own. rust-analyzer sets `cfg(test)` on those, which the kernel's
    /// and Rust's own crates do not stand.
    pub is_workspace_member: bool,
    pub is_proc_macro: bool,
    /// That library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proc_macro_dylib_path: Option<PathBuf>,
    /// Directories it includes files from, where its own is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// The directories of a crate.
#[derive(Debug, Serialize)]
pub struct Source {
    /// Those that belong to it.
    pub include_dirs: Vec<PathBuf>,
    /// Those that do not.
    pub exclude_dirs: Vec<PathBuf>,
}

/// A crate that another uses.
#[derive(Debug, Clone, Serialize)]
pub struct Dependency {
    /// Its place in the list.
    #[serde(rename = "crate")]
    pub index: usize,
    /// The name it is used by.
    pub name: String,
}
