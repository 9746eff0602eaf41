// SPDX-License-Identifier: MIT OR Apache-2.0

//! Hands dependencies down the menus, and finds the members of choices.

use crate::expr::Comparison;
use crate::ids::{ExprId, MOD, NO, SymbolId, YES};
use crate::parse::{EntryKind, Tree};
use crate::rules::Rules;
use crate::symbol::{PropertyKind, SymbolType};

/// Gives every property its full condition, every symbol its `depends`, `selected` and
/// `implied`, and every choice its members.
pub(crate) fn finalize(tree: &mut Tree, rules: Rules) {
    let modules = tree.modules.unwrap_or(NO);
    type_choices(tree);
    // Entries are in the order of the text: a parent comes before its children.
    for id in 1..tree.entries.len() {
        let entry = &tree.entries[id];
        let parent = &tree.entries[entry.parent as usize];
        let parent_depends = match (parent.kind, parent.symbol) {
            // A member can be no more than its choice is.
            (EntryKind::Choice, Some(choice)) if !rules.bool_choices => {
                Some(tree.exprs.symbol(&tree.symbols, choice))
            }
            _ => parent.depends,
        };
        let own = entry
            .depends
            .map(|depends| tree.exprs.rewrite_m(&tree.symbols, depends, modules));
        let depends = tree.exprs.and_maybe(parent_depends, own);
        tree.entries[id].depends = depends;
        finalize_properties(tree, id, depends, modules);
        if let (Some(symbol), true) = (
            tree.entries[id].symbol,
            tree.entries[id].children.is_empty(),
        ) {
            // As in the kernel: a definition without dependencies does not remove those of the
            // others.
            let before = tree.symbols.get(symbol).depends;
            let joined = match (before, depends) {
                (Some(before), Some(depends)) => Some(tree.exprs.or(&[before, depends])),
                (one, other) => one.or(other),
            };
            tree.symbols.get_mut(symbol).depends = joined;
        }
    }
    for id in 1..tree.entries.len() {
        if tree.entries[id].kind == EntryKind::Choice {
            finalize_choice(tree, id, rules);
        }
    }
    for id in tree.symbols.ids() {
        let symbol = tree.symbols.get_mut(id);
        for property in &symbol.properties {
            match property.kind {
                PropertyKind::Prompt(_) => symbol.prompts.push(property.condition),
                PropertyKind::Default(value) => symbol.defaults.push((value, property.condition)),
                _ => {}
            }
        }
    }
}

fn finalize_properties(tree: &mut Tree, id: usize, depends: Option<ExprId>, modules: SymbolId) {
    let Some(symbol) = tree.entries[id].symbol else {
        return;
    };
    for place in tree.entries[id].properties.clone() {
        let own = tree.symbols.get(symbol).properties[place].condition;
        let own = own.map(|condition| tree.exprs.rewrite_m(&tree.symbols, condition, modules));
        let condition = tree.exprs.and_maybe(depends, own);
        let property = &mut tree.symbols.get_mut(symbol).properties[place];
        property.condition = condition;
        let (target, is_select) = match property.kind {
            PropertyKind::Select(target) => (target, true),
            PropertyKind::Imply(target) => (target, false),
            _ => continue,
        };
        let selector = Some(tree.exprs.symbol(&tree.symbols, symbol));
        let term = tree.exprs.and_maybe(selector, condition);
        let target = tree.symbols.get_mut(target);
        if is_select {
            target.selected.extend(term);
        } else {
            target.implied.extend(term);
        }
    }
}

/// A choice without a type takes its first member's; members without one take the choice's.
fn type_choices(tree: &mut Tree) {
    for id in 1..tree.entries.len() {
        let entry = &tree.entries[id];
        let (EntryKind::Choice, Some(choice)) = (entry.kind, entry.symbol) else {
            continue;
        };
        let members: Vec<_> = entry
            .children
            .iter()
            .filter_map(|&child| tree.entries[child as usize].symbol)
            .collect();
        let symbols = &mut tree.symbols;
        if symbols.get(choice).kind == SymbolType::Unknown {
            let first = members.iter().map(|&member| symbols.get(member).kind);
            let kind = first.into_iter().find(|&kind| kind != SymbolType::Unknown);
            symbols.get_mut(choice).kind = kind.unwrap_or_default();
        }
        let kind = symbols.get(choice).kind;
        for member in members {
            let member = symbols.get_mut(member);
            if member.kind == SymbolType::Unknown {
                member.kind = kind;
            }
        }
    }
}

fn finalize_choice(tree: &mut Tree, id: usize, rules: Rules) {
    let Some(choice) = tree.entries[id].symbol else {
        return;
    };
    let mut members = Vec::new();
    collect_members(tree, id, !rules.bool_choices, &mut members);
    for entry in members {
        let Some(member) = tree.entries[entry].symbol else {
            continue;
        };
        if tree.symbols.get(member).choice.is_some() || tree.symbols.get(member).is_choice {
            continue;
        }
        tree.symbols.get_mut(member).choice = Some(choice);
        tree.symbols.get_mut(choice).members.push(member);
        // A bool among tristates can only be on when one of them is `y`, not several `m`.
        if tree.symbols.get(choice).kind == SymbolType::Tristate
            && tree.symbols.get(member).kind != SymbolType::Tristate
        {
            for place in tree.entries[entry].properties.clone() {
                let is_yes = tree
                    .exprs
                    .compare(&tree.symbols, Comparison::Equal, choice, YES);
                let before = tree.symbols.get(member).properties[place].condition;
                let condition = tree.exprs.and_maybe(Some(is_yes), before);
                tree.symbols.get_mut(member).properties[place].condition = condition;
            }
        }
    }
    // A choice that is shown, and not optional, is at least `m`: as if it were selected.
    let prompt = prompt_condition(tree, id);
    if let (Some(condition), false) = (prompt, tree.symbols.get(choice).is_optional) {
        let module = Some(tree.exprs.symbol(&tree.symbols, MOD));
        let term = tree.exprs.and_maybe(condition, module);
        tree.symbols.get_mut(choice).selected.extend(term);
    }
}

/// The condition of the prompt an entry has, if it has one.
fn prompt_condition(tree: &Tree, id: usize) -> Option<Option<ExprId>> {
    let entry = &tree.entries[id];
    let symbol = tree.symbols.get(entry.symbol?);
    let prompts = entry
        .properties
        .iter()
        .map(|&place| &symbol.properties[place]);
    prompts
        .filter(|property| matches!(property.kind, PropertyKind::Prompt(_)))
        .map(|property| property.condition)
        .next_back()
}

/// The entries of a choice's members: those directly in it or in an `if`. Without the entries that
/// depend on the member before them, where they become a submenu of it.
fn collect_members(tree: &Tree, block: usize, has_submenus: bool, members: &mut Vec<usize>) {
    let mut children = tree.entries[block]
        .children
        .iter()
        .map(|&id| id as usize)
        .peekable();
    while let Some(child) = children.next() {
        match (tree.entries[child].kind, tree.entries[child].symbol) {
            // Since 6.11 there are no submenus directly in a choice, but still in an `if`.
            (EntryKind::If, _) => collect_members(tree, child, true, members),
            (EntryKind::Symbol, Some(symbol)) => {
                members.push(child);
                while has_submenus
                    && children
                        .next_if(|&next| is_submenu_of(tree, next, child, symbol))
                        .is_some()
                {}
            }
            _ => {}
        }
    }
}

/// Whether `next` depends on `symbol`, or on all that `symbol` does and mentions it.
fn is_submenu_of(tree: &Tree, next: usize, before: usize, symbol: SymbolId) -> bool {
    let Some(depends) = prompt_condition(tree, next).unwrap_or(tree.entries[next].depends) else {
        return false;
    };
    if !tree.exprs.mentions(depends, symbol) {
        return false;
    }
    if tree.exprs.demands(depends, symbol) {
        return true;
    }
    let (mut demanded, mut base) = (Vec::new(), Vec::new());
    tree.exprs.conjuncts(depends, &mut demanded);
    if let Some(condition) = prompt_condition(tree, before).flatten() {
        tree.exprs.conjuncts(condition, &mut base);
    }
    base.iter()
        .all(|&base| demanded.iter().any(|&other| tree.exprs.same(base, other)))
}
