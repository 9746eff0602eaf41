// SPDX-License-Identifier: MIT OR Apache-2.0

//! Symbols, their properties, and the table that finds them by name.

use rustc_hash::FxHashMap;

use crate::error::Location;
use crate::ids::{ExprId, MOD, NO, SymbolId, Traits, YES};

/// The type a Kconfig file gives a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SymbolType {
    /// Mentioned, but nowhere given a type: a constant, or a symbol of another architecture.
    #[default]
    Unknown,
    /// `n` or `y`.
    Bool,
    /// `n`, `m` or `y`.
    Tristate,
    /// A decimal number.
    Int,
    /// A hexadecimal number.
    Hex,
    /// Any text.
    String,
}

impl SymbolType {
    /// The type with its article, for a sentence.
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::Unknown => "of no type",
            Self::Bool => "a bool",
            Self::Tristate => "a tristate",
            Self::Int => "an int",
            Self::Hex => "a hex",
            Self::String => "a string",
        }
    }

    /// Whether the values are `n`, `m` and `y`.
    #[must_use]
    pub const fn is_logic(self) -> bool {
        matches!(self, Self::Bool | Self::Tristate)
    }
}

/// A value that only a shell command or the environment of `make` can tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// The macro call as the Kconfig file writes it.
    pub text: String,
    /// Where it is written.
    pub at: Location,
}

#[derive(Debug, Clone)]
pub(crate) enum PropertyKind {
    Prompt(String),
    Default(ExprId),
    Select(SymbolId),
    Imply(SymbolId),
    Range(SymbolId, SymbolId),
}

#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) kind: PropertyKind,
    pub(crate) condition: Option<ExprId>,
    pub(crate) at: Location,
    /// The macro call that its text was made by, when it is made by one.
    pub(crate) macros: Option<Box<str>>,
}

#[derive(Debug, Default)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    pub(crate) kind: SymbolType,
    pub(crate) is_const: bool,
    pub(crate) is_choice: bool,
    pub(crate) is_optional: bool,
    pub(crate) is_transitional: bool,
    /// The choice this symbol is a member of.
    pub(crate) choice: Option<SymbolId>,
    /// The members, when this is a choice.
    pub(crate) members: Vec<SymbolId>,
    pub(crate) properties: Vec<Property>,
    /// The conditions of its prompts, and its defaults with theirs: a copy of what the evaluation
    /// needs of the properties, without what only messages need.
    pub(crate) prompts: Vec<Option<ExprId>>,
    pub(crate) defaults: Vec<(ExprId, Option<ExprId>)>,
    pub(crate) definitions: Vec<Location>,
    /// What `depends on` and the menus around it demand; nothing is `y`.
    pub(crate) depends: Option<ExprId>,
    /// One `selector && condition` for each `select` of this symbol.
    pub(crate) selected: Vec<ExprId>,
    /// The same for each `imply`.
    pub(crate) implied: Vec<ExprId>,
    /// How many symbols' values are made from this one's.
    pub(crate) dependents: u32,
    /// Set for the stand-in of a value that only a shell can tell. Its name is `y` or `n`
    /// when the shell was asked.
    pub(crate) fact: Option<Box<Fact>>,
}

/// All symbols of a tree.
#[derive(Debug)]
pub(crate) struct Symbols {
    all: Vec<Symbol>,
    by_name: FxHashMap<String, SymbolId>,
    quoted: FxHashMap<String, SymbolId>,
    choices: FxHashMap<String, SymbolId>,
}

impl Default for Symbols {
    fn default() -> Self {
        let constant = |name: &str| Symbol {
            name: name.to_owned(),
            kind: SymbolType::Tristate,
            is_const: true,
            ..Symbol::default()
        };
        Self {
            all: vec![constant("n"), constant("m"), constant("y")],
            by_name: FxHashMap::default(),
            quoted: FxHashMap::default(),
            choices: FxHashMap::default(),
        }
    }
}

impl Symbols {
    pub(crate) fn get(&self, id: SymbolId) -> &Symbol {
        &self.all[id.index()]
    }

    pub(crate) fn get_mut(&mut self, id: SymbolId) -> &mut Symbol {
        &mut self.all[id.index()]
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = SymbolId> + use<> {
        (0..u32::try_from(self.all.len()).unwrap_or(u32::MAX)).map(SymbolId)
    }

    fn add(&mut self, symbol: Symbol) -> SymbolId {
        let id = SymbolId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(symbol);
        id
    }

    fn constant(name: &str) -> Option<SymbolId> {
        match name {
            "n" => Some(NO),
            "m" => Some(MOD),
            "y" => Some(YES),
            _ => None,
        }
    }

    /// The symbol of a bare word, made when it is new.
    pub(crate) fn named(&mut self, name: &str) -> SymbolId {
        if let Some(id) = Self::constant(name).or_else(|| self.by_name.get(name).copied()) {
            return id;
        }
        let id = self.add(Symbol {
            name: name.to_owned(),
            ..Symbol::default()
        });
        self.by_name.insert(name.to_owned(), id);
        id
    }

    /// The constant of a quoted word, made when it is new.
    pub(crate) fn quoted(&mut self, text: &str) -> SymbolId {
        if let Some(id) = Self::constant(text).or_else(|| self.quoted.get(text).copied()) {
            return id;
        }
        let id = self.add(Symbol {
            name: text.to_owned(),
            is_const: true,
            ..Symbol::default()
        });
        self.quoted.insert(text.to_owned(), id);
        id
    }

    /// A stand-in for a value that only a shell can tell.
    pub(crate) fn fact(&mut self, fact: Fact, value: Option<&'static str>) -> SymbolId {
        self.add(Symbol {
            name: value.unwrap_or_default().to_owned(),
            kind: if value.is_some() {
                SymbolType::Tristate
            } else {
                SymbolType::Unknown
            },
            is_const: true,
            fact: Some(Box::new(fact)),
            ..Symbol::default()
        })
    }

    /// A choice. Choices of one name are the same; each without a name is another.
    pub(crate) fn choice(&mut self, name: Option<&str>) -> SymbolId {
        if let Some(&id) = name.and_then(|name| self.choices.get(name)) {
            return id;
        }
        let id = self.add(Symbol {
            name: name.unwrap_or("<choice>").to_owned(),
            is_choice: true,
            ..Symbol::default()
        });
        if let Some(name) = name {
            self.choices.insert(name.to_owned(), id);
        }
        id
    }

    /// The symbol with this name, if any file mentions it.
    pub(crate) fn find(&self, name: &str) -> Option<SymbolId> {
        self.by_name.get(name).copied()
    }

    /// The traits of an expression that is only this symbol.
    pub(crate) fn traits(&self, id: SymbolId) -> Traits {
        Traits {
            is_uncertain: self.is_unknown(id),
            has_choice: self.get(id).is_choice,
        }
    }

    /// Whether this stands for a value that is not known.
    pub(crate) fn is_unknown(&self, id: SymbolId) -> bool {
        let symbol = self.get(id);
        symbol.fact.is_some() && symbol.kind == SymbolType::Unknown
    }
}
