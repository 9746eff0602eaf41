// SPDX-License-Identifier: MIT OR Apache-2.0

//! The parser of this crate that takes any bytes, for the fuzz target and for the test that replays
//! its corpus. It may not panic, hang, or take memory without bounds.

use kernel_files::hostile::Parser;

use crate::commands::explain;

/// The parser, by the name of its corpus.
pub const PARSERS: &[(&str, Parser)] = &[("log", log)];

/// A log.
pub fn log(data: &[u8]) {
    let _ = explain::explain(data);
}
