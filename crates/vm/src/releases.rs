// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table of Rust's releases, `rust-toolchain/releases`, which the PKGBUILD reads as well.

use std::{fs, path::PathBuf};

use crate::{
    error::{Context, Result},
    files::repository,
};

/// What every release is packaged from.
pub const COMPONENTS: [&str; 5] = ["rustc", "rust-std", "rust-src", "clippy", "rustfmt"];

/// A row of the table; its head says what the columns are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The kernel series: `6.1`
    pub series: String,
    /// `1.62.0`
    pub release: String,
    /// `2022-06-30/rustc-1.62.0-x86_64-unknown-linux-gnu.tar.xz`, or `bindgen-0.56.0`.
    pub file: String,
    /// In hexadecimal.
    pub sha256: String,
    /// The newest libclang that this bindgen reads.
    pub libclang: Option<String>,
}

impl Part {
    /// The version of bindgen, if this is one.
    pub fn bindgen(&self) -> Option<&str> {
        self.file
            .starts_with("bindgen-")
            .then(|| self.file.rsplit('-').next().unwrap_or_default())
    }
}

/// The table's path.
pub fn table() -> PathBuf {
    repository().join("rust-toolchain/releases")
}

/// The rows of a series.
pub fn of(series: &str) -> Result<Vec<Part>> {
    let text = fs::read_to_string(table()).context("read", table())?;
    Ok(parse(&text, series))
}

fn parse(text: &str, series: &str) -> Vec<Part> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| line.split_whitespace().map(str::to_owned));
    rows.filter_map(|mut cells| {
        Some(Part {
            series: cells.next().filter(|name| name == series)?,
            release: cells.next()?,
            file: cells.next()?,
            sha256: cells.next().unwrap_or_default(),
            libclang: cells.next(),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_series() {
        let text = "# 6.1\n6.1 1.62.0 2022-06-30/rustc-1.62.0.tar.xz 0a\n\
                    6.12 1.85.1 x 1b\n6.1 1.62.0 bindgen-0.56.0 2c 15\n";
        let parts = parse(text, "6.1");
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].bindgen(), None);
        assert_eq!(parts[1].bindgen(), Some("0.56.0"));
        assert_eq!(parts[1].libclang.as_deref(), Some("15"));
    }
}
