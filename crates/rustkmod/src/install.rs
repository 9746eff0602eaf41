// SPDX-License-Identifier: MIT OR Apache-2.0

//! The commands that install packages, on the distributions whose package managers are known here.

use std::path::Path;

use kernel_tree::arch_package::ArchPackage;
use kernel_tree::kdir;
use kernel_tree::system::{Distribution, System};
use kernel_tree::toolchain;

use crate::command::Command;
use crate::kernel_arg;
use crate::report::Help;

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

/// How a distribution's own rustc is come by for a kernel's tree, which rustup does not have.
pub fn rustc(system: &System, kdir: &Path, release: Option<&str>, rustc: &str) -> Help {
    if let Some(package) = ArchPackage::of_rustc(rustc) {
        let call = kernel_arg::of_kernel(system, &["toolchain", "--install"], kdir, release);
        return Help {
            text: format!(
                "fetch Arch's package {} {} from the archive, for this kernel alone",
                package.name(),
                package.version()
            ),
            command: Some(Command::sudo(&call)),
        };
    }
    let text = match toolchain::package_of(rustc) {
        Some((Distribution::Fedora, package, version)) => format!(
            "it is of Fedora's package {package}-{version}: sudo dnf install {}",
            crate::command::quoted(format!("{package}-{version}"))
        ),
        Some((_, package, version)) => format!(
            "it is Debian's or Ubuntu's rustc {version}: install the package {package}, or rustc if \
             that has this version"
        ),
        None => {
            "it is a distribution's own, which rustup does not have: install the rust package it \
                 came from, or the kernel's toolchain package"
                .to_string()
        }
    };
    Help {
        text,
        command: None,
    }
}

const APT_AGAIN: &str = "sudo apt install --reinstall";

/// What to say where [`headers`] knows no package.
pub const NO_PACKAGE: &str =
    "its headers have to come from whoever built this kernel: no package of them is known here";

/// The command that installs a kernel's headers, where a package of them is known. `modules` is the
/// directory of its modules, which says on Arch which package the kernel is of.
pub fn headers(system: &System, modules: &Path, release: &str) -> Option<Command> {
    headers_by(
        system,
        modules,
        release,
        ["sudo apt install", "sudo dnf install"],
    )
}

/// The same for headers that are installed, and damaged.
pub fn headers_again(system: &System, modules: &Path, release: &str) -> Option<Command> {
    let again = [APT_AGAIN, "sudo dnf reinstall"];
    headers_by(system, modules, release, again)
}

fn headers_by(
    system: &System,
    modules: &Path,
    release: &str,
    [apt, dnf]: [&'static str; 2],
) -> Option<Command> {
    match distribution(system, modules) {
        Distribution::Arch => arch_headers(system, &pkgbase(modules, release)?, release),
        Distribution::Debian => {
            let package = format!("linux-headers-{release}");
            // apt takes a package that was deleted by hand for installed.
            let list = system.at(format!("/var/lib/dpkg/info/{package}.list"));
            let command = if list.exists() { APT_AGAIN } else { apt };
            debian_has(system, &package, release).then(|| Command::new(command).arg(package))
        }
        Distribution::Fedora => {
            fedora_has(release).then(|| Command::new(dnf).arg(format!("kernel-devel-{release}")))
        }
        Distribution::Other => None,
    }
}

/// The installed kernel to use in the place of the running one, whose files an upgrade took away.
pub fn upgraded(system: &System, release: &str) -> Option<String> {
    let is_gone = !kdir::modules_directory(system, release).exists();
    if !is_gone || system.running_release().as_deref() != Some(release) {
        return None;
    }
    let installed = kdir::releases(system).into_iter().filter(|release| {
        let modules = kdir::modules_directory(system, release);
        modules.join("kernel").is_dir()
    });
    installed.max_by(|one, other| toolchain::compare(one, other))
}

/// Only Arch's kernels have a pkgbase, on whatever system they are looked at.
fn distribution(system: &System, modules: &Path) -> Distribution {
    match kdir::pkgbase(modules) {
        Some(_) => Distribution::Arch,
        None => system.distribution(),
    }
}

/// A kernel's package on Arch: what its modules say, or else the end of its release.
fn pkgbase(modules: &Path, release: &str) -> Option<String> {
    const ENDINGS: [(&str, &str); 4] = [
        ("-lts", "linux-lts"),
        ("-zen", "linux-zen"),
        ("-hardened", "linux-hardened"),
        ("-arch", "linux"),
    ];
    // This project's kernels end in the whole name, as in 6.1.192-1-rust-lts61.
    let ours = || Some(format!("linux{}", &release[release.find("-rust-")?..]));
    let by_ending = || {
        let other = ENDINGS.iter().find(|(ending, _)| release.contains(ending));
        other.map(|(_, package)| (*package).to_string())
    };
    kdir::pkgbase(modules).or_else(ours).or_else(by_ending)
}

/// Whether Debian or Ubuntu has the headers of a kernel: the image is installed as a package, or
/// apt knows them; of another machine's kernel its name has to do.
fn debian_has(system: &System, package: &str, release: &str) -> bool {
    const FLAVOURS: [&str; 12] = [
        "amd64",
        "arm64",
        "armmp",
        "686",
        "686-pae",
        "riscv64",
        "generic",
        "lowlatency",
        "aws",
        "azure",
        "gcp",
        "oem",
    ];
    let images = ["linux-image-", "linux-image-unsigned-"];
    let is_installed = images.iter().any(|image| {
        let list = format!("/var/lib/dpkg/info/{image}{release}.list");
        system.at(list).exists()
    });
    if is_installed {
        return true;
    }
    match system.is_live() {
        true => knows("apt-cache", &["show", package]),
        false => FLAVOURS
            .iter()
            .any(|flavour| release.ends_with(&format!("-{flavour}"))),
    }
}

/// Fedora's releases name the distribution, as in `6.17.5-300.fc43.x86_64`.
fn fedora_has(release: &str) -> bool {
    release.contains(".fc") || release.contains(".el")
}

/// Whether a package manager answers of a package.
fn knows(program: &str, arguments: &[&str]) -> bool {
    std::process::Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

/// The same on Arch. The headers of this project's kernels are in no repository: the command is to
/// be run in the directory where makepkg left them, perhaps of many releases. A release is the
/// package's version and the end of its name, such as `6.1.192-1-rust-lts61`.
fn arch_headers(system: &System, pkgbase: &str, release: &str) -> Option<Command> {
    let package = format!("{pkgbase}-headers");
    if !pkgbase.starts_with("linux-rust") {
        let is_known = !system.is_live() || knows("pacman", &["-Si", &package]);
        return is_known.then(|| Command::new("sudo pacman -S").arg(package));
    }
    let version = release.split(&pkgbase["linux".len()..]).next();
    let version = version.unwrap_or(release);
    let packages = format!("{package}-{version}");
    Some(Command::new("sudo pacman -U").arg_and_pattern(packages, "-*.pkg.tar.zst"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Root;

    #[test]
    fn pkgbase_is_told_from_the_release() {
        let of = |release| pkgbase(Path::new("/nowhere"), release);
        assert_eq!(
            of("6.1.192-1-rust-lts61").as_deref(),
            Some("linux-rust-lts61")
        );
        assert_eq!(
            of("7.3.4-1-rust-stable").as_deref(),
            Some("linux-rust-stable")
        );
        assert_eq!(of("6.12.60-1-lts").as_deref(), Some("linux-lts"));
        assert_eq!(of("6.12.1-arch1-1").as_deref(), Some("linux"));
        assert_eq!(of("6.12.1"), None);
    }

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
            let system = System::bare(modules.path());
            let command = headers(&system, modules.path(), release).unwrap();
            assert_eq!(command.to_string(), format!("sudo pacman {wanted}"));
        }
    }

    #[test]
    fn headers_of_a_kernel_that_no_package_has_are_not_named() {
        let root = Root::new();
        let system = root.system();
        let of = |release: &str| {
            let modules = kdir::modules_directory(&system, release);
            headers(&system, &modules, release).map(|command| command.to_string())
        };
        for (id, own, package) in [
            (
                "debian",
                "6.1.0-56-amd64",
                "sudo apt install linux-headers-6.1.0-56-amd64",
            ),
            (
                "fedora",
                "7.1.4-300.fc44.x86_64",
                "sudo dnf install kernel-devel-7.1.4-300.fc44.x86_64",
            ),
            ("arch", "7.1.3-arch2-1", "sudo pacman -S linux-headers"),
            ("arch", "6.12.1-1-lts", "sudo pacman -S linux-lts-headers"),
        ] {
            root.write("etc/os-release", format!("ID={id}\n"));
            assert_eq!(of(own).as_deref(), Some(package));
            assert_eq!(of("6.18.44-custom"), None, "{id}");
        }
        // One that was packaged by hand is known to dpkg.
        root.write("etc/os-release", "ID=debian\n");
        root.write("var/lib/dpkg/info/linux-image-6.18.44-custom.list", "");
        assert!(of("6.18.44-custom").is_some());
    }

    #[test]
    fn upgraded_kernel_is_the_installed_one() {
        let root = tempfile::tempdir().unwrap();
        let system = System::bare(root.path());
        let make = |name: &str| std::fs::create_dir_all(root.path().join(name)).unwrap();
        make("proc/sys/kernel");
        std::fs::write(
            root.path().join("proc/sys/kernel/osrelease"),
            "7.1.3-arch2-1\n",
        )
        .unwrap();
        assert_eq!(upgraded(&system, "7.1.3-arch2-1"), None);
        make("lib/modules/7.1.4-arch1-1/kernel");
        make("lib/modules/7.0.9-arch1-1/kernel");
        assert_eq!(
            upgraded(&system, "7.1.3-arch2-1").as_deref(),
            Some("7.1.4-arch1-1")
        );
        assert_eq!(upgraded(&system, "6.1.0"), None);
        make("lib/modules/7.1.3-arch2-1/kernel");
        assert_eq!(upgraded(&system, "7.1.3-arch2-1"), None);
    }
}
