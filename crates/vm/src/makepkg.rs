// SPDX-License-Identifier: MIT OR Apache-2.0

//! The real makepkg, as an unprivileged user, and the trees that it builds in.

use std::{
    env,
    fs::{self, File},
    os::unix::fs::{OpenOptionsExt, chown},
    path::{Path, PathBuf},
};

use crate::{
    cache::{Cache, Key, file_hash},
    error::{Context, Error, Result},
    host::BUILDER,
    mounts::bind,
    run::{ENDS_WITH_US, Program, Progress, answer},
    source::Tarball,
    workshop::Workshop,
};

/// What the packages and everything in them are dated: a build today and one tomorrow are the same.
const SOURCE_DATE_EPOCH: &str = "1735689600";

/// Who makes packages on the test machine. makepkg's own "Unknown Packager" has no address, and Arch's
/// reader of packages refuses it.
pub const PACKAGER: &str = "The linux-rust test machine <packager@linux-rust.example>";

/// One call of makepkg.
#[derive(Debug)]
pub struct Makepkg<'a> {
    workshop: &'a Workshop,
    /// The directory of the PKGBUILD.
    pub start: PathBuf,
    /// BUILDDIR.
    pub builddir: PathBuf,
    /// PKGDEST.
    pub pkgdest: PathBuf,
    /// Sources that are downloaded, or put there before.
    pub srcdest: PathBuf,
    /// Directories of programs that go before all others.
    pub path: Vec<PathBuf>,
    /// Who runs it; its directories are given to them.
    pub user: u32,
    /// What it is run through, as root: `unshare --net`.
    pub through: Vec<String>,
    /// Whether signatures are checked: their keys are not on every machine, and Debian's sources
    /// have none.
    pub signatures: bool,
    /// The kernel's sources, where makepkg is not to fetch them.
    pub tarball: Option<Tarball>,
    settings: Vec<(String, String)>,
}

impl<'a> Makepkg<'a> {
    /// In the workshop's directories, with its kernel sources and its way to rustc.
    pub fn new(workshop: &'a Workshop, start: PathBuf) -> Self {
        let cache = &workshop.cache;
        Self {
            workshop,
            start,
            builddir: cache.path("build"),
            pkgdest: cache.path("packages"),
            srcdest: cache.path("sources"),
            path: workshop.llvm.iter().cloned().collect(),
            user: BUILDER,
            through: Vec::new(),
            signatures: false,
            tarball: workshop.tarball.clone(),
            settings: Vec::new(),
        }
    }

    /// Where makepkg unpacks and builds, `$srcdir`.
    pub fn src(&self) -> PathBuf {
        let config = self.settings.iter().find(|(key, _)| key == "_config");
        let config = config.map_or("arch", |(_, value)| value);
        self.builddir
            .join(self.workshop.series.pkgbase_with(config))
            .join("src")
    }

    /// The kernel's tree there.
    pub fn tree(&self) -> Result<PathBuf> {
        let src = self.src();
        let entries = fs::read_dir(&src).context("read", &src)?.flatten();
        let mut paths = entries.map(|entry| entry.path());
        let tree = paths.find(|path| path.join("Kbuild").exists());
        tree.ok_or_else(|| Error::State {
            what: "the kernel's sources are not unpacked".into(),
            note: format!("no Kbuild is below {}", src.display()),
            help: format!("ls {}", src.display()),
        })
    }

    /// Sets an option of the PKGBUILD, or any variable.
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        self.unset(key);
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Takes a setting back.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        self.settings.retain(|(name, _)| name != key);
        self
    }

    /// The content that the packages are made from: what lies beside the PKGBUILD, the options,
    /// the tarball by its hash, and the compilers by what they say of themselves.
    pub fn key(&self) -> Result<Key> {
        let mut key = Key::default();
        key.directory(&self.start)?;
        for (name, value) in &self.settings {
            match &**name {
                "_signing_key" => {
                    key.text(name, &file_hash(Path::new(value))?);
                }
                _ => {
                    key.text(name, value);
                }
            }
        }
        for program in ["clang", "ld.lld", "makepkg", "pahole"] {
            let program = match program {
                "clang" | "ld.lld" => self.workshop.llvm_program(program),
                _ => program.to_owned(),
            };
            key.text(&program, &answer(&program, ["--version"]));
        }
        if let Some(Tarball { sha256, .. }) = &self.tarball {
            key.text("tarball", sha256);
        }
        key.text("date", SOURCE_DATE_EPOCH);
        key.text("packager", PACKAGER);
        Ok(key)
    }

    /// Runs it. The log is named after the PKGBUILD's directory.
    pub fn run(&self, what: &str, options: &[&str]) -> Result<()> {
        let log = self.workshop.cache.log(&self.log_name())?;
        self.program(what, &log, options)?
            .run(&self.workshop.progress)
    }

    /// What its log is called: as the PKGBUILD's directory.
    pub fn log_name(&self) -> String {
        let name = self.start.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The PKGBUILD's own call of make, with the same flags, in a tree that was prepared in `src`.
    pub fn make(&self, what: &str, log: &Path, src: &Path, target: &str) -> Result<Program> {
        let mut makepkg = self.program(what, log, &[])?;
        let command = makepkg.command();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let environment: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        // Everything before it makes the process the builder's.
        let before = arguments.iter().position(|argument| argument == "makepkg");
        let script = "error() { printf >&2 \"$@\"; }; plainerr() { error \"$@\"; }; \
                      startdir=$PWD; source ./PKGBUILD; srcdir=$1; CARCH=x86_64; cd \"$1/$_srcname\" && _make \"$2\"";
        let mut make = Program::new(what, "setpriv", log)
            .args(&arguments[..before.unwrap_or(arguments.len())])
            .args(["bash", "-euc", script, "bash"])
            .args([src])
            .args([target]);
        make.command()
            .env_clear()
            .envs(environment)
            .current_dir(&self.start);
        Ok(make)
    }

    /// The call, ready to be run: as the user, with nothing of this environment, and so that it
    /// and all that it started end with this program, however that ends. (Twice `--pdeathsig`:
    /// changing the user clears it.)
    pub fn program(&self, what: &str, log: &Path, options: &[&str]) -> Result<Program> {
        let cache = &self.workshop.cache;
        let user = self.user;
        let home = cache.directory(
            if user == BUILDER {
                "home"
            } else {
                "home-of-another"
            },
            user,
        )?;
        for directory in [&self.builddir, &self.pkgdest, &self.srcdest] {
            fs::create_dir_all(directory).context("create", directory)?;
            chown(directory, Some(user), Some(user)).context("give away", directory)?;
        }
        if let Some(tarball) = &self.tarball {
            tarball.place(&self.srcdest)?;
        }
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut program = Program::new(what, ENDS_WITH_US[0], log)
            .args(&ENDS_WITH_US[1..])
            .args(&self.through)
            .args(["setpriv", "--clear-groups", "--pdeathsig=KILL"])
            .args([format!("--reuid={user}"), format!("--regid={user}")])
            // The database of Debian's pacman is empty: dependencies are `host::NEEDED`.
            .args(["makepkg", "--nodeps", "--nocolor", "--noconfirm"])
            .args((!self.signatures).then_some("--skippgpcheck"))
            .args(options);
        let command = program.command();
        command.current_dir(&self.start).env_clear().envs([
            (
                "PATH",
                self.path
                    .iter()
                    .map(|directory| directory.display().to_string())
                    .chain(["/usr/local/bin:/usr/bin:/bin".to_owned()])
                    .collect::<Vec<_>>()
                    .join(":"),
            ),
            ("HOME", home.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("BUILDDIR", self.builddir.display().to_string()),
            ("PKGDEST", self.pkgdest.display().to_string()),
            ("SRCDEST", self.srcdest.display().to_string()),
            ("PKGEXT", ".pkg.tar.zst".to_owned()),
            ("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH.to_owned()),
            ("PACKAGER", PACKAGER.to_owned()),
            ("MAKEFLAGS", format!("-j{jobs}")),
        ]);
        // Another point release than the row's has no hash there.
        if let Some(tarball) = &self.tarball {
            command.env("_release", &tarball.version);
        }
        // Where cargo fetches from, and through what, is the machine's to say.
        for (name, value) in env::vars_os() {
            let known = name.to_string_lossy();
            if known.to_lowercase().ends_with("_proxy") || known.starts_with("SSL_CERT_") {
                command.env(name, value);
            }
        }
        command.envs(self.settings.iter().cloned());
        Ok(program)
    }
}

/// Makes a toolchain's `bin`, which may be root's, visible to the builder, by a mount that ends with
/// this process.
pub fn lend(directory: &Path, cache: &Cache) -> Result<PathBuf> {
    let toolchain = directory.parent().unwrap_or(directory);
    let place = cache.directory("toolchain", 0)?;
    if !place.join("bin").exists() {
        bind(toolchain, &place)?;
    }
    Ok(place.join("bin"))
}

/// Makes a key for signing modules and its certificate, in one file that is its owner's alone.
pub fn make_signing_key(to: &Path, name: &str, cache: &Cache) -> Result<()> {
    // openssl leaves the mode of a file that is there.
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(to).context("create", to)?;
    Program::new("making a key", "openssl", &cache.log("signing-key")?)
        .args([
            "req", "-new", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "36500",
        ])
        .args(["-subj", &format!("/{name}/")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "keyUsage=digitalSignature"])
        .args([Path::new("-keyout"), to, Path::new("-out"), to])
        .run(&Progress::default())
}

/// A build tree that is built on only if its last build was of the same inputs, and came to its end.
pub struct Tree {
    mark: PathBuf,
    inputs: String,
    /// Whether it can be built on.
    pub usable: bool,
}

impl Tree {
    /// Takes a tree for a build of these inputs, and empties it where it is of others.
    pub fn claim(builddir: &Path, inputs: &Key) -> Result<Self> {
        let mark = builddir.join(".tree");
        let inputs = inputs.to_string();
        let usable = fs::read_to_string(&mark).is_ok_and(|text| text == inputs);
        // Whoever is killed from here on leaves a tree that is not trusted.
        if mark.exists() {
            fs::remove_file(&mark).context("remove", &mark)?;
        }
        if !usable {
            for entry in fs::read_dir(builddir.join("src"))
                .into_iter()
                .flatten()
                .flatten()
            {
                if entry.file_name().to_string_lossy().starts_with("linux-") {
                    let remove = if entry.path().is_dir() && !entry.path().is_symlink() {
                        fs::remove_dir_all(entry.path())
                    } else {
                        fs::remove_file(entry.path())
                    };
                    remove.context("remove", entry.path())?;
                }
            }
        }
        Ok(Self {
            mark,
            inputs,
            usable,
        })
    }

    /// Says that the build came to its end.
    pub fn complete(self) -> Result<()> {
        fs::write(&self.mark, &self.inputs).context("write", &self.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        let mut key = Key::default();
        key.text("text", text);
        key
    }

    #[test]
    fn a_tree_is_built_on_only_after_a_whole_build_of_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (build, tree) = (directory.path(), directory.path().join("src/linux-6.1.1"));
        let claim = |text| Tree::claim(build, &key(text)).unwrap();
        let built = || {
            fs::create_dir_all(&tree).unwrap();
        };

        assert!(!claim("a").usable);
        built();
        // That build was killed: nothing was completed.
        assert!(!claim("a").usable);
        assert!(!tree.exists());

        let claimed = claim("a");
        built();
        claimed.complete().unwrap();
        assert!(claim("a").usable);
        assert!(tree.exists());
        // Claimed once and not completed.
        assert!(!claim("a").usable);

        let claimed = claim("a");
        built();
        claimed.complete().unwrap();
        assert!(!claim("b").usable, "other inputs");
        assert!(!tree.exists());
    }
}
