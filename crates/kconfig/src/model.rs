// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel's Kconfig files, read and ready for questions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Location};
use crate::expr::Exprs;
use crate::ids::{ExprId, NO, SymbolId};
use crate::menu;
use crate::order;
use crate::parse::{Parser, Tree};
use crate::preprocess::{Preprocessor, Shell};
use crate::rules::Rules;
use crate::symbol::{PropertyKind, SymbolType, Symbols};

/// How to read a tree.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `ARCH` as the kernel's Makefile has it: `x86`, `x86_64`, `arm64`. A `.config` names its
    /// own in its heading ([`crate::Config::arch`]).
    pub arch: String,
    /// Whether commands in the Kconfig files are run.
    pub shell: Shell,
    /// What `make` exports to Kconfig besides `ARCH`, `SRCARCH` and `srctree`, which are set
    /// from `arch` and the tree unless they are in here: `CC`, `LD`, `CC_VERSION_TEXT`, ...
    pub env: BTreeMap<String, String>,
}

impl Options {
    /// Reads without running anything, for an architecture.
    #[must_use]
    pub fn for_arch(arch: &str) -> Self {
        Self {
            arch: arch.to_owned(),
            ..Self::default()
        }
    }
}

/// Every symbol of a tree for one architecture.
#[derive(Debug)]
pub struct Model {
    pub(crate) root: PathBuf,
    pub(crate) symbols: Symbols,
    pub(crate) exprs: Exprs,
    pub(crate) modules: SymbolId,
    pub(crate) order: Vec<SymbolId>,
    pub(crate) rules: Rules,
    files: usize,
}

/// What a symbol is and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolInfo {
    /// Without `CONFIG_`.
    pub name: String,
    /// As the files give it.
    pub kind: SymbolType,
    /// Each place that defines it, in the order of reading; empty for a symbol that is only
    /// mentioned, which belongs to another architecture or to none.
    pub definitions: Vec<Location>,
    /// The text that menus show for it, or nothing if no user can set it.
    pub prompt: Option<String>,
}

/// The file that everything else is sourced from.
const FIRST_FILE: &str = "Kconfig";

fn preprocessor(root: &Path, options: &Options) -> Preprocessor {
    let mut env = options.env.clone();
    let mut default = |name: &str, value: &str| {
        env.entry(name.to_owned())
            .or_insert_with(|| value.to_owned());
    };
    default("ARCH", &options.arch);
    default("SRCARCH", srcarch(&options.arch));
    default("srctree", &root.to_string_lossy());
    Preprocessor::new(env, options.shell.clone())
}

/// The directory under `arch/` for an `ARCH`, as the kernel's Makefile maps it.
fn srcarch(arch: &str) -> &str {
    match arch {
        "i386" | "x86_64" => "x86",
        "sparc32" | "sparc64" => "sparc",
        "parisc64" => "parisc",
        other => other,
    }
}

impl Model {
    /// Reads `Kconfig` in `srctree`, and all that it sources.
    ///
    /// # Errors
    /// When a file is missing or not Kconfig, when symbols depend on each other in a circle, or
    /// when the tree is beyond any kernel's size. Each names the file and the line.
    pub fn load(srctree: &Path, options: &Options) -> Result<Self, Error> {
        // Commands run in another directory, so the tree is named by its full path.
        let root = std::path::absolute(srctree).unwrap_or_else(|_| srctree.to_owned());
        let parser = Parser::new(&root, preprocessor(&root, options));
        let tree = parser.tree(FIRST_FILE)?;
        let rules = Rules::of_tree(&root);
        Self::of_tree(tree, root, rules)
    }

    /// Reads a single Kconfig file from memory. What it sources is looked for on the disk, from
    /// the working directory.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn parse(text: &[u8], options: &Options) -> Result<Self, Error> {
        let root = PathBuf::new();
        let parser = Parser::new(&root, preprocessor(&root, options));
        let tree = parser.text(FIRST_FILE, Some(text.to_owned()))?;
        Self::of_tree(tree, root, Rules::default())
    }

    fn of_tree(mut tree: Tree, root: PathBuf, rules: Rules) -> Result<Self, Error> {
        menu::finalize(&mut tree, rules);
        let order = order::evaluation_order(&mut tree)?;
        Ok(Self {
            root,
            rules,
            symbols: tree.symbols,
            exprs: tree.exprs,
            modules: tree.modules.unwrap_or(NO),
            order,
            files: tree.files,
        })
    }

    /// What is known of a symbol; nothing when no file mentions it.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<SymbolInfo> {
        Some(self.info(self.symbols.find(name)?))
    }

    /// The names of all symbols that are defined, in the order in which files mention them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let defined = self.symbols.ids().map(|id| self.symbols.get(id));
        defined
            .filter(|symbol| !symbol.definitions.is_empty() && !symbol.is_choice)
            .map(|symbol| symbol.name.as_str())
    }

    /// How many files were read.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files
    }

    /// The directory that was read; empty for [`Model::parse`].
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn info(&self, id: SymbolId) -> SymbolInfo {
        let symbol = self.symbols.get(id);
        let prompt = symbol
            .properties
            .iter()
            .find_map(|property| match &property.kind {
                PropertyKind::Prompt(text) => Some(text.clone()),
                _ => None,
            });
        SymbolInfo {
            name: self.name(id),
            kind: symbol.kind,
            definitions: symbol.definitions.clone(),
            prompt,
        }
    }

    /// How a message names a symbol: constants in quotes, choices by their prompt.
    pub(crate) fn name(&self, id: SymbolId) -> String {
        let symbol = self.symbols.get(id);
        if symbol.is_choice {
            let prompt = symbol
                .properties
                .iter()
                .find_map(|property| match &property.kind {
                    PropertyKind::Prompt(text) => Some(text.as_str()),
                    _ => None,
                });
            return format!("choice \"{}\"", prompt.unwrap_or(&symbol.name));
        }
        if let Some(fact) = &symbol.fact {
            return fact.text.clone();
        }
        if symbol.is_const && id.0 > 2 {
            return format!("\"{}\"", symbol.name);
        }
        symbol.name.clone()
    }

    pub(crate) fn text(&self, expr: ExprId) -> String {
        self.exprs.text(expr, &|id| self.name(id))
    }
}
