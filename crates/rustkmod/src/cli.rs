// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line: arguments in, a report and a verdict out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use kernel_tree::system::System;

use crate::call::Call;
use crate::commands::ide::IdeArguments;
use crate::commands::new::NewArguments;
use crate::commands::{boot, check, doctor, explain, generate, ide, new, toolchain, why};
use crate::error::{Error, Result};
use crate::output::{self, Output, Verdict};
use crate::report::write_error;
use crate::stream;

/// Says why a Rust kernel module cannot be built or loaded, and what to do.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Arguments {
    /// Print JSON, whose fields are documented and stable
    #[arg(long, global = true)]
    pub json: bool,
    /// Look at the system below this folder instead of the running one
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at everything a Rust module's build needs: headers, crates, rustc, DKMS, signatures
    ///
    /// Every check is made, not only the first that fails. Exit status: 0 when nothing fails, 1
    /// when a check fails, 2 when it could not run.
    Doctor(doctor::command::Arguments),
    /// Say whether a kernel would take a module, without loading it
    ///
    /// Exit status: 0 when it would take all, 1 when it would refuse one, 2 when it could not run.
    Check(check::command::Arguments),
    /// Say why a configuration lacks a symbol, and which changes turn it on
    ///
    /// Exit status: 0 when it is on, 1 when it is off, 2 when it could not run.
    Why(why::command::Arguments),
    /// Say what the failures in a build or kernel log mean, and what mends them
    ///
    /// Exit status: 0 when no failure is in the log, 1 when one is, 2 when it could not run.
    Explain(explain::command::Arguments),
    /// Say which rustc a kernel's modules need, and where one is
    ///
    /// Exit status: 0 when it is on this machine, 1 when it is not, 2 when it could not run.
    Toolchain(toolchain::Arguments),
    /// Make a module of one's own, which builds at once
    ///
    /// Exit status: 0 when it is made, 2 when it is not.
    New(NewArguments),
    /// Write rust-project.json, from which rust-analyzer knows a module and its kernel
    ///
    /// Exit status: 0 when it is written, 2 when it is not.
    Ide(IdeArguments),
    /// Boot a kernel in QEMU, load modules there, and say what came of it
    ///
    /// Exit status: 0 when all went well, 1 when a module or the kernel failed, 2 when it could not
    /// run.
    Boot(boot::Arguments),
    /// Write the man pages and shell completions into a folder, for packagers
    #[command(hide = true)]
    Generate {
        /// The folder
        folder: PathBuf,
    },
}

/// Reads the command line, runs the command, and says what came of it.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    match run(arguments) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            let status = error.status;
            // Where this cannot be said, the exit status does.
            if !json || output::write_error_document(&error).is_err() {
                let _ = write_error(&mut stream::stderr(), &error);
            }
            ExitCode::from(status)
        }
    }
}

/// Runs a command.
fn run(arguments: Arguments) -> Result<Verdict> {
    if let Some(root) = arguments.root.as_ref().filter(|root| !root.is_dir()) {
        return Err(
            Error::new(format!("--root {} is not a directory", root.display())).run(
                "name the directory that holds the system to look at",
                Call::here().without("--root").with("--root", "DIR"),
            ),
        );
    }
    let system = System::here(arguments.root);
    Call::remember();
    let mut out = Output {
        json: arguments.json,
        to: Box::new(stream::stdout()),
    };
    let verdict = match arguments.command {
        Command::Doctor(arguments) => doctor::command::run(system, arguments, &mut out),
        Command::Check(arguments) => check::command::run(&system, &arguments, &mut out),
        Command::Why(arguments) => why::command::run(&system, &arguments, &mut out),
        Command::Explain(arguments) => explain::command::run(&arguments, &mut out),
        Command::Toolchain(arguments) => toolchain::run(&system, &arguments, &mut out),
        Command::New(arguments) => new::run(&system, &arguments, &mut out),
        Command::Ide(arguments) => ide::run(&system, &arguments, &mut out),
        Command::Boot(arguments) => boot::run(&system, &arguments, &mut out),
        Command::Generate { folder } => generate::generate(Arguments::command(), &folder),
    }?;
    out.flush()?;
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
