// SPDX-License-Identifier: MIT OR Apache-2.0

//! Why a symbol does not have a wanted value, and which changes give it.

use std::fmt;

use rustc_hash::FxHashSet;

use crate::config::{Config, quoted, unquoted};
use crate::error::{Error, Location};
use crate::eval::{Assumptions, Values};
use crate::expr::{Comparison, Expr};
use crate::ids::{ExprId, SymbolId};
use crate::model::{Model, SymbolInfo};
use crate::need::{Goal, Obstacle, Setting};
use crate::number;
use crate::solve::{Search, Solution, Target};
use crate::symbol::{Fact, PropertyKind, SymbolType};
use crate::tristate::Tristate;

/// How deep the tree of causes goes.
const MAX_DEPTH: usize = 24;
/// How many symbols the tree of causes names in all.
const MAX_CAUSES: usize = 400;
/// How many selectors are named if none is on.
const MAX_SELECTORS: usize = 6;
/// How often facts are assumed and the question asked again.
const MAX_ASSUMING: usize = 6;

/// The value that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `y`, or `m` for a tristate: whichever comes first.
    On,
    /// This value of a bool or a tristate.
    Exactly(Tristate),
    /// This text or number, without quotes.
    Text(String),
}

/// The answer to a question about one symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The symbol, its value now, and what keeps it from the wanted one.
    pub symbol: Involved,
    /// The value that was asked for.
    pub wanted: Wanted,
    /// What to do.
    pub answer: Answer,
}

/// What to do to give a symbol a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: the symbol has the value.
    Already,
    /// These changes do it: they were applied and everything evaluated again.
    Changes(Plan),
    /// No change of the configuration does it.
    Impossible {
        /// What stands in the way, all of it.
        blockers: Vec<Blocker>,
        /// What is still to be changed once the tools say what is needed, if all blockers are
        /// facts of the tools. Evaluated as if they said so.
        afterwards: Option<Plan>,
    },
    /// The search found no set of changes: those it tried undid each other, or its budget was used
    /// up.
    NotFound {
        /// How many configurations were evaluated.
        tries: usize,
        /// The lowest and the highest value that a number can have as it is configured now.
        range: Option<(String, String)>,
    },
}

/// A set of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The changes. Their order does not matter, and none can be left out.
    pub changes: Vec<Change>,
    /// Whether it is certain that no smaller set does it, and not only that none was found.
    /// Smaller is what has fewer changes. What turns much else down counts for more: a change
    /// that takes a thousand symbols away counts as much as three that take nothing.
    pub is_smallest: bool,
    /// The value that the symbol has with the changes.
    pub value: String,
}

impl Plan {
    /// The changes as lines of a `.config`: appended to the configuration, `olddefconfig`
    /// makes the wanted value of them.
    #[must_use]
    pub fn fragment(&self) -> String {
        self.changes
            .iter()
            .map(|change| change.line() + "\n")
            .collect()
    }
}

/// A symbol to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is to be set.
    pub symbol: SymbolInfo,
    /// Its value now.
    pub from: String,
    /// What to set it to, as a `.config` writes it: `y`, `m`, `n`, a number, a text in quotes.
    pub to: String,
}

impl Change {
    /// The line of a `.config` that makes the change.
    #[must_use]
    pub fn line(&self) -> String {
        match self.to.as_str() {
            "n" => format!("# CONFIG_{} is not set", self.symbol.name),
            value => format!("CONFIG_{}={value}", self.symbol.name),
        }
    }
}

/// A symbol whose value matters, and why it is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Involved {
    /// The symbol and where it is defined.
    pub symbol: SymbolInfo,
    /// Its value now.
    pub value: String,
    /// What it would have to be: `y`, `m or y`, `n`, `>= 124`.
    pub needed: String,
    /// How it comes to its value.
    pub state: Standing,
    /// What keeps it from what is needed; empty when it can simply be set, when nothing can be
    /// done, or when it was explained before.
    pub causes: Vec<Cause>,
}

/// How a symbol comes to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its prompt is shown, and the configuration decides.
    Settable,
    /// It has a prompt that is not shown: the causes say why.
    Hidden,
    /// It has no prompt: defaults and selects decide.
    Computed {
        /// Some of those that select or imply it.
        by: Vec<String>,
        /// How many do in all.
        count: usize,
    },
    /// Symbols that are on select it, so that it cannot be less: the causes name them.
    Selected,
    /// A tool or the environment decides.
    Tool(Fact),
    /// No file of this architecture defines it.
    Undefined,
    /// It is explained further up.
    Above,
}

/// A condition that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What kind of statement it is from: `depends on`, `default`, `select`, ...
    pub statement: &'static str,
    /// The part of the condition that is not met, as Kconfig would write it.
    pub condition: String,
    /// Its value now; nothing where only a tool knows it.
    pub value: Option<Tristate>,
    /// The symbols in it that would have to change.
    pub symbols: Vec<Involved>,
    /// Whether it is enough that one of them does, and not all.
    pub is_any_enough: bool,
}

/// Something that no setting changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The symbol, or nothing if it is a bare test of a tool.
    pub symbol: Option<SymbolInfo>,
    /// What it would have to be.
    pub needed: String,
    /// Its value now.
    pub value: String,
    /// Why it is so.
    pub kind: BlockerKind,
}

/// Why no setting changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockerKind {
    /// No file of this architecture defines the symbol.
    Undefined,
    /// The dependency is a constant: `depends on n`.
    Constant,
    /// What a tool or the environment of `make` says.
    Tool(Fact),
    /// The symbol has no prompt, and no symbol that could be on gives it the value.
    NotSettable,
    /// A comparison that no value a user can set would meet.
    Comparison(String),
}

impl Model {
    /// Why a symbol does not have a value, and the smallest set of changes that gives it.
    ///
    /// # Errors
    /// When no file mentions the symbol, or its type cannot have the value.
    pub fn why(&self, name: &str, wanted: &Wanted, config: &Config) -> Result<Why, Error> {
        let id = self.find(name)?;
        let target = self.target(id, wanted)?;
        let nothing = Assumptions::default();
        let mut values = Values::new(self, config, nothing.clone());
        let mut causes = Causes::new(&values);
        let symbol = causes.involved(id, &target);
        let search = Search {
            model: self,
            config,
            assumed: &nothing,
            id,
            target: &target,
        };
        let answer = if target.is_met(&values, id) {
            Answer::Already
        } else {
            match search.run() {
                Solution::Found {
                    settings,
                    is_smallest,
                } => Answer::Changes(plan(&search, &values, settings, is_smallest)),
                Solution::NotFound { tries } => Answer::NotFound {
                    tries,
                    range: values.shown_range(id),
                },
                Solution::Impossible(obstacles) => {
                    self.impossible(id, &target, config, &values, obstacles)
                }
            }
        };
        Ok(Why {
            symbol,
            wanted: wanted.clone(),
            answer,
        })
    }

    fn find(&self, name: &str) -> Result<SymbolId, Error> {
        let name = name.strip_prefix("CONFIG_").unwrap_or(name);
        let found = self.symbols.find(name);
        found.ok_or_else(|| Error::UnknownSymbol {
            name: name.to_owned(),
            root: self.root.display().to_string(),
            nearest: self.similar(name).map(str::to_owned),
        })
    }

    /// The defined name that differs in the fewest letters.
    fn similar(&self, name: &str) -> Option<&str> {
        const MAX_NAME: usize = 64;
        let name = name.to_ascii_uppercase();
        if name.len() > MAX_NAME {
            return None;
        }
        let near = self
            .names()
            .filter(|other| other.len().abs_diff(name.len()) <= 2);
        let distance = |other: &str| edit_distance(name.as_bytes(), other.as_bytes());
        near.map(|other| (distance(other), other))
            .filter(|&(d, _)| d <= 2)
            .min()
            .map(|(_, o)| o)
    }

    fn target(&self, id: SymbolId, wanted: &Wanted) -> Result<Target, Error> {
        let symbol = self.symbols.get(id);
        let wrong = |value: &str| Error::WrongValue {
            symbol: symbol.name.clone(),
            kind: symbol.kind.described(),
            value: value.to_owned(),
        };
        // A symbol that is only mentioned has no type: the question may still be asked.
        let is_logic = symbol.kind.is_logic() || symbol.kind == SymbolType::Unknown;
        match wanted {
            Wanted::On if is_logic => Ok(Target::Between(Tristate::Module, Tristate::Yes)),
            Wanted::On => Err(wrong("y")),
            Wanted::Exactly(Tristate::Module) if symbol.kind == SymbolType::Bool => Err(wrong("m")),
            Wanted::Exactly(value) if is_logic => Ok(Target::Between(*value, *value)),
            Wanted::Exactly(value) => Err(wrong(value.letter())),
            Wanted::Text(text) => {
                if is_logic {
                    return match Tristate::from_letter(text) {
                        Some(value) if text.len() == 1 => self.target(id, &Wanted::Exactly(value)),
                        _ => Err(wrong(text)),
                    };
                }
                let is_string = symbol.kind == SymbolType::String;
                // A text may come as a `.config` writes it.
                let bare = if is_string { unquoted(text) } else { None };
                let text = bare.unwrap_or_else(|| text.clone());
                if !number::is_valid(&text, symbol.kind) || text.contains('\n') {
                    return Err(wrong(&text));
                }
                let written = if is_string {
                    quoted(&text)
                } else {
                    text.clone()
                };
                Ok(Target::Text(text, written))
            }
        }
    }

    fn impossible(
        &self,
        id: SymbolId,
        target: &Target,
        config: &Config,
        values: &Values<'_>,
        obstacles: Vec<Obstacle>,
    ) -> Answer {
        let mut assumed = Assumptions::default();
        let mut blockers: Vec<_> = obstacles.iter().map(|o| self.blocker(values, o)).collect();
        let mut afterwards = None;
        let mut pending = obstacles;
        for _ in 0..MAX_ASSUMING {
            let before = assumed.len();
            let are_facts = pending.iter().all(|obstacle| match obstacle {
                Obstacle::Fact(fact) => {
                    assumed.insert(*fact, "y".to_owned());
                    true
                }
                Obstacle::Tool(symbol, value) => {
                    assumed.insert(*symbol, value.clone());
                    true
                }
                _ => false,
            });
            if !are_facts || assumed.len() == before {
                break;
            }
            let search = Search {
                model: self,
                config,
                assumed: &assumed,
                id,
                target,
            };
            match search.run() {
                Solution::Found {
                    settings,
                    is_smallest,
                } => {
                    afterwards = Some(plan(&search, values, settings, is_smallest));
                    break;
                }
                Solution::NotFound { .. } => break,
                Solution::Impossible(more) => {
                    blockers.extend(more.iter().map(|o| self.blocker(values, o)));
                    pending = more;
                }
            }
        }
        Answer::Impossible {
            blockers,
            afterwards,
        }
    }

    fn blocker(&self, values: &Values<'_>, obstacle: &Obstacle) -> Blocker {
        let about = |id: SymbolId, needed: String, kind| Blocker {
            symbol: Some(self.info(id)),
            needed,
            value: shown_value(values, id).to_owned(),
            kind,
        };
        match obstacle {
            &Obstacle::Undefined(id) => about(id, "on".to_owned(), BlockerKind::Undefined),
            &Obstacle::Constant(id) => about(id, "y".to_owned(), BlockerKind::Constant),
            &Obstacle::NotSettable(id, goal) => about(
                id,
                needed(goal, self.symbols.get(id).kind),
                BlockerKind::NotSettable,
            ),
            Obstacle::Comparison(id, text) => {
                about(*id, text.clone(), BlockerKind::Comparison(text.clone()))
            }
            Obstacle::Tool(id, value) => {
                let fact = self
                    .tool_fact(*id)
                    .unwrap_or_else(|| unknown_fact(self, *id));
                about(*id, value.clone(), BlockerKind::Tool(fact))
            }
            &Obstacle::Fact(id) => {
                let fact = self.symbols.get(id).fact.as_deref().cloned();
                let fact = fact.unwrap_or_else(|| unknown_fact(self, id));
                Blocker {
                    symbol: None,
                    needed: "y".to_owned(),
                    value: shown_value(values, id).to_owned(),
                    kind: BlockerKind::Tool(fact),
                }
            }
        }
    }

    /// The macro call that makes a symbol's default.
    fn tool_fact(&self, id: SymbolId) -> Option<Fact> {
        self.symbols.get(id).properties.iter().find_map(|property| {
            let text = property.macros.as_deref()?.to_owned();
            matches!(property.kind, PropertyKind::Default(_)).then(|| Fact {
                text,
                at: property.at.clone(),
            })
        })
    }
}

fn unknown_fact(model: &Model, id: SymbolId) -> Fact {
    let at = model.symbols.get(id).definitions.first().cloned();
    Fact {
        text: model.name(id),
        at: at.unwrap_or_else(|| Location {
            file: "Kconfig".into(),
            line: 1,
        }),
    }
}

fn plan(
    search: &Search<'_>,
    before: &Values<'_>,
    settings: Vec<Setting>,
    is_smallest: bool,
) -> Plan {
    let model = search.model;
    let set = settings
        .iter()
        .map(|s| (s.symbol, s.value.clone()))
        .collect();
    let value = search.values(&set).text(search.id).to_owned();
    let changes = settings
        .into_iter()
        .map(|setting| Change {
            symbol: model.info(setting.symbol),
            from: before.text(setting.symbol).to_owned(),
            to: setting.value,
        })
        .collect();
    Plan {
        changes,
        is_smallest,
        value,
    }
}

fn needed(goal: Goal, kind: SymbolType) -> String {
    match goal {
        Goal::AtLeast(_) if kind == SymbolType::Bool => "y",
        Goal::AtMost(_) if kind == SymbolType::Bool => "n",
        Goal::AtLeast(Tristate::Yes) => "y",
        Goal::AtLeast(_) => "m or y",
        Goal::AtMost(Tristate::No) => "n",
        Goal::AtMost(_) => "n or m",
    }
    .to_owned()
}

/// The value as a message shows it. A symbol that is only mentioned has none, and counts as `n`.
fn shown_value<'v>(values: &'v Values<'_>, id: SymbolId) -> &'v str {
    let symbol = values.model().symbols.get(id);
    if values.model().symbols.is_unknown(id) {
        "not known"
    } else if symbol.kind == SymbolType::Unknown && !symbol.is_const {
        "n"
    } else {
        values.text(id)
    }
}

fn edit_distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, r) in right.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(l != r))
                .min(above + 1)
                .min(row[j] + 1);
            diagonal = above;
        }
    }
    row[right.len()]
}

/// Builds the tree of causes for one configuration.
struct Causes<'v, 'm> {
    values: &'v Values<'m>,
    model: &'m Model,
    told: FxHashSet<(SymbolId, Goal)>,
    left: usize,
}

impl<'v, 'm> Causes<'v, 'm> {
    fn new(values: &'v Values<'m>) -> Self {
        Self {
            values,
            model: values.model(),
            told: FxHashSet::default(),
            left: MAX_CAUSES,
        }
    }

    fn involved(&mut self, id: SymbolId, target: &Target) -> Involved {
        match target {
            Target::Between(low, _) => {
                let goal = target.goal(self.values.value_of(id));
                self.logic(id, goal.unwrap_or(Goal::AtLeast(*low)), 0)
            }
            Target::Text(text, _) => self.with_prompt(id, format!("= {text}"), 0),
        }
    }

    /// A symbol that can only be set by its prompt.
    fn with_prompt(&mut self, id: SymbolId, needed: String, depth: usize) -> Involved {
        let (state, causes) = self.hidden(id, Tristate::Module, depth);
        self.finish(id, needed, state, causes)
    }

    fn finish(
        &self,
        id: SymbolId,
        needed: String,
        state: Standing,
        causes: Vec<Cause>,
    ) -> Involved {
        let symbol = self.model.info(id);
        let value = shown_value(self.values, id).to_owned();
        Involved {
            symbol,
            value,
            needed,
            state,
            causes,
        }
    }

    fn logic(&mut self, id: SymbolId, goal: Goal, depth: usize) -> Involved {
        let symbol = self.model.symbols.get(id);
        let needs = needed(goal, symbol.kind);
        if let Some(fact) = &symbol.fact {
            return self.finish(id, needs, Standing::Tool((**fact).clone()), Vec::new());
        }
        if symbol.definitions.is_empty() && !symbol.is_const {
            return self.finish(id, needs, Standing::Undefined, Vec::new());
        }
        if goal.is_met_by(self.values.value_of(id)) || symbol.is_const {
            return self.finish(id, needs, Standing::Settable, Vec::new());
        }
        if !self.told.insert((id, goal)) || depth > MAX_DEPTH || self.left == 0 {
            return self.finish(id, needs, Standing::Above, Vec::new());
        }
        self.left -= 1;
        let is_bool = self.values.effective_kind(id) == SymbolType::Bool;
        let (state, causes) = match if is_bool { goal.of_bool() } else { goal } {
            Goal::AtMost(most) if self.values.selected(id) > most => {
                let mut causes = Vec::new();
                for &term in &symbol.selected {
                    self.unmet("select", term, Goal::AtMost(most), depth, &mut causes);
                }
                (Standing::Selected, causes)
            }
            Goal::AtMost(_) if self.values.visible(id) != Tristate::No => {
                (Standing::Settable, Vec::new())
            }
            goal @ Goal::AtMost(_) => {
                let mut causes = Vec::new();
                for property in &symbol.properties {
                    let PropertyKind::Default(value) = property.kind else {
                        continue;
                    };
                    let (_, shown) = self.values.bounds(property.condition);
                    if shown == Tristate::No {
                        continue;
                    }
                    let is_const = matches!(self.model.exprs.get(value),
                        Expr::Symbol(id) if self.model.symbols.get(id).is_const);
                    let decides = property.condition.filter(|_| is_const).unwrap_or(value);
                    self.unmet("default", decides, goal, depth, &mut causes);
                    break;
                }
                (self.computed(id), causes)
            }
            Goal::AtLeast(least) => self.hidden(id, least, depth),
        };
        self.finish(id, needs, state, causes)
    }

    fn computed(&self, id: SymbolId) -> Standing {
        let symbol = self.model.symbols.get(id);
        let terms = symbol.selected.iter().chain(&symbol.implied);
        let by = terms
            .clone()
            .take(MAX_SELECTORS)
            .map(|&term| self.model.text(term))
            .collect();
        match self.model.tool_fact(id) {
            Some(fact) => Standing::Tool(fact),
            None => Standing::Computed {
                by,
                count: terms.count(),
            },
        }
    }

    /// What keeps a symbol from being set to at least `least`.
    fn hidden(&mut self, id: SymbolId, least: Tristate, depth: usize) -> (Standing, Vec<Cause>) {
        let symbol = self.model.symbols.get(id);
        let is_tristate = self.values.effective_kind(id) == SymbolType::Tristate;
        let shown = if is_tristate { least } else { Tristate::Module };
        let goal = Goal::AtLeast(shown);
        let mut causes = Vec::new();
        let prompts: Vec<_> = symbol
            .properties
            .iter()
            .filter(|property| matches!(property.kind, PropertyKind::Prompt(_)))
            .collect();
        if self.values.visible(id) >= shown && !prompts.is_empty() {
            return (Standing::Settable, causes);
        }
        for prompt in &prompts {
            if let Some(condition) = prompt.condition {
                self.unmet("depends on", condition, goal, depth, &mut causes);
            }
        }
        if !prompts.is_empty() {
            return (Standing::Hidden, causes);
        }
        for property in &symbol.properties {
            let PropertyKind::Default(value) = property.kind else {
                continue;
            };
            if let Some(condition) = property.condition {
                self.unmet("default", condition, goal, depth, &mut causes);
            }
            // A bare test was named together with the symbol.
            let is_test = matches!(self.model.exprs.get(value),
                Expr::Symbol(id) if self.model.symbols.get(id).fact.is_some());
            if !is_test {
                self.unmet("default", value, goal, depth, &mut causes);
            }
        }
        if symbol.selected.len() <= MAX_SELECTORS {
            for &term in &symbol.selected {
                self.unmet("select", term, goal, depth, &mut causes);
            }
        }
        (self.computed(id), causes)
    }

    /// Adds each part of a condition that is not met.
    fn unmet(
        &mut self,
        statement: &'static str,
        condition: ExprId,
        goal: Goal,
        depth: usize,
        into: &mut Vec<Cause>,
    ) {
        let mut parts = Vec::new();
        match goal {
            Goal::AtLeast(_) => self.model.exprs.conjuncts(condition, &mut parts),
            Goal::AtMost(_) => parts.push(condition),
        }
        for part in parts {
            let (low, high) = self.values.bounds(Some(part));
            let is_met = match goal {
                Goal::AtLeast(least) => low >= least,
                Goal::AtMost(most) => high <= most,
            };
            let text = self.model.text(part);
            if is_met || self.left == 0 || into.iter().any(|known| known.condition == text) {
                continue;
            }
            let mut symbols = Vec::new();
            self.symbols(part, goal, depth, &mut symbols);
            into.push(Cause {
                statement,
                condition: text,
                value: (low == high).then_some(low),
                is_any_enough: symbols.len() > 1 && self.is_any_enough(part, goal),
                symbols,
            });
        }
    }

    fn is_any_enough(&self, expr: ExprId, goal: Goal) -> bool {
        match (self.model.exprs.get(expr), goal) {
            (Expr::Not(operand), _) => self.is_any_enough(operand, goal.not()),
            (Expr::And(_), Goal::AtMost(_)) | (Expr::Or(_), Goal::AtLeast(_)) => true,
            _ => false,
        }
    }

    /// The symbols that would have to change for an expression to meet a goal.
    fn symbols(&mut self, expr: ExprId, goal: Goal, depth: usize, into: &mut Vec<Involved>) {
        let (low, high) = self.values.bounds(Some(expr));
        let is_met = match goal {
            Goal::AtLeast(least) => low >= least,
            Goal::AtMost(most) => high <= most,
        };
        if is_met || self.left == 0 {
            return;
        }
        match self.model.exprs.get(expr) {
            Expr::Symbol(id) => {
                let involved = self.logic(id, goal, depth + 1);
                into.push(involved);
            }
            Expr::Not(operand) => {
                self.symbols(operand, goal.not(), depth, into);
            }
            Expr::And(operands) | Expr::Or(operands) => {
                for &operand in operands {
                    self.symbols(operand, goal, depth, into);
                }
            }
            Expr::Compare(comparison, left, right) => {
                let comparison = if matches!(goal, Goal::AtLeast(_)) {
                    comparison
                } else {
                    comparison.negated()
                };
                self.compared(comparison, left, right, depth, into);
                self.compared(comparison.mirrored(), right, left, depth, into);
            }
        }
    }

    fn compared(
        &mut self,
        comparison: Comparison,
        id: SymbolId,
        other: SymbolId,
        depth: usize,
        into: &mut Vec<Involved>,
    ) {
        let symbol = self.model.symbols.get(id);
        if symbol.is_const || symbol.definitions.is_empty() && !symbol.is_choice {
            return;
        }
        let needs = format!("{} {}", comparison.sign(), self.values.text(other));
        let involved = match (symbol.kind.is_logic(), comparison) {
            (true, Comparison::Equal) => {
                let value = Tristate::from_letter(self.values.text(other)).unwrap_or_default();
                let is_less = self.values.value_of(id) < value;
                let goal = if is_less {
                    Goal::AtLeast(value)
                } else {
                    Goal::AtMost(value)
                };
                self.logic(id, goal, depth + 1)
            }
            (true, _) => {
                let goal = match self.values.value_of(id) {
                    Tristate::No => Goal::AtLeast(Tristate::Module),
                    _ => Goal::AtMost(Tristate::No),
                };
                self.logic(id, goal, depth + 1)
            }
            (false, _) => match self.model.tool_fact(id) {
                Some(fact) => self.finish(id, needs, Standing::Tool(fact), Vec::new()),
                None => self.with_prompt(id, needs, depth + 1),
            },
        };
        into.push(involved);
    }
}

impl fmt::Display for Involved {
    /// The tree of causes, two blanks a level.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Involved {
    /// Its value now, where an empty one is shown as `""`.
    #[must_use]
    pub fn shown_value(&self) -> &str {
        match self.value.as_str() {
            "" => "\"\"",
            value => value,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, level: usize) -> fmt::Result {
        let value = self.shown_value();
        write!(f, "{:level$}{} is {value}", "", self.symbol.name)?;
        let at = self.symbol.definitions.first();
        match &self.state {
            Standing::Tool(fact) => write!(f, ", as {} says ({})", fact.text, fact.at)?,
            Standing::Undefined => write!(f, ", defined nowhere for this architecture")?,
            _ => {
                if let Some(at) = at {
                    write!(f, " ({at})")?;
                }
            }
        }
        write!(f, ", needed: {}", self.needed)?;
        match &self.state {
            Standing::Settable => write!(f, "; it can be set")?,
            Standing::Selected => write!(f, "; it is selected")?,
            Standing::Above => write!(f, "; see above")?,
            Standing::Computed { by, count } if !by.is_empty() => {
                write!(f, "; it has no prompt, {}", by.join(" or "))?;
                if *count > by.len() {
                    write!(f, " or one of {} more", count - by.len())?;
                }
                write!(f, " would turn it on")?;
            }
            Standing::Computed { .. } => write!(f, "; it has no prompt")?,
            Standing::Hidden | Standing::Tool(_) | Standing::Undefined => {}
        }
        writeln!(f)?;
        for cause in &self.causes {
            let level = level + 2;
            write!(f, "{:level$}{} {}", "", cause.statement, cause.condition)?;
            match cause.value {
                Some(value) => write!(f, " is {value}")?,
                None => write!(f, " is not known")?,
            }
            writeln!(
                f,
                "{}",
                if cause.is_any_enough {
                    "; one of these is enough:"
                } else {
                    ""
                }
            )?;
            for symbol in &cause.symbols {
                symbol.write(f, level + 2)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Blocker {
    /// One sentence without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            symbol,
            needed,
            value,
            kind,
        } = self;
        let name = symbol.as_ref().map_or("", |symbol| symbol.name.as_str());
        let at = symbol
            .as_ref()
            .and_then(|symbol| symbol.definitions.first());
        let at = at.map_or(String::new(), |at| format!(" ({at})"));
        match kind {
            BlockerKind::Undefined => {
                write!(f, "{name} is not defined for this architecture")
            }
            BlockerKind::Constant => write!(f, "a dependency is the constant {name}"),
            BlockerKind::Tool(fact) if symbol.is_none() => {
                write!(
                    f,
                    "{} ({}) is {value}, needed: {needed}",
                    fact.text, fact.at
                )
            }
            BlockerKind::Tool(fact) => write!(
                f,
                "{name}{at} is {value}, needed: {needed}; no setting changes it, it is what {} says",
                fact.text
            ),
            BlockerKind::NotSettable => {
                write!(
                    f,
                    "{name}{at} is {value}, needed: {needed}; nothing that can be set leads there"
                )
            }
            BlockerKind::Comparison(text) => {
                write!(
                    f,
                    "{name}{at} is {value}, but {text} is needed and it cannot be set so"
                )
            }
        }
    }
}
