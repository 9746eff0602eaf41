// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod new`: what it writes, that it writes all or nothing, and that what it writes builds.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A tree that says it is one.
fn tree(directory: &Path) -> PathBuf {
    let tree = directory.join("tree");
    common::write(tree.join("Makefile"), "VERSION = 6\nPATCHLEVEL = 12\n");
    common::write(tree.join(".config"), "CONFIG_RUST=y\n");
    tree
}

fn new(directory: &Path, kdir: &Path, name: &str) -> Output {
    common::command()
        .current_dir(directory)
        .args(["new", name, "--author", "A. Author", "--kdir"])
        .arg(kdir)
        .output()
        .unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_empty_directory_is_filled_and_a_full_one_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    fs::create_dir(directory.path().join("hello")).unwrap();
    assert!(new(directory.path(), &kdir, "hello").status.success());
    let made = names(&directory.path().join("hello"));
    assert_eq!(made.len(), 9, "{made:?}");

    let source = directory.path().join("hello/hello.rs");
    fs::write(&source, "mine").unwrap();
    let again = new(directory.path(), &kdir, "hello");
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(fs::read_to_string(source).unwrap(), "mine");
    // Nor is anything left beside it.
    assert_eq!(names(directory.path()), ["hello", "tree"]);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    // A link is not a directory, wherever it leads.
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, directory.path().join("hello")).unwrap();
    assert_eq!(new(directory.path(), &kdir, "hello").status.code(), Some(2));
    assert!(names(&elsewhere).is_empty());
    // /proc takes no directories, from root either.
    let refused = new(Path::new("/proc"), &kdir, "hello");
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("/proc/hello cannot be written"), "{said}");
    assert!(
        said.contains("\n  note: ")
            && said.contains("help: see who may write there\n            ls -ld /proc"),
        "{said}"
    );
}

#[test]
fn a_mixed_module_has_both_languages_and_a_script_for_ci() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    let output = common::command()
        .current_dir(directory.path())
        .args("new hello --author A --template mixed --ci --kdir".split(' '))
        .arg(&kdir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let made = directory.path().join("hello");
    for name in [
        "hello_main.rs",
        "hello.h",
        "hello_device.c",
        ".github/workflows/module.yml",
    ] {
        assert!(made.join(name).is_file(), "{name}");
    }
    assert!(!made.join("hello.rs").exists());
    let mode = fs::metadata(made.join("ci")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    let ignored = fs::read_to_string(made.join(".gitignore")).unwrap();
    assert!(ignored.contains("/hello_bindings.rs\n"), "{ignored}");
}

fn in_shell(directory: &Path, script: &str) -> Output {
    Command::new("sh")
        .args(["-ec", script])
        .current_dir(directory)
        .output()
        .unwrap()
}

#[test]
fn files_are_as_the_umask_has_them() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    let script = format!(
        "umask 027; '{}' new hello --author A --kdir '{}'",
        env!("CARGO_BIN_EXE_rustkmod"),
        kdir.display()
    );
    let output = in_shell(directory.path(), &script);
    assert!(output.status.success());
    let mode = |name: &str| {
        let path = directory.path().join("hello").join(name);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(
        (mode("."), mode("Kbuild"), mode("check-headers")),
        (0o750, 0o640, 0o750)
    );
}

#[test]
fn two_at_once_make_one() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    let made: Vec<bool> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| new(directory.path(), &kdir, "hello").status.success()))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
    assert_eq!(names(directory.path()), ["hello", "tree"]);
    assert_eq!(names(&directory.path().join("hello")).len(), 9);
}

#[test]
fn an_empty_directory_keeps_its_permissions() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    let hello = directory.path().join("hello");
    fs::create_dir(&hello).unwrap();
    fs::set_permissions(&hello, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(new(directory.path(), &kdir, "hello").status.success());
    assert_eq!(
        fs::metadata(&hello).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(names(&hello).len(), 9);
}

#[test]
fn what_cannot_be_told_is_not_made() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    for json in [&[][..], &["--json"]] {
        let output = common::command()
            .current_dir(directory.path())
            .args(["new", "hello", "--author", "A", "--kdir"])
            .arg(&kdir)
            .args(json)
            .stdout(fs::File::create("/dev/full").unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("the output cannot be written\n  note: No space"),
            "{said}"
        );
        assert_eq!(names(directory.path()), ["tree"]);
    }
}

#[test]
fn a_directory_that_is_not_utf_8_is_told_as_far_as_it_can_be() {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    let odd = directory.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
    fs::create_dir(&odd).unwrap();
    let output = common::command()
        .current_dir(&odd)
        .args(["--json", "new", "hello", "--author", "A", "--kdir"])
        .arg(&kdir)
        .output()
        .unwrap();
    assert!(output.status.success());
    let document = common::json(&output);
    let path = document["path"].as_str().unwrap();
    assert!(path.ends_with("\u{fffd}/hello"), "{path}");
}

#[test]
fn a_directory_that_was_removed_is_none_to_make_one_in() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    let script = format!(
        "mkdir gone; cd gone; rmdir ../gone; exec '{}' new hello_from_nowhere --kdir '{}'",
        env!("CARGO_BIN_EXE_rustkmod"),
        kdir.display()
    );
    let output = in_shell(directory.path(), &script);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("does not exist any more"), "{said}");
    assert!(!Path::new("/hello_from_nowhere").exists());
}

#[test]
fn the_command_it_prints_is_one_for_the_shell() {
    let directory = tempfile::tempdir().unwrap();
    let spaced = directory.path().join("my disk");
    let kdir = tree(&spaced);
    // What make gets of it, by a Makefile that only says so.
    let made_by = |output: &Output, name: &str| {
        assert!(output.status.success(), "{output:?}");
        let makefile = directory.path().join(name).join("Makefile");
        fs::write(makefile, "all: ; @echo \"$(KDIR)\"\n").unwrap();
        let printed = String::from_utf8(output.stdout.clone()).unwrap();
        let make = printed.lines().last().unwrap();
        let said = Command::new("sh")
            .args(["-ec", make])
            .current_dir(directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        let line = said.lines().find(|line| line.starts_with('/'));
        PathBuf::from(line.unwrap_or_default())
    };
    let relative = new(directory.path(), Path::new("my disk/tree"), "one");
    assert_eq!(made_by(&relative, "one"), kdir);

    let root = directory.path().join("root");
    let build = root.join("lib/modules/6.1-x/build");
    common::write(build.join("Makefile"), "VERSION = 6\nPATCHLEVEL = 1\n");
    common::write(build.join(".config"), "CONFIG_RUST=y\n");
    common::write(root.join("proc/sys/kernel/osrelease"), "6.1-x\n");
    let inside = common::command()
        .current_dir(directory.path())
        .args(["new", "two", "--author", "A", "--root", "root"])
        .output()
        .unwrap();
    assert_eq!(made_by(&inside, "two"), build);
}

#[test]
fn an_author_that_git_names_is_said_to_be_gits() {
    let directory = tempfile::tempdir().unwrap();
    let kdir = tree(directory.path());
    fs::write(kdir.join("Makefile"), "VERSION = 6\nPATCHLEVEL = 1\n").unwrap();
    let config = directory.path().join("gitconfig");
    fs::write(&config, "[user]\nname = J\u{fc}rgen\n").unwrap();
    let run = |author: &[&str]| {
        let output = common::command()
            .current_dir(directory.path())
            .env("GIT_CONFIG_GLOBAL", &config)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(["new", "hello", "--kdir"])
            .arg(&kdir)
            .args(author)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let help = format!(
        "help: name one that can\n            rustkmod new hello --kdir {} --author 'NAME <ADDRESS>'",
        kdir.display()
    );
    let (gits, given) = (run(&[]), run(&["--author=J\u{fc}rgen"]));
    assert!(gits.contains("git config user.name") && gits.contains(&help));
    assert!(!given.contains("git config") && given.contains(&help));
}

/// `RUSTKMOD_TEST_HEADERS` names the headers, as in `kernel.rs`.
#[test]
#[ignore = "needs the headers of a kernel with Rust: RUSTKMOD_TEST_HEADERS"]
fn every_name_that_is_taken_builds_without_a_warning() {
    let packages = common::packages();
    let fitting = common::command()
        .arg("--root")
        .arg(&packages.root)
        .args(["toolchain", "--path", &packages.release])
        .output()
        .unwrap();
    if !fitting.status.success() {
        common::lacks("the rustc of these headers is not beside them");
    }
    let rustc = common::printed(&fitting);
    let rustc = packages.root.join(rustc.trim().trim_start_matches('/'));
    let kdir = &packages.kdir;
    let longest = "a".repeat(55);
    let mut running = Vec::new();
    for name in [
        "hello",
        "this_module",
        "result",
        "drop",
        "vec",
        "k_vec",
        "self_",
        "option",
        "local_module",
        &longest,
    ] {
        let directory = tempfile::tempdir().unwrap();
        let made = new(directory.path(), kdir, name);
        assert!(
            made.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let module = directory.path().join(name);
        let make = Command::new("make")
            .arg("-C")
            .arg(&module)
            .arg(format!("KDIR={}", kdir.display()))
            .arg(format!("RUSTC={}", rustc.display()))
            .env_remove("LLVM")
            .env("PATH", common::path_with_llvm(kdir))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        running.push((name, directory, make));
    }
    for (name, directory, make) in running {
        let module = directory.path().join(name);
        let output = make.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{name}: {said}");
        // That the compiler differs from the kernel's is kbuild's to say.
        assert!(
            !said.contains("generated") && !said.contains("warning: unused"),
            "{said}"
        );
        assert!(
            !said.contains("warning[") && !said.contains("emitted"),
            "{said}"
        );
        let check = common::command()
            .args(["check", "--kernel"])
            .arg(kdir)
            .arg(module.join(format!("{name}.ko")))
            .output()
            .unwrap();
        assert!(check.status.success(), "{}", common::printed(&check));
    }
}
