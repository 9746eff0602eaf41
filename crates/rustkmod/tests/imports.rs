// SPDX-License-Identifier: MIT OR Apache-2.0

//! Imports go in one direction: in no crate do more than two files import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module's path below its crate: `["commands", "boot"]`.
type Module = Vec<String>;

/// The crates whose imports are looked at.
const CRATES: [&str; 7] = [
    "kconfig",
    "kernel-boot",
    "kernel-files",
    "kernel-tree",
    "kmod-init",
    "rustkmod",
    "vm",
];

/// What is imported by the text of a module, of the modules that there are.
fn imports(text: &str, module: &Module, all: &BTreeSet<Module>) -> BTreeSet<Module> {
    // Tests may look at anything.
    let text = text.split("#[cfg(test)]").next().unwrap();
    let text: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap().to_owned() + "\n")
        .collect();
    let mut found = BTreeSet::new();
    for line in text.split("use ").skip(1) {
        let mut paths = Vec::new();
        spread("", line.split(';').next().unwrap(), &mut paths);
        for path in paths {
            let mut parts: Vec<_> = path.split("::").map(str::trim).collect();
            let mut base = module.clone();
            match parts[0] {
                "crate" => base.clear(),
                "self" => {}
                "super" => drop(base.pop()),
                _ => continue,
            }
            parts.remove(0);
            while parts.first() == Some(&"super") {
                base.pop();
                parts.remove(0);
            }
            base.extend(parts.iter().map(ToString::to_string));
            while !all.contains(&base) {
                base.pop();
            }
            if base != *module {
                found.insert(base);
            }
        }
    }
    found
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn spread(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((start, inside)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        paths.push(format!("{before}{path}"));
        return;
    };
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let (mut depth, mut from) = (0, 0);
    for (at, character) in inside.char_indices().chain([(inside.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inside[from..at].trim().is_empty() {
                    spread(&format!("{before}{start}"), &inside[from..at], paths);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => sources(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

fn module_of(file: &Path, root: &Path) -> Module {
    let path = file.strip_prefix(root).unwrap().with_extension("");
    let mut module: Module = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] || module == ["main"] {
        module.pop();
    }
    module
}

/// What can be reached from a module by imports.
fn reachable(from: &Module, graph: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(next) = waiting.pop() {
        for module in graph.get(next).into_iter().flatten() {
            if seen.insert(module.clone()) {
                waiting.push(module);
            }
        }
    }
    seen
}

/// The circles of more than two.
fn circles(graph: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<BTreeSet<Module>> {
    let reach: BTreeMap<_, _> = graph
        .keys()
        .map(|module| (module, reachable(module, graph)))
        .collect();
    let circle = |module: &Module| -> BTreeSet<Module> {
        let mutual = reach[module].iter().filter(|other| {
            reach
                .get(other)
                .is_some_and(|reached| reached.contains(module))
        });
        mutual.cloned().collect()
    };
    let all = graph.keys().map(circle);
    all.filter(|circle| circle.len() > 2).collect()
}

#[test]
fn imports_of_every_crate_go_in_one_direction() {
    for name in CRATES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../{name}/src"));
        let mut files = Vec::new();
        sources(&root, &mut files);
        files.retain(|file| file.extension().is_some_and(|ending| ending == "rs"));
        let all: BTreeSet<_> = files.iter().map(|file| module_of(file, &root)).collect();
        let graph = files.iter().map(|file| {
            let module = module_of(file, &root);
            let text = std::fs::read_to_string(file).unwrap();
            let found = imports(&text, &module, &all);
            (module, found)
        });
        let found = circles(&graph.collect());
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn circles_of_three_are_found_and_of_two_are_not() {
    let module = |name: &str| -> Module { vec![name.into()] };
    let graph = |imports: &[(&str, &str)]| {
        let mut graph: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, to) in imports {
            let all = ["a", "b", "c"].map(module).into_iter().collect();
            let text = format!("use crate::{{\n    {to}::Thing, x,\n}};\n");
            let found = imports_of(&text, from, &all);
            graph.entry(module(from)).or_default().extend(found);
        }
        graph
    };
    fn imports_of(text: &str, from: &str, all: &BTreeSet<Module>) -> BTreeSet<Module> {
        let mut all = all.clone();
        all.insert(Module::new());
        let mut found = imports(text, &vec![from.into()], &all);
        found.remove(&Module::new());
        found
    }
    let three = circles(&graph(&[("a", "b"), ("b", "c"), ("c", "a")]));
    assert_eq!(three.iter().next().unwrap().len(), 3);
    assert!(circles(&graph(&[("a", "b"), ("b", "a"), ("b", "c")])).is_empty());
}
