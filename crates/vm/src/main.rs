// SPDX-License-Identifier: MIT OR Apache-2.0

//! The program behind the Makefile.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// Builds the packages, installs them in a throwaway copy of this machine, and boots the result.
///
/// What is built is kept in /var/cache/linux-rust, or in LINUX_RUST_CACHE. Kernel sources are
/// kernel.org's, or the tarball that LINUX_RUST_TARBALL names, or Debian's.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// From makepkg to a loaded module, and an upgrade
    Run {
        /// A series of linux-rust/series, or all of them; the first otherwise
        series: Option<String>,
    },
    /// Run every test, of the first series of linux-rust/series
    Test {
        /// all: of every series
        series: Option<String>,
    },
    /// Write the directories that are pushed to the AUR
    Aur {
        /// Into this one; target/aur otherwise
        directory: Option<PathBuf>,
    },
    /// Make a pacman repository in target/repo
    Repo {
        /// A series of linux-rust/series, or all of them; the first otherwise
        series: Option<String>,
        /// A key of your own gpg, to sign it with
        #[arg(long)]
        key: Option<String>,
        /// The part of it that runs in the copy of the machine
        #[arg(long, hide = true)]
        unsigned: bool,
    },
    /// All of Arch's configuration: hours, and goes on after a break
    ArchFull,
    /// Hold each row of linux-rust/series against its own kernel's sources
    CheckSeries,
    /// Speed and size, as ratios against the obvious alternative
    Bench {
        /// Leave out what builds the kernel again
        #[arg(long)]
        short: bool,
    },
    /// Print the path of a kernel tarball, fetched if need be
    Source {
        /// A series of linux-rust/series, or all of them, a line each; the first otherwise
        series: Option<String>,
    },
    /// Run a command in the throwaway copy of this machine, where all tools are installed
    Exec {
        /// The command, and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Print the path of the kernel's headers, built and unpacked if need be
    Headers {
        /// A series of linux-rust/series, or all of them, a line each; the first otherwise
        series: Option<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        What::Run { series } => vm::demo::run(series.as_deref()),
        What::Test { series } => vm::suite::run(series.as_deref()),
        What::Aur { directory } => vm::aur::print(directory.as_deref()),
        What::Repo {
            series,
            unsigned: true,
            ..
        } => vm::repo::build(series.as_deref()),
        What::Repo { series, key, .. } => vm::repo::run(series.as_deref(), key.as_deref()),
        What::ArchFull => vm::arch_full::run(),
        What::CheckSeries => vm::check_series::run(),
        What::Bench { short } => vm::bench::run(short),
        What::Source { series } => vm::source::print(series.as_deref()),
        What::Exec { command } => vm::workshop::exec(&command),
        What::Headers { series } => vm::workshop::print_headers(series.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
