// SPDX-License-Identifier: MIT OR Apache-2.0

//! Says why a Rust kernel module cannot be built or loaded, and what to do.
//!
//! It is a program. As a library it has what its tests and fuzz targets call.

mod call;
pub mod cli;
mod command;
pub mod commands;
mod completion;
mod drift;
mod error;
pub mod hostile;
mod install;
mod kernel_arg;
mod output;
mod report;
mod signals;
mod stream;
#[cfg(test)]
mod testing;
