// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rows about builds: headers, DKMS, crates, modpost, linkers, BTF, Kconfig.

use super::super::help::{Remedy, here, run, say};
use super::{
    COMPILER_CALLS, COMPILER_CALLS_HELP, DOCTOR, DOUBTFUL, FAILURE, HARMLESS, LIBM, NEEDED,
    RIGHT_RUSTC, Row, SOURCES_OF_HEADERS, not_found,
};

const DECLARED: Remedy = run(
    "see where it is declared, and under which option",
    "grep -rnw {symbol} {kdir}/include",
);
const EXPORTED_BY_ANOTHER: Remedy = run(
    "if another module of yours exports it, say where",
    "make -C {kdir} M={dir} KBUILD_EXTRA_SYMBOLS=/path/to/its/Module.symvers",
);

/// A file of the kernel's own build. A module may have directories by the same names, and since 6.13
/// a path without the tree is the module's.
macro_rules! of_kbuild {
    () => {
        r"(?:(?:\./|/\S*/)?(?:scripts/(?:(?:basic|mod|genksyms|gendwarfksyms|kconfig|selinux|dtc|gcc-plugins)/\w+(?:\.so)?|Makefile\.\w+|\w+\.include|module\.lds|(?:as|cc|ld|min-tool|pahole|rustc|rustc-llvm)-version\.sh|(?:link-vmlinux|modules-check|pahole-flags|rust_is_available)\.sh|asn1_compiler|check-local-export|extract-cert|generate_rust_target|insert-sys-cert|jobserver-exec|kallsyms|mkcompile_h|mksysmap|recordmcount(?:\.pl)?|setlocalversion|sign-file|sorttable|unifdef)|tools/objtool/objtool|tools/bpf/resolve_btfids/resolve_btfids|include/(?:config/[^'’\s]+|generated/(?:asm-offsets|autoconf|autoksyms|bounds|compile|rustc_cfg|timeconst|utsrelease|utsversion|uapi/)[^'’\s]*))|/(?:\S*/)?(?:lib/modules/[^/]+/build|linux-(?:headers-|kbuild-)?\d[^/]*|kernels/\d[^/]*)/(?:scripts|include/generated)/[^\s'’]+)"
    };
}

pub(super) const ROWS: &[Row] = &[
    // The headers.
    Row {
        id: "no-headers-wsl",
        class: "headers",
        pattern: r"\*\*\* /\S*/modules/(?P<release>[^/\s]+-microsoft-[^/\s]+)/build: No such file or directory|headers for kernel (?P<dkms>\S+-microsoft-\S+) cannot be found|not found in directory /\S*/modules/(?P<loaded>[^/\s]+-microsoft-[^/\s]+)",
        meaning: "this is the kernel of WSL, {release}{dkms}{loaded}, whose headers and modules no distribution has",
        help: &[say(
            "build that release from its source (github.com/microsoft/WSL2-Linux-Kernel) with the configuration in /proc/config.gz, boot it (kernel= in .wslconfig), and build modules against its tree",
        )],
        examples: &[
            "make: *** /lib/modules/6.18.40.1-microsoft-standard-WSL2/build: No such file or directory.  Stop.",
            "modprobe: FATAL: Module kvm not found in directory /lib/modules/6.18.40.1-microsoft-standard-WSL2",
        ],
        ..FAILURE
    },
    Row {
        id: "no-headers",
        class: "headers",
        pattern: r"\*\*\* (?P<dir>/\S*/modules/(?P<release>[^/\s]+)/build): No such file or directory",
        meaning: "there are no headers for the kernel {release}",
        notes: &["{dir} is not there, or is a link that leads nowhere"],
        help: &[
            here(
                "if that kernel was upgraded since the last boot, its directory is gone and a newer one is here: reboot, or build for the newer one",
                "uname -r; ls /lib/modules",
            ),
            run(
                "otherwise see which package has its headers",
                "rustkmod doctor {release}",
            ),
        ],
        examples: &["make: *** /lib/modules/6.1.0-rust/build: No such file or directory.  Stop."],
        ..FAILURE
    },
    Row {
        id: "no-kernel-tree",
        class: "headers",
        pattern: r"\*\*\* No rule to make target [`'‘](?P<target>modules|modules_prepare|rust-analyzer|modules_install|rustavailable|prepare|olddefconfig|rustdoc)['’]\.  Stop",
        values: &[],
        meaning: "the headers' directory holds no kernel tree",
        notes: &[
            "make found no Makefile with the target `{target}` in {kdir}",
            "what is there is a rest, or the headers of another kernel",
        ],
        help: &[
            here(
                "if the kernel was upgraded since the last boot, reboot first; the running one's headers are gone then",
                "uname -r; ls /lib/modules",
            ),
            DOCTOR,
        ],
        examples: &[
            "make[1]: *** No rule to make target 'modules'.  Stop.",
            "make[1]: *** No rule to make target `modules'.  Stop.",
        ],
        ..FAILURE
    },
    Row {
        id: "dkms-no-headers",
        class: "headers",
        pattern: r"[Kk]ernel headers for kernel (?P<release>\S+) cannot be found|[Kk]ernel:? (?P<skipped>\S+) was skipped since the kernel headers|==> ERROR: Missing (?P<arch>\S+) kernel headers for module (?P<module>\S+?)\.?$",
        meaning: "DKMS found no headers for the kernel {release}{arch}{skipped}",
        notes: &[
            "it looks for /lib/modules/{release}/build",
            "it looks for /lib/modules/{arch}/build",
        ],
        help: &[
            run("see which package has them", "rustkmod doctor {release}"),
            run("see which package has them", "rustkmod doctor {arch}"),
            run("see which package has them", "rustkmod doctor {skipped}"),
            say(
                "if that kernel is not installed any more, nothing is lost: reboot into one that is",
            ),
        ],
        examples: &[
            "Error! Your kernel headers for kernel 6.1.0-rust cannot be found at /lib/modules/6.1.0-rust/build.",
            "==> ERROR: Missing 5.18.5-hardened1-2-hardened kernel headers for module lkrg/1.0.",
            "Module build for kernel 7.1.3+deb13-amd64 was skipped since the kernel headers for this kernel do not seem to be installed.",
        ],
        ..FAILURE
    },
    Row {
        id: "dkms-no-kernel",
        class: "headers",
        pattern: r"[Kk]ernel headers for kernel  cannot be found",
        meaning: "DKMS was called for a kernel without a name",
        notes: &["the paths that it looks in lack one, too: the headers may well be installed"],
        help: &[here(
            "build for the running kernel, by its name",
            "sudo dkms autoinstall -k \"$(uname -r)\"",
        )],
        examples: &[
            "Error! Your kernel headers for kernel  cannot be found at /lib/modules//build or /lib/modules//source.",
        ],
        ..FAILURE
    },
    Row {
        id: "dkms-failed",
        class: "dkms",
        pattern: r"^Error! +Bad (?:return|exit) status for module build on kernel: (?P<release>\S+)",
        values: &[r"[Cc]onsult (?P<log>/\S+)"],
        meaning: "DKMS could not build a module for the kernel {release}",
        notes: &["the reason is in the log of that build, not here"],
        help: &[run("see what it says", "rustkmod explain {log}")],
        under: &["*"],
        examples: &[
            "Error! Bad return status for module build on kernel: 6.1.0 (x86_64)\nConsult /var/lib/dkms/m/1.0/build/make.log for more information.",
        ],
        ..FAILURE
    },
    Row {
        id: "dkms-no-module",
        class: "dkms",
        pattern: r"^Error! +Build of (?P<file_made>\S+) failed for: (?P<release>\S+)",
        values: &[r"[Cc]onsult (?P<log>/\S+)", r"^(?P<dkms>/var/lib/dkms/\S+)"],
        meaning: "make ended well, but there is no {file_made} where dkms.conf says, for the kernel {release}",
        notes: &[
            "where the log has MODPOST and no CC, RUSTC or LD before it, make was sent to another directory (M= in dkms.conf's MAKE). Otherwise BUILT_MODULE_NAME or BUILT_MODULE_LOCATION names what is not made, or not for this configuration",
        ],
        help: &[
            run("see what was made", "rustkmod explain {log}"),
            run("see what was made", "rustkmod explain {dkms}/make.log"),
            say("these are mistakes of the module's package: take another release of it"),
        ],
        under: &["*"],
        examples: &[
            "Error! Build of m.ko failed for: 6.1.0 (x86_64)\nMake sure the name of the generated module is correct and at the root of the\nbuild directory, or consult make.log in the build directory\n/var/lib/dkms/m/1.0/build for more information.",
            "Error! Build of m.ko failed for: 6.1.0 (x86_64)\nMake sure the name and location of the generated module are correct,\nor consult /var/lib/dkms/m/1.0/build/make.log for more information.",
        ],
        ..FAILURE
    },
    Row {
        id: "configure",
        class: "configure",
        // autoconf names the directory in a line before.
        pattern: r"^configure: error:\s*(?:\*\*\* *)?(?P<what>(?:[^\si]|i(?:[^n]|n[^ ]|n [^`'‘])).*)",
        meaning: "the configure script of the sources gave up",
        notes: &[
            "it says: {what}",
            "it finds out what a kernel has by building small modules: where these fail for another reason, such as another compiler than the kernel's, what it says is wrong",
        ],
        help: &[
            say(
                "look for the first error in config.log, and in ZFS's sources in build/build.log, where configure ran",
            ),
            say("for ZFS and a kernel that clang built: ./configure KERNEL_LLVM=1"),
        ],
        examples: &[
            "configure: error:\n\t*** Kernel built with CONFIG_DEBUG_LOCK_ALLOC which is incompatible\n\t*** with the CDDL license",
            "configure: error: no acceptable C compiler found in $PATH",
            "configure: error: invalid value",
        ],
        ..FAILURE
    },
    Row {
        id: "dkms-excluded",
        pattern: r"(?:BUILD_EXCLUSIVE|build exclusive)|The (?P<path>/\S+) module .*does not support|is only intended for",
        meaning: "DKMS did not build the module, because its dkms.conf excludes this kernel",
        notes: &["BUILD_EXCLUSIVE_CONFIG=\"CONFIG_RUST\", for one, excludes kernels without Rust"],
        help: &[DOCTOR],
        examples: &[
            "Error! The /var/lib/dkms/m/1.0/6.1.0/x86_64/dkms.conf for module m includes a BUILD_EXCLUSIVE directive which does not match this kernel/arch/config.",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "not-prepared",
        class: "headers",
        // With V=1 make shows the command that would say it.
        pattern: r"^\s*(?:\*\*\* +)?ERROR: Kernel configuration is invalid",
        meaning: "the kernel tree is configured but not prepared for building modules",
        notes: &["include/generated/autoconf.h or include/config/auto.conf is missing from it"],
        help: &[run(
            "prepare the tree, with the compiler that the kernel was built with",
            "make -C {kdir} modules_prepare",
        )],
        examples: &[
            "  ERROR: Kernel configuration is invalid.",
            "***\n***  ERROR: Kernel configuration is invalid. The following files are missing:\n***    - include/generated/autoconf.h\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "not-configured",
        class: "headers",
        pattern: r"\*\*\* Configuration file \x22[^\x22]*\x22 not found",
        meaning: "the kernel tree has no configuration",
        help: &[say(
            "put the kernel's .config into the tree first (/proc/config.gz or /boot/config-RELEASE has the running one's), then: make olddefconfig",
        )],
        examples: &["***\n*** Configuration file \".config\" not found!\n***"],
        ..FAILURE
    },
    Row {
        id: "tree-not-clean",
        class: "headers",
        pattern: r"\*\*\* The source tree is not clean",
        meaning: "the source tree was built in before, and this build has another output directory",
        help: &[say(
            "mrproper would delete the tree's .config: keep a copy of it, then run the command that the log names",
        )],
        examples: &[
            "***\n*** The source tree is not clean, please run 'make mrproper'\n*** in /b/linux\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "no-modules",
        class: "headers",
        pattern: r"\*\*\* The present kernel (?:configuration has modules disabled|disabled CONFIG_MODULES)",
        meaning: "this kernel takes no modules (CONFIG_MODULES is off)",
        help: &[say("build the kernel with CONFIG_MODULES=y")],
        examples: &[
            "***\n*** The present kernel disabled CONFIG_MODULES.\n*** You cannot build or install external modules.\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "spaces-in-path",
        class: "headers",
        pattern: r"\*\*\* source directory cannot contain spaces or colons|\*\*\* module (?:directory|installation) path cannot contain '(?P<what>[^']*)'",
        meaning: "the build's path has a character that kbuild cannot take",
        help: &[say(
            "move the sources to a path without spaces, colons and %",
        )],
        examples: &["Makefile:205: *** source directory cannot contain spaces or colons.  Stop."],
        ..FAILURE
    },
    Row {
        id: "headers-without-sources",
        class: "headers",
        pattern: r"(?:scripts/Makefile\.build:\d+: |No rule to make target ')(?P<file>\S*/rust/Makefile)(?:: No such file or directory|')",
        meaning: "installed headers hold no Rust sources, which `make rust-analyzer` wants",
        notes: &["this file is missing: {file}"],
        help: &[
            run(
                "make a project for the editor without them",
                "rustkmod ide {dir}",
            ),
            say(
                "or install the kernel's sources (linux-rust has them in the package that ends in -src), or name a source tree: rustkmod ide DIRECTORY --kdir TREE",
            ),
        ],
        examples: &[
            "/lib/modules/6.13.4/source/scripts/Makefile.build:41: /lib/modules/6.13.4/source/rust/Makefile: No such file or directory",
            "make[3]: *** No rule to make target '/lib/modules/6.13.4/source/rust/Makefile'.  Stop.",
        ],
        ..FAILURE
    },
    Row {
        id: "headers-say",
        class: "crates",
        pattern: r"error: (?P<message>.*\bthese headers\b.*)",
        values: &[r"^\s*note: (?P<note>.*)", r"^\s*help: (?P<help>.*)"],
        meaning: "{message}",
        notes: &[
            "{note}",
            "their help: {help}",
            "linux-rust's headers look at themselves before they build a module, and say so",
        ],
        help: &[DOCTOR],
        examples: &[
            "error: these headers cannot build Rust modules: 'rust/libcore.rmeta' is missing",
        ],
        ..FAILURE
    },
    Row {
        id: "headers-tools",
        class: "headers",
        pattern: concat!(
            r"(?:sh|bash|make\S*)(?:: line)?:? ?\d*:? (?P<tool>",
            of_kbuild!(),
            r"): (?:(?:command )?not found|No such file or directory|cannot execute)|No rule to make target [`'‘](?P<target>",
            of_kbuild!(),
            ")['’]"
        ),
        meaning: "the headers lack a file of the kernel's build: {tool}{target}",
        notes: &[
            "the headers were packaged without it, the tree was not prepared, or it was built for another machine; or a script names a directory that is not theirs",
        ],
        help: &[
            run(
                "in a source tree, build it",
                "make -C {kdir} modules_prepare",
            ),
            say("in installed headers: install their package again, whole"),
        ],
        examples: &[
            "/bin/sh: 1: scripts/basic/fixdep: not found",
            "/bin/sh: 1: ./tools/objtool/objtool: not found",
            "make[3]: *** No rule to make target 'scripts/module.lds', needed by '/m/m.ko'.  Stop.",
            "make[2]: *** No rule to make target 'tools/objtool/objtool', needed by '/m/m.o'.  Stop.",
        ],
        ..FAILURE
    },
    Row {
        id: "glibc",
        class: "headers",
        pattern: r"(?P<program>\S+): /\S*libc\.so\.6: version `(?P<glibc>GLIBC_[\d.]+)' not found",
        meaning: "a program of the headers was built on a newer distribution than this one",
        notes: &["{program} wants {glibc}"],
        help: &[say(
            "install headers that were built for this distribution, or build the kernel here",
        )],
        examples: &[
            "scripts/basic/fixdep: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by scripts/basic/fixdep)",
        ],
        ..FAILURE
    },
    // The crates.
    Row {
        id: "E0461",
        class: "crates",
        pattern: r"error\[E0461\]: couldn't find crate `(?P<crate>\w+)` with expected target triple (?P<triple>\S+)",
        values: &[r"crate `\w+`, target triple (?P<of>[^:\s]+)"],
        meaning: "the headers' crates were compiled for another target than this build uses",
        notes: &[
            "this build: {triple}\nthe crate:  {of}",
            "rustc before 1.63 hashes the path of target.json into each crate, so that headers which were moved are refused; a later one hashes what the file holds",
        ],
        help: &[
            DOCTOR,
            say(
                "headers that are to be moved have to be built with --target=target and an exported RUST_TARGET_PATH, as linux-rust's are",
            ),
        ],
        breaks_rustc: true,
        examples: &[
            "error[E0461]: couldn't find crate `core` with expected target triple target-12890167366867834653",
        ],
        ..FAILURE
    },
    Row {
        id: "std-in-a-module",
        class: "own-code",
        pattern: r"error\[E0463\]: can't find crate for `std`\n(?:.*\n)*?.*may not support the standard library|error\[E0(?:432|433)\]: .*(?:unresolved import|undeclared crate or module|unresolved module|cannot find module or crate|unlinked crate)[^`]*`std(?:::[^`]*)?`",
        meaning: "the module uses Rust's standard library, which there is not in a kernel",
        notes: &[
            "what `std` has of `core` is in core::, and strings, vectors, locks and files are in the `kernel` crate, by other names",
        ],
        help: &[say(
            "write core:: where it is of core; KVec, KBox, the Arc and Mutex of kernel::sync, and kernel::str in the place of the others",
        )],
        examples: &[
            "error[E0463]: can't find crate for `std`\n  |\n  = note: the `target-1234` target may not support the standard library",
            "error[E0433]: failed to resolve: use of undeclared crate or module `std`",
            "error[E0432]: unresolved import `std::collections`",
        ],
        ..FAILURE
    },
    Row {
        id: "target-not-installed",
        class: "sysroot",
        pattern: r"error\[E0463\]: can't find crate for `(?P<crate>core|std|alloc)`\n(?:.*\n)*?.*the `(?P<target>[a-z0-9_]+-[a-z0-9_]+-[a-z0-9_-]+)` target may not be installed",
        meaning: "rustc has no crate `{crate}` for the target {target}",
        notes: &[
            "that is a target of rustup's, not the kernel's own: something runs rustc or cargo outside the kernel's build",
        ],
        help: &[
            run("add it to the toolchain", "rustup target add {target}"),
            say(
                "a kernel module is built through the kernel's Makefile, which has a target of its own",
            ),
        ],
        breaks_rustc: true,
        examples: &[
            "error[E0463]: can't find crate for `core`\n  |\n  = note: the `x86_64-unknown-none` target may not be installed",
        ],
        ..FAILURE
    },
    Row {
        id: "E0463-std",
        class: "sysroot",
        pattern: r"error\[E0463\]: can't find crate for `(?P<crate>std|proc_macro|test)`",
        meaning: "this rustc has no crate `{crate}` for the machine that builds",
        notes: &[
            "proc macros and host programs, also the kernel's own, are compiled with Rust's standard library. A rustc that was made for the kernel's crates alone has none. Headers never have it",
        ],
        help: &[
            say(
                "name a whole rustc to make, with its standard library: make HOSTRUSTC=… RUSTC=… (rustup's toolchains have it; in distributions it is in rust, rustc with libstd-rust-dev, or rust-std-static)",
            ),
            NEEDED,
        ],
        breaks_rustc: true,
        examples: &[
            "error[E0463]: can't find crate for `std`",
            "error[E0463]: can't find crate for `proc_macro`",
        ],
        ..FAILURE
    },
    Row {
        id: "E0463",
        class: "crates",
        pattern: r"error\[E0463\]: can't find crate for `(?P<crate>core|alloc|compiler_builtins|kernel|bindings|uapi|macros|build_error|pin_init|pin_init_internal|ffi|zerocopy|zerocopy_derive)`",
        meaning: "the headers have no crate `{crate}`",
        notes: &[
            "rust/lib{crate}.rmeta (or .so, for a proc-macro crate) is not in the kernel tree, or rustc cannot load it",
        ],
        help: &[DOCTOR, SOURCES_OF_HEADERS],
        breaks_rustc: true,
        examples: &["error[E0463]: can't find crate for `core`"],
        ..FAILURE
    },
    Row {
        id: "E0463-own",
        class: "own-crate",
        pattern: r"error\[E0463\]: can't find crate for `(?P<crate>\w+)`",
        meaning: "there is no crate `{crate}`, neither the kernel's nor one that this build made",
        notes: &[
            "the kernel's build has no cargo: a module uses the kernel's crates, and its own by --extern and objects in its Kbuild",
        ],
        help: &[say(
            "write it as modules (mod x;) of the module, or build it to an .rmeta first and name it in rustflags-y",
        )],
        breaks_rustc: true,
        examples: &["error[E0463]: can't find crate for `serde`"],
        ..FAILURE
    },
    Row {
        id: "crates-missing",
        class: "crates",
        pattern: r"missing the kernels? prebuilt Rust stdlib \((?P<file>[^)]+)\)|reason: .*\((?P<other>/\S+/rust/lib\w+\.rmeta)\)",
        meaning: "the headers lack the kernel's Rust crates",
        notes: &[
            "this file is missing: {file}",
            "this file is missing: {other}",
            "a module that has C and Rust builds without its Rust then",
        ],
        help: &[SOURCES_OF_HEADERS, DOCTOR],
        examples: &[
            "reason: missing the kernels prebuilt Rust stdlib (/usr/lib/modules/6.18.4-tkg/build/rust/libcore.rmeta); the kernel was built without",
        ],
        ..FAILURE
    },
    Row {
        id: "built-without-rust",
        class: "bcachefs",
        pattern: r"built without Rust support|building without Rust — (?P<why>.*)",
        values: &[r"reason: (?P<reason>.+)"],
        meaning: "the module was built without its Rust parts",
        notes: &[
            "it says: {why}",
            "it says: {reason}",
            "its C parts work; later releases are to need both",
        ],
        help: &[DOCTOR, NEEDED],
        examples: &[
            "building without Rust — rust_is_available.sh reports the kernel's Rust toolchain unavailable",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "no-config-rust",
        class: "bcachefs",
        pattern: r"kernel does not have CONFIG_RUST enabled",
        meaning: "this kernel is without Rust, which the module says it will need one day",
        notes: &["nothing fails yet: the line is an announcement"],
        help: &[
            run(
                "see what the kernel's headers offer",
                "rustkmod doctor {for_kdir}",
            ),
            say("when it is needed: a kernel with CONFIG_RUST=y and headers with its crates"),
        ],
        examples: &[
            "[  234.9] bcachefs (sda1): kernel does not have CONFIG_RUST enabled; this will be required for bcachefs in the near future",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "E0460",
        class: "crates",
        pattern: r"error\[E0460\]: found possibly newer version of crate `(?P<crate>\w+)`(?: which `(?P<user>\w+)` depends on)?",
        meaning: "the crates in the headers are of different builds: `{crate}` is not the one that others were compiled against",
        notes: &[
            "each crate records the hash of those that it was compiled against, and that of `{crate}` differs",
        ],
        help: &[run(
            "install the headers again, whole; in a source tree, build the crates again",
            "make -C {kdir} prepare",
        )],
        breaks_rustc: true,
        examples: &[
            "error[E0460]: found possibly newer version of crate `core` which `kernel` depends on",
        ],
        ..FAILURE
    },
    Row {
        id: "E0464",
        class: "sysroot",
        pattern: r"error\[E0464\]: multiple candidates for `?\w+`? dependency `(?P<crate>\w+)` found",
        values: &[
            r"candidate #1: (?P<first>\S+)",
            r"candidate #2: (?P<second>\S+)",
            r"dependency `(?P<of_rustc>proc_macro2|quote|syn|unicode_ident)`",
            r"dependency `(?P<of_kernel>core|alloc|compiler_builtins)`",
        ],
        meaning: "rustc finds two crates `{crate}`, and cannot tell which one is meant",
        notes: &[
            "{first}\n{second}",
            "the {of_rustc} in the sysroot is a part of rustc itself (rustc-dev), which some distributions install with it; the kernel brings its own since 6.19",
            "one is rustc's own {of_kernel}, for the machine that builds, and the other is the kernel's: a crate or proc macro for that machine was compiled with the kernel's crates in its path (-L). Trees do so whose rust/Makefile puts both kinds into rust/",
        ],
        help: &[
            say(
                "for {of_rustc}: build with a rustc without rustc-dev, such as one of rustup's minimal profile: make RUSTC=… HOSTRUSTC=…",
            ),
            say(
                "for {of_kernel}: build from a clean tree with more than one job (it was met with make -j1), or take a newer release of the series",
            ),
            NEEDED,
        ],
        breaks_rustc: true,
        examples: &[
            "error[E0464]: multiple candidates for `rmeta` dependency `proc_macro2` found\n --> rust/quote/ext.rs:5:5\n  = note: candidate #1: /usr/lib64/rustlib/x/lib/libproc_macro2-1.rmeta\n  = note: candidate #2: ./rust/libproc_macro2.rlib",
        ],
        ..FAILURE
    },
    Row {
        id: "E0514",
        class: "crates",
        pattern: r"error\[E0514\]: found crate `(?P<crate>\w+)` compiled by an incompatible version of rustc",
        values: &[
            r"crate `\w+` compiled by (?P<made_by>rustc [^:]+):",
            r"using this compiler \((?P<using>rustc [^()]*(?:\([^()]*\)[^()]*)*)\)",
        ],
        meaning: "this rustc cannot read the kernel's crates: another one made them",
        notes: &[
            "the crate was made by: {made_by}",
            "the build ran:         {using}",
            "rustc reads only crates whose version string is exactly its own; a distribution's 1.75.0 is not rustup's 1.75.0",
        ],
        help: &[RIGHT_RUSTC, NEEDED],
        breaks_rustc: true,
        examples: &[
            "error[E0514]: found crate `core` compiled by an incompatible version of rustc",
        ],
        ..FAILURE
    },
    Row {
        id: "E0786",
        class: "crates",
        pattern: r"error\[E0786\]: found invalid metadata files for crate `(?P<crate>\w+)`",
        values: &[r"= note: (?P<why>.+)"],
        meaning: "this rustc cannot read the headers' crate `{crate}`",
        notes: &[
            "rustc says: {why}",
            "either a rustc of another format made rust/lib{crate}.rmeta, years older or newer than this one, or the file is damaged",
        ],
        help: &[
            DOCTOR,
            RIGHT_RUSTC,
            say("if the file is damaged: install the headers again"),
        ],
        breaks_rustc: true,
        examples: &["error[E0786]: found invalid metadata files for crate `core`"],
        ..FAILURE
    },
    Row {
        id: "crate-cut-off",
        class: "crates",
        pattern: r"panicked at(?:.|\n)*index out of bounds: the len is (?P<len>\d+) but the index is (?P<index>\d+)(?:.|\n)*rustc_(?:serialize|metadata)|panicked at \S*rustc_(?:serialize|metadata)(?:.|\n)*index out of bounds: the len is (?P<len__2>\d+)",
        meaning: "a crate in the headers is cut off: rustc read past its end",
        notes: &["the file has {len} bytes, and its header points to byte {index}"],
        help: &[DOCTOR, say("install the headers again")],
        breaks_rustc: true,
        examples: &[
            "thread 'rustc' panicked at 'index out of bounds: the len is 1000000 but the index is 7473430', /rustc/a8314ef/compiler/rustc_serialize/src/leb128.rs:87:1",
        ],
        ..FAILURE
    },
    Row {
        id: "rustc-panic",
        class: "rustc",
        pattern: r"^thread 'rustc'.*panicked at|^error: internal compiler error: (?P<what>.+)|^error: rustc interrupted by (?P<signal>SIG\w+)",
        meaning: "rustc itself crashed",
        notes: &[
            "it says: {what}",
            "it was {signal}. Of SIGSEGV its stack may have run out: export RUST_MIN_STACK=16777216 gives it more. Where it comes and goes, suspect the machine's memory",
            "that is a bug of rustc, or one of the crates in the headers is damaged",
        ],
        help: &[DOCTOR, NEEDED],
        under: &["crate-cut-off"],
        examples: &[
            "thread 'rustc' panicked at compiler/rustc_middle/src/ty/mod.rs:1:1:",
            "error: rustc interrupted by SIGSEGV, printing backtrace",
        ],
        ..FAILURE
    },
    Row {
        id: "proc-macro-so",
        class: "crates",
        pattern: r"error: (?:could not|failed to) (?:load|find).*proc.?macro|error: (?P<file>\S*lib\w+\.so): (?P<why>cannot open shared object file.*|.*undefined symbol.*|invalid ELF header)",
        meaning: "a proc macro of the headers cannot be loaded",
        notes: &[
            "{file}: {why}",
            "proc macros are libraries that run inside rustc, on the machine that builds: headers that were built for another processor or distribution have some that do not fit",
        ],
        help: &[DOCTOR],
        breaks_rustc: true,
        examples: &[
            "error: /k/rust/libmacros.so: cannot open shared object file: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "rust-not-enabled",
        class: "headers",
        pattern: r"No rule to make target [`'‘](?P<object>\S+\.o)['’], needed by [`'‘]\S+\.(?:mod|o|ko)['’]|\*\*\* No rule to make target [`'‘](?P<target>rust/\S+)['’]",
        meaning: "make knows no way to make {object}{target}",
        notes: &[
            "in a directory with {object} from a .rs file this is what a kernel without CONFIG_RUST says; otherwise the source file is missing or named otherwise in the Kbuild",
        ],
        help: &[DOCTOR],
        examples: &[
            "make[2]: *** No rule to make target '/m/hello.o', needed by '/m/hello.mod'.  Stop.",
        ],
        ..FAILURE
    },
    Row {
        id: "distribution-key",
        class: "make",
        pattern: r"\*\*\* No rule to make target '(?P<target>debian/\S+\.pem)'",
        meaning: "the configuration names a key that only the distribution has: {target}",
        help: &[run(
            "build without it",
            "cp --backup=numbered .config .config.kept && scripts/config --set-str SYSTEM_TRUSTED_KEYS '' --set-str SYSTEM_REVOCATION_KEYS ''",
        )],
        examples: &[
            "make[1]: *** No rule to make target 'debian/canonical-certs.pem', needed by 'certs/x509_certificate_list'.  Stop.",
        ],
        ..FAILURE
    },
    // Only a build of the kernel itself makes these files, or configures.
    Row {
        id: "module-directory-empty",
        class: "not-prepared",
        pattern: r"scripts/basic/\.fixdep\.d'?: (?:Permission denied|Read-only file system)|can't (?:find|open) file \x22?Kconfig|'SUBDIRS' was removed in Linux 5\.3|No rule to make target [`'‘](?:[^'’]*/)?(?:tools/build/Build\.include|kernel/bounds\.c|arch/\w+/(?:entry/syscalls/[^'’]+|kernel/asm-offsets\.c)|scripts/mod/devicetable-offsets\.c)['’]",
        meaning: "make builds the kernel, in headers without its sources, and no module: M= names none",
        notes: &[
            "a Makefile that passes M=$(PWD) passes nothing where the environment has no PWD, as under sudo; one that passes SUBDIRS= is from before 5.3, and kbuild ignores that since",
            "installed headers are prepared already: modules_prepare is for source trees",
        ],
        help: &[run(
            "name the module's directory",
            "make -C {kdir} M={dir} modules",
        )],
        examples: &[
            "error: error opening 'scripts/basic/.fixdep.d': Permission denied",
            "scripts/basic/fixdep.c:365:1: fatal error: opening dependency file scripts/basic/.fixdep.d: Permission denied",
            "can't find file Kconfig",
            "make[4]: *** No rule to make target '/usr/src/linux-headers-5.4.0-21-generic/tools/build/Build.include'.  Stop.",
        ],
        ..FAILURE
    },
    Row {
        id: "makefile-missing",
        class: "make",
        pattern: r"\*\*\* No rule to make target [`'‘](?P<target>(?:[^'’]*/)?(?:(?:GNUm|M|m)akefile|Kbuild|[^'’/]+\.ma?k)[^'’/]*)['’]\.  Stop",
        meaning: "a Makefile includes {target}, which is not there",
        notes: &["the line before says which Makefile, and where"],
        help: &[say(
            "where it is the module's: its sources are not whole; take them again, or another release of its package. Where it is the kernel's: install the headers again",
        )],
        examples: &[
            "make[4]: *** No rule to make target '/var/lib/dkms/m/1/build/Makefile.rust.vendor'.  Stop.",
        ],
        ..FAILURE
    },
    Row {
        id: "no-rule",
        class: "make",
        pattern: r"\*\*\* No rule to make target [`'‘](?P<target>[^'’]+)['’]",
        values: &[r"needed by [`'‘](?P<by>[^'’]+)['’]"],
        meaning: "make knows no way to make {target}",
        notes: &[
            "{by} needs it",
            "a file of that name is missing, or a Makefile names a wrong one",
        ],
        examples: &["make[1]: *** No rule to make target 'x.h', needed by 'y'.  Stop."],
        ..FAILURE
    },
    // The module's own code; see also `drift`.
    Row {
        id: "no-unwind",
        class: "own-code",
        pattern: r"error: (?:no global memory allocator found|`#\[panic_handler\]` function required|language item required, but not found: `(?P<item>\w+)`|unwinding panics are not supported)",
        meaning: "the module was compiled outside the kernel's build, or by cargo",
        notes: &[
            "the kernel's crates bring the panic handler and the allocator, and kbuild passes the options that go with them",
        ],
        help: &[run(
            "build through the kernel's Makefile",
            "make -C {kdir} M={dir} modules",
        )],
        examples: &["error: `#[panic_handler]` function required, but not found"],
        ..FAILURE
    },
    // modpost and the linkers.
    Row {
        id: "build-assert",
        class: "own-code",
        pattern: r"modpost: .*\b(?:rust_)?build_error\b.* undefined!|(?:undefined symbol: |undefined reference to .)(?:rust_)?build_error\b",
        values: &[
            r"\[(?P<module>[^\]]+\.ko)\]|modpost: (?P<module__new>\S+\.ko): ",
            r"referenced by (?P<by>.+)",
        ],
        meaning: "a build_assert! or build_error! stays in the compiled code: the compiler could not prove that it is never reached",
        notes: &[
            "the module is {module}",
            "it is in {by}",
            "functions such as those that read a register at an offset check it when they are compiled: the offset has to be a constant in the end, and the code optimised",
        ],
        help: &[
            say(
                "call them with constants and mark functions between as #[inline(always)], or take the variant that checks when it runs (try_read32 for read32)",
            ),
            say("build with optimisation: CONFIG_RUST_BUILD_ASSERT_ALLOW is for debugging alone"),
        ],
        examples: &[
            r#"ERROR: modpost: "rust_build_error" [/m/m.ko] undefined!"#,
            "ld.lld: error: undefined symbol: rust_build_error\n>>> referenced by io.rs:3\n>>>               rust/kernel.o:(f)",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-long-symbol",
        class: "modversions",
        pattern: r"modpost: (?:\S+: )?too long symbol [\x22'](?P<symbol>[^\x22']+)[\x22']",
        meaning: "the table of checksums (CONFIG_MODVERSIONS) has no room for names as long as Rust's",
        notes: &["the first is {symbol}"],
        help: &[say(
            "build without CONFIG_MODVERSIONS, or a series since 6.14 with CONFIG_GENDWARFKSYMS and CONFIG_EXTENDED_MODVERSIONS",
        )],
        examples: &[
            r#"ERROR: modpost: too long symbol "_RNvNtCs1_6kernel5print11call_printk" [m.ko]"#,
            "ERROR: modpost: m: too long symbol '_RNvNtCs1_6kernel5print11call_printk'",
        ],
        ..FAILURE
    },
    Row {
        id: "undefined-symbol",
        class: "link",
        pattern: r"^ld\.lld: error: undefined (?:hidden )?symbol: (?P<symbol>\S+)|undefined reference to [\x60'‘](?P<symbol__gnu>[^'’]+)",
        values: &[
            r"referenced by (?P<by>.+)",
            r"\((?P<helper>rust_helper_\w+)\)",
        ],
        meaning: "linking failed: nothing that is linked together defines {symbol}",
        notes: &[
            "it is used in {by}",
            "{helper} is one of the kernel's Rust helpers, which are built in: so has to be what they call. The option that it belongs to is off, or a module (=m)",
            "code is linked into the kernel or into one module together. What uses a function of another module needs that one loaded, or built in as well (=y)",
        ],
        help: &[DECLARED],
        examples: &[
            "ld.lld: error: undefined symbol: drm_x\n>>> referenced by kref.h:65\n>>>               rust/helpers/helpers.o:(rust_helper_drm_x) in archive vmlinux.a",
            "m.c:(.text+0xcc): undefined reference to `stpcpy'",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-rust",
        class: "modpost",
        pattern: r"^ERROR: modpost: (?:\x22(?P<symbol>_R\w+|__rust_\w*alloc\w*|rust_helper_\w+)\x22 \[(?P<module>[^\]]+)\]|(?P<module__new>\S+): symbol '(?P<symbol__new>_R\w+|__rust_\w*alloc\w*|rust_helper_\w+)') undefined!",
        meaning: "the kernel's Module.symvers lacks Rust symbols that the module needs",
        notes: &[
            "the first is {symbol}",
            "either the crates in rust/ and Module.symvers are of different builds, or the module uses a generic or inline function whose helpers are not exported, or another module exports it",
        ],
        help: &[DOCTOR, EXPORTED_BY_ANOTHER],
        examples: &[
            r#"ERROR: modpost: "_RNvNtCs1q4c3E1xXYZ_6kernel5print11call_printk" [/tmp/m/m.ko] undefined!"#,
            "ERROR: modpost: m.ko: symbol '_RNvNtCs1q4c3E1xXYZ_6kernel5print11call_printk' undefined!",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-compiler",
        class: "modpost",
        pattern: concat!(
            r"^ERROR: modpost: (?:\x22(?P<symbol>",
            super::of_compiler!(),
            r")\x22 \[(?P<module>[^\]]+)\]|(?P<module__new>\S+): symbol '(?P<symbol__new>",
            super::of_compiler!(),
            r")') undefined!"
        ),
        meaning: "the compiler put calls into the module for which the kernel has no function",
        notes: &["the first is {symbol}", COMPILER_CALLS],
        help: &[COMPILER_CALLS_HELP, DOCTOR],
        examples: &[
            r#"ERROR: modpost: "__stack_chk_guard" [/m/m.ko] undefined!"#,
            "ERROR: modpost: m.ko: symbol '__divdf3' undefined!",
            r#"ERROR: modpost: "__rust_probestack" [m.ko] undefined!"#,
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-undefined",
        class: "modpost",
        pattern: r"^ERROR: modpost: (?:\x22(?P<symbol>[^\x22]+)\x22 \[(?P<module>[^\]]+)\]|(?P<module__new>\S+): symbol '(?P<symbol__new>[^']+)') undefined!",
        values: &[concat!(r"['\x22](?P<math>", super::of_libm!(), r")['\x22]")],
        meaning: "the module needs symbols that this kernel does not export",
        notes: &[
            "the first is {symbol}, which is not in Module.symvers",
            LIBM,
            "this kernel was configured without what has it (a cloud or minimal flavour, say), its series removed it or does not export it, or it is of another module, or of an object that the module's Kbuild does not link",
        ],
        help: &[DECLARED, EXPORTED_BY_ANOTHER],
        examples: &[
            r#"ERROR: modpost: "my_symbol" [/tmp/m/m.ko] undefined!"#,
            "ERROR: modpost: m.ko: symbol 'my_symbol' undefined!",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-undefined-warning",
        class: "modpost-warning",
        pattern: r"^WARNING: (?:modpost: )?(?:\x22(?P<symbol>[^\x22]+)\x22 \[(?P<module>[^\]]+)\]|(?P<module__new>\S+): symbol '(?P<symbol__new>[^']+)') undefined!",
        meaning: "the module was linked without symbols that it needs: it loads only where another module brings them",
        notes: &[
            "the first is {symbol}",
            "where one of the module's own is among them, an object is not in its Kbuild, or a library: kbuild links no .a",
        ],
        examples: &[
            r#"WARNING: "rust_mod_init" [/m/m.ko] undefined!"#,
            r#"WARNING: modpost: "f" [/m/m.ko] undefined!"#,
        ],
        ..DOUBTFUL
    },
    Row {
        id: "modpost-gpl",
        class: "modpost",
        pattern: r"modpost: (?:GPL-incompatible module (?P<module>\S+)|(?P<module__new>\S+): GPL-incompatible module) uses GPL-only symbol '(?P<symbol>[^']+)'",
        meaning: "{module} uses a symbol that is exported to GPL modules only",
        notes: &["the symbol is {symbol}; all Rust symbols of the kernel are exported so"],
        help: &[
            say(
                "if the module is under the GPL, state it: license: \"GPL\" in `module!`, in C MODULE_LICENSE(\"GPL\")",
            ),
            say(
                "if it is not: take a release that does without the symbol, or a kernel that does not keep it for the GPL",
            ),
        ],
        examples: &[
            "ERROR: modpost: GPL-incompatible module m.ko uses GPL-only symbol '_RNvC6kernel1f'",
            "ERROR: modpost: m.ko: GPL-incompatible module uses GPL-only symbol '_RNvC6kernel1f'",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-namespace",
        class: "modpost",
        pattern: r"modpost: (?:module (?P<module>\S+) uses symbol (?P<symbol>[^'\s]+) from namespace (?P<ns>[^,'\s]+)|(?P<module__new>\S+): module uses symbol '(?P<symbol__new>[^']+)' from namespace '(?P<ns__new>[^']+)'), but does not import it",
        meaning: "{module} uses the namespace {ns} without importing it",
        notes: &["{symbol} is exported in it"],
        help: &[say(
            "import it: in C MODULE_IMPORT_NS(\"…\") (without the quotes before 6.13); in Rust imports_ns: [\"…\"] in `module!`",
        )],
        examples: &[
            "ERROR: modpost: module m uses symbol dma_buf_get from namespace DMA_BUF, but does not import it.",
            "ERROR: modpost: m.ko: module uses symbol 'dma_buf_get' from namespace 'DMA_BUF', but does not import it.",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-twice",
        class: "modpost",
        pattern: r"modpost: (?P<module>\S+): (?:symbol )?'(?P<symbol>[^']+)' exported twice\. Previous export was in (?P<other>\S+)",
        meaning: "{module} exports {symbol}, which {other} exports already",
        help: &[say(
            "give one of the two another name: the kernel loads the first only",
        )],
        examples: &[
            "ERROR: modpost: m.ko: symbol 'f' exported twice. Previous export was in vmlinux",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-license",
        class: "modpost",
        pattern: r"modpost: (?:missing MODULE_LICENSE\(\) in (?P<file>\S+)|(?P<module>\S+): missing MODULE_LICENSE\(\))",
        meaning: "{file}{module} states no licence",
        help: &[say(
            "state it: in C MODULE_LICENSE(\"GPL\"); in Rust license: \"GPL\" in `module!`",
        )],
        examples: &[
            "ERROR: modpost: missing MODULE_LICENSE() in /tmp/m/m.o",
            "ERROR: modpost: m.ko: missing MODULE_LICENSE()",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-symvers",
        class: "modpost",
        pattern: r"modpost: parse error in symbol dump file|objtool: malformed Module\.symvers",
        meaning: "a Module.symvers is damaged, or of a series that writes it otherwise",
        notes: &["it is that of the headers, or one that KBUILD_EXTRA_SYMBOLS names"],
        help: &[
            say("build the module whose exports are used again, for this kernel"),
            DOCTOR,
        ],
        examples: &["FATAL: modpost: parse error in symbol dump file"],
        ..FAILURE
    },
    Row {
        id: "modpost-object",
        class: "modpost",
        pattern: r"modpost: (?P<what>.*(?:is truncated\.|not relocatable object|has no symtab|has NOBITS \.modinfo|target endian is unknown|is bigger than filesize|SYMTAB_SHNDX has bad).*)",
        meaning: "modpost cannot read an object file of the module: it is cut off, or not one that kbuild makes",
        notes: &["it says: {what}"],
        help: &[run(
            "build it again from clean; a file that comes ready-made has to be for this processor, and relocatable (ld -r)",
            "make -C {kdir} M={dir} clean modules",
        )],
        examples: &[
            "FATAL: modpost: m.o: not relocatable object.",
            "ERROR: modpost: m.o is truncated. sechdrs[i].sh_offset=1 > sizeof(*hrd)=2",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-export",
        class: "modpost",
        pattern: r"modpost: (?P<what>.*(?:exported without definition|local symbol '[^']*' was exported|EXPORT_SYMBOL used for (?:init|exit) symbol|contains strange symbol|does not seem to be an export symbol|unknown license '[^']*' was specified).*)",
        meaning: "an EXPORT_SYMBOL of the module's is wrong",
        notes: &["modpost says: {what}"],
        help: &[say(
            "export functions and data that are neither static nor __init or __exit, and that the same module defines",
        )],
        examples: &[
            "ERROR: modpost: m.ko: local symbol 'f' was exported",
            "ERROR: modpost: vmlinux: EXPORT_SYMBOL used for init symbol 'f'. Remove __init or EXPORT_SYMBOL.",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-import",
        class: "modpost",
        pattern: r"modpost: .*explicitly importing namespace '(?P<ns>[^']+)' is not allowed",
        meaning: "the module imports the namespace {ns}, which is for certain modules alone",
        help: &[say(
            "use other functions: these are not for modules from outside",
        )],
        examples: &[
            "ERROR: modpost: m.ko: explicitly importing namespace 'module:kvm' is not allowed.",
        ],
        ..FAILURE
    },
    Row {
        id: "modpost-name",
        class: "modpost",
        pattern: r"modpost: (?:.*: )?module name is too long",
        meaning: "the module's name is too long",
        help: &[say(
            "55 characters is the most that the kernel takes (MODULE_NAME_LEN): give it a shorter one in its Kbuild",
        )],
        examples: &["ERROR: modpost: m.ko: module name is too long"],
        ..FAILURE
    },
    Row {
        id: "section-reference",
        class: "modpost",
        pattern: r"modpost: (?P<what>.*(?:The relocation at \S+ references|references non-executable section).*)",
        meaning: "modpost found an entry of the exception table that points where none may",
        notes: &["it says: {what}"],
        help: &[say(
            "build with the compiler that built the kernel; in code of your own, look at its assembly (_ASM_EXTABLE)",
        )],
        examples: &["ERROR: modpost: __ex_table+0x1 references non-executable section '.data'"],
        ..FAILURE
    },
    Row {
        id: "section-mismatch",
        class: "modpost",
        pattern: r"modpost: Section mismatches detected",
        meaning: "code or data that stays refers to what is freed after the start (__init), or left out (__exit)",
        notes: &["the warnings before say which refers to which"],
        help: &[say(
            "mark what refers as __init or __exit too, or take the mark from what it refers to; CONFIG_SECTION_MISMATCH_WARN_ONLY=y lets the build go on",
        )],
        examples: &["FATAL: modpost: Section mismatches detected."],
        ..FAILURE
    },
    Row {
        id: "no-symvers",
        class: "modpost-list",
        pattern: r"WARNING: (?P<file>\S*Module\.symvers) is missing|The Module\.symvers file is missing, or does not contain any",
        meaning: "the headers have no list of the kernel's exports",
        notes: &[
            "Module.symvers is made by a whole build of the kernel and its modules; modules_prepare makes none",
        ],
        help: &[
            say(
                "build the kernel and its modules in that tree once, or install headers with the list",
            ),
            DOCTOR,
        ],
        under: &[],
        examples: &[
            "WARNING: Module.symvers is missing.",
            "The Module.symvers file is missing, or does not contain any",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "version-generation",
        class: "modversions",
        pattern: r"WARNING: modpost: EXPORT symbol [\x22'](?P<symbol>[^\x22']+)[\x22'] .*version generation failed",
        meaning: "the kernel's build made no checksums for some exports",
        notes: &[
            "the first is {symbol}",
            "genksyms reads C alone, and gendwarfksyms, which is for Rust, needs debug information (DWARF). The build goes on: modules that use these symbols are loaded without that check",
        ],
        help: &[say(
            "for checksums of Rust's exports: CONFIG_GENDWARFKSYMS=y, since 6.14, with CONFIG_DEBUG_INFO; otherwise CONFIG_MODVERSIONS off",
        )],
        examples: &[
            "WARNING: modpost: EXPORT symbol \"rust_build_error\" [vmlinux] version generation failed, symbol will not be versioned.",
            "WARNING: modpost: EXPORT symbol 'f' version generation failed, symbol will not be versioned.",
        ],
        ..DOUBTFUL
    },
    // BTF.
    Row {
        id: "pahole-not-found",
        class: "pahole",
        pattern: concat!(
            r"BTF: \S+: pahole \([^)]*\) is not available|",
            not_found!("tool", r"\S*pahole")
        ),
        meaning: "pahole is not installed, and CONFIG_DEBUG_INFO_BTF needs it",
        help: &[
            run("on Arch", "sudo pacman -S pahole"),
            run("on Debian and Ubuntu", "sudo apt install pahole"),
            run("on Fedora", "sudo dnf install dwarves"),
        ],
        examples: &[
            "BTF: .tmp_vmlinux.btf: pahole (pahole) is not available",
            "/bin/sh: 1: pahole: not found",
        ],
        ..FAILURE
    },
    Row {
        id: "pahole-too-old",
        class: "pahole",
        pattern: r"btf__dedup failed|BTF: \S+: pahole version (?P<found>\S+) is too old, need at least v?(?P<wanted>\S+)|pahole: unrecognized option|pahole: .*(?:unknown|invalid) (?:option|feature)",
        meaning: "this pahole is too old for this kernel",
        notes: &[
            "the build found: {found}\nthe tree wants:  {wanted} or newer",
            "kernels since 6.3 need pahole 1.25 or newer; with Rust 1.24 is the least that leaves Rust's types out",
        ],
        help: &[
            run("see which one it is", "pahole --version"),
            run("on Arch", "sudo pacman -Syu pahole"),
            say("or build without CONFIG_DEBUG_INFO_BTF"),
        ],
        examples: &[
            "btf_encoder__encode: btf__dedup failed!",
            "BTF: .tmp_vmlinux.btf: pahole version v1.13 is too old, need at least v1.16",
        ],
        ..FAILURE
    },
    Row {
        id: "no-btf",
        class: "btf-link",
        pattern: r"FAILED:? load BTF from (?P<file>\S+): (?P<why>.+)|Failed to (?:generate|encode) BTF|failed to find '\.BTF' ELF section|libbpf: .*BTF|Try to disable CONFIG_DEBUG_INFO_BTF|^pahole: (?P<pahole>.+)|expected got INVALID|: \d+ Segmentation fault .*pahole",
        meaning: "the kernel has no type information (BTF), or one that resolve_btfids cannot read",
        notes: &[
            "{file}: {why}",
            "pahole says: {pahole}",
            "pahole makes it. It failed before, was killed for want of memory, or is too old or too new for this kernel and compiler",
        ],
        help: &[
            run("see which pahole there is", "pahole --version"),
            say("take the newest pahole, or build without CONFIG_DEBUG_INFO_BTF"),
        ],
        under: &["pahole", "out-of-memory", "no-btf"],
        examples: &[
            "FAILED: load BTF from vmlinux: Invalid argument",
            "Failed to generate BTF for vmlinux",
            "pahole: .tmp_vmlinux.btf: Invalid argument",
            "libbpf: failed to find '.BTF' ELF section in vmlinux",
        ],
        ..FAILURE
    },
    Row {
        id: "pahole-variant-part",
        pattern: r"die__process_class: tag not supported 0x33 \(variant_part\)|die__process: .*DW_TAG_variant",
        meaning: "pahole does not know Rust's enums; the module is built all the same",
        notes: &["only their BTF, which tracing tools read, is left out"],
        examples: &["die__process_class: tag not supported 0x33 (variant_part)!"],
        ..HARMLESS
    },
    Row {
        id: "no-vmlinux-btf",
        pattern: r"Skipping BTF generation for \S+ due to unavailability of vmlinux",
        meaning: "the module is built without BTF, since the headers have no vmlinux",
        notes: &["only tracing tools read BTF"],
        examples: &["Skipping BTF generation for /tmp/m/m.ko due to unavailability of vmlinux"],
        ..HARMLESS
    },
    // Kconfig.
    Row {
        id: "kconfig-unmet",
        class: "kconfig",
        pattern: r"WARNING: unmet direct dependencies detected for (?P<option>\w+)",
        meaning: "the configuration selects {option} without what it depends on",
        help: &[run("see what is unmet", "rustkmod why {option} {for_kdir}")],
        examples: &[
            "WARNING: unmet direct dependencies detected for GENDWARFKSYMS\n  Depends on [n]: X",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "nix-option",
        class: "kconfig",
        pattern: r"^error: (?:unused option: (?P<unused>\w+)|option not set correctly: (?P<option>\w+) \(wanted '(?P<wanted>[^']*)', got '(?P<got>[^']*)'\))",
        meaning: "Nix asks for a value of the option {unused}{option} that this kernel does not take",
        notes: &[
            "wanted: {wanted}\ngot:    {got}",
            "{unused} is not in this series, or something that it depends on is off",
        ],
        help: &[
            run("see what keeps it off", "rustkmod why {unused} {for_kdir}"),
            run("see what keeps it off", "rustkmod why {option} {for_kdir}"),
            say(
                "where it may be left out: lib.kernel.option in structuredExtraConfig, or ignoreConfigErrors = true",
            ),
        ],
        examples: &[
            "error: unused option: DRM_NOVA",
            "error: option not set correctly: RUST (wanted 'y', got 'n')",
        ],
        ..FAILURE
    },
    Row {
        id: "kconfig-off",
        class: "kconfig",
        pattern: r"Symbol: (?P<option>\w+) \[=n\]",
        values: &[
            r"Depends on:.*!(?P<must_be_off>\w+) \[=[ym]\]",
            r"(?:Depends on:|&&) *(?P<off>\w+) \[=n\](?: *&&|[ │]*$)",
            r"(?P<available>RUST_IS_AVAILABLE) \[=n\]",
        ],
        meaning: "the option {option} is off in this configuration",
        notes: &[
            "{must_be_off} has to be off for it, and is on",
            "{off} has to be on for it, and is off",
        ],
        help: &[
            run(
                "see all that keeps it off",
                "rustkmod why {option} {for_kdir}",
            ),
            say(
                "{available} is what the tree finds of rustc and bindgen: make LLVM=1 rustavailable says what is missing; leave LLVM=1 out for gcc, and give menuconfig the same",
            ),
        ],
        examples: &[
            "Symbol: RUST [=n]\nType  : bool\nDepends on: HAVE_RUST [=y] && RUST_IS_AVAILABLE [=y] && !MODVERSIONS [=y]",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "kconfig-restart",
        class: "kconfig",
        pattern: r"Restart config\.\.\.|\*\*\* (?:Error in reading or end of file|Console input/output is redirected\. Run 'make oldconfig' to update configuration)|The configuration is not up.to.date",
        meaning: "the configuration is of another series, and make asks about new options",
        help: &[say(
            "take the defaults for them: keep a copy of .config, then make olddefconfig (with ARCH and the compiler of the build)",
        )],
        examples: &["Restart config..."],
        ..DOUBTFUL
    },
];
