// SPDX-License-Identifier: MIT OR Apache-2.0

//! How a boot ended, and the lines of the kernel's log that say why.

use std::sync::LazyLock;

use regex::Regex;

use crate::report::Report;
use kernel_files::rustsym;

/// How many lines are shown of a log.
const SHOWN: usize = 16;

/// How a boot ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every step of a whole report worked.
    Good,
    /// A step did not.
    Failed(String),
    /// The kernel warned of itself while the modules were there, in this line.
    Warned(String),
    /// The kernel said that it is broken, in this line.
    Oops(String),
    /// It did not come to an end: what it was doing.
    Hung(String),
    /// It ended before its report did: what it was doing.
    CutOff(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Good => write!(out, "good"),
            Self::Failed(step) => write!(out, "failed: {step}"),
            Self::Warned(line) => write!(out, "the kernel warned: {line}"),
            Self::Oops(line) => write!(out, "the kernel crashed: {line}"),
            Self::Hung(step) => write!(out, "no end of: {step}"),
            Self::CutOff(step) => write!(out, "the machine stopped in the middle of: {step}"),
        }
    }
}

impl Verdict {
    /// Its name; it does not change between releases.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Failed(_) => "failed",
            Self::Warned(_) => "warning",
            Self::Oops(_) => "oops",
            Self::Hung(_) => "hung",
            Self::CutOff(_) => "cut-off",
        }
    }
}

/// What was seen of a machine.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The report of its init.
    pub report: &'a Report,
    /// What the kernel logged until the machine ended, or its time was over. What somebody typed
    /// and saw in a shell is not in it.
    pub log: &'a str,
    /// Whether its time was over.
    pub is_late: bool,
}

/// Judges it.
pub fn judge(evidence: &Evidence<'_>) -> Verdict {
    let Evidence {
        report,
        log,
        is_late,
    } = evidence;
    let broken = log.lines().find(|line| is_broken(line));
    let broken = broken.or_else(|| report.log().find(|line| is_broken(line)));
    let doing = match &report.begun {
        Some(step) => step.step.clone(),
        None if report.steps.is_empty() => "boot".into(),
        None => "power off".into(),
    };
    if let Some(line) = broken {
        Verdict::Oops(bare(line).to_owned())
    } else if let Some(step) = report.failed() {
        Verdict::Failed(step.to_string())
    } else if *is_late && !report.is_whole() {
        Verdict::Hung(doing)
    } else if !report.is_whole() {
        Verdict::CutOff(doing)
    } else if let Some(line) = report.log().find(|line| is_warning(line)) {
        Verdict::Warned(line.to_owned())
    } else {
        Verdict::Good
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the expressions here are constant, and each is tested")
}

/// Whether a kernel says in a line that it is broken. It does so at the line's beginning, where a
/// module that only uses the word has its name; and how often it has died is in brackets.
fn is_broken(line: &str) -> bool {
    static BROKEN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(?:rust_kernel: panicked at|kernel BUG at |(?:watchdog: )?BUG: |Kernel panic - not syncing|(?:Oops|(?:general|control) protection fault|divide error|invalid opcode|stack segment)\b.*: [0-9a-f]+ \[#\d+\])",
        )
    });
    BROKEN.is_match(bare(line).trim_start())
}

/// Whether a line is that of `WARN()` and its like.
fn is_warning(line: &str) -> bool {
    line.starts_with("WARNING: ")
}

/// A line of the console without its time, and what else stands before the text.
fn bare(line: &str) -> &str {
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?"));
    let line = line.trim_end_matches(['\r', '\n']);
    TIME.find(line)
        .map_or(line, |found| &line[found.end()..])
        .trim_end()
}

/// The lines of a log that say what broke and where: the first that says so and the trace behind
/// it, without registers and stack words.
pub fn telling(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().map(|line| bare(line).trim()).collect();
    let is_sign = |line: &&str| is_broken(line) || is_warning(line);
    let Some(first) = lines.iter().position(is_sign) else {
        return last_lines(log);
    };
    // What a warning says stands before the line that says it is one.
    let before = first.saturating_sub(4);
    let cut = lines[before..first]
        .iter()
        .rposition(|line| line.contains("[ cut here ]"));
    trace(&lines[cut.map_or(first, |cut| before + cut)..])
}

/// What a kernel logged in a step that has not ended, until it said that something is wrong: the init
/// marks on the console where the step begins.
pub fn logged_in(step: &str, log: &str) -> Vec<String> {
    let mark = format!("kmod-init: begin: {step}");
    let lines: Vec<_> = log.lines().map(bare).collect();
    let Some(at) = lines.iter().rposition(|line| *line == mark) else {
        return Vec::new();
    };
    let is_sign = |line: &str| is_broken(line) || is_warning(line) || line.contains("[ cut here ]");
    let own = lines[at + 1..].iter().take_while(|line| !is_sign(line));
    own.map(|line| readable(line)).collect()
}

/// The lines that say where a kernel was when it was asked: what the interrupt came into.
pub fn interrupted(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().map(|line| bare(line).trim()).collect();
    let in_kernel = |line: &&str| line.starts_with("RIP: 0010:");
    // Before it stand the functions of the interrupt itself.
    let last = lines.iter().rposition(in_kernel);
    last.map_or_else(Vec::new, |last| trace(&lines[last..]))
}

fn trace(lines: &[&str]) -> Vec<String> {
    // The trace is printed once more by the panic that follows.
    let end = lines.iter().position(|line| line.starts_with("---[ end"));
    let lines = &lines[..end.unwrap_or(lines.len())];
    // A kernel marks what it only guesses; one that cannot do more than guess marks nearly all.
    let certain = |line: &&&str| is_function(line) && !line.starts_with('?');
    let is_guess = lines.iter().filter(certain).count() < 3;
    let mut shown: Vec<String> = Vec::new();
    for line in lines {
        if line.starts_with('?') && !(is_guess && is_function(line)) || is_noise(line) {
            continue;
        }
        let line = readable(line);
        if !shown.contains(&line) {
            shown.push(line);
        }
        if shown.len() == SHOWN {
            break;
        }
    }
    shown
}

/// Whether a line is one of a trace: `function+0x12/0x34 [module]`.
fn is_function(line: &str) -> bool {
    static FUNCTION: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(?:\? )?[\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+"));
    FUNCTION.is_match(line)
}

/// The end of a log.
pub fn last_lines(log: &str) -> Vec<String> {
    let lines: Vec<_> = log
        .lines()
        .map(bare)
        .filter(|line| !line.is_empty())
        .collect();
    let from = lines.len().saturating_sub(SHOWN / 2);
    lines[from..].iter().map(|line| readable(line)).collect()
}

/// What a person does not read first.
fn is_noise(line: &str) -> bool {
    static NOISE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^$|^[CDEF]S: |^R(?:[A-D]X|[SD]I|[BS]P|0[89]|1[0-5]): |^RIP: 0033:|^(?:CR|DR)\d: |^(?:PKRU|Code|Modules linked in|Hardware name|Workqueue|CPU|Tainted|Kernel Offset): |^-+\[ cut here|^</?(?:TASK|NMI|IRQ)>$",
        )
    });
    NOISE.is_match(line)
}

/// A line with its Rust symbols in readable form.
fn readable(line: &str) -> String {
    static SYMBOL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b_R[0-9A-Za-z_]+"));
    let replaced = SYMBOL.replace_all(line, |found: &regex::Captures<'_>| {
        rustsym::demangle(&found[0]).unwrap_or_else(|| found[0].to_owned())
    });
    replaced.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report {
        let mut report = Report::default();
        for line in text.lines() {
            report.hear(line);
        }
        report
    }

    fn verdict(text: &str, log: &str, is_late: bool) -> Verdict {
        judge(&Evidence {
            report: &report(text),
            log,
            is_late,
        })
    }

    const WHOLE: &str = "ok 1 boot 6\n# begin: load m\nok 2 load m\n1..2\n";

    #[test]
    fn each_end_has_its_verdict() {
        assert_eq!(
            verdict(WHOLE, "[    0.1] all is well", false),
            Verdict::Good
        );
        let loading = "ok 1 boot 6\n# begin: load m\n";
        assert_eq!(verdict(loading, "", true), Verdict::Hung("load m".into()));
        assert_eq!(
            verdict(loading, "", false),
            Verdict::CutOff("load m".into())
        );
        assert_eq!(verdict("", "", true), Verdict::Hung("boot".into()));
        let oops = "[    1.0] BUG: kernel NULL pointer dereference, address: 0\n";
        let line = "BUG: kernel NULL pointer dereference, address: 0";
        assert_eq!(verdict(loading, oops, false), Verdict::Oops(line.into()));
        // Broken is broken, even if everything else went well, and late.
        assert_eq!(verdict(WHOLE, oops, true), Verdict::Oops(line.into()));
        let refused = "ok 1 boot 6\n# begin: load m\nnot ok 2 load m\n# No\n1..2\n";
        assert_eq!(
            verdict(refused, "", false),
            Verdict::Failed("load m: No".into())
        );
    }

    #[test]
    fn a_warning_counts_while_the_modules_are_there() {
        let warned = "ok 1 boot 6\n# begin: load m\n# kmsg: WARNING: CPU: 0 PID: 1 at m.c:1 f+1\n\
                      ok 2 load m\n1..2\n";
        assert!(matches!(verdict(warned, "", false), Verdict::Warned(_)));
        // Before them it is not theirs.
        let log = "[    0.1] WARNING: CPU: 0 PID: 1 at arch/x86/x.c:1 f+1\n";
        assert_eq!(verdict(WHOLE, log, false), Verdict::Good);
    }

    #[test]
    fn words_that_only_look_alike_are_no_oops() {
        for line in [
            "Command line: console=ttyS0 oops=panic panic=-1",
            "m: DEBUG: it works",
            "m: no BUGs: none",
            "[    1.0] m: BUG: none, and no Oops: either",
            "[    1.0][    T1] m: 3 < 4, kernel BUG at all? Kernel panic - not syncing",
            "m: looks for a general protection fault: 0000 [#1]",
            "Oops: the name of a file",
        ] {
            assert!(!is_broken(line), "{line}");
        }
        // As the kernels of all series say it.
        for line in [
            "[    1.0] BUG: scheduling while atomic: init/1/0x00000002",
            "<2>[    1.0][    T1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [init:1]",
            "Oops: 0002 [#1] PREEMPT SMP PTI",
            "[    1.0] Oops: Oops: 0002 [#1] SMP",
            "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1]",
            "general protection fault: 0000 [#1] SMP",
            "divide error: 0000 [#1] SMP",
            "general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP",
            "[    1.0] Kernel panic - not syncing: Fatal exception",
            "[    1.0] rust_kernel: panicked at m.rs:1:1:",
            "[    1.0] kernel BUG at rust/helpers.c:45!",
        ] {
            assert!(is_broken(line), "{line}");
        }
    }

    #[test]
    fn the_trace_is_shown_without_registers() {
        let log = "\
[    0.9] m: loading
[    1.0] rust_kernel: panicked at 'no', m.rs:3:5
[    1.0] ------------[ cut here ]------------
[    1.0] kernel BUG at rust/helpers.c:45!
[    1.0] CPU: 0 PID: 1 Comm: init Not tainted 6.1.0 #1
[    1.0] RIP: 0010:rust_helper_BUG+0x5/0x10
[    1.0] Code: 00 00
[    1.0] RSP: 0018:ffffc90000013d58 EFLAGS: 00000246
[    1.0] RAX: 000000000000002e RBX: ffffc90000013d68 RCX: 0000000000000000
[    1.0] R13: 000000000000002e R14: ffffc90000013d68 R15: 0000000000000000
[    1.0] FS:  0000000000000000(0000) GS:ffff888000000000(0000) knlGS:0000000000000000
[    1.0] CS:  0010 DS: 0000 ES: 0000 CR0: 0000000080050033
[    1.0] CR2: 00007f0000000000 CR3: 0000000001000000 CR4: 00000000000006b0
[    1.0] Call Trace:
[    1.0]  <TASK>
[    1.0]  ? die+0x2f/0x50
[    1.0]  _RNvNtCs1q4c3E1xXYZ_6kernel5print11call_printk+0x12/0x34
[    1.0]  init_module+0x1c/0x30 [m]
[    1.0]  do_one_initcall+0x1c/0x30
[    1.0]  </TASK>
[    1.0] ---[ end trace 0000000000000000 ]---
[    1.0] RIP: 0010:rust_helper_BUG+0x5/0x10
";
        assert_eq!(
            telling(log),
            [
                "rust_kernel: panicked at 'no', m.rs:3:5",
                "kernel BUG at rust/helpers.c:45!",
                "RIP: 0010:rust_helper_BUG+0x5/0x10",
                "Call Trace:",
                "kernel::print::call_printk+0x12/0x34",
                "init_module+0x1c/0x30 [m]",
                "do_one_initcall+0x1c/0x30",
            ]
        );
    }

    #[test]
    fn a_kernel_that_can_only_guess_has_its_guesses_shown() {
        let log = "BUG: kernel NULL pointer dereference\nCall Trace:\n a+0x1/0x2\n \
                   ? init_module+0x8d/0x1000 [m]\n ? 0xffffffffa0005000\n---[ end trace 0 ]---\n";
        let trace = ["a+0x1/0x2", "? init_module+0x8d/0x1000 [m]"];
        assert_eq!(telling(log)[2..], trace);
    }

    #[test]
    fn where_a_kernel_was_interrupted_is_shown_without_the_interrupt() {
        let log = "\
Uhhuh. NMI received for unknown reason 31 on CPU 0.
Kernel panic - not syncing: NMI: Not continuing
Call Trace:
 <NMI>
 panic+0x10d/0x277
 exc_nmi+0x9e/0x100
RIP: 0010:init_module+0x50/0x1000 [m]
RAX: 0000000000000082 RBX: ffffffffa0002000 RCX: ffffffff81a1fd38
 </NMI>
 <TASK>
 do_init_module+0x45/0x1f0
 do_syscall_64+0x42/0x90
 entry_SYSCALL_64_after_hwframe+0x4b/0xb5
RIP: 0033:0x7f8b68729b49
Kernel Offset: disabled
";
        let shown = interrupted(log);
        assert_eq!(shown[0], "RIP: 0010:init_module+0x50/0x1000 [m]");
        assert_eq!(shown[1], "do_init_module+0x45/0x1f0");
        assert_eq!(shown.len(), 4);
        assert!(interrupted("nothing\n").is_empty());
    }

    #[test]
    fn a_warning_has_its_words() {
        let log = "m: before\n------------[ cut here ]------------\nodd: 3\n\
                   WARNING: CPU: 0 PID: 1 at m.c:3 init_module+0x11/0x1000 [m]\n";
        let warning = "WARNING: CPU: 0 PID: 1 at m.c:3 init_module+0x11/0x1000 [m]";
        assert_eq!(telling(log), ["odd: 3", warning]);
    }

    #[test]
    fn a_step_that_has_not_ended_has_the_lines_behind_its_mark() {
        let log = "[    0.9] ACPI: a line of the boot\r\nkmod-init: begin: load a\r\n\
                   [    1.0] a: hello\r\nkmod-init: begin: load m\r\n[    1.1] m: one\r\n\
                   [    1.1][    T1] m: two\r\n[    1.2] ------------[ cut here ]------------\r\n\
                   [    1.2] kernel BUG at m.c:3!\r\n";
        assert_eq!(logged_in("load m", log), ["m: one", "m: two"]);
        assert!(logged_in("load b", log).is_empty());
    }

    #[test]
    fn a_log_without_a_sign_shows_its_end() {
        let log: String = (0..40).map(|n| format!("[    1.{n}] line {n}\n")).collect();
        let shown = telling(&log);
        assert_eq!(shown.len(), SHOWN / 2);
        assert_eq!(shown.last().map(String::as_str), Some("line 39"));
    }
}
