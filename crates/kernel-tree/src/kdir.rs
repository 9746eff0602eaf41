// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel tree that modules are built in: installed headers, or a source tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kernel_files::file;

use crate::makefile::{RustRule, TopMakefile};
use crate::system::System;
use kernel_files::config::Config;
use kernel_files::rmeta::{self, Library, Rmeta, RmetaError};
use kernel_files::vermagic;

/// A kernel tree. Its files are read once, when it is opened; what is wrong with one of them is
/// kept for the check that looks at it.
#[derive(Debug)]
pub struct Kdir {
    /// The directory that `make -C` gets.
    pub path: PathBuf,
    /// The directory of the Makefiles, which is another one for Debian's headers and for `O=`.
    pub srctree: PathBuf,
    /// The release it is of: `UTS_RELEASE` in `include/generated/utsrelease.h`, which modules get
    /// as their vermagic, or else `include/config/kernel.release`. Debian's differ.
    pub release: Option<String>,
    /// The configuration the build uses: `include/config/auto.conf`, or `.config` without it.
    pub config: Config,
    /// Why that configuration cannot be read.
    pub config_error: Option<String>,
    /// The file that configuration is from.
    pub config_path: PathBuf,
    /// What the top Makefile says.
    pub makefile: std::result::Result<TopMakefile, String>,
    /// What the rule for Rust modules says.
    pub rule: RustRule,
    /// The crates in `rust/`, by name.
    pub crates: BTreeMap<String, std::result::Result<Rmeta, RmetaError>>,
    /// The proc-macro libraries in `rust/`, by name.
    pub libraries: BTreeMap<String, std::result::Result<Library, RmetaError>>,
}

impl Kdir {
    /// The directory `/lib/modules/RELEASE/build` stands for.
    pub fn of_release(system: &System, release: &str) -> PathBuf {
        let usual = system.at(Path::new("/lib/modules").join(release).join("build"));
        if usual.exists() || system.at("/lib/modules").join(release).exists() {
            return usual;
        }
        let usr = system.at(Path::new("/usr/lib/modules").join(release).join("build"));
        if usr.exists() { usr } else { usual }
    }

    /// Reads what a tree says of itself.
    pub fn open(system: &System, path: &Path) -> Self {
        let makefile = TopMakefile::read(system, path);
        let srctree = makefile
            .as_ref()
            .ok()
            .and_then(|found| found.srctree.clone())
            .unwrap_or_else(|| path.to_path_buf());
        let auto_conf = path.join("include/config/auto.conf");
        let config_path = if auto_conf.exists() {
            auto_conf
        } else {
            path.join(".config")
        };
        let (config, config_error) = match Config::read(&config_path) {
            Ok(config) => (config, None),
            Err(error) => (Config::default(), Some(error.to_string())),
        };
        let tree = |name: &str| {
            let here = path.join(name);
            if here.exists() {
                here
            } else {
                srctree.join(name)
            }
        };
        let (crates, libraries) = read_crates(&path.join("rust"));
        Self {
            path: path.to_path_buf(),
            release: release_of(path),
            config_error,
            rule: RustRule::read(tree, srcarch(&config)),
            config,
            config_path,
            makefile: makefile.map_err(|error| error.to_string()),
            crates,
            libraries,
            srctree,
        }
    }

    /// A file of the tree: where it was built, or where its source is.
    pub fn file(&self, name: &str) -> PathBuf {
        let here = self.path.join(name);
        if here.exists() {
            here
        } else {
            self.srctree.join(name)
        }
    }

    /// The series, such as `(6, 1)`.
    pub fn series(&self) -> Option<(u32, u32)> {
        if let Some(series) = self.makefile.as_ref().ok().and_then(|found| found.series) {
            return Some(series);
        }
        let mut numbers = self.release.as_ref()?.split(['.', '-']);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// The crate that decides which rustc is needed: `core`, which every module is compiled
    /// against, or any other where it cannot be read.
    pub fn crate_for_rustc(&self) -> Option<(&str, &Rmeta)> {
        let readable = |name: &'_ String| self.crates[name].as_ref().ok();
        let core = self.crates.get_key_value("core").map(|(name, _)| name);
        core.into_iter()
            .chain(self.crates.keys())
            .find_map(|name| readable(name).map(|rmeta| (name.as_str(), rmeta)))
    }

    /// The minimum version of a tool, as `scripts/min-tool-version.sh` has it.
    pub fn minimum_version(&self, tool: &str) -> Option<String> {
        let script = file::read_text(&self.file("scripts/min-tool-version.sh"), 64 << 10).ok()?;
        let arm = format!("{tool})");
        let mut lines = script
            .lines()
            .map(str::trim)
            .skip_while(|line| *line != arm)
            .skip(1);
        let version = lines.find_map(|line| line.strip_prefix("echo "))?;
        version
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| version.to_string())
    }

    /// The vermagic of this kernel, from its headers.
    pub fn vermagic(&self) -> Option<String> {
        let arch = self.srcarch()?;
        let read = |name: &str| file::read_text(&self.file(name), 64 << 10).ok();
        let own = read(&format!("arch/{arch}/include/asm/vermagic.h"));
        // Architectures without one of their own use the generic one, which is empty.
        let own = own.unwrap_or_else(|| "#define MODULE_ARCH_VERMAGIC \"\"".to_string());
        let header = read("include/linux/vermagic.h")?;
        // x86-64 has no processor family, and says so by not defining it.
        let mut own = format!("#define MODULE_PROC_FAMILY \"\"\n{own}");
        if self.config.is_y("RANDSTRUCT") {
            // The compiler defines RANDSTRUCT when it randomises structures.
            own.push_str("\n#define RANDSTRUCT\n");
            own.push_str(&read("include/generated/randstruct_hash.h")?);
        }
        vermagic::from_headers(self.release.as_ref()?, &self.config, &own, &header)
    }

    /// The series of a tree that modules in Rust can be built in, as far as its own words go; or why
    /// they cannot: it is not a tree, is damaged, or its kernel was built without Rust.
    pub fn series_with_rust(&self, system: &System) -> std::result::Result<(u32, u32), String> {
        let shown = |path: &Path| system.shown(path);
        let makefile = self.makefile.as_ref();
        let makefile = makefile.map_err(|error| format!("it is not a kernel tree: {error}"))?;
        if let Some(missing) = &makefile.missing {
            let including = shown(&self.path.join("Makefile"));
            return Err(format!(
                "{including} includes {missing}, which is not there"
            ));
        }
        let Some(series) = makefile.series else {
            return Err(format!(
                "{} has no VERSION and PATCHLEVEL: it is damaged, or not a kernel's",
                shown(&self.file("Makefile"))
            ));
        };
        if series < (6, 1) {
            let (version, patchlevel) = series;
            return Err(format!(
                "it is Linux {version}.{patchlevel}, and Rust came with 6.1"
            ));
        }
        if let Some(error) = &self.config_error {
            return Err(format!("it is not configured: {error}"));
        }
        if !self.config.is_y("RUST") {
            let config = shown(&self.config_path);
            return Err(format!("CONFIG_RUST is not set in {config}, it must be y"));
        }
        Ok(series)
    }

    /// The file of a package that `rust/toolchain.mk` names, which linux-rust's headers have: their
    /// own as `headers`, that of their rustc as `toolchain`.
    pub fn package_file(&self, what: &str) -> Option<String> {
        let text = file::read_text(&self.path.join("rust/toolchain.mk"), 64 << 10).ok()?;
        let start = format!("# {what}: ");
        let name = text.lines().find_map(|line| line.strip_prefix(&start))?;
        let name = name.trim();
        let is_file = name.ends_with(".zst")
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.+:".contains(c));
        is_file.then(|| name.to_string())
    }

    /// The directory below `arch/` of this kernel.
    pub fn srcarch(&self) -> Option<&'static str> {
        srcarch(&self.config)
    }

    /// What `uname -m` prints on this kernel.
    pub fn machine(&self) -> Option<&'static str> {
        Some(match self.srcarch()? {
            "x86" if self.config.is_y("X86_64") => "x86_64",
            "x86" => "i686",
            "arm64" => "aarch64",
            "arm" => "arm",
            "riscv" => "riscv64",
            "loongarch" => "loongarch64",
            _ => return None,
        })
    }
}

fn srcarch(config: &Config) -> Option<&'static str> {
    const ARCHITECTURES: [(&str, &str); 8] = [
        ("UML", "um"),
        ("X86", "x86"),
        ("ARM64", "arm64"),
        ("ARM", "arm"),
        ("RISCV", "riscv"),
        ("LOONGARCH", "loongarch"),
        ("PPC", "powerpc"),
        ("S390", "s390"),
    ];
    ARCHITECTURES
        .iter()
        .find(|(option, _)| config.is_y(option))
        .map(|(_, directory)| *directory)
}

type Crates = BTreeMap<String, std::result::Result<Rmeta, RmetaError>>;
type Libraries = BTreeMap<String, std::result::Result<Library, RmetaError>>;

fn read_crates(directory: &Path) -> (Crates, Libraries) {
    let (mut crates, mut libraries) = (Crates::new(), Libraries::new());
    for entry in std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .take(1024)
    {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix("lib")) else {
            continue;
        };
        if let Some(name) = name.strip_suffix(".rmeta") {
            crates.insert(name.to_string(), rmeta::read(&entry.path()));
        } else if let Some(name) = name.strip_suffix(".so") {
            libraries.insert(name.to_string(), rmeta::read_library(&entry.path()));
        }
    }
    (crates, libraries)
}

/// The installed kernels, in the order of their names.
pub fn releases(system: &System) -> Vec<String> {
    let mut found: Vec<String> = ["/usr/lib/modules", "/lib/modules"]
        .iter()
        .filter_map(|directory| std::fs::read_dir(system.at(directory)).ok())
        .flat_map(|entries| entries.flatten().take(1024))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Those whose headers have Rust crates.
pub fn releases_with_rust(system: &System) -> Vec<String> {
    let mut found = releases(system);
    found.retain(|release| {
        let kdir = Kdir::of_release(system, release);
        kdir.join("rust/libkernel.rmeta").is_file()
    });
    found
}

/// The directory a release's modules are installed in.
pub fn modules_directory(system: &System, release: &str) -> PathBuf {
    let usual = system.at(Path::new("/lib/modules").join(release));
    if usual.exists() {
        usual
    } else {
        system.at(Path::new("/usr/lib/modules").join(release))
    }
}

/// The `pkgbase` of an installed kernel, from the file that Arch's have beside their modules; where
/// linux-rust's `keep-kernel` keeps one that was upgraded, its mark names it.
pub fn pkgbase(modules: &Path) -> Option<String> {
    if let Ok(text) = file::read_text(&modules.join("pkgbase"), 4096) {
        return Some(text.trim().to_string());
    }
    let mark = file::read_text(&modules.join(".kept"), 4096).ok()?;
    Some(mark.split_whitespace().next()?.to_string())
}

/// Reads the release a tree is of, when it says so.
pub fn release_of(path: &Path) -> Option<String> {
    let read = |name: &str| file::read_text(&path.join(name), 4096).ok();
    let defined = read("include/generated/utsrelease.h").and_then(|text| {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("#define UTS_RELEASE "))?;
        Some(value.trim().trim_matches('"').to_string())
    });
    defined
        .or_else(|| Some(read("include/config/kernel.release")?.trim().to_string()))
        .filter(|release| !release.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_no_tree_is_opened_without_a_word() {
        let directory = tempfile::tempdir().unwrap();
        let kdir = Kdir::open(&System::bare("/"), directory.path());
        assert!(kdir.makefile.is_err() && kdir.config_error.is_some());
        assert!(kdir.crates.is_empty() && kdir.series().is_none());
        assert_eq!(kdir.vermagic(), None);
    }

    #[test]
    fn a_kept_kernel_is_still_its_packages() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(pkgbase(directory.path()), None);
        std::fs::write(directory.path().join(".kept"), "linux-rust 0123\n").unwrap();
        assert_eq!(pkgbase(directory.path()).as_deref(), Some("linux-rust"));
        std::fs::write(directory.path().join("pkgbase"), "linux-lts\n").unwrap();
        assert_eq!(pkgbase(directory.path()).as_deref(), Some("linux-lts"));
    }

    #[test]
    fn the_minimum_is_the_one_of_the_tool() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("scripts")).unwrap();
        std::fs::write(
            directory.path().join("scripts/min-tool-version.sh"),
            "case $1 in\ngcc)\n\techo 5.1.0\n\t;;\nrustc)\n\techo 1.78.0\n\t;;\nesac\n",
        )
        .unwrap();
        let kdir = Kdir::open(&System::bare("/"), directory.path());
        assert_eq!(kdir.minimum_version("rustc").as_deref(), Some("1.78.0"));
        assert_eq!(kdir.minimum_version("bindgen"), None);
    }
}
