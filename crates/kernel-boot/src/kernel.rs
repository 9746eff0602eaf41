// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel that is booted: its image, its modules, and the headers to build more of them.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use kernel_files::{file, image};

use crate::error::{Context, Error, Result, about};
use kernel_files::depmod;
use kernel_tree::kdir::{self, Kdir};
use kernel_tree::system::{OSRELEASE, System};

/// A kernel that can be booted, and what belongs to it.
#[derive(Debug)]
pub struct Kernel {
    /// Its release, if its name or its image says it.
    pub release: Option<String>,
    /// What QEMU boots.
    pub image: PathBuf,
    /// The directory of its modules: an installed one, or a tree.
    pub modules: Option<PathBuf>,
    /// Where its headers are, or would be.
    pub build: Option<PathBuf>,
    installed: OnceCell<HashMap<String, PathBuf>>,
    builtin: OnceCell<Option<HashSet<String>>>,
}

impl Kernel {
    /// Finds the kernel that the caller named: a release, an image, or a directory; the running one
    /// if none.
    pub fn find(system: &System, named: Option<&str>) -> Result<Self> {
        let Some(name) = named else {
            let release = system.running_release().ok_or_else(|| Error::NoRelease {
                path: system.at(OSRELEASE),
            })?;
            return Self::of_release(system, &release);
        };
        let path = Path::new(name);
        // `.` and `..` are directories of the caller's, not releases.
        let is_name = path.file_name() == Some(OsStr::new(name));
        if is_name && kdir::modules_directory(system, name).is_dir() {
            return Self::of_release(system, name);
        }
        match about(path)? {
            Some(about) if about.is_dir() => Self::of_directory(system, path),
            Some(_) => Self::of_image(system, path),
            None if is_name => Self::of_release(system, name),
            None => Err(no_image(system, name, &[path.to_path_buf()])),
        }
    }

    fn new(image: PathBuf) -> Self {
        Self {
            release: None,
            image,
            modules: None,
            build: None,
            installed: OnceCell::new(),
            builtin: OnceCell::new(),
        }
    }

    /// A kernel that is installed, by its release.
    pub fn of_release(system: &System, release: &str) -> Result<Self> {
        let places = image_places(system, release);
        let Some(image) = first(&places)? else {
            return Err(no_image(system, release, &places));
        };
        read_image(image)?;
        Ok(Self {
            release: Some(release.to_owned()),
            build: Some(Kdir::of_release(system, release)),
            modules: Some(kdir::modules_directory(system, release)),
            ..Self::new(image.to_path_buf())
        })
    }

    fn of_directory(system: &System, directory: &Path) -> Result<Self> {
        let directory = std::path::absolute(directory).context("find", directory)?;
        // Headers lie in the directory of their kernel.
        if directory.file_name() == Some(OsStr::new("build"))
            && let Some(above) = directory.parent()
            && above.join("vmlinuz").exists()
        {
            return Self::of_directory(system, above);
        }
        let installed = directory.join("vmlinuz");
        if about(&installed)?.is_some() {
            let release = read_image(&installed)?;
            return Ok(Self {
                release,
                build: Some(directory.join("build")),
                modules: Some(directory),
                ..Self::new(installed)
            });
        }
        let built = directory.join("arch/x86/boot/bzImage");
        if about(&built)?.is_some() {
            let release = read_image(&built)?;
            return Ok(Self {
                release,
                build: Some(directory.clone()),
                modules: Some(directory),
                ..Self::new(built)
            });
        }
        // A system, or a package that was unpacked there.
        let rooted = System::here(Some(directory.clone()));
        let releases = releases(&rooted);
        match &releases[..] {
            [release] => {
                let mut kernel = Self::of_release(&rooted, release)?;
                if !kernel.build.as_ref().is_some_and(|build| build.exists()) {
                    kernel.build = Some(Kdir::of_release(system, release));
                }
                Ok(kernel)
            }
            [] => {
                let places = [
                    "vmlinuz",
                    "arch/x86/boot/bzImage",
                    "usr/lib/modules/RELEASE/vmlinuz",
                ];
                let places = places.map(|place| directory.join(place));
                Err(no_image(system, &directory.display().to_string(), &places))
            }
            _ => Err(Error::ManyKernels {
                directory,
                releases,
            }),
        }
    }

    fn of_image(system: &System, image: &Path) -> Result<Self> {
        let image = std::path::absolute(image).context("find", image)?;
        let release = read_image(&image)?;
        let beside = image.parent().filter(|above| above.join("kernel").is_dir());
        let modules = match (beside, &release) {
            (Some(beside), _) => Some(beside.to_path_buf()),
            (None, Some(release)) => Some(kdir::modules_directory(system, release)),
            (None, None) => None,
        };
        Ok(Self {
            build: modules.as_ref().map(|directory| directory.join("build")),
            modules: modules.filter(|directory| directory.exists()),
            release,
            ..Self::new(image)
        })
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        match &self.release {
            Some(release) => release.clone(),
            None => self.image.display().to_string(),
        }
    }

    /// The headers, which are needed to build `module`.
    pub fn headers(&self, system: &System, module: &Path) -> Result<&Path> {
        if let Some(kdir) = &self.build
            && about(&kdir.join("Makefile"))?.is_some()
        {
            return Ok(kdir);
        }
        Err(Error::NoHeaders {
            module: module.to_path_buf(),
            kernel: self.name(),
            looked_at: match &self.build {
                Some(build) => system.shown(build),
                None => "release in the image, by which they could be found".into(),
            },
        })
    }

    /// The headers, if they are there.
    pub fn kdir(&self) -> Option<&Path> {
        let build = self.build.as_deref();
        build.filter(|build| build.join("Makefile").exists())
    }

    /// The file of one of its own modules.
    pub fn module_file(&self, name: &str) -> Option<&Path> {
        let all = self.installed.get_or_init(|| match &self.modules {
            Some(directory) => depmod::installed(directory).0,
            None => HashMap::new(),
        });
        all.get(&name.replace('-', "_")).map(PathBuf::as_path)
    }

    /// The names of its own modules that are called so, or have such an alias in depmod's list.
    pub fn modules_called(&self, name: &str) -> Vec<String> {
        if self.module_file(name).is_some() {
            return vec![name.replace('-', "_")];
        }
        let list = self.modules.iter().filter_map(|directory| {
            file::read_text(&directory.join("modules.alias"), 64 << 20).ok()
        });
        let names = |text: String| -> Vec<String> {
            let aliases = text.lines().filter_map(|line| {
                let (alias, module) = line.strip_prefix("alias ")?.split_once(' ')?;
                (alias == name).then(|| module.to_owned())
            });
            aliases.collect()
        };
        list.flat_map(names).collect()
    }

    /// Whether it is known what is part of the image.
    pub(crate) fn knows_builtins(&self) -> bool {
        self.builtins().is_some()
    }

    /// Whether a module is part of the image.
    pub fn has_builtin(&self, name: &str) -> bool {
        let builtins = self.builtins();
        builtins.is_some_and(|all| all.contains(&name.replace('-', "_")))
    }

    fn builtins(&self) -> Option<&HashSet<String>> {
        let read = || depmod::builtin(self.modules.as_ref()?);
        self.builtin.get_or_init(read).as_ref()
    }
}

/// Where an installed kernel's image may be: Arch and Fedora keep it beside the modules, Debian in
/// /boot.
fn image_places(system: &System, release: &str) -> [PathBuf; 2] {
    [
        kdir::modules_directory(system, release).join("vmlinuz"),
        system.at(format!("/boot/vmlinuz-{release}")),
    ]
}

/// The first of these paths that is there.
fn first(paths: &[PathBuf]) -> Result<Option<&Path>> {
    for path in paths {
        if about(path)?.is_some() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The kernels that are installed in a system and have an image.
fn releases(system: &System) -> Vec<String> {
    let mut found = kdir::releases(system);
    found.retain(|release| {
        let places = image_places(system, release);
        matches!(first(&places), Ok(Some(image)) if read_image(image).is_ok())
    });
    found
}

fn no_image(system: &System, name: &str, looked_at: &[PathBuf]) -> Error {
    Error::NoImage {
        name: name.to_owned(),
        looked_at: looked_at.iter().map(|path| system.shown(path)).collect(),
        installed: releases(system),
    }
}

/// The release an image says it is of (Documentation/arch/x86/boot.rst: `kernel_version`). It may say
/// none; it has to be an image.
fn read_image(path: &Path) -> Result<Option<String>> {
    let (head, size) = match file::head(path, image::HEAD) {
        Ok(opened) => opened,
        Err(file::Error::Read { source, .. }) => return Err(source).context("read", path),
        Err(_) => return Err(Error::NotAnImage(path.to_path_buf())),
    };
    if !image::is_one(&head) {
        return Err(Error::NotAnImage(path.to_path_buf()));
    }
    match image::size(&head) {
        Some(whole) if size < whole => Err(Error::CutImage {
            path: path.to_path_buf(),
            size,
            whole,
        }),
        _ => Ok(image::release(&head)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of an image as is looked at.
    pub(crate) fn image(release: &str) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
        bytes[0x300..0x300 + release.len()].copy_from_slice(release.as_bytes());
        bytes[0x300 + release.len()] = b' ';
        bytes
    }

    fn put(root: &Path, file: &str, bytes: &[u8]) {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn images_are_found_where_each_distribution_has_them() {
        for place in ["usr/lib/modules/6.1-a/vmlinuz", "boot/vmlinuz-6.1-a"] {
            let root = tempfile::tempdir().unwrap();
            put(root.path(), "usr/lib/modules/6.1-a/modules.order", b"");
            put(root.path(), place, &image("6.1-a"));
            let system = System::bare(root.path());
            let kernel = Kernel::find(&system, Some("6.1-a")).unwrap();
            assert_eq!(kernel.image, root.path().join(place));
            // And as a directory that somebody unpacked.
            let name = root.path().display().to_string();
            let kernel = Kernel::find(&System::bare("/none"), Some(&name)).unwrap();
            assert_eq!(kernel.image, root.path().join(place));
            assert_eq!(kernel.release.as_deref(), Some("6.1-a"));
        }
    }

    #[test]
    fn an_image_alone_says_its_release() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "vmlinuz", &image("7.2.1-x"));
        put(root.path(), "other", b"\x7fELF");
        let system = System::bare(root.path());
        let named = |name: &str| Kernel::find(&system, root.path().join(name).to_str());
        assert_eq!(
            named("vmlinuz").unwrap().release.as_deref(),
            Some("7.2.1-x")
        );
        let error = named("other").unwrap_err().to_string();
        assert!(error.contains("is not a kernel image of x86"), "{error}");
    }

    #[test]
    fn directories_without_an_image_are_no_kernels() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "usr/lib/modules/6.0-old/modules.dep", b"");
        put(
            root.path(),
            "usr/lib/modules/6.1-a/vmlinuz",
            &image("6.1-a"),
        );
        let system = System::bare(root.path());
        let error = Kernel::find(&system, Some("6.0-old")).unwrap_err();
        assert!(
            matches!(&error, Error::NoImage { installed, .. } if *installed == ["6.1-a"]),
            "{error:?}"
        );
        let name = root.path().display().to_string();
        let kernel = Kernel::find(&System::bare("/none"), Some(&name)).unwrap();
        assert_eq!(kernel.release.as_deref(), Some("6.1-a"));
    }

    #[test]
    fn the_directory_one_is_in_is_no_release() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "lib/modules/6.1-a/vmlinuz", &image("6.1-a"));
        put(root.path(), "lib/modules/vmlinuz", &image("6.1-b"));
        for name in [".", "..", ""] {
            let found = Kernel::find(&System::bare(root.path()), Some(name));
            assert!(found.is_err(), "{name:?}: {found:?}");
        }
    }

    #[test]
    fn what_is_not_whole_or_no_file_is_no_image() {
        let root = tempfile::tempdir().unwrap();
        let mut bytes = image("6.1-a");
        bytes[0x1f1] = 1;
        bytes[0x1f4..0x1f8].copy_from_slice(&0x10_u32.to_le_bytes());
        bytes.resize(1024 + 0x100, 0);
        let path = root.path().join("vmlinuz");
        std::fs::write(&path, &bytes).unwrap();
        read_image(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let note = read_image(&path).unwrap_err().note().unwrap();
        assert!(note.contains("1279") && note.contains("1280"), "{note}");

        let pipe = root.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [&*pipe, Path::new("/dev/null"), root.path()] {
            let error = read_image(path).unwrap_err();
            assert!(matches!(error, Error::NotAnImage(_)), "{error}");
        }
    }

    #[test]
    fn what_may_not_be_looked_at_is_not_called_missing() {
        let root = tempfile::tempdir().unwrap();
        // Not even root gets through these.
        let circle = root.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        let error = Kernel::find(&System::bare(root.path()), circle.to_str());
        let note = error.unwrap_err().note().unwrap();
        assert!(note.contains("Too many levels of symbolic"), "{note}");
    }

    #[test]
    fn a_kernel_that_is_not_there_names_those_that_are() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "lib/modules/6.1-a/vmlinuz", &image("6.1-a"));
        let error = Kernel::find(&System::bare(root.path()), Some("6.9")).unwrap_err();
        assert!(error.note().unwrap().contains("no /boot/vmlinuz-6.9"));
        assert!(matches!(error, Error::NoImage { installed, .. } if installed == ["6.1-a"]));
    }
}
