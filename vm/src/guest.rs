// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel in QEMU: modules in, a verdict out.
//!
//! The kernel's log comes over the first serial line, the report of `vm-init` over the second. What
//! is judged is the report, in KTAP; the log is for people.

use std::{
    env,
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use cpio::newc;
use flate2::{Compression, write::GzEncoder};

use crate::{
    cache::Cache,
    error::{Context, Error, Result},
    packages::repository,
};

/// A boot takes seconds; what has not ended by then hangs. Loaded machines are slow.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is booted.
#[derive(Debug)]
pub struct Guest<'a> {
    /// The kernel image.
    pub kernel: &'a Path,
    /// Module files, in the order to load them; `.zst`, `.xz` and `.gz` too.
    pub modules: &'a [PathBuf],
    /// More for the kernel's command line.
    pub append: &'a str,
}

/// What came of it.
#[derive(Debug)]
pub struct Boot {
    /// Each step that the init reported: whether it worked, and what it was.
    pub results: Vec<(bool, String)>,
    /// What the kernel logged while the modules were there.
    pub log: Vec<String>,
    /// The whole console.
    pub console: PathBuf,
    /// From the start of QEMU to the report's end.
    pub time: Duration,
    /// Whether it went as it should, and if not, what was seen.
    pub verdict: Verdict,
}

/// How a boot ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every step of a whole report worked.
    Good,
    /// A step did not.
    Failed(String),
    /// The kernel said that it is broken, in this line.
    Oops(String),
    /// It did not come to an end.
    Hung,
    /// It ended before its report did.
    CutOff,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Good => write!(out, "good"),
            Self::Failed(step) => write!(out, "failed: {step}"),
            Self::Oops(line) => write!(out, "the kernel broke: {line}"),
            Self::Hung => write!(out, "no end after {} s", PATIENCE.as_secs()),
            Self::CutOff => write!(out, "the machine stopped before its report was whole"),
        }
    }
}

impl Guest<'_> {
    /// Boots it under TCG, which works everywhere, and waits for its end.
    pub fn boot(&self, cache: &Cache, name: &str) -> Result<Boot> {
        let folder = cache.folder("guest", 0)?.join(name);
        fs::create_dir_all(&folder).context("create", &folder)?;
        let (initramfs, report, console) = (
            folder.join("initramfs.cpio.gz"),
            folder.join("report"),
            folder.join("console"),
        );
        self.write_initramfs(&initramfs)
            .context("write", &initramfs)?;
        File::create(&report).context("create", &report)?;

        let start = Instant::now();
        let mut qemu = Command::new("setpriv")
            // It ends with this program, however that ends.
            .args(["--pdeathsig=KILL", "qemu-system-x86_64"])
            .args([
                "-nodefaults",
                "-display",
                "none",
                "-no-reboot",
                "-accel",
                "tcg",
                "-m",
                "256",
            ])
            .arg("-kernel")
            .arg(self.kernel)
            .arg("-initrd")
            .arg(&initramfs)
            .arg("-append")
            .arg(format!("console=ttyS0 panic=-1 oops=panic {}", self.append))
            .arg("-serial")
            .arg(format!("file:{}", console.display()))
            .arg("-serial")
            .arg(format!("file:{}", report.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| Error::Spawn {
                program: "qemu-system-x86_64".into(),
                source,
                path: env::var("PATH").unwrap_or_default(),
            })?;
        let hung = loop {
            if qemu
                .try_wait()
                .context("wait for", "qemu-system-x86_64")?
                .is_some()
            {
                break false;
            }
            if start.elapsed() > PATIENCE {
                qemu.kill().context("end", "qemu-system-x86_64")?;
                break true;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let time = start.elapsed();
        let status = qemu.wait().context("wait for", "qemu-system-x86_64")?;
        let mut complaint = String::new();
        if let Some(mut stderr) = qemu.stderr.take() {
            io::Read::read_to_string(&mut stderr, &mut complaint).context("read", "its output")?;
        }
        if !hung && !status.success() {
            return Err(Error::State {
                what: format!("qemu-system-x86_64 ended with {status}"),
                note: complaint.trim().to_owned(),
                help: format!("less {}", console.display()),
            });
        }
        judge(&report, console, time, hung)
    }

    fn write_initramfs(&self, path: &Path) -> io::Result<()> {
        // Level 1: it is read once, from memory.
        let mut out = GzEncoder::new(File::create(path)?, Compression::fast());
        let mut entry =
            |name: &str, mode: u32, device: (u32, u32), content: &[u8]| -> io::Result<()> {
                let builder = newc::Builder::new(name)
                    .mode(mode)
                    .rdev_major(device.0)
                    .rdev_minor(device.1)
                    .nlink(1);
                let mut writer = builder.write(&mut out, content.len() as u32);
                writer.write_all(content)?;
                writer.finish().map(drop)
            };
        entry("dev", 0o040755, (0, 0), &[])?;
        entry("modules", 0o040755, (0, 0), &[])?;
        // The kernel opens it for init before init could mount anything.
        entry("dev/console", 0o020600, (5, 1), &[])?;
        entry("init", 0o100755, (0, 0), &fs::read(init_program())?)?;
        let mut list = String::new();
        for (number, module) in self.modules.iter().enumerate() {
            let file = module.file_name().unwrap_or_default().to_string_lossy();
            let name = file.split(".ko").next().unwrap_or_default();
            // A folder a module: two of one name would be one file.
            entry(&format!("modules/{number}"), 0o040755, (0, 0), &[])?;
            entry(
                &format!("modules/{number}/{name}.ko"),
                0o100644,
                (0, 0),
                &read_module(module)?,
            )?;
            list += &format!("/modules/{number}/{name}.ko\n");
        }
        entry("modules/list", 0o100644, (0, 0), list.as_bytes())?;
        newc::trailer(&mut out)?;
        out.finish().map(drop)
    }
}

/// The init, which the Makefile builds; it is static.
fn init_program() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || repository().join("target"),
        |target| repository().join(target),
    );
    target.join("x86_64-unknown-linux-gnu/release/vm-init")
}

/// Stops if the init is not built.
pub fn require_init() -> Result<()> {
    let path = init_program();
    if path.exists() {
        return Ok(());
    }
    Err(Error::State {
        what: "the init of the test machine is not built".into(),
        note: format!("there is no {}", path.display()),
        help: "make build".into(),
    })
}

/// A module's ELF file, whatever it is compressed with.
fn read_module(path: &Path) -> io::Result<Vec<u8>> {
    let program = match path.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => "zstd",
        Some("xz") => "xz",
        Some("gz") => "gzip",
        _ => return fs::read(path),
    };
    let output = Command::new(program).arg("-dcq").arg(path).output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}

fn judge(report: &Path, console: PathBuf, time: Duration, hung: bool) -> Result<Boot> {
    let (mut results, mut log, mut planned) = (Vec::new(), Vec::new(), None);
    let lines = BufReader::new(File::open(report).context("read", report)?).lines();
    for line in lines.map_while(Result::ok) {
        let line = line.trim_end();
        if let Some(text) = line.strip_prefix("# kmsg: ") {
            log.push(text.to_owned());
        } else if let Some(count) = line.strip_prefix("1..") {
            planned = count.parse::<usize>().ok();
        } else if let Some(error) = line.strip_prefix("# ") {
            if let Some((_, step)) = results.last_mut() {
                *step = format!("{step}: {error}");
            }
        } else if let Some((worked, rest)) = line
            .strip_prefix("ok ")
            .map(|rest| (true, rest))
            .or_else(|| line.strip_prefix("not ok ").map(|rest| (false, rest)))
        {
            let step = rest.split_once(' ').map_or(rest, |(_, step)| step);
            results.push((worked, step.to_owned()));
        }
    }
    let text = fs::read(&console).context("read", &console)?;
    let text = String::from_utf8_lossy(&text);
    let broken = text.lines().find(|line| {
        ["Kernel panic", "Oops:", "BUG:", "general protection fault"]
            .iter()
            .any(|sign| line.contains(sign))
    });
    let verdict = if let Some(line) = broken {
        Verdict::Oops(line.trim().to_owned())
    } else if let Some((_, step)) = results.iter().find(|(worked, _)| !worked) {
        Verdict::Failed(step.clone())
    } else if hung {
        Verdict::Hung
    } else if planned != Some(results.len()) {
        Verdict::CutOff
    } else {
        Verdict::Good
    };
    Ok(Boot {
        results,
        log,
        console,
        time,
        verdict,
    })
}
