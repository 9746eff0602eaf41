// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is kept between runs, by the content of what it was made from. A thing is in the cache
//! whole or not at all: it is made under another name, and renamed when it is complete.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::Read,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Context, Error, Result},
    run::Progress,
};

/// How many results of one kind are kept.
const KEPT: usize = 6;

/// The cache folder, held by one run at a time.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens `LINUX_RUST_CACHE`, or `/var/cache/linux-rust`, and waits for whoever holds it.
    pub fn open(progress: &Progress) -> Result<Self> {
        let root = env::var_os("LINUX_RUST_CACHE")
            .filter(|path| !path.is_empty())
            .map_or_else(|| PathBuf::from("/var/cache/linux-rust"), PathBuf::from);
        let root = std::path::absolute(&root).context("find", root)?;
        fs::create_dir_all(&root).context("create", &root)?;
        // makepkg runs as somebody else, and comes through here.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).context("open", &root)?;

        let path = root.join("lock");
        let lock = File::create(&path).context("create", &path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                progress.say(format!(
                    "Another run uses {}: waiting for its end...",
                    root.display()
                ));
                lock.lock().context("lock", &path)?;
            }
            Err(TryLockError::Error(source)) => {
                return Err(Error::Io {
                    action: "lock",
                    path,
                    source,
                });
            }
        }
        Ok(Self { root, _lock: lock })
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A folder in it, made if need be, that belongs to `owner`.
    pub fn folder(&self, name: &str, owner: u32) -> Result<PathBuf> {
        let path = self.root.join(name);
        fs::create_dir_all(&path).context("create", &path)?;
        chown(&path, Some(owner), Some(owner)).context("give away", &path)?;
        Ok(path)
    }

    /// Where the log of some kind of work goes; begun anew with every run.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join("log").join(format!("{name}.log"));
        fs::create_dir_all(self.root.join("log")).context("create", &path)?;
        File::create(&path).context("create", &path)?;
        Ok(path)
    }

    /// The folder for what `kind` and `key` name: made by `make` into an empty folder that belongs
    /// to `owner`, if it is not there already.
    pub fn keep(
        &self,
        kind: &str,
        key: &Key,
        owner: u32,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Kept> {
        let kept = self.root.join(kind).join(key.to_string());
        if kept.is_dir() {
            // What was used last is thrown away last.
            let _ = File::open(&kept)
                .and_then(|folder| folder.set_modified(std::time::SystemTime::now()));
            return Ok(Kept {
                path: kept,
                made: false,
            });
        }
        let new = format!("{kind}/{key}.new");
        if self.root.join(&new).exists() {
            fs::remove_dir_all(self.root.join(&new)).context("remove", self.root.join(&new))?;
        }
        let new = self.folder(&new, owner)?;
        make(&new)?;
        fs::rename(&new, &kept).context("rename", &new)?;
        self.forget(kind)?;
        Ok(Kept {
            path: kept,
            made: true,
        })
    }

    /// Throws away what was not used for longest.
    fn forget(&self, kind: &str) -> Result<()> {
        let folder = self.root.join(kind);
        let mut kept: Vec<_> = fs::read_dir(&folder)
            .context("read", &folder)?
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        kept.sort();
        for (_, path) in kept.iter().rev().skip(KEPT) {
            fs::remove_dir_all(path).context("remove", path)?;
        }
        Ok(())
    }
}

/// Something in the cache.
#[derive(Debug)]
pub struct Kept {
    /// Where.
    pub path: PathBuf,
    /// By this run, or by an earlier one.
    pub made: bool,
}

/// The content that something is made from.
#[derive(Debug, Clone, Default)]
pub struct Key(Sha256);

impl Key {
    /// Adds a named text.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        for part in [name, text] {
            self.0.update(part.len().to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds each file of a folder: name, content, and whether it is executable.
    pub fn folder(&mut self, folder: &Path) -> Result<&mut Self> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .context("read", folder)?
            .flatten()
            .map(|file| file.path())
            .collect();
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            let mode = file.metadata().context("read", file)?.permissions().mode() & 0o100;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            self.text(&name, &mode.to_string())
                .text("content", &file_hash(file)?);
        }
        Ok(self)
    }
}

impl std::fmt::Display for Key {
    /// The first 16 hexadecimal digits of the hash: enough to tell a handful of builds apart.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", &hex(&self.0.clone().finalize())[..16])
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub fn file_hash(path: &Path) -> Result<String> {
    let mut file = File::open(path).context("read", path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).context("read", path)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&buffer[..length]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
