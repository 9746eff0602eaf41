// SPDX-License-Identifier: MIT OR Apache-2.0

//! The whole chain, on a machine that is not the user's own: kernel sources, the real `makepkg`,
//! the real `pacman -U` with DKMS in a throwaway copy of the machine, and the result in QEMU.
//!
//! Nothing of the machine changes but the cache: everything runs in a copy of it ([`root`]), and
//! what is missing is installed there.

pub mod arch_full;
pub mod aur;
pub mod bench;
pub mod boot;
pub mod buildenv;
pub mod cache;
pub mod check_series;
pub mod demo;
pub mod error;
pub mod files;
pub mod host;
pub mod machine;
pub mod makepkg;
pub mod mounts;
pub mod package_files;
pub mod releases;
pub mod repo;
pub mod root;
pub mod run;
pub mod series;
pub mod source;
pub mod suite;
pub mod workshop;

pub use error::{Error, Result};
