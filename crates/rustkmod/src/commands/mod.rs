// SPDX-License-Identifier: MIT OR Apache-2.0

//! The commands, one module each. Only these write `help:`.

pub mod boot;
pub mod check;
pub mod doctor;
pub mod explain;
pub mod generate;
pub mod ide;
pub mod new;
pub mod toolchain;
pub mod why;
