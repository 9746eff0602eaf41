// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernel modules as distributions install them, and logs as they keep them: plain, or packed by
//! zstd, xz or gzip.

use std::io::{self, Cursor, Read};
use std::path::Path;

use crate::file;

/// More than any module unpacks to, debug information included. It keeps a small hostile file
/// from filling the memory.
pub const LIMIT: u64 = 512 << 20;

/// How a file is packed. The bytes say it, not the name: the kernel's tools look at them, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    None,
    /// zstd (RFC 8878).
    Zstd,
    /// xz.
    Xz,
    /// gzip (RFC 1952).
    Gzip,
}

impl Packing {
    /// The packing whose magic number the bytes begin with.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ => Self::None,
        }
    }

    /// The name of the program that packs so.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Gzip => "gzip",
        }
    }
}

/// How many bytes tell the packing.
const MAGIC: u64 = 6;

/// Unpacks a stream while it is read.
pub fn stream<'a>(mut packed: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::new();
    packed.by_ref().take(MAGIC).read_to_end(&mut start)?;
    let packing = Packing::of(&start);
    let whole = Cursor::new(start).chain(packed);
    Ok(match packing {
        Packing::None => Box::new(whole),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        // The dictionary is bounded as well: the stream names its size, up to 4 GiB.
        Packing::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(whole, true, 256 << 10)),
        Packing::Zstd => {
            Box::new(ruzstd::decoding::StreamingDecoder::new(whole).map_err(io::Error::other)?)
        }
    })
}

/// Reads a file and unpacks it.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let packed = file::read(path, LIMIT).map_err(|error| error.to_string())?;
    unpack(packed, LIMIT)
}

/// Unpacks bytes to at most `limit` bytes.
pub fn unpack(packed: Vec<u8>, limit: u64) -> Result<Vec<u8>, String> {
    let packing = Packing::of(&packed);
    let damaged = |error: &dyn std::fmt::Display| {
        format!(
            "the {} stream is damaged or cut off: {error}",
            packing.name()
        )
    };
    if packing == Packing::None {
        return Ok(packed);
    }
    let mut bytes = Vec::new();
    stream(packed.as_slice())
        .and_then(|stream| stream.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| damaged(&error))?;
    if bytes.len() as u64 > limit {
        return Err(format!(
            "it unpacks to more than {limit} bytes, no kernel module does"
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_unpacked() {
        assert_eq!(unpack(gzip(b"module"), 100).unwrap(), b"module");
    }

    #[test]
    fn plain_bytes_stay() {
        assert_eq!(unpack(b"\x7fELF".to_vec(), 100).unwrap(), b"\x7fELF");
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = gzip(&vec![0; 1 << 20]);
        assert!(bomb.len() < 4096);
        assert!(
            unpack(bomb, 1 << 16)
                .unwrap_err()
                .contains("more than 65536 bytes")
        );
    }

    #[test]
    fn cut_streams_are_errors() {
        let whole = gzip(b"module");
        assert!(unpack(whole[..whole.len() - 6].to_vec(), 100).is_err());
        assert!(unpack(vec![0x28, 0xb5, 0x2f, 0xfd], 100).is_err());
        assert!(unpack(vec![0xfd, b'7', b'z', b'X', b'Z', 0], 100).is_err());
    }
}
