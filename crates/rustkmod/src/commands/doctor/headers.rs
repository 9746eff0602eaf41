// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel tree itself: is it there, is it this kernel's, is it ready to build modules.

use std::io::ErrorKind;

use kernel_files::file;

use super::subject::Subject;
use crate::command::Command;
use crate::install;
use crate::report::Finding;
use kernel_tree::kdir;
use kernel_tree::system;

/// Looks for the top Makefile and the configuration of the tree that
/// `/lib/modules/RELEASE/build` leads to (`Documentation/kbuild/modules.rst`).
pub fn headers(subject: &Subject) -> Vec<Finding> {
    let check = "headers";
    let tree = subject.tree();
    let release = subject.release_name();
    if !subject.kdir.path.is_dir() {
        let message = format!("there are no headers for {release}");
        let why = match subject.kdir.path.symlink_metadata() {
            Ok(_) => format!("{tree} is a link that leads nowhere, or no directory"),
            Err(error) if error.kind() == ErrorKind::NotFound => format!("{tree} is not there"),
            Err(error) => format!("{tree} cannot be looked at: {error}"),
        };
        return vec![install_them(
            subject,
            Finding::error(check, tree, message).note(why),
        )];
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
        return vec![install_them(subject, finding)];
    }
    if makefile.series.is_none() {
        let message = "the Makefile of this tree is damaged, or no kernel's";
        let finding = Finding::error(check, subject.shown("Makefile"), message)
            .note("it has no VERSION and PATCHLEVEL, and includes no Makefile that has them");
        return vec![subject.reinstall(finding)];
    }
    if let Some(why) = &subject.kdir.config_error {
        let message = "this kernel tree is not configured";
        let finding = Finding::error(check, tree, message).note(format!(
            "neither include/config/auto.conf nor .config can be used: {why}"
        ));
        return vec![
            finding.run(
                "configure it as the running kernel is",
                Command::new("zcat /proc/config.gz | cp --backup=numbered /dev/stdin")
                    .arg(subject.system.shown(&subject.kdir.path.join(".config")))
                    .then(&subject.make().shell("olddefconfig")),
            ),
        ];
    }
    let prepared = ["include/generated/autoconf.h", "include/config/auto.conf"];
    if let Some(missing) = prepared
        .iter()
        .find(|name| !subject.kdir.path.join(name).exists())
    {
        let message = "this kernel tree is not prepared for building modules";
        return vec![
            Finding::error(check, &tree, message)
                .note(format!("{missing} is missing"))
                .run("prepare it", subject.make().shell("modules_prepare")),
        ];
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
        return vec![subject.reinstall(finding)];
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
        let why = match elf_machine(&path) {
            Ok(machine) if machine == subject.system.machine => continue,
            Ok(machine) => {
                format!(
                    "it is made for {machine}, and this machine is {}",
                    subject.system.machine
                )
            }
            Err(why) => why,
        };
        let finding = Finding::error(
            check,
            &shown,
            format!("{name}, which the build runs, cannot run here"),
        )
        .note(why);
        return vec![match subject.is_source() {
            true => finding.run("build it", subject.make().shell("modules_prepare")),
            false => subject.reinstall(finding),
        }];
    }
    let scripts = subject.shown("scripts");
    vec![Finding::ok(
        check,
        scripts,
        "fixdep and modpost run on this machine",
    )]
}

fn elf_machine(path: &std::path::Path) -> Result<String, String> {
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
        assert_eq!(tree.run(release), [Error]);
    }

    #[test]
    fn headers_of_another_kernel_are_found() {
        let tree = Tree::new();
        let mut subject = tree.subject();
        subject.release = Some("6.1.0-other".into());
        let finding = &release(&subject)[0];
        assert_eq!(finding.status, Error);
        assert_eq!(
            finding.notes,
            ["the kernel:  6.1.0-other\nthe headers: 6.1.0-test"]
        );
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
