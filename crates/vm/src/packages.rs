// SPDX-License-Identifier: MIT OR Apache-2.0

//! The packages, made by the real makepkg as an unprivileged user.

use std::{
    env,
    fs::{self, File},
    os::unix::fs::{OpenOptionsExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::sys::statvfs::statvfs;

use crate::{
    cache::{Cache, Kept, Key, file_hash},
    error::{Context, Error, Result},
    files::mib,
    host::{self, BUILDER, Distribution, Rust},
    root,
    run::{Program, Progress, answer},
    series::{self, Series},
    source::{self, Tarball},
};

/// A build of the `vm` configuration takes 3 GB, the toolchain 2, packages the rest.
const NEEDS_BYTES: u64 = 6 << 30;

/// What the packages and everything in them are dated: a build today and one tomorrow are the same.
const SOURCE_DATE_EPOCH: &str = "1735689600";

/// Runs what follows it where there is no network, not even a loopback that is up.
pub const NO_NETWORK: [&str; 2] = ["unshare", "--net"];

/// What a program is started through, so that it and all that it starts end with who started it.
/// Options of `unshare` can follow.
pub const ENDS_WITH_US: [&str; 7] = [
    "setpriv",
    "--pdeathsig=KILL",
    "unshare",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// Who makes packages on the test machine. makepkg's own "Unknown Packager" has no address, and Arch's
/// reader of packages refuses it.
pub const PACKAGER: &str = "The linux-rust test machine <packager@linux-rust.example>";

/// This repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/vm/ lies in it")
        .to_owned()
}

/// All that stays the same between the builds of one run.
#[derive(Debug)]
pub struct Workshop {
    /// What is kept.
    pub cache: Arc<Cache>,
    /// Which kernel.
    pub series: Series,
    /// The clock.
    pub progress: Progress,
    /// Whose package manager this is.
    pub distribution: Distribution,
    /// A tarball, where kernel.org cannot be reached.
    pub tarball: Option<Tarball>,
    /// What the toolchain's package is made with.
    pub rust: Rust,
    /// The programs of an LLVM, where the one in PATH is too old.
    pub llvm: Option<PathBuf>,
}

/// What every series' workshop stands on: the cache, and the tools.
#[derive(Debug)]
pub struct Site {
    distribution: Distribution,
    /// What is kept.
    pub cache: Arc<Cache>,
    progress: Progress,
}

impl Site {
    /// Gets the tools that building needs.
    pub fn open(cache: Cache, progress: Progress) -> Result<Self> {
        let distribution = Distribution::detect()?;
        let cache = Arc::new(cache);
        host::install_missing(host::NEEDED, distribution, &cache, &progress)?;
        Ok(Self {
            distribution,
            cache,
            progress,
        })
    }

    /// Gets what this series needs besides: sources, a clang that it takes, a way to its rustc.
    pub fn workshop(&self, series: Series) -> Result<Workshop> {
        Workshop::of(
            series,
            self.distribution,
            Arc::clone(&self.cache),
            self.progress,
        )
    }
}

impl Workshop {
    /// For the default series.
    pub fn open(cache: Cache, progress: Progress) -> Result<Self> {
        let site = Site::open(cache, progress)?;
        site.workshop(series::chosen(None)?.remove(0))
    }

    /// The same for another series.
    pub fn for_series(&self, series: Series) -> Result<Self> {
        Self::of(
            series,
            self.distribution,
            Arc::clone(&self.cache),
            self.progress,
        )
    }

    fn of(
        series: Series,
        distribution: Distribution,
        cache: Arc<Cache>,
        progress: Progress,
    ) -> Result<Self> {
        require_space(&cache, &series)?;
        let tarball = source::find(&series.name, distribution, &cache, &progress)?;
        let llvm = series::llvm(&series, distribution, &cache, &progress)?;
        let rust = host::rust(&series.rustc, distribution, &cache, &progress)?;
        Ok(Self {
            cache,
            series,
            progress,
            distribution,
            tarball,
            rust,
            llvm,
        })
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

    /// The call that builds the kernel, with all that is split off it.
    pub fn kernel_call(&self, pkgrel: u32) -> Result<Makepkg<'_>> {
        let mut makepkg = Makepkg::new(self, self.pkgbuild("linux-rust", pkgrel)?);
        makepkg.set("_config", "vm");
        if let Some(key) = self.signing_key()? {
            makepkg.set("_signing_key", &key.display().to_string());
        }
        Ok(makepkg)
    }

    /// The kernel, with all that is split off it.
    pub fn kernel(&self, pkgrel: u32) -> Result<Kept> {
        let pkgbase = &self.series.pkgbase;
        let toolchain = self.toolchain()?;
        let mut makepkg = self.kernel_call(pkgrel)?;
        let mut key = makepkg.key()?;
        key.text("toolchain", &toolchain.path.display().to_string());
        let kept = self.cache.keep(pkgbase, &key, BUILDER, |packages| {
            self.install_toolchain()?;
            self.progress
                .say(format!("Building {pkgbase}, pkgrel {pkgrel} (minutes)..."));
            // Without pkgrel: a tree that differs in nothing else is built on.
            let mut same = self.kernel_call(1)?.key()?;
            same.text("toolchain", &toolchain.path.display().to_string());
            let tree = Tree::claim(&makepkg.builddir.join(pkgbase), &same)?;
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
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ["-headers", "-src"]
                .iter()
                .any(|part| package_name(&name).ends_with(part))
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
        let name = "rust-out-of-tree-dkms";
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
        let to = self.cache.directory(&format!("pkgbuild/{name}"), BUILDER)?;
        fs::remove_dir_all(&to).context("remove", &to)?;
        let to = self.cache.directory(&format!("pkgbuild/{name}"), BUILDER)?;
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
        .path(&format!("build/{}/.tree", series.pkgbase))
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

/// One call of makepkg.
#[derive(Debug)]
pub struct Makepkg<'a> {
    workshop: &'a Workshop,
    /// The directory of the PKGBUILD.
    pub start: PathBuf,
    /// BUILDDIR.
    pub builddir: PathBuf,
    /// PKGDEST.
    pub pkgdest: PathBuf,
    /// Sources that are downloaded, or put there before.
    pub srcdest: PathBuf,
    /// Directories of programs that go before all others.
    pub path: Vec<PathBuf>,
    /// Who runs it; its directories are given to them.
    pub user: u32,
    /// What it is run through, as root: `unshare --net`.
    pub through: Vec<String>,
    /// Whether signatures are checked: their keys are not on every machine, and Debian's sources
    /// have none.
    pub signatures: bool,
    /// The kernel's sources, where makepkg is not to fetch them.
    pub tarball: Option<Tarball>,
    settings: Vec<(String, String)>,
}

impl<'a> Makepkg<'a> {
    /// In the workshop's directories, with its kernel sources and its way to rustc.
    pub fn new(workshop: &'a Workshop, start: PathBuf) -> Self {
        let cache = &workshop.cache;
        Self {
            workshop,
            start,
            builddir: cache.path("build"),
            pkgdest: cache.path("packages"),
            srcdest: cache.path("sources"),
            path: workshop.llvm.iter().cloned().collect(),
            user: BUILDER,
            through: Vec::new(),
            signatures: false,
            tarball: workshop.tarball.clone(),
            settings: Vec::new(),
        }
    }

    /// Where makepkg unpacks and builds, `$srcdir`.
    pub fn src(&self) -> PathBuf {
        let pkgbase = &self.workshop.series.pkgbase;
        self.builddir.join(pkgbase).join("src")
    }

    /// Sets an option of the PKGBUILD, or any variable.
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        self.unset(key);
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Takes a setting back.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        self.settings.retain(|(name, _)| name != key);
        self
    }

    /// The content that the packages are made from: what lies beside the PKGBUILD, the options,
    /// the tarball by its hash, and the compilers by what they say of themselves.
    pub fn key(&self) -> Result<Key> {
        let mut key = Key::default();
        key.directory(&self.start)?;
        for (name, value) in &self.settings {
            match &**name {
                "_signing_key" => {
                    key.text(name, &file_hash(Path::new(value))?);
                }
                _ => {
                    key.text(name, value);
                }
            }
        }
        for program in ["clang", "ld.lld", "makepkg", "pahole"] {
            let program = match program {
                "clang" | "ld.lld" => self.workshop.llvm_program(program),
                _ => program.to_owned(),
            };
            key.text(&program, &answer(&program, ["--version"]));
        }
        if let Some(Tarball { sha256, .. }) = &self.tarball {
            key.text("tarball", sha256);
        }
        key.text("date", SOURCE_DATE_EPOCH);
        key.text("packager", PACKAGER);
        Ok(key)
    }

    /// Runs it. The log is named after the PKGBUILD's directory.
    pub fn run(&self, what: &str, options: &[&str]) -> Result<()> {
        let log = self.workshop.cache.log(&self.log_name())?;
        self.program(what, &log, options)?
            .run(&self.workshop.progress)
    }

    fn log_name(&self) -> String {
        let name = self.start.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The PKGBUILD's own call of make, with the same flags, in a tree that was prepared in `src`.
    pub fn make(&self, what: &str, log: &Path, src: &Path, target: &str) -> Result<Program> {
        let mut makepkg = self.program(what, log, &[])?;
        let command = makepkg.command();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let environment: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        // Everything before it makes the process the builder's.
        let before = arguments.iter().position(|argument| argument == "makepkg");
        let script = "error() { printf >&2 \"$@\"; }; plainerr() { error \"$@\"; }; \
                      source ./PKGBUILD; srcdir=$1; CARCH=x86_64; cd \"$1/$_srcname\" && _make \"$2\"";
        let mut make = Program::new(what, "setpriv", log)
            .args(&arguments[..before.unwrap_or(arguments.len())])
            .args(["bash", "-euc", script, "bash"])
            .args([src])
            .args([target]);
        make.command()
            .env_clear()
            .envs(environment)
            .current_dir(&self.start);
        Ok(make)
    }

    /// The call, ready to be run: as the user, with nothing of this environment, and so that it
    /// and all that it started end with this program, however that ends. (Twice `--pdeathsig`:
    /// changing the user clears it.)
    pub fn program(&self, what: &str, log: &Path, options: &[&str]) -> Result<Program> {
        let Workshop { cache, .. } = self.workshop;
        let user = self.user;
        let home = cache.directory(
            if user == BUILDER {
                "home"
            } else {
                "home-of-another"
            },
            user,
        )?;
        for directory in [&self.builddir, &self.pkgdest, &self.srcdest] {
            fs::create_dir_all(directory).context("create", directory)?;
            chown(directory, Some(user), Some(user)).context("give away", directory)?;
        }
        if let Some(tarball) = &self.tarball {
            tarball.place(&self.srcdest)?;
        }
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut program = Program::new(what, ENDS_WITH_US[0], log)
            .args(&ENDS_WITH_US[1..])
            .args(&self.through)
            .args(["setpriv", "--clear-groups", "--pdeathsig=KILL"])
            .args([format!("--reuid={user}"), format!("--regid={user}")])
            // The database of Debian's pacman is empty: dependencies are `host::NEEDED`.
            .args(["makepkg", "--nodeps", "--nocolor", "--noconfirm"])
            .args((!self.signatures).then_some("--skippgpcheck"))
            .args(options);
        let command = program.command();
        command.current_dir(&self.start).env_clear().envs([
            (
                "PATH",
                self.path
                    .iter()
                    .map(|directory| directory.display().to_string())
                    .chain(["/usr/local/bin:/usr/bin:/bin".to_owned()])
                    .collect::<Vec<_>>()
                    .join(":"),
            ),
            ("HOME", home.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("BUILDDIR", self.builddir.display().to_string()),
            ("PKGDEST", self.pkgdest.display().to_string()),
            ("SRCDEST", self.srcdest.display().to_string()),
            ("PKGEXT", ".pkg.tar.zst".to_owned()),
            ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH.to_owned()),
            ("PACKAGER", PACKAGER.to_owned()),
            ("MAKEFLAGS", format!("-j{jobs}")),
        ]);
        // Another point release than the row's has no hash there.
        if let Some(tarball) = &self.tarball {
            command.env("_release", &tarball.version);
        }
        // Where cargo fetches from, and through what, is the machine's to say.
        for (name, value) in env::vars_os() {
            let known = name.to_string_lossy();
            if known.to_lowercase().ends_with("_proxy") || known.starts_with("SSL_CERT_") {
                command.env(name, value);
            }
        }
        command.envs(self.settings.iter().cloned());
        Ok(program)
    }
}

/// Makes a toolchain's `bin`, which may be root's, visible to the builder, by a mount that ends with
/// this process.
pub fn lend(directory: &Path, cache: &Cache) -> Result<PathBuf> {
    use nix::mount::{MsFlags, mount};
    let toolchain = directory.parent().unwrap_or(directory);
    let place = cache.directory("toolchain", 0)?;
    if !place.join("bin").exists() {
        mount(
            Some(toolchain),
            &place,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )
        .context("mount", &place)?;
    }
    Ok(place.join("bin"))
}

/// Makes a key for signing modules and its certificate, in one file that is its owner's alone.
pub fn make_signing_key(to: &Path, name: &str, cache: &Cache) -> Result<()> {
    // openssl leaves the mode of a file that is there.
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(to).context("create", to)?;
    Program::new("making a key", "openssl", &cache.log("signing-key")?)
        .args([
            "req", "-new", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "36500",
        ])
        .args(["-subj", &format!("/{name}/")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "keyUsage=digitalSignature"])
        .args([Path::new("-keyout"), to, Path::new("-out"), to])
        .run(&Progress::default())
}

/// A build tree that is built on only if its last build was of the same inputs, and came to its end.
struct Tree {
    mark: PathBuf,
    inputs: String,
    usable: bool,
}

impl Tree {
    fn claim(builddir: &Path, inputs: &Key) -> Result<Self> {
        let mark = builddir.join(".tree");
        let inputs = inputs.to_string();
        let usable = fs::read_to_string(&mark).is_ok_and(|text| text == inputs);
        // Whoever is killed from here on leaves a tree that is not trusted.
        if mark.exists() {
            fs::remove_file(&mark).context("remove", &mark)?;
        }
        if !usable {
            for entry in fs::read_dir(builddir.join("src"))
                .into_iter()
                .flatten()
                .flatten()
            {
                if entry.file_name().to_string_lossy().starts_with("linux-") {
                    let remove = if entry.path().is_dir() && !entry.path().is_symlink() {
                        fs::remove_dir_all(entry.path())
                    } else {
                        fs::remove_file(entry.path())
                    };
                    remove.context("remove", entry.path())?;
                }
            }
        }
        Ok(Self {
            mark,
            inputs,
            usable,
        })
    }

    fn complete(self) -> Result<()> {
        fs::write(&self.mark, &self.inputs).context("write", &self.mark)
    }
}

/// Prints the path of the unpacked headers of each series, built if need be.
pub fn print_headers(series: Option<&str>) -> Result<()> {
    let rows = series::chosen(series)?;
    let progress = Progress::beside_an_answer();
    let site = Site::open(root::enter(&progress)?, progress)?;
    for row in rows {
        println!("{}", site.workshop(row)?.headers()?.display());
    }
    Ok(())
}

/// The package files in a directory, by name.
pub fn packages(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut packages: Vec<_> = fs::read_dir(directory)
        .context("read", directory)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".pkg.tar.zst"))
        .collect();
    packages.sort();
    Ok(packages)
}

/// Those of a kernel's packages that booting it and building modules for it needs: not the sources,
/// which editors read, nor the documentation.
pub fn for_modules(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = packages(directory)?;
    packages.retain(|path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = package_name(&file);
        !name.ends_with("-src") && !name.ends_with("-rustdoc")
    });
    Ok(packages)
}

/// "linux-rust-lts61 2.9 MiB, linux-rust-lts61-headers 29.4 MiB"
fn sizes(directory: &Path) -> Result<String> {
    let lines: Vec<_> = packages(directory)?
        .iter()
        .map(|path| size_line(path))
        .collect();
    Ok(lines.join(", "))
}

/// "linux-rust-lts61-headers 29.4 MiB"
fn size_line(path: &Path) -> String {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let bytes = File::open(path)
        .and_then(|file| file.metadata())
        .map_or(0, |meta| meta.len());
    format!("{} {:.1} MiB", package_name(&name), mib(bytes))
}

/// The name in `NAME-VERSION-PKGREL-ARCH.pkg.tar.zst`.
pub fn package_name(file: &str) -> &str {
    file.rsplitn(4, '-').last().unwrap_or(file)
}

/// Makes a file executable for all.
pub fn make_executable(path: &Path) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).context("open", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        let mut key = Key::default();
        key.text("text", text);
        key
    }

    #[test]
    fn a_tree_is_built_on_only_after_a_whole_build_of_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (build, tree) = (directory.path(), directory.path().join("src/linux-6.1.1"));
        let claim = |text| Tree::claim(build, &key(text)).unwrap();
        let built = || {
            fs::create_dir_all(&tree).unwrap();
        };

        assert!(!claim("a").usable);
        built();
        // That build was killed: nothing was completed.
        assert!(!claim("a").usable);
        assert!(!tree.exists());

        let claimed = claim("a");
        built();
        claimed.complete().unwrap();
        assert!(claim("a").usable);
        assert!(tree.exists());
        // Claimed once and not completed.
        assert!(!claim("a").usable);

        let claimed = claim("a");
        built();
        claimed.complete().unwrap();
        assert!(!claim("b").usable, "other inputs");
        assert!(!tree.exists());
    }

    #[test]
    fn package_names_are_read_from_files() {
        assert_eq!(
            package_name("linux-rust-lts61-6.1.192-1-x86_64.pkg.tar.zst"),
            "linux-rust-lts61"
        );
        assert_eq!(
            package_name("rust-out-of-tree-dkms-1.0-1-any.pkg.tar.zst"),
            "rust-out-of-tree-dkms"
        );
    }
}
