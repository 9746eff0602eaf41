// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which kernel a command line means.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kernel_files::file;
use kernel_tree::kdir::{self, Kdir};
use kernel_tree::system::{OSRELEASE, System};

use crate::call::Call;
use crate::error::{Error, Result};

/// Which kernel tree is meant.
#[derive(Debug, Args)]
pub struct Tree {
    /// The kernel, as `uname -r` prints it; the running one by default
    #[arg(value_name = "KERNELRELEASE", conflicts_with = "kdir", value_parser = NonEmptyStringValueParser::new())]
    pub release: Option<String>,
    /// The kernel tree: installed headers or a source tree
    #[arg(long, value_name = "DIR")]
    pub kdir: Option<PathBuf>,
}

/// The kernel tree that a command's arguments name.
pub(crate) struct OpenTree {
    pub(crate) kdir: Kdir,
    pub(crate) release: Option<String>,
    pub(crate) is_running: bool,
}

/// The same, or that of the running kernel. `help` is the command with a kernel named.
pub(crate) fn open_tree(
    system: &System,
    tree: &Tree,
    help: impl FnOnce() -> Call,
) -> Result<OpenTree> {
    let running = system.running_release();
    if let Some(path) = &tree.kdir {
        let path = file::absolute(path)?;
        let kdir = Kdir::open(system, &path);
        let is_running = kdir.release.is_some() && kdir.release == running;
        return Ok(OpenTree {
            release: kdir.release.clone(),
            kdir,
            is_running,
        });
    }
    let release = match &tree.release {
        Some(release) if release.contains('/') || [".", ".."].contains(&release.as_str()) => {
            let call = Call::again("doctor").without("--kernel");
            return Err(Error::new(format!("'{release}' is not a kernel's release"))
                .note("a release is what `uname -r` prints, and this is a path")
                .run(
                    "name the tree as one",
                    call.without_word(release).with("--kdir", release),
                ));
        }
        Some(release) => release.clone(),
        None => running_release_or(system, help)?,
    };
    let kdir = Kdir::open(system, &Kdir::of_release(system, &release));
    let is_running = running.as_ref() == Some(&release);
    Ok(OpenTree {
        kdir,
        release: Some(release),
        is_running,
    })
}

/// The running kernel's release, for a command that cannot do without: `help` is that command with
/// a kernel named.
pub(crate) fn running_release_or(system: &System, help: impl FnOnce() -> Call) -> Result<String> {
    system.running_release().ok_or_else(|| {
        Error::new("the running kernel's release cannot be read")
            .note(format!(
                "it should be in {}",
                system.shown(&system.at(OSRELEASE))
            ))
            .run("name a kernel", help())
    })
}

/// What to do where a tree is of no use to a command: name another kernel that has Rust crates, or
/// look at what this one lacks.
pub(crate) fn instead(
    error: Error,
    system: &System,
    command: &str,
    kdir: &Path,
    release: Option<&str>,
) -> Error {
    let mut others = kdir::releases_with_rust(system).into_iter();
    match others.find(|other| Some(&**other) != release) {
        Some(other) => {
            let call = Call::again(command).without("--kdir");
            error.run(
                format!("{other} has Rust support: use that"),
                call.with("--kernel", &other),
            )
        }
        None => error.run("see what it lacks", doctor(system, kdir, release)),
    }
}

/// The command that says what a tree lacks. An installed kernel's is asked for by its release, so
/// that what installs its headers can be said.
pub(crate) fn doctor(system: &System, kdir: &Path, release: Option<&str>) -> Call {
    let doctor = Call::on(system, &["doctor"]);
    match release {
        Some(release) if Kdir::of_release(system, release) == kdir => doctor.and(release),
        _ => doctor.with("--kdir", kdir),
    }
}
