// SPDX-License-Identifier: MIT OR Apache-2.0

//! `boot` on this machine: what it says when something is missing. Kernels are booted by the tests of
//! `vm`, and one of Debian's by `debian`.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{command, lacks, printed, write};

/// As much of a kernel's image as is looked at.
fn image() -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes
}

/// A directory with a kernel that has an image and nothing else.
fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path().join("lib/modules/6.1-x/vmlinuz"), image());
    root
}

fn boot(root: &Path) -> Command {
    let mut command = command();
    command.env("RUSTKMOD_ACCEL", "tcg");
    command
        .arg("--root")
        .arg(root)
        .args(["boot", "--kernel", "6.1-x"]);
    command
}

/// It could not run, and says this.
#[track_caller]
fn says(output: &Output, wanted: &[&str]) {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    for wanted in wanted {
        assert!(said.contains(wanted), "not said: {wanted}\n{said}");
    }
}

/// The status that shells give to a program that Ctrl-C ended.
fn is_interrupted(output: &Output) {
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error: interrupted"), "{said}");
}

fn program(path: &Path, text: &str) {
    write(path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// As much of a module as is looked at, with these symbols.
fn module(modinfo: &str, symbols: &[&str]) -> Vec<u8> {
    use object::{Architecture, BinaryFormat, Endianness, SectionKind, write};
    let mut elf = write::Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let section = elf.add_section(Vec::new(), b".modinfo".to_vec(), SectionKind::ReadOnlyData);
    elf.append_section_data(section, modinfo.as_bytes(), 1);
    for name in symbols {
        elf.add_symbol(write::Symbol {
            name: name.as_bytes().to_vec(),
            value: 0,
            size: 0,
            kind: object::SymbolKind::Text,
            scope: object::SymbolScope::Linkage,
            weak: false,
            section: write::SymbolSection::Section(section),
            flags: object::SymbolFlags::None,
        });
    }
    elf.write().unwrap()
}

/// A program in QEMU's place whose guest says this over its lines, and ends.
fn guest(console: &str, report: &str) -> String {
    format!("#!/bin/sh\ncat >console <<'END'\n{console}END\ncat >report <<'END'\n{report}END\n")
}

#[test]
fn a_failure_has_its_reason_and_a_remedy_for_this_kernel() {
    let refused = |error: &str| {
        format!("ok 1 boot 6.1-x\n# begin: load m\nnot ok 2 load m\n# {error}\n1..2\n")
    };
    let busy = "ok 1 boot 6.1-x\nok 2 load m\n# begin: unload m\nnot ok 3 unload m\n\
                # Device or resource busy (os error 16)\n1..3\n";
    let format = refused("Exec format error (os error 8)");
    let missing = refused("No such file or directory (os error 2)");
    let magic = "m: version magic '6.0-y SMP ' should be '6.1-x SMP '\n";
    for (console, report, symbols, wanted, unwanted) in [
        (
            "",
            &*format,
            &[][..],
            &[
                "built for: 6.0-y\n        booted:    6.1-x\n",
                "make -C KDIR M=DIR clean modules",
            ][..],
            "FILE.ko",
        ),
        (
            magic,
            &*format,
            &[],
            &[
                "error[version-magic]",
                "make -C KDIR M=DIR clean modules",
                "rustkmod check DIR/m.ko --kernel KDIR",
            ],
            "built for:",
        ),
        (
            "m: Unknown symbol other (err -2)\n",
            &*missing,
            &[],
            &[
                "rustkmod check DIR/m.ko --kernel KDIR",
                "if another module exports it",
            ],
            "modprobe",
        ),
        (
            "",
            busy,
            &["init_module"],
            &["it has no exit function (cleanup_module)", "give it one"],
            "still uses it",
        ),
        (
            "",
            busy,
            &["cleanup_module"],
            &["something in the guest still uses it"],
            "no exit function",
        ),
    ] {
        let root = machine();
        let kdir = root.path().join("lib/modules/6.1-x/build");
        write(kdir.join("Makefile"), "");
        let directory = root.path().join("m");
        write(directory.join("Kbuild"), "");
        let modinfo = "name=m\0vermagic=6.0-y SMP \0";
        write(directory.join("m.ko"), module(modinfo, symbols));
        let output = boot_in(root.path(), &guest(console, report))
            .arg(directory.join("m.ko"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = printed(&output);
        for wanted in wanted {
            let wanted = wanted
                .replace("KDIR", &kdir.display().to_string())
                .replace("DIR", &directory.display().to_string());
            assert!(said.contains(&wanted), "not said: {wanted}\n{said}");
        }
        for unwanted in [unwanted, "uname", "$PWD"] {
            assert!(!said.contains(unwanted), "said: {unwanted}\n{said}");
        }
    }
}

#[test]
#[ignore = "needs a static busybox, and the init: make build"]
fn what_a_shell_has_shown_is_not_shown_again() {
    let root = machine();
    let waits = "#!/bin/sh\n\
        printf 'ok 1 boot 6\\n# begin: load m\\n# kmsg: m: hello\\nok 2 load m\\n# begin: shell\\n' >>report\n\
        sleep 1\n\
        printf '/ # exit\\r\\n[    1.0] m: bye\\r\\n' >>console\n\
        sleep 1\n\
        printf 'ok 3 shell\\n# begin: unload m\\n# kmsg: m: bye\\n# kmsg: m: not on the console\\n' >>report\n\
        printf 'ok 4 unload m\\n1..4\\n' >>report\n";
    let output = boot_in(root.path(), waits)
        .args(["--shell"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("busybox") {
        lacks(&complaint);
    }
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = printed(&output);
    for line in ["m: hello", "m: bye", "m: not on the console"] {
        assert_eq!(said.matches(line).count(), 1, "{line}\n{said}");
    }
}

/// Of the console only what belongs to the modules is shown, and all of it on request.
#[test]
fn the_kernels_boot_is_shown_on_request() {
    let boots = "[    0.0] Linux version 6.1-x\nkmod-init: begin: load m\n[    0.9] m: hello\n";
    let works = "ok 1 boot 6.1-x\n# begin: load m\n# kmsg: m: hello\nok 2 load m\n1..2\n";
    let breaks = "[    1.0] kernel BUG at m.c:3!\n";
    let again = "help: see everything that was on the console";
    for (console, report, status, word) in [
        (boots.to_owned(), works, 0, ""),
        // The init could not report what the module said.
        (
            format!("{boots}{breaks}"),
            works.split("# kmsg").next().unwrap(),
            1,
            again,
        ),
    ] {
        for verbose in [false, true] {
            let root = machine();
            let mut command = boot_in(root.path(), &guest(&console, report));
            command.args(verbose.then_some("--verbose"));
            let output = command.output().unwrap();
            let said = printed(&output);
            assert_eq!(output.status.code(), Some(status), "{said}");
            assert_eq!(said.contains("Linux version"), verbose, "{said}");
            assert_eq!(said.matches("m: hello").count(), 1, "{said}");
            assert_eq!(said.contains(again), !verbose && !word.is_empty(), "{said}");
        }
    }
}

#[test]
fn a_guest_that_is_too_large_is_told_so() {
    let root = machine();
    let said = "qemu: cannot set up guest memory 'pc.ram': Cannot allocate memory";
    let output = boot_in(
        root.path(),
        &format!("#!/bin/sh\necho \"{said}\" >&2\nexit 1\n"),
    )
    .args(["--memory", "4000000"])
    .output()
    .unwrap();
    says(
        &output,
        &[
            "does not have 4000000 MiB",
            said,
            "boot --kernel 6.1-x --memory 512",
        ],
    );
}

#[test]
fn a_guest_that_is_too_small_is_told_so() {
    let root = machine();
    let output = boot_in(root.path(), "#!/bin/sh\n")
        .args(["--memory", "40"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = printed(&output);
    assert!(said.contains("note: it had 40 MiB of memory"), "{said}");
    assert!(said.contains("help: leave --memory out"), "{said}");
}

#[test]
fn a_build_that_fails_says_why_in_the_document_too() {
    let root = machine();
    let directory = root.path().join("m");
    write(directory.join("Kbuild"), "");
    let makefile = "modules:\n\t@echo 'm.c:1:24: error: use of undeclared identifier'; false\n";
    write(
        root.path().join("lib/modules/6.1-x/build/Makefile"),
        makefile,
    );
    let output = boot(root.path())
        .arg(directory)
        .arg("--json")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let document = common::json(&output);
    let notes = document["findings"][1]["notes"].to_string();
    assert!(notes.contains("use of undeclared identifier"), "{document}");
}

#[test]
fn what_this_machine_lacks_is_named() {
    let root = machine();
    let tools = tempfile::tempdir().unwrap();
    let output = boot(root.path())
        .env("PATH", tools.path())
        .output()
        .unwrap();
    says(
        &output,
        &["error: qemu-system-x86_64 is not installed", "help: "],
    );

    for (name, text) in [
        ("qemu-system-x86_64", "#!/bin/sh\n"),
        ("busybox", "#!/bin/sh\n"),
    ] {
        program(&tools.path().join(name), text);
    }
    let output = boot(root.path())
        .env("PATH", tools.path())
        .env("RUSTKMOD_INIT", "/no/init")
        .output()
        .unwrap();
    says(&output, &["there is no /no/init"]);

    let output = boot(root.path())
        .env("PATH", tools.path())
        .env("RUSTKMOD_INIT", tools.path().join("busybox"))
        .args(["--command", "true"])
        .output()
        .unwrap();
    says(
        &output,
        &["error: busybox is not installed", "needs a static one"],
    );

    let output = boot(root.path())
        .env("PATH", tools.path())
        .env("RUSTKMOD_INIT", tools.path().join("busybox"))
        .output()
        .unwrap();
    says(&output, &["error: setpriv is not installed"]);

    let module = tempfile::tempdir().unwrap();
    write(module.path().join("Kbuild"), "");
    write(root.path().join("lib/modules/6.1-x/build/Makefile"), "");
    let output = boot(root.path())
        .env("PATH", tools.path())
        .arg(module.path())
        .output()
        .unwrap();
    says(&output, &["error: make is not installed"]);
}

/// `boot`, with a program in QEMU's place.
fn boot_in(root: &Path, qemu: &str) -> Command {
    let tools = root.join("tools");
    program(&tools.join("qemu-system-x86_64"), qemu);
    let path = std::env::var("PATH").unwrap();
    let mut command = boot(root);
    command
        .env("PATH", format!("{}:{path}", tools.display()))
        .env("RUSTKMOD_INIT", tools.join("qemu-system-x86_64"))
        .env("TMPDIR", root.join("temporary"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    std::fs::create_dir(root.join("temporary")).unwrap();
    command
}

#[test]
fn a_full_disk_is_no_fault_of_the_modules() {
    for end in ["", "exit 1"] {
        let root = machine();
        let full = format!("#!/bin/sh\nln -s /dev/full room\n{end}\n");
        let output = boot_in(root.path(), &full).output().unwrap();
        let room = "No space left on device";
        says(&output, &["cannot write QEMU's output", room, "TMPDIR="]);
        assert!(!String::from_utf8_lossy(&output.stdout).contains("cut-off"));
    }
    // With room it is what it looks like.
    let root = machine();
    let output = boot_in(root.path(), "#!/bin/sh\n").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(printed(&output).contains("error[cut-off]"), "{output:?}");
}

/// Waits for a file to have a line, which is the id of what wrote it.
fn id_in(path: &Path, child: &mut Child) -> String {
    let start = Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => {}
        }
        assert!(start.elapsed() < Duration::from_secs(60), "no id");
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The same with its signals as they are at a terminal. In the background of a script INT and QUIT
/// are ignored, and what is started there has it so.
fn in_the_foreground(command: &Command) -> Command {
    let mut same = Command::new("env");
    same.arg("--default-signal=HUP,INT,QUIT,TERM")
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => same.env(name, value),
            None => same.env_remove(name),
        };
    }
    same
}

#[test]
fn whatever_stops_it_leaves_nothing() {
    let waits = "#!/bin/sh\necho $$ >\"${0%/*}/id\"\nexec sleep 1000\n";
    for signal in ["HUP", "INT", "QUIT", "TERM"] {
        for is_build in [false, true] {
            let root = machine();
            let mut command = boot_in(root.path(), waits);
            let mut id = root.path().join("tools/id");
            if is_build {
                // A space in its path, so that there is a link to it.
                let module = root.path().join("a module");
                id = module.join("id");
                write(module.join("Kbuild"), "");
                let makefile = "modules:\n\t@sh -c 'echo $$$$ >$(M)/id; sleep 1000; true'\n";
                write(
                    root.path().join("lib/modules/6.1-x/build/Makefile"),
                    makefile,
                );
                command.arg(module);
            }
            // As Ctrl-C does it: to the whole process group.
            let mut command = in_the_foreground(&command);
            let mut child = command.process_group(0).spawn().unwrap();
            let id = id_in(&id, &mut child);
            let group = format!("-{}", child.id());
            let sent = Command::new("kill")
                .args(["-s", signal, "--", &group])
                .status();
            assert!(sent.unwrap().success());
            let output = child.wait_with_output().unwrap();
            is_interrupted(&output);
            let left: Vec<_> = std::fs::read_dir(root.path().join("temporary"))
                .unwrap()
                .collect();
            assert!(left.is_empty(), "{signal}: {left:?}");
            // Its parent is gone: whoever inherits it may take a moment to see that it ended.
            let is_running = || {
                let status = std::fs::read_to_string(format!("/proc/{id}/status"));
                status.is_ok_and(|status| !status.contains("State:\tZ"))
            };
            let start = Instant::now();
            while is_running() {
                assert!(start.elapsed() < Duration::from_secs(10), "{signal}: {id}");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

#[test]
fn a_silent_kvm_is_said_before_the_time_is_over() {
    let root = machine();
    let waits = "#!/bin/sh\ncase \" $* \" in *' -accel kvm '*) exec sleep 1000;; esac\n";
    let mut command = boot_in(root.path(), waits);
    command.args(["--accel", "kvm", "--timeout", "1"]);
    says(
        &command.output().unwrap(),
        &["KVM is not usable here", "no sign of life in 1 s"],
    );
}

/// A KVM that says nothing is tried once. Asked for by name it is tried every time.
#[test]
#[ignore = "needs /dev/kvm; it need not work"]
fn a_silent_kvm_is_remembered() {
    if std::fs::File::options()
        .write(true)
        .open("/dev/kvm")
        .is_err()
    {
        lacks("there is no /dev/kvm for this user");
    }
    let root = machine();
    let waits = "#!/bin/sh\ncase \" $* \" in *' -accel kvm '*) echo >>\"${0%/*}/tried\"; exec sleep 1000;; esac\n";
    let mut command = boot_in(root.path(), waits);
    command.env("XDG_CACHE_HOME", root.path().join("cache"));
    command
        .args(["--timeout", "1"])
        .env_remove("RUSTKMOD_ACCEL");
    let tried =
        || std::fs::read_to_string(root.path().join("tools/tried")).map_or(0, |all| all.len());
    for (accel, wanted, is_told) in [("auto", 1, true), ("auto", 1, false), ("kvm", 2, true)] {
        let output = command.env("RUSTKMOD_ACCEL", accel).output().unwrap();
        let said = format!(
            "{}{}",
            printed(&output),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(tried(), wanted, "{accel}: {said}");
        assert_eq!(
            said.contains("KVM is not usable"),
            is_told,
            "{accel}: {said}"
        );
    }
}

/// QEMU gets the directory; what cannot be a userland, or cannot be mounted, is said before that.
#[test]
fn a_userland_is_given_to_qemu_or_refused() {
    let root = machine();
    let system = root.path().join("a system");
    let echoes = "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"${0%/*}/arguments\"\n";
    let mut command = boot_in(root.path(), echoes);
    command.arg("--userland").arg(&system);
    says(&command.output().unwrap(), &["cannot find", "a system"]);
    std::fs::create_dir(&system).unwrap();
    says(
        &command.output().unwrap(),
        &[
            "is not a userland",
            "there is no /bin/sh in it",
            "--userland /\n",
        ],
    );
    write(system.join("bin/sh"), "");
    let builtin = root.path().join("lib/modules/6.1-x/modules.builtin");
    write(
        &builtin,
        "kernel/fs/9p/9p.ko\nkernel/fs/overlayfs/overlay.ko\n",
    );
    let again = format!(
        "rustkmod --root {} boot --kernel 6.1-x\n",
        root.path().display()
    );
    says(
        &command.output().unwrap(),
        &[
            "error: 6.1-x cannot mount a userland",
            "lacks CONFIG_VIRTIO_PCI, CONFIG_NET_9P_VIRTIO",
            &again,
        ],
    );
    // A kernel that does not say what it has is tried.
    std::fs::remove_file(&builtin).unwrap();
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let arguments = std::fs::read_to_string(root.path().join("tools/arguments")).unwrap();
    let share = format!("local,id=userland,path={}", system.display());
    assert!(
        arguments.contains(&share) && arguments.contains(",readonly=on"),
        "{arguments}"
    );
}

/// The guest says that it cannot.
#[test]
fn a_userland_that_is_not_mounted_has_the_kernels_options() {
    let root = machine();
    let report = "ok 1 boot 6.1-x\n# begin: userland\nnot ok 2 userland\n\
                  # mounting 9p: No such device (os error 19)\n1..2\n";
    let output = boot_in(root.path(), &guest("", report))
        .args(["--userland", "/"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = printed(&output);
    for wanted in [
        "`userland` failed: mounting 9p: No such device",
        "CONFIG_9P_FS",
        "leave the userland out",
    ] {
        assert!(said.contains(wanted), "not said: {wanted}\n{said}");
    }
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let output = boot(machine().path())
        .env("RUSTKMOD_ACCEL", "")
        .env("RUSTKMOD_INIT", "/no/init")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("invalid value"), "{said}");
}

#[test]
fn what_cannot_be_built_or_loaded_is_named() {
    let root = machine();
    let module = tempfile::tempdir().unwrap();
    let run = |argument: &Path| boot(root.path()).arg(argument).output().unwrap();
    says(
        &run(module.path()),
        &[
            "cannot be built: the headers of 6.1-x are not here",
            "/lib/modules/6.1-x/build",
        ],
    );
    write(root.path().join("lib/modules/6.1-x/build/Makefile"), "");
    says(
        &run(module.path()),
        &["is not a module's directory", "neither Kbuild nor Makefile"],
    );
    let circle = module.path().join("Kbuild");
    std::os::unix::fs::symlink("Kbuild", &circle).unwrap();
    says(
        &run(module.path()),
        &["cannot look at", "levels of symbolic links"],
    );
    says(
        &run(Path::new("none")),
        &["error: 6.1-x has no module none"],
    );
    says(
        &run(&root.path().join("lib/modules/6.1-x/vmlinuz")),
        &["is not a kernel module", "it does not begin as ELF does"],
    );
}

#[test]
fn a_kernel_that_is_not_here_is_named() {
    let root = machine();
    let run = |kernel: &str| {
        let mut command = command();
        command.arg("--root").arg(root.path());
        command.args(["boot", "--kernel", kernel]).output().unwrap()
    };
    says(
        &run("6.9"),
        &["error: the kernel 6.9 is not here", "boot --kernel 6.1-x"],
    );
    let output = run("6.9\u{1b}[31mX");
    says(&output, &["6.9\\u{1b}[31mX"]);
    assert!(!output.stderr.contains(&0x1b), "{output:?}");
    let image = root.path().join("text");
    write(&image, "text");
    says(
        &run(image.to_str().unwrap()),
        &["is not a kernel image of x86"],
    );
}

#[test]
fn help_keeps_what_was_given() {
    let two = machine();
    write(two.path().join("lib/modules/6.2-x/vmlinuz"), image());
    let output = command()
        .args(["boot", "--memory", "64", "--kernel"])
        .arg(two.path())
        .output()
        .unwrap();
    let root = two.path().display();
    let wanted = format!("rustkmod boot --memory 64 --root {root} --kernel 6.1-x");
    says(&output, &[&wanted]);

    let tools = tempfile::tempdir().unwrap();
    let qemu = tools.path().join("qemu-system-x86_64");
    write(&qemu, "#!/bin/sh\necho no KVM >&2\nexit 1\n");
    let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&qemu, runs).unwrap();
    let path = format!("{}:/usr/bin:/bin", tools.path().display());
    let output = boot(two.path())
        .env("PATH", path)
        .env("RUSTKMOD_INIT", &qemu)
        .args(["--accel=kvm", "--append", "a b"])
        .output()
        .unwrap();
    let wanted = format!("--root {root} boot --kernel 6.1-x --append 'a b' --accel tcg");
    says(&output, &["KVM is not usable here", &wanted]);
}

/// make fails, and whoever reads has gone: the verdict is there all the same.
#[test]
fn a_reader_that_goes_away_changes_no_verdict() {
    let root = machine();
    write(
        root.path().join("lib/modules/6.1-x/build/Makefile"),
        "modules: ; @echo one; echo two; false\n",
    );
    let module = tempfile::tempdir().unwrap();
    write(module.path().join("Kbuild"), "");
    let run = || {
        let mut command = boot(root.path());
        command.arg(module.path());
        command
    };
    let unread = || std::io::pipe().unwrap().1;
    let output = run().stdout(unread()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");

    let output = run().arg("--json").stderr(unread()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let document = common::json(&output);
    assert_eq!(document["verdict"], "build-failed");

    let full = std::fs::File::create("/dev/full").unwrap();
    let output = run().stdout(full).output().unwrap();
    says(&output, &["the output cannot be written", "No space"]);
}
