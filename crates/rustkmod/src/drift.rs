// SPDX-License-Identifier: MIT OR Apache-2.0

//! How the kernel crate's interface changed between series, and what rustc says of a module that
//! was written for another one. The changes are rows in `drift/changes.toml`.
//!
//! `explain` reads them for what a module says that was written for another series, and `new` for
//! what to write.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel_files::sanity::Series;
use regex::Regex;
use serde::{Deserialize, Deserializer, de::Error};

use crate::report::Finding;

/// The name of the findings.
pub const DRIFT: &str = "api-drift";

/// All that is known; see the file for what the fields mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drift {
    change: Vec<Change>,
    options: BTreeMap<String, String>,
    never: Vec<Never>,
}

/// A change of what the `kernel` crate offers to modules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    id: String,
    /// The first series with the new form.
    #[serde(deserialize_with = "series")]
    since: Series,
    /// An older series whose later releases have it as well.
    #[serde(default, deserialize_with = "some_series")]
    backported: Option<Series>,
    /// What is written before that series; empty where there was nothing.
    #[serde(default)]
    before: String,
    /// What is written from that series on.
    after: String,
    #[serde(default)]
    old: Vec<Sign>,
    #[serde(default)]
    new: Vec<Sign>,
}

/// What the `rust` branch had and mainline never did.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Never {
    says: Sign,
    now: String,
}

static ALL: LazyLock<Drift> = LazyLock::new(|| {
    toml::from_str(include_str!("drift/changes.toml")).unwrap_or_else(|error| panic!("{error}"))
});

fn series<'de, D: Deserializer<'de>>(from: D) -> Result<Series, D::Error> {
    let text = String::deserialize(from)?;
    let parts = text
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    parts.ok_or_else(|| D::Error::custom(format!("no series: {text}")))
}

fn some_series<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Series>, D::Error> {
    series(from).map(Some)
}

/// What rustc says: a pattern, or names that are not there as alternatives, `A|B|C`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Says(String),
    /// Imported or used.
    Name {
        name: String,
    },
    /// A module of the kernel crate. A module of your own may have that name.
    Part {
        part: String,
    },
    /// A method of the kernel's vectors, boxes and reference counts.
    Method {
        method: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Text")]
struct Sign(Regex);

impl TryFrom<Text> for Sign {
    type Error = regex::Error;

    fn try_from(text: Text) -> Result<Self, regex::Error> {
        let pattern = match text {
            Text::Name { name } => format!(
                "(?:cannot find (?:type|struct|trait|macro|function|value|attribute|derive macro|module or crate|crate)[^`]* `(?:{name})`\
                 |(?:unresolved|undeclared|undeclared type|use of undeclared type)[^`]* (?:`[^`]*`, )*`(?:[a-zA-Z_:]*::)?(?:{name})`\
                 |(?:no|could not find) `(?:{name})` in `)"
            ),
            Text::Part { part } => format!(
                r"unresolved imports? (?:`[^`]*`, )*`kernel::(?:{part})\b|could not find `(?:{part})` in `kernel`"
            ),
            Text::Method { method } => format!(
                r"E0599\]: no (?:method|function or associated item|associated function or constant|associated function|associated item)[^`]* `{method}`"
            ),
            Text::Says(pattern) => pattern,
        };
        Regex::new(&pattern).map(Self)
    }
}

/// Whether a series has the new form of a change. Panics if no row has this `id`.
pub fn has(id: &str, series: Series) -> bool {
    let change = ALL.change.iter().find(|change| change.id == id);
    series >= change.expect("a row of the table").since
}

/// The changes that an error of rustc may be about, and whether the module has the old form.
fn found(text: &str, series: Option<Series>) -> Vec<(&'static Change, bool)> {
    let is_any = |signs: &[Sign]| signs.iter().any(|sign| sign.0.is_match(text));
    let mut all = Vec::new();
    for change in &ALL.change {
        // The old form cannot be what an old kernel refuses, nor the new one a new kernel.
        let may = |is_old: bool| {
            series.is_none_or(|series| {
                (series >= change.since) == is_old || change.backported == Some(series)
            })
        };
        if may(true) && is_any(&change.old) {
            all.push((change, true));
        } else if may(false) && is_any(&change.new) {
            all.push((change, false));
        }
    }
    all
}

fn never(text: &str) -> Option<(String, &'static str)> {
    // Of an import rustc names only the first part that is not there, and shows the line.
    static SHOWN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^ *\d+ \| (?:pub )?use kernel::").expect("a constant pattern")
    });
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let is_import = first.contains("unresolved import") || first.contains("could not find `");
    let shown = rest
        .lines()
        .filter(|line| is_import && SHOWN.is_match(line));
    [first].into_iter().chain(shown).find_map(|line| {
        ALL.never.iter().find_map(|row| {
            let found = row.says.0.captures(line)?;
            let item = found.iter().flatten().last()?;
            Some((item.as_str().to_string(), row.now.as_str()))
        })
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

impl LeftOut<'_> {
    /// What is wrong, and why.
    pub fn finding(&self, looked_at: &str) -> Finding {
        let message = format!("this kernel was configured without `kernel::{}`", self.path);
        let note = match self.options[..] {
            [option] if self.wants_on => format!("the crate has it where CONFIG_{option}=y"),
            [option] => format!("the crate has it only where CONFIG_{option} is off"),
            _ => format!(
                "whether the crate has it depends on CONFIG_{}",
                self.options.join(" and CONFIG_")
            ),
        };
        Finding::error(DRIFT, looked_at, message).note(note)
    }
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
        let known = path.split("::").filter_map(|part| ALL.options.get(part));
        options.extend(known.last().map(String::as_str));
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

/// What an error of rustc that [`left_out`] does not explain means for a kernel of that series;
/// nothing where that series is not the reason.
pub fn finding(text: &str, series: Option<Series>, looked_at: &str) -> Option<Finding> {
    static TRAIT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"= note: `\w+` from trait: `fn\((.*)\)(?: -> [^`]*)?`")
            .expect("a constant pattern")
    });
    let shown = |(major, minor): Series| format!("{major}.{minor}");
    let this = series.map(|series| format!("this kernel is {}", shown(series)));
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
        return Some(finding.advise(match TRAIT.captures(text) {
            Some(wanted) => format!(
                "give it the parameters that it has in the trait: ({})",
                &wanted[1]
            ),
            None => {
                "look at samples/rust/ of this kernel's sources for how the series writes it".into()
            }
        }));
    };
    let since = shown(first.since);
    let message = match (*is_old, &first.before) {
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
        finding = finding.note(match change.before.as_str() {
            "" => format!(
                "since {since}: {}; before that there was nothing in its place",
                change.after
            ),
            before => format!("before {since}: {before}\nsince {since}:  {}", change.after),
        });
    }
    finding.notes.extend(this);
    for (change, is_old) in &changes {
        finding = match (*is_old, change.before.as_str()) {
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
