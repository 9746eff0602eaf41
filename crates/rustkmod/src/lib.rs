// SPDX-License-Identifier: MIT OR Apache-2.0

//! Says why a Rust kernel module cannot be built or loaded, and what to do.

pub mod boot;
pub mod call;
pub mod cli;
pub mod command;
pub mod commands;
pub mod dkms;
pub mod error;
pub mod hostile;
pub mod kdir;
pub mod makefile;
pub mod report;
pub mod security;
pub mod stream;
pub mod system;
pub mod toolchain;
