// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own `conf --olddefconfig`, built once from a real tree.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub struct Oracle {
    pub tree: PathBuf,
    /// What `make LLVM=1` exports to Kconfig.
    pub env: BTreeMap<String, String>,
    out: PathBuf,
}

/// The oracle of the kernel that the environment names.
///
/// # Panics
/// When it names none, or one that cannot be used.
pub fn oracle() -> &'static Oracle {
    static ORACLE: OnceLock<Oracle> = OnceLock::new();
    ORACLE.get_or_init(|| Oracle::build().unwrap_or_else(|reason| panic!("{reason}")))
}

/// The oracle, if the environment names a kernel.
pub fn oracle_if_named() -> Option<&'static Oracle> {
    named("TREE").or(named("ARCHIVE")).map(|_| oracle())
}

/// A directory that only this user can write, below one that everybody can.
fn private(shared: &Path) -> std::io::Result<PathBuf> {
    let me = std::fs::metadata("/proc/self")?.uid();
    let path = shared.join(format!("kconfig-tests-{me}"));
    match std::fs::DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let there = path.symlink_metadata()?;
            if there.is_dir() && there.uid() == me {
                return Ok(path);
            }
            Err(error)
        }
        made => made.map(|()| path),
    }
}

/// The path in the environment variable `KCONFIG_TEST_{what}`.
fn named(what: &str) -> Option<PathBuf> {
    let value = std::env::var_os(format!("KCONFIG_TEST_{what}"));
    value.filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{shown}: {}: {said}", output.status))
}

/// The tree that `KCONFIG_TEST_TREE` names, or the one in the archive that `KCONFIG_TEST_ARCHIVE`
/// names, which is unpacked once.
fn tree(scratch: &Path, out: &Path) -> Result<PathBuf, String> {
    if let Some(tree) = named("TREE") {
        return Ok(tree);
    }
    let archive = named("ARCHIVE").ok_or(
        "set KCONFIG_TEST_TREE to a kernel's source tree, or KCONFIG_TEST_ARCHIVE to its tarball",
    )?;
    let fail = |error: std::io::Error| format!("{}: {error}", archive.display());
    let archive = archive.canonicalize().map_err(fail)?;
    let metadata = archive.metadata().map_err(fail)?;
    let mut key = DefaultHasher::new();
    (&archive, metadata.modified().map_err(fail)?, metadata.len()).hash(&mut key);
    let tree = scratch.join(format!("tree-{:016x}", key.finish()));
    if !tree.exists() {
        let new = out.join("tree");
        std::fs::create_dir(&new).map_err(fail)?;
        // What configuring needs, and no more: 60 MB instead of 1.3 GB.
        let wanted = [
            "*/Kconfig*",
            "*/Makefile*",
            "*/Kbuild*",
            "*/scripts/*",
            "*/configs/*",
        ];
        // GNU tar would take a colon in the name for a host's.
        run(Command::new("tar")
            .arg("-C")
            .arg(&new)
            .args(["--force-local", "--strip-components=1", "-xf"])
            .arg(&archive)
            .arg("--wildcards")
            .args(wanted))?;
        // Only what is complete has the name that is looked for. Another process may be first.
        if let Err(error) = std::fs::rename(&new, &tree)
            && !tree.exists()
        {
            return Err(fail(error));
        }
    }
    Ok(tree)
}

/// The first number of a version.
fn major(version: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(version);
    text.trim().split('.').next()?.parse().ok()
}

/// `LLVM=` for a clang that the tree takes: the one in PATH, or the newest beside it.
fn llvm(tree: &Path) -> Result<String, String> {
    let ask = |command: &mut Command| major(&command.output().ok()?.stdout);
    let needed = ask(Command::new("sh")
        .args(["scripts/min-tool-version.sh", "llvm"])
        .current_dir(tree));
    let here = ask(Command::new("clang").arg("-dumpversion"));
    if here >= needed {
        return Ok("LLVM=1".into());
    }
    let directorys = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let versions = directorys.filter_map(|directory| {
        let version: u32 = directory
            .file_name()
            .to_str()?
            .strip_prefix("llvm-")?
            .parse()
            .ok()?;
        directory
            .path()
            .join("bin/clang")
            .exists()
            .then_some(version)
    });
    match versions.max() {
        newest if newest >= needed => {
            Ok(format!("LLVM=/usr/lib/llvm-{}/bin/", newest.unwrap_or(0)))
        }
        _ => Err(format!(
            "this kernel needs clang {} or later, and there is none in PATH or /usr/lib/llvm-*",
            needed.unwrap_or(0)
        )),
    }
}

/// Removes what earlier test processes have left, also one that had this process's number.
fn remove_left_over(scratch: &Path) {
    for entry in std::fs::read_dir(scratch).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix("oracle-"));
        let ended = |process: &str| {
            process == std::process::id().to_string() || !Path::new("/proc").join(process).exists()
        };
        if process.is_some_and(ended) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Oracle {
    fn build() -> Result<Self, String> {
        let mut scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        // The kernel's Makefile refuses blanks and colons in paths, and LD_PRELOAD separates by them.
        if scratch
            .to_str()
            .is_none_or(|path| path.contains([' ', ':']))
        {
            scratch = private(&std::env::temp_dir()).map_err(|error| error.to_string())?;
        }
        let scratch = &*scratch;
        remove_left_over(scratch);
        let out = scratch.join(format!("oracle-{}", std::process::id()));
        let fail = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(out.join("cache")).map_err(fail)?;
        let tree = tree(scratch, &out)?;
        // A Kconfig file whose one shell command writes down the environment it is run in.
        let (dump, env) = (out.join("dump.Kconfig"), out.join("env"));
        let text = format!("$(shell,env -0 > {})\nconfig A\n\tbool\n", env.display());
        std::fs::write(&dump, text).map_err(fail)?;
        run(Command::new("make")
            .arg("-C")
            .arg(&tree)
            .arg(format!("O={}", out.display()))
            .arg(format!("KBUILD_KCONFIG={}", dump.display()))
            .args([llvm(&tree)?, "olddefconfig".into()])
            .env_remove("MAKEFLAGS"))?;
        // A dependency of this test: Cargo has built it beside it.
        let library = std::env::current_exe().map_err(fail)?;
        let library = library.with_file_name("libkconfig_oracle.so");
        std::fs::copy(&library, out.join("popen.so"))
            .unwrap_or_else(|error| panic!("{}: {error}", library.display()));
        let text = std::fs::read_to_string(env).map_err(fail)?;
        let env = text
            .split('\0')
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { tree, env, out })
    }

    /// The tree's series: `(6, 1)`.
    pub fn series(&self) -> (u32, u32) {
        let makefile = std::fs::read_to_string(self.tree.join("Makefile")).unwrap();
        let number = |name| {
            let mut lines = makefile.lines();
            lines.find_map(|line| line.strip_prefix(name)?.parse().ok())
        };
        number("VERSION = ").zip(number("PATCHLEVEL = ")).unwrap()
    }

    /// Where commands of the tree may run.
    pub fn workdir(&self) -> &Path {
        &self.out
    }

    /// What `olddefconfig` makes of a configuration.
    pub fn olddefconfig(&self, config: &str) -> String {
        self.conf(config, "--olddefconfig", 0)
    }

    /// What `conf` makes of a configuration; the seed is for `--randconfig`.
    pub fn conf(&self, config: &str, mode: &str, seed: u32) -> String {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = self.out.join(format!("config-{number}"));
        std::fs::write(&path, config).unwrap();
        run(Command::new(self.out.join("scripts/kconfig/conf"))
            .args(["-s", mode, "Kconfig"])
            .current_dir(&self.out)
            .env_clear()
            .envs(&self.env)
            .env("KCONFIG_CONFIG", &path)
            .env("KCONFIG_SEED", seed.to_string())
            .env("ORACLE_CACHE", self.out.join("cache"))
            .env("LD_PRELOAD", self.out.join("popen.so")))
        .unwrap();
        let mut remembered = self.out.join("cache").read_dir().unwrap();
        assert!(remembered.next().is_some(), "popen.so was not loaded");
        let result = std::fs::read_to_string(&path).unwrap();
        for suffix in ["", ".old"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
        result
    }

    /// What this series' `conf` makes of a single file; both are written into `directory`.
    pub fn of_file(&self, directory: &Path, kconfig: &str, config: &str) -> String {
        run(&mut self.for_file(directory, kconfig, config)).unwrap();
        std::fs::read_to_string(directory.join(".config")).unwrap()
    }

    /// Whether this series' `conf` refuses the file.
    pub fn refuses_file(&self, directory: &Path, kconfig: &str) -> bool {
        run(&mut self.for_file(directory, kconfig, "")).is_err()
    }

    fn for_file(&self, directory: &Path, kconfig: &str, config: &str) -> Command {
        std::fs::write(directory.join("Kconfig"), kconfig).unwrap();
        std::fs::write(directory.join(".config"), config).unwrap();
        let mut conf = Command::new(self.out.join("scripts/kconfig/conf"));
        conf.args(["-s", "--olddefconfig", "Kconfig"])
            .current_dir(directory)
            .env_clear()
            .envs([("ARCH", "x86"), ("SRCARCH", "x86"), ("srctree", ".")]);
        conf
    }

    /// The configurations to compare on: none, the tree's own for x86, and each file in the
    /// directory that `KCONFIG_TEST_CONFIGS` names.
    pub fn configs(&self) -> Vec<(String, String)> {
        let own = self.tree.join("arch/x86/configs");
        let mut files = vec![own.join("x86_64_defconfig"), own.join("i386_defconfig")];
        if let Some(directory) = named("CONFIGS") {
            let given = std::fs::read_dir(&directory);
            let given = given.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
            files.extend(given.map(|entry| entry.unwrap().path()));
            files.sort();
        }
        let read = |path: PathBuf| {
            let bytes = std::fs::read(&path);
            let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8_lossy(&bytes).into_owned())
        };
        let nothing = ("nothing set".to_owned(), String::new());
        std::iter::once(nothing)
            .chain(files.into_iter().map(read))
            .collect()
    }
}
