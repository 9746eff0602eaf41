// SPDX-License-Identifier: MIT OR Apache-2.0

//! The machine that this runs on: who may do what, what is installed, and what has to be.

use std::{
    env,
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use crate::{
    cache::Cache,
    error::{Error, Result},
    machine::HOSTS_PACMAN_CONF,
    root,
    run::{Program, Progress, answer},
};

/// The distribution, as far as package names go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Debian and what is made from it.
    Debian,
    /// Arch and what is made from it.
    Arch,
}

impl Distribution {
    /// By the package manager that is here: Debian has `pacman` too.
    pub fn detect() -> Result<Self> {
        if Path::new("/etc/debian_version").exists() {
            Ok(Self::Debian)
        } else if Path::new("/etc/arch-release").exists() {
            Ok(Self::Arch)
        } else {
            Err(Error::State {
                what: "this is neither Debian nor Arch".into(),
                note: "there is no /etc/debian_version and no /etc/arch-release: how packages are \
                       installed here is not known"
                    .into(),
                help: "run it in a Debian 12 or Arch machine".into(),
            })
        }
    }
}

/// How it is seen that a package is there.
#[derive(Debug)]
pub enum Sign {
    /// By a program in PATH.
    Program(&'static str),
    /// By a file.
    File(&'static str),
}
use Sign::{File, Program as Bin};

/// A tool: how it is seen, Debian's package, Arch's package.
pub type Tool = (Sign, &'static str, &'static str);

/// What the build and the test machine need.
pub const NEEDED: &[Tool] = &[
    // makepkg, pacman and what they call.
    (Bin("makepkg"), "makepkg", "base-devel"),
    (Bin("pacman"), "pacman-package-manager", "pacman"),
    (Bin("bsdtar"), "libarchive-tools", "libarchive"),
    (Bin("fakeroot"), "fakeroot", "base-devel"),
    (Bin("file"), "file", "file"),
    (Bin("curl"), "curl", "curl"),
    (Bin("zstd"), "zstd", "zstd"),
    (Bin("xz"), "xz-utils", "xz"),
    // The kernel's makedepends.
    (Bin("make"), "make", "base-devel"),
    (Bin("patch"), "patch", "base-devel"),
    (Bin("gcc"), "gcc", "base-devel"),
    (Bin("bc"), "bc", "bc"),
    (Bin("bison"), "bison", "base-devel"),
    (Bin("flex"), "flex", "base-devel"),
    (Bin("cpio"), "cpio", "cpio"),
    (Bin("perl"), "perl", "perl"),
    (Bin("pahole"), "pahole", "pahole"),
    (Bin("clang"), "clang", "clang"),
    (Bin("ld.lld"), "lld", "lld"),
    (Bin("llvm-nm"), "llvm", "llvm"),
    (Bin("llvm-config"), "llvm", "llvm"),
    (File("/usr/include/gelf.h"), "libelf-dev", "libelf"),
    (File("/usr/include/openssl/ssl.h"), "libssl-dev", "openssl"),
    // The test machine.
    (Bin("dkms"), "dkms", "dkms"),
    (Bin("modprobe"), "kmod", "kmod"),
    (Bin("unshare"), "util-linux", "util-linux"),
    (
        Bin("qemu-system-x86_64"),
        "qemu-system-x86",
        "qemu-system-x86",
    ),
];

/// What only the tests need.
pub const NEEDED_BY_TESTS: &[Tool] = &[
    (Bin("shellcheck"), "shellcheck", "shellcheck"),
    (Bin("busybox"), "busybox-static", "busybox"),
    (Bin("readelf"), "binutils", "binutils"),
    // gendwarfksyms, for MODVERSIONS with Rust.
    (File("/usr/include/dwarf.h"), "libdw-dev", "libelf"),
    (Bin("chromium"), "chromium", "chromium"),
    (File("/usr/share/i18n/locales/de_DE"), "locales", "glibc"),
    (Bin("debootstrap"), "debootstrap", "debootstrap"),
];

/// Where Debian keeps libclang, for bindgen; Arch's `clang` has it.
const LIBCLANG: (&str, &str) = ("libclang.so", "libclang-dev");

/// The user that runs makepkg, which refuses root: nobody. Always the same, whoever called sudo,
/// because what it builds on is kept.
pub const BUILDER: u32 = 65534;

/// What everything here is done with: the machine, what is kept, and the clock.
#[derive(Debug, Clone)]
pub struct Site {
    /// Whose package manager this is.
    pub distribution: Distribution,
    /// What is kept.
    pub cache: Arc<Cache>,
    /// The clock.
    pub progress: Progress,
}

impl Site {
    /// The machine as it is.
    pub fn here(cache: Cache, progress: Progress) -> Result<Self> {
        Ok(Self {
            distribution: Distribution::detect()?,
            cache: Arc::new(cache),
            progress,
        })
    }

    /// The same with the tools that building needs.
    pub fn open(cache: Cache, progress: Progress) -> Result<Self> {
        let site = Self::here(cache, progress)?;
        site.install_missing(NEEDED)?;
        Ok(site)
    }

    /// Installs what is missing of `tools`, after saying what.
    pub fn install_missing(&self, tools: &[Tool]) -> Result<()> {
        let Self {
            distribution,
            cache,
            progress,
        } = self;
        let mut missing = missing(tools, *distribution);
        if missing.is_empty() {
            return Ok(());
        }
        let log = cache.log("install")?;
        progress.say(format!(
            "Installing what is missing: {}...",
            missing.join(" ")
        ));
        let (install, options): (_, &[&str]) = match distribution {
            Distribution::Debian => {
                // Package lists of yesterday name files that are gone today.
                Program::new("apt-get update", "apt-get", &log)
                    .args(["update"])
                    .help("look at /etc/apt/sources.list, and at the network")
                    .run(progress)?;
                ("apt-get", &["install", "--yes", "--no-install-recommends"])
            }
            // So do those of Arch, where packages of one day fit each other alone.
            Distribution::Arch if Path::new(HOSTS_PACMAN_CONF).exists() => (
                "pacman",
                &[
                    "-Syu",
                    "--needed",
                    "--noconfirm",
                    "--config",
                    HOSTS_PACMAN_CONF,
                ],
            ),
            Distribution::Arch => ("pacman", &["-Syu", "--needed", "--noconfirm"]),
        };
        missing.sort();
        let by_hand = format!("{install} {} {}", options.join(" "), missing.join(" "));
        root::change(|| {
            Program::new("installing packages", install, &log)
                .args(options)
                .args(&missing)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .help(format!("by hand: sudo {by_hand}"))
                .run(progress)
        })?;

        let still = self::missing(tools, *distribution);
        if still.is_empty() {
            return Ok(());
        }
        Err(Error::MissingTools {
            tools: still,
            help: format!(
                "sudo {}",
                by_hand.replacen("install", "install --reinstall", 1)
            ),
        })
    }

    /// Installs packages of Debian's.
    pub fn apt_install(&self, what: &str, packages: &[impl AsRef<OsStr>]) -> Result<()> {
        root::change(|| {
            Program::new(what, "apt-get", &self.cache.log("install")?)
                .args(["install", "--yes", "--no-install-recommends"])
                .args(packages)
                .env("DEBIAN_FRONTEND", "noninteractive")
                .run(&self.progress)
        })
    }
}

/// The packages whose sign is not there.
fn missing(tools: &[Tool], distribution: Distribution) -> Vec<String> {
    let mut packages: Vec<_> = tools
        .iter()
        .filter(|(sign, ..)| match sign {
            Bin(program) => find_program(program).is_none(),
            File(path) => !Path::new(path).exists(),
        })
        .map(|(_, debian, arch)| match distribution {
            Distribution::Debian => (*debian).to_owned(),
            Distribution::Arch => (*arch).to_owned(),
        })
        .collect();
    let clang = tools.iter().any(|(sign, ..)| matches!(sign, Bin("clang")));
    if clang && distribution == Distribution::Debian {
        let directory = PathBuf::from(answer("llvm-config", ["--libdir"]));
        if !directory.join(LIBCLANG.0).exists() {
            packages.push(LIBCLANG.1.to_owned());
        }
    }
    packages.dedup();
    packages
}

/// A program in PATH, or where root's programs are: PATH may be a user's.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| {
            file.metadata()
                .is_ok_and(|file| file.permissions().mode() & 0o111 != 0 && file.is_file())
        })
}

/// What the toolchain's package is made with.
#[derive(Debug, Clone)]
pub struct Rust {
    /// The directory of a cargo that builds bindgen.
    pub cargo: PathBuf,
    /// The distribution's rustc, where Rust's server cannot be reached.
    pub rustc: Option<PathBuf>,
}

/// A cargo of this machine's; and the distribution's rustc, where `version` cannot be fetched.
pub fn rust(version: &str, site: &Site) -> Result<Rust> {
    let sysroot = answer("rustc", ["--print", "sysroot"]);
    let cargo = Path::new(&sysroot).join("bin");
    if !cargo.join("cargo").exists() {
        return Err(Error::State {
            what: "there is no cargo to build bindgen with".into(),
            note: format!(
                "rustc in PATH says that its own is in '{}'",
                cargo.display()
            ),
            help: match site.distribution {
                Distribution::Arch => "sudo pacman -S rust",
                Distribution::Debian => "install rustup (https://rustup.rs)",
            }
            .to_owned(),
        });
    }
    let Err(why) = reachable(version) else {
        return Ok(Rust { cargo, rustc: None });
    };
    let rustc = PathBuf::from("/usr/bin/rustc");
    if site.distribution != Distribution::Debian {
        return Err(Error::State {
            what: format!("rustc {version} cannot be had"),
            note: format!("{why}; the kernel builds with that rustc only"),
            help: "look at the network".into(),
        });
    }
    site.progress.say(format!(
        "rustc {version} cannot be fetched ({why}): packaging Debian's"
    ));
    let sources = Path::new("/usr/lib/rustlib/src/rust/library/core/src/lib.rs");
    if !rustc.exists() || !sources.exists() {
        let packages = ["rustc", "rust-src", "rust-clippy", "rustfmt"];
        site.apt_install("installing rustc", &packages)?;
    }
    Ok(Rust {
        cargo,
        rustc: Some(rustc),
    })
}

/// Asks rustup's server for the release, as rustup will.
fn reachable(version: &str) -> Result<(), String> {
    from_rustups_server(&format!("channel-rust-{version}.toml.sha256"), &["--head"]).map(drop)
}

/// What Rust's server says of a release: its packages, with their versions and hashes.
pub fn manifest(version: &str) -> Result<String, String> {
    from_rustups_server(&format!("channel-rust-{version}.toml"), &[])
}

fn from_rustups_server(file: &str, options: &[&str]) -> Result<String, String> {
    let server = env::var("RUSTUP_DIST_SERVER").unwrap_or("https://static.rust-lang.org".into());
    let output = Command::new("curl")
        .args("--fail --silent --show-error --location --max-time 60 --retry 2".split(' '))
        .args(options)
        .arg(format!("{server}/dist/{file}"))
        .output()
        .map_err(|error| format!("curl: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "rustup's server does not answer ({})",
        error.lines().last().unwrap_or_default()
    ))
}
