// SPDX-License-Identifier: MIT OR Apache-2.0

//! Errors that end a command. Problems in the files being examined are reported as findings.

use std::fmt;
use std::io::{self, ErrorKind};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use kernel_files::file;
use serde::Serialize;

use crate::command::Command;
use crate::report::Finding;

/// What ends a command: a finding, which no check made.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Error {
    /// What is wrong, why, and what to do.
    pub finding: Box<Finding>,
    /// The exit status.
    #[serde(skip)]
    pub status: u8,
}

/// The result of a whole command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that ends the program with status 2.
    pub fn new(message: impl Into<String>) -> Self {
        Finding::error("", "", message).into()
    }

    /// Adds why.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        self.with(|finding| finding.note(note))
    }

    /// Adds a remedy that is a command.
    #[must_use]
    pub fn run(self, text: impl Into<String>, command: impl Into<Command>) -> Self {
        self.with(|finding| finding.run(text, command))
    }

    /// Adds a remedy that no one command is.
    #[must_use]
    pub fn advise(self, text: impl Into<String>) -> Self {
        self.with(|finding| finding.advise(text))
    }

    fn with(self, add: impl FnOnce(Finding) -> Finding) -> Self {
        Self {
            finding: Box::new(add(*self.finding)),
            ..self
        }
    }

    /// Adds a command where one is known, else the advice alone.
    #[must_use]
    pub fn run_if_known(self, text: &str, command: Option<Command>, otherwise: &str) -> Self {
        match command {
            Some(command) => self.run(text, command),
            None => self.advise(otherwise),
        }
    }

    /// The output of the program itself cannot be written.
    pub fn output(source: io::Error) -> Self {
        Self::new("the output cannot be written")
            .note(source.to_string())
            .run("see whether there is room where it goes", "df -h")
    }

    /// A path cannot be written.
    pub fn write(path: &Path, source: &io::Error) -> Self {
        Self::new(format!("{} cannot be written", path.display()))
            .note(source.to_string())
            .refused_at(source, path)
    }

    /// A path cannot be read.
    pub fn read(path: PathBuf, source: io::Error) -> Self {
        file::Error::Read { path, source }.into()
    }

    /// Adds the command that shows why the system would not have a path written.
    fn refused_at(self, error: &io::Error, path: &Path) -> Self {
        let there = path.ancestors().skip(1).find(|above| above.is_dir());
        let directory = there.unwrap_or(Path::new("/"));
        let (text, command) = match error.kind() {
            ErrorKind::StorageFull => ("make room there", Command::new("df -h")),
            ErrorKind::QuotaExceeded => (
                "make room in your quota",
                Command::new("quota").line(&Command::new("du -sh").arg(directory)),
            ),
            ErrorKind::ReadOnlyFilesystem => {
                ("see what is mounted there", Command::new("findmnt -T"))
            }
            _ => ("see who may write there", Command::new("ls -ld")),
        };
        match error.kind() {
            ErrorKind::QuotaExceeded => self.run(text, command),
            _ => self.run(text, command.arg(directory)),
        }
    }
}

/// It ends the program with status 2.
impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        Self {
            finding: Box::new(finding),
            status: 2,
        }
    }
}

/// It has the fields of its finding.
impl Deref for Error {
    type Target = Finding;

    fn deref(&self) -> &Finding {
        &self.finding
    }
}

impl DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Finding {
        &mut self.finding
    }
}

/// What is wrong, and why: for logs and tests. The program prints it by [`crate::report`].
impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        self.notes
            .iter()
            .try_for_each(|note| write!(out, "\n  note: {note}"))
    }
}

impl From<file::Error> for Error {
    fn from(error: file::Error) -> Self {
        match error {
            file::Error::Read { path, source } => {
                let error = Self::new(format!("{} cannot be read", path.display()))
                    .note(source.to_string());
                if source.kind() != ErrorKind::NotFound {
                    return error.run("see who may read it", Command::new("ls -ld").arg(&path));
                }
                let there = path.ancestors().skip(1).find(|above| above.is_dir());
                let there = there.unwrap_or(Path::new("."));
                error.run("see what is there", Command::new("ls").arg(there))
            }
            file::Error::NotAFile { path } => {
                Self::new(format!("{} is not a regular file", path.display()))
                    .run("see what it is", Command::new("file").arg(&path))
            }
            file::Error::TooLarge { path, limit } => {
                Self::new(format!("{} is too large", path.display()))
                    .note(format!(
                        "it holds more than {limit} bytes, and no file of this kind does"
                    ))
                    .run("see what it is", Command::new("file").arg(&path))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_has_the_command_that_shows_why() {
        let directory = tempfile::Builder::new().prefix("a b").tempdir().unwrap();
        let path = directory.path().join("gone/file");
        for (kind, command) in [
            (ErrorKind::StorageFull, "df -h"),
            (ErrorKind::QuotaExceeded, "du -sh"),
            (ErrorKind::ReadOnlyFilesystem, "findmnt -T"),
            (ErrorKind::PermissionDenied, "ls -ld"),
        ] {
            let error = Error::write(&path, &kind.into());
            let help = error.help[0].command.as_ref().unwrap().to_string();
            let ending = format!("{command} '{}'", directory.path().display());
            assert!(help.ends_with(&ending), "{help}");
        }
    }
}
