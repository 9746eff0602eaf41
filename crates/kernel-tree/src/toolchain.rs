// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which rustc a kernel needs, which one `make` would run, and where others are.
//!
//! A rustc reads only crates whose header holds exactly its own version string, so the crates it
//! was installed with hold that string, too. It is read out of `libstd-….so`, which takes a
//! millisecond, where starting rustc, or rustup to find it, takes fifty. Where there is no such
//! library to read, rustc is asked.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use object::Object;

use kernel_files::file;

use crate::kdir::Kdir;
use crate::makefile::Rustc;
use crate::system::{self, System};
use crate::too_new::{self, Limit};
use kernel_files::rmeta;

/// A rustc that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The program itself, behind links and rustup.
    pub path: PathBuf,
    /// Its full version string, or why it has none.
    pub version: Result<String, String>,
    /// How it was come by, for messages.
    pub origin: Origin,
}

/// How a rustc was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A package of this repository.
    Packaged,
    /// A toolchain of rustup's, by its name.
    Rustup(String),
    /// From `PATH`: usually the distribution's.
    Path,
    /// A path written in a Makefile.
    Makefile(PathBuf),
}

/// What `make` would run as rustc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WouldRun {
    /// This one.
    Rustc {
        /// What the Makefile has for `RUSTC`, or the caller gave.
        value: String,
        /// The file it stands for.
        found: Found,
        /// Which rule of rustup's chose the toolchain, if one did.
        chosen_by: Option<String>,
    },
    /// Nothing: there is no such program.
    Missing {
        /// What the Makefile has for `RUSTC`.
        value: String,
        /// Where that was written, when it is a file of the tree.
        from: Option<PathBuf>,
    },
    /// rustup's proxy, which has no toolchain to run.
    NoToolchain {
        /// The file that is rustup.
        proxy: PathBuf,
        /// Why rustup has none.
        reason: String,
    },
    /// It cannot be told.
    Unknown(String),
}

/// What `make` would run from the caller's directory on this tree, with `RUSTC=` on its command line
/// when `given` is there.
pub fn would_run(system: &System, kdir: &Kdir, given: Option<&str>) -> WouldRun {
    let (value, from) = match (given, kdir.makefile.as_ref().map(|found| &found.rustc)) {
        (Some(value), _) => (value.to_string(), None),
        (None, Ok(Rustc::Value(value, from))) => (value.clone(), Some(from.clone())),
        (None, Ok(Rustc::Unset)) => {
            return WouldRun::Unknown("the tree's Makefile has no RUSTC: it knows no Rust".into());
        }
        (None, Ok(Rustc::AskMake)) => match ask_make(system, kdir) {
            Ok(value) => (value, Some(kdir.file("Makefile"))),
            Err(reason) => return WouldRun::Unknown(reason),
        },
        (None, Err(reason)) => return WouldRun::Unknown(reason.clone()),
    };
    let mut words = value.split_whitespace();
    let Some(program) = words.next() else {
        return WouldRun::Missing { value, from };
    };
    if words.next().is_some() {
        // A wrapper with arguments, such as `ccache rustc`: only running it tells.
        let version = run_version(system, &value, &kdir.path);
        let found = Found {
            path: PathBuf::from(program),
            version,
            origin: Origin::Path,
        };
        return WouldRun::Rustc {
            value,
            found,
            chosen_by: None,
        };
    }
    let file = if program.contains('/') {
        let path = Path::new(program);
        let path = if path.is_absolute() {
            system.at(path)
        } else {
            kdir.path.join(path)
        };
        Some(path).filter(|path| system::is_executable(path))
    } else {
        system.which(program)
    };
    let Some(file) = file else {
        return WouldRun::Missing { value, from };
    };
    let named_by_tree = from
        .as_ref()
        .is_some_and(|from| program.contains('/') && from.starts_with(&kdir.path));
    let (path, origin, chosen_by) = if is_rustup(&file) {
        match rustup_choice(system, &working_directory(system, kdir)) {
            Ok(choice) => (
                choice.directory.join("bin/rustc"),
                Origin::Rustup(choice.name),
                Some(choice.because),
            ),
            Err(reason) => {
                return WouldRun::NoToolchain {
                    proxy: file,
                    reason,
                };
            }
        }
    } else {
        let origin = match from {
            Some(from) if named_by_tree => Origin::Makefile(from),
            _ => Origin::Path,
        };
        (file, origin, None)
    };
    if !system::is_executable(&path) {
        return WouldRun::NoToolchain {
            proxy: path.clone(),
            reason: format!("the toolchain has no {}", path.display()),
        };
    }
    let version = version_of(system, &path);
    WouldRun::Rustc {
        value,
        found: Found {
            path,
            version,
            origin,
        },
        chosen_by,
    }
}

/// The directory rustc is started in: the tree, or the module's own directory since 6.13.
fn working_directory(system: &System, kdir: &Kdir) -> PathBuf {
    match kdir.series() {
        Some(series) if series >= (6, 13) => system.cwd.clone(),
        _ => None,
    }
    .unwrap_or_else(|| kdir.path.clone())
}

/// Asks make for the value of `RUSTC`, for a tree whose Makefile computes it.
fn ask_make(system: &System, kdir: &Kdir) -> Result<String, String> {
    if !system.is_live() {
        return Err("its Makefile computes RUSTC, which only make on that machine can".into());
    }
    let mut command = Command::new("make");
    command
        .arg("-s")
        .arg("--no-print-directory")
        .arg("-C")
        .arg(&kdir.path);
    command
        .arg("KBUILD_EXTMOD=.")
        .arg("--eval=rustkmod-rustc: ; @echo $(RUSTC)");
    command.arg("rustkmod-rustc");
    let output = run_limited(command, "make fails in the tree")?;
    output
        .lines()
        .next_back()
        .map(|line| line.trim().to_string())
        .filter(|value| !value.is_empty())
        .ok_or_else(|| "make did not say what RUSTC is".to_string())
}

/// The full version string of a rustc: read where it can be, else asked for.
pub fn version_of(system: &System, rustc: &Path) -> Result<String, String> {
    let real = std::fs::canonicalize(rustc).unwrap_or_else(|_| rustc.to_path_buf());
    if let Some(read) = read_version(system, &real) {
        return read;
    }
    let directory = real.parent().unwrap_or(Path::new("/")).to_path_buf();
    run_version(system, &real.to_string_lossy(), &directory)
}

/// Reads the version out of the libraries beside a rustc. `None` when they do not tell.
fn read_version(system: &System, real: &Path) -> Option<Result<String, String>> {
    let bin = real.parent()?;
    let prefix = bin.parent()?;
    let (file, _) = file::open(real).ok()?;
    let cache = object::read::ReadCache::new(file);
    // A script is a wrapper: what it would run is not known before it runs.
    let elf = object::File::parse(&cache).ok()?;
    let needed = needed_libraries(&elf);
    let mut directories = vec![prefix.join("lib")];
    // Debian's libraries lie in the directory of the architecture.
    directories.push(prefix.join(format!("lib/{}-linux-gnu", system.machine)));
    directories.push(prefix.join("lib64"));
    if let Some(driver) = needed
        .iter()
        .find(|name| name.starts_with("librustc_driver"))
        && !directories
            .iter()
            .any(|directory| directory.join(driver).exists())
    {
        return Some(Err(format!(
            "it does not start: {driver} is missing beside it"
        )));
    }
    if let Ok(hosts) = std::fs::read_dir(prefix.join("lib/rustlib")) {
        let mut own: Vec<_> = hosts
            .flatten()
            .filter(|host| {
                host.file_name()
                    .to_string_lossy()
                    .starts_with(system.machine)
            })
            .map(|host| host.path().join("lib"))
            .collect();
        own.sort();
        directories.extend(own);
    }
    let libraries = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        directories
            .iter()
            .filter_map(|directory| std::fs::read_dir(directory).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| is_wanted(&entry.file_name().to_string_lossy()))
            .filter_map(|entry| rmeta::library_rustc(&entry.path()).ok())
            .collect()
    };
    let mut versions = libraries(&|name| name.starts_with("libstd-") && name.ends_with(".so"));
    if versions.is_empty() {
        // Later rustcs have the standard library in their driver, and a package of what they need to
        // run has no other.
        versions = libraries(&|name| {
            name.starts_with("librustc_driver") && needed.iter().any(|library| library == name)
        });
    }
    versions.sort();
    versions.dedup();
    // Two versions side by side, as in a distribution with several, tell nothing.
    (versions.len() == 1)
        .then(|| versions.pop())
        .flatten()
        .map(Ok)
}

fn needed_libraries<'a>(
    elf: &object::File<'a, &'a object::read::ReadCache<std::fs::File>>,
) -> Vec<String> {
    use object::ObjectSection;
    let Some(strings) = elf.section_by_name(".dynstr").and_then(|s| s.data().ok()) else {
        return Vec::new();
    };
    // The names of needed libraries stand among the dynamic strings; only rustc's own is sought.
    strings
        .split(|byte| *byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| name.starts_with("librustc_driver") && name.ends_with(".so"))
        .map(str::to_string)
        .collect()
}

fn run_version(system: &System, command_line: &str, directory: &Path) -> Result<String, String> {
    if !system.is_live() {
        return Err("it is on another system, and has no library beside it that tells".into());
    }
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("exec {} --version", shell_words(command_line)));
    command.current_dir(directory);
    let output = run_limited(command, "it fails when asked for its version")?;
    output
        .lines()
        .next()
        .filter(|line| line.starts_with("rustc "))
        .map(str::to_string)
        .ok_or_else(|| format!("`{command_line} --version` does not name a rustc"))
}

/// A path is quoted, a command line with arguments stays as it is.
fn shell_words(command_line: &str) -> String {
    if Path::new(command_line).exists() {
        format!("'{}'", command_line.replace('\'', "'\\''"))
    } else {
        command_line.to_string()
    }
}

/// Runs a command for ten seconds at most and returns what it printed.
fn run_limited(mut command: Command, failing: &str) -> Result<String, String> {
    let name = format!("{command:?}");
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| format!("{name} does not start: {error}"))?;
    let end = Instant::now() + Duration::from_secs(10);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} did not end within 10 s"));
            }
        }
    };
    let mut printed = String::new();
    if let Some(stdout) = child.stdout.take() {
        let _ = stdout.take(64 << 10).read_to_string(&mut printed);
    }
    if status.success() {
        return Ok(printed);
    }
    let mut complaint = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(64 << 10).read_to_string(&mut complaint);
    }
    let last = complaint
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("");
    Err(format!("{failing} ({status}): {last}"))
}

/// Whether a file is rustup in a rustc's place: a link to it, or the same file under two names.
fn is_rustup(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(real) = std::fs::canonicalize(file) else {
        return false;
    };
    let is_rustup_name = |path: &Path| {
        path.file_name()
            .is_some_and(|name| name == "rustup" || name == "rustup-init")
    };
    if is_rustup_name(&real) {
        return true;
    }
    let sibling = file.with_file_name("rustup");
    match (std::fs::metadata(file), std::fs::metadata(sibling)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

struct Choice {
    name: String,
    directory: PathBuf,
    because: String,
}

/// rustup's directory: `RUSTUP_HOME`, or `.rustup` in the caller's home.
pub fn rustup_home(system: &System) -> Option<PathBuf> {
    match system.env("RUSTUP_HOME") {
        Some(home) => Some(system.at(home)),
        None => system.home().map(|home| home.join(".rustup")),
    }
}

/// The toolchain rustup runs in a directory, by its documented order: the variable, then the nearest
/// override or toolchain file, then the default.
fn rustup_choice(system: &System, directory: &Path) -> Result<Choice, String> {
    let home = rustup_home(system).ok_or("neither RUSTUP_HOME nor HOME is set")?;
    let settings = file::read_text(&home.join("settings.toml"), 1 << 20).unwrap_or_default();
    let host = setting(&settings, "default_host_triple")
        .unwrap_or_else(|| format!("{}-unknown-linux-gnu", system.machine));
    let (name, because) = rustup_name(system, directory, &settings)?;
    let directory = if name.starts_with('/') {
        system.at(&name)
    } else {
        let exact = home.join("toolchains").join(&name);
        let full = home.join("toolchains").join(format!("{name}-{host}"));
        match [exact, full]
            .into_iter()
            .find(|directory| directory.is_dir())
        {
            Some(directory) => directory,
            None => {
                return Err(format!(
                    "its toolchain '{name}' ({because}) is not installed"
                ));
            }
        }
    };
    let name = directory
        .file_name()
        .map_or(name, |name| name.to_string_lossy().into_owned());
    Ok(Choice {
        name,
        directory,
        because,
    })
}

fn rustup_name(
    system: &System,
    directory: &Path,
    settings: &str,
) -> Result<(String, String), String> {
    if let Some(name) = system.env("RUSTUP_TOOLCHAIN") {
        return Ok((name.to_string(), "RUSTUP_TOOLCHAIN is set".into()));
    }
    let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
    for directory in directory.ancestors() {
        if let Some(name) = override_of(settings, &system.shown(directory)) {
            return Ok((
                name,
                format!("rustup override of {}", system.shown(directory)),
            ));
        }
        for file in ["rust-toolchain", "rust-toolchain.toml"] {
            let path = directory.join(file);
            let Ok(text) = file::read_text(&path, 64 << 10) else {
                continue;
            };
            let name = toolchain_file(&text)
                .ok_or_else(|| format!("{} names no toolchain", system.shown(&path)))?;
            return Ok((name, format!("named in {}", system.shown(&path))));
        }
    }
    if let Some(name) = setting(settings, "default_toolchain") {
        return Ok((name, "rustup default".into()));
    }
    let fallback = system.at("/etc/rustup/settings.toml");
    let fallback = file::read_text(&fallback, 1 << 20).unwrap_or_default();
    match setting(&fallback, "default_toolchain") {
        Some(name) => Ok((name, "the default in /etc/rustup/settings.toml".into())),
        None => Err("it has no default toolchain for this user".into()),
    }
}

/// A top-level `key = "value"` of rustup's settings, which rustup writes one a line.
fn setting(settings: &str, key: &str) -> Option<String> {
    settings
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .and_then(|(_, value)| quoted(value))
}

fn override_of(settings: &str, directory: &str) -> Option<String> {
    settings
        .lines()
        .skip_while(|line| line.trim() != "[overrides]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.rsplit_once(" = "))
        .find(|(name, _)| name.trim().trim_matches('"') == directory)
        .and_then(|(_, value)| quoted(value))
}

fn quoted(value: &str) -> Option<String> {
    let value = value.trim();
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.split('"').next());
    let inner = inner.or_else(|| {
        value
            .strip_prefix('\'')
            .and_then(|rest| rest.split('\'').next())
    });
    inner.map(str::to_string).filter(|value| !value.is_empty())
}

/// The toolchain a `rust-toolchain` file names: a bare name, or `channel` or `path` in TOML.
fn toolchain_file(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next()?;
    if !text.contains('=') && !first.starts_with('[') {
        return lines.next().map(str::to_string);
    }
    lines
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| matches!(key.trim(), "channel" | "path"))
        .and_then(|(_, value)| quoted(value))
}

/// What a kernel demands of rustc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Exactly this version string: the crates are there, and only it can read them.
    Exactly {
        /// The version string.
        rustc: String,
        /// The file that says so.
        from: PathBuf,
    },
    /// The crates are not there, but the kernel was configured with this one.
    ConfiguredWith {
        /// The version string.
        rustc: String,
        /// The configuration.
        from: PathBuf,
    },
    /// The crates are still to be built, by this version or a newer one.
    AtLeast {
        /// The version, three numbers.
        version: String,
        /// Whether the series was made for that one version alone, as before 6.11.
        only: bool,
        /// What newer rustcs changed and this tree does not know, the oldest first.
        too_new: Vec<Limit>,
    },
}

/// How a rustc does for a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It is the right one.
    Fits,
    /// It is older than the tree needs.
    TooOld,
    /// It is newer than the series was made for, where that is one version alone.
    TooNew,
    /// It changed something that the tree does not know.
    Breaks(Limit),
    /// The tree needs another one, by its full version string.
    Another,
}

impl Need {
    /// Whether a rustc with this version string can build for the tree.
    pub fn fit(&self, rustc: &str) -> Fit {
        match self {
            Self::Exactly { rustc: wanted, .. } | Self::ConfiguredWith { rustc: wanted, .. } => {
                match wanted == rustc {
                    true => Fit::Fits,
                    false => Fit::Another,
                }
            }
            Self::AtLeast {
                version,
                only,
                too_new,
            } => {
                let number = number(rustc).unwrap_or_default();
                let breaks = too_new
                    .iter()
                    .find(|limit| compare(number, limit.first).is_ge());
                match (compare(number, version), breaks) {
                    (std::cmp::Ordering::Less, _) => Fit::TooOld,
                    (_, Some(limit)) => Fit::Breaks(limit.clone()),
                    (std::cmp::Ordering::Greater, None) if *only => Fit::TooNew,
                    _ => Fit::Fits,
                }
            }
        }
    }
}

/// What rustc this tree needs; `None` for a kernel without Rust.
pub fn need(kdir: &Kdir) -> Option<Need> {
    if let Some((name, rmeta)) = kdir.crate_for_rustc() {
        let from = kdir.path.join(format!("rust/lib{name}.rmeta"));
        return Some(Need::Exactly {
            rustc: rmeta.rustc.clone(),
            from,
        });
    }
    if kdir.config.is_y("RUST")
        && let Some(text) = kdir.config.get("RUSTC_VERSION_TEXT")
        && text.starts_with("rustc ")
    {
        let from = kdir.config_path.clone();
        return Some(Need::ConfiguredWith {
            rustc: text.to_string(),
            from,
        });
    }
    let version = kdir.minimum_version("rustc")?;
    let only = kdir.series().is_some_and(|series| series < (6, 11));
    Some(Need::AtLeast {
        version,
        only,
        too_new: too_new::limits(kdir),
    })
}

/// Every rustc on the machine, this repository's first.
pub fn all(system: &System) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |path: PathBuf, origin: Origin| {
        if system::is_executable(&path) {
            let version = version_of(system, &path);
            found.push(Found {
                path,
                version,
                origin,
            });
        }
    };
    // A directory a release: rust162, rust197.
    for directory in sorted_directories(&system.at("/usr/lib")) {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let version = name.strip_prefix("rust").unwrap_or_default();
        if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) {
            add(directory.join("bin/rustc"), Origin::Packaged);
        }
    }
    if let Some(home) = rustup_home(system) {
        for directory in sorted_directories(&home.join("toolchains")) {
            let name = directory
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            add(directory.join("bin/rustc"), Origin::Rustup(name));
        }
    }
    let mut in_path: Vec<PathBuf> = Vec::new();
    in_path.extend(system.which("rustc"));
    for usual in ["/usr/bin/rustc", "/usr/local/bin/rustc"] {
        let path = system.at(usual);
        if !in_path.contains(&path) {
            in_path.push(path);
        }
    }
    // Debian has versions side by side, as /usr/bin/rustc-1.78.
    for entry in std::fs::read_dir(system.at("/usr/bin"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name
            .strip_prefix("rustc-")
            .is_some_and(|rest| rest.starts_with("1."))
        {
            in_path.push(entry.path());
        }
    }
    for path in in_path {
        if !is_rustup(&path) {
            add(path, Origin::Path);
        }
    }
    found
}

fn sorted_directories(directory: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<_> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    directories.sort();
    directories
}

/// The first rustc on the machine whose version string is exactly this one.
pub fn find_exact(system: &System, rustc: &str) -> Option<Found> {
    all(system)
        .into_iter()
        .find(|found| found.version.as_deref() == Ok(rustc))
}

/// The version in `rustc 1.62.0 (a8314ef7d 2022-06-27)`.
pub fn number(rustc: &str) -> Option<&str> {
    rustc.strip_prefix("rustc ")?.split_whitespace().next()
}

/// The toolchain by which rustup knows a release, from its version string. `None` for the rustc
/// of a distribution, which rustup does not have even where the number is the same.
pub fn rustup_toolchain(rustc: &str) -> Option<String> {
    let rest = rustc.strip_prefix("rustc ")?;
    let (version, about) = rest.split_once(" (")?;
    // The releases of rust-lang.org have one bracket, with nine digits of the commit and a date.
    let about = about.strip_suffix(')')?;
    let (commit, date) = about.split_once(' ')?;
    let is_official = commit.len() == 9
        && commit.chars().all(|c| c.is_ascii_hexdigit())
        && date.len() == 10
        && date.chars().all(|c| c.is_ascii_digit() || c == '-');
    if !is_official {
        return None;
    }
    match version.split_once('-') {
        None => version
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.')
            .then(|| version.to_string()),
        // A nightly is of the day after its last commit.
        Some((_, "nightly")) => next_day(date).map(|day| format!("nightly-{day}")),
        Some((_, beta)) if beta.starts_with("beta") => Some(version.to_string()),
        Some(_) => None,
    }
}

/// The package and its version that a distribution's rustc came in, as its version string tells:
/// `rustc 1.97.1 (8bab26f4f 2026-07-14) (Arch Linux rust 1:1.97.1-1)`.
pub fn package_of(rustc: &str) -> Option<(crate::system::Distribution, String, String)> {
    use crate::system::Distribution;
    let (_, last) = rustc.strip_suffix(')')?.rsplit_once('(')?;
    if let Some(package) = last.strip_prefix("Arch Linux ") {
        let (name, version) = package.split_once(' ')?;
        return Some((Distribution::Arch, name.to_string(), version.to_string()));
    }
    if let Some(version) = last.strip_prefix("Fedora ") {
        return Some((
            Distribution::Fedora,
            "rust".to_string(),
            version.to_string(),
        ));
    }
    // Debian's and Ubuntu's has no version of its package.
    let number = number(rustc)?;
    (last == "built from a source tarball").then(|| {
        let (series, _) = number.rsplit_once('.').unwrap_or((number, ""));
        (
            Distribution::Debian,
            format!("rustc-{series}"),
            number.to_string(),
        )
    })
}

fn next_day(date: &str) -> Option<String> {
    let mut numbers = date.split('-').map(|number| number.parse::<u32>().ok());
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let (year, month, day) = match (month, day) {
        (12, day) if day >= days => (year + 1, 1, 1),
        (month, day) if day >= days => (year, month + 1, 1),
        (month, day) => (year, month, day + 1),
    };
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// Compares two version numbers.
pub fn compare(one: &str, other: &str) -> std::cmp::Ordering {
    let numbers = |version: &str| -> Vec<u64> {
        let plain = version.split(['-', '+', '~']).next().unwrap_or_default();
        plain
            .split('.')
            .map(|number| number.parse().unwrap_or(0))
            .collect()
    };
    numbers(one).cmp(&numbers(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustup_has_releases_and_nightlies_but_no_distributions() {
        let of = |text| rustup_toolchain(text);
        assert_eq!(
            of("rustc 1.62.0 (a8314ef7d 2022-06-27)").as_deref(),
            Some("1.62.0")
        );
        assert_eq!(
            of("rustc 1.97.0-nightly (e50aa6fba 2026-05-31)").as_deref(),
            Some("nightly-2026-06-01")
        );
        assert_eq!(
            of("rustc 1.75.0 (82e1608df 2023-12-21) (built from a source tarball)"),
            None
        );
        assert_eq!(of("rustc 1.63.0"), None);
        assert_eq!(of("rustc 1.75.0 (Arch Linux rust 1:1.75.0-2)"), None);
    }

    #[test]
    fn package_of_a_distributions_rustc_is_in_its_version() {
        use crate::system::Distribution::{self, Arch, Debian, Fedora};
        let is = |origin: &str, wanted: Option<(Distribution, &str, &str)>| {
            let text = format!("rustc 1.97.1 (8bab26f4f 2026-07-14){origin}");
            let wanted = wanted.map(|(who, name, version)| (who, name.into(), version.into()));
            assert_eq!(package_of(&text), wanted, "{text}");
        };
        is(
            " (Arch Linux rust 1:1.97.1-1)",
            Some((Arch, "rust", "1:1.97.1-1")),
        );
        is(
            " (Fedora 1.97.1-1.fc44)",
            Some((Fedora, "rust", "1.97.1-1.fc44")),
        );
        is(
            " (built from a source tarball)",
            Some((Debian, "rustc-1.97", "1.97.1")),
        );
        is("", None);
    }

    #[test]
    fn days_follow_each_other() {
        assert_eq!(next_day("2024-02-28").as_deref(), Some("2024-02-29"));
        assert_eq!(next_day("2023-02-28").as_deref(), Some("2023-03-01"));
        assert_eq!(next_day("2023-12-31").as_deref(), Some("2024-01-01"));
    }

    #[test]
    fn versions_are_compared_by_number() {
        use std::cmp::Ordering::{Greater, Less};
        assert_eq!(compare("1.100.0", "1.78.0"), Greater);
        assert_eq!(compare("1.62.0", "1.100.0"), Less);
        assert_eq!(compare("0.69.1", "0.69.1-dev"), std::cmp::Ordering::Equal);
    }

    #[test]
    fn toolchain_files_are_read_in_both_forms() {
        assert_eq!(toolchain_file("1.62.0\n").as_deref(), Some("1.62.0"));
        assert_eq!(
            toolchain_file("[toolchain]\nchannel = \"1.78\" # why\n").as_deref(),
            Some("1.78")
        );
        assert_eq!(toolchain_file("[toolchain]\n"), None);
        assert_eq!(toolchain_file(""), None);
    }

    fn rustup(settings: &str, toolchains: &[&str]) -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("home/.rustup/toolchains")).unwrap();
        std::fs::create_dir_all(root.path().join("work/deep")).unwrap();
        std::fs::write(root.path().join("home/.rustup/settings.toml"), settings).unwrap();
        for name in toolchains {
            std::fs::create_dir(root.path().join("home/.rustup/toolchains").join(name)).unwrap();
        }
        let system = System::bare(root.path()).with("HOME", "/home");
        (root, system)
    }

    const SETTINGS: &str = "version = \"12\"\ndefault_toolchain = \"stable\"\n\
        default_host_triple = \"h\"\n\n[overrides]\n\"/work\" = \"1.62.0-h\"\n";

    #[test]
    fn rustups_order_is_kept() {
        let (root, system) = rustup(SETTINGS, &["stable-h", "1.62.0-h", "1.70.0-h"]);
        let in_directory = |system: &System, directory: &str| {
            rustup_choice(system, &root.path().join(directory)).map(|choice| choice.name)
        };
        assert_eq!(in_directory(&system, "").unwrap(), "stable-h");
        assert_eq!(in_directory(&system, "work/deep").unwrap(), "1.62.0-h");
        std::fs::write(root.path().join("work/deep/rust-toolchain"), "1.70.0\n").unwrap();
        assert_eq!(in_directory(&system, "work/deep").unwrap(), "1.70.0-h");
        let variable = system.with("RUSTUP_TOOLCHAIN", "stable");
        assert_eq!(in_directory(&variable, "work/deep").unwrap(), "stable-h");
    }

    #[test]
    fn a_toolchain_that_is_not_installed_is_named() {
        let (root, system) = rustup("default_toolchain = \"1.55.0\"\n", &[]);
        let reason = rustup_choice(&system, root.path()).err().unwrap();
        assert_eq!(
            reason,
            "its toolchain '1.55.0' (rustup default) is not installed"
        );
        let (root, system) = rustup("", &[]);
        let reason = rustup_choice(&system, root.path()).err().unwrap();
        assert_eq!(reason, "it has no default toolchain for this user");
    }
}
