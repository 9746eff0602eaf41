// SPDX-License-Identifier: MIT OR Apache-2.0

//! Searches for the smallest set of settings that brings a wanted value about.
//!
//! Sets of settings are tried in the order of how many they are estimated to become. Each is
//! added to the configuration and everything evaluated anew: what is returned has been seen to
//! work. Then each setting is left out once, so that none is superfluous, and smaller sets are
//! searched for as long as the budget lasts.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use rustc_hash::FxHashMap;

use crate::config::Config;
use crate::eval::{Assumptions, Values};
use crate::model::Model;
use crate::need::{Goal, NEVER, Needs, Obstacle, Setting};
use crate::symbol::SymbolId;
use crate::tristate::Tristate;

/// How many configurations are evaluated in search of a solution; a millisecond each.
const MAX_TRIES: usize = 400;
/// How many more to look for a smaller one.
const MAX_SMALLER_TRIES: usize = 120;
/// How many ways are followed in one configuration.
const MAX_WAYS: usize = 20_000;

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
    Found { settings: Vec<Setting>, is_smallest: bool },
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
    // The heap's largest is the best: fewest estimated in all, then most already set.
    estimate: std::cmp::Reverse<u32>,
    size: usize,
    set: std::cmp::Reverse<Vec<(SymbolId, String)>>,
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

    fn works(&self, set: &Set) -> bool {
        self.target.is_met(&self.values(set), self.id)
    }

    pub(crate) fn run(&self) -> Solution {
        let start = self.values(&Set::new());
        if let Some(obstacles) = self.obstacles(&start) {
            return Solution::Impossible(obstacles);
        }
        let mut tries = 0;
        let Some((first, _)) = self.search(usize::MAX, MAX_TRIES, &mut tries) else {
            return Solution::NotFound { tries };
        };
        let mut best = self.without_superfluous(first);
        // One setting is the least there can be: none was not enough.
        let mut is_smallest = best.len() <= 1;
        let mut more = 0;
        while !is_smallest {
            match self.search(best.len() - 1, MAX_SMALLER_TRIES, &mut more) {
                Some((smaller, _)) => best = self.without_superfluous(smaller),
                None => {
                    is_smallest = more < MAX_SMALLER_TRIES;
                    break;
                }
            }
            is_smallest = best.len() <= 1;
        }
        let settings =
            best.into_iter().map(|(symbol, value)| Setting { symbol, value }).collect();
        Solution::Found { settings, is_smallest }
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
                return Some(vec![Obstacle::NotSettable(self.id, Goal::AtLeast(Tristate::Yes))]);
            }
        };
        if needs.symbol_cost(self.id, goal, 0) < NEVER {
            return None;
        }
        let mut found = Vec::new();
        needs.symbol_obstacles(self.id, goal, &mut found, 0);
        Some(found)
    }

    /// The best set with at most `most` settings, found in at most `budget` evaluations.
    fn search(&self, most: usize, budget: usize, tries: &mut usize) -> Option<(Set, usize)> {
        let mut heap = BinaryHeap::new();
        let mut seen = BTreeSet::new();
        heap.push(Candidate {
            estimate: std::cmp::Reverse(0),
            size: 0,
            set: std::cmp::Reverse(Vec::new()),
        });
        while let Some(candidate) = heap.pop() {
            if *tries >= budget {
                return None;
            }
            *tries += 1;
            let set: Set = candidate.set.0.into_iter().collect();
            let values = self.values(&set);
            if self.target.is_met(&values, self.id) {
                return Some((set, *tries));
            }
            if set.len() >= most {
                continue;
            }
            for (setting, remaining) in self.steps(&values) {
                if set.get(&setting.symbol) == Some(&setting.value) {
                    continue;
                }
                let mut next = set.clone();
                next.insert(setting.symbol, setting.value);
                let next: Vec<_> = next.into_iter().collect();
                // When the size is bounded, the bound cuts and not the estimate, which may
                // count a shared need twice.
                let size = next.len();
                let estimate = u32::try_from(set.len()).unwrap_or(NEVER) + remaining;
                if seen.insert(next.clone()) {
                    heap.push(Candidate {
                        estimate: std::cmp::Reverse(estimate),
                        size,
                        set: std::cmp::Reverse(next),
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

    fn without_superfluous(&self, mut set: Set) -> Set {
        let ids: Vec<_> = set.keys().copied().collect();
        for id in ids {
            if set.len() == 1 {
                break;
            }
            let Some(value) = set.remove(&id) else { continue };
            if !self.works(&set) {
                set.insert(id, value);
            }
        }
        set
    }
}
