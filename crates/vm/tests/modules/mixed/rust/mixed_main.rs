// SPDX-License-Identifier: GPL-2.0

//! The Rust half of mixed.ko: it keeps what the C half's device is given.
//!
//! One source for every series since 6.1. Kbuild says by `cfg` what the kernel crate has: `has_str`,
//! since 6.2 `module!` takes strings; `has_kvec`, since 6.12 memory is asked for with flags;
//! `has_params`, since 6.19 `module!` takes parameters, and a list of authors.

use core::{ffi::c_void, slice};

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
    let reserve = *module_parameters::reserve.value();
    #[cfg(not(has_params))]
    let reserve = 0;
    reserve
}

#[cfg(has_kvec)]
type Owned<T> = KBox<T>;
#[cfg(not(has_kvec))]
type Owned<T> = Box<T>;

/// The device, which is there until this is dropped.
struct Mixed {
    store: *mut Store,
}

// SAFETY: Only the device's functions use the store while it is registered, one at a time; `drop`
// comes after them.
unsafe impl Send for Mixed {}
// SAFETY: As above: a shared reference to this gives no access to the store.
unsafe impl Sync for Mixed {}

static OPS: bindings::mixed_ops = bindings::mixed_ops {
    write: Some(write),
    read: Some(read),
};

/// # Safety
///
/// `data` is a [`Store`] that nobody else uses now; `bytes` are `count` bytes to read.
unsafe extern "C" fn write(data: *mut c_void, bytes: *const u8, count: u32) -> i32 {
    // SAFETY: The caller's promise.
    let (store, bytes) = unsafe {
        (
            &mut *data.cast::<Store>(),
            slice::from_raw_parts(bytes, count as usize),
        )
    };
    match store.write(bytes) {
        Ok(taken) => taken as i32,
        // Nothing else fails there.
        Err(_) => -(kernel::bindings::ENOMEM as i32),
    }
}

/// # Safety
///
/// `data` is a [`Store`] that nobody else uses now; `bytes` are `count` bytes to write to.
unsafe extern "C" fn read(data: *mut c_void, bytes: *mut u8, count: u32, offset: u64) -> i32 {
    // SAFETY: The caller's promise.
    let (store, bytes) = unsafe {
        (
            &*data.cast::<Store>(),
            slice::from_raw_parts_mut(bytes, count as usize),
        )
    };
    store.read(offset as usize, bytes) as i32
}

impl kernel::Module for Mixed {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: It was set before this runs, and nothing writes it again.
        let limit = unsafe { bindings::mixed_limit }.saturating_sub(reserve());
        let store = Store::new(limit as usize);
        #[cfg(has_kvec)]
        let store = Owned::new(store, GFP_KERNEL)?;
        #[cfg(not(has_kvec))]
        let store = Owned::try_new(store)?;
        let mixed = Self {
            store: Owned::into_raw(store),
        };
        // SAFETY: The operations are static, and the store lives until `drop` has unregistered them.
        let registered = unsafe { bindings::mixed_device_register(&OPS, mixed.store.cast()) };
        if registered != 0 {
            pr_info!("/dev/mixed cannot be made: {}\n", registered);
            // There is nothing to unregister.
            let mixed = core::mem::ManuallyDrop::new(mixed);
            // SAFETY: It came from `into_raw`, and nobody else has it.
            drop(unsafe { Owned::from_raw(mixed.store) });
            return Err(failure());
        }
        pr_info!("/dev/mixed keeps {} bytes in {:?}\n", limit, Store::FIELDS);
        Ok(mixed)
    }
}

/// 6.1 has no public way from a number to an error, and this one for all.
fn failure() -> Error {
    #[cfg(has_str)]
    return ENODEV;
    #[cfg(not(has_str))]
    return kernel::error::code::ENOMEM;
}

impl Drop for Mixed {
    fn drop(&mut self) {
        // SAFETY: `init` has registered it. Afterwards none of the operations runs.
        unsafe { bindings::mixed_device_unregister() };
        // SAFETY: It came from `into_raw`, and nobody else has it any more.
        let store = unsafe { Owned::from_raw(self.store) };
        pr_info!(
            "{} writes left bytes with the CRC {:08x}\n",
            store.writes(),
            store.crc32()
        );
    }
}
