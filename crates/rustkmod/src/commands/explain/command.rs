// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line of `rustkmod explain`.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use kernel_files::{decompress, file};
use serde::Serialize;

use super::Explanation;
use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::output::{Header, Output, Verdict, header};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The log file; standard input by default
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
    if found.lines == 0 {
        return Err(Error::new(format!("{name} is empty"))
            .note("there is no log to explain; of make, both outputs are wanted: make 2>&1 | rustkmod explain")
            .run(
                "reading the kernel's log mostly takes root",
                "sudo dmesg | rustkmod explain",
            ));
    }
    for found in &mut found.findings {
        found.finding.looked_at = format!("{name}:{}", found.number());
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
        super::write(&mut out.to, &name, &found).map_err(Error::output)?;
    }
    Ok(Verdict::fails_if(found.has_failure()))
}

/// Explains a log that may be packed, as those that are rotated are. `path` is its name.
fn explain_log(path: &Path, log: impl Read) -> Result<Explanation> {
    let failed = file::Error::reading(path);
    let mut log = decompress::stream(log).map_err(&failed)?;
    let mut start = Vec::new();
    log.by_ref()
        .take(4)
        .read_to_end(&mut start)
        .map_err(&failed)?;
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
    Ok(std::fs::File::open(path).map_err(file::Error::reading(path))?)
}
