// SPDX-License-Identifier: MIT OR Apache-2.0

//! Puts symbols into an order in which each comes after all that it depends on.
//!
//! Evaluation then never recurses along a chain of dependencies: a million symbols, each depending
//! on the one before, cannot exhaust the stack.

use crate::error::Error;
use crate::ids::{ExprId, NO, SymbolId};
use crate::parse::Tree;
use crate::symbol::PropertyKind;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// A choice and its members are one: the choice stands for all of them.
fn representative(tree: &Tree, id: SymbolId) -> SymbolId {
    tree.symbols.get(id).choice.unwrap_or(id)
}

/// Every expression a symbol's value is made from.
fn expressions(tree: &Tree, id: SymbolId, mut visit: impl FnMut(ExprId)) {
    let symbol = tree.symbols.get(id);
    symbol.depends.into_iter().for_each(&mut visit);
    symbol.selected.iter().copied().for_each(&mut visit);
    symbol.implied.iter().copied().for_each(&mut visit);
    for property in &symbol.properties {
        // What a select demands is part of the selected symbol's dependencies.
        if matches!(
            property.kind,
            PropertyKind::Select(_) | PropertyKind::Imply(_)
        ) {
            continue;
        }
        property.condition.into_iter().for_each(&mut visit);
        if let (PropertyKind::Default(value), false) = (&property.kind, symbol.is_choice) {
            visit(*value);
        }
    }
}

/// What must be known before a symbol. For a choice, this includes what its members need.
///
/// Fails with the member when one member depends on another.
fn dependencies(tree: &Tree, id: SymbolId, into: &mut Vec<SymbolId>) -> Result<(), SymbolId> {
    into.clear();
    let members = &tree.symbols.get(id).members;
    let mut inner = None;
    for &part in std::iter::once(&id).chain(members) {
        let mut add = |other: SymbolId| {
            let group = representative(tree, other);
            if group != id {
                into.push(group);
            } else if other != id || part == id {
                inner = Some(other);
            }
        };
        expressions(tree, part, |expr| {
            tree.exprs.for_each_symbol(expr, &mut add)
        });
        for property in &tree.symbols.get(part).properties {
            if let PropertyKind::Range(low, high) = property.kind {
                add(low);
                add(high);
            }
        }
    }
    into.sort_unstable();
    into.dedup();
    inner.map_or(Ok(()), Err)
}

/// The order of evaluation. What `MODULES` depends on comes first, then `MODULES`: every
/// tristate needs it, and the kernel evaluates it before anything else.
pub(crate) fn evaluation_order(tree: &mut Tree) -> Result<Vec<SymbolId>, Error> {
    let mut dependents = vec![0u32; tree.symbols.len()];
    let order = depth_first(tree, &mut dependents)?;
    for (id, count) in tree.symbols.ids().zip(dependents) {
        tree.symbols.get_mut(id).dependents = count;
    }
    Ok(order)
}

fn depth_first(tree: &Tree, dependents: &mut [u32]) -> Result<Vec<SymbolId>, Error> {
    let mut marks = vec![Mark::New; tree.symbols.len()];
    let mut order = Vec::with_capacity(tree.symbols.len());
    let mut found = Vec::new();
    let first = representative(tree, tree.modules.unwrap_or(NO));
    for start in std::iter::once(first).chain(tree.symbols.ids()) {
        let start = representative(tree, start);
        if marks[start.index()] != Mark::New {
            continue;
        }
        // The path from `start`, each with the dependencies that are still to be visited.
        let mut path: Vec<(SymbolId, Vec<SymbolId>)> = Vec::new();
        let mut next = Some(start);
        while next.is_some() || !path.is_empty() {
            if let Some(id) = next.take() {
                marks[id.index()] = Mark::Open;
                if let Err(inner) = dependencies(tree, id, &mut found) {
                    return Err(circular(tree, [id, inner].into_iter()));
                }
                for dependency in &found {
                    dependents[dependency.index()] += 1;
                }
                found.retain(|dependency| marks[dependency.index()] != Mark::Done);
                found.reverse();
                path.push((id, found.clone()));
            }
            let Some((id, rest)) = path.last_mut() else {
                break;
            };
            match rest.pop() {
                None => {
                    marks[id.index()] = Mark::Done;
                    order.push(*id);
                    path.pop();
                }
                Some(dependency) => match marks[dependency.index()] {
                    Mark::New => next = Some(dependency),
                    Mark::Done => {}
                    Mark::Open => {
                        let chain = path.iter().map(|&(id, _)| id);
                        return Err(circular(tree, chain.skip_while(|&id| id != dependency)));
                    }
                },
            }
        }
    }
    Ok(order)
}

fn circular(tree: &Tree, chain: impl Iterator<Item = SymbolId>) -> Error {
    const SHOWN: usize = 12;
    let mut names: Vec<_> = chain
        .map(|id| {
            let symbol = tree.symbols.get(id);
            match symbol.definitions.first() {
                Some(at) => format!("{} ({at})", symbol.name),
                None => symbol.name.clone(),
            }
        })
        .collect();
    names.extend(names.first().cloned());
    if names.len() > SHOWN {
        let more = names.len() - SHOWN;
        names.truncate(SHOWN);
        names.push(format!("{more} more"));
    }
    Error::Circular {
        chain: names.join(" -> "),
    }
}
