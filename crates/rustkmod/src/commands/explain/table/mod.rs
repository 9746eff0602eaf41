// SPDX-License-Identifier: MIT OR Apache-2.0

//! The failures that are known: how each looks in a log, what it means, what fixes it.
//!
//! To add one, add a row with an example; the tests run it. A row explains what its block proves
//! and nothing more. Of two rows that match a block, the first counts.

mod around;
mod build;
mod kernel;
mod load;
mod tools;

use super::help::{Remedy, run, say};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The build or the load fails by it.
    Failure,
    /// It may do harm, or be the reason of a failure that follows.
    Doubtful,
    /// It looks alarming and does no harm.
    Harmless,
}

/// A failure that is known.
#[derive(Debug)]
pub struct Row {
    /// Its name; it does not change between releases.
    pub id: &'static str,
    /// What it is about, for `under`.
    pub class: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// What the text of a block has to match; `^` and `$` are those of its lines. Its named groups
    /// are values for the texts. Where another form of the line has a value too, its group is called
    /// as the value is, with `__` and a word behind it: `symbol__new` holds `symbol`.
    pub pattern: &'static str,
    /// More values, where the block has them.
    pub values: &'static [&'static str],
    /// What is wrong, in one line.
    pub meaning: &'static str,
    /// Why. A note that names a value which is not known is left out.
    pub notes: &'static [&'static str],
    /// What fixes it.
    pub help: &'static [Remedy],
    /// The rows, by id or class, from which this only follows.
    pub under: &'static [&'static str],
    /// Whether all that the same rustc says afterwards follows from it.
    pub breaks_rustc: bool,
    /// Blocks that show it. The tests run them.
    pub examples: &'static [&'static str],
}

/// A failure without anything.
const FAILURE: Row = Row {
    id: "",
    class: "",
    weight: Weight::Failure,
    pattern: "",
    values: &[],
    meaning: "",
    notes: &[],
    help: &[],
    under: &[],
    breaks_rustc: false,
    examples: &[],
};
const DOUBTFUL: Row = Row {
    weight: Weight::Doubtful,
    ..FAILURE
};
const HARMLESS: Row = Row {
    weight: Weight::Harmless,
    ..FAILURE
};

/// All rows, from the tools to the load.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        tools::ROWS,
        build::ROWS,
        around::ROWS,
        load::ROWS,
        kernel::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// What a shell or make says of a program that is not there, whose name the group has.
macro_rules! not_found {
    ($group:literal, $program:literal) => {
        concat!(
            r"(?:make\S*|sh|bash)(?:: line)?:? ?\d*: (?P<",
            $group,
            ">",
            $program,
            r"): (?:(?:[Cc]ommand )?not found|No such file or directory)$"
        )
    };
}
use not_found;

/// Functions that a compiler calls by itself: for its options, for arithmetic, for big stack frames.
macro_rules! of_compiler {
    () => {
        r"__stack_chk_\w+|__x86_(?:indirect|return)_\w+|__fentry__|_?mcount|__cfi_\w+|__(?:ubsan|asan|hwasan|kcsan|tsan|msan|gcov|sanitizer|cyg_profile)_\w+|__(?:u?div|u?mod|mul|add|sub|fix|float|trunc|extend)[sdtx][fi]\w*|__popcount[sd]i2|__muloti4|_Unwind_\w+|__rust_(?:probestack|[iu]128_\w+)"
    };
}
use of_compiler;

/// Functions of C's math library. A module may have one of its own by such a name.
macro_rules! of_libm {
    () => {
        r"(?:a?(?:sin|cos|tan)h?|atan2|exp2?|log(?:2|10)?|pow|sqrt|cbrt|fma|fmod|fmin|fmax|floor|ceil|round|trunc|rint)f?"
    };
}
use of_libm;

const DOCTOR: Remedy = run(
    "see what is wrong with the headers and the toolchain",
    "rustkmod doctor {for_kdir}",
);
const NEEDED: Remedy = run(
    "see which rustc this kernel needs, and where one is",
    "rustkmod toolchain {for_kdir}",
);
const RIGHT_RUSTC: Remedy = run(
    "build with the rustc that made the kernel's crates",
    "make -C {kdir} M={dir} RUSTC=\"$(rustkmod toolchain --path {for_kdir})\" clean modules",
);
const REBUILD: Remedy = run(
    "build the module again, for the kernel that is to load it",
    "make -C {kdir} M={dir} clean modules",
);
const CHECK: Remedy = run(
    "compare the module with the kernel, field by field",
    "rustkmod check {file} {for_kernel}",
);
const LIBM: &str = "{math} is a function of C's math library, which kernels do without: code with floating point calls it, in Rust and in C";
const COMPILER_CALLS: &str = "they come from options of the compiler that this kernel was built without, from functions with much on the stack (probestack), or from arithmetic that kernels do without, such as floating point";
const COMPILER_CALLS_HELP: Remedy = say(
    "where it is floating point or the stack: do without it, also in the crates that are linked in",
);
const LIBCLANG_ARCH: Remedy = run("on Arch", "sudo pacman -S clang");
const LIBCLANG_DEBIAN: Remedy = run("on Debian and Ubuntu", "sudo apt install libclang-dev");
const LIBCLANG_FEDORA: Remedy = run("on Fedora", "sudo dnf install clang-devel");
const LIBCLANG_PATH: Remedy = say(
    "or, where one is installed that bindgen does not find, name its directory: export LIBCLANG_PATH=DIRECTORY",
);
const SOURCES_OF_HEADERS: Remedy = say(
    "installing the same package again does not help: whoever builds the kernel has to install rust/*.rmeta and rust/*.so with its headers. Arch's linux-headers and Fedora's kernel-devel have them, Ubuntu's are in linux-lib-rust-RELEASE, Debian's headers have none",
);
