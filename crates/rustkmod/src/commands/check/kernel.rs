// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is known of the kernel that should take the modules: from its headers, from the modules it
//! was installed with and, where it is the running one, from `/proc` and `/sys`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use kernel_files::config::Config;
use kernel_files::depmod;
use kernel_files::file;
use kernel_files::kofile::{KoFile, Signature};
use kernel_files::pkcs7::Signer;
use kernel_files::sanity::Series;
use kernel_files::symvers::{Export, Symvers};
use kernel_tree::kdir::{self, Kdir};
use kernel_tree::kernel::{self, is_path};
use kernel_tree::modprobe_d::{self, Instead};
use kernel_tree::security::{self, Enforcement, Ibt};
use kernel_tree::system::System;

use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::install;
use crate::kernel_arg::running_release_or;
use crate::report::{Finding, Help};

/// What is known of the kernel that should take the modules.
#[derive(Debug, Default)]
pub struct Kernel {
    /// Its release, as far as it is known.
    pub release: Option<String>,
    /// What `uname -m` prints on it.
    pub machine: Option<&'static str>,
    /// Its vermagic and where that was found.
    pub vermagic: Option<(String, String)>,
    /// The symbols it exports and where that was found.
    pub symvers: Option<(Symvers, String)>,
    /// Whether exports from there are known to be GPL-only, with checksums.
    pub symvers_are_whole: bool,
    /// What it does with unsigned modules.
    pub enforcement: Enforcement,
    /// Where it has indirect branch tracking.
    pub ibt: Ibt,
    /// Who signed its own modules: a key that it trusts.
    pub signer: Option<Signer>,
    /// Its series, as far as it is known.
    pub series: Option<Series>,
    /// Its configuration; empty where that is not known.
    pub config: Config,
    /// The size of its `struct module`, and the module of its own that this is from.
    pub struct_module: Option<(u64, String)>,
    /// Whether it wants flags for what a module exports (`__kflagstab`).
    pub wants_export_flags: bool,
    /// Why its `Module.symvers` cannot be relied on.
    pub damaged_symvers: Option<String>,
    /// The modules it has, by name, and where that was found.
    pub modules: Option<(HashSet<String>, String)>,
    /// Those of them that are built in and have a directory in `/sys/module`.
    pub builtin: HashSet<String>,
    /// The directory of its own modules, without symbolic links: `/lib` is one on most systems.
    pub own: Option<PathBuf>,
    /// The modules that are loaded, where it runs.
    pub loaded: HashSet<String>,
    /// The modules that its command line forbids, where it runs.
    pub forbidden: HashSet<String>,
    /// The file that depmod has listed for each of its modules, where it has.
    pub listed: HashMap<String, PathBuf>,
    /// The modules for which modprobe runs a command in place of loading them.
    pub not_loaded: HashMap<String, Instead>,
    /// The directory to build modules in, as messages call it.
    pub build: String,
}

impl Kernel {
    /// Finds out about the kernel the caller named: a release, a directory of headers, or a directory
    /// of installed modules.
    pub fn find(system: &System, named: Option<&str>) -> Result<Self> {
        let running = system.running_release();
        let path = named.filter(|name| is_path(system, name)).map(Path::new);
        let found = match named {
            Some(name) => kernel::Kernel::named(system, name)?,
            None => {
                let release = running_release_or(system, || {
                    Call::again("check").with("--kernel", "KERNELRELEASE")
                })?;
                kernel::Kernel::of_release(system, &release)
            }
        };
        let is_running = found.release.is_some() && found.release == running;
        let modules = found.modules.as_deref();
        let kernel = Self::read(system, &found.build, modules, found.release, is_running);
        if kernel.vermagic.is_none() && kernel.symvers.is_none() {
            return Err(unknown(system, &kernel, path));
        }
        Ok(kernel)
    }

    /// Reads what is known of a kernel from its headers and its installed modules.
    pub fn read(
        system: &System,
        kdir_path: &Path,
        modules: Option<&Path>,
        release: Option<String>,
        is_running: bool,
    ) -> Self {
        let kdir = Kdir::open(system, kdir_path);
        let release = release.or_else(|| kdir.release.clone());
        let header = kdir.file("include/linux/vermagic.h");
        // One of its own modules tells what the headers may not.
        let own = modules.and_then(|directory| {
            let path = depmod::modules_below(&directory.join("kernel")).next()?;
            Some((system.shown(&path), KoFile::read(&path).ok()?))
        });
        let vermagic = kdir
            .vermagic()
            .map(|magic| (magic, system.shown(&header)))
            .or_else(|| {
                let (path, file) = own.as_ref()?;
                Some((file.info("vermagic")?.to_string(), path.clone()))
            });
        let symvers_path = kdir.path.join("Module.symvers");
        let read = Symvers::read(&symvers_path);
        let damaged_symvers = read.as_ref().ok().and_then(|all| {
            let (count, first) = all.damaged.as_ref()?;
            let path = system.shown(&symvers_path);
            Some(format!(
                "{count} lines of {path} are not of its format, the first is `{first}`"
            ))
        });
        let whole = read.ok().filter(|all| !all.exports.is_empty());
        let symvers_are_whole = whole.is_some() && damaged_symvers.is_none();
        let symvers = whole
            .map(|all| (all, system.shown(&symvers_path)))
            .or_else(|| exports_without_headers(system, release.as_deref()?, modules?));
        let machine = kdir.machine();
        let series = kdir.series();
        let linker_script = file::read_text(&kdir.file("scripts/module.lds"), 1 << 20);
        let config = config_without_headers(system, kdir.config, release.as_deref(), modules);
        let running = |path: &str| match is_running {
            true => file::read_text(&system.at(path), 16 << 20).unwrap_or_default(),
            false => String::new(),
        };
        let (own_path, own) = own.unzip();
        let signature = own.as_ref().and_then(|file| file.signature.clone());
        Self {
            machine: machine.or_else(|| machine_called(&own.as_ref()?.machine)),
            vermagic,
            symvers,
            symvers_are_whole,
            damaged_symvers,
            enforcement: match is_running {
                true => security::of_running(system, &config),
                false => security::of_config(&config),
            },
            ibt: security::ibt(system, &config, is_running),
            signer: match signature {
                Some(Signature::Signed(signer)) => Some(signer),
                _ => None,
            },
            series,
            config,
            struct_module: own.and_then(|file| file.this_module).zip(own_path),
            wants_export_flags: linker_script.is_ok_and(|text| text.contains("__kflagstab")),
            modules: modules.and_then(|directory| installed_modules(system, directory)),
            builtin: modules.map(builtin_in_sysfs).unwrap_or_default(),
            own: modules.map(|path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf())),
            loaded: (running("/proc/modules").lines())
                .filter_map(|line| Some(line.split_once(' ')?.0.to_string()))
                .collect(),
            forbidden: (running("/proc/cmdline").split_whitespace())
                .filter_map(|word| word.strip_prefix("module_blacklist="))
                .flat_map(|names| names.split(','))
                .map(str::to_string)
                .collect(),
            listed: modules.and_then(depmod::listed).unwrap_or_default(),
            not_loaded: modprobe_d::not_loaded(system),
            build: system.shown(kdir_path),
            release,
        }
    }

    /// The command that builds a module again, for this kernel.
    pub(super) fn rebuild(&self) -> Command {
        Command::new("make -C")
            .arg(&self.build)
            .shell("M=\"$PWD\" clean modules")
    }

    /// How to find out why it was built without Rust.
    pub(super) fn why_no_rust(&self) -> Help {
        Help {
            text: "see why this kernel has no Rust, and what turns it on".into(),
            command: Some(Command::new("rustkmod why RUST --kdir").arg(&self.build)),
        }
    }

    /// Those of its installed modules that have these names, as depmod has listed them.
    pub(super) fn installed_files(&self, names: &HashSet<String>) -> Vec<(PathBuf, KoFile)> {
        let Some(directory) = self.own.as_ref().filter(|_| !names.is_empty()) else {
            return Vec::new();
        };
        let installed = depmod::installed(directory).0.into_iter();
        installed
            .filter(|(name, _)| names.contains(name))
            .filter_map(|(_, path)| Some((path.clone(), KoFile::read(&path).ok()?)))
            .collect()
    }

    /// Whether the loader of this kernel does what came with a series. One whose series is not
    /// known is taken for a new one.
    pub(super) fn is_since(&self, series: Series) -> bool {
        self.series.is_none_or(|own| own >= series)
    }

    /// What makes a verdict about this kernel less certain than it could be.
    pub fn doubts(&self) -> Vec<Finding> {
        let mut doubts = Vec::new();
        if self.vermagic.is_none() {
            let message = "the kernel's vermagic is not known, and was not compared";
            doubts.push(Finding::warning("vermagic", &self.build, message));
        }
        if let Some(damaged) = &self.damaged_symvers {
            let message = "the kernel's Module.symvers is damaged: exports may be missing from it";
            doubts.push(
                Finding::warning("symvers", &self.build, message)
                    .note(damaged)
                    .run(
                        "see what is wrong with the headers, and how to install them again",
                        Command::new("rustkmod doctor --kdir").arg(&self.build),
                    ),
            );
        }
        doubts
    }

    /// Its release, or else its headers.
    pub fn name(&self) -> String {
        match &self.release {
            Some(release) => release.clone(),
            None => self.build.clone(),
        }
    }
}

/// What to say where nothing is known of a kernel: `path` is the directory it was named by, if it was.
fn unknown(system: &System, kernel: &Kernel, path: Option<&Path>) -> Error {
    let name = kernel.release.clone().unwrap_or_default();
    let (what, why) = if let Some(path) = path {
        let why = match path.metadata() {
            Err(error) => format!("it cannot be looked at: {error}"),
            Ok(about) if !about.is_dir() => "it is not a directory".to_string(),
            Ok(_) => "it has neither include/linux/vermagic.h and Module.symvers, as headers \
                      have, nor modules in kernel/"
                .to_string(),
        };
        (format!("a kernel in {}", system.shown(path)), why)
    } else if let Some(damaged) = &kernel.damaged_symvers {
        let what = format!("the kernel {name}: its Module.symvers is damaged");
        (what, damaged.clone())
    } else {
        let build = &kernel.build;
        let why = format!("neither headers are at {build} nor modules in /lib/modules/{name}");
        (format!("the kernel {name}"), why)
    };
    let call = Call::again("check").with("--kernel", "KERNELRELEASE");
    let error = Error::new(format!("nothing is known of {what}"))
        .note(why)
        .run("name a kernel that is here", call);
    if path.is_some() || kernel.damaged_symvers.is_some() {
        return error;
    }
    let modules = kdir::modules_directory(system, &name);
    match install::upgraded(system, &name) {
        Some(installed) => error.advise(format!(
            "an upgrade took it away while it runs: reboot, or check for {installed}"
        )),
        None => error.run_if_known(
            "install its headers",
            install::headers(system, &modules, &name),
            install::NO_PACKAGE,
        ),
    }
}

/// `System.map` has a `__ksymtab_` line for each export of the kernel, and depmod's
/// `modules.symbols` one for each of its modules. Neither says GPL-only or has checksums.
fn exports_without_headers(
    system: &System,
    release: &str,
    modules: &Path,
) -> Option<(Symvers, String)> {
    let maps = [
        system.at(format!("/boot/System.map-{release}")),
        modules.join("System.map"),
    ];
    let (path, text) = maps.into_iter().find_map(|path| {
        // Debian installs a line in its place that says where the real one is.
        let text = file::read_text(&path, 256 << 20).ok()?;
        text.contains(" __ksymtab_").then_some((path, text))
    })?;
    let mut symvers = Symvers::default();
    let mut add = |name: &str, exporter: &str| {
        let exporter = exporter.to_string();
        let export = Export {
            crc: 0,
            exporter,
            gpl_only: false,
            namespace: String::new(),
        };
        symvers.exports.insert(name.to_string(), export);
    };
    for line in text.lines() {
        if let Some((_, name)) = line.split_once(" __ksymtab_") {
            add(name, "vmlinux");
        }
    }
    let aliases = file::read_text(&modules.join("modules.symbols"), 256 << 20).ok()?;
    for line in aliases.lines() {
        if let Some((name, module)) = line
            .strip_prefix("alias symbol:")
            .and_then(|rest| rest.split_once(' '))
        {
            add(name, module);
        }
    }
    Some((symvers, system.shown(&path)))
}

/// The modules a kernel was installed with or has built in, and where that was found.
fn installed_modules(system: &System, directory: &Path) -> Option<(HashSet<String>, String)> {
    let (modules, from) = depmod::installed(directory);
    if modules.is_empty() {
        return None;
    }
    let mut names: HashSet<_> = modules.into_keys().collect();
    names.extend(depmod::builtin(directory).into_iter().flatten());
    Some((names, system.shown(&from)))
}

/// The built-in modules that have parameters or a version: `/sys/module` has a directory for each,
/// and the kernel takes no module of that name besides (`mod_sysfs_init()`).
fn builtin_in_sysfs(directory: &Path) -> HashSet<String> {
    let list = directory.join("modules.builtin.modinfo");
    let list = file::read(&list, 64 << 20).unwrap_or_default();
    list.split(|byte| *byte == 0)
        .filter_map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            let (name, value) = pair.split_once('.')?;
            let is_shown = value.starts_with("parm=") || value.starts_with("version=");
            is_shown.then(|| name.to_string())
        })
        .collect()
}

/// The configuration of a kernel without headers is beside its image or its modules.
fn config_without_headers(
    system: &System,
    config: Config,
    release: Option<&str>,
    modules: Option<&Path>,
) -> Config {
    if !config.is_empty() {
        return config;
    }
    let beside_image = release.map(|release| system.at(format!("/boot/config-{release}")));
    let places = [beside_image, modules.map(|path| path.join("config"))];
    (places.into_iter().flatten())
        .find_map(|path| Config::read(&path).ok())
        .unwrap_or(config)
}

fn machine_called(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 6] = ["x86_64", "i686", "aarch64", "arm", "riscv64", "loongarch64"];
    KNOWN.into_iter().find(|known| *known == name)
}
