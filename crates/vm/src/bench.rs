// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make bench`: ratios, each pair measured in one run, on the machine as it is.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    boot::put_program,
    buildenv::{self, Turn},
    demo::{self, MODULE},
    error::{Context, Error, Result},
    files::{mib, repository},
    host,
    machine::Machine,
    makepkg::Makepkg,
    package_files::packages_of,
    root,
    run::{Program, Progress},
    workshop::Workshop,
};

/// Short things are measured this often, in turn, and the median is taken.
const TURNS: usize = 5;

/// Measures and prints the tables; when it is to be short, without what builds the kernel again.
pub fn run(short: bool) -> Result<()> {
    let progress = Progress::default();
    let cache = root::enter(&progress)?;
    kernel_boot::init()?;
    let shop = Workshop::open(cache, progress)?;
    let (first, dkms) = (shop.kernel(1)?, shop.dkms()?);
    shop.install_toolchain()?;

    let machine = Machine::new(&shop.cache)?;
    let all = packages_of([&shop.toolchain()?, &first, &dkms])?;
    machine.pacman_upgrade(&all, &shop.cache.log("bench-pacman")?, &progress)?;
    let kernel = machine.kernel()?;

    let mut rows = vec![module_build(&shop, &machine, &kernel)?];
    rows.push(headers_size(&shop, &first.path)?);
    let mut boots = Vec::new();
    for _ in 0..TURNS {
        boots.push(demo::boot_installed(&shop, &machine, "bench", &kernel, "")?.time);
    }
    let turns = edit_to_loaded(&shop, &machine, &kernel)?;
    let new = new_to_loaded(&shop, &machine, &kernel)?;
    if !short {
        rows.insert(0, kernel_build(&shop)?);
        rows.insert(1, ccache_build(&shop)?);
    }

    println!();
    println!("| what | measured | against | ratio | goal |");
    println!("|---|---|---|---|---|");
    for Row {
        what,
        measured,
        against,
        ratio,
        goal,
    } in &rows
    {
        println!("| {what} | {measured} | {against} | {ratio:.2} | at most {goal} |");
    }
    let from_nothing = shop.cache.path(demo::FROM_NOTHING);
    print!("{}", fs::read_to_string(from_nothing).unwrap_or_default());
    println!();
    println!(
        "Boot to module loaded, unloaded and reported, TCG: {:.2} s",
        median(boots).as_secs_f64()
    );
    println!();
    print_changes(&turns);
    println!(
        "| from nothing: `rustkmod new`, `make`, `rustkmod boot` | {:.2} | at most 15 |",
        new.as_secs_f64()
    );
    Ok(())
}

struct Row {
    what: &'static str,
    measured: String,
    against: String,
    ratio: f64,
    goal: f64,
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn seconds(what: &str, time: Duration) -> String {
    format!("{what}: {:.2} s", time.as_secs_f64())
}

fn time(program: Program, progress: &Progress) -> Result<Duration> {
    let start = Instant::now();
    program.run(progress)?;
    Ok(start.elapsed())
}

/// `makepkg -e` (build and package) against the same make, each in a fresh tree.
fn kernel_build(shop: &Workshop) -> Result<Row> {
    let log = shop.cache.log("bench-build")?;
    let builder = host::BUILDER;
    let mut makepkg = Makepkg::new(shop, shop.pkgbuild("linux-rust", 1)?);
    makepkg.builddir = shop.cache.directory("bench", builder)?;
    makepkg.pkgdest = makepkg.builddir.join("packages");
    // make all writes no documentation.
    makepkg.set("_config", "vm").set("_rustdoc", "n");
    let src = makepkg.src();
    // Fresh trees: nothing in them is built.
    for directory in [src.clone(), makepkg.builddir.join("plain")] {
        if directory.exists() {
            fs::remove_dir_all(&directory).context("remove", &directory)?;
        }
    }
    shop.progress.say("Preparing two equal trees...");
    makepkg
        .program("preparing", &log, &["--force", "--nobuild"])?
        .run(&shop.progress)?;
    let plain = makepkg.builddir.join("plain");
    Program::new("copying the tree", "cp", &log)
        .args([Path::new("-a"), &src, &plain])
        .run(&shop.progress)?;

    shop.progress.say("Building with make alone...");
    let alone = time(makepkg.make("make", &log, &plain, "all")?, &shop.progress)?;

    shop.progress.say("Building with makepkg -e...");
    let with = makepkg.program(
        "makepkg -e",
        &log,
        &["--force", "--noextract", "--noarchive"],
    )?;
    let with = time(with, &shop.progress)?;
    fs::remove_dir_all(&makepkg.builddir).context("remove", &makepkg.builddir)?;
    Ok(Row {
        what: "the kernel",
        measured: seconds("makepkg -e", with),
        against: seconds("make all", alone),
        ratio: with.as_secs_f64() / alone.as_secs_f64(),
        goal: 1.05,
    })
}

/// A second build against the first, both with ccache, in CPU time: the clock is others' too.
fn ccache_build(shop: &Workshop) -> Result<Row> {
    buildenv::install(shop)?;
    let mut makepkg = Makepkg::new(shop, shop.pkgbuild("linux-rust", 1)?);
    makepkg.builddir = shop.cache.directory("bench", host::BUILDER)?;
    makepkg.pkgdest = makepkg.builddir.join("packages");
    makepkg.set("_config", "vm");
    shop.progress.say("Building twice with ccache...");
    let [first, second] = buildenv::build_twice(&mut makepkg, shop)?;
    fs::remove_dir_all(&makepkg.builddir).context("remove", &makepkg.builddir)?;
    let shown = |name: &str, turn: Turn| {
        let Turn { time, cpu, .. } = turn;
        format!("{name}: {cpu:.0} CPU s, {:.0} s", time.as_secs_f64())
    };
    Ok(Row {
        what: "the kernel again, with ccache",
        measured: shown("second", second),
        against: shown("first", first),
        ratio: second.cpu / first.cpu,
        goal: 0.33,
    })
}

/// `dkms build` against bare `make M=`.
fn module_build(shop: &Workshop, machine: &Machine, kernel: &str) -> Result<Row> {
    shop.progress
        .say("Building the module, with DKMS and without, in turn...");
    let log = shop.cache.log("bench-module")?;
    let inside = |what: &str, script: &str| {
        let program = Program::new(what, "chroot", &log).args([machine.root()]);
        program
            .args(["sh", "-euc", script])
            .env("PATH", "/usr/bin:/usr/sbin:/bin:/sbin")
    };
    let module = "rust-out-of-tree/1.0";
    let copy = format!("rm -rf /tmp/{MODULE}; cp -r /usr/src/rust-out-of-tree-1.0 /tmp/{MODULE}");
    let make = format!("make -C /usr/lib/modules/{kernel}/build M=/tmp/{MODULE}");
    let (mut dkms, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let clean = format!("dkms unbuild {module} -k {kernel}; {copy}");
        inside("cleaning", &clean).run(&shop.progress)?;
        dkms.push(time(
            inside("dkms", &format!("dkms build {module} -k {kernel}")),
            &shop.progress,
        )?);
        bare.push(time(inside("make", &make), &shop.progress)?);
    }
    inside("installing", &format!("dkms install {module} -k {kernel}")).run(&shop.progress)?;
    let (dkms, bare) = (median(dkms), median(bare));
    Ok(Row {
        what: "the module",
        measured: seconds("dkms build", dkms),
        against: seconds("make M=", bare),
        ratio: dkms.as_secs_f64() / bare.as_secs_f64(),
        goal: 1.3,
    })
}

/// One changed line, and what came of it.
struct Change {
    whole: Duration,
    make: Duration,
    qemu: Duration,
}

/// `rustkmod boot DIR` of the installed program, each time after a line of the module was changed.
fn edit_to_loaded(shop: &Workshop, machine: &Machine, kernel: &str) -> Result<Vec<Change>> {
    shop.progress
        .say("Changing a line, building, booting and loading, in turn...");
    put_program(machine)?;
    let directory = machine.path("/tmp/loop");
    fs::create_dir_all(&directory).context("create", &directory)?;
    let from = repository().join("rust-out-of-tree-dkms");
    fs::copy(from.join("Kbuild"), directory.join("Kbuild")).context("copy", &from)?;
    let source = from.join(format!("{MODULE}.rs"));
    let source = fs::read_to_string(&source).context("read", &source)?;
    let mut turns = Vec::new();
    // The first builds what stays; it is not counted.
    for turn in 0..=TURNS {
        let changed = source.replace("Hello", &format!("Hello {turn}"));
        machine.write(&format!("/tmp/loop/{MODULE}.rs"), &changed)?;
        let start = Instant::now();
        let output = machine
            .command("rustkmod")
            .args(["boot", "--json", "--accel", "tcg", "--kernel", kernel])
            .arg("/tmp/loop")
            .output()
            .context("run rustkmod in", machine.root())?;
        let whole = start.elapsed();
        let document: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_default();
        let seconds = |name: &str| document["seconds"][name].as_f64();
        let said = format!("Hello {turn} from Rust");
        let parts = (seconds("build"), seconds("qemu"));
        let is_loaded = output.status.success() && document["log"].to_string().contains(&said);
        let (Some(make), Some(qemu), true) = (parts.0, parts.1, is_loaded) else {
            return Err(Error::State {
                what: format!("rustkmod boot has not loaded the changed {MODULE}"),
                note: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                help: "look at the kernel's log above".into(),
            });
        };
        if turn > 0 {
            turns.push(Change {
                whole,
                make: Duration::from_secs_f64(make),
                qemu: Duration::from_secs_f64(qemu),
            });
        }
    }
    Ok(turns)
}

/// The three commands of a module that was not there before.
fn new_to_loaded(shop: &Workshop, machine: &Machine, kernel: &str) -> Result<Duration> {
    shop.progress
        .say("Making a module, building and loading it, in turn...");
    let kdir = format!("/usr/lib/modules/{kernel}/build");
    let script = format!(
        "rustkmod new hello --kernel {kernel}
         make -C hello KDIR={kdir}
         rustkmod boot hello --accel tcg --kernel {kernel}"
    );
    let log = shop.cache.log("bench-new")?;
    let mut times = Vec::new();
    for turn in 0..TURNS {
        let directory = format!("/tmp/new-{turn}");
        let path = machine.path(&directory);
        fs::create_dir_all(&path).context("create", &path)?;
        let three = Program::new("a new module", "chroot", &log)
            .args([machine.root()])
            .args(["sh", "-euc", &format!("cd {directory}\n{script}")])
            .env("PATH", "/usr/bin:/usr/sbin:/bin:/sbin");
        times.push(time(three, &shop.progress)?);
    }
    Ok(median(times))
}

fn print_changes(turns: &[Change]) {
    let of = |part: fn(&Change) -> Duration| {
        let time = median(turns.iter().map(part).collect());
        format!("{:.2}", time.as_secs_f64())
    };
    println!("| a changed line to the module loaded and unloaded, TCG | s | goal |");
    println!("|---|---|---|");
    println!(
        "| `rustkmod boot DIR`, all of it | {} | at most 5 |",
        of(|turn| turn.whole)
    );
    println!(
        "| of it make, which is mostly rustc | {} | |",
        of(|turn| turn.make)
    );
    println!("| of it QEMU | {} | |", of(|turn| turn.qemu));
    println!(
        "| of it rustkmod | {} | |",
        of(|turn| turn.whole.saturating_sub(turn.make + turn.qemu))
    );
}

/// The headers' bytes, packed, against the same parts of the tree as they lie there.
fn headers_size(shop: &Workshop, kept: &Path) -> Result<Row> {
    shop.progress
        .say("Packing the headers, and the tree without care...");
    let build = shop.headers()?;
    let src = shop.cache.path(&format!("build/{}/src", shop.pkgbase()));
    let tree = fs::read_dir(&src)
        .context("read", &src)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("vmlinux").exists())
        .ok_or_else(|| Error::State {
            what: "there is no built tree to compare with".into(),
            note: format!("no vmlinux below {}", src.display()),
            help: format!("rm -r {}, and again: it is built anew", kept.display()),
        })?;

    let whole = packed(&build, &["."])?;
    // No care: the directories and files that the headers are made of, with all that a build leaves.
    let careless = packed(
        &tree,
        &[
            "Makefile",
            "Module.symvers",
            "System.map",
            "vmlinux",
            ".config",
            "rust",
            "include",
            "scripts",
            "arch",
            "tools/objtool",
        ],
    )?;
    Ok(Row {
        what: "the headers' package",
        measured: format!("{:.1} MiB", mib(whole)),
        against: format!("the tree without care: {:.1} MiB", mib(careless)),
        ratio: whole as f64 / careless as f64,
        goal: 0.8,
    })
}

/// Bytes of parts of a directory, as tar and zstd -9 pack them.
fn packed(directory: &Path, parts: &[&str]) -> Result<u64> {
    let output = Command::new("bash")
        .args([
            "-o",
            "pipefail",
            "-euc",
            r#"cd "$1"; shift; tar -c "$@" | zstd -q -9 -T0 | wc -c"#,
            "bash",
        ])
        .arg(directory)
        .args(parts)
        .stderr(Stdio::inherit())
        .output()
        .context("pack", directory)?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim().parse() {
        Ok(bytes) if bytes > 0 && output.status.success() => Ok(bytes),
        _ => Err(Error::State {
            what: format!("cannot measure {}", directory.display()),
            note: format!("tar or zstd failed on {parts:?}"),
            help: format!("ls {}", directory.display()),
        }),
    }
}
