// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C compiler: modules have to be built by the kind that built the kernel.

use kernel_files::config::Config;
use kernel_tree::system::{Distribution, System, is_executable};

use super::subject::Subject;
use crate::command::Command;
use crate::install;
use crate::report::Finding;

/// The packages that LLVM is in, on every distribution.
const LLVM: &str = "clang lld llvm";

/// What make runs of LLVM for an external module.
const TOOLS: [&str; 5] = ["clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy"];

/// Reads `CONFIG_CC_IS_CLANG`, whether make would choose LLVM by itself (`LLVM` in the Makefile
/// or the environment, `Documentation/kbuild/llvm.rst`), and whether the programs that it would run
/// are in `PATH`: gcc's where it would not.
pub fn compiler(subject: &Subject) -> Vec<Finding> {
    let check = "compiler";
    let config = &subject.kdir.config;
    let built_by = config
        .get("CC_VERSION_TEXT")
        .unwrap_or("a compiler it does not name");
    let path = subject.system.shown(&subject.kdir.config_path);
    let llvm = subject.system.env("LLVM");
    let is_clang = config.is_y("CC_IS_CLANG");
    if !is_clang && llvm.is_none() {
        let finding = without_gcc(subject, built_by).unwrap_or_else(|| {
            let message = format!("the kernel was built by {built_by}: no LLVM is needed for C");
            Finding::ok(check, path, message)
        });
        return vec![finding];
    }
    let mut findings = Vec::new();
    let sets_llvm = subject
        .kdir
        .makefile
        .as_ref()
        .is_ok_and(|found| found.sets_llvm);
    let (prefix, suffix) = match llvm {
        Some(value) if value.ends_with('/') => (value, ""),
        Some(value) if value.starts_with('-') => ("", value),
        _ => ("", ""),
    };
    let missing: Vec<_> = TOOLS
        .iter()
        .map(|tool| format!("{prefix}{tool}{suffix}"))
        .filter(|tool| match prefix.is_empty() {
            true => subject.system.which(tool).is_none(),
            false => !is_executable(&subject.system.at(tool)),
        })
        .collect();
    if let Some(value) = llvm.filter(|_| !is_clang) {
        let message = "gcc built this kernel, and make would build modules with LLVM";
        // Debian's headers set CC themselves, and not the linker.
        let new = match missing.iter().any(|tool| tool.contains("ld.lld")) {
            true => Finding::error,
            false => Finding::warning,
        };
        let would_run = format!("LLVM's tools, since LLVM={value} is set");
        let mut finding = new(check, "LLVM", message)
            .versus(("the kernel", built_by), ("make would run", &would_run));
        if !missing.is_empty() {
            finding = finding.note(not_installed(&missing));
        }
        let make = Command::new("env -u LLVM make -C").arg(subject.tree());
        return vec![finding.run("build with gcc", make.shell("M=\"$PWD\" modules"))];
    }
    let elsewhere = match missing.is_empty() {
        true => None,
        false => llvm_elsewhere(&subject.system, config),
    };
    let build = |directory: &str| {
        let make = Command::new("make -C").arg(subject.tree());
        make.set("LLVM", directory).shell("M=\"$PWD\" modules")
    };
    if !sets_llvm && llvm.is_none() {
        findings.push(
            Finding::error(
                check,
                subject.shown("Makefile"),
                "clang built this kernel, and make would build modules with gcc",
            )
            .versus(
                ("the kernel", built_by),
                ("make would run", "gcc and ld, since LLVM is not set"),
            )
            .note("gcc would say: unrecognized command-line option '-mstack-alignment=8'")
            .run(
                "build with LLVM",
                build(elsewhere.as_deref().unwrap_or("1")),
            ),
        );
    }
    if !missing.is_empty() {
        let why = match llvm {
            Some(value) => format!("LLVM={value} is set"),
            None => "clang built this kernel".to_string(),
        };
        let message = format!("{why}, and {}", not_installed(&missing));
        let finding = Finding::error(check, "PATH", message).note(format!(
            "the kernel was built by {built_by}; its modules need clang, lld and LLVM's tools"
        ));
        findings.push(match elsewhere {
            Some(directory) => finding.run(
                format!("LLVM is in {directory}, which is not in PATH: use that"),
                build(&directory),
            ),
            None => match install::packages(subject.distribution(), LLVM, LLVM, LLVM) {
                Some(command) => finding.run("install them", command),
                None => finding.advise("install clang, lld and llvm"),
            },
        });
    }
    if findings.is_empty() {
        let message = format!("make would use LLVM, as the kernel's build did ({built_by})");
        findings.push(Finding::ok(check, path, message));
    }
    findings
}

/// What make lacks for a module of a kernel that gcc built.
fn without_gcc(subject: &Subject, built_by: &str) -> Option<Finding> {
    let makefile = subject.kdir.makefile.as_ref().ok()?;
    let gcc = makefile.gcc.as_deref()?;
    let prefix = makefile
        .cross_compile
        .as_deref()
        .or(subject.system.env("CROSS_COMPILE"))
        .unwrap_or_default();
    let missing: Vec<_> = [format!("{prefix}{gcc}"), format!("{prefix}ld")]
        .into_iter()
        .filter(|tool| match tool.contains('/') {
            true => !is_executable(&subject.system.at(tool)),
            false => subject.system.which(tool).is_none(),
        })
        .collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("gcc built this kernel, and {}", not_installed(&missing));
    let finding = Finding::error("compiler", "PATH", message).note(format!(
        "the kernel was built by {built_by}; its modules have C in them, too"
    ));
    let machine = subject.system.machine;
    let is_for_here = prefix.is_empty() || prefix == format!("{machine}-linux-gnu-");
    let command = match subject.distribution() {
        _ if !is_for_here => None,
        Distribution::Debian => Some(Command::new("sudo apt install").arg(gcc).shell("binutils")),
        other => install::packages(other, "gcc binutils", "", "gcc binutils"),
    };
    Some(match command {
        Some(command) => finding.run("install it", command),
        None => finding.advise(format!("install {}", missing.join(" and "))),
    })
}

fn not_installed(programs: &[String]) -> String {
    match programs {
        [one] => format!("{one} is not installed"),
        many => format!("{} are not installed", many.join(", ")),
    }
}

/// An LLVM in a directory of its own, as distributions install it, and `LLVM=` as make takes it:
/// of the version that built the kernel, or else the newest.
fn llvm_elsewhere(system: &System, config: &Config) -> Option<String> {
    let version = (config.get("CLANG_VERSION")).and_then(|version| version.parse::<u32>().ok());
    let wanted = version.map(|version| version / 10000).or_else(|| {
        let (_, version) = config
            .get("CC_VERSION_TEXT")?
            .split_once("clang version ")?;
        version.split('.').next()?.parse().ok()
    });
    let mut found = Vec::new();
    // Debian's, Gentoo's and Arch's.
    for (above, start) in [
        ("/usr/lib", "llvm-"),
        ("/usr/lib/llvm", ""),
        ("/usr/lib", "llvm"),
    ] {
        let entries = std::fs::read_dir(system.at(above)).into_iter().flatten();
        for entry in entries.flatten().take(1024) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.strip_prefix(start).map(str::parse::<u32>);
            if let Some(Ok(version)) = version {
                found.push((version, format!("{above}/{name}/bin/")));
            }
        }
    }
    found.retain(|(_, directory)| {
        let is_there = |tool| is_executable(&system.at(format!("{directory}{tool}")));
        TOOLS.into_iter().all(is_there)
    });
    let best = (found.into_iter()).max_by_key(|(version, _)| (Some(*version) == wanted, *version));
    best.map(|(_, directory)| directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Error, Ok, Warning};

    fn clang_tree() -> Tree {
        let tree = Tree::new();
        tree.write(
            "include/config/auto.conf",
            "CONFIG_RUST=y\nCONFIG_CC_IS_CLANG=y\n",
        );
        for tool in TOOLS {
            executable(&tree, &format!("bin/{tool}"));
        }
        tree
    }

    fn executable(tree: &Tree, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        tree.write(name, "");
        let path = tree.directory.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn statuses(tree: &Tree, llvm: Option<&'static str>) -> Vec<crate::report::Status> {
        let mut system = System::bare(tree.directory.path()).with("PATH", "/bin");
        if let Some(llvm) = llvm {
            system = system.with("LLVM", llvm);
        }
        compiler(&tree.subject_on(system))
            .iter()
            .map(|finding| finding.status)
            .collect()
    }

    #[test]
    fn a_gcc_kernel_needs_no_llvm() {
        assert_eq!(Tree::new().run(compiler), [Ok]);
    }

    #[test]
    fn a_gcc_kernel_with_llvm_chosen_is_told() {
        let tree = clang_tree();
        let version = "gcc (Debian 12.2.0-14+deb12u1) 12.2.0";
        let config = format!("CONFIG_CC_IS_GCC=y\nCONFIG_CC_VERSION_TEXT=\"{version}\"\n");
        tree.write("include/config/auto.conf", config);
        for (status, path) in [(Warning, "/bin"), (Error, "/sbin")] {
            let system = System::bare(tree.directory.path())
                .with("PATH", path)
                .with("LLVM", "1");
            let findings = compiler(&tree.subject_on(system));
            assert_eq!(findings.len(), 1);
            let Finding { notes, help, .. } = &findings[0];
            assert_eq!(findings[0].status, status, "{findings:?}");
            assert!(notes[0].contains(version) && notes[0].contains("LLVM=1"));
            let command = help[0].command.as_ref().unwrap().to_string();
            assert_eq!(command, "env -u LLVM make -C / M=\"$PWD\" modules");
        }
    }

    #[test]
    fn the_gcc_that_make_would_run_has_to_be_there() {
        let tree = Tree::new();
        let findings = |path| {
            let system = System::bare(tree.directory.path()).with("PATH", path);
            compiler(&tree.subject_on(system))
        };
        tree.write(
            "Makefile",
            "ifneq ($(LLVM),)\nCC = $(LLVM_PREFIX)clang\nelse\nCC\t= $(CROSS_COMPILE)gcc\nendif\n\
             -include .kernelvariables\n",
        );
        assert!(
            findings("/bin")[0]
                .message
                .ends_with("and gcc, ld are not installed")
        );
        tree.write(
            ".kernelvariables",
            "CC = $(if $(USE_CCACHE),ccache) $(CROSS_COMPILE)gcc-14\n\
             override CROSS_COMPILE = x86_64-linux-gnu-\n",
        );
        tree.write("etc/os-release", "ID=debian\n");
        let finding = &findings("/bin")[0];
        assert!(
            finding.message.contains("x86_64-linux-gnu-gcc-14"),
            "{finding:?}"
        );
        if std::env::consts::ARCH == "x86_64" {
            let command = finding.help[0].command.as_ref().unwrap().to_string();
            assert_eq!(command, "sudo apt install gcc-14 binutils");
        }
        for tool in ["gcc-14", "ld"] {
            executable(&tree, &format!("bin/x86_64-linux-gnu-{tool}"));
        }
        assert_eq!(findings("/bin")[0].status, Ok);
    }

    #[test]
    fn llvm_in_a_directory_of_its_own_is_named() {
        let tree = clang_tree();
        tree.remove("bin/ld.lld");
        for version in ["9", "14", "19"] {
            for tool in TOOLS {
                executable(&tree, &format!("usr/lib/llvm-{version}/bin/{tool}"));
            }
        }
        let clang = "CONFIG_RUST=y\nCONFIG_CC_IS_CLANG=y\n";
        for (version, wanted) in [
            // The kernel's own where it is here, or else the newest.
            ("CONFIG_CLANG_VERSION=140006\n", 14),
            ("CONFIG_CLANG_VERSION=180103\n", 19),
            (
                "CONFIG_CC_VERSION_TEXT=\"Debian clang version 14.0.6\"\n",
                14,
            ),
            ("", 19),
        ] {
            tree.write("include/config/auto.conf", format!("{clang}{version}"));
            let system = System::bare(tree.directory.path()).with("PATH", "/bin");
            for finding in compiler(&tree.subject_on(system)) {
                let command = finding.help[0].command.as_ref().unwrap().to_string();
                let llvm = format!(" LLVM=/usr/lib/llvm-{wanted}/bin/ ");
                assert!(command.contains(&llvm), "{command}");
            }
        }
    }

    #[test]
    fn a_clang_kernel_needs_llvm_chosen_and_installed() {
        let tree = clang_tree();
        assert_eq!(statuses(&tree, None), [Error]);
        assert_eq!(statuses(&tree, Some("1")), [Ok]);
        assert_eq!(statuses(&tree, Some("-18")), [Error]);
        assert_eq!(statuses(&tree, Some("/bin/")), [Ok]);
        tree.write("Makefile", "ifneq ($(KBUILD_EXTMOD),)\nLLVM := 1\nendif\n");
        assert_eq!(statuses(&tree, None), [Ok]);
        tree.remove("bin/ld.lld");
        assert_eq!(statuses(&tree, None), [Error]);
    }
}
