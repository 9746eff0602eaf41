// SPDX-License-Identifier: GPL-2.0

//! What is written, kept until the module goes.

use kernel::prelude::*;
use mixed_macros::Fields;

#[cfg(has_kvec)]
type Bytes = KVec<u8>;
#[cfg(not(has_kvec))]
type Bytes = Vec<u8>;

/// Bytes up to a limit, and how often some were added.
#[derive(Fields)]
pub(crate) struct Store {
    bytes: Bytes,
    limit: usize,
    writes: u32,
}

impl Store {
    /// An empty one.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: Bytes::new(),
            limit,
            writes: 0,
        }
    }

    /// Keeps as many bytes as there is room for, and says how many.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let room = self.limit.saturating_sub(self.bytes.len());
        let taken = &bytes[..bytes.len().min(room)];
        #[cfg(has_kvec)]
        self.bytes.extend_from_slice(taken, GFP_KERNEL)?;
        #[cfg(not(has_kvec))]
        self.bytes.try_extend_from_slice(taken)?;
        self.writes += 1;
        Ok(taken.len())
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

    /// How often something was written.
    pub(crate) fn writes(&self) -> u32 {
        self.writes
    }
}
