// SPDX-License-Identifier: MIT OR Apache-2.0

//! The signals by which a caller stops a boot. They are the whole process's, and so is the flag:
//! what takes its time looks at it, and ends as after any other error, with nothing left.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::error::{Error, Result};

static FLAG: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on signals are heard.
pub fn listen() -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        // Under nohup, say.
        if !is_ignored(&status, signal) {
            signal_hook::flag::register(signal, Arc::clone(&FLAG))?;
        }
    }
    Ok(())
}

/// Whether the caller had a signal ignored (proc(5): `SigIgn`).
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// An error once one was heard.
pub fn check() -> Result<()> {
    match FLAG.load(Ordering::Relaxed) {
        true => Err(Error::Interrupted),
        false => Ok(()),
    }
}

/// A program in a process group of its own: Ctrl-C is for its owner, which does not mistake how it
/// ends for a fault of its own making. With all that it has started, it does not outlive its owner.
#[derive(Debug)]
pub struct Group(pub Child);

impl Group {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.process_group(0).spawn().map(Self)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // One that was waited for has no id any more that is its own.
        if let Ok(None) = self.0.try_wait()
            && let Ok(id) = i32::try_from(self.0.id())
        {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_ignores_is_known() {
        let status = "Name:\tx\nSigIgn:\t0000000000000001\nSigCgt:\t00000000000000ff\n";
        assert!(is_ignored(status, SIGHUP));
        assert!(!is_ignored(status, SIGINT));
        assert!(!is_ignored("", SIGHUP));
    }

    #[test]
    fn a_group_goes_with_all_that_is_in_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo $!; wait"]);
        let mut group = Group::spawn(command.stdout(std::process::Stdio::piped())).unwrap();
        let mut line = String::new();
        let output = group.0.stdout.take().unwrap();
        let mut output = io::BufReader::new(output);
        io::BufRead::read_line(&mut output, &mut line).unwrap();
        drop(group);
        // The end of the pipe that both of them held.
        line.clear();
        assert_eq!(io::BufRead::read_line(&mut output, &mut line).unwrap(), 0);
    }
}
