// SPDX-License-Identifier: MIT OR Apache-2.0

//! `compile_commands.json`, from which clangd and other tools know how a module's C files are
//! compiled. The format is that of Clang's "JSON Compilation Database"; what is in it comes from what
//! kbuild writes down beside each object, `.NAME.o.cmd`.

use std::path::{Path, PathBuf};

use kernel_files::file;
use serde::{Deserialize, Serialize};

/// More than any command of kbuild's.
const LIMIT: u64 = 4 << 20;

/// How one file is compiled.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where the compiler runs.
    pub directory: PathBuf,
    /// As the shell gets it.
    pub command: String,
    pub file: PathBuf,
}

/// How kbuild has compiled a source, if it has. `objtree` is the kernel's tree, `directory` the module's.
pub fn entry(source: &Path, objtree: &Path, directory: &Path) -> Option<Entry> {
    let mut name = std::ffi::OsString::from(".");
    name.push(source.file_stem()?);
    name.push(".o.cmd");
    let noted = file::read_text(&source.with_file_name(name), LIMIT).ok()?;
    let (target, command) = noted.lines().next()?.split_once(" := ")?;
    if !target.starts_with("cmd_") && !target.starts_with("savedcmd_") {
        return None;
    }
    // What objtool and others do to the object afterwards does not matter to an editor.
    let command = command.split(" ; ").next()?.replace("$(pound)", "#");
    let compiled = PathBuf::from(shlex::split(&command)?.pop()?);
    (compiled.file_name() == source.file_name()).then(|| Entry {
        // Since 6.13 the compiler runs in the module's directory, before in the kernel's.
        directory: if compiled.is_absolute() {
            objtree
        } else {
            directory
        }
        .to_path_buf(),
        command: command.trim().to_owned(),
        file: source.to_path_buf(),
    })
}

/// Whether a text is a list that has only files of this directory: one that can be made again.
pub fn is_one(text: &str, directory: &Path) -> bool {
    serde_json::from_str::<Vec<Entry>>(text).is_ok_and(|entries| {
        entries
            .iter()
            .all(|entry| entry.file.starts_with(directory))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(command: &str) -> Option<Entry> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".a.o.cmd"), command).unwrap();
        let source = directory.path().join("a.c");
        let entry = entry(&source, Path::new("/kdir"), Path::new("/module"));
        entry.inspect(|entry| assert_eq!(entry.file, source))
    }

    #[test]
    fn entry_is_the_command_without_what_follows_the_compiler() {
        let entry = noted(
            "savedcmd_a.o := clang -D'N=\"a b\"' -DX='$(pound)' -c -o a.o a.c ; objtool a.o\n\nsource_a.o := a.c\n",
        )
        .unwrap();
        assert_eq!(entry.command, "clang -D'N=\"a b\"' -DX='#' -c -o a.o a.c");
        assert_eq!(entry.directory, Path::new("/module"));
    }

    #[test]
    fn entry_of_an_absolute_source_runs_in_the_kernels_tree() {
        let entry = noted("cmd_/m/a.o := gcc -c -o /m/a.o /m/a.c\n").unwrap();
        assert_eq!(entry.directory, Path::new("/kdir"));
    }

    #[test]
    fn entry_is_none_where_nothing_was_compiled() {
        for text in [
            "",
            "x\n",
            "x := gcc a.c\n",
            "cmd_a.o := gcc b.c\n",
            "cmd_a.o := gcc 'a.c\n",
        ] {
            assert_eq!(noted(text), None, "{text:?}");
        }
        let nowhere = Path::new("/nowhere/a.c");
        assert_eq!(entry(nowhere, nowhere, nowhere), None);
    }

    #[test]
    fn is_one_spares_lists_of_other_directories() {
        let of = |file| format!(r#"[{{"directory":"/m","command":"cc","file":"{file}"}}]"#);
        assert!(is_one(&of("/m/a.c"), Path::new("/m")) && is_one("[]", Path::new("/m")));
        assert!(!is_one(&of("/n/a.c"), Path::new("/m")) && !is_one("{}", Path::new("/m")));
    }
}
