// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mounts, as `mount` names them.

use std::{io, path::Path};

use nix::mount::{MntFlags, MsFlags, umount2};

use crate::error::{Context, Result};

/// `mount -t KIND -o OPTIONS`, of what has no device.
pub fn mount(kind: &str, place: &Path, options: &str) -> io::Result<()> {
    let flags = MsFlags::empty();
    Ok(nix::mount::mount(
        Some(kind),
        place,
        Some(kind),
        flags,
        Some(options),
    )?)
}

/// `mount --bind`
pub fn bind(source: &Path, place: &Path) -> Result<()> {
    with(Some(source), place, MsFlags::MS_BIND)
}

/// `mount --rbind`
pub fn rbind(source: &Path, place: &Path) -> Result<()> {
    with(Some(source), place, MsFlags::MS_BIND | MsFlags::MS_REC)
}

/// `mount -o remount,bind,ro`
pub fn read_only(place: &Path) -> Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    with(None, place, flags)
}

fn with(source: Option<&Path>, place: &Path, flags: MsFlags) -> Result<()> {
    let none = None::<&str>;
    nix::mount::mount(source, place, none, flags, none).context("mount", place)
}

/// `umount --lazy`, when it is dropped.
#[derive(Debug)]
pub struct Unmount<P: AsRef<Path>>(pub P);

impl<P: AsRef<Path>> Drop for Unmount<P> {
    fn drop(&mut self) {
        let _ = umount2(self.0.as_ref(), MntFlags::MNT_DETACH);
    }
}
