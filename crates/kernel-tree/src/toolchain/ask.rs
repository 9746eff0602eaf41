// SPDX-License-Identifier: MIT OR Apache-2.0

//! The version of a rustc.
//!
//! A rustc reads only crates whose header holds exactly its own version string, so the crates it
//! was installed with hold that string, too. It is read out of `libstd-….so`, which takes a
//! millisecond, where starting rustc, or rustup to find it, takes fifty. Where there is no such
//! library to read, rustc is asked.

use std::path::Path;
use std::process::{Command, Stdio};

use kernel_files::{file, rmeta};
use object::Object;

use crate::fetched;
use crate::system::System;

/// The full version string of a rustc: read where it can be, else asked for.
pub fn version_of(system: &System, rustc: &Path) -> Result<String, String> {
    let real = std::fs::canonicalize(rustc).unwrap_or_else(|_| rustc.to_path_buf());
    if let Some(read) = read_version(system, &real) {
        return read;
    }
    // A script, and only the machine that it is on can run it.
    if !system.is_live()
        && let Some(version) = fetched::version_of(&real)
    {
        return Ok(version);
    }
    let directory = real.parent().unwrap_or(Path::new("/")).to_path_buf();
    run_version(system, &real.to_string_lossy(), &directory)
}

/// Reads the version out of the libraries beside a rustc. `None` when they do not tell.
fn read_version(system: &System, real: &Path) -> Option<Result<String, String>> {
    let bin = real.parent()?;
    let prefix = bin.parent()?;
    let (file, _) = file::open(real).ok()?;
    let cache = object::read::ReadCache::new(file);
    // A script is a wrapper: what it would run is not known before it runs.
    let elf = object::File::parse(&cache).ok()?;
    let needed = needed_libraries(&elf);
    let mut directories = vec![prefix.join("lib")];
    // Debian's libraries lie in the directory of the architecture.
    directories.push(prefix.join(format!("lib/{}-linux-gnu", system.machine)));
    directories.push(prefix.join("lib64"));
    if let Some(driver) = needed
        .iter()
        .find(|name| name.starts_with("librustc_driver"))
        && !directories
            .iter()
            .any(|directory| directory.join(driver).exists())
    {
        return Some(Err(format!(
            "it does not start: {driver} is missing beside it"
        )));
    }
    if let Ok(hosts) = std::fs::read_dir(prefix.join("lib/rustlib")) {
        let mut own: Vec<_> = hosts
            .flatten()
            .filter(|host| {
                host.file_name()
                    .to_string_lossy()
                    .starts_with(system.machine)
            })
            .map(|host| host.path().join("lib"))
            .collect();
        own.sort();
        directories.extend(own);
    }
    let libraries = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        directories
            .iter()
            .filter_map(|directory| std::fs::read_dir(directory).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|entry| is_wanted(&entry.file_name().to_string_lossy()))
            .filter_map(|entry| rmeta::library_rustc(&entry.path()).ok())
            .collect()
    };
    let mut versions = libraries(&|name| name.starts_with("libstd-") && name.ends_with(".so"));
    if versions.is_empty() {
        // Later rustcs have the standard library in their driver, and a package of what they need to
        // run has no other.
        versions = libraries(&|name| {
            name.starts_with("librustc_driver") && needed.iter().any(|library| library == name)
        });
    }
    versions.sort();
    versions.dedup();
    // Two versions side by side, as in a distribution with several, tell nothing.
    (versions.len() == 1)
        .then(|| versions.pop())
        .flatten()
        .map(Ok)
}

fn needed_libraries<'a>(
    elf: &object::File<'a, &'a object::read::ReadCache<std::fs::File>>,
) -> Vec<String> {
    use object::ObjectSection;
    let Some(strings) = elf.section_by_name(".dynstr").and_then(|s| s.data().ok()) else {
        return Vec::new();
    };
    // The names of needed libraries stand among the dynamic strings; only rustc's own is sought.
    strings
        .split(|byte| *byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter(|name| name.starts_with("librustc_driver") && name.ends_with(".so"))
        .map(str::to_string)
        .collect()
}

pub(super) fn run_version(
    system: &System,
    command_line: &str,
    directory: &Path,
) -> Result<String, String> {
    if !system.is_live() {
        return Err("it is on another system, and has no library beside it that tells".into());
    }
    let mut command = limited("sh");
    command
        .arg("-c")
        .arg(format!("exec {} --version", shell_words(command_line)))
        .current_dir(directory);
    let output = printed(&mut command, "it fails when asked for its version")?;
    output
        .lines()
        .next()
        .filter(|line| line.starts_with("rustc "))
        .map(str::to_string)
        .ok_or_else(|| format!("`{command_line} --version` does not name a rustc"))
}

/// A path is quoted, a command line with arguments stays as it is.
fn shell_words(command_line: &str) -> String {
    if Path::new(command_line).exists() {
        format!("'{}'", command_line.replace('\'', "'\\''"))
    } else {
        command_line.to_string()
    }
}

/// A program that ends after ten seconds at the latest, by timeout(1).
pub(super) fn limited(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=1", "10", program]);
    command
}

/// Runs a limited program and returns what it printed.
pub(super) fn printed(command: &mut Command, failing: &str) -> Result<String, String> {
    let name = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name} does not start: {error}"))?;
    match output.status.code() {
        Some(0) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Some(124 | 137) => Err(format!("{name} did not end within 10 s")),
        _ => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let mut lines = complaint.lines().map(str::trim);
            let last = lines.rfind(|line| !line.is_empty()).unwrap_or_default();
            Err(format!("{failing} ({}): {last}", output.status))
        }
    }
}
