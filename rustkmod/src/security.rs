// SPDX-License-Identifier: MIT OR Apache-2.0

//! Whether a kernel refuses modules without a signature it trusts.
//!
//! For the running kernel the kernel itself says so: `/sys/module/module/parameters/sig_enforce`
//! and `/sys/kernel/security/lockdown` (`Documentation/admin-guide/module-signing.rst`,
//! `kernel_lockdown(7)`). For another one only its configuration is known.

use crate::config::Config;
use crate::system::{self, System};

/// What a kernel does with an unsigned module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enforcement {
    /// It refuses it, for this reason.
    Refuses(String),
    /// It refuses it under a condition that is not known from here.
    Depends(String),
    /// It loads it, and is tainted (`E`).
    Taints,
    /// It does not look for signatures.
    Ignores,
}

/// Reads what the running kernel enforces.
pub fn of_running(system: &System, config: &Config) -> Enforcement {
    let lockdown = system::read_text(&system.at("/sys/kernel/security/lockdown"), 4096);
    let mode = lockdown.as_deref().ok().and_then(lockdown_mode);
    if let Some(mode) = mode.filter(|mode| *mode != "none") {
        return Enforcement::Refuses(format!(
            "lockdown is in mode '{mode}' (/sys/kernel/security/lockdown)"
        ));
    }
    let parameter = system.at("/sys/module/module/parameters/sig_enforce");
    match system::read_text(&parameter, 64).as_deref().map(str::trim) {
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
    for option in ["MODULE_SIG_FORCE", "LOCK_DOWN_KERNEL_FORCE_INTEGRITY"] {
        if config.is_y(option) {
            return Enforcement::Refuses(format!("it was built with CONFIG_{option}=y"));
        }
    }
    if config.is_y("LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY") {
        return Enforcement::Refuses(
            "it was built with CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY=y".into(),
        );
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

    fn machine(files: &[(&str, &str)]) -> Enforcement {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        of_running(&System::bare(root.path()), &Config::default())
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
