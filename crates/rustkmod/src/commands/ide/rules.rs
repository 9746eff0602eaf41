// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the Makefiles of the kernel and of a module say of their crates. make itself reads them,
//! so that conditionals, functions and the tree's own variables are what they are in a build.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kernel_files::file;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::install;
use kernel_tree::kdir::Kdir;
use kernel_tree::makefile;
use kernel_tree::system::System;

/// A crate that the tree's `rust/Makefile` compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    /// What is made of it.
    pub kind: Kind,
    /// Its first file.
    pub root: PathBuf,
    pub flags: Flags,
    /// The variables of its environment.
    pub env: Vec<(String, String)>,
}

/// What is made of a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An object for the kernel.
    Kernel,
    /// A library that proc macros are linked with, on this machine.
    Host,
    /// A library of proc macros, and where it is.
    ProcMacro(PathBuf),
}

/// The flags of rustc that an editor has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--extern`: the name, and the path that is named with it.
    pub externs: Vec<(String, Option<PathBuf>)>,
    pub cfg: Vec<String>,
    pub edition: Option<String>,
}

/// What a module is compiled from.
#[derive(Debug, Default)]
pub struct Sources {
    /// The files that rustc compiles by themselves.
    pub roots: Vec<Root>,
    pub c: Vec<PathBuf>,
}

/// A file of a module that rustc compiles by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub path: PathBuf,
    /// The flags that the Kbuild gives it.
    pub flags: Flags,
}

impl Root {
    /// The libraries of proc macros that the module itself brings, with their sources: their names,
    /// where kbuild puts them, and the source of the same name beside that.
    pub fn proc_macros(&self) -> impl Iterator<Item = (String, PathBuf, PathBuf)> {
        self.flags.externs.iter().filter_map(|(name, path)| {
            let library = path.as_ref()?;
            let source = library.with_file_name(format!("{name}.rs"));
            (library.extension()? == "so" && source.is_file())
                .then(|| (name.clone(), library.clone(), source))
        })
    }
}

impl Flags {
    /// Reads a command line as the shell would split it.
    pub fn parse(words: &str) -> Self {
        let mut flags = Self::default();
        // A line that no shell takes is not a line that compiles.
        let words = shlex::split(words).unwrap_or_default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (option, value) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(value.into())),
                _ => (word.as_str(), None),
            };
            let mut value = || value.clone().or_else(|| words.next());
            match option {
                "--extern" => {
                    // `force:alloc`, `name=path`, `name`
                    let named = value().unwrap_or_default();
                    let (name, path) = match named.split_once('=') {
                        Some((name, path)) => (name, Some(path.into())),
                        None => (named.as_str(), None),
                    };
                    let name = name.rsplit(':').next().unwrap_or_default();
                    flags.externs.push((name.to_string(), path));
                }
                "--cfg" => flags.cfg.extend(value()),
                "--edition" => flags.edition = value(),
                _ => {}
            }
        }
        flags
    }
}

/// The crates of the tree, those that others use before their users.
pub fn crates(kdir: &Kdir, rustc: &Path, library: &Path) -> Result<Vec<Rule>> {
    // The kernel crate is compiled last, and all that a module can use with it.
    let said = make(
        kdir,
        include_str!("crates.mk"),
        &[
            ("RUSTC", &rustc.display().to_string()),
            ("RUST_LIB_SRC", &library.display().to_string()),
        ],
        "./rust/kernel.o",
    )?;
    let rules: Vec<Rule> = said
        .lines()
        .filter_map(|line| line.strip_prefix("rustkmod-crate\t"))
        .filter_map(|line| rule(&kdir.path, line))
        .collect();
    if rules.iter().any(|rule| rule.name == "kernel")
        && rules.iter().any(|rule| rule.name == "core")
    {
        Ok(rules)
    } else {
        let makefile = kdir.file("rust/Makefile");
        let message = format!(
            "{} does not say how the kernel's crates are compiled",
            makefile.display()
        );
        Err(Error::new(message)
            .note("it has no rule for `core`, or none for `kernel`")
            .run(
                "see what the tree lacks",
                Call::of(&["doctor"]).with("--kdir", &kdir.path),
            ))
    }
}

/// `TARGET SOURCE FLAGS ENVIRONMENT`, with tabs between them. Targets that are not a crate, such as the
/// bindings that bindgen generates, have a source that is none of Rust's.
fn rule(objtree: &Path, line: &str) -> Option<Rule> {
    let mut fields = line.split('\t');
    let (target, source) = (Path::new(fields.next()?), fields.next()?.trim());
    let (flags, env) = (fields.next()?, fields.next().unwrap_or_default());
    let file = target.file_name()?.to_str()?;
    let library = file.strip_prefix("lib");
    let (name, kind) = if let Some(name) = file.strip_suffix(".o") {
        (name, Kind::Kernel)
    } else if let Some(name) = library.and_then(|name| name.strip_suffix(".rlib")) {
        (name, Kind::Host)
    } else {
        let name = library?.strip_suffix(".so")?;
        (name, Kind::ProcMacro(objtree.join("rust").join(file)))
    };
    let root = objtree.join(source);
    (source.ends_with(".rs") && root.is_file()).then(|| Rule {
        name: name.to_string(),
        kind,
        root: plain(&root),
        flags: Flags::parse(flags),
        env: shlex::split(env)
            .unwrap_or_default()
            .iter()
            .filter_map(|variable| variable.split_once('='))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
    })
}

/// The path without the `.` that stands for the tree.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The files that a module is compiled from: those whose objects its Kbuild names, in its
/// subdirectories, too.
pub fn module(kdir: &Kdir, directory: &Path) -> Result<Sources> {
    let mut sources = Sources::default();
    let mut directories = vec![directory.to_path_buf()];
    let mut seen = BTreeSet::from([directory.to_path_buf()]);
    while let Some(directory) = directories.pop() {
        let Some(kbuild) = ["Kbuild", "Makefile"]
            .iter()
            .map(|name| directory.join(name))
            .find(|path| path.is_file())
        else {
            continue;
        };
        // make splits paths at spaces, and has its own mind of '$' and '#'. Opened, a directory may be
        // called as it likes.
        let opened =
            File::open(&directory).map_err(|source| Error::read(directory.clone(), source))?;
        let named = name_of(&opened);
        let kbuild = named.join(kbuild.file_name().unwrap_or_default());
        let series = kdir.series().unwrap_or_default();
        let said = make(
            kdir,
            include_str!("module.mk"),
            &[
                ("module", &named.display().to_string()),
                ("kbuild", &kbuild.display().to_string()),
                ("KBUILD_EXTMOD", &named.display().to_string()),
                ("KERNELRELEASE", kdir.release.as_deref().unwrap_or_default()),
                ("VERSION", &series.0.to_string()),
                ("PATCHLEVEL", &series.1.to_string()),
            ],
            "rustkmod",
        )
        .map_err(|mut error| {
            // The author knows the directory by its own name.
            let (named, directory) = (named.display().to_string(), directory.display().to_string());
            error.message = error
                .message
                .replace(&kdir.path.display().to_string(), &directory);
            for note in &mut error.notes {
                *note = note.replace(&named, &directory);
            }
            error
        })?;
        for line in said.lines() {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next(), fields.next()) {
                (Some("rustkmod-object"), Some(object), Some(flags)) => {
                    let path = directory.join(object).with_extension("rs");
                    // kbuild's rules for C come first.
                    let c = path.with_extension("c");
                    if c.is_file() {
                        sources.c.push(c);
                    } else if path.is_file() {
                        let mut flags = Flags::parse(flags);
                        // Under the name that make had for the directory.
                        for (_, path) in &mut flags.externs {
                            let inside = path
                                .as_ref()
                                .and_then(|path| path.strip_prefix(&named).ok());
                            if let Some(inside) = inside {
                                *path = Some(directory.join(inside));
                            }
                        }
                        sources.roots.push(Root { path, flags });
                    }
                }
                (Some("rustkmod-directory"), Some(name), None) => {
                    // Whoever names a directory in itself is not followed forever.
                    if let Ok(below) = std::fs::canonicalize(directory.join(name))
                        && seen.insert(below.clone())
                    {
                        directories.push(below);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(sources)
}

/// The edition that the tree compiles Rust with where nothing else is said.
pub fn edition(kdir: &Kdir) -> String {
    let text = file::read_text(&kdir.file("Makefile"), makefile::LIMIT).unwrap_or_default();
    text.split_whitespace()
        .find_map(|word| word.strip_prefix("--edition="))
        .unwrap_or("2021")
        .to_string()
}

fn no_make(source: io::Error) -> Error {
    // The tools are this machine's, whatever system the tree is of.
    let here = System::here(None).distribution();
    let install = install::packages(here, "make", "make", "make");
    Error::new("make does not start")
        .note(format!("{source}; `ide` has make read the Makefiles"))
        .run_if_known("install it", install, "install GNU make")
}

/// A path to what this program holds open. It has plain characters alone, and whatever ends the
/// program leaves nothing behind.
fn name_of(file: &File) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

/// Runs make in the tree on lines of ours. It starts nothing (`-n`), and answers by `$(info)`.
fn make(kdir: &Kdir, makefile: &str, variables: &[(&str, &str)], goal: &str) -> Result<String> {
    let output = Command::new("make")
        .args(["-n", "-rR", "--no-print-directory", "-C"])
        .arg(&kdir.path)
        // An argument leaves no file behind, which the standard input of make would.
        .args(["-f", "/dev/null"])
        .arg(format!("--eval={makefile}"))
        .arg(format!("srctree={}", kdir.srctree.display()))
        .args(
            variables
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        )
        .arg(goal)
        // Settings of a make that this one may be run by.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .stdin(Stdio::null())
        .output()
        .map_err(no_make)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said
            .lines()
            .find(|line| line.contains("***"))
            .or(said.lines().next_back());
        let message = format!("make cannot read the Makefile of {}", kdir.path.display());
        let last = last.unwrap_or("it says nothing").trim();
        return Err(Error::new(message)
            .note(format!("it says: {last}"))
            .advise("fix that line"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_the_shell_would() {
        let flags = Flags::parse(
            "--edition=2021 --cap-lints=allow --extern proc_macro2 --extern force:alloc --cfg no_fmt \
             --cfg='feature=\"full\"' --extern macros=./rust/libmacros.so --edition=2018 -Wx",
        );
        let names: Vec<_> = flags
            .externs
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["proc_macro2", "alloc", "macros"]);
        assert_eq!(flags.externs[2].1, Some("./rust/libmacros.so".into()));
        assert_eq!(flags.cfg, ["no_fmt", "feature=\"full\""]);
        assert_eq!(flags.edition.as_deref(), Some("2018"));
        assert_eq!(Flags::parse("--cfg 'open"), Flags::default());
    }

    /// What the Kbuilds of a module name, read with a tree that has nothing.
    fn modules(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Vec<String>>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join("m").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = directory.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        let kdir = Kdir::open(&System::bare("/"), &tree);
        let inside = directory.path().canonicalize().unwrap().join("m");
        let found = module(&kdir, &inside).map(|sources| {
            let roots = sources.roots.iter().map(|root| &root.path);
            let macros = sources.roots.iter().flat_map(Root::proc_macros);
            let macros: Vec<_> = macros.map(|(_, _, source)| source).collect();
            let all = roots.chain(&sources.c).chain(&macros);
            all.map(|path| path.strip_prefix(&inside).unwrap().display().to_string())
                .collect()
        });
        (directory, found)
    }

    #[test]
    fn a_directory_named_in_itself_is_read_once() {
        let (_directory, found) = modules(&[
            ("Kbuild", "obj-m := a.o sub/ ./\n"),
            ("a.rs", ""),
            ("sub/Kbuild", "obj-m := b.o ../ ../sub/\n"),
            ("sub/b.rs", ""),
        ]);
        assert_eq!(found.unwrap(), ["a.rs", "sub/b.rs"]);
    }

    #[test]
    fn what_make_says_names_the_authors_file() {
        let (directory, found) = modules(&[("Kbuild", "x := 1\n$(error not so)\n")]);
        let error = found.unwrap_err();
        assert_eq!(error.help.len(), 1);
        let said = error.to_string();
        let line = format!("{}/m/Kbuild:2: *** not so", directory.path().display());
        assert!(said.contains(&line), "{said}");
    }

    #[test]
    fn a_tree_that_says_nothing_has_a_remedy() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir(tree.path().join("rust")).unwrap();
        std::fs::write(tree.path().join("rust/Makefile"), "").unwrap();
        let kdir = Kdir::open(&System::bare("/"), tree.path());
        let said = crates(&kdir, Path::new("rustc"), Path::new("/")).unwrap_err();
        let help = format!("rustkmod doctor --kdir {}", tree.path().display());
        assert_eq!(said.help[0].command.as_ref().unwrap().to_string(), help);
    }

    #[test]
    fn module_of_c_and_rust_has_both_and_its_proc_macros() {
        let (_directory, found) = modules(&[
            (
                "Kbuild",
                "obj-m := m.o\nm-y := rust/a.o c/b.o\n\
                 RUSTFLAGS_rust/a.o := --extern mac=$(abspath $(obj))/host/libmac.so --extern no=/libno.so\n",
            ),
            ("rust/a.rs", ""),
            ("c/b.c", ""),
            ("c/b.rs", ""),
            ("host/mac.rs", ""),
        ]);
        assert_eq!(found.unwrap(), ["rust/a.rs", "c/b.c", "host/mac.rs"]);
    }

    #[test]
    fn nothing_is_where_a_kill_would_leave_it() {
        // What make reads is in memory or the author's, whatever TMPDIR is.
        let (_directory, found) = modules(&[
            (
                "Kbuild",
                "$(if $(filter-out /proc/%,$(MAKEFILE_LIST) $(src)),$(error left))\nobj-m := a.o\n",
            ),
            ("a.rs", ""),
        ]);
        assert_eq!(found.unwrap(), ["a.rs"]);
    }

    #[test]
    fn what_is_not_a_crate_is_passed_over() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("rust/macros")).unwrap();
        for name in ["rust/macros/lib.rs", "rust/ffi.rs", "rust/x.h"] {
            std::fs::write(tree.path().join(name), "").unwrap();
        }
        let of = |line| rule(tree.path(), line);
        let macros = of("./rust/libmacros.so\t./rust/macros/lib.rs\t--extern syn\tA=1").unwrap();
        assert_eq!(
            macros.kind,
            Kind::ProcMacro(tree.path().join("rust/libmacros.so"))
        );
        assert_eq!(macros.root, tree.path().join("rust/macros/lib.rs"));
        assert_eq!(macros.env, [("A".to_string(), "1".to_string())]);
        assert_eq!(of("./rust/ffi.o\trust/ffi.rs\t\t").unwrap().name, "ffi");
        assert_eq!(of("./rust/b/b_generated.rs\t./rust/x.h\t\t"), None);
        assert_eq!(of("./rust/gone.o\t./rust/gone.rs\t\t"), None);
        assert_eq!(of("x"), None);
    }
}
