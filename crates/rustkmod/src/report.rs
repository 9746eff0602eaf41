// SPDX-License-Identifier: MIT OR Apache-2.0

//! Findings, and how they are printed: as rustc prints its diagnostics, or as JSON.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use serde::{Serialize, Serializer};

use crate::command::Command;

/// The version of every JSON document this program prints. It grows when a field changes its
/// meaning or goes away, not when one is added.
pub const SCHEMA: u32 = 2;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Not looked at, and why.
    Skipped,
    /// It may work, but the reader should know.
    Warning,
    /// It cannot work.
    Error,
}

/// What fixes a failure: a sentence, and the command to run where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Help {
    pub text: String,
    /// The exact command that does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
}

/// The name of a check.
type Check = &'static str;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the check; it does not change between releases. What ends a command has none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub check: Check,
    pub status: Status,
    /// What was looked at: a file, a directory, a variable.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub looked_at: String,
    /// The finding in one line.
    pub message: String,
    /// Why: the values that disagree, side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What fixes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<Help>,
}

impl Finding {
    fn new(
        check: Check,
        status: Status,
        looked_at: impl ToString,
        message: impl Into<String>,
    ) -> Self {
        Self {
            check,
            status,
            looked_at: looked_at.to_string(),
            message: message.into(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A check that found nothing to complain about.
    pub fn ok(check: Check, looked_at: impl ToString, message: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, looked_at, message)
    }

    /// A check that could not look, with the reason.
    pub fn skipped(check: Check, looked_at: impl ToString, message: impl Into<String>) -> Self {
        Self::new(check, Status::Skipped, looked_at, message)
    }

    /// A check whose finding may or may not matter.
    pub fn warning(check: Check, looked_at: impl ToString, message: impl Into<String>) -> Self {
        Self::new(check, Status::Warning, looked_at, message)
    }

    /// A check that found why it cannot work.
    pub fn error(check: Check, looked_at: impl ToString, message: impl Into<String>) -> Self {
        Self::new(check, Status::Error, looked_at, message)
    }

    /// Adds why: the values that disagree.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds two values that disagree, one under the other.
    #[must_use]
    pub fn versus(self, left: (&str, &str), right: (&str, &str)) -> Self {
        let width = left.0.chars().count().max(right.0.chars().count()) + 1;
        let line = |(name, value): (&str, &str)| format!("{:width$} {value}", format!("{name}:"));
        self.note(format!("{}\n{}", line(left), line(right)))
    }

    /// Adds a remedy that is a command.
    #[must_use]
    pub fn run(mut self, text: impl Into<String>, command: impl Into<Command>) -> Self {
        self.help.push(Help {
            text: text.into(),
            command: Some(command.into()),
        });
        self
    }

    /// Adds a remedy that no one command is.
    #[must_use]
    pub fn advise(mut self, text: impl Into<String>) -> Self {
        self.help.push(Help {
            text: text.into(),
            command: None,
        });
        self
    }
}

/// The worst status among findings, [`Status::Ok`] when there are none.
pub fn worst<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Status {
    findings
        .into_iter()
        .map(|finding| finding.status)
        .max()
        .unwrap_or(Status::Ok)
}

const BOLD: Style = Style::new().bold();

fn label(status: Status) -> (&'static str, Style) {
    let bold = |colour: AnsiColor| Style::new().bold().fg_color(Some(colour.into()));
    match status {
        Status::Ok => ("ok", bold(AnsiColor::Green)),
        Status::Skipped => ("skipped", bold(AnsiColor::Cyan)),
        Status::Warning => ("warning", bold(AnsiColor::Yellow)),
        Status::Error => ("error", bold(AnsiColor::Red)),
    }
}

/// Writes findings as rustc writes diagnostics. What several of them have in common is said once:
/// the reason for which checks were skipped, and a help.
#[derive(Debug, Default)]
pub struct Writer {
    told: HashSet<Help>,
}

impl Writer {
    /// Writes findings. One that is fine takes one line, and so do all that were skipped for one reason.
    pub fn findings<'a>(
        &mut self,
        out: &mut dyn Write,
        findings: impl IntoIterator<Item = &'a Finding>,
    ) -> std::io::Result<()> {
        let mut groups: Vec<(&Finding, Vec<&str>)> = Vec::new();
        for finding in findings {
            let said = |finding: &'a Finding| {
                let Finding {
                    status,
                    message,
                    notes,
                    help,
                    ..
                } = finding;
                (*status == Status::Skipped).then_some((message, notes, help))
            };
            let is_same =
                |first: &'a Finding| said(first).is_some_and(|one| said(finding) == Some(one));
            match groups.iter_mut().find(|(first, _)| is_same(first)) {
                Some((_, checks)) => checks.push(finding.check),
                None => groups.push((finding, vec![finding.check])),
            }
        }
        for (finding, checks) in groups {
            self.finding(out, finding, &checks.join(", "))?;
        }
        Ok(())
    }

    fn finding(
        &mut self,
        out: &mut dyn Write,
        finding: &Finding,
        checks: &str,
    ) -> std::io::Result<()> {
        let (word, colour) = label(finding.status);
        let message = printable(&finding.message);
        let checks = match checks {
            "" => String::new(),
            checks => format!("[{checks}]"),
        };
        if matches!(finding.status, Status::Ok | Status::Skipped) {
            writeln!(out, "{colour}{word}{colour:#}{checks}: {message}")?;
        } else {
            writeln!(
                out,
                "{colour}{word}{colour:#}{BOLD}{checks}: {message}{BOLD:#}"
            )?;
            let looked_at = printable(&finding.looked_at);
            if !looked_at.is_empty() {
                writeln!(out, "  --> {looked_at}")?;
            }
        }
        for note in &finding.notes {
            write_indented(out, "note", note)?;
        }
        let is_new = |help: &&Help| self.told.insert((*help).clone());
        let new: Vec<&Help> = finding.help.iter().filter(is_new).collect();
        if new.len() < finding.help.len() {
            write_indented(out, "help", "as above")?;
        }
        write_help(out, new)
    }
}

pub fn write_finding(out: &mut dyn Write, finding: &Finding) -> std::io::Result<()> {
    Writer::default().findings(out, [finding])
}

pub fn write_help<'a>(
    out: &mut dyn Write,
    help: impl IntoIterator<Item = &'a Help>,
) -> std::io::Result<()> {
    for help in help {
        write_indented(out, "help", &help.text)?;
        if let Some(command) = &help.command {
            for line in printable(&command.to_string()).lines() {
                writeln!(out, "            {line}")?;
            }
        }
    }
    Ok(())
}

fn write_indented(out: &mut dyn Write, word: &str, text: &str) -> std::io::Result<()> {
    let text = printable(text);
    let mut lines = text.lines();
    writeln!(
        out,
        "  {BOLD}{word}{BOLD:#}: {}",
        lines.next().unwrap_or_default()
    )?;
    for line in lines {
        writeln!(out, "        {line}")?;
    }
    Ok(())
}

/// Text from a file, safe to show on a terminal: control characters are written as escapes.
/// Line ends stay, since the program's own messages have them.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' && character != '\t' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Writes a path into a JSON document, which has room for text alone.
pub(crate) fn lossily<S: Serializer>(
    path: &impl AsRef<Path>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.as_ref().display())
}

/// `1 error`, `2 errors`.
pub fn counted(count: usize, one: &str) -> String {
    let ending = match one.strip_suffix('y') {
        Some(stem) if count != 1 => return format!("{count} {stem}ies"),
        _ if count != 1 => "s",
        _ => "",
    };
    format!("{count} {one}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(finding: &Finding) -> String {
        let mut out = Vec::new();
        write_finding(&mut out, finding).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn a_failure_shows_both_values_and_the_command() {
        let finding = Finding::error("rustc", "rust/libcore.rmeta", "rustc cannot read it")
            .versus(
                ("made by", "rustc 1.62.0"),
                ("make would run", "rustc 1.95.0"),
            )
            .run("use the rustc that made it", "make RUSTC=/opt/rustc");
        assert_eq!(
            shown(&finding),
            "error[rustc]: rustc cannot read it\n  \
             --> rust/libcore.rmeta\n  \
             note: made by:        rustc 1.62.0\n        \
             make would run: rustc 1.95.0\n  \
             help: use the rustc that made it\n            \
             make RUSTC=/opt/rustc\n"
        );
    }

    #[test]
    fn what_is_fine_takes_one_line() {
        assert_eq!(
            shown(&Finding::ok("rustc", "x", "it fits")),
            "ok[rustc]: it fits\n"
        );
    }

    #[test]
    fn what_findings_have_in_common_is_said_once() {
        let skipped = |check, why: &str| Finding::skipped(check, "", why);
        let failed = |check| Finding::error(check, "", "it is broken").run("install it", "make");
        let findings = [
            skipped("a", "no tree"),
            failed("b"),
            skipped("c", "no tree"),
            skipped("d", "no rustc"),
            failed("e"),
            failed("f").advise("ask"),
        ];
        let mut out = Vec::new();
        let mut writer = Writer::default();
        writer.findings(&mut out, &findings).unwrap();
        writer.findings(&mut out, &[failed("g")]).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(
            text,
            "skipped[a, c]: no tree\n\
             error[b]: it is broken\n  help: install it\n            make\n\
             skipped[d]: no rustc\n\
             error[e]: it is broken\n  help: as above\n\
             error[f]: it is broken\n  help: as above\n  help: ask\n\
             error[g]: it is broken\n  help: as above\n"
        );
    }

    #[test]
    fn a_file_cannot_send_escapes_to_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\nc");
    }

    #[test]
    fn counts_are_english() {
        assert_eq!(counted(1, "error"), "1 error");
        assert_eq!(counted(2, "library"), "2 libraries");
        assert_eq!(counted(0, "module"), "0 modules");
    }
}
