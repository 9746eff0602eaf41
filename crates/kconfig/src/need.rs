// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a wanted value needs: how many settings it takes, which of them are possible now, and which
//! obstacles no setting removes.
//!
//! Everything here looks at one evaluated configuration and follows expressions from the wanted
//! symbol to what a user can set. The costs are estimates. They add up what operands need as if
//! they shared nothing, and ignore that one setting may undo another. The search in `solve.rs`
//! therefore evaluates each set of settings before it returns one.

use std::cmp::{max, min};

use rustc_hash::FxHashMap;

use crate::config::quoted;
use crate::eval::Values;
use crate::expr::{Comparison, Expr};
use crate::ids::{ExprId, SymbolId};
use crate::model::Model;
use crate::number;
use crate::symbol::{PropertyKind, Symbol, SymbolType};
use crate::tristate::Tristate;

/// The cost of what is impossible: more than any set of settings weighs.
pub(crate) const NEVER: u32 = 1 << 24;
/// What one setting weighs.
pub(crate) const ONE: u32 = 8;
/// How many symbols' costs are computed at most for one configuration. The kernel's largest
/// question takes some 30,000.
const MAX_COSTS: usize = 400_000;
/// How many obstacles are named at most.
const MAX_OBSTACLES: usize = 32;
/// How deep dependencies are followed; the kernel's chains have some 40 links.
const MAX_DEPTH: usize = 250;

/// Something to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Goal {
    AtLeast(Tristate),
    AtMost(Tristate),
}

impl Goal {
    pub(crate) const fn is_met_by(self, value: Tristate) -> bool {
        match self {
            Self::AtLeast(least) => value as u8 >= least as u8,
            Self::AtMost(most) => value as u8 <= most as u8,
        }
    }

    pub(crate) fn not(self) -> Self {
        match self {
            Self::AtLeast(value) => Self::AtMost(!value),
            Self::AtMost(value) => Self::AtLeast(!value),
        }
    }

    /// The same goal for the conditions of a bool: it is never `m`, because an `m` in its
    /// conditions makes it `y`.
    pub(crate) fn of_bool(self) -> Self {
        match self {
            Self::AtLeast(Tristate::Yes) => Self::AtLeast(Tristate::Module),
            Self::AtMost(Tristate::Module) => Self::AtMost(Tristate::No),
            other => other,
        }
    }
}

/// A line to be added to the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Setting {
    pub(crate) symbol: SymbolId,
    /// As a `.config` has it.
    pub(crate) value: String,
}

/// Why a symbol cannot have a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Obstacle {
    /// It is mentioned, but no file of this architecture defines it.
    Undefined(SymbolId),
    /// A constant stands where a dependency should: `depends on n`.
    Constant(SymbolId),
    /// What a tool or the environment said, in an expression.
    Fact(SymbolId),
    /// What a tool said is the symbol's value; it would have to be the text.
    Tool(SymbolId, String),
    /// No prompt, and nothing that could change it.
    NotSettable(SymbolId, Goal),
    /// A comparison that no value a user can set would meet.
    Comparison(SymbolId, String),
}

/// Answers for one configuration, and remembers them.
pub(crate) struct Needs<'v, 'm> {
    values: &'v Values<'m>,
    model: &'m Model,
    costs: FxHashMap<(SymbolId, Goal), u32>,
    /// The symbols whose cost is being computed, and their depth. A symbol that needs itself is
    /// impossible.
    open: FxHashMap<(SymbolId, Goal), usize>,
    /// The outermost open symbol that the current computation ran into.
    outermost: usize,
    /// How much may still be looked at.
    budget: usize,
    /// What keeps symbols from their goals, where that was found out.
    found: FxHashMap<(SymbolId, Goal), Vec<Obstacle>>,
}

impl<'v, 'm> Needs<'v, 'm> {
    pub(crate) fn new(values: &'v Values<'m>) -> Self {
        let model = values.model();
        Self {
            values,
            model,
            costs: FxHashMap::default(),
            open: FxHashMap::default(),
            outermost: usize::MAX,
            budget: MAX_COSTS,
            found: FxHashMap::default(),
        }
    }

    fn meets(&self, expr: Option<ExprId>, goal: Goal) -> bool {
        let (low, high) = self.values.bounds(expr);
        match goal {
            Goal::AtLeast(least) => low >= least,
            Goal::AtMost(most) => high <= most,
        }
    }

    /// Whether a prompt is shown, decided as the evaluation decides it where facts are unknown.
    fn shows(&self, of: SymbolId, condition: Option<ExprId>, goal: Goal) -> bool {
        let (low, high) = self.values.bounds(condition);
        let value = if self.values.is_recorded(of) {
            high
        } else {
            low
        };
        goal.is_met_by(value)
    }

    /// What a prompt's condition must be for the symbol to be `value`.
    fn wanted_condition(&self, id: SymbolId, value: Tristate) -> Tristate {
        let is_bool = self.values.effective_kind(id) != SymbolType::Tristate;
        if is_bool || !self.model.symbols.get(id).kind.is_logic() {
            Tristate::Module
        } else {
            max(value, Tristate::Module)
        }
    }

    /// The weight of the settings that bring an expression to a goal.
    pub(crate) fn cost(&mut self, expr: Option<ExprId>, goal: Goal, depth: usize) -> u32 {
        if self.meets(expr, goal) {
            return 0;
        }
        let Some(expr) = expr else { return NEVER };
        let model = self.model;
        match (model.exprs.get(expr), goal) {
            (Expr::Symbol(id), _) => self.symbol_cost(id, goal, depth + 1),
            (Expr::Not(operand), _) => self.cost(Some(operand), goal.not(), depth),
            (Expr::And(operands), Goal::AtLeast(_)) | (Expr::Or(operands), Goal::AtMost(_)) => {
                let mut sum = 0;
                for &operand in operands {
                    sum += self.cost(Some(operand), goal, depth);
                    if sum >= NEVER {
                        return NEVER;
                    }
                }
                sum
            }
            (Expr::Or(operands), _) | (Expr::And(operands), _) => {
                let costs = operands
                    .iter()
                    .map(|&operand| self.cost(Some(operand), goal, depth));
                costs.min().unwrap_or(NEVER)
            }
            (Expr::Compare(comparison, left, right), _) => {
                let ways = self.comparison_ways(comparison, left, right, goal);
                ways.iter()
                    .map(|way| self.way_cost(way, depth + 1))
                    .min()
                    .unwrap_or(NEVER)
            }
        }
    }

    pub(crate) fn symbol_cost(&mut self, id: SymbolId, goal: Goal, depth: usize) -> u32 {
        if goal.is_met_by(self.values.value_of(id)) {
            return 0;
        }
        if let Some(&cost) = self.costs.get(&(id, goal)) {
            return cost;
        }
        if let Some(&level) = self.open.get(&(id, goal)) {
            self.outermost = min(self.outermost, level);
            return NEVER;
        }
        if depth > MAX_DEPTH || self.budget == 0 {
            self.outermost = 0;
            return NEVER;
        }
        self.budget -= 1;
        let level = self.open.len() + 1;
        self.open.insert((id, goal), level);
        let before = std::mem::replace(&mut self.outermost, usize::MAX);
        let mut cost = NEVER;
        for way in &self.ways(id, goal) {
            cost = min(cost, self.way_cost(way, depth));
            if cost <= ONE {
                break;
            }
        }
        self.open.remove(&(id, goal));
        // "Never" is final only if it does not rest on an outer symbol that is still being
        // computed.
        if self.outermost >= level {
            self.outermost = before;
            self.costs.insert((id, goal), cost);
        } else {
            self.outermost = min(self.outermost, before);
            if cost < NEVER {
                self.costs.insert((id, goal), cost);
            }
        }
        cost
    }

    /// What a setting weighs. To turn something off takes it away from all that depends on it.
    /// `MODULES=n` is one line, but not a small change: it weighs as much as four others.
    pub(crate) fn weight(&self, symbol: SymbolId, value: &str) -> u32 {
        let off = self.model.symbols.get(symbol).kind.is_logic()
            && Tristate::from_letter(value) < Some(self.values.value_of(symbol));
        let dependents = self.model.symbols.get(symbol).dependents;
        ONE + if off {
            2 * dependents.saturating_add(1).ilog2()
        } else {
            0
        }
    }

    fn way_cost(&mut self, way: &Way, depth: usize) -> u32 {
        let mut sum = match &way.setting {
            Some(setting) => self.weight(setting.symbol, &setting.value),
            None => 0,
        };
        sum += way.detour;
        for need in &way.needs {
            sum += match *need {
                Need::Expr(expr, goal) => self.cost(Some(expr), goal, depth),
                Need::Symbol(id, goal) => self.symbol_cost(id, goal, depth + 1),
                Need::Never => NEVER,
            };
            if sum >= NEVER {
                return NEVER;
            }
        }
        sum
    }

    /// Each way to bring a symbol to a goal that it does not meet now.
    fn ways(&self, id: SymbolId, goal: Goal) -> Vec<Way> {
        let symbol = self.model.symbols.get(id);
        if symbol.is_const || !symbol.kind.is_logic() {
            return Vec::new();
        }
        let goal = match (goal, self.values.effective_kind(id)) {
            (Goal::AtMost(_), SymbolType::Bool) => goal.of_bool(),
            _ => goal,
        };
        if symbol.is_choice {
            return self.choice_ways(id, symbol, goal);
        }
        match goal {
            Goal::AtLeast(least) => self.ways_up(id, symbol, least),
            Goal::AtMost(most) => self.ways_down(id, symbol, most),
        }
    }

    fn prompts<'s>(symbol: &'s Symbol) -> impl Iterator<Item = Option<ExprId>> + 's {
        symbol
            .properties
            .iter()
            .filter(|property| matches!(property.kind, PropertyKind::Prompt(_)))
            .map(|property| property.condition)
    }

    /// Adds the ways that set the symbol: each shows one of its prompts first.
    fn set_ways(
        &self,
        id: SymbolId,
        symbol: &Symbol,
        shown: Tristate,
        value: &str,
        into: &mut Vec<Way>,
    ) {
        let goal = Goal::AtLeast(shown);
        for condition in Self::prompts(symbol) {
            let mut way = Way::set(id, value);
            match condition {
                Some(_) if self.shows(id, condition, goal) => {}
                Some(condition) => way.needs.push(Need::Expr(condition, goal)),
                None => {}
            }
            into.push(way);
        }
    }

    fn ways_up(&self, id: SymbolId, symbol: &Symbol, least: Tristate) -> Vec<Way> {
        let mut ways = Vec::new();
        let shown = self.wanted_condition(id, least);
        let value = if symbol.kind == SymbolType::Bool || self.values.modules() == Tristate::No {
            Tristate::Yes
        } else {
            max(least, Tristate::Module)
        };
        if let Some(choice) = symbol.choice {
            // A member that is only `m` while its choice is `y` cannot be picked.
            let is_single = self.values.value_of(choice) == Tristate::Yes;
            let value = if is_single { Tristate::Yes } else { value };
            self.set_ways(id, symbol, shown, value.letter(), &mut ways);
            return ways;
        }
        self.set_ways(id, symbol, shown, value.letter(), &mut ways);
        let raise = if symbol.kind == SymbolType::Bool {
            Tristate::Module
        } else {
            least
        };
        for &term in &symbol.selected {
            ways.push(Way::needs(vec![Need::Expr(term, Goal::AtLeast(raise))]));
        }
        // A default counts only if no setting of the user does.
        if self.values.visible(id) == Tristate::No || !self.values.has_user_value(id) {
            for property in &symbol.properties {
                let PropertyKind::Default(value) = property.kind else {
                    continue;
                };
                let goal = Goal::AtLeast(raise);
                let mut needs = vec![Need::Expr(value, goal)];
                needs.extend(
                    property
                        .condition
                        .map(|condition| Need::Expr(condition, goal)),
                );
                ways.push(Way::needs(needs));
            }
            for &term in &symbol.implied {
                let goal = Goal::AtLeast(raise);
                let mut needs = vec![Need::Expr(term, goal)];
                needs.extend(symbol.depends.map(|depends| Need::Expr(depends, goal)));
                ways.push(Way::needs(needs));
            }
        }
        ways
    }

    fn ways_down(&self, id: SymbolId, symbol: &Symbol, most: Tristate) -> Vec<Way> {
        let goal = Goal::AtMost(most);
        if let Some(choice) = symbol.choice {
            let others = self.model.symbols.get(choice).members.iter().copied();
            let mut ways: Vec<_> = others
                .filter(|&other| other != id && self.values.visible(other) != Tristate::No)
                .map(|other| Way::set(other, "y"))
                .collect();
            ways.push(Way::needs(vec![Need::Symbol(choice, Goal::AtMost(most))]));
            if self.values.value_of(choice) == Tristate::Module {
                ways.push(Way::set(id, most.letter()));
            }
            return ways;
        }
        let unselected: Vec<_> = symbol
            .selected
            .iter()
            .filter(|&&term| !self.meets(Some(term), goal))
            .map(|&term| Need::Expr(term, goal))
            .collect();
        let mut ways = Vec::new();
        let value = match most {
            Tristate::Module if symbol.kind == SymbolType::Tristate => Tristate::Module,
            _ => Tristate::No,
        };
        let is_visible = self.values.visible(id) != Tristate::No;
        let is_set = is_visible && self.values.has_user_value(id);
        self.set_ways(id, symbol, Tristate::Module, value.letter(), &mut ways);
        for way in &mut ways {
            way.needs.extend(&unselected);
        }
        if !is_set {
            // Without a setting, every default that holds must go, and every `imply`.
            let mut needs = unselected.clone();
            for property in &symbol.properties {
                let PropertyKind::Default(value) = property.kind else {
                    continue;
                };
                if self.meets(Some(value), goal) || self.meets(property.condition, goal) {
                    continue;
                }
                needs.push(property.condition.map_or(Need::Expr(value, goal), |condition| {
                    // A constant cannot change, so its condition has to; otherwise the value does.
                    if matches!(self.model.exprs.get(value), Expr::Symbol(id) if self.model.symbols.get(id).is_const) {
                        Need::Expr(condition, goal)
                    } else {
                        Need::Expr(value, goal)
                    }
                }));
            }
            for &term in &symbol.implied {
                if !self.meets(Some(term), goal) {
                    needs.push(Need::Expr(term, goal));
                }
            }
            ways.push(Way::needs(needs));
        } else if let Some(depends) = symbol.depends {
            // Or its dependencies go, and the symbol with them.
            let mut needs = unselected.clone();
            needs.push(Need::Expr(depends, goal));
            ways.push(Way {
                detour: ONE,
                ..Way::needs(needs)
            });
        }
        ways
    }

    fn choice_ways(&self, id: SymbolId, symbol: &Symbol, goal: Goal) -> Vec<Way> {
        let mut ways = Vec::new();
        match goal {
            Goal::AtLeast(least) => {
                let shown = self.wanted_condition(id, least);
                for condition in Self::prompts(symbol) {
                    let is_shown = self.shows(id, condition, Goal::AtLeast(shown));
                    if let (Some(condition), false) = (condition, is_shown) {
                        let needs = vec![Need::Expr(condition, Goal::AtLeast(shown))];
                        ways.push(Way::needs(needs));
                        continue;
                    }
                    // The choice is shown already: only a member can raise it.
                    for &member in &symbol.members {
                        if self.values.visible(member) != Tristate::No {
                            ways.push(Way::set(member, max(least, Tristate::Module).letter()));
                        }
                    }
                }
            }
            Goal::AtMost(most) => {
                let mut needs = Vec::new();
                for condition in Self::prompts(symbol) {
                    needs.push(condition.map_or(Need::Never, |condition| {
                        Need::Expr(condition, Goal::AtMost(most))
                    }));
                }
                ways.push(Way::needs(needs));
                if let (Some(picked), Tristate::Module) = (self.values.picked(id), most) {
                    ways.push(Way::set(picked, "m"));
                }
            }
        }
        ways
    }

    /// Each way to make a comparison hold, or not hold.
    fn comparison_ways(
        &self,
        comparison: Comparison,
        left: SymbolId,
        right: SymbolId,
        goal: Goal,
    ) -> Vec<Way> {
        let comparison = match goal {
            Goal::AtLeast(Tristate::No) | Goal::AtMost(Tristate::Yes) => return Vec::new(),
            Goal::AtLeast(_) => comparison,
            Goal::AtMost(_) => comparison.negated(),
        };
        let mut ways = self.operand_ways(left, comparison, right);
        ways.extend(self.operand_ways(right, comparison.mirrored(), left));
        ways
    }

    /// Each way to set `id` so that it compares with the present value of the other.
    fn operand_ways(&self, id: SymbolId, comparison: Comparison, other: SymbolId) -> Vec<Way> {
        let symbol = self.model.symbols.get(id);
        let other_kind = self.model.symbols.get(other).kind;
        if symbol.is_const || symbol.kind == SymbolType::Unknown {
            return Vec::new();
        }
        let target = self.values.text(other);
        let fits =
            |text: &str| comparison.holds(number::compare(text, symbol.kind, target, other_kind));
        let mut ways = Vec::new();
        if symbol.kind.is_logic() {
            for value in [Tristate::No, Tristate::Module, Tristate::Yes] {
                if fits(value.letter()) {
                    let goals = [Goal::AtLeast(value), Goal::AtMost(value)];
                    ways.push(Way::needs(
                        goals.map(|goal| Need::Symbol(id, goal)).to_vec(),
                    ));
                }
            }
            return ways;
        }
        if let Some(text) = fitting_text(symbol.kind, target, fits) {
            let value = if symbol.kind == SymbolType::String {
                quoted(&text)
            } else {
                text
            };
            self.set_ways(id, symbol, Tristate::Module, &value, &mut ways);
        }
        ways
    }

    /// The ways to set a number or a string.
    pub(crate) fn text_way(&self, id: SymbolId, value: &str) -> Vec<Way> {
        let mut ways = Vec::new();
        let symbol = self.model.symbols.get(id);
        self.set_ways(id, symbol, Tristate::Module, value, &mut ways);
        ways
    }

    /// The settings that are possible as a next step. Each comes with the estimated weight of all
    /// settings that are needed if it is taken.
    pub(crate) fn steps(
        &mut self,
        ways: &[Way],
        into: &mut FxHashMap<Setting, u32>,
        budget: &mut usize,
    ) {
        for way in ways {
            let cost = self.way_cost(way, 0);
            self.way_steps(way, cost, into, budget, 0);
        }
    }

    fn way_steps(
        &mut self,
        way: &Way,
        total: u32,
        into: &mut FxHashMap<Setting, u32>,
        budget: &mut usize,
        depth: usize,
    ) {
        if total >= NEVER || *budget == 0 || depth > MAX_DEPTH {
            return;
        }
        *budget -= 1;
        let pending = way.needs.iter().find(|need| !self.is_met(need));
        match (pending, &way.setting) {
            (None, Some(setting)) => {
                let known = into.entry(setting.clone()).or_insert(total);
                *known = min(*known, total);
            }
            (None, None) | (Some(Need::Never), _) => {}
            (Some(&Need::Expr(expr, goal)), _) => {
                let cost = self.cost(Some(expr), goal, depth);
                self.expr_steps(
                    expr,
                    goal,
                    total - min(cost, total),
                    into,
                    budget,
                    depth + 1,
                );
            }
            (Some(&Need::Symbol(id, goal)), _) => {
                let cost = self.symbol_cost(id, goal, depth);
                self.symbol_steps(id, goal, total - min(cost, total), into, budget, depth + 1);
            }
        }
    }

    fn is_met(&self, need: &Need) -> bool {
        match *need {
            Need::Expr(expr, goal) => self.meets(Some(expr), goal),
            Need::Symbol(id, goal) => goal.is_met_by(self.values.value_of(id)),
            Need::Never => false,
        }
    }

    /// `besides` is the weight of what is needed apart from this expression.
    fn expr_steps(
        &mut self,
        expr: ExprId,
        goal: Goal,
        besides: u32,
        into: &mut FxHashMap<Setting, u32>,
        budget: &mut usize,
        depth: usize,
    ) {
        let model = self.model;
        if *budget == 0 || depth > MAX_DEPTH {
            return;
        }
        *budget -= 1;
        match (model.exprs.get(expr), goal) {
            (Expr::Symbol(id), _) => self.symbol_steps(id, goal, besides, into, budget, depth + 1),
            (Expr::Not(operand), _) => {
                self.expr_steps(operand, goal.not(), besides, into, budget, depth + 1);
            }
            // All are needed in the end, in any order: begin with one.
            (Expr::And(operands), Goal::AtLeast(_)) | (Expr::Or(operands), Goal::AtMost(_)) => {
                let total = self.cost(Some(expr), goal, depth);
                let unmet = operands
                    .iter()
                    .copied()
                    .find(|&o| !self.meets(Some(o), goal));
                if let (Some(operand), true) = (unmet, total < NEVER) {
                    let own = self.cost(Some(operand), goal, depth);
                    let besides = besides + total - min(own, total);
                    self.expr_steps(operand, goal, besides, into, budget, depth + 1);
                }
            }
            (Expr::Or(operands), _) | (Expr::And(operands), _) => {
                for &operand in operands {
                    if self.cost(Some(operand), goal, depth) < NEVER {
                        self.expr_steps(operand, goal, besides, into, budget, depth + 1);
                    }
                }
            }
            (Expr::Compare(comparison, left, right), _) => {
                for way in self.comparison_ways(comparison, left, right, goal) {
                    let cost = self.way_cost(&way, depth);
                    if cost < NEVER {
                        self.way_steps(&way, cost + besides, into, budget, depth + 1);
                    }
                }
            }
        }
    }

    pub(crate) fn symbol_steps(
        &mut self,
        id: SymbolId,
        goal: Goal,
        besides: u32,
        into: &mut FxHashMap<Setting, u32>,
        budget: &mut usize,
        depth: usize,
    ) {
        if goal.is_met_by(self.values.value_of(id)) || self.open.insert((id, goal), 0).is_some() {
            return;
        }
        for way in self.ways(id, goal) {
            let cost = self.way_cost(&way, depth);
            if cost < NEVER {
                self.way_steps(&way, cost + besides, into, budget, depth + 1);
            }
        }
        self.open.remove(&(id, goal));
    }

    /// The obstacles between an expression and a goal that no setting removes.
    pub(crate) fn obstacles(
        &mut self,
        expr: ExprId,
        goal: Goal,
        into: &mut Vec<Obstacle>,
        depth: usize,
    ) {
        let model = self.model;
        if depth > MAX_DEPTH || self.cost(Some(expr), goal, 0) < NEVER {
            return;
        }
        match (model.exprs.get(expr), goal) {
            (Expr::Symbol(id), _) => self.symbol_obstacles(id, goal, into, depth + 1),
            (Expr::Not(operand), _) => self.obstacles(operand, goal.not(), into, depth + 1),
            (Expr::And(operands), Goal::AtLeast(_)) | (Expr::Or(operands), Goal::AtMost(_)) => {
                for &operand in operands {
                    self.obstacles(operand, goal, into, depth + 1);
                }
            }
            // One operand is enough: name the obstacles of the one that has the fewest.
            (Expr::Or(operands), _) | (Expr::And(operands), _) => {
                let mut fewest: Option<Vec<Obstacle>> = None;
                for &operand in operands {
                    let mut found = Vec::new();
                    self.obstacles(operand, goal, &mut found, depth + 1);
                    if fewest
                        .as_ref()
                        .is_none_or(|fewest| found.len() < fewest.len())
                    {
                        fewest = Some(found);
                    }
                }
                into.extend(fewest.into_iter().flatten());
            }
            (Expr::Compare(comparison, left, right), _) => {
                self.comparison_obstacles(expr, (comparison, left, right), goal, into, depth);
            }
        }
    }

    fn comparison_obstacles(
        &mut self,
        expr: ExprId,
        (comparison, left, right): (Comparison, SymbolId, SymbolId),
        goal: Goal,
        into: &mut Vec<Obstacle>,
        depth: usize,
    ) {
        let wanted = match goal {
            Goal::AtLeast(_) => comparison,
            Goal::AtMost(_) => comparison.negated(),
        };
        for (id, comparison, other) in [(left, wanted, right), (right, wanted.mirrored(), left)] {
            let symbol = self.model.symbols.get(id);
            if symbol.is_const && symbol.fact.is_none() || symbol.kind == SymbolType::Unknown {
                continue;
            }
            if symbol.kind.is_logic() {
                let text = self.values.text(other).to_owned();
                if let Some(value) = Tristate::from_letter(&text) {
                    let goals = match comparison {
                        Comparison::Unequal if value == Tristate::No => {
                            vec![Goal::AtLeast(Tristate::Module)]
                        }
                        Comparison::Unequal => vec![Goal::AtMost(Tristate::No)],
                        _ => vec![Goal::AtLeast(value), Goal::AtMost(value)],
                    };
                    for goal in goals {
                        if self.symbol_cost(id, goal, 0) >= NEVER {
                            self.symbol_obstacles(id, goal, into, depth + 1);
                        }
                    }
                    return;
                }
            }
            let (other_kind, kind) = (self.model.symbols.get(other).kind, symbol.kind);
            let target = self.values.text(other);
            let fits =
                |text: &str| comparison.holds(number::compare(text, kind, target, other_kind));
            let from_tool = symbol
                .properties
                .iter()
                .any(|property| property.macros.is_some());
            if let (true, Some(text)) = (from_tool, fitting_text(kind, target, fits)) {
                into.push(Obstacle::Tool(id, text));
                return;
            }
            // If a prompt cannot be shown, that is the reason.
            let before = into.len();
            for condition in Self::prompts(symbol).flatten() {
                self.obstacles(condition, Goal::AtLeast(Tristate::Module), into, depth + 1);
            }
            if into.len() == before {
                into.push(Obstacle::Comparison(id, self.model.text(expr)));
            }
            return;
        }
        into.push(Obstacle::Comparison(left, self.model.text(expr)));
    }

    pub(crate) fn symbol_obstacles(
        &mut self,
        id: SymbolId,
        goal: Goal,
        into: &mut Vec<Obstacle>,
        depth: usize,
    ) {
        if !self.found.contains_key(&(id, goal)) {
            // Empty while it is being computed: a symbol that needs itself adds no obstacle.
            self.found.insert((id, goal), Vec::new());
            let found = self.own_obstacles(id, goal, depth);
            self.found.insert((id, goal), found);
        }
        for obstacle in &self.found[&(id, goal)] {
            if !into.contains(obstacle) && into.len() < MAX_OBSTACLES {
                into.push(obstacle.clone());
            }
        }
    }

    fn own_obstacles(&mut self, id: SymbolId, goal: Goal, depth: usize) -> Vec<Obstacle> {
        let symbol = self.model.symbols.get(id);
        if symbol.fact.is_some() {
            return vec![Obstacle::Fact(id)];
        }
        if symbol.is_const {
            return vec![Obstacle::Constant(id)];
        }
        if symbol.definitions.is_empty() && !symbol.is_choice {
            return vec![Obstacle::Undefined(id)];
        }
        if depth > MAX_DEPTH {
            return vec![Obstacle::NotSettable(id, goal)];
        }
        let mut found = Vec::new();
        // Name the ways by a prompt, or without one those by defaults.
        let ways = self.ways(id, goal);
        let has_prompt = ways.iter().any(|way| way.setting.is_some());
        let tool = symbol.properties.iter().find(|property| {
            matches!(property.kind, PropertyKind::Default(_)) && property.macros.is_some()
        });
        if let (Some(_), false, Goal::AtLeast(value)) = (tool, has_prompt, goal) {
            let depends = symbol.depends;
            if let Some(depends) = depends {
                self.obstacles(depends, goal, &mut found, depth + 1);
            }
            if found.is_empty() {
                let is_bool = symbol.kind == SymbolType::Bool;
                let value = if is_bool {
                    Tristate::Yes
                } else {
                    max(value, Tristate::Module)
                };
                found.push(Obstacle::Tool(id, value.letter().to_owned()));
            }
            return found;
        }
        let mut fewest: Option<Vec<Obstacle>> = None;
        for way in ways
            .iter()
            .filter(|way| way.setting.is_some() == has_prompt)
        {
            let mut found = Vec::new();
            for need in &way.needs {
                match *need {
                    Need::Expr(expr, goal) => self.obstacles(expr, goal, &mut found, depth + 1),
                    Need::Symbol(other, goal) if self.symbol_cost(other, goal, 0) >= NEVER => {
                        self.symbol_obstacles(other, goal, &mut found, depth + 1);
                    }
                    Need::Symbol(..) | Need::Never => {}
                }
            }
            if !found.is_empty()
                && fewest
                    .as_ref()
                    .is_none_or(|other| found.len() < other.len())
            {
                fewest = Some(found);
            }
        }
        // That the default is a constant says less than whose default it is.
        let says_more = |found: &Vec<Obstacle>| {
            has_prompt || found.iter().any(|o| !matches!(o, Obstacle::Constant(_)))
        };
        fewest
            .filter(says_more)
            .unwrap_or_else(|| vec![Obstacle::NotSettable(id, goal)])
    }
}

/// A value near `target` that compares as wanted.
fn fitting_text(kind: SymbolType, target: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    let mut candidates = vec![target.to_owned()];
    match kind {
        SymbolType::Int | SymbolType::Unknown => {
            let value = number::leading(target, 10);
            candidates.push(value.saturating_add(1).to_string());
            candidates.push(value.saturating_sub(1).to_string());
        }
        SymbolType::Hex => {
            let value = number::leading(target, 16).cast_unsigned();
            candidates.push(format!("{:#x}", value.saturating_add(1)));
            candidates.push(format!("{:#x}", value.saturating_sub(1)));
        }
        // Any other text is unequal, but only the empty one is not an invention.
        SymbolType::String => candidates.push(String::new()),
        SymbolType::Bool | SymbolType::Tristate => {}
    }
    let is_value = |text: &String| kind == SymbolType::Unknown || number::is_valid(text, kind);
    candidates
        .into_iter()
        .find(|text| is_value(text) && fits(text))
}

/// One way to reach a goal: what it needs first, and then a setting, unless the goal follows by
/// itself.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    needs: Vec<Need>,
    setting: Option<Setting>,
    /// Weight added because the way is a detour.
    detour: u32,
}

impl Way {
    fn set(symbol: SymbolId, value: &str) -> Self {
        Self {
            needs: Vec::new(),
            setting: Some(Setting {
                symbol,
                value: value.to_owned(),
            }),
            detour: 0,
        }
    }

    fn needs(needs: Vec<Need>) -> Self {
        Self {
            needs,
            setting: None,
            detour: 0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Need {
    Expr(ExprId, Goal),
    Symbol(SymbolId, Goal),
    Never,
}

#[cfg(test)]
mod tests {
    use Tristate::{Module, No, Yes};

    use super::*;
    use crate::config::Config;
    use crate::model::Options;

    /// Calls `check` with the needs of a configuration, and with what finds symbols by name.
    fn with_needs(
        kconfig: &str,
        config: &str,
        check: impl FnOnce(&mut Needs<'_, '_>, &dyn Fn(&str) -> SymbolId),
    ) {
        let kconfig = "config MODULES\n\tbool \"modules\"\n\tmodules\n".to_owned() + kconfig;
        let model = Model::parse(kconfig.as_bytes(), &Options::for_arch("x86")).unwrap();
        let values = model.evaluate(&Config::parse(config.as_bytes()));
        let find = |name: &str| model.symbols.find(name).unwrap();
        check(&mut Needs::new(&values), &find);
    }

    /// The settings that are a next step to a goal, as `NAME=value: weight in the end`.
    fn steps(kconfig: &str, config: &str, name: &str, goal: Goal) -> Vec<String> {
        let mut found = Vec::new();
        with_needs(kconfig, config, |needs, find| {
            let (mut into, mut budget) = (FxHashMap::default(), 1000);
            needs.symbol_steps(find(name), goal, 0, &mut into, &mut budget, 0);
            found.extend(into.into_iter().map(|(setting, weight)| {
                let name = &needs.model.symbols.get(setting.symbol).name;
                format!("{name}={}: {weight}", setting.value)
            }));
        });
        found.sort();
        found
    }

    const ON: Goal = Goal::AtLeast(Module);
    const OFF: Goal = Goal::AtMost(No);

    #[test]
    fn goal_is_met_by_values_on_its_side() {
        let met = |goal: Goal| [No, Module, Yes].map(|value| goal.is_met_by(value));
        assert_eq!(met(Goal::AtLeast(Module)), [false, true, true]);
        assert_eq!(met(Goal::AtLeast(Yes)), [false, false, true]);
        assert_eq!(met(Goal::AtMost(Module)), [true, true, false]);
        assert_eq!(met(Goal::AtMost(No)), [true, false, false]);
        for goal in [ON, OFF, Goal::AtLeast(Yes), Goal::AtMost(Module)] {
            for value in [No, Module, Yes] {
                assert_eq!(goal.not().is_met_by(!value), goal.is_met_by(value));
            }
        }
        assert_eq!(Goal::AtLeast(Yes).of_bool(), ON);
        assert_eq!(Goal::AtMost(Module).of_bool(), OFF);
        assert_eq!((ON.of_bool(), OFF.of_bool()), (ON, OFF));
    }

    #[test]
    fn cost_adds_up_what_all_need_and_takes_the_least_of_any() {
        let symbols = ["A", "B", "C"].map(|name| format!("config {name}\n\tbool \"{name}\"\n"));
        let conditions = [
            ("A && B && C", 3),
            ("A || B && C", 1),
            ("(A || B) && C", 2),
            ("!A", 0),
            ("!(A && B)", 0),
            ("A = y && B != n", 2),
            ("A = n", 0),
        ];
        for (condition, changes) in conditions {
            let kconfig = format!(
                "{}config X\n\tbool \"x\"\n\tdepends on {condition}\n",
                symbols.concat()
            );
            with_needs(&kconfig, "", |needs, find| {
                assert_eq!(
                    needs.symbol_cost(find("X"), ON, 0),
                    (changes + 1) * ONE,
                    "{condition}"
                );
                assert_eq!(needs.symbol_cost(find("X"), OFF, 0), 0, "{condition}");
            });
        }
        let kconfig = symbols.concat() + "config X\n\tbool \"x\"\n\tdepends on A && NOWHERE\n";
        with_needs(&kconfig, "", |needs, find| {
            assert_eq!(needs.symbol_cost(find("X"), ON, 0), NEVER);
        });
    }

    #[test]
    fn weight_of_turning_off_grows_with_what_depends_on_it() {
        let mut kconfig = "config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n".to_owned();
        for n in 0..7 {
            kconfig += &format!("config X{n}\n\tbool \"x\"\n\tdepends on A\n");
        }
        with_needs(&kconfig, "CONFIG_A=y\nCONFIG_B=y\n", |needs, find| {
            assert_eq!(needs.weight(find("B"), "n"), ONE);
            // 7 symbols and itself are 2 to the third.
            assert_eq!(needs.weight(find("A"), "n"), ONE + 6);
            assert_eq!(needs.weight(find("A"), "y"), ONE);
        });
    }

    #[test]
    fn steps_begin_with_what_can_be_set_now() {
        let kconfig = "config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on A\n\
                       config C\n\tbool \"c\"\nconfig X\n\tbool \"x\"\n\tdepends on B || C\n";
        // X needs B, and that A; or only C.
        assert_eq!(steps(kconfig, "", "X", ON), ["A=y: 24", "C=y: 16"]);
        assert_eq!(
            steps(kconfig, "CONFIG_A=y\n", "X", ON),
            ["B=y: 16", "C=y: 16"]
        );
        assert_eq!(steps(kconfig, "CONFIG_C=y\n", "X", ON), ["X=y: 8"]);
        // All of three are needed: the first is the step, and the weight is that of all.
        let all = kconfig.replace("B || C", "A && C && B");
        assert_eq!(steps(&all, "", "X", ON), ["A=y: 40"]);
    }

    #[test]
    fn steps_to_a_symbol_without_a_prompt_are_its_sources() {
        let kconfig = "config S\n\tbool \"s\"\n\tselect X\nconfig I\n\tbool \"i\"\n\timply X\n\
                       config D\n\tbool \"d\"\nconfig X\n\tbool\n\tdefault D\n";
        assert_eq!(steps(kconfig, "", "X", ON), ["D=y: 8", "I=y: 8", "S=y: 8"]);
        // To turn it off, all that hold must go: it begins with one of them, a little heavier
        // because X depends on it.
        let off = steps(kconfig, "CONFIG_S=y\nCONFIG_D=y\n", "X", OFF);
        assert_eq!(off, ["S=n: 20"]);
        assert_eq!(steps(kconfig, "CONFIG_D=y\n", "X", OFF), ["D=n: 10"]);
    }

    #[test]
    fn steps_take_m_only_where_m_is_enough() {
        let kconfig = "config T\n\ttristate \"t\"\nconfig M\n\ttristate \"m\"\n\tdepends on T\n";
        let modules = "CONFIG_MODULES=y\n";
        assert_eq!(steps(kconfig, modules, "M", ON), ["T=m: 16"]);
        assert_eq!(
            steps(kconfig, modules, "M", Goal::AtLeast(Yes)),
            ["T=y: 16"]
        );
        assert_eq!(steps(kconfig, "", "M", ON), ["T=y: 16"], "without modules");
        let on = "CONFIG_MODULES=y\nCONFIG_T=y\n";
        assert_eq!(steps(kconfig, on, "T", Goal::AtMost(Module)), ["T=m: 10"]);
    }

    #[test]
    fn steps_raise_a_bool_by_m_and_a_tristate_by_y() {
        let selected = |kind: &str| {
            let kconfig = format!(
                "config S\n\ttristate \"s\"\n\tselect X\nconfig D\n\ttristate \"d\"\n\
                 config X\n\t{kind}\n\tdefault D\n"
            );
            let modules = "CONFIG_MODULES=y\n";
            steps(&kconfig, modules, "X", Goal::AtLeast(Yes))
        };
        assert_eq!(selected("bool"), ["D=m: 8", "S=m: 8"]);
        assert_eq!(selected("tristate"), ["D=y: 8", "S=y: 8"]);
    }

    #[test]
    fn steps_end_with_their_budget() {
        let symbols = (0..10).map(|n| format!("config A{n}\n\tbool \"a\"\n"));
        let any = (0..10).map(|n| format!("A{n}")).collect::<Vec<_>>();
        let kconfig = format!(
            "{}config X\n\tbool \"x\"\n\tdepends on {}\n",
            symbols.collect::<String>(),
            any.join(" || ")
        );
        for (mut budget, expected) in [(0, 0), (5, 1), (8, 3), (100, 10)] {
            with_needs(&kconfig, "", |needs, find| {
                let mut into = FxHashMap::default();
                needs.symbol_steps(find("X"), ON, 0, &mut into, &mut budget, 0);
                assert_eq!(into.len(), expected);
            });
        }
    }

    #[test]
    fn obstacle_is_what_no_setting_changes() {
        let kconfig = "config U\n\tbool \"u\"\n\tdepends on NOWHERE\n\
                       config K\n\tbool \"k\"\n\tdepends on n\n\
                       config F\n\tbool \"f\"\n\tdepends on $(shell,test)\n\
                       config T\n\tdef_bool $(shell,test)\n\
                       config N\n\tbool\n\
                       config V\n\tint\n\tdefault 3\n\
                       config C\n\tbool \"c\"\n\tdepends on V > 5\n";
        with_needs(kconfig, "", |needs, find| {
            let mut of = |name: &str| {
                let mut found = Vec::new();
                needs.symbol_obstacles(find(name), ON, &mut found, 0);
                found
            };
            assert_eq!(of("U"), [Obstacle::Undefined(find("NOWHERE"))]);
            assert_eq!(of("K"), [Obstacle::Constant(crate::ids::NO)]);
            assert!(matches!(of("F")[..], [Obstacle::Fact(_)]));
            assert_eq!(of("T"), [Obstacle::Tool(find("T"), "y".into())]);
            assert_eq!(of("N"), [Obstacle::NotSettable(find("N"), ON)]);
            assert_eq!(of("C"), [Obstacle::Comparison(find("V"), "V > 5".into())]);
        });
    }

    #[test]
    fn obstacle_in_an_expression_is_named_once() {
        let kconfig = "config U\n\tbool \"u\"\n\tdepends on NOWHERE\n\
                       config S\n\tbool\n\tdefault y\n\
                       config A\n\tbool \"a\"\n\tdepends on U = y && U != n\n\
                       config B\n\tbool \"b\"\n\tdepends on S = n\n\
                       config C\n\tbool \"c\"\n\tdepends on ELSEWHERE && NOWHERE || U\n\
                       config D\n\tbool \"d\"\n\tdepends on !(S || U)\n";
        with_needs(kconfig, "", |needs, find| {
            let mut of = |name: &str| {
                let mut found = Vec::new();
                needs.symbol_obstacles(find(name), ON, &mut found, 0);
                found
            };
            assert_eq!(of("A"), [Obstacle::Undefined(find("NOWHERE"))]);
            assert_eq!(of("B"), [Obstacle::NotSettable(find("S"), OFF)]);
            // Of two ways, the one with fewer obstacles.
            assert_eq!(of("C"), [Obstacle::Undefined(find("NOWHERE"))]);
            let most = Goal::AtMost(Module);
            assert_eq!(of("D"), [Obstacle::NotSettable(find("S"), most)]);
        });
    }

    #[test]
    fn fitting_text_is_the_target_or_next_to_it() {
        let fitting = |kind, target: &str, comparison: Comparison| {
            let fits = |text: &str| comparison.holds(number::compare(text, kind, target, kind));
            fitting_text(kind, target, fits)
        };
        let found = |kind, target| {
            [
                Comparison::Equal,
                Comparison::Unequal,
                Comparison::Less,
                Comparison::Greater,
            ]
            .map(|comparison| fitting(kind, target, comparison).unwrap_or("none".into()))
        };
        assert_eq!(found(SymbolType::Int, "9"), ["9", "10", "8", "10"]);
        assert_eq!(
            found(SymbolType::Hex, "0x10"),
            ["0x10", "0x11", "0xf", "0x11"]
        );
        assert_eq!(found(SymbolType::String, "b"), ["b", "", "", "none"]);
    }
}
