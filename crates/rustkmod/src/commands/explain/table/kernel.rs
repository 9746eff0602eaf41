// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rows about what the kernel says when something in it breaks.

use super::super::help::{here, run, say};
use super::{CHECK, DOUBTFUL, FAILURE, REBUILD, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "rust-panic",
        class: "kernel-report",
        pattern: r"rust_kernel: panicked at .*?(?P<place>[^\s']\S*:\d+:\d+)",
        meaning: "the Rust code panicked at {place}",
        notes: &[
            "in the kernel a panic is a BUG(): it ends the task that is running, and with oops=panic the machine",
        ],
        help: &[say(
            "return an Error there: no unwrap(), no index that may be out of bounds, no overflow",
        )],
        examples: &[
            "[    1.0] rust_kernel: panicked at 'explicit panic', /tmp/m/m.rs:20:9",
            "[    1.0] rust_kernel: panicked at /tmp/m/m.rs:20:9:",
        ],
        ..FAILURE
    },
    Row {
        id: "rust-bug",
        class: "kernel-report",
        pattern: r"kernel BUG at (?:\./)?(?P<place>rust/helpers(?:/bug)?\.c:\d+)!",
        meaning: "Rust code panicked: {place} is how a panic ends",
        notes: &["its message, rust_kernel: panicked at …, is in the lines before"],
        help: &[here("look for it", "sudo dmesg | grep -A2 'panicked at'")],
        under: &["rust-panic"],
        examples: &["[  149.4] kernel BUG at rust/helpers.c:14!"],
        ..FAILURE
    },
    Row {
        id: "missing-endbr",
        class: "kernel-report",
        pattern: r"Missing ENDBR: (?P<function>[^\s+]+)",
        meaning: "the processor stopped the kernel where it called {function} by a pointer",
        notes: &[
            "the kernel has indirect branch tracking on (CONFIG_X86_KERNEL_IBT), so has the processor, and that function does not begin with endbr64. Linux 6.1 as it comes builds no Rust with it; later series, and linux-rust's 6.1, do",
        ],
        help: &[
            CHECK,
            REBUILD,
            say("for a kernel whose own Rust is without it, boot with ibt=off on its command line"),
        ],
        examples: &[
            "[    9.0] traps: Missing ENDBR: init_module+0x0/0xf0 [rust_out_of_tree]",
            "[    9.0] Missing ENDBR: init_module+0x0/0xf0 [rust_out_of_tree]",
        ],
        ..FAILURE
    },
    Row {
        id: "cfi",
        class: "kernel-report",
        pattern: r"CFI failure at (?P<place>\S+)(?: \[(?P<module>[\w-]+)\])? \((?:target: (?P<target>[^;]+); expected type: (?P<type>\w+)|no target information)",
        meaning: "the kernel stopped a call by a pointer whose type does not fit the function (kCFI), at {place}",
        notes: &[
            "it called {target}",
            "C and Rust hash the types of functions alike only with -Zsanitizer-cfi-normalize-integers on both sides: a module that was built without the kernel's options has other hashes",
        ],
        help: &[
            REBUILD,
            say("where it is built right: a function is called with another type than it has"),
        ],
        examples: &[
            "[    1.0] CFI failure at do_one_initcall+0x1/0x2 (target: init_module+0x0/0x1 [m]; expected type: 0x36b1c5a6)",
            "[    1.0] CFI failure at f+0x1/0x2 (no target information)",
        ],
        ..FAILURE
    },
    Row {
        id: "kasan",
        class: "kernel-report",
        pattern: r"BUG: KASAN: (?P<what>[\w-]+) in (?P<function>[^\s+]+)",
        values: &[r"(?P<access>(?:Read|Write) of size \d+)"],
        meaning: "{function} used memory that it must not: {what} (found by KASAN)",
        notes: &[
            "the report's call traces say who used it, who allocated it and who freed it; Rust code gets there by unsafe alone, or by C that it calls",
        ],
        help: &[say(
            "look at the unsafe blocks of the first function in the trace that is yours",
        )],
        examples: &["[    1.0] BUG: KASAN: slab-use-after-free in m_read+0x12/0x20 [m]"],
        ..FAILURE
    },
    Row {
        id: "kfence",
        class: "kernel-report",
        pattern: r"BUG: KFENCE: (?P<what>.+?) in (?P<function>[^\s+]+)",
        meaning: "{function} used memory that it must not: {what} (found by KFENCE)",
        notes: &["the report's call traces say who used it, who allocated it and who freed it"],
        help: &[say(
            "look at the unsafe blocks of the first function in the trace that is yours",
        )],
        examples: &["[    1.0] BUG: KFENCE: use-after-free read in m_read+0x12/0x20 [m]"],
        ..FAILURE
    },
    Row {
        id: "kcsan",
        class: "kernel-report",
        pattern: r"BUG: KCSAN: (?P<what>[\w-]+) in (?P<functions>.+)",
        meaning: "two tasks use the same memory at once without a lock (found by KCSAN): {functions}",
        help: &[say("put it behind a Mutex or SpinLock, or make it atomic")],
        examples: &["[    1.0] BUG: KCSAN: data-race in m_read / m_write"],
        ..FAILURE
    },
    Row {
        id: "ubsan",
        class: "kernel-report",
        pattern: r"UBSAN: (?P<what>[\w-]+) in (?P<place>\S+)",
        meaning: "C code does what C leaves undefined, at {place}: {what}",
        help: &[say(
            "correct that line; the kernel goes on unless UBSAN_TRAP or panic_on_warn is set",
        )],
        examples: &["[    1.0] UBSAN: array-index-out-of-bounds in m.c:12:3"],
        ..FAILURE
    },
    Row {
        id: "deadlock",
        class: "kernel-report",
        pattern: r"WARNING: possible (?P<what>recursive locking|circular locking dependency|irq lock inversion dependency) detected|WARNING: (?P<irq>inconsistent lock state)|(?P<state>[\w-]+-safe) -> [\w-]+ lock order detected",
        meaning: "locks are taken in an order that can deadlock (found by lockdep): {what}{irq}{state}",
        notes: &[
            "the report shows which locks, and where each was taken first. Lockdep switches itself off after it: what comes later is not checked",
        ],
        help: &[say(
            "take the locks in one order everywhere; never one again that is held; one that an interrupt takes only by lock_irq or with interrupts off",
        )],
        examples: &[
            "[    1.0] WARNING: possible circular locking dependency detected",
            "[    1.0] WARNING: inconsistent lock state",
        ],
        ..FAILURE
    },
    Row {
        id: "sleeping",
        class: "kernel-report",
        pattern: r"BUG: (?P<what>sleeping function called from invalid context at (?P<place>\S+)|scheduling while atomic|Invalid wait context)|\[ BUG: (?P<wait>Invalid wait context) \]",
        meaning: "code that may sleep ran where nothing may: {what}{wait}",
        notes: &[
            "under a spinlock, in an interrupt or in an RCU read section nothing may take a Mutex or allocate with GFP_KERNEL",
        ],
        help: &[say(
            "allocate with GFP_ATOMIC there, or before the lock is taken",
        )],
        examples: &[
            "[    1.0] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:1",
            "[    1.0] BUG: scheduling while atomic: sh/1/0x2",
        ],
        ..FAILURE
    },
    Row {
        id: "null-pointer",
        class: "kernel-report",
        pattern: r"BUG: (?:kernel NULL pointer dereference, address: (?P<null>\S+)|unable to handle (?:page fault for address: |kernel .* at )(?P<address>\S+))|^Unable to handle kernel .* at virtual address (?P<virtual>\S+)",
        meaning: "the kernel used an address that is nothing: {null}{address}{virtual}",
        notes: &[
            "RIP: in the report (pc on arm64, epc on RISC-V) is the function that did, the Call Trace who called it",
        ],
        help: &[say("look at the first function in the trace that is yours")],
        examples: &[
            "[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000008",
            "[    1.0] Unable to handle kernel paging request at virtual address ffff800000000008",
        ],
        ..FAILURE
    },
    Row {
        id: "stuck",
        class: "kernel-report",
        pattern: r"watchdog: BUG: soft lockup - CPU#\d+ stuck for (?P<soft>\S+)|INFO: task (?P<task>\S+):\d+ blocked for more than (?P<blocked>\d+) seconds|rcu: INFO: rcu_\w+ (?:self-)?detected (?P<rcu>stalls?)|NMI watchdog: Watchdog detected hard LOCKUP",
        meaning: "something in the kernel does not come to an end",
        notes: &[
            "the task {task} waits for more than {blocked} seconds",
            "the Call Trace below it says where",
        ],
        help: &[say(
            "look at the first function in the trace that is yours: a loop without an end, or a lock that nobody gives back",
        )],
        examples: &[
            "[   99.0] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [insmod:1]",
            "[  120.0] INFO: task insmod:88 blocked for more than 120 seconds.",
        ],
        ..FAILURE
    },
    Row {
        id: "oops",
        class: "kernel-oops",
        pattern: r"^(?:Oops: |general protection fault|kernel BUG at (?P<place>\S+?)!|invalid opcode: |divide error: |stack segment: |Internal error: |double fault: )(?P<what>.*)",
        meaning: "the kernel broke off a task after a fault of its own (an oops)",
        notes: &[
            "it was at {place}",
            "RIP: in the report is the function that did it, the Call Trace who called it",
        ],
        help: &[run(
            "for a module of Rust, boot it in a VM and see the report with names",
            "rustkmod boot {file} {for_kernel}",
        )],
        under: &["kernel-report", "oops"],
        examples: &[
            "[    1.0] Oops: 0002 [#1] PREEMPT SMP NOPTI",
            "[    1.0] kernel BUG at lib/rust.c:12!",
            "[    1.0] general protection fault, probably for non-canonical address 0xdead: 0000 [#1]",
        ],
        ..FAILURE
    },
    Row {
        id: "kernel-panic",
        class: "kernel-panic",
        pattern: r"^Kernel panic - not syncing: (?P<why>.+)",
        meaning: "the kernel stopped: {why}",
        notes: &[
            "VFS: Unable to mount root fs means that the initramfs lacks the module of the disk or the filesystem, or root= is wrong",
        ],
        under: &["kernel-report", "kernel-oops"],
        examples: &[
            "[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
        ],
        ..FAILURE
    },
    Row {
        id: "kernel-warning",
        class: "kernel-warning",
        pattern: r"^WARNING: (?:CPU: \d+ PID: \d+ at )?(?P<place>\S+:\d+) (?:at )?(?P<function>\S+)",
        meaning: "the kernel met something that should not be, at {place}, and goes on",
        notes: &["it was in {function}"],
        under: &["kernel-report"],
        examples: &["[    1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:12 f+0x1/0x2 [m]"],
        ..DOUBTFUL
    },
    Row {
        id: "sysfs-twice",
        class: "kernel-report",
        pattern: r"sysfs: cannot create duplicate filename '(?P<name>[^']+)'",
        meaning: "something was registered twice in the kernel: {name}",
        notes: &["the second time fails with -EEXIST; the Call Trace says who did it"],
        examples: &["[    1.0] sysfs: cannot create duplicate filename '/class/misc/m'"],
        ..DOUBTFUL
    },
    Row {
        id: "alive-at-unload",
        class: "kernel-report",
        pattern: r"^(?:module:? )?(?P<module>[\w-]+): memory allocation\(s\) from the module still alive",
        meaning: "the module `{module}` left memory behind when it was unloaded",
        help: &[say(
            "free it in Drop: mem::forget, into_raw and into_foreign have to be undone",
        )],
        examples: &[
            "[    1.0] m: memory allocation(s) from the module still alive, cannot unload cleanly",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "where",
        class: "kernel-where",
        pattern: r"^(?:RIP: 0010:|pc : |epc : )(?P<function>\S+)",
        meaning: "the processor was in {function}",
        under: &[
            "kernel-report",
            "kernel-oops",
            "kernel-panic",
            "kernel-warning",
            "where",
        ],
        examples: &[
            "[    1.7] RIP: 0010:init_module+0x10/0x40 [hello]",
            "[    1.7] pc : init_module+0x10/0x40 [hello]",
        ],
        ..DOUBTFUL
    },
];
