// SPDX-License-Identifier: MIT OR Apache-2.0

//! The libraries of a fetched rustc: it runs with those that Arch had on its day, whatever the
//! machine has later.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command as Program, Stdio};

use super::child;
use crate::error::{Error, Result};

/// glibc's loader, where the x86-64 ABI has it.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// Libraries of glibc and gcc. Those of later versions do for every earlier program, and the machine's
/// own loader goes with the machine's own.
const SYSTEM: [&str; 8] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libatomic.so.1",
];

/// The programs that a kernel's Makefile calls, of those that a package of Rust has.
const PROGRAMS: [&str; 4] = ["rustc", "rustdoc", "rustfmt", "clippy-driver"];

/// A library that a program loads from elsewhere than its own toolchain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    pub(super) name: String,
    /// Whether the machine has it.
    pub(super) is_here: bool,
}

/// The libraries that the rustc of a toolchain would load from elsewhere, without glibc's and gcc's.
pub(super) fn from_elsewhere(toolchain: &Path) -> Result<Vec<Library>> {
    let lib = toolchain.join("usr/lib");
    let mut loader = Program::new(LOADER);
    loader
        // As ldd does it: with its option --list it stops at the first that is missing.
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .arg("--library-path")
        .arg(&lib)
        .arg(toolchain.join("usr/bin/rustc"))
        .stderr(Stdio::null());
    let ended = child::run(&mut loader)?.map_err(|error| {
        Error::new("the fetched rustc cannot be run on this machine")
            .note(format!("{LOADER}: {error}"))
            .run("see what machine it is", "uname -m")
    })?;
    Ok(listed(&ended.stdout, &lib))
}

/// Reads lines such as `libz.so.1 => /usr/lib/libz.so.1 (0x00007f…)` and `libz.so.1 => not found`.
fn listed(text: &str, own: &Path) -> Vec<Library> {
    text.lines()
        .filter_map(|line| line.trim().split_once(" => "))
        .filter(|(name, path)| !SYSTEM.contains(name) && !Path::new(path).starts_with(own))
        .map(|(name, path)| Library {
            name: name.to_string(),
            is_here: path != "not found",
        })
        .collect()
}

/// Writes a script for each program, which starts it with the libraries beside it. They are for
/// that program alone: the linker that it starts, say, is the system's and uses the system's.
pub(super) fn write_scripts(toolchain: &Path) -> io::Result<()> {
    let bin = toolchain.join("bin");
    fs::create_dir(&bin)?;
    for program in PROGRAMS {
        if !toolchain.join("usr/bin").join(program).is_file() {
            continue;
        }
        let path = bin.join(program);
        let script = format!(
            "#!/bin/sh\n\
             top=${{0%/*}}/..\n\
             exec {LOADER} --library-path \"$top/usr/lib\" \"$top/usr/bin/{program}\" \"$@\"\n"
        );
        fs::write(&path, script)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// What the rustc of a toolchain prints as its version, or why it prints none.
pub(super) fn version(toolchain: &Path) -> Result<Result<String, String>> {
    let mut rustc = Program::new(toolchain.join("bin/rustc"));
    let ended = child::run(rustc.arg("-vV").stderr(Stdio::null()))?;
    Ok(match ended {
        Ok(ended) if ended.status.success() => {
            Ok(ended.stdout.lines().next().unwrap_or_default().to_string())
        }
        Ok(ended) => Err(format!("it fails ({})", ended.status)),
        Err(error) => Err(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_from_elsewhere_are_those_that_another_package_has() {
        let text = "\tlinux-vdso.so.1 (0x00007f7744eff000)\n\
                    \tlibrustc_driver-6.so => /t/usr/lib/librustc_driver-6.so (0x00007f773d000000)\n\
                    \tlibLLVM.so.22.1 => not found\n\
                    \tlibgcc_s.so.1 => /usr/lib/libgcc_s.so.1 (0x00007f7744ebd000)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f7744f01000)\n\
                    \tlibz.so.1 => /usr/lib/libz.so.1 (0x00007f7744e9e000)\n";
        let library = |name: &str, is_here| Library {
            name: name.into(),
            is_here,
        };
        assert_eq!(
            listed(text, Path::new("/t/usr/lib")),
            [
                library("libLLVM.so.22.1", false),
                library("libz.so.1", true)
            ]
        );
    }
}
