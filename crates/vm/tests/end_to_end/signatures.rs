// SPDX-License-Identifier: MIT OR Apache-2.0

//! Signatures of the sources: keys and a tarball of the test's own, in the place of kernel.org's.
//! Who is asked is the real makepkg, with the kernel's PKGBUILD, whose list of keys is theirs.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use libtest_mimic::Failed;
use vm::{cache::file_hash, host::BUILDER, makepkg::Makepkg, series};

use crate::lab::{Lab, says, text, trials};

trials![
    a_good_signature_passes,
    a_tampered_tarball_is_refused,
    a_signature_by_another_key_is_refused,
    a_signature_by_an_unknown_key_is_refused,
    a_revoked_key_is_refused,
    an_expired_key_is_warned_of,
    a_missing_signature_is_refused,
    a_good_signature_of_another_release_is_refused_by_its_hash,
];

/// A keyring of the builder's, and the directory that downloads go to. (Below /tmp, because the path
/// of gpg's socket has to be short.)
struct Signer {
    place: tempfile::TempDir,
    tarball: PathBuf,
}

impl Signer {
    fn new() -> Result<Self, Failed> {
        let place = tempfile::tempdir()?;
        let release = release()?;
        let directory = place.path().join(format!("linux-{release}"));
        fs::create_dir(&directory)?;
        fs::write(directory.join("Makefile"), "# It only has to be signed.\n")?;
        let tarball = place.path().join(format!("linux-{release}.tar"));
        let packed = Command::new("tar")
            .arg("-cf")
            .arg(&tarball)
            .arg("-C")
            .args([place.path(), Path::new(&format!("linux-{release}"))])
            .status()?;
        assert!(packed.success(), "tar");
        fs::create_dir(place.path().join("gnupg"))?;
        for path in [place.path(), &place.path().join("gnupg"), &tarball] {
            chown(path, Some(BUILDER), Some(BUILDER))?;
        }
        Ok(Self { place, tarball })
    }

    fn gpg(&self, args: &[&str]) -> Result<Output, Failed> {
        let output = Command::new("setpriv")
            .args(["--clear-groups"])
            .args([format!("--reuid={BUILDER}"), format!("--regid={BUILDER}")])
            .args("gpg --batch --yes --pinentry-mode=loopback --passphrase=".split(' '))
            .args(args)
            .env("GNUPGHOME", self.home())
            .current_dir(self.place.path())
            .output()?;
        assert!(output.status.success(), "gpg {args:?}: {}", text(&output));
        Ok(output)
    }

    fn home(&self) -> PathBuf {
        let home = self.place.path().join("gnupg");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&home, mode).expect("its own directory");
        home
    }

    /// Makes a key, and returns its fingerprint.
    fn key(&self, name: &str, options: &[&str], expires: &str) -> Result<String, Failed> {
        let make = ["--quick-generate-key", name, "ed25519", "sign", expires];
        self.gpg(&[options, &make].concat())?;
        let listed = self.gpg(&["--with-colons", "--list-keys", name])?;
        let listed = text(&listed);
        let line = listed.lines().find_map(|line| line.strip_prefix("fpr:"));
        Ok(line.unwrap_or_default().trim_matches(':').to_owned())
    }

    /// Signs the tarball as kernel.org does: unpacked, and packed afterwards.
    fn sign(&self, key: &str, options: &[&str]) -> Result<(), Failed> {
        let tarball = self.tarball.display().to_string();
        let signature = format!("{tarball}.sign");
        let sign = [
            "--local-user",
            key,
            "--output",
            &signature,
            "--detach-sign",
            &tarball,
        ];
        self.gpg(&[options, &sign].concat())?;
        self.pack()
    }

    fn pack(&self) -> Result<(), Failed> {
        let packed = Command::new("xz")
            .args(["-kf"])
            .arg(&self.tarball)
            .status()?;
        assert!(packed.success(), "xz");
        Ok(())
    }

    fn packed(&self) -> PathBuf {
        self.tarball.with_extension("tar.xz")
    }

    /// `makepkg --verifysource`, for a PKGBUILD that trusts `valid`: what it said, and whether it
    /// was content. There is no network: what is not here is not to be had.
    fn verify(&self, lab: &Lab, valid: &str, sha256: &str) -> Result<(bool, String), Failed> {
        let start = lab.shop.pkgbuild("linux-rust", 1)?;
        let pkgbuild = start.join("PKGBUILD");
        let text = fs::read_to_string(&pkgbuild)?;
        let keys = text
            .split_once("validpgpkeys=(\n")
            .and_then(|(_, rest)| rest.split_once("\n)"))
            .ok_or("no validpgpkeys")?
            .0;
        assert_eq!(keys.lines().count(), 3, "{keys}");
        fs::write(&pkgbuild, text.replacen(keys, valid, 1))?;
        let table = start.join("series");
        let row = fs::read_to_string(&table)?;
        let pinned = row.split_whitespace().nth(6).ok_or("a hash")?;
        fs::write(&table, row.replacen(pinned, sha256, 1))?;

        let mut makepkg = Makepkg::new(&lab.shop, start);
        makepkg.signatures = true;
        makepkg.tarball = None;
        makepkg.srcdest = self.place.path().to_owned();
        makepkg.builddir = self.place.path().join("build");
        makepkg.pkgdest = self.place.path().join("packages");
        makepkg.through = ["unshare", "--net"].map(str::to_owned).into();
        makepkg
            .set("_config", "vm")
            .set("GNUPGHOME", &self.home().display().to_string());
        let log = lab.shop.cache.log("test-signatures")?;
        let status = makepkg
            .program("reading sources", &log, &["--verifysource"])?
            .wait(&lab.shop.progress)?;
        Ok((status.success(), fs::read_to_string(&log)?))
    }

    fn refused(&self, lab: &Lab, valid: &str, words: &[&str]) -> Result<(), Failed> {
        let (content, said) = self.verify(lab, valid, "SKIP")?;
        says(&said, words);
        says(
            &said,
            &["One or more PGP signatures could not be verified!"],
        );
        assert!(!content, "{said}");
        Ok(())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .args(["--kill", "all"])
            .env("GNUPGHOME", self.place.path().join("gnupg"))
            .status();
    }
}

/// The default row's release.
fn release() -> Result<String, Failed> {
    let row = series::all()?.remove(0).row;
    Ok(row.split_whitespace().nth(2).ok_or("a release")?.to_owned())
}

const NOW: &[&str] = &[];
const THEN: &[&str] = &["--faked-system-time=20200101T000000"];

fn a_good_signature_passes(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", NOW, "never")?;
    signer.sign(&key, NOW)?;
    let hash = file_hash(&signer.packed())?;
    let (content, said) = signer.verify(lab, &key, &hash)?;
    let passed = format!("linux-{}.tar ... Passed", release()?);
    says(
        &said,
        &["Verifying source file signatures with gpg", &passed],
    );
    assert!(content, "{said}");
    Ok(())
}

fn a_tampered_tarball_is_refused(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", NOW, "never")?;
    signer.sign(&key, NOW)?;
    let mut tarball = fs::read(&signer.tarball)?;
    let at = tarball
        .windows(4)
        .position(|bytes| bytes == b"only")
        .ok_or("its text")?;
    tarball[at] = b'O';
    fs::write(&signer.tarball, tarball)?;
    signer.pack()?;
    signer.refused(lab, &key, &["FAILED (bad signature from public key"])
}

fn a_signature_by_another_key_is_refused(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", NOW, "never")?;
    let other = signer.key("other@example.org", NOW, "never")?;
    signer.sign(&other, NOW)?;
    signer.refused(
        lab,
        &key,
        &[&format!("FAILED (invalid public key {other})")],
    )
}

fn a_signature_by_an_unknown_key_is_refused(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", NOW, "never")?;
    signer.sign(&key, NOW)?;
    signer.gpg(&["--delete-secret-and-public-key", &key])?;
    signer.refused(lab, &key, &["FAILED (unknown public key"])
}

fn a_revoked_key_is_refused(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", NOW, "never")?;
    signer.sign(&key, NOW)?;
    let file = signer.home().join(format!("openpgp-revocs.d/{key}.rev"));
    // gpg puts a colon before it, so that nobody revokes a key unawares.
    let revocation = fs::read_to_string(&file)?.replace(":-----BEGIN", "-----BEGIN");
    fs::write(&file, revocation)?;
    signer.gpg(&["--import", &file.display().to_string()])?;
    signer.refused(lab, &key, &["FAILED (public key", "has been revoked"])
}

/// makepkg does not refuse it: what was signed while the key was good stays good.
fn an_expired_key_is_warned_of(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", THEN, "1y")?;
    signer.sign(&key, THEN)?;
    let (_, said) = signer.verify(lab, &key, "SKIP")?;
    says(
        &said,
        &[
            "(WARNING: the key has expired.)",
            "Warnings have occurred while verifying the signatures.",
            "Please make sure you really trust them.",
        ],
    );
    Ok(())
}

fn a_missing_signature_is_refused(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", NOW, "never")?;
    signer.sign(&key, NOW)?;
    // An empty one is none.
    let signature = signer.tarball.with_extension("tar.sign");
    fs::write(&signature, "")?;
    signer.refused(lab, &key, &["FAILED"])?;
    fs::remove_file(&signature)?;
    let (content, said) = signer.verify(lab, &key, "SKIP")?;
    says(&said, &["Failure while downloading", ".tar.sign"]);
    assert!(!content, "{said}");
    Ok(())
}

fn a_good_signature_of_another_release_is_refused_by_its_hash(lab: &Lab) -> Result<(), Failed> {
    let signer = Signer::new()?;
    let key = signer.key("signer@example.org", NOW, "never")?;
    signer.sign(&key, NOW)?;
    let (content, said) = signer.verify(lab, &key, &"0".repeat(64))?;
    says(
        &said,
        &[
            "FAILED",
            "One or more files did not pass the validity check!",
        ],
    );
    assert!(!content, "{said}");
    Ok(())
}
