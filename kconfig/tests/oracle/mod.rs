// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's own `conf --olddefconfig`, built once from a real tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub struct Oracle {
    pub tree: PathBuf,
    /// What `make LLVM=1` exports to Kconfig.
    pub env: BTreeMap<String, String>,
    out: PathBuf,
}

const ARCHIVE: &str = "/usr/src/linux-source-6.1.tar.xz";

/// The oracle, or nothing, after saying why, where there is no kernel tree.
pub fn oracle() -> Option<&'static Oracle> {
    static ORACLE: OnceLock<Option<Oracle>> = OnceLock::new();
    ORACLE
        .get_or_init(|| match Oracle::build() {
            Ok(oracle) => Some(oracle),
            Err(reason) => {
                eprintln!("SKIPPED: {reason}");
                None
            }
        })
        .as_ref()
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

/// The tree that `KCONFIG_TEST_TREE` names, or Debian's archive, unpacked once.
fn tree(scratch: &Path) -> Result<PathBuf, String> {
    if let Some(tree) = std::env::var_os("KCONFIG_TEST_TREE") {
        return Ok(tree.into());
    }
    if !Path::new(ARCHIVE).exists() {
        return Err(format!(
            "KCONFIG_TEST_TREE names no kernel tree, and there is no {ARCHIVE}"
        ));
    }
    let tree = scratch.join("linux-source-6.1");
    let done = scratch.join("unpacked");
    if !done.exists() {
        // What configuring needs, and no more: 60 MB instead of 1.3 GB.
        let wanted = [
            "*/Kconfig*",
            "*/Makefile*",
            "*/Kbuild*",
            "*/scripts/*",
            "*/configs/*",
        ];
        run(Command::new("tar")
            .arg("-C")
            .arg(scratch)
            .args(["-xf", ARCHIVE, "--wildcards"])
            .args(wanted))?;
        std::fs::write(done, "").map_err(|error| error.to_string())?;
    }
    Ok(tree)
}

/// Removes what test processes that are no more have left.
fn remove_left_over(scratch: &Path) {
    for entry in std::fs::read_dir(scratch).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix("oracle-"));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Oracle {
    fn build() -> Result<Self, String> {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let tree = tree(scratch)?;
        remove_left_over(scratch);
        let out = scratch.join(format!("oracle-{}", std::process::id()));
        let fail = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(out.join("cache")).map_err(fail)?;
        // A Kconfig file whose one shell command writes down the environment it is run in.
        let (dump, env) = (out.join("dump.Kconfig"), out.join("env"));
        let text = format!("$(shell,env -0 > {})\nconfig A\n\tbool\n", env.display());
        std::fs::write(&dump, text).map_err(fail)?;
        run(Command::new("make")
            .arg("-C")
            .arg(&tree)
            .arg(format!("O={}", out.display()))
            .arg(format!("KBUILD_KCONFIG={}", dump.display()))
            .args(["LLVM=1", "olddefconfig"])
            .env_remove("MAKEFLAGS"))?;
        let library = out.join("popen.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/popen.c");
        run(Command::new("clang")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(&library)
            .arg(source))?;
        let text = std::fs::read_to_string(env).map_err(fail)?;
        let env = text
            .split('\0')
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { tree, env, out })
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
        let result = std::fs::read_to_string(&path).unwrap();
        for suffix in ["", ".old"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
        result
    }

    /// The named configurations that are there: the tree's own defconfig, Debian's and Arch's.
    pub fn configs(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![("nothing set", String::new())];
        let mut add = |name, path: &Path| match std::fs::read(path) {
            Ok(bytes) => all.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => eprintln!("SKIPPED: {name}: {}: {error}", path.display()),
        };
        add(
            "x86_64_defconfig",
            &self.tree.join("arch/x86/configs/x86_64_defconfig"),
        );
        add(
            "i386_defconfig",
            &self.tree.join("arch/x86/configs/i386_defconfig"),
        );
        let given = |name: &str, else_at: &str| {
            std::env::var_os(name).map_or_else(|| PathBuf::from(else_at), PathBuf::from)
        };
        let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
        add(
            "vm fragment",
            &given(
                "KCONFIG_TEST_VM",
                &format!("{shared}/vm-6.1.config-fragment"),
            ),
        );
        add(
            "Arch",
            &given(
                "KCONFIG_TEST_ARCH",
                &format!("{shared}/arch-linux-6.1.arch1.config"),
            ),
        );
        add(
            "Debian",
            &given(
                "KCONFIG_TEST_DEBIAN",
                "/usr/src/linux-config-6.1/config.amd64_none_amd64",
            ),
        );
        all
    }
}
