// SPDX-License-Identifier: MIT OR Apache-2.0

//! A machine with the headers of one kernel, in a directory.

use std::path::{Path, PathBuf};

use super::{command, printed, write};

/// A machine in a directory: `--root` looks at it.
pub struct Machine {
    pub directory: tempfile::TempDir,
}

/// The kernel that is installed there.
pub const RELEASE: &str = "6.1.0-test";

impl Machine {
    /// A machine that has what most tests need: headers with Rust, crates, and nothing wrong.
    pub fn new(distribution: &str) -> Self {
        let machine = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        machine.write("etc/os-release", format!("ID={distribution}\n"));
        machine.write("proc/sys/kernel/osrelease", format!("{RELEASE}\n"));
        machine.headers("Makefile", "VERSION = 6\nPATCHLEVEL = 1\nRUSTC = rustc\nF := --target=target\nexport RUST_TARGET_PATH := $(objtree)/rust\n");
        machine.headers(
            "scripts/Makefile.build",
            "cmd = $(RUSTC) --extern alloc --extern kernel -L $(objtree)/rust/\n",
        );
        let config = "CONFIG_RUST=y\nCONFIG_X86=y\nCONFIG_X86_64=y\nCONFIG_CC_IS_CLANG=y\nCONFIG_CC_VERSION_TEXT=\"clang version 14.0.6\"\n";
        machine.headers(".config", config);
        machine.headers("include/config/auto.conf", config);
        machine.headers("include/generated/autoconf.h", "");
        machine.headers(
            "include/generated/utsrelease.h",
            &format!("#define UTS_RELEASE \"{RELEASE}\"\n"),
        );
        machine.headers("Module.symvers", "0x00000000\t_RNvNtCs5bOjHdn9oRG_4core9panicking5panic\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
        for tool in ["scripts/basic/fixdep", "scripts/mod/modpost"] {
            machine.headers(tool, "#!/bin/sh\n");
            runs(&machine.build().join(tool));
        }
        machine.headers("rust/target.json", "{\"arch\": \"x86_64\"}");
        for name in ["core", "alloc", "kernel"] {
            machine.crate_by(name, "rustc 1.62.0 (a8314ef7d 2022-06-27)");
        }
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        write(self.path(name), text);
    }

    pub fn build(&self) -> PathBuf {
        self.path("lib/modules").join(RELEASE).join("build")
    }

    pub fn headers(&self, name: &str, text: &str) {
        write(self.build().join(name), text);
    }

    /// A crate of format 6, as rustc 1.62 lays it out.
    pub fn crate_by(&self, name: &str, rustc: &str) {
        let string = |text: &str| {
            let mut bytes = vec![u8::try_from(text.len()).unwrap()];
            bytes.extend(text.bytes());
            bytes.push(0xC1);
            bytes
        };
        let version = string(rustc);
        let mut bytes = b"rust\0\0\0\x06".to_vec();
        bytes.extend(u32::try_from(12 + version.len()).unwrap().to_be_bytes());
        bytes.extend(version);
        bytes.extend(string(name));
        bytes.extend(b"\x00\x06target\xC1\x00\xC1\x07");
        write(self.build().join(format!("rust/lib{name}.rmeta")), bytes);
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.build().join(name)).unwrap();
    }

    /// What a command prints on this machine, with its exit status.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = command()
            .arg("--root")
            .arg(self.directory.path())
            .args(arguments)
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/home/user")
            .env_remove("RUSTUP_HOME")
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        self.shown(output)
    }

    /// What a command printed, and its exit status.
    pub fn shown(&self, output: std::process::Output) -> String {
        let mut text = printed(&output);
        text.push_str(&String::from_utf8(output.stderr).unwrap());
        text.push_str(&format!("[exit {}]\n", output.status.code().unwrap()));
        text.replace(self.directory.path().to_str().unwrap(), "ROOT")
    }
}

/// Makes a file a program.
pub fn runs(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
