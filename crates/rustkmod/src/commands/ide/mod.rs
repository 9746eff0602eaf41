// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod ide`: `rust-project.json` for a module, from which rust-analyzer knows the module, the
//! kernel's crates and `core`. Which crates there are, what each is compiled with and what it uses
//! is read out of the tree's own Makefiles; there is no list here that a new series would change.

mod assemble;
mod compile_commands;
mod project;
mod rules;
mod sources;
mod stage;

use std::path::{Path, PathBuf};

use clap::Args;
use kernel_tree::system::System;
use serde::Serialize;

use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::kernel_arg::{KernelOption, open_tree};
use crate::output::{Header, Output, Verdict, header};
use crate::report::{counted, lossily};

use assemble::assemble;
use project::Project;
use stage::stage;

/// Arguments of `ide`.
#[derive(Debug, Args)]
pub struct IdeArguments {
    /// The module's directory, which has its Kbuild; the current directory by default
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Which kernel it is written for
    #[command(flatten)]
    pub kernel: KernelOption,
}

pub(crate) fn run(system: &System, arguments: &IdeArguments, out: &mut Output) -> Result<Verdict> {
    let tree = open_tree(system, &arguments.kernel.tree(), || {
        Call::again("ide").with("--kernel", "KERNELRELEASE")
    })?;
    let directory = arguments.directory.as_deref().unwrap_or(Path::new("."));
    let no_module = |reason: String| {
        let call = Call::again("ide");
        let message = format!("{} holds no module in Rust", directory.display());
        Error::new(message).note(reason).run(
            "name the directory with the Kbuild of a module",
            match &arguments.directory {
                Some(directory) => call.with_word(directory, "DIR"),
                None => call.and("DIR"),
            },
        )
    };
    let directory =
        std::fs::canonicalize(directory).map_err(|error| no_module(error.to_string()))?;
    if !directory.is_dir() {
        return Err(no_module("it is not a directory".into()));
    }

    tree.series_with_rust(system, "ide")?;
    let shown = system.shown(&tree.kdir.path);
    let (kdir, libraries) = sources::sources(system, tree.kdir)?;
    let rules::Sources { roots, c } = rules::module(&kdir, &directory)?;
    if roots.is_empty() {
        let reason = "no object in its Kbuild has a file of the same name in Rust beside it";
        return Err(no_module(reason.into()));
    }
    let rules = rules::crates(&kdir, &libraries.rustc, &libraries.directory)?;
    let project = assemble(&kdir, &libraries, &rules, &roots);
    let path = directory.join("rust-project.json");
    let staged = stage(&path, &project, Project::is_one)?;
    let entries: Vec<_> = c
        .iter()
        .filter_map(|source| compile_commands::entry(source, &kdir.path, &directory))
        .collect();
    let commands_path = directory.join("compile_commands.json");
    let commands = match entries.is_empty() {
        true => None,
        false => Some(stage(&commands_path, &entries, |text| {
            compile_commands::is_one(text, &directory)
        })?),
    };

    let name = tree.release.unwrap_or_else(|| shown.clone());
    let own: Vec<&str> = project
        .crates
        .iter()
        .filter(|known| known.is_workspace_member)
        .map(|known| known.display_name.as_str())
        .collect();
    let expands = project.sysroot.is_some();
    if out.json {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            header: Header,
            kernelrelease: &'a str,
            kdir: &'a str,
            #[serde(serialize_with = "lossily")]
            path: &'a Path,
            modules: &'a [&'a str],
            crates: usize,
            expands_macros: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            kept: Option<String>,
            c_files: usize,
            c_commands: usize,
        }
        out.json(&Document {
            header: header("ide"),
            kernelrelease: &name,
            kdir: &shown,
            path: &path,
            modules: &own,
            crates: project.crates.len() + project.sysroot_project.crates.len(),
            expands_macros: expands,
            kept: staged.kept.as_ref().map(|kept| kept.display().to_string()),
            c_files: c.len(),
            c_commands: entries.len(),
        })?;
    } else {
        writeln!(
            out,
            "{} is written: rust-analyzer knows {} and the {} of {name}",
            path.display(),
            own.join(", "),
            counted(
                project.crates.len() + project.sysroot_project.crates.len() - own.len(),
                "crate"
            ),
        )?;
        if commands.is_some() {
            writeln!(
                out,
                "{} is written: clangd knows {}",
                commands_path.display(),
                counted(entries.len(), "C file")
            )?;
        }
        let kept = [Some(&staged), commands.as_ref()].into_iter().flatten();
        for kept in kept.filter_map(|staged| staged.kept.as_ref()) {
            writeln!(
                out,
                "  note: the file that was there was not written by rustkmod; it is now {}",
                kept.display()
            )?;
        }
        if entries.len() < c.len() {
            writeln!(
                out,
                "  note: how a C file is compiled, and what bindgen makes of its header, is only known \
                 once it has been built\n  \
                 help: build the module, and run this again\n            {}",
                Command::new("make -C")
                    .arg(&kdir.path)
                    .set("M", &directory)
                    .then(&Call::again("ide").into())
            )?;
        }
        if !expands {
            writeln!(
                out,
                "  note: `module!` is not expanded: the toolchain has no \
                 rust-analyzer-proc-macro-srv, which came with rustc 1.64"
            )?;
        }
    }
    // What cannot be told is not written: the file is put in its place last.
    out.flush()?;
    staged.put(&path)?;
    if let Some(commands) = commands {
        commands.put(&commands_path)?;
    }
    Ok(Verdict::Fine)
}
