// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why a kernel could not be booted at all: what is missing, and how to get it.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::command::quoted;
use kernel_files::kofile::KoError;

/// What keeps `boot` from giving a verdict.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no image of the kernel.
    #[error(
        "the kernel {name} is not here\n  note: there is no {}\n  help: {help}",
        looked_at.join(", no ")
    )]
    NoImage {
        /// The kernel, as the caller named it.
        name: String,
        /// Where it was looked for.
        looked_at: Vec<String>,
        /// What to name instead.
        help: String,
    },
    /// A folder holds more than one kernel.
    #[error(
        "{} holds {} kernels\n  note: {}\n  help: say which\n            \
         {help}",
        folder.display(), releases.len(), releases.join(", ")
    )]
    ManyKernels {
        /// The folder.
        folder: PathBuf,
        /// The kernels.
        releases: Vec<String>,
        /// The command that names the first.
        help: Call,
    },
    /// A file is no kernel that QEMU's PC boots.
    #[error(
        "{} is no kernel image of x86\n  note: a bzImage is a file with 'HdrS' at byte 514, and this is none\n  \
         help: name what is installed as vmlinuz, or the arch/x86/boot/bzImage of a tree", .0.display()
    )]
    NotAnImage(PathBuf),
    /// A part of an image is missing.
    #[error(
        "{} is cut off\n  note: it says that it is {whole} bytes long, and has {size}\n  \
         help: copy, build or install it again", path.display()
    )]
    CutImage {
        /// The image.
        path: PathBuf,
        /// How long it is.
        size: u64,
        /// How long it says it is.
        whole: u64,
    },
    /// A package holds no kernel.
    #[error(
        "{} holds no kernel\n  note: no usr/lib/modules/RELEASE/vmlinuz is in it\n  \
         help: name the package of the kernel itself, not of its headers", .0.display()
    )]
    NoKernelInPackage(PathBuf),
    /// A package cannot be read.
    #[error("{} cannot be unpacked\n  note: {reason}\n  help: bsdtar -tf {}", path.display(), quoted(path))]
    Package {
        /// The package.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A module folder has to be built, and the headers are missing.
    #[error(
        "{} cannot be built: the headers of {kernel} are not here\n  note: there is no {looked_at}\n  \
         help: {help}", module.display()
    )]
    NoHeaders {
        /// The module's folder.
        module: PathBuf,
        /// The kernel.
        kernel: String,
        /// Where they were looked for.
        looked_at: String,
        /// How to get them.
        help: String,
    },
    /// A folder is not one of a module.
    #[error(
        "{} is no module's folder\n  note: it has neither Kbuild nor Makefile\n  \
         help: name the folder of its Kbuild, or its .ko file", .0.display()
    )]
    NotAModuleFolder(PathBuf),
    /// make made nothing.
    #[error(
        "make built no module in {}\n  note: its modules.order names none\n  \
         help: look at obj-m in its Kbuild", .0.display()
    )]
    NothingBuilt(PathBuf),
    /// A file is no module.
    #[error("{} is no kernel module\n  note: {reason}\n  help: file {}", path.display(), quoted(path))]
    NotAModule {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: KoError,
    },
    /// No installed module has this name.
    #[error(
        "{kernel} has no module {name}\n  note: {name} is neither a file here, nor a module in {}\n  \
         help: find / -xdev -name {}",
        folder.as_ref().map_or_else(|| "the kernel's folder, which is not here".into(), |path| path.display().to_string()),
        pattern_of(name)
    )]
    NoSuchModule {
        /// The name.
        name: String,
        /// The kernel.
        kernel: String,
        /// The folder of its modules.
        folder: Option<PathBuf>,
    },
    /// Of two modules of one name only one can be loaded.
    #[error(
        "two modules are called {name}\n  note: {}\n        {}\n  help: leave one of them out",
        paths[0].display(), paths[1].display()
    )]
    TwoOfOneName {
        /// The name, as the kernel knows it.
        name: String,
        /// Their files.
        paths: [PathBuf; 2],
    },
    /// A module is part of the kernel.
    #[error("{0} is built into {1}\n  note: its modules.builtin says so\n  help: leave it out")]
    BuiltIn(String, String),
    /// The init is missing.
    #[error(
        "the init that is to load the modules is not here\n  note: there is no {}\n  help: {help}",
        looked_at.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", no ")
    )]
    NoInit {
        /// Where it was looked for.
        looked_at: Vec<PathBuf>,
        /// How to get it.
        help: &'static str,
    },
    /// A program is missing.
    #[error("{program} is not installed\n  note: {why}\n  help: {help}")]
    NoProgram {
        /// The program.
        program: &'static str,
        /// What it is needed for, and what was found instead.
        why: String,
        /// The command that installs it.
        help: String,
    },
    /// QEMU did not boot anything.
    #[error("{program} ended with {status}\n  note: {complaint}\n  help: {program} --version")]
    Qemu {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// What it said.
        complaint: String,
    },
    /// The guest wants more memory than there is.
    #[error(
        "this machine has no {memory} MiB for a guest\n  note: {complaint}\n  \
         help: let it have less\n            rustkmod boot --memory {}",
        super::MEMORY
    )]
    NoMemory {
        /// What was wanted, in MiB.
        memory: u32,
        /// What QEMU said.
        complaint: String,
    },
    /// KVM was asked for, and does not work.
    #[error(
        "KVM does not work here\n  note: {why}\n  help: let QEMU emulate the processor\n            {help}"
    )]
    NoKvm {
        /// What was seen instead.
        why: String,
        /// The command that does without.
        help: Call,
    },
    /// The file system said no.
    #[error("cannot {action} {}\n  note: {source}\n  help: {}", path.display(), remedy(path, source))]
    Io {
        /// A verb.
        action: &'static str,
        /// What it was to be done to.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The caller pressed Ctrl-C, or hung up.
    #[error("interrupted: there is no verdict")]
    Interrupted,
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

/// The name of a module's file for find, as the shell takes it; how it is packed is left open.
fn pattern_of(name: &str) -> String {
    let file = Path::new(name).file_name().unwrap_or_default();
    let file = file.to_string_lossy();
    let stem = file.split(".ko").next().unwrap_or_default();
    quoted(format!("{stem}.ko*"))
}

/// What is done about an error of the file system's.
fn remedy(path: &Path, source: &std::io::Error) -> String {
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => format!(
            "make room there, or let TMPDIR name a folder that has some\n            \
             df -h {}\n            export TMPDIR=/var/tmp",
            // What was written to may be gone with the error; the file system is not.
            quoted(std::env::temp_dir())
        ),
        _ => format!("ls -ld {}", quoted(path)),
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
