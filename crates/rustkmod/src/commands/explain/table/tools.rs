// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rows about rustc, bindgen, the C compiler and the linker: absent, too old, too new.

use super::super::help::{run, say};
use super::{
    DOCTOR, DOUBTFUL, FAILURE, HARMLESS, LIBCLANG_ARCH, LIBCLANG_DEBIAN, LIBCLANG_FEDORA,
    LIBCLANG_PATH, NEEDED, RIGHT_RUSTC, Row, not_found,
};

const MODULES_FLAGS: super::Remedy = say(
    "where the module's own Makefile passes it: take a release of the module that knows this compiler, or drop the option there",
);

pub(super) const ROWS: &[Row] = &[
    // scripts/rust_is_available.sh, 6.1 to 7.3.
    Row {
        id: "rust-available",
        pattern: r"^Rust is available!$",
        meaning: "the tree finds all that it needs to build Rust",
        examples: &["Rust is available!"],
        ..HARMLESS
    },
    Row {
        id: "libclang-not-found",
        class: "libclang",
        pattern: r"Unable to find libclang|rust_is_available\.sh: (?:line )?\d+: .*100000 \*  \+ ",
        meaning: "bindgen finds no libclang",
        notes: &[
            "bindgen loads libclang.so when it runs. Without it scripts/rust_is_available.sh cannot read its version, which is then empty",
        ],
        help: &[
            LIBCLANG_ARCH,
            LIBCLANG_DEBIAN,
            LIBCLANG_FEDORA,
            LIBCLANG_PATH,
        ],
        examples: &[
            "./scripts/rust_is_available.sh: line 21: 100000 *  + 100 *  + : syntax error: operand expected (error token is \"+ \")",
            "./scripts/rust_is_available.sh: 21: arithmetic expression: expecting primary: \"100000 *  + 100 *  + \"",
            "thread 'main' panicked at 'Unable to find libclang: \"couldn't find any valid shared libraries matching: ['libclang.so']\"', lib.rs:1:1",
        ],
        ..FAILURE
    },
    Row {
        id: "libclang-check-failed",
        class: "libclang",
        pattern: r"Running '(?P<bindgen_path>[^']+)' to check the libclang version \(used by the Rust\n\*\*\* bindings generator\) (?:failed with code (?P<code>\d+)|did not return an expected output)",
        meaning: "'{bindgen_path}' fails on the smallest of C files",
        notes: &[
            "its own words are in the log, between the banner's lines. Mostly it finds no libclang, or one that it cannot load",
        ],
        help: &[
            LIBCLANG_ARCH,
            LIBCLANG_DEBIAN,
            LIBCLANG_FEDORA,
            LIBCLANG_PATH,
        ],
        examples: &[
            "***\n*** Running 'bindgen' to check the libclang version (used by the Rust\n*** bindings generator) failed with code 1. This may be caused by\n*** a failure to locate libclang. See output and docs below for details:\n***\nfatal error: 'x.h' file not found\n***",
            "***\n*** Running 'bindgen' to check the libclang version (used by the Rust\n*** bindings generator) did not return an expected output. See output\n*** and docs below for details:\n***\nx\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "libclang-too-old",
        class: "libclang",
        pattern: r"\*\*\* libclang \(used by the Rust bindings generator '[^']+'\) is too old",
        values: &[
            r"Your version:\s+(?P<libclang>[\d.]+)",
            r"Minimum version:\s+(?P<libclang_wanted>[\d.]+)",
        ],
        meaning: "bindgen uses a libclang that is too old for this kernel",
        notes: &[
            "the build found: {libclang}\nthe tree wants:  {libclang_wanted} or newer",
            "bindgen loads the libclang that it finds first, which need not be that of the clang in PATH",
        ],
        help: &[say(
            "name the directory of a newer one: export LIBCLANG_PATH=/usr/lib/llvm-VERSION/lib",
        )],
        examples: &[
            "***\n*** libclang (used by the Rust bindings generator 'bindgen') is too old.\n***   Your version:    10.0.0\n***   Minimum version: 11.0.0\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "libclang-differs",
        class: "libclang",
        pattern: r"\*\*\* libclang \(used by the Rust bindings generator '[^']+'\)(?: |\n\*\*\* )version does not match Clang's",
        values: &[
            r"libclang version: (?P<libclang>\S+)",
            r"Clang version:\s+(?P<clang>\S+)",
        ],
        meaning: "bindgen's libclang and clang may be of different LLVMs; that is a warning",
        notes: &[
            "libclang: {libclang}\nclang:    {clang}",
            "where both are the same, or a line with another version stands between them, the script of older series misread what bindgen printed, and nothing is wrong",
        ],
        help: &[say(
            "where they do differ, name that clang's: export LIBCLANG_PATH=/usr/lib/llvm-VERSION/lib",
        )],
        examples: &[
            "***\n*** libclang (used by the Rust bindings generator 'bindgen')\n*** version does not match Clang's. This may be a problem.\n***   libclang version: 14.0.0\n***   Clang version:    16.0.6\n***",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "bindgen-libclang-bug",
        class: "bindgen",
        pattern: r"\*\*\* Rust bindings generator '[^']+' < (?P<bindgen_fixed>[\d.]+) together with libclang >= (?P<libclang_from>[\d.]+)",
        values: &[
            r"Your bindgen version:\s+(?P<bindgen_here>\S+)",
            r"Your libclang version:\s+(?P<libclang>\S+)",
        ],
        meaning: "this bindgen misreads some structs with this libclang",
        notes: &[
            "bindgen:  {bindgen_here}\nlibclang: {libclang}",
            "bindgen {bindgen_fixed} and newer are right with libclang {libclang_from} and newer",
        ],
        help: &[run(
            "get one that fits",
            "cargo install --locked --version {bindgen_fixed} bindgen-cli",
        )],
        examples: &[
            "***\n*** Rust bindings generator 'bindgen' < 0.69.5 together with libclang >= 19.1\n*** may not work due to a bug (https://github.com/rust-lang/rust-bindgen/pull/2824),\n*** unless patched (like Debian's).\n***   Your bindgen version:  0.69.4\n***   Your libclang version: 19.1.7\n***",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "bindgen-066",
        class: "bindgen",
        pattern: r"\*\*\* Rust bindings generator '[^']+' versions 0\.66\.0 and 0\.66\.1 may not",
        meaning: "bindgen 0.66.0 and 0.66.1 have a bug that this kernel meets",
        notes: &["it fails to parse some C headers' names that begin with a NUL"],
        help: &[say("any other bindgen that the tree accepts will do")],
        examples: &[
            "***\n*** Rust bindings generator 'bindgen' versions 0.66.0 and 0.66.1 may not\n*** work due to a bug (https://github.com/rust-lang/rust-bindgen/pull/2567),\n*** unless patched (like Debian's).\n***   Your version:     0.66.1\n***",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "rustc-too-new",
        class: "versions",
        pattern: r"\*\*\* Rust compiler '(?P<name>[^']+)' is too new",
        values: &[
            r"Your version:\s+(?P<found>[\d.]+)",
            r"Expected version:\s+(?P<wanted>[\d.]+)",
        ],
        meaning: "'{name}' is newer than the one that this tree was made for",
        notes: &[
            "the build found: {found}\nthe tree wants:  {wanted}",
            "series before 6.11 use unstable features of exactly that rustc, and most newer ones fail to compile them",
        ],
        help: &[
            NEEDED,
            run(
                "get it through rustup",
                "rustup toolchain install {wanted} --profile minimal --component rust-src",
            ),
        ],
        under: &["too-new"],
        examples: &[
            "***\n*** Rust compiler 'rustc' is too new. This may or may not work.\n***   Your version:     1.75.0\n***   Expected version: 1.71.1\n***",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "rustc-too-old",
        class: "rustc",
        pattern: r"\*\*\* Rust compiler '(?P<name>[^']+)' is too old",
        values: &[
            r"Your version:\s+(?P<found>[\d.]+)",
            r"Minimum version:\s+(?P<wanted>[\d.]+)",
        ],
        meaning: "'{name}' is older than this tree needs",
        notes: &[
            "the build found: {found}\nthe tree wants:  {wanted} or newer",
            "the tree names its minimum in scripts/min-tool-version.sh",
        ],
        help: &[
            NEEDED,
            run(
                "get it through rustup",
                "rustup toolchain install {wanted} --profile minimal --component rust-src",
            ),
        ],
        examples: &[
            "***\n*** Rust compiler 'rustc' is too old.\n***   Your version:    1.63.0\n***   Minimum version: 1.85.0\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "bindgen-too-new",
        class: "versions",
        pattern: r"\*\*\* Rust bindings generator '(?P<name>[^']+)' is too new",
        values: &[
            r"Your version:\s+(?P<found>[\d.]+)",
            r"Expected version:\s+(?P<wanted>[\d.]+)",
        ],
        meaning: "'{name}' is newer than the one that this tree was made for",
        notes: &[
            "the build found: {found}\nthe tree wants:  {wanted}",
            "it may work all the same. Only the kernel's build runs it, not that of a module without bindings of its own",
        ],
        help: &[run(
            "get the one that the tree names (its package is called bindgen before 0.61, bindgen-cli since)",
            "cargo install --locked --version {wanted} bindgen-cli || cargo install --locked --version {wanted} bindgen",
        )],
        under: &["bindgen-too-new"],
        examples: &[
            "***\n*** Rust bindings generator 'bindgen' is too new. This may or may not work.\n***   Your version:     0.69.4\n***   Expected version: 0.65.1\n***",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "bindgen-too-old",
        class: "bindgen",
        pattern: r"\*\*\* Rust bindings generator '(?P<name>[^']+)' is too old",
        values: &[
            r"Your version:\s+(?P<found>[\d.]+)",
            r"Minimum version:\s+(?P<wanted>[\d.]+)",
        ],
        meaning: "'{name}' is older than this tree needs",
        notes: &["the build found: {found}\nthe tree wants:  {wanted} or newer"],
        help: &[run("get the newest", "cargo install --locked bindgen-cli")],
        examples: &[
            "***\n*** Rust bindings generator 'bindgen' is too old.\n***   Your version:    0.60.1\n***   Minimum version: 0.65.1\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "rustc-not-found",
        class: "rustc",
        pattern: concat!(
            r"\*\*\* Rust compiler '(?P<name>[^']+)' could not be found|",
            not_found!("path", r"\S*rustc(?:-[\d.]+)?")
        ),
        meaning: "there is no rustc where the build looks for it: '{name}{path}'",
        notes: &[
            "RUSTC on make's command line or in the headers names it. rustup's is in ~/.cargo/bin, which root and DKMS do not have in their PATH",
        ],
        help: &[NEEDED, RIGHT_RUSTC],
        examples: &[
            "***\n*** Rust compiler 'rustc' could not be found.\n***",
            "/bin/sh: 1: /nonexistent/rustc: not found",
            "make[2]: rustc: No such file or directory",
            "make: rustc: Command not found",
            "/bin/sh: line 1: rustc-1.97: command not found",
        ],
        ..FAILURE
    },
    Row {
        id: "bindgen-not-found",
        class: "bindgen",
        pattern: concat!(
            r"\*\*\* Rust bindings generator '(?P<name>[^']+)' could not be found|",
            not_found!("path", r"\S*bindgen"),
            r"|run bindgen: Os \{ code: 2|^error: (?:failed to execute|could not execute process) `?bindgen"
        ),
        meaning: "there is no bindgen where the build looks for it",
        notes: &[
            "the kernel, and modules that make bindings from C headers of their own, run it. cargo's is in ~/.cargo/bin, which root and DKMS do not have in their PATH",
        ],
        help: &[
            run("on Arch", "sudo pacman -S rust-bindgen"),
            run("on Debian and Ubuntu", "sudo apt install bindgen"),
            run("on Fedora", "sudo dnf install bindgen-cli"),
            run(
                "or, for one that is elsewhere, name it to make",
                "make BINDGEN=/path/to/bindgen",
            ),
        ],
        examples: &[
            "***\n*** Rust bindings generator 'bindgen' could not be found.\n***",
            "/bin/sh: 1: bindgen: not found",
            "make[1]: bindgen: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "tool-does-not-run",
        class: "rustc",
        pattern: r"\*\*\* Running '(?P<name>[^']+)' to check the (?P<what>Rust compiler|Rust bindings generator|bindings generator) version (?:failed with|did not return)",
        meaning: "'{name}' does not tell its version",
        notes: &["its own words are in the log, between the banner's lines"],
        help: &[run(
            "see what it says",
            "rustc --version; bindgen --version",
        )],
        examples: &[
            "***\n*** Running 'rustc' to check the Rust compiler version failed with\n*** code 1. See output and docs below for details:\n***\nerror: no default toolchain\n***",
            "***\n*** Running 'bindgen' to check the bindings generator version did not return\n*** an expected output. See output and docs below for details:\n***\nx\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "rust-available-called",
        class: "rustc",
        pattern: r"\*\*\* Environment variable '(?P<name>[A-Z]+)' is not set",
        meaning: "scripts/rust_is_available.sh was run by hand: make sets its variables",
        notes: &["{name} is not set"],
        help: &[run("let make run it", "make -C {kdir} rustavailable")],
        examples: &["***\n*** Environment variable 'RUSTC' is not set.\n***\n***"],
        ..FAILURE
    },
    Row {
        id: "rust-available-by-hand",
        pattern: r"\*\*\* This script is intended to be called from Kbuild",
        meaning: "scripts/rust_is_available.sh was run by hand",
        under: &["rust-available-called"],
        examples: &[
            "***\n*** This script is intended to be called from Kbuild.\n*** Please use the 'rustavailable' target to call it instead.\n*** Otherwise, the results may not be meaningful.\n***",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "rust-src",
        class: "rust-src",
        pattern: r"Source code for the 'core' standard library could not be found|No rule to make target '(?P<file>\S*rustlib/src/rust/\S*|\S*library/core/src/lib\.rs)'",
        values: &[r"at '(?P<at>[^']+)'"],
        meaning: "rustc's own source (rust-src) is not installed for the rustc that make runs",
        notes: &[
            "this file is missing: {file}",
            "this file is missing: {at}",
            "the kernel, and modules that bring Rust to a kernel without it, compile `core` themselves. Other modules do not need it",
        ],
        help: &[
            run("on Arch", "sudo pacman -S rust-src"),
            run(
                "with rustup, of the same toolchain",
                "rustup component add rust-src",
            ),
            run("on Debian and Ubuntu", "sudo apt install rust-src"),
            run("on Fedora", "sudo dnf install rust-src"),
            say("on Gentoo: USE=rust-src for dev-lang/rust or rust-bin"),
        ],
        examples: &[
            "***\n*** Source code for the 'core' standard library could not be found\n*** at '/usr/lib/rustlib/src/rust/library/core/src/lib.rs'.\n***",
            "make[5]: *** No rule to make target '/usr/lib/rust/lib/rustlib/src/rust/library/core/src/lib.rs', needed by '/m/rust/core.o'.  Stop.",
        ],
        ..FAILURE
    },
    // rustc against an older tree.
    Row {
        id: "liballoc-of-the-tree",
        class: "too-new",
        pattern: r"^error(?:.|\n)*--> \S*\brust/alloc/",
        meaning: "this rustc is too new for the copy of `alloc` in the tree",
        notes: &[
            "the build found: {rustc}\nthe tree wants:  {rustc_wanted}",
            "series before 6.11 carry their own copy of Rust's `alloc` (rust/alloc/), which only one rustc compiles",
        ],
        help: &[
            NEEDED,
            run(
                "get it through rustup",
                "rustup toolchain install {rustc_wanted} --profile minimal --component rust-src",
            ),
        ],
        breaks_rustc: true,
        examples: &[
            "error[E0432]: unresolved imports `core::ops::Generator`, `core::ops::GeneratorState`\n   --> /b/rust/alloc/boxed.rs:164:54",
            "error: cannot find attribute `rustc_x` in this scope\n --> rust/alloc/vec/mod.rs:1:1",
        ],
        ..FAILURE
    },
    Row {
        id: "core-edition",
        class: "too-new",
        pattern: r"^error(?:\[E0658\])?: `let` expressions in this position are unstable(?:.|\n)*--> \S*core/src/|^error.*edition 2024(?:.|\n)*--> \S*core/src/",
        meaning: "this rustc is too new for the tree: its `core` is of edition 2024, and the tree compiles it as 2021",
        notes: &[
            "rustc 1.87 and later have `core` in edition 2024; trees that know it have core-edition in rust/Makefile",
        ],
        help: &[
            say(
                "build with rustc 1.86 or older, or take a newer release of the series, with core-edition in rust/Makefile",
            ),
            NEEDED,
        ],
        breaks_rustc: true,
        examples: &[
            "error[E0658]: `let` expressions in this position are unstable\n   --> /core/src/slice/index.rs:363:12",
        ],
        ..FAILURE
    },
    Row {
        id: "no-jump-tables",
        class: "too-new",
        pattern: r"unknown unstable option: `(?:no-jump-tables)`",
        meaning: "this rustc is too new for the tree: it has no -Zno-jump-tables",
        notes: &["rustc 1.93 and later have -Cjump-tables=n in its place"],
        help: &[
            say(
                "build with rustc 1.92 or older, or take a newer release of the series, with -Cjump-tables=n in arch/x86/Makefile",
            ),
            NEEDED,
        ],
        examples: &["error: unknown unstable option: `no-jump-tables`"],
        ..FAILURE
    },
    Row {
        id: "unstable-option",
        class: "rustc-flags",
        pattern: r"unknown unstable option: `(?P<option>[^`]+)`|^error: the `-Z unstable-options` flag must also be passed to enable the (?:flag|option) `(?P<locked>[^`]+)`|^error: Unrecognized option: '(?P<other>[^']+)'|^error: unknown [`]?-Z[`]? flag specified: [`]?(?P<cargo>[\w-]+)|^error: incorrect value `(?P<value>[^`]*)` for (?:unstable|codegen) option `(?P<known>[^`]+)`|^error: unknown codegen option: `(?P<codegen>[^`]+)`",
        meaning: "this rustc does not have an option that the build passes: {option}{locked}{other}{cargo}{known}{codegen}",
        notes: &[
            "options differ from release to release: this rustc is too new for the tree, or too old for it or for the cargo that runs it",
        ],
        help: &[NEEDED, RIGHT_RUSTC],
        examples: &[
            "error: unknown unstable option: `branch-protection`",
            "error: unknown codegen option: `jump-tables`",
            "error: the `-Z unstable-options` flag must also be passed to enable the flag `check-cfg`",
            "error: Unrecognized option: 'json'",
            "error: unknown -Z flag specified: build-std",
            "error: incorrect value `true` for unstable option `function-sections` - one of: `y`",
        ],
        ..FAILURE
    },
    Row {
        id: "pointer-width",
        class: "too-new",
        pattern: r"target-pointer-width(?:.|\n)*(?:invalid type: string|expected (?:an? )?(?:u16|u32|u64|integer|number))|invalid type: string \x22(?:32|64)\x22, expected u(?:16|32|64)",
        meaning: "this rustc is too new for the tree: it wants target-pointer-width as a number",
        notes: &["rustc 1.91 and later read a number in target.json, and the tree writes text"],
        help: &[
            say(
                "build with rustc 1.90 or older, or take a newer release of the series, whose scripts/generate_rust_target.rs asks for rustc's version",
            ),
            NEEDED,
        ],
        examples: &[
            "error: error loading target specification: target-pointer-width: invalid type: string \"64\", expected u16 at line 8 column 33",
        ],
        ..FAILURE
    },
    Row {
        id: "custom-targets",
        class: "too-new",
        pattern: r"custom targets are unstable and require `-Zunstable-options`",
        meaning: "this rustc is too new for the tree: it wants an option that the tree's Makefiles do not pass",
        notes: &["recent releases of rustc take a target.json only with -Zunstable-options"],
        help: &[RIGHT_RUSTC, NEEDED],
        examples: &[
            "error: error loading target specification: custom targets are unstable and require `-Zunstable-options`",
        ],
        ..FAILURE
    },
    Row {
        id: "target-spec",
        class: "rustc-flags",
        pattern: r"^error: [Ee]rror loading target specification: (?P<why>.+?)(?:\. Run `rustc --print.*)?$",
        values: &[r#"specification for target "(?P<target>[^"]+)""#],
        meaning: "rustc cannot use the target that this build names",
        notes: &[
            "it says: {why}",
            "a target by name is looked for in RUST_TARGET_PATH, which the tree's Makefile has to export",
        ],
        help: &[DOCTOR],
        examples: &[
            r#"error: Error loading target specification: Could not find specification for target "target". Run `rustc --print target-list`"#,
            r#"error: error loading target specification: could not find specification for target "target""#,
        ],
        ..FAILURE
    },
    Row {
        id: "target-json",
        class: "crates",
        pattern: r#"target file "(?P<file>[^"]*target\.json)" does not exist"#,
        meaning: "the headers lack {file}, so rustc does not know what to compile for",
        notes: &[
            "the kernel's build generates it: the headers were installed without it, or the tree was never built",
        ],
        help: &[
            DOCTOR,
            run(
                "in a source tree with CONFIG_RUST=y, build it",
                "make -C {kdir} prepare",
            ),
        ],
        examples: &[r#"error: target file "./rust/target.json" does not exist"#],
        ..FAILURE
    },
    Row {
        id: "nightly-option",
        class: "rustc-flags",
        pattern: r"the option `Z` is only accepted on the nightly compiler|error\[E0554\]: `#!\[feature\]` may not be used on the",
        meaning: "rustc was started outside the kernel's build",
        notes: &[
            "the kernel's Makefile exports RUSTC_BOOTSTRAP=1, which a stable rustc needs for unstable features",
        ],
        help: &[run(
            "build through the kernel's Makefile",
            "make -C {kdir} M={dir} modules",
        )],
        examples: &[
            "error: the option `Z` is only accepted on the nightly compiler",
            "error[E0554]: `#![feature]` may not be used on the stable release channel",
        ],
        ..FAILURE
    },
    Row {
        id: "alloc-not-loaded",
        class: "own-code",
        pattern: r"^error\[E0635\]: unknown feature `(?P<feature>new_uninit|allocator_api)`\n *--> <crate attribute>",
        meaning: "the file uses nothing of the `kernel` crate, and so rustc does not load `alloc`, whose feature `{feature}` this series' build switches on",
        help: &[say("write a line into it: use kernel::prelude::*;")],
        breaks_rustc: true,
        examples: &[
            "error[E0635]: unknown feature `new_uninit`\n --> <crate attribute>:1:9\n  |\n1 | feature(new_uninit)",
        ],
        ..FAILURE
    },
    Row {
        id: "unstable-feature",
        class: "too-new",
        pattern: r"^error\[(?:E0635|E0557)\]: (?:unknown feature `(?P<feature>\w+)`|feature has been removed)|^error\[E0658\]: (?P<use>.*)(?:.|\n)*--> \S*\brust/(?:kernel|pin-init|macros)/",
        meaning: "this rustc is not one that this tree's crates compile with",
        notes: &[
            "it does not know the feature `{feature}`",
            "it says: {use}",
            "the tree uses unstable features, which differ from release to release",
        ],
        help: &[NEEDED, RIGHT_RUSTC],
        examples: &[
            "error[E0635]: unknown feature `receiver_trait`\n --> rust/kernel/lib.rs:1:1",
            "error[E0557]: feature has been removed\n --> rust/kernel/lib.rs:20:12",
        ],
        breaks_rustc: true,
        ..FAILURE
    },
    Row {
        id: "llvm-twice",
        class: "rustc",
        pattern: r"CommandLine Error: Option '(?P<option>[^']+)' registered more than once|LLVM ERROR: inconsistency in registered CommandLine options",
        meaning: "two copies of LLVM were loaded into one program, and it gave up",
        notes: &[
            "a library that rustc or a driver loads brings another LLVM; mostly packages of two states of the distribution are mixed",
        ],
        help: &[say(
            "bring the whole system to one state (Arch: sudo pacman -Syu; never upgrade llvm alone), or use rustup's rustc",
        )],
        under: &["llvm-twice"],
        examples: &[
            ": CommandLine Error: Option 'disable-auto-upgrade-debug-info' registered more than once!",
        ],
        ..FAILURE
    },
    Row {
        id: "rustup-no-default",
        class: "rustc",
        pattern: r"rustup could not choose a version of (?P<tool>[\w-]+) to run|error: no default toolchain configured|error: no override and no default toolchain set",
        meaning: "rustup has no toolchain for the user who runs this build",
        notes: &[
            "rustup's toolchains are per user: root, and DKMS, which runs as root, have their own",
        ],
        help: &[
            NEEDED,
            run(
                "build with a rustc by its path",
                "make -C {kdir} M={dir} RUSTC=\"$(rustkmod toolchain --path {for_kdir})\"",
            ),
        ],
        examples: &[
            "error: rustup could not choose a version of rustc to run, because one wasn't specified explicitly, and no default is configured.",
            "error: no override and no default toolchain set",
        ],
        ..FAILURE
    },
    Row {
        id: "rustup-not-installed",
        class: "rustc",
        pattern: r"error: (?:override )?toolchain '(?P<toolchain>[^']+)' is not installed",
        meaning: "rustup's toolchain '{toolchain}' is not installed for the user who runs this build",
        notes: &["a rust-toolchain file, an override or RUSTUP_TOOLCHAIN names it"],
        help: &[run("get it", "rustup toolchain install {toolchain}")],
        examples: &["error: toolchain '1.62.0-x86_64-unknown-linux-gnu' is not installed"],
        ..FAILURE
    },
    Row {
        id: "rustup-component",
        class: "rustc",
        pattern: r"error: '(?P<tool>[^']+)' is not installed for the toolchain '(?P<toolchain>[^']+)'|error: the '(?P<name>[^']+)' (?:binary|component).*is not (?:applicable to|installed for) the '(?P<of>[^']+)' toolchain",
        meaning: "rustup's toolchain lacks {tool}{name}",
        notes: &["the toolchain is {toolchain}", "the toolchain is {of}"],
        help: &[say(
            "add it: rustup component add COMPONENT --toolchain TOOLCHAIN (clippy-driver is in clippy, rustfmt in rustfmt)",
        )],
        examples: &[
            "error: 'rustfmt' is not installed for the toolchain '1.85.1-x86_64-unknown-linux-gnu'",
        ],
        ..FAILURE
    },
    Row {
        id: "librustc-driver",
        class: "rustc",
        pattern: r"error while loading shared libraries: (?P<lib>librustc_driver-\w+\.so|libLLVM\S*)",
        meaning: "rustc does not start: its library {lib} is missing",
        notes: &["rustc was copied, or upgraded without the libraries beside it"],
        help: &[
            say("install that rustc again, with the libraries of its package"),
            NEEDED,
        ],
        examples: &[
            "rustc: error while loading shared libraries: librustc_driver-a7bf53640eed303a.so: cannot open shared object file",
        ],
        ..FAILURE
    },
    // bindgen.
    Row {
        id: "bindgen-blacklist",
        class: "bindgen-too-new",
        pattern: r"(?:Found argument|unexpected argument) '(?P<option>--(?:blacklist|whitelist)-\w+|--size_t-is-usize)'",
        meaning: "this bindgen is too new for the tree: it has no {option}",
        notes: &[
            "the build found: {bindgen}\nthe tree wants:  {bindgen_wanted}",
            "6.1's rust/Makefile passes --blacklist-type, which went with bindgen 0.63, and up to 6.3 it passes --size_t-is-usize, which went with 0.65: 0.56.0 to 0.62.0 have both",
        ],
        help: &[run(
            "get one that has both, and knows the newest libclang",
            "cargo install --locked --version 0.62.0 bindgen-cli",
        )],
        examples: &[
            "error: Found argument '--blacklist-type' which wasn't expected, or isn't valid in this context",
            "error: unexpected argument '--size_t-is-usize' found",
        ],
        ..FAILURE
    },
    Row {
        id: "bindgen-option",
        class: "bindgen",
        pattern: r"(?:Found argument|unexpected argument) '(?P<option>--(?:rust-target|opaque-type|no-layout-tests|no-doc-comments|enable-function-attribute-detection|use-core|with-derive-default|ctypes-prefix|blocklist-\w+|allowlist-\w+|rust-edition|default-\w+-style)[^']*)'|^error: invalid value '(?P<value>[^']+)' for '--rust-target",
        meaning: "this bindgen does not take an option that the tree's Makefiles pass",
        notes: &[
            "the option: {option}",
            "the value: {value}",
            "the build found: {bindgen}\nthe tree wants:  {bindgen_wanted}",
        ],
        help: &[run(
            "ask the tree which bindgen it wants",
            "make -C {kdir} rustavailable",
        )],
        examples: &[
            "error: Found argument '--rust-target' which wasn't expected, or isn't valid in this context",
            "error: invalid value '1.68' for '--rust-target <RUST_TARGET>': \"1.68\" is not a valid Rust target",
        ],
        ..FAILURE
    },
    Row {
        id: "bindgen-ident",
        class: "bindgen",
        pattern: r"is not a valid Ident",
        meaning: "this bindgen is too old for the libclang that it uses",
        notes: &[
            "libclang 16 and later name anonymous types in a way that bindgen before 0.62 makes no Rust name of",
        ],
        help: &[
            run(
                "bindgen 0.62.0 knows both, and is accepted by all series from 6.1 to 6.9",
                "cargo install --locked --version 0.62.0 bindgen-cli",
            ),
            say("or name the directory of libclang 15 or older: export LIBCLANG_PATH=DIRECTORY"),
        ],
        examples: &[
            r#"thread 'main' panicked at '"ftrace_branch_data_union_(anonymous_at__/_/include/linux/compiler_types_h_146_2)" is not a valid Ident'"#,
            "thread 'main' panicked at 'called `Result::unwrap()` on an `Err` value: \"x\" is not a valid Ident', src/lib.rs:1:1",
        ],
        ..FAILURE
    },
    Row {
        id: "bindgen-panic",
        class: "bindgen",
        pattern: r"panicked at(?:.|\n)*/bindgen-(?P<version>\d[\d.]*)/",
        meaning: "bindgen {version} crashed over what libclang read for it",
        notes: &["mostly it is older than the libclang that it loads, and does not know a type"],
        help: &[
            say("take a newer bindgen"),
            say("or name the directory of an older libclang: export LIBCLANG_PATH=DIRECTORY"),
        ],
        examples: &[
            "thread 'main' panicked at 'Non floating-type complex? Type(x)', /build/.cargo/registry/src/x/bindgen-0.59.2/src/ir/context.rs:1992:26",
        ],
        ..FAILURE
    },
    Row {
        id: "bindgen-clang-flags",
        class: "bindgen",
        pattern: r"^error: unknown argument: '(?P<flag>[^']+)'|clang diag: error: unknown argument:? '(?P<flag__2>[^']+)'|panicked at .*(?:Unable to generate bindings|ClangDiagnostic)",
        meaning: "bindgen's libclang refuses what the kernel's C files are compiled with",
        notes: &[
            "it does not know {flag}",
            "bindgen gets the C compiler's flags. gcc's that clang does not know have to be in bindgen_skip_c_flags of rust/Makefile, and those of a newer clang need a libclang as new",
        ],
        help: &[say(
            "let libclang be of the same LLVM as clang: export LIBCLANG_PATH=/usr/lib/llvm-VERSION/lib",
        )],
        examples: &[
            "error: unknown argument: '-fmin-function-alignment=16'",
            "thread 'main' panicked at 'Unable to generate bindings: ClangDiagnostic(\"error: unknown argument: '-x'\")', src/main.rs:52:36",
        ],
        ..FAILURE
    },
    // C compilers and linkers.
    Row {
        id: "clang-for-gcc-kernel",
        class: "compiler",
        pattern: r"the compiler differs from the one used to build the kernel\n.*built by: .*\b(?:gcc|GCC)\b.*\n.*You are using:.*\bclang\b",
        values: &[
            r"built by:\s+(?P<built_by>.+)",
            r"You are using:\s+(?P<using>.+)",
        ],
        meaning: "gcc built this kernel, and the module is being built with clang",
        notes: &[
            "the kernel: {built_by}\nthis build: {using}",
            "clang does not know some of the flags that gcc's configuration brings along",
        ],
        help: &[run(
            "leave LLVM=1 and CC=clang out, also of the environment",
            "env -u LLVM -u CC make -C {kdir} M={dir} clean modules",
        )],
        examples: &[
            "warning: the compiler differs from the one used to build the kernel\n  The kernel was built by: gcc (GCC) 14.2.1 20240912\n  You are using:           clang version 19.1.6",
        ],
        ..FAILURE
    },
    Row {
        id: "gcc-for-clang-kernel",
        class: "compiler",
        pattern: r"the compiler differs from the one used to build the kernel\n.*built by: .*\bclang\b.*\n.*You are using:.*\b(?:gcc|GCC|cc)\b",
        values: &[
            r"built by:\s+(?P<built_by>.+)",
            r"You are using:\s+(?P<using>.+)",
        ],
        meaning: "clang built this kernel, and the module is being built with gcc",
        notes: &["the kernel: {built_by}\nthis build: {using}"],
        help: &[run(
            "build with LLVM, as the kernel was",
            "make -C {kdir} M={dir} LLVM=1 clean modules",
        )],
        examples: &[
            "warning: the compiler differs from the one used to build the kernel\n  The kernel was built by: clang version 22.1.6\n  You are using:           gcc (GCC) 16.1.1 20260430",
        ],
        ..FAILURE
    },
    Row {
        id: "compiler-differs",
        class: "compiler-version",
        pattern: r"the compiler differs from the one used to build the kernel",
        values: &[
            r"built by:\s+(?P<built_by>.+)",
            r"You are using:\s+(?P<using>.+)",
        ],
        meaning: "the C compiler is another release than the one that built the kernel",
        notes: &[
            "the kernel: {built_by}\nthis build: {using}",
            "that mostly works",
        ],
        examples: &[
            "warning: the compiler differs from the one used to build the kernel",
            "warning: the compiler differs from the one used to build the kernel\n  The kernel was built by: gcc-13 (Ubuntu 13.3.0-6ubuntu2) 13.3.0\n  You are using:           gcc-13 (Ubuntu 13.3.0-7) 13.3.0",
        ],
        ..HARMLESS
    },
    Row {
        id: "pahole-differs",
        pattern: r"pahole version differs from the one used to build the kernel",
        values: &[
            r"built with:\s+(?P<built_with>\d+)",
            r"You are using:\s+(?P<using>\d+)",
        ],
        meaning: "pahole is not the one that built the kernel",
        notes: &[
            "the kernel: {built_with}\nthis build: {using} (0 is none)",
            "only the module's BTF, which tracing tools read, depends on it",
        ],
        examples: &[
            "warning: pahole version differs from the one used to build the kernel\n  The kernel was built with: 125\n  You are using:             0",
        ],
        ..HARMLESS
    },
    Row {
        id: "gcc-clang-flags",
        class: "compiler-flags",
        pattern: r"\S*(?:gcc|cc1)\S*: error: unrecognized (?:command[- ]line option|argument to) [‘'`«]?(?P<flag>-(?:mstack-alignment|mretpoline-external-thunk|fsplit-lto-unit|fexperimental|mllvm|Qunused|fdebug-info-for-profiling|mno-global-merge|fsanitize|flto=thin|Wno-gnu|improved-fs|fbasic-block|Xclang|mskip-rax|foptimize)[^\s»’'`]*)",
        meaning: "clang built this kernel, and the module is being built with gcc",
        notes: &[
            "gcc does not know {flag}, which is in the kernel's configuration because clang built it",
        ],
        help: &[run(
            "build with LLVM, as the kernel was",
            "make -C {kdir} M={dir} LLVM=1 clean modules",
        )],
        under: &["gcc-for-clang-kernel", "gcc-clang-flags"],
        examples: &[
            "gcc: error: unrecognized command-line option ‘-mstack-alignment=8’",
            "gcc: error: unrecognized command-line option «-mretpoline-external-thunk»",
            "gcc: error: unrecognized command-line option '-mllvm'",
        ],
        ..FAILURE
    },
    Row {
        id: "gcc-flag",
        class: "compiler-flags",
        pattern: r"\S*gcc\S*: error: unrecognized (?:command[- ]line option|argument to) [‘'`«]?(?P<flag>[^\s»’'`]+)",
        meaning: "gcc does not know flags of this build",
        notes: &[
            "the first is {flag}",
            "they come from the kernel's configuration or Makefiles, where another gcc built that kernel, or clang did; or from the module's own Makefile",
        ],
        help: &[
            run(
                "compare it with what is installed",
                "grep CONFIG_CC_VERSION_TEXT {kdir}/.config; gcc --version",
            ),
            MODULES_FLAGS,
        ],
        under: &["compiler", "gcc-clang-flags"],
        examples: &[
            "gcc-11: error: unrecognized command-line option ‘-ftrivial-auto-var-init=zero’",
        ],
        ..FAILURE
    },
    Row {
        id: "clang-gcc-flags",
        class: "compiler-flags",
        pattern: r"clang\S*: error: (?:unknown argument:?|unsupported (?:option|argument)|optimization flag) '(?P<flag>-(?:fconserve-stack|fmin-function-alignment|mindirect-branch|mfunction-return=|mpreferred-stack-boundary|mrecord-mcount|mno-fp-ret-in-387|mskip-rax-setup|fno-allow-store-data-races|fplugin|falign-jumps|fno-var-tracking)[^']*|bounds-strict)'",
        meaning: "gcc built this kernel, and the module is being built with clang",
        notes: &[
            "clang does not know {flag}, which is in the kernel's configuration because gcc built it",
        ],
        help: &[run(
            "leave LLVM=1 and CC=clang out, also of the environment",
            "env -u LLVM -u CC make -C {kdir} M={dir} clean modules",
        )],
        under: &["compiler"],
        examples: &[
            "clang: error: unknown argument: '-fconserve-stack'",
            "clang: error: unsupported option '-mrecord-mcount' for target 'x86_64-linux-gnu'",
            "clang: error: unsupported argument 'bounds-strict' to option '-fsanitize='",
        ],
        ..FAILURE
    },
    Row {
        id: "clang-assembler",
        class: "compiler-flags",
        pattern: r"clang\S*: error: unsupported option '--(?:32|64)'",
        meaning: "clang runs another program to assemble, and that one is not GNU's `as`",
        notes: &["there is no `as` of binutils where clang looks, or clang goes by that name"],
        help: &[
            run(
                "let clang assemble itself, as it does since 5.15 with LLVM=1",
                "make -C {kdir} M={dir} LLVM=1 LLVM_IAS=1 modules",
            ),
            say("in a build of the kernel itself: make LLVM=1 LLVM_IAS=1"),
        ],
        examples: &["clang-12: error: unsupported option '--64'"],
        ..FAILURE
    },
    Row {
        id: "nvidia-compiler-check",
        class: "compiler",
        pattern: r"^\*\*\* Failed (?:cc sanity|(?:CC|cc|gcc)[ -]version) check\. Bailing out",
        meaning: "NVIDIA's build refuses this compiler: it is not the one that built the kernel",
        notes: &["it says which two in the lines before"],
        help: &[
            say(
                "name the kernel's compiler to make: CC=gcc-VERSION, or LLVM=1 where clang built it",
            ),
            say("or let it accept this compiler: export IGNORE_CC_MISMATCH=1"),
        ],
        examples: &["*** Failed cc sanity check. Bailing out! ***"],
        ..FAILURE
    },
    Row {
        id: "clang-flag",
        class: "compiler-flags",
        pattern: r"clang\S*: error: (?:unknown argument:?|unsupported (?:option|argument)|optimization flag|argument unused during compilation:) '(?P<flag>[^']+)'",
        meaning: "clang does not know flags of this build",
        notes: &[
            "the first is {flag}",
            "they come from the kernel's configuration or Makefiles, where another clang built that kernel, or gcc did; or from the module's own Makefile",
        ],
        help: &[
            run(
                "compare it with what is installed",
                "grep CONFIG_CC_VERSION_TEXT {kdir}/.config; clang --version",
            ),
            MODULES_FLAGS,
        ],
        under: &["compiler", "clang-gcc-flags"],
        examples: &["clang-14: error: unknown argument: '-fstrict-flex-arrays=3'"],
        ..FAILURE
    },
    Row {
        id: "clang-warning-flag",
        class: "compiler-flags",
        pattern: r"^error: (?:error: )*unknown warning option '(?P<flag>[^']+)'",
        meaning: "clang does not know warnings of gcc's that this build asks for, and kbuild takes that for an error",
        notes: &[
            "the first is {flag}",
            "kbuild asks the compiler before it passes such an option: mostly the module's own Makefile passes it unasked",
        ],
        help: &[
            run(
                "let clang pass over them",
                "make -C {kdir} M={dir} KCFLAGS=-Wno-unknown-warning-option modules",
            ),
            MODULES_FLAGS,
        ],
        under: &["compiler"],
        examples: &[
            "error: unknown warning option '-Wno-enum-int-mismatch'; did you mean '-Wno-enum-conversion'? [-Werror,-Wunknown-warning-option]",
        ],
        ..FAILURE
    },
    Row {
        id: "lld-argument",
        class: "compiler-flags",
        pattern: r"^ld\.lld: error: (?P<what>unknown argument '[^']+'|unknown emulation: .+|target emulation unknown: .+|unknown -z value: .+)",
        meaning: "a Makefile calls the linker in a way that GNU ld takes and lld does not",
        notes: &["lld says: {what}"],
        help: &[say(
            "take a release of the module that knows kernels built by clang and lld; where the Makefile is your own, name the emulation to the linker (-m elf_x86_64), and drop what lld does not know",
        )],
        examples: &[
            "ld.lld: error: target emulation unknown: -m or at least one .o file required",
            "ld.lld: error: unknown argument '--x'",
        ],
        ..FAILURE
    },
    Row {
        id: "gnu-strip",
        class: "strip",
        pattern: r"^(?:\S*/)?(?:strip|objcopy): BFD .* assertion fail",
        meaning: "GNU strip does not understand a file that lld linked, and may have damaged it",
        notes: &["modules of a kernel with LTO are such files; DKMS strips what it installs"],
        help: &[say(
            "take dkms 3.1 or newer, which strips with llvm-strip there, or write STRIP[0]=no into the module's dkms.conf; then build the module again (dkms build --force, dkms install --force)",
        )],
        examples: &[
            "strip: BFD (GNU Binutils) 2.42.0 assertion fail /usr/src/debug/binutils/bfd/elf.c:4131",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "gcc-plugin",
        class: "compiler",
        pattern: r"incompatible gcc/plugin versions|fail(?:ed)? to initialize plugin (?P<plugin>\S+)|cannot load plugin (?P<file>\S+)",
        meaning: "gcc is not the one that built the plugins in the headers",
        notes: &["a kernel with GCC plugins takes modules built by exactly its gcc"],
        help: &[run(
            "see which gcc that was",
            "grep CONFIG_CC_VERSION_TEXT {kdir}/.config; gcc --version",
        )],
        examples: &["cc1: error: incompatible gcc/plugin versions"],
        ..FAILURE
    },
    Row {
        id: "llvm-emulation",
        class: "compiler-flags",
        pattern: r"\bld: (?:unrecognized option|no se|unrecognised emulation mode|.*emulation).*\b(?:llvm|-mllvm|--thinlto)",
        meaning: "lld linked this kernel, and the module is being linked with GNU ld",
        help: &[run(
            "build with LLVM, as the kernel was",
            "make -C {kdir} M={dir} LLVM=1 clean modules",
        )],
        under: &["gcc-for-clang-kernel", "gcc-clang-flags"],
        examples: &["/usr/bin/ld: unrecognised emulation mode: llvm"],
        ..FAILURE
    },
    Row {
        id: "lto-mismatch",
        class: "compiler",
        pattern: r"(?P<file>\S+): (?:Invalid value \(Producer: '(?P<producer>[^']+)' Reader: '(?P<reader>[^']+)'\)|Unknown attribute kind)|ld\.lld: error: .*(?:Producer: '(?P<producer__2>[^']+)')",
        meaning: "LLVM of two versions met in one link: one wrote bitcode that the other cannot read",
        notes: &[
            "written by: {producer}\nread by:    {reader}",
            "with LTO, rustc's LLVM must not be newer than lld's",
        ],
        help: &[say(
            "take a clang and lld of rustc's LLVM or newer: rustc -vV names it; or turn CONFIG_LTO_CLANG off",
        )],
        examples: &[
            "ld.lld: error: rust/core.o: Invalid value (Producer: 'LLVM21.1.8' Reader: 'LLVM 19.1.7')",
        ],
        ..FAILURE
    },
    Row {
        id: "c-compiler-too-old",
        class: "too-old",
        pattern: r"\*\*\* (?P<what>C compiler|Compiler|Linker|Assembler) is too old",
        values: &[
            r"Your (?P<name>.+?) version:\s+(?P<found>\S+)",
            r"Minimum .+? version:\s+(?P<wanted>\S+)",
        ],
        meaning: "{name} {found} is older than this tree's minimum, {wanted}",
        notes: &["the tree names its minimum in scripts/min-tool-version.sh"],
        help: &[say(
            "install a newer one and name it to make: for clang and lld of a version LLVM=-VERSION, or LLVM=/usr/lib/llvm-VERSION/bin/; for gcc CC=gcc-VERSION",
        )],
        examples: &[
            "***\n*** C compiler is too old.\n***   Your Clang version:    14.0.0\n***   Minimum Clang version: 15.0.0\n***",
            "***\n*** Linker is too old.\n***   Your LLD version:    14.0.0\n***   Minimum LLD version: 15.0.0\n***",
            "***\n*** Assembler is too old.\n***   Your GNU assembler version:    2.25\n***   Minimum GNU assembler version: 2.30.0\n***",
        ],
        ..FAILURE
    },
    Row {
        id: "tool-unsupported",
        class: "kconfig",
        pattern: r"^scripts/Kconfig\.include:\d+: Sorry, this (?P<what>C compiler|assembler|linker) is not supported",
        meaning: "the tree refuses this {what}",
        notes: &[
            "a script of the tree (scripts/cc-version.sh, as-version.sh, ld-version.sh) could not tell what it is, or found it too old",
        ],
        under: &["too-old"],
        help: &[say(
            "name another one to make: CC=gcc, or LLVM=1 for clang and lld",
        )],
        examples: &["scripts/Kconfig.include:45: Sorry, this C compiler is not supported."],
        ..FAILURE
    },
    Row {
        id: "llvm-not-found",
        class: "compiler",
        pattern: concat!(
            r"^scripts/Kconfig\.include:\d+: (?:linker|C compiler) '(?P<kconfig>\S*(?:clang|ld\.lld)\S*)' not found|",
            not_found!("path", r"\S*(?:clang|ld\.lld|llvm-[a-z]+)(?:-\d+)?"),
            r"|invalid linker name in argument '-fuse-ld=(?P<fuse>lld)'"
        ),
        meaning: "'{kconfig}{path}{fuse}' is not installed, and this build uses LLVM",
        notes: &[
            "LLVM=1 was given, or the kernel was built so: that takes clang, lld and LLVM's tools",
        ],
        help: &[
            run("on Arch", "sudo pacman -S clang lld llvm"),
            run("on Debian and Ubuntu", "sudo apt install clang lld llvm"),
            run("on Fedora", "sudo dnf install clang lld llvm"),
        ],
        examples: &[
            "scripts/Kconfig.include:40: linker 'ld.lld' not found",
            "/bin/sh: 1: ld.lld: not found",
            "sh: line 1: clang: command not found",
            "make[1]: clang: No such file or directory",
        ],
        ..FAILURE
    },
    // Linkers.
    Row {
        id: "host-link",
        class: "link",
        pattern: r"^error: linking with `(?P<linker>[^`]+)` failed(?:: exit.*)?$",
        values: &[
            r"(?P<why>\b(?:ld|ld\.\w+|rust-lld|mold|collect2): .+|cannot find .+|undefined reference .+)",
        ],
        meaning: "rustc compiled a program or a proc macro for the machine that builds, and `{linker}` could not link it",
        notes: &["it says: {why}"],
        help: &[say(
            "see that the C compiler and the C library's development files are installed, and that HOSTRUSTC, HOSTCC and HOSTLDFLAGS are for the machine that builds",
        )],
        examples: &[
            "error: linking with `cc` failed: exit status: 1\n  = note: /usr/bin/ld: cannot find -lgcc_s: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "compiler-not-found",
        class: "compiler",
        pattern: concat!(
            r"^scripts/Kconfig\.include:\d+: (?:linker|C compiler) '(?P<kconfig>[^']+)' not found|",
            not_found!(
                "path",
                r"(?:\S*[-/])?(?:gcc|g\+\+|cc|c\+\+|cpp|ld(?:\.\w+)?|as|ar|nm|objcopy|objdump|strip|readelf)(?:-\d+)?"
            ),
            r"|^error: linker `(?P<linker>[^`]+)` not found|error trying to exec '(?P<part>\w+)': execvp"
        ),
        meaning: "'{kconfig}{path}{linker}{part}' is not installed",
        help: &[
            run("on Arch", "sudo pacman -S base-devel"),
            run("on Debian and Ubuntu", "sudo apt install build-essential"),
            run("on Fedora", "sudo dnf install gcc gcc-c++ binutils make"),
            say(
                "a compiler for another processor is named by CROSS_COMPILE, which then has to be right",
            ),
        ],
        examples: &[
            "scripts/Kconfig.include:39: C compiler 'aarch64-linux-gnu-gcc' not found",
            "/bin/sh: 1: gcc-13: not found",
            "/bin/sh: line 1: g++: command not found",
            "error: linker `cc` not found",
            "gcc: error trying to exec 'cc1': execvp: No such file or directory",
        ],
        ..FAILURE
    },
];
