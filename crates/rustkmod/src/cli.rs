// SPDX-License-Identifier: MIT OR Apache-2.0

//! The command line: arguments in, a report and a verdict out.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use kernel_files::file;

use crate::boot;
use crate::call::Call;
use crate::command::quoted;
use crate::commands::check::{self, Kernel, ModuleReport};
use crate::commands::doctor::Subject;
use crate::commands::explain::{self, Explanation};
use crate::commands::ide::{self, IdeArguments};
use crate::commands::new::{self, NewArguments};
use crate::commands::why::{self, Question};
use crate::error::{Error, Result};
use crate::kernel_arg;
use crate::kernel_arg::{OpenTree, Tree, open_tree};
use crate::output::{self, Header, Output, Verdict, header};
use crate::report::{Finding, Status, counted, write_finding};
use crate::stream;
use kernel_files::decompress;
use kernel_tree::system::System;
use kernel_tree::toolchain::{self, Found, Need, Origin};

/// Says why a Rust kernel module cannot be built or loaded, and what to do.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Arguments {
    /// Print JSON, whose fields are documented and stable
    #[arg(long, global = true)]
    pub json: bool,
    /// Look at the system below this folder instead of the running one
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at everything a Rust module's build needs: headers, crates, rustc, DKMS, signatures
    ///
    /// Every check is made, not only the first that fails. Exit status: 0 when nothing fails, 1
    /// when a check fails, 2 when it could not run.
    Doctor(DoctorArguments),
    /// Say whether a kernel would take a module, without loading it
    ///
    /// Exit status: 0 when it would take all, 1 when it would refuse one, 2 when it could not run.
    Check(CheckArguments),
    /// Say why a configuration lacks a symbol, and which changes turn it on
    ///
    /// Exit status: 0 when it is on, 1 when it is off, 2 when it could not run.
    Why(WhyArguments),
    /// Say what the failures in a build or kernel log mean, and what mends them
    ///
    /// Exit status: 0 when no failure is in the log, 1 when one is, 2 when it could not run.
    Explain(ExplainArguments),
    /// Say which rustc a kernel's modules need, and where one is
    ///
    /// Exit status: 0 when it is on this machine, 1 when it is not, 2 when it could not run.
    Toolchain(ToolchainArguments),
    /// Make a module of one's own, which builds at once
    ///
    /// Exit status: 0 when it is made, 2 when it is not.
    New(NewArguments),
    /// Write rust-project.json, from which rust-analyzer knows a module and its kernel
    ///
    /// Exit status: 0 when it is written, 2 when it is not.
    Ide(IdeArguments),
    /// Boot a kernel in QEMU, load modules there, and say what came of it
    ///
    /// Exit status: 0 when all went well, 1 when a module or the kernel failed, 2 when it could not
    /// run.
    Boot(boot::command::Arguments),
    /// Write the man pages and shell completions into a folder, for packagers
    #[command(hide = true)]
    Generate {
        /// The folder
        folder: PathBuf,
    },
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Which kernel
    #[command(flatten)]
    pub tree: Tree,
    /// A built module to check as well
    #[arg(long, value_name = "FILE")]
    pub module: Option<PathBuf>,
    /// The RUSTC= you give to make, if you do
    #[arg(long, value_name = "RUSTC")]
    pub rustc: Option<String>,
    /// Leave out what is fine
    #[arg(short, long)]
    pub quiet: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Modules (.ko, .ko.zst, .ko.xz, .ko.gz), and folders of them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// The kernel: a release, its headers, or its folder in /lib/modules; the running one by
    /// default
    #[arg(long, value_name = "KERNELRELEASE|DIR", value_parser = NonEmptyStringValueParser::new())]
    pub kernel: Option<String>,
    /// List every symbol a module needs, and who exports it
    #[arg(long)]
    pub symbols: bool,
    /// Leave out what is fine
    #[arg(short, long)]
    pub quiet: bool,
}

/// Arguments of `why`.
#[derive(Debug, Args)]
pub struct WhyArguments {
    /// The symbol, such as RUST; SYMBOL=VALUE asks for another value than on
    #[arg(value_name = "SYMBOL[=VALUE]", value_parser = symbol)]
    pub symbol: String,
    /// The tree with the Kconfig files; the running kernel's headers by default
    #[arg(long, value_name = "DIR")]
    pub kdir: Option<PathBuf>,
    /// The configuration; the tree's .config by default
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

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The log; standard input by default
    pub log: Option<PathBuf>,
}

/// Arguments of `toolchain`.
#[derive(Debug, Args)]
pub struct ToolchainArguments {
    /// Which kernel
    #[command(flatten)]
    pub tree: Tree,
    /// Print only the path of a rustc that fits, for scripts
    #[arg(long, conflicts_with = "json")]
    pub path: bool,
    /// Get it through rustup, if it is not here
    #[arg(long)]
    pub install: bool,
}

/// Runs a command.
pub fn run(arguments: Arguments) -> Result<Verdict> {
    if let Some(root) = arguments.root.as_ref().filter(|root| !root.is_dir()) {
        return Err(Error::Unmet(format!(
            "--root {} is no folder\n  \
             help: name the one that the system to look at is in: {}",
            quoted(root),
            Call::here().without("--root").with("--root", "DIR")
        )));
    }
    let system = System::here(arguments.root);
    Call::remember();
    let mut out = Output {
        json: arguments.json,
        to: Box::new(stream::stdout()),
    };
    let verdict = match arguments.command {
        Command::Doctor(arguments) => doctor(system, arguments, &mut out),
        Command::Check(arguments) => check(&system, &arguments, &mut out),
        Command::Why(arguments) => why(&system, &arguments, &mut out),
        Command::Explain(arguments) => explain(&arguments, &mut out),
        Command::Toolchain(arguments) => toolchain(&system, &arguments, &mut out),
        Command::New(arguments) => new::run(&system, &arguments, &mut out),
        Command::Ide(arguments) => ide::run(&system, &arguments, &mut out),
        Command::Boot(arguments) => boot::command::run(&system, &arguments, &mut out),
        Command::Generate { folder } => generate(&folder),
    }?;
    out.to.flush()?;
    Ok(verdict)
}

fn doctor(system: System, arguments: DoctorArguments, out: &mut Output) -> Result<Verdict> {
    let OpenTree {
        kdir,
        release,
        is_running,
    } = open_tree(&system, &arguments.tree, || {
        Call::again("doctor").and("KERNELRELEASE")
    })?;
    let tree = system.shown(&kdir.path);
    let subject = Subject::new(
        system,
        kdir,
        release.clone(),
        is_running,
        arguments.rustc,
        arguments.module,
    );
    let findings = subject.examine();
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
        for finding in &findings {
            let is_fine = matches!(finding.status, Status::Ok | Status::Skipped);
            if !(arguments.quiet && is_fine) {
                write_finding(&mut out.to, finding)?;
            }
        }
        let name = release.unwrap_or(tree);
        let summary = match (errors, warnings) {
            (0, 0) => format!("nothing was found that keeps Rust modules from {name}"),
            (0, some) => format!(
                "{}, and nothing that keeps Rust modules from {name}",
                counted(some, "warning")
            ),
            (some, 0) => format!(
                "{} for {name}: mend the first one first",
                counted(some, "error")
            ),
            (some, more) => format!(
                "{} and {} for {name}: mend the first error first",
                counted(some, "error"),
                counted(more, "warning")
            ),
        };
        if !(arguments.quiet && errors + warnings == 0) {
            writeln!(out.to, "{summary}")?;
        }
    }
    Ok(Verdict::fails_if(errors > 0))
}

fn check(system: &System, arguments: &CheckArguments, out: &mut Output) -> Result<Verdict> {
    let paths = check::find_modules(&arguments.paths)?;
    let kernel = Kernel::find(system, arguments.kernel.as_deref())?;
    let options = check::Options {
        symbols: arguments.symbols,
    };
    let reports = check::check(&kernel, &paths, options);
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
    let name = kernel
        .release
        .clone()
        .unwrap_or_else(|| kernel.build.clone());
    for report in &reports {
        if report.findings.is_empty() && !arguments.quiet && reports.len() <= 20 {
            let message = format!("{} would load on {name}", report.path.display());
            write_finding(&mut out.to, &Finding::ok("check", "", message))?;
        }
        for finding in &report.findings {
            write_finding(&mut out.to, finding)?;
        }
        for symbol in &report.symbols {
            let shown = symbol.demangled.as_deref().unwrap_or(&symbol.symbol);
            let exporter = symbol.exporter.as_deref().unwrap_or("nobody");
            let gpl = if symbol.gpl_only {
                ", to GPL modules only"
            } else {
                ""
            };
            writeln!(out.to, "  {shown}: exported by {exporter}{gpl}")?;
        }
    }
    if kernel.vermagic.is_none() {
        let message = "the kernel's vermagic is not known, and was not compared";
        write_finding(
            &mut out.to,
            &Finding::warning("vermagic", &kernel.build, message),
        )?;
    }
    if reports.len() > 1 {
        let summary = match refused {
            0 => format!("{name} would take all {}", counted(reports.len(), "module")),
            some => format!(
                "{name} would refuse {some} of {}",
                counted(reports.len(), "module")
            ),
        };
        writeln!(out.to, "{summary}")?;
    }
    Ok(Verdict::fails_if(refused > 0))
}

fn why(system: &System, arguments: &WhyArguments, out: &mut Output) -> Result<Verdict> {
    let tree = Tree {
        release: None,
        kdir: arguments.kdir.clone(),
    };
    let OpenTree { kdir, release, .. } =
        open_tree(system, &tree, || Call::again("why").with("--kdir", "DIR"))?;
    if let (None, Err(reason)) = (&arguments.config, &kdir.makefile)
        && !kdir.path.join(".config").exists()
    {
        return Err(Error::Unmet(format!(
            "{} is no kernel tree, and has no configuration\n  note: {reason}\n  \
             help: see what it lacks: {}",
            system.shown(&kdir.path),
            kernel_arg::doctor(system, &kdir.path, release.as_deref())
        )));
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
        if let Some(fragment) = why::fragment(&answer) {
            write!(out.to, "{fragment}")?;
        }
        // Whoever asks for the changes wants only them, unless they are not enough.
        let is_enough = why::is_possible(&answer);
        if !is_enough {
            let finding = why::finding(&answer, &place);
            write_finding(&mut stream::stderr(), &finding)?;
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
            why: why::Document,
        }
        out.json(&Document {
            header: header("why"),
            config: system.shown(&question.config),
            srctree: system.shown(&question.srctree),
            ok: is_on,
            why: why::document(&answer),
        })?;
    } else {
        let finding = why::finding(&answer, &place);
        write_finding(&mut out.to, &finding)?;
    }
    Ok(Verdict::fails_if(!is_on))
}

fn explain(arguments: &ExplainArguments, out: &mut Output) -> Result<Verdict> {
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
        write_explanation(&mut out.to, &name, &found)?;
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
    let name = quoted(path);
    let (what, help) = match start.as_slice() {
        b"\x7fELF" => (
            "a module or a program (ELF)",
            format!("ask whether a kernel would take it: rustkmod check {name}"),
        ),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => (
            "written in UTF-16",
            format!("turn it into UTF-8: iconv -f UTF-16 -t UTF-8 {name} | rustkmod explain"),
        ),
        _ => return Ok(explain::explain(start.as_slice().chain(log)).map_err(failed)?),
    };
    Err(Error::Unmet(format!(
        "{} is no log that can be read here\n  note: it is {what}\n  help: {help}",
        path.display()
    )))
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
) -> Result<()> {
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

fn toolchain(system: &System, arguments: &ToolchainArguments, out: &mut Output) -> Result<Verdict> {
    let OpenTree { kdir, release, .. } = open_tree(system, &arguments.tree, || {
        Call::again("toolchain").and("KERNELRELEASE")
    })?;
    let tree = system.shown(&kdir.path);
    let name = release.clone().unwrap_or_else(|| tree.clone());
    let Some(need) = toolchain::need(&kdir) else {
        return Err(Error::Unmet(format!(
            "which rustc {name} needs cannot be told\n  \
             note: {tree} has neither crates (rust/*.rmeta) nor scripts/min-tool-version.sh\n  \
             help: see what it lacks\n            {}",
            kernel_arg::doctor(system, &kdir.path, release.as_deref())
        )));
    };
    let mut all = toolchain::all(system);
    let mut fitting = all.iter().find(|found| fits(&need, found)).cloned();
    if fitting.is_none() && arguments.install {
        install(&need)?;
        all = toolchain::all(system);
        fitting = all.iter().find(|found| fits(&need, found)).cloned();
        if fitting.is_none() {
            return Err(Error::Unmet(format!(
                "rustup installed a toolchain, and it is not the one {name} needs: {}",
                wanted(&need)
            )));
        }
    }
    if arguments.path {
        let Some(found) = &fitting else {
            let mut stderr = stream::stderr();
            writeln!(
                stderr,
                "{}: {} is not on this machine",
                output::error_label(),
                wanted(&need)
            )?;
            for help in get(&need) {
                writeln!(stderr, "  help: {help}")?;
            }
            return Ok(Verdict::Fails);
        };
        writeln!(out.to, "{}", system.shown(&found.path))?;
        return Ok(Verdict::Fine);
    }
    if out.json {
        out.json(&toolchain_document(
            system,
            &need,
            &all,
            fitting.as_ref(),
            release,
            &tree,
        ))?;
    } else {
        writeln!(out.to, "{name} needs {}", wanted(&need))?;
        write_need(&mut out.to, system, &need)?;
        if let Some(found) = &fitting {
            writeln!(
                out.to,
                "it is here: {} ({})",
                system.shown(&found.path),
                origin(found)
            )?;
        } else {
            writeln!(out.to, "it is not on this machine")?;
            for help in get(&need) {
                writeln!(out.to, "  help: {help}")?;
            }
        }
        for found in all.iter().filter(|found| !fits(&need, found)) {
            let version = found.version.as_deref().unwrap_or("which does not run");
            writeln!(
                out.to,
                "does not fit: {} ({}), {version}",
                system.shown(&found.path),
                origin(found)
            )?;
        }
    }
    Ok(Verdict::fails_if(fitting.is_none()))
}

fn fits(need: &Need, found: &Found) -> bool {
    let Ok(version) = &found.version else {
        return false;
    };
    match need {
        Need::Exactly { rustc, .. } | Need::ConfiguredWith { rustc, .. } => rustc == version,
        Need::AtLeast {
            version: wanted,
            only,
        } => {
            let order = toolchain::compare(toolchain::number(version).unwrap_or_default(), wanted);
            order.is_eq() || (order.is_gt() && !only)
        }
    }
}

fn wanted(need: &Need) -> String {
    match need {
        Need::Exactly { rustc, .. } | Need::ConfiguredWith { rustc, .. } => rustc.clone(),
        Need::AtLeast {
            version,
            only: true,
        } => format!("rustc {version}"),
        Need::AtLeast {
            version,
            only: false,
        } => format!("rustc {version} or later"),
    }
}

fn write_need(out: &mut dyn Write, system: &System, need: &Need) -> Result<()> {
    match need {
        Need::Exactly { from, .. } => writeln!(
            out,
            "  note: {} was made by it, and no other rustc can read it",
            system.shown(from)
        )?,
        Need::ConfiguredWith { from, .. } => writeln!(
            out,
            "  note: {} says so; the crates, which would tell for certain, are not there",
            system.shown(from)
        )?,
        Need::AtLeast { only, .. } => writeln!(
            out,
            "  note: scripts/min-tool-version.sh says so{}; the crates are still to be built",
            if *only {
                ", and this series works with that one alone"
            } else {
                ""
            }
        )?,
    }
    Ok(())
}

fn origin(found: &Found) -> String {
    match &found.origin {
        Origin::Packaged => "packaged for this kernel".into(),
        Origin::Rustup(name) => format!("rustup's {name}"),
        Origin::Path | Origin::Makefile(_) => "installed".into(),
    }
}

/// How a rustc is come by.
fn get(need: &Need) -> Vec<String> {
    let name = match need {
        Need::AtLeast { version, .. } => Some(version.clone()),
        Need::Exactly { rustc, .. } | Need::ConfiguredWith { rustc, .. } => {
            toolchain::rustup_toolchain(rustc)
        }
    };
    match name {
        Some(name) => vec![format!(
            "get it through rustup\n            rustup toolchain install {name} --profile minimal"
        )],
        None => vec![
            "it is a distribution's own, which rustup does not have: install the rust package it \
             came from, or the kernel's toolchain package"
                .into(),
        ],
    }
}

fn install(need: &Need) -> Result<()> {
    let name = match need {
        Need::AtLeast { version, .. } => version.clone(),
        Need::Exactly { rustc, .. } | Need::ConfiguredWith { rustc, .. } => {
            toolchain::rustup_toolchain(rustc).ok_or_else(|| {
                Error::Unmet(format!(
                    "rustup does not have '{rustc}'\n  \
                     note: it is not one of rust-lang.org's releases, whose version strings end \
                     with one commit and date\n  \
                     help: install the rust package it came from"
                ))
            })?
        }
    };
    let command = format!("rustup toolchain install {name} --profile minimal");
    let failed = |reason: String| Error::Command {
        command: command.clone(),
        reason,
    };
    let status = std::process::Command::new("rustup")
        .args(["toolchain", "install", &name, "--profile", "minimal"])
        // A rustup that somebody else has installed cannot update itself, and fails.
        .arg("--no-self-update")
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| failed(format!("{error}; install rustup first")))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(status.to_string()))
    }
}

fn toolchain_document(
    system: &System,
    need: &Need,
    all: &[Found],
    fitting: Option<&Found>,
    release: Option<String>,
    tree: &str,
) -> impl Serialize {
    #[derive(Serialize)]
    struct Installed {
        path: String,
        rustc: Option<String>,
        origin: String,
        fits: bool,
    }
    #[derive(Serialize)]
    struct Document {
        #[serde(flatten)]
        header: Header,
        kernelrelease: Option<String>,
        kdir: String,
        needs: String,
        exactly: bool,
        path: Option<String>,
        rustup: Option<String>,
        installed: Vec<Installed>,
    }
    let shown = |path: &Path| system.shown(path);
    Document {
        header: header("toolchain"),
        kernelrelease: release,
        kdir: tree.to_string(),
        needs: wanted(need),
        exactly: !matches!(need, Need::AtLeast { only: false, .. }),
        path: fitting.map(|found| shown(&found.path)),
        rustup: match need {
            Need::AtLeast { version, .. } => Some(version.clone()),
            Need::Exactly { rustc, .. } | Need::ConfiguredWith { rustc, .. } => {
                toolchain::rustup_toolchain(rustc)
            }
        },
        installed: all
            .iter()
            .map(|found| Installed {
                path: shown(&found.path),
                rustc: found.version.clone().ok(),
                origin: origin(found),
                fits: fits(need, found),
            })
            .collect(),
    }
}

/// Writes `rustkmod.1` and the like, and the completions, named as their shells look for them.
fn generate(folder: &Path) -> Result<Verdict> {
    use clap::CommandFactory;
    use clap_complete::Shell;
    std::fs::create_dir_all(folder)?;
    let mut command = Arguments::command();
    clap_mangen::generate_to(command.clone(), folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "rustkmod", folder)?;
    }
    Ok(Verdict::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
