// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rust symbols: what they are called, and which build of a crate they belong to.
//!
//! A v0 symbol (RFC 2603) names each crate with a number, its *disambiguator*. rustc makes it
//! from the crate's name, its `-C metadata` and, since 1.58, its own version string. The kernel
//! gives no `-C metadata`, so two builds of `core` have the same number when the same rustc made
//! them, whatever the kernel: a different number means another rustc, the same number and a
//! missing item mean another kernel.

use std::collections::{BTreeMap, BTreeSet};

use crate::symvers::Symvers;

/// The allocator's symbols, which have no mangled names. Kernels from 6.1 to 6.12 export them.
const ALLOCATOR: [&str; 5] = [
    "__rust_alloc",
    "__rust_dealloc",
    "__rust_realloc",
    "__rust_alloc_zeroed",
    "__rust_no_alloc_shim_is_unstable",
];

/// A crate as a symbol names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrateId {
    /// The crate's name.
    pub name: String,
    /// Its disambiguator, in hexadecimal as rustc's own tools print it.
    pub hash: String,
}

/// Why a Rust symbol is not among a kernel's exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// The kernel has no Rust symbol at all.
    NoRust,
    /// The kernel's crates come from another rustc than the module's.
    AnotherRustc {
        /// The crate the module was built against.
        module: CrateId,
        /// The kernel's crate of that name.
        kernel: CrateId,
    },
    /// The crates agree, but the kernel's lacks the item: another kernel, or another
    /// configuration of it.
    AnotherKernel,
    /// A crate that the kernel does not have.
    NoCrate(String),
    /// A part of Rust's allocator, which kernels with Rust export until 6.12 and no longer.
    Allocator,
}

/// A Rust symbol in readable form, without the crates' hashes.
pub fn demangle(symbol: &str) -> Option<String> {
    // The length bounds the work: a symbol is at most 512 bytes for the kernel (KSYM_NAME_LEN).
    if symbol.len() > 4096 {
        return None;
    }
    let demangled = rustc_demangle::try_demangle(symbol).ok()?;
    Some(format!("{demangled:#}"))
}

/// The crates a symbol names, in their order.
pub fn crates_of(symbol: &str) -> Vec<CrateId> {
    if symbol.len() > 4096 {
        return Vec::new();
    }
    let Ok(demangled) = rustc_demangle::try_demangle(symbol) else {
        return Vec::new();
    };
    let text = demangled.to_string();
    let mut crates = Vec::new();
    let mut start = 0;
    // The full form writes a crate as `name[hash]`. Slices and arrays have no name before `[`.
    while let Some(open) = text[start..].find('[').map(|at| start + at) {
        start = open + 1;
        let name_length = text[..open]
            .chars()
            .rev()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .map(char::len_utf8)
            .sum::<usize>();
        let Some(close) = text[start..].find(']').map(|at| start + at) else {
            break;
        };
        let hash = &text[start..close];
        let is_hash = !hash.is_empty() && hash.chars().all(|c| c.is_ascii_hexdigit());
        if name_length > 0 && is_hash {
            let name = text[open - name_length..open].to_string();
            crates.push(CrateId {
                name,
                hash: hash.to_string(),
            });
        }
    }
    crates
}

/// The Rust side of a kernel's exports.
#[derive(Debug, Default)]
pub struct RustExports {
    crates: BTreeMap<String, BTreeSet<String>>,
}

impl RustExports {
    /// Looks at every Rust symbol a kernel exports.
    pub fn of(symvers: &Symvers) -> Self {
        let mut exports = Self::default();
        for symbol in symvers.rust_symbols() {
            for CrateId { name, hash } in crates_of(symbol) {
                exports.crates.entry(name).or_default().insert(hash);
            }
        }
        exports
    }

    /// Why a Rust symbol is not exported.
    pub fn why_missing(&self, symbol: &str) -> Missing {
        if self.crates.is_empty() {
            return Missing::NoRust;
        }
        if ALLOCATOR.iter().any(|name| symbol.ends_with(name)) {
            return Missing::Allocator;
        }
        for id in crates_of(symbol) {
            match self.crates.get(&id.name) {
                None => return Missing::NoCrate(id.name),
                Some(hashes) if !hashes.contains(&id.hash) => {
                    let hash = hashes.first().cloned().unwrap_or_default();
                    let kernel = CrateId {
                        name: id.name.clone(),
                        hash,
                    };
                    return Missing::AnotherRustc { module: id, kernel };
                }
                Some(_) => {}
            }
        }
        Missing::AnotherKernel
    }
}

/// Whether a symbol is Rust's: mangled, or a part of its allocator.
pub fn is_rust(symbol: &str) -> bool {
    symbol.starts_with("_R") || ALLOCATOR.contains(&symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symvers::Export;

    const PANIC: &str = "_RNvNtCs5bOjHdn9oRG_4core9panicking5panic";
    const PRINTK: &str = "_RNvNtCs1q4c3E1xXYZ_6kernel5print11call_printk";

    fn kernel(symbols: &[&str]) -> RustExports {
        let export = Export {
            crc: 0,
            exporter: "vmlinux".into(),
            gpl_only: true,
            namespace: String::new(),
        };
        let exports = symbols
            .iter()
            .map(|name| (name.to_string(), export.clone()))
            .collect();
        RustExports::of(&Symvers {
            exports,
            damaged: None,
        })
    }

    #[test]
    fn crates_are_read_with_their_numbers() {
        let crates = crates_of(PANIC);
        assert_eq!(crates.len(), 1);
        assert_eq!(crates[0].name, "core");
        assert_eq!(demangle(PANIC).unwrap(), "core::panicking::panic");
        assert_eq!(crates_of("printk"), []);
    }

    #[test]
    fn another_number_of_the_same_crate_is_another_rustc() {
        let other = PANIC.replace("5bOj", "5bOk");
        let Missing::AnotherRustc { module, kernel } = kernel(&[PANIC]).why_missing(&other) else {
            panic!("it is another rustc")
        };
        assert_eq!(module.name, "core");
        assert_ne!(module.hash, kernel.hash);
    }

    #[test]
    fn the_same_number_and_another_item_is_another_kernel() {
        let other = PANIC.replace("5panic", "5panik");
        assert_eq!(kernel(&[PANIC]).why_missing(&other), Missing::AnotherKernel);
        assert_eq!(
            kernel(&[PANIC]).why_missing(PRINTK),
            Missing::NoCrate("kernel".into())
        );
        assert_eq!(kernel(&[]).why_missing(PANIC), Missing::NoRust);
        assert_eq!(
            kernel(&[PANIC]).why_missing("__rust_alloc"),
            Missing::Allocator
        );
    }

    #[test]
    fn hostile_symbols_end() {
        let nested = format!("_R{}", "NvNt".repeat(2000));
        assert_eq!(demangle(&nested), None);
        let _ = crates_of("_RNvC[[[");
        let _ = crates_of(&format!("_RC{}", "T".repeat(4000)));
    }
}
