// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reads Kconfig files into menu entries and symbols.
//!
//! The language is defined in `Documentation/kbuild/kconfig-language.rst`. What the kernel's own
//! parser refuses is refused here too, with the same line: guessing past a mistake would give
//! answers about a tree that does not exist.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Location};
use crate::expr::Exprs;
use crate::file;
use crate::ids::{ExprId, NO, SymbolId};
use crate::lex::{Keyword, Lexer, Token};
use crate::preprocess::Preprocessor;
use crate::symbol::{Fact, Property, PropertyKind, Symbol, SymbolType, Symbols};

/// The largest Kconfig file that is read; the kernel's largest has 90 kB.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// The most files a tree may source; the kernel sources 1,500.
const MAX_FILES: usize = 50_000;
/// The most bytes of all files together; the kernel's have 5 MB.
const MAX_TREE_BYTES: u64 = 256 << 20;
/// How deep files may source each other; the kernel reaches 8.
const MAX_SOURCE_DEPTH: usize = 50;
/// How deep menus and ifs may nest; the kernel reaches 10.
const MAX_MENU_DEPTH: usize = 100;
/// How deep parentheses and `!` may nest; the kernel reaches 4.
const MAX_EXPR_DEPTH: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Root,
    Symbol,
    Choice,
    If,
    Menu,
    Comment,
}

/// One `config`, `choice`, `menu`, `if` or `comment`.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    pub(crate) parent: u32,
    pub(crate) children: Vec<u32>,
    pub(crate) symbol: Option<SymbolId>,
    /// The places of its properties in its symbol's list.
    pub(crate) properties: Vec<usize>,
    pub(crate) depends: Option<ExprId>,
    visibility: Option<ExprId>,
    at: Location,
    depth: usize,
}

/// What reading a tree results in, before dependencies are handed down its menus.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) symbols: Symbols,
    pub(crate) exprs: Exprs,
    pub(crate) entries: Vec<Entry>,
    pub(crate) modules: Option<SymbolId>,
    pub(crate) files: usize,
}

pub(crate) struct Parser {
    root: PathBuf,
    pp: Preprocessor,
    tree: Tree,
    /// The block that new entries are put into.
    block: u32,
    bytes: u64,
    sourcing: Vec<String>,
}

/// The tokens of one statement, taken from the left.
struct Statement<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: &'t Location,
    macros: Option<&'t str>,
}

impl<'t, 'a> Statement<'t, 'a> {
    fn next(&mut self) -> Option<&'t Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take(&mut self, token: &Token<'_>) -> bool {
        let is_next = self.tokens.first() == Some(token);
        if is_next {
            self.tokens = &self.tokens[1..];
        }
        is_next
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::Syntax {
            at: self.at.clone(),
            message: message.into(),
        }
    }

    fn end(&self) -> Result<(), Error> {
        match self.tokens.first() {
            None => Ok(()),
            Some(token) => Err(self.error(format!("{} is not expected here", shown(token)))),
        }
    }

    /// A text that is only shown: what is unknown in it stays as it is written.
    fn text(&mut self) -> Result<String, Error> {
        match self.next() {
            Some(Token::Quoted(text)) => Ok(text.clone().into_owned()),
            Some(Token::Unknown {
                raw,
                is_quoted: true,
            }) => Ok(raw.trim_matches('"').to_owned()),
            _ => Err(self.error("a text in quotes is expected here")),
        }
    }

    fn name(&mut self) -> Result<&'t str, Error> {
        match self.next() {
            Some(Token::Word(name)) => Ok(name),
            _ => Err(self.error("the name of a symbol is expected here")),
        }
    }
}

/// A token as a message names it.
fn shown(token: &Token<'_>) -> String {
    match token {
        Token::Keyword(keyword) => format!("`{}`", format!("{keyword:?}").to_lowercase()),
        Token::Word(word) => format!("`{word}`"),
        Token::Quoted(text) => format!("\"{text}\""),
        Token::Unknown { raw, .. } | Token::Known { raw, .. } => format!("`{raw}`"),
        Token::Compare(comparison) => format!("`{}`", comparison.sign()),
        Token::And => "`&&`".to_owned(),
        Token::Or => "`||`".to_owned(),
        Token::Not => "`!`".to_owned(),
        Token::Open => "`(`".to_owned(),
        Token::Close => "`)`".to_owned(),
        Token::Assign(..) => "an assignment".to_owned(),
    }
}

impl Parser {
    pub(crate) fn new(root: &Path, pp: Preprocessor) -> Self {
        let mut parser = Self {
            root: root.to_owned(),
            pp,
            tree: Tree::default(),
            block: 0,
            bytes: 0,
            sourcing: Vec::new(),
        };
        let at = Location {
            file: "".into(),
            line: 0,
        };
        parser.tree.entries.push(Entry {
            kind: EntryKind::Root,
            parent: 0,
            children: Vec::new(),
            symbol: None,
            properties: Vec::new(),
            depends: None,
            visibility: None,
            at,
            depth: 0,
        });
        parser
    }

    /// Reads the first file and all that it sources.
    pub(crate) fn tree(self, first: &str) -> Result<Tree, Error> {
        let path = self.root.join(first);
        let bytes =
            file::read(&path, MAX_FILE_BYTES).map_err(|source| Error::Read { path, source })?;
        self.text(first, bytes)
    }

    /// The same for a first file that is read already.
    pub(crate) fn text(mut self, first: &str, bytes: Option<Vec<u8>>) -> Result<Tree, Error> {
        let at = Location {
            file: first.into(),
            line: 1,
        };
        self.file(first, bytes, &at)?;
        Ok(self.tree)
    }

    fn file(&mut self, name: &str, bytes: Option<Vec<u8>>, at: &Location) -> Result<(), Error> {
        let limit = |what, limit| Error::Limit {
            at: at.clone(),
            what,
            limit,
        };
        let Some(bytes) = bytes else {
            // The number fits: the limit is 16 MiB.
            return Err(limit("the size of this file in bytes", 16 << 20));
        };
        self.tree.files += 1;
        self.bytes += bytes.len() as u64;
        if self.tree.files > MAX_FILES {
            return Err(limit("the number of sourced files", MAX_FILES));
        }
        if self.bytes > MAX_TREE_BYTES {
            return Err(limit("the number of bytes in all files", 256 << 20));
        }
        if self.sourcing.len() >= MAX_SOURCE_DEPTH {
            return Err(limit("the depth of `source`", MAX_SOURCE_DEPTH));
        }
        self.sourcing.push(name.to_owned());
        let block = self.block;
        let mut lexer = Lexer::new(&bytes, Arc::from(name));
        let mut tokens = Vec::new();
        // The entry that options belong to; none directly after a block begins or ends.
        let mut entry = None;
        loop {
            lexer.statement(&mut self.pp, &mut tokens)?;
            if tokens.is_empty() {
                break;
            }
            let at = lexer.location.clone();
            let macros = lexer.macros.take();
            let mut statement = Statement {
                tokens: &tokens,
                at: &at,
                macros: macros.as_deref(),
            };
            if self.statement(&mut statement, &mut entry, block)? == Next::Help {
                lexer.skip_help();
            }
        }
        if self.block != block {
            let open = self.entry(self.block);
            let message = "this block is not ended in its file".to_owned();
            return Err(Error::Syntax {
                at: open.at.clone(),
                message,
            });
        }
        self.sourcing.pop();
        Ok(())
    }

    fn entry(&self, id: u32) -> &Entry {
        &self.tree.entries[id as usize]
    }

    fn entry_mut(&mut self, id: u32) -> &mut Entry {
        &mut self.tree.entries[id as usize]
    }

    fn add_entry(
        &mut self,
        kind: EntryKind,
        symbol: Option<SymbolId>,
        at: &Location,
    ) -> Result<u32, Error> {
        let id = u32::try_from(self.tree.entries.len()).unwrap_or(u32::MAX);
        let depth = self.entry(self.block).depth + 1;
        if depth > MAX_MENU_DEPTH {
            let what = "the depth of menus and ifs";
            return Err(Error::Limit {
                at: at.clone(),
                what,
                limit: MAX_MENU_DEPTH,
            });
        }
        self.tree.entries.push(Entry {
            kind,
            parent: self.block,
            children: Vec::new(),
            symbol,
            properties: Vec::new(),
            depends: None,
            visibility: None,
            at: at.clone(),
            depth,
        });
        let block = self.block;
        self.entry_mut(block).children.push(id);
        if let Some(symbol) = symbol {
            self.tree
                .symbols
                .get_mut(symbol)
                .definitions
                .push(at.clone());
        }
        Ok(id)
    }

    /// Reads one statement. `entry` is what options belong to; `outer` is the block that the
    /// file began in, which it may not end.
    fn statement(
        &mut self,
        statement: &mut Statement<'_, '_>,
        entry: &mut Option<u32>,
        outer: u32,
    ) -> Result<Next, Error> {
        let whole = statement.tokens;
        match statement.next() {
            Some(Token::Keyword(keyword)) => {
                if let Some(entry) = *entry
                    && let Some(next) = self.option(*keyword, entry, statement)?
                {
                    return Ok(next);
                }
                *entry = None;
                self.block_statement(*keyword, statement, entry, outer)?;
            }
            Some(Token::Word(name)) => match (statement.next(), &*entry) {
                (Some(Token::Assign(flavor, value)), _) => {
                    self.pp.assign(name, value, *flavor, statement.at)?;
                    *entry = None;
                }
                // How trees before 5.13 wrote `modules`, and before 5.10 `help`.
                (Some(Token::Keyword(Keyword::Modules)), Some(entry)) if name == "option" => {
                    self.tree.modules = self.entry(*entry).symbol;
                }
                (Some(_), Some(_)) if name == "option" => {}
                (None, Some(_)) if name == "---help---" => return Ok(Next::Help),
                _ => return Err(statement.error(format!("`{name}` begins no statement"))),
            },
            _ => {
                let first = whole.first().map(shown).unwrap_or_default();
                return Err(statement.error(format!("{first} begins no statement")));
            }
        }
        Ok(Next::Statement)
    }

    fn block_statement(
        &mut self,
        keyword: Keyword,
        statement: &mut Statement<'_, '_>,
        entry: &mut Option<u32>,
        outer: u32,
    ) -> Result<(), Error> {
        let at = statement.at;
        match keyword {
            Keyword::Config | Keyword::Menuconfig => {
                let symbol = self.tree.symbols.named(statement.name()?);
                if symbol.0 < 3 {
                    return Err(statement.error("a constant cannot be defined"));
                }
                *entry = Some(self.add_entry(EntryKind::Symbol, Some(symbol), at)?);
            }
            Keyword::Choice => {
                let name = (!statement.tokens.is_empty())
                    .then(|| statement.name())
                    .transpose()?;
                let symbol = self.tree.symbols.choice(name);
                let id = self.add_entry(EntryKind::Choice, Some(symbol), at)?;
                self.block = id;
                *entry = Some(id);
            }
            Keyword::Menu => {
                statement.text()?;
                let id = self.add_entry(EntryKind::Menu, None, at)?;
                self.block = id;
                *entry = Some(id);
            }
            Keyword::If => {
                let condition = self.expr(statement, 0)?;
                let id = self.add_entry(EntryKind::If, None, at)?;
                self.entry_mut(id).depends = Some(condition);
                self.block = id;
            }
            Keyword::Comment => {
                statement.text()?;
                *entry = Some(self.add_entry(EntryKind::Comment, None, at)?);
            }
            Keyword::Mainmenu => {
                statement.text()?;
            }
            Keyword::Endchoice | Keyword::Endif | Keyword::Endmenu => {
                self.end_block(keyword, statement, outer)?;
            }
            Keyword::Source => self.source(statement)?,
            _ => {
                let word = format!("{keyword:?}").to_lowercase();
                return Err(statement.error(format!("`{word}` belongs to no entry here")));
            }
        }
        statement.end()
    }

    fn end_block(
        &mut self,
        keyword: Keyword,
        statement: &Statement<'_, '_>,
        outer: u32,
    ) -> Result<(), Error> {
        let (kind, word) = match keyword {
            Keyword::Endchoice => (EntryKind::Choice, "endchoice"),
            Keyword::Endif => (EntryKind::If, "endif"),
            _ => (EntryKind::Menu, "endmenu"),
        };
        let open = self.entry(self.block);
        if self.block == outer {
            return Err(statement.error(format!("`{word}` ends no block of this file")));
        }
        if open.kind != kind {
            let message = format!("`{word}` does not end the block begun at {}", open.at);
            return Err(statement.error(message));
        }
        self.block = open.parent;
        Ok(())
    }

    fn source(&mut self, statement: &mut Statement<'_, '_>) -> Result<(), Error> {
        let at = statement.at;
        let wanted = match statement.next() {
            Some(Token::Quoted(path)) => path.as_ref(),
            Some(Token::Unknown { raw, .. }) => {
                return Err(Error::SourceUnknown {
                    at: at.clone(),
                    wanted: raw.clone(),
                });
            }
            _ => return Err(statement.error("`source` takes a path in quotes")),
        };
        if self.sourcing.iter().any(|open| open == wanted) {
            return Err(Error::SourceLoop {
                at: at.clone(),
                wanted: wanted.to_owned(),
            });
        }
        match file::read(&self.root.join(wanted), MAX_FILE_BYTES) {
            Ok(bytes) => self.file(wanted, bytes, at),
            Err(_) if self.is_of_absent_arch(wanted, &at.file) => Ok(()),
            Err(source) => Err(Error::Source {
                at: at.clone(),
                wanted: wanted.to_owned(),
                source,
            }),
        }
    }

    /// Whether a file belongs to an architecture whose whole directory is missing, as in Arch's
    /// headers. Its symbols depend on that architecture and are off. The first file sources that of
    /// the architecture which is read, and that one must be there.
    fn is_of_absent_arch(&self, wanted: &str, from: &str) -> bool {
        let arch = wanted
            .strip_prefix("arch/")
            .and_then(|rest| rest.split('/').next());
        arch.is_some_and(|arch| from != "Kconfig" && !self.root.join("arch").join(arch).exists())
    }

    /// Reads an option of an entry; nothing when the keyword begins no option of it.
    fn option(
        &mut self,
        keyword: Keyword,
        entry: u32,
        statement: &mut Statement<'_, '_>,
    ) -> Result<Option<Next>, Error> {
        let kind = self.entry(entry).kind;
        let is_symbol = kind == EntryKind::Symbol;
        match (keyword, kind) {
            (Keyword::Depends, _) => {
                if !statement.take(&Token::Keyword(Keyword::On)) {
                    return Err(statement.error("`depends` is followed by `on`"));
                }
                let mut condition = self.expr(statement, 0)?;
                // `depends on A if B`, of Linux 7.0 and later, demands A only where B is not n.
                if let Some(only_if) = self.if_expr(statement)? {
                    let Tree { symbols, exprs, .. } = &mut self.tree;
                    let unless = exprs.compared_with_no(symbols, only_if, true);
                    condition = exprs.or(&[condition, unless]);
                }
                let joined = self
                    .tree
                    .exprs
                    .and_maybe(self.entry(entry).depends, Some(condition));
                self.entry_mut(entry).depends = joined;
            }
            (Keyword::Visible, EntryKind::Menu) => {
                let condition = self.if_expr(statement)?;
                let joined = self
                    .tree
                    .exprs
                    .and_maybe(self.entry(entry).visibility, condition);
                self.entry_mut(entry).visibility = joined;
            }
            (Keyword::Help, EntryKind::Symbol | EntryKind::Choice) => {
                statement.end()?;
                return Ok(Some(Next::Help));
            }
            (Keyword::Prompt, EntryKind::Symbol | EntryKind::Choice) => {
                self.prompt(entry, statement)?;
            }
            (Keyword::Optional, EntryKind::Choice) => self.symbol_of(entry).is_optional = true,
            (Keyword::Modules, EntryKind::Symbol) => {
                self.tree.modules = self.entry(entry).symbol;
            }
            (Keyword::Transitional, EntryKind::Symbol) => {
                self.symbol_of(entry).is_transitional = true;
            }
            (Keyword::Bool | Keyword::Tristate, EntryKind::Symbol | EntryKind::Choice)
            | (Keyword::Int | Keyword::Hex | Keyword::String, EntryKind::Symbol) => {
                self.set_type(
                    entry,
                    match keyword {
                        Keyword::Bool => SymbolType::Bool,
                        Keyword::Tristate => SymbolType::Tristate,
                        Keyword::Int => SymbolType::Int,
                        Keyword::Hex => SymbolType::Hex,
                        _ => SymbolType::String,
                    },
                );
                if !statement.tokens.is_empty() {
                    self.prompt(entry, statement)?;
                }
            }
            (Keyword::Default, EntryKind::Choice) => {
                let member = self.tree.symbols.named(statement.name()?);
                let member = self.tree.exprs.symbol(&self.tree.symbols, member);
                self.property(entry, PropertyKind::Default(member), statement)?;
            }
            (Keyword::Default | Keyword::DefBool | Keyword::DefTristate, _) if is_symbol => {
                let value = self.expr(statement, 0)?;
                self.property(entry, PropertyKind::Default(value), statement)?;
                match keyword {
                    Keyword::DefBool => self.set_type(entry, SymbolType::Bool),
                    Keyword::DefTristate => self.set_type(entry, SymbolType::Tristate),
                    _ => {}
                }
            }
            (Keyword::Select | Keyword::Imply, _) if is_symbol => {
                let target = self.tree.symbols.named(statement.name()?);
                let kind = match keyword {
                    Keyword::Select => PropertyKind::Select(target),
                    _ => PropertyKind::Imply(target),
                };
                self.property(entry, kind, statement)?;
            }
            (Keyword::Range, _) if is_symbol => {
                let low = self.operand(statement)?;
                let high = self.operand(statement)?;
                self.property(entry, PropertyKind::Range(low, high), statement)?;
            }
            _ => return Ok(None),
        }
        statement.end()?;
        Ok(Some(Next::Statement))
    }

    fn symbol_of(&mut self, entry: u32) -> &mut Symbol {
        // Asked only of entries of symbols and choices; the fallback is the constant `n`.
        let id = self.entry(entry).symbol.unwrap_or(NO);
        self.tree.symbols.get_mut(id)
    }

    /// The first type a symbol is given is its type; the kernel's parser warns of a second.
    fn set_type(&mut self, entry: u32, kind: SymbolType) {
        let symbol = self.symbol_of(entry);
        if symbol.kind == SymbolType::Unknown {
            symbol.kind = kind;
        }
    }

    fn prompt(&mut self, entry: u32, statement: &mut Statement<'_, '_>) -> Result<(), Error> {
        let text = statement.text()?;
        self.property(
            entry,
            PropertyKind::Prompt(text.trim_start().to_owned()),
            statement,
        )?;
        // A prompt is also hidden by the `visible if` of every menu around it.
        let mut condition = self
            .symbol_of(entry)
            .properties
            .last()
            .and_then(|p| p.condition);
        let mut menu = self.entry(entry).parent;
        while menu != 0 {
            condition = self
                .tree
                .exprs
                .and_maybe(condition, self.entry(menu).visibility);
            menu = self.entry(menu).parent;
        }
        if let Some(property) = self.symbol_of(entry).properties.last_mut() {
            property.condition = condition;
        }
        Ok(())
    }

    /// Adds a property, whose optional `if` is read here.
    fn property(
        &mut self,
        entry: u32,
        kind: PropertyKind,
        statement: &mut Statement<'_, '_>,
    ) -> Result<(), Error> {
        let condition = self.if_expr(statement)?;
        let at = statement.at.clone();
        let macros = statement.macros.map(Box::from);
        let symbol = self.symbol_of(entry);
        symbol.properties.push(Property {
            kind,
            condition,
            at,
            macros,
        });
        let place = symbol.properties.len() - 1;
        self.entry_mut(entry).properties.push(place);
        Ok(())
    }

    fn if_expr(&mut self, statement: &mut Statement<'_, '_>) -> Result<Option<ExprId>, Error> {
        statement
            .take(&Token::Keyword(Keyword::If))
            .then(|| self.expr(statement, 0))
            .transpose()
    }

    fn operand(&mut self, statement: &mut Statement<'_, '_>) -> Result<SymbolId, Error> {
        match statement.next() {
            Some(Token::Word(name)) => Ok(self.tree.symbols.named(name)),
            Some(Token::Quoted(text)) => Ok(self.tree.symbols.quoted(text)),
            Some(Token::Unknown { raw, .. }) => {
                let fact = Fact {
                    text: raw.clone(),
                    at: statement.at.clone(),
                };
                Ok(self.tree.symbols.fact(fact, None))
            }
            Some(Token::Known { raw, value }) => {
                let fact = Fact {
                    text: raw.clone(),
                    at: statement.at.clone(),
                };
                Ok(self.tree.symbols.fact(fact, Some(value)))
            }
            _ => Err(statement.error("a symbol or a text in quotes is expected here")),
        }
    }

    /// `||` binds weakest, then `&&`, then `!`, then comparisons.
    fn expr(&mut self, statement: &mut Statement<'_, '_>, depth: usize) -> Result<ExprId, Error> {
        if depth > MAX_EXPR_DEPTH {
            let what = "the depth of an expression";
            return Err(Error::Limit {
                at: statement.at.clone(),
                what,
                limit: MAX_EXPR_DEPTH,
            });
        }
        let mut alternatives = Vec::new();
        loop {
            let mut operands = vec![self.term(statement, depth)?];
            while statement.take(&Token::And) {
                operands.push(self.term(statement, depth)?);
            }
            alternatives.push(self.tree.exprs.and(&operands));
            if !statement.take(&Token::Or) {
                return Ok(self.tree.exprs.or(&alternatives));
            }
        }
    }

    fn term(&mut self, statement: &mut Statement<'_, '_>, depth: usize) -> Result<ExprId, Error> {
        let mut negations = 0usize;
        while statement.take(&Token::Not) {
            negations += 1;
        }
        let mut expr = if statement.take(&Token::Open) {
            let inner = self.expr(statement, depth + 1)?;
            if !statement.take(&Token::Close) {
                return Err(statement.error("a `)` is missing here"));
            }
            inner
        } else {
            let left = self.operand(statement)?;
            if let Some(&Token::Compare(comparison)) = statement.tokens.first() {
                statement.next();
                let right = self.operand(statement)?;
                self.tree
                    .exprs
                    .compare(&self.tree.symbols, comparison, left, right)
            } else {
                self.tree.exprs.symbol(&self.tree.symbols, left)
            }
        };
        // Two `!` undo each other, so a chain of any length is one level at most.
        if negations % 2 == 1 {
            expr = self.tree.exprs.not(expr);
        }
        Ok(expr)
    }
}

/// What the lexer is to do after a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Statement,
    Help,
}
