// SPDX-License-Identifier: MIT OR Apache-2.0

//! Dependency expressions.
//!
//! Expressions live in one arena and name each other by index: the dependencies of a menu are
//! shared by everything in it. `&&` and `||` hold any number of operands, so that a chain of a
//! thousand operands is one level deep and not a thousand.

use crate::ids::{ExprId, MOD, NO, SymbolId, Traits, YES};
use crate::symbol::Symbols;

/// How two symbols' values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    pub(crate) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Unequal => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEqual => ordering.is_ge(),
        }
    }

    /// The comparison that holds exactly when this one does not.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Equal => Self::Unequal,
            Self::Unequal => Self::Equal,
            Self::Less => Self::GreaterEqual,
            Self::LessEqual => Self::Greater,
            Self::Greater => Self::LessEqual,
            Self::GreaterEqual => Self::Less,
        }
    }

    /// The comparison that says the same with its operands swapped.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Equal | Self::Unequal => self,
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
        }
    }

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }
}

/// An expression to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expr<'a> {
    Symbol(SymbolId),
    Not(ExprId),
    And(&'a [ExprId]),
    Or(&'a [ExprId]),
    Compare(Comparison, SymbolId, SymbolId),
}

/// An expression as it is kept: small, for there are 200,000 of them, and evaluating goes
/// through them all.
#[derive(Clone, Copy, Debug)]
enum Stored {
    Symbol(SymbolId),
    Not(ExprId),
    /// Where the operands begin, and how many there are.
    And(u32, u32),
    Or(u32, u32),
    Compare(Comparison, SymbolId, SymbolId),
}

/// Every expression of a tree.
#[derive(Debug, Default)]
pub(crate) struct Exprs {
    nodes: Vec<Stored>,
    /// The operands of every `&&` and `||`.
    operands: Vec<ExprId>,
    traits: Vec<Traits>,
}

impl Exprs {
    pub(crate) fn get(&self, id: ExprId) -> Expr<'_> {
        let operands = |start: u32, count: u32| {
            let start = start as usize;
            &self.operands[start..start + count as usize]
        };
        match self.nodes[id.index()] {
            Stored::Symbol(symbol) => Expr::Symbol(symbol),
            Stored::Not(operand) => Expr::Not(operand),
            Stored::And(start, count) => Expr::And(operands(start, count)),
            Stored::Or(start, count) => Expr::Or(operands(start, count)),
            Stored::Compare(comparison, left, right) => Expr::Compare(comparison, left, right),
        }
    }

    pub(crate) fn traits(&self, id: ExprId) -> Traits {
        self.traits[id.index()]
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn add(&mut self, expr: Stored, traits: Traits) -> ExprId {
        // The number of files and their size are limited, so this cannot wrap.
        let id = ExprId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(expr);
        self.traits.push(traits);
        id
    }

    pub(crate) fn symbol(&mut self, symbols: &Symbols, symbol: SymbolId) -> ExprId {
        self.add(Stored::Symbol(symbol), symbols.traits(symbol))
    }

    pub(crate) fn compare(
        &mut self,
        symbols: &Symbols,
        comparison: Comparison,
        left: SymbolId,
        right: SymbolId,
    ) -> ExprId {
        let traits = symbols.traits(left).join(symbols.traits(right));
        self.add(Stored::Compare(comparison, left, right), traits)
    }

    pub(crate) fn not(&mut self, operand: ExprId) -> ExprId {
        let traits = self.traits(operand);
        self.add(Stored::Not(operand), traits)
    }

    /// `&&` of all operands; a single operand stands for itself.
    pub(crate) fn and(&mut self, operands: &[ExprId]) -> ExprId {
        self.join(operands, Stored::And)
    }

    /// `||` of all operands; a single operand stands for itself.
    pub(crate) fn or(&mut self, operands: &[ExprId]) -> ExprId {
        self.join(operands, Stored::Or)
    }

    fn join(&mut self, operands: &[ExprId], make: fn(u32, u32) -> Stored) -> ExprId {
        if let &[only] = operands {
            return only;
        }
        let traits = operands.iter().map(|&operand| self.traits(operand));
        let traits = traits.fold(Traits::default(), Traits::join);
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let start = number(self.operands.len());
        self.operands.extend_from_slice(operands);
        self.add(make(start, number(operands.len())), traits)
    }

    /// `left && right`, where nothing stands for `y`.
    pub(crate) fn and_maybe(
        &mut self,
        left: Option<ExprId>,
        right: Option<ExprId>,
    ) -> Option<ExprId> {
        match (left, right) {
            (Some(left), Some(right)) => Some(self.and(&[left, right])),
            (one, other) => one.or(other),
        }
    }

    /// `(expr) = n` or `(expr) != n`, in comparisons of the symbols in it: as the kernel writes it,
    /// which makes `A != n` of `(!A) = n`.
    pub(crate) fn compared_with_no(
        &mut self,
        symbols: &Symbols,
        id: ExprId,
        is_no: bool,
    ) -> ExprId {
        let equal = match self.get(id) {
            Expr::Symbol(symbol) => {
                let comparison = if is_no {
                    Comparison::Equal
                } else {
                    Comparison::Unequal
                };
                return self.compare(symbols, comparison, symbol, NO);
            }
            Expr::Not(operand) => return self.compared_with_no(symbols, operand, !is_no),
            Expr::Compare(..) if is_no => return self.not(id),
            Expr::Compare(..) => return id,
            Expr::And(operands) | Expr::Or(operands) => {
                let is_and = matches!(self.get(id), Expr::And(_));
                let operands: Vec<_> = operands.to_vec();
                let compared: Vec<_> = operands
                    .into_iter()
                    .map(|operand| self.compared_with_no(symbols, operand, true))
                    .collect();
                if is_and {
                    self.or(&compared)
                } else {
                    self.and(&compared)
                }
            }
        };
        if is_no { equal } else { self.not(equal) }
    }

    /// Replaces a bare `m` by `m && MODULES`: without modules nothing can be one.
    pub(crate) fn rewrite_m(&mut self, symbols: &Symbols, id: ExprId, modules: SymbolId) -> ExprId {
        match self.get(id) {
            Expr::Symbol(MOD) => {
                let modules = self.symbol(symbols, modules);
                self.and(&[id, modules])
            }
            Expr::Symbol(_) | Expr::Compare(..) => id,
            Expr::Not(operand) => {
                let rewritten = self.rewrite_m(symbols, operand, modules);
                if rewritten == operand {
                    id
                } else {
                    self.not(rewritten)
                }
            }
            Expr::And(operands) | Expr::Or(operands) => {
                let is_and = matches!(self.get(id), Expr::And(_));
                let operands = operands.to_vec();
                let rewritten: Vec<_> = operands
                    .iter()
                    .map(|&operand| self.rewrite_m(symbols, operand, modules))
                    .collect();
                if rewritten == operands {
                    id
                } else if is_and {
                    self.and(&rewritten)
                } else {
                    self.or(&rewritten)
                }
            }
        }
    }

    /// Calls `visit` with every symbol in the expression.
    pub(crate) fn for_each_symbol(&self, id: ExprId, visit: &mut impl FnMut(SymbolId)) {
        match self.get(id) {
            Expr::Symbol(symbol) => visit(symbol),
            Expr::Not(operand) => self.for_each_symbol(operand, visit),
            Expr::And(operands) | Expr::Or(operands) => {
                for &operand in operands {
                    self.for_each_symbol(operand, visit);
                }
            }
            Expr::Compare(_, left, right) => {
                visit(left);
                visit(right);
            }
        }
    }

    /// The operands of the outermost `&&`s, or the expression itself.
    pub(crate) fn conjuncts(&self, id: ExprId, into: &mut Vec<ExprId>) {
        if let Expr::And(operands) = self.get(id) {
            for &operand in operands {
                self.conjuncts(operand, into);
            }
        } else {
            into.push(id);
        }
    }

    /// Whether the expression cannot hold while `symbol` is off.
    pub(crate) fn demands(&self, id: ExprId, symbol: SymbolId) -> bool {
        match self.get(id) {
            Expr::Symbol(other) => other == symbol,
            Expr::And(operands) => operands
                .iter()
                .any(|&operand| self.demands(operand, symbol)),
            Expr::Compare(Comparison::Equal, left, right) => {
                left == symbol && (right == YES || right == MOD)
            }
            Expr::Compare(Comparison::Unequal, left, right) => left == symbol && right == NO,
            _ => false,
        }
    }

    /// Whether `symbol` is anywhere in the expression.
    pub(crate) fn mentions(&self, id: ExprId, symbol: SymbolId) -> bool {
        let mut found = false;
        self.for_each_symbol(id, &mut |other| found |= other == symbol);
        found
    }

    /// Whether two expressions are written the same way.
    pub(crate) fn same(&self, left: ExprId, right: ExprId) -> bool {
        if left == right {
            return true;
        }
        match (self.get(left), self.get(right)) {
            (Expr::Not(left), Expr::Not(right)) => self.same(left, right),
            (Expr::And(left), Expr::And(right)) | (Expr::Or(left), Expr::Or(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|(&left, &right)| self.same(left, right))
            }
            (left @ (Expr::Symbol(_) | Expr::Compare(..)), right) => left == right,
            _ => false,
        }
    }

    /// Writes the expression as a Kconfig file would.
    pub(crate) fn text(&self, id: ExprId, name: &impl Fn(SymbolId) -> String) -> String {
        match self.get(id) {
            Expr::Symbol(symbol) => name(symbol),
            Expr::Not(operand) => match self.get(operand) {
                Expr::Symbol(_) => format!("!{}", self.text(operand, name)),
                _ => format!("!({})", self.text(operand, name)),
            },
            Expr::Compare(comparison, left, right) => {
                format!("{} {} {}", name(left), comparison.sign(), name(right))
            }
            Expr::And(operands) => {
                let part = |&operand: &ExprId| match self.get(operand) {
                    Expr::Or(_) => format!("({})", self.text(operand, name)),
                    _ => self.text(operand, name),
                };
                operands.iter().map(part).collect::<Vec<_>>().join(" && ")
            }
            Expr::Or(operands) => {
                let part = |&operand: &ExprId| match self.get(operand) {
                    Expr::And(_) => format!("({})", self.text(operand, name)),
                    _ => self.text(operand, name),
                };
                operands.iter().map(part).collect::<Vec<_>>().join(" || ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    /// `A`, `B` and `C`, and expressions of them.
    struct Abc {
        symbols: Symbols,
        exprs: Exprs,
        ids: [SymbolId; 3],
        all: [ExprId; 3],
    }

    impl Abc {
        fn new() -> Self {
            let (mut symbols, mut exprs) = (Symbols::default(), Exprs::default());
            let ids = ["A", "B", "C"].map(|name| symbols.named(name));
            let all = ids.map(|id| exprs.symbol(&symbols, id));
            Self {
                symbols,
                exprs,
                ids,
                all,
            }
        }

        fn compare(&mut self, comparison: Comparison, right: SymbolId) -> ExprId {
            let left = self.ids[0];
            self.exprs.compare(&self.symbols, comparison, left, right)
        }

        fn text(&self, id: ExprId) -> String {
            let name = |id| self.symbols.get(id).name.clone();
            self.exprs.text(id, &name)
        }
    }

    const COMPARISONS: [Comparison; 6] = [
        Comparison::Equal,
        Comparison::Unequal,
        Comparison::Less,
        Comparison::LessEqual,
        Comparison::Greater,
        Comparison::GreaterEqual,
    ];

    #[test]
    fn comparison_holds_for_its_orderings() {
        let orderings = [Ordering::Less, Ordering::Equal, Ordering::Greater];
        let held = COMPARISONS.map(|comparison| orderings.map(|o| comparison.holds(o)));
        let expected = [
            [false, true, false],
            [true, false, true],
            [true, false, false],
            [true, true, false],
            [false, false, true],
            [false, true, true],
        ];
        assert_eq!(held, expected);
        for (comparison, ordering) in COMPARISONS
            .into_iter()
            .flat_map(|c| orderings.map(|o| (c, o)))
        {
            let holds = comparison.holds(ordering);
            assert_eq!(comparison.negated().holds(ordering), !holds);
            assert_eq!(comparison.mirrored().holds(ordering.reverse()), holds);
        }
        assert_eq!(
            COMPARISONS.map(Comparison::sign),
            ["=", "!=", "<", "<=", ">", ">="]
        );
    }

    #[test]
    fn text_has_the_parentheses_that_are_needed() {
        let mut abc = Abc::new();
        let [a, b, c] = abc.all;
        let either = abc.exprs.or(&[a, b]);
        let both = abc.exprs.and(&[a, b]);
        let nested = abc.exprs.and(&[either, c]);
        assert_eq!(abc.text(nested), "(A || B) && C");
        let nested = abc.exprs.or(&[both, c]);
        assert_eq!(abc.text(nested), "(A && B) || C");
        let (not, not_either) = (abc.exprs.not(a), abc.exprs.not(either));
        assert_eq!(
            [abc.text(not), abc.text(not_either)],
            ["!A", "!(A || B)"].map(str::to_owned)
        );
        let compared = abc.compare(Comparison::LessEqual, YES);
        assert_eq!(abc.text(compared), "A <= y");
        assert_eq!(abc.exprs.and(&[a]), a, "one operand stands for itself");
    }

    #[test]
    fn rewrite_m_adds_modules_to_every_bare_m() {
        let mut abc = Abc::new();
        let [a, ..] = abc.all;
        let modules = abc.symbols.named("MODULES");
        let m = abc.exprs.symbol(&abc.symbols, MOD);
        let is_m = abc.compare(Comparison::Equal, MOD);
        let not_m = abc.exprs.not(m);
        let either = abc.exprs.or(&[a, not_m]);
        let all = abc.exprs.and(&[either, m, is_m]);
        let rewritten = abc.exprs.rewrite_m(&abc.symbols, all, modules);
        assert_eq!(
            abc.text(rewritten),
            "(A || !(m && MODULES)) && m && MODULES && A = m"
        );
        let plain = abc.exprs.and(&[a, is_m]);
        let plain = abc.exprs.not(plain);
        assert_eq!(abc.exprs.rewrite_m(&abc.symbols, plain, modules), plain);
    }

    #[test]
    fn compared_with_no_goes_into_the_operands() {
        let mut abc = Abc::new();
        let [a, b, c] = abc.all;
        let both = abc.exprs.and(&[a, b]);
        let not_c = abc.exprs.not(c);
        let all = abc.exprs.or(&[both, not_c]);
        let text = |abc: &mut Abc, id, is_no| {
            let compared = abc.exprs.compared_with_no(&abc.symbols, id, is_no);
            abc.text(compared)
        };
        assert_eq!(text(&mut abc, a, true), "A = n");
        assert_eq!(text(&mut abc, a, false), "A != n");
        assert_eq!(text(&mut abc, both, true), "A = n || B = n");
        assert_eq!(text(&mut abc, both, false), "!(A = n || B = n)");
        assert_eq!(text(&mut abc, all, true), "(A = n || B = n) && C != n");
        let is_y = abc.compare(Comparison::Equal, YES);
        assert_eq!(text(&mut abc, is_y, true), "!(A = y)");
        assert_eq!(text(&mut abc, is_y, false), "A = y");
    }

    #[test]
    fn demands_is_true_only_where_the_symbol_must_be_on() {
        let mut abc = Abc::new();
        let [a, b, _] = abc.all;
        let both = abc.exprs.and(&[b, a]);
        let either = abc.exprs.or(&[a, b]);
        let not = abc.exprs.not(a);
        let compared = [
            (Comparison::Equal, YES),
            (Comparison::Equal, MOD),
            (Comparison::Unequal, NO),
            (Comparison::Equal, NO),
            (Comparison::Unequal, YES),
            (Comparison::Less, YES),
        ]
        .map(|(comparison, right)| abc.compare(comparison, right));
        let demands = |id| abc.exprs.demands(id, abc.ids[0]);
        assert_eq!(
            [a, both, either, not].map(demands),
            [true, true, false, false]
        );
        assert_eq!(
            compared.map(demands),
            [true, true, true, false, false, false]
        );
        assert!(!abc.exprs.demands(compared[0], abc.ids[1]));
        assert!(abc.exprs.mentions(either, abc.ids[1]) && !abc.exprs.mentions(not, abc.ids[1]));
        assert!(abc.exprs.mentions(compared[0], YES));
    }

    #[test]
    fn same_compares_what_is_written() {
        let mut abc = Abc::new();
        let [a, b, c] = abc.all;
        let mut make = |operands: &[ExprId], is_and| {
            let joined = if is_and {
                abc.exprs.and(operands)
            } else {
                abc.exprs.or(operands)
            };
            abc.exprs.not(joined)
        };
        let (one, two) = (make(&[a, b], true), make(&[a, b], true));
        let others = [
            make(&[a, b], false),
            make(&[b, a], true),
            make(&[a, b, c], true),
        ];
        assert!(abc.exprs.same(one, two));
        assert!(others.iter().all(|&other| !abc.exprs.same(one, other)));
        let again = abc.exprs.symbol(&abc.symbols, abc.ids[0]);
        assert!(abc.exprs.same(a, again) && !abc.exprs.same(a, b) && !abc.exprs.same(one, a));
        let mut parts = Vec::new();
        let nested = abc.exprs.and(&[a, b]);
        let nested = abc.exprs.and(&[nested, one]);
        abc.exprs.conjuncts(nested, &mut parts);
        assert_eq!(parts, [a, b, one]);
    }

    #[test]
    fn traits_are_those_of_all_operands() {
        let mut abc = Abc::new();
        let at = crate::error::Location {
            file: "Kconfig".into(),
            line: 1,
        };
        let text = "$(shell,x)".to_owned();
        let unknown = abc.symbols.fact(crate::symbol::Fact { text, at }, None);
        let choice = abc.symbols.choice(None);
        let [a, b, _] = abc.all;
        let unknown = abc.compare(Comparison::Equal, unknown);
        let choice = abc.exprs.symbol(&abc.symbols, choice);
        let plain = abc.exprs.and(&[a, b]);
        let uncertain = abc.exprs.or(&[plain, unknown]);
        let both = abc.exprs.and(&[choice, uncertain]);
        let both = abc.exprs.not(both);
        let found = [plain, uncertain, choice, both].map(|id| {
            let traits = abc.exprs.traits(id);
            (traits.is_uncertain, traits.has_choice)
        });
        assert_eq!(
            found,
            [(false, false), (true, false), (false, true), (true, true)]
        );
    }
}
