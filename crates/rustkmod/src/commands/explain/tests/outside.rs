// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is not in this repository: the sources of kernels, and reports.

use std::path::{Path, PathBuf};

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

/// The messages in files of kernels' source trees that no row knows. `of` has the texts that a file
/// may print, more than `least` in a tree, and `others` is what tells nothing of a build or a module.
fn unknown(
    files: impl Fn(&Path) -> Vec<PathBuf>,
    of: impl Fn(&str) -> Vec<String>,
    others: &[&str],
    least: usize,
) -> String {
    let trees = std::env::var("RUSTKMOD_KERNEL_SOURCES").expect("RUSTKMOD_KERNEL_SOURCES");
    let mut unknown = Vec::new();
    for tree in trees.split(':') {
        let mut count = 0;
        for file in files(Path::new(tree)) {
            for text in of(&std::fs::read_to_string(&file).unwrap()) {
                count += 1;
                let is_other = others.iter().any(|other| text.contains(other));
                if !is_other && story::row_of(&text).is_none() {
                    unknown.push(format!("{}: {text}", file.display()));
                }
            }
        }
        assert!(count > least, "{count} messages in {tree}");
    }
    unknown.join("\n")
}

#[test]
#[ignore = "set RUSTKMOD_KERNEL_SOURCES to source trees of the kernel, with : between them"]
fn messages_of_the_loader_are_known_in_every_series() {
    let files = |tree: &Path| {
        let arches = ["x86", "arm", "arm64", "loongarch", "riscv"];
        let own = arches.map(|arch| tree.join("arch").join(arch).join("kernel/module.c"));
        let core = std::fs::read_dir(tree.join("kernel/module")).unwrap();
        let core = core.map(|entry| entry.unwrap().path());
        own.into_iter()
            .chain(core.filter(|file| file.extension().is_some_and(|c| c == "c")))
            .collect()
    };
    let of = |source: &str| {
        // Why is not in the format.
        let source = source.replace("Loading of %s is", "Loading of unsigned module is");
        let all = messages(&source, "pr_(?:err|warn|notice)(?:_once|_ratelimited)?");
        let first = all.iter().map(|all| all.lines().next().unwrap_or_default());
        // Most files put their name in front.
        first
            .flat_map(|first| [first.to_string(), format!("module: {first}")])
            .collect()
    };
    let others = [
        "Failed to create 'compression' attribute",
        "adding tainted module to the unloaded tainted modules list failed",
        "Could not add fail-tracking for module",
        "digest memory buffer allocate fail",
        "Failed to initialize duplicate",
    ];
    assert_eq!(unknown(files, of, &others, 2 * 50), "");
}

#[test]
#[ignore = "set RUSTKMOD_KERNEL_SOURCES to source trees of the kernel, with : between them"]
fn messages_of_modpost_are_known_in_every_series() {
    let files = |tree: &Path| vec![tree.join("scripts/mod/modpost.c")];
    let of = |source: &str| {
        // It puts the module in front.
        let source = source.replace("mod_error(mod, \"", "error(\"x: ");
        let all = messages(&source, "(?:error|fatal)");
        all.iter()
            .map(|message| format!("ERROR: modpost: {message}"))
            .collect()
    };
    // Only a change of modpost, or a broken tree, makes it print these.
    let others = [
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
    assert_eq!(unknown(files, of, &others, 20), "");
}

/// What a shell script passes to `error`, `warn` and what ends by them, with x in the place of values.
fn messages_of_script(script: &str) -> Vec<String> {
    let call = regex::Regex::new(
        r#"\b(die \d+|error|warn|diewarn \d+)\s+(?:\\\n\s*)?((?:\$?"(?:[^"\\]|\\.)*"[ \t]*(?:\\\n\s*)?)+)"#,
    )
    .unwrap();
    let text = regex::Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let value =
        regex::Regex::new(r"\$\{[^}]*\}|\$\([^()]*(?:\([^()]*\)[^()]*)*\)|\$\w+|\$\?").unwrap();
    let calls = call.captures_iter(script).map(|call| {
        let lines = text.captures_iter(&call[2]);
        let lines: Vec<_> = lines
            .map(|line| value.replace_all(&line[1], "/x").replace('\\', ""))
            .collect();
        let kind = if call[1].contains("warn") {
            "Warning:"
        } else {
            "Error!"
        };
        format!("{kind} {}", lines.join("\n"))
    });
    calls.collect()
}

#[test]
#[ignore = "set RUSTKMOD_DKMS to dkms, the script"]
fn what_dkms_says_is_known() {
    // What no user meets, or what names no failure of its own.
    const OTHERS: [&str; 13] = [
        "$@",
        // Quotes within quotes; it has an example.
        "Module version $(get_module",
        "Remove cancelled because",
        "System is missing os-release",
        "Could not determine architecture",
        "One or more modules failed",
        "failed for module(s)",
        "Cannot do version sanity checking",
        "script is not executable",
        "despite of missing BUILD_DEPENDS",
        "has disappeared",
        "Bad original location",
        "already exists. Skipping",
    ];
    let path = std::env::var("RUSTKMOD_DKMS").expect("RUSTKMOD_DKMS");
    let script = std::fs::read_to_string(path).unwrap();
    let all = messages_of_script(&script);
    assert!(all.len() > 40, "{} messages", all.len());
    let is_unknown = |text: &&String| {
        !OTHERS.iter().any(|other| text.contains(other)) && story::row_of(text).is_none()
    };
    let unknown: Vec<_> = all.iter().filter(is_unknown).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
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
