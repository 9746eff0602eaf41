// SPDX-License-Identifier: MIT OR Apache-2.0

//! Programs that are killed in the middle of their work.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use vm::{machine::Machine, run::ENDS_WITH_US};

/// A child that dies with all that it started.
pub struct Killed(Child);

impl Killed {
    /// Starts a command, its output going to `log`, and kills it when `when` is so.
    pub fn when(
        command: &mut Command,
        log: &Path,
        mut when: impl FnMut(&str) -> bool,
    ) -> Result<(), Failed> {
        let out = fs::File::create(log)?;
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let mut child = Self(command.spawn()?);
        let start = Instant::now();
        loop {
            let said = String::from_utf8_lossy(&fs::read(log)?).into_owned();
            if when(&said) {
                break;
            }
            if let Some(status) = child.0.try_wait()? {
                return Err(format!("it ended too early ({status}):\n{said}").into());
            }
            if start.elapsed() > Duration::from_secs(3600) {
                return Err(format!("it never came so far:\n{said}").into());
            }
            sleep(Duration::from_millis(5));
        }
        child.0.kill()?;
        let status = child.0.wait()?;
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9)
        );
        Ok(())
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command in a machine whose children die with it.
pub fn together(machine: &Machine, script: &str) -> Command {
    let mut command = Command::new(ENDS_WITH_US[0]);
    command
        .args(&ENDS_WITH_US[1..])
        .arg("--root")
        .arg(machine.root())
        .args(["sh", "-euc", script])
        .env_clear()
        .envs([(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin",
        )])
        .envs([("HOME", "/root"), ("LANG", "C.UTF-8")]);
    command
}
