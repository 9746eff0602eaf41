// SPDX-License-Identifier: MIT OR Apache-2.0

//! Searches for the smallest set of settings that brings a wanted value about.
//!
//! Sets of settings are tried in the order of what they are estimated to weigh in the end:
//! every setting weighs the same, and more if it turns something off that others are made from
//! ([`Needs::weight`]). Each set is added to the configuration and everything evaluated anew:
//! what is returned has been seen to work. Each setting is left out once, so that none is
//! superfluous. Then sets that are smaller, or turn less down, are looked for as long as the
//! budget lasts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use rustc_hash::FxHashMap;

use crate::config::Config;
use crate::eval::{Assumptions, Values};
use crate::ids::SymbolId;
use crate::model::Model;
use crate::need::{Goal, NEVER, Needs, ONE, Obstacle, Setting};
use crate::tristate::Tristate;

/// How many configurations are evaluated in search of a solution; a millisecond each.
const MAX_TRIES: usize = 400;
/// How many more to look for a smaller one.
const MAX_MORE_TRIES: usize = 60;
/// How many ways are followed in one configuration.
const MAX_WAYS: usize = 3_000;

/// What is to come out.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Between(Tristate, Tristate),
    /// The text, and how a `.config` writes it.
    Text(String, String),
}

impl Target {
    pub(crate) fn is_met(&self, values: &Values<'_>, id: SymbolId) -> bool {
        match self {
            Self::Between(low, high) => (*low..=*high).contains(&values.value_of(id)),
            Self::Text(text, _) => values.text(id) == text,
        }
    }

    /// What is not met of it, for a symbol of logic.
    pub(crate) fn goal(&self, value: Tristate) -> Option<Goal> {
        match *self {
            Self::Between(low, _) if value < low => Some(Goal::AtLeast(low)),
            Self::Between(_, high) if value > high => Some(Goal::AtMost(high)),
            _ => None,
        }
    }
}

pub(crate) enum Solution {
    Found {
        settings: Vec<Setting>,
        is_smallest: bool,
    },
    /// Nothing a user can set leads there.
    Impossible(Vec<Obstacle>),
    /// Every way that was tried undoes itself, or the budget was used up.
    NotFound { tries: usize },
}

type Set = BTreeMap<SymbolId, String>;

pub(crate) struct Search<'m> {
    pub(crate) model: &'m Model,
    pub(crate) config: &'m Config,
    pub(crate) assumed: &'m Assumptions,
    pub(crate) id: SymbolId,
    pub(crate) target: &'m Target,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    // The heap's largest is the best: lightest in all, then most already set.
    estimate: Reverse<u32>,
    size: usize,
    set: Reverse<Vec<(SymbolId, String)>>,
}

/// The sets that are still to be tried.
struct Frontier {
    heap: BinaryHeap<Candidate>,
    seen: BTreeSet<Vec<(SymbolId, String)>>,
    tries: usize,
}

impl Default for Frontier {
    fn default() -> Self {
        let nothing = Candidate {
            estimate: Reverse(0),
            size: 0,
            set: Reverse(Vec::new()),
        };
        Self {
            heap: BinaryHeap::from([nothing]),
            seen: BTreeSet::new(),
            tries: 0,
        }
    }
}

impl<'m> Search<'m> {
    /// The configuration with the settings appended, evaluated.
    pub(crate) fn values(&self, set: &Set) -> Values<'m> {
        let mut config = self.config.clone();
        for (&id, value) in set {
            config.set(&self.model.symbols.get(id).name, value);
        }
        Values::new(self.model, &config, self.assumed.clone())
    }

    pub(crate) fn run(&self) -> Solution {
        let start = self.values(&Set::new());
        if let Some(obstacles) = self.obstacles(&start) {
            return Solution::Impossible(obstacles);
        }
        let mut frontier = Frontier::default();
        let Some((first, _)) = self.search(&start, &mut frontier, NEVER, MAX_TRIES) else {
            return Solution::NotFound {
                tries: frontier.tries,
            };
        };
        let (mut best, mut weight) = self.without_superfluous(&start, first);
        let budget = frontier.tries + MAX_MORE_TRIES;
        let is_smallest = loop {
            // A single setting is the least there can be: none was not enough.
            if weight.0 <= ONE {
                break true;
            }
            let Some((other, values)) = self.search(&start, &mut frontier, weight.0, budget) else {
                break frontier.tries < budget;
            };
            if self.weight(&start, &values, &other) < weight {
                (best, weight) = self.without_superfluous(&start, other);
            }
        };
        let settings = best
            .into_iter()
            .map(|(symbol, value)| Setting { symbol, value })
            .collect();
        Solution::Found {
            settings,
            is_smallest,
        }
    }

    /// What a set weighs: its settings, and a little for what else they turn down; then how
    /// much that is, between sets that weigh the same.
    fn weight(&self, start: &Values<'m>, values: &Values<'m>, set: &Set) -> (u32, usize) {
        let ids = self.model.symbols.ids();
        let turned_down = ids
            .filter(|&id| values.value_of(id) < start.value_of(id))
            .count();
        let settings = u32::try_from(set.len()).unwrap_or(NEVER);
        (ONE * settings + 2 * (turned_down + 1).ilog2(), turned_down)
    }

    /// What makes the target impossible, if something does.
    fn obstacles(&self, values: &Values<'m>) -> Option<Vec<Obstacle>> {
        let mut needs = Needs::new(values);
        let goal = match self.target {
            Target::Between(..) => self.target.goal(values.value_of(self.id))?,
            Target::Text(..) => {
                let ways = needs.text_way(self.id, "");
                let mut steps = FxHashMap::default();
                needs.steps(&ways, &mut steps, &mut MAX_WAYS.clone());
                if !steps.is_empty() {
                    return None;
                }
                return Some(vec![Obstacle::NotSettable(
                    self.id,
                    Goal::AtLeast(Tristate::Yes),
                )]);
            }
        };
        if needs.symbol_cost(self.id, goal, 0) < NEVER {
            return None;
        }
        let mut found = Vec::new();
        needs.symbol_obstacles(self.id, goal, &mut found, 0);
        Some(found)
    }

    /// The next set that works, with at most as many settings as could weigh less than
    /// `limit`, before `budget` evaluations have been made in all.
    fn search(
        &self,
        start: &Values<'m>,
        frontier: &mut Frontier,
        limit: u32,
        budget: usize,
    ) -> Option<(Set, Values<'m>)> {
        let base = Needs::new(start);
        let is_too_large =
            |settings: usize| u32::try_from(settings).is_ok_and(|settings| settings * ONE >= limit);
        while let Some(candidate) = frontier.heap.pop() {
            if is_too_large(candidate.size) {
                continue;
            }
            if frontier.tries >= budget {
                return None;
            }
            frontier.tries += 1;
            let set: Set = candidate.set.0.into_iter().collect();
            let values = self.values(&set);
            if self.target.is_met(&values, self.id) {
                return Some((set, values));
            }
            for (setting, remaining) in self.steps(&values) {
                if set.get(&setting.symbol) == Some(&setting.value) {
                    continue;
                }
                let mut next = set.clone();
                next.insert(setting.symbol, setting.value);
                let next: Vec<_> = next.into_iter().collect();
                if !is_too_large(next.len()) && frontier.seen.insert(next.clone()) {
                    let so_far: u32 = set.iter().map(|(&id, value)| base.weight(id, value)).sum();
                    frontier.heap.push(Candidate {
                        estimate: Reverse(so_far + remaining),
                        size: next.len(),
                        set: Reverse(next),
                    });
                }
            }
        }
        None
    }

    fn steps(&self, values: &Values<'m>) -> FxHashMap<Setting, u32> {
        let mut needs = Needs::new(values);
        let mut steps = FxHashMap::default();
        let mut ways = MAX_WAYS;
        match self.target {
            Target::Between(..) => {
                if let Some(goal) = self.target.goal(values.value_of(self.id)) {
                    needs.symbol_steps(self.id, goal, 0, &mut steps, &mut ways, 0);
                }
            }
            Target::Text(_, value) => {
                let ways_there = needs.text_way(self.id, value);
                needs.steps(&ways_there, &mut steps, &mut ways);
            }
        }
        steps
    }

    /// The set without what it works without, and what it weighs then.
    fn without_superfluous(&self, start: &Values<'m>, mut set: Set) -> (Set, (u32, usize)) {
        let ids: Vec<_> = set.keys().copied().collect();
        for id in ids {
            if set.len() == 1 {
                break;
            }
            let Some(value) = set.remove(&id) else {
                continue;
            };
            if !self.target.is_met(&self.values(&set), self.id) {
                set.insert(id, value);
            }
        }
        let weight = self.weight(start, &self.values(&set), &set);
        (set, weight)
    }
}
