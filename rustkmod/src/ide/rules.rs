// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the Makefiles of the kernel and of a module say of their crates. make itself reads them,
//! so that conditionals, functions and the tree's own variables are what they are in a build.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::IdeError;
use crate::kdir::Kdir;
use crate::makefile;
use crate::system;

/// A crate that the tree's `rust/Makefile` compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What is made of it.
    pub kind: Kind,
    /// Its first file.
    pub root: PathBuf,
    /// What rustc gets for it.
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
    /// `--extern`
    pub externs: Vec<String>,
    /// `--cfg`
    pub cfg: Vec<String>,
    /// `--edition`
    pub edition: Option<String>,
}

/// A file of a module that rustc compiles by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The file.
    pub path: PathBuf,
    /// The flags that the Kbuild gives it.
    pub flags: Flags,
}

impl Flags {
    /// Reads a command line as the shell would split it.
    pub fn parse(words: &str) -> Self {
        let mut flags = Self::default();
        // A line that no shell takes is no line that compiles.
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
                    let named = named.rsplit(':').next().unwrap_or_default();
                    let name = named.split('=').next().unwrap_or_default();
                    flags.externs.push(name.to_string());
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
pub fn crates(kdir: &Kdir, rustc: &Path, library: &Path) -> Result<Vec<Rule>, IdeError> {
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
        Err(IdeError::NoRules {
            makefile: kdir.file("rust/Makefile"),
        })
    }
}

/// `TARGET SOURCE FLAGS ENVIRONMENT`, with tabs between them. Targets that are no crate, such as the
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

/// The files of a module's folder that rustc compiles by themselves: those whose objects its
/// Kbuild names, in its subfolders, too.
pub fn module(kdir: &Kdir, folder: &Path) -> Result<Vec<Root>, IdeError> {
    let mut roots = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    // Whoever names a folder in itself is not followed forever.
    while let Some(folder) = folders.pop().filter(|_| roots.len() < 1024) {
        let Some(kbuild) = ["Kbuild", "Makefile"]
            .iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
        else {
            continue;
        };
        // make splits paths at spaces, and has its own mind of '$' and '#'. By a link, a folder may be
        // called as it likes.
        let link = tempfile::tempdir().map_err(|error| failed(kdir, error))?;
        let named = link.path().join("module");
        std::os::unix::fs::symlink(&folder, &named).map_err(|error| failed(kdir, error))?;
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
        )?;
        for line in said.lines() {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next(), fields.next()) {
                (Some("rustkmod-object"), Some(object), Some(flags)) => {
                    let path = folder.join(object).with_extension("rs");
                    if path.is_file() {
                        roots.push(Root {
                            path,
                            flags: Flags::parse(flags),
                        });
                    }
                }
                (Some("rustkmod-folder"), Some(name), None) => {
                    let below = plain(&folder.join(name));
                    if below.starts_with(&folder) && below != folder {
                        folders.push(below);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(roots)
}

/// The edition that the tree compiles Rust with where nothing else is said.
pub fn edition(kdir: &Kdir) -> String {
    let text = system::read_text(&kdir.file("Makefile"), makefile::LIMIT).unwrap_or_default();
    text.split_whitespace()
        .find_map(|word| word.strip_prefix("--edition="))
        .unwrap_or("2021")
        .to_string()
}

fn failed(kdir: &Kdir, reason: impl ToString) -> IdeError {
    IdeError::Make {
        kdir: kdir.path.clone(),
        reason: reason.to_string(),
    }
}

/// Runs make on a Makefile of ours in the tree. It starts nothing (`-n`), and answers by
/// `$(info)`.
fn make(
    kdir: &Kdir,
    makefile: &str,
    variables: &[(&str, &str)],
    goal: &str,
) -> Result<String, IdeError> {
    let mut file = tempfile::NamedTempFile::new().map_err(|error| failed(kdir, error))?;
    file.write_all(makefile.as_bytes())
        .map_err(|error| failed(kdir, error))?;
    let output = Command::new("make")
        .args(["-n", "-rR", "--no-print-directory", "-C"])
        .arg(&kdir.path)
        .arg("-f")
        .arg(file.path())
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
        .map_err(|error| failed(kdir, format!("make does not start: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said
            .lines()
            .find(|line| line.contains("***"))
            .or(said.lines().next_back());
        return Err(failed(kdir, last.unwrap_or("it says nothing").trim()));
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
        assert_eq!(flags.externs, ["proc_macro2", "alloc", "macros"]);
        assert_eq!(flags.cfg, ["no_fmt", "feature=\"full\""]);
        assert_eq!(flags.edition.as_deref(), Some("2018"));
        assert_eq!(Flags::parse("--cfg 'open"), Flags::default());
    }

    #[test]
    fn what_is_no_crate_is_passed_over() {
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
