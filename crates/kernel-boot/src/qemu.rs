// SPDX-License-Identifier: MIT OR Apache-2.0

//! One run of QEMU: two serial lines, a time limit, and an end whatever happens.
//!
//! The lines go to files, which are read as they grow: they are there afterwards, too.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

use crate::error::{Context, Error, Result, started};
use crate::guest::{Event, Guest};
use crate::host;
use crate::initramfs::Task;
use crate::interrupt::{self, Group};
use crate::report::{Heard, Report};
use crate::userland::Userland;
use crate::verdict;

/// How often the lines are looked at.
const PAUSE: Duration = Duration::from_millis(5);
/// KVM shows a first line in a fraction of a second, where it works.
const SILENCE: Duration = Duration::from_secs(5);
/// A machine that has reported may take its time to go, and one that is asked where it hangs to
/// say so.
const GRACE: Duration = Duration::from_secs(3);

/// How often a shell is told that there is no more to come.
const CTRL_D: Duration = Duration::from_millis(300);

/// What emulates the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accel {
    Kvm,
    Tcg,
}

impl Accel {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kvm => "KVM",
            Self::Tcg => "TCG",
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub(super) enum End {
    /// By itself, or because its time was over.
    Over(Box<Run>),
    /// Nothing came over the first line: why.
    Silent(String),
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub report: Report,
    /// The kernel's log, as far as it is evidence.
    pub log: String,
    /// What it logged when it was asked where it hangs.
    pub trace: Option<String>,
    pub time: Duration,
}

/// Runs a guest whose initramfs lies in `directory`.
pub(super) fn run(
    guest: &Guest<'_>,
    qemu: &Path,
    directory: &Path,
    accel: Accel,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<End> {
    let mut lines = Lines::create(directory)?;
    let start = Instant::now();
    let mut child = started(
        Group::spawn(&mut command(guest, qemu, directory, accel)),
        "setpriv",
        host::setpriv,
    )?;
    let mut watched = Watched {
        timeout: guest.timeout,
        watch,
        run: Run::default(),
        deadline: Some(start + guest.timeout),
        whole_since: None,
        shell: None,
        screen: String::new(),
    };
    let silence = SILENCE.min(guest.timeout);
    let status = loop {
        interrupt::check()?;
        let status = child.0.try_wait().context("wait for", qemu)?;
        lines
            .console
            .read(|text, bytes| watched.on_console(text, bytes))?;
        lines
            .report
            .read(|text, _| watched.on_report(text, &mut child.0.stdin))?;
        lines.console.by_line = watched.shell.is_none();
        if status.is_some() {
            break status;
        }
        if accel == Accel::Kvm && lines.console.is_empty() && start.elapsed() > silence {
            let why = format!("it gave no sign of life in {} s", silence.as_secs());
            return Ok(End::Silent(why));
        }
        if watched.is_over(directory) {
            break None;
        }
        std::thread::sleep(PAUSE);
    };
    let run = watched.ended(start.elapsed());
    match status {
        Some(status) if !status.success() => {
            failed(guest, &mut child, (qemu, directory), status, accel)
        }
        _ => Ok(End::Over(Box::new(run))),
    }
}

/// A run that goes on.
struct Watched<'a> {
    timeout: Duration,
    watch: &'a mut dyn FnMut(Event<'_>),
    run: Run,
    /// When it is asked where it hangs, and after that when it is given up.
    deadline: Option<Instant>,
    /// When it had reported everything.
    whole_since: Option<Instant>,
    /// Open as long as the guest's shell runs.
    shell: Option<Terminal>,
    /// What the shell has shown.
    screen: String,
}

impl Watched<'_> {
    fn on_console(&mut self, text: &str, bytes: &[u8]) {
        if self.shell.is_some() {
            self.screen.push_str(text);
            (self.watch)(Event::Terminal(bytes));
            return;
        }
        let log = self.run.trace.as_mut().unwrap_or(&mut self.run.log);
        log.push_str(text);
        for line in text.lines() {
            (self.watch)(Event::Console(line.trim_end_matches('\r')));
        }
    }

    fn on_report(&mut self, text: &str, stdin: &mut Option<ChildStdin>) {
        for line in text.lines() {
            match self.run.report.hear(line) {
                Heard::Log(line) => {
                    if !taken_off(&mut self.screen, line) {
                        (self.watch)(Event::Log(line));
                    }
                }
                Heard::Output(line) => (self.watch)(Event::Output(line)),
                Heard::Begun("shell") => {
                    // A shell has no deadline.
                    (self.shell, self.deadline) = (Terminal::open(stdin.take()), None);
                }
                Heard::Ended => {
                    if self.shell.take().is_some() {
                        self.deadline = Some(Instant::now() + self.timeout);
                    }
                }
                Heard::Begun(_) | Heard::Other => {}
            }
        }
    }

    /// Whether there is nothing more to wait for. A guest whose time is over is asked first where it
    /// hangs.
    fn is_over(&mut self, directory: &Path) -> bool {
        let now = Instant::now();
        if self.run.report.is_whole() && now - *self.whole_since.get_or_insert(now) > GRACE {
            return true;
        }
        if self.deadline.is_none_or(|deadline| now <= deadline) {
            return false;
        }
        if self.run.trace.is_some() {
            return true;
        }
        self.run.trace = Some(String::new());
        ask_where(directory);
        self.deadline = Some(Instant::now() + GRACE);
        false
    }

    fn ended(mut self, time: Duration) -> Run {
        self.run.time = time;
        // The init reports what was logged at the end of a step, to which this one did not come.
        if let Some(step) = &mut self.run.report.begun
            && step.log.is_empty()
        {
            step.log = verdict::logged_in(&step.step, &self.run.log);
            step.log
                .iter()
                .for_each(|line| (self.watch)(Event::Log(line)));
        }
        self.run
    }
}

/// Whether somebody in the shell has seen a line of the kernel's already; once each.
fn taken_off(screen: &mut String, line: &str) -> bool {
    match screen.find(line) {
        Some(at) if !line.is_empty() => {
            screen.replace_range(at..at + line.len(), "");
            true
        }
        _ => false,
    }
}

/// The name of its monitor's socket, in its directory.
const MONITOR: &str = "monitor";

/// In its directory, where the names of its files have no character that QEMU's options would not take.
fn command(guest: &Guest<'_>, qemu: &Path, directory: &Path, accel: Accel) -> Command {
    let mut command = Command::new("setpriv");
    // It ends with this program, however that ends.
    command.arg("--pdeathsig=KILL").arg(qemu).args([
        "-nodefaults",
        "-display",
        "none",
        "-no-reboot",
        "-accel",
        match accel {
            Accel::Kvm => "kvm",
            Accel::Tcg => "tcg",
        },
        "-m",
        &guest.memory.to_string(),
        "-initrd",
        INITRAMFS,
        "-chardev",
        "stdio,id=console,signal=off,logfile=console",
        "-serial",
        "chardev:console",
        "-serial",
        "file:report",
        "-qmp",
        "unix:monitor,server=on,wait=off",
        "-kernel",
    ]);
    // unknown_nmi_panic: see `ask_where`. loglevel: some distributions keep all but errors from the
    // console. no_timer_check: where the host is busy, TCG's ticks come so late that the kernel would
    // take its timer for broken, and panic.
    let parameters = format!(
        "console=ttyS0 loglevel=7 panic=-1 oops=panic unknown_nmi_panic no_timer_check {}",
        guest.append
    );
    command
        .arg(guest.kernel)
        .args(["-append", parameters.trim_end()])
        .args(guest.userland.map(Userland::options).unwrap_or_default())
        .current_dir(directory)
        .stdin(match guest.task {
            Task::Shell => Stdio::piped(),
            Task::None | Task::Command(_) => Stdio::null(),
        })
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The name of what it gets as its root, in its directory.
pub(super) const INITRAMFS: &str = "initramfs";

/// A kernel that hangs does not say where. An interrupt that it cannot mask and does not know makes
/// it panic, with a trace of what it was doing. What it answers comes over the console, if anything.
fn ask_where(directory: &Path) {
    let ask = || -> io::Result<()> {
        // The name of a socket has 107 bytes at most; that of its directory may have more.
        let directory = File::open(directory)?;
        let monitor = format!("/proc/self/fd/{}/{MONITOR}", directory.as_raw_fd());
        let mut monitor = UnixStream::connect(monitor)?;
        monitor.set_read_timeout(Some(GRACE))?;
        monitor.write_all(b"{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"inject-nmi\"}\n")?;
        // A command is forgotten when its sender goes before it was answered.
        let (mut heard, mut answer) = (String::new(), [0; 4096]);
        while heard.matches("\"return\"").count() < 2 {
            let count = monitor.read(&mut answer)?;
            if count == 0 {
                break;
            }
            heard += &String::from_utf8_lossy(&answer[..count]);
        }
        Ok(())
    };
    // Without an answer the verdict is the same; only the trace is missing.
    let _ = ask();
}

/// Whether it could still write what comes over the lines.
pub(super) fn has_room(directory: &Path) -> Result<()> {
    let path = directory.join("room");
    let written = std::fs::write(&path, [0; 64 << 10]);
    let _ = std::fs::remove_file(&path);
    written.context("write QEMU's output into", directory)
}

fn failed(
    guest: &Guest<'_>,
    child: &mut Group,
    (qemu, directory): (&Path, &Path),
    status: ExitStatus,
    accel: Accel,
) -> Result<End> {
    has_room(directory)?;
    let mut complaint = String::new();
    if let Some(mut stderr) = child.0.stderr.take() {
        stderr
            .read_to_string(&mut complaint)
            .context("read the output of", qemu)?;
    }
    let complaint = complaint.trim().to_owned();
    if complaint.contains("cannot set up guest memory") {
        return Err(Error::NoMemory {
            memory: guest.memory,
            complaint,
        });
    }
    if accel == Accel::Kvm {
        // All of it: the first line may be a warning of something else.
        return Ok(End::Silent(format!(
            "QEMU ended with {status}: {complaint}"
        )));
    }
    Err(Error::Qemu {
        program: host::QEMU.into(),
        status: status.to_string(),
        complaint,
    })
}

/// Both serial lines.
struct Lines {
    console: Tail,
    report: Tail,
}

impl Lines {
    fn create(directory: &Path) -> Result<Self> {
        let create = |name: &str| {
            let path = directory.join(name);
            // Of an earlier run; QEMU adds to the one and begins the other anew.
            File::create(&path).context("create", &path)?;
            Tail::open(path)
        };
        Ok(Self {
            console: create("console")?,
            report: create("report")?,
        })
    }
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    file: File,
    /// What has come since the last whole line.
    rest: Vec<u8>,
    /// Whether whole lines are passed on, or all at once.
    by_line: bool,
    has_any: bool,
}

impl Tail {
    fn open(path: PathBuf) -> Result<Self> {
        Ok(Self {
            file: File::open(&path).context("read", &path)?,
            path,
            rest: Vec::new(),
            by_line: true,
            has_any: false,
        })
    }

    fn is_empty(&self) -> bool {
        !self.has_any
    }

    /// Passes on what is new, as text and as it is.
    fn read(&mut self, mut take: impl FnMut(&str, &[u8])) -> Result<()> {
        self.file
            .read_to_end(&mut self.rest)
            .context("read", &self.path)?;
        self.has_any |= !self.rest.is_empty();
        let end = match self.by_line {
            true => self.rest.iter().rposition(|byte| *byte == b'\n'),
            false => self.rest.len().checked_sub(1),
        };
        let Some(end) = end else { return Ok(()) };
        let new: Vec<u8> = self.rest.drain(..=end).collect();
        take(&String::from_utf8_lossy(&new), &new);
        Ok(())
    }
}

/// The caller's terminal, or whatever stands in its place, as the guest's.
struct Terminal {
    before: Option<Termios>,
}

impl Terminal {
    /// Passes on what is typed, each key as it is.
    fn open(to: Option<ChildStdin>) -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            cfmakeraw(&mut raw);
            // Without it the shell works, too, only by the line.
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &raw);
        }
        let mut to = to?;
        // It waits for the next key when all is over, and ends with the program.
        std::thread::spawn(move || {
            let mut keys = [0; 1024];
            loop {
                let count = io::stdin().read(&mut keys).unwrap_or(0);
                let mut typed = &keys[..count];
                if count == 0 {
                    // The end of a file is for a terminal the key Ctrl-D; it is not heard while
                    // the shell is still to come, so it is pressed again.
                    std::thread::sleep(CTRL_D);
                    typed = b"\x04";
                }
                if to.write_all(typed).and_then(|()| to.flush()).is_err() {
                    break;
                }
            }
        });
        Some(Self { before })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_monitor_is_reached_in_a_directory_of_any_length() {
        let above = tempfile::tempdir().unwrap();
        let directory = above.path().join("long".repeat(40));
        std::fs::create_dir(&directory).unwrap();
        let open = File::open(&directory).unwrap();
        let listener =
            UnixListener::bind(format!("/proc/self/fd/{}/{MONITOR}", open.as_raw_fd())).unwrap();
        let asked = std::thread::spawn(move || ask_where(&directory));
        listener.set_nonblocking(true).unwrap();
        let start = Instant::now();
        let (mut monitor, _) = loop {
            match listener.accept() {
                Ok(accepted) => break accepted,
                Err(error) => assert!(start.elapsed() < GRACE, "{error}"),
            }
            std::thread::sleep(PAUSE);
        };
        monitor.set_nonblocking(false).unwrap();
        monitor
            .write_all(b"{\"return\": {}}\n{\"return\": {}}\n")
            .unwrap();
        let lines = BufReader::new(monitor).lines().take(2);
        let lines: Vec<_> = lines.map(Result::unwrap).collect();
        assert!(lines[1].contains("inject-nmi"), "{lines:?}");
        asked.join().unwrap();
    }

    #[test]
    fn a_full_disk_is_seen_and_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        has_room(directory.path()).unwrap();
        std::os::unix::fs::symlink("/dev/full", directory.path().join("room")).unwrap();
        let note = has_room(directory.path()).unwrap_err().note().unwrap();
        assert!(note.contains("No space left"), "{note}");
        assert!(
            std::fs::read_dir(directory.path())
                .unwrap()
                .next()
                .is_none()
        );
    }
}
