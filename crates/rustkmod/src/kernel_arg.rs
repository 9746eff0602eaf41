// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which kernel a command line means.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kernel_files::file;
use kernel_tree::kdir::{self, Kdir};
use kernel_tree::kernel::Kernel;
use kernel_tree::system::{OSRELEASE, System};

use crate::call::Call;
use crate::error::{Error, Result};

/// How a kernel is named on a command line.
pub const KERNEL: &str = "RELEASE|DIRECTORY|IMAGE";

/// Which kernel is meant, by an option.
#[derive(Debug, Clone, Default, Args)]
pub struct KernelOption {
    /// The kernel: a release as `uname -r` prints it, the directory of its headers or sources, or its
    /// image; the running kernel by default
    #[arg(long, value_name = KERNEL, conflicts_with = "kdir", value_parser = NonEmptyStringValueParser::new())]
    pub kernel: Option<String>,
    /// The kernel tree
    #[arg(long, value_name = "DIR", hide = true)]
    pub kdir: Option<PathBuf>,
}

impl KernelOption {
    pub(crate) fn tree(&self) -> Tree {
        Tree {
            release: None,
            option: self.clone(),
        }
    }
}

/// Which kernel is meant, by an option or without one.
#[derive(Debug, Clone, Default, Args)]
pub struct Tree {
    /// The same as --kernel
    #[arg(value_name = KERNEL, conflicts_with_all = ["kernel", "kdir"], value_parser = NonEmptyStringValueParser::new())]
    pub release: Option<String>,
    /// By an option
    #[command(flatten)]
    pub option: KernelOption,
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
    if let Some(path) = &tree.option.kdir {
        let path = file::absolute(path)?;
        let kdir = Kdir::open(system, &path);
        let is_running = kdir.release.is_some() && kdir.release == running;
        return Ok(OpenTree {
            release: kdir.release.clone(),
            kdir,
            is_running,
        });
    }
    let kernel = match tree.release.as_ref().or(tree.option.kernel.as_ref()) {
        Some(name) => Kernel::named(system, name)?,
        None => Kernel::of_release(system, &running_release_or(system, help)?),
    };
    let is_running = kernel.release.is_some() && kernel.release == running;
    Ok(OpenTree {
        kdir: Kdir::open(system, &kernel.build),
        release: kernel.release,
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

impl OpenTree {
    /// The series of a tree that modules in Rust can be built in. Where they cannot, another kernel
    /// that has Rust crates is named, or what this one lacks is to be looked at.
    pub(crate) fn series_with_rust(&self, system: &System, command: &str) -> Result<(u32, u32)> {
        self.kdir.series_with_rust(system).map_err(|reason| {
            let path = &self.kdir.path;
            let kernel = self.release.clone().unwrap_or_else(|| system.shown(path));
            let error = Error::new(format!("modules in Rust cannot be built for {kernel}"))
                .note(system.seen(&reason));
            let mut others = kdir::releases_with_rust(system).into_iter();
            match others.find(|other| Some(other) != self.release.as_ref()) {
                Some(other) => {
                    let call = Call::again(command).without("--kdir");
                    error.run(
                        format!("{other} has Rust support: use that"),
                        call.with("--kernel", &other),
                    )
                }
                None => error.run(
                    "see what it lacks",
                    doctor(system, path, self.release.as_deref()),
                ),
            }
        })
    }
}

/// The command that says what a tree lacks. An installed kernel's is asked for by its release, so
/// that what installs its headers can be said.
pub(crate) fn doctor(system: &System, kdir: &Path, release: Option<&str>) -> Call {
    of_kernel(system, &["doctor"], kdir, release)
}

/// A command about a kernel's tree: an installed kernel's is named by its release.
pub(crate) fn of_kernel(
    system: &System,
    words: &[&str],
    kdir: &Path,
    release: Option<&str>,
) -> Call {
    let call = Call::on(system, words);
    match release {
        Some(release) if Kdir::of_release(system, release) == kdir => call.and(release),
        _ => call.with("--kdir", kdir),
    }
}
