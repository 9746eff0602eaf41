// SPDX-License-Identifier: MIT OR Apache-2.0

//! The promises of the packages, kept by the real tools: makepkg, pacman, dkms, make, QEMU.
//!
//! Run by root. The packages are built first, unless they are kept from an earlier run; then each
//! test has a throwaway copy of a machine where they are installed.

mod aur;
mod boot;
mod chain;
mod config;
mod contents;
mod inputs;
mod lab;
mod program;
mod series;
mod shell;
mod stock_make;

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, run};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share build folders and two cores.
    arguments.test_threads.get_or_insert(1);
    let lab = if arguments.list {
        None
    } else {
        match lab::Lab::open() {
            Ok(lab) => Some(Arc::new(lab)),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
    };
    let mut trials = Vec::new();
    for part in [
        chain::trials,
        boot::trials,
        stock_make::trials,
        contents::trials,
        config::trials,
        inputs::trials,
        program::trials,
        aur::trials,
        series::trials,
        shell::trials,
    ] {
        trials.extend(part(lab.as_ref()));
    }
    run(&arguments, trials).exit_code()
}
