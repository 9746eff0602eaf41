// SPDX-License-Identifier: MIT OR Apache-2.0

//! `Module.symvers`: the symbols a kernel and its modules export.
//!
//! One symbol a line, with tabs between the fields: CRC, name, exporter, kind of export and,
//! since 5.4, namespace (`Documentation/kbuild/modules.rst`).

use std::collections::HashMap;
use std::path::Path;

use crate::file;

/// The largest file that is read: Debian's, with 30,000 symbols, holds 1.7 MB.
const LIMIT: u64 = 256 << 20;

/// One exported symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The checksum of its type, zero without `CONFIG_MODVERSIONS`.
    pub crc: u32,
    /// `vmlinux`, or the path of the module that exports it, without `.ko`.
    pub exporter: String,
    /// Whether only modules under the GPL may use it.
    pub gpl_only: bool,
    /// The namespace a module has to import.
    pub namespace: String,
}

/// All symbols a kernel exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symvers {
    /// The exports by name.
    pub exports: HashMap<String, Export>,
    /// The number of lines that are not of the format, and the first of them.
    pub damaged: Option<(usize, String)>,
}

impl Symvers {
    /// Reads a `Module.symvers`.
    pub fn read(path: &Path) -> file::Result<Self> {
        Ok(Self::parse(&file::read_text(path, LIMIT)?))
    }

    /// Reads a `Module.symvers` that is in memory.
    pub fn parse(text: &str) -> Self {
        let mut symvers = Self::default();
        symvers.exports.reserve(text.len() / 60);
        for line in text.lines().filter(|line| !line.is_empty()) {
            match parse_line(line) {
                Some((name, export)) => {
                    symvers.exports.insert(name.to_string(), export);
                }
                None => {
                    let first = || line.chars().take(80).collect();
                    symvers.damaged.get_or_insert_with(|| (0, first())).0 += 1;
                }
            }
        }
        symvers
    }

    /// Whether the kernel checks the type of each symbol (`CONFIG_MODVERSIONS`).
    pub fn has_checksums(&self) -> bool {
        self.exports.values().any(|export| export.crc != 0)
    }

    /// The names of all symbols that Rust mangled.
    pub fn rust_symbols(&self) -> impl Iterator<Item = &str> {
        self.exports
            .keys()
            .map(String::as_str)
            .filter(|name| name.starts_with("_R"))
    }
}

fn parse_line(line: &str) -> Option<(&str, Export)> {
    let mut fields = line.split('\t');
    let crc = u32::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok()?;
    let name = fields.next().filter(|name| !name.is_empty())?;
    let exporter = fields.next()?.to_string();
    let kind = fields.next()?;
    let gpl_only = match kind {
        "EXPORT_SYMBOL" => false,
        _ if kind.starts_with("EXPORT_") => kind.ends_with("_GPL"),
        _ => return None,
    };
    let namespace = fields.next().unwrap_or_default().to_string();
    Some((
        name,
        Export {
            crc,
            exporter,
            gpl_only,
            namespace,
        },
    ))
}

/// The first line of a `Module.symvers` that is not of its format, without keeping the rest.
pub fn damaged_line(text: &str) -> Option<&str> {
    text.lines()
        .find(|line| !line.is_empty() && parse_line(line).is_none())
}

/// How many Rust symbols a `Module.symvers` holds, and one of them, without keeping the rest.
pub fn count_rust(text: &str) -> (usize, Option<&str>) {
    let mut names = text
        .lines()
        .filter_map(|line| line.split('\t').nth(1))
        .filter(|name| name.starts_with("_R"));
    let first = names.next();
    (usize::from(first.is_some()) + names.count(), first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0x12345678\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n\
        0x00000000\t_RNvC6kernel1f\tvmlinux\tEXPORT_SYMBOL_GPL\t\n\
        0x00000000\tdma_heap\tdrivers/dma/heap\tEXPORT_SYMBOL_GPL\tDMA\n";

    #[test]
    fn fields_are_read() {
        let symvers = Symvers::parse(TEXT);
        assert_eq!(symvers.damaged, None);
        assert_eq!(symvers.exports["printk"].crc, 0x1234_5678);
        assert!(!symvers.exports["printk"].gpl_only);
        assert_eq!(symvers.exports["dma_heap"].namespace, "DMA");
        assert_eq!(symvers.exports["dma_heap"].exporter, "drivers/dma/heap");
        assert_eq!(
            symvers.rust_symbols().collect::<Vec<_>>(),
            ["_RNvC6kernel1f"]
        );
        assert!(symvers.has_checksums());
        assert_eq!(count_rust(TEXT), (1, Some("_RNvC6kernel1f")));
    }

    #[test]
    fn damaged_lines_are_counted_and_the_first_is_kept() {
        let symvers = Symvers::parse("<html>\n0x1\tname\n0xzz\ta\tb\tEXPORT_SYMBOL\t\n");
        assert_eq!(symvers.damaged, Some((3, "<html>".to_string())));
        assert_eq!(damaged_line(TEXT), None);
        assert_eq!(damaged_line(&format!("{TEXT}\n<p>\n")), Some("<p>"));
        assert!(symvers.exports.is_empty());
    }
}
