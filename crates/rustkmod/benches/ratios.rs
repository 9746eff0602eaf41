// SPDX-License-Identifier: MIT OR Apache-2.0

//! Prints what `doctor` and `check` take, beside the tools that answer a part of the same
//! questions, each pair measured in one run: the ratio holds where the times do not.
//!
//! `cargo bench -p rustkmod --bench ratios -- [HEADERS [MODULES]]`: a tree of headers with Rust,
//! and a directory `/lib/modules/RELEASE` with a kernel's modules and their headers below `build`.
//! Without them the first is looked for below `/usr/lib/modules`, and the second is Debian's
//! newest 6.1 kernel, fetched by `apt-get download`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kernel_files::depmod::modules_below;

fn main() {
    let paths: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .map(Into::into)
        .collect();
    println!("| what | rustkmod | the tools | ratio | memory |");
    println!("|---|---|---|---|---|");
    match paths.first().cloned().or_else(installed_headers) {
        Some(headers) => doctor(&headers),
        None => println!("| doctor | no headers with Rust were found | | | |"),
    }
    let given = paths.get(1);
    let (modules, headers) =
        given.map_or_else(debian, |modules| (modules.clone(), modules.join("build")));
    check(&modules, &headers);
    explain();
}

fn installed_headers() -> Option<PathBuf> {
    let releases = std::fs::read_dir("/usr/lib/modules").ok()?;
    releases
        .flatten()
        .map(|release| release.path().join("build"))
        .find(|build| build.join("rust/libcore.rmeta").exists())
}

fn debian() -> (PathBuf, PathBuf) {
    let release = common::debian_release();
    let image = format!("linux-image-{release}");
    let headers = format!("linux-headers-{release}");
    let root = common::debian(&release, &[&image, &headers]);
    (
        root.join("lib/modules").join(release),
        root.join("usr/src").join(headers),
    )
}

/// What a command took: the best time of some runs, and its largest memory in kilobytes.
fn measure(runs: u32, mut command: impl FnMut() -> Command) -> (Duration, u64) {
    let mut best = Duration::MAX;
    let mut memory = 0;
    for _ in 0..runs {
        let start = Instant::now();
        let mut child = command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        while child.try_wait().unwrap().is_none() {
            memory = memory.max(high_water(&status));
            std::thread::sleep(Duration::from_micros(500));
        }
        best = best.min(start.elapsed());
    }
    (best, memory)
}

/// The most memory a process had so far, as the kernel counts it.
fn high_water(status: &Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn row(what: &str, ours: (Duration, u64), theirs: Option<Duration>) {
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let memory = format!("{:.1} MB", ours.1 as f64 / 1024.0);
    match theirs {
        Some(theirs) => println!(
            "| {what} | {} | {} | 1/{:.0} | {memory} |",
            milliseconds(ours.0),
            milliseconds(theirs),
            theirs.as_secs_f64() / ours.0.as_secs_f64()
        ),
        None => println!("| {what} | {} | | | {memory} |", milliseconds(ours.0)),
    }
}

fn doctor(headers: &Path) {
    // Both get the rustc that fits, wherever this machine has it.
    let fitting = common::command()
        .args(["toolchain", "--path", "--kdir"])
        .arg(headers)
        .output()
        .unwrap();
    let rustc = common::printed(&fitting).trim().to_string();
    let rustc = if rustc.is_empty() {
        "rustc".to_string()
    } else {
        rustc
    };
    let ours = measure(20, || {
        let mut command = common::command();
        command
            .args(["doctor", "--rustc", &rustc, "--kdir"])
            .arg(headers);
        command
    });
    let make = || {
        let mut command = Command::new("make");
        command
            .arg("-C")
            .arg(headers)
            .args(["LLVM=1", "rustavailable"]);
        command.arg(format!("RUSTC={rustc}"));
        command
    };
    let succeeds = make().output().is_ok_and(|output| output.status.success());
    let what = match succeeds {
        true => "doctor; make rustavailable",
        false => "doctor; make rustavailable, which fails here before its end",
    };
    row(what, ours, Some(measure(5, make).0));
}

fn check(modules: &Path, headers: &Path) {
    let all: Vec<_> = modules_below(modules).collect();
    let release = modules.file_name().unwrap().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let map = directory.path().join("System.map");
    std::fs::write(&map, system_map(headers)).unwrap();
    let base = modules.ancestors().nth(3).unwrap_or(modules);
    for count in [10, 100, 1000, all.len()] {
        let some = &all[..count.min(all.len())];
        let ours = measure(5, || {
            let mut command = common::command();
            command.args(["check", "--kernel"]).arg(headers).args(some);
            command
        });
        let start = Instant::now();
        for path in some {
            let quiet = Command::new("modinfo")
                .arg(path)
                .stdout(Stdio::null())
                .status();
            assert!(quiet.is_ok(), "there is no modinfo");
        }
        let mut theirs = start.elapsed();
        let mut what = format!("check of {count} modules; modinfo of each");
        if count == all.len() {
            let (depmod, _) = measure(1, || {
                let mut command = Command::new("depmod");
                command
                    .args(["-e", "-n", "-F"])
                    .arg(&map)
                    .arg("-b")
                    .arg(base)
                    .arg(&release);
                command
            });
            theirs += depmod;
            what.push_str(", depmod -e");
        }
        row(&what, ours, Some(theirs));
    }
}

/// A `System.map` with the kernel's exports, which depmod reads.
fn system_map(headers: &Path) -> String {
    let symvers = std::fs::read_to_string(headers.join("Module.symvers")).unwrap_or_default();
    symvers
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t').skip(1);
            let (name, exporter) = (fields.next()?, fields.next()?);
            (exporter == "vmlinux").then(|| format!("ffffffff81000000 r __ksymtab_{name}\n"))
        })
        .collect()
}

/// A build log of 1 GB, mostly of what a build says when nothing is wrong.
fn explain() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut text = String::new();
    for number in 0..20_000 {
        text.push_str(&format!(
            "  CC [M]  drivers/net/ethernet/vendor/file_{number}.o\n"
        ));
    }
    text.push_str("error[E0463]: can't find crate for `core`\n");
    let mut file = std::fs::File::create(&log).unwrap();
    let mut written = 0;
    while written < 1 << 30 {
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        written += text.len();
    }
    drop(file);
    let ours = measure(3, || {
        let mut command = common::command();
        command.arg("explain").arg(&log);
        command
    });
    let (grep, _) = measure(3, || {
        // Into a pipe: grep reads no further than the first hit when nobody looks.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "grep -E 'error|undefined|rejected|version magic' \"$0\" | cat",
        ]);
        command.arg(&log);
        command
    });
    row(
        "explain of a log of 1 GB; grep of four words",
        ours,
        Some(grep),
    );
}
