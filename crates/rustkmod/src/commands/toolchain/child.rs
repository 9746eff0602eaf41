// SPDX-License-Identifier: MIT OR Apache-2.0

//! Programs that are run for what they print, and that end when the caller has had enough.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use kernel_boot::interrupt::{self, Group};

use crate::call::Call;
use crate::error::Result;
use crate::signals::interrupted;

/// How long a signal waits at most.
const PAUSE: Duration = Duration::from_millis(20);

/// A program that has ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
}

/// Runs a program that prints a few lines. The inner result says whether it could be run; a signal to
/// this program is the outer error.
pub(super) fn run(command: &mut Command) -> Result<io::Result<Ended>> {
    let mut child = match Group::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped())) {
        Ok(child) => child,
        Err(error) => return Ok(Err(error)),
    };
    let status = loop {
        not_interrupted()?;
        match child.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => std::thread::sleep(PAUSE),
            Err(error) => return Ok(Err(error)),
        }
    };
    let mut printed = Vec::new();
    let read = child
        .0
        .stdout
        .take()
        .map(|mut stdout| stdout.read_to_end(&mut printed));
    Ok(read.transpose().map(|_| Ended {
        status,
        stdout: String::from_utf8_lossy(&printed).into_owned(),
    }))
}

/// An error once the caller has had enough.
pub(super) fn not_interrupted() -> Result<()> {
    interrupt::check().map_err(|_| {
        let message = "interrupted: nothing was installed".into();
        interrupted(message, "start it again", Call::again("toolchain"))
    })
}
