// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod toolchain`: which rustc a kernel's modules need, and where one is.

mod archive;
mod child;
mod fetch;
mod home;
mod libraries;
mod tree;
mod unpack;

use std::path::Path;

use clap::Args;
use kernel_tree::arch_package::ArchPackage;
use kernel_tree::fetched;
use kernel_tree::kdir::Kdir;
use kernel_tree::makefile::GNUMAKEFILE;
use kernel_tree::system::System;
use kernel_tree::too_new::Limit;
use kernel_tree::toolchain::{self, Found, Need, Origin, WouldRun};
use serde::Serialize;

use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::install;
use crate::kernel_arg::{self, OpenTree, Tree, open_tree};
use crate::output::{Header, Output, Verdict, header};
use crate::report::{Help, write_help};

/// Arguments of `toolchain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which kernel
    #[command(flatten)]
    pub tree: Tree,
    /// Print only the path of that rustc, for scripts
    #[arg(long, conflicts_with = "json")]
    pub path: bool,
    /// Install it if it is missing: by rustup, or from the archive of Arch's packages if Arch's rust
    /// made the kernel's crates
    #[arg(long)]
    pub install: bool,
    /// The archive to fetch packages from: Arch's, or another of the same layout
    #[arg(long, value_name = "URL", default_value = archive::ARCHIVE, requires = "install")]
    pub mirror: String,
    /// Undo --install: let the kernel's headers use the rustc in PATH again, and remove what was
    /// fetched and no other kernel uses
    #[arg(long, conflicts_with_all = ["install", "path"])]
    pub remove: bool,
    /// Remove what was fetched for kernels that are no longer installed
    #[arg(long, conflicts_with_all = ["install", "path", "remove", "release", "kernel", "kdir"])]
    pub clean: bool,
}

pub(crate) fn run(system: &System, arguments: &Arguments, out: &mut Output) -> Result<Verdict> {
    if arguments.clean {
        return clean(system, None, out);
    }
    let OpenTree { kdir, release, .. } = open_tree(system, &arguments.tree, || {
        Call::again("toolchain").and("KERNELRELEASE")
    })?;
    if arguments.remove {
        return clean(system, Some(&kdir.path), out);
    }
    let tree = system.shown(&kdir.path);
    let name = release.clone().unwrap_or_else(|| tree.clone());
    let Some(need) = toolchain::need(&kdir) else {
        return Err(Error::new(format!("cannot tell which rustc {name} needs"))
            .note(match kdir.path.is_dir() {
                true => format!(
                    "{tree} has neither crates (rust/*.rmeta) nor scripts/min-tool-version.sh"
                ),
                false => format!("there are no headers: {tree} is not a directory"),
            })
            .run(
                "see what it lacks",
                kernel_arg::doctor(system, &kdir.path, release.as_deref()),
            ));
    };
    let package = need.exact().and_then(ArchPackage::of_rustc);
    if arguments.install
        && let (Some(package), Some(rustc)) = (&package, need.exact())
    {
        if !is_used(system, &kdir, &need) {
            let wanted = fetch::Wanted {
                system,
                kdir: &kdir.path,
                rustc,
                package,
                mirror: &arguments.mirror,
            };
            wanted.install()?;
        }
    } else if arguments.install && !system.is_live() {
        return Err(
            Error::new("--install is for the running system, and --root names another")
                .note("rustup would install it on the running system, where nothing looks for it")
                .run(
                    "see what the other system needs",
                    Call::again("toolchain").without_word("--install"),
                ),
        );
    }
    let mut all = toolchain::all(system);
    let mut fitting = all.iter().find(|found| found.fits(&need)).cloned();
    if fitting.is_none() && arguments.install && package.is_none() {
        through_rustup(&need)?;
        all = toolchain::all(system);
        fitting = all.iter().find(|found| found.fits(&need)).cloned();
        if fitting.is_none() {
            return Err(Error::new(format!(
                "rustup installed a toolchain, but not the one that {name} needs"
            ))
            .note(format!("it needs {}", wanted(&need)))
            .run("see what rustup has", "rustup toolchain list -v"));
        }
    }
    if arguments.path {
        let Some(found) = &fitting else {
            let mut error = Error::new(format!("{} is not on this machine", wanted(&need)));
            let help = get(system, &kdir, release.as_deref(), &need);
            error.help.push(help);
            return Err(Error { status: 1, ..error });
        };
        writeln!(out, "{}", system.shown(&found.path))?;
        return Ok(Verdict::Fine);
    }
    if out.json {
        out.json(&toolchain_document(
            system,
            &need,
            package.as_ref(),
            &all,
            fitting.as_ref(),
            release,
            &tree,
        ))?;
    } else {
        writeln!(out, "{name} needs {}", wanted(&need))?;
        write_need(out, system, &need)?;
        if let Some(package) = &package {
            let (name, version) = (package.name(), package.version());
            writeln!(out, "  note: it is of Arch's package {name} {version}")?;
        }
        if let Some(found) = &fitting {
            writeln!(
                out,
                "it is here: {} ({})",
                system.shown(&found.path),
                origin(found)
            )?;
        } else {
            writeln!(out, "it is not on this machine")?;
            let help = get(system, &kdir, release.as_deref(), &need);
            write_help(&mut out.to, &[help]).map_err(Error::output)?;
        }
        if tree::owner(&kdir.path) == tree::Owner::Ours {
            writeln!(
                out,
                "  note: {tree}/{GNUMAKEFILE} names it, for make and DKMS"
            )?;
        }
        for found in all.iter().filter(|found| !found.fits(&need)) {
            let version = found.version.as_deref().unwrap_or("which does not run");
            writeln!(
                out,
                "does not fit: {} ({}), {version}",
                system.shown(&found.path),
                origin(found)
            )?;
        }
    }
    Ok(Verdict::fails_if(fitting.is_none()))
}

fn wanted(need: &Need) -> String {
    match need {
        Need::Exactly { rustc, .. } | Need::ConfiguredWith { rustc, .. } => rustc.clone(),
        Need::AtLeast {
            version,
            only,
            too_new,
        } => match (only, too_new.first()) {
            (true, _) => format!("rustc {version}"),
            (false, None) => format!("rustc {version} or later"),
            (false, Some(limit)) => {
                format!("rustc {version} or later, before {}", limit.first)
            }
        },
    }
}

fn write_need(out: &mut Output, system: &System, need: &Need) -> Result<()> {
    match need {
        Need::Exactly { from, .. } => writeln!(
            out,
            "  note: {} was made by it, and no other rustc can read it",
            system.shown(from)
        )?,
        Need::ConfiguredWith { from, .. } => writeln!(
            out,
            "  note: {} says so; the crates, which would say for certain, are missing",
            system.shown(from)
        )?,
        Need::AtLeast { only, too_new, .. } => {
            writeln!(
                out,
                "  note: scripts/min-tool-version.sh says so{}; the crates are still to be built",
                if *only {
                    ", and this series works with that one alone"
                } else {
                    ""
                }
            )?;
            for limit in too_new {
                let Limit {
                    first, why, file, ..
                } = limit;
                writeln!(out, "  note: rustc {first}: {why} ({})", system.shown(file))?;
            }
            if !too_new.is_empty() && !only {
                writeln!(
                    out,
                    "  note: later stable releases of a series may have these changes, and then \
                     work with newer rustcs"
                )?;
            }
        }
    }
    Ok(())
}

fn origin(found: &Found) -> String {
    match &found.origin {
        Origin::Packaged => "packaged for this kernel".into(),
        Origin::Fetched => "fetched from the archive of packages".into(),
        Origin::Rustup(name) => format!("rustup's {name}"),
        Origin::Path | Origin::Makefile(_) => "installed".into(),
    }
}

/// Whether make would run a rustc that fits.
fn is_used(system: &System, kdir: &Kdir, need: &Need) -> bool {
    match toolchain::would_run(system, kdir, None) {
        WouldRun::Rustc { found, .. } => found.fits(need),
        _ => false,
    }
}

/// Takes back what --install did for a tree, and removes what no tree uses.
fn clean(system: &System, tree: Option<&Path>, out: &mut Output) -> Result<Verdict> {
    #[derive(Serialize)]
    struct Document {
        #[serde(flatten)]
        header: Header,
        removed: Vec<String>,
    }
    let mut removed = Vec::new();
    if let Some(tree) = tree {
        removed.extend(tree::detach(tree)?);
    }
    if system.at(fetched::DIRECTORY).is_dir() {
        removed.extend(home::Home::open(system)?.clean(system)?);
    }
    let removed: Vec<_> = removed.iter().map(|path| system.shown(path)).collect();
    if out.json {
        out.json(&Document {
            header: header("toolchain"),
            removed,
        })?;
    } else {
        for path in removed {
            writeln!(out, "removed {path}")?;
        }
    }
    Ok(Verdict::Fine)
}

fn get(system: &System, kdir: &Kdir, release: Option<&str>, need: &Need) -> Help {
    match need.rustup_toolchain() {
        Some(name) => Help {
            text: "get it through rustup".into(),
            command: Some(rustup_install(&name)),
        },
        None => install::rustc(system, &kdir.path, release, &wanted(need)),
    }
}

fn rustup_install(name: &str) -> Command {
    Command::new("rustup toolchain install")
        .arg(name)
        .shell("--profile minimal")
}

fn through_rustup(need: &Need) -> Result<()> {
    let name = need.rustup_toolchain().ok_or_else(|| {
        Error::new(format!("rustup does not have '{}'", wanted(need)))
            .note(
                "it is not one of rust-lang.org's releases, whose version strings end with one \
                 commit and date",
            )
            .advise("install the rust package it came from")
    })?;
    let command = rustup_install(&name);
    let failed = |reason: String| {
        Error::new(format!("`{command}` failed"))
            .note(reason)
            .run("run it by itself", command.clone())
    };
    let status = std::process::Command::new("rustup")
        .args(["toolchain", "install", &name, "--profile", "minimal"])
        // A rustup that somebody else has installed cannot update itself, and fails.
        .arg("--no-self-update")
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| failed(error.to_string()).advise("rustup has to be installed first"))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(status.to_string()))
    }
}

fn toolchain_document(
    system: &System,
    need: &Need,
    package: Option<&ArchPackage>,
    all: &[Found],
    fitting: Option<&Found>,
    release: Option<String>,
    tree: &str,
) -> impl Serialize {
    #[derive(Serialize)]
    struct Installed {
        path: String,
        rustc: Option<String>,
        origin: String,
        fits: bool,
    }
    #[derive(Serialize)]
    struct Package {
        name: String,
        version: String,
        url: String,
    }
    #[derive(Serialize)]
    struct Document {
        #[serde(flatten)]
        header: Header,
        kernelrelease: Option<String>,
        kdir: String,
        needs: String,
        exactly: bool,
        path: Option<String>,
        rustup: Option<String>,
        package: Option<Package>,
        installed: Vec<Installed>,
    }
    let shown = |path: &Path| system.shown(path);
    Document {
        header: header("toolchain"),
        kernelrelease: release,
        kdir: tree.to_string(),
        needs: wanted(need),
        exactly: !matches!(need, Need::AtLeast { only: false, .. }),
        path: fitting.map(|found| shown(&found.path)),
        rustup: need.rustup_toolchain(),
        package: package.map(|package| Package {
            name: package.name().into(),
            version: package.version().into(),
            url: format!("{}/{}", archive::ARCHIVE, package.path()),
        }),
        installed: all
            .iter()
            .map(|found| Installed {
                path: shown(&found.path),
                rustc: found.version.clone().ok(),
                origin: origin(found),
                fits: found.fits(need),
            })
            .collect(),
    }
}
