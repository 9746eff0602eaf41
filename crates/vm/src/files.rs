// SPDX-License-Identifier: MIT OR Apache-2.0

//! Folders, sizes, and data that is read where it is there.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::packages::repository;

/// Every file below a folder, without links. A folder that cannot be read has none.
pub fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut ready: Vec<PathBuf> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            if let Some(file) = ready.pop() {
                return Some(file);
            }
            for entry in fs::read_dir(folders.pop()?).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(kind) if kind.is_file() => ready.push(entry.path()),
                    _ => {}
                }
            }
        }
    })
}

/// The bytes of them.
pub fn size(folder: &Path) -> u64 {
    files(folder)
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
    let folder = env::var_os("LINUX_RUST_DATA")
        .map_or_else(|| repository().join("../shared/data"), PathBuf::from);
    Some(folder.join(name)).filter(|path| path.is_file())
}
