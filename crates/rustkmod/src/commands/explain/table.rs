// SPDX-License-Identifier: MIT OR Apache-2.0

//! The failures that are known: how each looks in a log, what it means, what mends it.
//!
//! To add one, add a row. `needle` is a piece of text that stands in every such line, as it is,
//! colours or not; `pattern` is the regular expression the line then has to match, without
//! colours; `$name` in the texts is what the pattern found, `$$` a dollar. A row explains what its
//! line proves and nothing more.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The build or the load fails by it.
    Failure,
    /// It looks alarming and does no harm.
    Harmless,
    /// It may do harm.
    Doubtful,
}

/// A line later in the log that says more of the same failure.
#[derive(Debug)]
pub struct Detail {
    /// Text that stands in every such line.
    pub needle: &'static str,
    /// What the line has to match.
    pub pattern: &'static str,
    /// The note it makes.
    pub note: &'static str,
}

/// A failure that is known.
#[derive(Debug)]
pub struct Failure {
    /// Its name; it does not change between releases.
    pub id: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// Text that stands in every such line.
    pub needle: &'static str,
    /// What the line has to match.
    pub pattern: &'static str,
    /// What is wrong, in one line.
    pub meaning: &'static str,
    /// Why: the facts behind it.
    pub why: &'static str,
    /// What mends it: a sentence and, where there is one, a command.
    pub help: &'static [(&'static str, &'static str)],
    /// What later lines add.
    pub details: &'static [Detail],
    /// Lines that show it. The tests run them.
    pub examples: &'static [&'static str],
}

use Weight::{Doubtful, Failure as Fails, Harmless};

const NONE: &[Detail] = &[];
const DOCTOR: (&str, &str) = (
    "see what is wrong with the headers and the toolchain",
    "rustkmod doctor",
);
const NEEDED: (&str, &str) = (
    "see which rustc the kernel needs, and where one is",
    "rustkmod toolchain",
);
const RIGHT_RUSTC: (&str, &str) = (
    "build with the rustc that made the kernel's crates",
    "make -C /lib/modules/$$(uname -r)/build M=\"$$PWD\" RUSTC=\"$$(rustkmod toolchain --path)\" clean modules",
);
const REBUILD: (&str, &str) = (
    "build the module again, for the kernel that is to load it",
    "make -C /lib/modules/$$(uname -r)/build M=\"$$PWD\" clean modules",
);
const CHECK: (&str, &str) = (
    "compare the module with the kernel, field by field",
    "rustkmod check FILE.ko",
);

/// All failures that are known, from the build to the load.
pub const FAILURES: &[Failure] = &[
    // The headers.
    Failure {
        id: "no-headers",
        weight: Fails,
        needle: "/build",
        pattern: r"\*\*\* (?P<dir>/\S*/modules/(?P<release>[^/\s]+)/build): No such file or directory",
        meaning: "there are no headers for the kernel $release",
        why: "$dir is not there, or is a link that leads nowhere",
        help: &[("see which package has them", "rustkmod doctor $release")],
        details: NONE,
        examples: &["make: *** /lib/modules/6.1.0-rust/build: No such file or directory.  Stop."],
    },
    Failure {
        id: "dkms-no-headers",
        weight: Fails,
        needle: "kernel headers for kernel",
        pattern: r"Your kernel headers for kernel (?P<release>\S+) cannot be found",
        meaning: "DKMS found no headers for the kernel $release",
        why: "it looks for /lib/modules/$release/build",
        help: &[("see which package has them", "rustkmod doctor $release")],
        details: NONE,
        examples: &[
            "Error! Your kernel headers for kernel 6.1.0-rust cannot be found at /lib/modules/6.1.0-rust/build.",
        ],
    },
    Failure {
        id: "not-prepared",
        weight: Fails,
        needle: "Kernel configuration is invalid",
        pattern: r"ERROR: Kernel configuration is invalid",
        meaning: "the kernel tree is configured but not prepared for building modules",
        why: "include/generated/autoconf.h or include/config/auto.conf is missing from it",
        help: &[(
            "prepare the tree, with the compiler the kernel was built with",
            "make -C KDIR modules_prepare",
        )],
        details: NONE,
        examples: &["  ERROR: Kernel configuration is invalid."],
    },
    Failure {
        id: "target-json",
        weight: Fails,
        needle: "target file",
        pattern: r#"target file "(?P<file>[^"]*target\.json)" does not exist"#,
        meaning: "the headers lack $file, so rustc does not know what to compile for",
        why: "the kernel's build generates it, and the headers were installed without it, or the tree was never built",
        help: &[
            DOCTOR,
            (
                "in a source tree with CONFIG_RUST=y, build it",
                "make LLVM=1 prepare",
            ),
        ],
        details: NONE,
        examples: &[r#"error: target file "./rust/target.json" does not exist"#],
    },
    Failure {
        id: "target-by-name",
        weight: Fails,
        needle: "specification for target",
        pattern: r#"[Cc]ould not find specification for target "(?P<target>[^"]+)""#,
        meaning: "rustc was given the target '$target' by name and did not find its file",
        why: "a target by name is looked for in RUST_TARGET_PATH, which the tree's Makefile has to export, as $target.json",
        help: &[DOCTOR],
        details: NONE,
        examples: &[
            r#"error: Error loading target specification: Could not find specification for target "target". Run `rustc --print target-list`"#,
        ],
    },
    Failure {
        id: "E0461",
        weight: Fails,
        needle: "E0461",
        pattern: r"error\[E0461\]: couldn't find crate `(?P<crate>\w+)` with expected target triple (?P<triple>\S+)",
        meaning: "the headers' crates were compiled for another target than this build uses",
        why: "rustc before 1.63 hashes the path of target.json into each crate, so that headers which were moved are refused; \
              a later rustc hashes what the file holds. This build's target is $triple",
        help: &[
            DOCTOR,
            (
                "headers that are to be moved have to be built with --target=target and an exported RUST_TARGET_PATH, as linux-rust-headers are",
                "",
            ),
        ],
        details: NONE,
        examples: &[
            "error[E0461]: couldn't find crate `core` with expected target triple target-12890167366867834653",
        ],
    },
    Failure {
        id: "E0463",
        weight: Fails,
        needle: "E0463",
        pattern: r"error\[E0463\]: can't find crate for `(?P<crate>\w+)`",
        meaning: "the headers have no crate `$crate`",
        why: "rust/lib$crate.rmeta (or .so, for a proc-macro crate) is not in the kernel tree, or rustc cannot load it",
        help: &[DOCTOR],
        details: NONE,
        examples: &["error[E0463]: can't find crate for `core`"],
    },
    Failure {
        id: "E0460",
        weight: Fails,
        needle: "E0460",
        pattern: r"error\[E0460\]: found possibly newer version of crate `(?P<crate>\w+)`(?: which `(?P<user>\w+)` depends on)?",
        meaning: "the crates in the headers are of different builds: `$crate` is not the one that others were compiled against",
        why: "each crate records the hash of those it was compiled against, and that of `$crate` differs",
        help: &[(
            "install the headers again, whole; in a source tree, build the crates again",
            "make LLVM=1 prepare",
        )],
        details: NONE,
        examples: &[
            "error[E0460]: found possibly newer version of crate `core` which `kernel` depends on",
        ],
    },
    Failure {
        id: "E0514",
        weight: Fails,
        needle: "E0514",
        pattern: r"error\[E0514\]: found crate `(?P<crate>\w+)` compiled by an incompatible version of rustc",
        meaning: "this rustc cannot read the kernel's crates: another one made them",
        why: "rustc reads only crates whose version string is exactly its own; a distribution's 1.75.0 is not rustup's 1.75.0",
        help: &[RIGHT_RUSTC, NEEDED],
        details: &[
            Detail {
                needle: "compiled by rustc",
                pattern: r"crate `\w+` compiled by (?P<rustc>rustc [^:]+):",
                note: "the crate was made by: $rustc",
            },
            Detail {
                needle: "using this compiler",
                pattern: r"using this compiler \((?P<rustc>rustc [^()]*(?:\([^()]*\)[^()]*)*)\)",
                note: "the build ran:         $rustc",
            },
        ],
        examples: &[
            "error[E0514]: found crate `core` compiled by an incompatible version of rustc",
        ],
    },
    Failure {
        id: "E0786",
        weight: Fails,
        needle: "E0786",
        pattern: r"error\[E0786\]: found invalid metadata files for crate `(?P<crate>\w+)`",
        meaning: "the headers' crate `$crate` is damaged",
        why: "rustc cannot read rust/lib$crate.rmeta: it is cut off or no metadata at all",
        help: &[DOCTOR, ("install the headers again", "")],
        details: NONE,
        examples: &["error[E0786]: found invalid metadata files for crate `core`"],
    },
    Failure {
        id: "crate-cut-off",
        weight: Fails,
        needle: "index out of bounds: the len is",
        pattern: r"panicked at '?index out of bounds: the len is (?P<len>\d+) but the index is (?P<index>\d+)'?.*rustc_(?:serialize|metadata)",
        meaning: "a crate in the headers is cut off: rustc read past its end",
        why: "the file has $len bytes, and its header points to byte $index",
        help: &[DOCTOR, ("install the headers again", "")],
        details: NONE,
        examples: &[
            "thread 'rustc' panicked at 'index out of bounds: the len is 1000000 but the index is 7473430', /rustc/a8314ef7d0ec7b75c336af2c9857bfaf43002bfc/compiler/rustc_serialize/src/leb128.rs:87:1",
        ],
    },
    Failure {
        id: "headers-say",
        weight: Fails,
        needle: "these headers",
        pattern: r"error: (?P<message>.*\bthese headers\b.*)",
        meaning: "$message",
        why: "linux-rust-headers look at themselves before they build a module, and say so",
        help: &[DOCTOR],
        details: &[
            Detail {
                needle: "note: ",
                pattern: r"^\s+note: (?P<note>.*)",
                note: "$note",
            },
            Detail {
                needle: "help: ",
                pattern: r"^\s+help: (?P<help>.*)",
                note: "their help: $help",
            },
        ],
        examples: &[
            "error: these headers cannot build Rust modules: 'rust/libcore.rmeta' is missing",
        ],
    },
    // The toolchain.
    Failure {
        id: "rustc-not-found",
        weight: Fails,
        needle: "rustc",
        pattern: r"(?:make\S*|sh|bash)(?:: line)?:? ?\d*:? ?(?P<rustc>\S*rustc):? (?:(?:command )?not found|No such file or directory)",
        meaning: "there is no '$rustc', which the build runs",
        why: "RUSTC on make's command line or in the headers names it. rustup's is in ~/.cargo/bin, which root and DKMS do not have in their PATH",
        help: &[NEEDED, RIGHT_RUSTC],
        details: NONE,
        examples: &[
            "/bin/sh: 1: /nonexistent/rustc: not found",
            "make[2]: rustc: No such file or directory",
        ],
    },
    Failure {
        id: "custom-targets",
        weight: Fails,
        needle: "custom targets are unstable",
        pattern: r"custom targets are unstable and require `-Zunstable-options`",
        meaning: "this rustc is too new for this kernel: it wants an option that the kernel's build does not pass",
        why: "recent releases of rustc take a target.json only with -Zunstable-options, and older kernels were made for older ones",
        help: &[RIGHT_RUSTC, NEEDED],
        details: NONE,
        examples: &[
            "error: error loading target specification: custom targets are unstable and require `-Zunstable-options`",
        ],
    },
    Failure {
        id: "rustc-too-new",
        weight: Doubtful,
        needle: "is too new",
        pattern: r"\*\*\* Rust compiler '(?P<rustc>[^']+)' is too new",
        meaning: "'$rustc' is newer than the one this kernel series was made for",
        why: "kernels before 6.11 use unstable features of one exact rustc, and most others fail to compile them",
        help: &[NEEDED, ("get that one", "rustkmod toolchain --install")],
        details: &[
            Detail {
                needle: "Your version:",
                pattern: r"Your version:\s+(?P<version>[0-9.]+)",
                note: "the build found: $version",
            },
            Detail {
                needle: "Expected version:",
                pattern: r"Expected version:\s+(?P<version>[0-9.]+)",
                note: "the tree wants:  $version",
            },
        ],
        examples: &["*** Rust compiler 'rustc' is too new. This may or may not work."],
    },
    Failure {
        id: "rustc-too-old",
        weight: Fails,
        needle: "is too old",
        pattern: r"\*\*\* Rust compiler '(?P<rustc>[^']+)' is too old",
        meaning: "'$rustc' is older than this kernel needs",
        why: "the tree names its minimum in scripts/min-tool-version.sh",
        help: &[NEEDED, ("get one", "rustkmod toolchain --install")],
        details: &[
            Detail {
                needle: "Your version:",
                pattern: r"Your version:\s+(?P<version>[0-9.]+)",
                note: "the build found: $version",
            },
            Detail {
                needle: "Minimum version:",
                pattern: r"Minimum version:\s+(?P<version>[0-9.]+)",
                note: "the tree wants:  $version",
            },
        ],
        examples: &["*** Rust compiler 'rustc' is too old."],
    },
    Failure {
        id: "bindgen-too-new",
        weight: Doubtful,
        needle: "is too new",
        pattern: r"\*\*\* Rust bindings generator '(?P<bindgen>[^']+)' is too new",
        meaning: "'$bindgen' is newer than the one this kernel series was made for",
        why: "for 6.1 bindgen 0.56.0 is meant; up to 0.62.0 works, from 0.65 on an option it uses is gone. \
              Only building the kernel needs bindgen, not building a module",
        help: &[(
            "get the one the tree names",
            "cargo install --locked --version 0.56.0 bindgen",
        )],
        details: NONE,
        examples: &["*** Rust bindings generator 'bindgen' is too new. This may or may not work."],
    },
    Failure {
        id: "bindgen-too-old",
        weight: Fails,
        needle: "is too old",
        pattern: r"\*\*\* Rust bindings generator '(?P<bindgen>[^']+)' is too old",
        meaning: "'$bindgen' is older than this kernel needs",
        why: "the tree names its minimum in scripts/min-tool-version.sh",
        help: &[("get a newer one", "cargo install --locked bindgen-cli")],
        details: &[Detail {
            needle: "Minimum version:",
            pattern: r"Minimum version:\s+(?P<version>[0-9.]+)",
            note: "the tree wants at least $version",
        }],
        examples: &["*** Rust bindings generator 'bindgen' is too old."],
    },
    Failure {
        id: "libclang-too-old",
        weight: Fails,
        needle: "libclang (used by",
        pattern: r"\*\*\* libclang \(used by the Rust bindings generator '[^']+'\) is too old",
        meaning: "bindgen uses a libclang that is too old for this kernel",
        why: "bindgen loads the libclang it finds first, which need not be that of the clang in PATH",
        help: &[(
            "point it to a newer one",
            "export LIBCLANG_PATH=/usr/lib/llvm-VERSION/lib",
        )],
        details: NONE,
        examples: &["*** libclang (used by the Rust bindings generator 'bindgen') is too old."],
    },
    Failure {
        id: "tool-not-found",
        weight: Fails,
        needle: "could not be found",
        pattern: r"\*\*\* Rust (?:compiler|bindings generator) '(?P<tool>[^']+)' could not be found",
        meaning: "there is no '$tool' in the PATH of the build",
        why: "the build ran `command -v $tool`. rustup's is in ~/.cargo/bin, which root and DKMS do not have in their PATH",
        help: &[NEEDED, ("get it", "rustkmod toolchain --install")],
        details: NONE,
        examples: &["*** Rust compiler 'rustc' could not be found."],
    },
    Failure {
        id: "rust-src",
        weight: Fails,
        needle: "standard library could not be found",
        pattern: r"Source code for the 'core' standard library could not be found",
        meaning: "rustc's source is not installed, and building the kernel needs it",
        why: "the kernel compiles `core` itself. Building a module does not need the source",
        help: &[
            ("with rustup", "rustup component add rust-src"),
            ("or point to it", "make RUST_LIB_SRC=FOLDER/library"),
        ],
        details: NONE,
        examples: &["*** Source code for the 'core' standard library could not be found"],
    },
    Failure {
        id: "rustup-no-default",
        weight: Fails,
        needle: "rustup could not choose",
        pattern: r"rustup could not choose a version of (?P<tool>\w+) to run",
        meaning: "rustup has no toolchain for the user who runs this build",
        why: "rustup's toolchains are per user: root, and DKMS, which runs as root, have their own",
        help: &[
            NEEDED,
            (
                "build with a rustc by its path",
                "make RUSTC=\"$$(rustkmod toolchain --path)\"",
            ),
        ],
        details: NONE,
        examples: &[
            "error: rustup could not choose a version of rustc to run, because one wasn't specified explicitly, and no default is configured.",
        ],
    },
    Failure {
        id: "rustup-not-installed",
        weight: Fails,
        needle: "is not installed",
        pattern: r"error: (?:override )?toolchain '(?P<toolchain>[^']+)' is not installed",
        meaning: "rustup's toolchain '$toolchain' is not installed for the user who runs this build",
        why: "a rust-toolchain file, an override or RUSTUP_TOOLCHAIN names it",
        help: &[("get it", "rustup toolchain install $toolchain")],
        details: NONE,
        examples: &["error: toolchain '1.62.0-x86_64-unknown-linux-gnu' is not installed"],
    },
    Failure {
        id: "librustc-driver",
        weight: Fails,
        needle: "librustc_driver",
        pattern: r"error while loading shared libraries: (?P<lib>librustc_driver-\w+\.so)",
        meaning: "rustc does not start: its library $lib is missing",
        why: "rustc was copied or upgraded without the libraries beside it",
        help: &[("install that rustc again", ""), NEEDED],
        details: NONE,
        examples: &[
            "rustc: error while loading shared libraries: librustc_driver-a7bf53640eed303a.so: cannot open shared object file",
        ],
    },
    Failure {
        id: "nightly-option",
        weight: Fails,
        needle: "only accepted on the nightly",
        pattern: r"the option `Z` is only accepted on the nightly compiler",
        meaning: "rustc was started outside the kernel's build",
        why: "the kernel's Makefile exports RUSTC_BOOTSTRAP=1, which a stable rustc needs for -Z options",
        help: &[(
            "build through the kernel's Makefile",
            "make -C /lib/modules/$$(uname -r)/build M=\"$$PWD\" modules",
        )],
        details: NONE,
        examples: &["error: the option `Z` is only accepted on the nightly compiler"],
    },
    Failure {
        id: "bindgen-ident",
        weight: Fails,
        needle: "not a valid Ident",
        pattern: r#"is not a valid Ident"#,
        meaning: "this bindgen is too old for the libclang it uses",
        why: "libclang 16 and later name anonymous types in a way bindgen before 0.62 turns into no Rust name",
        help: &[
            (
                "for a 6.1 kernel use bindgen 0.62.0, which knows both",
                "cargo install --locked --version 0.62.0 bindgen-cli",
            ),
            (
                "or an older libclang",
                "export LIBCLANG_PATH=/usr/lib/llvm-15/lib",
            ),
        ],
        details: NONE,
        examples: &[
            r#"thread 'main' panicked at '"ftrace_branch_data_union_(anonymous_at__/_/include/linux/compiler_types_h_146_2)" is not a valid Ident'"#,
        ],
    },
    Failure {
        id: "bindgen-size-t",
        weight: Fails,
        needle: "size_t-is-usize",
        pattern: r"(?:[Ff]ound|unexpected) argument '--size_t-is-usize'",
        meaning: "this bindgen is too new for the kernel: it has lost the option --size_t-is-usize",
        why: "bindgen 0.65 removed it, and the Makefiles of kernels before 6.4 still pass it",
        help: &[(
            "use one that has it",
            "cargo install --locked --version 0.62.0 bindgen-cli",
        )],
        details: NONE,
        examples: &["error: unexpected argument '--size_t-is-usize' found"],
    },
    Failure {
        id: "gcc-clang-flags",
        weight: Fails,
        needle: "unrecognized command",
        pattern: r"(?P<cc>\S*gcc\S*): error: unrecognized command[- ]line option [‘'`](?P<flag>[^’'`]+)",
        meaning: "the kernel was built with clang, and this module is being built with gcc",
        why: "$cc does not know $flag, which the kernel's configuration passes because clang built it",
        help: &[("build with LLVM, as the kernel was", "make LLVM=1")],
        details: NONE,
        examples: &["gcc: error: unrecognized command-line option ‘-mstack-alignment=8’"],
    },
    Failure {
        id: "clang-gcc-flags",
        weight: Fails,
        needle: "unknown argument",
        pattern: r"clang\S*: error: unknown argument:? '(?P<flag>[^']+)'",
        meaning: "clang does not know a flag of this kernel's build",
        why: "$flag comes from the kernel's configuration: another clang, or gcc, built that kernel",
        help: &[(
            "compare it with what is installed",
            "grep CONFIG_CC_VERSION_TEXT /lib/modules/$$(uname -r)/build/.config; clang --version",
        )],
        details: NONE,
        examples: &["clang: error: unknown argument: '-fconserve-stack'"],
    },
    Failure {
        id: "llvm-not-found",
        weight: Fails,
        needle: "not found",
        pattern: r"(?:sh|bash)(?:: line)?:? ?\d*: (?P<tool>clang|ld\.lld|llvm-[a-z]+): (?:command )?not found",
        meaning: "'$tool' is not installed, and clang built this kernel",
        why: "modules of a clang-built kernel need clang, lld and LLVM's tools",
        help: &[
            ("on Arch", "sudo pacman -S clang lld llvm"),
            ("on Debian", "sudo apt install clang lld llvm"),
        ],
        details: NONE,
        examples: &[
            "/bin/sh: 1: ld.lld: not found",
            "sh: line 1: clang: command not found",
        ],
    },
    Failure {
        id: "llvm-no-such-file",
        weight: Fails,
        needle: "No such file or directory",
        pattern: r"make\S*: (?P<tool>clang|ld\.lld|llvm-[a-z]+): No such file or directory",
        meaning: "'$tool' is not installed, and clang built this kernel",
        why: "modules of a clang-built kernel need clang, lld and LLVM's tools",
        help: &[
            ("on Arch", "sudo pacman -S clang lld llvm"),
            ("on Debian", "sudo apt install clang lld llvm"),
        ],
        details: NONE,
        examples: &["make[1]: clang: No such file or directory"],
    },
    // What differs between kernel series.
    Failure {
        id: "byte-string",
        weight: Fails,
        needle: "Expected byte string",
        pattern: r"Expected byte string",
        meaning: "this kernel's `module!` wants byte strings, and the module has plain ones",
        why: "6.1 wants name: b\"...\", author: b\"...\", license: b\"GPL\"; from 6.2 on they are name: \"...\"",
        help: &[(
            "write the module for 6.1: put a b before each string in `module!`",
            "",
        )],
        details: NONE,
        examples: &["   = help: message: Expected byte string"],
    },
    Failure {
        id: "plain-string",
        weight: Fails,
        needle: "Expected string literal",
        pattern: r"Expected string literal",
        meaning: "this kernel's `module!` wants plain strings, and the module has something else",
        why: "from 6.2 on `module!` has name: \"...\"; only 6.1 has name: b\"...\"",
        help: &[(
            "write the module for this series: take the b from before each string in `module!`",
            "",
        )],
        details: NONE,
        examples: &["   = help: message: Expected string literal"],
    },
    Failure {
        id: "module-key",
        weight: Fails,
        needle: "Unknown key",
        pattern: r#"Unknown key "?(?P<key>\w+)"?\. Valid keys are"#,
        meaning: "this kernel's `module!` does not know the key `$key`",
        why: "`authors: [\"...\"]` came with 6.15, `author` went with 6.17, `params` came with 6.19",
        help: &[("use the keys of this series: the message lists them", "")],
        details: NONE,
        examples: &[
            r#"   = help: message: Unknown key "authors". Valid keys are: ["type", "name", "author"]."#,
        ],
    },
    Failure {
        id: "E0050-init",
        weight: Fails,
        needle: "E0050",
        pattern: r"error\[E0050\]: method `init` has (?P<has>\d+) parameters? but the declaration in trait `(?P<trait>[^`]+)` has (?P<wants>\d+)",
        meaning: "the module's `init` was written for another kernel series",
        why: "it takes $has, and this kernel's `$trait` takes $wants: mainline has `fn init(module: &'static ThisModule)`, \
              the trees before it had a name in front",
        help: &[(
            "give `init` the parameters of this kernel's `Module` trait",
            "",
        )],
        details: NONE,
        examples: &[
            "error[E0050]: method `init` has 2 parameters but the declaration in trait `kernel::Module::init` has 1",
        ],
    },
    Failure {
        id: "E0412-cstr",
        weight: Fails,
        needle: "E0412",
        pattern: r"error\[E0412\]: cannot find type `CStr` in this scope",
        meaning: "the module uses `CStr`, which this kernel's `kernel` crate does not bring into scope",
        why: "6.1 has no `CStr` at all; from 6.2 on it is `kernel::str::CStr`",
        help: &[(
            "on 6.1 write the module without it; on later kernels: use kernel::str::CStr;",
            "",
        )],
        details: NONE,
        examples: &["error[E0412]: cannot find type `CStr` in this scope"],
    },
    Failure {
        id: "no-such-item",
        weight: Fails,
        needle: "unresolved import",
        pattern: r"error\[E0432\]: unresolved import `(?P<item>kernel::[^`]+)`",
        meaning: "this kernel's `kernel` crate has no `$item`",
        why: "the crate grows with every series: the module was written for another one, or the kernel was configured without it",
        help: &[("see which series you build for", "rustkmod doctor")],
        details: NONE,
        examples: &["error[E0432]: unresolved import `kernel::sync::SpinLock`"],
    },
    Failure {
        id: "try-push",
        weight: Fails,
        needle: "try_push",
        pattern: r"error\[E0599\]: no method named `try_push` found for struct `(?:\w+::)*K?Vec",
        meaning: "the module uses `Vec::try_push`, which went with 6.10",
        why: "6.1 to 6.9 have try_push(x), 6.10 has push(x, GFP_KERNEL), and 6.13 has KVec in the place of Vec",
        help: &[("write push(x, GFP_KERNEL), and from 6.13 on KVec", "")],
        details: NONE,
        examples: &[
            "error[E0599]: no method named `try_push` found for struct `Vec` in the current scope",
        ],
    },
    // modpost.
    Failure {
        id: "modpost-rust",
        weight: Fails,
        needle: "undefined!",
        pattern: r#"modpost: "(?P<symbol>_R\w+|__rust_\w+)" \[[^\]]+\] undefined!"#,
        meaning: "the kernel's Module.symvers lacks Rust symbols the module needs",
        why: "the crates in rust/ and Module.symvers are of different builds, or of a kernel without Rust. The first is $symbol",
        help: &[
            DOCTOR,
            (
                "or the module uses Rust's own `alloc`: build it with the kernel's Makefiles, not with cargo",
                "",
            ),
        ],
        details: NONE,
        examples: &[
            r#"ERROR: modpost: "_RNvNtCs1q4c3E1xXYZ_6kernel5print11call_printk" [/tmp/m/m.ko] undefined!"#,
        ],
    },
    Failure {
        id: "modpost-undefined",
        weight: Fails,
        needle: "undefined!",
        pattern: r#"modpost: "(?P<symbol>[a-zA-Z]\w*)" \[[^\]]+\] undefined!"#,
        meaning: "the module needs symbols that this kernel does not export",
        why: "the first is $symbol: it is not in Module.symvers",
        help: &[(
            "if another module of yours exports it, say where",
            "make KBUILD_EXTRA_SYMBOLS=FOLDER/Module.symvers",
        )],
        details: NONE,
        examples: &[r#"ERROR: modpost: "my_symbol" [/tmp/m/m.ko] undefined!"#],
    },
    Failure {
        id: "modpost-gpl",
        weight: Fails,
        needle: "GPL-incompatible module",
        pattern: r"GPL-incompatible module (?P<module>\S+) uses GPL-only symbol '(?P<symbol>[^']+)'",
        meaning: "$module uses a symbol that is exported to GPL modules only",
        why: "the symbol is $symbol; all Rust symbols of the kernel are exported so",
        help: &[(
            "state the licence in `module!`, if it is one of these: license: \"GPL\"",
            "",
        )],
        details: NONE,
        examples: &[
            "ERROR: modpost: GPL-incompatible module m.ko uses GPL-only symbol '_RNvC6kernel1f'",
        ],
    },
    // The load.
    Failure {
        id: "version-magic",
        weight: Fails,
        needle: "version magic",
        pattern: r"(?P<module>\S+): version magic '(?P<has>[^']*)' should be '(?P<wants>[^']*)'",
        meaning: "the module `$module` was built for another kernel",
        why: "the module:  '$has'\nthe kernel: '$wants'",
        help: &[REBUILD, CHECK],
        details: NONE,
        examples: &[
            "[   12.3] m: version magic '6.1.0 SMP mod_unload ' should be '6.1.0 SMP preempt mod_unload '",
        ],
    },
    Failure {
        id: "unknown-symbol-allocator",
        weight: Fails,
        needle: "Unknown symbol __rust_",
        pattern: r"(?P<module>\S+): Unknown symbol (?P<symbol>__rust_\w+)",
        meaning: "the module `$module` uses `alloc`, and the kernel does not give it the allocator",
        why: "kernels 6.1 to 6.12 with Rust export $symbol, to GPL modules only; later ones and those without Rust do not have it",
        help: &[REBUILD, CHECK],
        details: NONE,
        examples: &["[    1.0] m: Unknown symbol __rust_alloc (err -2)"],
    },
    Failure {
        id: "unknown-symbol-rust",
        weight: Fails,
        needle: "Unknown symbol _R",
        pattern: r"(?P<module>\S+): Unknown symbol (?P<symbol>_R\w+)",
        meaning: "the kernel does not give the module `$module` the Rust symbols it was built against",
        why: "another rustc made the kernel's crates, or it is another kernel, or one without Rust, or the module's licence is \
              not the GPL's, to which all Rust symbols are bound. The first is $symbol",
        help: &[
            ("see which of these it is", "rustkmod check FILE.ko"),
            REBUILD,
        ],
        details: NONE,
        examples: &[
            "[    1.0] m: Unknown symbol _RNvNtCs1q4c3E1xXYZ_6kernel5print11call_printk (err -2)",
        ],
    },
    Failure {
        id: "unknown-symbol",
        weight: Fails,
        needle: "Unknown symbol",
        pattern: r"(?P<module>\S+): Unknown symbol (?P<symbol>[a-zA-Z]\w*) \(err",
        meaning: "the module `$module` needs symbols that nothing loaded exports",
        why: "the first is $symbol",
        help: &[
            CHECK,
            (
                "let the modules it needs be loaded as well, which insmod does not do",
                "sudo depmod -a && sudo modprobe $module",
            ),
        ],
        details: NONE,
        examples: &["[    1.0] m: Unknown symbol other_function (err -2)"],
    },
    Failure {
        id: "symbol-version",
        weight: Fails,
        needle: "disagrees about version",
        pattern: r"(?P<module>\S+): disagrees about version of symbol (?P<symbol>\S+)",
        meaning: "the module `$module` was compiled against other types than this kernel has",
        why: "the checksums of $symbol differ (CONFIG_MODVERSIONS)",
        help: &[REBUILD, CHECK],
        details: NONE,
        examples: &["[    1.0] m: disagrees about version of symbol module_layout"],
    },
    Failure {
        id: "no-symbol-version",
        weight: Fails,
        needle: "no symbol version",
        pattern: r"(?P<module>\S+): no symbol version for (?P<symbol>\S+)",
        meaning: "the module `$module` lacks checksums that this kernel wants",
        why: "it has none for $symbol (CONFIG_MODVERSIONS)",
        help: &[REBUILD, CHECK],
        details: NONE,
        examples: &["[    1.0] m: no symbol version for module_layout"],
    },
    Failure {
        id: "namespace",
        weight: Fails,
        needle: "namespace",
        pattern: r"module (?P<module>\S+) uses symbol (?P<symbol>\S+) from namespace (?P<ns>[^,\s]+), but does not import it",
        meaning: "$module uses the namespace $ns without importing it",
        why: "$symbol is exported in $ns",
        help: &[(
            "in C: MODULE_IMPORT_NS($ns); in Rust: imports_ns in `module!`",
            "",
        )],
        details: NONE,
        examples: &[
            "ERROR: modpost: module m uses symbol dma_buf_get from namespace DMA_BUF, but does not import it.",
        ],
    },
    Failure {
        id: "unsigned-rejected",
        weight: Fails,
        needle: "is rejected",
        pattern: r"Loading of (?P<what>unsigned module|module with unsupported crypto|module with unavailable key) is rejected",
        meaning: "the kernel loads only modules signed with a key it trusts",
        why: "it says: $what. Signatures are enforced by CONFIG_MODULE_SIG_FORCE, by module.sig_enforce=1 on its command line, or by lockdown",
        help: &[
            (
                "see which of these it is",
                "cat /sys/module/module/parameters/sig_enforce /sys/kernel/security/lockdown",
            ),
            (
                "sign it with a key the kernel trusts",
                "/lib/modules/$$(uname -r)/build/scripts/sign-file sha256 KEY.pem CERT.x509 FILE.ko",
            ),
        ],
        details: NONE,
        examples: &["[    1.0] Loading of unsigned module is rejected"],
    },
    Failure {
        id: "lockdown",
        weight: Fails,
        needle: "Lockdown:",
        pattern: r"Lockdown: (?P<program>\S+): unsigned module loading is restricted",
        meaning: "lockdown keeps the kernel from loading unsigned modules",
        why: "Secure Boot turns lockdown on in most distributions' kernels",
        help: &[
            ("see its mode", "cat /sys/kernel/security/lockdown"),
            (
                "sign the module with a key enrolled in the firmware",
                "/lib/modules/$$(uname -r)/build/scripts/sign-file sha256 KEY.pem CERT.x509 FILE.ko",
            ),
        ],
        details: NONE,
        examples: &[
            "[    1.0] Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7",
        ],
    },
    Failure {
        id: "key-rejected",
        weight: Fails,
        needle: " insert ",
        pattern: r"(?:could not|can't) insert (?:module )?\S+: (?P<why>Key was rejected by service|Required key not available)",
        meaning: "the kernel refused the module for its signature",
        why: "insmod says: $why",
        help: &[(
            "the kernel log says which part it refused",
            "sudo dmesg | rustkmod explain",
        )],
        details: NONE,
        examples: &["insmod: ERROR: could not insert module m.ko: Key was rejected by service"],
    },
    Failure {
        id: "invalid-format",
        weight: Fails,
        needle: "nvalid module format",
        pattern: r"[Ii]nvalid module format",
        meaning: "the kernel refused the module; the reason is in the kernel log, not here",
        why: "insmod only passes on ENOEXEC: vermagic, checksums, or a file for another processor",
        help: &[
            ("see the kernel's reason", "sudo dmesg | rustkmod explain"),
            CHECK,
        ],
        details: NONE,
        examples: &[
            "insmod: ERROR: could not insert module m.ko: Invalid module format",
            "insmod: can't insert '/m.ko': invalid module format",
        ],
    },
    Failure {
        id: "insmod-unknown-symbol",
        weight: Fails,
        needle: "nknown symbol in module",
        pattern: r"[Uu]nknown symbol in module",
        meaning: "the kernel refused the module for symbols it lacks; the kernel log names them",
        why: "insmod only passes on ENOENT",
        help: &[("see the symbols", "sudo dmesg | rustkmod explain"), CHECK],
        details: NONE,
        examples: &["insmod: ERROR: could not insert module m.ko: Unknown symbol in module"],
    },
    Failure {
        id: "damaged-module",
        weight: Fails,
        needle: "Invalid ELF",
        pattern: r"Invalid ELF (?P<what>\w.*)",
        meaning: "the module's file is damaged: the kernel cannot read its ELF",
        why: "the kernel says: Invalid ELF $what",
        help: &[REBUILD, CHECK],
        details: NONE,
        examples: &["[    1.0] Invalid ELF section header overflow"],
    },
    Failure {
        id: "licence",
        weight: Doubtful,
        needle: "taints kernel",
        pattern: r"(?P<module>\S+): module license '(?P<license>[^']*)' taints kernel",
        meaning: "the module `$module` is not under the GPL, and gets no symbol that is bound to it",
        why: "its licence is '$license'; all Rust symbols of the kernel are exported to GPL modules only",
        help: &[(
            "state the licence in `module!`, if it is one of these: license: \"GPL\"",
            "",
        )],
        details: NONE,
        examples: &["[    1.0] m: module license 'MIT' taints kernel."],
    },
    // What the kernel says when it breaks.
    Failure {
        id: "rust-panic",
        weight: Fails,
        needle: "rust_kernel: panicked at",
        pattern: r"rust_kernel: panicked at .*?(?P<place>[^\s']\S*:\d+:\d+)",
        meaning: "the Rust code panicked at $place",
        why: "in the kernel a panic is a BUG(): it ends the task that is running, and with oops=panic the machine",
        help: &[(
            "return an Error there: no unwrap(), no index that may be out of bounds, no overflow",
            "",
        )],
        details: NONE,
        examples: &[
            "[    1.0] rust_kernel: panicked at 'explicit panic', /tmp/m/m.rs:20:9",
            "[    1.0] rust_kernel: panicked at /tmp/m/m.rs:20:9:",
        ],
    },
    Failure {
        id: "missing-endbr",
        weight: Fails,
        needle: "Missing ENDBR",
        pattern: r"Missing ENDBR: (?P<function>[^\s+]+)",
        meaning: "the processor stopped the kernel where it called $function by a pointer",
        why: "the kernel has indirect branch tracking on (CONFIG_X86_KERNEL_IBT), so has the processor, and \
              that function does not begin with endbr64. Linux 6.1 as it comes builds no Rust with it; later \
              series, and linux-rust's 6.1, do",
        help: &[
            CHECK,
            REBUILD,
            (
                "for a kernel whose own Rust is without it, boot with this on its command line",
                "ibt=off",
            ),
        ],
        details: NONE,
        examples: &[
            "[    9.0] traps: Missing ENDBR: init_module+0x0/0xf0 [rust_out_of_tree]",
            "[    9.0] Missing ENDBR: init_module+0x0/0xf0 [rust_out_of_tree]",
        ],
    },
    Failure {
        id: "naked-return",
        weight: Doubtful,
        needle: "'naked' return found in",
        pattern: r"objtool: (?P<function>[^\s+:]+)\S*: 'naked' return found in (?:MITIGATION_)?RETHUNK build",
        meaning: "$function returns without the thunk that mitigates Retbleed",
        why: "rustc can do that since 1.76, and Linux 6.1 is built by 1.62: what is written in Rust there is \
              without this protection on the processors that need it, AMD's Zen 1 to 4 among them. It is \
              built, and it works",
        help: &[("where that matters, take a series of 6.12 or later", "")],
        details: NONE,
        examples: &[
            "vmlinux.o: warning: objtool: _RNvMNtCs3yuwAp0waWO_4core3f32f8classify+0x5a: 'naked' return found in RETHUNK build",
            "m.o: warning: objtool: f+0x5: 'naked' return found in MITIGATION_RETHUNK build",
        ],
    },
    Failure {
        id: "missing-int3",
        weight: Doubtful,
        needle: "missing int3 after",
        pattern: r"objtool: (?P<function>[^\s+:]+)\S*: missing int3 after ",
        meaning: "nothing keeps the processor from guessing its way past the end of $function",
        why: "CONFIG_SLS asks for an int3 there. The LLVM of Linux 6.1's rustc cannot put it behind what is \
              written in Rust. It is built, and it works",
        help: &[("where that matters, take a series of 6.12 or later", "")],
        details: NONE,
        examples: &["vmlinux.o: warning: objtool: rust_fmt_argument+0x71: missing int3 after ret"],
    },
    // What alarms and does no harm.
    Failure {
        id: "pahole-variant-part",
        weight: Harmless,
        needle: "die__process_class",
        pattern: r"die__process_class: tag not supported 0x33 \(variant_part\)",
        meaning: "pahole does not know Rust's enums; the module is built all the same",
        why: "only their BTF, which tracing tools read, is left out",
        help: &[],
        details: NONE,
        examples: &["die__process_class: tag not supported 0x33 (variant_part)!"],
    },
    Failure {
        id: "no-vmlinux-btf",
        weight: Harmless,
        needle: "Skipping BTF generation",
        pattern: r"Skipping BTF generation for \S+ due to unavailability of vmlinux",
        meaning: "the module is built without BTF, since the headers have no vmlinux",
        why: "only tracing tools read BTF",
        help: &[],
        details: NONE,
        examples: &["Skipping BTF generation for /tmp/m/m.ko due to unavailability of vmlinux"],
    },
    Failure {
        id: "out-of-tree",
        weight: Harmless,
        needle: "taints kernel",
        pattern: r"(?P<module>\S+): loading out-of-tree module taints kernel",
        meaning: "the module `$module` is not of the kernel's own tree, which the kernel notes",
        why: "it is loaded all the same (taint O)",
        help: &[],
        details: NONE,
        examples: &["[    1.0] m: loading out-of-tree module taints kernel."],
    },
    Failure {
        id: "verification-failed",
        weight: Harmless,
        needle: "module verification failed",
        pattern: r"(?P<module>\S+): module verification failed: signature and/or required key missing",
        meaning: "the module `$module` is not signed with a key the kernel trusts, which the kernel notes",
        why: "it is loaded all the same (taint E)",
        help: &[],
        details: NONE,
        examples: &[
            "[    1.0] m: module verification failed: signature and/or required key missing - tainting kernel",
        ],
    },
    Failure {
        id: "compiler-differs",
        weight: Doubtful,
        needle: "the compiler differs",
        pattern: r"the compiler differs from the one used to build the kernel",
        meaning: "the C compiler is not the one that built the kernel",
        why: "another version of the same compiler mostly works; gcc for a clang-built kernel does not",
        help: &[("for a clang-built kernel", "make LLVM=1")],
        details: NONE,
        examples: &["warning: the compiler differs from the one used to build the kernel"],
    },
];

/// The failures after which rustc does not find the names of the crate it could not load.
pub const WITHOUT_A_CRATE: &[&str] =
    &["E0460", "E0461", "E0463", "E0514", "E0786", "crate-cut-off"];

/// What rustc then says of each such name.
pub const NAME_NOT_FOUND: &str = r"error: cannot find (?:macro|attribute|derive macro) |error\[E0(?:404|405|412|425|432|433|531|599|635)\]: ";

/// Lines that only follow from a failure which stands in another line.
pub const CONSEQUENCES: &[&str] = &[
    r"make(\[\d+\])?: \*\*\* .*(Error \d+|Waiting for unfinished jobs)",
    r"error: aborting due to",
    r"error: internal compiler error: unexpected panic",
    r"error: could not compile",
    r"^Error! Bad return status for module build",
    r"^Error! Bad exit status",
    r"\*\*\*\s*$",
    r"\*\*\*\s+(Your|Minimum|Expected|libclang|Clang) version:",
    r"error: process didn't exit successfully",
    r"error: 1 warning emitted",
    r"warnings? emitted",
];

/// What makes a line an error that has to be passed on when it is not known.
pub const ERROR_LIKE: &str =
    r"(?:^|[\s\]:])(?:error(?:\[E\d+\])?:|ERROR:|FATAL:|fatal error:|Error!|\*\*\* )|panicked at";

/// Text that stands in every line that may match [`ERROR_LIKE`].
pub const ERROR_NEEDLES: &[&str] = &["error", "ERROR:", "FATAL:", "Error!", "*** ", "panicked at"];
