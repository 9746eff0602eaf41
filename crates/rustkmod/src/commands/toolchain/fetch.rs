// SPDX-License-Identifier: MIT OR Apache-2.0

//! Installs the rustc of a distribution's package for one tree: the package and the libraries of its
//! day, into a directory that appears whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use kernel_tree::arch_package::{ArchPackage, Beside};
use kernel_tree::fetched;
use kernel_tree::system::System;
use nix::sys::stat::{Mode, umask};

use super::archive::Archive;
use super::home::{Home, UNFINISHED, add_user};
use super::{child, libraries, tree, unpack::unpack};
use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::{signals, stream};

/// What is to be installed, and for what.
pub(super) struct Wanted<'a> {
    pub(super) system: &'a System,
    /// The tree that is to use it.
    pub(super) kdir: &'a Path,
    /// Its version string, as the tree has it.
    pub(super) rustc: &'a str,
    pub(super) package: &'a ArchPackage,
    /// The URL of the archive.
    pub(super) mirror: &'a str,
}

impl Wanted<'_> {
    /// Gets the toolchain, unless it is here, and has the tree use it.
    pub(super) fn install(&self) -> Result<()> {
        signals::listen()?;
        // Every user's builds read what is written here.
        umask(Mode::from_bits_truncate(0o022));
        let tree = match self.system.is_live() {
            true => fs::canonicalize(self.kdir)
                .map_err(|error| Error::read(self.kdir.to_path_buf(), error))?,
            // In another system's root, links are followed already.
            false => self.kdir.to_path_buf(),
        };
        tree::can_be_written(&tree, || Command::sudo(&Call::again("toolchain")))?;
        let home = Home::open(self.system)?;
        let toolchain = home.path.join(self.package.directory_name());
        if libraries::version(&toolchain)?.as_deref() != Ok(self.rustc) {
            self.fetch(&home, &toolchain)?;
        }
        add_user(&toolchain, &self.system.shown(&tree))?;
        let shown = self.system.shown(&toolchain);
        tree::attach(&tree, &toolchain, &shown, self.rustc)
    }

    /// Fetches everything into a directory beside the one that it gets, and puts it there in one step.
    fn fetch(&self, home: &Home, toolchain: &Path) -> Result<()> {
        let archive = Archive::open(self.system, self.mirror)?;
        let failed = |error: std::io::Error| Error::write(&home.path, &error);
        let work = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&home.path)
            .map_err(failed)?;
        let mut new = New {
            archive,
            home: &home.path,
            work: work.path(),
            toolchain: work.path().join("toolchain"),
            packages: Vec::new(),
            beside: Beside::default(),
        };
        fs::create_dir(&new.toolchain).map_err(failed)?;
        new.add(self.package)?;
        new.add_libraries()?;
        libraries::write_scripts(&new.toolchain).map_err(failed)?;
        let is = libraries::version(&new.toolchain)?;
        if is.as_deref() != Ok(self.rustc) {
            let is = is.unwrap_or_else(|why| format!("nothing: {why}"));
            return Err(
                Error::new("the fetched rustc is not the one that made the crates")
                    .note(format!(
                        "the crates:       {}\nthe fetched says: {is}",
                        self.rustc
                    ))
                    .note(new.archive.url(self.package))
                    .run(
                        "name an archive of the same layout that has the right one",
                        Call::again("toolchain").with("--mirror", "URL"),
                    ),
            );
        }
        let version = new.toolchain.join(fetched::VERSION);
        fs::write(&version, format!("{}\n", self.rustc)).map_err(failed)?;
        child::not_interrupted()?;
        if toolchain.exists() {
            // It is here and does not run.
            fs::rename(toolchain, work.path().join("old")).map_err(failed)?;
        }
        fs::rename(&new.toolchain, toolchain).map_err(failed)
    }
}

/// A toolchain that is not whole yet.
struct New<'a> {
    archive: Archive<'a>,
    /// Where it is going to be.
    home: &'a Path,
    work: &'a Path,
    toolchain: PathBuf,
    packages: Vec<ArchPackage>,
    beside: Beside,
}

impl New<'_> {
    /// Fetches a package and unpacks it: of Rust's all that runs, of others the libraries.
    fn add(&mut self, package: &ArchPackage) -> Result<()> {
        let is_rust = self.packages.is_empty();
        let url = self.archive.url(package);
        // That nobody can be told does not stop it.
        let _ = writeln!(stream::stderr(), "fetching {url}");
        let file = self.archive.fetch(package, self.work)?;
        let is_wanted = |path: &Path| {
            let is_about = path == Path::new(".PKGINFO") || path == Path::new(".BUILDINFO");
            let is_library = path.parent() == Some(Path::new("usr/lib"))
                && path.to_string_lossy().contains(".so");
            is_about
                || is_library
                || (is_rust && (path.starts_with("usr/bin") || path.starts_with("usr/lib")))
        };
        unpack(&file, self.home, &self.toolchain, is_wanted)?;
        let _ = fs::remove_file(&file);
        let about = |name: &str| {
            let path = self.toolchain.join(name);
            let text = fs::read_to_string(&path).unwrap_or_default();
            let _ = fs::remove_file(&path);
            text
        };
        let (pkginfo, buildinfo) = (about(".PKGINFO"), about(".BUILDINFO"));
        self.beside.add(&pkginfo, &buildinfo);
        self.packages.push(package.clone());
        Ok(())
    }

    /// Fetches the packages of the libraries that rustc loads, in the versions of its day. The
    /// machine's own would go on to others.
    fn add_libraries(&mut self) -> Result<()> {
        let mut tried = Vec::new();
        loop {
            let mut others = libraries::from_elsewhere(&self.toolchain)?;
            let Some(at) = others
                .iter()
                .position(|library| !tried.contains(&library.name))
            else {
                break;
            };
            let library = others.swap_remove(at);
            let package = self.beside.package_of_library(&library.name).cloned();
            match package.filter(|package| !self.packages.contains(package)) {
                Some(package) => self.add(&package)?,
                None if library.is_here => {}
                None => {
                    let rust = self.archive.url(&self.packages[0]);
                    return Err(Error::new(format!(
                        "the fetched rustc needs {}, and it is not known which package has it",
                        library.name
                    ))
                    .note(rust)
                    .note("none of the packages it depends on is named after that library")
                    .run(
                        "see which package had it",
                        Command::new("pacman -F").arg(&library.name),
                    ));
                }
            }
            tried.push(library.name);
        }
        Ok(())
    }
}
