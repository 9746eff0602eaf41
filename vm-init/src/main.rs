// SPDX-License-Identifier: MIT OR Apache-2.0

//! The init of the test machine. It loads the modules that `/modules/list` names, one file a line
//! and in that order, unloads them the other way round, and powers off.
//!
//! The kernel log goes to the first serial line by the kernel's own doing. The second carries this
//! program's report in KTAP (Documentation/dev-tools/ktap.rst), a test a step, and as diagnostic
//! lines (`# kmsg: …`) what the kernel logged between the first load and the last unload.

use std::{
    ffi::CString,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use nix::{
    fcntl::OFlag,
    kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module},
    mount::{MsFlags, mount},
    sys::{
        reboot::{RebootMode, reboot},
        utsname::uname,
    },
};

/// Where the host puts the modules and their order.
const LIST: &str = "/modules/list";

fn main() {
    let report = run();
    if let Err(error) = report {
        // On the console: the second serial line may be what failed.
        eprintln!("vm-init: {error}");
    }
    // Without this the machine would hang with a dead init; the host has a time limit as well.
    let error = reboot(RebootMode::RB_POWER_OFF).unwrap_err();
    eprintln!("vm-init: power off: {error}");
}

fn run() -> io::Result<()> {
    for (kind, target) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        fs::create_dir_all(target)?;
        match mount(
            None::<&str>,
            target,
            Some(kind),
            MsFlags::empty(),
            None::<&str>,
        ) {
            // The kernel mounts /dev itself where it is configured to.
            Ok(()) | Err(nix::Error::EBUSY) => {}
            Err(error) => return Err(error.into()),
        }
    }

    let mut report = Report::new(OpenOptions::new().write(true).open("/dev/ttyS1")?)?;
    let kernel = uname().map_err(io::Error::from)?;
    report.result(
        &format!("boot {}", kernel.release().to_string_lossy()),
        Ok(()),
    )?;

    let mut kmsg = Kmsg::from_now()?;
    let list = fs::read_to_string(LIST)?;
    let mut loaded = Vec::new();
    for file in list.lines() {
        let name = module_name(file);
        let outcome = load(file);
        let failed = outcome.is_err();
        report.result(&format!("load {name}"), outcome)?;
        if failed {
            break;
        }
        loaded.push(name);
    }
    for name in loaded.iter().rev() {
        report.result(&format!("unload {name}"), unload(name))?;
    }
    for line in kmsg.read()? {
        report.diagnostic(&format!("kmsg: {line}"))?;
    }
    report.finish()
}

/// The name the kernel knows a module by: the file's, with `_` for `-`.
fn module_name(file: &str) -> String {
    let name = Path::new(file)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    name.split('.').next().unwrap_or_default().replace('-', "_")
}

fn load(file: &str) -> io::Result<()> {
    let module = File::open(file)?;
    Ok(finit_module(&module, c"", ModuleInitFlags::empty())?)
}

fn unload(name: &str) -> io::Result<()> {
    let name = CString::new(name)?;
    Ok(delete_module(&name, DeleteModuleFlags::O_NONBLOCK)?)
}

/// A KTAP report on a serial line.
struct Report {
    line: File,
    results: usize,
}

impl Report {
    fn new(mut line: File) -> io::Result<Self> {
        writeln!(line, "KTAP version 1")?;
        Ok(Self { line, results: 0 })
    }

    fn result(&mut self, what: &str, outcome: io::Result<()>) -> io::Result<()> {
        self.results += 1;
        match outcome {
            Ok(()) => writeln!(self.line, "ok {} {what}", self.results),
            Err(error) => {
                writeln!(self.line, "not ok {} {what}", self.results)?;
                self.diagnostic(&error.to_string())
            }
        }
    }

    fn diagnostic(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.line, "# {text}")
    }

    /// The plan stands last: how many modules there are to load is known only after the list is
    /// read, and a report without it was cut off.
    fn finish(mut self) -> io::Result<()> {
        writeln!(self.line, "1..{}", self.results)?;
        self.line.sync_all().or_else(|error| match error.kind() {
            // A serial line has nothing to sync.
            ErrorKind::InvalidInput => Ok(()),
            _ => Err(error),
        })
    }
}

/// The kernel's log from some moment on (Documentation/ABI/testing/dev-kmsg).
struct Kmsg(File);

impl Kmsg {
    /// Passes over what was logged before.
    fn from_now() -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open("/dev/kmsg")?;
        let mut kmsg = Self(file);
        kmsg.read()?;
        Ok(kmsg)
    }

    /// The texts of the records that have come since the last call.
    fn read(&mut self) -> io::Result<Vec<String>> {
        let mut texts = Vec::new();
        // A read returns one record; the kernel's longest is below this.
        let mut record = [0; 8192];
        loop {
            match self.0.read(&mut record) {
                Ok(0) => return Ok(texts),
                Ok(length) => {
                    let record = String::from_utf8_lossy(&record[..length]).into_owned();
                    // "priority,sequence,timestamp,flags;text", then continuation lines.
                    let text = record.split_once(';').map_or(&*record, |(_, text)| text);
                    texts.push(text.lines().next().unwrap_or_default().to_owned());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(texts),
                // Records were overwritten before they were read: go on with the oldest left.
                Err(error) if error.raw_os_error() == Some(nix::Error::EPIPE as i32) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
