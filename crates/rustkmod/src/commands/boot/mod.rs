// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod boot`: a kernel in QEMU, modules in, a verdict out.

mod advice;
mod build;
mod remedy;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use serde::Serialize;

use kernel_boot::error::{Context, about};
use kernel_boot::{
    Boot, Choice, Event, Guest, Kernel, MEMORY, Module, Plan, Step, TIMEOUT, Task, Userland,
    Verdict,
};

use advice::advise;
use build::Built;

use crate::call::Call;
use crate::commands::explain::help::Target;
use crate::commands::explain::{self, Explained, Explanation};
use crate::error::{Error, Result};
use crate::kernel_arg::KERNEL;
use crate::output::{self, Output, header};
use crate::report::{Finding, Status, lossily, printable, write_finding};
use crate::{signals, stream};
use kernel_files::kofile::KoFile;
use kernel_tree::system::System;

/// Arguments of `boot`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The modules: a directory with a Kbuild or Makefile, which is built first; a file (.ko,
    /// .ko.zst, .ko.xz, .ko.gz); or the name of one of the kernel's own modules
    #[arg(value_name = "DIR|FILE|NAME")]
    pub modules: Vec<PathBuf>,
    /// The kernel: a release, a directory (an installed kernel's, a built tree, an unpacked package),
    /// or an image; the running kernel by default
    #[arg(long, value_name = KERNEL, value_parser = NonEmptyStringValueParser::new())]
    pub kernel: Option<String>,
    /// Run the system that is installed in DIR in the guest (`/` is this machine's own): its modprobe
    /// loads the modules, and its shell runs the command. Nothing in DIR is changed
    #[arg(long, value_name = "DIR")]
    pub userland: Option<PathBuf>,
    /// Run COMMAND in the guest's shell once the modules are loaded; if it fails, so does the boot
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// Open a shell in the guest once the modules are loaded; after `exit` they are unloaded
    #[arg(long, conflicts_with_all = ["command", "json"])]
    pub shell: bool,
    /// Add parameters to the kernel's command line; NAME.PARAMETER=VALUE sets a module's
    #[arg(
        long,
        value_name = "PARAMETERS",
        default_value = "",
        hide_default_value = true
    )]
    pub append: String,
    /// The guest's memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = MEMORY, value_parser = clap::value_parser!(u32).range(32..))]
    pub memory: u32,
    /// Give the guest up after this time; its kernel is then asked where it hangs
    #[arg(long, value_name = "SECONDS", default_value_t = TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// How the guest's processor is run
    #[arg(long, value_enum, default_value_t, env = "RUSTKMOD_ACCEL")]
    pub accel: Accel,
    /// Show the whole console, not only what the kernel logs while the modules are loaded
    #[arg(short, long)]
    pub verbose: bool,
}

/// What emulates the processor.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Accel {
    /// By KVM where it works, otherwise by TCG
    #[default]
    // An empty RUSTKMOD_ACCEL counts as unset.
    #[value(alias = "")]
    Auto,
    /// By the processor itself
    Kvm,
    /// By QEMU's emulation, which works everywhere
    Tcg,
}

impl From<Accel> for Choice {
    fn from(accel: Accel) -> Self {
        match accel {
            Accel::Auto => Self::Auto,
            Accel::Kvm => Self::Kvm,
            Accel::Tcg => Self::Tcg,
        }
    }
}

/// What a boot took, in seconds.
#[derive(Debug, Default, Serialize)]
struct Seconds {
    /// make
    build: f64,
    qemu: f64,
    total: f64,
}

/// What is told of a run.
#[derive(Debug)]
struct Told {
    kernel: Option<String>,
    image: PathBuf,
    verdict: &'static str,
    boot: Option<Boot>,
    findings: Vec<Finding>,
    explanation: Explanation,
    seconds: Seconds,
}

pub(crate) fn run(
    system: &System,
    arguments: &Arguments,
    out: &mut Output,
) -> Result<output::Verdict> {
    let start = Instant::now();
    signals::listen()?;
    let mut told = if out.json {
        attempt(system, arguments, &mut stream::stderr())
    } else {
        attempt(system, arguments, &mut out.to)
    }?;
    told.seconds.total = start.elapsed().as_secs_f64();
    let verdict = match told.verdict {
        "good" => output::Verdict::Fine,
        _ => output::Verdict::Fails,
    };
    if out.json {
        out.json(&document(&told))?;
    } else {
        for finding in &told.findings {
            out.finding(finding)?;
        }
        if !told.explanation.findings.is_empty() {
            let name = if told.boot.is_some() {
                "the kernel's log"
            } else {
                "make's output"
            };
            explain::write(&mut out.to, name, &told.explanation).map_err(Error::output)?;
        }
    }
    Ok(verdict)
}

/// Builds what is to be built, and boots. What comes meanwhile is written to `live`.
fn attempt(system: &System, arguments: &Arguments, live: &mut dyn Write) -> Result<Told> {
    let refused = |error| advise(system, error);
    let kernel = Kernel::find(system, arguments.kernel.as_deref()).map_err(refused)?;
    let mut told = Told {
        kernel: kernel.release.clone(),
        image: kernel.image.clone(),
        verdict: "build-failed",
        boot: None,
        findings: Vec::new(),
        explanation: Explanation::default(),
        seconds: Seconds::default(),
    };
    let mut wanted = Vec::new();
    for path in &arguments.modules {
        if !about(path)
            .map_err(refused)?
            .is_some_and(|about| about.is_dir())
        {
            wanted.push(path.clone());
            continue;
        }
        let headers = kernel.headers(system, path).map_err(refused)?;
        let built = build::build(system, headers, path, live)?;
        told.seconds.build += built.time.as_secs_f64();
        if !built.is_good {
            let target = remedy::target(&kernel, arguments.kernel.as_deref(), Some(path));
            told.explanation = explained(&built.output, &target);
            let finding = build_failed(path, &kernel, &built);
            told.findings.push(finding);
            return Ok(told);
        }
        wanted.extend(built.modules);
    }
    let plan = Plan::new(&kernel, &wanted).map_err(refused)?;
    for (module, needed) in &plan.missing {
        told.findings.push(missing(module, needed, &kernel));
    }
    let task = match (&arguments.command, arguments.shell) {
        (Some(command), _) => Task::Command(command.clone()),
        (None, true) => Task::Shell,
        (None, false) => Task::None,
    };
    let userland = arguments.userland.as_deref();
    let userland = userland.map(|directory| Userland::new(&kernel, directory));
    let userland = userland.transpose().map_err(refused)?;
    let guest = Guest {
        task: &task,
        userland: userland.as_ref(),
        append: &arguments.append,
        memory: arguments.memory,
        accel: arguments.accel.into(),
        timeout: Duration::from_secs(arguments.timeout),
        ..Guest::new(&kernel.image, &plan.modules)
    };
    let directory = tempfile::Builder::new()
        .prefix("rustkmod-boot.")
        .tempdir()
        .context("create a directory in", std::env::temp_dir())
        .map_err(refused)?;
    let mut failed_write = None;
    let boot = guest.boot(directory.path(), &mut |event| {
        if failed_write.is_none() {
            failed_write = show(event, arguments.verbose, live).err();
        }
    });
    let boot = boot.map_err(refused)?;
    if let Some(error) = failed_write {
        return Err(Error::output(error));
    }
    told.seconds.qemu = boot.time.as_secs_f64();
    told.verdict = boot.verdict.name();
    let mut finding = verdict(&boot, &kernel, &plan, arguments);
    if boot.verdict != Verdict::Good {
        let module = suspect(&boot, &plan);
        let path = module.map(|module| &*module.path);
        let target = remedy::target(&kernel, arguments.kernel.as_deref(), path);
        told.explanation = known_failures(&boot, &target);
        let is_known = |check: &str| {
            let mut known = told.explanation.findings.iter();
            known.any(|known| known.finding.check == check)
        };
        if let (Some(module), Some(step)) = (module, boot.report.failed())
            && !is_known("version-magic")
        {
            finding = why_failed(finding, step, module, &kernel, &target);
        }
        finding = without_userland(finding, &boot);
        finding = in_little_memory(finding, &boot, arguments);
        if !arguments.verbose {
            let again = Call::again("boot").and("--verbose");
            finding = finding.run("see everything that was on the console", again);
        }
    }
    told.findings.push(finding);
    told.boot = Some(boot);
    Ok(told)
}

fn show(event: Event<'_>, verbose: bool, live: &mut dyn Write) -> std::io::Result<()> {
    match event {
        Event::Console(line) if verbose => writeln!(live, "{}", printable(line))?,
        Event::Log(line) if !verbose => writeln!(live, "{}", printable(line))?,
        Event::Console(_) | Event::Log(_) => {}
        Event::Output(line) => writeln!(live, "{line}")?,
        Event::Terminal(bytes) => live.write_all(bytes)?,
        Event::Fallback(why) => {
            let finding = Finding::warning(
                "kvm",
                "/dev/kvm",
                "KVM is not usable here; using TCG (emulation)",
            )
            .note(why)
            .note("it is not tried again until this machine has rebooted or QEMU has changed")
            .run(
                "try it again anyway",
                Call::again("boot").with("--accel", "kvm"),
            );
            write_finding(live, &finding)?;
        }
    }
    live.flush()
}

fn build_failed(directory: &Path, kernel: &Kernel, built: &Built) -> Finding {
    let name = kernel.name();
    let message = format!("the module does not build for {name}");
    Finding::error("build", directory.display(), message)
        .run("build it alone", built.command.clone())
}

fn missing(module: &str, needed: &str, kernel: &Kernel) -> Finding {
    let name = kernel.name();
    let modules = match &kernel.modules {
        Some(directory) => directory.display().to_string(),
        None => format!("{name}, whose directory of modules is not here"),
    };
    Finding::warning(
        "depends",
        "",
        format!("`{module}` needs the module `{needed}`, which {name} does not have"),
    )
    .note(format!(
        "it was looked for among the modules given, and in {modules}"
    ))
    .advise("pass that module too; the order does not matter")
}

fn verdict(boot: &Boot, kernel: &Kernel, plan: &Plan, arguments: &Arguments) -> Finding {
    let name = kernel.name();
    let names: Vec<_> = plan.modules.iter().map(|module| &*module.name).collect();
    let modules = match &names[..] {
        [] => "no module".to_owned(),
        names => names.join(", "),
    };
    let time = boot.time.as_secs_f64();
    let looked_at = format!("{name}, in QEMU ({}) with {modules}", boot.accel);
    let say = |message: String| Finding::error(boot.verdict.name(), &looked_at, message);
    let finding = match &boot.verdict {
        Verdict::Good => {
            let did = match &names[..] {
                [] => String::new(),
                names => format!(", loaded and unloaded {}", names.join(", ")),
            };
            let message = format!("booted {name}{did} ({time:.1} s in QEMU, {})", boot.accel);
            return Finding::ok("boot", "", message);
        }
        Verdict::Failed(step) => say(match step.split_once(": ") {
            Some((step, why)) => format!("`{step}` failed: {why}"),
            None => format!("`{step}` failed"),
        }),
        Verdict::Warned(_) => {
            say("the kernel logged a warning (WARN) while the modules were loaded".into())
        }
        Verdict::Oops(_) => say(match &boot.report.begun {
            Some(step) => format!("the kernel crashed in `{}`", step.step),
            None => "the kernel crashed".into(),
        }),
        Verdict::Hung(step) => {
            let limit = arguments.timeout;
            say(format!("`{step}` did not end")).note(format!(
                "given up after {limit} s (--timeout); its kernel was then asked where it hangs"
            ))
        }
        Verdict::CutOff(step) => say(format!("the machine stopped in the middle of `{step}`")),
    };
    match boot.telling.is_empty() {
        true => finding,
        false => finding.note(format!("the kernel says:\n{}", boot.telling.join("\n"))),
    }
}

/// The module of the step that did not end, or did not work.
fn suspect<'a>(boot: &Boot, plan: &'a Plan) -> Option<&'a Module> {
    let step = boot.report.begun.as_ref().or(boot.report.failed())?;
    let (_, name) = step.step.split_once(' ')?;
    // The kernel has `_` where a file's name has `-`, and the init has it from the file.
    let is_it = |module: &&Module| module.name.replace('-', "_") == name;
    plan.modules.iter().find(is_it)
}

/// The reasons that the kernel does not log.
fn why_failed(
    finding: Finding,
    step: &Step,
    module: &Module,
    kernel: &Kernel,
    target: &Target,
) -> Finding {
    let Ok(file) = KoFile::parse(&module.elf) else {
        return finding;
    };
    let error = step.error.as_deref().unwrap_or_default();
    if step.step.starts_with("load ") && error.ends_with("(os error 8)") {
        let vermagic = file.info("vermagic").unwrap_or_default();
        let built_for = vermagic.split(' ').next().unwrap_or_default();
        let finding = match kernel.release.as_deref() {
            Some(release) if release != built_for => {
                finding.versus(("built for", built_for), ("booted", release))
            }
            _ => return finding,
        };
        let text = "build the module again, for the kernel that is to load it";
        return match target.build() {
            Some(command) => finding.run(text, command),
            None => finding.advise(text),
        };
    }
    if step.step.starts_with("unload ") && error.ends_with("(os error 16)") {
        return match file.has_exit {
            true => finding
                .note("something in the guest still uses it: another module, an open file, a mount")
                .advise("have the command stop or unmount what it started"),
            false => finding
                .note("it has no exit function (cleanup_module), so the kernel cannot unload it")
                .advise("give it one: module_exit() in C; what `module!` makes in Rust has one"),
        };
    }
    finding
}

/// A kernel that does not say what is built in may lack what it takes to mount a userland.
fn without_userland(finding: Finding, boot: &Boot) -> Finding {
    match boot.report.failed() {
        Some(step) if step.step == "userland" => finding
            .note(format!(
                "the guest mounts a userland by 9p over virtio, below an overlay: {}",
                Userland::needed_options().join(", ")
            ))
            .run(
                "leave the userland out",
                Call::again("boot").without("--userland"),
            ),
        _ => finding,
    }
}

/// A kernel that does not come as far as its init may lack memory, and cannot say so.
fn in_little_memory(finding: Finding, boot: &Boot, arguments: &Arguments) -> Finding {
    let is_early = boot.report.steps.is_empty() && boot.verdict != Verdict::Good;
    if !is_early || arguments.memory >= MEMORY {
        return finding;
    }
    finding
        .note(format!("it had {} MiB of memory", arguments.memory))
        .advise(format!(
            "leave --memory out: the guest then gets {} MiB",
            MEMORY
        ))
}

/// What `explain` knows of what the kernel logged. What it does not know was shown already.
fn known_failures(boot: &Boot, target: &Target) -> Explanation {
    let mut text = boot.log.clone();
    for line in boot.report.log().filter(|line| !boot.log.contains(line)) {
        text.push_str(line);
        text.push('\n');
    }
    let mut found = explained(text.as_bytes(), target);
    found.findings.retain(|found| {
        found.finding.check != explain::UNKNOWN
            && matches!(found.finding.status, Status::Error | Status::Warning)
    });
    for found in &mut found.findings {
        found.finding.looked_at = format!("line {} of the kernel's log", found.number());
        if found.finding.check == "unknown-symbol" {
            let finding = found.finding.clone();
            found.finding = finding.advise("if another module exports it, give that one as well");
        }
    }
    found
}

/// What `explain` knows of a text in memory.
fn explained(text: &[u8], target: &Target) -> Explanation {
    // Memory can always be read.
    explain::explain_for(text, Some(target)).unwrap_or_default()
}

fn document(told: &Told) -> impl Serialize {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        header: output::Header,
        kernelrelease: Option<&'a str>,
        #[serde(serialize_with = "lossily")]
        image: &'a Path,
        ok: bool,
        verdict: &'static str,
        accel: Option<&'static str>,
        steps: &'a [Step],
        log: Vec<&'a str>,
        findings: Vec<Finding>,
        seconds: &'a Seconds,
    }
    let boot = told.boot.as_ref();
    let known = told.explanation.findings.iter().map(Explained::told);
    Document {
        header: header("boot"),
        kernelrelease: told.kernel.as_deref(),
        image: &told.image,
        ok: told.verdict == "good",
        verdict: told.verdict,
        accel: boot.map(|boot| boot.accel),
        steps: boot.map_or(&[], |boot| &boot.report.steps),
        log: boot.map_or_else(Vec::new, |boot| boot.log.lines().collect()),
        findings: told.findings.iter().cloned().chain(known).collect(),
        seconds: &told.seconds,
    }
}
