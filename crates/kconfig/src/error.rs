// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong, each with the file it went wrong in and what to do about it.

use std::path::PathBuf;
use std::sync::Arc;

/// A line of a Kconfig file; the path is the one the `source` statement gave.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The file, relative to the source tree.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a tree or a configuration could not be read, or a question not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read.
    #[error("cannot read {}: {source}; check that the path exists and may be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that a `source` statement names is not there.
    #[error(
        "{at}: cannot read the sourced file `{wanted}`: {source}; the tree is incomplete: \
         give a whole kernel source tree, or headers that ship every Kconfig file"
    )]
    Source {
        /// The `source` statement.
        at: Location,
        /// The file as the statement names it.
        wanted: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that includes itself, directly or through others.
    #[error("{at}: `{wanted}` is already being read; remove this `source`, it includes itself")]
    SourceLoop {
        /// The `source` statement.
        at: Location,
        /// The file as the statement names it.
        wanted: String,
    },
    /// A `source` whose path only a shell could tell.
    #[error(
        "{at}: the sourced path `{wanted}` needs a variable or a shell command whose value is \
         not known; give it in `Options::env`, or allow `Shell::Run`"
    )]
    SourceUnknown {
        /// The `source` statement.
        at: Location,
        /// The path as it is written.
        wanted: String,
    },
    /// A statement that is not Kconfig.
    #[error("{at}: {message}; correct this line: the kernel's own parser refuses it too")]
    Syntax {
        /// The statement.
        at: Location,
        /// What is wrong with it.
        message: String,
    },
    /// `$(error-if,y,...)`: the tree itself refuses to be configured here.
    #[error("{at}: {message}")]
    Refused {
        /// The statement.
        at: Location,
        /// The tree's own message.
        message: String,
    },
    /// Input beyond every real kernel's size, refused so that it cannot exhaust the machine.
    #[error("{at}: {what} is over the limit of {limit}; no kernel comes near it, check this file")]
    Limit {
        /// Where it was noticed.
        at: Location,
        /// What was counted.
        what: &'static str,
        /// The most that is taken.
        limit: usize,
    },
    /// Symbols that depend on each other.
    #[error("circular dependency: {chain}; the kernel's own parser refuses this tree too")]
    Circular {
        /// Each symbol with its definition, in order.
        chain: String,
    },
    /// A `.config` beyond every real one's size.
    #[error("{} is over {limit} bytes; no kernel configuration is, check the path", path.display())]
    ConfigTooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// A symbol no Kconfig file of this architecture mentions.
    #[error(
        "{name} is not defined in the Kconfig files of {root} for this architecture{}",
        nearest.as_ref().map_or(String::new(), |other| {
            format!("; the nearest name that is defined is {other}")
        })
    )]
    UnknownSymbol {
        /// The name asked for.
        name: String,
        /// The tree that was read.
        root: String,
        /// The nearest name that is defined.
        nearest: Option<String>,
    },
    /// A value the symbol's type cannot take.
    #[error("{symbol} is {kind} and cannot be `{value}`; ask for a value of that type")]
    WrongValue {
        /// The symbol.
        symbol: String,
        /// Its type.
        kind: &'static str,
        /// The value asked for.
        value: String,
    },
}
