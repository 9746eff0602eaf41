// SPDX-License-Identifier: MIT OR Apache-2.0

//! The directory of the fetched toolchains: who writes in it, what is left of those that were
//! killed there, and which trees use what.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use kernel_files::file;
use kernel_tree::fetched;
use kernel_tree::system::System;
use nix::fcntl::{Flock, FlockArg};

use super::tree;
use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};

/// What is not whole has a name that begins so.
pub(super) const UNFINISHED: &str = ".new-";

/// The file in a toolchain with the trees that use it, a line each.
const USED_BY: &str = "used-by";

/// The directory, with nobody else writing in it.
pub(super) struct Home {
    pub(super) path: PathBuf,
    _lock: Flock<File>,
}

impl Home {
    /// Makes the directory, or opens it; and removes what was left by those that were killed.
    pub(super) fn open(system: &System) -> Result<Self> {
        let path = system.at(fetched::DIRECTORY);
        let again = || Command::sudo(&Call::again("toolchain"));
        fs::create_dir_all(&path).map_err(|error| tree::not_root(&path, &error, again))?;
        let lock = path.join(".lock");
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock)
            .map_err(|error| tree::not_root(&lock, &error, again))?;
        let lock =
            Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(
                |(_, error)| match error {
                    nix::Error::EWOULDBLOCK => Error::new("another rustkmod is at work here")
                        .note(format!("it has locked {}", lock.display()))
                        .run("see which", Command::new("fuser -v").arg(&lock)),
                    error => Error::write(&lock, &error.into()),
                },
            )?;
        let home = Self { path, _lock: lock };
        for left in home.entries() {
            if is_unfinished(&left) {
                remove(&left)?;
            }
        }
        Ok(home)
    }

    fn entries(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    /// Removes the toolchains that no tree uses, and what this program has left in the directories of
    /// trees that are gone. Returns what was removed.
    pub(super) fn clean(&self, system: &System) -> Result<Vec<PathBuf>> {
        let mut removed = Vec::new();
        for toolchain in self.entries() {
            if !toolchain.is_dir() {
                continue;
            }
            let shown = system.shown(&toolchain);
            let mut is_used = false;
            for user in users(&toolchain) {
                let user = system.at(user);
                match user.join("Makefile").try_exists() {
                    Ok(false) => removed.extend(tree::detach(&user)?),
                    // What cannot be seen may be there.
                    Err(_) => is_used = true,
                    Ok(true) => is_used |= tree::uses(&user, &shown),
                }
            }
            if !is_used {
                self.discard(&toolchain)?;
                removed.push(toolchain);
            }
        }
        Ok(removed)
    }

    /// Removes a toolchain. It is gone at once, whenever this is stopped.
    fn discard(&self, toolchain: &Path) -> Result<()> {
        let mut name = std::ffi::OsString::from(UNFINISHED);
        name.push(toolchain.file_name().unwrap_or_default());
        let aside = self.path.join(name);
        fs::rename(toolchain, &aside).map_err(|error| Error::write(toolchain, &error))?;
        remove(&aside)
    }
}

fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

fn remove(directory: &Path) -> Result<()> {
    fs::remove_dir_all(directory).map_err(|error| Error::write(directory, &error))
}

/// The trees that use a toolchain, by the paths on their machine.
fn users(toolchain: &Path) -> Vec<String> {
    let text = file::read_text(&toolchain.join(USED_BY), 1 << 20).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Notes that a tree uses a toolchain.
pub(super) fn add_user(toolchain: &Path, tree: &str) -> Result<()> {
    let path = toolchain.join(USED_BY);
    let mut users = users(toolchain);
    if users.iter().any(|user| user == tree) {
        return Ok(());
    }
    users.push(tree.to_owned());
    let write = || -> io::Result<()> {
        if tree.contains('\n') {
            return Err(ErrorKind::InvalidFilename.into());
        }
        fs::write(&path, users.join("\n") + "\n")
    };
    write().map_err(|error| Error::write(&path, &error))
}
