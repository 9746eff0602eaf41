// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reads the files of a kernel: bytes in, facts out.
//!
//! Every parser takes any bytes: it ends, does not panic, and its memory is bounded. [`hostile`]
//! lists them for the fuzz targets.

pub mod config;
pub mod decompress;
pub mod depmod;
pub mod file;
pub mod hostile;
pub mod image;
pub mod kofile;
pub mod pkcs7;
pub mod rmeta;
pub mod rustsym;
pub mod sanity;
pub mod symvers;
pub mod vermagic;
