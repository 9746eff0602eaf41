// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make check-series`: is each row of `linux-rust/series` true? Held against the row's own kernel
//! sources, and against what rustup's server says of its rustc.

use std::{fs, path::Path, process::Command};

use crate::{
    cache::Cache,
    error::{Context, Error, Result},
    host::{self, Distribution},
    packages::repository,
    root,
    run::{Program, Progress},
    series::{self, Series, numbers},
    source,
};

/// Checks, and says what came of it.
pub fn run() -> Result<()> {
    let progress = Progress::default();
    let cache = root::enter(&progress)?;
    let wrong = check(Distribution::detect()?, &cache, &progress)?;
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
pub fn check(
    distribution: Distribution,
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<String>> {
    let rows = series::all()?;
    let mut wrong = twins(&rows);
    for row in &rows {
        let mut of_row = forms(row);
        of_row.extend(toolchain(row, progress));
        let tarball = source::tarball(row, distribution, cache, progress)?;
        of_row.extend(tree(row, &tarball, cache, progress)?);
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
        hexadecimal(&row.commit, 9),
        format!(
            "rustc's commit is not nine hexadecimal digits: '{}'",
            row.commit
        ),
    );
    match (&row.arch, &row.config_sha256) {
        (Some(tag), Some(sum)) => must(
            hexadecimal(sum, 64),
            format!(
                "the sha256 of the configuration of {tag} is not 64 hexadecimal digits: '{sum}'"
            ),
        ),
        (Some(tag), None) => must(
            false,
            format!("it names Arch's {tag}, and no sha256 of its configuration"),
        ),
        (None, Some(_)) => must(
            false,
            "it has the sha256 of a configuration, and names no tag of Arch's".into(),
        ),
        (None, None) => {}
    }
    for patch in &row.patches {
        must(
            repository().join("linux-rust").join(patch).is_file(),
            format!("{patch} is not beside the PKGBUILD"),
        );
    }
    for (version, most) in row.bindgens() {
        must(
            numbers(version).len() == 3 && most.is_none_or(|most| most.parse::<u32>().is_ok()),
            format!(
                "'{}' is no list of bindgen's versions, each but the last with a libclang's",
                row.bindgen
            ),
        );
    }
    wrong
}

/// rustc's string has to be the release's own, since the build compares it.
fn toolchain(row: &Series, progress: &Progress) -> Vec<String> {
    let named = format!("{} ({} {})", row.rustc, row.commit, row.date);
    let mut wrong = Vec::new();
    match host::manifest(&row.rustc) {
        Ok(manifest) => match packaged(&manifest, "rustc") {
            Some(version) if version == named => {}
            version => wrong.push(format!(
                "its rustc is {named}, and rustup's is {}",
                version.unwrap_or("not known")
            )),
        },
        Err(why) => progress.say(format!(
            "{}: {why}: not checked that rustc {named} is what rustup brings",
            row.name
        )),
    }
    if row.cargo != row.rustc
        && let Ok(manifest) = host::manifest(&row.cargo)
        && packaged(&manifest, "cargo").is_none()
    {
        wrong.push(format!("there is no cargo in Rust {}", row.cargo));
    }
    wrong
}

/// The version of a package in a release's manifest.
fn packaged<'m>(manifest: &'m str, package: &str) -> Option<&'m str> {
    let head = format!("[pkg.{package}]");
    let mut lines = manifest.lines().skip_while(|line| *line != head);
    lines
        .nth(1)?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

/// What the row says of its tools and patches, against the tree: rustc, bindgen and clang are those
/// that its `scripts/min-tool-version.sh` asks for, or later, and the patch applies.
fn tree(row: &Series, tarball: &Path, cache: &Cache, progress: &Progress) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let folder = tempfile::tempdir().context("create a folder in", std::env::temp_dir())?;
    let mut patches = Vec::new();
    for name in row
        .patches
        .iter()
        .filter(|name| name.starts_with("headers-"))
    {
        let path = repository().join("linux-rust").join(name);
        let text = fs::read_to_string(&path).context("read", &path)?;
        patches.push((name, path, text));
    }
    let patched = patches.iter().flat_map(|(_, _, text)| patched(text));
    Program::new("unpacking", "tar", &cache.log("series")?)
        .args(["--extract", "--strip-components=1", "--directory"])
        .args([folder.path(), "--file".as_ref(), tarball])
        .args(["--wildcards", "--no-wildcards-match-slash"])
        .args(["linux-*/scripts/min-tool-version.sh"])
        .args(patched.map(|file| format!("linux-*/{file}")))
        .run(progress)?;

    let script = folder.path().join("scripts/min-tool-version.sh");
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
    let bindgens = row.bindgens();
    let bindgens = bindgens.map(|(version, _)| ("bindgen", version.to_owned()));
    let tools = [
        ("rustc", row.rustc.clone()),
        ("llvm", row.clang.to_string()),
    ];
    for (tool, version) in tools.into_iter().chain(bindgens) {
        let needs = least(tool);
        // The table has clang's major version alone.
        let mut least = numbers(&needs);
        least.truncate(numbers(&version).len());
        if least.is_empty() || numbers(&version) < least {
            wrong.push(format!(
                "its {tool} is {version}, and its scripts/min-tool-version.sh says '{needs}'"
            ));
        }
    }
    for (name, path, _) in &patches {
        let output = Command::new("patch")
            .args(["--dry-run", "--force", "--fuzz=0", "--strip=1", "--input"])
            .arg(path)
            .current_dir(folder.path())
            .output()
            .context("apply", path)?;
        if !output.status.success() {
            wrong.push(format!(
                "{name} does not apply: {}",
                String::from_utf8_lossy(&output.stdout).trim()
            ));
        }
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
        let cases: [(Edit, &str); 8] = [
            (
                |row| row.release = "6.12.3".into(),
                "release 6.12.3 is none of 6.1",
            ),
            (
                |row| row.sha256.truncate(63),
                "neither 64 hexadecimal digits",
            ),
            (|row| row.commit = "a8314ef7".into(), "not nine hexadecimal"),
            (|row| row.arch = None, "names no tag of Arch's"),
            (
                |row| row.config_sha256 = None,
                "no sha256 of its configuration",
            ),
            (
                |row| row.config_sha256 = Some("x".repeat(64)),
                "of 6.1.arch1-1 is not 64",
            ),
            (
                |row| row.patches.push("no.patch".into()),
                "no.patch is not beside",
            ),
            (
                |row| row.bindgen = "0.56.0:x".into(),
                "'0.56.0:x' is no list",
            ),
        ];
        for (edit, message) in cases {
            let wrong = forms(&row(edit));
            assert!(
                matches!(&wrong[..], [only] if only.contains(message)),
                "{message}: {wrong:?}"
            );
        }
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
        // The default is the first, and said to be.
        there[0][0] = there[0][0].replace("**", "").replace(", the default", "");
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
        assert_eq!(twins(&rows), ["6.2: its pkgbase linux-rust is 6.1's too"]);
        let rows = [row(|_| {}), row(|row| row.pkgbase = "other".into())];
        assert_eq!(twins(&rows), ["6.1: there are two rows of that series"]);
    }

    #[test]
    fn a_manifest_names_the_whole_version() {
        let manifest = "[pkg.rust-src]\nversion = \"x\"\n\n[pkg.rustc]\n\
                        version = \"1.62.0 (a8314ef7d 2022-06-27)\"\n";
        assert_eq!(
            packaged(manifest, "rustc"),
            Some("1.62.0 (a8314ef7d 2022-06-27)")
        );
        assert_eq!(packaged(manifest, "cargo"), None);
    }
}
