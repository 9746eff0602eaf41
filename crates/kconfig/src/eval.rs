// SPDX-License-Identifier: MIT OR Apache-2.0

//! Computes the value of every symbol, as `olddefconfig` does.
//!
//! The rules are those of the kernel's own evaluator: `scripts/kconfig/symbol.c` and `confdata.c`
//! of Linux 6.1, and what [`Rules`](crate::rules::Rules) names of later ones. Three surprises
//! belong to them. A value out of its range falls back to the default, but what depends on it has
//! already seen the clamped one. A definition without dependencies does not remove those of another
//! definition. A string whose default is a bool is `n`.

use std::cmp::{Reverse, max, min};

use rustc_hash::FxHashMap;

use crate::config::{Config, quoted, unquoted};
use crate::expr::Expr;
use crate::ids::{ExprId, SymbolId};
use crate::model::Model;
use crate::number;
use crate::symbol::{PropertyKind, Symbol, SymbolType};
use crate::tristate::Tristate;

/// Refers to a text without copying it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Empty,
    /// A number that has no value.
    Zero(&'static str),
    /// The text of a bool or tristate, whatever its value.
    Logic,
    /// The name of a symbol, which is the value of a constant.
    Name(SymbolId),
    /// What the configuration says of a symbol.
    User(SymbolId),
    /// What a symbol is taken to be.
    Assumed(SymbolId),
}

/// What the configuration says of a symbol.
#[derive(Clone, Debug, Default)]
struct User {
    is_set: bool,
    value: Tristate,
    text: Option<String>,
    /// For a choice: its member that was last set to `y`.
    member: Option<SymbolId>,
    /// For a member of a choice: when it was last set, counted in lines.
    rank: usize,
    /// The configuration has a line for it that was read, not added with [`Config::set`].
    is_recorded: bool,
    recorded: Tristate,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    value: Tristate,
    text: Text,
    visible: Tristate,
    depends: Tristate,
    selected: Tristate,
    implied: Tristate,
    is_valid: bool,
    is_written: bool,
    member: Option<SymbolId>,
}

/// Values that symbols and facts are taken to have, whatever the tree says.
pub(crate) type Assumptions = FxHashMap<SymbolId, String>;

/// The least and the most an expression can be, which differ where a value is not known.
pub(crate) type Bounds = (Tristate, Tristate);

/// The values of all symbols.
#[derive(Debug)]
pub struct Values<'m> {
    model: &'m Model,
    users: Vec<User>,
    states: Vec<State>,
    modules: Tristate,
    assumed: Assumptions,
    /// The bounds of expressions that are final.
    known: Vec<Option<Bounds>>,
}

/// A symbol's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of a bool or a tristate.
    Logic(Tristate),
    /// Of a string, an int or a hex, without quotes.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Logic(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Model {
    /// The values that `olddefconfig` would write for a configuration.
    ///
    /// With [`crate::Shell::Deny`], what only a command or an unknown variable of `make` can tell
    /// is taken from the configuration. A symbol whose default is such a fact has the value of its
    /// line there. A prompt that depends on one is shown if the symbol has a line there. For a
    /// configuration that `olddefconfig` wrote, the result is what it would write again with the
    /// same tools.
    #[must_use]
    pub fn evaluate(&self, config: &Config) -> Values<'_> {
        Values::new(self, config, Assumptions::default())
    }
}

impl<'m> Values<'m> {
    /// Evaluates everything, as if the symbols and facts in `assumed` had the values there.
    pub(crate) fn new(model: &'m Model, config: &Config, assumed: Assumptions) -> Self {
        let count = model.symbols.len();
        let mut values = Self {
            model,
            users: vec![User::default(); count],
            states: vec![State::default(); count],
            modules: Tristate::No,
            assumed,
            known: vec![None; model.exprs.len()],
        };
        values.read(config);
        for id in model.symbols.ids() {
            let symbol = model.symbols.get(id);
            // The constants, and the facts that are known.
            if symbol.is_const && symbol.kind == SymbolType::Tristate {
                let state = &mut values.states[id.index()];
                state.is_valid = true;
                state.value = Tristate::from_letter(&symbol.name).unwrap_or_default();
            }
            if let Some(value) = values.assumed.get(&id) {
                let value = Tristate::from_letter(value).unwrap_or_default();
                let state = &mut values.states[id.index()];
                *state = State {
                    value,
                    text: Text::Assumed(id),
                    is_valid: true,
                    ..*state
                };
            }
        }
        for &id in &model.order {
            values.calculate(id);
            for &member in &model.symbols.get(id).members {
                values.calculate(member);
            }
        }
        values.drop_out_of_range();
        values
    }

    fn read(&mut self, config: &Config) {
        let model = self.model;
        for id in model.symbols.ids() {
            self.users[id.index()].is_set = model.symbols.get(id).is_choice;
        }
        for (line, assignment) in config.assignments.iter().enumerate() {
            let Some(id) = model.symbols.find(&assignment.name) else {
                continue;
            };
            let symbol = model.symbols.get(id);
            let is_recorded = line < config.recorded;
            let user = &mut self.users[id.index()];
            user.is_recorded |= is_recorded;
            if !set_user(user, symbol, &assignment.value) {
                continue;
            }
            if is_recorded {
                user.recorded = user.value;
            }
            let value = user.value;
            let Some(choice) = symbol.choice else {
                continue;
            };
            user.rank = line + 1;
            let of_choice = &mut self.users[choice.index()];
            match value {
                Tristate::No => {}
                // Members that say `m` and `y` at once contradict each other.
                Tristate::Module => of_choice.is_set &= of_choice.value != Tristate::Yes,
                Tristate::Yes => of_choice.member = Some(id),
            }
            of_choice.value = max(of_choice.value, value);
            of_choice.is_recorded |= is_recorded;
        }
    }

    /// The type that counts now: without modules, a tristate is a bool.
    fn kind(&self, id: SymbolId) -> SymbolType {
        let symbol = self.model.symbols.get(id);
        let is_member_of_yes =
            symbol.choice.is_some() && self.states[id.index()].visible == Tristate::Yes;
        if symbol.kind == SymbolType::Tristate && (is_member_of_yes || self.modules == Tristate::No)
        {
            SymbolType::Bool
        } else {
            symbol.kind
        }
    }

    fn text_of(&self, text: Text) -> &str {
        match text {
            Text::Empty => "",
            Text::Zero(zero) => zero,
            Text::Logic => "n",
            Text::Name(id) => &self.model.symbols.get(id).name,
            Text::Assumed(id) => self
                .assumed
                .get(&id)
                .map(String::as_str)
                .unwrap_or_default(),
            Text::User(id) => self.users[id.index()].text.as_deref().unwrap_or_default(),
        }
    }

    /// The value as a comparison sees it.
    fn string(&self, id: SymbolId) -> &str {
        let state = &self.states[id.index()];
        if self.model.symbols.get(id).kind.is_logic() {
            state.value.letter()
        } else {
            self.text_of(state.text)
        }
    }

    fn bounds_of(&mut self, expr: Option<ExprId>) -> Bounds {
        let Some(expr) = expr else {
            return (Tristate::Yes, Tristate::Yes);
        };
        if let Some(known) = self.known[expr.index()] {
            return known;
        }
        let model = self.model;
        // What menus demand is part of the conditions of all that is in them.
        let bounds = match model.exprs.get(expr) {
            Expr::And(operands) => {
                let mut bounds = (Tristate::Yes, Tristate::Yes);
                for &operand in operands {
                    let other = self.bounds_of(Some(operand));
                    bounds = (min(bounds.0, other.0), min(bounds.1, other.1));
                    if bounds.1 == Tristate::No {
                        break;
                    }
                }
                bounds
            }
            Expr::Or(operands) => {
                let mut bounds = (Tristate::No, Tristate::No);
                for &operand in operands {
                    let other = self.bounds_of(Some(operand));
                    bounds = (max(bounds.0, other.0), max(bounds.1, other.1));
                    if bounds.0 == Tristate::Yes {
                        break;
                    }
                }
                bounds
            }
            Expr::Not(operand) => {
                let (low, high) = self.bounds_of(Some(operand));
                (!high, !low)
            }
            Expr::Symbol(id) => {
                self.calculate(id);
                self.bounds(Some(expr))
            }
            Expr::Compare(_, left, right) => {
                self.calculate(left);
                self.calculate(right);
                self.bounds(Some(expr))
            }
        };
        if !model.exprs.traits(expr).has_choice {
            self.known[expr.index()] = Some(bounds);
        }
        bounds
    }

    /// The value of a condition of `of`. If it is not known, it holds where the configuration has a
    /// line for the symbol: without the condition, `olddefconfig` would have written none.
    fn condition(&mut self, of: SymbolId, expr: Option<ExprId>) -> Tristate {
        let (low, high) = self.bounds_of(expr);
        if low == high || self.users[of.index()].is_recorded {
            high
        } else {
            low
        }
    }

    /// The largest of the terms, where what is not known is read from the symbol's own value.
    fn largest(&mut self, of: SymbolId, terms: &[ExprId]) -> Tristate {
        let (mut low, mut high) = (Tristate::No, Tristate::No);
        for &term in terms {
            let bounds = self.bounds_of(Some(term));
            (low, high) = (max(low, bounds.0), max(high, bounds.1));
            if low == Tristate::Yes {
                break;
            }
        }
        self.users[of.index()].recorded.clamp(low, high)
    }

    fn calculate_visibility(&mut self, id: SymbolId) {
        let model = self.model;
        let symbol = model.symbols.get(id);
        let mut visible = Tristate::No;
        for &condition in &symbol.prompts {
            let mut shown = self.condition(id, condition);
            // In a choice that is `y`, a tristate that could only be `m` is not offered.
            if let Some(choice) = symbol.choice
                && symbol.kind == SymbolType::Tristate
                && shown == Tristate::Module
                && self.states[choice.index()].value == Tristate::Yes
            {
                shown = Tristate::No;
            }
            visible = max(visible, shown);
        }
        let has_module = symbol.kind == SymbolType::Tristate && self.modules != Tristate::No;
        if visible == Tristate::Module && !has_module {
            visible = Tristate::Yes;
        }
        self.states[id.index()].visible = visible;
        // Members of a choice are neither selected nor implied.
        if symbol.choice.is_some() {
            return;
        }
        let is_bool = self.kind(id) == SymbolType::Bool;
        let raised = |value| match value {
            Tristate::Module if is_bool => Tristate::Yes,
            other => other,
        };
        let depends = self.condition(id, symbol.depends);
        let selected = self.largest(id, &symbol.selected);
        let implied = self.largest(id, &symbol.implied);
        let state = &mut self.states[id.index()];
        state.depends = raised(depends);
        state.selected = raised(selected);
        state.implied = raised(implied);
    }

    fn calculate(&mut self, id: SymbolId) {
        if self.states[id.index()].is_valid {
            return;
        }
        let model = self.model;
        let symbol = model.symbols.get(id);
        let state = &mut self.states[id.index()];
        state.is_valid = true;
        state.is_written = false;
        match symbol.kind {
            SymbolType::Unknown => {
                state.text = Text::Name(id);
                return;
            }
            SymbolType::Bool | SymbolType::Tristate => state.text = Text::Logic,
            SymbolType::Int | SymbolType::Hex | SymbolType::String => state.text = Text::Empty,
        }
        state.value = Tristate::No;
        self.calculate_visibility(id);
        let is_visible = self.states[id.index()].visible != Tristate::No;
        self.states[id.index()].is_written = is_visible;
        if symbol.kind.is_logic() {
            let value = self.logic(id, symbol);
            self.states[id.index()].value = value;
        } else {
            let text = self.chosen_text(id, symbol, is_visible);
            self.states[id.index()].text = text;
            self.clamp_to_range(id, symbol);
        }
        if symbol.is_choice {
            self.settle_choice(id, symbol);
        }
        if id == model.modules {
            self.modules = self.states[id.index()].value;
        }
        if symbol.is_transitional {
            self.states[id.index()].is_written = false;
        }
    }

    fn logic(&mut self, id: SymbolId, symbol: &Symbol) -> Tristate {
        let State {
            visible,
            selected,
            depends,
            implied,
            ..
        } = self.states[id.index()];
        let mut value = Tristate::No;
        if let Some(choice) = symbol.choice
            && (visible == Tristate::Yes || self.model.rules.bool_choices)
        {
            let is_picked = self.states[choice.index()].member == Some(id);
            return if is_picked {
                Tristate::Yes
            } else {
                Tristate::No
            };
        }
        let user = &self.users[id.index()];
        let takes_user = user.is_set && (visible != Tristate::No || symbol.is_transitional);
        if takes_user {
            value = if symbol.is_transitional {
                user.value
            } else {
                min(user.value, visible)
            };
        } else {
            let mut is_written = selected != Tristate::No;
            if !symbol.is_choice {
                if let Some(default) = self.default_logic(id, symbol) {
                    value = default;
                    is_written |= value != Tristate::No;
                }
                if implied != Tristate::No {
                    is_written = true;
                    value = min(max(value, implied), depends);
                }
            }
            self.states[id.index()].is_written |= is_written;
        }
        value = max(value, selected);
        if value == Tristate::Module && self.kind(id) == SymbolType::Bool {
            value = Tristate::Yes;
        }
        value
    }

    /// The first default whose condition holds.
    fn default_logic(&mut self, id: SymbolId, symbol: &Symbol) -> Option<Tristate> {
        let recorded = self.users[id.index()].recorded;
        for &(expr, condition) in &symbol.defaults {
            let shown = self.bounds_of(condition);
            if shown.1 == Tristate::No {
                continue;
            }
            if shown.0 != shown.1 {
                return Some(recorded);
            }
            let (low, high) = self.bounds_of(Some(expr));
            return Some(recorded.clamp(min(low, shown.0), min(high, shown.0)));
        }
        None
    }

    fn chosen_text(&mut self, id: SymbolId, symbol: &Symbol, is_visible: bool) -> Text {
        if self.users[id.index()].is_set && (is_visible || symbol.is_transitional) {
            return Text::User(id);
        }
        for &(expr, condition) in &symbol.defaults {
            let (low, high) = self.bounds_of(condition);
            if high == Tristate::No {
                continue;
            }
            // The default of a number or a string can only be a single symbol.
            let source = match self.model.exprs.get(expr) {
                Expr::Symbol(source) => source,
                _ => return self.no_text(symbol),
            };
            if low != high || self.model.symbols.is_unknown(source) {
                self.states[id.index()].is_written |= self.users[id.index()].is_recorded;
                return Text::User(id);
            }
            self.states[id.index()].is_written = true;
            self.calculate(source);
            return self.states[source.index()].text;
        }
        self.no_text(symbol)
    }

    fn no_text(&self, symbol: &Symbol) -> Text {
        match symbol.kind {
            SymbolType::Int if self.model.rules.clamps => Text::Zero("0"),
            SymbolType::Hex if self.model.rules.clamps => Text::Zero("0x0"),
            _ => Text::Empty,
        }
    }

    /// The range that holds now.
    fn range(&mut self, symbol: &Symbol) -> Option<(SymbolId, SymbolId)> {
        symbol
            .properties
            .iter()
            .find_map(|property| match property.kind {
                PropertyKind::Range(low, high) => {
                    let (_, shown) = self.bounds_of(property.condition);
                    (shown != Tristate::No).then_some((low, high))
                }
                _ => None,
            })
    }

    /// The range of a number that holds now, as Kconfig writes its ends.
    pub(crate) fn shown_range(&mut self, id: SymbolId) -> Option<(String, String)> {
        let (low, high) = self.range(self.model.symbols.get(id))?;
        let mut end = |id: SymbolId| {
            self.calculate(id);
            self.text_of(self.states[id.index()].text).to_owned()
        };
        Some((end(low), end(high)))
    }

    fn bound(&mut self, id: SymbolId, base: u32) -> i64 {
        self.calculate(id);
        let base = match self.model.symbols.get(id).kind {
            SymbolType::Int => 10,
            SymbolType::Hex => 16,
            _ => base,
        };
        number::leading(self.text_of(self.states[id.index()].text), base)
    }

    fn clamp_to_range(&mut self, id: SymbolId, symbol: &Symbol) {
        let base = match symbol.kind {
            SymbolType::Int => 10,
            SymbolType::Hex => 16,
            _ => return,
        };
        let Some((low, high)) = self.range(symbol) else {
            return;
        };
        let value = number::leading(self.text_of(self.states[id.index()].text), base);
        let beyond = if value < self.bound(low, base) {
            low
        } else if value > self.bound(high, base) {
            high
        } else {
            return;
        };
        self.states[id.index()].text = self.states[beyond.index()].text;
    }

    fn settle_choice(&mut self, id: SymbolId, symbol: &Symbol) {
        if self.model.rules.bool_choices {
            for &member in &symbol.members {
                self.calculate_visibility(member);
            }
            self.states[id.index()].member = self.pick_member_since_6_11(symbol);
        } else if self.states[id.index()].value == Tristate::Yes {
            for &member in &symbol.members {
                self.calculate_visibility(member);
            }
            let picked = self.pick_member(id, symbol);
            let state = &mut self.states[id.index()];
            state.member = picked;
            if picked.is_none() {
                state.value = Tristate::No;
            }
        }
    }

    fn is_visible(&self, id: SymbolId) -> bool {
        self.states[id.index()].visible != Tristate::No
    }

    fn pick_member(&mut self, id: SymbolId, symbol: &Symbol) -> Option<SymbolId> {
        let by_user = self.users[id.index()].member;
        by_user
            .filter(|&member| self.is_visible(member))
            .or_else(|| self.default_member(symbol))
    }

    /// Since 6.11, the visible member that was last set to `y` is taken. Without one, the default
    /// is taken if it is not set to `n`, then the first member that is not set. If all are set to
    /// `n`, it is the one that was set first.
    fn pick_member_since_6_11(&mut self, symbol: &Symbol) -> Option<SymbolId> {
        let user = |values: &Self, member: SymbolId| {
            let user = &values.users[member.index()];
            user.is_set.then_some(user.value)
        };
        let visible: Vec<_> = symbol
            .members
            .iter()
            .copied()
            .filter(|&member| self.is_visible(member))
            .collect();
        let set = visible
            .iter()
            .copied()
            .filter(|&m| user(self, m) == Some(Tristate::Yes));
        if let Some(last) = set.max_by_key(|&member| self.users[member.index()].rank) {
            return Some(last);
        }
        let default = self.default_member(symbol);
        default
            .filter(|&member| user(self, member) != Some(Tristate::No))
            .or_else(|| {
                visible
                    .iter()
                    .copied()
                    .find(|&member| user(self, member).is_none())
            })
            .or_else(|| {
                let rank = |&member: &SymbolId| self.users[member.index()].rank;
                visible.iter().copied().min_by_key(rank)
            })
    }

    fn default_member(&mut self, symbol: &Symbol) -> Option<SymbolId> {
        for &(expr, condition) in &symbol.defaults {
            let (_, shown) = self.bounds_of(condition);
            if let (Expr::Symbol(member), true) =
                (self.model.exprs.get(expr), shown != Tristate::No)
                && self.is_visible(member)
            {
                return Some(member);
            }
        }
        symbol
            .members
            .iter()
            .copied()
            .find(|&member| self.is_visible(member))
    }

    /// Before 6.8, a number out of its range is as if it was not set. The kernel notices only after
    /// it has computed everything, one symbol after another in the order of its hash table: other
    /// symbols keep their values, but the ranges that are looked at afterwards see the difference.
    fn drop_out_of_range(&mut self) {
        let model = self.model;
        if model.rules.clamps {
            return;
        }
        let base = |id| match model.symbols.get(id).kind {
            SymbolType::Int => Some(10),
            SymbolType::Hex => Some(16),
            _ => None,
        };
        let set = model
            .symbols
            .ids()
            .filter(|id| self.users[id.index()].is_set);
        let mut numbers: Vec<_> = set.filter_map(|id| Some((id, base(id)?))).collect();
        // In one bucket, what was mentioned last comes first.
        numbers.sort_by_key(|&(id, _)| (bucket(&model.symbols.get(id).name), Reverse(id)));
        let mut dropped = Vec::new();
        for (id, base) in numbers {
            let Some((low, high)) = self.range(model.symbols.get(id)) else {
                continue;
            };
            let user = self.users[id.index()].text.as_deref().unwrap_or_default();
            let value = number::leading(user, base);
            if value < self.bound(low, base) || value > self.bound(high, base) {
                self.users[id.index()].is_set = false;
                self.states[id.index()].is_valid = false;
                self.known.fill(None);
                dropped.push(id);
            }
        }
        for id in dropped {
            self.calculate(id);
        }
    }

    pub(crate) fn value_of(&self, id: SymbolId) -> Tristate {
        self.states[id.index()].value
    }

    pub(crate) fn text(&self, id: SymbolId) -> &str {
        self.string(id)
    }

    pub(crate) fn visible(&self, id: SymbolId) -> Tristate {
        self.states[id.index()].visible
    }

    pub(crate) fn selected(&self, id: SymbolId) -> Tristate {
        self.states[id.index()].selected
    }

    pub(crate) fn picked(&self, choice: SymbolId) -> Option<SymbolId> {
        self.states[choice.index()].member
    }

    pub(crate) fn effective_kind(&self, id: SymbolId) -> SymbolType {
        self.kind(id)
    }

    pub(crate) fn modules(&self) -> Tristate {
        self.modules
    }

    pub(crate) fn model(&self) -> &'m Model {
        self.model
    }

    pub(crate) fn has_user_value(&self, id: SymbolId) -> bool {
        self.users[id.index()].is_set
    }

    pub(crate) fn is_recorded(&self, id: SymbolId) -> bool {
        self.users[id.index()].is_recorded
    }

    /// The bounds of an expression once everything is computed.
    pub(crate) fn bounds(&self, expr: Option<ExprId>) -> Bounds {
        let Some(expr) = expr else {
            return (Tristate::Yes, Tristate::Yes);
        };
        if let Some(known) = self.known[expr.index()] {
            return known;
        }
        let exprs = &self.model.exprs;
        let both = |value| (value, value);
        match exprs.get(expr) {
            Expr::Symbol(id) if self.model.symbols.is_unknown(id) => (
                if self.assumed.contains_key(&id) {
                    Tristate::Yes
                } else {
                    Tristate::No
                },
                Tristate::Yes,
            ),
            Expr::Symbol(id) => both(self.value_of(id)),
            Expr::Not(operand) => {
                let (low, high) = self.bounds(Some(operand));
                (!high, !low)
            }
            Expr::And(operands) => {
                operands
                    .iter()
                    .fold(both(Tristate::Yes), |(low, high), &operand| {
                        let other = self.bounds(Some(operand));
                        (min(low, other.0), min(high, other.1))
                    })
            }
            Expr::Or(operands) => {
                operands
                    .iter()
                    .fold(both(Tristate::No), |(low, high), &operand| {
                        let other = self.bounds(Some(operand));
                        (max(low, other.0), max(high, other.1))
                    })
            }
            Expr::Compare(comparison, left, right) => {
                let symbols = &self.model.symbols;
                if symbols.is_unknown(left) || symbols.is_unknown(right) {
                    return (Tristate::No, Tristate::Yes);
                }
                let (left_kind, right_kind) = (symbols.get(left).kind, symbols.get(right).kind);
                let ordering =
                    number::compare(self.string(left), left_kind, self.string(right), right_kind);
                both(if comparison.holds(ordering) {
                    Tristate::Yes
                } else {
                    Tristate::No
                })
            }
        }
    }

    /// The value of a symbol; nothing when no Kconfig file defines it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        let id = self.model.symbols.find(name)?;
        let symbol = self.model.symbols.get(id);
        match symbol.kind {
            SymbolType::Unknown => None,
            kind if kind.is_logic() => Some(Value::Logic(self.value_of(id))),
            _ => Some(Value::Text(self.string(id).to_owned())),
        }
    }

    /// The line that `olddefconfig` writes for a symbol, and nothing when it writes none:
    /// `CONFIG_A=y`, or `# CONFIG_A is not set`.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<String> {
        self.line_of(self.model.symbols.find(name)?)
    }

    fn line_of(&self, id: SymbolId) -> Option<String> {
        let symbol = self.model.symbols.get(id);
        if !self.states[id.index()].is_written || symbol.is_choice || symbol.definitions.is_empty()
        {
            return None;
        }
        let name = &symbol.name;
        match symbol.kind {
            SymbolType::Unknown => None,
            SymbolType::Bool | SymbolType::Tristate => Some(match self.value_of(id) {
                Tristate::No => format!("# CONFIG_{name} is not set"),
                value => format!("CONFIG_{name}={value}"),
            }),
            SymbolType::String => Some(format!("CONFIG_{name}={}", quoted(self.string(id)))),
            SymbolType::Int | SymbolType::Hex => Some(format!("CONFIG_{name}={}", self.string(id))),
        }
    }

    /// Every line that `olddefconfig` writes, with the name of its symbol, in the order in
    /// which the files first mention the symbols.
    pub fn lines(&self) -> impl Iterator<Item = (&'m str, String)> + '_ {
        let model = self.model;
        model
            .symbols
            .ids()
            .filter_map(move |id| Some((model.symbols.get(id).name.as_str(), self.line_of(id)?)))
    }
}

/// Where `conf` before 6.8 keeps a symbol: the 32-bit FNV hash of its name, in 9973 buckets.
fn bucket(name: &str) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % 9973
}

/// Takes over a line's value, if it is one the symbol can have.
fn set_user(user: &mut User, symbol: &Symbol, value: &str) -> bool {
    match symbol.kind {
        SymbolType::Unknown => return false,
        SymbolType::Bool | SymbolType::Tristate => match Tristate::from_letter(value) {
            Some(Tristate::Module) if symbol.kind == SymbolType::Bool => return false,
            Some(value) => user.value = value,
            None => return false,
        },
        SymbolType::String => match unquoted(value) {
            Some(text) => user.text = Some(text),
            None => return false,
        },
        SymbolType::Int | SymbolType::Hex => {
            if !number::is_valid(value, symbol.kind) {
                return false;
            }
            user.text = Some(value.to_owned());
        }
    }
    user.is_set = true;
    true
}

#[cfg(test)]
mod tests {
    use Tristate::{Module, No, Yes};

    use super::*;
    use crate::model::Options;

    const MODULES: &str = "config MODULES\n\tbool \"m\"\n\tmodules\n\tdefault y\n";

    fn model(kconfig: &str) -> Model {
        Model::parse(kconfig.as_bytes(), &Options::for_arch("x86")).unwrap()
    }

    /// The bounds of the condition of a symbol's prompt.
    fn bounds(model: &Model, name: &str, config: &str) -> Bounds {
        let values = model.evaluate(&Config::parse(config.as_bytes()));
        let id = model.symbols.find(name).unwrap();
        let known = values.bounds(model.symbols.get(id).prompts[0]);
        // The same without what was computed on the way.
        let forgetful = Values {
            known: vec![None; model.exprs.len()],
            ..values
        };
        assert_eq!(
            forgetful.bounds(model.symbols.get(id).prompts[0]),
            known,
            "{name}"
        );
        known
    }

    #[test]
    fn bounds_follow_and_or_and_not() {
        let conditions = [
            ("A && B", (No, No)),
            ("A && M", (Module, Module)),
            ("A || B", (Yes, Yes)),
            ("B || M", (Module, Module)),
            ("!A", (No, No)),
            ("!M", (Module, Module)),
            ("T", (No, Yes)),
            ("!T", (No, Yes)),
            ("T && M", (No, Module)),
            ("T && B", (No, No)),
            ("T || M", (Module, Yes)),
            ("T || A", (Yes, Yes)),
            ("!(T || M)", (No, Module)),
            ("T = \"x\"", (No, Yes)),
            ("A = y", (Yes, Yes)),
            ("A != y", (No, No)),
        ];
        let mut kconfig = MODULES.to_owned()
            + "config A\n\tdef_bool y\nconfig B\n\tbool\nconfig M\n\tdef_tristate m\n";
        for (n, (condition, _)) in conditions.iter().enumerate() {
            let condition = condition.replace('T', "$(shell,test)");
            kconfig += &format!("config X{n}\n\ttristate \"x\"\n\tdepends on {condition}\n");
        }
        let model = model(&kconfig);
        for (n, (condition, expected)) in conditions.into_iter().enumerate() {
            assert_eq!(
                bounds(&model, &format!("X{n}"), ""),
                expected,
                "{condition}"
            );
        }
    }

    #[test]
    fn recorded_line_shows_that_an_unknown_condition_held() {
        let model = model("config A\n\tbool \"a\"\n\tdepends on $(shell,test)\n");
        let mut config = Config::parse(b"# CONFIG_A is not set\n");
        assert_eq!(
            model.evaluate(&config).line("A").as_deref(),
            Some("# CONFIG_A is not set")
        );
        config.set("A", "y");
        assert_eq!(
            model.evaluate(&config).line("A").as_deref(),
            Some("CONFIG_A=y")
        );
        let mut added = Config::default();
        added.set("A", "y");
        assert_eq!(model.evaluate(&added).line("A"), None, "no evidence");
    }

    #[test]
    fn assumption_takes_the_place_of_an_unknown_value() {
        let model = model(
            "config A\n\tbool \"a\"\n\tdepends on V > 5\nconfig V\n\tint\n\tdefault $(shell,x)\n",
        );
        let id = model.symbols.find("V").unwrap();
        let config = Config::parse(b"CONFIG_A=y\n");
        let assumed = |value: &str| {
            let assumed = Assumptions::from_iter([(id, value.to_owned())]);
            Values::new(&model, &config, assumed).get("A")
        };
        assert_eq!(assumed("6"), Some(Value::Logic(Yes)));
        assert_eq!(assumed("5"), Some(Value::Logic(No)));
    }

    #[test]
    fn get_gives_values_by_their_type() {
        let model = model(
            "config A\n\tbool \"a\"\nconfig N\n\tint \"n\"\n\tdefault 7\nconfig S\n\tstring \"s\"\n\
             config E\n\tbool \"e\"\n\tdepends on ELSEWHERE\n",
        );
        let values = model.evaluate(&Config::parse(b"CONFIG_S=\"x\\\"y\"\nCONFIG_E=y\n"));
        assert_eq!(values.get("A"), Some(Value::Logic(No)));
        assert_eq!(values.get("N"), Some(Value::Text("7".into())));
        assert_eq!(values.get("S"), Some(Value::Text("x\"y".into())));
        assert_eq!((values.get("ELSEWHERE"), values.get("NONE")), (None, None));
        assert_eq!(values.get("S").unwrap().to_string(), "x\"y");
        assert_eq!((values.line("E"), values.line("ELSEWHERE")), (None, None));
        assert_eq!(values.lines().count(), 3);
    }

    #[test]
    fn shown_range_is_the_first_whose_condition_holds() {
        let model = model(
            "config B\n\tbool \"b\"\nconfig L\n\tint\n\tdefault 3\n\
             config N\n\tint \"n\"\n\trange 1 2 if B\n\trange L 0x9\n",
        );
        let id = model.symbols.find("N").unwrap();
        let range = |config: &str| {
            let config = Config::parse(config.as_bytes());
            model.evaluate(&config).shown_range(id)
        };
        let pair = |low: &str, high: &str| Some((low.to_owned(), high.to_owned()));
        assert_eq!(range(""), pair("3", "0x9"));
        assert_eq!(range("CONFIG_B=y"), pair("1", "2"));
        let values = |config: &str| {
            let config = Config::parse(config.as_bytes());
            model.evaluate(&config).line("N")
        };
        let line = |value: u32| Some(format!("CONFIG_N={value}"));
        // The ends belong to the range.
        assert_eq!(values("CONFIG_N=3"), line(3));
        assert_eq!(values("CONFIG_B=y\nCONFIG_N=2"), line(2));
    }

    #[test]
    fn tristate_in_a_choice_that_is_y_cannot_be_m() {
        let model = model(
            &(MODULES.to_owned()
                + "config X\n\ttristate \"x\"\nchoice\n\tprompt \"c\"\nconfig A\n\ttristate \"a\"\n\
                   config B\n\ttristate \"b\"\n\tdepends on X\nendchoice\n"),
        );
        let line = |config: &str, name: &str| {
            let config = Config::parse(config.as_bytes());
            model.evaluate(&config).line(name)
        };
        assert_eq!(line("CONFIG_A=y\nCONFIG_X=m", "B"), None);
        let off = line("CONFIG_A=y\nCONFIG_X=y", "B");
        assert_eq!(off.as_deref(), Some("# CONFIG_B is not set"));
        let picked = line("CONFIG_B=y\nCONFIG_X=y", "B");
        assert_eq!(picked.as_deref(), Some("CONFIG_B=y"));
    }
}
