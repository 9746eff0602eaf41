// SPDX-License-Identifier: MIT OR Apache-2.0

//! makepkg's `BUILDENV=(ccache)` and `BUILDENV=(distcc)`, on a machine that is not the user's own.
//!
//! makepkg does one thing for either: it puts `/usr/lib/ccache/bin` or `/usr/lib/distcc/bin` before
//! PATH. Arch has `clang` in both. Debian has these links elsewhere, so here the directories are made,
//! in mounts that end with this process.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};

use crate::{
    cache::Cache,
    error::{Context, Error, Result},
    host::{BUILDER, Sign, Tool},
    makepkg::Makepkg,
    mounts::{Unmount, mount},
    run::{Progress, answer},
    workshop::Workshop,
};

/// What the two of them take.
const NEEDED: &[Tool] = &[
    (Sign::Program("ccache"), "ccache", "ccache"),
    (Sign::Program("distccd"), "distcc", "distcc"),
    (Sign::Program("ip"), "iproute2", "iproute2"),
];

/// The compilers that both stand in for, as their packages on Arch have them.
const COMPILERS: [&str; 6] = ["clang", "clang++", "gcc", "g++", "cc", "c++"];

/// Directories of links, as Arch's package of `ccache` or `distcc` has them, while this lives.
pub fn links_of(tool: &str) -> Result<Unmount<PathBuf>> {
    let directory = Path::new("/usr/lib").join(tool);
    fs::create_dir_all(&directory).context("create", &directory)?;
    mount("tmpfs", &directory, "mode=0755").context("mount", &directory)?;
    let links = Unmount(directory.clone());
    let bin = directory.join("bin");
    fs::create_dir(&bin).context("create", &bin)?;
    for compiler in COMPILERS {
        // The first are what distccd looks at: whether it may be asked for this compiler.
        for link in [directory.join(compiler), bin.join(compiler)] {
            symlink(Path::new("/usr/bin").join(tool), &link).context("link", &link)?;
        }
    }
    Ok(links)
}

/// Installs what is missing.
pub fn install(shop: &Workshop) -> Result<()> {
    shop.install_missing(NEEDED)
}

/// Writes the builder's own makepkg.conf, which makepkg reads after the system's.
pub fn configure(makepkg: &mut Makepkg<'_>, cache: &Cache, text: &str) -> Result<()> {
    let home = cache.directory("makepkg-conf", BUILDER)?;
    let directory = home.join("pacman");
    fs::create_dir_all(&directory).context("create", &directory)?;
    let file = directory.join("makepkg.conf");
    fs::write(&file, text).context("write", &file)?;
    makepkg.set("XDG_CONFIG_HOME", &home.display().to_string());
    Ok(())
}

/// One whole build with ccache.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// By the clock.
    pub time: Duration,
    /// Of all processes.
    pub cpu: f64,
    /// Compilations that ccache answered.
    pub hits: u64,
    /// Those that it did not know.
    pub misses: u64,
}

/// Builds twice from nothing but the toolchain and what ccache has: the first time that is nothing.
/// The second is dated a day later, as every build is dated later than the one before.
pub fn build_twice(makepkg: &mut Makepkg<'_>, shop: &Workshop) -> Result<[Turn; 2]> {
    let links = links_of("ccache")?;
    let directory = makepkg.builddir.join("ccache");
    if directory.exists() {
        fs::remove_dir_all(&directory).context("remove", &directory)?;
    }
    let text = format!(
        "BUILDENV=(ccache)\nexport CCACHE_DIR='{}'\n",
        directory.display()
    );
    configure(makepkg, &shop.cache, &text)?;
    let first = turn(makepkg, &directory, "1735689600")?;
    let second = turn(makepkg, &directory, "1735776000")?;
    drop(links);
    Ok([first, second])
}

fn turn(makepkg: &mut Makepkg<'_>, directory: &Path, date: &str) -> Result<Turn> {
    remove_tree(makepkg)?;
    makepkg.set("SOURCE_DATE_EPOCH", date);
    let before = counts(directory);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    makepkg.run("building with ccache", &["--force"])?;
    let (hits, misses) = counts(directory);
    Ok(Turn {
        time: start.elapsed(),
        cpu: cpu_seconds() - cpu,
        hits: hits - before.0,
        misses: misses - before.1,
    })
}

/// The CPU time of what was started here and has ended.
fn cpu_seconds() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("children may be asked for");
    let time = usage.user_time() + usage.system_time();
    time.num_microseconds() as f64 / 1e6
}

/// The kernel's tree goes, the toolchain stays.
pub fn remove_tree(makepkg: &Makepkg<'_>) -> Result<()> {
    for entry in fs::read_dir(makepkg.src()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("linux-") && entry.path().is_dir() {
            fs::remove_dir_all(entry.path()).context("remove", entry.path())?;
        }
    }
    Ok(())
}

/// Hits and misses, since ccache's directory is there.
fn counts(directory: &Path) -> (u64, u64) {
    let stats = answer(
        "ccache",
        [
            "--dir".as_ref(),
            directory.as_os_str(),
            "--print-stats".as_ref(),
        ],
    );
    let count = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    let count = |name: &str| count(name).unwrap_or(0);
    (
        count("direct_cache_hit\t") + count("preprocessed_cache_hit\t"),
        count("cache_miss\t"),
    )
}

/// A machine of its own to the network, which compiles for others.
#[derive(Debug)]
pub struct CompileHost {
    process: Child,
    /// As DISTCC_HOSTS names it.
    pub address: String,
    log: PathBuf,
}

impl CompileHost {
    /// The `number`th: a network namespace with one cable to here, and distccd in it.
    pub fn start(number: u8, path: &str, cache: &Cache, progress: &Progress) -> Result<Self> {
        let log = cache.log(&format!("distccd-{number}"))?;
        std::os::unix::fs::chown(&log, Some(BUILDER), Some(BUILDER)).context("give away", &log)?;
        let (here, there) = (format!("10.213.{number}.1"), format!("10.213.{number}.2"));
        progress.say(format!(
            "Starting distccd on {there}, in a network namespace..."
        ));
        let script = r#"until ip link set cable up 2>/dev/null; do sleep 0.1; done
            ip address add "$1/24" dev cable
            exec setpriv --clear-groups --reuid="$4" --regid="$4" --pdeathsig=KILL \
                distccd --no-detach --daemon --allow="$2/32" --listen="$1" --jobs=2 \
                --log-level=info --log-file="$3""#;
        let process = Command::new("setpriv")
            // All of it ends with this program, however that ends: and with it the namespaces.
            // (Twice `--pdeathsig`: changing the user clears it.)
            .args(["--pdeathsig=KILL", "unshare", "--net", "--pid", "--fork"])
            .args(["--kill-child", "--mount-proc", "sh", "-euc", script, "sh"])
            .args([&there, &here])
            .arg(&log)
            .arg(BUILDER.to_string())
            .env("PATH", path)
            .stdin(Stdio::null())
            .spawn()
            .context("start", "distccd")?;
        let host = Self {
            process,
            address: there.clone(),
            log,
        };
        let cable = format!("distcc{number}");
        let pid = host.process.id().to_string();
        // Its namespace is there when it is another than this one.
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        host.wait(|| namespace(&pid).is_some_and(|of| Some(of) != namespace("self")))?;
        let add = "link add NAME type veth peer name cable netns PID";
        for command in [add, "address add HERE/24 dev NAME", "link set NAME up"] {
            let command = command.replace("NAME", &cable).replace("PID", &pid);
            let command = command.replace("HERE", &here);
            let output = Command::new("ip")
                .args(command.split(' '))
                .output()
                .context("run", "ip")?;
            if !output.status.success() {
                return Err(Error::State {
                    what: format!("no cable could be laid to the compile host {number}"),
                    note: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                    help: format!("ip {command}"),
                });
            }
        }
        host.wait(|| std::net::TcpStream::connect((there.as_str(), 3632)).is_ok())?;
        Ok(host)
    }

    fn wait(&self, there: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        while !there() {
            if start.elapsed() > Duration::from_secs(30) {
                return Err(Error::State {
                    what: format!("distccd does not answer on {}", self.address),
                    note: crate::run::tail(&self.log, 5),
                    help: format!("less {}", self.log.display()),
                });
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// How much it has compiled.
    pub fn compiled(&self) -> usize {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines()
            .filter(|line| line.contains("COMPILE_OK"))
            .count()
    }
}

impl Drop for CompileHost {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
