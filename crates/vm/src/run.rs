// SPDX-License-Identifier: MIT OR Apache-2.0

//! Running programs: their output goes to a file, what matters of it to the person who waits.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::error::{Context, Error, Result};

/// Runs what follows it where there is no network, not even a loopback that is up.
pub const NO_NETWORK: [&str; 2] = ["unshare", "--net"];

/// What a program is started through, so that it and all that it starts end with who started it.
/// Options of `unshare` can follow.
pub const ENDS_WITH_US: [&str; 7] = [
    "setpriv",
    "--pdeathsig=KILL",
    "unshare",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

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
        let help = format!("less {}", quoted(log.as_os_str()));
        let mut command = Command::new(program);
        command.envs(PLAIN);
        Self {
            command,
            what: what.into(),
            help,
            log: log.into(),
        }
    }

    /// What fixes a failure, if it is not in the output.
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

    /// Runs it to the end. While it takes long, its last line of output is shown. Its failure is
    /// told with the last lines that it printed, and with a script that runs the same again.
    pub fn run(mut self, progress: &Progress) -> Result<()> {
        // Others may have written to the same log before.
        let before = self.log.metadata().map_or(0, |log| log.len());
        let status = self.wait(progress)?;
        if status.success() {
            return Ok(());
        }
        let again = again(&self.log);
        let mut file = File::options();
        file.write(true).create(true).truncate(true).mode(0o600);
        file.open(&again)
            .and_then(|mut file| file.write_all(script(&self.command).as_bytes()))
            .context("write", &again)?;
        Err(Error::Program {
            what: self.what,
            status: status.to_string(),
            tail: tail_after(&self.log, before, 15),
            log: self.log,
            help: self.help,
        })
    }

    /// Runs it to the end, and lets the caller judge.
    pub fn wait(&mut self, progress: &Progress) -> Result<ExitStatus> {
        if let Some(directory) = self.log.parent() {
            fs::create_dir_all(directory).context("create", directory)?;
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

/// The shell script beside a log that runs what failed again.
pub fn again(log: &Path) -> PathBuf {
    log.with_extension("again.sh")
}

/// A shell script that runs a command again: where it ran, with what was set for it.
fn script(command: &Command) -> String {
    let mut words = vec!["exec".to_owned(), "env".to_owned()];
    for (name, value) in command.get_envs() {
        words.push(match value {
            Some(value) => format!("{}={}", name.display(), quoted(value)),
            None => format!("--unset={}", name.display()),
        });
    }
    words.push(quoted(command.get_program()));
    words.extend(command.get_args().map(quoted));
    let directory = command.get_current_dir().unwrap_or(Path::new("/"));
    let directory = quoted(directory.as_os_str());
    format!("#!/bin/sh\ncd {directory} || exit\n{}\n", words.join(" "))
}

/// As one word of a shell.
pub fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    shlex::try_quote(&word).map_or_else(|_| "''".into(), Cow::into_owned)
}

/// The last lines of a file that are not blank.
pub fn tail(file: &Path, lines: usize) -> String {
    tail_after(file, 0, lines)
}

/// The same of what follows its first bytes.
fn tail_after(file: &Path, bytes: u64, lines: usize) -> String {
    let text = fs::read(file).unwrap_or_default();
    let text = text
        .get(usize::try_from(bytes).unwrap_or(0)..)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    let mut last: Vec<_> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(lines)
        .collect();
    last.reverse();
    last.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_failure_shows_its_own_last_lines() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("a log");
        fs::write(&log, "of another program\n").unwrap();
        let fails = |script: &str| {
            let program = Program::new("trying", "sh", &log).args(["-c", script]);
            let error = program.run(&Progress::default()).unwrap_err();
            error.to_string()
        };
        let said = fails("echo first; echo last >&2; exit 255");
        assert!(
            said.starts_with("trying failed (exit status: 255)\n"),
            "{said}"
        );
        assert!(said.contains("    first\n    last\n"), "{said}");
        assert!(!said.contains("another"), "{said}");

        let said = fails("exit 3");
        assert!(said.contains("it printed nothing"), "{said}");
        assert!(!said.contains("last"), "{said}");
    }

    #[test]
    fn program_failure_leaves_a_script_that_does_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let mut program = Program::new("trying", "sh", &log)
            .env("VARIABLE", "its 'value' $HOME")
            .args(["-c", r#"printf '%s|' "$@" "$VARIABLE"; pwd; exit 4"#, "sh"])
            .args(["a b", "", "*"]);
        program.command().current_dir("/usr").env_remove("HOME");
        assert!(program.run(&Progress::default()).is_err());
        let again = Command::new("sh")
            .arg(log.with_extension("again.sh"))
            .output();
        let again = again.unwrap();
        assert_eq!(again.status.code(), Some(4));
        assert_eq!(
            String::from_utf8(again.stdout).unwrap(),
            fs::read_to_string(&log).unwrap()
        );
        assert_eq!(
            fs::read_to_string(&log).unwrap(),
            "a b||*|its 'value' $HOME|/usr\n"
        );
    }
}
