// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod why`: why a configuration has not what is wanted, and which changes give it.
//!
//! The evaluating is done by the crate `kconfig`; here its answer is put into words and JSON.

pub mod command;
mod document;
mod question;
mod words;

use kconfig::{Answer, Plan};

pub use document::{Document, document};
pub use question::Question;
pub use words::{chain, finding};

/// The changes of an answer as a config fragment, also where a tool has to be fixed besides;
/// nothing when no changes do it.
pub fn fragment(why: &kconfig::Why) -> Option<String> {
    match &why.answer {
        Answer::Already => Some(String::new()),
        Answer::Changes(plan) => Some(plan.fragment()),
        Answer::Impossible { afterwards, .. } => afterwards.as_ref().map(Plan::fragment),
        Answer::NotFound { .. } => None,
    }
}

/// Whether the symbol has what is wanted, or can be given it.
pub fn is_possible(why: &kconfig::Why) -> bool {
    matches!(why.answer, Answer::Already | Answer::Changes(_))
}

#[cfg(test)]
mod tests;
