// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line: arguments in, a report and a verdict out.

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use kernel_tree::system::System;

use crate::call::Call;
use crate::commands::ide::IdeArguments;
use crate::commands::new::NewArguments;
use crate::commands::{boot, check, doctor, explain, generate, ide, new, toolchain, why};
use crate::completion;
use crate::error::{Error, Result};
use crate::output::{self, Output, Verdict};
use crate::report::write_finding;
use crate::stream;

/// The heading of the options that each command has.
const GLOBAL: &str = "Global options";

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// Says why a Rust kernel module does not build or load, and how to fix it.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Arguments {
    /// Print JSON, with documented and stable fields
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Look at the system below this directory instead of the running one
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub root: Option<PathBuf>,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, help_heading = GLOBAL)]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check everything that building a Rust module needs: headers, crates, rustc, DKMS, signatures
    ///
    /// It does not stop at the first check that fails. Exit status: 0 when no check fails, 1 when one
    /// does, 2 when it could not run.
    #[command(
        after_long_help = "Examples:\n  rustkmod doctor\n  rustkmod doctor --kernel ~/linux\n  rustkmod --root /mnt doctor 6.12.1-1-lts"
    )]
    Doctor(doctor::command::Arguments),
    /// Say whether a kernel would load a module, without loading it
    ///
    /// Exit status: 0 when it would load every module, 1 when it would refuse one, 2 when it could not
    /// run.
    #[command(
        after_long_help = "Examples:\n  rustkmod check hello.ko\n  rustkmod check --kernel 6.12.1-1-lts hello.ko\n  rustkmod check -q /lib/modules/$(uname -r)/updates"
    )]
    Check(check::command::Arguments),
    /// Say why a kernel option is off, and which changes turn it on
    ///
    /// Exit status: 0 when it is on, 1 when it is off, 2 when it could not run.
    #[command(
        after_long_help = "Examples:\n  rustkmod why RUST\n  rustkmod why RUST --kernel ~/linux --fragment\n  rustkmod why NR_CPUS=8"
    )]
    Why(why::command::Arguments),
    /// Say what the failures in a build or kernel log mean, and how to fix them
    ///
    /// Exit status: 0 when the log has no failure, 1 when it has one, 2 when it could not run.
    #[command(
        after_long_help = "Examples:\n  make 2>&1 | rustkmod explain\n  sudo dmesg | rustkmod explain\n  rustkmod explain /var/lib/dkms/hello/1.0/build/make.log"
    )]
    Explain(explain::command::Arguments),
    /// Say which rustc a kernel's modules need, and where it is installed
    ///
    /// Exit status: 0 when it is installed, 1 when it is not, 2 when it could not run.
    #[command(
        after_long_help = "Examples:\n  rustkmod toolchain\n  make RUSTC=\"$(rustkmod toolchain --path)\"\n  sudo rustkmod toolchain --install"
    )]
    Toolchain(toolchain::Arguments),
    /// Create a new module that builds as it is
    ///
    /// Exit status: 0 when it was created, 2 when it was not.
    #[command(
        after_long_help = "Examples:\n  rustkmod new hello\n  rustkmod new hello --kernel 6.12.1-1-lts"
    )]
    New(NewArguments),
    /// Write rust-project.json, which tells rust-analyzer about a module and its kernel
    ///
    /// Exit status: 0 when it was written, 2 when it was not.
    #[command(
        after_long_help = "Examples:\n  rustkmod ide\n  rustkmod ide ~/hello --kernel ~/linux"
    )]
    Ide(IdeArguments),
    /// Boot a kernel in QEMU, load modules there, and report what happened
    ///
    /// Exit status: 0 when all went well, 1 when a module or the kernel failed, 2 when it could not
    /// run.
    #[command(
        after_long_help = "Examples:\n  rustkmod boot .\n  rustkmod boot hello.ko --command \"cat /dev/hello\"\n  rustkmod boot . --userland / --command \"modinfo hello && dmesg\"\n  rustkmod boot --kernel ~/linux --shell ."
    )]
    Boot(boot::Arguments),
    /// Write the man pages and shell completions into a directory, for packagers
    #[command(hide = true)]
    Generate {
        /// The directory
        directory: PathBuf,
    },
}

/// Reads the command line, runs the command, and says what came of it.
pub fn main() -> ExitCode {
    completion::answer(Arguments::command);
    let arguments = Arguments::parse();
    let json = arguments.json;
    match arguments.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
    .write_global();
    match run(arguments) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            let status = error.status;
            // Where this cannot be said, the exit status does.
            if !json || output::write_error_document(&error).is_err() {
                let _ = write_finding(&mut stream::stderr(), &error);
            }
            ExitCode::from(status)
        }
    }
}

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
    let mut out = Output::new(arguments.json);
    let verdict = match arguments.command {
        Command::Doctor(arguments) => doctor::command::run(system, arguments, &mut out),
        Command::Check(arguments) => check::command::run(&system, &arguments, &mut out),
        Command::Why(arguments) => why::command::run(&system, &arguments, &mut out),
        Command::Explain(arguments) => explain::command::run(&arguments, &mut out),
        Command::Toolchain(arguments) => toolchain::run(&system, &arguments, &mut out),
        Command::New(arguments) => new::run(&system, &arguments, &mut out),
        Command::Ide(arguments) => ide::run(&system, &arguments, &mut out),
        Command::Boot(arguments) => boot::run(&system, &arguments, &mut out),
        Command::Generate { directory } => generate::generate(Arguments::command(), &directory),
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
