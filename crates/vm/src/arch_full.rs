// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make arch-full`: Arch's whole configuration, all modules, by this repository's PKGBUILD. It takes
//! hours, so it runs niced, tells how far it is, and goes on after a break where it was.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use nix::sys::statvfs::statvfs;

use crate::{
    demo,
    error::{Context, Error, Result},
    files::{data, files, gib, mib, size},
    host::BUILDER,
    makepkg::Makepkg,
    package_files::{package_name, packages},
    root,
    run::{Progress, cpu_seconds},
    series::{self, clang_major, clangs, debians_llvm},
    workshop::Site,
};

/// Arch's configuration, where LINUX_RUST_DATA has it: its server is not reached from everywhere.
const CONFIG: (&str, &str) = ("arch-linux-6.1.arch1.config", "linux-6.1.arch1-1.config");

/// The least clang that loses nothing of Arch's configuration: before it there is no mitigation of
/// Retbleed, and the PKGBUILD refuses.
const CLANG: u32 = 15;

/// Of a whole build, packages included.
const NEEDS_BYTES: u64 = 40 << 30;

/// How often it is told how far the build is.
const TELL_EVERY: Duration = Duration::from_secs(300);

/// Builds, or goes on; installs, boots, loads; and says what it took.
pub fn run() -> Result<()> {
    let progress = Progress::default();
    let cache = root::enter(&progress)?;
    kernel_boot::init()?;
    let row = series::chosen(None)?.remove(0);
    let mut shop = Site::open(cache, progress)?.workshop(row)?;
    if clang_major("clang").is_none_or(|major| major < CLANG) {
        let newest = clangs().into_iter().max().unwrap_or(CLANG);
        let why = "Arch's configuration has what older clangs cannot";
        shop.llvm = Some(debians_llvm(newest, why, &shop.cache, &progress)?);
    }
    shop.install_toolchain()?;
    // Whoever works here meanwhile goes first: in this session, and in others, whose share of the time
    // the kernel counts by session (sched(7), "The autogroup feature").
    let _ = Command::new("renice")
        .args(["-n", "19", "-p", &std::process::id().to_string()])
        .output();
    let _ = fs::write("/proc/self/autogroup", "19");

    let mut makepkg = Makepkg::new(&shop, shop.pkgbuild("linux-rust", 1)?);
    makepkg.set("_config", "arch");
    makepkg.builddir = shop.cache.directory("arch-full", BUILDER)?;
    require_space(&makepkg.builddir)?;
    makepkg.pkgdest = makepkg.builddir.join("packages");
    makepkg.srcdest = makepkg.builddir.join("sources");
    provide_config(&makepkg.srcdest)?;

    let src = makepkg.src();
    let mark = makepkg.builddir.join(".prepared");
    let spent = Spent {
        file: makepkg.builddir.join(".cpu-seconds"),
    };
    let inputs = makepkg.key()?.to_string();
    if fs::read_to_string(&mark).is_ok_and(|text| text == inputs) {
        progress.say("Going on with the tree of the last run...");
    } else {
        progress.say("Preparing Arch's configuration...");
        // First: of a tree that is half removed, or half prepared, it would not be true.
        let _ = fs::remove_file(&mark);
        for left in [&src, &makepkg.pkgdest] {
            if left.exists() {
                fs::remove_dir_all(left).context("remove", left)?;
            }
        }
        spent.note(0.0)?;
        makepkg.run("preparing", &["--force", "--nobuild"])?;
        fs::write(&mark, &inputs).context("write", &mark)?;
    }
    let tree = tree(&src)?;
    progress.say("Building (hours; it can be stopped, and goes on the next time)...");
    let (before, start) = (spent.read(), cpu_seconds());
    let so_far = || before + cpu_seconds() - start;
    let built = told(
        &tree,
        progress,
        || drop(spent.note(so_far())),
        || makepkg.run("building linux-rust", &["--force", "--noextract"]),
    );
    spent.note(so_far())?;
    progress.say(format!(
        "{} objects; {:.0} CPU seconds in all runs together, {:.0} in this one; {:.1} GiB",
        objects_made(&tree),
        so_far(),
        cpu_seconds() - start,
        gib(size(&tree))
    ));
    built?;

    let all = packages(&makepkg.pkgdest)?;
    for package in &all {
        let bytes = package.metadata().map_or(0, |file| file.len());
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        progress.say(format!(
            "{name}: {:.1} MiB; of Rust: {}",
            mib(bytes),
            of_rust(package_name(&name), package, &tree)?
        ));
    }

    let machine = shop.machine()?;
    let mut install = packages(&shop.toolchain()?.path)?;
    install.extend(all);
    install.extend(packages(&shop.dkms()?.path)?);
    machine.pacman_upgrade(&install, &shop.cache.log("pacman")?, &progress)?;
    demo::show(&shop, &machine, "arch-full")
}

/// What Rust has added to a package.
fn of_rust(name: &str, package: &Path, tree: &Path) -> Result<String> {
    if ["-src", "-rustdoc"].iter().any(|part| name.ends_with(part)) {
        return Ok("all of it".into());
    }
    if name.ends_with("-headers") {
        // As they lie in it, and packed as makepkg packs.
        let script = "set -o pipefail; bsdtar -cf - --include='*/build/rust/*' @\"$1\" | tee >(wc -c >&2) | zstd -q -c | wc -c";
        let output = Command::new("bash")
            .args(["-euc", script, "bash"])
            .arg(package)
            .output()
            .context("read", package)?;
        let bytes = |text: &[u8]| String::from_utf8_lossy(text).trim().parse().ok();
        let (Some(packed), Some(bare), true) = (
            bytes(&output.stdout),
            bytes(&output.stderr),
            output.status.success(),
        ) else {
            return Err(unmeasured(package, &output));
        };
        return Ok(format!(
            "{:.1} MiB, unpacked {:.1} MiB",
            mib(packed),
            mib(bare)
        ));
    }
    // In the kernel, what the linker was given. All of it is built in.
    let objects: Vec<_> = files(&tree.join("rust"))
        .filter(|file| file.extension().is_some_and(|extension| extension == "o"))
        .collect();
    let output = Command::new("size")
        .arg("--totals")
        .args(objects)
        .output()
        .context("measure", tree.join("rust"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // text, data, bss, their sum in two forms, and a name.
    let total = text.lines().last().unwrap_or_default();
    let number = |column| -> Option<u32> {
        let word = total.split_whitespace().nth(column);
        word.and_then(|word| word.parse().ok())
    };
    let (Some(code), Some(data), true) = (number(0), number(1), output.status.success()) else {
        return Err(unmeasured(&tree.join("rust"), &output));
    };
    Ok(format!(
        "{:.0} KiB of code and {:.0} KiB of data in vmlinuz, before it is compressed",
        f64::from(code) / 1024.0,
        f64::from(data) / 1024.0
    ))
}

fn unmeasured(what: &Path, output: &Output) -> Error {
    Error::State {
        what: format!("cannot measure what is of Rust in {}", what.display()),
        note: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        help: format!("ls {}", what.display()),
    }
}

/// The CPU time of all runs that have worked on a tree: also of those that were killed, as of a few
/// minutes before their end.
struct Spent {
    file: PathBuf,
}

impl Spent {
    fn read(&self) -> f64 {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        text.trim().parse().unwrap_or(0.0)
    }

    fn note(&self, seconds: f64) -> Result<()> {
        fs::write(&self.file, format!("{seconds:.0}\n")).context("write", &self.file)
    }
}

/// For a tree that is not there yet; what is built has been paid for.
fn require_space(builddir: &Path) -> Result<()> {
    let space = statvfs(builddir).context("look at", builddir)?;
    let free = space.blocks_available() * space.fragment_size();
    let needs = NEEDS_BYTES.saturating_sub(size(builddir));
    if free < needs {
        let path = builddir.to_owned();
        return Err(Error::NoSpace { path, free, needs });
    }
    Ok(())
}

fn provide_config(srcdest: &Path) -> Result<()> {
    fs::create_dir_all(srcdest).context("create", srcdest)?;
    if let Some(from) = data(CONFIG.0) {
        fs::copy(&from, srcdest.join(CONFIG.1)).context("copy", &from)?;
    }
    // Without it makepkg fetches it from Arch, as for everybody.
    Ok(())
}

/// The kernel's tree in makepkg's `src`.
fn tree(src: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(src).context("read", src)?;
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("Kbuild").exists())
        .unwrap_or_else(|| src.to_owned()))
}

/// Runs it, and says every few minutes how far the tree is, and notes what that took.
fn told<T: Send>(
    tree: &Path,
    progress: Progress,
    note: impl Fn() + Send,
    build: impl FnOnce() -> T + Send,
) -> T {
    let (done, over) = mpsc::channel::<()>();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            while over.recv_timeout(TELL_EVERY) == Err(RecvTimeoutError::Timeout) {
                note();
                let hours = start.elapsed().as_secs_f64() / 3600.0;
                progress.say(format!("{} objects in {hours:.1} h", objects_made(tree)));
            }
        });
        let result = build();
        drop(done);
        result
    })
}

/// How many objects a tree has.
fn objects_made(tree: &Path) -> usize {
    files(tree)
        .filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".o") && !name.ends_with(".mod.o")
        })
        .filter(|file| !file.starts_with(tree.join("tools")))
        .count()
}
