// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong. Every message has the form of rustc's: what is wrong, why, and the command
//! that fixes it.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use crate::run::{again, quoted};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no verdict.
#[expect(missing_docs, reason = "each message says what its variant is")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this needs root\n  \
         note: it mounts a throwaway copy of this machine; you are uid {uid}\n  \
         help: sudo {}", command.join(" ")
    )]
    NotRoot { uid: u32, command: Vec<String> },
    #[error(
        "{} not installed\n  note: needed to build and boot the kernel: {}\n  help: {help}",
        if tools.len() == 1 { "a tool is" } else { "some tools are" },
        tools.join(", ")
    )]
    MissingTools { tools: Vec<String>, help: String },
    #[error(
        "{what} failed ({status})\n  \
         note: {}\n  \
         note: to run it alone once more: sudo {} exec sh {}\n  \
         help: {help}", said(tail, log), program(), quoted(again(log).as_os_str())
    )]
    Program {
        what: String,
        status: String,
        log: PathBuf,
        tail: String,
        help: String,
    },
    #[error("cannot {action} {}\n  note: {source}\n  help: {}", path.display(), io_help(source, path))]
    Io {
        /// A verb.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "cannot run '{program}'\n  note: {source}\n  help: install it, and look at PATH: it is {path}"
    )]
    Spawn {
        program: String,
        source: io::Error,
        path: String,
    },
    /// Found out before it fills the disk.
    #[error(
        "not enough space in {}\n  \
         note: {} MiB are free, building needs {} MiB\n  \
         help: rm -rf {0}, or keep it elsewhere: LINUX_RUST_CACHE=/another/directory make vm",
        path.display(), free >> 20, needs >> 20
    )]
    NoSpace {
        path: PathBuf,
        /// Bytes.
        free: u64,
        /// Bytes.
        needs: u64,
    },
    #[error(
        "no kernel sources\n  \
         note: kernel.org is not reachable from here, and {why}\n  \
         help: apt-get update; or give a tarball: LINUX_RUST_TARBALL=/path/to/linux-SERIES.y.tar.xz make vm"
    )]
    NoSource {
        /// Why Debian's are not there either.
        why: String,
    },
    #[error("{}\n  note: {}", .0, .0.note().unwrap_or_default())]
    Boot(#[from] kernel_boot::Error),
    /// Something was not as this program left it.
    #[error("{what}\n  note: {note}\n  help: {help}")]
    State {
        what: String,
        note: String,
        help: String,
    },
}

fn said(tail: &str, log: &Path) -> String {
    if tail.is_empty() {
        return "it printed nothing".into();
    }
    let log = log.display();
    format!(
        "the end of its output, all of it is in {log}:\n{}",
        indent(tail)
    )
}

/// This program, where it is not a test of it.
fn program() -> String {
    let here = env::current_exe().unwrap_or_default();
    if here.file_name().is_some_and(|name| name == "vm") {
        return quoted(here.as_os_str());
    }
    "target/release/vm".into()
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn io_help(source: &io::Error, path: &Path) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull => format!(
            "free some space there: df -h {}; or LINUX_RUST_CACHE=/another/directory make vm",
            path.display()
        ),
        io::ErrorKind::NotFound => format!("ls -l {}", path.parent().unwrap_or(path).display()),
        _ => format!("ls -ld {}", path.display()),
    }
}

/// Adds to an I/O error what was being done, and to what.
pub trait Context<T> {
    /// `action` is a verb: "read", "create".
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| Error::Io {
            action,
            path: path.into(),
            source,
        })
    }
}

impl<T> Context<T> for nix::Result<T> {
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(io::Error::from).context(action, path)
    }
}
