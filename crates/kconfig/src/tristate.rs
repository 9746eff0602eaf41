// SPDX-License-Identifier: MIT OR Apache-2.0

//! The three values a dependency can have.

use std::fmt;

/// `n`, `m` or `y`, ordered as Kconfig orders them.
///
/// `&&` is the smaller of two, `||` the larger, and `!` mirrors them around `m`
/// ("Menu dependencies" in `Documentation/kbuild/kconfig-language.rst`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tristate {
    /// Off.
    #[default]
    No,
    /// Built as a module.
    Module,
    /// Built in.
    Yes,
}

impl Tristate {
    /// Reads the first letter of a `.config` value, which is all that Kconfig looks at.
    #[must_use]
    pub fn from_letter(text: &str) -> Option<Self> {
        match text.as_bytes().first()? {
            b'y' => Some(Self::Yes),
            b'm' => Some(Self::Module),
            b'n' => Some(Self::No),
            _ => None,
        }
    }

    /// The letter that stands for the value in a `.config`.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::No => "n",
            Self::Module => "m",
            Self::Yes => "y",
        }
    }
}

impl std::ops::Not for Tristate {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Module => Self::Module,
            Self::Yes => Self::No,
        }
    }
}

impl fmt::Display for Tristate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::Tristate::{Module, No, Yes};
    use super::*;

    #[test]
    fn not_mirrors_around_m() {
        assert_eq!([!No, !Module, !Yes], [Yes, Module, No]);
    }

    #[test]
    fn only_the_first_letter_counts() {
        assert_eq!(Tristate::from_letter("yes"), Some(Yes));
        assert_eq!(Tristate::from_letter("Y"), None);
        assert_eq!(Tristate::from_letter(""), None);
    }
}
