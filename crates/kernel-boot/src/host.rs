// SPDX-License-Identifier: MIT OR Apache-2.0

//! What this machine has to bring: QEMU, the init, and a userland for those who want a shell.

use std::env;
use std::path::{Path, PathBuf};

use object::elf::{FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};

use kernel_files::file;

use crate::error::{Error, Result};
use kernel_tree::system::System;

/// The emulator. The modules are for this processor, and so is the init.
pub const QEMU: &str = "qemu-system-x86_64";

/// Names the init, wherever it is.
pub const INIT_VARIABLE: &str = "RUSTKMOD_INIT";

/// Where cargo leaves the init, below its target directory.
const BUILT_INIT: &str = "x86_64-unknown-linux-gnu/release/kmod-init";

/// The emulator's file.
pub fn qemu(host: &System) -> Result<PathBuf> {
    host.which(QEMU).ok_or_else(|| Error::NoProgram {
        program: QEMU,
        why: "the kernel is booted in it".into(),
    })
}

/// Why setpriv is not there.
pub fn setpriv() -> Error {
    Error::NoProgram {
        program: "setpriv",
        why: "QEMU is started by it, so that it ends with this program".into(),
    }
}

/// The init: where the package has it, or where cargo has left it beside this program.
pub fn init() -> Result<PathBuf> {
    if let Some(path) = env::var_os(INIT_VARIABLE) {
        let path = PathBuf::from(path);
        return match path.is_file() {
            true => Ok(path),
            false => Err(Error::NoInit {
                looked_at: vec![path],
                is_named: true,
            }),
        };
    }
    let program = env::current_exe().unwrap_or_default();
    let looked_at = init_places(&program);
    match looked_at.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(Error::NoInit {
            looked_at,
            is_named: false,
        }),
    }
}

fn init_places(program: &Path) -> Vec<PathBuf> {
    let directory = program.parent().unwrap_or(Path::new("/usr/bin"));
    let installed = directory.parent().unwrap_or(Path::new("/usr"));
    let mut places = vec![installed.join("lib/rustkmod/init")];
    // TARGET/release/rustkmod, TARGET/debug/deps/a-test
    let above = program.ancestors().skip(2).take(2);
    places.extend(
        above
            .filter(|directory| directory.join("CACHEDIR.TAG").exists())
            .map(|directory| directory.join(BUILT_INIT)),
    );
    places
}

/// A busybox that needs no libraries: in the guest there are none.
pub fn busybox(host: &System) -> Result<PathBuf> {
    let found = host.which("busybox");
    let why = match &found {
        Some(path) if is_static(path) => return Ok(path.clone()),
        Some(path) => format!(
            "a shell in the guest needs a static one, and {} is not",
            path.display()
        ),
        None => "a shell in the guest is busybox's".into(),
    };
    Err(Error::NoProgram {
        program: "busybox",
        why,
    })
}

/// Whether a program names no interpreter: the dynamic loader is one.
fn is_static(path: &Path) -> bool {
    let Ok(bytes) = file::read(path, 64 << 20) else {
        return false;
    };
    let Ok(header) = FileHeader64::<object::Endianness>::parse(&*bytes) else {
        return false;
    };
    let Ok(endian) = header.endian() else {
        return false;
    };
    header
        .program_headers(endian, &*bytes)
        .is_ok_and(|all| all.iter().all(|one| one.p_type(endian) != PT_INTERP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_init_is_beside_the_program() {
        let places = init_places(Path::new("/usr/bin/rustkmod"));
        assert_eq!(places, [Path::new("/usr/lib/rustkmod/init")]);
        let target = tempfile::tempdir().unwrap();
        std::fs::write(target.path().join("CACHEDIR.TAG"), "").unwrap();
        for program in ["release/rustkmod", "debug/deps/boot-1234"] {
            let places = init_places(&target.path().join(program));
            assert_eq!(places.last(), Some(&target.path().join(BUILT_INIT)));
        }
    }

    #[test]
    fn a_program_with_a_loader_is_not_static() {
        assert!(!is_static(Path::new("/bin/sh")));
        assert!(!is_static(Path::new("/etc/passwd")));
    }
}
