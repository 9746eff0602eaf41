// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod check`: whether a kernel would take a module, without loading it.
//!
//! The questions are those of `load_module()` in `kernel/module/main.c`, in its order: is it a
//! module for this processor, is it signed, does its vermagic agree, is each symbol it needs
//! exported to it, with the type it was compiled against.

pub mod command;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use kernel_files::depmod;
use kernel_files::file;

use crate::call::Call;
use crate::command::quoted;
use crate::error::{Error, Result};
use crate::install;
use crate::kernel_arg::running_release_or;
use crate::report::{Finding, Status, counted, lossily, worst};
use kernel_files::kofile::{KoError, KoFile, Signature};
use kernel_files::pkcs7::Signer;
use kernel_files::rustsym::{self, Missing, RustExports};
use kernel_files::symvers::{Export, Symvers};
use kernel_files::vermagic;
use kernel_tree::kdir::{self, Kdir};
use kernel_tree::security::{self, Enforcement, Ibt};
use kernel_tree::system::System;

/// How many symbols a message names before it only counts the rest.
const SHOWN: usize = 5;

/// What is known of the kernel that should take the modules.
#[derive(Debug)]
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
    /// Whether a missing namespace import is tolerated.
    pub tolerates_missing_imports: bool,
    /// The modules it has, by name, and where that was found.
    pub modules: Option<(HashSet<String>, String)>,
    /// The folder to build modules in, as messages call it.
    pub build: String,
}

impl Kernel {
    /// Finds out about the kernel the caller named: a release, a folder of headers, or a folder
    /// of installed modules.
    pub fn find(system: &System, named: Option<&str>) -> Result<Self> {
        let running = system.running_release();
        let path = named
            .map(Path::new)
            .filter(|path| names_a_folder(system, path));
        let (kdir_path, modules, release) = match (path, named) {
            (Some(path), _) => {
                let path = file::absolute(path)?;
                if path.join("kernel").is_dir() && !path.join("Makefile").exists() {
                    let release = path
                        .file_name()
                        .map(|name| name.to_string_lossy().into_owned());
                    (path.join("build"), Some(path), release)
                } else {
                    let release = kdir::release_of(&path);
                    let beside = release.as_ref().map(|r| kdir::modules_folder(system, r));
                    (path, beside, release)
                }
            }
            (None, Some(release)) => (
                Kdir::of_release(system, release),
                Some(kdir::modules_folder(system, release)),
                Some(release.to_string()),
            ),
            (None, None) => {
                let release = running_release_or(system, || {
                    Call::again("check").with("--kernel", "KERNELRELEASE")
                })?;
                (
                    Kdir::of_release(system, &release),
                    Some(kdir::modules_folder(system, &release)),
                    Some(release),
                )
            }
        };
        let is_running = release.is_some() && release == running && system.is_live();
        let kernel = Self::read(system, &kdir_path, modules.as_deref(), release, is_running);
        if kernel.vermagic.is_none() && kernel.symvers.is_none() {
            return Err(Error::Unmet(unknown(system, &kernel, path)));
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
        let vermagic = kdir
            .vermagic()
            .map(|magic| (magic, system.shown(&header)))
            .or_else(|| {
                let (path, magic) = kdir::vermagic_of_modules(modules?)?;
                Some((magic, system.shown(&path)))
            });
        let symvers_path = kdir.path.join("Module.symvers");
        let whole = Symvers::read(&symvers_path)
            .ok()
            .filter(|all| !all.exports.is_empty());
        let symvers_are_whole = whole.is_some();
        let symvers = whole
            .map(|all| (all, system.shown(&symvers_path)))
            .or_else(|| exports_without_headers(system, release.as_deref()?, modules?));
        let config = &kdir.config;
        Self {
            machine: kdir.machine(),
            vermagic,
            symvers,
            symvers_are_whole,
            enforcement: if is_running {
                security::of_running(system, config)
            } else {
                security::of_config(config)
            },
            ibt: security::ibt(system, config, is_running),
            signer: modules.and_then(|folder| signer_of_own(&folder.join("kernel"))),
            tolerates_missing_imports: config.is_y("MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS"),
            modules: modules.and_then(|folder| installed_modules(system, folder)),
            build: system.shown(kdir_path),
            release,
        }
    }

    /// The command that builds a module again, for this kernel.
    fn rebuild(&self) -> String {
        let kdir = quoted(&self.build);
        format!("make -C {kdir} M=\"$PWD\" clean modules")
    }

    fn name(&self) -> String {
        match &self.release {
            Some(release) => release.clone(),
            None => self.build.clone(),
        }
    }
}

/// Whether what was given for a kernel is a folder, and not a release: it has a slash, as no release
/// has, or no kernel of that name is installed and a folder is there.
fn names_a_folder(system: &System, named: &Path) -> bool {
    let text = named.to_string_lossy();
    let is_release = || kdir::modules_folder(system, &text).exists();
    text.contains('/') || [".", ".."].contains(&&*text) || (named.is_dir() && !is_release())
}

/// What to say where nothing is known of a kernel: `path` is the folder it was named by, if it was.
fn unknown(system: &System, kernel: &Kernel, path: Option<&Path>) -> String {
    let call = Call::again("check").with("--kernel", "KERNELRELEASE");
    if let Some(path) = path {
        let why = match path.metadata() {
            Err(error) => format!("it cannot be looked at: {error}"),
            Ok(about) if !about.is_dir() => "it is no folder".to_string(),
            Ok(_) => "it has neither include/linux/vermagic.h and Module.symvers, as headers \
                      have, nor modules in kernel/"
                .to_string(),
        };
        return format!(
            "nothing is known of a kernel in {}\n  note: {why}\n  \
             help: name a kernel that is here\n            {call}",
            system.shown(path)
        );
    }
    let name = kernel.release.clone().unwrap_or_default();
    let modules = kdir::modules_folder(system, &name);
    let install = match install::headers(system.distribution(), &modules, &name) {
        Some(command) => format!("\n  help: install its headers\n            {command}"),
        None => String::new(),
    };
    format!(
        "nothing is known of the kernel {name}\n  \
         note: neither headers are at {} nor modules in /lib/modules/{name}\n  \
         help: name a kernel that is here\n            {call}{install}",
        kernel.build
    )
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
        let text = file::read_text(&path, 256 << 20).ok()?;
        Some((path, text))
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
    (!symvers.exports.is_empty()).then(|| (symvers, system.shown(&path)))
}

/// The modules a kernel was installed with: from depmod's list, else from the folder.
fn installed_modules(system: &System, folder: &Path) -> Option<(HashSet<String>, String)> {
    let mut names = HashSet::new();
    let list = folder.join("modules.dep");
    let from = match file::read_text(&list, 64 << 20) {
        Ok(text) => {
            names.extend(
                text.lines()
                    .filter_map(|line| Some(depmod::module_name(line.split_once(':')?.0))),
            );
            list
        }
        Err(_) => {
            names.extend(
                depmod::modules_below(folder)
                    .map(|path| depmod::module_name(&path.to_string_lossy())),
            );
            folder.to_path_buf()
        }
    };
    if names.is_empty() {
        return None;
    }
    let builtin = file::read_text(&folder.join("modules.builtin"), 64 << 20).unwrap_or_default();
    names.extend(builtin.lines().map(depmod::module_name));
    Some((names, system.shown(&from)))
}

/// Who signed the modules below a folder, by the first of them.
fn signer_of_own(folder: &Path) -> Option<Signer> {
    match KoFile::read(&depmod::modules_below(folder).next()?)
        .ok()?
        .signature?
    {
        Signature::Signed(signer) => Some(signer),
        Signature::Damaged(_) => None,
    }
}

/// The name the kernel gives to a module: the one in it, which the file's need not be.
fn name_of(path: &Path, file: &KoFile) -> String {
    match file.info("name") {
        Some(name) => name.to_string(),
        None => depmod::module_name(&path.to_string_lossy()),
    }
}

/// Whether the kernel would take one module, and why not.
#[derive(Debug, Clone, Serialize)]
pub struct ModuleReport {
    /// The file.
    #[serde(serialize_with = "lossily")]
    pub path: PathBuf,
    /// Whether nothing was found that makes the kernel refuse it.
    pub loads: bool,
    /// What was found. Without a failure or a warning it is empty.
    pub findings: Vec<Finding>,
    /// The symbols that are not exported to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingSymbol>,
    /// All symbols it needs, when they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<SymbolReport>,
}

/// A symbol that a module needs and the kernel does not export.
#[derive(Debug, Clone, Serialize)]
pub struct MissingSymbol {
    /// The symbol as it stands in the file.
    pub symbol: String,
    /// Its readable form, if it is Rust's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demangled: Option<String>,
    /// Why it is missing: `another-rustc`, `another-kernel`, `no-rust`, `no-crate`, `allocator`
    /// or `not-exported`.
    pub reason: &'static str,
}

/// A symbol that a module needs, and who exports it.
#[derive(Debug, Clone, Serialize)]
pub struct SymbolReport {
    /// The symbol as it stands in the file.
    pub symbol: String,
    /// Its readable form, if it is Rust's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demangled: Option<String>,
    /// `vmlinux` or a module; nothing when no one exports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exporter: Option<String>,
    /// Whether it is exported to GPL modules only.
    pub gpl_only: bool,
}

/// What to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Also list every symbol with its exporter.
    pub symbols: bool,
}

/// Finds the modules in what the caller gave: files as they are, folders with all below them.
pub fn find_modules(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in given {
        if path.is_dir() {
            for module in depmod::walk(path) {
                found.push(module.map_err(|error| Error::Folder {
                    folder: error.path().unwrap_or(path).to_path_buf(),
                    source: error.into(),
                })?);
            }
        } else {
            found.push(path.clone());
        }
    }
    if found.is_empty() {
        let names: Vec<_> = given
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(Error::NoModules(names.join(", ")));
    }
    Ok(found)
}

/// Checks modules against a kernel, in parallel. Modules may use each other's exports.
pub fn check(kernel: &Kernel, paths: &[PathBuf], options: Options) -> Vec<ModuleReport> {
    let files: Vec<_> = paths.par_iter().map(|path| KoFile::read(path)).collect();
    let mut own_exports = HashMap::new();
    let mut own_names = HashSet::new();
    for (path, file) in paths.iter().zip(&files) {
        let Ok(file) = file else { continue };
        let name = depmod::module_name(&path.to_string_lossy());
        for export in &file.exports {
            own_exports.insert(export.as_str(), name.clone());
        }
        own_names.insert(name);
    }
    let rust = std::sync::OnceLock::new();
    let context = Context {
        kernel,
        own_exports,
        own_names,
        rust: &rust,
        options,
    };
    paths
        .par_iter()
        .zip(&files)
        .map(|(path, file)| context.module(path, file))
        .collect()
}

struct Context<'a> {
    kernel: &'a Kernel,
    own_exports: HashMap<&'a str, String>,
    own_names: HashSet<String>,
    rust: &'a std::sync::OnceLock<RustExports>,
    options: Options,
}

/// Symbols that the kernel does not look up: the linker's and the module's own.
const NOT_LOOKED_UP: [&str; 3] = ["_GLOBAL_OFFSET_TABLE_", ".TOC.", "__this_module"];

impl Context<'_> {
    fn module(&self, path: &Path, file: &std::result::Result<KoFile, KoError>) -> ModuleReport {
        let mut report = ModuleReport {
            path: path.to_path_buf(),
            loads: false,
            findings: Vec::new(),
            missing: Vec::new(),
            symbols: Vec::new(),
        };
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                report.findings.push(match error {
                    KoError::Read(why) => {
                        let message = "this file cannot be looked at";
                        Finding::error("file", path.display(), message).note(why)
                    }
                    _ => {
                        let message = format!("this is not a kernel module: {error}");
                        Finding::error("file", path.display(), message)
                            .note("insmod would say: Invalid module format, or Exec format error")
                    }
                });
                return report;
            }
        };
        report.findings.extend(self.is_module(path, file));
        report.findings.extend(self.architecture(path, file));
        report.findings.extend(self.signature(path, file));
        report.findings.extend(self.vermagic(path, file));
        report.findings.extend(self.branch_tracking(path, file));
        self.symbols(path, file, &mut report);
        report.findings.extend(self.checksums(path, file));
        report.findings.extend(self.namespaces(path, file));
        report.findings.extend(self.dependencies(path, file));
        report.loads = worst(&report.findings) < Status::Error;
        report
    }

    /// Reads the section `.gnu.linkonce.this_module`, which modpost adds: an object without it
    /// is not linked as a module yet.
    fn is_module(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        if file.is_linked {
            return None;
        }
        let message = "this object is not linked as a kernel module";
        let finding = Finding::error("linked", path.display(), message)
            .note("it lacks the section .gnu.linkonce.this_module, which modpost adds")
            .run(
                "build it with the kernel's own Makefiles",
                self.kernel.rebuild(),
            );
        Some(finding)
    }

    /// Reads the ELF header against the kernel's configuration (`elf_check_arch()`).
    fn architecture(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let kernel = self.kernel.machine?;
        if file.machine == kernel {
            return None;
        }
        let message = "the module is made for another processor";
        Some(
            Finding::error("architecture", path.display(), message)
                .versus(("the module", &file.machine), ("the kernel", kernel))
                .advise(format!("build it on or for {kernel}")),
        )
    }

    /// Reads the signature behind the file (`module_sig_check()` in `kernel/module/signing.c`).
    /// Which keys it trusts is known to the kernel alone: the one that signed its own modules is
    /// among them.
    fn signature(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let enforcement = &self.kernel.enforcement;
        let how = match &file.signature {
            Some(Signature::Signed(signer)) => return self.signer(path, signer),
            Some(Signature::Damaged(how)) => format!("its signature is damaged: {how}"),
            None => "it has no signature".to_string(),
        };
        let signing = format!(
            "{} sha256 KEY.pem CERT.x509 {}",
            quoted(format!("{}/scripts/sign-file", self.kernel.build)),
            quoted(path)
        );
        match enforcement {
            Enforcement::Refuses(reason) => {
                let message = "the kernel loads signed modules only, and this one is not signed";
                Some(
                    Finding::error("signature", path.display(), message)
                        .versus(("the module", &how), ("the kernel", reason))
                        .note("the kernel says: Loading of unsigned module is rejected")
                        .run("sign it with a key this kernel trusts", signing),
                )
            }
            Enforcement::Depends(condition) => {
                let message = "the module is not signed, and the kernel may demand it";
                Some(
                    Finding::warning("signature", path.display(), message)
                        .versus(("the module", &how), ("the kernel", condition))
                        .run("see whether Secure Boot is on", "mokutil --sb-state"),
                )
            }
            Enforcement::Taints | Enforcement::Ignores => None,
        }
    }

    /// Compares the signer with that of the kernel's own modules.
    fn signer(&self, path: &Path, signer: &Signer) -> Option<Finding> {
        let own = self.kernel.signer.as_ref()?;
        if own.key == signer.key
            || matches!(
                self.kernel.enforcement,
                Enforcement::Taints | Enforcement::Ignores
            )
        {
            return None;
        }
        let message = "the module is signed with another key than the kernel's own modules";
        let said = |signer: &Signer| format!("'{}' ({})", signer.name, signer.key);
        Some(
            Finding::warning("signature", path.display(), message)
                .versus(
                    ("the module", &said(signer)),
                    ("the kernel's modules", &said(own)),
                )
                .note(
                    "unless the kernel was given that key, it says: \
                     Loading of module with unavailable key is rejected",
                )
                .run(
                    "see the keys that the machine's owner has enrolled",
                    "mokutil --list-enrolled",
                ),
        )
    }

    /// Reads the first instruction of what the kernel calls of a module
    /// (`exc_control_protection()`).
    fn branch_tracking(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        if file.without_endbr.is_empty() || self.kernel.ibt == Ibt::Off {
            return None;
        }
        let functions = file.without_endbr.join(" and ");
        let (new, message): (fn(_, _, _) -> _, _) = match self.kernel.ibt {
            Ibt::Here => (
                Finding::error,
                "this processor tracks indirect branches, and stops the kernel at this module",
            ),
            _ => (
                Finding::warning,
                "a processor that tracks indirect branches stops the kernel at this module",
            ),
        };
        Some(
            new("ibt", path.display(), message)
                .versus(
                    ("the module", &format!("no endbr64 in front of {functions}")),
                    (
                        "the kernel",
                        "CONFIG_X86_KERNEL_IBT=y: it calls nothing else by a pointer",
                    ),
                )
                .note(
                    "the kernel says: Missing ENDBR. Linux 6.1 as it comes builds all Rust so: \
                     it has to be booted with ibt=off",
                )
                .run(
                    "where the kernel's Makefiles build Rust with it, build it again",
                    self.kernel.rebuild(),
                ),
        )
    }

    /// Reads `vermagic` in `.modinfo` against the kernel's (`same_magic()`).
    fn vermagic(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let (kernel, from) = self.kernel.vermagic.as_ref()?;
        let Some(module) = file.info("vermagic") else {
            let message = "the module says of no kernel that it was made for it";
            return Some(
                Finding::error("vermagic", path.display(), message)
                    .note("there is no `vermagic` in its .modinfo section"),
            );
        };
        let differences = vermagic::differences(module, kernel, file.versions.is_some());
        if differences.is_empty() {
            return None;
        }
        let fields: Vec<_> = differences
            .iter()
            .map(|difference| difference.field)
            .collect();
        let message = format!(
            "the module was built for another kernel: it differs in {}",
            fields.join(", ")
        );
        let mut finding = Finding::error("vermagic", path.display(), message).versus(
            ("the module", &format!("'{}'", module.trim_end())),
            ("the kernel", &format!("'{}'", kernel.trim_end())),
        );
        for vermagic::Difference {
            field,
            module,
            kernel,
        } in &differences
        {
            let show = |side: &Option<String>| {
                side.clone()
                    .map_or("has none".to_string(), |side| format!("has {side}"))
            };
            let option = vermagic::option_of(field)
                .map(|o| format!(" ({o})"))
                .unwrap_or_default();
            finding = finding.note(format!(
                "{field}{option}: the module {}, the kernel {}",
                show(module),
                show(kernel)
            ));
        }
        let name = name_of(path, file);
        Some(
            finding
                .note(format!("the kernel's is from {from}"))
                .note(format!(
                    "the kernel says: {name}: version magic '{module}' should be '{kernel}'"
                ))
                .run("build it again, for this kernel", self.kernel.rebuild()),
        )
    }

    /// Reads the undefined symbols against `Module.symvers` (`resolve_symbol()` in
    /// `kernel/module/main.c`).
    fn symbols(&self, path: &Path, file: &KoFile, report: &mut ModuleReport) {
        let Some((symvers, from)) = &self.kernel.symvers else {
            let message = "which symbols the kernel exports is not known: they were not looked up";
            report
                .findings
                .push(
                    Finding::warning("symbols", path.display(), message).note(format!(
                        "there is no Module.symvers in {}",
                        self.kernel.build
                    )),
                );
            return;
        };
        let mut gpl_only = Vec::new();
        let mut causes: BTreeMap<String, (Finding, Vec<String>)> = BTreeMap::new();
        for symbol in &file.undefined {
            let name = symbol.name.as_str();
            if NOT_LOOKED_UP.contains(&name) {
                continue;
            }
            let export = symvers.exports.get(name);
            let own = self.own_exports.get(name);
            if self.options.symbols {
                report.symbols.push(SymbolReport {
                    symbol: name.to_string(),
                    demangled: rustsym::demangle(name).filter(|_| rustsym::is_rust(name)),
                    exporter: export
                        .map(|export| export.exporter.clone())
                        .or(own.cloned()),
                    gpl_only: export.is_some_and(|export| export.gpl_only),
                });
            }
            match export {
                Some(export) if export.gpl_only && !file.is_gpl_compatible() => {
                    gpl_only.push(name.to_string());
                }
                Some(_) => {}
                None if own.is_some() || symbol.weak => {}
                None => {
                    let (reason, finding) = self.missing(path, name, symvers, from);
                    report.missing.push(MissingSymbol {
                        symbol: name.to_string(),
                        demangled: rustsym::demangle(name).filter(|_| rustsym::is_rust(name)),
                        reason,
                    });
                    let key = format!("{reason}{}", finding.message);
                    let readable = rustsym::demangle(name).unwrap_or_else(|| name.to_string());
                    causes
                        .entry(key)
                        .or_insert_with(|| (finding, Vec::new()))
                        .1
                        .push(readable);
                }
            }
        }
        if !gpl_only.is_empty() {
            report
                .findings
                .push(self.gpl_finding(path, file, &gpl_only));
        }
        for (finding, names) in causes.into_values() {
            report.findings.push(list(finding, &names));
        }
    }

    fn gpl_finding(&self, path: &Path, file: &KoFile, names: &[String]) -> Finding {
        let message = format!(
            "{} exported to GPL modules only, and this is none",
            if names.len() == 1 {
                "a symbol is".into()
            } else {
                format!("{} symbols are", names.len())
            }
        );
        let license = file.info("license").unwrap_or("none");
        let finding = Finding::error("gpl", path.display(), message).versus(
            ("the module's licence", &format!("\"{license}\"")),
            (
                "the kernel takes",
                "\"GPL\", \"GPL v2\", \"Dual MIT/GPL\" and the like",
            ),
        );
        let readable: Vec<_> = names
            .iter()
            .map(|name| rustsym::demangle(name).unwrap_or_else(|| name.clone()))
            .collect();
        list(finding, &readable)
            .advise("state the licence in `module!`, if it is one of these: license: \"GPL\"")
    }

    fn missing(
        &self,
        path: &Path,
        symbol: &str,
        symvers: &Symvers,
        from: &str,
    ) -> (&'static str, Finding) {
        let shown = path.display();
        let kernel = self.kernel.name();
        let rebuild = self.kernel.rebuild();
        let error = |message: String| Finding::error("symbols", shown, message);
        if !rustsym::is_rust(symbol) {
            let finding = error(format!("the kernel {kernel} does not export what it needs"))
                .note(format!("not in {from}"))
                .advise(
                    "another module may export it (build both together, or pass its \
                     Module.symvers in KBUILD_EXTRA_SYMBOLS), or the kernel lacks an option",
                );
            return ("not-exported", finding);
        }
        let rust = self.rust.get_or_init(|| RustExports::of(symvers));
        match rust.why_missing(symbol) {
            Missing::Allocator => (
                "allocator",
                error("it uses `alloc`, and this kernel does not export its allocator".into())
                    .note("kernels 6.1 to 6.12 export it; later ones have KBox and KVec instead")
                    .run("build it again, for this kernel", rebuild),
            ),
            Missing::NoRust => (
                "no-rust",
                error(format!("the kernel {kernel} was built without Rust"))
                    .note(format!("there is no Rust symbol in {from}"))
                    .run(
                        "see why, and what turns it on",
                        format!("rustkmod why RUST --kdir {}", quoted(&self.kernel.build)),
                    ),
            ),
            Missing::AnotherRustc { module, kernel } => (
                "another-rustc",
                error(format!(
                    "it was compiled by another rustc than the kernel's `{}` crate",
                    module.name
                ))
                .versus(
                    (
                        "the module has",
                        &format!("{}[{}]", module.name, module.hash),
                    ),
                    (
                        "the kernel has",
                        &format!("{}[{}]", kernel.name, kernel.hash),
                    ),
                )
                .note("the number is made from the crate's name and rustc's full version string")
                .run("build it again, with this kernel's rustc", rebuild)
                .run(
                    "which rustc that is",
                    format!("rustkmod toolchain --kdir {}", quoted(&self.kernel.build)),
                ),
            ),
            Missing::NoCrate(name) => (
                "no-crate",
                error(format!("the kernel {kernel} has no crate `{name}`"))
                    .note(format!("no symbol in {from} belongs to it"))
                    .advise(format!(
                        "`{name}` is of another kernel series, or a module of its own that has \
                         to be built with this one"
                    )),
            ),
            Missing::AnotherKernel => (
                "another-kernel",
                error("it was built against another kernel's crates, by the same rustc".into())
                    .note(format!(
                        "the crates in {from} have the same numbers, but lack what it needs"
                    ))
                    .run("build it again, for this kernel", rebuild),
            ),
        }
    }

    /// Reads `__versions` against the checksums in `Module.symvers` (`check_version()` in
    /// `kernel/module/version.c`).
    fn checksums(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let (symvers, from) = self.kernel.symvers.as_ref()?;
        if !self.kernel.symvers_are_whole {
            return None;
        }
        let mut differing = Vec::new();
        let Some(versions) = &file.versions else {
            let needed = file.undefined.iter().find(|symbol| {
                symvers
                    .exports
                    .get(&symbol.name)
                    .is_some_and(|export| export.crc != 0)
            })?;
            let message =
                "the kernel checks the types of symbols, and the module has none to check";
            return Some(
                Finding::error("checksums", path.display(), message)
                    .versus(
                        (
                            "the module",
                            "has no __versions section (CONFIG_MODVERSIONS was off)",
                        ),
                        (
                            "the kernel",
                            &format!("has a checksum for {} ({from})", needed.name),
                        ),
                    )
                    .run("build it again, for this kernel", self.kernel.rebuild()),
            );
        };
        for (name, crc) in versions {
            let Some(export) = symvers.exports.get(name) else {
                continue;
            };
            if export.crc != 0 && export.crc != *crc {
                differing.push((name, *crc, export.crc));
            }
        }
        let (name, module, kernel) = differing.first()?;
        let message = format!(
            "{} another type in this kernel than the module was compiled against",
            if differing.len() == 1 {
                "a symbol has".to_string()
            } else {
                format!("{} symbols have", differing.len())
            }
        );
        let says = format!(
            "the kernel says: {}: disagrees about version of symbol {name}",
            name_of(path, file)
        );
        let readable: Vec<_> = differing
            .iter()
            .map(|(name, ..)| name.to_string())
            .collect();
        Some(
            list(
                Finding::error("checksums", path.display(), message).versus(
                    (&format!("the module's {name}"), &format!("{module:#010x}")),
                    (&format!("the kernel's {name}"), &format!("{kernel:#010x}")),
                ),
                &readable,
            )
            .note(says)
            .run("build it again, for this kernel", self.kernel.rebuild()),
        )
    }

    /// Reads `import_ns` in `.modinfo` against the namespaces in `Module.symvers`
    /// (`verify_namespace_is_imported()`).
    fn namespaces(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let (symvers, _) = self.kernel.symvers.as_ref()?;
        let imported: HashSet<_> = file.infos("import_ns").collect();
        let mut lacking = BTreeMap::new();
        for symbol in &file.undefined {
            if let Some(export) = symvers.exports.get(&symbol.name)
                && !export.namespace.is_empty()
                && !imported.contains(export.namespace.as_str())
                // Since 6.16 a symbol may be exported to modules by their names.
                && !export.namespace.starts_with("module:")
            {
                lacking.insert(export.namespace.as_str(), symbol.name.as_str());
            }
        }
        let (namespace, symbol) = lacking.first_key_value()?;
        let message = format!("it uses the namespace {namespace} without importing it");
        let finding = if self.kernel.tolerates_missing_imports {
            Finding::warning("namespace", path.display(), message)
        } else {
            Finding::error("namespace", path.display(), message)
        };
        Some(
            finding
                .note(format!("{symbol} is exported in {namespace}"))
                .advise(format!(
                    "in C: MODULE_IMPORT_NS({namespace}); in Rust: imports_ns in `module!`"
                )),
        )
    }

    /// Reads `depends` in `.modinfo` against the modules the kernel was installed with.
    fn dependencies(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let (modules, from) = self.kernel.modules.as_ref()?;
        let lacking: Vec<_> = file
            .depends()
            .map(|name| name.replace('-', "_"))
            .filter(|name| !modules.contains(name) && !self.own_names.contains(name))
            .collect();
        if lacking.is_empty() {
            return None;
        }
        let message = format!(
            "it needs {} that is not there",
            counted(lacking.len(), "module")
        );
        Some(
            Finding::error("depends", path.display(), message)
                .versus(
                    ("the module needs", &lacking.join(", ")),
                    ("looked for in", from),
                )
                .advise("install the module, and run depmod -a"),
        )
    }
}

/// Adds the first few names to a finding, and counts the rest.
fn list(finding: Finding, names: &[String]) -> Finding {
    let mut lines: Vec<_> = names.iter().take(SHOWN).cloned().collect();
    if names.len() > SHOWN {
        lines.push(format!("and {} more", names.len() - SHOWN));
    }
    let what = if names.len() == 1 {
        "it is"
    } else {
        "they are"
    };
    finding.note(format!("{what} {}", lines.join(",\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_files::kofile::Undefined;

    fn kernel() -> Kernel {
        let symvers = Symvers::parse(
            "0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n\
             0x00000000\tgpl_thing\tvmlinux\tEXPORT_SYMBOL_GPL\t\n\
             0x00000000\tspaced\tdrivers/a\tEXPORT_SYMBOL\tSPACE\n",
        );
        Kernel {
            release: Some("6.1.0".into()),
            machine: Some("x86_64"),
            vermagic: Some(("6.1.0 SMP mod_unload ".into(), "vermagic.h".into())),
            symvers: Some((symvers, "Module.symvers".into())),
            symvers_are_whole: true,
            enforcement: Enforcement::Ignores,
            ibt: Ibt::Off,
            signer: None,
            tolerates_missing_imports: false,
            modules: Some((HashSet::from(["a".to_string()]), "modules.dep".into())),
            build: "/lib/modules/6.1.0/build".into(),
        }
    }

    fn module(undefined: &[&str]) -> KoFile {
        KoFile {
            machine: "x86_64".into(),
            modinfo: vec![
                ("vermagic".into(), "6.1.0 SMP mod_unload ".into()),
                ("license".into(), "GPL".into()),
            ],
            undefined: undefined
                .iter()
                .map(|name| Undefined {
                    name: name.to_string(),
                    weak: false,
                })
                .collect(),
            is_linked: true,
            ..KoFile::default()
        }
    }

    fn judged(kernel: &Kernel, file: KoFile) -> ModuleReport {
        let rust = std::sync::OnceLock::new();
        let context = Context {
            kernel,
            own_exports: HashMap::new(),
            own_names: HashSet::new(),
            rust: &rust,
            options: Options::default(),
        };
        context.module(Path::new("m.ko"), &Ok(file))
    }

    fn found(kernel: &Kernel, file: KoFile) -> Vec<&'static str> {
        let report = judged(kernel, file);
        assert_eq!(report.loads, report.findings.is_empty());
        report
            .findings
            .iter()
            .map(|finding| finding.check)
            .collect()
    }

    #[test]
    fn a_fitting_module_has_no_findings() {
        assert!(found(&kernel(), module(&["_printk", "gpl_thing"])).is_empty());
    }

    #[test]
    fn each_way_not_to_fit_is_found() {
        let mut other = module(&[]);
        other.machine = "aarch64".into();
        assert_eq!(found(&kernel(), other), ["architecture"]);

        let mut other = module(&[]);
        other.modinfo[0].1 = "6.1.0 SMP preempt mod_unload ".into();
        assert_eq!(found(&kernel(), other), ["vermagic"]);

        let mut other = module(&["gpl_thing"]);
        other.modinfo[1].1 = "Proprietary".into();
        assert_eq!(found(&kernel(), other), ["gpl"]);

        assert_eq!(found(&kernel(), module(&["nowhere"])), ["symbols"]);
        assert_eq!(found(&kernel(), module(&["spaced"])), ["namespace"]);

        let mut other = module(&[]);
        other.modinfo.push(("depends".into(), "a,b".into()));
        assert_eq!(found(&kernel(), other), ["depends"]);

        let mut enforcing = kernel();
        enforcing.enforcement = Enforcement::Refuses("sig_enforce".into());
        assert_eq!(found(&enforcing, module(&[])), ["signature"]);

        let mut unprepared = module(&[]);
        unprepared.without_endbr = vec!["init_module"];
        assert!(found(&kernel(), unprepared.clone()).is_empty());
        let mut tracking = kernel();
        tracking.ibt = Ibt::Here;
        assert_eq!(found(&tracking, unprepared.clone()), ["ibt"]);
        // Elsewhere it may load.
        tracking.ibt = Ibt::WhereItIs;
        let report = judged(&tracking, unprepared);
        assert!(report.loads && report.findings[0].check == "ibt");

        let mut unlinked = module(&[]);
        unlinked.is_linked = false;
        assert_eq!(found(&kernel(), unlinked), ["linked"]);
    }

    #[test]
    fn a_key_that_is_not_the_kernels_is_named() {
        let signer = |name: &str, key: &str| Signer {
            name: name.into(),
            key: key.into(),
            digest: "sha256".into(),
        };
        let mut kernel = kernel();
        kernel.enforcement = Enforcement::Refuses("sig_enforce".into());
        kernel.signer = Some(signer("the kernel's", "01"));
        let findings = |kernel: &Kernel, key: &str| {
            let mut file = module(&[]);
            file.signature = Some(Signature::Signed(signer("a key", key)));
            let report = judged(kernel, file);
            // It may be enrolled: who can say.
            assert!(report.loads);
            report.findings.len()
        };
        assert_eq!(findings(&kernel, "01"), 0);
        assert_eq!(findings(&kernel, "02"), 1);
        kernel.enforcement = Enforcement::Taints;
        assert_eq!(findings(&kernel, "02"), 0);
        kernel.signer = None;
        assert_eq!(findings(&kernel, "02"), 0);
    }

    #[test]
    fn checksums_are_compared_where_the_kernel_has_them() {
        let mut with = kernel();
        with.symvers.as_mut().unwrap().0 =
            Symvers::parse("0x00000007\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
        assert_eq!(found(&with, module(&["_printk"])), ["checksums"]);
        let mut fits = module(&["_printk"]);
        fits.versions = Some(vec![("_printk".into(), 7)]);
        assert!(found(&with, fits).is_empty());
        let mut other = module(&["_printk"]);
        other.versions = Some(vec![("_printk".into(), 8)]);
        assert_eq!(found(&with, other), ["checksums"]);
    }

    #[test]
    fn weak_symbols_may_be_missing() {
        let mut weak = module(&["nowhere"]);
        weak.undefined[0].weak = true;
        assert!(found(&kernel(), weak).is_empty());
    }
}
