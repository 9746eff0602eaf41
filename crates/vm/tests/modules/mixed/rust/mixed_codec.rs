// SPDX-License-Identifier: GPL-2.0

//! CRC-32, for this module and for others: a crate of its own within mixed.ko.

include!(concat!(env!("GENERATED"), "/table.rs"));

/// The CRC-32 of bytes, as zip and Ethernet have it.
// Not inline: other modules are to call the one that mixed.ko exports.
#[inline(never)]
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8)
    })
}
