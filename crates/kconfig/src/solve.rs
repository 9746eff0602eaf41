// SPDX-License-Identifier: MIT OR Apache-2.0

//! Searches for the smallest set of settings that gives a symbol the wanted value.
//!
//! Sets are tried in the order of their estimated weight in the end. Every setting weighs the same,
//! and more if it turns off a symbol that others depend on ([`Needs::weight`]). Each set is added
//! to the configuration and everything is evaluated anew, so a set that is returned has been seen
//! to work. Then each setting is left out once, so that none is superfluous. At last the search
//! goes on for sets that are smaller, or turn less down, as long as the budget lasts.

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

/// The value that is wanted.
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

    /// What a bool or tristate of this value still misses.
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
    /// No setting leads to the target.
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

    /// The weight of a set: its settings, and a little for what else they turn down. The second
    /// number is how many symbols they turn down, and decides between sets of the same weight.
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

    /// The set without its superfluous settings, and its weight.
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

#[cfg(test)]
mod tests {
    use Tristate::{Module, No, Yes};

    use super::*;
    use crate::model::Options;

    fn model(kconfig: &str) -> Model {
        Model::parse(kconfig.as_bytes(), &Options::for_arch("x86")).unwrap()
    }

    /// What the search finds, as `NAME=value` and whether it is said to be the smallest.
    fn found(model: &Model, config: &str, name: &str, target: &Target) -> (Vec<String>, bool) {
        match solution(model, config, name, target) {
            Solution::Found {
                settings,
                is_smallest,
            } => {
                let shown = |s: &Setting| format!("{}={}", model.name(s.symbol), s.value);
                (settings.iter().map(shown).collect(), is_smallest)
            }
            Solution::Impossible(obstacles) => panic!("impossible: {obstacles:?}"),
            Solution::NotFound { tries } => panic!("not found in {tries} tries"),
        }
    }

    fn solution(model: &Model, config: &str, name: &str, target: &Target) -> Solution {
        let search = Search {
            model,
            config: &Config::parse(config.as_bytes()),
            assumed: &Assumptions::default(),
            id: model.symbols.find(name).unwrap(),
            target,
        };
        search.run()
    }

    const ON: Target = Target::Between(Module, Yes);
    const OFF: Target = Target::Between(No, No);

    #[test]
    fn target_goal_is_the_side_that_is_missed() {
        let goals = |target: Target| [No, Module, Yes].map(|value| target.goal(value));
        let least = |value| Some(Goal::AtLeast(value));
        let most = |value| Some(Goal::AtMost(value));
        assert_eq!(goals(ON), [least(Module), None, None]);
        assert_eq!(goals(OFF), [None, most(No), most(No)]);
        assert_eq!(
            goals(Target::Between(Module, Module)),
            [least(Module), None, most(Module)]
        );
        assert_eq!(
            goals(Target::Text("x".into(), "\"x\"".into())),
            [None, None, None]
        );
    }

    #[test]
    fn search_prefers_the_way_that_turns_less_down() {
        // A can come by B, or by turning off D, on which a hundred others depend.
        let mut kconfig =
            "config A\n\tbool \"a\"\n\tdepends on !D || B && C\nconfig B\n\tbool \"b\"\n\
                           config C\n\tbool \"c\"\nconfig D\n\tbool \"d\"\n"
                .to_owned();
        let few = model(&kconfig);
        let config = "CONFIG_D=y\n";
        assert_eq!(
            found(&few, config, "A", &ON),
            (vec!["A=y".into(), "D=n".into()], true)
        );
        for n in 0..100 {
            kconfig += &format!("config X{n}\n\tdef_bool y\n\tdepends on D\n");
        }
        let (settings, is_smallest) = found(&model(&kconfig), config, "A", &ON);
        assert_eq!(settings, ["A=y", "B=y", "C=y"]);
        assert!(is_smallest);
    }

    #[test]
    fn search_leaves_out_what_comes_by_itself() {
        // The estimate counts B and C apart; B alone selects C.
        let model = model(
            "config A\n\tbool \"a\"\n\tdepends on C && B\nconfig B\n\tbool \"b\"\n\tselect C\n\
             config C\n\tbool \"c\"\n",
        );
        assert_eq!(
            found(&model, "", "A", &ON),
            (vec!["A=y".into(), "B=y".into()], true)
        );
    }

    #[test]
    fn search_sets_exact_values_and_texts() {
        let model = model(
            "config MODULES\n\tbool \"m\"\n\tmodules\n\tdefault y\nconfig T\n\ttristate \"t\"\n\
             config S\n\tstring \"s\"\n\tdepends on T\nconfig H\n\tint\n\tdefault 3\n",
        );
        let exactly = Target::Between(Module, Module);
        assert_eq!(found(&model, "", "T", &exactly).0, ["T=m"]);
        assert_eq!(found(&model, "CONFIG_T=y\n", "T", &exactly).0, ["T=m"]);
        assert_eq!(found(&model, "CONFIG_T=m\n", "T", &OFF).0, ["T=n"]);
        let text = Target::Text("x".into(), "\"x\"".into());
        assert_eq!(found(&model, "", "S", &text).0, ["T=m", "S=\"x\""]);
        let number = Target::Text("4".into(), "4".into());
        let Solution::Impossible(obstacles) = solution(&model, "", "H", &number) else {
            panic!("a number without a prompt cannot be set")
        };
        let id = model.symbols.find("H").unwrap();
        assert_eq!(obstacles, [Obstacle::NotSettable(id, Goal::AtLeast(Yes))]);
    }

    #[test]
    fn search_says_when_each_setting_undoes_another() {
        // B and C are both needed, and each turns the other off.
        let model = model(
            "config A\n\tbool \"a\"\n\tdepends on B && C\nchoice\n\tprompt \"one\"\nconfig B\n\tbool \"b\"\n\
             config C\n\tbool \"c\"\nendchoice\n",
        );
        let Solution::NotFound { tries } = solution(&model, "", "A", &ON) else {
            panic!("there is no solution")
        };
        assert!((2..=MAX_TRIES).contains(&tries), "{tries}");
    }
}
