// SPDX-License-Identifier: MIT OR Apache-2.0

//! Careful reading: regular files only, and never more than a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a file is not read.
#[expect(missing_docs, reason = "each message says what its variant is")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a regular file")]
    NotAFile { path: PathBuf },
    #[error("{path} holds more than {limit} bytes, no file of this kind does")]
    TooLarge { path: PathBuf, limit: u64 },
}

impl Error {
    /// Adds to an I/O error which path could not be read.
    pub fn reading(path: &Path) -> impl Fn(io::Error) -> Self {
        |source| Self::Read {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// The result of reading a file.
pub type Result<T> = std::result::Result<T, Error>;

/// A path from the root, for messages and for commands that are run elsewhere.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(Error::reading(path))
}

/// Opens a regular file. A pipe, a device or a directory in its place is an error and is never
/// waited on.
pub fn open(path: &Path) -> Result<(File, u64)> {
    let about = std::fs::metadata(path).map_err(Error::reading(path))?;
    if !about.is_file() {
        return Err(Error::NotAFile {
            path: path.to_path_buf(),
        });
    }
    let file = File::open(path).map_err(Error::reading(path))?;
    Ok((file, about.len()))
}

/// The first bytes of a regular file, and its size.
pub fn head(path: &Path, bytes: u64) -> Result<(Vec<u8>, u64)> {
    let (file, size) = open(path)?;
    let mut head = Vec::new();
    let read = file.take(bytes).read_to_end(&mut head);
    read.map_err(Error::reading(path))?;
    Ok((head, size))
}

/// Reads a regular file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let (file, size) = open(path)?;
    let too_large = || Error::TooLarge {
        path: path.to_path_buf(),
        limit,
    };
    if size > limit {
        return Err(too_large());
    }
    // Files in /proc and /sys claim to be empty: the limit holds for what is read, too.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(Error::reading(path))?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Reads a regular file of text; what is not UTF-8 in it is replaced.
pub fn read_text(path: &Path, limit: u64) -> Result<String> {
    let bytes = read(path, limit)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_refuses_directories_and_devices() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(
            read(directory.path(), 10),
            Err(Error::NotAFile { .. })
        ));
        assert!(matches!(
            read(Path::new("/dev/zero"), 10),
            Err(Error::NotAFile { .. })
        ));
        assert!(matches!(
            read(&directory.path().join("none"), 10),
            Err(Error::Read { .. })
        ));
    }

    #[test]
    fn read_limits_files_that_lie_about_their_size() {
        assert!(matches!(
            read(Path::new("/proc/self/maps"), 10),
            Err(Error::TooLarge { .. })
        ));
    }
}
