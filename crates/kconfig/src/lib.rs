// SPDX-License-Identifier: MIT OR Apache-2.0

#![doc = include_str!("../README.md")]

mod config;
mod error;
mod eval;
mod expr;
mod file;
#[doc(hidden)]
pub mod hostile;
mod ids;
mod lex;
mod menu;
mod model;
mod need;
mod number;
mod order;
mod parse;
mod preprocess;
mod rules;
mod solve;
mod symbol;
mod tristate;
mod why;

pub use config::Config;
pub use error::{Error, Location};
pub use eval::{Value, Values};
pub use model::{Model, Options, SymbolInfo};
pub use preprocess::Shell;
pub use symbol::{Fact, SymbolType};
pub use tristate::Tristate;
pub use why::{Answer, Blocker, BlockerKind, Cause, Change, Involved, Plan, Standing, Wanted, Why};
