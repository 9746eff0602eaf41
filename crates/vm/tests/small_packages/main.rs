// SPDX-License-Identifier: MIT OR Apache-2.0

//! keep-kernel's hooks and the repository, by the real makepkg, pacman, dkms and gpg, with kernels of
//! a few small files. mkinitcpio is played by hooks of its numbers: Debian does not have it.
//!
//! `make test` runs them, as root; elsewhere all are ignored.

mod hooks;
mod makedepends;
mod repo;
mod served;

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{ExitCode, Output},
    sync::Arc,
};

use libtest_mimic::{Arguments, Failed, Trial, run};
use vm::{
    Result,
    cache::Cache,
    error::Context,
    files::repository,
    host::{BUILDER, Site},
    machine::Machine,
    makepkg::PACKAGER,
    package_files::packages,
    root,
    run::{Program, Progress},
};

/// What all tests share.
struct Shop {
    cache: Arc<Cache>,
    progress: Progress,
}

impl Shop {
    fn open() -> Result<Self> {
        let progress = Progress::default();
        let cache = Site::open(root::enter(&progress)?, progress)?.cache;
        let old = cache.path("small");
        if old.exists() {
            fs::remove_dir_all(&old).context("remove", &old)?;
        }
        Ok(Self { cache, progress })
    }

    /// Runs makepkg in a directory that has a PKGBUILD, as a user.
    fn makepkg(&self, start: PathBuf) -> Result<Vec<PathBuf>> {
        let log = self.cache.log("small-makepkg")?;
        for file in vm::files::files(&start).chain([start.clone()]) {
            chown(&file, Some(BUILDER), Some(BUILDER)).context("give away", &file)?;
        }
        let mut program = Program::new("makepkg", "setpriv", &log).args([
            &format!("--reuid={BUILDER}"),
            &format!("--regid={BUILDER}"),
            "--clear-groups",
            "makepkg",
            "--nodeps",
            "--force",
        ]);
        program
            .command()
            .current_dir(&start)
            .env("HOME", &start)
            .env("PKGEXT", ".pkg.tar.zst")
            .env("PKGDEST", &start)
            .env("PACKAGER", PACKAGER);
        program.run(&self.progress)?;
        packages(&start)
    }

    /// The packages that a PKGBUILD makes, once in a run.
    fn package(&self, name: &str, pkgbuild: &str) -> Result<Vec<PathBuf>> {
        let start = self.cache.path("small").join(name);
        if start.exists() {
            return packages(&start);
        }
        fs::create_dir_all(&start).context("create", &start)?;
        fs::write(start.join("PKGBUILD"), pkgbuild).context("write", &start)?;
        self.makepkg(start)
    }

    /// The package of a directory of this repository.
    fn own(&self, name: &str) -> Result<Vec<PathBuf>> {
        let start = self.cache.path("small").join(name);
        if start.exists() {
            return packages(&start);
        }
        copy_own(name, &start)?;
        self.makepkg(start)
    }

    /// A kernel package, its headers, and what wants exactly these headers.
    fn kernel(&self, pkgbase: &str, version: &str) -> Result<Vec<PathBuf>> {
        self.package(
            &format!("{pkgbase}-{version}"),
            &format!(
                r#"
pkgbase={pkgbase} pkgname=({pkgbase} {pkgbase}-headers {pkgbase}-src) pkgver={version} pkgrel=1 arch=(any) options=(!strip !debug)
tree=usr/lib/modules/6.1.$pkgver-$pkgbase
package_{pkgbase}() {{
  mkdir -p "$pkgdir/$tree/kernel"
  cd "$pkgdir/$tree"
  echo "image of $pkgver" >vmlinuz
  echo "$pkgbase" >pkgbase
  touch modules.{{order,builtin}}
}}
package_{pkgbase}-headers() {{
  mkdir -p "$pkgdir/$tree/build/include"
  cd "$pkgdir/$tree/build"
  touch Makefile .config include/config.h
}}
package_{pkgbase}-src() {{
  depends=({pkgbase}-headers=$pkgver-$pkgrel)
  install -D /dev/null "$pkgdir/$tree/build/rust/kernel/lib.rs"
}}
"#
            ),
        )
    }

    /// A DKMS package whose module does not build for some releases.
    fn dkms(&self, version: &str, not_for: &str) -> Result<Vec<PathBuf>> {
        self.package(
            &format!("small-dkms-{version}"),
            &format!(
                r#"
pkgname=small-dkms pkgver={version} pkgrel=1 arch=(any) options=(!strip !debug)
package() {{
  mkdir -p "$pkgdir/usr/src/small-$pkgver"
  cd "$pkgdir/usr/src/small-$pkgver"
  echo "int small;" >small.c
  cat >dkms.conf <<END
PACKAGE_NAME="small"
PACKAGE_VERSION="$pkgver"
BUILT_MODULE_NAME[0]="small"
DEST_MODULE_LOCATION[0]="/updates/dkms"
STRIP[0]="no"
MAKE[0]="case \$kernelver in {not_for}) false ;; *) gcc -c small.c -o small.ko ;; esac"
CLEAN="true"
AUTOINSTALL="yes"
END
}}
"#
            ),
        )
    }

    fn pacman(&self, machine: &Machine, files: &[PathBuf]) -> Result<String> {
        let log = self.cache.log("small-pacman")?;
        machine.pacman_upgrade(files, &log, &self.progress)?;
        Ok(fs::read_to_string(&log).unwrap_or_default())
    }
}

/// Copies the files of a directory of this repository.
fn copy_own(name: &str, to: &Path) -> Result<()> {
    fs::create_dir_all(to).context("create", to)?;
    for file in vm::files::files(&repository().join(name)) {
        fs::copy(&file, to.join(file.file_name().unwrap_or_default())).context("copy", &file)?;
    }
    Ok(())
}

/// A test.
type Test = fn(&Shop) -> std::result::Result<(), Failed>;

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs a script in a machine, and returns what it said if it was as expected.
#[track_caller]
fn runs(machine: &Machine, good: bool, script: &str) -> String {
    let output = machine.sh(script).output().expect("sh");
    let said = text(&output);
    assert_eq!(output.status.success(), good, "{script}:\n{said}");
    said
}

#[track_caller]
fn says(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted}\nin:\n{text}");
    }
}

/// Writes an executable file into a machine.
fn script(machine: &Machine, path: &str, text: &str) -> Result<()> {
    machine.write(path, text)?;
    let path = machine.path(path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).context("change", &path)
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(1);
    let wanted = env::var_os("LINUX_RUST_TEST").is_some();
    let shop = if arguments.list || !wanted {
        arguments.include_ignored &= wanted;
        arguments.ignored &= wanted;
        None
    } else {
        match Shop::open() {
            Ok(shop) => Some(Arc::new(shop)),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        }
    };
    let tests = hooks::TESTS
        .iter()
        .chain(makedepends::TESTS)
        .chain(repo::TESTS);
    let trials = tests.map(|&(name, test)| {
        let shop = shop.clone();
        let trial = Trial::test(name, move || test(&shop.expect("not only listed")));
        trial.with_ignored_flag(!wanted)
    });
    run(&arguments, trials.collect()).exit_code()
}
