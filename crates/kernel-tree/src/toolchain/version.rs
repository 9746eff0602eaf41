// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the version string of a rustc tells: its number, and which toolchain or package it is of.

use std::cmp::Ordering;

use crate::system::Distribution;

/// The version in `rustc 1.62.0 (a8314ef7d 2022-06-27)`.
pub fn number(rustc: &str) -> Option<&str> {
    rustc.strip_prefix("rustc ")?.split_whitespace().next()
}

/// The toolchain by which rustup knows a release, from its version string. `None` for the rustc
/// of a distribution, which rustup does not have even where the number is the same.
pub fn rustup_toolchain(rustc: &str) -> Option<String> {
    let rest = rustc.strip_prefix("rustc ")?;
    let (version, about) = rest.split_once(" (")?;
    // The releases of rust-lang.org have one bracket, with nine digits of the commit and a date.
    let about = about.strip_suffix(')')?;
    let (commit, date) = about.split_once(' ')?;
    let is_official = commit.len() == 9
        && commit.chars().all(|c| c.is_ascii_hexdigit())
        && date.len() == 10
        && date.chars().all(|c| c.is_ascii_digit() || c == '-');
    if !is_official {
        return None;
    }
    match version.split_once('-') {
        None => version
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.')
            .then(|| version.to_string()),
        // A nightly is of the day after its last commit.
        Some((_, "nightly")) => next_day(date).map(|day| format!("nightly-{day}")),
        Some((_, beta)) if beta.starts_with("beta") => Some(version.to_string()),
        Some(_) => None,
    }
}

/// The package and its version that a distribution's rustc came in, as its version string tells:
/// `rustc 1.97.1 (8bab26f4f 2026-07-14) (Arch Linux rust 1:1.97.1-1)`.
pub fn package_of(rustc: &str) -> Option<(Distribution, String, String)> {
    let (_, last) = rustc.strip_suffix(')')?.rsplit_once('(')?;
    if let Some(package) = last.strip_prefix("Arch Linux ") {
        let (name, version) = package.split_once(' ')?;
        return Some((Distribution::Arch, name.to_string(), version.to_string()));
    }
    if let Some(version) = last.strip_prefix("Fedora ") {
        return Some((
            Distribution::Fedora,
            "rust".to_string(),
            version.to_string(),
        ));
    }
    // Debian's and Ubuntu's has no version of its package.
    let number = number(rustc)?;
    (last == "built from a source tarball").then(|| {
        let (series, _) = number.rsplit_once('.').unwrap_or((number, ""));
        (
            Distribution::Debian,
            format!("rustc-{series}"),
            number.to_string(),
        )
    })
}

fn next_day(date: &str) -> Option<String> {
    let mut numbers = date.split('-').map(|number| number.parse::<u32>().ok());
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let (year, month, day) = match (month, day) {
        (12, day) if day >= days => (year + 1, 1, 1),
        (month, day) if day >= days => (year, month + 1, 1),
        (month, day) => (year, month, day + 1),
    };
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// Compares two version numbers.
pub fn compare(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u64> {
        let plain = version.split(['-', '+', '~']).next().unwrap_or_default();
        plain
            .split('.')
            .map(|number| number.parse().unwrap_or(0))
            .collect()
    };
    numbers(one).cmp(&numbers(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rustup_has_releases_and_nightlies_but_no_distributions() {
        let of = |text| rustup_toolchain(text);
        assert_eq!(
            of("rustc 1.62.0 (a8314ef7d 2022-06-27)").as_deref(),
            Some("1.62.0")
        );
        assert_eq!(
            of("rustc 1.97.0-nightly (e50aa6fba 2026-05-31)").as_deref(),
            Some("nightly-2026-06-01")
        );
        assert_eq!(
            of("rustc 1.75.0 (82e1608df 2023-12-21) (built from a source tarball)"),
            None
        );
        assert_eq!(of("rustc 1.63.0"), None);
        assert_eq!(of("rustc 1.75.0 (Arch Linux rust 1:1.75.0-2)"), None);
    }

    #[test]
    fn package_of_a_distributions_rustc_is_in_its_version() {
        use Distribution::{Arch, Debian, Fedora};
        let is = |origin: &str, wanted: Option<(Distribution, &str, &str)>| {
            let text = format!("rustc 1.97.1 (8bab26f4f 2026-07-14){origin}");
            let wanted = wanted.map(|(who, name, version)| (who, name.into(), version.into()));
            assert_eq!(package_of(&text), wanted, "{text}");
        };
        is(
            " (Arch Linux rust 1:1.97.1-1)",
            Some((Arch, "rust", "1:1.97.1-1")),
        );
        is(
            " (Fedora 1.97.1-1.fc44)",
            Some((Fedora, "rust", "1.97.1-1.fc44")),
        );
        is(
            " (built from a source tarball)",
            Some((Debian, "rustc-1.97", "1.97.1")),
        );
        is("", None);
    }

    #[test]
    fn days_follow_each_other() {
        assert_eq!(next_day("2024-02-28").as_deref(), Some("2024-02-29"));
        assert_eq!(next_day("2023-02-28").as_deref(), Some("2023-03-01"));
        assert_eq!(next_day("2023-12-31").as_deref(), Some("2024-01-01"));
    }

    #[test]
    fn versions_are_compared_by_number() {
        use Ordering::{Equal, Greater, Less};
        assert_eq!(compare("1.100.0", "1.78.0"), Greater);
        assert_eq!(compare("1.62.0", "1.100.0"), Less);
        assert_eq!(compare("0.69.1", "0.69.1-dev"), Equal);
    }
}
