// SPDX-License-Identifier: MIT OR Apache-2.0

//! What of a log is a cause, and what only follows from one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use regex::{Regex, RegexSet, RegexSetBuilder};

use super::block::{self, Block, Kind};
use super::facts::Facts;
use super::help::{self, Remedy, Target};
use super::read::Line;
use super::table::{Row, Weight, rows};
use super::values::{differing, find, names};
use super::{Explained, UNKNOWN};
use crate::drift::{self, DRIFT};
use crate::report::{Finding, Status};
use kernel_files::rustsym;

/// For a part of the kernel crate that its configuration leaves out.
static WHY: Remedy = Remedy::run(
    "see what keeps the option off; the kernel has to be built with it",
    "rustkmod why {option} {for_kdir}",
);
/// How many findings are kept of each weight.
const KEPT: usize = 100;
/// How many lines are shown of what follows from a failure.
const FOLLOWS: usize = 12;
/// How many lines are shown of one failure.
const SAYS: usize = 14;
/// How many lines before a failure are shown where nothing else tells of it.
const CONTEXT: usize = 10;

/// Lines in which a program only passes on that another one failed.
const FRAMES: &[&str] = &[
    r"^error: aborting due to ",
    r"^error: [Cc]ould not compile ",
    r"^error: failed to run custom build command",
    r"^error: process didn't exit successfully",
    r"^error: command failed to execute correctly",
    r"^error: cannot determine resolution for the ",
    r"^error: the compiler unexpectedly panicked",
    r"^error: internal compiler error: unexpected panic",
    r"^(?:\S+: )?collect2: error: ld returned",
    r"^(?:\S+: )?clang(?:-\d+)?: error: (?:linker|assembler) command failed",
    r"^configure: error: in [`'‘].*:$",
    r"^Error! +One or more modules failed",
    r"^Autoinstall on \S* ?failed for module",
    r"\(bad exit status: \d+\)",
    r"^==> ERROR: (?:A failure occurred|Build failed|An unknown error|Package .* failed)",
    r"^==> WARNING: .dkms .* exited \d+",
    r"^ERROR \(dkms apport\)|^ERROR: Cannot create report: ",
    r"^dpkg: error processing ",
    r"^E: Sub-process ",
    r"^error: failed to commit transaction",
    r"^run-parts: ",
    r"^depmod: FATAL: could not search modules",
    r"^dracut(?:\[\w+\])?: (?:FAILED: |installkernel failed in module )|autoinstall for kernel:? .*failed|^update-initramfs: failed for |/kernel/install\.d/\S+ failed with exit status",
    r"^error: (?:failed to build '|packages failed to build)|^error making: ",
    // What builds packages and images: Debian, RPM, Gentoo, Nix, Yocto, Bazel, docker, CI.
    r"^dpkg-buildpackage: error: |^dh_\w+: error: ",
    r"^error: Bad exit status from |^RPM build errors:",
    r"^ ?\* ERROR: \S+ failed \(\w+ phase\)",
    r"^error: (?:builder for |build of |Cannot build |\d+ dependenc)|^builder for '",
    r"^ERROR: (?:Task .*|\S+ do_\w+: .*)(?:failed|exit code)|^ERROR: Logfile of failure stored",
    r"^ERROR: Build did NOT complete successfully|^ERROR: oe_runmake failed",
    r"^ERROR: process \x22.*\x22 did not complete|^ERROR: failed to (?:solve|build): ",
    r"^(?:##\[error\]|Error: )Process completed with exit code|^ERROR: Job failed: ",
];

/// Lines of make that tell of a failure, in any language, by their form.
const MAKE_FRAME: &str = r"^\S*make(?:\[\d+\])? ?: \*(?:\*\*)? (?:\[.*\] (?:\S+ \d+|[A-Z]\w+(?: fault)?(?: \(core dumped\))?)$|\[[^\]]*$|\[.*\] \S*$|.*(?:\.\.\.\.?|…)$|Deleting )";

/// What a block is.
#[derive(Debug, Clone, Copy)]
enum What {
    Row(&'static Row),
    /// An error of rustc that no row knows: it may be a change of the kernel crate.
    Rustc,
    /// Another error that no row knows.
    Error,
    /// A program tells that another one failed.
    Frame,
}

#[derive(Debug)]
struct Event {
    what: What,
    /// What makes two blocks the same finding.
    key: String,
    values: BTreeMap<&'static str, String>,
    /// The text of its block.
    text: String,
    says: Vec<Line>,
    /// The lines before it.
    context: Vec<Line>,
    count: u64,
    follows: Vec<Line>,
    follow_count: u64,
    /// The level of a make that gives up.
    level: Option<u32>,
    /// The last line that shows it.
    last: u64,
    /// Whether a shell says it of a program that it was to run, and the build went on.
    is_survived: bool,
}

impl Event {
    fn is_failure(&self) -> bool {
        match self.what {
            _ if self.is_survived => false,
            What::Row(row) => row.weight == Weight::Failure,
            What::Rustc | What::Error => true,
            What::Frame => false,
        }
    }

    fn weight(&self) -> Weight {
        match self.what {
            _ if self.is_survived => Weight::Doubtful,
            What::Row(row) => row.weight,
            _ => Weight::Failure,
        }
    }
}

/// What was read so far.
#[derive(Debug, Default)]
pub struct Story {
    facts: Facts,
    events: Vec<Event>,
    before: VecDeque<Line>,
    left_out: u64,
    /// The failure after which all that the same rustc says follows from it.
    broken: Option<usize>,
    /// The last line that shows the kernel being configured.
    configured: u64,
}

struct Patterns {
    set: RegexSet,
    frames: RegexSet,
    make_frame: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let set = RegexSetBuilder::new(rows().iter().map(|row| &row.pattern))
        .multi_line(true)
        .size_limit(64 << 20)
        .dfa_size_limit(64 << 20)
        .build()
        .expect("the table's patterns are well-formed");
    Patterns {
        set,
        frames: RegexSet::new(FRAMES).expect("constant patterns"),
        make_frame: Regex::new(MAKE_FRAME).expect("a constant pattern"),
    }
});

impl Story {
    /// Takes the next block.
    pub fn block(&mut self, block: Block) {
        self.facts.read(&block);
        let first = block.first();
        if block::is_of_configuration(first.message()) {
            self.configured = first.number;
        }
        if !block::is_progress(first.message()) {
            self.judge(&block);
        }
        for line in block.lines {
            if !line.text.trim().is_empty() {
                if self.before.len() == CONTEXT {
                    self.before.pop_front();
                }
                self.before.push_back(line);
            }
        }
    }

    fn judge(&mut self, block: &Block) {
        let patterns = &*PATTERNS;
        let text = block.text();
        let first = block.first();
        let message = first.message();
        if message.starts_with("error: aborting due to ") || matches!(block.kind, Kind::Make(_)) {
            self.broken = None;
        }
        let is_rustc_error = block.kind == Kind::Diagnostic && message.starts_with("error");
        let row = row_of(&text);
        if let Some(index) = self.broken
            && is_rustc_error
            && !row.is_some_and(|row| self.is_alike(index, row))
        {
            return self.follows(index, block.head());
        }
        if let Some(row) = row {
            return self.known(row, block, text);
        }
        let is_frame = match block.kind {
            Kind::Make(_) => patterns.make_frame.is_match(message),
            _ => patterns.frames.is_match(message),
        };
        let what = if is_frame {
            What::Frame
        } else if is_rustc_error {
            What::Rustc
        } else if match block.kind {
            Kind::Make(_) | Kind::Panic => true,
            Kind::Compiler => !message.contains(" warning: "),
            Kind::Diagnostic | Kind::Banner => false,
            Kind::Text => !first.is_kernel && block::is_error(message),
        } {
            What::Error
        } else {
            return;
        };
        let key = match what {
            // Which symbol or item it is about stands in the first line.
            What::Frame => format!("{}:{message}", first.number),
            _ => message.to_string(),
        };
        self.add(what, key, BTreeMap::new(), block, text);
    }

    /// Whether a row tells of the same as an event, or of another crate that is missing.
    fn is_alike(&self, index: usize, row: &Row) -> bool {
        match self.events[index].what {
            What::Row(first) => {
                first.id == row.id
                    || (row.breaks_rustc && row.class == "crates" && first.class == "crates")
            }
            _ => false,
        }
    }

    fn known(&mut self, row: &'static Row, block: &Block, text: String) {
        let mut values = BTreeMap::new();
        find(&row.pattern, &text, &mut values);
        for pattern in &row.values {
            find(pattern, &text, &mut values);
        }
        if let (Some(has), Some(wants)) = (values.get("has"), values.get("wants")) {
            let differs = differing(has, wants);
            values.extend(differs);
        }
        if let Some(symbol) = values.get("symbol")
            && let Some(readable) = rustsym::demangle(symbol)
        {
            values.insert("rust", readable);
        }
        let key = help::fill(&row.meaning, &|name| {
            Some(values.get(name).cloned().unwrap_or_default())
        });
        let key = format!("{}:{}", row.id, key.unwrap_or_default());
        let index = self.add(What::Row(row), key, values, block, text);
        if row.breaks_rustc {
            self.broken = index;
        }
    }

    fn follows(&mut self, index: usize, line: &Line) {
        let event = &mut self.events[index];
        event.follow_count += 1;
        if event.follows.len() < FOLLOWS {
            event.follows.push(line.clone());
        }
    }

    fn add(
        &mut self,
        what: What,
        key: String,
        values: BTreeMap<&'static str, String>,
        block: &Block,
        text: String,
    ) -> Option<usize> {
        let last = block.lines.last().map_or(0, |line| line.number);
        if let Some(index) = self.events.iter().position(|event| event.key == key) {
            self.events[index].count += 1;
            self.events[index].last = last;
            // What it means has its values, and another form of the line names them otherwise. The
            // first line's own must not be mixed with another one's, either.
            let own: Vec<_> = match what {
                What::Row(row) => names(&row.pattern).collect(),
                _ => Vec::new(),
            };
            let known = &self.events[index].values;
            let has_own = own.iter().any(|name| known.contains_key(name));
            for (name, value) in values {
                let is_told =
                    matches!(what, What::Row(row) if row.meaning.contains(&format!("{{{name}}}")));
                let is_mixed = has_own && own.contains(&name);
                if !is_told && !is_mixed {
                    self.events[index].values.entry(name).or_insert(value);
                }
            }
            return Some(index);
        }
        let is_frame = matches!(what, What::Frame);
        let event = Event {
            what,
            key,
            values,
            text,
            says: match block.body().next() {
                Some(_) => block.body().take(SAYS).cloned().collect(),
                None => vec![block.first().clone()],
            },
            context: match is_frame {
                true => self.before.iter().cloned().collect(),
                false => Vec::new(),
            },
            count: 1,
            follows: Vec::new(),
            follow_count: 0,
            level: match block.kind {
                Kind::Make(level) => Some(level),
                _ => None,
            },
            last,
            is_survived: false,
        };
        // Of each weight by itself: what is harmless must not crowd out what is not.
        let alike = |other: &&Event| {
            matches!(other.what, What::Frame) == is_frame && other.weight() == event.weight()
        };
        if self.events.iter().filter(alike).count() >= KEPT {
            self.left_out += 1;
            return None;
        }
        self.events.push(event);
        Some(self.events.len() - 1)
    }

    /// The findings, and how many lines have more of them than were kept.
    pub fn end(mut self, target: Option<&Target>) -> (Vec<Explained>, u64) {
        self.survive();
        self.join_endings();
        let causes = self.causes();
        for (index, cause) in causes.iter().enumerate() {
            if let Some(cause) = *cause {
                let (says, count) = (self.events[index].says[0].clone(), self.events[index].count);
                let (follows, follow_count) = (
                    std::mem::take(&mut self.events[index].follows),
                    self.events[index].follow_count,
                );
                self.follows(cause, &says);
                self.events[cause].follow_count += count - 1 + follow_count;
                for line in follows {
                    if self.events[cause].follows.len() < FOLLOWS {
                        self.events[cause].follows.push(line);
                    }
                }
            }
        }
        let known = Target::of(&self.facts);
        let target = target.unwrap_or(&known);
        let facts = &self.facts;
        let mut found: Vec<Explained> = Vec::new();
        for (event, cause) in self.events.into_iter().zip(causes) {
            if cause.is_some() {
                continue;
            }
            let one = explained(event, facts, target);
            // rustc names one change of the kernel crate by several errors.
            let is_same = |other: &&mut Explained| {
                other.finding.check == DRIFT && other.finding.message == one.finding.message
            };
            match found.iter_mut().find(is_same) {
                Some(first) => {
                    first.count += one.count;
                    first.follow_count += one.follow_count;
                    first.follows.extend(one.follows);
                    first.follows.truncate(FOLLOWS);
                }
                None => found.push(one),
            }
        }
        for explained in &mut found {
            explained.follows.sort_by_key(|line| line.number);
        }
        // What is known comes before what is not.
        found.sort_by_key(|explained| {
            let finding = &explained.finding;
            (std::cmp::Reverse(finding.status), finding.check == UNKNOWN)
        });
        (found, self.left_out)
    }

    /// Makes one failure of what insmod and modprobe say of several modules in the same words.
    fn join_endings(&mut self) {
        let mut joined: Vec<Event> = Vec::new();
        for event in std::mem::take(&mut self.events) {
            let is_same = |first: &&mut Event| match (first.what, event.what) {
                (What::Row(first_row), What::Row(row)) => {
                    row.class == "ending"
                        && first_row.id == row.id
                        && first.values.get("error") == event.values.get("error")
                }
                _ => false,
            };
            let (Some(first), Some(module)) = (
                joined.iter_mut().find(is_same),
                event.values.get("module").cloned(),
            ) else {
                joined.push(event);
                continue;
            };
            first.count += event.count;
            first.last = event.last;
            first
                .values
                .entry("others")
                .and_modify(|others| *others = format!("{others}, {module}"))
                .or_insert(module);
        }
        self.events = joined;
    }

    /// Whether an event that is not a failure tells how a failure of its class ended.
    fn tells_more(&self, row: &Row, other: usize) -> bool {
        match self.events[other].what {
            What::Row(end) => end.class == row.class && row.under.contains(&end.id),
            _ => false,
        }
    }

    /// Takes for no failures what a shell said of programs that the configuration only asked for.
    /// Kconfig tries rustc and others, and takes what is not there for switched off.
    fn survive(&mut self) {
        static SHELL: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^(?:\S*/)?(?:ba|da)?sh: .*not found$|^expr: ").expect("a constant pattern")
        });
        if self
            .events
            .iter()
            .any(|event| matches!(event.what, What::Frame))
        {
            return;
        }
        for event in &mut self.events {
            event.is_survived =
                event.last < self.configured && SHELL.is_match(event.says[0].message());
        }
    }

    /// Whether a row names another one as its cause.
    fn is_under(row: &Row, cause: &Row) -> bool {
        let mut names = row.under.iter();
        names.any(|name| *name == cause.id || *name == cause.class)
    }

    /// Whether an event tells only that something failed, and where the reason is.
    fn points_elsewhere(&self, index: usize) -> bool {
        matches!(self.events[index].what, What::Row(row) if row.is_under_any())
    }

    /// For each event the one that it follows from.
    fn causes(&self) -> Vec<Option<usize>> {
        let mut causes: Vec<Option<usize>> = vec![None; self.events.len()];
        for (index, event) in self.events.iter().enumerate() {
            let What::Row(row) = event.what else { continue };
            let is_any = row.is_under_any();
            let is_cause = |other: &usize| {
                if is_any {
                    let is_mutual = matches!(self.events[*other].what, What::Row(other) if Self::is_under(other, row));
                    return self.events[*other].is_failure()
                        && !self.points_elsewhere(*other)
                        && !is_mutual;
                }
                // A failure is never hidden below what is none.
                *other != index
                    && (self.events[*other].is_failure()
                        || !event.is_failure()
                        || self.tells_more(row, *other))
                    && match self.events[*other].what {
                        What::Row(cause) => {
                            Self::is_under(row, cause)
                                && !(cause.class == row.class && cause.under == row.under)
                        }
                        _ => false,
                    }
            };
            let before = (0..index).rev().find(is_cause);
            causes[index] = before.or_else(|| {
                // Of two that point elsewhere, what comes behind both is the second one's.
                (index + 1..self.events.len())
                    .take_while(|other| !is_any || !self.points_elsewhere(*other))
                    .find(is_cause)
            });
        }
        // A make that was started by nobody has nothing to do with what came before the last one.
        let mut floor = 0;
        let mut last_top = 0;
        for (index, event) in self.events.iter().enumerate() {
            if !matches!(event.what, What::Frame) {
                continue;
            }
            let from = match event.level {
                Some(0) if event.says[0].number <= last_top + 1 => 0,
                Some(_) => floor,
                None => 0,
            };
            causes[index] = (from..index)
                .rev()
                .find(|other| self.events[*other].is_failure())
                // cargo tells what failed before it tells why.
                .or_else(|| {
                    let is_cause = |other: &usize| self.events[*other].is_failure();
                    (index + 1..self.events.len())
                        .find(|other| event.level.is_none() && is_cause(other))
                })
                // One that tells where the reason is comes behind the others.
                .or_else(|| {
                    (index + 1..self.events.len()).find(|other| self.points_elsewhere(*other))
                })
                .or_else(|| {
                    // Nothing but other frames: they are one failure, told once.
                    (from..index).find(|other| {
                        causes[*other].is_none() && matches!(self.events[*other].what, What::Frame)
                    })
                });
            let ends = event.says[0]
                .text
                .rsplit(' ')
                .next()
                .is_some_and(|word| word.parse::<u32>().is_ok());
            if event.level == Some(0) && ends {
                floor = index + 1;
                last_top = event.last;
            }
        }
        // What follows from something that follows. Of several that follow from each other, the first
        // is the cause: none of them may get lost.
        (0..causes.len())
            .map(|index| {
                let mut chain = vec![index];
                let mut last = index;
                while let Some(next) = causes[last] {
                    if let Some(start) = chain.iter().position(|seen| *seen == next) {
                        last = *chain[start..].iter().min().unwrap_or(&next);
                        break;
                    }
                    chain.push(next);
                    last = next;
                }
                (last != index).then_some(last)
            })
            .collect()
    }
}

fn unknown(looked_at: String) -> Finding {
    Finding::error(UNKNOWN, looked_at, "rustkmod does not know this failure")
}

/// What rustc refuses because the module was written for another series.
fn drifted(text: &str, facts: &Facts, target: &Target, looked_at: &str) -> Option<Finding> {
    let Some(left_out) = drift::left_out(text) else {
        return drift::finding(text, facts.series(), looked_at);
    };
    let mut finding = left_out.finding(looked_at);
    if left_out.wants_on {
        for option in left_out.options {
            let option = |_: &str| Some(option.to_owned());
            finding.help.extend(target.help(&WHY, &option));
        }
    }
    Some(finding)
}

/// The finding of an event.
fn explained(event: Event, facts: &Facts, target: &Target) -> Explained {
    let looked_at = format!("line {}", event.says[0].number);
    let series = facts
        .series()
        .map(|(major, minor)| format!("{major}.{minor}"));
    let value = |name: &str| -> Option<String> {
        match name {
            "series" => series.clone(),
            "installed" => facts.headers(true),
            "own_tree" => facts.headers(false),
            // Where it is the same, there is nothing to tell.
            "dkms_release" => facts
                .get(name)
                .filter(|release| {
                    event
                        .values
                        .get("release")
                        .is_some_and(|other| other != release)
                })
                .map(str::to_string),
            _ => event
                .values
                .get(name)
                .cloned()
                .or_else(|| facts.get(name).map(str::to_string)),
        }
    };
    let weight = event.weight();
    let is_survived = event.is_survived;
    let mut says = event.says;
    let mut finding = match event.what {
        What::Row(row) => {
            let message = help::fill(&row.meaning, &|name| Some(value(name).unwrap_or_default()));
            let message = message.unwrap_or_default();
            let mut finding = match weight {
                Weight::Failure => Finding::error(&row.id, looked_at, message),
                Weight::Doubtful => Finding::warning(&row.id, looked_at, message),
                Weight::Harmless => Finding::ok(&row.id, looked_at, message),
            };
            finding
                .notes
                .extend(row.notes.iter().filter_map(|note| help::fill(note, &value)));
            if let Some(others) = event.values.get("others") {
                finding = finding.note(format!("it is the same with {others}"));
            }
            if let Some(readable) = event.values.get("rust") {
                finding = finding.note(format!("in Rust: {readable}"));
            }
            finding.help.extend(
                row.help
                    .iter()
                    .filter_map(|remedy| target.help(remedy, &value)),
            );
            finding
        }
        What::Error if is_survived => Finding::warning(
            UNKNOWN,
            looked_at,
            "a program that the build asked was not there, or failed",
        ),
        What::Rustc => {
            drifted(&event.text, facts, target, &looked_at).unwrap_or_else(|| unknown(looked_at))
        }
        What::Error => unknown(looked_at),
        What::Frame => {
            says.splice(0..0, event.context);
            Finding::error(
                UNKNOWN,
                looked_at,
                "something failed, and no line before tells rustkmod why",
            )
        }
    };
    if is_survived {
        finding = finding.note("the build went on: what needs that program is switched off in it");
    }
    debug_assert!(finding.status != Status::Skipped);
    Explained {
        finding,
        says,
        count: event.count,
        follows: event.follows,
        follow_count: event.follow_count,
    }
}

/// The first row that matches the text of a block.
pub(super) fn row_of(text: &str) -> Option<&'static Row> {
    let first = PATTERNS.set.matches(text).iter().next()?;
    Some(&rows()[first])
}
