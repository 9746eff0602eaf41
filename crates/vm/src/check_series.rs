// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make check-series`: is each row of `linux-rust/series` true, and each of `rust-toolchain/releases`?
//! They are compared with the row's own kernel sources, and with what Rust's server says of its release.

use std::{fs, path::Path, process::Command};

use crate::{
    error::{Context, Error, Result},
    files::repository,
    host::{self, Site},
    releases::{self, COMPONENTS, Part},
    root,
    run::{Program, Progress},
    series::{self, Series, numbers},
    source,
};

/// Checks, and says what came of it.
pub fn run() -> Result<()> {
    let progress = Progress::default();
    let site = Site::here(root::enter(&progress)?, progress)?;
    let wrong = check(&site)?;
    if wrong.is_empty() {
        progress.say("Good: every row fits its tree.");
        return Ok(());
    }
    Err(Error::State {
        what: "linux-rust/series is not true".into(),
        note: wrong.join("\n  note: "),
        help: format!("edit {}", series::table().display()),
    })
}

/// Returns what is wrong in the table, a sentence each.
pub fn check(site: &Site) -> Result<Vec<String>> {
    let progress = &site.progress;
    let rows = series::all()?;
    let mut wrong = twins(&rows);
    for row in &rows {
        let mut of_row = forms(row);
        let parts = releases::of(&row.name)?;
        of_row.extend(toolchain(row, &parts));
        match host::manifest(&row.rustc) {
            Ok(manifest) => of_row.extend(hashes(&parts, &manifest)),
            Err(why) => progress.say(format!("{}: {why}: hashes not checked", row.name)),
        }
        if let Some(tarball) = source::find(&row.name, site)?
            && numbers(&tarball.version) > numbers(&row.release)
        {
            progress.say(format!(
                "{}: {} is out, and the row has {}. Change the row, and try it: make vm SERIES={0}",
                row.name, tarball.version, row.release
            ));
        }
        let tarball = source::tarball(row, site)?;
        of_row.extend(tree(row, &parts, &tarball, site)?);
        wrong.extend(
            of_row
                .into_iter()
                .map(|what| format!("{}: {what}", row.name)),
        );
    }
    Ok(wrong)
}

/// Rows that could not live beside each other.
fn twins(rows: &[Series]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        for other in &rows[..number] {
            if other.name == row.name {
                wrong.push(format!("{}: there are two rows of that series", row.name));
            }
            if other.pkgbase == row.pkgbase {
                wrong.push(format!(
                    "{}: its pkgbase {} is {}'s too",
                    row.name, row.pkgbase, other.name
                ));
            }
        }
    }
    wrong
}

/// What can be seen without looking anywhere else.
fn forms(row: &Series) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |good: bool, what: String| {
        if !good {
            wrong.push(what);
        }
    };
    let hexadecimal = |text: &str, digits: usize| {
        text.len() == digits
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let Series { name, release, .. } = row;
    must(
        release == name || release.starts_with(&format!("{name}.")),
        format!("its release {release} is none of {name}"),
    );
    must(
        row.sha256 == "SKIP" || hexadecimal(&row.sha256, 64),
        format!(
            "its sha256 is neither 64 hexadecimal digits nor SKIP: '{}'",
            row.sha256
        ),
    );
    must(
        row.config_sha256 == "SKIP" || hexadecimal(&row.config_sha256, 64),
        format!(
            "the sha256 of the configuration of {} is neither 64 hexadecimal digits nor SKIP: '{}'",
            row.arch, row.config_sha256
        ),
    );
    must(
        repository().join("linux-rust").join(row.patch()).is_file(),
        format!("{} is not beside the PKGBUILD", row.patch()),
    );
    wrong
}

/// Whether `rust-toolchain/releases` has all of the row's Rust.
fn toolchain(row: &Series, parts: &[Part]) -> Vec<String> {
    let mut wrong = Vec::new();
    for part in parts.iter().filter(|part| part.release != row.rustc) {
        wrong.push(format!(
            "its rustc is {}, and rust-toolchain/releases has {} for it",
            row.rustc, part.release
        ));
    }
    for component in COMPONENTS {
        let start = format!("/{component}-{}", row.rustc);
        if !parts.iter().any(|part| part.file.contains(&start)) {
            wrong.push(format!("rust-toolchain/releases has no {component} for it"));
        }
    }
    let last = parts.iter().rfind(|part| part.bindgen().is_some());
    if last.is_none_or(|part| part.libclang.is_some()) {
        wrong.push("rust-toolchain/releases has no bindgen for the newest libclang".into());
    }
    wrong
}

/// The hashes that are not those of the release's manifest.
fn hashes(parts: &[Part], manifest: &str) -> Vec<String> {
    let archives = parts.iter().filter(|part| part.bindgen().is_none());
    archives
        .filter(|Part { file, sha256, .. }| {
            !manifest.contains(&format!("/dist/{file}\"\nxz_hash = \"{sha256}\""))
        })
        .map(|part| format!("Rust's manifest has another sha256 of {}", part.file))
        .collect()
}

/// What the row says of its tools and its patch, against the tree: rustc and bindgen are those that its
/// `scripts/min-tool-version.sh` asks for, or later, and the patch applies without fuzz.
fn tree(row: &Series, parts: &[Part], tarball: &Path, site: &Site) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let directory = tempfile::tempdir().context("create a directory in", std::env::temp_dir())?;
    let patch = repository().join("linux-rust").join(row.patch());
    let text = fs::read_to_string(&patch).context("read", &patch)?;
    Program::new("unpacking", "tar", &site.cache.log("series")?)
        .args(["--extract", "--strip-components=1", "--directory"])
        .args([directory.path(), "--file".as_ref(), tarball])
        .args(["--wildcards", "--no-wildcards-match-slash"])
        .args(["linux-*/scripts/min-tool-version.sh"])
        .args(patched(&text).map(|file| format!("linux-*/{file}")))
        .run(&site.progress)?;

    let script = directory.path().join("scripts/min-tool-version.sh");
    let least = |tool: &str| {
        let shown = Command::new("sh")
            .arg(&script)
            .arg(tool)
            .env("SRCARCH", "x86")
            .output();
        shown.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let bindgens = parts
        .iter()
        .filter_map(|part| Some(("bindgen", part.bindgen()?)));
    for (tool, version) in [("rustc", &*row.rustc)].into_iter().chain(bindgens) {
        let needs = least(tool);
        if needs.is_empty() || numbers(version) < numbers(&needs) {
            wrong.push(format!(
                "its {tool} is {version}, and its scripts/min-tool-version.sh says '{needs}'"
            ));
        }
    }
    let output = Command::new("patch")
        .args(["--dry-run", "--force", "--fuzz=0", "--strip=1", "--input"])
        .arg(&patch)
        .current_dir(directory.path())
        .output()
        .context("apply", &patch)?;
    if !output.status.success() {
        wrong.push(format!(
            "{} does not apply: {}",
            row.patch(),
            String::from_utf8_lossy(&output.stdout).trim()
        ));
    }
    Ok(wrong)
}

/// The files that a patch is for, by their paths in the tree.
fn patched(patch: &str) -> impl Iterator<Item = &str> {
    patch.lines().filter_map(|line| line.strip_prefix("--- a/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(edit: impl FnOnce(&mut Series)) -> Series {
        let mut row = series::all().unwrap().remove(0);
        edit(&mut row);
        row
    }

    #[test]
    fn each_form_is_asked_for() {
        assert_eq!(forms(&row(|_| {})), [""; 0]);
        type Edit = fn(&mut Series);
        let cases: [(Edit, &str); 3] = [
            (
                |row| row.release = "6.12.3".into(),
                "release 6.12.3 is none of 6.1",
            ),
            (
                |row| row.sha256 = "x".repeat(64),
                "neither 64 hexadecimal digits",
            ),
            (
                |row| row.config_sha256.truncate(63),
                "of 6.1.arch1-1 is neither 64",
            ),
        ];
        for (edit, message) in cases {
            let wrong = forms(&row(edit));
            assert!(
                matches!(&wrong[..], [only] if only.contains(message)),
                "{message}: {wrong:?}"
            );
        }
        let wrong = forms(&row(|row| row.name = "6.2".into()));
        assert!(
            wrong
                .iter()
                .any(|what| what.contains("headers-rust-6.2.patch is not beside")),
            "{wrong:?}"
        );
    }

    #[test]
    fn the_releases_of_rust_are_whole() {
        let rows = series::all().unwrap();
        for row in &rows {
            let parts = releases::of(&row.name).unwrap();
            assert_eq!(toolchain(row, &parts), [""; 0]);
        }
        let (row, mut parts) = (&rows[0], releases::of(&rows[0].name).unwrap());
        parts.retain(|part| !part.file.contains("/rustfmt-"));
        parts.pop();
        assert_eq!(
            toolchain(row, &parts),
            [
                "rust-toolchain/releases has no rustfmt for it",
                "rust-toolchain/releases has no bindgen for the newest libclang"
            ]
        );
    }

    #[test]
    fn the_readme_has_the_same_table() {
        let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
        let cells = |line: &str| -> Vec<String> {
            let cells = line.split('|').map(|cell| cell.trim().to_owned());
            cells.skip(1).take(3).collect()
        };
        let mut there: Vec<_> = readme
            .lines()
            .skip_while(|line| !line.starts_with("| series | NAME | rustc |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .map(cells)
            .collect();
        // The default is the first.
        there[0][0] = there[0][0].replace("**", "");
        let here: Vec<_> = series::all()
            .unwrap()
            .into_iter()
            .map(|row| vec![row.name, format!("`{}`", row.pkgbase), row.rustc])
            .collect();
        assert_eq!(there, here);
    }

    #[test]
    fn rows_have_names_of_their_own() {
        let rows = [row(|_| {}), row(|row| row.name = "6.2".into())];
        assert_eq!(
            twins(&rows),
            ["6.2: its pkgbase linux-rust-lts61 is 6.1's too"]
        );
        let rows = [row(|_| {}), row(|row| row.pkgbase = "other".into())];
        assert_eq!(twins(&rows), ["6.1: there are two rows of that series"]);
    }

    #[test]
    fn hashes_are_those_of_the_manifest() {
        let part = Part {
            series: "6.1".into(),
            release: "1.62.0".into(),
            file: "2022-06-30/rustc-1.62.0.tar.xz".into(),
            sha256: "e7f7".into(),
            libclang: None,
        };
        let manifest = "xz_url = \"https://example/dist/2022-06-30/rustc-1.62.0.tar.xz\"\n\
                        xz_hash = \"e7f7\"\n";
        assert_eq!(hashes(std::slice::from_ref(&part), manifest), [""; 0]);
        let wrong = hashes(&[part], &manifest.replace("e7f7", "e7f8"));
        assert!(
            wrong[0].contains("another sha256 of 2022-06-30/rustc-1.62.0"),
            "{wrong:?}"
        );
    }
}
