// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line of `rustkmod doctor`.

use clap::Args;
use kernel_tree::system::System;
use serde::Serialize;

use super::subject::Subject;
use crate::call::Call;
use crate::error::Result;
use crate::kernel_arg::{OpenTree, Tree, open_tree};
use crate::output::{Header, Output, Verdict, header};
use crate::report::{Finding, Status, counted};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which kernel
    #[command(flatten)]
    pub tree: Tree,
    /// The value that you give to make as RUSTC=, if any
    #[arg(long, value_name = "RUSTC")]
    pub rustc: Option<String>,
    /// Show only warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

pub(crate) fn run(system: System, arguments: Arguments, out: &mut Output) -> Result<Verdict> {
    let OpenTree {
        kdir,
        release,
        is_running,
    } = open_tree(&system, &arguments.tree, || {
        Call::again("doctor").and("KERNELRELEASE")
    })?;
    let tree = system.shown(&kdir.path);
    let subject = Subject::new(system, kdir, release.clone(), is_running, arguments.rustc);
    let findings = super::examine(&subject);
    let count = |status| {
        findings
            .iter()
            .filter(|finding| finding.status == status)
            .count()
    };
    let (errors, warnings) = (count(Status::Error), count(Status::Warning));
    if out.json {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            header: Header,
            kernelrelease: Option<String>,
            kdir: String,
            ok: bool,
            errors: usize,
            warnings: usize,
            findings: &'a [Finding],
        }
        out.json(&Document {
            header: header("doctor"),
            kernelrelease: release,
            kdir: tree,
            ok: errors == 0,
            errors,
            warnings,
            findings: &findings,
        })?;
    } else {
        let is_fine = |status| matches!(status, Status::Ok | Status::Skipped);
        let told = |finding: &&Finding| !(arguments.quiet && is_fine(finding.status));
        out.findings(findings.iter().filter(told))?;
        let name = release.unwrap_or(tree);
        let summary = match (errors, warnings) {
            (0, 0) => format!("nothing was found that keeps Rust modules from {name}"),
            (0, some) => format!(
                "{}, and nothing that keeps Rust modules from {name}",
                counted(some, "warning")
            ),
            (some, 0) => format!(
                "{} for {name}: fix the first one first",
                counted(some, "error")
            ),
            (some, more) => format!(
                "{} and {} for {name}: fix the first error first",
                counted(some, "error"),
                counted(more, "warning")
            ),
        };
        if !(arguments.quiet && errors + warnings == 0) {
            writeln!(out, "{summary}")?;
        }
    }
    Ok(Verdict::fails_if(errors > 0))
}
