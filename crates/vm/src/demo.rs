// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make vm`: the chain from makepkg to a loaded module, and again after an upgrade.

use std::{
    env, fmt, fs,
    time::{Duration, Instant, UNIX_EPOCH},
};

use kernel_boot::{Boot, Step, Verdict};

use crate::{
    boot::{boot, module_file, run_in},
    cache::Kept,
    error::{Context, Error, Result},
    files::mib,
    host::Site,
    machine::Machine,
    package_files::{packages, packages_of},
    root,
    run::{Progress, answer},
    series,
    workshop::Workshop,
};

/// The module that is shown.
pub const MODULE: &str = "rust_out_of_tree";

/// The file of the cache that has how long the parts took of the last run that built a kernel.
pub const FROM_NOTHING: &str = "from-nothing";

/// Shows everything, for a series or for all. What it shows is good if every boot was.
pub fn run(series: Option<&str>) -> Result<()> {
    let rows = series::chosen(series)?;
    let mut parts = Parts::begin();
    let progress = Progress::default();
    let cache = root::enter(&progress)?;
    kernel_boot::init()?;
    let site = Site::open(cache, progress)?;
    parts.end("tools");
    if let [row] = &rows[..] {
        let shop = Workshop::new(&site, row.clone())?;
        parts.end("sources and compilers");
        let shown = show_series(&shop, &mut parts)?;
        print!("{parts}");
        if shown.build.is_some() {
            let path = shop.cache.path(FROM_NOTHING);
            fs::write(&path, parts.as_row()).context("write", &path)?;
        }
        return Ok(());
    }
    let mut table = Vec::new();
    let mut failed = Vec::new();
    for row in rows {
        let name = row.name.clone();
        // One series that fails does not keep the others from being shown.
        let shop = Workshop::new(&site, row);
        match shop.and_then(|shop| show_series(&shop, &mut parts)) {
            Ok(shown) => table.push(shown.cells()),
            Err(error) => {
                eprintln!("error: {error}");
                table.push(cells_of_failed(&name));
                failed.push(name);
            }
        }
    }
    print!("{}", laid_out(&table));
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::State {
        what: format!("not every series is good: {}", failed.join(", ")),
        note: "each has its own message above".into(),
        help: format!("make vm SERIES={}", failed[0]),
    })
}

const HEADS: [&str; 9] = [
    "series", "kernel", "rustc", "bindgen", "clang", "build", "headers", "dkms", "loaded",
];

type Cells = [String; HEADS.len()];

/// What became of a series.
struct Shown {
    series: String,
    kernel: String,
    rustc: String,
    bindgen: String,
    clang: String,
    /// Nothing where the packages were kept from an earlier run.
    build: Option<Duration>,
    headers: u64,
    dkms: Duration,
}

impl Shown {
    fn cells(self) -> Cells {
        [
            self.series,
            self.kernel,
            self.rustc,
            self.bindgen,
            self.clang,
            self.build
                .map_or_else(|| "kept".into(), |time| format!("{} s", time.as_secs())),
            format!("{:.1} MiB", mib(self.headers)),
            format!("{:.1} s", self.dkms.as_secs_f64()),
            "yes".into(),
        ]
    }
}

fn cells_of_failed(series: &str) -> Cells {
    let mut cells: Cells = std::array::from_fn(|_| "-".into());
    cells[0] = series.into();
    cells[HEADS.len() - 1] = "no".into();
    cells
}

/// As a table, the heads above.
fn laid_out(table: &[Cells]) -> String {
    let mut rows = vec![HEADS.map(str::to_owned)];
    rows.extend_from_slice(table);
    let line = |row: &Cells| {
        let cell = |column: usize| {
            let width = rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
            format!("{:width$}", row[column])
        };
        let cells: Vec<_> = (0..row.len()).map(cell).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// The part in which the packages are built.
const PACKAGES: &str = "the packages";

/// How long each part took.
struct Parts {
    done: Vec<(&'static str, Duration)>,
    last: Instant,
}

impl Parts {
    /// Begins now, or where make did: it says when that was, in seconds since 1970.
    fn begin() -> Self {
        let mut done = Vec::new();
        let started = env::var("LINUX_RUST_STARTED").ok();
        if let Some(started) = started.and_then(|seconds| seconds.trim().parse().ok()) {
            let started = UNIX_EPOCH + Duration::from_secs(started);
            done.push(("compiling vm", started.elapsed().unwrap_or_default()));
        }
        let last = Instant::now();
        Self { done, last }
    }

    /// Ends the part since the last one ended.
    fn end(&mut self, name: &'static str) {
        self.done.push((name, self.last.elapsed()));
        self.last = Instant::now();
    }

    fn all(&self) -> Duration {
        self.done.iter().map(|(_, time)| *time).sum()
    }

    /// A row of the bench's table: all of it against the packages, which anybody would have to build.
    fn as_row(&self) -> String {
        let packages = self.done.iter().filter(|(name, _)| *name == PACKAGES);
        let packages: Duration = packages.map(|(_, time)| *time).sum();
        let (all, packages) = (self.all().as_secs_f64(), packages.as_secs_f64());
        format!(
            "| the last `make vm` that built a kernel | {all:.2} s | toolchain, kernel and DKMS package: \
             {packages:.2} s | {:.2} | at most 1.5 |\n",
            all / packages
        )
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, time) in &self.done {
            writeln!(out, "{:8.1} s  {name}", time.as_secs_f64())?;
        }
        writeln!(out, "{:8.1} s  in all", self.all().as_secs_f64())
    }
}

fn show_series(shop: &Workshop, parts: &mut Parts) -> Result<Shown> {
    let progress = shop.progress;
    let start = Instant::now();
    let first = shop.kernel(1)?;
    let build = first.made.then(|| start.elapsed());
    let dkms = shop.dkms()?;
    parts.end(PACKAGES);

    let machine = shop.machine()?;
    let log = shop.cache.log("pacman")?;
    progress.say("Installing all of it with pacman, in a throwaway copy of this machine...");
    let all = packages_of([&shop.toolchain()?, &first, &dkms])?;
    machine.pacman_upgrade(&all, &log, &progress)?;
    let before = machine.kernel()?;
    parts.end("pacman -U and DKMS");
    show(shop, &machine, "first")?;
    parts.end("boot");

    progress.say("The upgrade: the same kernel, pkgrel 2, over the first");
    let second = shop.kernel(2)?;
    parts.end("the packages, pkgrel 2");
    machine.pacman_upgrade(&packages(&second.path)?, &log, &progress)?;
    let after = machine.kernel()?;
    if before == after {
        return Err(Error::State {
            what: "the upgrade changed nothing".into(),
            note: format!("before and after it the kernel is {after}"),
            help: format!("less {}", log.display()),
        });
    }
    parts.end("the upgrade");
    show(shop, &machine, "upgraded")?;
    parts.end("boot after the upgrade");

    progress.say(format!(
        "Good: {before} and {after} were built, installed by pacman, the module built by DKMS, loaded \
         and unloaded."
    ));
    shown(shop, &first, &machine, &after, build)
}

/// What the table says of it.
fn shown(
    shop: &Workshop,
    first: &Kept,
    machine: &Machine,
    kernel: &str,
    build: Option<Duration>,
) -> Result<Shown> {
    let config = machine.path(&format!("/usr/lib/modules/{kernel}/build/.config"));
    let config = fs::read_to_string(&config).context("read", &config)?;
    let text = |name: &str| {
        config
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|text| text.trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    let headers = packages(&first.path)?
        .iter()
        .find(|path| path.to_string_lossy().contains("-headers-"))
        .and_then(|path| path.metadata().ok())
        .map_or(0, |file| file.len());
    let start = Instant::now();
    let output = machine
        .command("dkms")
        .args(["build", "--force", "-k", kernel, "rust-out-of-tree/1.0"])
        .output()
        .context("run dkms in", machine.root())?;
    if !output.status.success() {
        return Err(Error::State {
            what: format!("dkms does not build for {kernel} again"),
            note: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            help: "look at its make.log".into(),
        });
    }
    let version = |text: String| {
        text.split_whitespace()
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Shown {
        series: shop.series.name.clone(),
        kernel: kernel.to_owned(),
        rustc: version(text("CONFIG_RUSTC_VERSION_TEXT")),
        bindgen: version(text("CONFIG_BINDGEN_VERSION_TEXT")),
        clang: answer(&shop.llvm_program("clang"), ["-dumpversion"]),
        build,
        headers,
        dkms: start.elapsed(),
    })
}

/// What README has its reader type in the new kernel, and how the module goes again.
const TYPED: [&str; 5] = [
    "uname -r",
    "modprobe rust_out_of_tree",
    "dmesg | grep rust_out_of_tree",
    "dkms status",
    "modprobe -r rust_out_of_tree",
];

/// Boots the installed kernel with the copy of the machine as its userland, types there what README
/// says, and shows what comes.
pub fn show(shop: &Workshop, machine: &Machine, name: &str) -> Result<()> {
    let kernel = machine.kernel()?;
    let boot = run_in(&shop.cache, name, machine, &kernel, &script())?;
    let typed = boot.report.steps.iter().find(|step| step.step == "command");
    for line in typed.iter().flat_map(|step| &step.output) {
        println!("          {line}");
    }
    let step = |step: &Step| format!("{step}{}", if step.ok { "" } else { ": FAILED" });
    let steps: Vec<_> = boot.report.steps.iter().map(step).collect();
    shop.progress.say(format!(
        "{} ({:.1} s in QEMU)",
        steps.join(", "),
        boot.time.as_secs_f64()
    ));
    let missing = typed.and_then(|step| missing(&step.output, &kernel));
    let (what, note) = match (&boot.verdict, missing) {
        (Verdict::Good, None) => return Ok(()),
        (Verdict::Good, Some(missing)) => ("it was not said there".into(), missing),
        (verdict, _) => (
            verdict.to_string(),
            format!("the kernel says:\n    {}", boot.telling.join("\n    ")),
        ),
    };
    Err(Error::State {
        what: format!("{MODULE} does not work in {kernel}: {what}"),
        note,
        help: format!("less {}", boot.console.display()),
    })
}

/// The lines for a shell that shows each, and ends with the first that fails.
fn script() -> String {
    let line = |line: &&str| format!("echo '# {line}'\n{line}\n");
    format!("set -e\n{}", TYPED.iter().map(line).collect::<String>())
}

/// What should stand in the output of the lines, and does not.
fn missing(output: &[String], kernel: &str) -> Option<String> {
    let is_there = |wanted: &str| output.iter().any(|line| line.contains(wanted));
    let wanted = [
        kernel.to_owned(),
        format!("{MODULE}: Hello from Rust"),
        format!("rust-out-of-tree/1.0, {kernel}, x86_64: installed"),
    ];
    wanted.into_iter().find(|wanted| !is_there(wanted))
}

/// Boots a kernel that is installed in the machine, and loads the module there.
pub fn boot_installed(
    shop: &Workshop,
    machine: &Machine,
    name: &str,
    kernel: &str,
    append: &str,
) -> Result<Boot> {
    let file = module_file(machine, kernel, MODULE)?;
    shop.progress.say(format!(
        "Booting {kernel}; DKMS has built {}",
        file.as_deref()
            .and_then(|path| path.strip_prefix(machine.root()).ok())
            .map_or_else(|| "nothing".into(), |path| format!("/{}", path.display()))
    ));
    boot(&shop.cache, name, machine, kernel, &[MODULE.into()], append)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_shown_and_has_to_be_answered() {
        assert!(script().starts_with("set -e\necho '# uname -r'\nuname -r\necho '# modprobe "));
        let output = [
            "# uname -r",
            "6.1.192-1-rust",
            "[    1.0] rust_out_of_tree: Hello from Rust, outside the kernel tree (init)",
            "rust-out-of-tree/1.0, 6.1.192-1-rust, x86_64: installed",
        ];
        let all = output.map(str::to_owned);
        assert_eq!(missing(&all, "6.1.192-1-rust"), None);
        for (count, wanted) in [(3, "installed"), (2, "Hello"), (1, "6.1.192")] {
            let missing = missing(&all[..count], "6.1.192-1-rust").unwrap();
            assert!(missing.contains(wanted), "{count}: {missing}");
        }
    }

    #[test]
    fn what_a_run_took_is_held_against_its_packages() {
        let seconds = Duration::from_secs;
        let done = vec![
            ("tools", seconds(10)),
            (PACKAGES, seconds(40)),
            ("boot", seconds(10)),
        ];
        let parts = Parts {
            done,
            last: Instant::now(),
        };
        assert!(
            parts
                .as_row()
                .contains("| 60.00 s | toolchain, kernel and DKMS package: 40.00 s | 1.50 |")
        );
        assert!(parts.to_string().ends_with("    60.0 s  in all\n"));
    }

    #[test]
    fn a_series_that_failed_is_a_row_too() {
        let good = Shown {
            series: "6.1".into(),
            kernel: "6.1.192-1-rust".into(),
            rustc: "1.62.0".into(),
            bindgen: "0.56.0".into(),
            clang: "14.0.6".into(),
            build: None,
            headers: 3 << 20,
            dkms: Duration::from_millis(3140),
        };
        assert_eq!(
            laid_out(&[good.cells(), cells_of_failed("6.12")]),
            "series  kernel          rustc   bindgen  clang   build  headers  dkms   loaded\n\
             6.1     6.1.192-1-rust  1.62.0  0.56.0   14.0.6  kept   3.0 MiB  3.1 s  yes\n\
             6.12    -               -       -        -       -      -        -      no\n"
        );
    }
}
