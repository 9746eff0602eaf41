// SPDX-License-Identifier: MIT OR Apache-2.0

//! The promises of the packages, kept by the real tools: makepkg, pacman, dkms, make, QEMU.
//!
//! `make test` runs them, as root; elsewhere all are ignored. The packages are built when a test asks
//! for them, unless they are kept from an earlier run. Each test has a throwaway copy of a machine
//! where they are installed.

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
mod flavours;
mod ibt;
mod inline_helpers;
mod inputs;
mod interrupted;
mod killed;
mod lab;
mod modes;
mod modules;
mod others;
mod program;
mod published;
mod repo;
mod series;
mod shell;
mod signatures;
mod signed;
mod stock_make;
mod toolchain;

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Trial, run};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share build directories and two cores.
    arguments.test_threads.get_or_insert(1);
    let lab = if arguments.list || !lab::are_wanted() {
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
        others::trials,
        inputs::trials,
        program::trials,
        aur::trials,
        repo::trials,
        bit_for_bit::trials,
        modes::trials,
        modules::trials,
        published::trials,
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
        flavours::trials,
        shell::trials,
        toolchain::trials,
    ] {
        trials.extend(part(lab.as_ref()));
    }
    if !lab::are_wanted() {
        let ignored = |trial: Trial| trial.with_ignored_flag(true);
        trials = trials.into_iter().map(ignored).collect();
    }
    let Some(lab) = lab else {
        arguments.include_ignored = false;
        arguments.ignored = false;
        return run(&arguments, trials).exit_code();
    };
    let to_run = trials.iter().filter(|trial| is_chosen(trial, &arguments));
    lab.clock.expect(to_run.count());
    let conclusion = run(&arguments, trials);
    println!("The slowest:\n{}", lab.clock.slowest());
    let flavours = lab.flavours.lock().expect("nothing panics with it");
    if !flavours.is_empty() {
        println!("{}\n{}", flavours::HEAD, flavours.join("\n"));
    }
    conclusion.exit_code()
}

/// Whether it will be run, as libtest chooses.
fn is_chosen(trial: &Trial, arguments: &Arguments) -> bool {
    let matches = |pattern: &String| match arguments.exact {
        true => trial.name() == pattern,
        false => trial.name().contains(pattern),
    };
    arguments.filter.as_ref().is_none_or(matches)
        && !arguments.skip.iter().any(matches)
        && match trial.has_ignored_flag() {
            true => arguments.ignored || arguments.include_ignored,
            false => !arguments.ignored,
        }
}
