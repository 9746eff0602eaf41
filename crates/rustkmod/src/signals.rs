// SPDX-License-Identifier: MIT OR Apache-2.0

//! The signals by which a caller stops a command, which ends then as after any other error.

use kernel_boot::interrupt;

use crate::call::Call;
use crate::error::{Error, Result};

/// The exit status after Ctrl-C, as a shell has it: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// From now on they are heard.
pub(crate) fn listen() -> Result<()> {
    interrupt::listen().map_err(|error| {
        Error::new("signals cannot be caught")
            .note(error.to_string())
            .run("see what forbids it", "grep Sig /proc/self/status")
    })
}

/// The error of a command that one has ended.
pub(crate) fn interrupted(message: String, again: &str, call: Call) -> Error {
    Error {
        status: INTERRUPTED,
        ..Error::new(message).run(again, call)
    }
}
