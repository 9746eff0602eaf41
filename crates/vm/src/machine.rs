// SPDX-License-Identifier: MIT OR Apache-2.0

//! A throwaway copy of this machine: an overlay over `/` whose changes are in memory, with the
//! kernel's file systems mounted inside, in which the real pacman, dkms and make run.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use kernel_tree::system::System;
use nix::mount::{MntFlags, umount2};

use crate::{
    cache::Cache,
    error::{Context, Error, Result},
    files::{make_executable, repository},
    mounts::{bind, mount, rbind, read_only},
    package_files::package_name,
    root::{self, LAYERS, MACHINES},
    run::{ENDS_WITH_US, Program, Progress},
};

/// pacman's configuration of the machine itself, in a copy.
pub const HOSTS_PACMAN_CONF: &str = "/etc/pacman.conf.hosts";

/// What the packages depend on, and the sign that this machine has it though pacman does not know:
/// on Debian pacman's database is empty.
const ASSUMED: &[(&str, &str)] = &[
    ("clang", "usr/bin/clang"),
    ("lld", "usr/bin/ld.lld"),
    ("llvm", "usr/bin/llvm-nm"),
    ("pahole", "usr/bin/pahole"),
    ("dkms", "usr/sbin/dkms"),
    ("kmod", "usr/bin/kmod"),
    ("bash", "usr/bin/bash"),
    ("coreutils", "usr/bin/install"),
    ("findutils", "usr/bin/find"),
    ("gawk", "usr/bin/awk"),
    ("grep", "usr/bin/grep"),
    ("pacman", "usr/bin/pacman"),
    ("sed", "usr/bin/sed"),
    ("glibc", "usr/lib/x86_64-linux-gnu/libc.so.6"),
    ("gcc-libs", "usr/lib/x86_64-linux-gnu/libstdc++.so.6"),
    ("libgcc", "usr/lib/x86_64-linux-gnu/libgcc_s.so.1"),
    ("zlib", "usr/lib/x86_64-linux-gnu/libz.so.1"),
    ("zstd", "usr/bin/zstd"),
    ("xxhash", "usr/lib/x86_64-linux-gnu/libxxhash.so.0"),
    ("libelf", "usr/lib/x86_64-linux-gnu/libelf.so.1"),
    ("openssl", "usr/bin/openssl"),
    (
        "libcrypto.so=3-64",
        "usr/lib/x86_64-linux-gnu/libcrypto.so.3",
    ),
    // The test machine's own: `boot`.
    ("initramfs", ""),
];

/// Inside.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin";

/// All that is set inside.
const ENVIRONMENT: [(&str, &str); 3] = [("PATH", PATH), ("HOME", "/root"), ("LANG", "C.UTF-8")];

/// What dkms and kmod of Arch bring and Debian's do not: hooks for pacman.
const HOOKS: [&str; 5] = [
    "60-depmod.hook",
    "70-dkms-install.hook",
    "70-dkms-upgrade.hook",
    "71-dkms-remove.hook",
    "dkms",
];

/// A copy of the machine, gone when it is dropped.
#[derive(Debug)]
pub struct Machine {
    /// Where its overlay is mounted; nothing for the workshop's own root.
    base: Option<PathBuf>,
}

impl Machine {
    /// A fresh copy, without what the workshop's root got from [`crate::root::install`].
    pub fn new(cache: &Cache) -> Result<Self> {
        let machine = Self::over(cache, None)?;
        machine.set_up()?;
        machine.remove(&root::installed(), cache)?;
        Ok(machine)
    }

    /// The workshop's own root, in which pacman can be run as well.
    pub fn workshop() -> Result<Self> {
        let workshop = Self { base: None };
        workshop.configure_pacman()?;
        Ok(workshop)
    }

    /// A copy of a copy, which must not be used any more while this is.
    pub fn copy(&self, cache: &Cache) -> Result<Self> {
        let base = self
            .base
            .as_deref()
            .expect("no copy of the workshop's root");
        Self::over(cache, Some(&base.join("upper")))
    }

    fn over(cache: &Cache, lower: Option<&Path>) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let base = Path::new(MACHINES).join(number.to_string());
        fs::create_dir_all(&base).context("create", &base)?;

        // In memory, because an overlay's changes may not lie below its own lower directory.
        mount("tmpfs", &base, "mode=0755").context("mount", &base)?;
        let machine = Self {
            base: Some(base.clone()),
        };
        for name in ["upper", "work", "root"] {
            fs::create_dir(base.join(name)).context("create", base.join(name))?;
        }
        // Overlays cannot be stacked as often: these are the layers of the workshop's root.
        let lower = lower.map_or_else(
            || LAYERS.to_owned(),
            |path| format!("{}:{LAYERS}", path.display()),
        );
        let options = format!(
            "lowerdir={lower},upperdir={0}/upper,workdir={0}/work,index=off",
            base.display()
        );
        let root = machine.root();
        mount("overlay", &root, &options).context("mount an overlay on", &root)?;
        let place = |inside: &str| -> Result<PathBuf> {
            let place = machine.path(inside);
            fs::create_dir_all(&place).context("create", &place)?;
            Ok(place)
        };
        for name in ["/proc", "/dev"] {
            rbind(Path::new(name), &place(name)?)?;
        }
        // The machine's own: it is looked at, and alone. The firmware's variables lie below.
        let sys = place("/sys")?;
        bind(Path::new("/sys"), &sys)?;
        read_only(&sys)?;
        // What was built where is not to be seen: packages stand for themselves.
        let hidden = cache.path("").display().to_string();
        for name in ["/tmp", "/run", &hidden] {
            let place = place(name)?;
            mount("tmpfs", &place, "").context("mount", &place)?;
        }
        Ok(machine)
    }

    /// The directory that is `/` inside.
    pub fn root(&self) -> PathBuf {
        self.base
            .as_ref()
            .map_or_else(|| PathBuf::from("/"), |base| base.join("root"))
    }

    /// A path inside, as seen from here. Links are followed as they are inside: what an absolute one
    /// names here is the real machine's.
    pub fn path(&self, inside: &str) -> PathBuf {
        System::bare(self.root()).at(inside)
    }

    fn set_up(&self) -> Result<()> {
        // The user's own DKMS modules are not for this kernel, neither built ones nor sources.
        let dkms = self.path("/var/lib/dkms");
        if dkms.exists() {
            fs::remove_dir_all(&dkms).context("empty", &dkms)?;
        }
        for source in self.names("/usr/src") {
            let conf = self.path(&format!("/usr/src/{source}/dkms.conf"));
            if conf.exists() {
                fs::remove_file(&conf).context("remove", &conf)?;
            }
        }
        // Nor are hooks that write boot entries, sign images or take snapshots for this copy.
        for directory in ["/usr/share/libalpm/hooks", "/etc/pacman.d/hooks"] {
            for hook in self.names(directory) {
                let is_ours = ["depmod", "dkms"].iter().any(|ours| hook.contains(ours));
                if hook.ends_with(".hook") && !is_ours {
                    let hook = self.path(directory).join(hook);
                    fs::remove_file(&hook).context("remove", &hook)?;
                }
            }
        }
        for directory in ["/var/lib/dkms", "/etc/pacman.d/hooks"] {
            fs::create_dir_all(self.path(directory)).context("create", self.path(directory))?;
        }
        self.configure_pacman()?;

        if !self
            .path("/usr/share/libalpm/hooks/70-dkms-install.hook")
            .exists()
        {
            let from = repository().join("crates/vm/hooks");
            for name in HOOKS {
                let directory = if name.ends_with(".hook") {
                    "/etc/pacman.d/hooks"
                } else {
                    "/usr/share/libalpm/scripts"
                };
                let text = fs::read_to_string(from.join(name)).context("read", from.join(name))?;
                self.write(&format!("{directory}/{name}"), &text)?;
            }
            make_executable(&self.path("/usr/share/libalpm/scripts/dkms"))?;
        }
        Ok(())
    }

    fn configure_pacman(&self) -> Result<()> {
        let directory = self.path("/var/lib/pacman");
        fs::create_dir_all(&directory).context("create", &directory)?;
        // That of Arch has repositories, from which tools are installed into the workshop's root.
        let (own, hosts) = (self.path("/etc/pacman.conf"), self.path(HOSTS_PACMAN_CONF));
        if own.exists() && !hosts.exists() {
            fs::rename(&own, &hosts).context("rename", &own)?;
        }
        // An overlay is not a device whose space pacman could count.
        self.write(
            "/etc/pacman.conf",
            "[options]\nArchitecture = auto\nLocalFileSigLevel = Never\n",
        )
    }

    /// Removes packages, whatever depends on them.
    fn remove(&self, packages: &[String], cache: &Cache) -> Result<()> {
        if packages.is_empty() {
            return Ok(());
        }
        Program::new(
            "pacman -R",
            "/usr/sbin/chroot",
            &cache.log("pacman-remove")?,
        )
        .args([&self.root()])
        .args(["pacman", "-Rdd", "--noconfirm", "--noprogressbar"])
        .args(packages)
        .run(&Progress::default())
    }

    /// The names in a directory inside, if there is one.
    fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).into_iter().flatten();
        let names = entries.flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.into_string().ok()).collect()
    }

    /// Writes a file inside.
    pub fn write(&self, inside: &str, text: &str) -> Result<()> {
        let path = self.path(inside);
        let directory = path.parent().expect("a file lies in a directory");
        fs::create_dir_all(directory).context("create", directory)?;
        fs::write(&path, text).context("write", &path)
    }

    /// A command inside, as root, with a plain environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("/usr/sbin/chroot");
        command.arg(self.root()).arg(program).stdin(Stdio::null());
        command.env_clear().envs(ENVIRONMENT);
        command
    }

    /// A shell script inside, the same way.
    pub fn sh(&self, script: &str) -> Command {
        let mut command = self.command("sh");
        command.args(["-euc", script]);
        command
    }

    /// A shell script inside, as an unprivileged user in an empty environment but PATH.
    pub fn as_user(&self, script: &str) -> Result<Output> {
        let mut command = Command::new("/usr/sbin/chroot");
        command
            .arg("--userspec=65534:65534")
            .arg(self.root())
            .args(["sh", "-euc", script]);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null());
        command.output().context("run in", self.root())
    }

    /// Lets everybody inside become root by `sudo`, as makepkg does for pacman.
    pub fn let_users_sudo(&self) -> Result<()> {
        self.write(
            "/etc/pam.d/su",
            "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\n\
             session sufficient pam_permit.so\n",
        )?;
        // su's shell has su's own arguments first.
        let sudo = "/usr/local/bin/sudo";
        self.write(
            sudo,
            "#!/bin/sh\nexec su root -s /bin/sh -c 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:\
             /usr/bin:/sbin:/bin; exec \"$0\" \"$@\"' -- \"$@\"\n",
        )?;
        make_executable(&self.path(sudo))
    }

    /// Has pacman take a package for installed, without files; `more` are other fields of it.
    pub fn claim_installed(&self, name: &str, version: &str, more: &str) -> Result<()> {
        let directory = format!("/var/lib/pacman/local/{name}-{version}");
        self.write(
            &format!("{directory}/desc"),
            &format!("%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%ARCH%\nany\n{more}"),
        )?;
        self.write(&format!("{directory}/files"), "%FILES%\n")
    }

    /// pacman's options for what is installed here without its knowledge.
    pub fn assumed(&self) -> impl Iterator<Item = String> {
        let is_here = |sign| self.path("/etc/debian_version").exists() && self.path(sign).exists();
        let found = ASSUMED.iter().filter(move |(_, sign)| is_here(sign));
        found.map(|(name, _)| format!("--assume-installed={name}"))
    }

    /// `pacman -U` of these package files, with its hooks. The output goes to `log`.
    pub fn pacman_upgrade(
        &self,
        packages: &[PathBuf],
        log: &Path,
        progress: &Progress,
    ) -> Result<()> {
        let directory = self.path("/packages");
        fs::create_dir_all(&directory).context("create", &directory)?;
        let (mut inside, mut names) = (Vec::new(), Vec::new());
        for package in packages {
            let file = package.file_name().unwrap_or_default();
            fs::copy(package, directory.join(file)).context("copy", package)?;
            inside.push(Path::new("/packages").join(file));
            names.push(package_name(package));
        }
        // Nothing is fetched: neither by pacman nor by what DKMS builds in its hooks. And nothing of
        // it goes on when this program is gone.
        let what = format!("pacman -U {}", names.join(" "));
        let mut program = Program::new(what, ENDS_WITH_US[0], log)
            .args(&ENDS_WITH_US[1..])
            .args(["--net", "--root"])
            .args([&self.root()])
            .args("pacman -U --noconfirm --noprogressbar --color=never".split(' '));
        program = program.args(self.assumed()).args(&inside);
        program.command().env_clear().envs(ENVIRONMENT);
        program.run(progress)?;
        for package in packages {
            let copy = directory.join(package.file_name().unwrap_or_default());
            fs::remove_file(&copy).context("remove", &copy)?;
        }
        Ok(())
    }

    /// The releases of the installed kernels of this repository.
    pub fn kernels(&self) -> Result<Vec<String>> {
        let directory = self.path("/usr/lib/modules");
        let mut releases: Vec<_> = fs::read_dir(&directory)
            .context("read", &directory)?
            .flatten()
            .filter(|entry| entry.path().join("vmlinuz").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|release| release.contains("-rust-"))
            .collect();
        releases.sort();
        Ok(releases)
    }

    /// Makes another LLVM than this machine's the one of the copy, as an upgrade of clang does.
    pub fn use_llvm(&self, directory: &Path) -> Result<()> {
        let bin = self.path("/usr/local/bin");
        for program in fs::read_dir(directory)
            .context("read", directory)?
            .flatten()
        {
            let link = bin.join(program.file_name());
            let _ = fs::remove_file(&link);
            symlink(program.path(), &link).context("link", &link)?;
        }
        Ok(())
    }

    /// The one kernel that is installed.
    pub fn kernel(&self) -> Result<String> {
        let kernels = self.kernels()?;
        match &kernels[..] {
            [kernel] => Ok(kernel.clone()),
            _ => Err(Error::State {
                what: "the copy of the machine has not exactly one linux-rust kernel".into(),
                note: format!("under /usr/lib/modules: {kernels:?}"),
                help: "look at the log of pacman".into(),
            }),
        }
    }

    /// The files of a module and of all that it needs, in the order to load them: modprobe's answer.
    pub fn module_files(&self, kernel: &str, module: &str) -> Result<Vec<PathBuf>> {
        let output = self
            .command("modprobe")
            .args(["--show-depends", "--set-version", kernel, module])
            .output()
            .context("run modprobe in", self.root())?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(Error::State {
                what: format!("no module {module} for {kernel}"),
                note: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                help: "look at the log of pacman: the hook of dkms is its last part".into(),
            });
        }
        let files: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("insmod "))
            .map(|line| self.path(line.split_whitespace().next().unwrap_or_default()))
            .collect();
        if files.is_empty() {
            return Err(Error::State {
                what: format!("{module} is not a module of {kernel} that could be loaded"),
                note: text.trim().to_owned(),
                help: "look at the configuration: what is built in is not a module".into(),
            });
        }
        Ok(files)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // What is still running inside keeps its mounts until it ends; the directory is empty then.
        if let Some(base) = &self.base {
            let _ = umount2(&base.join("root"), MntFlags::MNT_DETACH);
            let _ = umount2(base, MntFlags::MNT_DETACH);
            let _ = fs::remove_dir(base);
        }
    }
}
