// SPDX-License-Identifier: MIT OR Apache-2.0

//! The crates of a project, put together from what the Makefiles say.

use std::collections::BTreeMap;
use std::path::Path;

use kernel_files::file;
use kernel_tree::kdir::Kdir;

use super::project::{Crate, Dependency, Project, Source, Sysroot};
use super::rules::{self, Flags, Kind, Root, Rule};
use super::sources::Libraries;

pub(super) fn assemble(
    kdir: &Kdir,
    libraries: &Libraries,
    rules: &[Rule],
    roots: &[Root],
) -> Project {
    let Libraries {
        rustc,
        directory: library,
    } = libraries;
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
        let externs = rule.flags.externs.iter().map(|(name, _)| name.as_str());
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
    for (name, library, source) in roots.iter().flat_map(Root::proc_macros) {
        let deps = crates.named(["alloc", "std", "proc_macro"].into_iter(), Side::Host);
        crates.add(
            Side::Module,
            Crate {
                display_name: name,
                root_module: source,
                edition: edition.clone(),
                deps,
                is_workspace_member: true,
                is_proc_macro: true,
                proc_macro_dylib_path: Some(library),
                ..Crate::default()
            },
        );
    }
    let first = crates.all.len();
    for Root { path, flags } in roots {
        let Flags {
            cfg, edition: own, ..
        } = flags;
        let mut cfg = cfg.clone();
        // KBUILD_RUSTFLAGS_MODULE
        cfg.push("MODULE".to_string());
        cfg.extend(config.iter().cloned());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let known = Crate {
            display_name: stem.into_owned(),
            root_module: path.clone(),
            edition: own.clone().unwrap_or_else(|| edition.clone()),
            cfg,
            env: environment(kdir),
            crate_attrs: vec!["no_std".to_string()],
            is_workspace_member: true,
            ..Crate::default()
        };
        crates.add(Side::Module, known);
    }
    // A module's crates may use each other, in whatever order its Kbuild names them.
    for (place, root) in (first..).zip(roots) {
        let externs = root.flags.externs.iter().map(|(name, _)| name.as_str());
        let mut deps = crates.named(externs.clone(), Side::Module);
        let kernels = kdir.rule.externs.iter().map(String::as_str).chain(externs);
        deps.extend(crates.named(kernels, Side::Kernel));
        crates.all[place].deps = deps;
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
        sysroot_src: library.clone(),
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
    let text = file::read_text(&kdir.file("include/generated/rustc_cfg"), 16 << 20);
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

/// Where the tree was built in another directory than its sources', a crate includes what was
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
    let text = file::read_text(&library.join("Cargo.toml"), 1 << 20).ok()?;
    let manifest: toml::Table = text.parse().ok()?;
    let edition = manifest.get("package")?.get("edition")?.as_str()?;
    Some(edition.to_string())
}
