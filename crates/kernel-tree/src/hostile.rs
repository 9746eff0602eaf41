// SPDX-License-Identifier: MIT OR Apache-2.0

//! The parser of this crate that takes any bytes, for the fuzz target and for the test that replays
//! its corpus. It may not panic, hang, or take memory without bounds.

use std::path::Path;

use kernel_files::hostile::Parser;

use crate::makefile::{RustRule, TopMakefile};
use crate::system::System;

/// The parser, by the name of its corpus.
pub const PARSERS: &[(&str, Parser)] = &[("makefile", makefile)];

/// A Makefile.
pub fn makefile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let nowhere = Path::new("/nonexistent");
    let _ = TopMakefile::parse(&System::bare(nowhere), nowhere, &text);
    RustRule::default().add(&text, true);
}
