// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod ide`: `rust-project.json` for a module, from which rust-analyzer knows the module, the
//! kernel's crates and `core`. Which crates there are, what each is compiled with and what it uses
//! is read out of the tree's own Makefiles; there is no list here that a new series would change.

mod project;
mod rules;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::{Header, OpenTree, Output, Tree, Verdict, header, open_tree};
use crate::error::Result;
use crate::kdir::{self, Kdir};
use crate::report::counted;
use crate::system::{self, System};
use crate::toolchain::{self, Found, Origin, WouldRun};

use project::{Crate, Dependency, Project, Source, Sysroot};
use rules::{Flags, Kind, Root, Rule};

/// Arguments of `ide`.
#[derive(Debug, Args)]
pub struct IdeArguments {
    /// The module's folder, with its Kbuild; this one by default
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The kernel it is written for, as `uname -r` prints it; the running one by default
    #[arg(long, value_name = "KERNELRELEASE", conflicts_with = "kdir")]
    pub kernel: Option<String>,
    /// That kernel's tree: installed headers or a source tree
    #[arg(long, value_name = "DIR")]
    pub kdir: Option<PathBuf>,
}

/// Why no `rust-project.json` was written.
#[derive(Debug, thiserror::Error)]
pub enum IdeError {
    /// The tree is none, or has no Rust.
    #[error(
        "{kdir} has no Rust that an editor could know\n  \
         note: {reason}\n  \
         help: {help}"
    )]
    Tree {
        /// The tree.
        kdir: String,
        /// What it lacks.
        reason: String,
        /// Another kernel, or what says more of this one.
        help: String,
    },
    /// The kernel's crates are there as rustc reads them, not as people do.
    #[error(
        "the sources of the kernel's crates are not installed\n  \
         note: rust-analyzer reads sources, and {missing} is not there\n  \
         help: {help}"
    )]
    NoKernelSources {
        /// A file of them.
        missing: String,
        /// How they are come by.
        help: String,
    },
    /// Rust's own libraries are not there as sources.
    #[error(
        "the sources of core are not installed\n  \
         note: rust-analyzer reads those of the very rustc that made the kernel's crates{rustc}, \
         and {missing}\n  \
         help: {help}"
    )]
    NoLibrarySources {
        /// That rustc.
        rustc: String,
        /// What is not there.
        missing: String,
        /// How they are come by.
        help: String,
    },
    /// The folder has nothing that rustc compiles.
    #[error(
        "{folder} holds no module in Rust\n  \
         note: {reason}\n  \
         help: name the folder with the Kbuild of a module: rustkmod ide DIR"
    )]
    NoModule {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        reason: &'static str,
    },
    /// make cannot read a Makefile.
    #[error("make cannot read the Makefiles\n  note: in {kdir}, it says: {reason}")]
    Make {
        /// Where it was run.
        kdir: PathBuf,
        /// Its words.
        reason: String,
    },
    /// The rules of `rust/` are not as they were in any series.
    #[error(
        "{makefile} does not say how the kernel's crates are compiled\n  \
         note: neither core nor kernel is among what it says"
    )]
    NoRules {
        /// The Makefile.
        makefile: PathBuf,
    },
    /// The file cannot be written.
    #[error("{path} cannot be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Writes the file.
pub(crate) fn run(system: &System, arguments: &IdeArguments, out: &mut Output) -> Result<Verdict> {
    let tree = Tree {
        release: arguments.kernel.clone(),
        kdir: arguments.kdir.clone(),
    };
    let OpenTree { kdir, release, .. } = open_tree(system, &tree, "ide --kernel")?;
    let folder = arguments.folder.as_deref().unwrap_or(Path::new("."));
    let read = |source| crate::error::Error::Read {
        path: folder.to_path_buf(),
        source,
    };
    let folder = std::fs::canonicalize(folder).map_err(read)?;
    if !folder.is_dir() {
        return Err(IdeError::NoModule {
            folder,
            reason: "it is no folder",
        }
        .into());
    }

    let shown = system.shown(&kdir.path);
    let project = project(system, kdir, &folder)?;
    let path = folder.join("rust-project.json");
    write(&path, &project)?;

    let name = release.unwrap_or_else(|| shown.clone());
    let own: Vec<&str> = project
        .crates
        .iter()
        .filter(|known| known.is_workspace_member)
        .map(|known| known.display_name.as_str())
        .collect();
    let expands = project.sysroot.is_some();
    if out.json {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            header: Header,
            kernelrelease: &'a str,
            kdir: &'a str,
            path: &'a Path,
            modules: &'a [&'a str],
            crates: usize,
            expands_macros: bool,
        }
        out.json(&Document {
            header: header("ide"),
            kernelrelease: &name,
            kdir: &shown,
            path: &path,
            modules: &own,
            crates: project.crates.len() + project.sysroot_project.crates.len(),
            expands_macros: expands,
        })?;
    } else {
        writeln!(
            out.to,
            "{} is written: rust-analyzer knows {} and the {} of {name}",
            path.display(),
            own.join(", "),
            counted(
                project.crates.len() + project.sysroot_project.crates.len() - own.len(),
                "crate"
            ),
        )?;
        if !expands {
            writeln!(
                out.to,
                "  note: `module!` is not expanded: the toolchain has no \
                 rust-analyzer-proc-macro-srv, which came with rustc 1.64"
            )?;
        }
    }
    Ok(Verdict::Fine)
}

/// What rust-analyzer is told.
fn project(
    system: &System,
    mut kdir: Kdir,
    folder: &Path,
) -> std::result::Result<Project, IdeError> {
    let shown = system.shown(&kdir.path);
    let mut other = kdir::releases_with_rust(system);
    other.retain(|release| kdir.release.as_ref() != Some(release));
    let refuse = |reason: String| IdeError::Tree {
        kdir: shown.clone(),
        reason,
        help: match other.first() {
            Some(other) => format!("there is one that has: rustkmod ide --kernel {other}"),
            None => format!("see what it lacks: rustkmod doctor --kdir {shown}"),
        },
    };
    if let Err(reason) = &kdir.makefile {
        return Err(refuse(reason.clone()));
    }
    if !kdir.config.is_y("RUST") {
        let config = system.shown(&kdir.config_path);
        return Err(refuse(format!(
            "CONFIG_RUST is not set in {config}, it must be y"
        )));
    }
    for needed in ["rust/Makefile", "rust/kernel/lib.rs"] {
        let path = kdir.file(needed);
        if !path.is_file() {
            return Err(IdeError::NoKernelSources {
                missing: system.shown(&path),
                help: source_package(system, &kdir),
            });
        }
    }
    let Libraries {
        rustc,
        folder: library,
    } = libraries(system, &kdir)?;

    // The file outlives the link that the tree may have been named by.
    for path in [&mut kdir.path, &mut kdir.srctree] {
        *path = std::fs::canonicalize(&*path).unwrap_or_else(|_| path.clone());
    }
    let roots = rules::module(&kdir, folder)?;
    if roots.is_empty() {
        return Err(IdeError::NoModule {
            folder: folder.to_path_buf(),
            reason: "no object in its Kbuild has a file of the same name in Rust beside it",
        });
    }
    let rules = rules::crates(&kdir, &rustc, &library)?;
    Ok(assemble(&kdir, &rustc, &library, &rules, &roots))
}

fn assemble(kdir: &Kdir, rustc: &Path, library: &Path, rules: &[Rule], roots: &[Root]) -> Project {
    let edition = rules::edition(kdir);
    let config = configuration(kdir);
    let mut crates = Crates::default();
    let mut core = None;

    // Rust's own libraries, for the proc macros, which are compiled for this machine.
    for (name, uses) in [
        ("alloc", &[][..]),
        ("std", &["alloc"]),
        ("proc_macro", &["alloc", "std"]),
    ] {
        let here = library.join(name);
        let deps = crates.named(uses.iter().copied(), Side::Host);
        crates.add(
            Side::Host,
            Crate {
                display_name: name.to_string(),
                root_module: here.join("src/lib.rs"),
                edition: edition_of(&here).unwrap_or_else(|| edition.clone()),
                deps,
                ..Crate::default()
            },
        );
    }
    for rule in rules {
        let mut known = Crate {
            display_name: rule.name.clone(),
            root_module: rule.root.clone(),
            edition: rule
                .flags
                .edition
                .clone()
                .unwrap_or_else(|| edition.clone()),
            cfg: rule.flags.cfg.clone(),
            env: rule.env.iter().cloned().collect(),
            ..Crate::default()
        };
        if rule.name == "core" {
            core = Some(known);
            continue;
        }
        let externs = rule.flags.externs.iter().map(String::as_str);
        let side = match &rule.kind {
            Kind::Kernel => {
                known.deps = crates.named(externs, Side::Kernel);
                known.cfg.extend(config.iter().cloned());
                known.env.extend(environment(kdir));
                known.source = source(kdir, &rule.root);
                Side::Kernel
            }
            Kind::Host | Kind::ProcMacro(_) => {
                let own = ["alloc", "std", "proc_macro"];
                known.deps = crates.named(own.into_iter().chain(externs), Side::Host);
                Side::Host
            }
        };
        if let Kind::ProcMacro(path) = &rule.kind {
            known.is_proc_macro = true;
            known.proc_macro_dylib_path = Some(path.clone());
        }
        crates.add(side, known);
    }
    for Root { path, flags } in roots {
        let Flags {
            externs,
            cfg,
            edition: own,
        } = flags;
        let names = kdir.rule.externs.iter().chain(externs).map(String::as_str);
        let mut cfg = cfg.clone();
        // KBUILD_RUSTFLAGS_MODULE
        cfg.push("MODULE".to_string());
        cfg.extend(config.iter().cloned());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let known = Crate {
            display_name: stem.into_owned(),
            root_module: path.clone(),
            edition: own.clone().unwrap_or_else(|| edition.clone()),
            deps: crates.named(names, Side::Kernel),
            cfg,
            env: environment(kdir),
            crate_attrs: vec!["no_std".to_string()],
            is_workspace_member: true,
            ..Crate::default()
        };
        crates.add(Side::Module, known);
    }
    let sysroot = rustc.parent().and_then(Path::parent);
    Project {
        sysroot: sysroot
            .filter(|sysroot| {
                sysroot
                    .join("libexec/rust-analyzer-proc-macro-srv")
                    .is_file()
            })
            .map(Path::to_path_buf),
        sysroot_src: library.to_path_buf(),
        sysroot_project: Sysroot {
            crates: core.into_iter().collect(),
        },
        crates: crates.all,
    }
}

/// What a crate is compiled for. `alloc` may be there twice: 6.1 has its own, for the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Host,
    Kernel,
    Module,
}

#[derive(Default)]
struct Crates {
    all: Vec<Crate>,
    places: BTreeMap<(Side, String), usize>,
}

impl Crates {
    fn add(&mut self, side: Side, known: Crate) {
        let place = self.all.len();
        // Proc macros are made for this machine, and used on the other side.
        if known.is_proc_macro {
            self.places
                .insert((Side::Kernel, known.display_name.clone()), place);
        }
        self.places
            .insert((side, known.display_name.clone()), place);
        self.all.push(known);
    }

    /// Those of these that there are. `core` every crate has without asking.
    fn named<'a>(&self, names: impl Iterator<Item = &'a str>, side: Side) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        for name in names {
            if let Some(&index) = self.places.get(&(side, name.to_string()))
                && !found.iter().any(|known| known.name == name)
            {
                found.push(Dependency {
                    index,
                    name: name.to_string(),
                });
            }
        }
        found
    }
}

/// The kernel's configuration, as rustc gets it.
fn configuration(kdir: &Kdir) -> Vec<String> {
    let text = system::read_text(&kdir.file("include/generated/rustc_cfg"), 16 << 20);
    text.unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("--cfg="))
        .map(str::to_string)
        .collect()
}

/// What the build sets for `env!`.
fn environment(kdir: &Kdir) -> BTreeMap<String, String> {
    [
        ("OBJTREE", kdir.path.display().to_string()),
        // The path of the module in the tree, which `module!` writes down.
        ("RUST_MODFILE", "module".to_string()),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .into()
}

/// Where the tree was built in another folder than its sources', a crate includes what was
/// generated there.
fn source(kdir: &Kdir, root: &Path) -> Option<Source> {
    (kdir.path != kdir.srctree).then(|| Source {
        include_dirs: vec![
            root.parent().unwrap_or(root).to_path_buf(),
            kdir.path.join("rust"),
        ],
        exclude_dirs: Vec::new(),
    })
}

/// The edition that a library of Rust's says it is in.
fn edition_of(library: &Path) -> Option<String> {
    let text = system::read_text(&library.join("Cargo.toml"), 1 << 20).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("edition"))?;
    let value = line.trim_start().strip_prefix('=')?.trim();
    Some(value.trim_matches('"').to_string())
}

/// A rustc and the sources of its libraries.
struct Libraries {
    rustc: PathBuf,
    folder: PathBuf,
}

/// The sources of the libraries of the rustc that made the kernel's crates.
fn libraries(system: &System, kdir: &Kdir) -> std::result::Result<Libraries, IdeError> {
    let exact = kdir.crate_for_rustc().map(|(_, rmeta)| rmeta.rustc.clone());
    let mut candidates: Vec<Found> = match toolchain::would_run(system, kdir, None) {
        WouldRun::Rustc { found, .. } => vec![found],
        _ => Vec::new(),
    };
    candidates.extend(toolchain::all(system));
    candidates.retain(|found| match (&exact, &found.version) {
        (Some(exact), Ok(version)) => exact == version,
        (None, Ok(_)) => true,
        (_, Err(_)) => false,
    });
    let sources = |found: &Found| {
        let sysroot = found.path.parent()?.parent()?;
        Some(sysroot.join("lib/rustlib/src/rust/library"))
    };
    let root = "core/src/lib.rs";
    for found in &candidates {
        if let Some(folder) = sources(found)
            && folder.join(root).is_file()
        {
            return Ok(Libraries {
                rustc: found.path.clone(),
                folder: std::fs::canonicalize(&folder).unwrap_or(folder),
            });
        }
    }
    let missing = candidates
        .first()
        .and_then(&sources)
        .map(|path| path.join(root));
    let by_rustup = candidates.iter().find_map(|found| match &found.origin {
        Origin::Rustup(name) => Some(name.clone()),
        _ => None,
    });
    let help = match (by_rustup, &exact) {
        _ if package(kdir).is_some() && candidates.is_empty() => {
            let shown = system.shown(&kdir.path);
            format!("that rustc is a package, too: rustkmod doctor --kdir {shown}")
        }
        _ if package(kdir).is_some() => source_package(system, kdir),
        (Some(name), _) => format!("rustup component add rust-src --toolchain {name}"),
        (None, Some(exact)) => match toolchain::rustup_toolchain(exact) {
            Some(name) => {
                format!("rustup toolchain install {name} --profile minimal --component rust-src")
            }
            None => "install the rust-src of the distribution whose rustc that is".to_string(),
        },
        (None, None) => "install a rustc and its rust-src".to_string(),
    };
    Err(IdeError::NoLibrarySources {
        rustc: exact.map(|exact| format!(", {exact}")).unwrap_or_default(),
        missing: missing.map_or_else(
            || "that rustc is not here".to_string(),
            |path| format!("{} is not there", system.shown(&path)),
        ),
        help,
    })
}

/// The package of these headers, when it is one that has a package of sources beside it: what
/// `rust/toolchain.mk` says.
fn package(kdir: &Kdir) -> Option<String> {
    let text = system::read_text(&kdir.path.join("rust/toolchain.mk"), 64 << 10).ok()?;
    let file = text
        .lines()
        .find_map(|line| line.strip_prefix("# headers:"))?;
    Some(file.trim().replacen("-headers-", "-src-", 1))
}

/// How the sources are come by.
fn source_package(system: &System, kdir: &Kdir) -> String {
    match package(kdir) {
        Some(file) => {
            format!("install them, from where makepkg left the package: sudo pacman -U {file}")
        }
        None => format!(
            "name a tree that has them, the one these were built from: rustkmod ide --kdir LINUX \
             (not {})",
            system.shown(&kdir.path)
        ),
    }
}

/// Writes the file in one step: an editor that watches it never sees a half.
fn write(path: &Path, project: &Project) -> Result<()> {
    let failed = |source| IdeError::Write {
        path: path.to_path_buf(),
        source,
    };
    let mut text = serde_json::to_string_pretty(project)?;
    text.push('\n');
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .prefix(".rust-project-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
