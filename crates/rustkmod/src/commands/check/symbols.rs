// SPDX-License-Identifier: MIT OR Apache-2.0

//! The symbols a module needs and exports, against those of the kernel.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use kernel_files::depmod;
use kernel_files::kofile::KoFile;
use kernel_files::rustsym::{self, Missing, RustExports};
use kernel_files::sanity::Series;
use kernel_files::symvers::Symvers;

use super::judge::{Context, EXPORTS_TO_MODULES};
use super::{MissingSymbol, ModuleReport, SymbolReport};
use crate::command::Command;
use crate::report::{Finding, counted};

/// How many symbols a message names before it only counts the rest.
const SHOWN: usize = 5;

/// The series in which `MODULE_IMPORT_NS()` takes a string.
const QUOTES_NAMESPACES: Series = (6, 13);

/// Symbols that the kernel does not look up: the linker's and the module's own.
const NOT_LOOKED_UP: [&str; 3] = ["_GLOBAL_OFFSET_TABLE_", ".TOC.", "__this_module"];

/// The symbol whose checksum is that of `struct module`.
const MODULE_LAYOUT: &str = "module_layout";

impl Context<'_> {
    /// Reads the undefined symbols against `Module.symvers` (`resolve_symbol()` in
    /// `kernel/module/main.c`).
    pub(super) fn symbols(&self, path: &Path, file: &KoFile, report: &mut ModuleReport) {
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
                        .or_else(|| own.map(depmod::module_name)),
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
            "{} exported to GPL modules only, and this module is not one",
            if names.len() == 1 {
                "a symbol is".into()
            } else {
                format!("{} symbols are", names.len())
            }
        );
        let license = match file.info("license") {
            Some(license) => format!("\"{license}\""),
            None => "it states none".to_string(),
        };
        let finding = Finding::error("gpl", path.display(), message).versus(
            ("the module's licence", &license),
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
        // The C functions of rust/helpers, which the kernel crate calls from within a module.
        let is_helper = symbol.starts_with("rust_helper_");
        if !rustsym::is_rust(symbol) && !is_helper {
            let finding = error(format!("the kernel {kernel} does not export what it needs"))
                .note(format!("not in {from}"))
                .advise(
                    "another module may export it (build both together, or pass its \
                     Module.symvers in KBUILD_EXTRA_SYMBOLS), or the kernel lacks an option",
                );
            return ("not-exported", finding);
        }
        let rust = self.rust.get_or_init(|| RustExports::of(symvers));
        let why = match rust.why_missing(symbol) {
            Missing::NoRust => Missing::NoRust,
            _ if is_helper => Missing::AnotherKernel,
            why => why,
        };
        match why {
            Missing::Allocator => (
                "allocator",
                error("it uses `alloc`, and this kernel does not export its allocator".into())
                    .note("kernels 6.1 to 6.12 export it; later ones have KBox and KVec instead")
                    .run("build it again, for this kernel", rebuild),
            ),
            Missing::NoRust => {
                let mut finding = error(format!("the kernel {kernel} was built without Rust"))
                    .note(format!("there is no Rust symbol in {from}"));
                finding.help.push(self.kernel.why_no_rust());
                ("no-rust", finding)
            }
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
                    Command::new("rustkmod toolchain --kdir").arg(&self.kernel.build),
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
            Missing::AnotherKernel => {
                let finding = match is_helper {
                    true => error("it was built against another kernel's `kernel` crate".into())
                        .note(format!(
                            "it calls C functions of that crate (rust_helper_…) that are not in {from}"
                        )),
                    false => error(
                        "it was built against another kernel's crates, by the same rustc".into(),
                    )
                    .note(format!(
                        "the crates in {from} have the same numbers, but lack what it needs"
                    )),
                };
                let finding = finding.run("build it again, for this kernel", rebuild);
                ("another-kernel", finding)
            }
        }
    }

    /// Reads `__versions` against the checksums in `Module.symvers`, of what the module needs and of
    /// `struct module` (`check_version()` in `kernel/module/version.c`).
    fn differing<'a>(&'a self, file: &'a KoFile, versions: &'a [(String, u32)]) -> Differing<'a> {
        let mut found = Differing::default();
        let Some((symvers, _)) = &self.kernel.symvers else {
            return found;
        };
        let versions: std::collections::HashMap<_, _> = versions
            .iter()
            .map(|(name, crc)| (name.as_str(), *crc))
            .collect();
        let needed = file.undefined.iter().map(|symbol| symbol.name.as_str());
        for name in std::iter::once(MODULE_LAYOUT).chain(needed) {
            let Some(kernel) = symvers.exports.get(name).map(|export| export.crc) else {
                continue;
            };
            match versions.get(name) {
                _ if kernel == 0 => {}
                Some(module) if *module == kernel => {}
                Some(module) => found.other.push((name, *module, kernel)),
                // With checksums of long names the loader only warns.
                None if file.has_long_versions => {}
                None => found.none.push(name.to_string()),
            }
        }
        found
    }

    pub(super) fn checksums(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let (symvers, from) = self.kernel.symvers.as_ref()?;
        if !self.kernel.symvers_are_whole {
            return None;
        }
        let rebuild = "build it again, for this kernel";
        let Some(versions) = &file.versions else {
            let has_checksum = |name: &&str| {
                let export = symvers.exports.get(*name);
                export.is_some_and(|export| export.crc != 0)
            };
            let needed = file.undefined.iter().map(|symbol| symbol.name.as_str());
            let needed = std::iter::once(MODULE_LAYOUT)
                .chain(needed)
                .find(has_checksum)?;
            let message =
                "the kernel checks the types of symbols, and the module has none to check";
            return Some(
                self.forced("checksums", path, message)
                    .versus(
                        (
                            "the module",
                            "has no __versions section (CONFIG_MODVERSIONS was off)",
                        ),
                        (
                            "the kernel",
                            &format!("has a checksum for {needed} ({from})"),
                        ),
                    )
                    .run(rebuild, self.kernel.rebuild()),
            );
        };
        let Differing { other, none } = self.differing(file, versions);
        let name = file.name(path);
        if let Some((symbol, module, kernel)) = other.first() {
            let message = format!(
                "{} another type in this kernel than the module was compiled against",
                match other.len() {
                    1 => "a symbol has".to_string(),
                    some => format!("{some} symbols have"),
                }
            );
            let finding = Finding::error("checksums", path.display(), message).versus(
                (
                    &format!("the module's {symbol}"),
                    &format!("{module:#010x}"),
                ),
                (
                    &format!("the kernel's {symbol}"),
                    &format!("{kernel:#010x}"),
                ),
            );
            let names: Vec<_> = other.iter().map(|(name, ..)| name.to_string()).collect();
            return Some(
                list(finding, &names)
                    .note(format!(
                        "the kernel says: {name}: disagrees about version of symbol {symbol}"
                    ))
                    .run(rebuild, self.kernel.rebuild()),
            );
        }
        let symbol = none.first()?;
        let message = format!(
            "the module has no checksum for {}",
            match none.len() {
                1 => "a symbol that it needs".to_string(),
                some => format!("{some} symbols that it needs"),
            }
        );
        Some(
            list(Finding::error("checksums", path.display(), message), &none)
                .note(format!(
                    "the kernel says: {name}: no symbol version for {symbol}"
                ))
                .run(rebuild, self.kernel.rebuild()),
        )
    }

    /// Reads `import_ns` in `.modinfo` against the namespaces in `Module.symvers`
    /// (`verify_namespace_is_imported()`, `setup_modinfo()`).
    pub(super) fn namespaces(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let imported: HashSet<_> = file.infos("import_ns").collect();
        let is_new = self.kernel.is_since(EXPORTS_TO_MODULES);
        let explicit = imported.iter().find(|name| name.starts_with("module:"));
        if let Some(namespace) = explicit.filter(|_| is_new) {
            let message = format!("it imports the namespace {namespace}, which no module may");
            return Some(
                Finding::error("namespace", path.display(), message)
                    .note("what is exported to modules by their names needs no import")
                    .note("the kernel says: module tries to import module namespace")
                    .advise("take the import out of the module's source"),
            );
        }
        let (symvers, _) = self.kernel.symvers.as_ref()?;
        let name = file.name(path);
        let mut lacking = BTreeMap::new();
        for symbol in &file.undefined {
            if let Some(export) = symvers.exports.get(&symbol.name)
                && !export.namespace.is_empty()
                && !imported.contains(export.namespace.as_str())
                && !(is_new && is_exported_to(&export.namespace, &name))
            {
                lacking.insert(export.namespace.as_str(), symbol.name.as_str());
            }
        }
        let (namespace, symbol) = lacking.first_key_value()?;
        if let Some(modules) = namespace.strip_prefix("module:") {
            let message = format!("it uses {symbol}, which is exported to other modules only");
            return Some(
                Finding::error("namespace", path.display(), message)
                    .versus(("the module", &name), ("it is exported to", modules))
                    .note("the kernel says: module uses symbol from namespace, but does not import it")
                    .advise("do without that symbol: the kernel exports it to no other module"),
            );
        }
        let message = format!("it uses the namespace {namespace} without importing it");
        let is_tolerated = self
            .kernel
            .config
            .is_y("MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS");
        let finding = match is_tolerated {
            true => Finding::warning("namespace", path.display(), message),
            false => Finding::error("namespace", path.display(), message),
        };
        let quote = match self.kernel.is_since(QUOTES_NAMESPACES) {
            true => "\"",
            false => "",
        };
        Some(
            finding
                .note(format!("{symbol} is exported in {namespace}"))
                .advise(format!(
                    "in C: MODULE_IMPORT_NS({quote}{namespace}{quote}); in Rust, where the series \
                     has it: imports_ns: [\"{namespace}\"] in `module!`"
                )),
        )
    }

    /// Looks for what the module exports among the exports of the kernel, its modules, and the other
    /// modules that were given (`verify_exported_symbols()`).
    pub(super) fn duplicates(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let name = file.name(path);
        let owner = |symbol: &String| {
            let of_kernel = self.kernel.symvers.as_ref().and_then(|(symvers, _)| {
                let export = symvers.exports.get(symbol)?;
                let is_own = depmod::module_name(&export.exporter) == name;
                (!is_own).then(|| export.exporter.clone())
            });
            of_kernel.or_else(|| {
                let other = self.own_exports.get(symbol.as_str())?;
                // Another file of the same module exports the same.
                let is_other = *other != path && depmod::module_name(other) != name;
                is_other.then(|| other.display().to_string())
            })
        };
        let (symbol, owner) =
            (file.exports.iter()).find_map(|symbol| Some((symbol, owner(symbol)?)))?;
        let says = match owner.as_str() {
            "vmlinux" => "kernel".to_string(),
            other => depmod::module_name(other),
        };
        let message = format!(
            "it exports {symbol}, and so does {}",
            match owner.as_str() {
                "vmlinux" => "the kernel itself",
                other => other,
            }
        );
        let finding = Finding::error("duplicate", path.display(), message).note(format!(
            "the kernel says: {name}: exports duplicate symbol {symbol} (owned by {says})"
        ));
        Some(match owner.as_str() {
            "vmlinux" => finding.advise(
                "it is built into this kernel: use that, or a kernel without it, or export it by \
                 another name",
            ),
            _ => finding.run(
                "only one of the two can be loaded: unload the other one first",
                Command::new("sudo rmmod").arg(says),
            ),
        })
    }

    /// Reads `depends` in `.modinfo` against the modules the kernel was installed with.
    pub(super) fn dependencies(&self, path: &Path, file: &KoFile) -> Option<Finding> {
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
/// What disagrees between a module's checksums and the kernel's.
#[derive(Default)]
struct Differing<'a> {
    /// Symbols with the module's checksum and the kernel's.
    other: Vec<(&'a str, u32, u32)>,
    /// Symbols for which the module has none.
    none: Vec<String>,
}

/// Whether a namespace such as `module:kvm-intel,snd-*` is there for a module: `-` and `_` are the
/// same (`verify_module_namespace()`).
fn is_exported_to(namespace: &str, module: &str) -> bool {
    let Some(names) = namespace.strip_prefix("module:") else {
        return false;
    };
    let module = module.replace('-', "_");
    let mut names = names.split(',').map(|name| name.replace('-', "_"));
    names.any(|name| match name.strip_suffix('*') {
        Some(start) => module.starts_with(start),
        None => name == module,
    })
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
