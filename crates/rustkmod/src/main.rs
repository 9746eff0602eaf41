// SPDX-License-Identifier: MIT OR Apache-2.0

//! Says why a Rust kernel module cannot be built or loaded, and what to do.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use rustkmod::cli::{self, Arguments};
use rustkmod::output;
use rustkmod::report::printable;
use rustkmod::stream;

fn main() -> ExitCode {
    match cli::run(Arguments::parse()) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            // There may be names in it, and what a damaged file begins with.
            let error = printable(&error.to_string());
            // Where this cannot be said, the exit status does.
            let _ = writeln!(stream::stderr(), "{}: {error}", output::error_label());
            ExitCode::from(2)
        }
    }
}
