// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernels in pacman's packages that are not installed.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Context, Error, Result};
use crate::interrupt;
use kernel_files::decompress::Packing;

/// The part of a package that is unpacked: kernel, modules, headers, toolchain.
const PART: &str = "usr/lib/";

/// A package file, unpacked into a directory that goes with it.
#[derive(Debug)]
pub struct Package {
    file: PathBuf,
    directory: TempDir,
}

impl Package {
    /// Unpacks the kernel and the modules of a package.
    pub fn unpack(file: &Path) -> Result<Self> {
        let file = std::path::absolute(file).context("find", file)?;
        let directory = tempfile::Builder::new()
            .prefix("rustkmod-package.")
            .tempdir()
            .context("create a directory in", std::env::temp_dir())?;
        let package = Self { file, directory };
        package.add(&package.file)?;
        Ok(package)
    }

    /// Unpacks another package beside what is there.
    pub fn add(&self, file: &Path) -> Result<()> {
        unpack(file, self.directory.path(), |path| {
            path.starts_with(PART) && !path.ends_with("vmlinux")
        })
    }

    /// The package file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Where it was unpacked.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// What the file of another package of its family is called: `headers`.
    pub fn sibling_name(&self, kind: &str) -> String {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        // NAME-VERSION-PKGREL-ARCH.pkg.tar.zst
        let start = name.rmatch_indices('-').nth(2).map_or(0, |(at, _)| at);
        format!("{}-{kind}{}", &name[..start], &name[start..])
    }

    /// That file, when it lies beside this one.
    pub fn sibling(&self, kind: &str) -> Option<PathBuf> {
        self.beside(&self.sibling_name(kind))
    }

    /// A file of that name, when it lies beside this one.
    pub fn beside(&self, name: &str) -> Option<PathBuf> {
        let path = self.file.with_file_name(Path::new(name).file_name()?);
        path.is_file().then_some(path)
    }
}

/// Unpacks those files of a package that are wanted into a directory.
pub fn unpack(file: &Path, directory: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<()> {
    let damaged = |error: std::io::Error| Error::Package {
        path: file.to_path_buf(),
        reason: with_sources(&error),
    };
    let mut archive = tar::Archive::new(open(file)?);
    for entry in archive.entries().map_err(damaged)? {
        interrupt::check()?;
        let mut entry = entry.map_err(damaged)?;
        if entry.path().is_ok_and(|path| is_wanted(&path)) {
            entry
                .unpack_in(directory)
                .map_err(|error| match of_the_system(&error) {
                    // No fault of the package's.
                    Some(source) => Error::Io {
                        action: "unpack a package into",
                        path: directory.to_path_buf(),
                        source,
                    },
                    None => damaged(error),
                })?;
        }
    }
    Ok(())
}

/// An error, and those behind it: tar says what it was doing, and its source why it failed.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text += &format!(": {error}");
        next = error.source();
    }
    text
}

/// The error of the system's that is behind one of tar's.
fn of_the_system(error: &std::io::Error) -> Option<std::io::Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<std::io::Error>();
        if let Some(code) = io.and_then(std::io::Error::raw_os_error) {
            return Some(std::io::Error::from_raw_os_error(code));
        }
        // Of an io::Error with another inside, `source` skips to what is behind that.
        next = match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The tar stream in a package, whatever it is packed with.
fn open(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = File::open(path).context("read", path)?;
    let mut magic = Vec::new();
    (&file)
        .take(6)
        .read_to_end(&mut magic)
        .context("read", path)?;
    if magic.is_empty() {
        return Err(Error::Package {
            path: path.to_path_buf(),
            reason: "it is empty".into(),
        });
    }
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
            file: "/p/linux-rust-lts61-6.1.192-1-x86_64.pkg.tar.zst".into(),
            directory: tempfile::tempdir().unwrap(),
        };
        assert_eq!(
            package.sibling_name("headers"),
            "linux-rust-lts61-headers-6.1.192-1-x86_64.pkg.tar.zst"
        );
    }

    #[test]
    fn only_kernel_and_modules_are_unpacked() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("k-1-1-any.pkg.tar.gz");
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
        std::fs::write(&file, "").unwrap();
        let error = Package::unpack(&file).unwrap_err();
        assert_eq!(error.note().as_deref(), Some("it is empty"));
    }

    #[test]
    fn what_the_system_refuses_is_not_the_packages_fault() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("k-1-1-any.pkg.tar");
        let mut archive = tar::Builder::new(File::create(&file).unwrap());
        for name in ["usr/lib/a", "usr/lib/a/b"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, &b"x"[..]).unwrap();
        }
        archive.finish().unwrap();
        let error = Package::unpack(&file).unwrap_err();
        assert!(
            matches!(&error, Error::Io { source, .. } if source.raw_os_error().is_some()),
            "{error:?}"
        );
        assert!(!error.to_string().contains("k-1-1-any"), "{error}");
    }

    #[test]
    fn an_error_is_told_with_what_is_behind_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("failed to unpack `f`")]
        struct Outer(#[source] std::io::Error);
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = std::io::Error::other(Outer(full()));
        assert_eq!(
            with_sources(&error),
            format!("failed to unpack `f`: {}", full())
        );
        let refused = || std::io::Error::from_raw_os_error(nix::Error::EACCES as i32);
        let error = std::io::Error::other(Outer(refused()));
        let found = of_the_system(&error).and_then(|error| error.raw_os_error());
        assert_eq!(found, refused().raw_os_error());
    }
}
