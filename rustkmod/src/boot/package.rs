// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernels in pacman's packages that are not installed.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::{Context, Error, Result};
use crate::decompress::Packing;

/// The part of a package that is unpacked: kernel, modules, headers, toolchain.
const PART: &str = "usr/lib/";

/// A package file, unpacked into a folder that goes with it.
#[derive(Debug)]
pub struct Package {
    file: PathBuf,
    folder: TempDir,
}

impl Package {
    /// Unpacks the kernel and the modules of a package.
    pub fn unpack(file: &Path) -> Result<Self> {
        let file = std::path::absolute(file).context("find", file)?;
        let folder = tempfile::Builder::new()
            .prefix("rustkmod-package.")
            .tempdir()
            .context("create a folder in", std::env::temp_dir())?;
        let package = Self { file, folder };
        package.add(&package.file)?;
        Ok(package)
    }

    /// Unpacks another package beside what is there.
    pub fn add(&self, file: &Path) -> Result<()> {
        let damaged = |reason: &dyn std::fmt::Display| Error::Package {
            path: file.to_path_buf(),
            reason: reason.to_string(),
        };
        let mut archive = tar::Archive::new(open(file)?);
        for entry in archive.entries().map_err(|error| damaged(&error))? {
            let mut entry = entry.map_err(|error| damaged(&error))?;
            let is_wanted = entry
                .path()
                .is_ok_and(|path| path.starts_with(PART) && !path.ends_with("vmlinux"));
            if is_wanted {
                entry
                    .unpack_in(self.folder.path())
                    .map_err(|error| damaged(&error))?;
            }
        }
        Ok(())
    }

    /// The package file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where it was unpacked.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// What the file of another package of its family is called: `headers`, `toolchain`.
    pub fn sibling_name(&self, kind: &str) -> String {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        // NAME-VERSION-PKGREL-ARCH.pkg.tar.zst
        let start = name.rmatch_indices('-').nth(2).map_or(0, |(at, _)| at);
        format!("{}-{kind}{}", &name[..start], &name[start..])
    }

    /// That file, when it lies beside this one.
    pub fn sibling(&self, kind: &str) -> Option<PathBuf> {
        let path = self.file.with_file_name(self.sibling_name(kind));
        path.is_file().then_some(path)
    }
}

/// The tar stream in a package, whatever it is packed with.
fn open(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = File::open(path).context("read", path)?;
    let mut magic = Vec::new();
    (&file)
        .take(6)
        .read_to_end(&mut magic)
        .context("read", path)?;
    file.rewind().context("read", path)?;
    let file = BufReader::with_capacity(1 << 20, file);
    Ok(match Packing::of(&magic) {
        Packing::None => Box::new(file),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Packing::Xz => Box::new(lzma_rust2::XzReader::new(file, true)),
        Packing::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(file);
            Box::new(decoder.map_err(|error| Error::Package {
                path: path.to_path_buf(),
                reason: error.to_string(),
            })?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_of_a_package_is_known_by_its_names() {
        let package = Package {
            file: "/p/linux-rust-6.1.192-1-x86_64.pkg.tar.zst".into(),
            folder: tempfile::tempdir().unwrap(),
        };
        assert_eq!(
            package.sibling_name("headers"),
            "linux-rust-headers-6.1.192-1-x86_64.pkg.tar.zst"
        );
    }

    #[test]
    fn only_kernel_and_modules_are_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("k-1-1-any.pkg.tar.gz");
        let gzip = flate2::write::GzEncoder::new(File::create(&file).unwrap(), Default::default());
        let mut archive = tar::Builder::new(gzip);
        for name in ["usr/lib/modules/6/vmlinuz", "usr/bin/program", ".PKGINFO"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, &b"x"[..]).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
        let package = Package::unpack(&file).unwrap();
        assert!(package.root().join("usr/lib/modules/6/vmlinuz").exists());
        assert!(!package.root().join("usr/bin").exists());
        assert!(!package.root().join(".PKGINFO").exists());
        // Cut off.
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let error = Package::unpack(&file).unwrap_err().to_string();
        assert!(error.contains("cannot be unpacked"), "{error}");
    }
}
