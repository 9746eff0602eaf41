// SPDX-License-Identifier: MIT OR Apache-2.0

//! `toolchain --install` for a kernel whose crates Arch's package of Rust made: an archive on
//! loopback, with packages and a keyring of the tests' own.

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const RUSTC: &str = "rustc 1.97.1 (8bab26f4f 2026-07-14) (Arch Linux rust 1:1.97.1-1)";
const RUST: &str = "packages/r/rust/rust-1:1.97.1-1-x86_64.pkg.tar.zst";
const LLVM: &str = "packages/l/llvm-libs/llvm-libs-99.1.2-3-x86_64.pkg.tar.zst";
const RELEASE: &str = "7.3.1-arch1-1";
const TOOLCHAIN: &str = "var/lib/rustkmod/toolchains/arch-rust-1_1.97.1-1";

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A machine below `root`, with a kernel of Arch's, and an archive of packages.
struct World {
    directory: tempfile::TempDir,
    url: String,
}

impl World {
    /// An archive whose rustc prints the version that made the crates, all of it signed.
    fn new() -> Self {
        Self::with(RUSTC, 0)
    }

    /// The same with a rustc that prints another, and a file of this size beside it.
    fn with(prints: &str, payload: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = serve(directory.path().join("archive"));
        let world = Self { directory, url };
        let root = world.root();
        let build = world.build();
        common::write(root.join("etc/os-release"), "ID=arch\n");
        common::write(
            build.join("Makefile"),
            "VERSION = 7\nPATCHLEVEL = 3\nRUSTC = rustc\n",
        );
        common::write(
            build.join("include/config/kernel.release"),
            format!("{RELEASE}\n"),
        );
        world.made_by(RUSTC);
        generate_key(&world.keyring());
        world.pack(prints, payload);
        world.sign(RUST, &world.keyring());
        world.sign(LLVM, &world.keyring());
        world
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn build(&self) -> PathBuf {
        let modules = self.root().join("usr/lib/modules");
        modules.join(RELEASE).join("build")
    }

    fn toolchain(&self) -> PathBuf {
        self.root().join(TOOLCHAIN)
    }

    fn keyring(&self) -> PathBuf {
        self.root().join("etc/pacman.d/gnupg")
    }

    fn in_archive(&self, path: &str) -> PathBuf {
        self.directory.path().join("archive").join(path)
    }

    /// Says in the configuration which rustc the kernel was made with.
    fn made_by(&self, rustc: &str) {
        let config = format!("CONFIG_RUST=y\nCONFIG_RUSTC_VERSION_TEXT=\"{rustc}\"\n");
        common::write(self.build().join(".config"), &config);
        common::write(self.build().join("include/config/auto.conf"), &config);
    }

    /// A rustc that needs a library of its day, in one package, and that library in another.
    fn pack(&self, prints: &str, payload: usize) {
        let made = self.directory.path().join("made");
        let library = "usr/lib/libLLVM.so.99.1";
        common::write(made.join("llvm.c"), "int llvm(void) { return 99; }\n");
        common::write(
            made.join("rustc.c"),
            format!(
                "#include <stdio.h>\nint llvm(void);\n\
                 int main(void) {{ puts(\"{prints}\"); return llvm() != 99; }}\n"
            ),
        );
        cc(
            &made,
            &[
                "-shared",
                "-Wl,-soname,libLLVM.so.99.1",
                "llvm.c",
                "-o",
                "libLLVM.so.99.1",
            ],
        );
        cc(&made, &["rustc.c", "libLLVM.so.99.1", "-o", "rustc"]);
        let read = |name: &str| fs::read(made.join(name)).unwrap();
        let (program, llvm) = (read("rustc"), read("libLLVM.so.99.1"));
        self.package(
            RUST,
            &[
                (
                    ".PKGINFO",
                    b"pkgname = rust\ndepend = gcc-libs\ndepend = llvm-libs\n",
                    0o644,
                ),
                (
                    ".BUILDINFO",
                    b"format = 2\ninstalled = llvm-libs-99.1.2-3-x86_64\n",
                    0o644,
                ),
                ("usr/bin/rustc", &program, 0o755),
                ("usr/lib/rustlib/payload", &vec![b'x'; payload], 0o644),
                ("usr/share/doc/rust", b"", 0o644),
            ],
        );
        self.package(
            LLVM,
            &[
                (".PKGINFO", b"pkgname = llvm-libs\n", 0o644),
                (library, &llvm, 0o755),
            ],
        );
    }

    /// A package. How it is packed its first bytes say, and these are not packed.
    fn package(&self, path: &str, files: &[(&str, &[u8], u32)]) {
        let path = self.in_archive(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut archive = tar::Builder::new(File::create(path).unwrap());
        for (name, content, mode) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            archive.append_data(&mut header, name, *content).unwrap();
        }
        archive.finish().unwrap();
    }

    fn sign(&self, path: &str, keyring: &Path) {
        let path = self.in_archive(path);
        let signature = PathBuf::from(format!("{}.sig", path.display()));
        let _ = fs::remove_file(&signature);
        gpg(keyring, &["--detach-sign", path.to_str().unwrap()]);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = common::command();
        command
            .arg("--root")
            .arg(self.root())
            .arg("toolchain")
            .args(arguments)
            .env("PATH", "/usr/bin:/bin");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn install(&self, mirror: &str) -> Output {
        self.run(&["--install", "--kernel", RELEASE, "--mirror", mirror])
    }

    /// An installation that fails, says these words, and leaves nothing behind.
    #[track_caller]
    fn fails(&self, mirror: &str, words: &[&str]) {
        let output = self.install(mirror);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        for word in words {
            assert!(said.contains(word), "no '{word}' in: {said}");
        }
        self.nothing_is_left();
    }

    #[track_caller]
    fn nothing_is_left(&self) {
        assert_eq!(self.left(), Vec::<PathBuf>::new());
        assert!(!self.build().join("GNUmakefile").exists());
    }

    /// What is among the toolchains, without the lock.
    fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.toolchain().parent().unwrap());
        let entries = entries.into_iter().flatten().flatten();
        let names = entries.map(|entry| PathBuf::from(entry.file_name()));
        names.filter(|name| name != Path::new(".lock")).collect()
    }
}

fn cc(directory: &Path, arguments: &[&str]) {
    let status = Command::new("cc")
        .args(arguments)
        .current_dir(directory)
        .status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

fn gpg(home: &Path, arguments: &[&str]) {
    let output = Command::new("gpg")
        .arg("--homedir")
        .arg(home)
        .args([
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn generate_key(home: &Path) {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(home).unwrap();
    let address = "packager@rustkmod.example";
    gpg(home, &["--quick-generate-key", address, "ed25519", "sign"]);
}

/// Serves the files of a directory. One whose name has `.slow` behind it there is sent to its half, and
/// no more.
fn serve(directory: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let directory = directory.clone();
            std::thread::spawn(move || answer(stream, &directory));
        }
    });
    url
}

fn answer(mut stream: TcpStream, directory: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let path = directory.join(path.trim_start_matches('/'));
    let Ok(content) = fs::read(&path) else {
        return stream.write_all(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    };
    let length = content.len();
    write!(
        stream,
        "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n"
    )?;
    if PathBuf::from(format!("{}.slow", path.display())).exists() {
        stream.write_all(&content[..length / 2])?;
        std::thread::sleep(Duration::from_secs(600));
    }
    stream.write_all(&content)
}

#[test]
#[ignore = "needs cc, curl and gpg"]
fn the_package_is_fetched_and_the_headers_use_it_until_the_kernel_goes() {
    let world = World::new();
    let before = world.run(&[RELEASE]);
    assert_eq!(before.status.code(), Some(1));
    let said = common::printed(&before);
    let root = world.root().display().to_string();
    let command = format!("sudo rustkmod toolchain --install --root {root} {RELEASE}\n");
    assert!(said.contains(&command), "{said}");

    let output = world.install(&world.url);
    let said = common::printed(&output);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        said.contains("fetched from the archive of packages"),
        "{said}"
    );
    let rustc = world.toolchain().join("bin/rustc");
    let version = Command::new(&rustc).arg("-vV").output().unwrap();
    assert_eq!(common::printed(&version).trim_end(), RUSTC, "{version:?}");
    assert_eq!(world.left(), [Path::new("arch-rust-1_1.97.1-1")]);
    // What it does not need to run, and what packages say of themselves.
    for name in ["usr/share", ".PKGINFO", ".BUILDINFO"] {
        assert!(!world.toolchain().join(name).exists(), "{name}");
    }
    let gnumakefile = world.build().join("GNUmakefile");
    let text = fs::read_to_string(&gnumakefile).unwrap();
    let line = format!("override RUSTC := /{TOOLCHAIN}/bin/rustc\n");
    assert!(text.contains(&line), "{text}");

    let doctor = common::command()
        .arg("--root")
        .arg(world.root())
        .args(["doctor", RELEASE])
        .output()
        .unwrap();
    let said = common::printed(&doctor);
    assert!(
        said.contains(&format!("ok[rustc]: make would run {RUSTC}")),
        "{said}"
    );

    // Nothing is fetched twice, for other headers of the same rustc neither.
    assert_eq!(world.install(NOWHERE).status.code(), Some(0));
    fs::remove_file(&gnumakefile).unwrap();
    let again = world.install(NOWHERE);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert!(gnumakefile.exists());

    // While the kernel is there, it stays.
    let clean = world.run(&["--clean"]);
    assert_eq!(common::printed(&clean), "");
    assert!(rustc.exists());
    // pacman removes what it has installed.
    for name in ["Makefile", ".config"] {
        fs::remove_file(world.build().join(name)).unwrap();
    }
    fs::remove_dir_all(world.build().join("include")).unwrap();
    let clean = world.run(&["--clean"]);
    let removed =
        format!("removed /usr/lib/modules/{RELEASE}/build/GNUmakefile\nremoved /{TOOLCHAIN}\n");
    assert_eq!(common::printed(&clean), removed, "{clean:?}");
    world.nothing_is_left();
    assert!(!world.build().parent().unwrap().exists());
}

#[test]
#[ignore = "needs cc, curl and gpg"]
fn what_install_did_is_undone() {
    let world = World::new();
    assert_eq!(world.install(&world.url).status.code(), Some(0));
    let output = world.run(&["--remove", RELEASE]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    world.nothing_is_left();
    assert!(world.build().join("Makefile").exists());
}

#[test]
#[ignore = "needs cc, curl and gpg"]
fn a_signature_that_pacman_would_not_take_is_refused() {
    let world = World::new();
    let signature = world.in_archive(&format!("{RUST}.sig"));
    let good = fs::read(&signature).unwrap();
    let refused = "the package's signature is not good";

    fs::copy(world.in_archive(&format!("{LLVM}.sig")), &signature).unwrap();
    world.fails(
        &world.url,
        &[
            refused,
            "the signature is of another file",
            RUST,
            "--mirror URL",
        ],
    );

    fs::write(&signature, "none\n").unwrap();
    world.fails(&world.url, &[refused, "there is no signature in its .sig"]);

    fs::remove_file(&signature).unwrap();
    world.fails(&world.url, &["404", &format!("{RUST}.sig")]);

    // Of a key that the keyring does not have, and then has and does not trust.
    let other = world.directory.path().join("other");
    generate_key(&other);
    world.sign(RUST, &other);
    let keys = "sudo pacman -Sy --needed archlinux-keyring";
    world.fails(&world.url, &[refused, "keyring does not have", keys]);
    let public = world.directory.path().join("key");
    gpg(&other, &["--output", public.to_str().unwrap(), "--export"]);
    gpg(&world.keyring(), &["--import", public.to_str().unwrap()]);
    world.fails(
        &world.url,
        &[refused, "does not trust", "packager@rustkmod.example", keys],
    );

    // A library's is no less important.
    fs::write(&signature, good).unwrap();
    world.sign(LLVM, &other);
    world.fails(&world.url, &[refused, LLVM]);
}

#[test]
#[ignore = "needs cc, curl and gpg"]
fn what_is_not_there_is_named() {
    let world = World::new();
    world.fails(
        NOWHERE,
        &[
            "cannot be fetched",
            "curl: ",
            "127.0.0.1",
            "curl -I http://127.0.0.1:9/packages/r/rust/",
        ],
    );
    world.fails(
        "ftp://x",
        &[
            "'ftp://x' is not the URL of an archive",
            "--mirror https://",
        ],
    );

    fs::remove_file(world.in_archive(LLVM)).unwrap();
    world.fails(
        &world.url,
        &[
            "does not have llvm-libs 99.1.2-3",
            LLVM,
            "404",
            "--mirror URL",
        ],
    );
    fs::remove_file(world.in_archive(&format!("{RUST}.sig"))).unwrap();
    fs::remove_file(world.in_archive(RUST)).unwrap();
    world.fails(
        &world.url,
        &["does not have rust 1:1.97.1-1", RUST, "404", "--mirror URL"],
    );
    let directory = format!("file://{}", world.in_archive("").display());
    world.fails(&directory, &["does not have rust 1:1.97.1-1", RUST]);

    fs::remove_dir_all(world.keyring()).unwrap();
    world.fails(
        &world.url,
        &[
            "no pacman keyring",
            "/etc/pacman.d/gnupg",
            "pacman-key --init",
        ],
    );
}

#[test]
#[ignore = "needs cc, curl and gpg"]
fn a_rustc_that_prints_another_version_is_refused() {
    let prints = RUSTC.replace("8bab26f4f", "000000000");
    let world = World::with(&prints, 0);
    let (wanted, is) = (
        format!("the crates:       {RUSTC}"),
        format!("the fetched says: {prints}"),
    );
    world.fails(
        &world.url,
        &["is not the one that made the crates", &wanted, &is],
    );
}

#[test]
fn a_version_that_is_not_one_is_not_fetched() {
    let directory = tempfile::tempdir().unwrap();
    let world = World {
        url: NOWHERE.into(),
        directory,
    };
    common::write(world.build().join("Makefile"), "RUSTC = rustc\n");
    for version in [
        "../../x-1",
        "1.97.1-1/../../x",
        "1:1.97.1-1?x",
        "1.97.1-$(reboot)",
    ] {
        world.made_by(&format!(
            "rustc 1.97.1 (8bab26f4f 2026-07-14) (Arch Linux rust {version})"
        ));
        let output = world.install(NOWHERE);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            !said.contains("fetching") && !said.contains("127.0.0.1:9/"),
            "{said}"
        );
        world.nothing_is_left();
    }
}

#[test]
#[ignore = "needs cc, curl and gpg"]
fn another_users_directory_is_for_root() {
    let world = World::new();
    let build = world.build();
    let readable = Command::new("chmod")
        .args(["-R", "a+rX"])
        .arg(world.directory.path())
        .status();
    assert!(readable.unwrap().success());
    let mode = fs::Permissions::from_mode(0o555);
    fs::set_permissions(&build, mode).unwrap();
    let install = world.command(&["--install", RELEASE, "--mirror", &world.url]);
    let output = match nix::unistd::Uid::effective().is_root() {
        true => Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(install.get_program())
            .args(install.get_args())
            .env("PATH", "/usr/bin:/bin")
            .output(),
        false => { install }.output(),
    };
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    let file = build.join("GNUmakefile");
    assert!(
        said.contains(&format!("{} cannot be written", file.display())),
        "{said}"
    );
    assert!(said.contains("sudo rustkmod --root "), "{said}");
    assert!(!said.contains("fetching"), "{said}");
    world.nothing_is_left();
}

/// In memory of this size, once too little for the package, and once for what is in it.
#[test]
#[ignore = "needs cc, curl, gpg and a mount namespace"]
fn a_full_disk_is_named_and_nothing_is_left() {
    let world = World::with(RUSTC, 4 << 20);
    let toolchains = world.toolchain().parent().unwrap().to_path_buf();
    fs::create_dir_all(&toolchains).unwrap();
    for size in ["2m", "6m"] {
        let install = world.command(&["--install", RELEASE, "--mirror", &world.url]);
        let script = "mount -t tmpfs -o size=$1 tmpfs \"$2\"; at=$2; shift 2; \"$@\"; \
                      echo status $?; ls -A \"$at\"";
        let output = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", script, "sh", size])
            .arg(&toolchains)
            .arg(install.get_program())
            .args(install.get_args())
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("unshare: ") {
            common::lacks(&said);
        }
        let command = format!("df -h {}", toolchains.parent().unwrap().display());
        let command = command.as_str().trim_end_matches("/toolchains");
        assert!(
            said.contains("cannot be written") && said.contains(command),
            "{size}: {said}"
        );
        assert_eq!(common::printed(&output), "status 2\n.lock\n", "{said}");
        assert!(!world.build().join("GNUmakefile").exists());
    }
}

/// Starts an installation, and returns once it has a part of a package.
fn in_the_middle(world: &World) -> Child {
    let child = world
        .command(&["--install", RELEASE, "--mirror", &world.url])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    let has_a_part = || {
        let mut files = world.left().into_iter().map(|name| {
            let directory = world.toolchain().with_file_name(name);
            directory.join(Path::new(LLVM).file_name().unwrap())
        });
        files.any(|file| file.metadata().is_ok_and(|about| about.len() > 0))
    };
    while !has_a_part() {
        assert!(Instant::now() < end, "{:?}", world.left());
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

#[test]
#[ignore = "needs cc, curl and gpg"]
fn one_that_is_interrupted_leaves_nothing() {
    let world = World::new();
    let slow = world.in_archive(&format!("{LLVM}.slow"));
    fs::write(&slow, "").unwrap();
    let kill = |child: &Child, signal| {
        let id = i32::try_from(child.id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal).unwrap();
    };
    let mut child = in_the_middle(&world);
    // Two at once are one too many.
    world.locked();
    kill(&child, nix::sys::signal::Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    world.nothing_is_left();

    // What cannot be caught, the next one clears away.
    let mut child = in_the_middle(&world);
    kill(&child, nix::sys::signal::Signal::SIGKILL);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    assert_ne!(world.left(), Vec::<PathBuf>::new());
    assert!(!world.build().join("GNUmakefile").exists());
    fs::remove_file(slow).unwrap();
    let output = world.install(&world.url);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(world.left(), [Path::new("arch-rust-1_1.97.1-1")]);
}

impl World {
    #[track_caller]
    fn locked(&self) {
        let output = self.install(&self.url);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("another rustkmod is at work here"), "{said}");
    }
}
