// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod boot`: a kernel in QEMU, modules in, a verdict out.
//!
//! A boot is a function of the kernel, the modules and what is to be done with them. The kernel's
//! log comes over one serial line, the report of the init over another. What is judged is the
//! report, in KTAP, and the kernel's own word that it is broken.

mod build;
pub mod command;
pub mod error;
mod host;
mod initramfs;
mod interrupt;
mod kernel;
mod package;
mod plan;
mod qemu;
mod remedy;
mod report;
mod verdict;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

pub use error::{Error, Result};
pub use host::init;
pub use initramfs::Task;
pub use kernel::Kernel;
pub use plan::{Module, Plan};
pub use report::{Report, Step};
pub use verdict::Verdict;

use crate::call::Call;
use error::Context;
use initramfs::Contents;
use kernel_tree::system::System;
use qemu::{Accel, End};
use verdict::Evidence;

/// Memory for kernel and modules of any distribution, in MiB.
pub const MEMORY: u32 = 512;
/// A boot takes seconds; what has not ended by then hangs.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// What emulates the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Choice {
    /// KVM where it works, else TCG
    #[default]
    // A variable that is empty is mostly one that is to be unset.
    #[value(alias = "")]
    Auto,
    /// The processor itself
    Kvm,
    /// Emulation, which works everywhere
    Tcg,
}

/// What is booted.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'a> {
    /// The kernel's image.
    pub kernel: &'a Path,
    /// The modules, in the order to load them.
    pub modules: &'a [Module],
    /// What to do once they are loaded.
    pub task: &'a Task,
    /// More for the kernel's command line.
    pub append: &'a str,
    /// Its memory, in MiB.
    pub memory: u32,
    /// What emulates the processor.
    pub accel: Choice,
    /// When it is given up.
    pub timeout: Duration,
}

/// What is seen while it runs.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A line of the console.
    Console(&'a str),
    /// What a shell on the console shows.
    Terminal(&'a [u8]),
    /// The kernel logged this while the modules were there. It is on the console, too.
    Log(&'a str),
    /// The command printed this.
    Output(&'a str),
    /// KVM does not work: why. It begins again without.
    Fallback(&'a str),
}

/// What came of it.
#[derive(Debug)]
pub struct Boot {
    /// What the init reported.
    pub report: Report,
    /// The kernel's log, as far as it was read as lines.
    pub log: String,
    /// The whole console.
    pub console: PathBuf,
    /// From the start of QEMU to its end.
    pub time: Duration,
    /// What emulated the processor.
    pub accel: &'static str,
    /// Whether it went as it should, and if not, what was seen.
    pub verdict: Verdict,
    /// The lines that say why, when it did not.
    pub telling: Vec<String>,
}

impl<'a> Guest<'a> {
    /// A kernel with modules, as it is mostly booted.
    pub fn new(kernel: &'a Path, modules: &'a [Module]) -> Self {
        Self {
            kernel,
            modules,
            task: &Task::None,
            append: "",
            memory: MEMORY,
            accel: Choice::Auto,
            timeout: TIMEOUT,
        }
    }

    /// Boots it, waits for its end, and judges. Its files are left in `folder`.
    pub fn boot(&self, folder: &Path, watch: &mut dyn FnMut(Event<'_>)) -> Result<Boot> {
        // The tools are this machine's, whatever system the kernel is of.
        let host = System::here(None);
        let qemu = host::qemu(&host)?;
        let folder = std::path::absolute(folder).context("find", folder)?;
        fs::create_dir_all(&folder).context("create", &folder)?;
        self.write_initramfs(&host, &folder.join(qemu::INITRAMFS))?;
        let tries: &[Accel] = match self.accel {
            Choice::Auto if host::has_kvm() => &[Accel::Kvm, Accel::Tcg],
            Choice::Kvm => &[Accel::Kvm],
            Choice::Auto | Choice::Tcg => &[Accel::Tcg],
        };
        let mut why_not = String::new();
        for &accel in tries {
            match qemu::run(self, &qemu, &folder, accel, watch)? {
                End::Over(run) => {
                    let boot = judged(*run, accel, folder.join("console"));
                    // What a full disk has cut off says nothing of the guest.
                    if matches!(boot.verdict, Verdict::Hung(_) | Verdict::CutOff(_)) {
                        qemu::has_room(&folder)?;
                    }
                    return Ok(boot);
                }
                End::Silent(why) => why_not = why,
            }
            if accel != tries[tries.len() - 1] {
                watch(Event::Fallback(&why_not));
            }
        }
        Err(Error::NoKvm {
            why: why_not,
            help: Call::of(&["boot", "--accel", "tcg"]),
        })
    }

    fn write_initramfs(&self, host: &System, path: &Path) -> Result<()> {
        let init = host::init()?;
        let init = fs::read(&init).context("read", &init)?;
        let busybox = match self.task {
            Task::None => None,
            Task::Command(_) | Task::Shell => {
                let path = host::busybox(host)?;
                Some(fs::read(&path).context("read", &path)?)
            }
        };
        let contents = Contents {
            init: &init,
            modules: self.modules,
            busybox: busybox.as_deref(),
            task: self.task,
        };
        let file = File::create(path).context("create", path)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        contents
            .write(&mut out)
            .and_then(|()| out.flush())
            .context("write", path)
    }
}

fn judged(run: qemu::Run, accel: Accel, console: PathBuf) -> Boot {
    let verdict = verdict::judge(&Evidence {
        report: &run.report,
        log: &run.log,
        is_late: run.trace.is_some(),
    });
    let telling = match &verdict {
        Verdict::Good => Vec::new(),
        Verdict::Failed(_) => {
            let failed = run.report.failed().map(|step| step.log.join("\n"));
            verdict::last_lines(&failed.unwrap_or_default())
        }
        Verdict::Warned(_) => verdict::telling(&run.report.log().collect::<Vec<_>>().join("\n")),
        Verdict::Hung(_) => {
            let trace = run.trace.as_deref().map(verdict::interrupted);
            match trace.filter(|trace| !trace.is_empty()) {
                Some(trace) => trace,
                None => verdict::last_lines(&run.log),
            }
        }
        Verdict::Oops(_) | Verdict::CutOff(_) => verdict::telling(&run.log),
    };
    Boot {
        report: run.report,
        log: run.log,
        console,
        time: run.time,
        accel: accel.name(),
        verdict,
        telling,
    }
}
