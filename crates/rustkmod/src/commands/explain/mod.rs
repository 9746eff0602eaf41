// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod explain`: what the failures in a build log or a kernel log mean, and what fixes them.
//!
//! [`read`] reads lines, [`block`] puts them together into what a program said at once, and the
//! rows of [`table`] explain blocks. [`story`] decides which failure is the cause and which only
//! follow from it. Memory does not grow with the log.

mod block;
pub mod command;
mod facts;
pub mod help;
mod language;
mod read;
mod story;
pub mod table;
mod values;
mod write;

use std::io::{self, Read};

use serde::Serialize;

use crate::report::{Finding, Status};
use help::Target;
pub use read::Line;
pub use write::write;

/// The name of a finding about a failure that is not known here.
pub const UNKNOWN: &str = "unknown";

/// What a log says.
#[derive(Debug, Default, Serialize)]
pub struct Explanation {
    /// The failures in their order, then warnings, then what is harmless.
    pub findings: Vec<Explained>,
    /// How many lines show more findings, which were too many to keep.
    pub left_out: u64,
    /// How many lines the log has.
    pub lines: u64,
}

/// A finding in a log, and what follows from it.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// What it means.
    #[serde(flatten)]
    pub finding: Finding,
    /// The lines that show it first.
    pub says: Vec<Line>,
    /// How often the log has it.
    pub count: u64,
    /// Failures that only follow from it: the first of them.
    pub follows: Vec<Line>,
    /// How many follow from it.
    pub follow_count: u64,
}

impl Explained {
    /// The number of the line that shows it first.
    pub fn number(&self) -> u64 {
        self.says.first().map_or(0, |line| line.number)
    }
}

impl Explanation {
    /// Whether something in the log is a failure, known or not.
    pub fn has_failure(&self) -> bool {
        self.failures().next().is_some()
    }

    /// The failures, the first cause first.
    pub fn failures(&self) -> impl Iterator<Item = &Explained> {
        let all = self.findings.iter();
        all.filter(|found| found.finding.status == Status::Error)
    }
}

/// Reads a log to its end and explains it, for the kernel that it is of.
pub fn explain(log: impl Read) -> io::Result<Explanation> {
    explain_for(log, None)
}

/// Explains a log with commands for a certain kernel and module.
pub fn explain_for(log: impl Read, target: Option<&Target>) -> io::Result<Explanation> {
    let mut parser = block::Parser::default();
    let mut story = story::Story::default();
    let lines = read::lines(log, |line| {
        if let Some(block) = parser.line(line) {
            story.block(block);
        }
    })?;
    if let Some(block) = parser.end() {
        story.block(block);
    }
    let (findings, left_out) = story.end(target);
    Ok(Explanation {
        findings,
        left_out,
        lines,
    })
}

#[cfg(test)]
mod tests;
