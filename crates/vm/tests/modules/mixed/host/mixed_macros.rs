// SPDX-License-Identifier: GPL-2.0

//! `#[derive(Fields)]`: a struct knows the names of its fields.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Gives a struct without generics the constant `FIELDS`.
#[proc_macro_derive(Fields)]
pub fn fields(input: TokenStream) -> TokenStream {
    let mut name = None;
    let mut fields = Vec::new();
    let mut tokens = input.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word.to_string() == "struct" => {
                name = tokens.next().map(|name| name.to_string());
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                fields = names(group.stream());
            }
            _ => {}
        }
    }
    let name = name.expect("only structs have fields");
    format!("impl {name} {{ pub(crate) const FIELDS: &'static [&'static str] = &{fields:?}; }}")
        .parse()
        .expect("that is Rust")
}

/// The words that a single colon follows: those of a path are followed by two.
fn names(fields: TokenStream) -> Vec<String> {
    let tokens: Vec<String> = fields.into_iter().map(|token| token.to_string()).collect();
    let is_colon = |at: usize| tokens.get(at).map_or(false, |token| token == ":");
    (0..tokens.len())
        .filter(|&at| !is_colon(at) && is_colon(at + 1) && !is_colon(at + 2))
        .map(|at| tokens[at].clone())
        .collect()
}
