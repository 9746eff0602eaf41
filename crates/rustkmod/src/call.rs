// SPDX-License-Identifier: MIT OR Apache-2.0

//! Command lines as help: what was given, to be given again with the one thing changed that was
//! wrong.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::OnceLock;

use kernel_tree::system::System;

use crate::command::quoted;

/// The command line that this program was started by.
static HERE: OnceLock<Call> = OnceLock::new();

/// A command line of this program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call(Vec<OsString>);

impl Call {
    /// The one that this program was started by.
    pub fn here() -> Self {
        Self(std::env::args_os().skip(1).collect())
    }

    /// Remembers the one that this program was started by, for [`Call::again`].
    pub fn remember() {
        // It does not change: the first time counts.
        let _ = HERE.set(Self::here());
    }

    /// The one that this program was started by, to be given again, or else a command by itself.
    pub fn again(command: &str) -> Self {
        HERE.get().cloned().unwrap_or_else(|| Self::of(&[command]))
    }

    /// A command that looks at the same machine.
    pub fn on(system: &System, words: &[&str]) -> Self {
        let call = Self::of(words);
        if system.is_live() {
            call
        } else {
            call.with("--root", system.root())
        }
    }

    /// One of these words.
    pub fn of(words: &[&str]) -> Self {
        Self(words.iter().map(OsString::from).collect())
    }

    /// The same with one more word.
    #[must_use]
    pub fn and(mut self, word: impl AsRef<OsStr>) -> Self {
        self.0.push(word.as_ref().to_os_string());
        self
    }

    /// The same with another word in the place of one.
    #[must_use]
    pub fn with_word(mut self, old: impl AsRef<OsStr>, new: impl AsRef<OsStr>) -> Self {
        if let Some(word) = self.0.iter_mut().rfind(|word| *word == old.as_ref()) {
            *word = new.as_ref().to_os_string();
        }
        self
    }

    /// The same without a word.
    #[must_use]
    pub fn without_word(mut self, word: impl AsRef<OsStr>) -> Self {
        if let Some(place) = self.0.iter().rposition(|other| other == word.as_ref()) {
            self.0.remove(place);
        }
        self
    }

    /// The same without an option and its value.
    #[must_use]
    pub fn without(self, option: &str) -> Self {
        let with_value = format!("{option}=");
        let mut words = self.0.into_iter();
        let mut left = Vec::new();
        while let Some(word) = words.next() {
            if word == option {
                words.next();
            } else if !word.as_encoded_bytes().starts_with(with_value.as_bytes()) {
                left.push(word);
            }
        }
        Self(left)
    }

    /// The same with this value of an option.
    #[must_use]
    pub fn with(self, option: &str, value: impl AsRef<OsStr>) -> Self {
        self.without(option).and(option).and(value)
    }
}

/// As a shell takes it.
impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("rustkmod")?;
        self.0
            .iter()
            .try_for_each(|word| write!(out, " {}", quoted(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_kept() {
        let call = Call::of(&[
            "--root", "/my disk", "new", "a-b", "--kdir=x", "--author", "A B",
        ]);
        assert_eq!(
            call.clone().with_word("a-b", "a_b").to_string(),
            "rustkmod --root '/my disk' new a_b --kdir=x --author 'A B'"
        );
        assert_eq!(
            call.without("--kdir").with("--kernel", "6.1").to_string(),
            "rustkmod --root '/my disk' new a-b --author 'A B' --kernel 6.1"
        );
    }

    #[test]
    fn an_option_is_replaced_in_both_its_forms() {
        for given in [
            &["boot", "--accel", "kvm", "x"][..],
            &["boot", "--accel=kvm", "x"],
        ] {
            let call = Call::of(given).with("--accel", "tcg");
            assert_eq!(call.to_string(), "rustkmod boot x --accel tcg");
        }
    }

    #[test]
    fn words_come_and_go() {
        let call = Call::of(&["ide"]).and("x").with_word("x", "DIR");
        assert_eq!(call.to_string(), "rustkmod ide DIR");
        assert_eq!(call.without_word("DIR").to_string(), "rustkmod ide");
    }
}
