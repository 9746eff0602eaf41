// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod boot`, as its user has it: the installed program, the installed kernel or an unpacked
//! package, modules that work and modules that do not.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use kernel_boot::Plan;
use libtest_mimic::Failed;
use vm::{
    boot::{installed, put_program},
    files::{make_executable, repository},
    machine::Machine,
};

use crate::lab::{self, Lab, says, text, trials};

trials![
    boot_builds_loads_and_shows_a_module,
    boot_takes_the_kernel_of_every_series,
    boot_says_where_a_module_panics,
    boot_says_where_a_module_hangs,
    boot_counts_a_warning_of_the_kernels,
    boot_explains_a_refused_module,
    boot_loads_what_a_module_needs_first,
    boot_orders_modules_as_modprobe_does,
    boot_passes_on_how_a_command_ends,
    boot_runs_in_a_userland_and_leaves_it,
    boot_gives_a_shell,
    boot_gives_a_shell_on_a_terminal,
    boot_goes_on_without_kvm_where_that_hangs,
    boot_explains_a_build_that_fails,
    boot_leaves_nothing_when_it_is_interrupted,
];

/// A machine with everything installed, the program too.
fn machine(lab: &Lab) -> Result<Machine, Failed> {
    let machine = lab.machine()?;
    put_program(&machine)?;
    Ok(machine)
}

/// The sample module, with the line that says hello replaced.
fn sample(machine: &Machine, directory: &str, hello: &str) -> Result<(), Failed> {
    let from = repository().join("rust-out-of-tree-dkms");
    let source = fs::read_to_string(from.join("rust_out_of_tree.rs"))?;
    let greeting = "pr_info!(\"Hello from Rust, outside the kernel tree (init)\\n\");";
    assert!(source.contains(greeting));
    let kbuild = fs::read_to_string(from.join("Kbuild"))?;
    machine.write(&format!("{directory}/Kbuild"), &kbuild)?;
    machine.write(
        &format!("{directory}/rust_out_of_tree.rs"),
        &source.replace(greeting, hello),
    )?;
    Ok(())
}

fn boot(machine: &Machine, kernel: &str) -> Command {
    let mut command = machine.command("rustkmod");
    command.args(["boot", "--kernel", kernel]);
    command.env("RUSTKMOD_ACCEL", "tcg");
    command
}

#[track_caller]
fn ended(output: &Output, status: i32) -> String {
    assert_eq!(output.status.code(), Some(status), "{}", text(output));
    text(output)
}

fn boot_builds_loads_and_shows_a_module(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    // With characters that kbuild does not take.
    sample(&machine, "/tmp/my module, 1", "pr_info!(\"hello\\n\");")?;
    let output = boot(&machine, &lab.release)
        .args(["--verbose", "/tmp/my module, 1"])
        .output()?;
    let said = ended(&output, 0);
    says(
        &said,
        &[
            "RUSTC [M]",
            "Linux version 6.1.",
            "rust_out_of_tree: hello",
            "rust_out_of_tree: Goodbye from Rust",
            "reboot: Power down",
            "loaded and unloaded rust_out_of_tree",
        ],
    );

    // What it has built is a file now; the same as a document.
    let output = boot(&machine, &lab.release)
        .args(["--json", "-v", "/tmp/my module, 1/rust_out_of_tree.ko"])
        .output()?;
    ended(&output, 0);
    let document = String::from_utf8(output.stdout)?;
    says(
        &document,
        &[
            "\"command\": \"boot\"",
            "\"verdict\": \"good\"",
            "\"step\": \"unload rust_out_of_tree\"",
            "\"rust_out_of_tree: hello\"",
        ],
    );
    // The log goes beside the document.
    assert!(document.starts_with('{'), "{document}");
    says(&String::from_utf8(output.stderr)?, &["Linux version 6.1."]);
    Ok(())
}

/// From their packages, unpacked and not installed.
fn boot_takes_the_kernel_of_every_series(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.bare_machine()?;
    put_program(&machine)?;
    for shop in lab.series()? {
        let name = shop.pkgbase();
        let package = lab.some(&shop.kernel(1)?, &[&name])?.remove(0);
        let directory = format!("/packages/{name}");
        lab::unpack(&package, &machine.path(&directory))?;
        let output = boot(&machine, &directory).arg("rust_minimal").output()?;
        says(
            &ended(&output, 0),
            &["rust_minimal: Rust minimal sample (init)"],
        );
    }
    Ok(())
}

fn boot_says_where_a_module_panics(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    sample(&machine, "/tmp/m", "panic!(\"on purpose\");")?;
    let output = boot(&machine, &lab.release).arg("/tmp/m").output()?;
    says(
        &ended(&output, 1),
        &[
            "error[oops]: the kernel crashed in `load rust_out_of_tree`",
            "note: the kernel says:",
            "rust_kernel: panicked at 'on purpose', ./rust_out_of_tree.rs:",
            "kernel BUG at rust/helpers.c",
            "[rust_out_of_tree]",
            "error[rust-panic]: the Rust code panicked at ./rust_out_of_tree.rs:",
        ],
    );
    Ok(())
}

fn boot_says_where_a_module_hangs(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let forever = "loop { core::hint::spin_loop(); }";
    sample(&machine, "/tmp/m", forever)?;
    let output = boot(&machine, &lab.release)
        .args(["--timeout", "20", "/tmp/m"])
        .output()?;
    says(
        &ended(&output, 1),
        &[
            "error[hung]: `load rust_out_of_tree` did not end",
            "given up after 20 s",
            "RIP: 0010:init_module+",
            "[rust_out_of_tree]",
        ],
    );
    Ok(())
}

fn boot_counts_a_warning_of_the_kernels(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    machine.write("/tmp/m/Kbuild", "obj-m := warns.o\n")?;
    machine.write(
        "/tmp/m/warns.c",
        "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"m\");\n\
         static int __init start(void) { WARN(1, \"odd: %d\\n\", 3); return 0; }\n\
         static void __exit stop(void) {}\nmodule_init(start);\nmodule_exit(stop);\n",
    )?;
    let output = boot(&machine, &lab.release).arg("/tmp/m").output()?;
    says(
        &ended(&output, 1),
        &[
            "error[warning]: the kernel logged a warning (WARN)",
            "note: the kernel says:\n        odd: 3\n        WARNING: ",
            "[warns]",
        ],
    );
    Ok(())
}

fn boot_explains_a_refused_module(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let foreign = lab.foreign_module(&machine)?;
    fs::write(machine.path("/tmp/foreign.ko"), foreign)?;
    let output = boot(&machine, &lab.release)
        .arg("/tmp/foreign.ko")
        .output()?;
    says(
        &ended(&output, 1),
        &[
            "error[failed]: `load rust_out_of_tree` failed: Exec format error",
            "error[version-magic]",
            "should be '6.1.",
        ],
    );
    Ok(())
}

/// `needs` calls what `gives` exports; make is told of them the wrong way round.
fn boot_loads_what_a_module_needs_first(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let about = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"m\");\n";
    machine.write("/tmp/m/Kbuild", "obj-m := needs.o gives.o\n")?;
    machine.write(
        "/tmp/m/gives.c",
        &format!(
            "{about}int given(void);\nint given(void) {{ return 42; }}\nEXPORT_SYMBOL_GPL(given);\n"
        ),
    )?;
    machine.write(
        "/tmp/m/needs.c",
        &format!(
            "{about}int given(void);\n\
             static int __init start(void) {{ pr_info(\"needs: %d\\n\", given()); return 0; }}\n\
             static void __exit stop(void) {{}}\n\
             module_init(start);\nmodule_exit(stop);\n"
        ),
    )?;
    let output = boot(&machine, &lab.release).arg("/tmp/m").output()?;
    says(
        &ended(&output, 0),
        &["needs: 42", "loaded and unloaded gives, needs"],
    );

    let output = boot(&machine, &lab.release)
        .arg("/tmp/m/needs.ko")
        .output()?;
    says(
        &ended(&output, 1),
        &[
            "warning[depends]: `needs` needs the module `gives`",
            "`load needs` failed: No such file or directory",
            "error[unknown-symbol]",
        ],
    );
    Ok(())
}

fn boot_orders_modules_as_modprobe_does(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    for module in ["rust_out_of_tree", "rust_minimal"] {
        let kernel = installed(&machine, &lab.release)?;
        let plan = Plan::new(&kernel, &[module.into()]).map_err(vm::Error::from)?;
        let files: Vec<_> = plan
            .modules
            .iter()
            .map(|module| module.path.canonicalize())
            .collect::<Result<_, _>>()?;
        let modprobe: Vec<_> = machine
            .module_files(&lab.release, module)?
            .iter()
            .map(|path| path.canonicalize())
            .collect::<Result<_, _>>()?;
        assert_eq!(files, modprobe);
    }
    Ok(())
}

fn boot_passes_on_how_a_command_ends(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let run = |command: &str| {
        boot(&machine, &lab.release)
            .args(["rust_minimal", "--command", command])
            .output()
    };
    let output = run("uname -r; cut -d' ' -f1 /proc/modules; echo to stderr >&2")?;
    says(
        &ended(&output, 0),
        &[&*format!("{}\nrust_minimal\nto stderr\n", lab.release)],
    );
    let output = run("echo before; exit 3")?;
    says(
        &ended(&output, 1),
        &[
            "before\n",
            "error[failed]: `command` failed: exit status: 3",
            // The module goes all the same.
            "rust_minimal: Rust minimal sample (exit)",
        ],
    );
    Ok(())
}

/// The machine's own programs, and its own module; what is written in the guest is not there
/// afterwards.
fn boot_runs_in_a_userland_and_leaves_it(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let run = |modules: &[&str], command: &str| {
        boot(&machine, &lab.release)
            .args(["--userland", "/", "--timeout", "180"])
            .args(["--command", command])
            .args(modules)
            .output()
    };
    let writes = "id -u; uname -r; dkms status; modprobe rust_out_of_tree; grep rust /proc/modules; \
                  echo changed >/etc/os-release; echo new >/usr/new; rm /usr/sbin/dkms; \
                  mount | grep ' /tmp '; ls -d /dev/pts/ptmx /sys/module /run/rustkmod";
    let before = fs::read(machine.path("/etc/os-release"))?;
    let said = ended(&run(&["rust_minimal"], writes)?, 0);
    says(
        &said,
        &[
            &*format!("0\n{}\nrust-out-of-tree/1.0, {}", lab.release, lab.release),
            "rust_minimal: Rust minimal sample (init)",
            "rust_out_of_tree: Hello from Rust",
            "tmpfs on /tmp ",
            "loaded and unloaded rust_minimal",
        ],
    );
    assert_eq!(fs::read(machine.path("/etc/os-release"))?, before);
    assert!(!machine.path("/usr/new").exists());
    assert!(machine.path("/usr/sbin/dkms").exists());

    // How the command ends is the verdict, and a module that is refused has modprobe's words.
    let said = ended(&run(&[], "exit 3")?, 1);
    says(&said, &["`command` failed: exit status: 3"]);
    fs::write(
        machine.path("/tmp/foreign.ko"),
        lab.foreign_module(&machine)?,
    )?;
    let said = ended(&run(&["/tmp/foreign.ko"], "true")?, 1);
    says(&said, &["insmod: ERROR: ", "error[version-magic]"]);
    Ok(())
}

fn boot_gives_a_shell(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    // To its end by `exit`, and by the end of what is typed.
    for typed in ["echo $((6 * 7))\nfalse\nexit 9\n", "echo $((6 * 7))\n"] {
        let mut child = boot(&machine, &lab.release)
            .args(["--shell", "rust_minimal"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child
            .stdin
            .take()
            .ok_or("a pipe")?
            .write_all(typed.as_bytes())?;
        let said = ended(&child.wait_with_output()?, 0);
        says(
            &said,
            &[
                "\n42\r\n",
                "loaded and unloaded rust_minimal",
                "sample (exit)",
            ],
        );
    }
    Ok(())
}

/// Under a terminal of `script`'s, which is left as it was.
fn boot_gives_a_shell_on_a_terminal(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let inside = format!(
        "stty -a >/tmp/before; rustkmod boot --shell --kernel {}; echo status $?; stty -a >/tmp/after",
        lab.release
    );
    let mut child = machine
        .command("script")
        .args(["-qec", &inside, "/dev/null"])
        .env("RUSTKMOD_ACCEL", "tcg")
        .stdin(Stdio::piped())
        .stdout(fs::File::create(machine.path("/tmp/screen"))?)
        .spawn()?;
    let mut keys = child.stdin.take().ok_or("a pipe")?;
    let screen = || fs::read_to_string(machine.path("/tmp/screen")).unwrap_or_default();
    // Ctrl-C is for the guest.
    for (wait_for, typed) in [
        ("/ # ", "sleep 1000\r"),
        ("sleep 1000\r\n", "\x03"),
        ("^C", "echo $((6 * 7))\r"),
        ("\n42\r\n", "exit\r"),
    ] {
        let start = Instant::now();
        while !screen().contains(wait_for) {
            let is_late = start.elapsed() > Duration::from_secs(60);
            assert!(!is_late, "no {wait_for:?} in {}", screen());
            std::thread::sleep(Duration::from_millis(50));
        }
        keys.write_all(typed.as_bytes())?;
    }
    child.wait()?;
    says(&screen(), &["status 0"]);
    assert_eq!(
        fs::read_to_string(machine.path("/tmp/before"))?,
        fs::read_to_string(machine.path("/tmp/after"))?
    );
    Ok(())
}

fn boot_goes_on_without_kvm_where_that_hangs(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let qemu = "/usr/local/bin/qemu-system-x86_64";
    machine.write(
        qemu,
        "#!/bin/sh\ncase \" $* \" in *' -accel kvm '*) exec sleep 1000;; esac\nexec /usr/bin/qemu-system-x86_64 \"$@\"\n",
    )?;
    make_executable(&machine.path(qemu))?;
    let output = boot(&machine, &lab.release)
        .args(["--accel", "auto", "rust_minimal"])
        .output()?;
    let said = ended(&output, 0);
    let has_kvm = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_ok();
    says(&said, &["in QEMU, TCG)"]);
    assert_eq!(said.contains("warning[kvm]"), has_kvm, "{said}");
    if has_kvm {
        says(&said, &["no sign of life", "--accel kvm"]);
        // The next boot does not try.
        let output = boot(&machine, &lab.release)
            .args(["--accel", "auto", "rust_minimal"])
            .output()?;
        let said = ended(&output, 0);
        assert!(!said.contains("KVM"), "{said}");
        let output = boot(&machine, &lab.release)
            .args(["--accel", "kvm"])
            .output()?;
        says(&ended(&output, 2), &["error: KVM is not usable here"]);
    }
    Ok(())
}

fn boot_explains_a_build_that_fails(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    sample(&machine, "/tmp/m", "pr_infos!(\"hello\\n\");")?;
    let output = boot(&machine, &lab.release).arg("/tmp/m").output()?;
    says(
        &ended(&output, 1),
        &[
            "cannot find macro `pr_infos` in this scope",
            "error[build]: the module does not build for",
            &format!(
                "make -C /lib/modules/{}/build M=/tmp/m modules",
                lab.release
            ),
        ],
    );
    Ok(())
}

fn boot_leaves_nothing_when_it_is_interrupted(lab: &Lab) -> Result<(), Failed> {
    let machine = machine(lab)?;
    let forever = "loop { core::hint::spin_loop(); }";
    sample(&machine, "/tmp/m", forever)?;
    fs::create_dir(machine.path("/tmp/temporary"))?;
    let child = boot(&machine, &lab.release)
        .args(["--timeout", "1000", "/tmp/m"])
        .env("TMPDIR", "/tmp/temporary")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let temporary = machine.path("/tmp/temporary");
    let is_booting = || {
        let entry = fs::read_dir(&temporary).ok()?.flatten().next()?;
        fs::metadata(entry.path().join("report"))
            .ok()
            .filter(|report| report.len() > 0)
    };
    let start = Instant::now();
    while is_booting().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120), "no boot");
        std::thread::sleep(Duration::from_millis(50));
    }
    // chroot has become the program.
    let id = child.id().to_string();
    let status = Command::new("kill").args(["-TERM", &id]).status()?;
    assert!(status.success());
    let output = child.wait_with_output()?;
    says(&ended(&output, 130), &["error: interrupted"]);
    assert_eq!(fs::read_dir(&temporary)?.count(), 0);
    Ok(())
}
