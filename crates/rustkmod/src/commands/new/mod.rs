// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod new`: a module of your own, which builds at once.

mod name;
mod template;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Args;
use serde::Serialize;
use tempfile::TempDir;

pub use name::{Name, NameError};
pub use template::{File, Module, Template, files};

use crate::call::Call;
use crate::command::quoted;
use crate::error::{Error, Result};
use crate::kernel_arg::{KernelOption, open_tree};
use crate::output::{Header, Output, Verdict, header};
use crate::report::lossily;
use kernel_tree::kdir;
use kernel_tree::system::System;

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// The name of the module and of its directory
    pub name: String,
    /// Which kernel it is written for
    #[command(flatten)]
    pub kernel: KernelOption,
    /// The author, as `NAME <ADDRESS>`; taken from git's configuration by default
    #[arg(long)]
    pub author: Option<String>,
    /// The kind of module
    #[arg(long, value_enum, default_value_t)]
    pub template: Template,
    /// Set up continuous integration: a script that builds, lints and boots the module, and a workflow
    /// for GitHub that runs it
    #[arg(long)]
    pub ci: bool,
}

pub(crate) fn run(system: &System, arguments: &NewArguments, out: &mut Output) -> Result<Verdict> {
    let misnamed = |error: NameError| error.refused(&arguments.name, Call::again("new"));
    let name = Name::parse(&arguments.name).map_err(misnamed)?;
    let here = system.cwd.as_ref().ok_or_else(|| {
        Error::new("the directory you are in does not exist any more")
            .note("the module's directory would be made in it")
            .run("go to one that exists, and try again", "cd")
    })?;
    let directory = here.join(name.as_str());
    let permissions = may_be_made(&directory)?;

    let tree = open_tree(system, &arguments.kernel.tree(), || {
        Call::again("new").with("--kernel", "KERNELRELEASE")
    })?;
    let series = tree.series_with_rust(system, "new")?;
    let kdir = &tree.kdir;
    let shown = system.shown(&kdir.path);
    name.is_no_crate_of(kdir).map_err(misnamed)?;
    if let Some(release) = &tree.release {
        name.is_no_module_in(system, &kdir::modules_directory(system, release))
            .map_err(misnamed)?;
    }

    let module = Module {
        template: arguments.template,
        has_ci: arguments.ci,
        author: author(arguments.author.as_deref(), series)?,
        name,
        series,
    };
    let files = files(&module);
    let staged = stage(&directory, &files)?;

    // What cannot be told is not made: the directory is put in its place last.
    let shown_name = module.name.as_str();
    let kernel = tree.release.unwrap_or(shown);
    if out.json {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            header: Header,
            kernelrelease: &'a str,
            name: &'a str,
            #[serde(serialize_with = "lossily")]
            path: &'a Path,
            files: Vec<&'a str>,
        }
        out.json(&Document {
            header: header("new"),
            kernelrelease: &kernel,
            name: shown_name,
            path: &directory,
            files: files.iter().map(|file| file.name.as_str()).collect(),
        })?;
    } else {
        let (version, patchlevel) = series;
        writeln!(
            out,
            "{shown_name}/ is a module for Linux {version}.{patchlevel} ({kernel}); build it:\n  \
             make -C {shown_name}{}",
            // The Makefile's own KDIR is the running kernel's.
            if tree.is_running && arguments.kernel.kdir.is_none() && system.is_live() {
                String::new()
            } else {
                format!(" KDIR={}", quoted(&kdir.path))
            }
        )?;
    }
    out.flush()?;
    put(staged, &directory, permissions)?;
    Ok(Verdict::Fine)
}

/// Whether a directory of this name can be made: it is not there, or is an empty directory, whose
/// permissions it keeps.
fn may_be_made(directory: &Path) -> Result<Option<Permissions>> {
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::write(directory, &source)),
        Ok(about) if !about.is_dir() => Err(in_the_way(directory, "is not a directory")),
        Ok(about) => match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(Some(about.permissions())),
            Ok(false) => Err(in_the_way(directory, "is not empty")),
            Err(source) => Err(Error::write(directory, &source)),
        },
    }
}

fn in_the_way(path: &Path, reason: &str) -> Error {
    Error::new(format!("{} already exists, and {reason}", path.display()))
        .note("nothing was written")
        .advise("take another name, or start in another directory")
}

/// Writes the files beside where they are to be.
fn stage(directory: &Path, files: &[File]) -> Result<TempDir> {
    let failed = |source| Error::write(directory, &source);
    let parent = directory.parent().unwrap_or(directory);
    let made = tempfile::Builder::new()
        .prefix(".rustkmod-new-")
        // As a directory that mkdir makes: what the umask takes away is taken away.
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(failed)?;
    for file in files {
        let path = made.path().join(&file.name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, &file.text).map_err(failed)?;
        if file.is_executable {
            let mode = fs::metadata(&path).map_err(failed)?.permissions().mode();
            // Whoever may read it may run it.
            let mode = mode | ((mode & 0o444) >> 2);
            fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(failed)?;
        }
    }
    Ok(made)
}

/// Puts the files where they are to be, in one step: whoever looks sees all of the module or
/// nothing of it.
fn put(staged: TempDir, directory: &Path, permissions: Option<Permissions>) -> Result<()> {
    let failed = |source| Error::write(directory, &source);
    if let Some(permissions) = permissions {
        fs::set_permissions(staged.path(), permissions).map_err(failed)?;
    }
    match fs::rename(staged.path(), directory) {
        Ok(()) => {
            // Nothing is left under its old name to be removed.
            let _ = staged.keep();
            Ok(())
        }
        // Somebody was faster.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            Err(in_the_way(directory, "is not empty"))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Who writes the module: what was given, or what git is told of its user, or a place to fill in.
fn author(given: Option<&str>, series: (u32, u32)) -> Result<String> {
    let git = |key: &str| {
        let output = Command::new("git")
            .args(["config", "--get", key])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let value = String::from_utf8(output.stdout).ok()?.trim().to_string();
        (output.status.success() && !value.is_empty()).then_some(value)
    };
    let author = match given {
        Some(author) => author.to_string(),
        None => match (git("user.name"), git("user.email")) {
            (Some(name), Some(email)) => format!("{name} <{email}>"),
            (Some(name), None) => name,
            _ => "Your Name <you@example.org>".to_string(),
        },
    };
    match template::author_fault(&author, series) {
        None => Ok(author),
        Some(reason) => {
            let message = format!("the author '{author}' cannot be written into a module");
            let mut error = Error::new(message).note(reason);
            if given.is_none() {
                error = error.note("git names it: git config user.name");
            }
            let call = Call::again("new").with("--author", "NAME <ADDRESS>");
            Err(error.run("name one that can", call))
        }
    }
}
