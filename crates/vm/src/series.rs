// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table of series, `linux-rust/series`, which the PKGBUILD reads as well.

use std::{fs, path::PathBuf};

use crate::{
    error::{Context, Error, Result},
    files::repository,
    host::{Distribution, Site},
    run::answer,
};

/// A row of the table; its head says what the columns are.
#[derive(Debug, Clone)]
pub struct Series {
    /// `6.1`
    pub name: String,
    /// `linux-rust-lts61`
    pub pkgbase: String,
    /// kernel.org's: `6.1.192`
    pub release: String,
    /// `1.62.0`
    pub rustc: String,
    /// Arch's tag of its stock configuration: `6.1.arch1-1`
    pub arch: String,
    /// The configuration's name there.
    pub config: String,
    /// Of kernel.org's tarball, or `SKIP`.
    pub sha256: String,
    /// Of Arch's configuration, or `SKIP`.
    pub config_sha256: String,
    /// The line itself.
    pub row: String,
}

impl Series {
    /// The package of its Rust: `rust162`.
    pub fn toolchain(&self) -> String {
        let short: String = self.rustc.split('.').take(2).collect();
        format!("rust{short}")
    }

    /// What its packages are named after with this `_config`: kernels for QEMU have names of their own.
    pub fn pkgbase_with(&self, config: &str) -> String {
        match config {
            "vm" | "debug" => format!("{}-{config}", self.pkgbase),
            _ => self.pkgbase.clone(),
        }
    }

    /// Its patch, beside the PKGBUILD.
    pub fn patch(&self) -> String {
        format!("headers-rust-{}.patch", self.name)
    }
}

/// The table's path.
pub fn table() -> PathBuf {
    repository().join("linux-rust/series")
}

/// All rows, the default first.
pub fn all() -> Result<Vec<Series>> {
    let text = fs::read_to_string(table()).context("read", table())?;
    let rows: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(parse)
        .collect::<Result<_>>()?;
    if rows.is_empty() {
        return Err(bad_row("there is no row", &text));
    }
    Ok(rows)
}

/// One row by its series' name, or every row for `all`; the default for nothing.
pub fn chosen(name: Option<&str>) -> Result<Vec<Series>> {
    let mut rows = all()?;
    match name {
        Some("all") => {}
        None => rows.truncate(1),
        Some(name) => {
            let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
            rows.retain(|row| row.name == name);
            if rows.is_empty() {
                return Err(Error::State {
                    what: format!("there is no series '{name}'"),
                    note: format!("linux-rust/series has {}", names.join(", ")),
                    help: format!("make vm SERIES={}", names[0]),
                });
            }
        }
    }
    Ok(rows)
}

pub(crate) fn parse(line: &str) -> Result<Series> {
    let count = line.split_whitespace().count();
    if count != 8 {
        let why = format!("it has {count} columns, and must have 8");
        return Err(bad_row(&why, line));
    }
    let mut columns = line.split_whitespace().map(str::to_owned);
    let mut next = || columns.next().unwrap_or_default();
    Ok(Series {
        name: next(),
        pkgbase: next(),
        release: next(),
        rustc: next(),
        arch: next(),
        config: next(),
        sha256: next(),
        config_sha256: next(),
        row: line.into(),
    })
}

fn bad_row(why: &str, line: &str) -> Error {
    Error::State {
        what: format!("'{}' cannot be read: {why}", table().display()),
        note: format!("the line is: {line}"),
        help: "git diff linux-rust/series".into(),
    }
}

/// A version's numbers, to be compared.
pub(crate) fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// The directory of the LLVM that builds this series, where that is not the one in PATH. On Debian,
/// whose own is years older than Arch's, it is the newest that its suites have, installed beside
/// the other; the default series stays with the one in PATH, so that nothing has to be installed for it.
pub fn llvm(row: &Series, site: &Site) -> Result<Option<PathBuf>> {
    let here = answer("clang", ["-dumpversion"]);
    let is_default = row.name == chosen(None)?[0].name;
    let Some(newest) = clangs().into_iter().max() else {
        return Ok(None);
    };
    if site.distribution != Distribution::Debian || is_default {
        return Ok(None);
    }
    let why = format!(
        "Linux {} is built with the newest clang, as on Arch, and clang here is {here}",
        row.name
    );
    Ok(Some(debians_llvm(newest, &why, site)?))
}

/// The major versions of clang that Debian's suites have.
pub fn clangs() -> Vec<u32> {
    answer("apt-cache", ["pkgnames", "clang-"])
        .lines()
        .filter_map(|name| name.strip_prefix("clang-")?.parse().ok())
        .collect()
}

/// The major version of a clang, if it runs.
pub fn clang_major(clang: &str) -> Option<u32> {
    numbers(&answer(clang, ["-dumpversion"])).first().copied()
}

/// The directory of an LLVM of Debian's, which is installed beside its default where it is not yet.
pub fn debians_llvm(major: u32, why: &str, site: &Site) -> Result<PathBuf> {
    let directory = PathBuf::from(format!("/usr/lib/llvm-{major}/bin"));
    let there = |name: &str| directory.join(name).exists();
    let libclang = directory.join("../lib/libclang.so").exists();
    if !(there("clang") && there("ld.lld") && there("llvm-config") && libclang) {
        let progress = &site.progress;
        progress.say(format!("{why}: installing clang-{major}..."));
        let packages = ["clang-N", "lld-N", "llvm-N", "libclang-N-dev"];
        let packages = packages.map(|name| name.replace('N', &major.to_string()));
        site.apt_install("installing clang", &packages)?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_all_columns() {
        let rows = all().unwrap();
        assert!(rows.len() > 1);
        assert_eq!(rows[0].pkgbase, "linux-rust-lts61");
        assert_eq!(rows[0].toolchain(), "rust162");
        let error = parse("6.1 linux-rust-lts61 6.1.192").unwrap_err();
        assert!(error.to_string().contains("it has 3 columns"), "{error}");
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(numbers("1.100.0") > numbers("1.97.1"));
        assert!(numbers("17") >= numbers("17.0.1")[..1].to_vec());
    }
}
