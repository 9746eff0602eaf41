// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where a command's answer goes, and how the command ended.

use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::error::Result;
use crate::report::SCHEMA;

/// How a command ended, when it could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing fails.
    Fine,
    /// Something fails.
    Fails,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fine => Self::SUCCESS,
            Verdict::Fails => Self::FAILURE,
        }
    }
}

impl Verdict {
    pub(crate) fn fails_if(fails: bool) -> Self {
        if fails { Self::Fails } else { Self::Fine }
    }
}

/// The word before an error that stops the program.
pub fn error_label() -> String {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    format!("{style}error{style:#}")
}

/// Where a command's answer goes, and in which form.
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) to: Box<dyn Write>,
}

impl Output {
    pub(crate) fn json(&mut self, document: &impl Serialize) -> Result<()> {
        // A document is written whole or not begun.
        let text = serde_json::to_string_pretty(document)?;
        writeln!(self.to, "{text}")?;
        Ok(())
    }
}

/// The fields every JSON document begins with.
#[derive(Serialize)]
pub(crate) struct Header {
    schema: u32,
    command: &'static str,
}

pub(crate) const fn header(command: &'static str) -> Header {
    Header {
        schema: SCHEMA,
        command,
    }
}
