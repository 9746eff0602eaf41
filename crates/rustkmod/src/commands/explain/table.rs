// SPDX-License-Identifier: MIT OR Apache-2.0

//! The failures that are known: how each looks in a log, what it means, what fixes it.
//!
//! They are the files of `table/`. To add one, add a row with an example; the tests run it. A row
//! explains what its block proves and nothing more. Of two rows that match a block, the first counts.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use toml::{Table, Value};

use super::help::Remedy;

/// The rows, from the tools to the load.
const FILES: [&str; 7] = [
    include_str!("table/tools.toml"),
    include_str!("table/build.toml"),
    include_str!("table/dkms.toml"),
    include_str!("table/initramfs.toml"),
    include_str!("table/around.toml"),
    include_str!("table/load.toml"),
    include_str!("table/kernel.toml"),
];

/// What several rows say.
const SHARED: &str = include_str!("table/shared.toml");

/// How bad it is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The build or the load fails by it.
    #[default]
    Failure,
    /// It may do harm, or be the reason of a failure that follows.
    Doubtful,
    /// It looks alarming and does no harm.
    Harmless,
}

/// A failure that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its name; it does not change between releases.
    pub id: String,
    /// What it is about, for `under`.
    #[serde(default)]
    pub class: String,
    /// How bad it is.
    #[serde(default)]
    pub weight: Weight,
    /// What the text of a block has to match; `^` and `$` are those of its lines. Its named groups
    /// are values for the texts. Where another form of the line has a value too, its group is called
    /// as the value is, with `__` and a word behind it: `symbol__new` holds `symbol`.
    pub pattern: String,
    /// More values, where the block has them.
    #[serde(default)]
    pub values: Vec<String>,
    /// What is wrong, in one line.
    pub meaning: String,
    /// Why. A note that names a value which is not known is left out.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What fixes it.
    #[serde(default)]
    pub help: Vec<Remedy>,
    /// The rows, by id or class, from which this only follows.
    #[serde(default)]
    pub under: Vec<String>,
    /// Whether all that the same rustc says afterwards follows from it.
    #[serde(default)]
    pub breaks_rustc: bool,
    /// Blocks that show it. The tests run them.
    pub examples: Vec<String>,
}

impl Row {
    fn patterns(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.pattern].into_iter().chain(&mut self.values)
    }

    /// Whether it follows from whatever else failed.
    pub fn is_under_any(&self) -> bool {
        self.under.iter().any(|name| name == "*")
    }
}

/// All rows, in their order.
pub fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
        let shared: Shared = toml::from_str(SHARED).expect("the table is well-formed");
        FILES.iter().flat_map(|file| shared.rows(file)).collect()
    });
    &ROWS
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    text: BTreeMap<String, String>,
    help: Table,
}

impl Shared {
    fn rows(&self, file: &str) -> Vec<Row> {
        let mut file: Table = file.parse().expect("the table is well-formed");
        let mut rows = file.remove("row").expect("a file has rows");
        self.fill(&mut rows);
        let mut rows: Vec<Row> = rows.try_into().unwrap_or_else(|error| panic!("{error}"));
        for pattern in rows.iter_mut().flat_map(Row::patterns) {
            // What logs name is ASCII, and all letters and digits of Unicode take long to compile.
            *pattern = pattern
                .replace(r"\w", "[0-9A-Za-z_]")
                .replace(r"\d", "[0-9]");
        }
        rows
    }

    fn remedy(&self, name: &str) -> Value {
        let known = self.help.get(name);
        known
            .unwrap_or_else(|| panic!("no remedy is called {name}"))
            .clone()
    }

    /// Puts what is shared where a row names it.
    fn fill(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains("<<") => {
                for (name, shared) in &self.text {
                    *text = text.replace(&format!("<<{name}>>"), shared);
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|value| self.fill(value)),
            Value::Table(row) => {
                let help = row.get_mut("help").and_then(Value::as_array_mut);
                for remedy in help.into_iter().flatten() {
                    if let Value::String(name) = remedy {
                        *remedy = self.remedy(name);
                    }
                }
                row.iter_mut().for_each(|(_, value)| self.fill(value));
            }
            _ => {}
        }
    }
}
