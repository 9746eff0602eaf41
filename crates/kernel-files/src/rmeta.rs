// SPDX-License-Identifier: MIT OR Apache-2.0

//! The beginning of a Rust crate's metadata: which rustc made it, for which target, from what.
//!
//! rustc reads metadata only when the version string in its header is exactly its own, so that
//! string, and not a version number, decides whether a crate can be used (E0514 where it
//! cannot). The layout is that of `compiler/rustc_metadata/src/rmeta/mod.rs`: `rust`, three zero
//! bytes, the format version, the position of the root, the version string. Formats 6 (rustc
//! 1.59) to 10 (rustc 1.90 and later) are read here. A later one is read as far as its version
//! string, whose place has been the same since format 9.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use object::read::ReadCache;
use object::{Object, ObjectSection, ObjectSymbol};

use crate::file;

const MAGIC: &[u8; 7] = b"rust\0\0\0";
const SNAPPY_STREAM: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// How much of either end of a crate's metadata is read: the header and the list of
/// dependencies stand at its beginning, the root near its end.
const WINDOW: usize = 64 << 10;

/// A crate's metadata, as far as it says where the crate came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rmeta {
    /// The version of the metadata format.
    pub format: u8,
    /// The full version string of the rustc that made the crate.
    pub rustc: String,
    /// The root, when the format is one whose root is known here.
    pub root: Option<Root>,
    /// The crates this one was made against, as far as they can be read.
    pub dependencies: Vec<Dependency>,
}

/// What the root of the metadata says of the crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The crate's name, when it is written out: `core` is among those rustc writes as numbers.
    pub name: Option<String>,
    /// The target it was made for.
    pub target: Target,
    /// The hash of the crate, which its users record.
    pub hash: Vec<u8>,
}

/// A target as a crate records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By name: one that rustc knows, or that it found in `RUST_TARGET_PATH`.
    Name(String),
    /// By the path of its file: rustc before 1.63, which refuses the crate from any other path.
    Path(String),
    /// By the contents of its file.
    Contents {
        /// The name of the file, without `.json`.
        name: String,
        /// What the file held.
        contents: String,
    },
}

/// A crate that another was made against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name, when it is written out: rustc writes names it knows itself as numbers.
    pub name: Option<String>,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// Why a file is not a crate's metadata.
#[expect(missing_docs, reason = "each message says what its variant is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RmetaError {
    #[error("it cannot be read: {0}")]
    Read(String),
    #[error("it is empty")]
    Empty,
    #[error("it is cut off")]
    Truncated,
    #[error("it is not Rust metadata: it does not begin with `rust`")]
    Magic,
    #[error("its header is damaged: {0}")]
    Header(&'static str),
    #[error("it has no `.rustc` section, so it is not a proc-macro library")]
    NoSection,
    #[error("it is not a sound ELF library: {0}")]
    Elf(String),
}

type Result<T> = std::result::Result<T, RmetaError>;

fn read_error(error: impl std::fmt::Display) -> RmetaError {
    RmetaError::Read(error.to_string())
}

/// Reads the metadata of an `.rmeta` file. Of a large file only both ends are read.
pub fn read(path: &Path) -> Result<Rmeta> {
    let (mut file, size) = file::open(path).map_err(read_error)?;
    let mut head = Vec::new();
    (&mut file)
        .take(WINDOW as u64)
        .read_to_end(&mut head)
        .map_err(read_error)?;
    let (rustc, place) = header(&head)?;
    let format = head[7];
    let dependencies = dependencies(format, &head[place.after_version..]);
    // A root past the end means that the rest of the file is missing.
    if place.root >= size {
        return Err(RmetaError::Truncated);
    }
    let mut root = Vec::new();
    file.seek(SeekFrom::Start(place.root)).map_err(read_error)?;
    file.take(WINDOW as u64)
        .read_to_end(&mut root)
        .map_err(read_error)?;
    Ok(Rmeta {
        format,
        rustc,
        root: parse_root(format, &root),
        dependencies,
    })
}

/// Reads metadata that is wholly in memory.
pub fn parse(bytes: &[u8]) -> Result<Rmeta> {
    let (rustc, place) = header(bytes)?;
    let format = bytes[7];
    let root = usize::try_from(place.root)
        .ok()
        .and_then(|at| bytes.get(at..));
    let Some(root) = root.filter(|root| !root.is_empty()) else {
        return Err(RmetaError::Truncated);
    };
    let dependencies = dependencies(format, &bytes[place.after_version..]);
    Ok(Rmeta {
        format,
        rustc,
        root: parse_root(format, root),
        dependencies,
    })
}

struct Place {
    root: u64,
    after_version: usize,
}

fn header(bytes: &[u8]) -> Result<(String, Place)> {
    if bytes.is_empty() {
        return Err(RmetaError::Empty);
    }
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
        return Err(RmetaError::Magic);
    }
    let format = *bytes.get(7).ok_or(RmetaError::Truncated)?;
    // Format 9 made the root's position 64 bits wide, and little-endian.
    let (root, string_at) = if format < 9 {
        let raw = bytes.get(8..12).ok_or(RmetaError::Truncated)?;
        (
            u64::from(u32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]])),
            12,
        )
    } else {
        let raw = bytes.get(8..16).ok_or(RmetaError::Truncated)?;
        let mut wide = [0; 8];
        wide.copy_from_slice(raw);
        (u64::from_le_bytes(wide), 16)
    };
    let mut cursor = Cursor {
        bytes,
        at: string_at,
    };
    let length = cursor.number().ok_or(RmetaError::Truncated)?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= 1024);
    let length = length.ok_or(RmetaError::Header("the version string has no sane length"))?;
    let raw = cursor.take(length).ok_or(RmetaError::Truncated)?;
    let rustc = std::str::from_utf8(raw)
        .ok()
        .filter(|text| text.starts_with("rustc ") && !text.contains(char::is_control))
        .ok_or(RmetaError::Header(
            "there is no rustc version where it should be",
        ))?;
    // Strings end with a byte that is not UTF-8, since rustc 1.53.
    if cursor.peek() == Some(0xC1) {
        cursor.at += 1;
    }
    Ok((
        rustc.to_string(),
        Place {
            root,
            after_version: cursor.at,
        },
    ))
}

/// The root begins with the crate's name and target until format 7, and with target, hash and
/// name from format 8 on.
fn parse_root(format: u8, bytes: &[u8]) -> Option<Root> {
    let mut cursor = Cursor { bytes, at: 0 };
    match format {
        6 | 7 => {
            let name = cursor.symbol(format)?;
            let target = cursor.target()?;
            let _extra_filename = cursor.string()?;
            let hash = cursor.hash(format)?;
            Some(Root { name, target, hash })
        }
        8..=10 => {
            let target = cursor.target()?;
            let hash = cursor.hash(format)?;
            let name = cursor.symbol(format)?;
            Some(Root { name, target, hash })
        }
        _ => None,
    }
}

/// The dependencies follow the version string, one after the other and without a count, which
/// stands elsewhere: what does not read as one ends the list.
fn dependencies(format: u8, bytes: &[u8]) -> Vec<Dependency> {
    let mut cursor = Cursor { bytes, at: 0 };
    let mut found = Vec::new();
    while found.len() < 64 {
        let Some(dependency) = dependency(format, &mut cursor) else {
            break;
        };
        found.push(dependency);
    }
    found
}

fn dependency(format: u8, cursor: &mut Cursor<'_>) -> Option<Dependency> {
    if !(6..=10).contains(&format) {
        return None;
    }
    let name = cursor.symbol(format)?;
    let hash = cursor.hash(format)?;
    match cursor.byte()? {
        0 => {}
        1 => drop(cursor.hash(format)?),
        _ => return None,
    }
    if cursor.byte()? > 4 {
        return None;
    }
    let extra = cursor.string()?;
    if !extra.is_empty() && !extra.starts_with('-') {
        return None;
    }
    // Since rustc 1.74 (format 8) a dependency says whether it is private.
    if format >= 8 && cursor.byte()? > 1 {
        return None;
    }
    Some(Dependency { name, hash })
}

/// A reader over untrusted bytes: it never goes past their end.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }

    /// An unsigned LEB128 number of at most 64 bits.
    fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn string(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let raw = self.take(length)?;
        let text = std::str::from_utf8(raw).ok()?;
        (self.byte()? == 0xC1).then(|| text.to_string())
    }

    /// A name: written out, or a number whose meaning is the compiler's own.
    fn symbol(&mut self, format: u8) -> Option<Option<String>> {
        let named = |text: String| {
            let sound = !text.is_empty()
                && text.len() < 128
                && text.chars().all(|c| c.is_alphanumeric() || c == '_');
            sound.then_some(Some(text))
        };
        match (format, self.peek()?) {
            // rustc 1.59 to 1.63 write every name out, without a tag before it.
            (6, 3..) => named(self.string()?),
            (_, 0) => {
                self.at += 1;
                named(self.string()?)
            }
            (_, 1 | 2) => {
                self.at += 1;
                self.number()?;
                Some(None)
            }
            _ => None,
        }
    }

    fn hash(&mut self, format: u8) -> Option<Vec<u8>> {
        if format == 6 {
            return Some(self.number()?.to_le_bytes().to_vec());
        }
        Some(self.take(16)?.to_vec())
    }

    fn target(&mut self) -> Option<Target> {
        match self.byte()? {
            0 => Some(Target::Name(self.string()?)),
            1 => {
                let first = self.string()?;
                // The extra file name follows a path; it is empty. Contents are never empty.
                if first.starts_with('/') {
                    return Some(Target::Path(first));
                }
                Some(Target::Contents {
                    name: first,
                    contents: self.string()?,
                })
            }
            _ => None,
        }
    }
}

/// A proc-macro library: the crate in it, and the system it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// The full version string of the rustc that made it.
    pub rustc: String,
    /// The processor it was made for, as `uname -m` calls it.
    pub machine: String,
    /// Whether it exports the table that rustc looks for.
    pub has_macros: bool,
    /// The newest glibc it asks for, such as `2.34`.
    pub glibc: Option<String>,
    /// The hash of the crate in it.
    pub hash: Option<Vec<u8>>,
}

/// The rustc that made a dynamic library of Rust's (`libstd-….so`, `librustc_driver-….so`).
/// Only the section table and the beginning of one section are read, whatever the file's size.
pub fn library_rustc(path: &Path) -> Result<String> {
    let (file, _) = file::open(path).map_err(read_error)?;
    let cache = ReadCache::new(file);
    let elf = object::File::parse(&cache).map_err(|error| RmetaError::Elf(error.to_string()))?;
    let (start, size) = elf
        .section_by_name(".rustc")
        .and_then(|section| section.file_range())
        .ok_or(RmetaError::NoSection)?;
    let mut file = std::fs::File::open(path).map_err(read_error)?;
    file.seek(SeekFrom::Start(start)).map_err(read_error)?;
    let mut head = Vec::new();
    file.take(size.min(256 << 10))
        .read_to_end(&mut head)
        .map_err(read_error)?;
    header(&unwrap_section(&head, 1 << 16)?).map(|(rustc, _)| rustc)
}

/// Reads a proc-macro library.
pub fn read_library(path: &Path) -> Result<Library> {
    parse_library(&file::read(path, 512 << 20).map_err(read_error)?)
}

/// Reads a proc-macro library that is in memory.
pub fn parse_library(bytes: &[u8]) -> Result<Library> {
    if bytes.is_empty() {
        return Err(RmetaError::Empty);
    }
    if !bytes.starts_with(b"\x7fELF") {
        return Err(RmetaError::Elf("it does not begin as ELF does".into()));
    }
    let elf = object::File::parse(bytes).map_err(|error| RmetaError::Elf(error.to_string()))?;
    let section = elf.section_by_name(".rustc").ok_or(RmetaError::NoSection)?;
    let section = section
        .data()
        .map_err(|error| RmetaError::Elf(error.to_string()))?;
    let metadata = unwrap_section(section, 64 << 20)?;
    let (rustc, _) = header(&metadata)?;
    let root = parse(&metadata).ok().and_then(|rmeta| rmeta.root);
    let has_macros = elf.dynamic_symbols().any(|symbol| {
        symbol.name().is_ok_and(|name| {
            name.starts_with("__rustc_proc_macro_decls_")
                || name.starts_with("rust_metadata_")
                || name.starts_with("_rustc_proc_macro_decls_")
        })
    });
    Ok(Library {
        rustc,
        machine: crate::kofile::machine_name(&elf),
        has_macros,
        glibc: newest_glibc(&elf),
        hash: root.map(|root| root.hash),
    })
}

/// The newest version a glibc defines.
pub fn defined_glibc(path: &Path) -> Option<String> {
    let (file, _) = file::open(path).ok()?;
    let cache = ReadCache::new(file);
    newest_glibc(&object::File::parse(&cache).ok()?)
}

/// The newest `GLIBC_` version among a library's needs. The names stand in its dynamic string
/// table, where no other string has that form.
fn newest_glibc<'a, R: object::ReadRef<'a>>(elf: &object::File<'a, R>) -> Option<String> {
    let strings = elf.section_by_name(".dynstr")?.data().ok()?;
    strings
        .split(|byte| *byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_"))
        .filter_map(|version| {
            let numbers: Option<Vec<u32>> = version.split('.').map(|n| n.parse().ok()).collect();
            Some((numbers?, version))
        })
        .max()
        .map(|(_, version)| version.to_string())
}

/// Takes the metadata out of a `.rustc` section: behind the magic stand, by format, nothing, a
/// 32-bit or a 64-bit length, and then the metadata, as a Snappy stream until rustc 1.73.
fn unwrap_section(section: &[u8], limit: u64) -> Result<Vec<u8>> {
    if section.is_empty() {
        return Err(RmetaError::Empty);
    }
    if !section.starts_with(MAGIC) {
        return Err(RmetaError::Magic);
    }
    for start in [8, 12, 16] {
        let Some(inner) = section.get(start..) else {
            return Err(RmetaError::Truncated);
        };
        if inner.starts_with(MAGIC) {
            return Ok(inner.to_vec());
        }
        if inner.starts_with(SNAPPY_STREAM) {
            let mut bytes = Vec::new();
            let outcome = snap::read::FrameDecoder::new(inner)
                .take(limit)
                .read_to_end(&mut bytes);
            // The stream may have been cut by the reader, after what is needed of it.
            return match outcome {
                Err(_) if bytes.is_empty() => {
                    Err(RmetaError::Header("its Snappy stream is damaged"))
                }
                _ => Ok(bytes),
            };
        }
    }
    Err(RmetaError::Header(
        "the `.rustc` section is of a form that is not known here",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata of format 6 as rustc 1.62 lays it out, by hand.
    fn old(target: &[u8]) -> Vec<u8> {
        let mut bytes = b"rust\0\0\0\x06".to_vec();
        let version = b"rustc 1.62.0 (a8314ef7d 2022-06-27)";
        let mut body = vec![u8::try_from(version.len()).unwrap()];
        body.extend(version);
        body.extend(b"\xC1\x04core\xC1\x07\x00\x02\x00\xC1");
        let root = u32::try_from(12 + body.len()).unwrap();
        bytes.extend(root.to_be_bytes());
        bytes.extend(body);
        bytes.extend(b"\x06kernel\xC1");
        bytes.extend(target);
        bytes.extend(b"\x00\xC1\x2a");
        bytes
    }

    #[test]
    fn format_6_is_read() {
        let rmeta = parse(&old(b"\x00\x06target\xC1")).unwrap();
        assert_eq!(rmeta.rustc, "rustc 1.62.0 (a8314ef7d 2022-06-27)");
        let root = rmeta.root.unwrap();
        assert_eq!(root.name.as_deref(), Some("kernel"));
        assert_eq!(root.target, Target::Name("target".into()));
        assert_eq!(root.hash, 42u64.to_le_bytes());
        assert_eq!(rmeta.dependencies.len(), 1);
        assert_eq!(rmeta.dependencies[0].name.as_deref(), Some("core"));
        assert_eq!(rmeta.dependencies[0].hash, 7u64.to_le_bytes());
    }

    #[test]
    fn a_target_by_path_is_told_from_one_by_name() {
        let rmeta = parse(&old(b"\x01\x09/t/x.json\xC1")).unwrap();
        assert_eq!(rmeta.root.unwrap().target, Target::Path("/t/x.json".into()));
    }

    #[test]
    fn every_cut_is_an_error_and_no_panic() {
        let whole = old(b"\x00\x06target\xC1");
        let root = usize::from(whole[11]);
        for length in 0..=root {
            assert!(parse(&whole[..length]).is_err(), "{length} bytes");
        }
        for length in root..whole.len() {
            let _ = parse(&whole[..length]);
        }
    }

    #[test]
    fn what_is_not_a_metadata_says_so() {
        assert_eq!(parse(b""), Err(RmetaError::Empty));
        assert_eq!(parse(b"!<arch>\n"), Err(RmetaError::Magic));
        assert_eq!(parse(b"rust\0\0\0"), Err(RmetaError::Truncated));
        let huge = b"rust\0\0\0\x06\0\0\0\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        assert!(matches!(parse(huge), Err(RmetaError::Header(_))));
    }
}
