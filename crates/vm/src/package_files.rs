// SPDX-License-Identifier: MIT OR Apache-2.0

//! Package files, by their names.

use std::{
    fs::{self, File},
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
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = package_name(&file);
        !name.ends_with("-src") && !name.ends_with("-rustdoc")
    });
    Ok(packages)
}

/// "linux-rust-lts61 2.9 MiB, linux-rust-lts61-headers 29.4 MiB"
pub fn sizes(directory: &Path) -> Result<String> {
    let lines: Vec<_> = packages(directory)?
        .iter()
        .map(|path| size_line(path))
        .collect();
    Ok(lines.join(", "))
}

/// "linux-rust-lts61-headers 29.4 MiB"
fn size_line(path: &Path) -> String {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let bytes = File::open(path)
        .and_then(|file| file.metadata())
        .map_or(0, |meta| meta.len());
    format!("{} {:.1} MiB", package_name(&name), mib(bytes))
}

/// The name in `NAME-VERSION-PKGREL-ARCH.pkg.tar.zst`.
pub fn package_name(file: &str) -> &str {
    file.rsplitn(4, '-').last().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_are_read_from_files() {
        assert_eq!(
            package_name("linux-rust-lts61-6.1.192-1-x86_64.pkg.tar.zst"),
            "linux-rust-lts61"
        );
        assert_eq!(
            package_name("rust-out-of-tree-dkms-1.0-1-any.pkg.tar.zst"),
            "rust-out-of-tree-dkms"
        );
    }
}
