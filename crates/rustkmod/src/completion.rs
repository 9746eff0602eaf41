// SPDX-License-Identifier: MIT OR Apache-2.0

//! Completions. The scripts that `generate` writes ask this program what can follow, so that it can
//! name the kernels that are installed.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::CompleteEnv;
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use kernel_tree::kdir;
use kernel_tree::system::System;

/// The variable by which a shell asks.
const VARIABLE: &str = "RUSTKMOD_COMPLETE";

/// What calls the completion at the first Tab: until then zsh knows only the file that defines it.
const ZSH_FIRST_TIME: &str = "[[ $funcstack[1] == _rustkmod ]] && $_comps[rustkmod] \"$@\"\n";

/// Answers a shell, and ends the program then.
pub(crate) fn answer(command: fn() -> Command) {
    CompleteEnv::with_factory(|| with_kernels(command()))
        .var(VARIABLE)
        .complete();
}

/// Writes the scripts, named as their shells look for them.
pub(crate) fn write_scripts(directory: &Path) -> io::Result<()> {
    let scripts: [(&dyn EnvCompleter, &str, &str); 3] = [
        (&Bash, "rustkmod.bash", ""),
        (&Zsh, "_rustkmod", ZSH_FIRST_TIME),
        (&Fish, "rustkmod.fish", ""),
    ];
    for (shell, name, ending) in scripts {
        let mut script = Vec::new();
        shell.write_registration(VARIABLE, "rustkmod", "rustkmod", "rustkmod", &mut script)?;
        script.extend(ending.bytes());
        std::fs::write(directory.join(name), script)?;
    }
    Ok(())
}

/// Every command names a kernel in the same way, and it is completed in the same way.
fn with_kernels(command: Command) -> Command {
    command.mut_subcommands(|command| {
        command.mut_args(|argument| match argument.get_id().as_str() {
            "kernel" | "release" => argument.add(ArgValueCompleter::new(kernels)),
            _ => argument,
        })
    })
}

/// The installed kernels whose releases begin so, or else the paths that do.
fn kernels(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut words = std::env::args_os().skip_while(|word| word != "--root");
    let system = System::here(words.nth(1).map(PathBuf::from));
    let begins = current.to_string_lossy();
    let releases = kdir::releases(&system).into_iter();
    let found: Vec<_> = releases
        .filter(|release| release.starts_with(&*begins))
        .map(CompletionCandidate::new)
        .collect();
    match found.is_empty() {
        true => PathCompleter::any().complete(current),
        false => found,
    }
}
