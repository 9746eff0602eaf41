// SPDX-License-Identifier: MIT OR Apache-2.0

//! The commands, one module each. Only these write `help:`.

pub(crate) mod boot;
pub mod check;
pub(crate) mod doctor;
pub mod explain;
pub(crate) mod generate;
pub(crate) mod ide;
pub(crate) mod new;
pub(crate) mod toolchain;
pub(crate) mod why;
