// SPDX-License-Identifier: MIT OR Apache-2.0

//! What to do where a kernel could not be booted at all.

use std::io::ErrorKind;
use std::path::Path;

use kernel_boot::{INIT_VARIABLE, MEMORY, QEMU};
use kernel_tree::kdir;
use kernel_tree::system::System;

use crate::call::Call;
use crate::command::Command;
use crate::error::Error;
use crate::install;
use crate::signals::interrupted;

/// The error of the command, with what to do.
pub fn advise(system: &System, error: kernel_boot::Error) -> Error {
    use kernel_boot::Error as E;
    let mut told = Error::new(error.to_string());
    told.notes.extend(error.note());
    let call = Call::again("boot");
    match error {
        E::NoRelease { .. } => told.run("name a kernel", call.with("--kernel", "KERNELRELEASE")),
        E::NoImage { installed, .. } => match installed.first() {
            Some(first) => told.run(
                format!("name one that is here: {}", installed.join(", ")),
                call.with("--kernel", first),
            ),
            None => told.run(
                "name a kernel",
                call.with("--kernel", "RELEASE|DIRECTORY|IMAGE"),
            ),
        },
        E::ManyKernels {
            directory,
            releases,
        } => told.run(
            "say which",
            call.with("--root", directory)
                .with("--kernel", &releases[0]),
        ),
        E::NotAnImage(_) => told.advise(
            "name the file that is installed as vmlinuz, the arch/x86/boot/bzImage of a tree, or the \
             directory that a package was unpacked in",
        ),
        E::CutImage { .. } => told.advise("copy, build or install it again"),
        E::NoHeaders { kernel, .. } => {
            let modules = kdir::modules_directory(system, &kernel);
            let install = install::headers(system, &modules, &kernel);
            let otherwise = install::NO_PACKAGE;
            told.run_if_known("install them", install, otherwise)
        }
        E::NotAModule { path, .. } => told.run("see what it is", Command::new("file").arg(path)),
        E::NoSuchModule { name, .. } => told.run(
            "look for its file",
            Command::new("find / -xdev -name").arg(pattern_of(&name)),
        ),
        E::TwoOfOneName { .. } => told.advise("leave one of them out"),
        E::BuiltIn { .. } => told.advise("leave it out"),
        E::NotAUserland(_) => told.run(
            "name a directory that a system is installed in; / is this machine's own",
            call.with("--userland", "/"),
        ),
        E::NoMount { .. } => told
            .advise("boot a kernel that has them, built in or as modules")
            .run("or leave the userland out", call.without("--userland")),
        E::NoInit { is_named: true, .. } => told.run(
            format!("{INIT_VARIABLE} names it: correct that, or unset it"),
            Command::new("unset RUSTKMOD_INIT"),
        ),
        E::NoInit { .. } => told.run(
            "in a checkout, build it; from a package, install rustkmod again",
            "make build",
        ),
        E::NoProgram { program, .. } => install_program(told, program),
        E::Qemu { program, .. } => told.run(
            "see whether it runs at all",
            Command::program(program).shell("--version"),
        ),
        E::NoMemory { .. } => told.run("give it less", call.with("--memory", MEMORY.to_string())),
        E::NoKvm { .. } => told.run(
            "let QEMU emulate the processor",
            call.with("--accel", "tcg"),
        ),
        E::Io { path, source, .. } => of_the_file_system(told, &path, source.kind()),
        E::Interrupted => interrupted(told.finding.message, "boot it again", call),
    }
}

/// Adds how a program of this machine is installed, whatever system the kernel is of.
pub fn install_program(error: Error, program: &str) -> Error {
    let host = System::here(None).distribution();
    let (packages, otherwise) = match program {
        QEMU => (
            ["qemu-system-x86", "qemu-system-x86", "qemu-system-x86-core"],
            "install QEMU for x86",
        ),
        "busybox" => (
            ["busybox", "busybox-static", "busybox"],
            "install a static busybox",
        ),
        "setpriv" => (["util-linux"; 3], "install util-linux"),
        _ => (["make"; 3], "install GNU make"),
    };
    let [arch, debian, fedora] = packages;
    let command = install::packages(host, arch, debian, fedora);
    error.run_if_known("install it", command, otherwise)
}

/// The name of a module's file for find; how it is packed is left open.
fn pattern_of(name: &str) -> String {
    let file = Path::new(name).file_name().unwrap_or_default();
    let file = file.to_string_lossy();
    let stem = file.split(".ko").next().unwrap_or_default();
    format!("{stem}.ko*")
}

fn of_the_file_system(error: Error, path: &Path, kind: ErrorKind) -> Error {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => error.run(
            "make room there, or let TMPDIR name a directory that has some",
            // What was written to may be gone with the error; the file system is not.
            Command::new("df -h")
                .arg(std::env::temp_dir())
                .line(&Command::new("export TMPDIR=/var/tmp")),
        ),
        _ => error.run("see who may use it", Command::new("ls -ld").arg(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_gets_a_pattern_that_a_missing_file_fits() {
        for (named, wanted) in [
            ("./hello/no.ko", "-name 'no.ko*'"),
            ("no.ko.zst", "-name 'no.ko*'"),
            ("no", "-name 'no.ko*'"),
            ("it's", "-name \"it's.ko*\""),
        ] {
            let error = kernel_boot::Error::NoSuchModule {
                name: named.into(),
                kernel: "6".into(),
                directory: None,
            };
            let error = advise(&System::bare("/"), error);
            let command = error.help[0].command.as_ref().unwrap().to_string();
            assert!(command.ends_with(wanted), "{command}");
        }
    }

    #[test]
    fn headers_are_of_the_package_that_the_kernel_is_of() {
        let root = tempfile::tempdir().unwrap();
        let modules = root.path().join("usr/lib/modules/6.12.1-1-lts");
        std::fs::create_dir_all(&modules).unwrap();
        std::fs::write(modules.join("pkgbase"), "linux-lts\n").unwrap();
        std::fs::create_dir_all(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/os-release"), "ID=arch\n").unwrap();
        let error = kernel_boot::Error::NoHeaders {
            module: "/m".into(),
            kernel: "6.12.1-1-lts".into(),
            looked_at: "/x".into(),
        };
        let error = advise(&System::bare(root.path()), error);
        let command = error.help[0].command.as_ref().unwrap().to_string();
        assert_eq!(command, "sudo pacman -S linux-lts-headers");
    }
}
