// SPDX-License-Identifier: MIT OR Apache-2.0

//! A boot, from the guest to the verdict.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel_tree::system::System;

use crate::error::{Context, Error, Result};
use crate::guest::{Choice, Event, Guest};
use crate::host;
use crate::initramfs::{Contents, Task};
use crate::kvm;
use crate::qemu::{self, Accel, End};
use crate::report::Report;
use crate::verdict::{self, Evidence, Verdict};

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

impl Guest<'_> {
    /// Boots it, waits for its end, and judges. Its files are left in `directory`.
    pub fn boot(&self, directory: &Path, watch: &mut dyn FnMut(Event<'_>)) -> Result<Boot> {
        // The tools are this machine's, whatever system the kernel is of.
        let host = System::here(None);
        let qemu = host::qemu(&host)?;
        let directory = std::path::absolute(directory).context("find", directory)?;
        fs::create_dir_all(&directory).context("create", &directory)?;
        self.write_initramfs(&host, &directory.join(qemu::INITRAMFS))?;
        let memory = kvm::Memory::open(&qemu);
        let tries: &[Accel] = match self.accel {
            Choice::Auto if kvm::is_here() && !memory.has_failed() => &[Accel::Kvm, Accel::Tcg],
            Choice::Kvm => &[Accel::Kvm],
            Choice::Auto | Choice::Tcg => &[Accel::Tcg],
        };
        let mut why_not = String::new();
        for &accel in tries {
            match qemu::run(self, &qemu, &directory, accel, watch)? {
                End::Over(run) => {
                    if accel == Accel::Kvm {
                        memory.works();
                    }
                    let boot = judged(*run, accel, directory.join("console"));
                    // What a full disk has cut off says nothing of the guest.
                    if matches!(boot.verdict, Verdict::Hung(_) | Verdict::CutOff(_)) {
                        qemu::has_room(&directory)?;
                    }
                    return Ok(boot);
                }
                End::Silent(why) => {
                    memory.failed();
                    why_not = why;
                }
            }
            if accel != tries[tries.len() - 1] {
                watch(Event::Fallback(&why_not));
            }
        }
        Err(Error::NoKvm { why: why_not })
    }

    fn write_initramfs(&self, host: &System, path: &Path) -> Result<()> {
        let init = host::init()?;
        let init = fs::read(&init).context("read", &init)?;
        let busybox = match (self.task, self.userland) {
            (Task::None, _) | (_, Some(_)) => None,
            (Task::Command(_) | Task::Shell, None) => {
                let path = host::busybox(host)?;
                Some(fs::read(&path).context("read", &path)?)
            }
        };
        let contents = Contents {
            init: &init,
            modules: self.modules,
            busybox: busybox.as_deref(),
            task: self.task,
            userland: self.userland,
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
