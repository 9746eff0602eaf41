// SPDX-License-Identifier: MIT OR Apache-2.0

//! Says why a Rust kernel module cannot be built or loaded, and what to do.

use std::process::ExitCode;

use clap::Parser;
use rustkmod::cli::{self, Arguments};
use rustkmod::error::Error;
use rustkmod::report::printable;

fn main() -> ExitCode {
    match cli::run(Arguments::parse()) {
        Ok(verdict) => verdict.into(),
        // Whoever reads the output has stopped reading it.
        Err(Error::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // There may be names in it, and what a damaged file begins with.
            let error = printable(&error.to_string());
            anstream::eprintln!("{}: {error}", cli::error_label());
            ExitCode::from(2)
        }
    }
}
