// SPDX-License-Identifier: MIT OR Apache-2.0

//! Package files, by their names.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cache::Kept,
    error::{Context, Result},
    files::mib,
};

/// The package files in a directory, by name.
pub fn packages(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut packages: Vec<_> = fs::read_dir(directory)
        .context("read", directory)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".pkg.tar.zst"))
        .collect();
    packages.sort();
    Ok(packages)
}

/// The package files of several things that were built.
pub fn packages_of<const N: usize>(all: [&Kept; N]) -> Result<Vec<PathBuf>> {
    let each: Result<Vec<_>> = all.iter().map(|kept| packages(&kept.path)).collect();
    Ok(each?.concat())
}

/// Those of a kernel's packages that booting it and building modules for it needs: not the sources,
/// which editors read, nor the documentation.
pub fn for_modules(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = packages(directory)?;
    packages.retain(|path| {
        let name = package_name(path);
        !name.ends_with("-src") && !name.ends_with("-rustdoc")
    });
    Ok(packages)
}

/// "linux-rust-lts61 2.9 MiB, linux-rust-lts61-headers 29.4 MiB"
pub fn sizes(directory: &Path) -> Result<String> {
    let size = |path: &PathBuf| {
        let bytes = path.metadata().map_or(0, |file| file.len());
        format!("{} {:.1} MiB", package_name(path), mib(bytes))
    };
    let sizes: Vec<_> = packages(directory)?.iter().map(size).collect();
    Ok(sizes.join(", "))
}

/// The name in `NAME-VERSION-PKGREL-ARCH.pkg.tar.zst`.
pub fn package_name(path: &Path) -> &str {
    let file = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    file.rsplitn(4, '-').last().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_are_read_from_files() {
        for (file, name) in [
            (
                "/p/linux-rust-lts61-6.1.192-1-x86_64.pkg.tar.zst",
                "linux-rust-lts61",
            ),
            (
                "rust-out-of-tree-dkms-1.0-1-any.pkg.tar.zst",
                "rust-out-of-tree-dkms",
            ),
        ] {
            assert_eq!(package_name(Path::new(file)), name);
        }
    }
}
