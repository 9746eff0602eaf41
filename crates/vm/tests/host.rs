// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is done in the copy of the machine leaves the machine as it was. Run by root.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// In the environment of what the tests start, so that what is left of it is found.
const MARK: &str = "LINUX_RUST_HOST_TEST";

fn exec(script: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vm"))
        .args(["exec", "sh", "-euc", script])
        .env(MARK, "1")
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    said.join("")
}

/// Every file of this machine that a package could have changed, by size and time; its packages; its
/// mounts.
fn state() -> BTreeMap<PathBuf, String> {
    let mut state = BTreeMap::new();
    let mut directories = ["/etc", "/usr", "/var/lib"].map(PathBuf::from).to_vec();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(file) = entry.metadata() else { continue };
            if file.is_dir() {
                directories.push(entry.path());
            }
            let (size, seconds, nanos) = (file.size(), file.mtime(), file.mtime_nsec());
            let owner = (file.uid(), file.gid(), file.mode());
            state.insert(entry.path(), format!("{size} {seconds}.{nanos} {owner:?}"));
        }
    }
    for (name, program, arguments) in [
        ("dpkg", "dpkg-query", &["--show"][..]),
        ("pacman", "pacman", &["--query"]),
    ] {
        if let Ok(output) = Command::new(program).args(arguments).output() {
            state.insert(name.into(), text(&output));
        }
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    state.insert("mounts".into(), mounts);
    state
}

/// The processes that a test has started and that still run.
fn left() -> Vec<String> {
    let ours = |process: &Path| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable.starts_with(MARK.as_bytes()))
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let processes = processes.filter(|process| ours(&process.path()));
    let name = |process: fs::DirEntry| fs::read_to_string(process.path().join("comm"));
    processes.filter_map(|process| name(process).ok()).collect()
}

/// The tools that are missing are installed there, too.
#[test]
#[ignore = "needs root: make test"]
fn host_is_left_as_it_was() {
    let before = state();
    let output = exec(
        "useradd --create-home linux-rust-host-test
         echo changed >>/etc/passwd
         rm /usr/bin/env
         mkdir /usr/lib/linux-rust-host-test /var/lib/linux-rust-host-test
         mount -t tmpfs none /usr/lib/linux-rust-host-test
         touch /tmp/linux-rust-host-test
         setsid sleep 4000 >/dev/null 2>&1 &
         for tool in makepkg qemu-system-x86_64 dkms; do command -v \"$tool\"; done
         tail -n 1 /etc/passwd
         test ! -e /usr/bin/env",
    );
    let (processes, after) = (left(), state());
    // The root is kept.
    let undone = exec(
        "userdel --remove linux-rust-host-test
         rm -r /usr/lib/linux-rust-host-test /var/lib/linux-rust-host-test
         cp -a /run/linux-rust/host/usr/bin/env /usr/bin/
         cp -a /run/linux-rust/host/etc/passwd /etc/passwd",
    );
    assert!(undone.status.success(), "{}", text(&undone));

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", text(&output));
    assert!(said.ends_with("changed\n"), "it was not done: {said}");
    assert_eq!(processes, [""; 0], "processes are left");
    assert!(!Path::new("/tmp/linux-rust-host-test").exists());
    let differ: Vec<_> = before
        .keys()
        .chain(after.keys())
        .filter(|key| before.get(*key) != after.get(*key))
        .collect();
    assert!(differ.is_empty(), "changed: {differ:#?}");
}

#[test]
#[ignore = "needs root: make test"]
fn exec_ends_with_the_status_of_the_command() {
    let output = exec("exit 7");
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
}

#[test]
#[ignore = "needs root: make test"]
fn checkout_and_cache_can_be_written() {
    let name = format!("written-{}", std::process::id());
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    let path = target.display();
    let output = exec(&format!(
        "echo 1 >'{path}'; echo 2 >\"$LINUX_RUST_CACHE/{name}\"; cat \"$LINUX_RUST_CACHE/{name}\"
         rm \"$LINUX_RUST_CACHE/{name}\""
    ));
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(fs::read_to_string(&target).unwrap(), "1\n");
    fs::remove_file(target).unwrap();
}

/// As in a container that may not mount.
#[test]
#[ignore = "needs root: make test"]
fn without_namespaces_there_is_one_message_and_nothing_is_done() {
    let cache = tempfile::tempdir().unwrap();
    let output = Command::new("setpriv")
        .args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"])
        .args([env!("CARGO_BIN_EXE_vm"), "run"])
        .env("LINUX_RUST_CACHE", cache.path().join("cache"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    let begins = "error: a throwaway copy of this machine cannot be made\n  note: ";
    assert!(said.starts_with(begins), "{said}");
    assert!(
        said.contains("\n  help: run it as root of a machine"),
        "{said}"
    );
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}
