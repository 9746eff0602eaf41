// SPDX-License-Identifier: MIT OR Apache-2.0

//! Packages out of an archive of Arch's, taken as pacman takes them: signed by somebody whom its
//! keyring trusts.

use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};

use kernel_tree::arch_package::ArchPackage;
use kernel_tree::system::System;

use super::child;
use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::install;

/// Every package that Arch ever had in its repositories.
pub(super) const ARCHIVE: &str = "https://archive.archlinux.org";

/// Where pacman keeps the keys that it trusts.
const KEYRING: &str = "/etc/pacman.d/gnupg";

/// An archive, and the keys that its packages are signed by.
pub(super) struct Archive<'a> {
    mirror: &'a str,
    keyring: PathBuf,
}

impl<'a> Archive<'a> {
    /// The archive at a URL, for a machine that has pacman's keyring.
    pub(super) fn open(system: &System, mirror: &'a str) -> Result<Self> {
        let mirror = mirror.trim_end_matches('/');
        let is_url = ["https://", "http://", "file://"]
            .iter()
            .any(|scheme| mirror.starts_with(scheme));
        if !is_url || mirror.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(
                Error::new(format!("'{mirror}' is not the URL of an archive"))
                    .note("it begins with https://, http:// or file://, and packages/ is below it")
                    .run(
                        "name one that is",
                        Call::again("toolchain").with("--mirror", ARCHIVE),
                    ),
            );
        }
        let keyring = system.at(KEYRING);
        let has_keys = ["pubring.gpg", "pubring.kbx"]
            .iter()
            .any(|file| keyring.join(file).is_file());
        if !has_keys {
            let shown = system.shown(&keyring);
            return Err(Error::new("this machine has no pacman keyring")
                .note(format!(
                    "{shown} has no pubring.gpg, and a package is only taken with a signature by one \
                     of its keys"
                ))
                .run(
                    "create it; this works on Arch alone",
                    "sudo pacman-key --init && sudo pacman-key --populate",
                ));
        }
        Ok(Self { mirror, keyring })
    }

    pub(super) fn url(&self, package: &ArchPackage) -> String {
        format!("{}/{}", self.mirror, package.path())
    }

    /// Fetches a package into a directory. What is there in the end is signed.
    pub(super) fn fetch(&self, package: &ArchPackage, directory: &Path) -> Result<PathBuf> {
        let url = self.url(package);
        let file = directory.join(package.file_name());
        let signature = directory.join(format!("{}.sig", package.file_name()));
        // The small one first: where there is none, the large one is of no use.
        download(package, &format!("{url}.sig"), &signature)?;
        download(package, &url, &file)?;
        self.verify(&url, &signature, &file)?;
        Ok(file)
    }

    /// The rule of pacman's own (`pacman-key --verify`): one good signature, by a key that the
    /// keyring trusts fully.
    fn verify(&self, url: &str, signature: &Path, file: &Path) -> Result<()> {
        let mut gpg = Program::new("gpg");
        gpg.arg("--homedir")
            .arg(&self.keyring)
            .args("--batch --no-permission-warning --no-auto-key-retrieve".split(' '))
            .args(["--status-fd", "1", "--verify"])
            .args([signature, file])
            .stderr(Stdio::null());
        let ended = child::run(&mut gpg)?
            .map_err(|error| no_program("gpg", &error, ["gnupg", "gnupg", "gnupg2"]))?;
        match fault(&ended.stdout) {
            None if ended.status.success() => Ok(()),
            None => Err(refused(url, "gpg does not accept it", Remedy::Again)),
            Some((reason, remedy)) => Err(refused(url, &reason, remedy)),
        }
    }
}

/// What helps against a signature that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// To fetch the file from elsewhere.
    Again,
    /// The keys of today.
    Keys,
}

/// Why a signature is not taken, by what gpg reports on its status-fd (`doc/DETAILS` of GnuPG).
fn fault(status: &str) -> Option<(String, Remedy)> {
    let reports: Vec<_> = status
        .lines()
        .filter_map(|line| line.strip_prefix("[GNUPG:] "))
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .collect();
    let rest = |word: &str| {
        let found = reports.iter().find(|(first, _)| *first == word);
        found.map(|(_, rest)| *rest)
    };
    let signer = |rest: &str| {
        rest.split_once(' ')
            .map_or(rest, |(_, name)| name)
            .to_string()
    };
    if rest("BADSIG").is_some() {
        return Some(("the signature is of another file".into(), Remedy::Again));
    }
    if let Some(about) = rest("ERRSIG") {
        let key = about.split(' ').next().unwrap_or_default();
        let reason = format!("it is signed by the key {key}, which pacman's keyring does not have");
        return Some((reason, Remedy::Keys));
    }
    for (word, what) in [
        ("EXPSIG", "the signature has expired"),
        ("EXPKEYSIG", "the key that signed it has expired"),
        ("REVKEYSIG", "the key that signed it was revoked"),
    ] {
        if let Some(about) = rest(word) {
            return Some((format!("{what}: {}", signer(about)), Remedy::Keys));
        }
    }
    let good = reports
        .iter()
        .filter(|(word, _)| *word == "GOODSIG")
        .count();
    let valid = reports
        .iter()
        .filter(|(word, _)| *word == "VALIDSIG")
        .count();
    if (good, valid) != (1, 1) {
        return Some(("there is no signature in its .sig".into(), Remedy::Again));
    }
    let is_trusted = rest("TRUST_FULLY").or(rest("TRUST_ULTIMATE")).is_some();
    (!is_trusted).then(|| {
        let signer = signer(rest("GOODSIG").unwrap_or_default());
        let reason = format!("pacman's keyring does not trust the key that signed it: {signer}");
        (reason, Remedy::Keys)
    })
}

fn refused(url: &str, reason: &str, remedy: Remedy) -> Error {
    let error = Error::new("the package's signature is not good, and the package was removed")
        .note(url)
        .note(reason);
    match remedy {
        Remedy::Again => error.run(
            "fetch it from another archive of the same layout",
            Call::again("toolchain").with("--mirror", "URL"),
        ),
        Remedy::Keys => error.run(
            "update pacman's keyring, and try again",
            "sudo pacman -Sy --needed archlinux-keyring",
        ),
    }
}

/// Fetches a file by curl.
fn download(package: &ArchPackage, url: &str, to: &Path) -> Result<()> {
    let mut curl = Program::new("curl");
    curl.args(["--fail", "--location", "--globoff", "--progress-bar"])
        .args("--proto =https,http,file --proto-redir =https,http".split(' '))
        .args(["--connect-timeout", "30", "--retry", "2"])
        .args(["--write-out", "%{http_code} %{errormsg}"])
        .arg("--output")
        .arg(to)
        .args(["--url", url]);
    // The bar, for whoever waits for 200 MB.
    match std::io::stderr().is_terminal() {
        true => curl.stderr(Stdio::inherit()),
        false => curl.stderr(Stdio::null()),
    };
    let ended = child::run(&mut curl)?.map_err(|error| no_program("curl", &error, ["curl"; 3]))?;
    if ended.status.success() {
        return Ok(());
    }
    let (status, says) = ended.stdout.split_once(' ').unwrap_or(("", ""));
    Err(match ended.status.code() {
        // 22: a status of 400 or more. 37: file:// names no file.
        Some(22) if matches!(status, "404" | "410") => no_version(package, url, status),
        Some(37) => no_version(package, url, "no such file"),
        // 23: it could not write.
        Some(23) => {
            let directory = to.parent().unwrap_or(to);
            Error::new(format!("{} cannot be written", to.display()))
                .note(format!("curl: {says}"))
                .run(
                    "make room there",
                    Command::new("df -h").arg(directory.parent().unwrap_or(directory)),
                )
        }
        _ => {
            let says = match says {
                "" => ended.status.to_string(),
                says => says.to_string(),
            };
            Error::new(format!("{url} cannot be fetched"))
                .note(format!("curl: {says}"))
                .run("see what answers there", Command::new("curl -I").arg(url))
                .run(
                    "or name another archive of the same layout",
                    Call::again("toolchain").with("--mirror", "URL"),
                )
        }
    })
}

fn no_version(package: &ArchPackage, url: &str, says: &str) -> Error {
    let (name, version) = (package.name(), package.version());
    Error::new(format!("the archive does not have {name} {version}"))
        .note(format!("{url}: {says}"))
        .note("if a distribution based on Arch rebuilt this rustc, only its own archive has it")
        .run(
            "name an archive of the same layout that has it",
            Call::again("toolchain").with("--mirror", "URL"),
        )
}

fn no_program(program: &str, error: &std::io::Error, packages: [&'static str; 3]) -> Error {
    let told = Error::new(format!("{program} cannot be run")).note(error.to_string());
    if error.kind() != ErrorKind::NotFound {
        return told.advise(format!("look at what {program} is"));
    }
    let [arch, debian, fedora] = packages;
    let host = System::here(None).distribution();
    let command = install::packages(host, arch, debian, fedora);
    told.run_if_known("install it", command, "install it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_good_signature_of_a_trusted_key_is_taken() {
        let good = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0123 A Packager <a@b>\n\
                    [GNUPG:] VALIDSIG 0123 2026-07-14\n";
        let of = |rest: &str| fault(&format!("{good}{rest}"));
        assert_eq!(of("[GNUPG:] TRUST_FULLY 0 pgp\n"), None);
        assert_eq!(of("[GNUPG:] TRUST_ULTIMATE 0 pgp\n"), None);
        for rest in [
            "",
            "[GNUPG:] TRUST_MARGINAL 0\n",
            "[GNUPG:] TRUST_UNDEFINED 0\n",
        ] {
            let (reason, remedy) = of(rest).unwrap();
            assert!(reason.ends_with("A Packager <a@b>"), "{reason}");
            assert_eq!(remedy, Remedy::Keys);
        }
        let trust = "[GNUPG:] TRUST_FULLY 0 pgp\n";
        for more in [
            "[GNUPG:] BADSIG 4567 Another\n",
            "[GNUPG:] ERRSIG 4567 22 10 00 1 9 -\n",
            "[GNUPG:] REVKEYSIG 4567 Another\n",
            "[GNUPG:] EXPKEYSIG 4567 Another\n",
            good,
        ] {
            assert!(of(&format!("{more}{trust}")).is_some(), "{more}");
        }
        assert!(fault("").is_some());
        // What the file says, and not gpg.
        assert!(fault("GOODSIG 1 x\nVALIDSIG 1\nTRUST_FULLY\n").is_some());
    }
}
