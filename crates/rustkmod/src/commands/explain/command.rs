// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line of `rustkmod explain`.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use kernel_files::{decompress, file};
use serde::Serialize;

use super::Explanation;
use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::output::{Header, Output, Verdict, header};
use crate::report::{counted, write_finding};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The log; standard input by default
    pub log: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments, out: &mut Output) -> Result<Verdict> {
    let (path, mut found) = match arguments.log.as_deref() {
        Some(path) if path.as_os_str() != "-" => (path, explain_log(path, open_log(path)?)?),
        _ => {
            let path = Path::new("standard input");
            (path, explain_log(path, std::io::stdin().lock())?)
        }
    };
    let name = path.display().to_string();
    for known in &mut found.known {
        known.finding.looked_at = format!("{name}:{}", known.line.number);
    }
    if out.json {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            header: Header,
            log: &'a str,
            ok: bool,
            #[serde(flatten)]
            explanation: &'a Explanation,
        }
        out.json(&Document {
            header: header("explain"),
            log: &name,
            ok: !found.has_failure(),
            explanation: &found,
        })?;
    } else {
        write_explanation(&mut out.to, &name, &found).map_err(Error::output)?;
    }
    Ok(Verdict::fails_if(found.has_failure()))
}

/// Explains a log that may be packed, as those that are rotated are. `path` is its name.
fn explain_log(path: &Path, log: impl Read) -> Result<Explanation> {
    let failed = |source| file::Error::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut log = decompress::stream(log).map_err(failed)?;
    let mut start = Vec::new();
    log.by_ref()
        .take(4)
        .read_to_end(&mut start)
        .map_err(failed)?;
    let (what, (text, command)) = match start.as_slice() {
        b"\x7fELF" => (
            "a module or a program (ELF)",
            (
                "ask whether a kernel would take it",
                Call::of(&["check"]).and(path).into(),
            ),
        ),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => (
            "written in UTF-16",
            (
                "turn it into UTF-8",
                Command::new("iconv -f UTF-16 -t UTF-8")
                    .arg(path)
                    .shell("| rustkmod explain"),
            ),
        ),
        _ => return Ok(super::explain(start.as_slice().chain(log)).map_err(failed)?),
    };
    let message = format!("{} is not a log that can be read here", path.display());
    Err(Error::new(message)
        .note(format!("it is {what}"))
        .run(text, command))
}

/// Opens a log. Unlike all other files it may be a pipe: `rustkmod explain <(dmesg)`.
fn open_log(path: &Path) -> Result<std::fs::File> {
    if path.is_dir() {
        return Err(file::Error::NotAFile {
            path: path.to_path_buf(),
        }
        .into());
    }
    let failed = |source| file::Error::Read {
        path: path.to_path_buf(),
        source,
    };
    Ok(std::fs::File::open(path).map_err(failed)?)
}

/// Writes what a log means.
pub(crate) fn write_explanation(
    out: &mut dyn Write,
    name: &str,
    found: &Explanation,
) -> std::io::Result<()> {
    for known in &found.known {
        let mut finding = known.finding.clone();
        let text: String = known.line.text.chars().take(300).collect();
        finding.notes.insert(0, format!("the log says: {text}"));
        if known.count > 1 {
            finding.notes.insert(
                1,
                format!(
                    "and so on, in {}",
                    counted(usize::try_from(known.count).unwrap_or(usize::MAX), "line")
                ),
            );
        }
        write_finding(out, &finding)?;
    }
    if found.follow_count > 0 {
        let count = usize::try_from(found.follow_count).unwrap_or(usize::MAX);
        writeln!(
            out,
            "{} only from the crate that could not be loaded: rustc does not find its names",
            match count {
                1 => "1 more error follows".to_string(),
                many => format!("{many} more errors follow"),
            }
        )?;
    }
    if !found.unknown.is_empty() {
        let count = usize::try_from(found.unknown_count).unwrap_or(usize::MAX);
        writeln!(
            out,
            "{} that rustkmod does not know, passed on as in the log:",
            counted(count, "error")
        )?;
        for line in &found.unknown {
            let text: String = crate::report::printable(&line.text)
                .chars()
                .take(300)
                .collect();
            writeln!(out, "  {name}:{}: {text}", line.number)?;
        }
        if count > found.unknown.len() {
            writeln!(out, "  and {} more", count - found.unknown.len())?;
        }
    }
    if found.left_out > 0 {
        let count = usize::try_from(found.left_out).unwrap_or(usize::MAX);
        let lines = counted(count, "more line");
        writeln!(out, "and {lines} of failures as above")?;
    }
    if found.known.is_empty() && found.unknown.is_empty() {
        let lines = usize::try_from(found.lines).unwrap_or(usize::MAX);
        writeln!(
            out,
            "no failure is in the {} of {name}",
            counted(lines, "line")
        )?;
    }
    Ok(())
}
