// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the kernel's sources come from: kernel.org, through makepkg; or a tarball of your own; or
//! Debian's `linux-source-*`, from which the tarball that makepkg expects is made.

use std::{
    env,
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    cache::{Cache, Key, file_hash},
    error::{Context, Error, Result},
    host::{BUILDER, Distribution, Site},
    root,
    run::{Program, Progress},
    series::{self, Series},
};

/// A kernel tarball in place of kernel.org's.
#[derive(Debug, Clone)]
pub struct Tarball {
    /// `linux-VERSION.tar.xz`, with `linux-VERSION/` inside. However it is compressed: bsdtar and tar
    /// go by what a file begins with.
    pub path: PathBuf,
    /// `6.1.192`
    pub version: String,
    /// In hexadecimal.
    pub sha256: String,
}

/// Nothing, where makepkg can get the sources itself; a tarball otherwise.
pub fn find(series: &str, site: &Site) -> Result<Option<Tarball>> {
    let Site {
        cache, progress, ..
    } = site;
    if let Some(path) = own(series)? {
        let sha256 = file_hash(&path)?;
        progress.say(format!("Kernel sources: {}", path.display()));
        // A copy, because it may lie where the builder may not go.
        let mut key = Key::default();
        key.text("own", &sha256);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let version = name.trim_start_matches("linux-");
        let version = version.split(".tar").next().unwrap_or(version).to_owned();
        let name = format!("linux-{version}.tar.xz");
        let kept = cache.keep("source", &key, 0, |directory| {
            fs::copy(&path, directory.join(&name))
                .map(drop)
                .context("copy", &path)
        })?;
        return Ok(Some(Tarball {
            path: kept.path.join(name),
            version,
            sha256,
        }));
    }
    if kernel_org_answers() {
        progress.say("Kernel sources: kernel.org, through makepkg");
        return Ok(None);
    }
    if site.distribution != Distribution::Debian {
        return Err(Error::NoSource {
            why: "this is not Debian, which has its own".into(),
        });
    }
    let tarball = from_debian(series, cache, progress)?;
    progress.say(format!(
        "Kernel sources: Debian's linux-source-{series}, as {} (kernel.org is not reachable; its \
         hash and signature cannot be checked)",
        tarball
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
    ));
    Ok(Some(tarball))
}

/// The tarball, from wherever it comes: where makepkg fetches it itself, this is what it fetched or
/// will find.
pub fn tarball(row: &Series, site: &Site) -> Result<PathBuf> {
    if let Some(tarball) = find(&row.name, site)? {
        return Ok(tarball.path);
    }
    let name = format!("linux-{}.tar.xz", row.release);
    let path = site.cache.directory("sources", BUILDER)?.join(&name);
    if !path.exists() {
        let major = row.release.split('.').next().unwrap_or_default();
        let part = path.with_extension("part");
        let log = site.cache.log("source")?;
        Program::new(format!("fetching {name}"), "curl", &log)
            .args("--fail --silent --show-error --location --output".split(' '))
            .args([&part])
            .args([format!(
                "https://cdn.kernel.org/pub/linux/kernel/v{major}.x/{name}"
            )])
            .run(&site.progress)?;
        fs::rename(&part, &path).context("rename", &part)?;
    }
    let sha256 = file_hash(&path)?;
    if row.sha256 != "SKIP" && row.sha256 != sha256 {
        return Err(Error::State {
            what: format!("{name} is not what linux-rust/series says"),
            note: format!("its sha256 is {sha256}, the row's is {}", row.sha256),
            help: format!("rm {}, and again; or fix the row", path.display()),
        });
    }
    Ok(path)
}

impl Tarball {
    /// Puts it where makepkg looks for its sources, under the name that it has for makepkg, with an
    /// empty file for the signature that Debian's has not.
    pub fn place(&self, srcdest: &Path) -> Result<()> {
        let name = format!("linux-{}.tar", self.version);
        let put = srcdest.join(format!("{name}.xz"));
        if put.symlink_metadata().is_ok() {
            fs::remove_file(&put).context("remove", &put)?;
        }
        if fs::hard_link(&self.path, &put).is_err() {
            fs::copy(&self.path, &put).context("copy", &self.path)?;
        }
        let signature = srcdest.join(format!("{name}.sign"));
        fs::write(&signature, "").context("write", &signature)
    }
}

/// Prints the path of each tarball.
pub fn print(series: Option<&str>) -> Result<()> {
    let rows = series::chosen(series)?;
    let progress = Progress::beside_an_answer();
    let site = Site::here(root::enter(&progress)?, progress)?;
    for row in rows {
        println!("{}", tarball(&row, &site)?.display());
    }
    Ok(())
}

/// `LINUX_RUST_TARBALL`, if it is of this series; the others go their usual way.
fn own(series: &str) -> Result<Option<PathBuf>> {
    let Some(path) = env::var_os("LINUX_RUST_TARBALL").map(PathBuf::from) else {
        return Ok(None);
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_of = |series: &str| name.starts_with(&format!("linux-{series}."));
    if !series::all()?.iter().any(|row| is_of(&row.name)) {
        return Err(Error::State {
            what: format!(
                "LINUX_RUST_TARBALL is of no series here: '{}'",
                path.display()
            ),
            note:
                "its name tells, which is linux-VERSION.tar.*; the series are in linux-rust/series"
                    .into(),
            help: format!("LINUX_RUST_TARBALL=/path/to/linux-{series}.y.tar.xz make vm"),
        });
    }
    Ok(is_of(series).then_some(path))
}

fn kernel_org_answers() -> bool {
    Command::new("curl")
        .args("--fail --silent --head --max-time 10 https://cdn.kernel.org/".split(' '))
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where apt looks: the machine's own suites, or those with the newest kernels, in lists of their own,
/// which installs nothing.
struct Apt {
    /// `APT_CONFIG`.
    config: Option<PathBuf>,
}

impl Apt {
    fn machine() -> Self {
        Self { config: None }
    }

    fn newest(cache: &Cache) -> Result<Self> {
        let directory = cache.directory("apt-newest", 0)?;
        for name in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(directory.join(name)).context("create", directory.join(name))?;
        }
        let write = |name: &str, text: String| {
            let path = directory.join(name);
            fs::write(&path, text)
                .context("write", &path)
                .map(|()| path)
        };
        // From where the machine has its own Debian from, if apt says.
        let mirror = Self::machine()
            .output(
                "apt-get",
                &["indextargets", "--format", "$(REPO_URI)", "Label: Debian"],
            )
            .lines()
            .next()
            .unwrap_or("http://deb.debian.org/debian/")
            .to_owned();
        let sources = write(
            "newest.sources",
            format!(
                "Types: deb\nURIs: {mirror}\nSuites: sid trixie-backports\nComponents: main\n\
                 Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
            ),
        )?;
        let config = write(
            "apt.conf",
            format!(
                "Dir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"/dev/null\";\n\
                 Dir::State::lists \"{1}/lists\";\nDir::Cache \"{1}/cache\";\n\
                 APT::Sandbox::User \"root\";\n",
                sources.display(),
                directory.display()
            ),
        )?;
        Ok(Self {
            config: Some(config),
        })
    }

    fn choose(&self, command: &mut Command) {
        if let Some(config) = &self.config {
            command.env("APT_CONFIG", config);
        }
    }

    fn output(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments).env("LC_ALL", "C");
        self.choose(&mut command);
        command.output().map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    fn candidate(&self, package: &str) -> Option<String> {
        self.output("apt-cache", &["policy", package])
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: ").map(str::to_owned))
            .filter(|version| version != "(none)")
    }

    fn update(&self, cache: &Cache, progress: &Progress) -> Result<()> {
        let mut update =
            Program::new("apt-get update", "apt-get", &cache.log("apt")?).args(["update"]);
        self.choose(update.command());
        update.run(progress)
    }

    /// A package's file, in a directory that has no other.
    fn download(
        &self,
        package: &str,
        directory: &Path,
        cache: &Cache,
        progress: &Progress,
    ) -> Result<PathBuf> {
        let log = cache.log("source")?;
        let mut fetch = Program::new(format!("fetching {package}"), "apt-get", &log)
            // As root: apt's own user may not write here.
            .args(["-o", "APT::Sandbox::User=root", "download"])
            .args([package])
            .help("apt-get update, and again");
        fetch.command().current_dir(directory);
        self.choose(fetch.command());
        fetch.run(progress)?;
        deb(directory).ok_or_else(|| Error::NoSource {
            why: format!("apt-get brought no {package}"),
        })
    }
}

fn deb(directory: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(directory).ok()?.flatten();
    files
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
}

/// The newest that Debian has of a package, which is not installed: its file, kept.
pub fn newest_package(package: &str, cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    let mut key = Key::default();
    key.text("package", package);
    let kept = cache.keep("debian", &key, 0, |directory| {
        let apt = Apt::newest(cache)?;
        apt.update(cache, progress)?;
        apt.download(package, directory, cache, progress).map(drop)
    })?;
    deb(&kept.path).ok_or_else(|| Error::NoSource {
        why: format!("{} has no package", kept.path.display()),
    })
}

fn from_debian(series: &str, cache: &Cache, progress: &Progress) -> Result<Tarball> {
    let package = format!("linux-source-{series}");
    let candidate = |apt: &Apt| apt.candidate(&package);
    let machine = Apt::machine();
    // The lists may be of yesterday, or not there at all; and the newest series are in these two alone.
    let found = candidate(&machine).map(|version| (machine, version));
    let found = match found {
        Some(found) => Some(found),
        None => {
            let newest = Apt::newest(cache)?;
            [Apt::machine(), newest].into_iter().find_map(|apt| {
                apt.update(cache, progress).ok()?;
                let version = candidate(&apt)?;
                Some((apt, version))
            })
        }
    };
    let (apt, version) = found.ok_or_else(|| Error::NoSource {
        why: format!(
            "no suite that apt knows has {package}, nor have Debian's sid and trixie-backports"
        ),
    })?;
    // 6.1.192-2 and 6.12.117-1~deb12u1 are what Debian calls its 6.1.192 and 6.12.117.
    let upstream = version.split('-').next().unwrap_or(&version).to_owned();

    let mut key = Key::default();
    key.text("package", &package)
        .text("version", &version)
        .text("form", "2");
    let kept = cache.keep("source", &key, 0, |directory| {
        progress.say(format!("Fetching {package} {version}..."));
        let versioned = format!("{package}={version}");
        let deb = apt.download(&versioned, directory, cache, progress)?;
        progress.say(format!("Making linux-{upstream}.tar.xz of it..."));
        rename_tree(&deb, &package, &upstream, directory)?;
        fs::remove_file(&deb).context("remove", &deb)
    })?;
    let path = kept.path.join(format!("linux-{upstream}.tar.xz"));
    let sha256 = file_hash(&path)?;
    let noted = fs::read_to_string(kept.path.join("sha256")).unwrap_or_default();
    if sha256 != noted.trim() {
        return Err(Error::State {
            what: format!("'{}' is damaged", path.display()),
            note: format!("its sha256 is {sha256}, it was made with {}", noted.trim()),
            help: format!("rm -r {}", kept.path.display()),
        });
    }
    Ok(Tarball {
        path,
        version: upstream,
        sha256,
    })
}

/// The command that prints an .xz file of a Debian package, unpacked.
pub fn file_of_package(deb: &Path, inner: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            r#"dpkg-deb --fsys-tarfile "$1" | tar -xO "$2" | xz -dcT0"#,
            "sh",
        ])
        .arg(deb)
        .arg(inner);
    command
}

/// Writes Debian's tarball anew with `linux-VERSION/` for its own top directory.
fn rename_tree(deb: &Path, package: &str, version: &str, directory: &Path) -> Result<()> {
    let inner = format!("./usr/src/{package}.tar.xz");
    let mut unpack = file_of_package(deb, &inner)
        .stdout(Stdio::piped())
        .spawn()
        .context("unpack", deb)?;
    let path = directory.join(format!("linux-{version}.tar.xz"));
    let mut pack = Command::new("zstd")
        .args(["--quiet", "-T0", "-1"])
        .stdin(Stdio::piped())
        .stdout(File::create(&path).context("create", &path)?)
        .spawn()
        .context("pack", &path)?;

    let mut copy = || -> io::Result<()> {
        let (from, to) = (
            unpack.stdout.take().expect("piped"),
            pack.stdin.take().expect("piped"),
        );
        let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, from));
        let mut builder = tar::Builder::new(to);
        let top = format!("linux-{version}");
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path: PathBuf =
                Path::new(&top).join(entry.path()?.components().skip(1).collect::<PathBuf>());
            let mut header = entry.header().clone();
            match entry.link_name()? {
                Some(target) => builder.append_link(&mut header, path, target)?,
                None => builder.append_data(&mut header, path, &mut entry)?,
            }
        }
        builder.into_inner()?;
        // What pads the archive is read as well: xz would fail on a closed pipe.
        io::copy(&mut archive.into_inner(), &mut io::sink()).map(drop)
    };
    let copied = copy();
    let unpacked = unpack.wait().context("unpack", deb)?;
    let packed = pack.wait().context("pack", &path)?;
    copied.context("rewrite", deb)?;
    if !unpacked.success() || !packed.success() {
        return Err(Error::NoSource {
            why: format!("{inner} could not be read out of {}", deb.display()),
        });
    }
    let sha256 = file_hash(&path)?;
    fs::write(directory.join("sha256"), sha256).context("write", directory.join("sha256"))
}
