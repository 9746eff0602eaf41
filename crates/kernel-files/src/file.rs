// SPDX-License-Identifier: MIT OR Apache-2.0

//! Careful reading: regular files only, and never more than a limit.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Why a file is not read.
#[expect(missing_docs, reason = "each message says what its variant is")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path} cannot be read: {source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not a regular file")]
    NotAFile { path: PathBuf },
    #[error("{path} holds more than {limit} bytes, no file of this kind does")]
    TooLarge { path: PathBuf, limit: u64 },
}

/// The result of reading a file.
pub type Result<T> = std::result::Result<T, Error>;

/// A path from the root, for messages and for commands that are run elsewhere.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|source| Error::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// Opens a regular file. A pipe, a device or a directory in its place is an error and is never
/// waited on.
pub fn open(path: &Path) -> Result<(File, u64)> {
    let read = |source| Error::Read {
        path: path.to_path_buf(),
        source,
    };
    let about = std::fs::metadata(path).map_err(read)?;
    if !about.is_file() {
        return Err(Error::NotAFile {
            path: path.to_path_buf(),
        });
    }
    Ok((File::open(path).map_err(read)?, about.len()))
}

/// Reads a regular file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let (file, size) = open(path)?;
    if size > limit {
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
            limit,
        });
    }
    // Files in /proc and /sys claim to be empty: the limit holds for what is read, too.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::Read {
            path: path.to_path_buf(),
            source,
        })?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
            limit,
        });
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
