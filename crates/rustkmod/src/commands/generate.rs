// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod generate`: man pages and completions, for packagers.

use std::path::Path;

use clap::Command;

use crate::completion;
use crate::error::{Error, Result};
use crate::output::Verdict;

/// Writes `rustkmod.1` and the like, and the completions.
pub(crate) fn generate(command: Command, directory: &Path) -> Result<Verdict> {
    let failed = |error: std::io::Error| Error::write(directory, &error);
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command, directory).map_err(failed)?;
    completion::write_scripts(directory).map_err(failed)?;
    Ok(Verdict::Fine)
}
