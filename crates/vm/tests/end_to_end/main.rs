// SPDX-License-Identifier: MIT OR Apache-2.0

//! The promises of the packages, kept by the real tools: makepkg, pacman, dkms, make, QEMU.
//!
//! Run by root. The packages are built first, unless they are kept from an earlier run; then each
//! test has a throwaway copy of a machine where they are installed.

mod arch;
mod aur;
mod author;
mod bit_for_bit;
mod boot;
mod buildenv;
mod chain;
mod clean_room;
mod clippy;
mod config;
mod contents;
mod docs;
mod ibt;
mod inline_helpers;
mod inputs;
mod interrupted;
mod lab;
mod modes;
mod program;
mod series;
mod shell;
mod signatures;
mod signed;
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
        ibt::trials,
        contents::trials,
        config::trials,
        arch::trials,
        inputs::trials,
        program::trials,
        aur::trials,
        bit_for_bit::trials,
        modes::trials,
        signatures::trials,
        signed::trials,
        author::trials,
        interrupted::trials,
        clean_room::trials,
        series::trials,
        docs::trials,
        clippy::trials,
        buildenv::trials,
        inline_helpers::trials,
        shell::trials,
    ] {
        trials.extend(part(lab.as_ref()));
    }
    run(&arguments, trials).exit_code()
}
