// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel module as a file: its ELF, `.modinfo`, versions, symbols and signature.
//!
//! The layouts are the kernel's: `.modinfo` holds `key=value` strings ended by zero bytes
//! (`include/linux/moduleparam.h`), `__versions` an array of `struct modversion_info`
//! (`include/linux/module.h`), `__version_ext_crcs` and `__version_ext_names` the same for long
//! names (6.14 and later), and a signature follows the ELF file, ended by `struct
//! module_signature` and a magic string (`include/linux/module_signature.h`).

use std::path::Path;

use object::elf::{SHF_EXECINSTR, SHF_WRITE};
use object::{Object, ObjectSection, ObjectSymbol};

use crate::depmod::module_name;
use crate::sanity::{self, Fault};
use crate::{decompress, pkcs7};

const SIGNATURE_MAGIC: &[u8] = b"~Module signature appended~\n";

/// A kernel module, as far as a kernel looks at it before it runs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KoFile {
    /// The processor it was made for, as `uname -m` calls it.
    pub machine: String,
    /// The pairs in `.modinfo`, in their order.
    pub modinfo: Vec<(String, String)>,
    /// The symbols it needs from elsewhere.
    pub undefined: Vec<Undefined>,
    /// The symbols it exports.
    pub exports: Vec<String>,
    /// The checksums of the symbols it was built against, when it was built with
    /// `CONFIG_MODVERSIONS`.
    pub versions: Option<Vec<(String, u32)>>,
    /// Whether some of them are of symbols with long names (6.14 and later).
    pub has_long_versions: bool,
    /// The signature behind the file, if there is one.
    pub signature: Option<Signature>,
    /// What the loader refuses in its bytes, in the loader's order.
    pub faults: Vec<Fault>,
    /// The size of `.gnu.linkonce.this_module`, which holds the module's `struct module`; modpost
    /// adds it when it links a module.
    pub this_module: Option<u64>,
    /// A section that may be written and executed.
    pub writable_code: Option<String>,
    /// Whether there are checksums for what it exports (`__kcrctab`).
    pub has_export_checksums: bool,
    /// Whether there are flags for what it exports (`__kflagstab`).
    pub has_export_flags: bool,
    /// Its types for BPF.
    pub btf: Btf,
    /// Whether `init_module` has the mark by which kCFI knows its type, where it has the function.
    pub lacks_cfi: bool,
    /// Whether it can be unloaded: it has a function for that, which the kernel calls
    /// `cleanup_module`.
    pub has_exit: bool,
    /// Those of the functions that the kernel calls by pointer, `init_module` and `cleanup_module`,
    /// that do not begin with `endbr64`; of modules for x86_64.
    pub without_endbr: Vec<&'static str>,
}

/// The section `.BTF` of a module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Btf {
    /// It has none.
    #[default]
    Absent,
    /// Its header is sound.
    Sound,
    /// The kernel refuses it, for this reason.
    Damaged(&'static str),
}

/// What the kernel calls of every module (`do_init_module()`, `delete_module(2)`).
const CALLED: [&str; 2] = ["init_module", "cleanup_module"];

/// The instruction that indirect branch tracking asks for.
const ENDBR64: &[u8] = &[0xf3, 0x0f, 0x1e, 0xfa];

/// A symbol that has to come from the kernel or another module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undefined {
    /// Its name.
    pub name: String,
    /// Whether the module loads without it.
    pub weak: bool,
}

/// A module's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// A sound one, with what it says of its signer.
    Signed(pkcs7::Signer),
    /// One that is there and makes no sense: a kernel that looks at signatures refuses the module.
    Damaged(&'static str),
    /// One of another kind, which the kernel takes for none.
    NotPkcs7,
}

/// Why a file is not a kernel module.
#[expect(missing_docs, reason = "each message says what its variant is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KoError {
    #[error("{0}")]
    Read(String),
    #[error("it is empty")]
    Empty,
    #[error("it is not a sound ELF file: {0}")]
    Elf(String),
    #[error("it is ELF, but {0}: a kernel module is a relocatable object")]
    Kind(&'static str),
}

impl KoFile {
    /// Reads a module from a file, packed or not.
    pub fn read(path: &Path) -> Result<Self, KoError> {
        Self::parse(&decompress::read(path).map_err(KoError::Read)?)
    }

    /// Reads a module that is in memory, unpacked.
    pub fn parse(bytes: &[u8]) -> Result<Self, KoError> {
        if bytes.is_empty() {
            return Err(KoError::Empty);
        }
        if !bytes.starts_with(b"\x7fELF") {
            return Err(KoError::Elf("it does not begin as ELF does".into()));
        }
        let (bytes, signature) = split_signature(bytes);
        let bytes = &*sanity::as_loaded(bytes);
        let elf = object::File::parse(bytes).map_err(|error| KoError::Elf(error.to_string()))?;
        match elf.kind() {
            object::ObjectKind::Relocatable => {}
            object::ObjectKind::Dynamic => return Err(KoError::Kind("a library or a program")),
            object::ObjectKind::Executable => return Err(KoError::Kind("a program")),
            object::ObjectKind::Core => return Err(KoError::Kind("a core dump")),
            _ => return Err(KoError::Kind("of a type that is not known")),
        }
        let section = |name: &str| elf.section_by_name(name).and_then(|s| s.data().ok());
        let modinfo = section(".modinfo").map(parse_modinfo).unwrap_or_default();
        let mut has_long_versions = false;
        let mut versions = section("__versions").map(|data| parse_versions(&elf, data));
        if let (Some(crcs), Some(names)) = (
            section("__version_ext_crcs"),
            section("__version_ext_names"),
        ) {
            has_long_versions = true;
            versions
                .get_or_insert_default()
                .extend(parse_long_versions(&elf, crcs, names));
        }
        let mut file = Self {
            machine: machine_name(&elf),
            modinfo,
            versions,
            has_long_versions,
            signature,
            faults: sanity::faults(bytes),
            btf: match section(".BTF").filter(|types| !types.is_empty()) {
                None => Btf::Absent,
                Some(types) => sanity::btf_fault(types).map_or(Btf::Sound, Btf::Damaged),
            },
            ..Self::default()
        };
        for section in elf.sections() {
            let Ok(name) = section.name() else { continue };
            match name {
                ".gnu.linkonce.this_module" => file.this_module = Some(section.size()),
                "__kcrctab" | "__kcrctab_gpl" => file.has_export_checksums = true,
                "__kflagstab" => file.has_export_flags = true,
                _ => {}
            }
            const WRITABLE_CODE: u64 = SHF_WRITE.0 | SHF_EXECINSTR.0;
            if let object::SectionFlags::Elf { sh_flags, .. } = section.flags()
                && sh_flags.0 & WRITABLE_CODE == WRITABLE_CODE
            {
                file.writable_code = Some(name.to_string());
            }
        }
        let (mut has_init, mut has_cfi) = (false, false);
        for symbol in elf.symbols() {
            let Ok(name) = symbol.name() else { continue };
            if symbol.is_undefined() && !name.is_empty() {
                file.undefined.push(Undefined {
                    name: name.to_string(),
                    weak: symbol.is_weak(),
                });
            } else if let Some(export) = name.strip_prefix("__ksymtab_") {
                file.exports.push(export.to_string());
            }
            file.has_exit |= name == "cleanup_module";
            has_init |= name == "init_module";
            has_cfi |= name == "__cfi_init_module";
            if let Some(called) = CALLED.iter().find(|called| **called == name)
                && elf.architecture() == object::Architecture::X86_64
                && code(&elf, &symbol).is_some_and(|code| !code.starts_with(ENDBR64))
            {
                file.without_endbr.push(called);
            }
        }
        file.lacks_cfi = has_init && !has_cfi;
        file.undefined.sort_unstable();
        file.undefined.dedup();
        Ok(file)
    }

    /// The name the kernel gives to the module: the one in it, which its file's need not be.
    pub fn name(&self, path: &Path) -> String {
        let own = self.info("name").map(str::to_string);
        own.unwrap_or_else(|| module_name(path))
    }

    /// The first value of a key in `.modinfo`.
    pub fn info(&self, key: &str) -> Option<&str> {
        self.modinfo
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a key in `.modinfo`.
    pub fn infos<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.modinfo
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The modules this one names as those it needs.
    pub fn depends(&self) -> impl Iterator<Item = &str> {
        self.info("depends")
            .unwrap_or_default()
            .split(',')
            .filter(|name| !name.is_empty())
    }

    /// Whether the kernel lets it use symbols exported for GPL modules only
    /// (`license_is_gpl_compatible()` in `include/linux/license.h`).
    pub fn is_gpl_compatible(&self) -> bool {
        const COMPATIBLE: [&str; 6] = [
            "GPL",
            "GPL v2",
            "GPL and additional rights",
            "Dual BSD/GPL",
            "Dual MIT/GPL",
            "Dual MPL/GPL",
        ];
        self.info("license")
            .is_some_and(|license| COMPATIBLE.contains(&license))
    }

    /// Whether there is Rust code in it.
    pub fn is_rust(&self) -> bool {
        self.undefined
            .iter()
            .any(|symbol| symbol.name.starts_with("_R"))
    }
}

/// What lies where a symbol of a relocatable file points to, to the end of its section.
fn code<'a>(elf: &object::File<'a>, symbol: &object::Symbol<'a, '_>) -> Option<&'a [u8]> {
    let section = elf.section_by_index(symbol.section_index()?).ok()?;
    section
        .data()
        .ok()?
        .get(usize::try_from(symbol.address()).ok()?..)
}

/// The name `uname -m` gives to the processor of an ELF file.
pub fn machine_name<'a, R: object::ReadRef<'a>>(elf: &object::File<'a, R>) -> String {
    use object::Architecture as A;
    match elf.architecture() {
        A::X86_64 => "x86_64",
        A::X86_64_X32 => "x32",
        A::I386 => "i686",
        A::Aarch64 => "aarch64",
        A::Arm => "arm",
        A::Riscv64 => "riscv64",
        A::LoongArch64 => "loongarch64",
        A::PowerPc64 => "ppc64",
        A::S390x => "s390x",
        _ => "an unknown processor",
    }
    .to_string()
}

fn parse_modinfo(data: &[u8]) -> Vec<(String, String)> {
    data.split(|byte| *byte == 0)
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| {
            let pair = String::from_utf8_lossy(pair);
            let (key, value) = pair.split_once('=')?;
            Some((key.to_string(), value.to_string()))
        })
        .collect()
}

fn parse_versions(elf: &object::File<'_>, data: &[u8]) -> Vec<(String, u32)> {
    // One entry is 64 bytes: an unsigned long, then the name.
    let word = if elf.is_64() { 8 } else { 4 };
    data.chunks_exact(64)
        .map(|entry| {
            let name = entry[word..]
                .split(|byte| *byte == 0)
                .next()
                .unwrap_or_default();
            (
                String::from_utf8_lossy(name).into_owned(),
                low_word(elf, &entry[..word]),
            )
        })
        .collect()
}

fn parse_long_versions(
    elf: &object::File<'_>,
    crcs: &[u8],
    names: &[u8],
) -> impl Iterator<Item = (String, u32)> {
    let crcs: Vec<u32> = crcs.chunks_exact(4).map(|crc| low_word(elf, crc)).collect();
    let names = names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    let names: Vec<String> = names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    names.into_iter().zip(crcs)
}

/// The low 32 bits of a number of 4 or 8 bytes.
fn low_word(elf: &object::File<'_>, bytes: &[u8]) -> u32 {
    let mut word = [0; 4];
    if elf.is_little_endian() {
        word.copy_from_slice(&bytes[..4]);
        u32::from_le_bytes(word)
    } else {
        word.copy_from_slice(&bytes[bytes.len() - 4..]);
        u32::from_be_bytes(word)
    }
}

/// Takes the signature off the end of a module.
fn split_signature(bytes: &[u8]) -> (&[u8], Option<Signature>) {
    let Some(rest) = bytes.strip_suffix(SIGNATURE_MAGIC) else {
        return (bytes, None);
    };
    let Some((rest, about)) = rest.split_last_chunk::<12>() else {
        return (
            rest,
            Some(Signature::Damaged("nothing stands before its end mark")),
        );
    };
    let length = u32::from_be_bytes([about[8], about[9], about[10], about[11]]) as usize;
    if length >= rest.len() {
        return (
            rest,
            Some(Signature::Damaged("it claims to be longer than the file")),
        );
    }
    let (file, blob) = rest.split_at(rest.len() - length);
    // id_type 2 is PKCS#7, the only one since Linux 4.3; the other fields have no use since then.
    if about[2] != 2 {
        return (file, Some(Signature::NotPkcs7));
    }
    if [0, 1, 3, 4, 5, 6, 7].iter().any(|field| about[*field] != 0) {
        return (file, Some(Signature::Damaged("its fields are not zero")));
    }
    let signature = match pkcs7::signer(blob) {
        Some(signer) => Signature::Signed(signer),
        None => Signature::Damaged("its PKCS#7 message cannot be read"),
    };
    (file, Some(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_module_says_what_it_is() {
        assert_eq!(KoFile::parse(b""), Err(KoError::Empty));
        assert!(matches!(
            KoFile::parse(b"#!/bin/sh\n"),
            Err(KoError::Elf(_))
        ));
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(matches!(KoFile::parse(&program), Err(KoError::Kind(_))));
    }

    #[test]
    fn what_is_called_without_endbr_is_seen() {
        use object::write::{Object, Symbol, SymbolSection};
        let module = |called: &[(&str, &[u8])]| {
            let (format, order) = (object::BinaryFormat::Elf, object::Endianness::Little);
            let mut elf = Object::new(format, object::Architecture::X86_64, order);
            let text = elf.section_id(object::write::StandardSection::Text);
            for (name, code) in called {
                let value = elf.append_section_data(text, code, 16);
                elf.add_symbol(Symbol {
                    name: name.as_bytes().to_vec(),
                    value,
                    size: code.len() as u64,
                    kind: object::SymbolKind::Text,
                    scope: object::SymbolScope::Dynamic,
                    weak: false,
                    section: SymbolSection::Section(text),
                    flags: object::SymbolFlags::None,
                });
            }
            KoFile::parse(&elf.write().unwrap()).unwrap().without_endbr
        };
        let (good, bad): (&[u8], &[u8]) = (b"\xf3\x0f\x1e\xfa\xc3", b"\x50\xc3");
        assert!(module(&[("init_module", good), ("cleanup_module", good)]).is_empty());
        assert_eq!(
            module(&[("init_module", good), ("cleanup_module", bad)]),
            ["cleanup_module"]
        );
        assert_eq!(module(&[("init_module", bad)]), ["init_module"]);
        assert!(module(&[("other", bad)]).is_empty());
    }

    #[test]
    fn a_signature_that_lies_about_its_length_is_damaged() {
        let mut bytes = vec![0, 0, 2, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        bytes.extend(SIGNATURE_MAGIC);
        assert!(matches!(
            split_signature(&bytes).1,
            Some(Signature::Damaged(_))
        ));
        assert!(matches!(
            split_signature(SIGNATURE_MAGIC).1,
            Some(Signature::Damaged(_))
        ));
        assert_eq!(split_signature(b"x").1, None);
    }

    #[test]
    fn modinfo_pairs_are_split_at_the_first_equals_sign() {
        let pairs = parse_modinfo(b"license=GPL\0\0parm=a:b=c\0nonsense\0");
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(pairs, [("license", "GPL"), ("parm", "a:b=c")]);
    }

    #[test]
    fn the_kernels_list_of_free_licences_decides() {
        let with = |license: &str| KoFile {
            modinfo: vec![("license".into(), license.into())],
            ..KoFile::default()
        };
        assert!(with("Dual MIT/GPL").is_gpl_compatible());
        assert!(!with("MIT").is_gpl_compatible());
        assert!(!with("GPL v3").is_gpl_compatible());
    }
}
