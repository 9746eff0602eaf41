// SPDX-License-Identifier: MIT OR Apache-2.0

//! An answer as JSON has it.

use kconfig::{Answer, Blocker, Change, Involved, Plan};
use serde::Serialize;

/// An answer, for JSON.
#[derive(Debug, Serialize)]
pub struct Document {
    symbol: String,
    value: String,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blockers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    afterwards: Option<PlanDocument>,
    chain: SymbolDocument,
}

#[derive(Debug, Serialize)]
struct PlanDocument {
    changes: Vec<ChangeDocument>,
    is_smallest: bool,
    fragment: String,
}

#[derive(Debug, Serialize)]
struct ChangeDocument {
    symbol: String,
    from: String,
    to: String,
    line: String,
    defined_at: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SymbolDocument {
    symbol: String,
    value: String,
    needed: String,
    defined_at: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<CauseDocument>,
}

#[derive(Debug, Serialize)]
struct CauseDocument {
    statement: &'static str,
    condition: String,
    any_is_enough: bool,
    symbols: Vec<SymbolDocument>,
}

/// An answer as JSON has it.
pub fn document(why: &kconfig::Why) -> Document {
    let mut document = Document {
        symbol: why.symbol.symbol.name.clone(),
        value: why.symbol.value.clone(),
        answer: "already",
        plan: None,
        blockers: Vec::new(),
        afterwards: None,
        chain: symbol_document(&why.symbol),
    };
    match &why.answer {
        Answer::Already => {}
        Answer::Changes(plan) => {
            document.answer = "changes";
            document.plan = Some(plan_document(plan));
        }
        Answer::Impossible {
            blockers,
            afterwards,
        } => {
            document.answer = "impossible";
            document.blockers = blockers.iter().map(Blocker::to_string).collect();
            document.afterwards = afterwards.as_ref().map(plan_document);
        }
        Answer::NotFound { .. } => document.answer = "not-found",
    }
    document
}

fn plan_document(plan: &Plan) -> PlanDocument {
    let change = |change: &Change| ChangeDocument {
        symbol: change.symbol.name.clone(),
        from: change.from.clone(),
        to: change.to.clone(),
        line: change.line(),
        defined_at: change
            .symbol
            .definitions
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    PlanDocument {
        changes: plan.changes.iter().map(change).collect(),
        is_smallest: plan.is_smallest,
        fragment: plan.fragment(),
    }
}

fn symbol_document(involved: &Involved) -> SymbolDocument {
    SymbolDocument {
        symbol: involved.symbol.name.clone(),
        value: involved.value.clone(),
        needed: involved.needed.clone(),
        defined_at: involved
            .symbol
            .definitions
            .iter()
            .map(ToString::to_string)
            .collect(),
        causes: involved
            .causes
            .iter()
            .map(|cause| CauseDocument {
                statement: cause.statement,
                condition: cause.condition.clone(),
                any_is_enough: cause.is_any_enough,
                symbols: cause.symbols.iter().map(symbol_document).collect(),
            })
            .collect(),
    }
}
