// SPDX-License-Identifier: MIT OR Apache-2.0

//! The nearest that Debian has to devtools' chroot: a root of its next release with what base-devel
//! has, what the PKGBUILD names, and nothing else. In it makepkg is run as makechrootpkg runs it:
//! by `builduser`, whose home is `/build`, with directories at `/startdir`, `/srcdest` and `/pkgdest`,
//! nothing of anybody's environment, no rustup toolchain, no terminal.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

use alpm_srcinfo::{SourceInfo, SourceInfoV1};
use libtest_mimic::Failed;
use vm::{
    cache::Key,
    mounts::bind,
    package_files::packages,
    run::{NO_NETWORK, Program, answer},
};

use crate::{
    aur::written,
    lab::{Lab, says, slow, text, trials},
};

trials![
    the_clean_rooms_table_names_every_dependency,
    the_kernel_builds_in_a_clean_room => slow,
];

/// Arch's packages, and Debian's that have the same in them.
const TABLE: &[(&str, &[&str])] = &[
    // What every PKGBUILD may expect to be there.
    (
        "base-devel",
        &[
            "autoconf",
            "automake",
            "binutils",
            "bison",
            "fakeroot",
            "file",
            "flex",
            "g++",
            "gawk",
            "gcc",
            "gettext",
            "groff",
            "libtool",
            "m4",
            "make",
            "makepkg",
            "pacman-package-manager",
            "patch",
            "pkgconf",
            "texinfo",
        ],
    ),
    // What Arch's pacman itself depends on, and Debian's only recommends.
    (
        "pacman",
        &[
            "ca-certificates",
            "curl",
            "gnupg",
            "libarchive-tools",
            "zstd",
        ],
    ),
    ("bc", &["bc"]),
    ("cargo", &["cargo"]),
    ("clang", &["clang", "libclang-dev"]),
    ("cpio", &["cpio"]),
    ("gettext", &["gettext"]),
    ("graphviz", &["graphviz"]),
    ("libelf", &["libelf-dev"]),
    ("lld", &["lld"]),
    ("llvm", &["llvm"]),
    ("openssl", &["libssl-dev", "openssl"]),
    ("pahole", &["pahole"]),
    ("perl", &["perl"]),
    ("python", &["python3"]),
    ("tar", &["tar"]),
    ("xxhash", &["libxxhash-dev"]),
    ("xz", &["xz-utils"]),
    ("zlib", &["zlib1g-dev"]),
    ("zstd", &["zstd"]),
];

fn debian(arch: &str) -> Result<&'static [&'static str], Failed> {
    // "clang>=11"
    let name = arch.split(['<', '>', '=']).next().unwrap_or(arch);
    let row = TABLE.iter().find(|(package, _)| *package == name);
    Ok(row
        .ok_or_else(|| format!("no package of Debian is named for {name}"))?
        .1)
}

/// What a directory of the AUR asks for to be built.
fn makedepends(tree: &Path) -> Result<Vec<String>, Failed> {
    let SourceInfo::V1(SourceInfoV1 { base, .. }) =
        SourceInfo::from_str(&fs::read_to_string(tree.join(".SRCINFO"))?)?;
    let mut names: Vec<_> = base
        .make_dependencies
        .iter()
        .map(ToString::to_string)
        .collect();
    names.extend(["base-devel", "pacman"].map(str::to_owned));
    Ok(names)
}

fn the_clean_rooms_table_names_every_dependency(lab: &Lab) -> Result<(), Failed> {
    for tree in &written(lab)?.trees {
        // The toolchains are this project's own.
        let others = |name: &String| !name.starts_with("rust1");
        for name in makedepends(tree)?.into_iter().filter(others) {
            debian(&name)?;
        }
    }
    Ok(())
}

/// The release that has makepkg 7.1 and clang 21.
const RELEASE: &str = "forky";

/// A root with these packages, kept.
fn root(lab: &Lab, names: &[String]) -> Result<PathBuf, Failed> {
    let mut wanted = Vec::new();
    for name in names {
        wanted.extend_from_slice(debian(name)?);
    }
    wanted.sort_unstable();
    wanted.dedup();
    let mut key = Key::default();
    key.text("release", RELEASE)
        .text("packages", &wanted.join(","));
    let progress = &lab.shop.progress;
    let kept = lab.shop.cache.keep("clean-root", &key, 0, |directory| {
        progress.say(format!("Making a root of {RELEASE}..."));
        let log = lab.shop.cache.log("test-clean-root")?;
        let mirror = answer(
            "apt-get",
            ["indextargets", "--format", "$(REPO_URI)", "Label: Debian"],
        );
        let mirror = mirror
            .lines()
            .next()
            .unwrap_or("http://deb.debian.org/debian/");
        Program::new("making a root", "debootstrap", &log)
            .args([
                "--variant=minbase",
                &format!("--include={}", wanted.join(",")),
            ])
            .args([RELEASE])
            .args([directory])
            .args([mirror])
            // Older debootstraps do not know the release: all are made as sid is.
            .args(["/usr/share/debootstrap/scripts/sid"])
            .run(progress)
    })?;
    Ok(kept.path)
}

/// The root, with directories of this build in it.
struct Room {
    root: PathBuf,
    place: PathBuf,
}

const USER: u32 = 1000;

impl Room {
    fn new(lab: &Lab, tree: &Path) -> Result<Self, Failed> {
        let root = root(lab, &makedepends(tree)?)?;
        let place = lab.shop.cache.empty_directory("test-clean", 0)?;
        for name in ["startdir", "build", "srcdest", "pkgdest"] {
            let (here, inside) = (place.join(name), root.join(name));
            fs::create_dir_all(&here)?;
            fs::create_dir_all(&inside)?;
            chown(&here, Some(USER), Some(USER))?;
            bind(&here, &inside)?;
        }
        for name in ["proc", "dev"] {
            bind(&Path::new("/").join(name), &root.join(name))?;
        }
        // Whom this machine asks for names, and whose certificates it trusts.
        for name in ["etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"] {
            fs::copy(Path::new("/").join(name), root.join(name))?;
        }
        let passwd = fs::read_to_string(root.join("etc/passwd"))?;
        if !passwd.contains("builduser") {
            let user = format!("{passwd}builduser:x:{USER}:{USER}::/build:/bin/bash\n");
            fs::write(root.join("etc/passwd"), user)?;
        }
        for file in fs::read_dir(tree)?.flatten() {
            if file.path().is_file() {
                let copy = place.join("startdir").join(file.file_name());
                fs::copy(file.path(), &copy)?;
                chown(&copy, Some(USER), Some(USER))?;
            }
        }
        Ok(Self { root, place })
    }

    /// makepkg, through something. Dependencies are what the root has: Debian's pacman knows none.
    fn makepkg(
        &self,
        lab: &Lab,
        through: &[&str],
        options: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<(bool, String), Failed> {
        let mut command = vec!["makepkg", "--nodeps", "--noconfirm", "--skippgpcheck"];
        command.push("--nocolor");
        command.extend(options);
        self.run(lab, through, &command, settings)
    }

    fn run(
        &self,
        lab: &Lab,
        through: &[&str],
        command: &[&str],
        settings: &[(&str, &str)],
    ) -> Result<(bool, String), Failed> {
        let log = lab.shop.cache.log("test-clean")?;
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut program = Program::new("building in the clean room", "setpriv", &log)
            .args("--pdeathsig=KILL unshare --pid --fork --kill-child".split(' '))
            .args(through)
            .args(["setsid", "--wait", "/usr/sbin/chroot"])
            .args([format!("--userspec={USER}:{USER}")])
            .args([&self.root])
            .args(["env", "--chdir=/startdir"])
            .args(command);
        let command = program.command();
        command.env_clear().envs([
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/bin"),
            ("HOME", "/build"),
            ("LANG", "C.UTF-8"),
            ("BUILDDIR", "/build"),
            ("SRCDEST", "/srcdest"),
            ("PKGDEST", "/pkgdest"),
            ("PKGEXT", ".pkg.tar.zst"),
            ("MAKEFLAGS", &format!("-j{jobs}")),
        ]);
        command.envs(settings.iter().copied());
        let status = program.wait(&lab.shop.progress)?;
        Ok((status.success(), fs::read_to_string(&log)?))
    }
}

fn the_kernel_builds_in_a_clean_room(lab: &Lab) -> Result<(), Failed> {
    let tree = &written(lab)?.trees[0];
    let room = Room::new(lab, tree)?;
    let mut settings = vec![("_config", "vm")];
    if let Some(tarball) = &lab.shop.tarball {
        tarball.place(&room.place.join("srcdest"))?;
        settings.push(("_release", &tarball.version));
    }
    let (prepared, said) = room.makepkg(lab, &[], &["--nobuild"], &settings)?;
    assert!(prepared, "{said}");
    says(
        &said,
        &["Prepared linux-rust-lts61-vm version", "Sources are ready."],
    );

    // What is not named is not there: the same room without bc.
    let script = r#"mount --bind /dev/null "$1"/usr/bin/bc; shift; exec "$@""#;
    let bc = room.root.display().to_string();
    let without = ["unshare", "--mount", "sh", "-euc", script, "sh", &bc];
    let (built, said) = room.makepkg(lab, &without, &["--noextract"], &settings)?;
    assert!(!built, "it does without bc");
    says(&said, &["bc: ", "A failure occurred in build()."]);

    let (built, said) = room.makepkg(lab, &NO_NETWORK, &["--noextract"], &settings)?;
    assert!(built, "{said}");

    // The vm configuration has no BTF. What makes it, for all others, is compiled with the newest C
    // library here alone.
    let btf = "make LLVM=1 -C /build/*/src/linux-*/tools/bpf/resolve_btfids";
    let (built, said) = room.run(lab, &NO_NETWORK, &["sh", "-euc", btf], &[])?;
    assert!(built, "{said}");
    let made = packages(&room.place.join("pkgdest"))?;
    let SourceInfo::V1(info) = SourceInfo::from_str(&fs::read_to_string(tree.join(".SRCINFO"))?)?;
    assert_eq!(made.len(), info.packages.len(), "{made:?}");
    let output = Command::new("bsdtar")
        .arg("-xOf")
        .arg(&made[0])
        .arg(".BUILDINFO")
        .output()?;
    says(
        &text(&output),
        &["builddir = /build", "startdir = /startdir"],
    );
    Ok(())
}
