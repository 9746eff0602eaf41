// SPDX-License-Identifier: MIT OR Apache-2.0

//! How symbols and expressions name each other: by their place in the table of their tree.

/// A symbol in the table of its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SymbolId(pub(crate) u32);

/// The constant `n`.
pub(crate) const NO: SymbolId = SymbolId(0);
/// The constant `m`.
pub(crate) const MOD: SymbolId = SymbolId(1);
/// The constant `y`.
pub(crate) const YES: SymbolId = SymbolId(2);

impl SymbolId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An expression in the arena of its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ExprId(pub(crate) u32);

impl ExprId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is somewhere in an expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traits {
    /// A value that only a shell or the environment of `make` knows.
    pub(crate) is_uncertain: bool,
    /// A choice, whose value changes while its members are being looked at.
    pub(crate) has_choice: bool,
}

impl Traits {
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            is_uncertain: self.is_uncertain || other.is_uncertain,
            has_choice: self.has_choice || other.has_choice,
        }
    }
}
