// SPDX-License-Identifier: MIT OR Apache-2.0

//! The commands that install packages, on the distributions whose package managers are known here.

use std::path::Path;

use kernel_tree::kdir;
use kernel_tree::system::Distribution;

use crate::command::Command;

/// The command that installs a package, by the name each distribution has for it.
pub fn packages(
    distribution: Distribution,
    arch: &'static str,
    debian: &'static str,
    fedora: &'static str,
) -> Option<Command> {
    let (command, packages) = match distribution {
        Distribution::Arch => ("sudo pacman -S", arch),
        Distribution::Debian => ("sudo apt install", debian),
        Distribution::Fedora => ("sudo dnf install", fedora),
        Distribution::Other => return None,
    };
    Some(Command::new(command).shell(packages))
}

/// The command that installs a kernel's headers. `modules` is the directory of its modules, which
/// says on Arch which package the kernel is of.
pub fn headers(distribution: Distribution, modules: &Path, release: &str) -> Option<Command> {
    match distribution {
        Distribution::Arch => {
            let pkgbase = kdir::pkgbase(modules);
            Some(arch_headers(pkgbase.as_deref().unwrap_or("linux"), release))
        }
        Distribution::Debian => {
            Some(Command::new("sudo apt install").arg(format!("linux-headers-{release}")))
        }
        Distribution::Fedora => {
            Some(Command::new("sudo dnf install").arg(format!("kernel-devel-{release}")))
        }
        Distribution::Other => None,
    }
}

/// The same for headers that are installed, and damaged.
pub fn headers_again(distribution: Distribution, modules: &Path, release: &str) -> Option<Command> {
    match distribution {
        Distribution::Debian => Some(
            Command::new("sudo apt install --reinstall").arg(format!("linux-headers-{release}")),
        ),
        Distribution::Fedora => {
            Some(Command::new("sudo dnf reinstall").arg(format!("kernel-devel-{release}")))
        }
        other => headers(other, modules, release),
    }
}

/// The same on Arch. The headers of this project's kernels are in no repository: the command is to
/// be run in the directory where makepkg left them, perhaps of many releases. A release is the
/// package's version and the end of its name, such as `6.1.172-1-rust`.
fn arch_headers(pkgbase: &str, release: &str) -> Command {
    let package = format!("{pkgbase}-headers");
    if !pkgbase.starts_with("linux-rust") {
        return Command::new("sudo pacman -S").arg(package);
    }
    let version = release.split(&pkgbase["linux".len()..]).next();
    let version = version.unwrap_or(release);
    Command::new("sudo pacman -U").arg_and_pattern(format!("{package}-{version}"), "-*.pkg.tar.zst")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_of_the_kernels_package() {
        for (pkgbase, release, wanted) in [
            ("linux-lts", "6.12.1-1-lts", "-S linux-lts-headers"),
            (
                "linux-rust-lts612",
                "6.12.87-2-rust-lts612",
                "-U linux-rust-lts612-headers-6.12.87-2-*.pkg.tar.zst",
            ),
        ] {
            let modules = tempfile::tempdir().unwrap();
            std::fs::write(modules.path().join("pkgbase"), pkgbase).unwrap();
            let command = headers(Distribution::Arch, modules.path(), release).unwrap();
            assert_eq!(command.to_string(), format!("sudo pacman {wanted}"));
        }
    }
}
