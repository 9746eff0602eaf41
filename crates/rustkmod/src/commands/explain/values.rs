// SPDX-License-Identifier: MIT OR Apache-2.0

//! The values that a block has for the texts of its row.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use regex::{Regex, RegexBuilder};

/// A pattern of the table, compiled when it is needed first.
fn compiled(pattern: &'static str) -> Regex {
    static ALL: OnceLock<Mutex<BTreeMap<&'static str, Regex>>> = OnceLock::new();
    let mut all = ALL
        .get_or_init(Default::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    all.entry(pattern)
        .or_insert_with(|| {
            RegexBuilder::new(pattern)
                .multi_line(true)
                .build()
                .expect("the table's patterns are well-formed")
        })
        .clone()
}

/// Adds what a pattern finds in a text, by name. Names live as long as the pattern.
pub fn find(pattern: &'static str, text: &str, values: &mut BTreeMap<&'static str, String>) {
    let regex = compiled(pattern);
    let Some(captures) = regex.captures(text) else {
        return;
    };
    for group in groups(pattern) {
        if let Some(value) = captures.name(group) {
            values
                .entry(name_of(group))
                .or_insert_with(|| value.as_str().to_string());
        }
    }
}

fn groups(pattern: &'static str) -> impl Iterator<Item = &'static str> {
    let groups = pattern.split("(?P<").skip(1);
    groups.filter_map(|rest| rest.split_once('>').map(|(group, _)| group))
}

/// The value that a group holds: that of `symbol__new` is `symbol`. No two groups of a pattern may
/// have one name.
fn name_of(group: &'static str) -> &'static str {
    group.split_once("__").map_or(group, |(name, _)| name)
}

/// The names of the values in a pattern.
pub fn names(pattern: &'static str) -> impl Iterator<Item = &'static str> {
    groups(pattern).map(name_of)
}

/// What two vermagic strings differ in: the release or, where that is the same, words behind it.
pub fn differing(has: &str, wants: &str) -> Vec<(&'static str, String)> {
    let words = |magic: &'_ str| magic.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (has, wants) = (words(has), words(wants));
    if has[0] != wants[0] {
        return vec![("release_wanted", wants[0].clone())];
    }
    let lost = has.iter().filter(|word| !wants.contains(word));
    let new = wants.iter().filter(|word| !has.contains(word));
    let flags: Vec<_> = lost.chain(new).map(String::as_str).collect();
    let retpoline = flags
        .contains(&"retpoline")
        .then(|| ("retpoline", "retpoline".to_owned()));
    let flags = (!flags.is_empty()).then(|| ("flags", flags.join(", ")));
    retpoline.into_iter().chain(flags).collect()
}
