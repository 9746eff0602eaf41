// SPDX-License-Identifier: MIT OR Apache-2.0

//! One machine's kernels, the trees that modules are built in, and the compilers they need.
//!
//! It finds and compares; it gives no advice.

pub mod arch_package;
pub mod dkms;
pub mod fetched;
pub mod hostile;
pub mod kdir;
pub mod kernel;
pub mod makefile;
pub mod modprobe_d;
pub mod security;
pub mod system;
pub mod too_new;
pub mod toolchain;
