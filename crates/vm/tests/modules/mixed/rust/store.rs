// SPDX-License-Identifier: GPL-2.0

//! What is written, kept until the module goes.

use kernel::prelude::*;
use mixed_macros::Fields;

#[cfg(has_kvec)]
type Bytes = KVec<u8>;
#[cfg(not(has_kvec))]
type Bytes = Vec<u8>;

/// Bytes, and how often some were added.
#[derive(Fields)]
pub(crate) struct Store {
    bytes: Bytes,
    writes: u32,
}

impl Store {
    /// An empty one.
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Bytes::new(),
            writes: 0,
        }
    }

    /// Keeps as many bytes as there is room for below the limit, and says how many.
    pub(crate) fn write(&mut self, bytes: &[u8], limit: usize) -> Result<usize> {
        let room = limit.saturating_sub(self.bytes.len());
        let taken = bytes.len().min(room);
        for &byte in &bytes[..taken] {
            #[cfg(has_kvec)]
            self.bytes.push(byte, GFP_KERNEL)?;
            #[cfg(not(has_kvec))]
            self.bytes.try_push(byte)?;
        }
        self.writes += u32::from(taken > 0);
        Ok(taken)
    }

    /// Copies out what is kept from an offset on, and says how many bytes.
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> usize {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let given = rest.len().min(out.len());
        out[..given].copy_from_slice(&rest[..given]);
        given
    }

    /// Of all that is kept.
    pub(crate) fn crc32(&self) -> u32 {
        mixed_codec::crc32(&self.bytes)
    }

    /// How often something was kept.
    pub(crate) fn writes(&self) -> u32 {
        self.writes
    }
}
