// SPDX-License-Identifier: MIT OR Apache-2.0

//! A pacman repository of what was built, for machines that install it without building.
//!
//! Building needs the workshop's root; signing needs the user's own gpg, whose agent and smart cards
//! are out of reach from in there. So this program starts itself once more for the first part.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::{
        fs::{chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    error::{Context, Error, Result},
    files::repository,
    host::Site,
    package_files::{packages, packages_of},
    root,
    run::{Program, Progress, answer},
    series,
    workshop::Workshop,
};

/// The repository's name, and that of its database.
pub const NAME: &str = "linux-rust";

/// The public half of the key that signed it, beside the packages.
pub const PUBLIC_KEY: &str = "linux-rust.gpg";

/// Makes `target/repo`, signed where there is a key, and says how other machines use it.
pub fn run(series: Option<&str>, key: Option<&str>) -> Result<()> {
    let signer = key.map(Signer::of_caller).transpose()?;
    let directory = repository().join("target/repo");
    let new = directory.with_extension("new");

    let program = env::current_exe().context("find", "/proc/self/exe")?;
    let status = Command::new(&program)
        .args(["repo", "--unsigned"])
        .args(series)
        .status()
        .context("run", &program)?;
    if !status.success() {
        // It has said why.
        std::process::exit(status.code().unwrap_or(1));
    }
    if let Some(signer) = &signer {
        signer.sign(&new)?;
    }
    replace(&new, &directory)?;
    println!("{}", how_to_use(&directory, key.is_some()));
    Ok(())
}

/// The first part: builds what is not kept, into `target/repo.new`.
pub fn build(series: Option<&str>) -> Result<()> {
    let rows = series::chosen(series)?;
    let progress = Progress::default();
    let site = Site::open(root::enter(&progress)?, progress)?;
    let mut all = BTreeSet::new();
    for row in rows {
        all.extend(files(&Workshop::new(&site, row)?)?);
    }
    let new = repository().join("target/repo.new");
    collect(
        &Vec::from_iter(all),
        &new,
        &site.cache.log("repo")?,
        &progress,
    )
}

/// The packages that belong to a series, with those that belong to each.
pub fn files(shop: &Workshop) -> Result<Vec<PathBuf>> {
    packages_of([
        &shop.toolchain()?,
        &shop.kernel(1)?,
        &shop.dkms()?,
        &shop.package("keep-kernel")?,
    ])
}

/// Makes a directory with these packages and their database. It belongs to who called sudo.
pub fn collect(files: &[PathBuf], new: &Path, log: &Path, progress: &Progress) -> Result<()> {
    if new.exists() {
        fs::remove_dir_all(new).context("remove", new)?;
    }
    fs::create_dir_all(new).context("create", new)?;
    let mut names = Vec::new();
    for file in files {
        let name = file.file_name().unwrap_or_default();
        fs::copy(file, new.join(name)).context("copy", file)?;
        names.push(name);
    }
    progress.say(format!(
        "Making a repository of {} packages...",
        files.len()
    ));
    let mut program = Program::new("repo-add", "repo-add", log)
        .args(["--quiet", "--nocolor"])
        .args([format!("{NAME}.db.tar.gz")])
        .args(&names);
    program.command().current_dir(new);
    program.run(progress)?;
    if let Some(Caller { uid, gid, .. }) = caller() {
        let entries = fs::read_dir(new).context("read", new)?.flatten();
        for path in entries.map(|entry| entry.path()).chain([new.to_owned()]) {
            std::os::unix::fs::lchown(&path, Some(uid), Some(gid)).context("give away", &path)?;
        }
    }
    Ok(())
}

/// Puts one directory in the place of another, of which nothing is left.
fn replace(new: &Path, old: &Path) -> Result<()> {
    if old.exists() {
        fs::remove_dir_all(old).context("remove", old)?;
    }
    fs::rename(new, old).context("rename", new)
}

/// Who called sudo: the one who has the key.
struct Caller {
    uid: u32,
    gid: u32,
    home: String,
}

fn caller() -> Option<Caller> {
    let id = |name| env::var(name).ok()?.parse().ok();
    let user = env::var("SUDO_USER").ok()?;
    Some(Caller {
        uid: id("SUDO_UID")?,
        gid: id("SUDO_GID")?,
        home: answer("getent", ["passwd", &user])
            .split(':')
            .nth(5)?
            .to_owned(),
    })
}

/// A key of gpg's, and where it is.
pub struct Signer {
    key: String,
    user: Option<Caller>,
    home: Option<PathBuf>,
}

impl Signer {
    /// A key of who called sudo, or of who runs this.
    fn of_caller(key: &str) -> Result<Self> {
        Self {
            key: key.to_owned(),
            user: caller(),
            home: None,
        }
        .asked()
    }

    /// A key in a directory of gpg's.
    pub fn at(home: &Path, key: &str) -> Result<Self> {
        Self {
            key: key.to_owned(),
            user: None,
            home: Some(home.to_owned()),
        }
        .asked()
    }

    /// Asks gpg whether there is such a key, before anything is built.
    fn asked(self) -> Result<Self> {
        self.gpg(&["--batch", "--list-secret-keys", "--", &self.key])?;
        Ok(self)
    }

    /// Signs packages and databases in a directory, and lays the public key beside them.
    pub fn sign(&self, directory: &Path) -> Result<()> {
        let mut files = packages(directory)?;
        let databases = ["db", "files"];
        files.extend(databases.map(|kind| directory.join(format!("{NAME}.{kind}.tar.gz"))));
        for file in &files {
            let file = file.display().to_string();
            let signature = format!("{file}.sig");
            self.gpg(&[
                "--yes",
                "--no-armor",
                "--local-user",
                &self.key,
                "--output",
                &signature,
                "--detach-sign",
                "--",
                &file,
            ])?;
        }
        for kind in databases {
            let link = directory.join(format!("{NAME}.{kind}.sig"));
            symlink(format!("{NAME}.{kind}.tar.gz.sig"), &link).context("link", &link)?;
        }
        let public = self.gpg(&["--batch", "--armor", "--export", "--", &self.key])?;
        let path = directory.join(PUBLIC_KEY);
        fs::write(&path, public.stdout).context("write", &path)?;
        if let Some(Caller { uid, gid, .. }) = &self.user {
            chown(&path, Some(*uid), Some(*gid)).context("give away", &path)?;
        }
        Ok(())
    }

    /// gpg as who has the key: it may ask for a passphrase.
    fn gpg(&self, arguments: &[&str]) -> Result<Output> {
        let mut gpg = Command::new("gpg");
        gpg.args(arguments);
        if let Some(Caller { uid, gid, home }) = &self.user {
            gpg.uid(*uid).gid(*gid).env("HOME", home);
        }
        if let Some(home) = &self.home {
            gpg.env("GNUPGHOME", home);
        }
        let output = gpg.output().map_err(|source| Error::Spawn {
            program: "gpg".into(),
            source,
            path: env::var("PATH").unwrap_or_default(),
        })?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::State {
            what: format!("the key '{}' does not sign", self.key),
            note: said.lines().last().unwrap_or("gpg says nothing").to_owned(),
            help: "gpg --list-secret-keys".into(),
        })
    }
}

/// The lines of `pacman.conf` on a machine that installs from it.
pub fn pacman_conf(server: &str, signed: bool) -> String {
    let level = if signed {
        "Required"
    } else {
        "Optional TrustAll"
    };
    format!("[{NAME}]\nSigLevel = {level}\nServer = {server}\n")
}

/// What other machines need of it, and of the key.
fn how_to_use(directory: &Path, signed: bool) -> String {
    let mut text = format!(
        "Made {}. Serve it by any web server, and add to /etc/pacman.conf of other machines:\n\n{}",
        directory.display(),
        pacman_conf("http://SERVER/repo", signed)
    );
    if signed {
        text += &format!(
            "\nOnce on each of them, with {PUBLIC_KEY} from the same directory:\n\n\
             sudo pacman-key --add {PUBLIC_KEY}\nsudo pacman-key --lsign-key FINGERPRINT\n"
        );
    }
    text
}
