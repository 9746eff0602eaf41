// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make arch-full`: Arch's whole configuration, all modules, by this repository's PKGBUILD. It takes
//! hours, so it runs niced, tells how far it is, and goes on after a break where it was.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use nix::sys::statvfs::statvfs;

use crate::{
    demo,
    error::{Context, Error, Result},
    files::{data, files, gib, mib, size},
    host::{BUILDER, Site},
    makepkg::Makepkg,
    package_files::packages,
    root,
    run::Progress,
    series::{self, clang_major, clangs, debians_llvm},
    workshop::Workshop,
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
    let mut shop = Workshop::new(&Site::open(cache, progress)?, row)?;
    if clang_major("clang").is_none_or(|major| major < CLANG) {
        let newest = clangs().into_iter().max().unwrap_or(CLANG);
        let why = "Arch's configuration has what older clangs cannot";
        shop.llvm = Some(debians_llvm(newest, why, &shop)?);
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
        makepkg.run("preparing", &["--force", "--nobuild"])?;
        fs::write(&mark, &inputs).context("write", &mark)?;
    }
    let tree = makepkg.tree()?;
    progress.say("Building (hours; it can be stopped, and goes on the next time)...");
    let built = told(&tree, progress, || {
        makepkg.run("building linux-rust", &["--force", "--noextract"])
    });
    let made = objects_made(&tree);
    progress.say(format!("{made} objects; {:.1} GiB", gib(size(&tree))));
    built?;

    let all = packages(&makepkg.pkgdest)?;
    for package in &all {
        let bytes = package.metadata().map_or(0, |file| file.len());
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        progress.say(format!("{name}: {:.1} MiB", mib(bytes)));
    }

    let machine = shop.machine()?;
    let mut install = packages(&shop.toolchain()?.path)?;
    install.extend(all);
    install.extend(packages(&shop.dkms()?.path)?);
    machine.pacman_upgrade(&install, &shop.cache.log("pacman")?, &progress)?;
    demo::show(&shop, &machine, "arch-full")
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

/// Runs it, and says every few minutes how far the tree is.
fn told<T: Send>(tree: &Path, progress: Progress, build: impl FnOnce() -> T + Send) -> T {
    let (done, over) = mpsc::channel::<()>();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            while over.recv_timeout(TELL_EVERY) == Err(RecvTimeoutError::Timeout) {
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
