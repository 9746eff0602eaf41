// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod explain`: what the failures in a build or kernel log mean, and what mends them.
//!
//! A log is read in blocks of a megabyte. One automaton looks for the needles of all failures at
//! once; only the lines it finds are looked at by regular expressions. Memory does not grow with
//! the log.

pub mod command;
pub mod table;

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use regex::Regex;
use serde::Serialize;

use crate::report::{Finding, Status};
use kernel_files::rustsym;
use table::{
    CONSEQUENCES, ERROR_LIKE, ERROR_NEEDLES, FAILURES, NAME_NOT_FOUND, WITHOUT_A_CRATE, Weight,
};

/// How much of the log is looked at at once.
const BLOCK: usize = 1 << 20;
/// How much of one line is looked at; kernels and compilers write none that long.
const LINE: usize = 16 << 10;
/// How far behind a failure its details stand.
const DETAIL_LINES: u64 = 20;
/// How many different failures are kept of each weight, and how many unknown lines.
const KEPT: usize = 100;

/// What a log says.
#[derive(Debug, Default, Serialize)]
pub struct Explanation {
    /// The failures that are known, in their order.
    pub known: Vec<Known>,
    /// How many more lines show failures that are known, and are of so many kinds that they were
    /// not kept.
    pub left_out: u64,
    /// Errors that are not known here: the first of them, passed on as they are.
    pub unknown: Vec<Line>,
    /// How many lines look like errors and are not known.
    pub unknown_count: u64,
    /// How many errors only say that a name of a crate that could not be loaded is not found.
    pub follow_count: u64,
    /// How many lines the log has.
    pub lines: u64,
    /// Whether the rustc whose output this is could not load a crate.
    #[serde(skip)]
    lacks_crate: bool,
}

/// A known failure, in a log.
#[derive(Debug, Serialize)]
pub struct Known {
    /// What it means.
    #[serde(flatten)]
    pub finding: Finding,
    /// The first line that shows it.
    pub line: Line,
    /// How many lines show it.
    pub count: u64,
    #[serde(skip)]
    failure: usize,
    #[serde(skip)]
    last_line: u64,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Its text, without colours.
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needle {
    Failure(usize),
    Detail(usize, usize),
    Error,
}

struct Patterns {
    automaton: AhoCorasick,
    needles: Vec<Vec<Needle>>,
    failures: Vec<Regex>,
    details: Vec<Vec<Regex>>,
    consequences: Vec<Regex>,
    error_like: Regex,
    name_not_found: Regex,
}

impl Patterns {
    #[expect(
        clippy::expect_used,
        reason = "the table is constant, and a test compiles it"
    )]
    fn get() -> &'static Self {
        static PATTERNS: OnceLock<Patterns> = OnceLock::new();
        PATTERNS.get_or_init(|| Self::compile().expect("the table of failures is well-formed"))
    }

    fn compile() -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let mut by_text: HashMap<&str, Vec<Needle>> = HashMap::new();
        for (index, failure) in FAILURES.iter().enumerate() {
            by_text
                .entry(failure.needle)
                .or_default()
                .push(Needle::Failure(index));
            for (detail, row) in failure.details.iter().enumerate() {
                by_text
                    .entry(row.needle)
                    .or_default()
                    .push(Needle::Detail(index, detail));
            }
        }
        for needle in ERROR_NEEDLES {
            by_text.entry(needle).or_default().push(Needle::Error);
        }
        let mut texts: Vec<_> = by_text.into_iter().collect();
        texts.sort_unstable_by_key(|(text, _)| *text);
        let compile = |pattern: &str| Regex::new(pattern);
        Ok(Self {
            automaton: AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(texts.iter().map(|(text, _)| text))?,
            needles: texts.into_iter().map(|(_, needles)| needles).collect(),
            failures: FAILURES
                .iter()
                .map(|failure| compile(failure.pattern))
                .collect::<std::result::Result<_, _>>()?,
            details: FAILURES
                .iter()
                .map(|failure| {
                    failure
                        .details
                        .iter()
                        .map(|row| compile(row.pattern))
                        .collect()
                })
                .collect::<std::result::Result<_, _>>()?,
            consequences: CONSEQUENCES
                .iter()
                .map(|pattern| compile(pattern))
                .collect::<std::result::Result<_, _>>()?,
            error_like: compile(ERROR_LIKE)?,
            name_not_found: compile(NAME_NOT_FOUND)?,
        })
    }
}

/// Reads a log to its end and explains it.
pub fn explain(mut log: impl Read) -> io::Result<Explanation> {
    let patterns = Patterns::get();
    let mut found = Explanation::default();
    let mut block = vec![0; BLOCK];
    let mut filled = 0;
    let mut skipping = false;
    loop {
        let read = match log.read(&mut block[filled..]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        filled += read;
        let end = match block[..filled].iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if read == 0 || filled == block.len() => filled,
            None => continue,
        };
        if end > 0 {
            let mut start = 0;
            if skipping {
                // The rest of a line longer than a block: its beginning was looked at.
                start = block[..end]
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(end, |n| n + 1);
                skipping = start == end && block[end - 1] != b'\n';
                found.lines += u64::from(!skipping);
            }
            scan(patterns, &block[start..end], &mut found);
            let is_cut = block[end - 1] != b'\n';
            found.lines += u64::from(is_cut && !skipping);
            if is_cut && read != 0 && !skipping {
                skipping = true;
                found.lines -= 1;
            }
            block.copy_within(end..filled, 0);
            filled -= end;
        }
        if read == 0 {
            break;
        }
    }
    Ok(found)
}

/// Looks at whole lines.
fn scan(patterns: &Patterns, block: &[u8], found: &mut Explanation) {
    let mut at = 0;
    let mut counted_to = 0;
    let newlines = |range: &[u8]| range.iter().filter(|byte| **byte == b'\n').count() as u64;
    while let Some(hit) = patterns.automaton.find(Input::new(block).range(at..)) {
        let start = block[..hit.start()]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |n| n + 1);
        let length = block[hit.end()..].iter().position(|b| *b == b'\n');
        let end = length.map_or(block.len(), |length| hit.end() + length);
        found.lines += newlines(&block[counted_to..start]);
        counted_to = start;
        line(patterns, &block[start..end.min(start + LINE)], found);
        at = end;
    }
    found.lines += newlines(&block[counted_to..]);
}

/// Looks at one line in which some needle stands.
fn line(patterns: &Patterns, raw: &[u8], found: &mut Explanation) {
    let number = found.lines + 1;
    let mut needles: Vec<Needle> = Vec::new();
    for hit in patterns.automaton.find_overlapping_iter(raw) {
        for needle in &patterns.needles[hit.pattern().as_usize()] {
            if !needles.contains(needle) {
                needles.push(*needle);
            }
        }
    }
    let text = plain(raw);
    let mut is_known = false;
    let mut failures: Vec<usize> = needles
        .iter()
        .filter_map(|needle| match needle {
            Needle::Failure(index) => Some(*index),
            _ => None,
        })
        .collect();
    failures.sort_unstable();
    for index in failures {
        if let Some(captures) = patterns.failures[index].captures(&text) {
            known(index, &captures, &text, number, found);
            found.lacks_crate |= WITHOUT_A_CRATE.contains(&FAILURES[index].id);
            is_known = true;
            break;
        }
    }
    for needle in &needles {
        let Needle::Detail(index, detail) = *needle else {
            continue;
        };
        let Some(captures) = patterns.details[index][detail].captures(&text) else {
            continue;
        };
        let recent = found
            .known
            .iter_mut()
            .rev()
            .find(|known| known.failure == index && number <= known.last_line + DETAIL_LINES);
        if let Some(known) = recent {
            let note = expand(FAILURES[index].details[detail].note, &captures);
            if !known.finding.notes.contains(&note) && known.finding.notes.len() < 8 {
                known.finding.notes.push(note);
            }
            is_known = true;
        }
    }
    // The end of one rustc's output.
    if text.contains("error: aborting due to") || text.contains("*** [") {
        found.lacks_crate = false;
    }
    if !is_known && found.lacks_crate && patterns.name_not_found.is_match(&text) {
        found.follow_count += 1;
        return;
    }
    if !is_known
        && needles.contains(&Needle::Error)
        && patterns.error_like.is_match(&text)
        && !patterns
            .consequences
            .iter()
            .any(|consequence| consequence.is_match(&text))
    {
        found.unknown_count += 1;
        if found.unknown.len() < KEPT {
            found.unknown.push(Line {
                number,
                text: text.trim().to_string(),
            });
        }
    }
}

fn known(
    index: usize,
    captures: &regex::Captures<'_>,
    text: &str,
    number: u64,
    found: &mut Explanation,
) {
    let failure = &FAILURES[index];
    let meaning = expand(failure.meaning, captures);
    let same = |known: &&mut Known| known.failure == index && known.finding.message == meaning;
    if let Some(known) = found.known.iter_mut().find(same) {
        known.count += 1;
        known.last_line = number;
        return;
    }
    // Of each weight by itself: what is harmless must not crowd out what is not.
    let alike = |known: &&Known| FAILURES[known.failure].weight == failure.weight;
    if found.known.iter().filter(alike).count() >= KEPT {
        found.left_out += 1;
        return;
    }
    let mut finding = match failure.weight {
        Weight::Failure => Finding::error(failure.id, format!("line {number}"), meaning),
        Weight::Doubtful => Finding::warning(failure.id, format!("line {number}"), meaning),
        Weight::Harmless => Finding::ok(failure.id, format!("line {number}"), meaning),
    };
    finding = finding.note(expand(failure.why, captures));
    if let Some(symbol) = captures.name("symbol")
        && let Some(readable) = rustsym::demangle(symbol.as_str())
    {
        finding = finding.note(format!("in Rust: {readable}"));
    }
    for (text, command) in failure.help {
        let (text, command) = (expand(text, captures), expand(command, captures));
        finding = match command.is_empty() {
            true => finding.advise(text),
            false => finding.run(text, command),
        };
    }
    found.known.push(Known {
        finding,
        line: Line {
            number,
            text: text.trim().to_string(),
        },
        count: 1,
        failure: index,
        last_line: number,
    });
}

fn expand(template: &str, captures: &regex::Captures<'_>) -> String {
    let mut text = String::new();
    captures.expand(template, &mut text);
    text
}

/// A line without colours and other control characters.
fn plain(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let text = anstream::adapter::strip_str(&text).to_string();
    text.chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .collect()
}

impl Explanation {
    /// Whether something in the log is a failure, known or not.
    pub fn has_failure(&self) -> bool {
        self.unknown_count > 0
            || self
                .known
                .iter()
                .any(|known| known.finding.status == Status::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(log: &str) -> Explanation {
        explain(log.as_bytes()).unwrap()
    }

    #[test]
    fn the_table_compiles() {
        Patterns::compile().unwrap();
    }

    #[test]
    fn every_row_knows_its_own_examples() {
        for failure in FAILURES {
            assert!(
                !failure.examples.is_empty(),
                "{} has no example",
                failure.id
            );
            for example in failure.examples {
                let found = of(&format!("before\n{example}\nafter\n"));
                let ids: Vec<_> = found
                    .known
                    .iter()
                    .map(|known| known.finding.check)
                    .collect();
                assert_eq!(ids, [failure.id], "{example}");
                assert_eq!(found.known[0].line.number, 2);
                assert_eq!(found.unknown, [], "{example}");
                let shown = serde_json::to_string(&found.known[0].finding).unwrap();
                assert!(!shown.contains("$name") && !shown.contains("${"), "{shown}");
            }
        }
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> = FAILURES.iter().map(|failure| failure.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), FAILURES.len());
    }

    #[test]
    fn e0514_shows_both_versions() {
        let found = of(
            "error[E0514]: found crate `core` compiled by an incompatible version of rustc\n  |\n  = note: the following crate versions were found:\n          crate `core` compiled by rustc 1.62.0 (a8314ef7d 2022-06-27): /k/rust/libcore.rmeta\n  = help: please recompile that crate using this compiler (rustc 1.95.0 (59807616e 2026-04-14)) (consider running `cargo clean` first)\n",
        );
        let notes = &found.known[0].finding.notes;
        assert!(
            notes[1].ends_with("rustc 1.62.0 (a8314ef7d 2022-06-27)"),
            "{notes:?}"
        );
        assert!(
            notes[2].ends_with("rustc 1.95.0 (59807616e 2026-04-14)"),
            "{notes:?}"
        );
    }

    #[test]
    fn names_of_a_missing_crate_are_no_errors_of_their_own() {
        let log = "error[E0463]: can't find crate for `core`\n\
            error: cannot find macro `pr_info` in this scope\n\
            error[E0412]: cannot find type `Vec` in this scope\n\
            error: aborting due to 3 previous errors\n\
            error[E0412]: cannot find type `Vex` in this scope\n";
        let found = of(log);
        assert_eq!(found.follow_count, 2);
        assert_eq!(found.unknown.len(), 1);
        assert_eq!(found.unknown[0].number, 5);
    }

    #[test]
    fn many_lines_of_one_failure_are_one_failure() {
        let line = "[ 1.0] m: Unknown symbol _RNvC6kernel1f (err -2)\n";
        let found = of(&line.repeat(40));
        assert_eq!(found.known.len(), 1);
        assert_eq!(found.known[0].count, 40);
        assert_eq!(found.lines, 40);
    }

    #[test]
    fn what_is_harmless_does_not_crowd_out_a_failure() {
        let mut log: String = (0..KEPT + 20)
            .map(|n| format!("m{n}: loading out-of-tree module taints kernel.\n"))
            .collect();
        log += "m: version magic '6.1.0 SMP ' should be '6.2.0 SMP '\n";
        let found = of(&log);
        assert!(found.has_failure());
        assert_eq!(found.known.len(), KEPT + 1);
        assert_eq!(found.left_out, 20);
    }

    #[test]
    fn colours_do_not_hide_a_failure() {
        let found = of(
            "\u{1b}[0m\u{1b}[1m\u{1b}[38;5;9merror[E0463]\u{1b}[0m\u{1b}[0m\u{1b}[1m: can't find crate for `core`\u{1b}[0m\n",
        );
        assert_eq!(found.known[0].finding.check, "E0463");
    }

    #[test]
    fn what_is_not_known_is_passed_on() {
        let found = of(
            "fine\nfoo.c:1:1: error: expected ';'\nerror[E0308]: mismatched types\nmake[1]: *** [Makefile:1: all] Error 2\nerror: aborting due to previous error\n",
        );
        assert!(found.known.is_empty());
        let numbers: Vec<_> = found.unknown.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3]);
        assert_eq!(found.unknown_count, 2);
    }

    #[test]
    fn a_clean_log_has_nothing() {
        let found = of("  CC [M]  a.o\n  LD [M]  a.ko\n");
        assert!(found.known.is_empty() && found.unknown.is_empty() && !found.has_failure());
        assert_eq!(found.lines, 2);
    }

    #[test]
    fn lines_longer_than_a_block_are_one_line() {
        let mut log = b"error: first\n".to_vec();
        log.extend(vec![b'x'; 3 * BLOCK + 5]);
        log.extend(b" error: too far\nerror: last");
        let found = explain(log.as_slice()).unwrap();
        assert_eq!(found.lines, 3);
        let numbers: Vec<_> = found.unknown.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 3]);
    }

    #[test]
    fn lines_across_blocks_are_whole() {
        let mut log = vec![b'y'; BLOCK - 10];
        log.extend(b"\nerror[E0463]: can't find crate for `core`\n");
        let found = explain(log.as_slice()).unwrap();
        assert_eq!(found.known[0].line.number, 2);
    }

    #[test]
    fn bytes_that_are_no_text_are_survived() {
        let found = explain(&b"\xff\xfe\0\x01 error: \xff\n\n\0"[..]).unwrap();
        assert_eq!(found.unknown_count, 1);
    }
}
