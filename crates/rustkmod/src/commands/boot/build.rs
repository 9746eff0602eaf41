// SPDX-License-Identifier: MIT OR Apache-2.0

//! A module's directory, built as its author would: `make -C KDIR M=DIR modules`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use kernel_boot::error::{Context, Result, about};
use kernel_boot::interrupt::{self, Group};
use kernel_tree::system::System;

use super::advice::{advise, install_program};
use crate::command;
use crate::error::{self, Error};

/// How often it is looked whether the caller has had enough.
const PAUSE: Duration = Duration::from_millis(50);

/// What came of it.
#[derive(Debug)]
pub struct Built {
    /// The modules, as make lists them; nothing when it failed.
    pub modules: Vec<PathBuf>,
    /// All that make said.
    pub output: Vec<u8>,
    pub command: command::Command,
    pub time: Duration,
    pub is_good: bool,
}

/// Builds the modules of a directory. What make says is written to `live` as it comes.
pub fn build(
    system: &System,
    kdir: &Path,
    directory: &Path,
    live: &mut dyn Write,
) -> error::Result<Built> {
    let refused = |error| advise(system, error);
    let has = |name| about(&directory.join(name)).map_err(refused);
    if has("Kbuild")?.is_none() && has("Makefile")?.is_none() {
        let message = format!("{} is not a module's directory", directory.display());
        return Err(Error::new(message)
            .note("it has neither Kbuild nor Makefile")
            .advise("name the directory of its Kbuild, or its .ko file"));
    }
    let directory = directory
        .canonicalize()
        .context("find", directory)
        .map_err(refused)?;
    // kbuild takes few characters in the path of a module. From a directory with others it works
    // through a link.
    let link = match is_plain(&directory) {
        true => None,
        false => Some(link_to(&directory).map_err(refused)?),
    };
    let here = match &link {
        Some((_, path)) => path,
        None => &directory,
    };
    let mut m = OsString::from("M=");
    m.push(here);

    let start = Instant::now();
    let (output, input) = io::pipe()
        .context("make a pipe for", "make")
        .map_err(refused)?;
    let mut child = {
        let mut make = Command::new("make");
        make.arg("-C")
            .arg(kdir)
            .args([m, "modules".into()])
            .stdin(Stdio::null())
            .stdout(
                input
                    .try_clone()
                    .context("share a pipe with", "make")
                    .map_err(refused)?,
            )
            .stderr(input);
        match Group::spawn(&mut make) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let error =
                    Error::new("make is not installed").note("a module's directory is built by it");
                return Err(install_program(error, "make"));
            }
            child => child.context("run", "make").map_err(refused)?,
        }
    };
    // A read that waits for make would not see that the caller has had enough.
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        // By the line, since others write to the terminal as well.
        while let Some(line) = line_of(&mut output).transpose() {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut all = Vec::new();
    loop {
        interrupt::check().map_err(refused)?;
        match lines.recv_timeout(PAUSE) {
            Ok(line) => {
                let line = line.context("read", "make's output").map_err(refused)?;
                live.write_all(&line)
                    .and_then(|()| live.flush())
                    .map_err(Error::output)?;
                all.extend(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child
        .0
        .wait()
        .context("wait for", "make")
        .map_err(refused)?;
    let modules = match status.success() {
        true => modules_of(&directory).map_err(refused)?,
        false => Vec::new(),
    };
    if status.success() && modules.is_empty() {
        let message = format!("make built no module in {}", directory.display());
        return Err(Error::new(message)
            .note("its modules.order names none")
            .advise("look at obj-m in its Kbuild"));
    }
    Ok(Built {
        modules,
        output: all,
        command: command::Command::new("make -C")
            .arg(kdir)
            .set("M", &directory)
            .shell("modules"),
        time: start.elapsed(),
        is_good: status.success(),
    })
}

fn line_of(output: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let count = output.read_until(b'\n', &mut line)?;
    Ok((count > 0).then_some(line))
}

/// Whether kbuild takes a path, and make does.
fn is_plain(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._/+-".contains(byte))
}

fn link_to(directory: &Path) -> Result<(tempfile::TempDir, PathBuf)> {
    let keep = tempfile::Builder::new()
        .prefix("rustkmod-module.")
        .tempdir()
        .context("create a directory in", std::env::temp_dir())?;
    let link = keep.path().join("module");
    std::os::unix::fs::symlink(directory, &link).context("create", &link)?;
    Ok((keep, link))
}

/// What the last build made. A directory may hold modules of earlier ones, too, so make's own list
/// counts: of `.ko` files up to Linux 6.1, of `.o` files since, with and without their directory.
fn modules_of(directory: &Path) -> Result<Vec<PathBuf>> {
    let list = directory.join("modules.order");
    let text = std::fs::read_to_string(&list).context("read", &list)?;
    let mut modules = BTreeSet::new();
    for line in text.lines() {
        let path = Path::new(line).with_extension("ko");
        // Below a directory of the module's own it is named with that, and behind the link or not.
        let parts: Vec<_> = path.components().collect();
        let ends = (0..parts.len()).rev();
        let places = ends.map(|from| directory.join(parts[from..].iter().collect::<PathBuf>()));
        modules.extend(places.into_iter().find(|place| place.is_file()));
    }
    Ok(modules.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_modules_order_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        std::fs::create_dir(here.join("sub")).unwrap();
        for name in ["a.ko", "sub/b.ko", "stale.ko"] {
            std::fs::write(here.join(name), "").unwrap();
        }
        let wanted = [here.join("a.ko"), here.join("sub/b.ko")];
        for (a, b) in [
            ("/elsewhere/a.ko".into(), "/elsewhere/sub/b.ko".into()),
            (
                format!("{}/a.o", here.display()),
                format!("{}/sub/b.o", here.display()),
            ),
            ("a.o".to_owned(), "sub/b.o".to_owned()),
        ] {
            std::fs::write(here.join("modules.order"), format!("{a}\n{b}\n")).unwrap();
            assert_eq!(modules_of(here).unwrap(), wanted, "{a}");
        }
        std::fs::write(here.join("modules.order"), "").unwrap();
        assert_eq!(modules_of(here).unwrap(), [] as [PathBuf; 0]);
    }

    #[test]
    fn paths_that_make_would_take_apart_are_known() {
        assert!(is_plain(Path::new("/a/b-c_d.e+1")));
        for path in ["/a b", "/a:b", "/a,b", "/ä", "/a#b", "/a$b"] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
