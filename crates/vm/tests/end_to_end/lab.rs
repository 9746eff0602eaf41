// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the tests share: the packages, and a machine where they are installed.

use std::{
    collections::BTreeSet,
    env, fmt, fs,
    ops::Deref,
    os::unix::fs::chown,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc, LazyLock, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use kernel_boot::{Boot, Verdict};
use libtest_mimic::{Failed, Trial};
use vm::{
    Result,
    cache::{Kept, Key, file_hash},
    demo,
    error::Context,
    host::{self, BUILDER},
    machine::Machine,
    makepkg::Makepkg,
    package_files::{for_modules, package_name, packages, packages_of},
    root,
    run::{Program, Progress},
    series,
    source::{self, Tarball},
    suite,
    workshop::Workshop,
};

/// What the tests share, each part made when the first test asks for it: where one cannot be made,
/// the tests that need it fail, and no others.
pub struct Lab {
    pub clock: Clock,
    /// Rows of the table that `make flavours` ends with.
    pub flavours: Mutex<Vec<String>>,
    pub shop: Arc<Workshop>,
    /// The Rust of the default series.
    pub toolchain: Lazy<Kept>,
    /// pkgrel 1.
    pub first: Lazy<Kept>,
    /// pkgrel 2.
    pub second: Lazy<Kept>,
    pub dkms: Lazy<Kept>,
    /// With pkgrel 1, without its sources and documentation, and the DKMS package. Tests work on
    /// copies of it.
    pub installed: Lazy<Machine>,
    /// Its kernel.
    pub release: Lazy<String>,
    series: OnceLock<Vec<Workshop>>,
    each_installed: OnceLock<Vec<Machine>>,
    /// Of this run.
    unpacked: Mutex<BTreeSet<String>>,
}

/// A part of the lab.
pub struct Lazy<T>(Arc<LazyLock<Made<T>, Maker<T>>>);

/// What was made, or why it could not be.
type Made<T> = std::result::Result<T, String>;
type Maker<T> = Box<dyn FnOnce() -> Made<T> + Send>;

impl<T> Lazy<T> {
    fn new(make: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        let make = || make().map_err(|error| error.to_string());
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }
}

impl<T> Deref for Lazy<T> {
    type Target = T;

    /// Fails the test that asks, where it could not be made.
    fn deref(&self) -> &T {
        self.0
            .as_ref()
            .as_ref()
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

impl<T: fmt::Display> fmt::Display for Lazy<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

/// A test: it gets the lab, which is there unless tests are only listed.
pub type Test = fn(&Lab) -> std::result::Result<(), Failed>;

/// Whether a test is run here. Where it is not, it is shown as ignored.
pub type Wanted = fn(Option<&Lab>) -> bool;

/// The trials of a module are functions of the same names, some with a condition: `test => Wanted`.
macro_rules! trials {
    ($($test:ident $(=> $wanted:expr)?),* $(,)?) => {
        pub fn trials(lab: Option<&std::sync::Arc<crate::lab::Lab>>) -> Vec<libtest_mimic::Trial> {
            let tests: &[(&str, crate::lab::Test, Option<crate::lab::Wanted>)] =
                &[$((stringify!($test), $test, None$(.or(Some($wanted as crate::lab::Wanted)))?)),*];
            crate::lab::trials_of(lab, tests)
        }
    };
}
pub(crate) use trials;

/// Whether these tests are wanted at all, which need root, QEMU and time: `make test` sets it.
pub fn are_wanted() -> bool {
    env::var_os("LINUX_RUST_TEST").is_some()
}

/// Whether every series is tested, and not the default alone: `make test SERIES=all`.
pub fn all_series() -> bool {
    env::var_os("LINUX_RUST_TEST").is_some_and(|value| value == "all")
}

/// What takes as long as building a kernel is wanted by `make test-all`.
pub fn slow(_: Option<&Lab>) -> bool {
    suite::all_trials()
}

/// What needs another series than the default is wanted where all are tested.
pub fn of_all_series(_: Option<&Lab>) -> bool {
    all_series()
}

pub fn slow_of_all_series(_: Option<&Lab>) -> bool {
    suite::all_trials() && all_series()
}

/// Makes trials of tests.
pub fn trials_of(lab: Option<&Arc<Lab>>, tests: &[(&str, Test, Option<Wanted>)]) -> Vec<Trial> {
    let trial = |&(name, test, wanted): &(&str, Test, Option<Wanted>)| {
        let is_wanted = wanted.is_none_or(|wanted| wanted(lab.map(|lab| &**lab)));
        trial(lab, name, test).with_ignored_flag(!is_wanted)
    };
    tests.iter().map(trial).collect()
}

/// A trial that tells how long it takes.
pub fn trial(
    lab: Option<&Arc<Lab>>,
    name: &str,
    test: impl FnOnce(&Lab) -> std::result::Result<(), Failed> + Send + 'static,
) -> Trial {
    let (lab, label) = (lab.cloned(), name.to_owned());
    Trial::test(name, move || {
        let lab = lab.expect("a lab, unless tests are only listed");
        lab.clock.time(label, || test(&lab))
    })
}

/// How long the trials took, and how many are left.
#[derive(Default)]
pub struct Clock {
    to_run: AtomicUsize,
    took: Mutex<Vec<(Duration, String)>>,
}

impl Clock {
    /// Sets how many will be run.
    pub fn expect(&self, trials: usize) {
        self.to_run.store(trials, Ordering::Relaxed);
    }

    fn time<T>(&self, name: String, test: impl FnOnce() -> T) -> T {
        let began = self.took.lock().expect("nothing panics with it").len() + 1;
        println!("{began} of {}", self.to_run.load(Ordering::Relaxed));
        let start = Instant::now();
        // It counts when it panics, too.
        let outcome = panic::catch_unwind(AssertUnwindSafe(test));
        let time = start.elapsed();
        self.took
            .lock()
            .expect("nothing panics with it")
            .push((time, name));
        print!("    {:.1} s: ", time.as_secs_f64());
        outcome.unwrap_or_else(|panic| panic::resume_unwind(panic))
    }

    /// The ten that took longest, a line each.
    pub fn slowest(&self) -> String {
        let mut took = self.took.lock().expect("nothing panics with it").clone();
        took.sort_by(|one, other| other.cmp(one));
        let lines = took
            .iter()
            .take(10)
            .map(|(time, name)| format!("{:8.1} s  {name}\n", time.as_secs_f64()));
        lines.collect()
    }
}

impl Lab {
    pub fn open() -> Result<Self> {
        let progress = Progress::default();
        let cache = root::enter(&progress)?;
        kernel_boot::init().map_err(vm::Error::from)?;
        let shop = Arc::new(Workshop::open(cache, progress)?);
        shop.install_missing(host::NEEDED_BY_TESTS)?;
        let of_shop = |make: fn(&Workshop) -> Result<Kept>| {
            let shop = Arc::clone(&shop);
            Lazy::new(move || make(&shop))
        };
        let owned = Arc::clone(&shop);
        let installed = Lazy::new(move || {
            let installed = Machine::new(&owned.cache)?;
            let mut all = for_modules(&owned.kernel(1)?.path)?;
            all.extend(packages_of([
                &owned.toolchain()?,
                &owned.dkms()?,
                &owned.package("keep-kernel")?,
            ])?);
            let log = owned.cache.log("test-pacman")?;
            installed.pacman_upgrade(&all, &log, &owned.progress)?;
            Ok(installed)
        });
        let same = Lazy(Arc::clone(&installed.0));
        Ok(Self {
            clock: Clock::default(),
            flavours: Mutex::default(),
            toolchain: of_shop(Workshop::toolchain),
            first: of_shop(|shop| shop.kernel(1)),
            second: of_shop(|shop| shop.kernel(2)),
            dkms: of_shop(Workshop::dkms),
            installed,
            release: Lazy::new(move || same.kernel()),
            shop,
            series: OnceLock::new(),
            each_installed: OnceLock::new(),
            unpacked: Mutex::default(),
        })
    }

    /// The series that are tested, the default first.
    pub fn series(&self) -> Result<&[Workshop]> {
        once(&self.series, || {
            let rows = series::chosen(all_series().then_some("all"))?.into_iter();
            rows.map(|row| Workshop::new(&self.shop, row)).collect()
        })
    }

    /// The newest of the series that are tested.
    pub fn newest(&self) -> Result<&Workshop> {
        Ok(self.series()?.last().expect("a row"))
    }

    /// The LLVM that the newest series is built with, whichever series are tested; none where that is
    /// the one in PATH.
    pub fn newest_llvm(&self) -> Result<Option<PathBuf>> {
        let rows = series::chosen(Some("all"))?;
        series::llvm(rows.last().expect("a row"), &self.shop)
    }

    /// For each series a machine with its packages and the LLVM that built them, for one test.
    pub fn each_series(&self) -> Result<Vec<(&Workshop, Machine)>> {
        let installed = once(&self.each_installed, || {
            let install = |shop: &Workshop| {
                let machine = shop.machine()?;
                let all = packages_of([&shop.toolchain()?, &shop.kernel(1)?])?;
                self.pacman(&machine, "each-series", &all)?;
                Ok(machine)
            };
            self.series()?.iter().map(install).collect()
        })?;
        let copies = installed
            .iter()
            .map(|machine| machine.copy(&self.shop.cache));
        let with_shop = self.series()?.iter().zip(copies);
        with_shop.map(|(shop, copy)| Ok((shop, copy?))).collect()
    }

    /// The files of a package of a build, in a directory that has nothing else, for tests that only read
    /// them.
    pub fn unpacked(&self, kept: &Path, name: &str) -> std::result::Result<PathBuf, Failed> {
        let directory = self.shop.cache.directory("test-unpacked", 0)?.join(name);
        let mut unpacked = self.unpacked.lock().expect("nothing panics with it");
        if !unpacked.contains(name) {
            unpack(&package(kept, name)?, &directory)?;
            unpacked.insert(name.to_owned());
        }
        Ok(directory)
    }

    /// A machine with everything installed, for one test.
    pub fn machine(&self) -> Result<Machine> {
        self.installed.copy(&self.shop.cache)
    }

    /// A machine with nothing of ours.
    pub fn bare_machine(&self) -> Result<Machine> {
        Machine::new(&self.shop.cache)
    }

    /// `pacman -U`, and what it and its hooks said.
    pub fn pacman(&self, machine: &Machine, name: &str, files: &[PathBuf]) -> Result<String> {
        let log = self.shop.cache.log(&format!("test-{name}"))?;
        machine.pacman_upgrade(files, &log, &self.shop.progress)?;
        Ok(fs::read_to_string(&log).unwrap_or_default())
    }

    /// What makepkg has built, installed with the DKMS package on a machine with nothing else of ours,
    /// and booted there: the module was loaded.
    pub fn booted(
        &self,
        shop: &Workshop,
        makepkg: &Makepkg,
        name: &str,
    ) -> std::result::Result<(Machine, String), Failed> {
        let mut all = packages(&shop.toolchain()?.path)?;
        all.extend(packages(&makepkg.pkgdest)?);
        self.booted_with(shop, all, name)
    }

    /// The same with these packages.
    pub fn booted_with(
        &self,
        shop: &Workshop,
        mut all: Vec<PathBuf>,
        name: &str,
    ) -> std::result::Result<(Machine, String), Failed> {
        let machine = shop.machine()?;
        all.extend(packages(&self.dkms.path)?);
        self.pacman(&machine, name, &all)?;
        let kernel = machine.kernel()?;
        let boot = demo::boot_installed(shop, &machine, name, &kernel, "")?;
        assert!(matches!(boot.verdict, Verdict::Good), "{}", boot.verdict);
        Ok((machine, kernel))
    }

    /// The module that DKMS has built for the kernel, made one of another kernel.
    pub fn foreign_module(&self, machine: &Machine) -> std::result::Result<Vec<u8>, Failed> {
        let modules = machine.module_files(&self.release, demo::MODULE)?;
        let mut elf = content(modules.last().ok_or("a file")?)?;
        // The same length, so that the ELF file stays whole.
        let (from, to) = (b"vermagic=6.1.", b"vermagic=6.9.");
        let at = elf.windows(from.len()).position(|bytes| bytes == from);
        let at = at.ok_or("a vermagic")?;
        elf[at..at + to.len()].copy_from_slice(to);
        Ok(elf)
    }

    /// What `module.sig_enforce=1` does to the kernel that runs, this does to one that is not.
    pub fn force_signatures(&self, machine: &Machine) -> Result<()> {
        for file in [".config", "include/config/auto.conf"] {
            let file = format!("{}/{file}", self.kdir());
            let config = fs::read_to_string(machine.path(&file)).context("read", &file)?;
            machine.write(&file, &format!("{config}CONFIG_MODULE_SIG_FORCE=y\n"))?;
        }
        Ok(())
    }

    /// The headers' directory, as seen inside a machine.
    pub fn kdir(&self) -> String {
        format!("/usr/lib/modules/{}/build", self.release)
    }

    /// The packages of a build whose names are among these.
    pub fn some(&self, kept: &Kept, names: &[&str]) -> Result<Vec<PathBuf>> {
        let mut found = packages(&kept.path)?;
        found.retain(|path| names.contains(&package_name(path)));
        Ok(found)
    }

    /// The Rust of a series, unpacked: its sysroot.
    pub fn rust_of(&self, shop: &Workshop) -> std::result::Result<PathBuf, Failed> {
        let name = shop.series.toolchain();
        let package = self.unpacked(&shop.toolchain()?.path, &name)?;
        Ok(package.join("usr/lib").join(name))
    }

    /// A kernel with more options than `config.vm` has, kept under this name. `set` sets those of the
    /// PKGBUILD.
    pub fn kernel_with(
        &self,
        name: &str,
        shop: &Workshop,
        pkgrel: u32,
        more: &str,
        set: &[(&str, &str)],
    ) -> Result<Kept> {
        let mut makepkg = Makepkg::new(shop, shop.pkgbuild("linux-rust", pkgrel)?);
        let base = makepkg.start.join("config.vm");
        let options = fs::read_to_string(&base).context("read", &base)? + more;
        fs::write(&base, options).context("write", &base)?;
        makepkg.set("_config", "vm");
        for (option, value) in set {
            makepkg.set(option, value);
        }
        let mut key = makepkg.key()?;
        key.text("toolchain", &shop.toolchain()?.key());
        shop.cache.keep(name, &key, BUILDER, |packages| {
            shop.install_toolchain()?;
            makepkg.builddir = shop.cache.directory("test-kernel-with", BUILDER)?;
            makepkg.pkgdest = packages.to_owned();
            shop.progress.say(format!("Building {name} (minutes)..."));
            makepkg.run(&format!("building {name}"), &["--force", "--cleanbuild"])
        })
    }

    /// makepkg in a build directory of the tests' own.
    pub fn makepkg(&self, start: PathBuf) -> Result<Makepkg<'_>> {
        self.makepkg_in("test-build", start)
    }

    /// makepkg with as much of the kernel as its configuration is made from: what stops in
    /// `prepare()`, or ends there, needs no more, and is unpacked in a second.
    pub fn configuring(&self, start: PathBuf) -> Result<Makepkg<'_>> {
        let shop = &self.shop;
        let whole = match &shop.tarball {
            Some(tarball) => tarball.clone(),
            None => {
                let path = source::tarball(&shop.series, shop)?;
                let sha256 = file_hash(&path)?;
                let version = shop.series.release.clone();
                Tarball {
                    path,
                    version,
                    sha256,
                }
            }
        };
        let mut key = Key::default();
        // And what the patches change besides.
        let parts = [
            "Kconfig*",
            "Makefile*",
            "Kbuild*",
            "scripts/*",
            "rust/*",
            "libbpf.c",
        ];
        key.text("of", &whole.sha256)
            .text("parts", &parts.join(","));
        let name = whole.path.file_name().unwrap_or_default();
        let kept = shop.cache.keep("test-configurable", &key, 0, |directory| {
            let log = shop.cache.log("test-configurable")?;
            Program::new("packing what configuring reads", "bsdtar", &log)
                .args(["--create", "--auto-compress", "--file"])
                .args([directory.join(name)])
                .args(parts.map(|part| format!("--include=*/{part}")))
                .args([format!("@{}", whole.path.display())])
                .run(&shop.progress)
        })?;
        let path = kept.path.join(name);
        let mut makepkg = self.makepkg_in("test-config", start)?;
        makepkg.srcdest = makepkg.builddir.join("sources");
        makepkg.tarball = Some(Tarball {
            sha256: file_hash(&path)?,
            version: whole.version,
            path,
        });
        Ok(makepkg)
    }

    /// The same in another directory.
    pub fn makepkg_in(&self, directory: &str, start: PathBuf) -> Result<Makepkg<'_>> {
        self.makepkg_of(&self.shop, directory, start)
    }

    /// The same for another series.
    pub fn makepkg_of<'a>(
        &self,
        shop: &'a Workshop,
        directory: &str,
        start: PathBuf,
    ) -> Result<Makepkg<'a>> {
        shop.install_toolchain()?;
        let mut makepkg = Makepkg::new(shop, start);
        makepkg.builddir = shop.cache.directory(directory, host::BUILDER)?;
        makepkg.pkgdest = makepkg.builddir.join("packages");
        let to = makepkg.src();
        fs::create_dir_all(&to).context("create", &to)?;
        for directory in [to.parent().expect("src lies in it"), &to] {
            chown(directory, Some(host::BUILDER), Some(host::BUILDER))
                .context("give away", directory)?;
        }
        Ok(makepkg)
    }
}

/// What is made when it is asked for first.
fn once<T>(cell: &OnceLock<Vec<T>>, make: impl FnOnce() -> Result<Vec<T>>) -> Result<&[T]> {
    if cell.get().is_none() {
        // Two threads may make it: one of them is right as well.
        let _ = cell.set(make()?);
    }
    Ok(cell.get().expect("it was just set"))
}

/// What the kernel logged while the modules were there.
pub fn logged(boot: &Boot) -> String {
    boot.report.log().collect::<Vec<_>>().join("\n")
}

/// Standard output and standard error.
pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs a command, and gives what it said; fails if it does.
pub fn ran(command: &mut Command) -> std::result::Result<String, Failed> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(text(&output));
    }
    Err(format!("{command:?}: {}", text(&output)).into())
}

/// Fails unless each of these is said.
#[track_caller]
pub fn says(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(
            text.contains(wanted),
            "this is not said: {wanted}\nin:\n{text}"
        );
    }
}

/// The package of this name among those of a build.
pub fn package(directory: &Path, name: &str) -> std::result::Result<PathBuf, Failed> {
    let mut packages = packages(directory)?.into_iter();
    let found = packages.find(|path| package_name(path) == name);
    Ok(found.ok_or_else(|| format!("no package {name}"))?)
}

/// A package's files in a directory that has nothing else, with their modes.
pub fn unpack(package: &Path, directory: &Path) -> std::result::Result<(), Failed> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)?;
    let words = [Path::new("-xpf"), package, Path::new("-C"), directory];
    ran(Command::new("bsdtar").args(words)).map(drop)
}

/// What a file holds, unpacked.
pub fn content(file: &Path) -> std::result::Result<Vec<u8>, Failed> {
    if file.extension().is_none_or(|extension| extension != "zst") {
        return Ok(fs::read(file)?);
    }
    let output = Command::new("zstd").arg("-dcq").arg(file).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{}: {}", file.display(), text(&output)).into())
}

/// Every file below a directory, without links, in order.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = vm::files::files(directory).collect();
    assert!(
        directory.is_dir(),
        "{} is not a directory",
        directory.display()
    );
    found.sort();
    found
}
