// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table of series, `linux-rust/series`, which the PKGBUILD reads as well.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cache::Cache,
    error::{Context, Error, Result},
    host::Distribution,
    packages::repository,
    run::{Program, Progress, answer},
    source,
};

/// A row of the table, as far as it is of use here; its head says what the columns are.
#[derive(Debug, Clone)]
pub struct Series {
    /// `6.1`
    pub name: String,
    /// `linux-rust`
    pub pkgbase: String,
    /// Without commit and date: `1.62.0`.
    pub rustc: String,
    /// For each highest major version of libclang, and last for all later ones.
    pub bindgen: String,
    /// The least major version of clang.
    pub clang: u32,
    /// Files beside the PKGBUILD.
    pub patches: Vec<String>,
    /// The line itself.
    pub row: String,
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

fn parse(line: &str) -> Result<Series> {
    let columns: Vec<_> = line.split_whitespace().collect();
    let [
        name,
        pkgbase,
        _release,
        rustc,
        _commit,
        _date,
        _cargo,
        bindgen,
        clang,
        headers,
        config,
        _arch,
        _sha256,
        _config_sha256,
    ] = columns[..]
    else {
        return Err(bad_row(
            &format!("it has {} columns, and must have 14", columns.len()),
            line,
        ));
    };
    Ok(Series {
        name: name.into(),
        pkgbase: pkgbase.into(),
        rustc: rustc.into(),
        bindgen: bindgen.into(),
        clang: clang
            .parse()
            .map_err(|_| bad_row(&format!("'{clang}' is no version of clang"), line))?,
        patches: [headers, config]
            .into_iter()
            .filter(|patch| *patch != "-")
            .map(str::to_owned)
            .collect(),
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

/// Holds each row against its own tree: the rustc, bindgen and clang that it names are those that
/// `scripts/min-tool-version.sh` asks for, or later; its patches apply; its names are its own.
/// Returns what is wrong, a sentence each.
pub fn check(
    distribution: Distribution,
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<String>> {
    let rows = all()?;
    let mut wrong = Vec::new();
    for row in &rows {
        let twins = |same: fn(&Series) -> &str| {
            rows.iter().filter(|other| same(other) == same(row)).count() > 1
        };
        if twins(|row| &row.name) || twins(|row| &row.pkgbase) {
            wrong.push(format!("{}: another row has its name or pkgbase", row.name));
        }
        wrong.extend(check_row(row, distribution, cache, progress)?);
    }
    Ok(wrong)
}

fn check_row(
    row: &Series,
    distribution: Distribution,
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let Some(tarball) = source::find(&row.name, distribution, cache, progress)? else {
        // There makepkg fetches the real one, and checks its hash and signature.
        return Ok(wrong);
    };
    let folder = tempfile::tempdir().context("create a folder in", std::env::temp_dir())?;
    let files = [
        "Makefile",
        "scripts/Makefile.build",
        "scripts/min-tool-version.sh",
    ];
    Program::new("unpacking", "tar", &cache.log("series")?)
        .args(["--extract", "--strip-components=1", "--directory"])
        .args([folder.path(), "--file".as_ref(), &tarball.path])
        .args(["--wildcards"])
        .args(files.map(|file| format!("linux-*/{file}")))
        .run(progress)?;

    let script = folder.path().join("scripts/min-tool-version.sh");
    let least = |tool: &str| {
        let script = script.display().to_string();
        let shown = Command::new("sh")
            .args([&script, tool])
            .env("SRCARCH", "x86")
            .output();
        shown.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let bindgens = row.bindgen.split(',').map(|entry| {
        let version = entry.split(':').next().unwrap_or_default();
        ("bindgen", version.to_owned())
    });
    let tools = [
        ("rustc", row.rustc.clone()),
        ("llvm", row.clang.to_string()),
    ];
    for (tool, version) in tools.into_iter().chain(bindgens) {
        let needs = least(tool);
        // The table has clang's major version alone.
        let depth = version.split('.').count();
        if numbers(&needs).is_empty()
            || numbers(&version) < numbers(&needs)[..depth.min(3)].to_vec()
        {
            wrong.push(format!(
                "{}: its {tool} is {version}, its scripts/min-tool-version.sh says '{needs}'",
                row.name
            ));
        }
    }
    for patch in row
        .patches
        .iter()
        .filter(|patch| patch.starts_with("headers-"))
    {
        let path = repository().join("linux-rust").join(patch);
        let output = Command::new("patch")
            .args(["--dry-run", "--force", "--fuzz=0", "--strip=1", "--input"])
            .arg(&path)
            .current_dir(folder.path())
            .output()
            .context("apply", &path)?;
        if !output.status.success() {
            wrong.push(format!(
                "{}: {patch} does not apply: {}",
                row.name,
                String::from_utf8_lossy(&output.stdout).trim()
            ));
        }
    }
    Ok(wrong)
}

fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// `make check-series`.
pub fn print_check() -> Result<()> {
    let progress = Progress::default();
    crate::host::begin()?;
    let cache = Cache::open(&progress)?;
    let wrong = check(Distribution::detect()?, &cache, &progress)?;
    if wrong.is_empty() {
        progress.say("Good: every row fits its tree.");
        return Ok(());
    }
    Err(Error::State {
        what: "the table does not fit the trees".into(),
        note: wrong.join("\n  note: "),
        help: format!("edit {}", table().display()),
    })
}

/// The folder of an LLVM that is new enough, where the one in PATH is not. On Debian the newest
/// that its suites have is installed beside it.
pub fn llvm(
    row: &Series,
    distribution: Distribution,
    cache: &Cache,
    progress: &Progress,
) -> Result<Option<PathBuf>> {
    let here = answer("clang", ["-dumpversion"]);
    if numbers(&here)
        .first()
        .is_none_or(|major| *major >= row.clang)
        || distribution != Distribution::Debian
    {
        return Ok(None);
    }
    let newest = answer("apt-cache", ["pkgnames", "clang-"])
        .lines()
        .filter_map(|name| name.strip_prefix("clang-")?.parse::<u32>().ok())
        .filter(|major| *major >= row.clang)
        .max()
        .ok_or_else(|| Error::State {
            what: format!("Linux {} needs clang {} or later", row.name, row.clang),
            note: format!("clang here is {here}, and no suite that apt knows has such a one"),
            help: "sudo apt-get update; or add a suite that has it".into(),
        })?;
    let folder = PathBuf::from(format!("/usr/lib/llvm-{newest}/bin"));
    let there = |name: &str| folder.join(name).exists();
    let libclang = folder.join("../lib/libclang.so").exists();
    if !(there("clang") && there("ld.lld") && there("llvm-config") && libclang) {
        progress.say(format!(
            "Linux {} needs clang {} or later, and clang here is {here}: installing clang-{newest}...",
            row.name, row.clang
        ));
        Program::new("installing clang", "apt-get", &cache.log("install-clang")?)
            .args(["install", "--yes", "--no-install-recommends"])
            .args(["clang", "lld", "llvm"].map(|name| format!("{name}-{newest}")))
            .args([format!("libclang-{newest}-dev")])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run(progress)?;
    }
    Ok(Some(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_all_columns() {
        let rows = all().unwrap();
        assert!(rows.len() > 1);
        assert_eq!(rows[0].pkgbase, "linux-rust");
        assert!(parse("6.1 linux-rust 6.1.172").is_err());
        let old = rows[0].row.replacen("  11  ", "  x  ", 1);
        assert!(
            parse(&old)
                .unwrap_err()
                .to_string()
                .contains("no version of clang")
        );
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(numbers("1.100.0") > numbers("1.97.1"));
        assert!(numbers("17") >= numbers("17.0.1")[..1].to_vec());
    }
}
