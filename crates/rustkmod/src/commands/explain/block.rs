// SPDX-License-Identifier: MIT OR Apache-2.0

//! The blocks of a log: what a program said at once, in one line or in many.

use std::sync::LazyLock;

use regex::Regex;

use super::read::Line;

/// How many lines of one block are kept.
const CAP: usize = 48;
/// How many lines of another program may stand inside a banner.
const STRAY: usize = 12;

/// What kind of text a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lines between two that are `***` alone, as scripts/rust_is_available.sh writes them.
    Banner,
    /// An error or a warning of rustc, clap, or another program that writes `error: `, with the
    /// indented lines below it.
    Diagnostic,
    /// An error of a C compiler at a place in a file, with the lines it quotes.
    Compiler,
    /// A panic of a Rust program.
    Panic,
    /// A line in which make gives up. Inner ones of several makes have the higher level.
    Make(u32),
    /// Any other line, with the indented ones below it.
    Text,
}

/// What a program said at once.
#[derive(Debug, Clone)]
pub struct Block {
    /// What kind of text it is.
    pub kind: Kind,
    /// Its lines. There is at least one.
    pub lines: Vec<Line>,
    /// Whether a banner still lacks the line that ends it.
    is_open: bool,
}

impl Block {
    fn new(kind: Kind, line: Line) -> Self {
        Self {
            kind,
            lines: vec![line],
            is_open: true,
        }
    }

    /// The line that names what it is about: of a banner, the first with words.
    pub fn head(&self) -> &Line {
        let with_words = self.lines.iter().find(|line| line.message() != "***");
        with_words.unwrap_or(self.first())
    }

    /// Its lines, without the frame of a banner.
    pub fn body(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.message() != "***")
    }

    /// Its first line.
    pub fn first(&self) -> &Line {
        &self.lines[0]
    }

    /// The messages of its lines.
    pub fn text(&self) -> String {
        let messages: Vec<_> = self.lines.iter().map(Line::message).collect();
        messages.join("\n")
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() < CAP {
            self.lines.push(line);
        }
    }

    /// Whether a line belongs to this block, too.
    fn takes(&self, line: &Line) -> bool {
        let message = line.message();
        let is_new = starts(message) != Kind::Text;
        match self.kind {
            Kind::Make(_) => false,
            Kind::Banner => {
                if !self.is_open {
                    return false;
                }
                let is_output = self
                    .lines
                    .iter()
                    .any(|line| line.text.ends_with("details:"));
                let stray = self.lines.iter().filter(|line| !is_starred(&line.text));
                is_starred(message)
                    || (stray.count() < STRAY
                        && (is_output || !is_new)
                        && !matches!(starts(message), Kind::Make(_))
                        && !is_frame(message))
            }
            Kind::Panic => {
                !is_new
                    && !message.is_empty()
                    && !is_frame(message)
                    && !self
                        .lines
                        .iter()
                        .any(|line| line.text.starts_with("note: "))
            }
            Kind::Diagnostic | Kind::Compiler => {
                !line.is_kernel && (is_part_of_diagnostic(message) && !is_progress(message))
            }
            // DKMS goes on in lines that are not indented.
            Kind::Text if self.first().message().starts_with("Error! ") => {
                !is_new
                    && !message.is_empty()
                    && !is_error(message)
                    && !is_frame(message)
                    && self.lines.len() < 5
                    && !self
                        .lines
                        .iter()
                        .any(|line| line.message().starts_with("File: "))
            }
            // Python names the exception last, and does not indent it.
            Kind::Text if self.first().message() == "Traceback (most recent call last):" => {
                let is_open = self.lines.last().is_none_or(|last| {
                    last.message().starts_with(' ') || last.number == self.first().number
                });
                is_open && !message.is_empty() && !is_new
            }
            // menuconfig's search tells of an option up to the next empty line.
            Kind::Text if is_searched(self.first().message()) => !message.is_empty() && !is_new,
            Kind::Text => {
                let is_indented = message.starts_with(' ') || message.starts_with('\t');
                // So does lld of who refers to a symbol.
                let is_reference = message.starts_with(">>> ");
                (is_indented || is_reference)
                    && !line.is_kernel
                    && !is_progress(message)
                    && !is_progress(self.first().message())
                    && !is_error(message)
            }
        }
    }
}

/// `***`, alone or in front of text.
fn is_starred(message: &str) -> bool {
    message == "***" || message.starts_with("*** ")
}

/// The line of menuconfig's search that names an option.
fn is_searched(message: &str) -> bool {
    message.trim_start().starts_with("Symbol: ")
}

/// A line that tells of another program's failure, and ends what came before.
fn is_frame(message: &str) -> bool {
    ["==> ", "Error! ", "make"]
        .iter()
        .any(|start| message.starts_with(start))
}

/// One of kbuild's lines that say what is being made, such as `  CC [M]  m.o`.
pub fn is_progress(message: &str) -> bool {
    static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^ {2}[A-Z][A-Z0-9_]*(?: (?:\[[A-Z]+\]|[A-Z]{1,2}))? +\S")
            .expect("a constant pattern")
    });
    PROGRESS.is_match(message)
}

/// A line of the time before anything of the kernel itself is compiled.
pub fn is_of_configuration(message: &str) -> bool {
    static CONFIGURATION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^ {2}(?:HOSTCC|HOSTLD|SYNC|WRAP|UPD|SYSHDR|LEX|YACC) |^# configuration written to ",
        )
        .expect("a constant pattern")
    });
    CONFIGURATION.is_match(message)
}

/// Whether a line tells of a failure, known or not.
pub fn is_error(message: &str) -> bool {
    static ERROR: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^\s*(?:\S+: )?(?:error|ERROR|FATAL|fatal|Error)(?:\[E\d+\])?[:!](?: |$)|: (?:fatal )?error: |^\S+\.rs:\d+:\d+: \d+:\d+ error: |: (?:[Cc]ommand )?not found$|\bpanicked at |undefined reference to |^(?:\S*make\S*|/bin/sh|sh|bash)\b.*: (?:No such file or directory|Permission denied)$|^Traceback \(|No space left on device|: syntax error|^Segmentation fault|^Killed$|^npm (?:ERR!|error) code |\[FAILED\]$|^PANIC: ",
        )
        .expect("a constant pattern")
    });
    // The loader and make say so of what they go on without.
    ERROR.is_match(message) && !message.ends_with("ignored.")
}

/// A line below the first one of a diagnostic: quoted source, places, notes.
fn is_part_of_diagnostic(message: &str) -> bool {
    let below = message.trim_start();
    let quoted = below.trim_start_matches(|c: char| c.is_ascii_digit());
    // Portage writes its own lines with a star.
    (message.len() > below.len() && !below.is_empty() && !message.starts_with(" * "))
        || ["note: ", "help: ", "..."]
            .iter()
            .any(|start| message.starts_with(start))
        || (quoted.len() < below.len() && quoted.trim_start().starts_with('|'))
}

/// What kind of block a line begins.
pub fn starts(message: &str) -> Kind {
    static MAKE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\S*make(?:\[(?P<level>\d+)\])? ?: \*(?:\*\*)? |^\S+:\d+: \*\*\* ")
            .expect("a constant pattern")
    });
    static DIAGNOSTIC: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:error|warning)(?:\[E\d+\])?: ").expect("a constant pattern")
    });
    static COMPILER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[^\s:][^:]*:\d+(?::\d+)?: (?:fatal )?(?:error|warning):")
            .expect("a constant pattern")
    });
    if is_starred(message) {
        Kind::Banner
    } else if MAKE.is_match(message) {
        let found = MAKE.captures(message);
        let level = found.and_then(|found| found.name("level")?.as_str().parse().ok());
        Kind::Make(level.unwrap_or(0))
    } else if DIAGNOSTIC.is_match(message) {
        Kind::Diagnostic
    } else if COMPILER.is_match(message) {
        Kind::Compiler
    } else if message.starts_with("thread '") && message.contains("panicked at") {
        Kind::Panic
    } else {
        Kind::Text
    }
}

/// Puts lines together into blocks.
#[derive(Debug, Default)]
pub struct Parser {
    open: Option<Block>,
}

impl Parser {
    /// Takes the next line; returns the block that it ends.
    pub fn line(&mut self, line: Line) -> Option<Block> {
        match &mut self.open {
            Some(block) if block.takes(&line) => {
                // Of two banners in a row, the one's last line stands before the other's first.
                let ends = block.kind == Kind::Banner
                    && line.message() == "***"
                    && block.lines.len() > 1
                    && !block
                        .lines
                        .last()
                        .is_some_and(|last| last.text.ends_with("details:"));
                block.push(line);
                block.is_open = !ends;
                None
            }
            _ => {
                let next = Block::new(starts(line.message()), line);
                self.open.replace(next)
            }
        }
    }

    /// The last block.
    pub fn end(self) -> Option<Block> {
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(log: &str) -> Vec<(Kind, u64, usize)> {
        let mut parser = Parser::default();
        let mut found: Vec<Block> = log
            .lines()
            .zip(1..)
            .filter_map(|(text, number)| parser.line(Line::new(number, text.as_bytes())))
            .collect();
        found.extend(parser.end());
        found
            .iter()
            .map(|block| (block.kind, block.first().number, block.lines.len()))
            .collect()
    }

    #[test]
    fn banners_end_where_the_next_begins() {
        let log = "***\n*** A is too new.\n***   Your version: 1\n***\n***\n*** B is too new.\n***\nmake: *** [x] Error 1\n";
        assert_eq!(
            blocks(log),
            [
                (Kind::Banner, 1, 4),
                (Kind::Banner, 5, 3),
                (Kind::Make(0), 8, 1)
            ]
        );
    }

    #[test]
    fn banners_hold_the_output_that_they_announce() {
        let log = "***\n*** Running 'x' failed. See output and docs below for details:\n***\nthread 'main' panicked at 'x', a.rs:1:1\nnote: run with\n***\n***\n*** Please see\n***\n";
        assert_eq!(blocks(log), [(Kind::Banner, 1, 6), (Kind::Banner, 7, 3)]);
    }

    #[test]
    fn banners_hold_a_line_that_came_between() {
        let log = "***\n*** versions differ.\n***   libclang version: 11.0.0\n11.0.0\n***   Clang version:    11.0.0\n***\nRust is available!\n";
        assert_eq!(blocks(log), [(Kind::Banner, 1, 6), (Kind::Text, 7, 1)]);
    }

    #[test]
    fn diagnostics_have_their_notes_and_not_their_neighbours() {
        let log = "error[E0432]: unresolved import `x`\n  --> m.rs:1:5\n   |\n12 | use x;\n   |     ^\n   |\n   = note: a\nhelp: b\n\nerror: aborting\n  RUSTC L rust/core.o\n";
        let kinds = blocks(log);
        assert_eq!(kinds[0], (Kind::Diagnostic, 1, 8));
        assert_eq!(kinds[2], (Kind::Diagnostic, 10, 1));
    }

    #[test]
    fn tracebacks_end_with_their_exception() {
        let log = "Traceback (most recent call last):\n  File \"x.py\", line 1, in y\n    z()\nOSError: w\nnext\n";
        assert_eq!(blocks(log), [(Kind::Text, 1, 4), (Kind::Text, 5, 1)]);
    }

    #[test]
    fn lines_of_the_kernel_are_blocks_of_their_own() {
        let log = "[    1.0] m: a\n[    1.1]  b\n[    1.2]  c\n";
        assert_eq!(blocks(log).len(), 3);
    }

    #[test]
    fn make_says_its_level_in_every_language() {
        assert_eq!(
            starts("make[3]: *** [a/Makefile:1: b.o] Fehler 1"),
            Kind::Make(3)
        );
        // French has a blank before the colon, and web pages take stars for their own.
        assert_eq!(starts("make[2] : *** [x] Erreur 2"), Kind::Make(2));
        assert_eq!(starts("make[1]: * [x] Error 2"), Kind::Make(1));
        assert_eq!(blocks("m.c:3:1: erreur : x")[0].0, Kind::Compiler);
        assert_eq!(blocks("m.c:3:1: 错误：x")[0].0, Kind::Compiler);
        assert_eq!(starts("gmake: *** [x] Error 2"), Kind::Make(0));
        assert_eq!(starts("Makefile:7: *** no.  Stop."), Kind::Make(0));
        assert_eq!(starts("make[1]: Entering directory '/x'"), Kind::Text);
    }
}
