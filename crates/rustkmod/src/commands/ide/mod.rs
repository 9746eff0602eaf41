// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod ide`: `rust-project.json` for a module, from which rust-analyzer knows the module, the
//! kernel's crates and `core`. Which crates there are, what each is compiled with and what it uses
//! is read out of the tree's own Makefiles; there is no list here that a new series would change.

mod compile_commands;
mod project;
mod rules;

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde::Serialize;
use tempfile::NamedTempFile;

use kernel_files::file;

use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::kernel_arg::{self, KERNEL, OpenTree, Tree, open_tree};
use crate::output::{Header, Output, Verdict, header};
use crate::report::{counted, lossily};
use kernel_tree::kdir::Kdir;
use kernel_tree::system::System;
use kernel_tree::toolchain::{self, Found, Origin, WouldRun};

use project::{Crate, Dependency, Project, Source, Sysroot};
use rules::{Flags, Kind, Root, Rule};

/// Arguments of `ide`.
#[derive(Debug, Args)]
pub struct IdeArguments {
    /// The module's directory, with its Kbuild; this one by default
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// The kernel it is written for: its release, as `uname -r` prints it, its headers or source tree,
    /// or its image; the running one by default
    #[arg(long, value_name = KERNEL, conflicts_with = "kdir", value_parser = NonEmptyStringValueParser::new())]
    pub kernel: Option<String>,
    /// That kernel's tree
    #[arg(long, value_name = "DIR", hide = true)]
    pub kdir: Option<PathBuf>,
}

/// Writes the file.
pub(crate) fn run(system: &System, arguments: &IdeArguments, out: &mut Output) -> Result<Verdict> {
    let tree = Tree {
        kernel: arguments.kernel.clone(),
        kdir: arguments.kdir.clone(),
        ..Tree::default()
    };
    let OpenTree { kdir, release, .. } = open_tree(system, &tree, || {
        Call::again("ide").with("--kernel", "KERNELRELEASE")
    })?;
    let directory = arguments.directory.as_deref().unwrap_or(Path::new("."));
    let no_module = |reason: String| {
        let call = Call::again("ide");
        let message = format!("{} holds no module in Rust", directory.display());
        Error::new(message).note(reason).run(
            "name the directory with the Kbuild of a module",
            match &arguments.directory {
                Some(directory) => call.with_word(directory, "DIR"),
                None => call.and("DIR"),
            },
        )
    };
    let directory =
        std::fs::canonicalize(directory).map_err(|error| no_module(error.to_string()))?;
    if !directory.is_dir() {
        return Err(no_module("it is not a directory".into()));
    }

    let shown = system.shown(&kdir.path);
    let (kdir, libraries) = sources(system, kdir, release.as_deref())?;
    let rules::Sources { roots, c } = rules::module(&kdir, &directory)?;
    if roots.is_empty() {
        let reason = "no object in its Kbuild has a file of the same name in Rust beside it";
        return Err(no_module(reason.into()));
    }
    let rules = rules::crates(&kdir, &libraries.rustc, &libraries.directory)?;
    let project = assemble(&kdir, &libraries, &rules, &roots);
    let path = directory.join("rust-project.json");
    let staged = stage(&path, &project, Project::is_one)?;
    let entries: Vec<_> = c
        .iter()
        .filter_map(|source| compile_commands::entry(source, &kdir.path, &directory))
        .collect();
    let commands_path = directory.join("compile_commands.json");
    let commands = match entries.is_empty() {
        true => None,
        false => Some(stage(&commands_path, &entries, |text| {
            compile_commands::is_one(text, &directory)
        })?),
    };

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
            #[serde(serialize_with = "lossily")]
            path: &'a Path,
            modules: &'a [&'a str],
            crates: usize,
            expands_macros: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            kept: Option<String>,
            c_files: usize,
            c_commands: usize,
        }
        out.json(&Document {
            header: header("ide"),
            kernelrelease: &name,
            kdir: &shown,
            path: &path,
            modules: &own,
            crates: project.crates.len() + project.sysroot_project.crates.len(),
            expands_macros: expands,
            kept: staged.kept.as_ref().map(|kept| kept.display().to_string()),
            c_files: c.len(),
            c_commands: entries.len(),
        })?;
    } else {
        writeln!(
            out,
            "{} is written: rust-analyzer knows {} and the {} of {name}",
            path.display(),
            own.join(", "),
            counted(
                project.crates.len() + project.sysroot_project.crates.len() - own.len(),
                "crate"
            ),
        )?;
        if commands.is_some() {
            writeln!(
                out,
                "{} is written: clangd knows {}",
                commands_path.display(),
                counted(entries.len(), "C file")
            )?;
        }
        let kept = [Some(&staged), commands.as_ref()].into_iter().flatten();
        for kept in kept.filter_map(|staged| staged.kept.as_ref()) {
            writeln!(
                out,
                "  note: rustkmod had not written the one that was there: it is {} now",
                kept.display()
            )?;
        }
        if entries.len() < c.len() {
            writeln!(
                out,
                "  note: how a C file is compiled, and what bindgen makes of its header, is known \
                 once it is built\n  \
                 help: build the module, and run this again\n            {}",
                Command::new("make -C")
                    .arg(&kdir.path)
                    .set("M", &directory)
                    .then(&Call::again("ide").into())
            )?;
        }
        if !expands {
            writeln!(
                out,
                "  note: `module!` is not expanded: the toolchain has no \
                 rust-analyzer-proc-macro-srv, which came with rustc 1.64"
            )?;
        }
    }
    // What cannot be told is not written: the file is put in its place last.
    out.flush()?;
    staged.put(&path)?;
    if let Some(commands) = commands {
        commands.put(&commands_path)?;
    }
    Ok(Verdict::Fine)
}

/// The tree and Rust's own libraries, with the sources that rust-analyzer reads.
fn sources(system: &System, mut kdir: Kdir, release: Option<&str>) -> Result<(Kdir, Libraries)> {
    let shown = system.shown(&kdir.path);
    let refuse = |reason: String| {
        let message = format!("{shown} is not a kernel tree with Rust support");
        let error = Error::new(message).note(reason);
        kernel_arg::instead(error, system, "ide", &kdir.path, release)
    };
    kdir.series_with_rust(system).map_err(refuse)?;
    for needed in ["rust/Makefile", "rust/kernel/lib.rs"] {
        let path = kdir.file(needed);
        if !path.is_file() {
            let error =
                Error::new("the sources of the kernel's crates are not installed").note(format!(
                    "rust-analyzer reads sources, and {} is not there",
                    system.shown(&path)
                ));
            return Err(with_source_package(error, system, &kdir));
        }
    }
    let libraries = libraries(system, &kdir)?;

    // The file outlives the link that the tree may have been named by.
    for path in [&mut kdir.path, &mut kdir.srctree] {
        *path = std::fs::canonicalize(&*path).unwrap_or_else(|_| path.clone());
    }
    Ok((kdir, libraries))
}

fn assemble(kdir: &Kdir, libraries: &Libraries, rules: &[Rule], roots: &[Root]) -> Project {
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
    let line = text.lines().find_map(|line| line.strip_prefix("edition"))?;
    let value = line.trim_start().strip_prefix('=')?.trim();
    Some(value.trim_matches('"').to_string())
}

/// A rustc and the sources of its libraries.
struct Libraries {
    rustc: PathBuf,
    directory: PathBuf,
}

/// The sources of the libraries of the rustc that made the kernel's crates.
fn libraries(system: &System, kdir: &Kdir) -> Result<Libraries> {
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
        if let Some(directory) = sources(found)
            && directory.join(root).is_file()
        {
            return Ok(Libraries {
                rustc: found.path.clone(),
                directory: std::fs::canonicalize(&directory).unwrap_or(directory),
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
    let rustc = exact.as_ref().map(|exact| format!(", {exact}"));
    let missing = missing.map_or_else(
        || "that rustc is not here".to_string(),
        |path| format!("{} is not there", system.shown(&path)),
    );
    let error = Error::new("the sources of core are not installed").note(format!(
        "rust-analyzer reads those of the very rustc that made the kernel's crates{}, and {missing}",
        rustc.unwrap_or_default()
    ));
    Err(match (by_rustup, &exact) {
        _ if package(kdir).is_some() && candidates.is_empty() => {
            let doctor = Call::on(system, &["doctor"]);
            error.run(
                "that rustc is in a package, too",
                doctor.with("--kdir", &kdir.path),
            )
        }
        _ if package(kdir).is_some() => with_source_package(error, system, kdir),
        (Some(name), _) => error.run(
            "add them",
            Command::new("rustup component add rust-src --toolchain").arg(name),
        ),
        (None, Some(exact)) => match toolchain::rustup_toolchain(exact) {
            Some(name) => error.run(
                "get that rustc, with them",
                Command::new("rustup toolchain install")
                    .arg(name)
                    .shell("--profile minimal --component rust-src"),
            ),
            None => error.advise("install the rust-src of the distribution that rustc is from"),
        },
        (None, None) => error.advise("install a rustc and its rust-src"),
    })
}

/// The package of these headers, when it is one that has a package of sources beside it: what
/// `rust/toolchain.mk` says.
fn package(kdir: &Kdir) -> Option<String> {
    let text = file::read_text(&kdir.path.join("rust/toolchain.mk"), 64 << 10).ok()?;
    let file = text
        .lines()
        .find_map(|line| line.strip_prefix("# headers:"))?;
    Some(file.trim().replacen("-headers-", "-src-", 1))
}

/// Adds how to get the sources.
fn with_source_package(error: Error, system: &System, kdir: &Kdir) -> Error {
    match package(kdir) {
        Some(file) => error.run(
            "install them, in the directory where makepkg left the package",
            Command::new("sudo pacman -U").arg(file),
        ),
        None => error.run(
            format!(
                "name the tree that the headers were built from (not {})",
                system.shown(&kdir.path)
            ),
            Call::again("ide")
                .without("--kernel")
                .with("--kdir", "LINUX"),
        ),
    }
}

/// The file beside where it is to be: an editor that watches it never sees a half.
#[derive(Debug)]
struct Staged {
    file: NamedTempFile,
    /// Where another's file that is there is kept.
    kept: Option<PathBuf>,
}

/// Writes a document beside where it is to be. A file that is there and that is not one of ours, as
/// `is_one` says, is kept.
fn stage(path: &Path, document: &impl Serialize, is_one: impl Fn(&str) -> bool) -> Result<Staged> {
    let failed = |source| Error::write(path, &source);
    let in_the_way = |path: &Path, reason| {
        Error::new(format!("{} is there already, and {reason}", path.display()))
            .note("nothing was written")
            .run(
                "put it aside",
                Command::new("mv -n").arg(path).arg(beside(path, ".1")),
            )
    };
    let there = match path.symlink_metadata() {
        Ok(about) => Some(about),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(failed(source)),
    };
    let is_own = there.as_ref().is_some_and(Metadata::is_file)
        && file::read_text(path, 64 << 20).is_ok_and(|text| is_one(&text));
    let kept = (there.is_some() && !is_own).then(|| beside(path, ".old"));
    if there.as_ref().is_some_and(Metadata::is_dir) {
        return Err(in_the_way(path, "it is a directory"));
    }
    if let Some(kept) = kept.as_ref().filter(|kept| kept.symlink_metadata().is_ok()) {
        return Err(in_the_way(
            kept,
            "what is to be replaced would be kept there",
        ));
    }

    let directory = path.parent().unwrap_or(path);
    let mut text = serde_json::to_string_pretty(document).map_err(|reason| {
        let message = format!("{} cannot be named in JSON", directory.display());
        Error::new(message)
            .note(format!("{reason}: JSON is UTF-8"))
            .advise("rename the module's directory, or the tree, to a name in UTF-8")
    })?;
    text.push('\n');
    let mut file = tempfile::Builder::new()
        .prefix(".rust-project-")
        .permissions(PermissionsExt::from_mode(0o666))
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if let Some(own) = there.filter(|_| is_own) {
        file.as_file()
            .set_permissions(own.permissions())
            .map_err(failed)?;
    }
    Ok(Staged { file, kept })
}

impl Staged {
    /// Puts the file in its place in one step.
    fn put(self, path: &Path) -> Result<()> {
        let failed = |source| Error::write(path, &source);
        // By a second name, so that there is a file at any time.
        if let Some(kept) = &self.kept {
            std::fs::hard_link(path, kept).map_err(failed)?;
        }
        self.file
            .persist(path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// The same name with more at its end.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn empty() -> Project {
        let core = Crate {
            display_name: "core".into(),
            ..Crate::default()
        };
        Project {
            sysroot: None,
            sysroot_src: "/src".into(),
            sysroot_project: Sysroot { crates: vec![core] },
            crates: Vec::new(),
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn its_own_file_is_replaced_and_keeps_its_permissions() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rust-project.json");
        let write = || {
            stage(&path, &empty(), Project::is_one)
                .unwrap()
                .put(&path)
                .unwrap()
        };
        write();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        write();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_another_wrote_is_kept() {
        for text in ["", "mine", "{\"crates\": []}", "{\"sysroot_project\": 1}"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("rust-project.json");
            std::fs::write(&path, text).unwrap();
            let staged = stage(&path, &empty(), Project::is_one).unwrap();
            let kept = staged.kept.clone().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            staged.put(&path).unwrap();
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), text);
            // Its own is replaced by itself, and what is kept stays.
            stage(&path, &empty(), Project::is_one)
                .unwrap()
                .put(&path)
                .unwrap();
            assert_eq!(std::fs::read_to_string(&kept).unwrap(), text);

            std::fs::write(&path, "another").unwrap();
            let error = stage(&path, &empty(), Project::is_one).unwrap_err();
            let remedy = format!("mv -n {0} {0}.1", kept.display());
            assert_eq!(error.help[0].command.as_ref().unwrap().to_string(), remedy);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "another");
        }
    }

    #[test]
    fn a_link_is_kept_and_a_directory_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rust-project.json");
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        stage(&path, &empty(), Project::is_one)
            .unwrap()
            .put(&path)
            .unwrap();
        assert!(path.symlink_metadata().unwrap().is_file());
        let kept = std::fs::read_link(beside(&path, ".old")).unwrap();
        assert_eq!(kept, Path::new("elsewhere"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let said = stage(&path, &empty(), Project::is_one)
            .unwrap_err()
            .to_string();
        assert!(said.contains("it is a directory"), "{said}");
    }

    #[test]
    fn a_path_that_json_has_no_room_for_is_said() {
        use std::os::unix::ffi::OsStrExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rust-project.json");
        let mut project = empty();
        project.sysroot_src = std::ffi::OsStr::from_bytes(b"/\xff").into();
        let error = stage(&path, &project, Project::is_one).unwrap_err();
        assert!(error.to_string().contains("JSON is UTF-8"), "{error}");
        assert_eq!(error.help.len(), 1);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
