// SPDX-License-Identifier: MIT OR Apache-2.0

mod outside;
mod rows;

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

/// A log, its errors and its warnings, what has to be told and what must not be.
struct Case(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

fn try_cases(cases: &[Case]) {
    for Case(log, errors, warnings, told, untold) in cases {
        let found = of(log);
        let shown = shown(&found);
        assert_eq!(ids(&found, Status::Error), *errors, "{log}\n{shown}");
        assert_eq!(ids(&found, Status::Warning), *warnings, "{log}\n{shown}");
        for text in *told {
            assert!(shown.contains(text), "{text}:\n{shown}");
        }
        for text in *untold {
            assert!(!shown.contains(text), "{text}:\n{shown}");
        }
    }
}

#[test]
fn unknown_failures_are_failures_with_their_lines() {
    try_cases(&[
        Case(
            "  CC [M]  m.o\nstrange words\nmake[1]: *** [scripts/Makefile.build:1: m.o] Error 1\nmake: *** [Makefile:8: all] Error 2\n",
            &[UNKNOWN],
            &[],
            &["strange words", "line 3", "make: *** [Makefile:8"],
            &["help:"],
        ),
        Case(
            "ld.lld: error: unknown file type: x.a\nmake[3]: *** [x:1: m.ko] Error 1\n",
            &[UNKNOWN],
            &[],
            &["unknown file type"],
            &[],
        ),
        Case(
            "make: *** [x] Fehler 1\n",
            &[UNKNOWN],
            &[],
            &["Fehler 1"],
            &[],
        ),
        Case(
            "m.c:3:1: error: expected ';' before '}' token\n    3 | }\n      | ^\nmake: *** [x] Error 1\n",
            &["c-code"],
            &[],
            &["3 | }", "line 1"],
            &["series", "help:"],
        ),
        Case(
            "Makefile:3: *** KDIR is not set.  Stop.\n",
            &[UNKNOWN],
            &[],
            &["KDIR is not set"],
            &[],
        ),
        Case(
            "error[E0308]: mismatched types\n  --> m.rs:3:1\nerror: aborting due to 1 previous error\n",
            &[UNKNOWN],
            &[],
            &["mismatched types", "aborting"],
            &[],
        ),
        Case(
            "make: *** [a:1: x] Killed\n",
            &["out-of-memory"],
            &[],
            &[],
            &[],
        ),
    ]);
}

#[test]
fn logs_without_failures_have_none() {
    try_cases(&[
        Case(
            "  CC [M]  a.o\n  LD [M]  a.ko\n",
            &[],
            &[],
            &["no failure in the 2 lines"],
            &[],
        ),
        Case(
            "[    0.1] ACPI BIOS Error (bug): Could not resolve symbol\n[    0.2] ata1: error: x\n[    1.0] m: loading out-of-tree module taints kernel.\n",
            &[],
            &[],
            &["no failure"],
            &[],
        ),
        Case(
            "warning: unused import: `crate::error::Error`\n --> m.rs:1:1\n\nwarning: 1 warning emitted\n",
            &[],
            &[],
            &[],
            &["error["],
        ),
        // With V=1 make shows what it might say.
        Case(
            "test -e include/generated/autoconf.h || ( \\\necho >&2 \"  ERROR: Kernel configuration is invalid.\"; \\\n/bin/false)\n  CC [M]  a.o\n",
            &[],
            &[],
            &["no failure"],
            &[],
        ),
        // objtool ends a build over its errors alone.
        Case(
            "m.o: warning: objtool: f(): can't find starting instruction\n  LD [M]  m.ko\nERROR: ld.so: object 'libfakeroot.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored.\n",
            &[],
            &[],
            &["no failure"],
            &[],
        ),
        Case(
            "make: [Makefile:3: x] Error 1 (ignored)\n",
            &[],
            &[],
            &[],
            &[],
        ),
    ]);
    assert!(of("").findings.is_empty());
}

#[test]
fn causes_come_first_and_what_follows_is_folded() {
    try_cases(&[
        // A module for a kernel of clang's, in another language.
        Case(
            "make[1]: Verzeichnis „/usr/lib/modules/7.1.1-2-cachyos/build“ wird betreten\nwarning: the compiler differs from the one used to build the kernel\n  The kernel was built by: clang version 22.1.6\n  You are using:           gcc (GCC) 16.1.1 20260430\n  CC [M]  main.o\ngcc: error: unrecognized command-line option «-mstack-alignment=8»\ngcc: error: unrecognized command-line option «-mllvm»\nmake[3]: *** [/usr/lib/modules/7.1.1-2-cachyos/build/scripts/Makefile.build:289: main.o] Fehler 1\nmake[3]: *** Auf noch nicht beendete Prozesse wird gewartet …\nmake: *** [Makefile:27: module] Fehler 2\n",
            &["gcc-for-clang-kernel"],
            &[],
            &["make -C /usr/lib/modules/7.1.1-2-cachyos/build M=\"$PWD\" LLVM=1"],
            &[],
        ),
        // Only a line of gcc's.
        Case(
            "gcc: error: unrecognized command-line option '-fsplit-lto-unit'\nmake: *** [x:1: m.o] Error 1\n",
            &["gcc-clang-flags"],
            &[],
            &["LLVM=1"],
            &[],
        ),
        // The same compiler in another release is not a reason.
        Case(
            "warning: the compiler differs from the one used to build the kernel\n  The kernel was built by: gcc-13 (Ubuntu 13.3.0-6) 13.3.0\n  You are using:           gcc-13 (Ubuntu 13.3.0-7) 13.3.0\nm.c:1:10: fatal error: my_texture.h: No such file or directory\ncompilation terminated.\nmake[3]: *** [/usr/src/linux-headers-7.0.0-28-generic/scripts/Makefile.build:289: m.o] Error 1\n",
            &["own-header-missing"],
            &[],
            &["my_texture.h", "EXTRA_CFLAGS"],
            &["LLVM=1", "openssl is"],
        ),
        // The reason stands before or behind what insmod says.
        Case(
            "insmod: ERROR: could not insert module n.ko: Invalid module format\n[ 9.1] nvidia: disagrees about version of symbol i2c_get_adapter\n[ 9.1] nvidia: Unknown symbol i2c_get_adapter (err -22)\n",
            &["symbol-version"],
            &[],
            &["this follows from it, in 2 places"],
            &["dmesg | rustkmod"],
        ),
        Case(
            "modprobe: ERROR: could not insert 'facetimehd': Exec format error\n",
            &["invalid-format"],
            &[],
            &["sudo dmesg | rustkmod explain"],
            &[],
        ),
        Case(
            "[    5.0] Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7\nmodprobe: ERROR: could not insert 'm': Operation not permitted\n",
            &["lockdown"],
            &[],
            &["lockdown"],
            &["container"],
        ),
        // A second build fails in a way that is not known.
        Case(
            "error[E0463]: can't find crate for `core`\nmake: *** [a] Error 2\nmake -C /k M=/n\nsomething\nmake: *** [b] Error 2\n",
            &["E0463", UNKNOWN],
            &[],
            &["something"],
            &[],
        ),
        // pacman tells of DKMS, whose log has the reason.
        Case(
            "(2/4) Install DKMS modules\n==> dkms install --no-depmod m/1.0 -k 7.1.3-arch1-2\nError! Bad return status for module build on kernel: 7.1.3-arch1-2 (x86_64)\nConsult /var/lib/dkms/m/1.0/build/make.log for more information.\n==> WARNING: `dkms install --no-depmod m/1.0 -k 7.1.3-arch1-2' exited 10\n",
            &["dkms-failed"],
            &[],
            &["rustkmod explain /var/lib/dkms/m/1.0/build/make.log"],
            &[],
        ),
        // So does apt.
        Case(
            "Autoinstall of module m/1.0 for kernel 7.1.3+deb13-amd64 (x86_64)\nBuilding module(s)....(bad exit status: 2)\nFailed command:\nmake -j4 KERNELRELEASE=7.1.3+deb13-amd64 all\n\nError! Bad return status for module build on kernel: 7.1.3+deb13-amd64 (x86_64)\nConsult /var/lib/dkms/m/1.0/build/make.log for more information.\n\nAutoinstall on 7.1.3+deb13-amd64 failed for module(s) m(10).\n\nError! One or more modules failed to install during autoinstall.\nRefer to previous errors for more information.\nrun-parts: /etc/kernel/header_postinst.d/dkms exited with return code 1\ndpkg: error processing package linux-headers-7.1.3+deb13-amd64 (--configure):\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n",
            &["dkms-failed"],
            &[],
            &[
                "rustkmod explain /var/lib/dkms/m/1.0/build/make.log",
                "in 3 places",
            ],
            &[],
        ),
        // A tree of one rustc, with another.
        Case(
            "***\n*** Rust compiler 'rustc' is too new. This may or may not work.\n***   Your version:     1.82.0\n***   Expected version: 1.78.0\n***\n  RUSTC L rust/kernel.o\nwarning: the feature `new_uninit` has been stable since 1.82.0\n  --> rust/kernel/lib.rs:17:12\n\nerror[E0658]: use of unstable library feature 'box_uninit_write'\n  --> rust/kernel/alloc/box_ext.rs:25:12\n   |\n25 |         Ok(Box::write(b, x))\n\nerror: aborting due to 1 previous error; 1 warning emitted\n\nmake[2]: *** [rust/Makefile:459: rust/kernel.o] Error 1\n",
            &["unstable-feature"],
            &[],
            &["rustkmod toolchain --kdir .", "box_uninit_write"],
            &["M=\"$PWD\"", "uname"],
        ),
        Case(
            "==> Starting build()...\nBTF: .tmp_vmlinux1: pahole (pahole) is not available\nFailed to generate BTF for vmlinux\nTry to disable CONFIG_DEBUG_INFO_BTF\nmake[2]: *** [scripts/Makefile.vmlinux:72: vmlinux.unstripped] Error 1\nmake[1]: *** [/b/linux/Makefile:1318: vmlinux] Error 2\nmake: *** [Makefile:248: __sub-make] Error 2\n==> ERROR: A failure occurred in build().\n    Aborting...\n",
            &["pahole-not-found"],
            &[],
            &["sudo pacman -S pahole"],
            &[],
        ),
        Case(
            "[   10.0] BUG: KASAN: slab-out-of-bounds in m_write+0x30/0x60 [m]\n[   10.1] Oops: 0002 [#1] PREEMPT SMP\n[   10.2] Kernel panic - not syncing: Fatal exception\n",
            &["kasan"],
            &[],
            &["slab-out-of-bounds"],
            &[],
        ),
    ]);
}

#[test]
fn what_looks_like_another_failure_is_told_by_its_own_cause() {
    try_cases(&[
        // make ended well, and made nothing.
        Case(
            "DKMS (dkms-3.2.1) make.log for m/1 for kernel 6.15.2-arch1-1 (x86_64)\n  MODPOST Module.symvers\nError! Build of m.ko failed for: 6.15.2-arch1-1 (x86_64)\nMake sure the name and location of the generated module are correct,\nor consult /var/lib/dkms/m/1/build/make.log for more information.\n",
            &["dkms-no-module"],
            &[],
            &["for the kernel 6.15.2-arch1-1\n", "BUILT_MODULE_LOCATION"],
            &["not here"],
        ),
        Case(
            "configure: error: \n\t*** This kernel does not include the required loadable module\n\t*** support!\nError! Bad return status for module build on kernel: 6.12.9 (x86_64)\nConsult /var/lib/dkms/zfs/2.2.7/build/make.log for more information.\n",
            &["configure"],
            &[],
            &["it says: This kernel does not", "config.log"],
            &["not here"],
        ),
        // lld crashes over a cache that it may not write.
        Case(
            "Error: Permission denied\nLLVM ERROR: ThinLTO: Can't get a temporary file\nPLEASE submit a bug report to https://bugs.llvm.org/ and include the crash backtrace.\n #0 0x00 (/usr/lib/libLLVM-13.so+0xba32d5)\nmake[1]: *** [x:1: m.lto.o] Error 134\n",
            &["lto-cache"],
            &[],
            &["in 3 places"],
            &["crashed"],
        ),
        // insmod is killed by what its module did.
        Case(
            "$ sudo insmod m.ko\nKilled\n[  102.1] BUG: kernel NULL pointer dereference, address: 0000000000000010\n[  102.1] RIP: 0010:m_probe+0x1ad/0x540 [m]\n",
            &["null-pointer"],
            &[],
            &["in 2 places"],
            &["memory ran out"],
        ),
        Case(
            "$ sudo insmod m.ko\nKilled\n",
            &["killed"],
            &[],
            &["dmesg"],
            &[],
        ),
        Case(
            "insmod: ERROR: could not insert module cfb.ko: Invalid parameters\n[  158.6] cfb: bad vermagic: kernel tainted.\n[  158.6] cfb: Unknown relocation type 57\n",
            &["relocation-other"],
            &["forced"],
            &["in 1 place", "bad vermagic: it has none"],
            &["without bad"],
        ),
        Case(
            "clang-12: error: unsupported option '--64'\nclang-12: error: assembler command failed with exit code 1 (use -v to see invocation)\n",
            &["clang-assembler"],
            &[],
            &["LLVM_IAS=1"],
            &["CC_VERSION_TEXT"],
        ),
        // make before 4.3 has a capital.
        Case(
            "make: rustc: Command not found\nmake: *** [all] Error 127\n",
            &["rustc-not-found"],
            &[],
            &["'rustc'"],
            &[],
        ),
        // What two lines say by different words is one finding, with its value once.
        Case(
            "make: *** /lib/modules/6.18.40-microsoft-standard-WSL2/build: No such file or directory.  Stop.\nmodprobe: FATAL: Module kvm not found in directory /lib/modules/6.18.40-microsoft-standard-WSL2\n",
            &["no-headers-wsl"],
            &[],
            &["of WSL, 6.18.40-microsoft-standard-WSL2, whose"],
            &["reboot"],
        ),
        Case(
            "clang: error: clang frontend command failed with exit code 139 (use -v to see invocation)\nPLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/\n",
            &["program-crash"],
            &[],
            &[],
            &[],
        ),
        Case(
            "m.c:717:9: erreur: déclaration implicite de la fonction « strlcpy » [-Wimplicit-function-declaration]\n",
            &["c-code"],
            &[],
            &["written for another one"],
            &[],
        ),
    ]);
}

#[test]
fn code_that_does_not_fit_is_told_by_what_its_lines_prove() {
    try_cases(&[
        // An option that is a module, and the kernel's Rust calls into it.
        Case(
            "  LD      vmlinux.unstripped\nld.lld: error: undefined symbol: blk_thing_get\n>>> referenced by blk.h:12 (include/linux/blk.h:12)\n>>>               rust/helpers/helpers.o:(rust_helper_blk_thing_get) in archive vmlinux.a\n  LD [M]  fs/x.ko\nmake: *** [Makefile:248: __sub-make] Error 2\n",
            &["undefined-symbol"],
            &[],
            &[
                "rust_helper_blk_thing_get is one of",
                "grep -rnw blk_thing_get ./include",
            ],
            &["uname"],
        ),
        Case(
            "error[E0425]: cannot find function `blk_a` in module `bindings`\n  --> rust/kernel/blk.rs:9:24\n\nerror[E0412]: cannot find type `blk_b` in module `bindings`\n  --> rust/kernel/blk.rs:19:24\n\nerror: aborting due to 2 previous errors\n\nmake[1]: *** [rust/Makefile:382: rust/kernel.o] Error 1\n",
            &["bindings"],
            &[],
            &["the first is blk_a, at rust/kernel/blk.rs:9:24", "2 times"],
            &["toolchain"],
        ),
        Case(
            "ERROR: modpost: \"rust_build_error\" [drivers/gpio/x.ko] undefined!\nmake[1]: *** [scripts/Makefile.modpost:134: modules-only.symvers] Error 1\n",
            &["build-assert"],
            &[],
            &["drivers/gpio/x.ko", "try_read32"],
            &["EXTRA_SYMBOLS"],
        ),
        Case(
            "make -C /lib/modules/6.12.9-1-lts/build M=/m modules\n  CC [M]  m.o\nm.c:9:5: error: implicit declaration of function 'timer_gone' [-Werror=implicit-function-declaration]\nm.c:19:5: error: too many arguments to function 'f'\nmake[2]: *** [scripts/Makefile.build:1: m.o] Error 1\n",
            &["c-code"],
            &[],
            &["timer_gone", "this build is for 6.12.9-1-lts", "2 times"],
            &[],
        ),
        // Two crates of one name: rustc's own parts, and the kernel's core.
        Case(
            "error[E0464]: multiple candidates for `rmeta` dependency `core` found\n  = note: candidate #1: /t/lib/rustlib/x/lib/libcore-1.rmeta\n  = note: candidate #2: /k/rust/libcore.rmeta\n",
            &["E0464"],
            &[],
            &["one is rustc's own core"],
            &["rustc-dev"],
        ),
    ]);
}

#[test]
fn compilers_of_the_other_kind_are_one_finding() {
    try_cases(&[
        Case(
            "gcc: error: unrecognized command-line option ‘-mretpoline-external-thunk’\ngcc: error: unrecognized command-line option ‘-ftrivial-auto-var-init=zero’\nmake[4]: *** [/k/scripts/Makefile.build:287: m.o] Error 1\n",
            &["gcc-clang-flags"],
            &[],
            &["make -C /k M=\"$PWD\" LLVM=1"],
            &["CONFIG_CC_VERSION_TEXT"],
        ),
        Case(
            "clang: error: unknown argument: '-fmin-function-alignment=8'\nclang: error: unknown argument: '-fnew'\nclang: error: unsupported argument 'bounds-strict' to option '-fsanitize='\n",
            &["clang-gcc-flags"],
            &[],
            &["env -u LLVM -u CC make"],
            &[],
        ),
        // What make says of libelf follows from a compiler that does not run.
        Case(
            "gcc: error trying to exec 'cc1': execvp: No such file or directory\nMakefile:974: *** \"Cannot generate ORC metadata for CONFIG_UNWINDER_ORC=y, please install libelf-dev, libelf-devel or elfutils-libelf-devel\".  Stop.\n",
            &["compiler-not-found"],
            &[],
            &["'cc1' is not installed"],
            &["libelf-devel on"],
        ),
    ]);
}

#[test]
fn reports_of_other_processors_and_loggers_are_read() {
    try_cases(&[
        Case(
            " Nov 28 18:57:50 mac kernel: Unable to handle kernel paging request at virtual address 000f84e30edbd7e5\n Nov 28 18:57:50 mac kernel: Internal error: Oops: 0000000096000004 [#1]  SMP\n Nov 28 18:57:50 mac kernel: pc : m_read+0x10/0x40 [m]\n",
            &["null-pointer"],
            &[],
            &["000f84e30edbd7e5"],
            &[],
        ),
        Case(
            "kernel: nv: Unknown symbol __x86_indirect_alt_jmp_rax (err -2)\nkernel: nv: Unknown symbol __x86_indirect_alt_jmp_r8 (err -2)\n",
            &["unknown-symbol-compiler"],
            &[],
            &["2 times"],
            &["modprobe nv"],
        ),
        Case(
            "ERROR: modpost: GPL-incompatible module nv.ko uses GPL-only symbol ‘__rcu_x’\n",
            &["modpost-gpl"],
            &[],
            &["__rcu_x"],
            &[],
        ),
        Case(
            "`make -C /lib/modules/6.1.9/build M= modules`\n`make[1]: Entering directory '/usr/src/linux-headers-6.1.9'`\n`can't find file Kconfig`\n`make[3]: *** [scripts/kconfig/Makefile:71: syncconfig] Error 1`\n",
            &["module-directory-empty"],
            &[],
            &["make -C /lib/modules/6.1.9/build M=\"$PWD\" modules"],
            &[],
        ),
        Case(
            "depmod: ERROR: could not open directory /lib/modules/6.1.9-ec2: No such file or directory\ndepmod: FATAL: could not search modules: No such file or directory\n",
            &["modules-dir-gone"],
            &[],
            &["for the kernel 6.1.9-ec2\n", "depmod RELEASE"],
            &[],
        ),
        Case(
            "  LD      vmlinux.o\nPLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/ and include the crash backtrace.\nStack dump:\n0.\tProgram arguments: ld.lld -r -o vmlinux.o\nSegmentation fault (core dumped)\nmake[2]: *** [scripts/Makefile.vmlinux_o:72: vmlinux.o] Error 139\n",
            &["program-crash"],
            &[],
            &["it was ld.lld"],
            &[],
        ),
    ]);
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
    // What DKMS says has the path of the log, and stays.
    try_cases(&[Case(
        "Building module(s)...(bad exit status: 2)\nERROR: Cannot create report: [Errno 17] File exists: '/var/crash/m.0.crash'\nError!  Bad return status for module build on kernel: 7.0.0-15-generic (x86_64)\nConsult /var/lib/dkms/m/1/build/make.log for more information.\n",
        &["dkms-failed"],
        &[],
        &["rustkmod explain /var/lib/dkms/m/1/build/make.log"],
        &[],
    )]);
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
fn failures_are_never_folded_below_a_warning() {
    try_cases(&[Case(
        "insmod: ERROR: could not insert module hello.ko: Invalid parameters\n[ 12.1] hello: unknown parameter 'x' ignored\n",
        &["init-failed"],
        &["parameter-unknown"],
        &[],
        &[],
    )]);
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
fn versions_and_trees_come_from_the_log() {
    try_cases(&[
        Case(
            "  RUSTC L rust/core.o\nerror: error loading target specification: target-pointer-width: invalid type: string \"64\", expected u16 at line 8 column 33\n\nmake[2]: *** [/b/linux-6.12.9/rust/Makefile:459: rust/core.o] Error 1\n",
            &["pointer-width"],
            &[],
            &["rustkmod toolchain --kdir /b/linux-6.12.9", "1.91"],
            &["uname", "1.62", "0.56"],
        ),
        Case(
            "***\n*** Rust bindings generator 'bindgen' is too old.\n***   Your version:    0.60.1\n***   Minimum version: 0.71.1\n***\nmake[1]: *** [Makefile:1: rustavailable] Error 1\n",
            &["bindgen-too-old"],
            &[],
            &["0.60.1", "0.71.1"],
            &["0.56"],
        ),
        Case(
            "***\n*** Rust compiler 'rustc' is too old.\n***   Your version:    1.63.0\n***   Minimum version: 1.78.0\n***\n***\n*** Please see Documentation/rust/quick-start.rst for details\n*** on how to set up the Rust support.\n***\nmake[1]: *** [/b/s/Makefile:1836: rustavailable] Error 1\n",
            &["rustc-too-old"],
            &[],
            &["rustup toolchain install 1.78.0", "--kdir /b/s"],
            &["uname"],
        ),
        Case(
            "make: Entering directory '/usr/lib/modules/6.6.1-arch1-1/build'\nerror[E0514]: found crate `core` compiled by an incompatible version of rustc\n  |\n  = note: the following crate versions were found:\n          crate `core` compiled by rustc 1.73.0 (cc66ad468 2023-10-03): /k/rust/libcore.rmeta\n  = help: please recompile that crate using this compiler (rustc 1.95.0 (59807616e 2026-04-14)) (consider running `cargo clean` first)\n",
            &["E0514"],
            &[],
            &[
                "the crate was made by: rustc 1.73.0 (cc66ad468 2023-10-03)",
                "the build ran:         rustc 1.95.0 (59807616e 2026-04-14)",
                "rustkmod toolchain --kdir /usr/lib/modules/6.6.1-arch1-1/build",
            ],
            &["uname"],
        ),
    ]);
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
    assert_eq!(ids(&of(&build(bound)), Status::Error), [UNKNOWN]);
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
        try_cases(&[Case(
            log,
            &["out-of-memory"],
            &[],
            &["make -j2"],
            &["insmod", "bug of that release"],
        )]);
    }
}

#[test]
fn headers_of_the_c_library_are_missing_only_where_there_is_one() {
    let dkms = "make -C /lib/modules/5.16.0/build M=/var/lib/dkms/nv/390/build modules\n/var/lib/dkms/nv/390/build/inc/nv.h:18:10: fatal error: stdarg.h: No such file or directory\n";
    try_cases(&[
        Case(
            dkms,
            &["libc-header"],
            &[],
            &["up to 5.15", "stdarg.h", "is for 5.16.0"],
            &["openssl"],
        ),
        Case(
            "/home/me/m/m.c:1:10: fatal error: stdio.h: No such file or directory\n",
            &["libc-header"],
            &[],
            &["-nostdinc"],
            &["up to 5.15", "openssl"],
        ),
        // ZFS has its own.
        Case(
            "/var/lib/dkms/zfs/2.2.7/build/module/zfs/a.c:30:10: fatal error: sys/a_impl.h: No such file or directory\n",
            &["c-header-missing"],
            &[],
            &["ccflags-y"],
            &["libc6-dev"],
        ),
        Case(
            "/usr/src/linux-headers-6.1.0/scripts/basic/fixdep.c:94:10: fatal error: sys/types.h: No such file or directory\n../tools/objtool/check.c:6:10: fatal error: string.h: No such file or directory\n",
            &["host-header-missing", "host-header-missing"],
            &[],
            &["libc6-dev"],
            &["-nostdinc"],
        ),
    ]);
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
fn what_only_passes_on_a_failure_does_not_name_another() {
    try_cases(&[
        Case(
            "/tmp/x-4f.s: Assembler messages:\n/tmp/x-4f.s:31: Error: no such instruction: `vx $0'\nclang: error: assembler command failed with exit code 1 (use -v to see invocation)\nmake[2]: *** [scripts/Makefile.build:243: /home/me/m/m.o] Error 1\n",
            &[UNKNOWN],
            &[],
            &["no such instruction", "in 2 places"],
            &["LLVM_IAS"],
        ),
        Case(
            "clang: error: unsupported option '--64'\nmake[3]: *** [scripts/Makefile.build:250: /home/me/m/m.o] Error 1\n",
            &["clang-assembler"],
            &[],
            &["M=\"$PWD\" LLVM=1 LLVM_IAS=1 modules"],
            &[],
        ),
        Case(
            "configure: error: in `/home/me/x':\nconfigure: error: C compiler cannot create executables\nSee `config.log' for more details\n",
            &["configure"],
            &[],
            &[
                "it says: C compiler cannot create executables",
                "in 1 place",
            ],
            &[],
        ),
        // Two fields, each with a place of its own.
        Case(
            "error[E0609]: no field `x` on type `bindings::file`\n  --> rust/kernel/fs.rs:11:24\n\nerror: aborting due to 1 previous error\n\nerror[E0560]: struct `bindings::file_operations` has no field named `owner`\n --> m.rs:3:3\n",
            &["bindings"],
            &[],
            &[
                "the field x, at rust/kernel/fs.rs:11:24",
                "2 times",
                "grep -rnw x ",
            ],
            &["the field owner", "grep -rnw owner"],
        ),
        Case(
            "ERROR: modpost: \"round\" [/home/me/m/m.ko] undefined!\n",
            &["modpost-undefined"],
            &[],
            &["floating point", "Kbuild does not link"],
            &["the compiler put"],
        ),
    ]);
}

#[test]
fn git_without_a_version_is_no_failure_and_npm_is_one() {
    try_cases(&[
        Case(
            "fatal: No names found, cannot describe anything.\nfatal: not a git repository (or any of the parent directories): .git\n  CC [M]  m.o\n  LD [M]  m.ko\n",
            &[],
            &[],
            &["no failure"],
            &[],
        ),
        Case(
            "fatal: not a git repository (or any of the parent directories): .git\nmake: *** [Makefile:3: version.h] Error 128\n",
            &[UNKNOWN],
            &[],
            &["fatal: not a git"],
            &[],
        ),
        Case(
            "npm ERR! code ENOENT\nnpm ERR! errno -2\n",
            &[UNKNOWN],
            &[],
            &["code ENOENT"],
            &[],
        ),
    ]);
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
