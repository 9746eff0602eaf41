// SPDX-License-Identifier: GPL-2.0

//! A module that calls a Rust function of another: the codec of mixed.ko.

use kernel::prelude::*;

#[cfg(not(has_str))]
module! {
    type: Peer,
    name: b"mixed_peer",
    author: b"The linux-rust maintainers",
    description: b"Calls Rust code of mixed.ko",
    license: b"GPL",
}

#[cfg(all(has_str, not(has_params)))]
module! {
    type: Peer,
    name: "mixed_peer",
    author: "The linux-rust maintainers",
    description: "Calls Rust code of mixed.ko",
    license: "GPL",
}

#[cfg(has_params)]
module! {
    type: Peer,
    name: "mixed_peer",
    authors: ["The linux-rust maintainers"],
    description: "Calls Rust code of mixed.ko",
    license: "GPL",
}

struct Peer;

impl kernel::Module for Peer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pr_info!(
            "the CRC of 123456789 is {:08x}\n",
            mixed_codec::crc32(b"123456789")
        );
        Ok(Self)
    }
}
