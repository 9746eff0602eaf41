// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is not in this repository: the sources of kernels, and reports.

use std::path::Path;

use super::super::*;
use super::ids;

/// What the format strings of a C file print, with 1 and x in the place of values.
fn messages(source: &str, function: &str) -> Vec<String> {
    let call = regex::Regex::new(&format!(
        r#"\b{function}\s*\((?:\s*#[^\n]*)?\s*((?:"(?:[^"\\]|\\.)*"\s*)+)"#
    ))
    .unwrap();
    let text = regex::Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let number = regex::Regex::new(r"%[-+ #0*]*\d*(?:ll|l|h|z|L)*[diux]").unwrap();
    let other = regex::Regex::new(r"%\*?[a-zA-Z]+").unwrap();
    call.captures_iter(source)
        .map(|found| {
            let format: String = text
                .captures_iter(&found[1])
                .map(|part| part[1].to_string())
                .collect();
            let format = format
                .replace("%*phN", "00")
                .replace("\\n", "\n")
                .replace("\\t", "\t")
                .replace("\\\"", "\"");
            other
                .replace_all(&number.replace_all(&format, "1"), "x")
                .into_owned()
        })
        .collect()
}

#[test]
#[ignore = "set RUSTKMOD_KERNEL_SOURCES to source trees of the kernel, with : between them"]
fn messages_of_the_loader_are_known_in_every_series() {
    /// Messages that tell nothing of a module that is loaded or refused.
    const OTHERS: &[&str] = &[
        "Failed to create 'compression' attribute",
        "adding tainted module to the unloaded tainted modules list failed",
        "Could not add fail-tracking for module",
        "digest memory buffer allocate fail",
        "Failed to initialize duplicate",
    ];
    let trees = std::env::var("RUSTKMOD_KERNEL_SOURCES").expect("RUSTKMOD_KERNEL_SOURCES");
    let mut unknown = Vec::new();
    let mut count = 0;
    for tree in trees.split(':') {
        let tree = Path::new(tree);
        let arches = ["x86", "arm", "arm64", "loongarch", "riscv"];
        let mut files: Vec<_> = arches
            .iter()
            .map(|arch| tree.join("arch").join(arch).join("kernel/module.c"))
            .collect();
        files.extend(
            std::fs::read_dir(tree.join("kernel/module"))
                .unwrap()
                .map(|entry| entry.unwrap().path()),
        );
        for file in files
            .iter()
            .filter(|file| file.extension().is_some_and(|c| c == "c"))
        {
            // Why is not in the format.
            let source = std::fs::read_to_string(file).unwrap();
            let source = source.replace("Loading of %s is", "Loading of unsigned module is");
            for message in messages(&source, "pr_(?:err|warn|notice)(?:_once|_ratelimited)?") {
                count += 1;
                let first = message.lines().next().unwrap_or_default();
                let is_other = OTHERS.iter().any(|other| message.contains(other));
                // Most files put their name in front.
                for text in [first.to_string(), format!("module: {first}")] {
                    if !is_other && story::row_of(&text).is_none() {
                        unknown.push(format!("{}: {text}", file.display()));
                    }
                }
            }
        }
    }
    assert!(count > 50, "{count} messages");
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
#[ignore = "set RUSTKMOD_KERNEL_SOURCES to source trees of the kernel, with : between them"]
fn messages_of_modpost_are_known_in_every_series() {
    /// Messages that only a change of modpost, or a broken tree, makes it print.
    const OTHERS: &[&str] = &[
        "Can't open filenames file",
        "Unknown host endian",
        "buf_printf output truncated",
        "vsnprintf failed",
        "too long path was truncated",
        "filename must be suffixed",
        "Please add code to calculate addend",
        "Memory allocation failure",
        "Could not update namespace",
        "special handler for this mismatch",
        "section_index is outside",
        "unknown license x. skip",
    ];
    let trees = std::env::var("RUSTKMOD_KERNEL_SOURCES").expect("RUSTKMOD_KERNEL_SOURCES");
    let mut unknown = Vec::new();
    let mut count = 0;
    for tree in trees.split(':') {
        let source = Path::new(tree).join("scripts/mod/modpost.c");
        let source = std::fs::read_to_string(source).unwrap();
        // It puts the module in front.
        let source = source.replace("mod_error(mod, \"", "error(\"x: ");
        for message in messages(&source, "(?:error|fatal)") {
            count += 1;
            let text = format!("ERROR: modpost: {message}");
            let is_other = OTHERS.iter().any(|other| message.contains(other));
            if !is_other && story::row_of(&text).is_none() {
                unknown.push(text);
            }
        }
    }
    assert!(count > 20, "{count} messages");
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

/// The right answers to logs that are kept outside: the name's beginning, the errors, the warnings.
#[test]
#[ignore = "set RUSTKMOD_CASES to a directory of .log files"]
fn logs_that_are_kept_outside_are_explained() {
    const RIGHT: &[(&str, &[&str], &[&str])] = &[
        (
            "01-",
            &["libclang-not-found"],
            &["rustc-too-new", "bindgen-too-new"],
        ),
        ("03-", &["libclang-not-found"], &[]),
        ("04-", &[], &["libclang-differs"]),
        ("05-", &["bindgen-blacklist"], &["rustc-too-new"]),
        ("06-", &["liballoc-of-the-tree"], &[]),
        ("07-", &["core-edition"], &[]),
        ("09-", &["no-jump-tables"], &[]),
        ("11-", &["E0464"], &[]),
        ("12-", &["llvm-not-found"], &[]),
        ("13-", &["c-compiler-too-old"], &[]),
        ("16-", &["pahole-too-old"], &[]),
        ("17-", &["module-btf"], &[]),
        ("19-", &["module-btf"], &[]),
        ("20-", &[], &["version-generation"]),
        ("22-", &[], &["no-config-rust"]),
        ("23-", &["rust-src"], &[]),
        ("25-", &["crates-missing"], &[]),
        ("26-", &["clang-for-gcc-kernel"], &[]),
        ("27-", &["this-module-size"], &[]),
        ("28-", &["built-in-export"], &[]),
        ("28b-", &["built-in-export"], &[]),
        ("29-", &["no-kernel-tree"], &[]),
        ("31-", &["unknown-key"], &[]),
        ("32-", &["relocation"], &[]),
        ("32b-", &["relocation"], &[]),
        ("35-", &["headers-without-sources"], &[]),
        ("37-", &[], &["rustc-too-new", "bindgen-too-new"]),
    ];
    let cases = std::env::var("RUSTKMOD_CASES").expect("RUSTKMOD_CASES");
    for (name, errors, warnings) in RIGHT {
        let path = std::fs::read_dir(&cases)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                file.starts_with(name) && file.ends_with(".log")
            })
            .unwrap_or_else(|| panic!("no log {name}"));
        let found = explain(std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(ids(&found, Status::Error), *errors, "{}", path.display());
        assert_eq!(
            ids(&found, Status::Warning),
            *warnings,
            "{}",
            path.display()
        );
    }
}
