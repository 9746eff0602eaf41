// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a kernel tree's own Makefiles say about building Rust modules.
//!
//! It is not make itself: it reads logical lines, follows the `include`s that can be followed without
//! one, and remembers the few assignments that matter. Where an answer hangs on a conditional or
//! on a function, it says that it does not know, and the caller asks make itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kernel_files::file;

use crate::system::System;

/// The largest Makefile that is read.
pub const LIMIT: u64 = 8 << 20;

/// The file that make reads in the place of a Makefile beside it.
pub const GNUMAKEFILE: &str = "GNUmakefile";

/// What the top Makefile, and what it includes, says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopMakefile {
    /// `VERSION` and `PATCHLEVEL`.
    pub series: Option<(u32, u32)>,
    /// What `RUSTC` is set to.
    pub rustc: Rustc,
    /// Whether it sets `LLVM` by itself, as the headers of a clang-built kernel should.
    pub sets_llvm: bool,
    /// The C compiler where LLVM is not set, by a name that is looked for in `PATH`.
    pub gcc: Option<String>,
    /// What it sets `CROSS_COMPILE` to, as Debian's headers do.
    pub cross_compile: Option<String>,
    /// The value of `--target=` for Rust code, as it is written.
    pub target: Option<String>,
    /// Whether it exports `RUST_TARGET_PATH`.
    pub exports_target_path: bool,
    /// A Makefile it includes by its full path, and which is not there.
    pub missing: Option<String>,
    /// The directory of the source, when the Makefile is only a pointer to another tree's.
    pub srctree: Option<PathBuf>,
}

/// The value of `RUSTC` when nothing on the command line changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rustc {
    /// The Makefile has no `RUSTC`: a kernel before 6.1.
    #[default]
    Unset,
    /// This value, from this file.
    Value(String, PathBuf),
    /// It hangs on something only make can tell.
    AskMake,
}

/// What the rule that compiles a Rust module hands to rustc.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RustRule {
    /// The crates named by `--extern`.
    pub externs: BTreeSet<String>,
    /// Other files of the tree it names, from the top of the tree.
    pub files: BTreeSet<String>,
}

struct Reader<'a> {
    system: &'a System,
    objtree: PathBuf,
    srctree: PathBuf,
    found: TopMakefile,
    version: (Option<u32>, Option<u32>),
    files_left: u32,
    /// How deep in conditionals the first `RUSTC` stands. All of a kernel's Makefile stands in
    /// one, so that only a deeper one makes a difference.
    rustc_depth: Option<u32>,
    /// Whether `RUSTC` was set by an `override`, which later assignments do not change.
    rustc_is_overridden: bool,
}

impl TopMakefile {
    /// Reads the top Makefile of a tree.
    pub fn read(system: &System, objtree: &Path) -> file::Result<Self> {
        let text = file::read_text(&objtree.join("Makefile"), LIMIT)?;
        let first = objtree.join(GNUMAKEFILE);
        Ok(match file::read_text(&first, LIMIT) {
            Ok(text) => Self::parse_file(system, objtree, &first, &text),
            Err(_) => Self::parse(system, objtree, &text),
        })
    }

    /// Reads a top Makefile that is in memory.
    pub fn parse(system: &System, objtree: &Path, text: &str) -> Self {
        Self::parse_file(system, objtree, &objtree.join("Makefile"), text)
    }

    fn parse_file(system: &System, objtree: &Path, path: &Path, text: &str) -> Self {
        let mut reader = Reader {
            system,
            objtree: objtree.to_path_buf(),
            srctree: objtree.to_path_buf(),
            found: Self::default(),
            version: (None, None),
            files_left: 16,
            rustc_depth: None,
            rustc_is_overridden: false,
        };
        reader.file(path, text, 0);
        if let (Some(version), Some(patchlevel)) = reader.version {
            reader.found.series = Some((version, patchlevel));
        }
        reader.found
    }
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, text: &str, outer_depth: u32) {
        let mut depth = outer_depth;
        for line in logical_lines(text) {
            let trimmed = line.trim();
            let word = trimmed.split_whitespace().next().unwrap_or_default();
            match word {
                "ifeq" | "ifneq" | "ifdef" | "ifndef" => depth += 1,
                "endif" => depth = depth.saturating_sub(1),
                "include" | "-include" | "sinclude" => {
                    for name in trimmed.split_whitespace().skip(1) {
                        self.include(name, depth, word == "include");
                    }
                }
                // A recipe's lines are the shell's, not make's.
                _ if line.starts_with('\t') => {}
                _ => self.assignment(path, trimmed, depth),
            }
            self.mentions(trimmed);
        }
    }

    fn include(&mut self, name: &str, depth: u32, must_be_there: bool) {
        let absolute = name.starts_with('/');
        let expanded = name
            .replace("$(srctree)", &self.srctree.to_string_lossy())
            .replace("$(objtree)", &self.objtree.to_string_lossy());
        // The configuration is read elsewhere, and what needs more than the two directories' names
        // (the architecture's Makefile) sets none of what is looked for.
        if expanded.contains('$') || expanded.contains("include/config/") || self.files_left == 0 {
            return;
        }
        let path = if absolute {
            self.system.at(&expanded)
        } else {
            self.objtree.join(&expanded) // an absolute path stays as it is
        };
        let Ok(text) = file::read_text(&path, LIMIT) else {
            if absolute && must_be_there {
                self.found.missing.get_or_insert(expanded);
            }
            return;
        };
        self.files_left -= 1;
        if path.file_name().is_some_and(|name| name == "Makefile")
            && path.parent().is_some_and(|parent| parent != self.objtree)
            && text.contains("PATCHLEVEL")
        {
            let srctree = path.parent().unwrap_or(&path).to_path_buf();
            self.found.srctree = Some(srctree.clone());
            self.srctree = srctree;
        }
        self.file(&path, &text, depth);
    }

    fn assignment(&mut self, path: &Path, line: &str, depth: u32) {
        let is_override = line.starts_with("override ");
        let line = line
            .strip_prefix("export ")
            .or(line.strip_prefix("override "))
            .unwrap_or(line);
        if line.starts_with("RUST_TARGET_PATH") {
            self.found.exports_target_path = true;
        }
        let Some((left, value)) = line.split_once('=') else {
            return;
        };
        let (name, operator) = match left.trim_end_matches([':', '?', '+', '!']) {
            name if name.len() < left.len() => (name.trim(), &left[name.len()..]),
            name => (name.trim(), ""),
        };
        let value = value.trim();
        match name {
            "VERSION" if self.version.0.is_none() => self.version.0 = value.parse().ok(),
            "PATCHLEVEL" if self.version.1.is_none() => self.version.1 = value.parse().ok(),
            "LLVM" if !value.is_empty() => self.found.sets_llvm = true,
            "CROSS_COMPILE" if !value.is_empty() && !value.contains('$') => {
                self.found.cross_compile = Some(value.to_string());
            }
            // `$(CROSS_COMPILE)gcc`, or `$(if …,ccache) $(CROSS_COMPILE)gcc-14`.
            "CC" => {
                let word = value.split_whitespace().last().unwrap_or_default();
                let name = word.strip_prefix("$(CROSS_COMPILE)").unwrap_or(word);
                if name.starts_with("gcc") && !name.contains('$') {
                    self.found.gcc = Some(name.to_string());
                }
            }
            "RUSTC" if is_override || !self.rustc_is_overridden => {
                self.rustc_is_overridden |= is_override;
                self.rustc(path, operator, value, depth);
            }
            _ => {}
        }
    }

    fn rustc(&mut self, path: &Path, operator: &str, value: &str, depth: u32) {
        if operator == "?" && self.found.rustc != Rustc::Unset {
            return;
        }
        let value = value
            .split(" #")
            .next()
            .unwrap_or_default()
            .trim()
            .replace("$(srctree)", &self.srctree.to_string_lossy())
            .replace("$(objtree)", &self.objtree.to_string_lossy());
        let usual_depth = *self.rustc_depth.get_or_insert(depth);
        let same = matches!(&self.found.rustc, Rustc::Value(old, _) if *old == value);
        self.found.rustc = if same {
            return;
        } else if depth > usual_depth || value.contains('$') || operator == "+" || operator == "!" {
            Rustc::AskMake
        } else {
            Rustc::Value(value, path.to_path_buf())
        };
    }

    fn mentions(&mut self, line: &str) {
        if line.starts_with('#') {
            return;
        }
        if let Some((_, rest)) = line.split_once("--target=")
            && (rest.starts_with("target") || rest.contains("target.json"))
        {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            self.found.target = Some(rest[..end].to_string());
        }
    }
}

impl RustRule {
    /// Reads the rules for Rust files out of `scripts/Makefile.build` and its kin.
    pub fn read(tree: impl Fn(&str) -> PathBuf, srcarch: Option<&str>) -> Self {
        let mut rule = Self::default();
        let arch = format!("arch/{}/Makefile", srcarch.unwrap_or_default());
        // Until 6.8 the top Makefile names the target, later the architecture's.
        for name in [
            "scripts/Makefile.build",
            "scripts/Makefile.lib",
            "Makefile",
            &arch,
        ] {
            let Ok(text) = file::read_text(&tree(name), LIMIT) else {
                continue;
            };
            rule.add(&text, name == "scripts/Makefile.build");
        }
        rule
    }

    /// Adds what one Makefile says; only the one with the rule names crates.
    pub fn add(&mut self, text: &str, has_rule: bool) {
        for line in logical_lines(text).filter(|line| !line.trim_start().starts_with('#')) {
            // The bitcode of the C helpers, as it is for a module.
            let line = line.replace("$(if $(part-of-module),_module)", "_module");
            let mut words = line.split_whitespace().peekable();
            while let Some(word) = words.next() {
                if word == "--extern" && has_rule {
                    // `force:alloc`, `noprelude:alloc`, `name=path`, `name`
                    let named = words.peek().copied().unwrap_or_default();
                    let named = named.rsplit(':').next().unwrap_or(named);
                    let name = named.split('=').next().unwrap_or(named);
                    if is_crate_name(name) {
                        self.externs.insert(name.to_string());
                    }
                }
                self.file(word);
            }
        }
    }

    /// A word like `--target=$(objtree)/rust/target.json` names a file the build reads.
    fn file(&mut self, word: &str) {
        for tree in ["$(objtree)/", "$(srctree)/"] {
            let Some((_, path)) = word.split_once(tree) else {
                continue;
            };
            let end = path.find([',', ')', '\'', '"', ';']).unwrap_or(path.len());
            let path = &path[..end];
            let read_by_rustc = path.ends_with("target.json")
                || (path.starts_with("rust/") && (path.ends_with(".bc") || path.ends_with(".so")));
            if read_by_rustc && !path.contains('$') {
                self.files.insert(path.to_string());
            }
        }
    }
}

fn is_crate_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Joins lines that end with a backslash.
fn logical_lines(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut line = lines.next()?.to_string();
        while line.ends_with('\\') {
            line.pop();
            let Some(next) = lines.next() else { break };
            line.push(' ');
            line.push_str(next.trim_start());
        }
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> TopMakefile {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let system = System::bare("/");
        let mut found = TopMakefile::read(&system, directory.path()).unwrap();
        if let Rustc::Value(_, from) = &mut found.rustc {
            *from = from.strip_prefix(directory.path()).unwrap().to_path_buf();
        }
        found
    }

    #[test]
    fn an_upstream_makefile_runs_rustc_from_path() {
        let found = read(&[(
            "Makefile",
            "VERSION = 6\nPATCHLEVEL = 1\nRUSTC\t\t= rustc\n\
             KBUILD_RUSTFLAGS := $(common) \\\n\t--target=$(objtree)/rust/target.json -Cx\n",
        )]);
        assert_eq!(found.series, Some((6, 1)));
        assert_eq!(found.rustc, Rustc::Value("rustc".into(), "Makefile".into()));
        assert_eq!(found.target.as_deref(), Some("$(objtree)/rust/target.json"));
        assert!(!found.sets_llvm && !found.exports_target_path);
    }

    #[test]
    fn headers_that_name_their_rustc_win() {
        let found = read(&[
            (
                "Makefile",
                "ifeq ($(need-sub-make),)\nRUSTC = rustc\n-include $(srctree)/rust/toolchain.mk\n\
                 ifneq ($(KBUILD_EXTMOD),)\nLLVM := 1\nendif\n\
                 export RUST_TARGET_PATH := $(abspath $(objtree))/rust\nF := --target=target \\\n -C\n",
            ),
            ("rust/toolchain.mk", "# made\nRUSTC = /opt/rustc\n"),
        ]);
        assert_eq!(
            found.rustc,
            Rustc::Value("/opt/rustc".into(), "rust/toolchain.mk".into())
        );
        assert!(found.sets_llvm && found.exports_target_path);
        assert_eq!(found.target.as_deref(), Some("target"));
    }

    #[test]
    fn gnumakefile_is_read_first_and_its_override_stays() {
        let found = read(&[
            (
                "GNUmakefile",
                "ifneq ($(origin RUSTC),command line)\noverride RUSTC := /opt/rustc\nendif\n\
                 include Makefile\n",
            ),
            (
                "Makefile",
                "VERSION = 7\nPATCHLEVEL = 3\nifeq ($(x),)\nRUSTC = rustc\nendif\n",
            ),
        ]);
        assert_eq!(
            found.rustc,
            Rustc::Value("/opt/rustc".into(), "GNUmakefile".into())
        );
        assert_eq!(found.series, Some((7, 3)));
        assert_eq!(found.srctree, None);
    }

    #[test]
    fn what_only_make_can_tell_is_left_to_make() {
        let found = read(&[("Makefile", "RUSTC = $(shell command -v rustc)\n")]);
        assert_eq!(found.rustc, Rustc::AskMake);
        let found = read(&[("Makefile", "RUSTC = rustc\nifdef X\nRUSTC = other\nendif\n")]);
        assert_eq!(found.rustc, Rustc::AskMake);
    }

    #[test]
    fn includes_in_circles_end() {
        read(&[("Makefile", "include $(srctree)/Makefile\n")]);
    }

    #[test]
    fn the_rule_names_crates_and_files() {
        let mut rule = RustRule::default();
        rule.add(
            "# --extern no\ncmd = $(RUSTC) --extern force:alloc --extern kernel \\\n\
             -L $(objtree)/rust/ --extern a=$(objtree)/rust/liba.so,$(objtree)/rust/helpers.bc\n",
            true,
        );
        assert_eq!(
            rule.externs.into_iter().collect::<Vec<_>>(),
            ["a", "alloc", "kernel"]
        );
        assert_eq!(rule.files.into_iter().collect::<Vec<_>>(), ["rust/liba.so"]);

        // As 7.2 has it.
        let mut rule = RustRule::default();
        rule.add(
            "cmd = $(RUSTC) $(if $(CONFIG_RUST_INLINE_HELPERS),;$(LLVM_LINK) \\\n\
             $(objtree)/rust/helpers/helpers$(if $(part-of-module),_module).bc -o $@)\n",
            true,
        );
        assert_eq!(
            rule.files.into_iter().collect::<Vec<_>>(),
            ["rust/helpers/helpers_module.bc"]
        );
    }
}
