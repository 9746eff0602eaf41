// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a kernel refuses modules without a signature it trusts, and where it may be called.
//!
//! For the running kernel the kernel itself says so: `/sys/module/module/parameters/sig_enforce`
//! and `/sys/kernel/security/lockdown` (`Documentation/admin-guide/module-signing.rst`,
//! `kernel_lockdown(7)`), and `/proc/cpuinfo`. For another one only its configuration is known.

use kernel_files::config::Config;
use kernel_files::file;

use crate::system::System;

/// What a kernel does with an unsigned module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Enforcement {
    /// It refuses it, for this reason.
    Refuses(String),
    /// It refuses it under a condition that is not known from here.
    Depends(String),
    /// It loads it, and is tainted (`E`).
    Taints,
    /// It does not look for signatures.
    #[default]
    Ignores,
}

/// Where calls by pointer have to meet `endbr64`: indirect branch tracking,
/// `CONFIG_X86_KERNEL_IBT`. The kernel stops where they do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ibt {
    /// Nowhere.
    #[default]
    Off,
    /// On processors that can track.
    WhereItIs,
    /// Here and now.
    Here,
}

/// The running kernel shows `ibt` among its processor's flags, unless it was booted with `ibt=off`.
pub fn ibt(system: &System, config: &Config, is_running: bool) -> Ibt {
    if !config.is_y("X86_KERNEL_IBT") {
        return Ibt::Off;
    }
    let tracks = || {
        let text = file::read_text(&system.at("/proc/cpuinfo"), 16 << 20).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.strip_prefix("flags"))
            .any(|flags| flags.split_whitespace().any(|flag| flag == "ibt"))
    };
    if is_running && tracks() {
        Ibt::Here
    } else {
        Ibt::WhereItIs
    }
}

/// Reads what the running kernel enforces.
pub fn of_running(system: &System, config: &Config) -> Enforcement {
    let lockdown = file::read_text(&system.at("/sys/kernel/security/lockdown"), 4096);
    let mode = lockdown.as_deref().ok().and_then(lockdown_mode);
    if let Some(mode) = mode.filter(|mode| *mode != "none") {
        return Enforcement::Refuses(format!(
            "lockdown is in mode '{mode}' (/sys/kernel/security/lockdown)"
        ));
    }
    let parameter = system.at("/sys/module/module/parameters/sig_enforce");
    match file::read_text(&parameter, 64).as_deref().map(str::trim) {
        Ok("Y" | "1") => Enforcement::Refuses(
            "signatures are enforced (/sys/module/module/parameters/sig_enforce is Y)".into(),
        ),
        Ok(_) => Enforcement::Taints,
        // The parameter is there whenever the kernel was built with CONFIG_MODULE_SIG.
        Err(_) if config.is_y("MODULE_SIG") => of_config(config),
        Err(_) => Enforcement::Ignores,
    }
}

/// Reads what a kernel will enforce out of its configuration.
pub fn of_config(config: &Config) -> Enforcement {
    for option in [
        "MODULE_SIG_FORCE",
        "LOCK_DOWN_KERNEL_FORCE_INTEGRITY",
        "LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
    ] {
        if config.is_y(option) {
            return Enforcement::Refuses(format!("it was built with CONFIG_{option}=y"));
        }
    }
    if config.is_y("LOCK_DOWN_IN_EFI_SECURE_BOOT") {
        return Enforcement::Depends(
            "it refuses them when the machine boots with Secure Boot \
             (CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y)"
                .into(),
        );
    }
    if config.is_y("MODULE_SIG") {
        Enforcement::Taints
    } else {
        Enforcement::Ignores
    }
}

/// The mode in brackets, of `none [integrity] confidentiality`.
fn lockdown_mode(text: &str) -> Option<&str> {
    text.split_once('[')?
        .1
        .split_once(']')
        .map(|(mode, _)| mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    fn machine(files: &[(&str, &str)]) -> Enforcement {
        of_running(&System::bare(root(files).path()), &Config::default())
    }

    #[test]
    fn branches_are_tracked_where_kernel_and_processor_do() {
        let on = Config::parse("CONFIG_X86_KERNEL_IBT=y\n");
        let with = |flags: &str, config, is_running| {
            let text = format!("processor\t: 0\nflags\t\t: fpu {flags} sse\nbugs\t\t: ibt\n");
            let root = root(&[("proc/cpuinfo", &text)]);
            ibt(&System::bare(root.path()), config, is_running)
        };
        assert_eq!(with("ibt", &on, true), Ibt::Here);
        assert_eq!(with("ibt", &on, false), Ibt::WhereItIs);
        assert_eq!(with("ibtx", &on, true), Ibt::WhereItIs);
        assert_eq!(with("ibt", &Config::default(), true), Ibt::Off);
    }

    #[test]
    fn the_running_kernel_says_what_it_enforces() {
        let lockdown = "sys/kernel/security/lockdown";
        let parameter = "sys/module/module/parameters/sig_enforce";
        assert!(matches!(
            machine(&[(lockdown, "none [integrity] confidentiality\n"), (parameter, "N\n")]),
            Enforcement::Refuses(reason) if reason.contains("integrity")
        ));
        assert!(matches!(
            machine(&[(parameter, "Y\n")]),
            Enforcement::Refuses(_)
        ));
        assert_eq!(
            machine(&[(lockdown, "[none] integrity\n"), (parameter, "N\n")]),
            Enforcement::Taints
        );
        assert_eq!(machine(&[]), Enforcement::Ignores);
    }

    #[test]
    fn another_kernel_is_judged_by_its_configuration() {
        let of = |text| of_config(&Config::parse(text));
        assert!(matches!(
            of("CONFIG_MODULE_SIG_FORCE=y\n"),
            Enforcement::Refuses(_)
        ));
        assert!(matches!(
            of("CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y\n"),
            Enforcement::Depends(_)
        ));
        assert_eq!(of("CONFIG_MODULE_SIG=y\n"), Enforcement::Taints);
        assert_eq!(of(""), Enforcement::Ignores);
    }
}
