// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `modprobe.d(5)` has modprobe do in place of loading a module.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use kernel_files::file;

use crate::system::System;

/// A command that modprobe runs in place of loading a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// The line that says so.
    pub line: String,
    /// The file that it stands in.
    pub from: String,
}

/// The modules that modprobe does not load, by name: those with a line `install NAME COMMAND` whose
/// command is not there to load anything, as hardening guides have them.
///
/// As in libkmod, one file of each name counts, that of the first directory that has it, and the
/// first line of each module, by the names of the files.
pub fn not_loaded(system: &System) -> HashMap<String, Instead> {
    const DIRECTORIES: [&str; 5] = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];
    const COMMANDS: [&str; 3] = ["true", "false", ":"];
    let mut files = BTreeMap::new();
    for directory in DIRECTORIES.map(|directory| format!("{directory}/modprobe.d")) {
        let entries = std::fs::read_dir(system.at(&directory))
            .into_iter()
            .flatten();
        for entry in entries.flatten().take(1024) {
            let path = Path::new(&directory).join(entry.file_name());
            if path.extension().is_some_and(|ending| ending == "conf") {
                files.entry(entry.file_name()).or_insert(path);
            }
        }
    }
    let mut found = HashMap::new();
    for path in files.values() {
        let text = file::read_text(&system.at(path), 1 << 20).unwrap_or_default();
        for line in text.replace("\\\n", "").lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            if let ["install", name, command, ..] = words[..] {
                let loads = !COMMANDS.contains(&command.rsplit('/').next().unwrap_or(command));
                let instead = (!loads).then(|| Instead {
                    line: words.join(" "),
                    from: path.display().to_string(),
                });
                found.entry(name.replace('-', "_")).or_insert(instead);
            }
        }
    }
    let not_loaded = |(name, instead): (_, Option<_>)| Some((name, instead?));
    found.into_iter().filter_map(not_loaded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modprobe_d_is_read_as_modprobe_reads_it() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, root.path().join(name)).unwrap();
        };
        // One file of a name counts, that of the first directory, also where it is a link to nothing.
        write("etc/modprobe.d/own.conf", "install a modprobe -i a\n");
        write("usr/lib/modprobe.d/own.conf", "install a /bin/false\n");
        link("/dev/null", "etc/modprobe.d/masked.conf");
        write("run/modprobe.d/masked.conf", "install b /bin/false\n");
        // Of two lines for a module the first counts, by the names of their files.
        write("usr/lib/modprobe.d/10.conf", "install c modprobe -i c\n");
        write("etc/modprobe.d/20.conf", "install c /bin/false\n");
        write(
            "usr/local/lib/modprobe.d/hard.conf",
            "install d-e \\\n /bin/true\n",
        );
        link("usr/lib", "lib");
        let found = not_loaded(&System::bare(root.path()));
        let instead = Instead {
            line: "install d-e /bin/true".into(),
            from: "/usr/local/lib/modprobe.d/hard.conf".into(),
        };
        assert_eq!(found, HashMap::from([("d_e".to_string(), instead)]));
    }
}
