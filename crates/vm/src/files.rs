// SPDX-License-Identifier: MIT OR Apache-2.0

//! Directories, sizes, and data that is read where it is there.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::error::{Context, Result};

/// This repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/vm/ lies in it")
        .to_owned()
}

/// Every file below a directory, without links. A directory that cannot be read has none.
pub fn files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let mut directories = vec![directory.to_owned()];
    let mut ready: Vec<PathBuf> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            if let Some(file) = ready.pop() {
                return Some(file);
            }
            for entry in fs::read_dir(directories.pop()?)
                .into_iter()
                .flatten()
                .flatten()
            {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                    Ok(kind) if kind.is_file() => ready.push(entry.path()),
                    _ => {}
                }
            }
        }
    })
}

/// The bytes of them.
pub fn size(directory: &Path) -> u64 {
    files(directory)
        .filter_map(|file| file.metadata().ok())
        .map(|file| file.len())
        .sum()
}

/// Bytes as mebibytes.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Bytes as gibibytes.
pub fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

/// A file under `../shared/data`, or where `LINUX_RUST_DATA` says, when it is there.
pub fn data(name: &str) -> Option<PathBuf> {
    let directory = env::var_os("LINUX_RUST_DATA")
        .map_or_else(|| repository().join("../shared/data"), PathBuf::from);
    Some(directory.join(name)).filter(|path| path.is_file())
}

/// Makes a file executable for all.
pub fn make_executable(path: &Path) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).context("open", path)
}
