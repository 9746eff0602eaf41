// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why the program could not do what it was asked: exit code 2, never a finding.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::command::quoted;

/// What stops a whole command. A fault in one of the files it looks at is a finding instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] kernel_files::file::Error),
    /// The running kernel's release is not to be had.
    #[error(
        "the running kernel's release cannot be read\n  \
         note: it should stand in {path}\n  \
         help: name a kernel: {help}"
    )]
    NoRelease {
        /// The file that should hold it.
        path: PathBuf,
        /// The command that names one.
        help: Call,
    },
    /// What is in a folder cannot be seen.
    #[error(
        "{folder} cannot be read: {source}\n  \
         note: whether there are modules in it is not known, and nothing was checked\n  \
         help: see who may read it: ls -ld {}", quoted(.folder)
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No kernel module was found in what was given.
    #[error("there is no kernel module (*.ko, *.ko.zst, *.ko.xz, *.ko.gz) in {0}")]
    NoModules(String),
    /// What is to be a kernel's release is a path.
    #[error(
        "'{release}' is no kernel's release\n  \
         note: a release is what `uname -r` prints, and this is a path\n  \
         help: name the tree as one: {help}"
    )]
    NotARelease {
        /// What was given.
        release: String,
        /// The command that takes a path.
        help: Call,
    },
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// A value does not fit JSON, which would be a fault of this program.
    #[error("the report does not fit JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A command that this program starts did not do its work.
    #[error("`{command}` failed: {reason}")]
    Command {
        /// The command line.
        command: String,
        /// Its last words, or why it did not start.
        reason: String,
    },
    /// No module was made.
    #[error(transparent)]
    New(#[from] crate::commands::new::NewError),
    /// No rust-project.json was written.
    #[error(transparent)]
    Ide(#[from] crate::commands::ide::IdeError),
    /// A kernel could not be booted.
    #[error(transparent)]
    Boot(#[from] crate::boot::Error),
    /// A request that cannot be met, with the reason and the remedy in it.
    #[error("{0}")]
    Unmet(String),
}

/// The command that shows why the system would not have a path written.
pub(crate) fn look_at(error: &std::io::Error, path: &Path) -> String {
    let there = path.ancestors().skip(1).find(|folder| folder.is_dir());
    let folder = quoted(there.unwrap_or(Path::new("/")));
    match error.kind() {
        ErrorKind::StorageFull => format!("make room there: df -h {folder}"),
        ErrorKind::QuotaExceeded => format!("make room in your quota: quota; du -sh {folder}"),
        ErrorKind::ReadOnlyFilesystem => format!("see what is mounted there: findmnt -T {folder}"),
        _ => format!("see who may write there: ls -ld {folder}"),
    }
}

/// The result of a whole command.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_the_command_that_shows_why() {
        let folder = tempfile::Builder::new().prefix("a b").tempdir().unwrap();
        let path = folder.path().join("gone/file");
        for (kind, command) in [
            (ErrorKind::StorageFull, "df -h"),
            (ErrorKind::QuotaExceeded, "du -sh"),
            (ErrorKind::ReadOnlyFilesystem, "findmnt -T"),
            (ErrorKind::PermissionDenied, "ls -ld"),
        ] {
            let remedy = look_at(&kind.into(), &path);
            let ending = format!("{command} '{}'", folder.path().display());
            assert!(remedy.ends_with(&ending), "{remedy}");
        }
    }
}
