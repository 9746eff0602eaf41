// SPDX-License-Identifier: MIT OR Apache-2.0

//! One function for each parser, for the fuzz targets and for the test that replays their corpus. None may panic, hang, or take memory without bounds.

use crate::config::Config;
use crate::kofile::KoFile;
use crate::symvers::Symvers;
use crate::{decompress, image, pkcs7, rmeta, rustsym, symvers, vermagic};

/// A parser that takes any bytes.
pub type Parser = fn(&[u8]);

/// Every parser, by the name of its corpus.
pub const PARSERS: &[(&str, Parser)] = &[
    ("rmeta", rmeta),
    ("library", library),
    ("module", module),
    ("unpack", unpack),
    ("signer", signer),
    ("symvers", symvers),
    ("config", config),
    ("image", image),
    ("vermagic", vermagic),
    ("symbol", symbol),
];

/// The metadata of a crate.
pub fn rmeta(data: &[u8]) {
    let _ = rmeta::parse(data);
}

/// A proc-macro library.
pub fn library(data: &[u8]) {
    let _ = rmeta::parse_library(data);
}

/// A kernel module.
pub fn module(data: &[u8]) {
    let _ = KoFile::parse(data);
}

/// A packed kernel module.
pub fn unpack(data: &[u8]) {
    let _ = decompress::unpack(data.to_vec(), 1 << 20);
}

/// A PKCS#7 message.
pub fn signer(data: &[u8]) {
    let _ = pkcs7::signer(data);
}

/// A `Module.symvers`.
pub fn symvers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let found = Symvers::parse(&text);
    let _ = found.has_checksums();
    let _ = symvers::count_rust(&text);
    let exports = rustsym::RustExports::of(&found);
    let _ = exports.why_missing("_RNvNtCs5bOjHdn9oRG_4core9panicking5panic");
}

/// The header of a kernel's image.
pub fn image(data: &[u8]) {
    let _ = image::release(data);
    let _ = image::size(data);
}

/// A configuration.
pub fn config(data: &[u8]) {
    let config = Config::parse(&String::from_utf8_lossy(data));
    let _ = config.line("RUST");
}

/// The header that makes a vermagic, and a vermagic.
pub fn vermagic(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (header, magic) = text.split_once('\0').unwrap_or((&text, &text));
    let config = Config::parse("CONFIG_SMP=y\n");
    let made = vermagic::from_headers("6.1.0", &config, "", header);
    let _ = vermagic::differences(magic, &made.unwrap_or_default(), false);
}

/// A mangled symbol.
pub fn symbol(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = rustsym::demangle(&text);
    let _ = rustsym::crates_of(&text);
}
