// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line of `rustkmod why`.

use std::path::PathBuf;

use clap::Args;
use kernel_files::file;
use kernel_tree::system::System;
use serde::Serialize;

use super::Question;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::kernel_arg::{self, KernelOption, OpenTree, open_tree};
use crate::output::{Header, Output, Verdict, header};
use crate::report::write_finding;
use crate::stream;

/// Arguments of `why`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The option, such as RUST; SYMBOL=VALUE asks for a value other than on
    #[arg(value_name = "SYMBOL[=VALUE]", value_parser = symbol)]
    pub symbol: String,
    /// The kernel whose tree has the Kconfig files
    #[command(flatten)]
    pub kernel: KernelOption,
    /// The configuration file; the tree's .config by default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print only the changes, as a config fragment
    #[arg(long, conflicts_with = "json")]
    pub fragment: bool,
}

/// A question has a symbol in front of its value.
fn symbol(asked: &str) -> std::result::Result<String, &'static str> {
    let name = asked.split('=').next().unwrap_or_default();
    match name.strip_prefix("CONFIG_").unwrap_or(name).trim() {
        "" => Err("no symbol is named: ask as in RUST, CONFIG_RUST or NR_CPUS=8"),
        _ => Ok(asked.to_string()),
    }
}

pub(crate) fn run(system: &System, arguments: &Arguments, out: &mut Output) -> Result<Verdict> {
    let OpenTree { kdir, release, .. } = open_tree(system, &arguments.kernel.tree(), || {
        Call::again("why").with("--kdir", "DIR")
    })?;
    if let (None, Err(reason)) = (&arguments.config, &kdir.makefile)
        && !kdir.path.join(".config").exists()
    {
        let tree = system.shown(&kdir.path);
        return Err(Error::new(format!(
            "{tree} is not a kernel tree, and has no configuration"
        ))
        .note(system.seen(reason))
        .run(
            "see what it lacks",
            kernel_arg::doctor(system, &kdir.path, release.as_deref()),
        ));
    }
    let config = arguments
        .config
        .as_deref()
        .map(file::absolute)
        .transpose()?;
    let question = Question::new(&kdir, &arguments.symbol, config);
    let (answer, place) = question.answer(system)?;
    let is_on = matches!(answer.answer, kconfig::Answer::Already);
    if arguments.fragment {
        if let Some(fragment) = super::fragment(&answer) {
            write!(out, "{fragment}")?;
        }
        // Whoever asks for the changes wants only them, unless they are not enough.
        let is_enough = super::is_possible(&answer);
        if !is_enough {
            let finding = super::finding(&answer, &place);
            write_finding(&mut stream::stderr(), &finding).map_err(Error::output)?;
        }
        return Ok(Verdict::fails_if(!is_enough));
    }
    if out.json {
        #[derive(Serialize)]
        struct Document {
            #[serde(flatten)]
            header: Header,
            config: String,
            srctree: String,
            ok: bool,
            #[serde(flatten)]
            why: super::Document,
        }
        out.json(&Document {
            header: header("why"),
            config: system.shown(&question.config),
            srctree: system.shown(&question.srctree),
            ok: is_on,
            why: super::document(&answer),
        })?;
    } else {
        let finding = super::finding(&answer, &place);
        out.finding(&finding)?;
    }
    Ok(Verdict::fails_if(!is_on))
}
