// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why a kernel could not be booted at all: facts, without advice.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kernel_files::kofile::KoError;

/// What keeps a boot from giving a verdict. `Display` says what is wrong, [`Error::note`] why.
#[expect(missing_docs, reason = "each message says what its variant is")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the running kernel's release cannot be read")]
    NoRelease { path: PathBuf },
    #[error("the kernel {name} is not here")]
    NoImage {
        name: String,
        looked_at: Vec<String>,
        installed: Vec<String>,
    },
    #[error("{} holds {} kernels", directory.display(), releases.len())]
    ManyKernels {
        directory: PathBuf,
        releases: Vec<String>,
    },
    #[error("{} is not a kernel image of x86", .0.display())]
    NotAnImage(PathBuf),
    #[error("{} is cut off", path.display())]
    CutImage {
        path: PathBuf,
        size: u64,
        /// The size that its header gives.
        whole: u64,
    },
    /// A module's directory has to be built, and the headers are missing.
    #[error("{} cannot be built: the headers of {kernel} are not here", module.display())]
    NoHeaders {
        module: PathBuf,
        kernel: String,
        looked_at: String,
    },
    #[error("{} is not a kernel module", path.display())]
    NotAModule { path: PathBuf, reason: KoError },
    #[error("{kernel} has no module {name}")]
    NoSuchModule {
        name: String,
        kernel: String,
        directory: Option<PathBuf>,
    },
    /// Of two modules of one name only one can be loaded.
    #[error("two modules are called {name}")]
    TwoOfOneName { name: String, paths: [PathBuf; 2] },
    #[error("{name} is built into {kernel}")]
    BuiltIn { name: String, kernel: String },
    #[error("{} is not a userland", .0.display())]
    NotAUserland(PathBuf),
    #[error("{kernel} cannot mount a userland")]
    NoMount {
        kernel: String,
        options: Vec<&'static str>,
    },
    #[error("the init that loads the modules is not here")]
    NoInit {
        looked_at: Vec<PathBuf>,
        /// Whether a variable names it.
        is_named: bool,
    },
    #[error("{program} is not installed")]
    NoProgram {
        program: &'static str,
        /// What it is needed for, and what was found instead.
        why: String,
    },
    #[error("{program} ended with {status}")]
    Qemu {
        program: String,
        status: String,
        complaint: String,
    },
    #[error("this machine does not have {memory} MiB for a guest")]
    NoMemory {
        /// What was wanted, in MiB.
        memory: u32,
        complaint: String,
    },
    #[error("KVM is not usable here")]
    NoKvm {
        /// What was seen instead.
        why: String,
    },
    #[error("cannot {action} {}", path.display())]
    Io {
        /// A verb.
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    /// A signal ended it: Ctrl-C, or the terminal is gone.
    #[error("interrupted: there is no verdict")]
    Interrupted,
}

impl Error {
    /// Why: the facts behind it.
    pub fn note(&self) -> Option<String> {
        Some(match self {
            Self::NoRelease { path } => format!("it should be in {}", path.display()),
            Self::NoImage { looked_at, .. } => format!("there is no {}", looked_at.join(", no ")),
            Self::ManyKernels { releases, .. } => releases.join(", "),
            Self::NotAnImage(_) => {
                "a bzImage is a file with 'HdrS' at byte 514, and this one has none".into()
            }
            Self::CutImage { size, whole, .. } => {
                format!("its header says {whole} bytes, and it has {size}")
            }
            Self::NoHeaders { looked_at, .. } => format!("there is no {looked_at}"),
            Self::NotAModule { reason, .. } => reason.to_string(),
            Self::NoSuchModule {
                name, directory, ..
            } => match directory {
                Some(directory) => format!(
                    "{name} is neither a file here, nor a module in {}",
                    directory.display()
                ),
                None => format!(
                    "{name} is not a file here, and the directory of the kernel's modules is missing"
                ),
            },
            Self::TwoOfOneName { paths, .. } => {
                format!("{}\n{}", paths[0].display(), paths[1].display())
            }
            Self::BuiltIn { .. } => "its modules.builtin says so".into(),
            Self::NotAUserland(_) => "there is no /bin/sh in it".into(),
            Self::NoMount { options, .. } => format!(
                "the guest mounts it by 9p over virtio, below an overlay, and this kernel lacks {}",
                options.join(", ")
            ),
            Self::NoInit { looked_at, .. } => {
                let looked_at = looked_at.iter().map(|path| path.display().to_string());
                format!(
                    "there is no {}",
                    looked_at.collect::<Vec<_>>().join(", no ")
                )
            }
            Self::NoProgram { why, .. } | Self::NoKvm { why } => why.clone(),
            Self::Qemu { complaint, .. } | Self::NoMemory { complaint, .. } => complaint.clone(),
            Self::Io { source, .. } => source.to_string(),
            Self::Interrupted => return None,
        })
    }
}

/// The result of what `boot` does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Adds to an I/O error what was being done, and to what.
pub trait Context<T> {
    /// `action` is a verb: "read", "create".
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| Error::Io {
            action,
            path: path.into(),
            source,
        })
    }
}

/// What is at a path, if anything. Where one may not look, that is the error.
pub fn about(path: &Path) -> Result<Option<Metadata>> {
    match fs::metadata(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error).context("look at", path),
    }
}

/// A program that was to be started; if it is not there, `missing` says more than the system does.
pub fn started<T>(
    child: std::io::Result<T>,
    program: &str,
    missing: impl FnOnce() -> Error,
) -> Result<T> {
    match child {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
        child => child.context("run", program),
    }
}
