// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the builds of one run share, and what is built: the toolchains, the kernels, the DKMS package.

use std::{
    env,
    ffi::OsString,
    fs,
    ops::Deref,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, exit},
};

use nix::sys::statvfs::statvfs;

use crate::{
    cache::{CACHE, Cache, HELD, Kept, Key, file_hash},
    error::{Context, Error, Result},
    files::repository,
    host::{self, BUILDER, Rust, Site},
    machine::Machine,
    makepkg::{Makepkg, Tree, lend, make_signing_key},
    package_files::{package_name, packages, sizes},
    root,
    run::{NO_NETWORK, Program, Progress},
    series::{self, Series},
    source::{self, Tarball},
};

/// A build of the `vm` configuration takes 3 GB, the toolchain 2, packages the rest.
const NEEDS_BYTES: u64 = 6 << 30;

/// The configuration of all kernels that are built here, unless a test asks for another.
const CONFIG: &str = "vm";

/// All that stays the same between the builds of one run.
#[derive(Debug)]
pub struct Workshop {
    site: Site,
    /// Which kernel.
    pub series: Series,
    /// A tarball, where kernel.org cannot be reached.
    pub tarball: Option<Tarball>,
    /// What the toolchain's package is made with.
    pub rust: Rust,
    /// The programs of an LLVM, where the one in PATH is too old.
    pub llvm: Option<PathBuf>,
}

impl Deref for Workshop {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Workshop {
    /// Gets what this series needs besides: sources, a clang that it takes, a way to its rustc.
    pub fn new(site: &Site, series: Series) -> Result<Self> {
        require_space(&site.cache, &series)?;
        Ok(Self {
            tarball: source::find(&series.name, site)?,
            llvm: series::llvm(&series, site)?,
            rust: host::rust(&series.rustc, site)?,
            site: site.clone(),
            series,
        })
    }

    /// For the default series.
    pub fn open(cache: Cache, progress: Progress) -> Result<Self> {
        let site = Site::open(cache, progress)?;
        Self::new(&site, series::chosen(None)?.remove(0))
    }

    /// A fresh copy of this machine, with the LLVM that builds.
    pub fn machine(&self) -> Result<Machine> {
        let machine = Machine::new(&self.cache)?;
        if let Some(directory) = &self.llvm {
            machine.use_llvm(directory)?;
        }
        Ok(machine)
    }

    /// A program of the LLVM that builds.
    pub fn llvm_program(&self, name: &str) -> String {
        match &self.llvm {
            Some(directory) => directory.join(name).display().to_string(),
            None => name.to_owned(),
        }
    }

    /// The key that the default series signs its modules with, as a user's of the PKGBUILD: made
    /// once, so that two builds can be the same. The other series are built without.
    pub fn signing_key(&self) -> Result<Option<PathBuf>> {
        if self.series.name != series::chosen(None)?[0].name {
            return Ok(None);
        }
        let key = self.cache.path("signing-key.pem");
        if !key.exists() {
            let new = self.cache.path("signing-key.pem.new");
            make_signing_key(&new, "CN=The test machine's modules", &self.cache)?;
            chown(&new, Some(BUILDER), Some(BUILDER)).context("give away", &new)?;
            fs::rename(&new, &key).context("rename", &new)?;
        }
        Ok(Some(key))
    }

    /// The call that packages the Rust of this series.
    pub fn toolchain_call(&self) -> Result<Makepkg<'_>> {
        let mut makepkg = Makepkg::new(self, self.pkgbuild("rust-toolchain", 1)?);
        makepkg.tarball = None;
        makepkg.path.push(lend(&self.rust.cargo, &self.cache)?);
        makepkg.builddir = self.cache.directory("build-toolchain", BUILDER)?;
        if let Some(rustc) = &self.rust.rustc {
            makepkg.set("_rustc", &rustc.display().to_string());
        }
        Ok(makepkg)
    }

    /// The Rust that builds the kernel and its modules. All pkgrels share it.
    pub fn toolchain(&self) -> Result<Kept> {
        let name = self.series.toolchain();
        let mut makepkg = self.toolchain_call()?;
        let key = makepkg.key()?;
        let kept = self.cache.keep(&name, &key, BUILDER, |packages| {
            self.progress.say(format!("Packaging {name}..."));
            makepkg.pkgdest = packages.to_owned();
            makepkg.run(&format!("packaging {name}"), &["--force", "--cleanbuild"])?;
            fs::remove_dir_all(&makepkg.builddir).context("remove", &makepkg.builddir)
        })?;
        if kept.made {
            self.progress.say(format!("Built {}", sizes(&kept.path)?));
        }
        Ok(kept)
    }

    /// Installs the toolchain where the kernel is built.
    pub fn install_toolchain(&self) -> Result<()> {
        let packages = packages(&self.toolchain()?.path)?;
        root::install(&packages, &self.cache, &self.progress)
    }

    /// What the packages of the kernel that it builds are named after.
    pub fn pkgbase(&self) -> String {
        self.series.pkgbase_with(CONFIG)
    }

    /// The call that builds the kernel, with all that is split off it.
    pub fn kernel_call(&self, pkgrel: u32) -> Result<Makepkg<'_>> {
        let mut makepkg = Makepkg::new(self, self.pkgbuild("linux-rust", pkgrel)?);
        makepkg.set("_config", CONFIG);
        if let Some(key) = self.signing_key()? {
            makepkg.set("_signing_key", &key.display().to_string());
        }
        Ok(makepkg)
    }

    /// The kernel, with all that is split off it.
    pub fn kernel(&self, pkgrel: u32) -> Result<Kept> {
        let pkgbase = self.pkgbase();
        let toolchain = self.toolchain()?;
        let mut makepkg = self.kernel_call(pkgrel)?;
        let mut key = makepkg.key()?;
        key.text("toolchain", &toolchain.key());
        let kept = self.cache.keep(&pkgbase, &key, BUILDER, |packages| {
            self.install_toolchain()?;
            self.progress
                .say(format!("Building {pkgbase}, pkgrel {pkgrel} (minutes)..."));
            // Without pkgrel: a tree that differs in nothing else is built on.
            let mut same = self.kernel_call(1)?.key()?;
            same.text("toolchain", &toolchain.key());
            let tree = Tree::claim(&makepkg.builddir.join(&pkgbase), &same)?;
            makepkg.start = self.pkgbuild("linux-rust", pkgrel)?;
            makepkg.pkgdest = packages.to_owned();
            // Everything lies in SRCDEST: nothing of it needs a network, but for kernel.org's.
            if makepkg.tarball.is_some() {
                makepkg.through = NO_NETWORK.map(str::to_owned).into();
            }
            // Without unpacking and prepare(), only what knows the release is built again.
            if !tree.usable {
                makepkg.run(&format!("preparing {pkgbase}"), &["--nobuild"])?;
            }
            makepkg.through = NO_NETWORK.map(str::to_owned).into();
            let log = self.cache.path(&format!("log/{}.log", makepkg.log_name()));
            let build = ["--force", "--noextract"];
            makepkg
                .program(&format!("building {pkgbase}"), &log, &build)?
                .run(&self.progress)?;
            tree.complete()
        })?;
        self.progress.say(format!(
            "{} {pkgbase}, pkgrel {pkgrel}: {}",
            if kept.made { "Built" } else { "Have" },
            sizes(&kept.path)?
        ));
        Ok(kept)
    }

    /// The headers' build directory, unpacked outside any system with the rustc and the sources that
    /// go with it: for programs that read them.
    pub fn headers(&self) -> Result<PathBuf> {
        let first = self.kernel(1)?;
        let mut found = packages(&first.path)?;
        found.retain(|path| {
            let parts = ["-headers", "-src"];
            parts.iter().any(|part| package_name(path).ends_with(part))
        });
        found.extend(packages(&self.toolchain()?.path)?);
        let mut key = Key::default();
        for package in &found {
            key.text("package", &file_hash(package)?);
        }
        let kept = self.cache.keep("headers", &key, 0, |directory| {
            let log = self.cache.log("headers")?;
            found.iter().try_for_each(|package| {
                Program::new("unpacking the headers", "bsdtar", &log)
                    .args([Path::new("-xf"), package, Path::new("-C"), directory])
                    .run(&self.progress)
            })
        })?;
        let modules = kept.path.join("usr/lib/modules");
        let release = fs::read_dir(&modules)
            .context("read", &modules)?
            .flatten()
            .next();
        Ok(release
            .map_or(modules, |release| release.path())
            .join("build"))
    }

    /// The DKMS package.
    pub fn dkms(&self) -> Result<Kept> {
        self.package("rust-out-of-tree-dkms")
    }

    /// A package that is the same for every series.
    pub fn package(&self, name: &str) -> Result<Kept> {
        let mut makepkg = Makepkg::new(self, self.pkgbuild(name, 1)?);
        let key = makepkg.key()?;
        self.cache.keep(name, &key, BUILDER, |packages| {
            self.progress.say(format!("Building {name}..."));
            makepkg.pkgdest = packages.to_owned();
            makepkg.run(&format!("building {name}"), &["--force", "--cleanbuild"])
        })
    }

    /// A copy of a package's directory for the builder, links followed, with its `pkgrel` set. Of the
    /// series it has only this one, so that no other's changes build this one again.
    pub fn pkgbuild(&self, name: &str, pkgrel: u32) -> Result<PathBuf> {
        let to = format!("pkgbuild/{name}");
        let to = self.cache.empty_directory(&to, BUILDER)?;
        copy_package(name, &self.series, &to)?;
        for file in fs::read_dir(&to).context("read", &to)?.flatten() {
            chown(file.path(), Some(BUILDER), None).context("give away", file.path())?;
        }
        let path = to.join("PKGBUILD");
        let text = fs::read_to_string(&path).context("read", &path)?;
        let line = text
            .lines()
            .find(|line| line.starts_with("pkgrel="))
            .unwrap_or("pkgrel=");
        let text = text.replacen(line, &format!("pkgrel={pkgrel}"), 1);
        fs::write(&path, text).context("write", &path)?;
        Ok(to)
    }
}

/// Copies a package's directory of this repository, links followed. Of the series it has only this
/// one, which is the default then.
pub fn copy_package(name: &str, series: &Series, to: &Path) -> Result<()> {
    let from = repository().join(name);
    let of_others = |name: &str| name.starts_with("headers-rust-") && name != series.patch();
    for file in fs::read_dir(&from).context("read", &from)?.flatten() {
        // Directories are what builds have left behind.
        if file.path().is_file() && !of_others(&file.file_name().to_string_lossy()) {
            fs::copy(file.path(), to.join(file.file_name())).context("copy", file.path())?;
        }
    }
    for table in ["series", "releases"].map(|name| to.join(name)) {
        if let Ok(text) = fs::read_to_string(&table) {
            let of_it = |line: &&str| line.split_whitespace().next() == Some(&series.name);
            let rows: Vec<_> = text.lines().filter(of_it).collect();
            fs::write(&table, format!("{}\n", rows.join("\n"))).context("write", &table)?;
        }
    }
    Ok(())
}

/// Only a build from nothing needs it all; what is there already has been paid for.
fn require_space(cache: &Cache, series: &Series) -> Result<()> {
    let path = cache.path("");
    let space = statvfs(&path).context("look at", &path)?;
    let free = space.blocks_available() * space.fragment_size();
    let has_tree = cache
        .path(&format!("build/{}/.tree", series.pkgbase_with(CONFIG)))
        .exists();
    let needs = if has_tree {
        NEEDS_BYTES / 4
    } else {
        NEEDS_BYTES
    };
    if free < needs {
        Err(Error::NoSpace { path, free, needs })
    } else {
        Ok(())
    }
}

/// Prints the path of the unpacked headers of each series, built if need be.
pub fn print_headers(series: Option<&str>) -> Result<()> {
    let rows = series::chosen(series)?;
    let progress = Progress::beside_an_answer();
    let site = Site::open(root::enter(&progress)?, progress)?;
    for row in rows {
        println!("{}", Workshop::new(&site, row)?.headers()?.display());
    }
    Ok(())
}

/// Runs a command in the workshop's root, with the tools that building needs, and ends with its exit
/// status.
pub fn exec(command: &[OsString]) -> Result<()> {
    let progress = Progress::beside_an_answer();
    let directory = env::current_dir();
    let cache = root::enter(&progress)?;
    let held = cache.root().to_owned();
    let _site = Site::open(cache, progress)?;
    let (program, arguments) = command.split_first().expect("clap wants one");
    let mut command = Command::new(program);
    command.args(arguments).env(HELD, &held).env(CACHE, &held);
    if let Some(directory) = directory.ok().filter(|directory| directory.is_dir()) {
        command.current_dir(directory);
    }
    let status = command.status().map_err(|source| Error::Spawn {
        program: program.to_string_lossy().into_owned(),
        source,
        path: env::var("PATH").unwrap_or_default(),
    })?;
    exit(status.code().unwrap_or(1))
}
