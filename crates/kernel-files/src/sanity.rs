// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel's loader refuses in the bytes of a module, before any symbol is looked up and
//! when relocations are applied.
//!
//! The order and the conditions are those of `load_module()` in `kernel/module/main.c`
//! (`elf_validity_cache_copy()`, in 6.1 `elf_validity_check()` and `setup_load_info()`), and of
//! `apply_relocate_add()` in the architecture's `kernel/module.c`, of Linux 6.1 to 7.3.

use std::borrow::Cow;
use std::mem::size_of;

use object::elf;
use object::read::elf::{FileHeader, Rela, SectionHeader, Sym};
use object::{Endianness, U32, pod};

/// The first series that is known here. Its loader does not look at everything that later ones do.
const FIRST: Series = (6, 1);
/// `struct module`, and the sections that have to be unique.
const SIX_4: Series = (6, 4);
/// The names of sections, in functions of their own; 6.12.117 has them, when they came was not read.
const SIX_12: Series = (6, 12);
/// The names of symbols.
const SIX_13: Series = (6, 13);
/// Checksums of symbols with long names.
const SIX_14: Series = (6, 14);

/// A kernel series, such as `(6, 1)`.
pub type Series = (u32, u32);

/// Why the loader refuses a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The part of the loader that refuses it: `elf` or `relocation`.
    pub check: &'static str,
    /// What is wrong.
    pub message: String,
    /// What the kernel logs. Where it is nothing, the kernel does not look, and damages itself.
    pub kernel_says: Option<String>,
    /// The first series whose loader refuses it.
    pub since: Series,
}

impl Fault {
    fn elf(since: Series, message: impl Into<String>, kernel_says: impl Into<String>) -> Self {
        Self {
            check: "elf",
            message: message.into(),
            kernel_says: Some(kernel_says.into()),
            since,
        }
    }

    fn relocation(message: impl Into<String>, kernel_says: Option<String>) -> Self {
        Self {
            check: "relocation",
            message: message.into(),
            kernel_says,
            since: FIRST,
        }
    }
}

/// The file as the loader reads it. It knows its processor's class and byte order, and does not
/// look at what the first bytes of the file say of them.
pub fn as_loaded(bytes: &[u8]) -> Cow<'_, [u8]> {
    const IDENT: std::ops::Range<usize> = 4..7;
    let wanted = [elf::ELFCLASS64.0, elf::ELFDATA2LSB.0, elf::EV_CURRENT.0];
    let machine = |value: elf::Machine| bytes.get(18..20) == Some(&value.0.to_le_bytes());
    // Where a 64-bit file has the size of a section header.
    let has_64_bit_sections = bytes.get(58..60) == Some(&64u16.to_le_bytes());
    let is_known = machine(elf::EM_X86_64) || machine(elf::EM_AARCH64);
    if !is_known || !has_64_bit_sections || bytes[IDENT] == wanted {
        return Cow::Borrowed(bytes);
    }
    let mut corrected = bytes.to_vec();
    corrected[IDENT].copy_from_slice(&wanted);
    Cow::Owned(corrected)
}

/// Everything that keeps a loader from taking these bytes, in the loader's order. They are a
/// module's, unpacked and without its signature.
pub fn faults(bytes: &[u8]) -> Vec<Fault> {
    let mut faults = Vec::new();
    // What stops every loader stops this one, too: nothing behind it can be read.
    let stop = match bytes.get(4) == Some(&elf::ELFCLASS32.0) {
        true => look::<elf::FileHeader32<Endianness>>(bytes, &mut faults).err(),
        false => look::<elf::FileHeader64<Endianness>>(bytes, &mut faults).err(),
    };
    faults.extend(stop);
    faults
}

/// A module's sections, once their table is known to be sound.
struct Sections<'a, Elf: FileHeader> {
    bytes: &'a [u8],
    endian: Elf::Endian,
    headers: &'a [Elf::SectionHeader],
    names: &'a [u8],
}

impl<'a, Elf: FileHeader<Endian = Endianness>> Sections<'a, Elf> {
    fn name(&self, section: &Elf::SectionHeader) -> &'a [u8] {
        let start = section.sh_name(self.endian) as usize;
        let name = self.names.get(start..).unwrap_or_default();
        name.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &'a Elf::SectionHeader> {
        let headers = self.headers.iter().skip(1);
        headers.filter(move |section| self.name(section) == name.as_bytes())
    }

    fn kind(&self, section: &Elf::SectionHeader) -> elf::SectionType {
        section.sh_type(self.endian)
    }

    fn is_loaded(&self, section: &Elf::SectionHeader) -> bool {
        section.sh_flags(self.endian).0 & elf::SHF_ALLOC.0 != 0
    }

    fn data(&self, section: &Elf::SectionHeader) -> &'a [u8] {
        section.data(self.endian, self.bytes).unwrap_or_default()
    }
}

fn look<Elf: FileHeader<Endian = Endianness>>(
    bytes: &[u8],
    faults: &mut Vec<Fault>,
) -> Result<(), Fault> {
    let sections = sections::<Elf>(bytes, faults)?;
    let endian = sections.endian;
    if sections.named(".modinfo").count() > 1 {
        let says = "Only one .modinfo section must exist.";
        faults.push(Fault::elf(SIX_4, "it has two sections .modinfo", says));
    }
    this_module(&sections, faults);
    let tables: Vec<_> = (sections.headers.iter())
        .filter(|section| sections.kind(section) == elf::SHT_SYMTAB)
        .collect();
    let stripped = "module has no symbols (stripped?)";
    let table = match tables.as_slice() {
        [] => {
            let message = "it has no symbol table: it was stripped of it";
            return Err(Fault::elf(FIRST, message, stripped));
        }
        [table] => table,
        [table, ..] => {
            let message = "it has two symbol tables";
            faults.push(Fault::elf(SIX_4, message, stripped));
            table
        }
    };
    let link = table.sh_link(endian) as usize;
    let Some(strings) = sections.headers.get(link).filter(|_| link != 0) else {
        let message =
            format!("its symbol table has its names in section {link}, which is not there");
        let says = format!("Invalid ELF sh_link!=SHN_UNDEF({link})");
        return Err(Fault::elf(FIRST, message, says));
    };
    long_versions(&sections, faults);
    let symbols = pod::slice_from_all_bytes::<Elf::Sym>(whole::<Elf::Sym>(sections.data(table)))
        .unwrap_or_default();
    symbol_names(&sections, strings, symbols, faults);
    symbol_places(&sections, strings, symbols, faults);
    relocations(bytes, &sections, symbols, faults);
    Ok(())
}

/// As many bytes as hold whole things of a type.
fn whole<T>(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() - bytes.len() % size_of::<T>()]
}

/// The sections, when every loader can find them and their names.
fn sections<'a, Elf: FileHeader<Endian = Endianness>>(
    bytes: &'a [u8],
    faults: &mut Vec<Fault>,
) -> Result<Sections<'a, Elf>, Fault> {
    let stop = |message: String, says: &str| Fault::elf(FIRST, message, says);
    let header = Elf::parse(bytes)
        .map_err(|_| stop("its ELF header is damaged".into(), "Invalid ELF header"))?;
    let endian = header
        .endian()
        .map_err(|_| stop("its byte order is not known".into(), "Invalid ELF header"))?;
    let size = usize::from(header.e_shentsize(endian));
    if size != size_of::<Elf::SectionHeader>() {
        let message = format!("its section headers are said to be of {size} bytes");
        return Err(stop(message, "Invalid ELF section header size"));
    }
    let count = usize::from(header.e_shnum(endian));
    let start: u64 = header.e_shoff(endian).into();
    let table = usize::try_from(start)
        .ok()
        .and_then(|start| bytes.get(start..));
    let headers = table
        .filter(|table| !table.is_empty())
        .and_then(|table| pod::slice_from_bytes::<Elf::SectionHeader>(table, count).ok());
    let Some((headers, _)) = headers else {
        let message = "its table of sections is beyond the end of the file".to_string();
        return Err(stop(message, "Invalid ELF section header overflow"));
    };
    let zero = |value: u64| value == 0;
    if let Some(first) = headers.first()
        && !(first.sh_type(endian) == elf::SHT_NULL
            && zero(first.sh_size(endian).into())
            && zero(first.sh_addr(endian).into()))
    {
        let says = "ELF Spec violation: section 0 type";
        return Err(stop("its section 0 is not empty".into(), says));
    }
    for (index, section) in headers.iter().enumerate().skip(1) {
        let kind = section.sh_type(endian);
        if matches!(kind, elf::SHT_NULL | elf::SHT_NOBITS) {
            continue;
        }
        let (start, size): (u64, u64) = (
            section.sh_offset(endian).into(),
            section.sh_size(endian).into(),
        );
        if start
            .checked_add(size)
            .is_none_or(|end| end > bytes.len() as u64)
        {
            let message = format!("its section {index} ends beyond the end of the file");
            let says = format!(
                "Invalid ELF section in module (section {index} type {})",
                kind.0
            );
            return Err(stop(message, &says));
        }
    }
    let index = usize::from(header.e_shstrndx(endian).0);
    let Some(strings) = headers.get(index).filter(|_| index != 0) else {
        let message =
            format!("the names of its sections are in section {index}, which is not there");
        return Err(stop(
            message,
            &format!("Invalid ELF section name index: {index}"),
        ));
    };
    if strings.sh_type(endian) != elf::SHT_STRTAB {
        let message = "the names of its sections are not in a string table";
        let says = "Invalid ELF section name table type";
        faults.push(Fault::elf(SIX_12, message, says));
    }
    let names = strings.data(endian, bytes).unwrap_or_default();
    match names.last() {
        Some(0) => {}
        Some(_) => {
            let says = "ELF Spec violation: section name table isn't null terminated";
            return Err(stop("the names of its sections do not end".into(), says));
        }
        None => {
            let message = "there are no names of sections in it".to_string();
            return Err(stop(message, "empty section name table"));
        }
    }
    let sections = Sections::<Elf> {
        bytes,
        endian,
        headers,
        names,
    };
    for (index, section) in headers.iter().enumerate() {
        let kind = section.sh_type(endian);
        if kind == elf::SHT_NULL || (section.sh_name(endian) as usize) < names.len() {
            continue;
        }
        // Before, only what is loaded was looked at, and of that not what has no bytes in the file.
        let since = match sections.is_loaded(section) && kind != elf::SHT_NOBITS {
            true => FIRST,
            false => SIX_12,
        };
        let message = format!("the name of its section {index} is beyond the other names");
        let says = format!(
            "Invalid ELF section name in module (section {index} type {})",
            kind.0
        );
        faults.push(Fault::elf(since, message, says));
    }
    Ok(sections)
}

/// `elf_validity_cache_index_mod()`, but for the section's absence and its size.
fn this_module<Elf: FileHeader<Endian = Endianness>>(
    sections: &Sections<'_, Elf>,
    faults: &mut Vec<Fault>,
) {
    let own = ".gnu.linkonce.this_module";
    let found: Vec<_> = sections.named(own).collect();
    let Some(first) = found.first() else { return };
    let (message, says) = if found.len() > 1 {
        let says = format!("Exactly one {own} section must exist.");
        (format!("it has two sections {own}"), says)
    } else if sections.kind(first) == elf::SHT_NOBITS {
        let says = format!("{own} section must have a size set");
        (format!("its section {own} has no content"), says)
    } else if !sections.is_loaded(first) {
        let says = format!("{own} must occupy memory during process execution");
        (
            format!("its section {own} is not marked to be loaded"),
            says,
        )
    } else {
        return;
    };
    faults.push(Fault::elf(SIX_4, message, says));
}

/// `elf_validity_cache_index_versions()`.
fn long_versions<Elf: FileHeader<Endian = Endianness>>(
    sections: &Sections<'_, Elf>,
    faults: &mut Vec<Fault>,
) {
    let (crcs, names) = ("__version_ext_crcs", "__version_ext_names");
    match (sections.named(crcs).next(), sections.named(names).next()) {
        (None, None) => {}
        (Some(crcs), Some(names)) => {
            let ended = sections
                .data(names)
                .iter()
                .filter(|byte| **byte == 0)
                .count();
            if ended < sections.data(crcs).len() / size_of::<u32>() {
                let message = "it has more checksums of long symbols than names for them";
                let says = "more extended version crcs than names";
                faults.push(Fault::elf(SIX_14, message, says));
            }
        }
        _ => {
            let message = format!("it has one of {crcs} and {names} without the other");
            let says = "extended version crc+name presence does not match";
            faults.push(Fault::elf(SIX_14, message, says));
        }
    }
}

/// `elf_validity_cache_index_str()` and `elf_validity_cache_strtab()`.
fn symbol_names<Elf: FileHeader<Endian = Endianness>>(
    sections: &Sections<'_, Elf>,
    strings: &Elf::SectionHeader,
    symbols: &[Elf::Sym],
    faults: &mut Vec<Fault>,
) {
    let names = sections.data(strings);
    let is_beyond = |symbol: &Elf::Sym| symbol.st_name(sections.endian) as usize >= names.len();
    let (since, message, says) = if sections.kind(strings) != elf::SHT_STRTAB {
        let message = "the names of its symbols are not in a string table";
        (SIX_12, message, "Invalid ELF symbol string table type")
    } else if names.is_empty() {
        let message = "there are no names of symbols in it";
        (SIX_13, message, "empty symbol string table")
    } else if names[0] != 0 {
        let message = "the names of its symbols begin without an empty one";
        (SIX_13, message, "symbol string table missing leading NUL")
    } else if names.last() != Some(&0) {
        let message = "the names of its symbols do not end";
        (SIX_13, message, "symbol string table isn't NUL terminated")
    } else if symbols.iter().any(is_beyond) {
        let message = "the name of a symbol is beyond the other names";
        (SIX_13, message, "symbol name out of bounds in string table")
    } else {
        return;
    };
    faults.push(Fault::elf(since, message, says));
}

/// What `simplify_symbols()` says of symbols that are not undefined.
fn symbol_places<Elf: FileHeader<Endian = Endianness>>(
    sections: &Sections<'_, Elf>,
    strings: &Elf::SectionHeader,
    symbols: &[Elf::Sym],
    faults: &mut Vec<Fault>,
) {
    let names = sections.data(strings);
    let name = |symbol: &Elf::Sym| {
        let name = names.get(symbol.st_name(sections.endian) as usize..);
        let name = name.unwrap_or_default().split(|byte| *byte == 0).next();
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    };
    for symbol in symbols.iter().skip(1) {
        let place = symbol.st_shndx(sections.endian);
        if place == elf::SHN_COMMON {
            let name = name(symbol);
            if !name.starts_with("__gnu_lto") {
                let message = format!("its variable `{name}` was compiled as a common one");
                let says = "please compile with -fno-common";
                faults.push(Fault::elf(FIRST, message, says));
                return;
            }
        } else if place.0 < elf::SHN_LORESERVE && usize::from(place.0) >= sections.headers.len() {
            let name = name(symbol);
            let message = format!(
                "its symbol `{name}` is in section {}, which is not there",
                place.0
            );
            let says = format!("Symbol {name} has an invalid section index {}", place.0);
            faults.push(Fault::elf(FIRST, message, says));
            return;
        }
    }
}

/// `apply_relocations()`: the sections that hold some, as far as the loader looks at them.
fn relocations<Elf: FileHeader<Endian = Endianness>>(
    bytes: &[u8],
    sections: &Sections<'_, Elf>,
    symbols: &[Elf::Sym],
    faults: &mut Vec<Fault>,
) {
    let endian = sections.endian;
    let machine = Elf::parse(bytes).map_or(elf::EM_NONE, |header| header.e_machine(endian));
    if !knows_relocations(machine) {
        return;
    }
    for section in sections.headers.iter().skip(1) {
        let Some(target) = sections.headers.get(section.sh_info(endian) as usize) else {
            continue;
        };
        let is_percpu = sections.name(target) == b".data..percpu";
        let flags = section.sh_flags(endian).0;
        if !(sections.is_loaded(target) || is_percpu) || flags & SHF_RELA_LIVEPATCH != 0 {
            continue;
        }
        match sections.kind(section) {
            elf::SHT_REL if section.sh_info(endian) != 0 => {
                let message =
                    "it has relocations without addends, which this processor's kernel has not";
                let says = "REL relocation unsupported".to_string();
                faults.push(Fault::relocation(message, Some(says)));
                return;
            }
            elf::SHT_RELA => {}
            _ => continue,
        }
        let data = sections.data(section);
        let entries = pod::slice_from_all_bytes::<Elf::Rela>(whole::<Elf::Rela>(data));
        let place = Place {
            name: String::from_utf8_lossy(sections.name(target)),
            data: sections.data(target),
            size: target.sh_size(endian).into(),
        };
        for entry in entries.unwrap_or_default() {
            let entry = Relocation {
                kind: entry.r_type(endian, false),
                offset: entry.r_offset(endian).into(),
                symbol: entry.r_sym(endian, false) as usize,
            };
            let symbol = symbols.get(entry.symbol);
            let fault = match machine {
                elf::EM_X86_64 => x86_64(
                    &entry,
                    &place,
                    symbol.map(|symbol| {
                        let index = usize::from(symbol.st_shndx(endian).0);
                        match sections.headers.get(index) {
                            // A weak one that nobody has stands for nothing.
                            Some(_) if index == 0 => symbol.st_bind() != elf::STB_WEAK,
                            Some(home) => sections.name(home) != b".data..percpu",
                            None => false,
                        }
                    }),
                ),
                _ if !AARCH64.contains(&entry.kind) => Some(unknown(&entry, &place)),
                _ => None,
            };
            if let Some(fault) = fault {
                faults.push(fault);
                return;
            }
        }
    }
}

/// Relocations that the livepatch core applies, later.
const SHF_RELA_LIVEPATCH: u64 = 0x0010_0000;

/// Whether the relocations of a processor's modules are looked at here.
fn knows_relocations(machine: elf::Machine) -> bool {
    matches!(machine, elf::EM_X86_64 | elf::EM_AARCH64)
}

struct Relocation {
    kind: elf::RelocationType,
    offset: u64,
    symbol: usize,
}

/// The section that a relocation is applied to.
struct Place<'a> {
    name: Cow<'a, str>,
    data: &'a [u8],
    size: u64,
}

/// `__write_relocate_add()` in `arch/x86/kernel/module.c`. `is_address` says of the symbol, when there
/// is one, whether it stands for an address: the kernel's are in the upper half of its memory.
fn x86_64(entry: &Relocation, place: &Place<'_>, is_address: Option<bool>) -> Option<Fault> {
    let size = match entry.kind {
        elf::R_X86_64_NONE => return None,
        elf::R_X86_64_64 | elf::R_X86_64_PC64 => 8,
        elf::R_X86_64_32 | elf::R_X86_64_32S | elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => 4,
        _ => return Some(unknown(entry, place)),
    };
    let at = || format!("at {:#x} of {}", entry.offset, place.name);
    let end = entry.offset.checked_add(size);
    let Some(end) = end.filter(|end| *end <= place.size) else {
        return Some(Fault::relocation(
            format!("the relocation {} lies outside the section", at()),
            None,
        ));
    };
    let Some(is_address) = is_address else {
        let message = format!("the relocation {} names a symbol that is not there", at());
        return Some(Fault::relocation(message, None));
    };
    if entry.kind == elf::R_X86_64_32 && is_address {
        let message = format!(
            "the relocation {} has no room for an address of the kernel",
            at()
        );
        let says = "overflow in relocation type 10 … likely not compiled with -mcmodel=kernel";
        return Some(Fault::relocation(message, Some(says.into())));
    }
    // A section without bytes in the file has zeros in memory.
    let range = usize::try_from(entry.offset).ok()?..usize::try_from(end).ok()?;
    if place.data.get(range)?.iter().any(|byte| *byte != 0) {
        let kind = entry.kind.0;
        let message = format!("the place of a relocation is not empty: {}", at());
        let says = format!("relocation target, existing value is nonzero for type {kind}");
        return Some(Fault::relocation(message, Some(says)));
    }
    None
}

fn unknown(entry: &Relocation, place: &Place<'_>) -> Fault {
    let kind = entry.kind.0;
    Fault::relocation(
        format!(
            "{} has a relocation of type {kind}, which the kernel's loader does not know",
            place.name
        ),
        Some(format!("Unknown rela relocation: {kind}")),
    )
}

/// What `apply_relocate_add()` in `arch/arm64/kernel/module.c` knows.
const AARCH64: &[elf::RelocationType] = &[
    elf::R_AARCH64_NONE,
    elf::RelocationType(256),
    elf::R_AARCH64_ABS64,
    elf::R_AARCH64_ABS32,
    elf::R_AARCH64_ABS16,
    elf::R_AARCH64_PREL64,
    elf::R_AARCH64_PREL32,
    elf::R_AARCH64_PREL16,
    elf::R_AARCH64_MOVW_UABS_G0,
    elf::R_AARCH64_MOVW_UABS_G0_NC,
    elf::R_AARCH64_MOVW_UABS_G1,
    elf::R_AARCH64_MOVW_UABS_G1_NC,
    elf::R_AARCH64_MOVW_UABS_G2,
    elf::R_AARCH64_MOVW_UABS_G2_NC,
    elf::R_AARCH64_MOVW_UABS_G3,
    elf::R_AARCH64_MOVW_SABS_G0,
    elf::R_AARCH64_MOVW_SABS_G1,
    elf::R_AARCH64_MOVW_SABS_G2,
    elf::R_AARCH64_MOVW_PREL_G0,
    elf::R_AARCH64_MOVW_PREL_G0_NC,
    elf::R_AARCH64_MOVW_PREL_G1,
    elf::R_AARCH64_MOVW_PREL_G1_NC,
    elf::R_AARCH64_MOVW_PREL_G2,
    elf::R_AARCH64_MOVW_PREL_G2_NC,
    elf::R_AARCH64_MOVW_PREL_G3,
    elf::R_AARCH64_LD_PREL_LO19,
    elf::R_AARCH64_ADR_PREL_LO21,
    elf::R_AARCH64_ADR_PREL_PG_HI21,
    elf::R_AARCH64_ADR_PREL_PG_HI21_NC,
    elf::R_AARCH64_ADD_ABS_LO12_NC,
    elf::R_AARCH64_LDST8_ABS_LO12_NC,
    elf::R_AARCH64_LDST16_ABS_LO12_NC,
    elf::R_AARCH64_LDST32_ABS_LO12_NC,
    elf::R_AARCH64_LDST64_ABS_LO12_NC,
    elf::R_AARCH64_LDST128_ABS_LO12_NC,
    elf::R_AARCH64_TSTBR14,
    elf::R_AARCH64_CONDBR19,
    elf::R_AARCH64_JUMP26,
    elf::R_AARCH64_CALL26,
];

/// Why the kernel refuses a module's types (`btf_parse_module()` in `kernel/bpf/btf.c`), as far as
/// their header tells; whether they fit the kernel's own is not looked at.
pub fn btf_fault(btf: &[u8]) -> Option<&'static str> {
    const HEADER: u32 = 24;
    let Ok((head, _)) = pod::slice_from_bytes::<U32<Endianness>>(btf, 6) else {
        return Some("they are shorter than their header");
    };
    let word = |index: usize| head[index].get(Endianness::Little);
    let (first, length) = (word(0), word(1));
    if first & 0xffff != 0xeb9f {
        return Some("they do not begin with BTF's magic number");
    }
    if first >> 16 & 0xff != 1 || first >> 24 != 0 {
        return Some("they are of a version that the kernel does not know");
    }
    if length > HEADER {
        // Later kernels have a longer one.
        return None;
    }
    let (types, types_size, strings, strings_size) = (word(2), word(3), word(4), word(5));
    let all = (btf.len() as u64).checked_sub(u64::from(length));
    let end = u64::from(strings) + u64::from(strings_size);
    if types != 0 || strings != types_size || Some(end) != all {
        return Some("their sections do not fill them");
    }
    (strings_size > 0 && btf.last() != Some(&0)).then_some("their names do not end")
}
