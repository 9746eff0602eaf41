// SPDX-License-Identifier: MIT OR Apache-2.0

//! Arch's packages: their names, their place in an archive, and what they say of themselves.
//!
//! Names and versions come out of files and become paths and URLs, so only what pacman would take
//! as a name or version is one here.

use crate::system::Distribution;
use crate::toolchain::package_of;

/// A package of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchPackage {
    name: String,
    version: String,
    architecture: String,
}

impl ArchPackage {
    /// A package, when its name and version are ones that makepkg allows (PKGBUILD(5)).
    pub fn new(name: &str, version: &str, architecture: &str) -> Option<Self> {
        let is_allowed =
            is_name(name) && is_version(version) && matches!(architecture, "x86_64" | "any");
        is_allowed.then(|| Self {
            name: name.into(),
            version: version.into(),
            architecture: architecture.into(),
        })
    }

    /// The package that a rustc came in, as its version string tells:
    /// `rustc 1.97.1 (8bab26f4f 2026-07-14) (Arch Linux rust 1:1.97.1-1)`.
    pub fn of_rustc(rustc: &str) -> Option<Self> {
        match package_of(rustc)? {
            (Distribution::Arch, name, version) => Self::new(&name, &version, "x86_64"),
            _ => None,
        }
    }

    /// A package as `.BUILDINFO` names one: `llvm-libs-22.1.1-1-x86_64`.
    fn of_build(text: &str) -> Option<Self> {
        let mut dashes = text.rmatch_indices('-').map(|(at, _)| at);
        let (architecture, _, version) = (dashes.next()?, dashes.next()?, dashes.next()?);
        Self::new(
            &text[..version],
            &text[version + 1..architecture],
            &text[architecture + 1..],
        )
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version: `1:1.97.1-1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        let Self {
            name,
            version,
            architecture,
        } = self;
        format!("{name}-{version}-{architecture}.pkg.tar.zst")
    }

    /// Where its file is in the archive of Arch's packages, from the archive's root.
    pub fn path(&self) -> String {
        let (name, file) = (&self.name, self.file_name());
        format!("packages/{}/{name}/{file}", &name[..1])
    }

    /// A name for a directory that holds what was in it. A colon would end a path where several
    /// stand in a row, and a target in a Makefile.
    pub fn directory_name(&self) -> String {
        format!("arch-{}-{}", self.name, self.version.replace(':', "_"))
    }
}

/// Lower-case letters, digits and any of `@._+-`, the first of them neither `-` nor `.`.
fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(is_letter)
        && name
            .bytes()
            .all(|byte| is_letter(byte) || b"@._+-".contains(&byte))
}

/// `[EPOCH:]PKGVER-PKGREL`.
fn is_version(version: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let Some((pkgver, pkgrel)) = rest.split_once('-') else {
        return false;
    };
    let is_pkgver = pkgver.starts_with(|c: char| c.is_ascii_alphanumeric())
        && pkgver
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._+~".contains(&byte));
    let (release, subrelease) = pkgrel.split_once('.').unwrap_or((pkgrel, "0"));
    is_number(epoch) && is_pkgver && is_number(release) && is_number(subrelease)
}

/// What packages say of what they need, and of what they were built beside.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    depends: Vec<String>,
    installed: Vec<ArchPackage>,
}

impl Beside {
    /// Adds what one package says: its `.PKGINFO` and its `.BUILDINFO`.
    pub fn add(&mut self, pkginfo: &str, buildinfo: &str) {
        self.depends.extend(
            values(pkginfo, "depend")
                .filter_map(|depend| depend.split(['<', '>', '=']).next())
                .map(str::to_owned),
        );
        let built = values(buildinfo, "installed").filter_map(ArchPackage::of_build);
        self.installed.extend(built);
    }

    /// The package of a library, in the version that was there when the first package was built:
    /// `llvm-libs` of `libLLVM.so.22.1`. Arch names the one after the other, with `lib` before it
    /// or `-libs` behind.
    pub fn package_of_library(&self, library: &str) -> Option<&ArchPackage> {
        let stem = library.split(".so").next()?.to_lowercase();
        let stem = stem.strip_prefix("lib").unwrap_or(&stem);
        let core = |name: &str| {
            let name = name.strip_prefix("lib").unwrap_or(name);
            let name = name.strip_suffix("-libs").unwrap_or(name);
            name.strip_suffix("lib").unwrap_or(name).to_owned()
        };
        let named_after = |name: &&String| {
            let core = core(name);
            stem == core || (core.len() > 1 && stem.starts_with(&core))
        };
        let name = self
            .depends
            .iter()
            .filter(named_after)
            .max_by_key(|name| core(name).len())?;
        self.installed.iter().find(|package| package.name == *name)
    }
}

/// The values of a key in `.PKGINFO` and `.BUILDINFO`, a line each: `depend = glibc`.
fn values<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(|line| line.split_once(" = "))
        .filter(move |(name, _)| *name == key)
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_of_a_rustc_has_its_place_in_the_archive() {
        let rustc = "rustc 1.97.1 (8bab26f4f 2026-07-14) (Arch Linux rust 1:1.97.1-1)";
        let package = ArchPackage::of_rustc(rustc).unwrap();
        assert_eq!(
            package.path(),
            "packages/r/rust/rust-1:1.97.1-1-x86_64.pkg.tar.zst"
        );
        assert_eq!(package.directory_name(), "arch-rust-1_1.97.1-1");
        for other in ["", " (Fedora 1.97.1-1.fc44)"] {
            let rustc = format!("rustc 1.97.1 (8bab26f4f 2026-07-14){other}");
            assert_eq!(ArchPackage::of_rustc(&rustc), None, "{rustc}");
        }
    }

    #[test]
    fn only_what_makepkg_allows_is_a_name_or_a_version() {
        for (name, version) in [
            ("rust", "1:1.97.1-1"),
            ("rust", "1.97.1-1.2"),
            ("gtk+", "2_3~b+r4-10"),
        ] {
            assert!(ArchPackage::new(name, version, "x86_64").is_some());
        }
        for (name, version) in [
            ("", "1-1"),
            ("../rust", "1-1"),
            (".rust", "1-1"),
            ("-o", "1-1"),
            ("ru st", "1-1"),
            ("Rust", "1-1"),
            ("rust?", "1-1"),
            ("rust", ""),
            ("rust", "1"),
            ("rust", "-1"),
            ("rust", "1-"),
            ("rust", "1-1-1"),
            ("rust", "../1-1"),
            ("rust", "..-1"),
            ("rust", "1/2-1"),
            ("rust", ":1-1"),
            ("rust", "x:1-1"),
            ("rust", "1:2:3-1"),
            ("rust", "1-1 "),
            ("rust", "1$(x)-1"),
            ("rust", "1%2f-1"),
            ("rust", "1-1\n"),
            ("rust", "é-1"),
        ] {
            assert_eq!(
                ArchPackage::new(name, version, "x86_64"),
                None,
                "{name} {version}"
            );
        }
        assert_eq!(ArchPackage::new("rust", "1-1", "../.."), None);
    }

    #[test]
    fn library_is_of_the_package_that_is_named_after_it() {
        let mut beside = Beside::default();
        beside.add(
            "pkgname = rust\ndepend = gcc-libs\ndepend = llvm-libs\ndepend = zlib\n",
            "format = 2\ninstalled = llvm-libs-22.1.1-1-x86_64\ninstalled = zlib-1:1.3.1-2-x86_64\n\
             installed = zstd-1.5.7-2-x86_64\ninstalled = libxml2-2.14.5-1-x86_64\n",
        );
        let of = |beside: &Beside, library: &str| {
            let found = beside.package_of_library(library);
            found.map(ArchPackage::file_name)
        };
        assert_eq!(
            of(&beside, "libLLVM.so.22.1").as_deref(),
            Some("llvm-libs-22.1.1-1-x86_64.pkg.tar.zst")
        );
        assert_eq!(
            of(&beside, "libz.so.1").as_deref(),
            Some("zlib-1:1.3.1-2-x86_64.pkg.tar.zst")
        );
        // Nothing depends on them yet.
        assert_eq!(of(&beside, "libzstd.so.1"), None);
        assert_eq!(of(&beside, "libxml2.so.16"), None);
        beside.add(
            "depend = zlib\ndepend = zstd>=1.5\ndepend = libxml2\n",
            "installed = libxml2-2.15.0-1-x86_64\n",
        );
        assert_eq!(
            of(&beside, "libzstd.so.1").as_deref(),
            Some("zstd-1.5.7-2-x86_64.pkg.tar.zst")
        );
        assert_eq!(
            of(&beside, "libxml2.so.16").as_deref(),
            Some("libxml2-2.14.5-1-x86_64.pkg.tar.zst")
        );
    }
}
