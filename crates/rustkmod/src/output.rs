// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where a command's answer goes, and how the command ended.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::report::{Finding, SCHEMA, Writer};
use crate::stream;

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

/// Where a command's answer goes, and in which form.
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) to: Box<dyn Write>,
    writer: Writer,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            to: Box::new(stream::stdout()),
            writer: Writer::default(),
        }
    }

    pub(crate) fn json(&mut self, document: &impl Serialize) -> Result<()> {
        // A document is written whole or not begun. None has a map whose keys are not text, which is
        // all that JSON cannot hold.
        let text = serde_json::to_string_pretty(document)
            .map_err(|error| Error::new(format!("the report does not fit JSON: {error}")))?;
        writeln!(self, "{text}")
    }

    /// What `write!` and `writeln!` call.
    pub(crate) fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<()> {
        self.to.write_fmt(text).map_err(Error::output)
    }

    pub(crate) fn finding(&mut self, finding: &Finding) -> Result<()> {
        self.findings([finding])
    }

    /// Writes findings, and what was not said before.
    pub(crate) fn findings<'a>(
        &mut self,
        findings: impl IntoIterator<Item = &'a Finding>,
    ) -> Result<()> {
        let written = self.writer.findings(&mut self.to, findings);
        written.map_err(Error::output)
    }

    /// Hands on what was written.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.to.flush().map_err(Error::output)
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

/// Prints the document of an error, for `--json`.
pub(crate) fn write_error_document(error: &Error) -> Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        error: &'a Error,
    }
    let mut out = Output::new(true);
    out.json(&Document {
        schema: SCHEMA,
        error,
    })?;
    out.flush()
}
