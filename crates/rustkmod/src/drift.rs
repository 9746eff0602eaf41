// SPDX-License-Identifier: MIT OR Apache-2.0

//! How the kernel crate's interface changed between series, and what rustc says of a module that
//! was written for another one.
//!
//! To add a change, add a row. Only what a module of your own is likely to use is here. `explain` reads
//! it for what a module says that was written for another series, and `new` for what to write.

use std::sync::LazyLock;

use regex::Regex;

use crate::report::Finding;

/// The name of the findings.
pub const DRIFT: &str = "api-drift";

/// A change of what the `kernel` crate offers to modules.
#[derive(Debug)]
pub struct Change {
    /// The name of the finding.
    pub id: &'static str,
    /// The first series with the new form.
    pub since: (u32, u32),
    /// What is written before that series; empty where there was nothing.
    pub before: &'static str,
    /// What is written from that series on.
    pub after: &'static str,
    /// What rustc says where the old form meets a newer kernel.
    old: &'static [&'static str],
    /// What rustc says where the new form meets an older kernel.
    new: &'static [&'static str],
}

/// Whether a series has the new form of a change. Panics if no row has this `id`.
pub fn has(id: &str, series: (u32, u32)) -> bool {
    let change = CHANGES.iter().find(|change| change.id == id);
    series >= change.expect("a row of the table").since
}

/// A method of the kernel's vectors, boxes and reference counts that is not there.
macro_rules! no_method {
    ($method:literal) => {
        concat!(
            r"E0599\]: no (?:method|function or associated item|associated function or constant|associated function|associated item)[^`]* `",
            $method,
            "`"
        )
    };
}

/// A name that is not there, imported or used: one of `A|B|C`.
macro_rules! no_name {
    ($names:literal) => {
        concat!(
            r"(?:cannot find (?:type|struct|trait|macro|function|value|attribute|derive macro|module or crate|crate)[^`]* `(?:",
            $names,
            r")`|(?:unresolved|undeclared|undeclared type|use of undeclared type)[^`]* (?:`[^`]*`, )*`(?:[a-zA-Z_:]*::)?(?:",
            $names,
            r")`|(?:no|could not find) `(?:",
            $names,
            r")` in `)"
        )
    };
}

/// A module of the kernel crate that is not there: one of `a|b|c`. A module of your own may have that name.
macro_rules! no_part {
    ($names:literal) => {
        concat!(
            r"unresolved imports? (?:`[^`]*`, )*`kernel::(?:",
            $names,
            r")\b|could not find `(?:",
            $names,
            r")` in `kernel`"
        )
    };
}

/// The changes, oldest first.
pub const CHANGES: &[Change] = &[
    Change {
        id: "module-strings",
        since: (6, 2),
        before: "name: b\"…\" (byte strings)",
        after: "name: \"…\" (plain strings)",
        old: &[
            r"(?:proc macro panicked|module!)(?:.|\n)*[Ee]xpected string",
            r"expected string literal(?:.|\n)*\bb\x22",
        ],
        new: &[r"Expected byte string"],
    },
    Change {
        id: "cstr",
        since: (6, 2),
        before: "",
        after: "kernel::str::CStr",
        old: &[],
        new: &[no_name!("CStr|c_str")],
    },
    Change {
        id: "error-codes",
        since: (6, 2),
        before: "ENOMEM, and no other error code",
        after: "EINVAL and all others of the kernel's error codes",
        old: &[],
        new: &[r"cannot find value `E[A-Z][A-Z0-9]+` in"],
    },
    Change {
        id: "print-levels",
        since: (6, 2),
        before: "",
        after: "pr_err!, pr_warn!, pr_debug! and all other levels",
        old: &[],
        new: &[no_name!("pr_(?:alert|crit|err|warn|notice|debug|cont)")],
    },
    Change {
        id: "cstring",
        since: (6, 2),
        before: "",
        after: "kernel::str::CString and fmt!",
        old: &[],
        new: &[no_name!("CString|fmt")],
    },
    Change {
        id: "types",
        since: (6, 2),
        before: "",
        after: "kernel::types",
        old: &[],
        new: &[no_part!("types")],
    },
    Change {
        id: "vtable",
        since: (6, 2),
        before: "",
        after: "#[vtable]",
        old: &[],
        new: &[no_name!("vtable")],
    },
    Change {
        id: "sync",
        since: (6, 3),
        before: "",
        after: "kernel::sync: Arc since 6.3, Mutex and SpinLock since 6.4",
        old: &[],
        new: &[no_part!("sync")],
    },
    Change {
        id: "ioctl",
        since: (6, 4),
        before: "",
        after: "kernel::ioctl and kernel::uapi",
        old: &[],
        new: &[no_part!("ioctl|uapi"), no_name!("_IOC?|_IO[RW]|_IOWR")],
    },
    Change {
        id: "pin-init-macros",
        since: (6, 4),
        before: "",
        after: "#[pin_data], pin_init!, new_mutex!, new_spinlock!",
        old: &[],
        new: &[no_name!(
            "pin|pin_data|pinned_drop|pin_init|try_pin_init|PinInit|new_mutex|new_spinlock"
        )],
    },
    Change {
        id: "push",
        since: (6, 10),
        before: "v.try_push(x)?",
        after: "v.push(x, GFP_KERNEL)?",
        old: &[no_method!("try_push")],
        new: &[
            r"E0061\]: this (?:method|function) takes 1 argument but 2 arguments were supplied(?:.|\n)*\.push\(",
        ],
    },
    Change {
        id: "extend-from-slice",
        since: (6, 10),
        before: "v.try_extend_from_slice(s)?",
        after: "v.extend_from_slice(s, GFP_KERNEL)?",
        old: &[no_method!("try_extend_from_slice")],
        new: &[],
    },
    Change {
        id: "with-capacity",
        since: (6, 10),
        before: "Vec::try_with_capacity(n)?",
        after: "Vec::with_capacity(n, GFP_KERNEL)?",
        old: &[no_method!("try_with_capacity")],
        new: &[
            r"E0061\]: this function takes 1 argument but 2 arguments were supplied(?:.|\n)*with_capacity\(",
        ],
    },
    Change {
        id: "try-new",
        since: (6, 10),
        before: "Box::try_new(x)?, Arc::try_new(x)?",
        after: "Box::new(x, GFP_KERNEL)?, Arc::new(x, GFP_KERNEL)?",
        old: &[no_method!("try_new")],
        new: &[
            r"E0061\]: this function takes 1 argument but 2 arguments were supplied(?:.|\n)*(?:Box|Arc)::new\(",
        ],
    },
    Change {
        id: "gfp-flags",
        since: (6, 10),
        before: "calls without allocation flags, such as v.try_push(x)",
        after: "GFP_KERNEL and other allocation flags",
        old: &[
            r"E0061\]: this (?:method|function) takes 2 arguments but 1 argument was supplied(?:.|\n)*(?:Flags|flags)",
        ],
        new: &[no_name!("GFP_KERNEL|GFP_ATOMIC")],
    },
    Change {
        id: "c-literals",
        since: (6, 10),
        before: "c_str!(\"…\") (before 6.2: bytes that end in \\0)",
        after: "c\"…\", which no rustc before 1.77 knows",
        old: &[],
        new: &[
            r"prefix `c` is unknown",
            r"expected one of [^\n]*, found `\x22(?:.|\n)*\bc\x22",
        ],
    },
    Change {
        id: "uaccess",
        since: (6, 11),
        before: "",
        after: "kernel::uaccess::UserSlice",
        old: &[],
        new: &[no_name!("uaccess|UserSlice")],
    },
    Change {
        id: "device",
        since: (6, 11),
        before: "",
        after: "kernel::device::Device",
        old: &[],
        new: &[no_part!("device")],
    },
    Change {
        id: "kvec",
        since: (6, 13),
        before: "Vec<T>",
        after: "KVec<T> (or VVec, KVVec; late releases of 6.12 have them, too)",
        old: &[
            no_name!("Vec"),
            r"unresolved import `alloc(?:::vec)?`",
            r"E0433\][^`]*`Vec`",
            r"cannot find macro `vec`",
            r"E0107\]: (?:struct|missing generics)(?:.|\n)*\bVec\b",
            r"E0283\]: type annotations needed for `(?:kernel::alloc::)?(?:kvec::)?Vec<",
        ],
        new: &[no_name!("KVec|VVec|KVVec|kvec")],
    },
    Change {
        id: "kbox",
        since: (6, 13),
        before: "Box<T>",
        after: "KBox<T> (or VBox, KVBox)",
        old: &[
            no_name!("Box"),
            r"unresolved import `alloc::boxed",
            r"E0107\]: (?:struct|missing generics)(?:.|\n)*\bBox\b",
            r"E0283\]: type annotations needed for `(?:kernel::alloc::)?(?:kbox::)?Box<",
        ],
        new: &[no_name!("KBox|VBox|KVBox")],
    },
    Change {
        id: "miscdevice",
        since: (6, 13),
        before: "",
        after: "kernel::miscdevice::MiscDevice",
        old: &[],
        new: &[no_name!("miscdevice|MiscDevice|MiscDeviceRegistration")],
    },
    Change {
        id: "files",
        since: (6, 13),
        before: "",
        after: "kernel::fs::File",
        old: &[],
        new: &[no_part!("fs"), no_name!("LocalFile")],
    },
    Change {
        id: "module-in-place",
        since: (6, 13),
        before: "",
        after: "kernel::InPlaceModule; dev_info! and its like",
        old: &[],
        new: &[no_name!(
            "InPlaceModule|dev_(?:emerg|alert|crit|err|warn|notice|info|dbg)"
        )],
    },
    Change {
        id: "drivers",
        since: (6, 14),
        before: "",
        after: "kernel::pci, kernel::platform and kernel::driver",
        old: &[],
        new: &[no_name!(
            "pci|platform|module_pci_driver|module_platform_driver"
        )],
    },
    Change {
        id: "authors",
        since: (6, 15),
        before: "author: \"…\"",
        after: "authors: [\"…\"]",
        old: &[
            r"[Uu]nknown key .?author\b(?:.|\n)*authors",
            r"`author`(?:.|\n)*authors",
        ],
        new: &[r"[Uu]nknown key .?authors\b"],
    },
    Change {
        id: "pin-init-crate",
        since: (6, 15),
        before: "kernel::init::{PinInit, Init, pin_init, try_pin_init}",
        after: "pin_init::{PinInit, Init, pin_init} (all in kernel::prelude)",
        old: &[
            r"unresolved imports? `kernel::init::(?:PinInit|Init|pin_init|Zeroable|zeroed)",
            r"unresolved imports? `kernel::(?:pin_init|try_pin_init|init::)",
        ],
        new: &[
            no_name!("pin_init::zeroed"),
            r"unresolved imports? `pin_init",
        ],
    },
    Change {
        id: "instant",
        since: (6, 16),
        before: "kernel::time::Ktime",
        after: "kernel::time::Instant",
        old: &[no_name!("Ktime")],
        new: &[no_name!("Instant")],
    },
    Change {
        id: "aref",
        since: (6, 18),
        before: "kernel::types::{ARef, AlwaysRefCounted}",
        after: "kernel::sync::aref::{ARef, AlwaysRefCounted}",
        old: &[r"unresolved imports? `kernel::types::(?:ARef|AlwaysRefCounted)`"],
        new: &[r"unresolved imports? `kernel::sync::aref\b"],
    },
    Change {
        id: "iov",
        since: (6, 18),
        before: "",
        after: "kernel::iov and kernel::fs::Kiocb",
        old: &[],
        new: &[no_part!("iov"), no_name!("IovIterDest|IovIterSource|Kiocb")],
    },
    Change {
        id: "params",
        since: (6, 19),
        before: "",
        after: "params: { … } in module!",
        old: &[],
        new: &[r"[Uu]nknown key .?params\b"],
    },
];

/// What the stable releases of a series got after its first one: either form may be in it.
const BACKPORTED: &[(&str, (u32, u32))] = &[("kvec", (6, 12)), ("kbox", (6, 12))];

/// The parts of the crate that an option switches on.
const OPTIONS: &[(&str, &str)] = &[
    ("auxiliary", "AUXILIARY_BUS"),
    ("block", "BLOCK"),
    ("configfs", "CONFIGFS_FS"),
    ("cpufreq", "CPU_FREQ"),
    ("drm", "DRM"),
    ("firmware", "RUST_FW_LOADER_ABSTRACTIONS"),
    ("i2c", "I2C"),
    ("net", "NET"),
    ("opp", "PM_OPP"),
    ("pci", "PCI"),
    ("phy", "RUST_PHYLIB_ABSTRACTIONS"),
    ("pwm", "RUST_PWM_ABSTRACTIONS"),
    ("serdev", "RUST_SERIAL_DEV_BUS_ABSTRACTIONS"),
    ("usb", "USB"),
];

/// What the `rust` branch had before anything was merged, and mainline never had: its name is the
/// group, or all of the match.
const NEVER: &[(&str, &str)] = &[
    (r"kernel::miscdev\b", "kernel::miscdevice, since 6.13"),
    (r"kernel::chrdev\b", "kernel::miscdevice, since 6.13"),
    (
        r"kernel::(?:io_buffer|user_ptr)\b",
        "kernel::uaccess, since 6.11",
    ),
    (
        r"kernel::file_operations\b",
        "kernel::miscdevice::MiscDevice, since 6.13",
    ),
    (
        r"kernel::(?:sysctl|random|power|hwrng|gpio|amba|net::(?:filter|SkBuff|Namespace|Tcp\w+))\b",
        "nothing that takes its place",
    ),
    (
        r"kernel::PointerWrapper\b",
        "kernel::types::ForeignOwnable, since 6.3",
    ),
    (r"\bKernelModule\b", "kernel::Module"),
    // The kernel's copy of alloc never had strings that grow.
    (
        r"cannot find type `(String)`|no method named `(try_to_owned)` found for reference `&'static str`",
        "kernel::str::CString, since 6.2, and vectors of bytes",
    ),
    (
        r"kernel::Result\b",
        "kernel::error::Result, which kernel::prelude has, too",
    ),
    (r"kernel::file\b", "kernel::fs::File, since 6.13"),
    (r"kernel::linked_list\b", "kernel::list, since 6.12"),
    (r"kernel::sync::smutex\b", "kernel::sync::Mutex, since 6.4"),
];

fn any(patterns: &[&'static str], text: &str) -> bool {
    patterns.iter().any(|pattern| {
        static ALL: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
            CHANGES
                .iter()
                .flat_map(|change| change.old.iter().chain(change.new))
                .map(|pattern| (*pattern, Regex::new(pattern).expect("a constant pattern")))
                .collect()
        });
        ALL.iter()
            .any(|(other, regex)| other == pattern && regex.is_match(text))
    })
}

/// The changes that an error of rustc may be about, and whether the module has the old form.
fn found(text: &str, series: Option<(u32, u32)>) -> Vec<(&'static Change, bool)> {
    let mut all = Vec::new();
    for change in CHANGES {
        // The old form cannot be what an old kernel refuses, nor the new one a new kernel.
        let may = |is_old: bool| {
            series.is_none_or(|series| {
                (series >= change.since) == is_old || BACKPORTED.contains(&(change.id, series))
            })
        };
        if may(true) && any(change.old, text) {
            all.push((change, true));
        } else if may(false) && any(change.new, text) {
            all.push((change, false));
        }
    }
    all
}

fn never(text: &str) -> Option<(String, &'static str)> {
    static ALL: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let rows = NEVER.iter();
        rows.map(|(pattern, now)| (Regex::new(pattern).expect("a constant pattern"), *now))
            .collect()
    });
    let first = text.lines().next()?;
    ALL.iter().find_map(|(pattern, now)| {
        let found = pattern.captures(first)?;
        let item = found.iter().flatten().last()?;
        Some((item.as_str().to_string(), *now))
    })
}

/// A part of the crate that an error of rustc misses because this kernel's configuration leaves it out.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut<'a> {
    path: &'a str,
    /// The options that it depends on.
    pub options: Vec<&'a str>,
    /// Whether they have to be on: none stands in a `not(…)`.
    pub wants_on: bool,
}

/// The part of the crate that an error of rustc misses, and the options that it depends on.
pub fn left_out(text: &str) -> Option<LeftOut<'_>> {
    static GATED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"found an item that was configured out\n *--> (?:\S*/)?rust/kernel/")
            .expect("a constant pattern")
    });
    static SHOWN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bCONFIG_(\w+)").expect("a constant pattern"));
    static ITEM: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"unresolved imports? `kernel::(?P<path>[\w:]+)`|could not find `(?P<name>\w+)` in `",
        )
        .expect("a constant pattern")
    });
    let note = &text[GATED.find(text)?.end()..];
    let item = ITEM.captures(text)?;
    let path = item.name("path").or(item.name("name"))?.as_str();
    // rustc shows the lines with the options where it can read the crate's source.
    let mut options: Vec<_> = SHOWN
        .captures_iter(note)
        .map(|found| found.extract::<1>().1[0])
        .collect();
    options.sort_unstable();
    options.dedup();
    if options.is_empty() {
        let known = |part: &str| OPTIONS.iter().find(|(name, _)| *name == part);
        options.extend(
            path.split("::")
                .filter_map(known)
                .last()
                .map(|known| known.1),
        );
    }
    (!options.is_empty()).then_some(LeftOut {
        path,
        options,
        wants_on: !note.contains("not("),
    })
}

/// What is wrong, and why, where no row knows the part of the crate that an error is about.
fn of_no_row(text: &str) -> Option<(String, String)> {
    static ITEM: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:unresolved imports? `|no `[^`]+` in `|could not find `[^`]+` in `)(kernel(?:::[^`]+)?)`")
            .expect("a constant pattern")
    });
    static METHOD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"E0050\]: method `(\w+)` has (\d+) parameters? but the declaration in trait `[^`]*` has (\d+)")
            .expect("a constant pattern")
    });
    static KEY: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[Uu]nknown key .?(\w+)").expect("a constant pattern"));

    if let Some(found) = ITEM.captures(text) {
        return Some((
            format!(
                "the module uses something of `{}` that this kernel's `kernel` crate does not have",
                &found[1]
            ),
            "the crate changes with every series: the module was written for another one, or the \
             kernel was configured without it"
                .into(),
        ));
    }
    if let Some(found) = METHOD.captures(text) {
        let (_, [method, has, wants]) = found.extract();
        if method == "init" {
            return Some((
                "the module's `init` was written for another kernel tree".into(),
                format!(
                    "it takes {has}, and this kernel's `Module::init` takes {wants}: mainline has \
                     fn init(module: &'static ThisModule), and trees before it had a name in front"
                ),
            ));
        }
        // Of a trait of the module's own it is an error of its own.
        return text.contains("kernel::").then(|| {
            (
                format!("the module's `{method}` was written for another kernel series"),
                format!("it takes {has}, and the trait of this kernel's crate wants {wants}"),
            )
        });
    }
    KEY.captures(text).map(|found| {
        (
            format!(
                "this kernel's `module!` does not know the key `{}`",
                &found[1]
            ),
            "the message lists the keys that it knows".into(),
        )
    })
}

/// What such an error means for a kernel of that series; nothing where that series is not the reason.
pub fn finding(text: &str, series: Option<(u32, u32)>, looked_at: String) -> Option<Finding> {
    let shown = |(major, minor): (u32, u32)| format!("{major}.{minor}");
    let this = series.map(|series| format!("this kernel is {}", shown(series)));
    if let Some(LeftOut {
        path,
        options,
        wants_on,
    }) = left_out(text)
    {
        let message = format!("this kernel was configured without `kernel::{path}`");
        let note = match options[..] {
            [option] if wants_on => format!("the crate has it where CONFIG_{option}=y"),
            [option] => format!("the crate has it only where CONFIG_{option} is off"),
            _ => format!(
                "whether the crate has it depends on CONFIG_{}",
                options.join(" and CONFIG_")
            ),
        };
        return Some(Finding::error(DRIFT, looked_at, message).note(note));
    }
    if let Some((item, now)) = never(text) {
        let message = format!("no kernel series has `{item}`");
        let note = "it was in the branch of Rust for Linux from before 6.1, and was never merged in this form";
        let finding = Finding::error(DRIFT, looked_at, message).note(note);
        return Some(finding.advise(format!("mainline has {now}")));
    }
    let changes = found(text, series);
    // The one that leaves the fewest series: an old form bounds them from above, a new one from below.
    let old = changes.iter().find(|(_, is_old)| *is_old);
    let Some((first, is_old)) = old.or(changes.last()) else {
        let (message, note) = of_no_row(text)?;
        let mut finding = Finding::error(DRIFT, looked_at, message).note(note);
        finding.notes.extend(this);
        let samples = "look at samples/rust/ of this kernel's sources for how the series writes it";
        return Some(finding.advise(samples));
    };
    let since = shown(first.since);
    let message = match (*is_old, first.before) {
        (true, before) => {
            format!("the module was written for a kernel before {since}: it has {before}")
        }
        (false, _) => format!(
            "the module was written for {since} or later: it has {}",
            first.after
        ),
    };
    let mut finding = Finding::error(DRIFT, looked_at, message);
    for (change, _) in &changes {
        let since = shown(change.since);
        finding = finding.note(match change.before {
            "" => format!(
                "since {since}: {}; before that there was nothing in its place",
                change.after
            ),
            before => format!("before {since}: {before}\nsince {since}:  {}", change.after),
        });
    }
    finding.notes.extend(this);
    for (change, is_old) in &changes {
        finding = match (*is_old, change.before) {
            (true, _) => finding.advise(format!("write {}", change.after)),
            (false, "") => finding.advise(format!(
                "do without it, or build for a kernel of {} or later",
                shown(change.since)
            )),
            (false, before) => finding.advise(format!("for this kernel write {before}")),
        };
    }
    Some(finding)
}

#[cfg(test)]
mod tests;
