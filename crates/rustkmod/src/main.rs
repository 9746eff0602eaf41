// SPDX-License-Identifier: MIT OR Apache-2.0

//! Says why a Rust kernel module cannot be built or loaded, and what to do.

use std::process::ExitCode;

use rustkmod::cli;

fn main() -> ExitCode {
    cli::main()
}
