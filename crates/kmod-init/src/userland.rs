// SPDX-License-Identifier: MIT OR Apache-2.0

//! A userland: a directory of the host's, which comes over 9p and is only read, below an overlay in
//! memory that takes what is written. It becomes the root, and its own programs are run in it.

use std::{
    env,
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    os::unix::fs::{self as unix, DirBuilderExt},
    path::Path,
    process::Command,
};

use nix::mount::{MsFlags, mount};

/// Where the modules that were given lie in it.
pub const MODULES: &str = "/run/rustkmod/modules";
/// Where its programs are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Nobody else changes the directory meanwhile, as far as the guest has to care: `loose` lets it cache,
/// without which each program takes seconds to start.
const NINE_P: &str = "trans=virtio,version=9p2000.L,access=any,cache=loose,msize=262144";

/// Mounts a file system; its directory is made where it is missing.
pub fn mounted(kind: &str, source: &str, target: &str, options: &str) -> io::Result<()> {
    let flags = match kind {
        "9p" => MsFlags::MS_RDONLY,
        _ => MsFlags::empty(),
    };
    make_directory(target)?;
    match mount(Some(source), target, Some(kind), flags, Some(options)) {
        // The kernel mounts /dev itself where it is configured to.
        Ok(()) | Err(nix::Error::EBUSY) => Ok(()),
        Err(error) => {
            let error = io::Error::from(error);
            Err(io::Error::other(format!("mounting {kind}: {error}")))
        }
    }
}

fn make_directory(path: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

/// An overlay of `lower` that keeps what is written in `memory`.
fn overlay(lower: &str, memory: &str, target: &str) -> io::Result<()> {
    let [upper, work] = ["upper", "work"].map(|name| format!("{memory}/{name}"));
    make_directory(&upper)?;
    make_directory(&work)?;
    // 9p has no file handles, which both would want.
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work},xino=off,index=off");
    mounted("overlay", "overlay", target, &options)
}

/// Makes the directory the root. `has_modules` says that the kernel's modules come by themselves.
pub fn enter(release: &str, has_modules: bool) -> io::Result<()> {
    mounted("9p", "userland", "/lower", NINE_P)?;
    mounted("tmpfs", "memory", "/memory", "mode=0755")?;
    overlay("/lower", "/memory", "/userland")?;
    mounted("tmpfs", "run", "/userland/run", "mode=0755")?;
    let given = format!("/userland{MODULES}");
    make_directory(&given)?;
    let bind = MsFlags::MS_BIND;
    mount(Some("/modules"), &*given, None::<&str>, bind, None::<&str>)?;

    env::set_current_dir("/userland")?;
    mount(Some("."), "/", None::<&str>, MsFlags::MS_MOVE, None::<&str>)?;
    unix::chroot(".")?;
    env::set_current_dir("/")?;

    kernels_own()?;
    mounted(
        "devpts",
        "devpts",
        "/dev/pts",
        "mode=0620,gid=5,ptmxmode=0666",
    )?;
    for target in ["/dev/shm", "/tmp"] {
        mounted("tmpfs", "tmpfs", target, "mode=1777")?;
    }
    for (name, to) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        // An older boot's, or the kernel's own.
        let _ = unix::symlink(to, Path::new("/dev").join(name));
    }
    // Modules show themselves there, in kernels that have it.
    let _ = mounted("debugfs", "debugfs", "/sys/kernel/debug", "");
    let _ = mounted("configfs", "configfs", "/sys/kernel/config", "");

    let modules = format!("/lib/modules/{release}");
    if has_modules {
        mounted("9p", "modules", "/run/rustkmod/kernel", NINE_P)?;
        overlay("/run/rustkmod/kernel", "/run/rustkmod/written", &modules)?;
    }
    // A package has no lists of modules before it is installed.
    let modules = Path::new(&modules);
    if modules.exists() && !modules.join("modules.dep").exists() {
        complete(program("depmod").arg(release))?;
    }
    Ok(())
}

/// The file systems that are views of the kernel.
pub fn kernels_own() -> io::Result<()> {
    for (kind, target) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        mounted(kind, kind, target, "")?;
    }
    Ok(())
}

/// One of its programs, by its name or its path.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .env_clear()
        .envs([("PATH", PATH), ("HOME", "/root")]);
    command
}

/// Runs a program to its end; where it fails, its words are the error. Whether it is there.
pub fn complete(command: &mut Command) -> io::Result<bool> {
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        output => output?,
    };
    if output.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<_> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    Err(io::Error::other(match said.is_empty() {
        true => output.status.to_string(),
        false => said.join("; "),
    }))
}

/// Its shell for somebody who types.
pub fn shell() -> &'static str {
    let has = |path: &&str| fs::metadata(path).is_ok();
    ["/bin/bash"].into_iter().find(has).unwrap_or("/bin/sh")
}
