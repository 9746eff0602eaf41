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

/// Names the directory of the cache, where it is not /var/cache/linux-rust.
pub const CACHE: &str = "LINUX_RUST_CACHE";

/// Names the directory of the cache for what is started by its holder, and need not wait for it.
pub const HELD: &str = "LINUX_RUST_HELD";

/// How many results of one kind are kept.
const KEPT: usize = 6;

/// The cache directory, held by one run at a time.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens `LINUX_RUST_CACHE`, or `/var/cache/linux-rust`, and waits for whoever holds it.
    pub fn open(progress: &Progress) -> Result<Self> {
        let root = env::var_os(CACHE)
            .filter(|path| !path.is_empty())
            .map_or_else(|| PathBuf::from("/var/cache/linux-rust"), PathBuf::from);
        Self::at(root, progress)
    }

    /// Opens a directory, and waits for whoever holds it.
    pub fn at(root: PathBuf, progress: &Progress) -> Result<Self> {
        fs::create_dir_all(&root).context("create", &root)?;
        // Without links: in a machine's root it has to be found by the same path.
        let root = root.canonicalize().context("find", &root)?;
        // makepkg runs as somebody else, and comes through here.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).context("open", &root)?;

        let path = root.join("lock");
        let lock = File::create(&path).context("create", &path)?;
        if env::var_os(HELD).is_some_and(|held| Path::new(&held) == root) {
            return Ok(Self { root, _lock: lock });
        }
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

    /// The same, where its directory is mounted at another path.
    pub fn seen_at(self, root: PathBuf) -> Self {
        Self { root, ..self }
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A directory in it, made if need be, that belongs to `owner`.
    pub fn directory(&self, name: &str, owner: u32) -> Result<PathBuf> {
        let path = self.root.join(name);
        fs::create_dir_all(&path).context("create", &path)?;
        chown(&path, Some(owner), Some(owner)).context("give away", &path)?;
        Ok(path)
    }

    /// The same with nothing in it.
    pub fn empty_directory(&self, name: &str, owner: u32) -> Result<PathBuf> {
        let path = self.root.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).context("remove", &path)?;
        }
        self.directory(name, owner)
    }

    /// Where the log of some kind of work goes; begun anew with every run.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join("log").join(format!("{name}.log"));
        fs::create_dir_all(self.root.join("log")).context("create", &path)?;
        File::create(&path).context("create", &path)?;
        Ok(path)
    }

    /// The directory for what `kind` and `key` name: made by `make` into an empty directory that belongs
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
                .and_then(|directory| directory.set_modified(std::time::SystemTime::now()));
            return Ok(Kept {
                path: kept,
                made: false,
            });
        }
        let new = format!("{kind}/{key}.new");
        if self.root.join(&new).exists() {
            fs::remove_dir_all(self.root.join(&new)).context("remove", self.root.join(&new))?;
        }
        let new = self.directory(&new, owner)?;
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
        let directory = self.root.join(kind);
        let mut kept: Vec<_> = fs::read_dir(&directory)
            .context("read", &directory)?
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        kept.sort();
        for (_, path) in kept.iter().rev().skip(KEPT) {
            // Half of it, if this is cut off, is not to be taken for the whole.
            let gone = path.with_extension("new");
            fs::rename(path, &gone).context("rename", path)?;
            fs::remove_dir_all(&gone).context("remove", &gone)?;
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

impl Kept {
    /// The key that it was made from, which is the same in every cache.
    pub fn key(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
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

    /// Adds each file of a directory: name, content, and whether it is executable.
    pub fn directory(&mut self, directory: &Path) -> Result<&mut Self> {
        let mut files: Vec<_> = fs::read_dir(directory)
            .context("read", directory)?
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().expect("a directory");
        let cache =
            Cache::at(directory.path().join("cache"), &Progress::default()).expect("a cache");
        (directory, cache)
    }

    fn key(text: &str) -> Key {
        let mut key = Key::default();
        key.text("text", text);
        key
    }

    fn make(directory: &Path) -> Result<()> {
        assert_eq!(
            fs::read_dir(directory).expect("a directory").count(),
            0,
            "it is not empty"
        );
        fs::write(directory.join("thing"), "whole").context("write", directory)
    }

    #[test]
    fn what_is_kept_is_not_made_again() {
        let (_directory, cache) = cache();
        assert!(cache.keep("kind", &key("a"), 0, make).unwrap().made);
        let again = cache
            .keep("kind", &key("a"), 0, |_| panic!("made again"))
            .unwrap();
        assert!(!again.made);
        assert_eq!(
            fs::read_to_string(again.path.join("thing")).unwrap(),
            "whole"
        );
        assert!(cache.keep("kind", &key("b"), 0, make).unwrap().made);
    }

    #[test]
    fn what_was_cut_off_is_made_again_from_nothing() {
        let (_directory, cache) = cache();
        let error = cache.keep("kind", &key("a"), 0, |directory| {
            fs::write(directory.join("half"), "ha").unwrap();
            Err(Error::NoSource {
                why: "cut off".into(),
            })
        });
        assert!(error.is_err());
        let kept = cache.keep("kind", &key("a"), 0, make).unwrap();
        assert!(kept.made);
        assert!(!kept.path.join("half").exists());
    }

    #[test]
    fn the_oldest_are_thrown_away() {
        let (_directory, cache) = cache();
        for number in 0..KEPT + 3 {
            let kept = cache
                .keep("kind", &key(&number.to_string()), 0, make)
                .unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            File::open(kept.path).unwrap().set_modified(time).unwrap();
        }
        cache.keep("kind", &key("last"), 0, make).unwrap();
        assert_eq!(fs::read_dir(cache.path("kind")).unwrap().count(), KEPT);
        assert!(cache.keep("kind", &key("0"), 0, make).unwrap().made);
    }

    #[test]
    fn content_names_and_modes_make_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let key = || {
            let mut key = Key::default();
            key.directory(directory.path()).unwrap();
            key.to_string()
        };
        fs::write(&file, "one").unwrap();
        let one = key();
        assert_eq!(one, key());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let executable = key();
        fs::write(&file, "two").unwrap();
        let two = key();
        fs::rename(&file, directory.path().join("other")).unwrap();
        let mut all = vec![one, executable, two, key()];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }
}
