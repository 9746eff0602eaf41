// SPDX-License-Identifier: MIT OR Apache-2.0

//! The loader's questions, in the loader's order.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::OnceLock;

use kernel_files::kofile::{Btf, KoError, KoFile, Signature, Undefined};
use kernel_files::pkcs7::Signer;
use kernel_files::rustsym::{self, RustExports};
use kernel_files::sanity::Fault;
use kernel_files::vermagic;

use super::kernel::Kernel;
use super::{MissingSymbol, ModuleReport, Options};
use crate::command::Command;
use crate::report::{Finding, Status, worst};
use kernel_tree::security::{Enforcement, Ibt};

/// The series whose loader compares the size of `struct module`.
const COMPARES_SIZE: (u32, u32) = (6, 4);
/// The series in which symbols can be exported to modules by their names.
pub(super) const EXPORTS_TO_MODULES: (u32, u32) = (6, 16);

/// A kernel, and the modules that are to be loaded into it.
pub(super) struct Context<'a> {
    pub(super) kernel: &'a Kernel,
    /// Who of the modules exports a symbol.
    pub(super) own_exports: HashMap<&'a str, &'a Path>,
    pub(super) own_names: HashSet<String>,
    pub(super) rust: &'a OnceLock<RustExports>,
    pub(super) options: Options,
}

impl Context<'_> {
    pub(super) fn module(&self, path: &Path, file: &Result<KoFile, KoError>) -> ModuleReport {
        let mut report = ModuleReport {
            path: path.to_path_buf(),
            loads: false,
            findings: Vec::new(),
            taints: Vec::new(),
            not_looked_at: Vec::new(),
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
        let faults = |check| {
            let of_check = file.faults.iter().filter(move |fault| fault.check == check);
            of_check.map(|fault| self.fault(path, fault))
        };
        let found = &mut report.findings;
        found.extend(self.signature(path, file));
        found.extend(self.architecture(path, file));
        found.extend(faults("elf"));
        found.extend(self.struct_module(path, file));
        found.extend(self.forbidden(path, file));
        found.extend(self.vermagic(path, file));
        found.extend(self.livepatch(path, file));
        found.extend(self.writable_code(path, file));
        found.extend(self.loaded(path, file));
        found.extend(self.export_sections(path, file));
        self.symbols(path, file, &mut report);
        let found = &mut report.findings;
        found.extend(self.checksums(path, file));
        found.extend(self.namespaces(path, file));
        found.extend(faults("relocation"));
        found.extend(self.duplicates(path, file));
        found.extend(self.btf(path, file));
        found.extend(self.builtin(path, file));
        found.extend(self.branch_tracking(path, file));
        found.extend(self.cfi(path, file));
        // These are modprobe's.
        found.extend(self.dependencies(path, file));
        found.extend(self.modprobe(path, file));
        if self.lacks_rust(file, &report.missing) {
            // Its headers build no Rust.
            let rebuild = Some(self.kernel.rebuild());
            let help = found.iter_mut().flat_map(|finding| &mut finding.help);
            for help in help.filter(|help| help.command == rebuild) {
                *help = self.kernel.why_no_rust();
            }
        }
        report.loads = worst(&report.findings) < Status::Error;
        report.taints = self.taints(file);
        report.not_looked_at = self.not_looked_at(path, file);
        report
    }

    /// Whether the module is written in Rust, and the kernel was built without it.
    fn lacks_rust(&self, file: &KoFile, missing: &[MissingSymbol]) -> bool {
        let config = &self.kernel.config;
        let is_rust = |symbol: &Undefined| rustsym::is_rust(&symbol.name);
        match self.kernel.symvers {
            Some(_) => missing.iter().any(|symbol| symbol.reason == "no-rust"),
            None if config.is_empty() || config.is_y("RUST") => false,
            None => file.undefined.iter().any(is_rust),
        }
    }

    /// What the kernel's loader would ask, and cannot be asked here of this module.
    fn not_looked_at(&self, path: &Path, file: &KoFile) -> Vec<&'static str> {
        let Kernel { config, .. } = self.kernel;
        let is_on = |option| config.is_y(option);
        let checks_btf = is_on("DEBUG_INFO_BTF_MODULES") && !is_on("MODULE_ALLOW_BTF_MISMATCH");
        let is_signed = matches!(file.signature, Some(Signature::Signed(_)));
        let looks_at_signatures = self.kernel.enforcement != Enforcement::Ignores;
        [
            (
                is_signed && looks_at_signatures,
                "whether its signature fits its content",
            ),
            (
                config.is_empty(),
                "what depends on the kernel's configuration, which is not known",
            ),
            (
                self.kernel.vermagic.is_none(),
                "the kernel's vermagic, which is not known",
            ),
            (
                self.kernel.struct_module.is_none(),
                "the size of the kernel's struct module, which a module of its own would tell",
            ),
            (
                self.kernel.symvers.is_none(),
                "which symbols the kernel exports",
            ),
            (
                self.kernel.symvers.is_some() && !self.kernel.symvers_are_whole,
                "checksums, and what is exported to GPL modules only",
            ),
            (
                !["x86_64", "aarch64"].contains(&file.machine.as_str()),
                "relocations of this processor",
            ),
            (
                checks_btf && file.btf == Btf::Sound,
                "whether its types (BTF) fit the kernel's",
            ),
            (
                self.kernel.loaded.is_empty() && !self.is_own(path),
                "which modules are loaded, as that kernel does not run here",
            ),
            (true, "what its init function does"),
        ]
        .into_iter()
        .filter_map(|(is_open, what)| is_open.then_some(what))
        .collect()
    }

    /// `module_augment_kernel_taints()`, and in 6.1 `check_modinfo()`: in `/proc/sys/kernel/tainted`'s
    /// letters (`Documentation/admin-guide/tainted-kernels.rst`).
    fn taints(&self, file: &KoFile) -> Vec<&'static str> {
        let signs = self.kernel.enforcement != Enforcement::Ignores;
        [
            (!file.is_gpl_compatible(), "P: its licence is not the GPL's"),
            (
                file.info("staging").is_some(),
                "C: it is from the staging directory",
            ),
            (
                file.info("intree").is_none(),
                "O: it was built outside the kernel's tree",
            ),
            (
                signs && !matches!(file.signature, Some(Signature::Signed(_))),
                "E: it is not signed",
            ),
            (file.info("test").is_some(), "N: it is a test"),
            (
                file.info("livepatch").is_some(),
                "K: it changes the kernel while that runs",
            ),
        ]
        .into_iter()
        .filter_map(|(does, taint)| does.then_some(taint))
        .collect()
    }

    /// Whether a file is one of those the kernel was installed with.
    pub(super) fn is_own(&self, path: &Path) -> bool {
        let own = self.kernel.own.as_ref();
        own.is_some_and(|own| {
            path.starts_with(own) || path.canonicalize().is_ok_and(|real| real.starts_with(own))
        })
    }

    /// What only `modprobe --force` should get by: a kernel with `CONFIG_MODULE_FORCE_LOAD` takes the
    /// module, and is tainted (`try_to_force_load()`).
    pub(super) fn forced(&self, check: &'static str, path: &Path, message: &str) -> Finding {
        match self.kernel.config.is_y("MODULE_FORCE_LOAD") {
            true => Finding::warning(check, path.display(), message).note(
                "the kernel was built with CONFIG_MODULE_FORCE_LOAD=y: it loads the module all the \
                 same, and is tainted (F)",
            ),
            false => Finding::error(check, path.display(), message),
        }
    }

    /// What the loader refuses in the bytes of the file.
    fn fault(&self, path: &Path, fault: &Fault) -> Finding {
        let refuses = self.kernel.is_since(fault.since);
        let new = match refuses {
            true => Finding::error,
            false => Finding::warning,
        };
        let finding = new(
            fault.check,
            path.display().to_string(),
            fault.message.clone(),
        );
        let finding = match (&fault.kernel_says, refuses) {
            (Some(says), true) => finding.note(format!("the kernel says: {says}")),
            (Some(_), false) => {
                let (version, patchlevel) = fault.since;
                finding.note(format!(
                    "this kernel does not look at it, those since {version}.{patchlevel} refuse it"
                ))
            }
            (None, _) => finding.note("the kernel does not look, and would damage itself"),
        };
        let is_foreign = fault.check == "relocation";
        let why = "it may be built outside the kernel's Makefiles, whose options it needs: build it by them";
        match is_foreign {
            true => finding.run(why, self.kernel.rebuild()),
            false => finding.run("the file is damaged: build it again", self.kernel.rebuild()),
        }
    }

    /// Reads the section `.gnu.linkonce.this_module`, which modpost adds: an object without it
    /// is not linked as a module yet, and one that was built for another `struct module` has it of
    /// another size (`elf_validity_cache_index_mod()`).
    fn struct_module(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let Some(size) = file.this_module else {
            let message = "this object is not linked as a kernel module";
            return Some(
                Finding::error("linked", path.display(), message)
                    .note("it lacks the section .gnu.linkonce.this_module, which modpost adds")
                    .run(
                        "build it with the kernel's own Makefiles",
                        self.kernel.rebuild(),
                    ),
            );
        };
        let (own, from) = self.kernel.struct_module.as_ref()?;
        if size == *own {
            return None;
        }
        let message = "the module was built for another `struct module`";
        let says = match self.kernel.is_since(COMPARES_SIZE) {
            true => {
                "the kernel says: .gnu.linkonce.this_module section size must match the kernel's \
                 built struct module size at run time"
            }
            false => "this kernel does not compare them: it would write beyond the smaller one",
        };
        Some(
            Finding::error("struct-module", path.display(), message)
                .versus(
                    ("the module's has", &format!("{size} bytes")),
                    ("the kernel's has", &format!("{own} bytes ({from})")),
                )
                .note(says)
                .note(
                    "the headers that it was built with are of another build or configuration than \
                     the kernel",
                )
                .run(
                    "install the headers of exactly this kernel, and build it again",
                    self.kernel.rebuild(),
                ),
        )
    }

    /// Reads `module_blacklist=` on the running kernel's command line (`blacklisted()`).
    fn forbidden(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let name = file.name(path);
        if !self.kernel.forbidden.contains(&name) {
            return None;
        }
        let message = "the kernel was booted with an option that forbids this module";
        Some(
            Finding::error("forbidden", path.display(), message)
                .note(format!("module_blacklist= in /proc/cmdline names {name}"))
                .note(format!("the kernel says: Module {name} is blacklisted"))
                .advise("take it from the boot loader's options, and boot again"),
        )
    }

    /// `check_modinfo_livepatch()`.
    fn livepatch(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let config = &self.kernel.config;
        if file.info("livepatch").is_none() || config.is_empty() || config.is_y("LIVEPATCH") {
            return None;
        }
        let message = "the module is a livepatch, and this kernel was built without support for it";
        Some(
            Finding::error("livepatch", path.display(), message)
                .versus(
                    ("the module", "has `livepatch` in its .modinfo"),
                    ("the kernel", "CONFIG_LIVEPATCH is not set"),
                )
                .note(
                    "the kernel says: module is marked as livepatch module, but livepatch support \
                     is disabled",
                )
                .advise("use a kernel with CONFIG_LIVEPATCH=y"),
        )
    }

    /// `module_enforce_rwx_sections()`.
    fn writable_code(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let section = file.writable_code.as_ref()?;
        if !self.kernel.config.is_y("STRICT_MODULE_RWX") {
            return None;
        }
        let message = format!("its section {section} is writable and executable");
        Some(
            Finding::error("writable-code", path.display(), message)
                .note("the kernel was built with CONFIG_STRICT_MODULE_RWX=y: it takes one or the other")
                .note(format!("the kernel says: section {section} has invalid WRITE|EXEC flags"))
                .run("build it with the kernel's own Makefiles", self.kernel.rebuild()),
        )
    }

    /// `module_patient_check_exists()`.
    fn loaded(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let name = file.name(path);
        if !self.kernel.loaded.contains(&name) || self.is_own(path) {
            return None;
        }
        Some(
            Finding::error(
                "loaded",
                path.display(),
                format!("a module {name} is loaded already"),
            )
            .note("/proc/modules lists it")
            .note("insmod would say: File exists")
            .run(
                "unload that one first",
                Command::new("sudo rmmod").arg(&name),
            ),
        )
    }

    /// `check_export_symbol_sections()`, before it `check_module_license_and_versions()`.
    fn export_sections(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        if file.exports.is_empty() {
            return None;
        }
        if self.kernel.wants_export_flags && !file.has_export_flags {
            let message = "the symbols it exports have no flags, which this kernel wants";
            return Some(
                Finding::error("exports", path.display(), message)
                    .note("it has no section __kflagstab")
                    .note("the kernel says: no flags for exported symbols")
                    .run("build it again, for this kernel", self.kernel.rebuild()),
            );
        }
        if self.kernel.config.is_y("MODVERSIONS") && !file.has_export_checksums {
            let message = "the symbols it exports have no checksums, and this kernel's have";
            return Some(
                self.forced("exports", path, message)
                    .note("the kernel was built with CONFIG_MODVERSIONS=y")
                    .run("build it again, for this kernel", self.kernel.rebuild()),
            );
        }
        None
    }

    /// `btf_parse_module()`, as far as the file alone tells.
    fn btf(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let Btf::Damaged(how) = file.btf else {
            return None;
        };
        let config = &self.kernel.config;
        if !config.is_y("DEBUG_INFO_BTF_MODULES") {
            return None;
        }
        let message = format!("its types (BTF) are damaged: {how}");
        let finding = match config.is_y("MODULE_ALLOW_BTF_MISMATCH") {
            true => Finding::warning("btf", path.display(), message)
                .note("CONFIG_MODULE_ALLOW_BTF_MISMATCH=y: the kernel loads it without them"),
            false => Finding::error("btf", path.display(), message)
                .note("the kernel says: failed to validate module BTF: -22"),
        };
        Some(finding.run("build it again, for this kernel", self.kernel.rebuild()))
    }

    /// `mod_sysfs_init()`: a built-in module of that name has its directory in `/sys/module`.
    fn builtin(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let name = file.name(path);
        if !self.kernel.builtin.contains(&name) {
            return None;
        }
        let message = format!("a module {name} is built into the kernel");
        Some(
            Finding::error("builtin", path.display(), message)
                .note("modules.builtin.modinfo lists it")
                .note("the kernel says: module is already loaded")
                .advise("give the module another name, or use a kernel that has it not built in"),
        )
    }

    /// kCFI: the kernel calls `init_module` by a pointer, and looks for its type in front of it.
    fn cfi(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let config = &self.kernel.config;
        // The option's name changed in 6.18.
        let is_on = config.is_y("CFI") || config.is_y("CFI_CLANG");
        if !is_on || file.machine != "x86_64" || !file.lacks_cfi {
            return None;
        }
        let message =
            "the kernel looks at the types of functions it calls, and the module has none";
        let is_permissive = config.is_y("CFI_PERMISSIVE");
        let new = match is_permissive {
            true => Finding::warning,
            false => Finding::error,
        };
        Some(
            new("cfi", path.display().to_string(), message.to_string())
                .versus(
                    ("the module", "has no __cfi_init_module"),
                    (
                        "the kernel",
                        "was built with CONFIG_CFI=y (before 6.18 CONFIG_CFI_CLANG=y)",
                    ),
                )
                .note("the kernel says: CFI failure at do_one_initcall")
                .run("build it again, for this kernel", self.kernel.rebuild()),
        )
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
            Some(Signature::Damaged(_)) if *enforcement == Enforcement::Ignores => return None,
            Some(Signature::Damaged(how)) => {
                let message = format!("its signature is damaged: {how}");
                return Some(
                    Finding::error("signature", path.display(), message)
                        .note("a kernel that looks at signatures refuses it, also where it loads unsigned modules")
                        .note("insmod would say: Bad message, or Key was rejected by service")
                        .run("build it again, and sign it again", self.kernel.rebuild()),
                );
            }
            Some(Signature::NotPkcs7) => "its signature is not of PKCS#7",
            None => "it has no signature",
        };
        let signing = self.signing(path);
        match enforcement {
            Enforcement::Refuses(reason) => {
                let message = "the kernel loads signed modules only, and this one is not signed";
                Some(
                    Finding::error("signature", path.display(), message)
                        .versus(("the module", how), ("the kernel", reason))
                        .note("the kernel says: Loading of unsigned module is rejected")
                        .run("sign it with a key this kernel trusts", signing),
                )
            }
            Enforcement::Depends(condition) => {
                let message = "the module is not signed, and the kernel may demand it";
                Some(
                    Finding::warning("signature", path.display(), message)
                        .versus(("the module", how), ("the kernel", condition))
                        .run("see whether Secure Boot is on", "mokutil --sb-state"),
                )
            }
            Enforcement::Taints | Enforcement::Ignores => None,
        }
    }

    /// The command that signs a module. A signature is in the packed file, not behind it; that file is
    /// kept until the signed one takes its place.
    fn signing(&self, path: &Path) -> Command {
        let sign = |path: &Path| {
            Command::new("sudo")
                .arg(format!("{}/scripts/sign-file", self.kernel.build))
                .shell("sha256 KEY.pem CERT.x509")
                .arg(path)
        };
        let (unpack, pack) = match path.extension().and_then(|ending| ending.to_str()) {
            Some("zst") => ("sudo zstd -d -k", "sudo zstd -f --rm"),
            Some("xz") => (
                "sudo xz -d -k",
                "sudo xz -f --check=crc32 --lzma2=dict=1MiB",
            ),
            Some("gz") => ("sudo gzip -d -k", "sudo gzip -f"),
            _ => return sign(path),
        };
        let plain = path.with_extension("");
        Command::new(unpack)
            .arg(path)
            .then(&sign(&plain))
            .then(&Command::new(pack).arg(&plain))
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
            return Some(
                self.forced("vermagic", path, "the module has no vermagic")
                    .note("there is no `vermagic` in its .modinfo section"),
            );
        };
        let has_checksums = file.versions.is_some();
        if vermagic::is_same(module, kernel, has_checksums) {
            return None;
        }
        let differences = vermagic::differences(module, kernel, has_checksums);
        let fields: Vec<_> = differences
            .iter()
            .map(|difference| difference.field)
            .collect();
        let message = match fields.is_empty() {
            true => "the module was built for another kernel".to_string(),
            false => format!(
                "the module was built for another kernel: it differs in {}",
                fields.join(", ")
            ),
        };
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
        let name = file.name(path);
        Some(
            finding
                .note(format!("the kernel's is from {from}"))
                .note(format!(
                    "the kernel says: {name}: version magic '{module}' should be '{kernel}'"
                ))
                .run("build it again, for this kernel", self.kernel.rebuild()),
        )
    }
}
