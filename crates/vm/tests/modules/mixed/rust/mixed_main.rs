// SPDX-License-Identifier: GPL-2.0

//! The Rust half of mixed.ko: it keeps what the C half's device is given.
//!
//! One source for every series since 6.1. Kbuild says by `cfg` what the kernel crate has: `has_str`,
//! since 6.2 `module!` takes strings; `has_kvec`, since 6.12 memory is asked for with flags;
//! `has_params`, since 6.19 `module!` takes parameters, and a list of authors.

use core::{cell::UnsafeCell, ffi::c_void, slice};

use kernel::prelude::*;

mod store;

use store::Store;

/// The C half, as bindgen read it.
#[allow(
    clippy::all,
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_imports
)]
mod bindings {
    include!(concat!(env!("GENERATED"), "/bindings.rs"));
}

#[cfg(not(has_str))]
module! {
    type: Mixed,
    name: b"mixed",
    author: b"The linux-rust maintainers",
    description: b"A device in C that keeps its bytes in Rust",
    license: b"GPL",
}

#[cfg(all(has_str, not(has_params)))]
module! {
    type: Mixed,
    name: "mixed",
    author: "The linux-rust maintainers",
    description: "A device in C that keeps its bytes in Rust",
    license: "GPL",
}

#[cfg(has_params)]
module! {
    type: Mixed,
    name: "mixed",
    authors: ["The linux-rust maintainers"],
    description: "A device in C that keeps its bytes in Rust",
    license: "GPL",
    params: {
        reserve: u32 {
            default: 0,
            description: "How many bytes below the limit stay free",
        },
    },
}

/// How many bytes below the limit stay free.
fn reserve() -> u32 {
    #[cfg(has_params)]
    let reserve = module_parameters::reserve.value();
    #[cfg(not(has_params))]
    let reserve = 0;
    reserve
}

/// How many bytes may be kept.
fn limit() -> u32 {
    // SAFETY: It was set before any code of this module ran, and nothing writes it again.
    let limit = unsafe { bindings::mixed_limit };
    limit.saturating_sub(reserve())
}

/// The store, for whoever the device's lock lets in.
struct Shared(UnsafeCell<Store>);

// SAFETY: The device's functions alone use it while the device is there, and one at a time.
unsafe impl Sync for Shared {}

static STORE: Shared = Shared(UnsafeCell::new(Store::new()));

static OPS: bindings::mixed_callbacks = bindings::mixed_callbacks {
    write: Some(write),
    read: Some(read),
};

/// # Safety
///
/// `data` is a [`Store`] that nobody else uses now; `bytes` are `count` bytes to read.
unsafe extern "C" fn write(data: *mut c_void, bytes: *const u8, count: u32) -> i32 {
    // SAFETY: The caller promises it.
    let store = unsafe { &mut *data.cast::<Store>() };
    // SAFETY: The caller promises it.
    let bytes = unsafe { slice::from_raw_parts(bytes, count as usize) };
    match store.write(bytes, limit() as usize) {
        Ok(taken) => taken as i32,
        // Nothing else fails there.
        Err(_) => -(kernel::bindings::ENOMEM as i32),
    }
}

/// # Safety
///
/// `data` is a [`Store`] that nobody else uses now; `bytes` are `count` bytes to write to.
unsafe extern "C" fn read(data: *mut c_void, bytes: *mut u8, count: u32, offset: u64) -> i32 {
    // SAFETY: The caller promises it.
    let store = unsafe { &*data.cast::<Store>() };
    // SAFETY: The caller promises it, and the C half has set them to zero.
    let bytes = unsafe { slice::from_raw_parts_mut(bytes, count as usize) };
    store.read(offset as usize, bytes) as i32
}

/// The device, which is there until this is dropped.
struct Mixed;

impl kernel::Module for Mixed {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: Operations and store are static, and they go together.
        if unsafe { bindings::mixed_device_start(&OPS, STORE.0.get().cast()) } != 0 {
            // The only error that the kernel crate of 6.1 has.
            return Err(kernel::error::code::ENOMEM);
        }
        pr_info!(
            "/dev/mixed keeps {} bytes in {:?}\n",
            limit(),
            Store::FIELDS
        );
        Ok(Self)
    }
}

impl Drop for Mixed {
    fn drop(&mut self) {
        // SAFETY: `init` has registered it.
        unsafe { bindings::mixed_device_stop() };
        // SAFETY: The device is gone, and nobody else has the store. It is emptied: what is static
        // is not dropped.
        let store = unsafe { STORE.0.get().replace(Store::new()) };
        pr_info!(
            "{} writes left bytes with the CRC {:08x}\n",
            store.writes(),
            store.crc32()
        );
    }
}
