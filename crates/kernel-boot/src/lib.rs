// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel in QEMU, modules in, a verdict out.
//!
//! A boot is a function of the kernel, the modules and what is to be done with them. The kernel's
//! log comes over one serial line, the report of the init over another. What is judged is the
//! report, in KTAP, and the kernel's own word that it is broken.

mod boot;
pub mod error;
mod guest;
mod host;
mod initramfs;
pub mod interrupt;
mod kernel;
mod kvm;
mod plan;
mod qemu;
mod report;
mod userland;
mod verdict;

pub use boot::Boot;
pub use error::{Error, Result};
pub use guest::{Choice, Event, Guest, MEMORY, TIMEOUT};
pub use host::{INIT_VARIABLE, QEMU, init};
pub use initramfs::Task;
pub use kernel::Kernel;
pub use plan::{Module, Plan};
pub use report::{Report, Step};
pub use userland::Userland;
pub use verdict::Verdict;
