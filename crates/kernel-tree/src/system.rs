// SPDX-License-Identifier: MIT OR Apache-2.0

//! The machine that is looked at: a root directory, the caller's environment, and careful reading.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use kernel_files::file;

/// The variables that change what `make` would do, and nothing else of the environment.
const VARIABLES: [&str; 9] = [
    "PATH",
    "HOME",
    "LLVM",
    "RUSTC",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "CARGO_HOME",
    "CROSS_COMPILE",
    "ARCH",
];

/// Where the running kernel tells its release.
pub const OSRELEASE: &str = "/proc/sys/kernel/osrelease";

/// Where the program looks, and as whom.
#[derive(Debug, Clone)]
pub struct System {
    root: PathBuf,
    /// The directory `make` would be started from, unless it was removed.
    pub cwd: Option<PathBuf>,
    env: BTreeMap<&'static str, OsString>,
    /// The processor this program was built for, as `uname -m` and ELF tools call it.
    pub machine: &'static str,
}

impl System {
    /// The machine this program runs on, seen from the root directory `root`.
    pub fn here(root: Option<PathBuf>) -> Self {
        let root = root.unwrap_or_else(|| PathBuf::from("/"));
        // Links in it are followed by their full paths.
        let root = std::path::absolute(&root).unwrap_or(root);
        let env = VARIABLES
            .iter()
            .filter_map(|name| std::env::var_os(name).map(|value| (*name, value)))
            .collect();
        Self {
            root,
            cwd: std::env::current_dir().ok(),
            env,
            machine: std::env::consts::ARCH,
        }
    }

    /// A machine that is only a root directory, without an environment.
    pub fn bare(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            cwd: Some(root.clone()),
            root,
            env: BTreeMap::new(),
            machine: std::env::consts::ARCH,
        }
    }

    /// The same machine with a variable set.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.insert(name, value.into());
        self
    }

    /// The directory that all paths are below.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether this is the machine itself and not a directory that holds another.
    pub fn is_live(&self) -> bool {
        self.root == Path::new("/")
    }

    /// A variable of the caller's environment, when it is set and not empty.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env
            .get(name)
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// The caller's home directory, as a path under the root.
    pub fn home(&self) -> Option<PathBuf> {
        self.env("HOME").map(|home| self.at(home))
    }

    /// The file an absolute path names on the machine looked at. Links are followed inside its
    /// root, so that an absolute link in a mounted or unpacked system stays in that system.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        if self.is_live() {
            return Path::new("/").join(path);
        }
        self.at_within(path.as_ref(), &mut 40)
    }

    fn at_within(&self, path: &Path, links_left: &mut u32) -> PathBuf {
        let mut inside = PathBuf::new();
        for component in path.components() {
            match component {
                Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
                Component::ParentDir => {
                    inside.pop();
                }
                Component::Normal(name) => {
                    let here = self.root.join(&inside).join(name);
                    match std::fs::read_link(&here) {
                        Ok(target) if *links_left > 0 => {
                            *links_left -= 1;
                            let target = if target.is_absolute() {
                                target
                            } else {
                                inside.join(target)
                            };
                            let resolved = self.at_within(&target, links_left);
                            inside = match resolved.strip_prefix(&self.root) {
                                Ok(relative) => relative.to_path_buf(),
                                Err(_) => return resolved,
                            };
                        }
                        _ => inside.push(name),
                    }
                }
            }
        }
        self.root.join(inside)
    }

    /// How a path under the root is called on the machine looked at.
    pub fn shown(&self, path: &Path) -> String {
        if self.is_live() {
            return path.display().to_string();
        }
        match path.strip_prefix(&self.root) {
            Ok(inside) => format!("/{}", inside.display()),
            Err(_) => path.display().to_string(),
        }
    }

    /// Text in which paths below the root are called as on the machine looked at.
    pub fn seen(&self, text: &str) -> String {
        if self.is_live() {
            return text.to_owned();
        }
        let root = self.root.display().to_string();
        let root = root.trim_end_matches('/');
        let mut seen = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(root) {
            let (before, after) = (&rest[..at], &rest[at + root.len()..]);
            // Of a longer name it is only the beginning, and of another path the end.
            let is_path = after.starts_with('/') && !before.ends_with(is_in_a_path);
            seen.push_str(before);
            if !is_path {
                seen.push_str(root);
            }
            rest = after;
        }
        seen + rest
    }

    /// The program a bare name stands for, from `PATH`.
    pub fn which(&self, name: &str) -> Option<PathBuf> {
        let path = self.env("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin");
        std::env::split_paths(path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| self.at(directory.join(name)))
            .find(|file| is_executable(file))
    }

    /// The release of the running kernel, as `uname -r` prints it.
    pub fn running_release(&self) -> Option<String> {
        let text = file::read_text(&self.at(OSRELEASE), 4096).ok()?;
        Some(text.trim().to_string()).filter(|release| !release.is_empty())
    }

    /// Whether it is Ubuntu or made from it, and not plain Debian.
    pub fn is_ubuntu(&self) -> bool {
        let text = self.os_release();
        let mut names = text.lines().filter(|line| line.starts_with("ID"));
        names.any(|line| line.contains("ubuntu"))
    }

    fn os_release(&self) -> String {
        file::read_text(&self.at("/etc/os-release"), 64 << 10)
            .or_else(|_| file::read_text(&self.at("/usr/lib/os-release"), 64 << 10))
            .unwrap_or_default()
    }

    /// The distribution, by the names `os-release(5)` gives it: `ID` and `ID_LIKE`.
    pub fn distribution(&self) -> Distribution {
        Distribution::from_os_release(&self.os_release())
    }
}

fn is_in_a_path(character: char) -> bool {
    character.is_alphanumeric() || "/._-".contains(character)
}

/// The families of distributions whose commands this program can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    /// Arch Linux and what is made from it.
    Arch,
    /// Debian, Ubuntu and what is made from them.
    Debian,
    /// Fedora and what is made from it.
    Fedora,
    /// One whose commands are not known here.
    Other,
}

impl Distribution {
    fn from_os_release(text: &str) -> Self {
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.trim_matches(['"', '\'']).to_string())
                .unwrap_or_default()
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        for name in names.split_whitespace() {
            match name {
                "arch" | "archlinux" => return Self::Arch,
                "debian" | "ubuntu" => return Self::Debian,
                "fedora" | "rhel" => return Self::Fedora,
                _ => {}
            }
        }
        Self::Other
    }
}

/// Whether a path is a regular file that somebody may execute.
pub fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_links_stay_inside_the_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("usr/src/headers")).unwrap();
        std::fs::create_dir_all(root.path().join("lib/modules/6.1")).unwrap();
        std::os::unix::fs::symlink(
            "/usr/src/headers",
            root.path().join("lib/modules/6.1/build"),
        )
        .unwrap();
        let system = System::bare(root.path());
        assert_eq!(
            system.at("/lib/modules/6.1/build"),
            root.path().join("usr/src/headers")
        );
        assert_eq!(
            system.shown(&system.at("/lib/modules/6.1/build")),
            "/usr/src/headers"
        );
        assert_eq!(system.at("/../../etc"), root.path().join("etc"));
    }

    #[test]
    fn seen_takes_the_root_from_paths_below_it_alone() {
        let system = System::bare("/w/r");
        for (text, wanted) in [
            ("/w/r/lib/x is not there", "/lib/x is not there"),
            ("see '/w/r/a' and /w/r/b", "see '/a' and /b"),
            ("PATH: /w/rust/bin:/w/r/bin", "PATH: /w/rust/bin:/bin"),
            ("/other/w/r/a", "/other/w/r/a"),
            ("/w/r", "/w/r"),
        ] {
            assert_eq!(system.seen(text), wanted);
        }
    }

    #[test]
    fn links_in_circles_end() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("b", root.path().join("a")).unwrap();
        std::os::unix::fs::symlink("a", root.path().join("b")).unwrap();
        System::bare(root.path()).at("/a/b/a");
    }

    #[test]
    fn distributions_are_known_by_their_family() {
        let of = Distribution::from_os_release;
        assert_eq!(of("ID=arch\n"), Distribution::Arch);
        assert_eq!(of("ID=cachyos\nID_LIKE=\"arch\"\n"), Distribution::Arch);
        assert_eq!(
            of("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"),
            Distribution::Debian
        );
        assert_eq!(of(""), Distribution::Other);
    }
}
