// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod generate`: man pages and completions, for packagers.

use std::path::Path;

use clap::Command;

use crate::error::{Error, Result};
use crate::output::Verdict;

/// Writes `rustkmod.1` and the like, and the completions, named as their shells look for them.
pub(crate) fn generate(mut command: Command, directory: &Path) -> Result<Verdict> {
    use clap_complete::Shell;
    let failed = |error: std::io::Error| Error::write(directory, &error);
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command.clone(), directory).map_err(failed)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "rustkmod", directory).map_err(failed)?;
    }
    Ok(Verdict::Fine)
}
