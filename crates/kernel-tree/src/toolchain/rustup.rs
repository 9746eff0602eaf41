// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which toolchain rustup runs in a directory. It is read from rustup's files: starting rustup takes fifty
//! milliseconds.

use std::path::{Path, PathBuf};

use kernel_files::file;
use toml::{Table, Value};

use crate::system::System;

/// Whether a file is rustup in a rustc's place: a link to it, or the same file under two names.
pub(super) fn is_rustup(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(real) = std::fs::canonicalize(file) else {
        return false;
    };
    let is_chosen_name = |path: &Path| {
        path.file_name()
            .is_some_and(|name| name == "rustup" || name == "rustup-init")
    };
    if is_chosen_name(&real) {
        return true;
    }
    let sibling = file.with_file_name("rustup");
    match (std::fs::metadata(file), std::fs::metadata(sibling)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// The toolchain that rustup runs.
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) directory: PathBuf,
    /// The rule that chose it.
    pub(super) because: String,
}

/// rustup's directory: `RUSTUP_HOME`, or `.rustup` in the caller's home.
pub(super) fn home(system: &System) -> Option<PathBuf> {
    match system.env("RUSTUP_HOME") {
        Some(home) => Some(system.at(home)),
        None => system.home().map(|home| home.join(".rustup")),
    }
}

/// The toolchain rustup runs in a directory, by its documented order: the variable, then the nearest
/// override or toolchain file, then the default.
pub(super) fn choice(system: &System, directory: &Path) -> Result<Choice, String> {
    let home = home(system).ok_or("neither RUSTUP_HOME nor HOME is set")?;
    let settings = settings(&home.join("settings.toml"));
    let host = text_of(&settings, "default_host_triple")
        .unwrap_or_else(|| format!("{}-unknown-linux-gnu", system.machine));
    let (name, because) = chosen_name(system, directory, &settings)?;
    let directory = if name.starts_with('/') {
        system.at(&name)
    } else {
        let exact = home.join("toolchains").join(&name);
        let full = home.join("toolchains").join(format!("{name}-{host}"));
        match [exact, full]
            .into_iter()
            .find(|directory| directory.is_dir())
        {
            Some(directory) => directory,
            None => {
                return Err(format!(
                    "its toolchain '{name}' ({because}) is not installed"
                ));
            }
        }
    };
    let name = directory
        .file_name()
        .map_or(name, |name| name.to_string_lossy().into_owned());
    Ok(Choice {
        name,
        directory,
        because,
    })
}

fn chosen_name(
    system: &System,
    directory: &Path,
    settings: &Table,
) -> Result<(String, String), String> {
    if let Some(name) = system.env("RUSTUP_TOOLCHAIN") {
        return Ok((name.to_string(), "RUSTUP_TOOLCHAIN is set".into()));
    }
    let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
    for directory in directory.ancestors() {
        let overrides = settings.get("overrides").and_then(Value::as_table);
        if let Some(name) = overrides.and_then(|all| text_of(all, &system.shown(directory))) {
            return Ok((
                name,
                format!("rustup override of {}", system.shown(directory)),
            ));
        }
        for file in ["rust-toolchain", "rust-toolchain.toml"] {
            let path = directory.join(file);
            let Ok(text) = file::read_text(&path, 64 << 10) else {
                continue;
            };
            let name = toolchain_file(&text)
                .ok_or_else(|| format!("{} names no toolchain", system.shown(&path)))?;
            return Ok((name, format!("named in {}", system.shown(&path))));
        }
    }
    if let Some(name) = text_of(settings, "default_toolchain") {
        return Ok((name, "rustup default".into()));
    }
    let fallback = self::settings(&system.at("/etc/rustup/settings.toml"));
    match text_of(&fallback, "default_toolchain") {
        Some(name) => Ok((name, "the default in /etc/rustup/settings.toml".into())),
        None => Err("it has no default toolchain for this user".into()),
    }
}

/// rustup's settings. What is not TOML sets nothing.
fn settings(path: &Path) -> Table {
    let text = file::read_text(path, 1 << 20).unwrap_or_default();
    text.parse().unwrap_or_default()
}

fn text_of(table: &Table, key: &str) -> Option<String> {
    let text = table.get(key)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// The toolchain a `rust-toolchain` file names: a bare name, or `channel` or `path` in TOML.
fn toolchain_file(text: &str) -> Option<String> {
    if let Ok(table) = text.parse::<Table>() {
        let toolchain = table.get("toolchain")?.as_table()?;
        return text_of(toolchain, "channel").or_else(|| text_of(toolchain, "path"));
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchain_files_are_read_in_both_forms() {
        assert_eq!(toolchain_file("1.62.0\n").as_deref(), Some("1.62.0"));
        assert_eq!(
            toolchain_file("[toolchain]\nchannel = \"1.78\" # why\n").as_deref(),
            Some("1.78")
        );
        assert_eq!(toolchain_file("[toolchain]\n"), None);
        assert_eq!(toolchain_file("[other]\npath = \"x\"\n"), None);
        assert_eq!(toolchain_file(""), None);
    }

    fn rustup(settings: &str, toolchains: &[&str]) -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("home/.rustup/toolchains")).unwrap();
        std::fs::create_dir_all(root.path().join("work/deep")).unwrap();
        std::fs::write(root.path().join("home/.rustup/settings.toml"), settings).unwrap();
        for name in toolchains {
            std::fs::create_dir(root.path().join("home/.rustup/toolchains").join(name)).unwrap();
        }
        let system = System::bare(root.path()).with("HOME", "/home");
        (root, system)
    }

    const SETTINGS: &str = "version = \"12\"\ndefault_toolchain = \"stable\"\n\
        default_host_triple = \"h\"\n\n[overrides]\n\"/work\" = \"1.62.0-h\"\n";

    #[test]
    fn rustups_order_is_kept() {
        let (root, system) = rustup(SETTINGS, &["stable-h", "1.62.0-h", "1.70.0-h"]);
        let in_directory = |system: &System, directory: &str| {
            choice(system, &root.path().join(directory)).map(|choice| choice.name)
        };
        assert_eq!(in_directory(&system, "").unwrap(), "stable-h");
        assert_eq!(in_directory(&system, "work/deep").unwrap(), "1.62.0-h");
        std::fs::write(root.path().join("work/deep/rust-toolchain"), "1.70.0\n").unwrap();
        assert_eq!(in_directory(&system, "work/deep").unwrap(), "1.70.0-h");
        let variable = system.with("RUSTUP_TOOLCHAIN", "stable");
        assert_eq!(in_directory(&variable, "work/deep").unwrap(), "stable-h");
    }

    #[test]
    fn a_toolchain_that_is_not_installed_is_named() {
        let (root, system) = rustup("default_toolchain = \"1.55.0\"\n", &[]);
        let reason = choice(&system, root.path()).err().unwrap();
        assert_eq!(
            reason,
            "its toolchain '1.55.0' (rustup default) is not installed"
        );
        let (root, system) = rustup("", &[]);
        let reason = choice(&system, root.path()).err().unwrap();
        assert_eq!(reason, "it has no default toolchain for this user");
    }
}
