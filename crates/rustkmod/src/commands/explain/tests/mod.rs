// SPDX-License-Identifier: MIT OR Apache-2.0

mod outside;
mod rows;

use std::path::Path;

use super::*;

fn of(log: &str) -> Explanation {
    explain(log.as_bytes()).unwrap()
}

/// The findings of that status, by name.
fn ids(found: &Explanation, status: Status) -> Vec<&'static str> {
    let all = found.findings.iter();
    all.filter(|found| found.finding.status == status)
        .map(|found| found.finding.check)
        .collect()
}

fn shown(found: &Explanation) -> String {
    let mut out = Vec::new();
    write(&mut out, "log", found).unwrap();
    anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
}

#[test]
fn hostile_logs_do_not_reach_the_shell() {
    let found = of("[1.0] $(reboot): Unknown symbol foo (err -2)\n\
        error: toolchain '1.2; rm -rf ~' is not installed\n\
        [1.0] -rf: Unknown symbol foo (err -2)\n");
    let shown = shown(&found);
    assert!(
        shown.contains("rustup toolchain install '1.2; rm -rf ~'"),
        "{shown}"
    );
    assert!(
        !shown.contains("modprobe -rf") && !shown.contains("modprobe $("),
        "{shown}"
    );
}

/// A log, the findings that it has by weight, what has to be told of them and what must not be.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    errors: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    told: Vec<String>,
    #[serde(default)]
    untold: Vec<String>,
    log: String,
}

/// Each file in cases/ has logs of one kind.
#[test]
fn logs_are_explained_as_their_cases_say() {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cases {
        case: Vec<Case>,
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/explain/tests/cases");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let cases: Cases = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in cases.case {
            let found = of(&case.log);
            let shown = shown(&found);
            let place = format!("{}:\n{}\n{shown}", path.display(), case.log);
            assert_eq!(ids(&found, Status::Error), case.errors, "{place}");
            assert_eq!(ids(&found, Status::Warning), case.warnings, "{place}");
            for text in case.told {
                assert!(shown.contains(&text), "{text} is not told, in {place}");
            }
            for text in case.untold {
                assert!(!shown.contains(&text), "{text} is told, in {place}");
            }
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn an_empty_log_has_no_findings() {
    assert!(of("").findings.is_empty());
}

#[test]
fn what_packages_and_images_is_not_the_cause() {
    for frame in [
        "dpkg-buildpackage: error: debian/rules binary subprocess returned exit status 2",
        "error: Bad exit status from /var/tmp/rpm-tmp.x (%build)",
        " * ERROR: sys-kernel/gentoo-kernel-6.12.9::gentoo failed (compile phase):",
        "error: builder for '/nix/store/x-linux-6.12.9.drv' failed with exit code 2;",
        "error: Cannot build '/nix/store/x-linux-6.12.9.drv'.",
        "ERROR: Task (linux.bb:do_compile) failed with exit code '1'",
        "ERROR: Build did NOT complete successfully",
        "ERROR: oe_runmake failed",
        "error: failed to build 'linux-x-6.12.9-1':",
        "error making: linux-x",
        "ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 2",
        "##[error]Process completed with exit code 2.",
        "ERROR: Cannot create report: [Errno 17] File exists: '/var/crash/m.0.crash'",
        "Autoinstall on 6.12.9 failed for module(s) m(10).",
    ] {
        let cause = "  RUSTC [M] m.o\nerror[E0463]: can't find crate for `core`\n";
        let found = of(&format!("{cause}{frame}\n"));
        assert_eq!(ids(&found, Status::Error), ["E0463"], "{frame}");
        assert_eq!(found.findings[0].follow_count, 1, "{frame}");
        // Alone it is a failure all the same.
        assert_eq!(ids(&of(frame), Status::Error), [UNKNOWN], "{frame}");
    }
}

#[test]
fn what_only_the_configuration_asked_for_is_not_missing() {
    let asked = "/bin/sh: line 1: rustc: command not found\nexpr: syntax error: unexpected argument '1.69.0'\n";
    let went_on = "  SYNC    include/config/auto.conf\n  CC      init/main.o\n";
    let found = of(&format!("{asked}{went_on}"));
    assert_eq!(ids(&found, Status::Error), [] as [&str; 0]);
    assert_eq!(ids(&found, Status::Warning), ["rustc-not-found", UNKNOWN]);
    assert!(shown(&found).contains("the build went on"));
    // It did not go on, or nobody knows whether it did.
    for rest in ["", "  CC      init/main.o\n"] {
        let found = of(&format!("{asked}{rest}"));
        assert_eq!(ids(&found, Status::Error), ["rustc-not-found", UNKNOWN]);
    }
    let ended = format!("{asked}{went_on}make: *** [Makefile:1: prepare] Error 127\n");
    assert_eq!(
        ids(&of(&ended), Status::Error),
        ["rustc-not-found", UNKNOWN]
    );
}

#[test]
fn menuconfig_says_what_keeps_an_option_off() {
    for (log, told) in [
        (
            " Symbol: RUST [=n]\n  │ Type  : bool\n  │   Depends on: RUST_IS_AVAILABLE [=y] && (ARM64 || X86_64 [=y]) && !MODVERSIONS [=y] && !X [=n]\n",
            "MODVERSIONS has to be off for it, and is on",
        ),
        (
            "│ Symbol: RUST [=n]         │\n│ Type  : bool              │\n│ Depends on: HAVE_RUST [=n] && RUST_IS_AVAILABLE [=n] && !MODVERSIONS  │\n",
            "HAVE_RUST has to be on for it, and is off",
        ),
    ] {
        let found = of(log);
        assert_eq!(ids(&found, Status::Warning), ["kconfig-off"], "{log}");
        let shown = shown(&found);
        assert!(
            shown.contains(told) && shown.contains("rustkmod why RUST"),
            "{shown}"
        );
    }
}

#[test]
fn btf_that_the_kernel_does_not_take_is_a_failure_unless_it_says_otherwise() {
    let detail = "[    0.6] BPF:     width type_id=54975 bits_offset=0\n[    0.6] BPF:\n[    0.6] BPF: Invalid member bits_offset\n";
    assert_eq!(ids(&of(detail), Status::Error), ["btf-detail"]);
    let refused = format!("{detail}[    0.7] failed to validate module [m] BTF: -22\n");
    assert_eq!(ids(&of(&refused), Status::Error), ["module-btf"]);
    // 6.1 tells of what it then lets pass.
    let passed = format!(
        "{detail}[    0.7] Kernel module BTF mismatch detected, BTF debug info may be unavailable for some modules\n"
    );
    assert_eq!(ids(&of(&passed), Status::Error), [] as [&str; 0]);
    assert_eq!(ids(&of(&passed), Status::Warning), ["btf-mismatch"]);
}

#[test]
fn rustc_after_a_crate_that_is_missing_is_not_heard() {
    let found = of("error[E0463]: can't find crate for `core`\n\n\
        error: cannot find macro `pr_info` in this scope\n --> m.rs:3:1\n\n\
        error[E0282]: type annotations needed\n\n\
        error: aborting due to 3 previous errors\n\n\
        error[E0412]: cannot find type `Vex` in this scope\n");
    assert_eq!(ids(&found, Status::Error), ["E0463", UNKNOWN]);
    assert_eq!(found.findings[0].follow_count, 3);
    assert_eq!(found.findings[1].number(), 10);
}

#[test]
fn api_drift_is_told_for_the_series_of_the_log() {
    let build = |release: &str, error: &str| {
        format!(
            "make[1]: Entering directory '/usr/lib/modules/{release}/build'\n{error}\n  --> m.rs:20:9\n\nerror: aborting due to 1 previous error\n"
        )
    };
    for (release, error, told) in [
        (
            "6.6.9-1-lts",
            "error[E0412]: cannot find type `KVec` in this scope",
            "for this kernel write Vec<T>",
        ),
        (
            "7.1.3-arch1-2",
            "error[E0107]: struct takes 2 generic arguments but 1 generic argument was supplied\n   |\n12 |     numbers: Vec<i32>,",
            "write KVec<T>",
        ),
        (
            "6.18.1",
            "error[E0599]: no method named `try_push` found for struct `kernel::alloc::Vec<T, A>` in the current scope",
            "write v.push(x, GFP_KERNEL)?",
        ),
    ] {
        let found = of(&build(release, error));
        assert_eq!(ids(&found, Status::Error), ["api-drift"], "{error}");
        let shown = shown(&found);
        assert!(shown.contains(told), "{told}: {shown}");
    }
}

#[test]
fn a_note_that_points_into_the_tree_does_not_blame_the_tree() {
    let build = |error: &str| {
        format!(
            "make[1]: Entering directory '/usr/lib/modules/7.3.4-2-rust-stable/build'\n  RUSTC [M] m.o\n{error}\nerror: aborting due to 1 previous error\n"
        )
    };
    let bound = "error[E0283]: type annotations needed for `kernel::alloc::Vec<u8, _>`\n  --> m.rs:45:12\n   |\nnote: required by a bound in `kernel::alloc::Vec::<T, A>::with_capacity`\n  --> /usr/src/debug/linux-rust-stable/linux-7.3.4/rust/kernel/alloc/kvec.rs:321:5\n";
    assert_eq!(ids(&of(&build(bound)), Status::Error), ["api-drift"]);
    let gated = "error[E0432]: unresolved import `kernel::firmware`\n  --> m.rs:31:47\n   |\nnote: found an item that was configured out\n  --> rust/kernel/lib.rs:75:6\n   |\n   = note: the item is gated here\n";
    let found = of(&build(gated));
    assert_eq!(ids(&found, Status::Error), ["api-drift"]);
    let why = "rustkmod why RUST_FW_LOADER_ABSTRACTIONS --kdir /usr/lib/modules/7.3.4-2-rust-stable/build";
    assert!(shown(&found).contains(why), "{}", shown(&found));
    let tree = "error: mismatched types,\n       in two lines\n  --> rust/kernel/lib.rs:75:6\n";
    assert_eq!(
        ids(&of(&build(tree)), Status::Error),
        ["tree-does-not-compile"]
    );
}

#[test]
fn a_prefix_that_is_missing_follows_from_module_that_failed() {
    let prefix =
        "error[E0425]: cannot find value `__LOG_PREFIX` in the crate root\n --> m.rs:21:9\n\n";
    let found = of(&format!(
        "error[E0405]: cannot find trait `KernelModule` in this scope\n --> m.rs:9:6\n\n{prefix}"
    ));
    assert_eq!(ids(&found, Status::Error), ["api-drift"]);
    assert_eq!(ids(&of(prefix), Status::Error), ["log-prefix"]);
}

#[test]
fn messages_of_every_weight_are_kept() {
    let mut log: String = (0..150)
        .map(|n| format!("m{n}: loading out-of-tree module taints kernel.\n"))
        .collect();
    log += "m: version magic '6.1.0 SMP ' should be '6.2.0 SMP '\n";
    let found = of(&log);
    assert_eq!(ids(&found, Status::Error), ["version-magic"]);
    assert_eq!((found.findings.len(), found.left_out), (101, 50));
}

#[test]
fn memory_that_ran_out_is_one_failure() {
    for log in [
        "  CC      kernel/fork.o\nKilled\nmake[2]: *** [scripts/Makefile.build:243: kernel/fork.o] Error 137\nmake[1]: *** [/b/Makefile:1921: kernel] Error 2\n",
        "clang: error: clang frontend command failed with exit code 137 (use -v to see invocation)\nmake[1]: *** [x:1: m.o] Error 137\n",
        "clang: error: unable to execute command: Killed\nclang: error: linker command failed due to signal (use -v to see invocation)\nmake[1]: *** [x:1: vmlinux] Error 1\n",
        "LLVM ERROR: out of memory\nAllocation failed\nPLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/\nmake[1]: *** [x:1: vmlinux] Error 134\n",
        "error: could not compile `syn` (lib)\n\nCaused by:\n  process didn't exit successfully: `rustc --crate-name syn` (signal: 9, SIGKILL: kill)\n",
        "virtual memory exhausted: Cannot allocate memory\nmake[1]: *** [x:1: m.o] Error 1\n",
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\nmake[1]: *** [x:1: vmlinux.o] Error 134\n",
        "ld.lld: error: failed to open vmlinux.o: Cannot allocate memory\nmake[1]: *** [x:1: vmlinux] Error 1\n",
        "error: linking with `cc` failed: signal: 9 (SIGKILL)\n",
        "make[2]: vfork: Cannot allocate memory\nmake[1]: *** [Makefile:9: fs] Error 2\n",
    ] {
        let found = of(log);
        assert_eq!(ids(&found, Status::Error), ["out-of-memory"], "{log}");
        assert_eq!(ids(&found, Status::Warning), [] as [&str; 0], "{log}");
        let shown = shown(&found);
        assert!(shown.contains("make -j2"), "{shown}");
        for other in ["insmod", "bug of that release"] {
            assert!(!shown.contains(other), "{shown}");
        }
    }
}

#[test]
fn files_of_a_module_are_not_missing_in_the_headers() {
    for (target, id) in [
        ("/var/lib/dkms/m/1.0/build/scripts/gen", "no-rule"),
        ("scripts/gen", "no-rule"),
        ("include/generated/my_version.h", "no-rule"),
        ("/lib/modules/6.1.0/build/scripts/gen", "headers-tools"),
        ("include/generated/autoconf.h", "headers-tools"),
        ("scripts/mod/modpost", "headers-tools"),
        ("install-Makefile", "no-rule"),
    ] {
        let log = format!("make[1]: *** No rule to make target '{target}'.  Stop.\n");
        assert_eq!(ids(&of(&log), Status::Error), [id], "{target}");
    }
    let own = "/bin/sh: 1: /var/lib/dkms/m/1.0/build/scripts/gen.sh: not found\n";
    assert_eq!(ids(&of(own), Status::Error), [UNKNOWN]);
}

#[test]
fn files_of_modules_are_damaged_only_where_kmod_could_read_them() {
    let modinfo = |error: &str| {
        of(&format!(
            "modinfo: ERROR: could not get modinfo from 'm': {error}\n"
        ))
    };
    for (error, id) in [
        ("Exec format error", "module-file-damaged"),
        ("No such file or directory", "module-file-gone"),
        ("Function not implemented", "module-compression"),
        ("Permission denied", UNKNOWN),
    ] {
        assert_eq!(ids(&modinfo(error), Status::Error), [id], "{error}");
    }
}

#[test]
fn many_lines_of_one_failure_are_one_failure() {
    let found = of(&"[ 1.0] m: Unknown symbol _RNvC6kernel1f (err -2)\n".repeat(40));
    assert_eq!((found.findings.len(), found.findings[0].count), (1, 40));
}

#[test]
fn colours_do_not_hide_a_failure() {
    let found = of(
        "\u{1b}[0m\u{1b}[1m\u{1b}[38;5;9merror[E0463]\u{1b}[0m\u{1b}[0m\u{1b}[1m: can't find crate for `core`\u{1b}[0m\n",
    );
    assert_eq!(ids(&found, Status::Error), ["E0463"]);
}

#[test]
fn json_has_the_tree_that_is_printed() {
    let found = of("error[E0463]: can't find crate for `core`\nmake: *** [a] Error 2\n");
    let json = serde_json::to_value(&found).unwrap();
    let cause = &json["findings"][0];
    assert_eq!(cause["check"], "E0463");
    assert_eq!(cause["says"][0]["number"], 1);
    assert_eq!(cause["follows"][0]["text"], "make: *** [a] Error 2");
    assert_eq!((&json["lines"], &json["left_out"]), (&2.into(), &0.into()));
}
