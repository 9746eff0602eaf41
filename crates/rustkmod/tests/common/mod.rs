// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the integration tests share: the program itself, real rustcs, real Debian packages.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod damage;
pub mod machine;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, started with these arguments.
pub fn rustkmod<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Output {
    command().args(arguments).output().unwrap()
}

/// The program, ready to be started without this machine's settings.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rustkmod"));
    for variable in ["LLVM", "RUSTUP_TOOLCHAIN", "MAKEFLAGS", "MAKELEVEL"] {
        command.env_remove(variable);
    }
    command
}

/// Every parser that takes any bytes, with the directory of its corpus.
pub fn parsers() -> impl Iterator<Item = (&'static str, kernel_files::hostile::Parser, PathBuf)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    [
        ("kernel-files", kernel_files::hostile::PARSERS),
        ("kernel-files", kernel_tree::hostile::PARSERS),
        ("kernel-files", rustkmod::hostile::PARSERS),
        ("kconfig", kconfig::hostile::PARSERS),
    ]
    .into_iter()
    .flat_map(move |(home, parsers)| {
        let corpora = crates.join(home).join("fuzz/corpus");
        parsers
            .iter()
            .map(move |&(name, parse)| (name, parse, corpora.join(name)))
    })
}

/// What a command printed.
pub fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The document that a command printed.
pub fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The names of the checks that fail, by the document of `doctor`.
pub fn failing(output: &Output) -> Vec<String> {
    let document = json(output);
    let findings = document["findings"].as_array().unwrap().iter();
    let failing = findings.filter(|finding| finding["status"] == "error");
    failing
        .map(|finding| finding["check"].as_str().unwrap().to_owned())
        .collect()
}

/// Fails a test that lacks what it needs. Such tests are ignored unless they are asked for, and
/// `make test` asks where it is all there.
#[track_caller]
pub fn lacks(what: &str) -> ! {
    panic!("this test cannot run here: {what}")
}

/// A toolchain of this machine, by its version.
pub fn toolchain(version: &str) -> Option<PathBuf> {
    let begins = format!("rustc {version} ");
    toolchains().into_iter().find(|toolchain| {
        let output = Command::new(toolchain.join("bin/rustc"))
            .arg("--version")
            .output();
        output.is_ok_and(|output| printed(&output).starts_with(&begins))
    })
}

/// The toolchains on this machine: rustup's, and those of packages.
pub fn toolchains() -> Vec<PathBuf> {
    let home = std::env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".rustup")));
    let directory = home.unwrap_or_default().join("toolchains");
    let in_directory = |directory| {
        let entries = std::fs::read_dir::<PathBuf>(directory)
            .into_iter()
            .flatten();
        entries.flatten().map(|entry| entry.path())
    };
    let packaged = in_directory("/usr/lib".into()).filter(|path| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"rust"))
    });
    let mut found: Vec<_> = in_directory(directory)
        .chain(packaged)
        .filter(|path| path.join("bin/rustc").exists())
        .collect();
    found.sort();
    found
}

/// A directory with Debian packages unpacked into it, fetched by apt once: a kernel's is named by its
/// release, so that what another test unpacked is not taken for its own.
pub fn debian(name: &str, packages: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("debian-{name}"));
    for package in packages {
        let done = root.join(format!(".{package}"));
        if done.exists() {
            continue;
        }
        let debs = root.join("debs").join(package);
        std::fs::create_dir_all(&debs).unwrap();
        let fetched = Command::new("apt-get")
            .args(["download", package])
            .current_dir(&debs)
            .output()
            .is_ok_and(|output| output.status.success());
        let deb = std::fs::read_dir(&debs).unwrap().flatten().next();
        let (true, Some(deb)) = (fetched, deb) else {
            lacks(&format!("apt-get download {package} fails"));
        };
        let unpacked = Command::new("dpkg-deb")
            .arg("-x")
            .args([&deb.path(), &root])
            .status();
        if !unpacked.is_ok_and(|status| status.success()) {
            lacks(&format!("dpkg-deb -x {package} fails"));
        }
        let _ = std::fs::remove_dir_all(&debs);
        std::fs::write(done, "").unwrap();
    }
    root
}

/// The newest kernel release of Debian's 6.1 series that apt offers: `6.1.0-50-amd64`.
pub fn debian_release() -> String {
    let names = Command::new("apt-cache")
        .args(["pkgnames", "linux-headers-6.1.0-"])
        .output()
        .unwrap();
    let names = String::from_utf8(names.stdout).unwrap();
    let number = |release: &str| -> Option<u32> {
        release
            .strip_prefix("6.1.0-")?
            .strip_suffix("-amd64")?
            .parse()
            .ok()
    };
    let newest = names
        .lines()
        .filter_map(|name| name.strip_prefix("linux-headers-"))
        .filter(|release| number(release).is_some())
        // The image has to be on offer, too: apt remembers names that are gone.
        .filter(|release| {
            let image = format!("linux-image-{release}");
            Command::new("apt-cache")
                .args(["show", "--no-all-versions", &image])
                .output()
                .is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
        })
        .max_by_key(|release| number(release))
        .map(str::to_string);
    newest.unwrap_or_else(|| lacks("apt offers no 6.1 kernel of Debian's"))
}

/// Writes a file and the directories above it.
pub fn write(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Packages of one kernel, unpacked into a directory: headers, toolchain, sources.
pub struct Packages {
    /// The directory.
    pub root: PathBuf,
    /// The headers in it.
    pub kdir: PathBuf,
    /// The kernel's release.
    pub release: String,
}

/// PATH, with the LLVM of the clang that built the kernel of these headers before it, where Debian has
/// it beside another.
pub fn path_with_llvm(headers: &Path) -> std::ffi::OsString {
    let config = std::fs::read_to_string(headers.join(".config")).unwrap();
    let version = config
        .lines()
        .find_map(|line| line.strip_prefix("CONFIG_CLANG_VERSION="));
    let major = version.map_or(0, |version| version.parse::<u32>().unwrap() / 10000);
    let mut path = std::ffi::OsString::from(format!("/usr/lib/llvm-{major}/bin:"));
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// The packages whose headers `RUSTKMOD_TEST_HEADERS` names.
pub fn packages() -> Packages {
    let Some(headers) = std::env::var_os("RUSTKMOD_TEST_HEADERS").map(PathBuf::from) else {
        lacks("RUSTKMOD_TEST_HEADERS names no headers of a kernel with Rust");
    };
    let kdir = std::fs::canonicalize(headers).unwrap();
    // ROOT/usr/lib/modules/RELEASE/build
    let found = kdir.parent().zip(kdir.ancestors().nth(5));
    let Some((release, root)) = found.filter(|_| kdir.ends_with("build")) else {
        lacks("the headers are not where a package has them");
    };
    let release = release.file_name().unwrap_or_default();
    Packages {
        root: root.to_path_buf(),
        release: release.to_string_lossy().into_owned(),
        kdir,
    }
}
