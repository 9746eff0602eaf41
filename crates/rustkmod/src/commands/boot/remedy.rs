// SPDX-License-Identifier: MIT OR Apache-2.0

//! What mends a failure, for the kernel that was booted. `explain` names commands for the kernel
//! that runs and the folder one is in, which are not meant here.

use std::path::{Path, PathBuf};

use crate::command::quoted;
use crate::report::Help;
use kernel_boot::Kernel;

/// How `explain` calls the headers, the module's folder and its file.
const HEADERS: &str = "/lib/modules/$(uname -r)/build";
const FOLDER: &str = "\"$PWD\"";
const FILE: &str = "FILE.ko";

/// What commands are to name.
#[derive(Debug, Default)]
pub struct Remedies {
    /// The headers, if they are there afterwards, too.
    kdir: Option<String>,
    /// The kernel for `rustkmod check`.
    kernel: Option<String>,
    /// The kernel as the caller named it.
    named: Option<String>,
    /// The folder the module is built in.
    folder: Option<String>,
    /// The module's file.
    file: Option<String>,
}

impl Remedies {
    /// For a module's folder, or the file of one.
    pub fn new(kernel: &Kernel, named: Option<&str>, module: Option<&Path>) -> Self {
        let is_folder = |path: &&Path| {
            ["Kbuild", "Makefile"]
                .iter()
                .any(|name| path.join(name).exists())
        };
        let module: Option<PathBuf> = module.and_then(|path| std::path::absolute(path).ok());
        let module = module.as_deref();
        let file = module.filter(|path| !path.is_dir());
        let folder = match file {
            Some(file) => file.parent(),
            None => module,
        };
        let kdir = kernel.kept_headers();
        Self {
            kdir: kdir.map(quoted),
            kernel: kdir.or(kernel.kept_modules()).map(quoted),
            named: named.map(quoted),
            folder: folder.filter(is_folder).map(quoted),
            file: file.map(quoted),
        }
    }

    /// These, without those that are for this machine's kernel alone.
    pub fn of(&self, help: Vec<Help>) -> Vec<Help> {
        help.into_iter()
            .filter_map(|help| match help.command {
                None => Some(help),
                Some(command) => Some(Help {
                    text: help.text,
                    command: Some(self.command(&command.to_string())?.into()),
                }),
            })
            .collect()
    }

    /// How the module is built for this kernel.
    pub fn build(&self) -> Option<String> {
        self.command(&format!("make -C {HEADERS} M={FOLDER} clean modules"))
    }

    fn command(&self, command: &str) -> Option<String> {
        // It asks the kernel that runs.
        if command.starts_with("sudo ") || command.contains("/sys/") {
            return None;
        }
        // Headers that were unpacked for a build are gone after it.
        if command.starts_with("make -C ") && self.kdir.is_none() {
            let (folder, named) = (self.folder.as_ref()?, self.named.as_ref()?);
            return Some(format!("rustkmod boot {folder} --kernel {named}"));
        }
        let mut command = command.to_owned();
        for (text, value) in [(HEADERS, &self.kdir), (FILE, &self.file)] {
            if command.contains(text) {
                command = command.replace(text, value.as_ref()?);
            }
        }
        if let Some(folder) = &self.folder {
            command = command.replace(FOLDER, folder);
        }
        for program in ["rustkmod doctor", "rustkmod toolchain"] {
            let names_none =
                command.ends_with(program) || command.contains(&format!("{program} -"));
            if names_none {
                let kdir = self.kdir.as_ref()?;
                command = command.replace(program, &format!("{program} --kdir {kdir}"));
            }
        }
        if command.starts_with("rustkmod check ") {
            command += &format!(" --kernel {}", self.kernel.as_ref()?);
        }
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REBUILD: &str = "make -C /lib/modules/$(uname -r)/build M=\"$PWD\" clean modules";

    #[test]
    fn commands_name_the_kernel_and_the_module() {
        let all = Remedies {
            kdir: Some("'/k 6'".into()),
            kernel: Some("'/k 6'".into()),
            named: Some("6".into()),
            folder: Some("/m".into()),
            file: Some("/m/m.ko".into()),
        };
        for (command, wanted) in [
            (REBUILD, Some("make -C '/k 6' M=/m clean modules")),
            (
                "rustkmod check FILE.ko",
                Some("rustkmod check /m/m.ko --kernel '/k 6'"),
            ),
            ("rustkmod doctor", Some("rustkmod doctor --kdir '/k 6'")),
            (
                "make RUSTC=\"$(rustkmod toolchain --path)\"",
                Some("make RUSTC=\"$(rustkmod toolchain --kdir '/k 6' --path)\""),
            ),
            ("rustkmod doctor 6.1.0", Some("rustkmod doctor 6.1.0")),
            ("make LLVM=1", Some("make LLVM=1")),
            ("sudo depmod -a && sudo modprobe m", None),
            ("cat /sys/kernel/security/lockdown", None),
        ] {
            assert_eq!(all.command(command).as_deref(), wanted);
        }
    }

    #[test]
    fn what_is_gone_or_not_known_is_not_named() {
        let package = Remedies {
            named: Some("k.pkg.tar.zst".into()),
            folder: Some("/m".into()),
            ..Remedies::default()
        };
        let wanted = "rustkmod boot /m --kernel k.pkg.tar.zst";
        assert_eq!(package.build().as_deref(), Some(wanted));
        assert_eq!(package.command("rustkmod check FILE.ko"), None);
        assert_eq!(package.command("rustkmod doctor"), None);
        assert_eq!(Remedies::default().build(), None);
    }

    /// Whatever is added to the table: no command may be for the kernel that runs.
    #[test]
    fn no_remedy_that_is_known_is_for_the_running_kernel() {
        use crate::commands::explain::table::FAILURES;
        let all = Remedies {
            kdir: Some("/k".into()),
            kernel: Some("/k".into()),
            named: Some("6".into()),
            folder: Some("/m".into()),
            file: Some("/m/m.ko".into()),
        };
        for (_, command) in FAILURES.iter().flat_map(|failure| failure.help) {
            if let Some(command) = all.command(&command.replace("$$", "$")) {
                for text in ["uname", "sudo modprobe", "dmesg", "FILE.ko", "$PWD"] {
                    assert!(!command.contains(text), "{command}");
                }
            }
        }
    }
}
