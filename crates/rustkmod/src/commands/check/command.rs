// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line of `rustkmod check`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kernel_tree::system::System;
use serde::Serialize;

use super::{Kernel, ModuleReport};
use crate::error::Result;
use crate::kernel_arg::KERNEL;
use crate::output::{Header, Output, Verdict, header};
use crate::report::counted;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The modules (.ko, .ko.zst, .ko.xz, .ko.gz), or directories of them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// The kernel: a release as `uname -r` prints it, the directory of its headers or sources, or its
    /// image; the running kernel by default
    #[arg(long, value_name = KERNEL, value_parser = NonEmptyStringValueParser::new())]
    pub kernel: Option<String>,
    /// List every symbol that a module needs, and what exports it
    #[arg(long)]
    pub symbols: bool,
    /// Show only warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

pub(crate) fn run(system: &System, arguments: &Arguments, out: &mut Output) -> Result<Verdict> {
    let paths = super::find_modules(&arguments.paths)?;
    let kernel = Kernel::find(system, arguments.kernel.as_deref())?;
    let options = super::Options {
        symbols: arguments.symbols,
    };
    let reports = super::check(&kernel, &paths, options);
    let refused = reports.iter().filter(|report| !report.loads).count();
    if out.json {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            header: Header,
            kernelrelease: Option<&'a str>,
            vermagic: Option<&'a str>,
            ok: bool,
            modules: &'a [ModuleReport],
        }
        out.json(&Document {
            header: header("check"),
            kernelrelease: kernel.release.as_deref(),
            vermagic: kernel.vermagic.as_ref().map(|(magic, _)| magic.as_str()),
            ok: refused == 0,
            modules: &reports,
        })?;
        return Ok(Verdict::fails_if(refused > 0));
    }
    let name = kernel.name();
    for report in &reports {
        if report.findings.is_empty() && !arguments.quiet && reports.len() <= 20 {
            out.finding(&report.would_load(&name))?;
        }
        out.findings(&report.findings)?;
        for symbol in &report.symbols {
            let shown = symbol.demangled.as_deref().unwrap_or(&symbol.symbol);
            let exporter = symbol.exporter.as_deref().unwrap_or("nobody");
            let gpl = if symbol.gpl_only {
                ", to GPL modules only"
            } else {
                ""
            };
            writeln!(out, "  {shown}: exported by {exporter}{gpl}")?;
        }
    }
    out.findings(&kernel.doubts())?;
    if reports.len() > 1 {
        let summary = match refused {
            0 => format!("{name} would take all {}", counted(reports.len(), "module")),
            some => format!(
                "{name} would refuse {some} of {}",
                counted(reports.len(), "module")
            ),
        };
        writeln!(out, "{summary}")?;
    }
    if let Some(list) = super::not_looked_at(&reports).filter(|_| !arguments.quiet) {
        writeln!(out, "  note: not looked at: {list}")?;
    }
    Ok(Verdict::fails_if(refused > 0))
}
