// SPDX-License-Identifier: MIT OR Apache-2.0

//! A file that appears whole, and in the place of nobody else's.

use std::fs::Metadata;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kernel_files::file;
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::command::Command;
use crate::error::{Error, Result};

/// The file beside where it is to be: an editor that watches it never sees a half.
#[derive(Debug)]
pub(super) struct Staged {
    file: NamedTempFile,
    /// Where another's file that is there is kept.
    pub(super) kept: Option<PathBuf>,
}

/// Writes a document beside where it is to be. A file that is there and that is not one of ours, as
/// `is_one` says, is kept.
pub(super) fn stage(
    path: &Path,
    document: &impl Serialize,
    is_one: impl Fn(&str) -> bool,
) -> Result<Staged> {
    let failed = |source| Error::write(path, &source);
    let in_the_way = |path: &Path, reason| {
        Error::new(format!("{} already exists, and {reason}", path.display()))
            .note("nothing was written")
            .run(
                "put it aside",
                Command::new("mv -n").arg(path).arg(beside(path, ".1")),
            )
    };
    let there = match path.symlink_metadata() {
        Ok(about) => Some(about),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(failed(source)),
    };
    let is_own = there.as_ref().is_some_and(Metadata::is_file)
        && file::read_text(path, 64 << 20).is_ok_and(|text| is_one(&text));
    let kept = (there.is_some() && !is_own).then(|| beside(path, ".old"));
    if there.as_ref().is_some_and(Metadata::is_dir) {
        return Err(in_the_way(path, "it is a directory"));
    }
    if let Some(kept) = kept.as_ref().filter(|kept| kept.symlink_metadata().is_ok()) {
        return Err(in_the_way(
            kept,
            "what is to be replaced would be kept there",
        ));
    }

    let directory = path.parent().unwrap_or(path);
    let mut text = serde_json::to_string_pretty(document).map_err(|reason| {
        let message = format!("{} cannot be named in JSON", directory.display());
        Error::new(message)
            .note(format!("{reason}: JSON is UTF-8"))
            .advise("rename the module's directory, or the tree, to a name in UTF-8")
    })?;
    text.push('\n');
    let mut file = tempfile::Builder::new()
        .prefix(".rust-project-")
        .permissions(PermissionsExt::from_mode(0o666))
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if let Some(own) = there.filter(|_| is_own) {
        file.as_file()
            .set_permissions(own.permissions())
            .map_err(failed)?;
    }
    Ok(Staged { file, kept })
}

impl Staged {
    /// Puts the file in its place in one step.
    pub(super) fn put(self, path: &Path) -> Result<()> {
        let failed = |source| Error::write(path, &source);
        // By a second name, so that there is a file at any time.
        if let Some(kept) = &self.kept {
            std::fs::hard_link(path, kept).map_err(failed)?;
        }
        self.file
            .persist(path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// The same name with more at its end.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::super::project::{Crate, Project, Sysroot};
    use super::*;

    fn empty() -> Project {
        let core = Crate {
            display_name: "core".into(),
            ..Crate::default()
        };
        Project {
            sysroot: None,
            sysroot_src: "/src".into(),
            sysroot_project: Sysroot { crates: vec![core] },
            crates: Vec::new(),
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn its_own_file_is_replaced_and_keeps_its_permissions() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rust-project.json");
        let write = || {
            stage(&path, &empty(), Project::is_one)
                .unwrap()
                .put(&path)
                .unwrap()
        };
        write();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        write();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_another_wrote_is_kept() {
        for text in ["", "mine", "{\"crates\": []}", "{\"sysroot_project\": 1}"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("rust-project.json");
            std::fs::write(&path, text).unwrap();
            let staged = stage(&path, &empty(), Project::is_one).unwrap();
            let kept = staged.kept.clone().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            staged.put(&path).unwrap();
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), text);
            // Its own is replaced by itself, and what is kept stays.
            stage(&path, &empty(), Project::is_one)
                .unwrap()
                .put(&path)
                .unwrap();
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), text);

            std::fs::write(&path, "another").unwrap();
            let error = stage(&path, &empty(), Project::is_one).unwrap_err();
            let remedy = format!("mv -n {0} {0}.1", kept.display());
            assert_eq!(error.help[0].command.as_ref().unwrap().to_string(), remedy);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "another");
        }
    }

    #[test]
    fn a_link_is_kept_and_a_directory_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rust-project.json");
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        stage(&path, &empty(), Project::is_one)
            .unwrap()
            .put(&path)
            .unwrap();
        assert!(path.symlink_metadata().unwrap().is_file());
        let kept = std::fs::read_link(beside(&path, ".old")).unwrap();
        assert_eq!(kept, Path::new("elsewhere"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let said = stage(&path, &empty(), Project::is_one)
            .unwrap_err()
            .to_string();
        assert!(said.contains("it is a directory"), "{said}");
    }

    #[test]
    fn a_path_that_json_has_no_room_for_is_said() {
        use std::os::unix::ffi::OsStrExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rust-project.json");
        let mut project = empty();
        project.sysroot_src = std::ffi::OsStr::from_bytes(b"/\xff").into();
        let error = stage(&path, &project, Project::is_one).unwrap_err();
        assert!(error.to_string().contains("JSON is UTF-8"), "{error}");
        assert_eq!(error.help.len(), 1);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
