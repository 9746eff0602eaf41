// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running programs: their output goes to a file, what matters of it to the person who waits.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::unistd::{SysconfVar, sysconf};

use crate::error::{Context, Error, Result};

/// How long a program may run before it is said that it still does.
const PATIENCE: Duration = Duration::from_secs(20);

/// What programs say is read, by this program and in reports: in one language.
const PLAIN: [(&str, &str); 2] = [("LC_ALL", "C.UTF-8"), ("LANGUAGE", "")];

/// Tells what happens, with the time since the start.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    start: Instant,
    to_stderr: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            to_stderr: false,
        }
    }
}

impl Progress {
    /// Speaks on standard error: standard output is for an answer.
    pub fn beside_an_answer() -> Self {
        Self {
            to_stderr: true,
            ..Self::default()
        }
    }

    /// One line: the time that has passed, and what begins now.
    pub fn say(&self, text: impl AsRef<str>) {
        let seconds = self.start.elapsed().as_secs();
        let line = format!("[{:3}:{:02}] {}", seconds / 60, seconds % 60, text.as_ref());
        if self.to_stderr {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }
}

/// A program to run, what it is run for, and what to do when it fails.
#[derive(Debug)]
pub struct Program {
    command: Command,
    what: String,
    help: String,
    log: PathBuf,
}

impl Program {
    /// `what` completes "… failed"; the output is added to `log`.
    pub fn new(what: impl Into<String>, program: impl AsRef<OsStr>, log: &Path) -> Self {
        let help = format!("less {}", log.display());
        let mut command = Command::new(program);
        command.envs(PLAIN);
        Self {
            command,
            what: what.into(),
            help,
            log: log.into(),
        }
    }

    /// What mends a failure, if it is not in the output.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The command, for its arguments and environment.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs it to the end. While it takes long, its last line of output is shown.
    pub fn run(mut self, progress: &Progress) -> Result<()> {
        let status = self.wait(progress)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Program {
            what: self.what,
            status: status.to_string(),
            tail: tail(&self.log, 15),
            log: self.log,
            help: self.help,
        })
    }

    /// Runs it to the end, and lets the caller judge.
    pub fn wait(&mut self, progress: &Progress) -> Result<ExitStatus> {
        if let Some(folder) = self.log.parent() {
            fs::create_dir_all(folder).context("create", folder)?;
        }
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.context("write", &self.log)?;
        let stderr = log.try_clone().context("write", &self.log)?;
        self.command.stdin(Stdio::null()).stdout(log).stderr(stderr);
        let mut child = self.command.spawn().map_err(|source| Error::Spawn {
            program: self.command.get_program().to_string_lossy().into_owned(),
            source,
            path: std::env::var("PATH").unwrap_or_default(),
        })?;

        let mut said = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            if let Some(status) = child.try_wait().context("wait for", &self.log)? {
                return Ok(status);
            }
            if said.elapsed() > PATIENCE {
                said = Instant::now();
                progress.say(format!("  … {}", tail(&self.log, 1).trim()));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }
}

/// Runs a short program and returns what it printed on standard output; failure is the caller's to
/// judge, by an empty answer.
pub fn answer<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> String {
    Command::new(program)
        .args(args)
        .envs(PLAIN)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// The last lines of a file that is not blank.
pub fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut last: Vec<_> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(lines)
        .collect();
    last.reverse();
    last.join("\n")
}

/// The CPU time of what was started here: what runs, and what its parents have seen the end of.
pub fn cpu_seconds() -> f64 {
    let mut children: BTreeMap<u32, Vec<(u32, u64)>> = BTreeMap::new();
    let mut ended = 0;
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid: Option<u32> = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let stat = fs::read_to_string(entry.path().join("stat"));
        if let (Some(pid), Ok(stat)) = (pid, stat)
            && let Some((parent, own, waited)) = ticks(&stat)
        {
            if pid == std::process::id() {
                ended = waited;
            }
            children
                .entry(parent)
                .or_default()
                .push((pid, own + waited));
        }
    }
    let (mut sum, mut left) = (ended, vec![std::process::id()]);
    while let Some(pid) = left.pop() {
        for (child, ticks) in children.remove(&pid).unwrap_or_default() {
            sum += ticks;
            left.push(child);
        }
    }
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    sum as f64 / per_second as f64
}

/// Of a line of `/proc/PID/stat`: the parent, and the process's own time and that of the children it
/// has waited for.
fn ticks(stat: &str) -> Option<(u32, u64, u64)> {
    // The name before may have blanks and parentheses of its own.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_whitespace().collect();
    let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some((
        u32::try_from(number(1)?).ok()?,
        number(11)? + number(12)?,
        number(13)? + number(14)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_what_runs_counts_and_of_what_has_ended() {
        let stat = "7 (a) b) S 3 7 7 0 -1 4194304 1 2 3 4 100 20 30 4 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some((3, 120, 34)));
        let before = cpu_seconds();
        let spins = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn();
        let mut spins = spins.unwrap();
        while cpu_seconds() - before < 0.5 {
            std::thread::sleep(Duration::from_millis(50));
        }
        spins.kill().unwrap();
        spins.wait().unwrap();
        assert!(cpu_seconds() - before >= 0.5);
    }
}
