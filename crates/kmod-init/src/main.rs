// SPDX-License-Identifier: MIT OR Apache-2.0

//! The init of `rustkmod boot`. It loads the modules that `/plan/modules` names, one a line and in
//! that order, `load FILE`, or `try FILE` where nobody minds if it cannot be; runs `/plan/command`, or a shell, if there is one; unloads the modules the
//! other way round, and powers off.
//!
//! The kernel log goes to the first serial line by the kernel's own doing. The second carries this
//! program's report in KTAP (Documentation/dev-tools/ktap.rst), a test a step. What a step logs in
//! the kernel stands before its result, as diagnostic lines `# kmsg: …`; what the command prints is
//! `# out: …`; and `# begin: …` says what is being done, for those that never come to a result. The
//! console has a line `kmod-init: begin: …` as well: what the kernel logs after it belongs to the step.

use std::{
    ffi::CString,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
};

use nix::{
    fcntl::OFlag,
    kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module},
    mount::{MsFlags, mount},
    sys::{
        reboot::{RebootMode, reboot},
        termios::tcdrain,
        utsname::uname,
    },
};

/// Where the host puts the modules' order.
const LIST: &str = "/plan/modules";
/// A command for the shell, if there is one to run.
const COMMAND: &str = "/plan/command";
/// It holds the terminal's type, if a shell is wanted.
const SHELL: &str = "/plan/shell";
/// The userland, if one of these is.
const BUSYBOX: &str = "/bin/busybox";
/// The console's own line, which is more of a terminal than `/dev/console`.
const TERMINAL: &str = "/dev/ttyS0";

fn main() {
    let report = run();
    if let Err(error) = report {
        // On the console: the second serial line may be what failed.
        eprintln!("kmod-init: {error}");
    }
    // Without this the machine would hang with a dead init; the host has a time limit as well.
    let error = reboot(RebootMode::RB_POWER_OFF).unwrap_err();
    eprintln!("kmod-init: power off: {error}");
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

    report.kmsg = Some(Kmsg::from_now()?);
    let parameters = fs::read_to_string("/proc/cmdline")?;
    let list = fs::read_to_string(LIST)?;
    let mut loaded = Vec::new();
    let mut is_whole = true;
    for line in list.lines() {
        let (verb, file) = line.split_once(' ').unwrap_or(("load", line));
        let name = module_name(file);
        let mut is_there = true;
        is_whole = report.step(&format!("load {name}"), |report| {
            match load(file, &parameters_of(&name, &parameters)) {
                Err(error) if verb == "try" => {
                    is_there = false;
                    report.skipped = Some(error.to_string());
                    Ok(())
                }
                outcome => outcome,
            }
        })?;
        if !is_whole {
            break;
        }
        if is_there {
            loaded.push(name);
        }
    }
    if is_whole {
        if let Ok(command) = fs::read_to_string(COMMAND) {
            report.step("command", |report| run_command(&command, report))?;
        }
        if let Ok(terminal) = fs::read_to_string(SHELL) {
            report.step("shell", |_| run_shell(&terminal))?;
        }
    }
    for name in loaded.iter().rev() {
        report.step(&format!("unload {name}"), |_| unload(name))?;
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

/// What the kernel's command line has for a module, as modprobe reads it: `NAME.PARAMETER=VALUE`.
/// Quotes stay: the kernel takes them off.
fn parameters_of(module: &str, command_line: &str) -> String {
    let mut in_quotes = false;
    let words = command_line.split(|character: char| {
        in_quotes ^= character == '"';
        character.is_whitespace() && !in_quotes
    });
    let own = words.filter_map(|word| {
        let (name, parameter) = word.split_once('.')?;
        // They may be around the whole word, too.
        let (quote, name) = match name.strip_prefix('"') {
            Some(name) => ("\"", name),
            None => ("", name),
        };
        (name.replace('-', "_") == module).then(|| format!("{quote}{parameter}"))
    });
    own.collect::<Vec<_>>().join(" ")
}

fn load(file: &str, parameters: &str) -> io::Result<()> {
    let module = File::open(file)?;
    let parameters = CString::new(parameters)?;
    Ok(finit_module(
        &module,
        &parameters,
        ModuleInitFlags::empty(),
    )?)
}

fn unload(name: &str) -> io::Result<()> {
    let name = CString::new(name)?;
    Ok(delete_module(&name, DeleteModuleFlags::O_NONBLOCK)?)
}

/// busybox, with all its programs in PATH.
fn busybox() -> io::Result<Command> {
    Command::new(BUSYBOX)
        .args(["--install", "-s", "/bin"])
        .status()?;
    let mut command = Command::new(BUSYBOX);
    // Not `current_dir`: for that std needs sockets, which a small kernel has not.
    command.env_clear().envs([("PATH", "/bin"), ("HOME", "/")]);
    Ok(command)
}

fn run_command(text: &str, report: &mut Report) -> io::Result<()> {
    let (output, input) = io::pipe()?;
    // The command's own copies of the pipe go with it, so that its end is seen.
    let mut child = {
        let mut command = busybox()?;
        command
            .args(["sh", "-c", text])
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input);
        command.spawn()?
    };
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        report.diagnostic(&format!("out: {}", text.trim_end_matches(['\n', '\r'])))?;
        line.clear();
    }
    let status = child.wait()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(status.to_string())),
    }
}

/// A shell on the console, with a session of its own, so that Ctrl-C is for what it runs. How it
/// ends says nothing of the module.
fn run_shell(terminal: &str) -> io::Result<()> {
    let open = || OpenOptions::new().read(true).write(true).open(TERMINAL);
    busybox()?
        .args(["setsid", "-c", BUSYBOX, "sh"])
        .env("TERM", terminal)
        .stdin(open()?)
        .stdout(open()?)
        .stderr(open()?)
        .status()
        .map(drop)
}

/// A KTAP report on a serial line.
struct Report {
    line: File,
    results: usize,
    kmsg: Option<Kmsg>,
    /// Why the step that is being done did nothing, if it did not have to.
    skipped: Option<String>,
}

impl Report {
    fn new(mut line: File) -> io::Result<Self> {
        writeln!(line, "KTAP version 1")?;
        Ok(Self {
            line,
            results: 0,
            kmsg: None,
            skipped: None,
        })
    }

    /// Does a step, and says so before and after. Returns whether it worked.
    fn step(
        &mut self,
        what: &str,
        step: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<bool> {
        self.diagnostic(&format!("begin: {what}"))?;
        mark(what);
        let outcome = step(self);
        let worked = outcome.is_ok();
        let logged = match &mut self.kmsg {
            Some(kmsg) => kmsg.read()?,
            None => Vec::new(),
        };
        for line in logged {
            self.diagnostic(&format!("kmsg: {line}"))?;
        }
        self.result(what, outcome)?;
        Ok(worked)
    }

    fn result(&mut self, what: &str, outcome: io::Result<()>) -> io::Result<()> {
        self.results += 1;
        match outcome {
            Ok(()) => match self.skipped.take() {
                Some(why) => writeln!(self.line, "ok {} {what} # SKIP {why}", self.results),
                None => writeln!(self.line, "ok {} {what}", self.results),
            },
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
        // Until the last byte is out: the machine goes next.
        Ok(tcdrain(&self.line)?)
    }
}

/// Marks on the console where a step begins, before the kernel can log anything of it. A kernel without
/// a console has no lines to tell apart.
fn mark(step: &str) {
    let mut console = io::stderr();
    let _ = writeln!(console, "kmod-init: begin: {step}");
    let _ = tcdrain(&console);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_of_the_module() {
        let line =
            "console=ttyS0 my-module.debug=1 other.debug=2 my_module.name=x module.sig_enforce=1";
        assert_eq!(parameters_of("my_module", line), "debug=1 name=x");
        assert_eq!(parameters_of("none", line), "");
        let line = r#"quiet "m.t=c d" m.s="a  x.n=1" x.n=2 m.n=3"#;
        assert_eq!(parameters_of("m", line), r#""t=c d" s="a  x.n=1" n=3"#);
        assert_eq!(parameters_of("x", line), "n=2");
    }

    #[test]
    fn modules_are_named_as_the_kernel_does() {
        assert_eq!(module_name("/modules/0/rust-out.ko"), "rust_out");
    }
}
