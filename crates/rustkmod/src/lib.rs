// SPDX-License-Identifier: MIT OR Apache-2.0

//! Says why a Rust kernel module cannot be built or loaded, and what to do.

pub mod call;
pub mod cli;
pub mod command;
pub mod commands;
pub mod completion;
pub mod drift;
pub mod error;
pub mod hostile;
pub mod install;
pub mod kernel_arg;
pub mod output;
pub mod report;
pub mod stream;
