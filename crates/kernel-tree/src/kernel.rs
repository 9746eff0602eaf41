// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which kernel is meant by a release, a directory or an image.

use std::path::{Path, PathBuf};

use kernel_files::{file, image};

use crate::kdir::{self, Kdir};
use crate::system::System;

/// A kernel, by where its parts are. None of them has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Its release, if its name or its files say it.
    pub release: Option<String>,
    /// The directory that modules are built in.
    pub build: PathBuf,
    /// The directory of its installed modules.
    pub modules: Option<PathBuf>,
}

impl Kernel {
    /// The kernel of a name: a directory (headers, a source tree, or the directory of installed
    /// modules), an image, or else a release.
    pub fn named(system: &System, name: &str) -> file::Result<Self> {
        let path = Path::new(name);
        if !is_path(system, name) {
            return Ok(Self::of_release(system, name));
        }
        let path = file::absolute(path)?;
        if path.is_file() {
            return Self::of_image(system, &path);
        }
        // Installed modules have their kernel's headers beside them.
        let is_installed = path.join("kernel").is_dir() || path.join("build").exists();
        if is_installed && !path.join("Makefile").exists() {
            let release = path.file_name();
            return Ok(Self {
                release: release.map(|name| name.to_string_lossy().into_owned()),
                build: path.join("build"),
                modules: Some(path),
            });
        }
        let release = kdir::release_of(&path);
        Ok(Self {
            modules: release
                .as_ref()
                .map(|release| kdir::modules_directory(system, release)),
            release,
            build: path,
        })
    }

    /// A kernel that is installed, or would be.
    pub fn of_release(system: &System, release: &str) -> Self {
        Self {
            release: Some(release.to_owned()),
            build: Kdir::of_release(system, release),
            modules: Some(kdir::modules_directory(system, release)),
        }
    }

    fn of_image(system: &System, path: &Path) -> file::Result<Self> {
        let (head, _) = file::head(path, image::HEAD)?;
        let installed = match image::release(&head) {
            Some(release) => Self::of_release(system, &release),
            None => Self {
                release: None,
                build: path.with_file_name("build"),
                modules: None,
            },
        };
        // Arch keeps it beside the modules.
        Ok(
            match path.parent().filter(|above| above.join("kernel").is_dir()) {
                Some(modules) => Self {
                    build: modules.join("build"),
                    modules: Some(modules.to_path_buf()),
                    ..installed
                },
                None => installed,
            },
        )
    }
}

/// Whether a name is a path and not a release: it has a slash, as no release has, or no kernel of
/// that name is installed and something is there.
pub fn is_path(system: &System, name: &str) -> bool {
    let is_release = || kdir::modules_directory(system, name).exists();
    name.contains('/') || [".", ".."].contains(&name) || (Path::new(name).exists() && !is_release())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_takes_a_release_a_directory_and_an_image() {
        let root = tempfile::tempdir().unwrap();
        let modules = root.path().join("lib/modules/6.1-a");
        std::fs::create_dir_all(modules.join("kernel")).unwrap();
        let mut head = vec![0; 0x400];
        head[0x202..0x206].copy_from_slice(b"HdrS");
        head[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
        head[0x300..0x305].copy_from_slice(b"6.1-a");
        std::fs::write(modules.join("vmlinuz"), &head).unwrap();
        std::fs::create_dir(root.path().join("boot")).unwrap();
        std::fs::write(root.path().join("boot/vmlinuz"), &head).unwrap();
        let system = System::bare(root.path());
        let wanted = Kernel::of_release(&system, "6.1-a");
        assert_eq!(wanted.build, modules.join("build"));
        for name in [
            "6.1-a".into(),
            modules.display().to_string(),
            modules.join("vmlinuz").display().to_string(),
            root.path().join("boot/vmlinuz").display().to_string(),
        ] {
            assert_eq!(Kernel::named(&system, &name).unwrap(), wanted, "{name}");
        }
        let headers = root.path().join("headers");
        std::fs::create_dir_all(headers.join("include/config")).unwrap();
        std::fs::write(headers.join("Makefile"), "").unwrap();
        std::fs::write(headers.join("include/config/kernel.release"), "6.1-a\n").unwrap();
        let kernel = Kernel::named(&system, headers.to_str().unwrap()).unwrap();
        assert_eq!(kernel.build, headers);
        assert_eq!(kernel.release.as_deref(), Some("6.1-a"));
        assert_eq!(kernel.modules, Some(modules));
    }
}
