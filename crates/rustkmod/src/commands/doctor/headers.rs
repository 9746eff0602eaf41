// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel tree itself: is it there, is it this kernel's, is it ready to build modules.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use kernel_files::file;

use super::subject::Subject;
use crate::command::Command;
use crate::install;
use crate::report::Finding;
use kernel_tree::kdir;
use kernel_tree::system::{self, Distribution};

/// Looks for the top Makefile and the configuration of the tree that
/// `/lib/modules/RELEASE/build` leads to (`Documentation/kbuild/modules.rst`).
pub fn headers(subject: &Subject) -> Vec<Finding> {
    let check = "headers";
    let tree = subject.tree();
    let release = subject.release_name();
    if !subject.kdir.path.is_dir() {
        let message = format!("there are no headers for {release}");
        let why = match subject.kdir.path.symlink_metadata() {
            Ok(_) => format!("{tree} is a link that leads nowhere, or is not a directory"),
            Err(error) if error.kind() == ErrorKind::NotFound => format!("{tree} is not there"),
            Err(error) => format!("{tree} cannot be looked at: {error}"),
        };
        return vec![install_them(
            subject,
            Finding::error(check, tree, message).note(why),
        )];
    }
    let in_tree = |name| subject.kdir.path.join(name);
    let unreadable = [
        in_tree("Makefile"),
        in_tree("include/config/auto.conf"),
        // Without the former it is .config.
        subject.kdir.config_path.clone(),
    ]
    .iter()
    .find_map(|path| subject.may_not_read(check, path));
    if let Some(finding) = unreadable {
        return vec![finding];
    }
    let makefile = match &subject.kdir.makefile {
        Ok(makefile) => makefile,
        Err(why) => {
            let message = "this directory is not a kernel tree";
            let finding = Finding::error(check, tree, message).note(why);
            return vec![install_them(subject, finding)];
        }
    };
    if let Some(missing) = &makefile.missing {
        let message = "the Makefile of these headers includes one that is not there";
        let finding = Finding::error(check, subject.shown("Makefile"), message)
            .note(format!("it includes {missing}"));
        return vec![match of_debian(subject, Path::new(missing)) {
            Some(command) => finding.run("install the package that has it", command),
            None => install_them(subject, finding),
        }];
    }
    if makefile.series.is_none() {
        let message = "the Makefile of this tree is damaged, or is not a kernel's";
        let finding = Finding::error(check, subject.shown("Makefile"), message)
            .note("it has no VERSION and PATCHLEVEL, and includes no Makefile that has them");
        return vec![subject.reinstall(finding)];
    }
    if let Some(why) = &subject.kdir.config_error {
        let message = "this kernel tree is not configured";
        let finding = Finding::error(check, tree, message).note(format!(
            "neither include/config/auto.conf nor .config can be used: {why}"
        ));
        return vec![match subject.is_source() {
            true => configure(subject, finding),
            false => subject.reinstall(finding),
        }];
    }
    let prepared = [
        "include/generated/autoconf.h",
        "include/generated/utsrelease.h",
        "include/config/auto.conf",
    ];
    if let Some(missing) = prepared
        .iter()
        .find(|name| !subject.kdir.path.join(name).exists())
    {
        let message = "this kernel tree is not prepared for building modules";
        let finding = Finding::error(check, &tree, message).note(format!("{missing} is missing"));
        return vec![match subject.is_source() {
            true => finding.run("prepare it", subject.make().shell("modules_prepare")),
            false => subject.reinstall(finding),
        }];
    }
    let series = subject
        .kdir
        .series()
        .map(|(v, p)| format!(", series {v}.{p}"));
    vec![Finding::ok(
        check,
        &tree,
        format!("{tree} is a kernel tree{}", series.unwrap_or_default()),
    )]
}

/// The command that installs the package of a file of Debian's headers: they are in three packages,
/// each with a directory of its name.
fn of_debian(subject: &Subject, path: &Path) -> Option<Command> {
    let is_package = |name: &&OsStr| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"linux-headers-") || name.starts_with(b"linux-kbuild-")
    };
    let package = path.iter().find(is_package)?;
    (subject.distribution() == Distribution::Debian)
        .then(|| Command::new("sudo apt install --reinstall").arg(package))
}

/// Adds how a source tree is configured: as the running kernel is, where that can be told.
fn configure(subject: &Subject, finding: Finding) -> Finding {
    let system = &subject.system;
    let own = subject.shown(".config");
    let like_the_running_one = "configure it as the running kernel is";
    if system.at("/proc/config.gz").exists() {
        return finding.run(
            like_the_running_one,
            Command::new("zcat /proc/config.gz | cp --backup=numbered /dev/stdin")
                .arg(own)
                .then(&subject.make().shell("olddefconfig")),
        );
    }
    let release = system.running_release().unwrap_or_default();
    let places = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
        format!("/lib/modules/{release}/build/.config"),
    ];
    match places.iter().find(|place| system.at(place).is_file()) {
        Some(place) => finding.run(
            like_the_running_one,
            Command::new("cp --backup=numbered")
                .arg(place)
                .arg(own)
                .then(&subject.make().shell("olddefconfig")),
        ),
        None => finding.run(
            "configure it as its architecture is by default",
            subject.make().shell("defconfig"),
        ),
    }
}

fn install_them(subject: &Subject, finding: Finding) -> Finding {
    let Some(release) = &subject.release else {
        return finding.run("name a kernel tree", "rustkmod doctor --kdir DIR");
    };
    if let Some(installed) = install::upgraded(&subject.system, release) {
        let build = format!("/lib/modules/{installed}/build");
        return finding
            .note(format!(
                "an upgrade took {release} away while it runs; installed is {installed}"
            ))
            .advise(format!("reboot, to run {installed}"))
            .run(
                "or build for that one now",
                Command::new("make -C")
                    .arg(build)
                    .shell("M=\"$PWD\" modules"),
            );
    }
    let modules = kdir::modules_directory(&subject.system, release);
    match install::headers(&subject.system, &modules, release) {
        Some(command) => finding.run("install them", command),
        None => finding.advise(install::NO_PACKAGE),
    }
}

/// Compares `UTS_RELEASE` in `include/generated/utsrelease.h`, which modules get as their vermagic,
/// with the release that was asked for.
pub fn release(subject: &Subject) -> Vec<Finding> {
    let check = "headers-release";
    let file = subject.shown("include/generated/utsrelease.h");
    let Some(found) = &subject.kdir.release else {
        return vec![
            Finding::error(check, &file, "the tree does not say which kernel it is of")
                .note("include/generated/utsrelease.h and include/config/kernel.release are missing or empty")
                .run("prepare it", subject.make().shell("modules_prepare")),
        ];
    };
    let wanted = subject.release.as_ref().unwrap_or(found);
    if wanted != found {
        let finding = Finding::error(check, &file, "the headers are another kernel's")
            .versus(("the kernel", wanted), ("the headers", found));
        // Those that are here may be whole: the kernel's own are wanted.
        return vec![match subject.is_source() {
            true => finding.advise(format!(
                "build the kernel of this tree, install and boot it; or build modules in the tree of {wanted}"
            )),
            false => install_them(subject, finding),
        }];
    }
    vec![Finding::ok(
        check,
        &file,
        format!("the headers are those of {found}"),
    )]
}

/// Reads the ELF headers of the programs the build runs (`scripts/basic/fixdep`,
/// `scripts/mod/modpost`): headers of another architecture, or stripped of them, build nothing.
pub fn build_tools(subject: &Subject) -> Vec<Finding> {
    let check = "build-tools";
    for name in ["scripts/basic/fixdep", "scripts/mod/modpost"] {
        let path = subject.kdir.file(name);
        let shown = subject.system.shown(&path);
        let here = subject.system.machine;
        let (why, made_for) = match elf_machine(&path) {
            Ok(machine) if machine == here => continue,
            Ok(machine) => (
                format!("it is made for {machine}, and this machine is {here}"),
                Some(machine),
            ),
            Err(why) => (why, None),
        };
        let finding = Finding::error(
            check,
            &shown,
            format!("{name}, which the build runs, cannot run here"),
        )
        .note(why);
        let kernel = subject.kdir.machine();
        return vec![match made_for {
            _ if subject.is_source() => {
                finding.run("build it", subject.make().shell("modules_prepare"))
            }
            // To install the same again helps nobody.
            Some(machine) if kernel == Some(&*machine) => {
                finding.advise(format!("this kernel is for {machine}: build on such a machine"))
            }
            Some(machine) => finding.advise(format!(
                "whoever built this kernel did it on a {machine} machine, and packed the programs of \
                 that one: take headers that were built for {here}"
            )),
            None => {
                // The link to Debian's is there without them.
                let trees = [&subject.kdir.path, &subject.kdir.srctree];
                let scripts =
                    (trees.iter()).find_map(|tree| tree.join("scripts").read_link().ok());
                match scripts.and_then(|scripts| of_debian(subject, &scripts)) {
                    Some(command) => finding.run("install the package that has it", command),
                    None => subject.reinstall(finding),
                }
            }
        }];
    }
    let scripts = subject.shown("scripts");
    vec![Finding::ok(
        check,
        scripts,
        "fixdep and modpost run on this machine",
    )]
}

fn elf_machine(path: &Path) -> Result<String, String> {
    let (file, _) = file::open(path).map_err(|error| error.to_string())?;
    if !system::is_executable(path) {
        return Err("it is not executable".into());
    }
    let cache = object::read::ReadCache::new(file);
    // Debian's is a shell script that starts the one of the right bitness.
    match object::File::parse(&cache) {
        Ok(elf) => Ok(kernel_files::kofile::machine_name(&elf)),
        Err(_) => match file::read(path, 64 << 20) {
            Ok(bytes) if bytes.starts_with(b"#!") => Ok(std::env::consts::ARCH.to_string()),
            _ => Err("it is neither ELF nor a script".into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Error, Ok};

    #[test]
    fn a_prepared_tree_is_fine() {
        assert_eq!(Tree::new().run(headers), [Ok]);
        assert_eq!(Tree::new().run(release), [Ok]);
    }

    #[test]
    fn each_missing_part_of_a_tree_is_found() {
        for part in [
            "Makefile",
            "include/generated/autoconf.h",
            "include/generated/utsrelease.h",
            "include/config/auto.conf",
        ] {
            let tree = Tree::new();
            tree.remove(part);
            assert_eq!(tree.run(headers), [Error], "{part}");
        }
        let tree = Tree::new();
        tree.write("Makefile", "");
        assert_eq!(tree.run(headers), [Error]);
        let tree = Tree::new();
        tree.remove("include/config/kernel.release");
        tree.remove("include/generated/utsrelease.h");
        assert_eq!(tree.run(release), [Error]);
    }

    /// The command that the first finding of a check ends with.
    fn command(subject: &Subject, check: fn(&Subject) -> Vec<Finding>) -> String {
        let mut help = check(subject)[0].help.clone();
        let command = help.pop().and_then(|help| help.command);
        command.map_or_else(String::new, |command| command.to_string())
    }

    /// A tree of Debian's, whose headers are named by the release.
    fn of_debian() -> Tree {
        let tree = Tree::new();
        tree.write("etc/os-release", "ID=debian\n");
        tree.write("var/lib/dpkg/info/linux-image-6.1.0-test.list", "");
        tree
    }

    /// What a check finds without root's right to read everything, which a thread can give up.
    fn as_a_user(tree: &Tree, check: fn(&Subject) -> Vec<Finding>) -> Finding {
        mode(tree, "", 0o755);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
                check(&tree.subject()).remove(0)
            });
            thread.join().unwrap()
        })
    }

    fn mode(tree: &Tree, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let path = tree.directory.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_what_keeps_a_user_out_is_opened() {
        let conf = "include/config/auto.conf";
        for (closed, wanted) in [
            (conf, "sudo chmod a+r /include/config/auto.conf"),
            ("include", "sudo chmod a+rx /include"),
            ("Makefile", "sudo chmod a+r /Makefile"),
        ] {
            let tree = Tree::new();
            mode(&tree, closed, 0);
            let finding = as_a_user(&tree, headers);
            mode(&tree, closed, 0o700);
            assert_eq!(finding.status, Error, "{closed}");
            let command = finding.help[0].command.as_ref().unwrap();
            assert_eq!(command.to_string(), wanted);
        }
        let tree = Tree::new();
        mode(&tree, ".config", 0);
        assert_eq!(as_a_user(&tree, headers).status, Ok);
        let finding = as_a_user(&tree, crate::commands::doctor::config::config_applied);
        assert!(finding.message.contains("cannot be read"), "{finding:?}");
        tree.remove(conf);
        let finding = as_a_user(&tree, headers);
        let command = finding.help[0].command.as_ref().unwrap();
        assert_eq!(command.to_string(), "sudo chmod a+r /.config");
    }

    #[test]
    fn headers_are_installed_again_and_only_a_source_is_prepared() {
        let again = "sudo apt install --reinstall linux-headers-6.1.0-test";
        for part in [
            "include/generated/autoconf.h",
            "include/generated/utsrelease.h",
        ] {
            let tree = of_debian();
            tree.write("include/config/kernel.release", "6.1.0-test\n");
            tree.remove(part);
            assert_eq!(command(&tree.subject(), headers), again, "{part}");
            tree.write("init/main.c", "");
            assert!(command(&tree.subject(), headers).ends_with(" modules_prepare"));
        }
        let tree = of_debian();
        tree.remove("include/config/auto.conf");
        tree.remove(".config");
        assert_eq!(command(&tree.subject(), headers), again);
    }

    #[test]
    fn a_source_gets_the_configuration_that_is_here() {
        let tree = Tree::new();
        tree.write("init/main.c", "");
        tree.remove("include/config/auto.conf");
        tree.remove(".config");
        let of_tree = || command(&tree.subject(), headers);
        assert!(of_tree().ends_with(" defconfig"), "{}", of_tree());
        tree.write("proc/sys/kernel/osrelease", "6.12.1-1\n");
        tree.write("boot/config-6.12.1-1", "");
        assert!(of_tree().starts_with("cp --backup=numbered /boot/config-6.12.1-1 /.config && "));
        tree.write("proc/config.gz", "");
        assert!(of_tree().starts_with("zcat /proc/config.gz |"));
    }

    #[test]
    fn the_package_of_a_missing_makefile_is_named() {
        let tree = of_debian();
        tree.write(
            "Makefile",
            "include /usr/src/linux-headers-6.1.0-common/Makefile\n",
        );
        let wanted = "sudo apt install --reinstall linux-headers-6.1.0-common";
        assert_eq!(command(&tree.subject(), headers), wanted);
    }

    #[test]
    fn the_package_of_missing_tools_is_named() {
        let tree = of_debian();
        std::os::unix::fs::symlink(
            "../../lib/linux-kbuild-6.1/scripts",
            tree.directory.path().join("scripts"),
        )
        .unwrap();
        let wanted = "sudo apt install --reinstall linux-kbuild-6.1";
        assert_eq!(command(&tree.subject(), build_tools), wanted);
        // Ubuntu's are in the headers themselves.
        tree.remove("scripts");
        let wanted = "sudo apt install --reinstall linux-headers-6.1.0-test";
        tree.write("var/lib/dpkg/info/linux-headers-6.1.0-test.list", "");
        assert_eq!(command(&tree.subject(), build_tools), wanted);
    }

    #[test]
    fn tools_of_another_machine_do_not_come_again() {
        use std::os::unix::fs::PermissionsExt;
        let tree = of_debian();
        let mut program = std::fs::read("/proc/self/exe").unwrap();
        // EM_S390
        program[18..20].copy_from_slice(&[22, 0]);
        tree.write("scripts/basic/fixdep", program);
        let path = tree.directory.path().join("scripts/basic/fixdep");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let finding = &build_tools(&tree.subject())[0];
        assert_eq!(finding.status, Error);
        assert!(finding.help[0].command.is_none(), "{finding:?}");
    }

    #[test]
    fn headers_of_another_kernel_are_found() {
        let tree = of_debian();
        // The headers that are here are those of a package, and not the kernel's.
        tree.write(
            "rust/toolchain.mk",
            "# headers: linux-rust-headers.pkg.tar.zst\n",
        );
        tree.write("var/lib/dpkg/info/linux-image-6.1.0-other.list", "");
        let mut subject = tree.subject();
        subject.release = Some("6.1.0-other".into());
        let finding = &release(&subject)[0];
        assert_eq!(finding.status, Error);
        assert_eq!(
            finding.notes,
            ["the kernel:  6.1.0-other\nthe headers: 6.1.0-test"]
        );
        let wanted = "sudo apt install linux-headers-6.1.0-other";
        assert_eq!(command(&subject, release), wanted);
        tree.write("var/lib/dpkg/info/linux-headers-6.1.0-other.list", "");
        let again = "sudo apt install --reinstall linux-headers-6.1.0-other";
        assert_eq!(command(&subject, release), again);
    }

    #[test]
    fn tools_that_cannot_run_are_found() {
        use std::os::unix::fs::PermissionsExt;
        let tree = Tree::new();
        assert_eq!(tree.run(build_tools), [Error]);
        for name in ["scripts/basic/fixdep", "scripts/mod/modpost"] {
            tree.write(name, std::fs::read("/proc/self/exe").unwrap());
            let path = tree.directory.path().join(name);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        assert_eq!(tree.run(build_tools), [Ok]);
        tree.write("scripts/mod/modpost", "nonsense");
        assert_eq!(tree.run(build_tools), [Error]);
    }
}
