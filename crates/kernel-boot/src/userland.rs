// SPDX-License-Identifier: MIT OR Apache-2.0

//! A userland for the guest: a directory with an installed system, this machine's own or another. It
//! comes over 9p and is only read; what the guest writes is kept in its memory.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use kernel_tree::system::System;

use crate::error::{Context, Error, Result};
use crate::kernel::Kernel;
use crate::plan::{Module, Plan};

/// What a kernel mounts a userland with: modules, where they are not built in, and their options.
const NEEDED: [(&str, &str); 4] = [
    ("virtio_pci", "CONFIG_VIRTIO_PCI"),
    ("9pnet_virtio", "CONFIG_NET_9P_VIRTIO"),
    ("9p", "CONFIG_9P_FS"),
    ("overlay", "CONFIG_OVERLAY_FS"),
];

/// What is mounted, and with what.
#[derive(Debug)]
pub struct Userland {
    directory: PathBuf,
    /// The kernel's modules, where the directory does not have them.
    own_modules: Option<PathBuf>,
    /// What is loaded first.
    pub(crate) mount_with: Vec<Module>,
}

impl Userland {
    /// The directory, for a kernel.
    pub fn new(kernel: &Kernel, directory: &Path) -> Result<Self> {
        let directory = directory.canonicalize().context("find", directory)?;
        let inside = System::bare(&directory);
        if !inside.at("/bin/sh").is_file() {
            return Err(Error::NotAUserland(directory));
        }
        let has_modules = |release: &String| {
            let place = format!("/lib/modules/{release}/kernel");
            inside.at(place).is_dir()
        };
        let has_modules = kernel.release.as_ref().is_some_and(has_modules);
        Ok(Self {
            mount_with: mount_with(kernel)?,
            own_modules: kernel.modules.clone().filter(|_| !has_modules),
            directory,
        })
    }

    #[cfg(test)]
    pub(crate) fn of_parts(
        directory: &str,
        own_modules: Option<&str>,
        mount_with: Vec<Module>,
    ) -> Self {
        Self {
            directory: directory.into(),
            own_modules: own_modules.map(PathBuf::from),
            mount_with,
        }
    }

    /// The options of a kernel that can mount one.
    pub fn needed_options() -> [&'static str; NEEDED.len()] {
        NEEDED.map(|(_, option)| option)
    }

    /// Whether the kernel's modules come beside it.
    pub(crate) fn has_own_modules(&self) -> bool {
        self.own_modules.is_some()
    }

    /// QEMU's options that give the directories to the guest.
    pub(crate) fn options(&self) -> Vec<OsString> {
        let shares = [
            ("userland", Some(&self.directory)),
            ("modules", self.own_modules.as_ref()),
        ];
        let mut options = Vec::new();
        for (tag, directory) in shares {
            let Some(directory) = directory else { continue };
            // Two commas are one that does not end the value.
            let mut share = format!("local,id={tag},path=").into_bytes();
            for &byte in directory.as_os_str().as_bytes() {
                share.push(byte);
                share.extend((byte == b',').then_some(b','));
            }
            // Other file systems below it have inodes of the same numbers.
            share.extend(b",security_model=none,readonly=on,multidevs=remap");
            let device = format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}");
            options.push("-fsdev".into());
            options.push(OsString::from_vec(share));
            options.push("-device".into());
            options.push(device.into());
        }
        options
    }
}

/// The modules that a kernel has to load before it can mount a userland. Of a kernel that does not
/// say what is built in, it has to be tried.
fn mount_with(kernel: &Kernel) -> Result<Vec<Module>> {
    let is_module = |name: &str| kernel.module_file(name).is_some();
    let lacks = |name: &str| !is_module(name) && !kernel.has_builtin(name);
    if kernel.knows_builtins() {
        let needed = NEEDED.iter().filter(|(name, _)| lacks(name));
        let options: Vec<_> = needed.map(|(_, option)| *option).collect();
        if !options.is_empty() {
            let kernel = kernel.name();
            return Err(Error::NoMount { kernel, options });
        }
    }
    let names = NEEDED.iter().map(|(name, _)| *name);
    let modules: Vec<_> = names.filter(|name| is_module(name)).collect();
    Ok(Plan::of_own(kernel, &modules)?.modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel of this list of what is built in, and a system beside it.
    fn machine(builtin: Option<&str>) -> (tempfile::TempDir, Kernel) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("kernel/lib/modules/6");
        std::fs::create_dir_all(&directory).unwrap();
        let mut image = vec![0; 0x400];
        image[0x202..0x206].copy_from_slice(b"HdrS");
        std::fs::write(directory.join("vmlinuz"), image).unwrap();
        if let Some(builtin) = builtin {
            std::fs::write(directory.join("modules.builtin"), builtin).unwrap();
        }
        let system = root.path().join("a,b");
        std::fs::create_dir_all(system.join("usr/bin")).unwrap();
        std::fs::write(system.join("usr/bin/sh"), "").unwrap();
        // As merged systems have it; an absolute link is one inside.
        std::os::unix::fs::symlink("/usr/bin", system.join("bin")).unwrap();
        let kernel = Kernel::of_release(&System::bare(root.path().join("kernel")), "6").unwrap();
        (root, kernel)
    }

    const ALL: &str = "kernel/drivers/virtio/virtio_pci.ko\nkernel/net/9p/9pnet_virtio.ko\n\
                       kernel/fs/9p/9p.ko\nkernel/fs/overlayfs/overlay.ko\n";

    fn text(options: &[OsString]) -> Vec<&str> {
        options.iter().map(|word| word.to_str().unwrap()).collect()
    }

    #[test]
    fn directories_are_given_to_be_read_alone() {
        let (root, kernel) = machine(Some(ALL));
        let userland = Userland::new(&kernel, &root.path().join("a,b")).unwrap();
        assert!(userland.mount_with.is_empty());
        let options = userland.options();
        let options = text(&options);
        let above = root.path().canonicalize().unwrap();
        let above = above.display();
        assert_eq!(
            options,
            [
                "-fsdev",
                &format!(
                    "local,id=userland,path={above}/a,,b,security_model=none,readonly=on,multidevs=remap"
                ),
                "-device",
                "virtio-9p-pci,fsdev=userland,mount_tag=userland",
                "-fsdev",
                &format!(
                    "local,id=modules,path={above}/kernel/lib/modules/6,security_model=none,\
                     readonly=on,multidevs=remap"
                ),
                "-device",
                "virtio-9p-pci,fsdev=modules,mount_tag=modules",
            ]
        );
        // Where the kernel is installed in it, its modules are there.
        std::fs::create_dir_all(root.path().join("a,b/lib/modules/6/kernel")).unwrap();
        let userland = Userland::new(&kernel, &root.path().join("a,b")).unwrap();
        assert!(!userland.has_own_modules());
        assert_eq!(userland.options().len(), 4);
    }

    #[test]
    fn a_kernel_that_cannot_mount_it_is_told_which_options_it_lacks() {
        let (root, kernel) = machine(Some("kernel/fs/9p/9p.ko\nkernel/fs/overlayfs/overlay.ko\n"));
        let error = Userland::new(&kernel, &root.path().join("a,b")).unwrap_err();
        let note = error.note().unwrap();
        assert!(
            note.ends_with("lacks CONFIG_VIRTIO_PCI, CONFIG_NET_9P_VIRTIO"),
            "{note}"
        );
        // One that does not say what it has is tried.
        let (root, kernel) = machine(None);
        Userland::new(&kernel, &root.path().join("a,b")).unwrap();
    }

    #[test]
    fn a_directory_without_a_shell_is_not_a_userland() {
        let (root, kernel) = machine(Some(ALL));
        let error = Userland::new(&kernel, root.path()).unwrap_err();
        assert!(matches!(error, Error::NotAUserland(_)), "{error}");
        let error = Userland::new(&kernel, &root.path().join("none")).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}
