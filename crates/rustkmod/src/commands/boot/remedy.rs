// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the commands that fix a failure are to name, for the kernel that was booted.

use std::path::{Path, PathBuf};

use kernel_boot::Kernel;

use crate::command::Command;
use crate::commands::explain::help::{Other, Target};

/// The kernel, as the caller named it, and a module's directory or file.
pub fn target(kernel: &Kernel, named: Option<&str>, module: Option<&Path>) -> Target {
    let is_source = |path: &&Path| {
        ["Kbuild", "Makefile"]
            .iter()
            .any(|name| path.join(name).exists())
    };
    let shown = |path: &Path| path.display().to_string();
    let module: Option<PathBuf> = module.and_then(|path| std::path::absolute(path).ok());
    let module = module.as_deref();
    let file = module.filter(|path| !path.is_dir());
    let dir = match file {
        Some(file) => file.parent(),
        None => module,
    };
    let dir = dir.filter(is_source);
    let kdir = kernel.kdir();
    Target::other(Other {
        kdir: kdir.map(shown),
        kernel: kdir.or(kernel.modules.as_deref()).map(shown),
        dir: dir.map(shown),
        file: file.map(shown),
        // It says how the headers are installed.
        build: dir.zip(named).map(|(dir, named)| {
            Command::new("rustkmod boot")
                .arg(dir)
                .shell("--kernel")
                .arg(named)
        }),
    })
}
