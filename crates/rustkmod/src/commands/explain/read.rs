// SPDX-License-Identifier: MIT OR Apache-2.0

//! The lines of a log: capped, without colours, and apart from what the logger put in front.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use super::language::in_english;

/// How much of one line is kept, in bytes. Kernels and compilers write none that long.
const CAP: usize = 8 << 10;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Its text, without colours and control characters, and with plain blanks and quotes.
    pub text: String,
    /// Where the message begins, behind time stamps and the logger's name.
    #[serde(skip)]
    message: usize,
    /// The message in English, where it was not.
    #[serde(skip)]
    english: Option<String>,
    /// Whether the kernel wrote it.
    #[serde(skip)]
    pub is_kernel: bool,
}

/// A place in a C file behind one blank.
static INDENTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ [^\s:]+\.[chS]:\d+:").expect("a constant pattern"));

impl Line {
    /// Cleans a raw line.
    pub fn new(number: u64, raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        // In front of a message it is a part of a name, which a file with Windows' line ends has.
        let text = text.replace("\r: ", "␍: ");
        let text: String = anstream::adapter::strip_str(&text)
            .to_string()
            .chars()
            .filter(|c| (!c.is_control() || *c == '\t') && *c != '\u{feff}')
            // Web pages have other blanks and quotes than programs, and so have some languages.
            .map(|c| match c {
                '\u{a0}' => ' ',
                '‘' | '’' | '‚' => '\'',
                '“' | '”' | '„' => '"',
                c => c,
            })
            .collect();
        // A line that was pasted as code of markdown's.
        let inner = text
            .trim()
            .strip_prefix('`')
            .and_then(|t| t.strip_suffix('`'));
        let text = match inner {
            Some(inner) if !inner.contains('`') => inner,
            _ => text.trim_end(),
        };
        let text = text.to_string();
        let (mut message, is_kernel) = prefix(&text);
        // One blank in front is an editor's or a form's; what belongs to a line before has more.
        if INDENTED.is_match(&text[message..]) {
            message += 1;
        }
        let english = match in_english(&text[message..]) {
            Cow::Owned(english) => Some(english),
            Cow::Borrowed(_) => None,
        };
        Self {
            number,
            text,
            message,
            english,
            is_kernel,
        }
    }

    /// Lets the message begin that many bytes later, all of which are blanks.
    fn skip(&mut self, bytes: usize) {
        self.message += bytes;
        if let Some(english) = &mut self.english {
            english.drain(..bytes);
        }
    }

    /// The line without the time stamp and the logger's name in front, in English as far as it is
    /// known.
    pub fn message(&self) -> &str {
        self.english
            .as_deref()
            .unwrap_or(&self.text[self.message..])
    }
}

/// What stands in front of a message, one thing at a time. Several can follow one another: a CI's
/// time stamp, a builder's name, the logger's, the kernel's own.
const PREFIXES: &[&str] = &[
    // Text that is quoted, tables of menuconfig and bat, and what bitbake puts in front.
    r"\s*(?:> )+|>$|\s*(?:\d+ +)?[│┃] ?|\| ",
    // dnf of what a package's script says, and BuildKit.
    r"(?:\[[\d:]+ [^\]]*\] => )?>>> ",
    // cargo of a warning that a build script asked it to print.
    r"\s*cargo:{1,2}warning=|warning: [\w.+-]+@\d[\w.+-]*: ",
    // Nix names the derivation.
    r"[\w.+-]{2,}> ",
    // syslog and journalctl.
    r"\s*(?:\p{L}{3,5}\.? [ \d]?\d \d\d:\d\d:\d\d(?:\.\d+)? |\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d) )\S+ (?P<program>[^\s:\[]+)(?:\[\d+\])?: |(?P<bare>kernel): ",
    // A CI or a builder: ISO times, times of the day, seconds, the job and its step.
    r"\[?\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\]? |\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]? |\[ *\d+s\] |#\d+ \d+\.\d+ |[^\t]+\t[^\t]+\t\d{4}-\d\d-\d\dT[\d:.]+Z ",
    // A test harness: who ran the program, and which of its outputs it is.
    r"[^\[\]]*\[std(?:out|err)\] ?",
    // OpenWrt's logread, and tables of a log viewer.
    r"\p{L}{2,3} \p{L}{3} [ \d]?\d [\d:]{8} \d{4} \w+\.\w+ (?P<openwrt>[^\s:\[]+)(?:\[\d+\])?: |\d[^\t]{4,}\t(?P<viewer>[\w.-]+)\t",
    // dmesg: level, time in one of its forms, task or processor, and for journalctl the host.
    r"(?P<dmesg>\s*(?:\w+ *: ?\w+ *: )?(?:<\d+>)?(?:\[ *\+?\d+[.,]\d+\]|\[\p{L}{2,5}\.? ?\d{1,2} \d\d:\d\d\]|\[\p{L}{2,3}\.? \p{L}{3,5}\.? [ \d]?\d [\d:]{8} \d{4}\])(?:\[ *[CT]\d+\])?(?: \S+ kernel:)?)(?: |$)",
];

/// How long the prefix of a line is, and whether it is one of the kernel's log.
fn prefix(text: &str) -> (usize, bool) {
    static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(&format!("^(?:{})", PREFIXES.join("|"))).expect("constant patterns")
    });
    /// More than this nobody puts in front.
    const DEPTH: usize = 5;
    let mut end = 0;
    let mut is_kernel = false;
    for _ in 0..DEPTH {
        let rest = &text[end..];
        // Most lines have none, and that is seen without the groups, which are slow.
        let is_there = PREFIX.is_match(rest);
        let Some(found) = is_there.then(|| PREFIX.captures(rest)).flatten() else {
            break;
        };
        // So does lld of who refers to a symbol.
        let behind = &rest[found[0].len()..];
        if found[0].starts_with(">>>")
            && ["referenced by ", "defined ", " "]
                .iter()
                .any(|word| behind.starts_with(word))
        {
            break;
        }
        end += found[0].len();
        let programs = ["program", "bare", "openwrt", "viewer"];
        is_kernel |= programs
            .into_iter()
            .any(|name| found.name(name).is_some_and(|p| p.as_str() == "kernel"));
        if found.name("dmesg").is_some() {
            return (end, true);
        }
    }
    (end, is_kernel)
}

/// Calls `each` with every line, and returns how many there are.
pub fn lines(log: impl Read, mut each: impl FnMut(Line)) -> io::Result<u64> {
    let mut log = io::BufReader::new(log);
    let mut raw = Vec::new();
    let mut number = 0;
    let mut indent = Indent::default();
    let mut broken: Option<Line> = None;
    loop {
        raw.clear();
        let read = (&mut log).take(CAP as u64).read_until(b'\n', &mut raw)?;
        if read == 0 {
            broken.into_iter().for_each(each);
            return Ok(number);
        }
        number += 1;
        if raw.last() == Some(&b'\n') {
            raw.pop();
        } else if read == CAP {
            log.skip_until(b'\n')?;
        }
        let mut line = Line::new(number, &raw);
        indent.take_out(&mut line);
        // make's German translation has this message in two lines.
        if let Some(first) = broken.take() {
            let whole = format!("{} {}", first.text, line.message().trim_start());
            line = Line::new(first.number, whole.as_bytes());
        }
        if line.text.contains("*** Keine Regel") && line.text.ends_with(',') {
            broken = Some(line);
        } else {
            each(line);
        }
    }
}

/// What stands in front of all lines of a log within another one, since the line that begins it.
#[derive(Debug, Default)]
struct Indent {
    width: usize,
}

impl Indent {
    fn take_out(&mut self, line: &mut Line) {
        let message = line.message();
        let blanks = |text: &str| text.len() - text.trim_start_matches(' ').len();
        if ["--- stderr", "--- stdout"].contains(&message.trim()) {
            // Of cargo, what a build script said.
            self.width = 2;
        } else if message == "DKMSBuildLog:" {
            // Of apport, a field of a report.
            self.width = 1;
        } else if self.width > 0 && blanks(message) >= self.width {
            line.skip(self.width);
        } else if !line.text.is_empty() && blanks(&line.text) < self.width {
            self.width = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &[u8]) -> Vec<Line> {
        let mut all = Vec::new();
        assert_eq!(lines(log, |line| all.push(line)).unwrap(), all.len() as u64);
        all
    }

    fn messages(log: &str) -> Vec<String> {
        let read = read(log.as_bytes());
        read.iter().map(|line| line.message().to_string()).collect()
    }

    #[test]
    fn lines_are_cut_at_the_cap_and_counted_once() {
        let mut log = b"first\n".to_vec();
        log.extend(vec![b'x'; 3 * CAP]);
        log.extend(b"\nlast");
        let read = read(&log);
        assert_eq!(read.len(), 3);
        assert_eq!(read[1].text.len(), CAP);
        assert_eq!((read[2].number, read[2].text.as_str()), (3, "last"));
    }

    #[test]
    fn lines_of_exactly_the_cap_are_one_line() {
        for length in [CAP - 1, CAP, CAP + 1] {
            let mut log = vec![b'x'; length];
            log.extend(b"\nlast\n");
            assert_eq!(read(&log).len(), 2, "{length}");
        }
    }

    #[test]
    fn prefixes_of_loggers_are_not_the_message() {
        for (text, message, is_kernel) in [
            ("[    1.5] m: loaded", "m: loaded", true),
            ("[  201.110042][ T1234] m: loaded", "m: loaded", true),
            ("<4>[    1.5] m: loaded", "m: loaded", true),
            ("[Sat Nov 28 14:00:01 2026] m: loaded", "m: loaded", true),
            ("Nov  2 14:00:01 host kernel: m: loaded", "m: loaded", true),
            (
                "2026-11-28T14:00:01.5+01:00 host kernel: [    1.5] m: loaded",
                "m: loaded",
                true,
            ),
            (
                "Nov 28 14:00:01 host modprobe[12]: ERROR: x",
                "ERROR: x",
                false,
            ),
            ("2026-11-28T14:00:01.1234567Z make: x", "make: x", false),
            ("[1.0] is not a time", "is not a time", true),
            ("[  CC ] m.o", "[  CC ] m.o", false),
            ("> [12.5] m: quoted", "m: quoted", true),
            ("kernel: m: loaded", "m: loaded", true),
            ("`make: x`", "make: x", false),
            ("`m' likely not", "`m' likely not", false),
            (" Nov 28 14:00:01 host kernel: m: loaded", "m: loaded", true),
            ("  [   12.5] m: loaded", "m: loaded", true),
            ("Dez  2 14:00:01 host kernel: m: loaded", "m: loaded", true),
            (
                "Sat Nov 28 14:00:01 2026 kern.err kernel: [   12.5] m: loaded",
                "m: loaded",
                true,
            ),
            ("kern  :err   : [Nov28 14:00] m: loaded", "m: loaded", true),
            ("[  +0,000123] m: loaded", "m: loaded", true),
            ("[   12.500000] host kernel: m: loaded", "m: loaded", true),
            ("28/11/26 2:00 p. m.\tkernel\tm: loaded", "m: loaded", true),
            ("linux-6.12.9>   CC      m.o", "  CC      m.o", false),
            ("       > make: x", "make: x", false),
            ("| make[1]: x", "make[1]: x", false),
            ("12:00:01 make: x", "make: x", false),
            (">>> Error! x", "Error! x", false),
            ("[04:45:21 l/a/raw] => >>> Error! x", "Error! x", false),
            (" m.c:1:1: error: x", "m.c:1:1: error: x", false),
            (
                "cargo:warning=m.c:1:1: error: x",
                "m.c:1:1: error: x",
                false,
            ),
            (
                "  cargo:warning=m.c:1:1: error: x",
                "m.c:1:1: error: x",
                false,
            ),
            (
                "warning: m@0.1.0: m.c:1:1: error: x",
                "m.c:1:1: error: x",
                false,
            ),
            ("[2026-11-28T14:00:01.123Z] make: x", "make: x", false),
            ("[  123s] make: x", "make: x", false),
            ("#12 3.456 make: x", "make: x", false),
            (
                "build\tRun make\t2026-11-28T14:00:01.1234567Z make: x",
                "make: x",
                false,
            ),
            (
                "2026-11-28 14:00:01,123 process    DEBUG| [stderr] make: x",
                "make: x",
                false,
            ),
            (
                "│ Symbol: RUST [=n]     │",
                "Symbol: RUST [=n]     │",
                false,
            ),
            ("  12   │   CC [M]  m.o", "  CC [M]  m.o", false),
            // What only looks like a prefix.
            (">>> referenced by m.c:1", ">>> referenced by m.c:1", false),
            ("   | ^^^ here", "   | ^^^ here", false),
            ("  --> m.rs:1:1", "  --> m.rs:1:1", false),
        ] {
            let line = Line::new(1, text.as_bytes());
            assert_eq!((line.message(), line.is_kernel), (message, is_kernel));
        }
    }

    #[test]
    fn the_indent_of_a_build_script_is_taken_out() {
        let log = "error: failed to run custom build command for `m v0.1.0`\n\n  --- stderr\n  /k/kconfig.h:5:10: fatal error: x\n      5 |\n\n  m.c:1:1: error: y\nmake: x\n  CC m.o\n";
        let messages = messages(log);
        assert_eq!(
            messages[3..6],
            ["/k/kconfig.h:5:10: fatal error: x", "    5 |", ""]
        );
        assert_eq!(messages[6..], ["m.c:1:1: error: y", "make: x", "  CC m.o"]);
    }

    #[test]
    fn the_indent_of_a_field_of_apport_is_taken_out() {
        let log = "DKMSBuildLog:\n DKMS make.log\n   CC [M]  m.o\n\n make: x\nDate: y\n z\n";
        let messages = messages(log);
        assert_eq!(
            messages[1..5],
            ["DKMS make.log", "  CC [M]  m.o", "", "make: x"]
        );
        assert_eq!(messages[5..], ["Date: y", " z"]);
    }

    #[test]
    fn a_message_that_german_breaks_in_two_is_one_line() {
        let log = "make: *** Keine Regel vorhanden, um das Ziel „x.o“, \n  benötigt von „x.ko“, zu erstellen.  Schluss.\nlast\nmake: *** Keine Regel vorhanden, um das Ziel „y“,";
        let mut all = Vec::new();
        assert_eq!(lines(log.as_bytes(), |line| all.push(line)).unwrap(), 4);
        assert_eq!(
            all[0].message(),
            "make: *** No rule to make target 'x.o', needed by 'x.ko'.  Stop."
        );
        assert_eq!((all[1].number, all[1].message()), (3, "last"));
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn what_a_web_page_or_windows_adds_is_taken_out() {
        let line = Line::new(1, "\u{feff}\u{a0} CC\u{a0}‘m.o’ “x”\r".as_bytes());
        assert_eq!(line.text, "  CC 'm.o' \"x\"");
    }

    #[test]
    fn bytes_that_are_not_text_and_colours_are_taken_out() {
        let line = Line::new(1, b"\x1b[1m\x1b[38;5;9merror\x1b[0m: \xff\x00\x07x\r");
        assert_eq!(line.text, "error: \u{fffd}x");
    }
}
