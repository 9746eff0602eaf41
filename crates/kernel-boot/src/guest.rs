// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is booted, and what is seen of it.

use std::path::Path;
use std::time::Duration;

use crate::initramfs::Task;
use crate::plan::Module;
use crate::userland::Userland;

/// Memory for kernel and modules of any distribution, in MiB.
pub const MEMORY: u32 = 512;
/// A boot takes seconds; what has not ended by then hangs.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// What emulates the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// KVM where it works, else TCG
    #[default]
    Auto,
    /// The processor itself
    Kvm,
    /// Emulation, which works everywhere
    Tcg,
}

/// What is booted.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'a> {
    /// The kernel's image.
    pub kernel: &'a Path,
    /// The modules, in the order to load them.
    pub modules: &'a [Module],
    /// What to do once they are loaded.
    pub task: &'a Task,
    /// What all of it is done in, by its own programs; without one, the init does it alone.
    pub userland: Option<&'a Userland>,
    /// More for the kernel's command line.
    pub append: &'a str,
    /// Its memory, in MiB.
    pub memory: u32,
    /// What emulates the processor.
    pub accel: Choice,
    /// When it is given up.
    pub timeout: Duration,
}

/// What is seen while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A line of the console.
    Console(&'a str),
    /// What a shell on the console shows.
    Terminal(&'a [u8]),
    /// The kernel logged this in a step of the init. It is mostly on the console, too.
    Log(&'a str),
    /// The command printed this.
    Output(&'a str),
    /// KVM does not work: why. It begins again without.
    Fallback(&'a str),
}

impl<'a> Guest<'a> {
    /// A kernel with modules, as it is mostly booted.
    pub fn new(kernel: &'a Path, modules: &'a [Module]) -> Self {
        Self {
            kernel,
            modules,
            task: &Task::None,
            userland: None,
            append: "",
            memory: MEMORY,
            accel: Choice::Auto,
            timeout: TIMEOUT,
        }
    }
}
