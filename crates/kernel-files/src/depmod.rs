// SPDX-License-Identifier: MIT OR Apache-2.0

//! The modules a kernel was installed with, as depmod names and lists them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::file;

/// The largest list that is read.
const LIMIT: u64 = 64 << 20;

/// The name the kernel gives to a module's file.
pub fn module_name(path: impl AsRef<Path>) -> String {
    let file = path.as_ref().file_name().unwrap_or_default();
    let file = file.to_string_lossy();
    file.split(".ko").next().unwrap_or(&file).replace('-', "_")
}

/// The modules below a directory by their names, and where they were found: in depmod's list, which
/// saves the walk, else in the directory.
pub fn installed(directory: &Path) -> (HashMap<String, PathBuf>, PathBuf) {
    match listed(directory) {
        Some(found) => (found, directory.join("modules.dep")),
        None => (
            modules_below(directory).map(named).collect(),
            directory.to_path_buf(),
        ),
    }
}

/// The file that modprobe loads for each name, where depmod has made its list.
pub fn listed(directory: &Path) -> Option<HashMap<String, PathBuf>> {
    let text = file::read_text(&directory.join("modules.dep"), LIMIT).ok()?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let paths = lines.map(|(path, _)| directory.join(path));
    Some(paths.map(named).collect())
}

fn named(path: PathBuf) -> (String, PathBuf) {
    (module_name(&path), path)
}

/// The names of the modules that are part of a kernel; nothing where it has no list of them.
pub fn builtin(directory: &Path) -> Option<HashSet<String>> {
    let list = file::read_text(&directory.join("modules.builtin"), LIMIT).ok()?;
    Some(list.lines().map(module_name).collect())
}

/// Whether a path has a module's name.
pub fn is_module(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    [".ko", ".ko.zst", ".ko.xz", ".ko.gz"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// All modules below a directory, sorted within each directory. Links to directories are not
/// followed. Directories that cannot be read are skipped.
pub fn modules_below(directory: &Path) -> impl Iterator<Item = PathBuf> {
    walk(directory).flatten()
}

/// The same, with an error for each directory that cannot be read.
pub fn walk(directory: &Path) -> impl Iterator<Item = walkdir::Result<PathBuf>> {
    WalkDir::new(directory)
        .sort_by_key(|entry| (entry.file_type().is_dir(), entry.file_name().to_owned()))
        .into_iter()
        .filter(|entry| {
            let is_other =
                |entry: &walkdir::DirEntry| entry.file_type().is_dir() || !is_module(entry.path());
            !entry.as_ref().is_ok_and(is_other)
        })
        .map(|entry| entry.map(walkdir::DirEntry::into_path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_name_is_the_kernels() {
        assert_eq!(module_name("/a/b/snd-hda.ko.zst"), "snd_hda");
        assert!(is_module(Path::new("x.ko.xz")) && !is_module(Path::new("x.ko.txt")));
    }

    #[test]
    fn walk_over_links_in_circles_ends() {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(directory.path(), directory.path().join("self")).unwrap();
        std::fs::write(directory.path().join("a.ko"), b"").unwrap();
        assert_eq!(modules_below(directory.path()).count(), 1);
    }
}
