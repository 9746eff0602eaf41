// SPDX-License-Identifier: MIT OR Apache-2.0

//! Says why a Rust kernel module cannot be built or loaded, and what to do.

pub mod boot;
pub mod call;
pub mod cli;
pub mod commands;
pub mod config;
pub mod decompress;
pub mod dkms;
pub mod error;
pub mod hostile;
pub mod kdir;
pub mod kofile;
pub mod makefile;
pub mod pkcs7;
pub mod report;
pub mod rmeta;
pub mod rustsym;
pub mod security;
pub mod stream;
pub mod symvers;
pub mod system;
pub mod toolchain;
pub mod vermagic;
