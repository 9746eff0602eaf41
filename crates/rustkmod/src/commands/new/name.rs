// SPDX-License-Identifier: MIT OR Apache-2.0

//! Names that kbuild, rustc, the kernel and pacman all take.

use std::collections::BTreeSet;
use std::path::Path;

use kernel_files::depmod::module_name;
use kernel_files::file;

use crate::call::Call;
use crate::error::Error;
use kernel_tree::kdir::Kdir;
use kernel_tree::system::System;

/// `MODULE_NAME_LEN` of 64-bit kernels (`include/linux/module.h`), the zero at its end included.
const MODULE_NAME_LEN: usize = 56;

/// Words that rustc takes for no crate's name, of every edition.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "raw",
    "ref", "return", "safe", "self", "static", "struct", "super", "trait", "true", "try", "type",
    "typeof", "union", "unsafe", "unsized", "use", "virtual", "while",
];

/// Crates that every module is compiled beside, whatever the series.
const CRATES: [&str; 6] = ["core", "alloc", "std", "proc_macro", "kernel", "test"];

/// What the module's own code says, and what `module!` says there without a path, in any series:
/// its type must not be called so.
const USED: [&str; 12] = [
    "Drop",
    "Err",
    "KVec",
    "LocalModule",
    "None",
    "Ok",
    "Option",
    "Result",
    "Self",
    "Some",
    "ThisModule",
    "Vec",
];

/// The name of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a name cannot be a module's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    message: String,
    note: String,
    /// A name that would do, or else what such a name has.
    remedy: Result<String, &'static str>,
}

impl NameError {
    /// The error of a command that was given the name.
    pub fn refused(self, name: &str, call: Call) -> Error {
        let error = Error::new(self.message).note(self.note);
        match self.remedy {
            Ok(better) => error.run("take a name that would do", call.with_word(name, better)),
            Err(advice) => error.advise(advice),
        }
    }

    /// A crate of the kernel's has it.
    fn of_a_crate(name: &str) -> Self {
        Self {
            message: format!("'{name}' cannot be a module's name: a crate of the kernel has it"),
            note: "a module is compiled beside that crate, and rustc could not tell them apart"
                .into(),
            remedy: Ok(format!("my_{name}")),
        }
    }
}

impl Name {
    /// Reads a name by the rules that hold whatever the kernel.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let refuse = |what: String, why: &str, better: Option<String>| NameError {
            message: format!("'{name}' cannot be a module's name: {what}"),
            note: why.into(),
            remedy: better
                .ok_or("a name has small letters, digits and '_', and a letter first: hello"),
        };
        // Another spelling is offered only if it is taken.
        let better = |spelling: String| {
            let other = Some(spelling).filter(|spelling| spelling != name)?;
            Self::parse(&other).ok().map(|name| name.0)
        };
        if name.is_empty() {
            return Err(refuse(
                "it is empty".into(),
                "a file has to be called so",
                None,
            ));
        }
        if name.contains('-') {
            return Err(refuse(
                "it has a '-'".into(),
                "the kernel makes '_' of it, and rustc refuses it in the name of a crate",
                better(name.replace('-', "_")),
            ));
        }
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if let Some(odd) = name.chars().find(|c| !is_allowed(*c)) {
            let why = if odd.is_ascii_uppercase() {
                "pacman's packages have small letters, and rustc warns of a crate that has others"
            } else {
                "rustc takes only letters, digits and '_' in the name of a crate"
            };
            return Err(refuse(
                format!("it has a {odd:?}"),
                why,
                better(name.to_ascii_lowercase()),
            ));
        }
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(refuse(
                "it does not begin with a letter".into(),
                "it becomes the name of a crate and of a type in Rust",
                match name.trim_start_matches('_') {
                    "" => None,
                    rest => better(format!("my_{rest}")),
                },
            ));
        }
        if name.len() >= MODULE_NAME_LEN {
            return Err(NameError {
                message: format!("'{name}' is too long for a module's name"),
                note: format!(
                    "it has {} characters, and the kernel has room for {} (MODULE_NAME_LEN)",
                    name.len(),
                    MODULE_NAME_LEN - 1
                ),
                remedy: Err("take a shorter one"),
            });
        }
        if name == "vmlinux" {
            return Err(refuse(
                "it is the kernel's own".into(),
                "kbuild takes an object of that name for the kernel, and makes no module of it",
                better(format!("my_{name}")),
            ));
        }
        if KEYWORDS.contains(&name) {
            return Err(refuse(
                "it is a keyword of Rust".into(),
                "kbuild hands it to rustc as the name of a crate",
                Some(format!("my_{name}")),
            ));
        }
        if CRATES.contains(&name) {
            return Err(NameError::of_a_crate(name));
        }
        Ok(Self(name.to_string()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a Rust type has it: `hello_world` is `HelloWorld`.
    pub fn type_name(&self) -> String {
        let camel: String = self
            .0
            .split('_')
            .filter_map(|word| {
                let mut letters = word.chars();
                let first = letters.next()?.to_ascii_uppercase();
                Some(format!("{first}{}", letters.as_str()))
            })
            .collect();
        if USED.contains(&camel.as_str()) {
            format!("{camel}Type")
        } else {
            camel
        }
    }

    /// Fails if it is the name of a crate that the tree has.
    pub fn is_no_crate_of(&self, kdir: &Kdir) -> Result<(), NameError> {
        if kdir.crates.contains_key(&self.0) || kdir.libraries.contains_key(&self.0) {
            return Err(NameError::of_a_crate(&self.0));
        }
        Ok(())
    }

    /// Fails if a kernel has a module of that name among its own. Modules that were installed
    /// besides (`updates/`, `extra/`) may be earlier builds of this one.
    pub fn is_no_module_in(&self, system: &System, directory: &Path) -> Result<(), NameError> {
        for list in ["modules.builtin", "modules.order", "modules.dep"] {
            let path = directory.join(list);
            let Ok(text) = file::read_text(&path, 64 << 20) else {
                continue;
            };
            if names(&text).contains(self.0.as_str()) {
                let name = &self.0;
                let listed = system.shown(&path);
                return Err(NameError {
                    message: format!("the kernel has a module '{name}' already"),
                    note: format!("{listed} names it, and only one of them could be loaded"),
                    remedy: Ok(format!("my_{name}")),
                });
            }
        }
        Ok(())
    }
}

/// The names of the kernel's own modules in a list of their paths, as the kernel spells them.
fn names(list: &str) -> BTreeSet<String> {
    list.lines()
        .filter_map(|line| line.split([':', ' ']).next())
        .filter(|path| path.starts_with("kernel/"))
        .map(module_name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> String {
        let error = Name::parse(name).expect_err(name);
        let error = error.refused(name, Call::of(&["new", name]));
        let help = &error.help[0];
        let command = help
            .command
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        format!("{error}\n  help: {}{command}", help.text)
    }

    #[test]
    fn plain_names_are_taken() {
        for name in ["hello", "hello_world", "a", "x86_test", &"a".repeat(55)] {
            assert_eq!(Name::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn every_other_name_is_refused_with_its_reason() {
        for (name, said) in [
            ("", "it is empty"),
            ("hello-world", "rustkmod new hello_world"),
            ("Hello", "rustkmod new hello"),
            ("1st", "rustkmod new my_1st"),
            ("_x", "rustkmod new my_x"),
            ("_", "help: a name has small letters"),
            ("-x", "help: a name has small letters"),
            ("../x", "it has a '.'"),
            ("a/b", "it has a '/'"),
            ("a b", "it has a ' '"),
            ("a\nb", "it has a '\\n'"),
            ("grün", "it has a 'ü'"),
            ("fn", "rustkmod new my_fn"),
            ("union", "keyword"),
            ("vmlinux", "rustkmod new my_vmlinux"),
            ("kernel", "a crate of the kernel has it"),
            ("core", "a crate of the kernel has it"),
        ] {
            let message = message(name);
            assert!(message.contains(said), "{name}: {message}");
            assert!(message.contains("\n  note: ") && message.contains("\n  help: "));
        }
        assert!(
            message(&"a".repeat(56))
                .contains("it has 56 characters, and the kernel has room for 55")
        );
    }

    #[test]
    fn a_spelling_that_is_offered_is_taken() {
        assert!(
            message("FN").contains("small letters, digits"),
            "fn is no better"
        );
    }

    #[test]
    fn types_do_not_hide_what_the_code_uses() {
        let of = |name| Name::parse(name).unwrap().type_name();
        assert_eq!(of("hello_world"), "HelloWorld");
        assert_eq!(of("a__b_"), "AB");
        assert_eq!(of("result"), "ResultType");
        assert_eq!(of("this_module"), "ThisModuleType");
        // `module!` of 6.1 and 6.12, and of 7.2.
        assert_eq!(of("option"), "OptionType");
        assert_eq!(of("local_module"), "LocalModuleType");
    }

    #[test]
    fn names_in_lists_are_the_kernels() {
        let found = names(
            "kernel/drivers/block/null_blk/null_blk.ko\nkernel/fs/nls/nls_iso8859-1.ko.zst: \
             kernel/a.ko\nupdates/dkms/hello.ko.zst:\n",
        );
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["nls_iso8859_1", "null_blk"]);
    }
}
