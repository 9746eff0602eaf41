// SPDX-License-Identifier: MIT OR Apache-2.0

//! The parsers of this crate that take any bytes, for the fuzz targets and for the test that replays
//! their corpus. None may panic, hang, or take memory without bounds.

use std::path::Path;

use kernel_files::hostile::Parser;

use crate::commands::explain;
use crate::makefile::{RustRule, TopMakefile};
use crate::system::System;

/// Each of them, by the name of its corpus.
pub const PARSERS: &[(&str, Parser)] = &[("makefile", makefile), ("log", log)];

/// A Makefile.
pub fn makefile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let nowhere = Path::new("/nonexistent");
    let _ = TopMakefile::parse(&System::bare(nowhere), nowhere, &text);
    RustRule::default().add(&text, true);
}

/// A log.
pub fn log(data: &[u8]) {
    let _ = explain::explain(data);
}
