// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod check`: whether a kernel would take a module, without loading it.
//!
//! The questions are those of `load_module()` in `kernel/module/main.c` of Linux 6.1 to 7.3, in its
//! order: `judge` asks them, and lists what cannot be asked from here.

pub mod command;
mod judge;
mod kernel;
mod modprobe;
mod symbols;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use kernel_files::depmod;
use kernel_files::kofile::KoFile;
use rayon::prelude::*;
use serde::Serialize;

use self::judge::Context;
pub use self::kernel::Kernel;
use crate::error::{Error, Result};
use crate::report::{Finding, lossily};

/// Whether the kernel would take one module, and why not.
#[derive(Debug, Clone, Serialize)]
pub struct ModuleReport {
    /// The file.
    #[serde(serialize_with = "lossily")]
    pub path: PathBuf,
    /// Whether nothing was found that makes the kernel refuse it.
    pub loads: bool,
    /// What was found. Without a failure or a warning it is empty.
    pub findings: Vec<Finding>,
    /// How it taints the kernel, as `/proc/sys/kernel/tainted` says it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<&'static str>,
    /// What the loader looks at, and was not looked at here.
    pub not_looked_at: Vec<&'static str>,
    /// The symbols that are not exported to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingSymbol>,
    /// All symbols it needs, when they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<SymbolReport>,
}

impl ModuleReport {
    /// Says that the kernel takes the module.
    pub fn would_load(&self, kernel: &str) -> Finding {
        let message = format!("{} would load on {kernel}", self.path.display());
        let finding = Finding::ok("check", "", message);
        match self.taints.is_empty() {
            true => finding,
            false => finding.note(format!("it taints the kernel: {}", self.taints.join("; "))),
        }
    }
}

/// What the kernel's loader would look at, and was looked at in none of the modules that may load;
/// `None` when nothing is to be said of them.
pub fn not_looked_at(reports: &[ModuleReport]) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    for report in reports.iter().filter(|report| report.loads) {
        for what in &report.not_looked_at {
            if !all.contains(what) {
                all.push(what);
            }
        }
    }
    (!all.is_empty()).then(|| all.join("; "))
}

/// A symbol that a module needs and the kernel does not export.
#[derive(Debug, Clone, Serialize)]
pub struct MissingSymbol {
    /// The symbol as it stands in the file.
    pub symbol: String,
    /// Its readable form, if it is Rust's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demangled: Option<String>,
    /// Why it is missing: `another-rustc`, `another-kernel`, `no-rust`, `no-crate`, `allocator`
    /// or `not-exported`.
    pub reason: &'static str,
}

/// A symbol that a module needs, and who exports it.
#[derive(Debug, Clone, Serialize)]
pub struct SymbolReport {
    /// The symbol as it stands in the file.
    pub symbol: String,
    /// Its readable form, if it is Rust's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demangled: Option<String>,
    /// `vmlinux` or a module; nothing when no one exports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exporter: Option<String>,
    /// Whether it is exported to GPL modules only.
    pub gpl_only: bool,
}

/// What to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Also list every symbol with its exporter.
    pub symbols: bool,
}

/// Finds the modules in what the caller gave: files as they are, directories with all below them. A file
/// that is given twice is one module.
pub fn find_modules(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in given {
        if path.is_dir() {
            for module in depmod::walk(path) {
                found.push(module.map_err(|error| {
                    let directory = error.path().unwrap_or(path).to_path_buf();
                    Error::read(directory, error.into()).note(
                        "whether there are modules in it is not known, and nothing was checked",
                    )
                })?);
            }
        } else {
            found.push(path.clone());
        }
    }
    let mut known = HashSet::new();
    found.retain(|path| known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    if found.is_empty() {
        let names: Vec<_> = given
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let given = names.join(", ");
        let message =
            format!("there is no kernel module (*.ko, *.ko.zst, *.ko.xz, *.ko.gz) in {given}");
        return Err(
            Error::new(message).advise("name a module, or a directory that has some below it")
        );
    }
    Ok(found)
}

/// Checks modules against a kernel, in parallel. Modules may use each other's exports.
pub fn check(kernel: &Kernel, paths: &[PathBuf], options: Options) -> Vec<ModuleReport> {
    let files: Vec<_> = paths.par_iter().map(|path| KoFile::read(path)).collect();
    let mut own_exports = HashMap::new();
    let mut own_names = HashSet::new();
    for (path, file) in paths.iter().zip(&files) {
        let Ok(file) = file else { continue };
        for export in &file.exports {
            own_exports.entry(export.as_str()).or_insert(path.as_path());
        }
        own_names.insert(file.name(path));
    }
    // A module that is installed outside the kernel's own, as by DKMS, has no line in Module.symvers.
    let names: HashSet<String> = (files.iter().flatten())
        .flat_map(|file| file.depends().map(|name| name.replace('-', "_")))
        .filter(|name| !own_names.contains(name))
        .collect();
    let installed = kernel.installed_files(&names);
    for (path, file) in &installed {
        for export in &file.exports {
            own_exports.entry(export.as_str()).or_insert(path.as_path());
        }
    }
    let rust = std::sync::OnceLock::new();
    let context = Context {
        kernel,
        own_exports,
        own_names,
        rust: &rust,
        options,
    };
    paths
        .par_iter()
        .zip(&files)
        .map(|(path, file)| context.module(path, file))
        .collect()
}
