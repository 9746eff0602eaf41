// SPDX-License-Identifier: MIT OR Apache-2.0

//! Splits a Kconfig file into statements of tokens, expanding macros on the way.
//!
//! Works on bytes: a help text may be in any encoding, and what matters is ASCII.

use std::borrow::Cow;

use crate::error::{Error, Location};
use crate::expr::Comparison;
use crate::preprocess::{Flavor, Preprocessor, UNKNOWN, reference_end, unterminated};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Bool,
    Choice,
    Comment,
    Config,
    DefBool,
    DefTristate,
    Default,
    Depends,
    Endchoice,
    Endif,
    Endmenu,
    Help,
    Hex,
    If,
    Imply,
    Int,
    Mainmenu,
    Menu,
    Menuconfig,
    Modules,
    On,
    Optional,
    Prompt,
    Range,
    Select,
    Source,
    String,
    Transitional,
    Tristate,
    Visible,
}

impl Keyword {
    fn from_word(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"bool" => Self::Bool,
            b"choice" => Self::Choice,
            b"comment" => Self::Comment,
            b"config" => Self::Config,
            b"def_bool" => Self::DefBool,
            b"def_tristate" => Self::DefTristate,
            b"default" => Self::Default,
            b"depends" => Self::Depends,
            b"endchoice" => Self::Endchoice,
            b"endif" => Self::Endif,
            b"endmenu" => Self::Endmenu,
            b"help" => Self::Help,
            b"hex" => Self::Hex,
            b"if" => Self::If,
            b"imply" => Self::Imply,
            b"int" => Self::Int,
            b"mainmenu" => Self::Mainmenu,
            b"menu" => Self::Menu,
            b"menuconfig" => Self::Menuconfig,
            b"modules" => Self::Modules,
            b"on" => Self::On,
            b"optional" => Self::Optional,
            b"prompt" => Self::Prompt,
            b"range" => Self::Range,
            b"select" => Self::Select,
            b"source" => Self::Source,
            b"string" => Self::String,
            b"transitional" => Self::Transitional,
            b"tristate" => Self::Tristate,
            b"visible" => Self::Visible,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Keyword(Keyword),
    Word(Cow<'a, str>),
    Quoted(Cow<'a, str>),
    /// A word or string with a part that is not known; as the file writes it.
    Unknown {
        raw: String,
        is_quoted: bool,
    },
    /// A macro call that came out as `y` or `n`; as the file writes it.
    Known {
        raw: String,
        value: &'static str,
    },
    Compare(Comparison),
    And,
    Or,
    Not,
    Open,
    Close,
    Assign(Flavor, Cow<'a, str>),
}

pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// The line that `at` is on; in `location`, that of the statement's first token.
    line: u32,
    pub(crate) location: Location,
    /// The last macro call in the statement, as the file writes it.
    pub(crate) macros: Option<Box<str>>,
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8], file: std::sync::Arc<str>) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            location: Location { file, line: 1 },
            macros: None,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The rest of the line that `at` is on, without its newline.
    fn rest_of_line(&self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Reads the next statement; no tokens mean the end of the file.
    pub(crate) fn statement(
        &mut self,
        pp: &mut Preprocessor,
        tokens: &mut Vec<Token<'a>>,
    ) -> Result<(), Error> {
        tokens.clear();
        self.macros = None;
        while let Some(byte) = self.peek() {
            if tokens.is_empty() {
                self.location.line = self.line;
            }
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    if !tokens.is_empty() {
                        return Ok(());
                    }
                }
                b'#' => self.at += self.rest_of_line().len(),
                b'\\' if self.text.get(self.at + 1) == Some(&b'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                b'"' | b'\'' => {
                    let token = self.quoted(byte, pp)?;
                    tokens.push(token);
                }
                byte if is_word(byte) || byte == b'$' => {
                    if let Some(token) = self.word(pp)? {
                        tokens.push(token);
                    }
                }
                _ => self.sign(tokens),
            }
        }
        Ok(())
    }

    /// Reads an operator; anything that is none is skipped, as the kernel's parser does.
    fn sign(&mut self, tokens: &mut Vec<Token<'a>>) {
        let rest = &self.text[self.at..];
        let next = rest.get(1).copied();
        let may_assign = matches!(
            tokens[..],
            [Token::Word(_)
                | Token::Unknown {
                    is_quoted: false,
                    ..
                }]
        );
        let (token, length) = match (rest[0], next) {
            (b'=', _) if may_assign => return self.assignment(Flavor::Recursive, 1, tokens),
            (b':', Some(b'=')) if may_assign => {
                return self.assignment(Flavor::Simple, 2, tokens);
            }
            (b'+', Some(b'=')) if may_assign => {
                return self.assignment(Flavor::Append, 2, tokens);
            }
            (b'|', Some(b'|')) => (Token::Or, 2),
            (b'&', Some(b'&')) => (Token::And, 2),
            (b'!', Some(b'=')) => (Token::Compare(Comparison::Unequal), 2),
            (b'<', Some(b'=')) => (Token::Compare(Comparison::LessEqual), 2),
            (b'>', Some(b'=')) => (Token::Compare(Comparison::GreaterEqual), 2),
            (b'=', _) => (Token::Compare(Comparison::Equal), 1),
            (b'<', _) => (Token::Compare(Comparison::Less), 1),
            (b'>', _) => (Token::Compare(Comparison::Greater), 1),
            (b'!', _) => (Token::Not, 1),
            (b'(', _) => (Token::Open, 1),
            (b')', _) => (Token::Close, 1),
            _ => {
                self.at += 1;
                return;
            }
        };
        self.at += length;
        tokens.push(token);
    }

    /// The value of an assignment is the rest of the line, comments and quotes included.
    fn assignment(&mut self, flavor: Flavor, length: usize, tokens: &mut Vec<Token<'a>>) {
        self.at += length;
        let line = self.rest_of_line();
        self.at += line.len();
        let blanks = line
            .iter()
            .take_while(|&&byte| byte == b' ' || byte == b'\t')
            .count();
        tokens.push(Token::Assign(
            flavor,
            String::from_utf8_lossy(&line[blanks..]),
        ));
    }

    /// Expands the `$` at `at`, and moves past it.
    fn dollar(&mut self, pp: &mut Preprocessor, out: &mut String) -> Result<(), Error> {
        self.at += 1;
        if self.peek() != Some(b'(') {
            out.push('$');
            return Ok(());
        }
        let line = self.rest_of_line();
        let here = Location {
            file: self.location.file.clone(),
            line: self.line,
        };
        let Some(end) = reference_end(line) else {
            return Err(unterminated(&here, &String::from_utf8_lossy(line)));
        };
        out.push_str(&pp.reference(&String::from_utf8_lossy(&line[1..end]), &here)?);
        self.macros = Some(format!("${}", String::from_utf8_lossy(&line[..=end])).into());
        self.at += end + 1;
        Ok(())
    }

    fn word(&mut self, pp: &mut Preprocessor) -> Result<Option<Token<'a>>, Error> {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.iter().take_while(|&&byte| is_word(byte)).count();
        if rest.get(length) != Some(&b'$') {
            self.at += length;
            let word = &rest[..length];
            return Ok(Some(match Keyword::from_word(word) {
                Some(keyword) => Token::Keyword(keyword),
                None => Token::Word(String::from_utf8_lossy(word)),
            }));
        }
        let mut out = String::new();
        while let Some(byte) = self.peek() {
            if byte == b'$' {
                self.dollar(pp, &mut out)?;
            } else if is_word(byte) {
                out.push(char::from(byte));
                self.at += 1;
            } else {
                break;
            }
        }
        if out.contains(UNKNOWN) {
            let raw = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
            return Ok(Some(Token::Unknown {
                raw,
                is_quoted: false,
            }));
        }
        // What a test of the tools says is a fact too, and to be named by its test.
        if let "y" | "n" = &*out {
            let raw = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
            let value = if out == "y" { "y" } else { "n" };
            return Ok(Some(Token::Known { raw, value }));
        }
        Ok((!out.is_empty()).then_some(Token::Word(Cow::Owned(out))))
    }

    /// A string ends at its quote, or without one at the end of its line.
    fn quoted(&mut self, quote: u8, pp: &mut Preprocessor) -> Result<Token<'a>, Error> {
        let start = self.at;
        self.at += 1;
        let line = self.rest_of_line();
        // Nearly every string is plain, and needs no copy.
        let plain = line
            .iter()
            .position(|&byte| matches!(byte, b'\\' | b'$') || byte == quote);
        if let Some(end) = plain
            && line[end] == quote
        {
            self.at += end + 1;
            return Ok(Token::Quoted(String::from_utf8_lossy(&line[..end])));
        }
        let mut out = String::new();
        let mut run = self.at;
        loop {
            let byte = self.peek();
            if matches!(byte, Some(b'\\' | b'$' | b'\n') | None) || byte == Some(quote) {
                out.push_str(&String::from_utf8_lossy(&self.text[run..self.at]));
            } else {
                self.at += 1;
                continue;
            }
            match byte {
                Some(b'\\') => {
                    self.at += 1;
                    run = self.at;
                    // The escaped byte starts the next run, and so stands for itself.
                    if self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                }
                Some(b'$') => {
                    self.dollar(pp, &mut out)?;
                    run = self.at;
                }
                Some(b'\n') | None => break,
                Some(_) => {
                    self.at += 1;
                    break;
                }
            }
        }
        if out.contains(UNKNOWN) {
            let raw = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
            return Ok(Token::Unknown {
                raw,
                is_quoted: true,
            });
        }
        Ok(Token::Quoted(Cow::Owned(out)))
    }

    /// Skips the help text that follows a `help` line.
    ///
    /// It ends before the first line that is indented less than its first one. A text that
    /// starts without indentation ends with that line, unless more indented lines follow.
    pub(crate) fn skip_help(&mut self) {
        let mut indent = 0;
        let mut is_first = true;
        while self.at < self.text.len() {
            let line = self.rest_of_line();
            let mut column = 0;
            let mut blanks = 0;
            for &byte in line {
                match byte {
                    b'\t' => column = (column & !7) + 8,
                    b' ' => column += 1,
                    _ => break,
                }
                blanks += 1;
            }
            if blanks < line.len() {
                if column < indent || (column == 0 && !is_first) {
                    return;
                }
                if indent == 0 {
                    indent = column;
                }
            }
            is_first = false;
            self.at += line.len();
            if self.at < self.text.len() {
                self.at += 1;
                self.line += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::Shell;

    fn lex(text: &str) -> Vec<Vec<String>> {
        let mut pp = Preprocessor::new(
            [("V".to_owned(), "a b".to_owned())].into(),
            Shell::Run {
                workdir: "/".into(),
            },
        );
        let mut lexer = Lexer::new(text.as_bytes(), "K".into());
        let mut tokens = Vec::new();
        let mut all = Vec::new();
        loop {
            lexer.statement(&mut pp, &mut tokens).unwrap();
            if tokens.is_empty() {
                return all;
            }
            all.push(tokens.iter().map(|token| format!("{token:?}")).collect());
            if tokens == [Token::Keyword(Keyword::Help)] {
                lexer.skip_help();
            }
        }
    }

    #[test]
    fn a_statement_may_go_on_after_a_backslash() {
        assert_eq!(
            lex("a && \\\n\tb # c\n\nd"),
            [
                vec!["Word(\"a\")", "And", "Word(\"b\")"],
                vec!["Word(\"d\")"]
            ]
        );
    }

    #[test]
    fn an_expanded_word_is_one_token_even_with_blanks() {
        assert_eq!(lex("x$(V)-y $(empty)\n"), [vec!["Word(\"xa b-y\")"]]);
        assert_eq!(
            lex("config $(V)"),
            [vec!["Keyword(Config)", "Word(\"a b\")"]]
        );
    }

    #[test]
    fn strings_escape_and_expand() {
        assert_eq!(
            lex(r#""a\"b'$(V)$x" 'c"d'"#),
            [vec![r#"Quoted("a\"b'a b$x")"#, r#"Quoted("c\"d")"#]]
        );
    }

    #[test]
    fn an_unterminated_string_ends_with_its_line() {
        assert_eq!(
            lex("\"abc\nd"),
            [vec!["Quoted(\"abc\")"], vec!["Word(\"d\")"]]
        );
        assert_eq!(lex("\"abc\\"), [vec!["Quoted(\"abc\")"]]);
    }

    #[test]
    fn help_ends_where_the_indentation_does() {
        let text = "help\n\n\t  config A\n\t  if\n\n  config B\nhelp\nno indent\nconfig C\nhelp\n\nconfig D\nhelp";
        assert_eq!(
            lex(text),
            [
                vec!["Keyword(Help)"],
                vec!["Keyword(Config)", "Word(\"B\")"],
                vec!["Keyword(Help)"],
                vec!["Keyword(Config)", "Word(\"C\")"],
                vec!["Keyword(Help)"],
                vec!["Keyword(Config)", "Word(\"D\")"],
                vec!["Keyword(Help)"],
            ]
        );
    }

    #[test]
    fn an_assignment_takes_the_whole_line() {
        assert_eq!(
            lex("a := , # \"x\nb ="),
            [
                vec!["Word(\"a\")", "Assign(Simple, \", # \\\"x\")"],
                vec!["Word(\"b\")", "Assign(Recursive, \"\")"]
            ]
        );
    }

    #[test]
    fn bytes_that_mean_nothing_are_skipped() {
        assert_eq!(lex("a \u{e9} ; b"), [vec!["Word(\"a\")", "Word(\"b\")"]]);
    }
}
