// SPDX-License-Identifier: MIT OR Apache-2.0

//! The init of `rustkmod boot`. It loads the modules that `/plan/modules` names, one a line and in
//! that order: `load given FILE`, or `try given FILE` where nobody minds if it cannot be, and `own` in
//! the place of `given` for one of the kernel's own. It runs `/plan/command`, or a shell, if there is
//! one; unloads the modules the other way round, and powers off.
//!
//! Where there is a `/plan/userland`, all of this is done in a userland of the host's, by its own
//! programs. That file names the modules that mounting it takes.
//!
//! The kernel log goes to the first serial line by the kernel's own doing. The second carries this
//! program's report in KTAP (Documentation/dev-tools/ktap.rst), a test a step. What a step logs in
//! the kernel stands before its result, as diagnostic lines `# kmsg: …`; what the command prints is
//! `# out: …`; and `# begin: …` says what is being done, for those that never come to a result. The
//! console has a line `kmod-init: begin: …` as well: what the kernel logs after it belongs to the step.

use std::{
    env,
    ffi::CString,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    os::unix::process::CommandExt,
    path::Path,
    process::{self, Command, ExitCode, Stdio},
};

use nix::{
    fcntl::OFlag,
    kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module},
    sys::{
        reboot::{RebootMode, reboot},
        termios::tcdrain,
        utsname::uname,
    },
    unistd::setsid,
};

mod userland;

/// Where the host puts the modules' order.
const LIST: &str = "/plan/modules";
/// A command for the shell, if there is one to run.
const COMMAND: &str = "/plan/command";
/// It holds the terminal's type, if a shell is wanted.
const SHELL: &str = "/plan/shell";
/// A userland is the root, if it is there: the modules to mount it with, a line each.
const USERLAND: &str = "/plan/userland";
/// The kernel's modules are not in the userland, if it is there.
const OWN_MODULES: &str = "/plan/own-modules";
/// What runs a command or a shell without a userland.
const BUSYBOX: &str = "/bin/busybox";
/// The console's own line, which is more of a terminal than `/dev/console`.
const TERMINAL: &str = "/dev/ttyS0";

/// The step that mounts a userland.
const MOUNTING: &str = "userland";
/// The kernel's level of errors, and that of the least that it logs.
const ERROR: u8 = 3;
const ALL: u8 = 7;

fn main() -> ExitCode {
    // It starts itself for a shell: see `run_shell`.
    if process::id() != 1 {
        let error = become_shell();
        eprintln!("kmod-init: {error}");
        return ExitCode::FAILURE;
    }
    if let Err(error) = run() {
        // On the console: the second serial line may be what failed.
        eprintln!("kmod-init: {error}");
    }
    // Without this the machine would hang with a dead init; the host has a time limit as well.
    let error = reboot(RebootMode::RB_POWER_OFF).unwrap_err();
    eprintln!("kmod-init: power off: {error}");
    ExitCode::FAILURE
}

fn run() -> io::Result<()> {
    userland::kernels_own()?;
    let mut report = Report::new(OpenOptions::new().write(true).open("/dev/ttyS1")?)?;
    let kernel = uname().map_err(io::Error::from)?;
    let release = kernel.release().to_string_lossy();
    report.result(&format!("boot {release}"), Ok(()))?;

    report.kmsg = Some(Kmsg::from_now()?);
    let parameters = fs::read_to_string("/proc/cmdline")?;
    // All of it now: a userland hides it.
    let list = fs::read_to_string(LIST)?;
    let command = fs::read_to_string(COMMAND).ok();
    let terminal = fs::read_to_string(SHELL).ok();
    let mount_with = fs::read_to_string(USERLAND).ok();
    let has_userland = mount_with.is_some();
    let mut is_whole = true;
    if let Some(files) = mount_with {
        is_whole = report.step(MOUNTING, |_| {
            files.lines().try_for_each(|file| load(file, ""))?;
            userland::enter(&release, Path::new(OWN_MODULES).exists())
        })?;
    }
    let mut loaded = Vec::new();
    for line in list.lines() {
        if !is_whole {
            break;
        }
        let Some(entry) = Entry::parse(line) else {
            continue;
        };
        let name = module_name(entry.file);
        let parameters = parameters_of(&name, &parameters);
        let mut is_there = true;
        is_whole = report.step(&format!("load {name}"), |report| {
            let outcome = match has_userland {
                true => entry.load_by_userland(&name, &parameters),
                false => load(entry.file, &parameters),
            };
            match outcome {
                Err(error) if entry.is_soft => {
                    is_there = false;
                    report.skipped = Some(error.to_string());
                    Ok(())
                }
                outcome => outcome,
            }
        })?;
        if is_whole && is_there {
            loaded.push(name);
        }
    }
    if is_whole {
        if let Some(command) = command {
            report.step("command", |report| {
                run_command(&command, has_userland, report)
            })?;
        }
        if let Some(terminal) = terminal {
            report.step("shell", |_| run_shell(&terminal, has_userland))?;
        }
    }
    for name in loaded.iter().rev() {
        report.step(&format!("unload {name}"), |_| unload(name))?;
    }
    report.finish()
}

/// A line of the list.
#[derive(Debug, PartialEq)]
struct Entry<'a> {
    /// Whether nobody minds if it cannot be loaded.
    is_soft: bool,
    /// Whether it is one of the kernel's own.
    is_own: bool,
    file: &'a str,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (verb, rest) = line.split_once(' ')?;
        let (whose, file) = rest.split_once(' ')?;
        Some(Self {
            is_soft: verb == "try",
            is_own: whose == "own",
            file,
        })
    }

    /// As its users do it. A userland may be too small to have the programs.
    fn load_by_userland(&self, name: &str, parameters: &str) -> io::Result<()> {
        let file = self.file.replacen("/modules", userland::MODULES, 1);
        let is_done = match self.is_own {
            // It reads the parameters itself.
            true => userland::complete(userland::program("modprobe").arg(name))?,
            false => userland::complete(userland::program("insmod").args([&*file, parameters]))?,
        };
        match is_done {
            true => Ok(()),
            false => load(&file, parameters),
        }
    }
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
    command.arg("sh");
    Ok(command)
}

fn run_command(text: &str, has_userland: bool, report: &mut Report) -> io::Result<()> {
    let (output, input) = io::pipe()?;
    // The command's own copies of the pipe go with it, so that its end is seen.
    let mut child = {
        let mut command = match has_userland {
            true => userland::program("/bin/sh"),
            false => busybox()?,
        };
        command
            .args(["-c", text])
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

/// A shell on the console. How it ends says nothing of the module.
fn run_shell(terminal: &str, has_userland: bool) -> io::Result<()> {
    let shell = match has_userland {
        true => userland::program(userland::shell()),
        false => busybox()?,
    };
    // This program once more, wherever it is now: see `become_shell`.
    let mut child = Command::new("/proc/self/exe");
    child.env_clear();
    child.envs(
        shell
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    child.env("TERM", terminal);
    child.arg(shell.get_program()).args(shell.get_args());
    child.status().map(drop)
}

/// Becomes the program that the arguments name, with the console as its terminal in a session of its
/// own, so that Ctrl-C is for what it runs. Returns why it could not.
fn become_shell() -> io::Error {
    let mut arguments = env::args_os().skip(1);
    let shell = arguments.next().unwrap_or_default();
    let open = || OpenOptions::new().read(true).write(true).open(TERMINAL);
    let terminal = setsid().map_err(io::Error::from).and_then(|_| {
        // The first terminal that a session opens is its own.
        Ok((open()?, open()?, open()?))
    });
    match terminal {
        Ok((input, output, errors)) => Command::new(shell)
            .args(arguments)
            .stdin(input)
            .stdout(output)
            .stderr(errors)
            .exec(),
        Err(error) => error,
    }
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
        // What the kernel says of a userland that it can mount is not of the modules.
        let least = if worked && what == MOUNTING {
            ERROR
        } else {
            ALL
        };
        for (_, line) in logged.iter().filter(|(level, _)| *level <= least) {
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

    /// The records that have come since the last call: their levels and texts.
    fn read(&mut self) -> io::Result<Vec<(u8, String)>> {
        let mut texts = Vec::new();
        // A read returns one record; the kernel's longest is below this.
        let mut record = [0; 8192];
        loop {
            match self.0.read(&mut record) {
                Ok(0) => return Ok(texts),
                Ok(length) => {
                    let record = String::from_utf8_lossy(&record[..length]).into_owned();
                    texts.push(record_of(&record));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(texts),
                // Records were overwritten before they were read: go on with the oldest left.
                Err(error) if error.raw_os_error() == Some(nix::Error::EPIPE as i32) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Level and text of a record: "priority,sequence,timestamp,flags;text", then continuation lines.
fn record_of(record: &str) -> (u8, String) {
    let (head, text) = record.split_once(';').unwrap_or(("", record));
    let priority = head
        .split(',')
        .next()
        .and_then(|number| number.parse().ok());
    // Above its lowest three bits is who logged it.
    let level = priority.map_or(0, |priority: u32| (priority & 7) as u8);
    (level, text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_how_and_whose() {
        let entry = |is_soft, is_own, file| Entry {
            is_soft,
            is_own,
            file,
        };
        let parsed = |line| Entry::parse(line).unwrap();
        assert_eq!(
            parsed("load given /modules/0/a.ko"),
            entry(false, false, "/modules/0/a.ko")
        );
        assert_eq!(
            parsed("try own /modules/1/b.ko"),
            entry(true, true, "/modules/1/b.ko")
        );
        assert_eq!(Entry::parse(""), None);
    }

    #[test]
    fn records_have_a_level() {
        assert_eq!(
            record_of("6,1,2,-;m: hello\n DEVICE=x\n"),
            (6, "m: hello".into())
        );
        // A user's program logged it.
        assert_eq!(record_of("12,1,2,-;a;b\n"), (4, "a;b".into()));
        assert_eq!(record_of("odd"), (0, "odd".into()));
    }

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
