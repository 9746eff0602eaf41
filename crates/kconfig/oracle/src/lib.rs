// SPDX-License-Identifier: MIT OR Apache-2.0

//! Remembers what each shell command of Kconfig printed, so that the kernel's own `conf` can be
//! run hundreds of times: the compiler is asked once, and not each time.
//!
//! Preloaded into `conf`, whose `popen` and `pclose` these are. `ORACLE_CACHE` names the directory of
//! what was printed; without it, both are the C library's.

#![allow(
    unsafe_code,
    reason = "to stand in for functions of the C library is to be called from C, and to call it"
)]

use std::ffi::{CStr, CString, OsString, c_char, c_int, c_void};
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::ptr::null_mut;

use libc::FILE;

type Popen = unsafe extern "C" fn(*const c_char, *const c_char) -> *mut FILE;
type Pclose = unsafe extern "C" fn(*mut FILE) -> c_int;

/// The stream of what the command printed, now or before, for reading.
///
/// # Safety
///
/// That of `popen`: both arguments are C strings. With `ORACLE_CACHE`, the mode must be `r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popen(command: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: the caller's promise is the one that is asked for.
    let stream = unsafe {
        match cache() {
            Some(directory) => remembered(directory.as_ref(), command, mode),
            None => real_popen(command, mode),
        }
    };
    stream.unwrap_or_else(|error| {
        // Not eprintln, which panics where there is no standard error.
        let _ = writeln!(std::io::stderr(), "popen: {error}");
        null_mut()
    })
}

/// Closes what `popen` returned.
///
/// # Safety
///
/// That of `pclose`: the stream is from the `popen` above, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pclose(stream: *mut FILE) -> c_int {
    if cache().is_some() {
        // A plain file, which has no process to wait for.
        // SAFETY: `remembered` got it from `fopen`, and the caller does not use it again.
        return unsafe { libc::fclose(stream) };
    }
    // SAFETY: `real_popen` returned it, and the caller does not use it again.
    unsafe { real_pclose(stream) }.unwrap_or(-1)
}

fn cache() -> Option<OsString> {
    std::env::var_os("ORACLE_CACHE")
}

/// # Safety
///
/// As for `popen`.
unsafe fn remembered(
    directory: &Path,
    command: *const c_char,
    mode: *const c_char,
) -> Result<*mut FILE> {
    // SAFETY: a C string, by the caller's promise, and not changed while this runs.
    let text = unsafe { CStr::from_ptr(command) }.to_bytes();
    // FNV-1a.
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let path = directory.join(format!("{hash:016x}"));
    let c_path = CString::new(path.clone().into_os_string().into_vec())?;
    // SAFETY: two C strings that live until after the call.
    let open = || match unsafe { libc::fopen(c_path.as_ptr(), c"r".as_ptr()) } {
        stream if stream.is_null() => Err(Error::last_os_error()),
        stream => Ok(stream),
    };
    match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        known => return known,
    }
    // Named after the process: others may be asking the same at this moment.
    let new = directory.join(format!("{hash:016x}.{}", std::process::id()));
    // SAFETY: the same two C strings.
    let stream = unsafe { real_popen(command, mode) }?;
    // SAFETY: just opened, and this function's own.
    let saved = unsafe { save(stream, &new) };
    // SAFETY: as above; `save` has returned, and nothing else knows the stream.
    unsafe { real_pclose(stream) }?;
    saved?;
    std::fs::rename(new, path)?;
    open()
}

/// Writes all that can be read from a stream to a file.
///
/// # Safety
///
/// The stream is open, and nothing was read from it yet.
unsafe fn save(stream: *mut FILE, path: &Path) -> Result<()> {
    // SAFETY: an open stream, and one of `popen`, which has a descriptor. It stays open until
    // after the borrow's only use, the copy.
    let descriptor = unsafe { BorrowedFd::borrow_raw(libc::fileno(stream)) };
    let mut printed = File::from(descriptor.try_clone_to_owned()?);
    std::io::copy(&mut printed, &mut File::create(path)?)?;
    Ok(())
}

/// # Safety
///
/// As for `popen` of the C library.
unsafe fn real_popen(command: *const c_char, mode: *const c_char) -> Result<*mut FILE> {
    let symbol = next(c"popen")?;
    // SAFETY: what the C library has under this name is a function of this type.
    let function = unsafe { std::mem::transmute::<*mut c_void, Popen>(symbol) };
    // SAFETY: the caller's promise.
    match unsafe { function(command, mode) } {
        stream if stream.is_null() => Err(Error::last_os_error()),
        stream => Ok(stream),
    }
}

/// # Safety
///
/// As for `pclose` of the C library.
unsafe fn real_pclose(stream: *mut FILE) -> Result<c_int> {
    let symbol = next(c"pclose")?;
    // SAFETY: what the C library has under this name is a function of this type.
    let function = unsafe { std::mem::transmute::<*mut c_void, Pclose>(symbol) };
    // SAFETY: the caller's promise.
    Ok(unsafe { function(stream) })
}

/// What a name would mean if this library were not there; never null.
fn next(name: &CStr) -> Result<*mut c_void> {
    // SAFETY: a C string that lives until after the call.
    let symbol = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    if symbol.is_null() {
        return Err(Error::other("the C library has none"));
    }
    Ok(symbol)
}
