// SPDX-License-Identifier: MIT OR Apache-2.0

//! `makepkg -s` beside Arch's `rust`, and beside `rustup`, which exclude each other. Both are played by
//! empty packages that provide and conflict with what Arch's do.

use std::{fs, os::unix::fs::chown};

use libtest_mimic::Failed;
use vm::{host::BUILDER, machine::Machine};

use crate::{Shop, Test, copy_own, runs, says, text};

pub const TESTS: &[(&str, Test)] = &[("makepkg_s_removes_neither_rust_nor_rustup", keeps_rust)];

/// The packages that give a cargo, with what they exclude.
const RUSTS: [(&str, &str, &str); 2] = [
    ("rust", "cargo rustfmt", "cargo rustfmt"),
    ("rustup", "cargo rust rustfmt", "cargo rust rustfmt"),
];

/// Arch's two packages, and this project's compiler, in a repository of the machine's.
fn repository_with_both(shop: &Shop, machine: &Machine) -> Result<(), Failed> {
    let mut all = Vec::new();
    for (name, provides, conflicts) in RUSTS.into_iter().chain([("rust162", "", "")]) {
        let version = if name == "rust162" { "1.62.0" } else { "1" };
        let pkgbuild = format!(
            "pkgname={name} pkgver={version} pkgrel=1 arch=(any)\n\
             provides=({provides}) conflicts=({conflicts})\npackage() {{ :; }}\n"
        );
        all.extend(shop.package(&format!("played-{name}"), &pkgbuild)?);
    }
    fs::create_dir_all(machine.path("/srv/repo"))?;
    for package in &all {
        let name = package.file_name().unwrap_or_default();
        fs::copy(package, machine.path("/srv/repo").join(name))?;
    }
    machine.write(
        "/etc/pacman.conf",
        "[options]\nArchitecture = auto\nSigLevel = Never\n[played]\nServer = file:///srv/repo\n",
    )?;
    runs(
        machine,
        true,
        "cd /srv/repo; repo-add -q played.db.tar.gz *.pkg.tar.zst; pacman -Sy",
    );
    machine.let_users_sudo()?;
    Ok(())
}

/// A package's directory whose build ends behind its dependencies. Everything that it needs but a
/// cargo and this project's compiler is there.
fn put_package(machine: &Machine, name: &str) -> Result<(), Failed> {
    let to = machine.path("/home/build").join(name);
    copy_own(name, &to)?;
    let pkgbuild = to.join("PKGBUILD");
    let rest = r#"
source=() sha256sums=()
prepare() { :; }
_all=("${makedepends[@]}" "${depends[@]}")
if [[ ${_list-} ]]; then
  printf '%s\n' "${_all[@]}" | grep -vE '^(cargo|rust[0-9]+=)' >"$_list"
  exit
fi
"#;
    let text = fs::read_to_string(&pkgbuild)?;
    fs::write(&pkgbuild, format!("{text}{rest}"))?;
    for path in vm::files::files(&to).chain([to.clone(), machine.path("/home/build")]) {
        chown(path, Some(BUILDER), Some(BUILDER))?;
    }
    runs(
        machine,
        true,
        &format!(
            "cd /home/build/{name}; touch /tmp/list; chmod 666 /tmp/list\n\
             setpriv --reuid={BUILDER} --regid={BUILDER} --clear-groups env _list=/tmp/list makepkg --printsrcinfo || :"
        ),
    );
    let others = fs::read_to_string(machine.path("/tmp/list"))?;
    says(&others, &["clang"]);
    machine.claim_installed(
        &format!("others-of-{name}"),
        "1-1",
        &format!("\n%PROVIDES%\n{others}\n"),
    )?;
    Ok(())
}

fn keeps_rust(shop: &Shop) -> Result<(), Failed> {
    for (installed, _, _) in RUSTS {
        let machine = Machine::new(&shop.cache)?;
        repository_with_both(shop, &machine)?;
        runs(
            &machine,
            true,
            &format!("pacman -S --noconfirm {installed}"),
        );
        for name in ["rust-toolchain", "linux-rust"] {
            put_package(&machine, name)?;
            let makepkg =
                format!("cd /home/build/{name}; HOME=$PWD makepkg -s --noconfirm --nobuild");
            let output = machine.as_user(&makepkg)?;
            assert!(
                output.status.success(),
                "{installed}, {name}: {}",
                text(&output)
            );
        }
        let is_there = runs(&machine, true, "pacman -Qq");
        for (name, _, _) in RUSTS {
            let there = is_there.lines().any(|line| line == name);
            assert_eq!(there, name == installed, "{is_there}");
        }
        says(&is_there, &["rust162"]);

        // What asks for the other one is refused, which is how a makedepends on it would end.
        if installed == "rust" {
            let output = machine.as_user(
                "cd /home/build/rust-toolchain; echo 'makedepends=(rustup)' >>PKGBUILD\n\
                 HOME=$PWD makepkg -s --noconfirm --nobuild",
            )?;
            assert!(!output.status.success(), "{}", text(&output));
            says(&text(&output), &["rustup", "conflict"]);
        }
    }
    Ok(())
}
