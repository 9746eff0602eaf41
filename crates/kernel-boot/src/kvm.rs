// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether KVM works on this machine. Finding out that it does not takes seconds, so it is remembered
//! in the user's cache directory, until the machine boots again or QEMU is another one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use std::{env, ffi::OsString};

use kernel_files::file;

/// Another one than that of the last boot is another machine, perhaps with KVM.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A reason is shorter: QEMU's complaint.
const LIMIT: u64 = 64 << 10;

/// Whether KVM is there and this user may use it.
pub fn is_here() -> bool {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_ok()
}

/// What is remembered of KVM. A cache that cannot be read or written holds nothing.
#[derive(Debug)]
pub struct Memory {
    /// Where, if this user has a cache directory.
    file: Option<PathBuf>,
    /// What it holds for: this boot of the machine, and this QEMU.
    key: Option<String>,
}

impl Memory {
    /// That of this user, for a QEMU.
    pub fn open(qemu: &Path) -> Self {
        let cache = cache(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"));
        let boot = file::read_text(Path::new(BOOT_ID), 4096).unwrap_or_default();
        Self {
            file: cache.map(|cache| cache.join("rustkmod/no-kvm")),
            key: key(boot.trim(), qemu),
        }
    }

    /// Whether KVM has failed before.
    pub fn has_failed(&self) -> bool {
        let Some((path, key)) = self.file.as_ref().zip(self.key.as_ref()) else {
            return false;
        };
        file::read_text(path, LIMIT).is_ok_and(|text| text == *key)
    }

    /// Remembers that KVM does not work.
    pub fn failed(&self) {
        let write = |path: &Path, key: &str| -> io::Result<()> {
            let directory = path.parent().unwrap_or(Path::new("/"));
            fs::create_dir_all(directory)?;
            // Whole or not at all: others may read it meanwhile.
            let new = tempfile::NamedTempFile::new_in(directory)?;
            fs::write(new.path(), key)?;
            new.persist(path).map(drop).map_err(io::Error::from)
        };
        if let Some((path, key)) = self.file.as_ref().zip(self.key.as_ref()) {
            // Without it the next boot tries again.
            let _ = write(path, key);
        }
    }

    /// KVM works: forgets that it did not.
    pub fn works(&self) {
        if let Some(path) = self.file.as_ref().filter(|path| path.exists()) {
            let _ = fs::remove_file(path);
        }
    }
}

/// The user's cache directory, as the XDG Base Directory Specification has it.
fn cache(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|it| it.is_absolute());
    absolute(xdg).or_else(|| Some(absolute(home)?.join(".cache")))
}

/// Nothing where one of its parts cannot be had.
fn key(boot: &str, qemu: &Path) -> Option<String> {
    let modified = File::open(qemu).and_then(|file| file.metadata()?.modified());
    let modified = modified.ok()?.duration_since(UNIX_EPOCH).ok()?;
    let key = format!("{boot} {} {}\n", modified.as_nanos(), qemu.display());
    (!boot.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn memory(file: &Path, boot: &str, qemu: &Path) -> Memory {
        Memory {
            file: Some(file.to_path_buf()),
            key: key(boot, qemu),
        }
    }

    #[test]
    fn a_failure_is_remembered_for_this_boot_and_this_qemu() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("cache/rustkmod/no-kvm");
        let qemu = directory.path().join("qemu");
        fs::write(&qemu, "").unwrap();
        let here = memory(&file, "one", &qemu);
        assert!(!here.has_failed());
        here.failed();
        assert!(here.has_failed());
        // The machine has booted since.
        assert!(!memory(&file, "two", &qemu).has_failed());
        // QEMU is another one, or a newer one.
        let other = directory.path().join("other");
        fs::copy(&qemu, &other).unwrap();
        assert!(!memory(&file, "one", &other).has_failed());
        let later = fs::metadata(&qemu).unwrap().modified().unwrap() + Duration::from_secs(1);
        File::options()
            .write(true)
            .open(&qemu)
            .and_then(|file| file.set_modified(later))
            .unwrap();
        assert!(!memory(&file, "one", &qemu).has_failed());
        // It works after all.
        here.works();
        assert!(!here.has_failed() && !file.exists());
    }

    #[test]
    fn a_cache_that_is_broken_or_not_there_does_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let qemu = directory.path().join("qemu");
        fs::write(&qemu, "").unwrap();
        let broken = directory.path().join("broken");
        fs::write(&broken, b"\xff\x00one").unwrap();
        let large = directory.path().join("large");
        File::create(&large).unwrap().set_len(1 << 40).unwrap();
        for file in [
            &broken,
            &large,
            directory.path(),
            &qemu.join("below/a-file"),
        ] {
            assert!(!memory(file, "one", &qemu).has_failed(), "{file:?}");
        }
        let below_a_file = memory(&qemu.join("below/a-file"), "one", &qemu);
        below_a_file.failed();
        below_a_file.works();
        assert!(!below_a_file.has_failed());
        let homeless = Memory {
            file: None,
            key: key("one", &qemu),
        };
        homeless.failed();
        assert!(!homeless.has_failed());
        // It is not known which boot this is.
        let timeless = memory(&broken, "", &qemu);
        timeless.failed();
        assert!(!timeless.has_failed());
        // What is broken is written anew.
        memory(&broken, "one", &qemu).failed();
        assert!(memory(&broken, "one", &qemu).has_failed());
    }

    #[test]
    fn the_cache_directory_is_the_users() {
        let path = |text: &str| Some(OsString::from(text));
        assert_eq!(cache(path("/c"), path("/h")), Some("/c".into()));
        assert_eq!(cache(path("c"), path("/h")), Some("/h/.cache".into()));
        assert_eq!(cache(None, path("/h")), Some("/h/.cache".into()));
        assert_eq!(cache(None, None), None);
    }
}
