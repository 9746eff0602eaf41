// SPDX-License-Identifier: MIT OR Apache-2.0

//! The macro language: variables, user functions and built-in functions.
//!
//! The language is defined in `Documentation/kbuild/kconfig-macro-language.rst`; where that is
//! silent, this follows what the kernel's parser does. Everything is expanded while the files
//! are read, once, in the order of the text.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustc_hash::FxHashMap;

use crate::error::{Error, Location};

/// Stands in an expanded text for a value that is not known: the output of a shell command
/// that was not run, or a variable of the environment of `make` that was not given. It is a
/// control character. No kernel's Kconfig file holds one, and in a hostile file it only makes a
/// constant unknown.
pub(crate) const UNKNOWN: char = '\u{1}';

/// How deep macros may call each other. The kernel's deepest chain is 5 calls.
const MAX_DEPTH: usize = 100;
/// How many macro calls a tree may make in all; the kernel makes some 1,000.
const MAX_CALLS: usize = 500_000;
/// How many bytes expansions may produce in all; the kernel's produce some 100 kB.
const MAX_BYTES: usize = 64 << 20;
/// What the kernel reads of a command's output.
const SHELL_OUTPUT: usize = 4095;

/// Whether `$(shell,...)` runs the commands that the tree holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// Nothing is run. What a command would have said is read from the configuration, which
    /// recorded it when it was made (see [`crate::Model::evaluate`]).
    #[default]
    Deny,
    /// Commands are run with `sh -c`, with [`crate::Options::env`] added to this process's
    /// environment. This executes code from the tree, and waits for each command without a limit:
    /// allow it only for a tree that you would run `make` in.
    Run {
        /// The directory that commands run in. They make and remove files there (`.tmp_PID`), so do
        /// not name a tree that must stay as it is.
        workdir: PathBuf,
    },
}

#[derive(Debug)]
struct Variable {
    value: String,
    /// Assigned with `:=`, so expanded already.
    is_simple: bool,
    is_expanding: bool,
}

/// How a variable is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    Recursive,
    Simple,
    Append,
}

#[derive(Debug)]
pub(crate) struct Preprocessor {
    variables: FxHashMap<String, Variable>,
    env: BTreeMap<String, String>,
    shell: Shell,
    calls: usize,
    bytes: usize,
}

impl Preprocessor {
    pub(crate) fn new(env: BTreeMap<String, String>, shell: Shell) -> Self {
        Self {
            variables: FxHashMap::default(),
            env,
            shell,
            calls: 0,
            bytes: 0,
        }
    }

    /// Assigns a variable as `=`, `:=` and `+=` do.
    pub(crate) fn assign(
        &mut self,
        name: &str,
        value: &str,
        flavor: Flavor,
        at: &Location,
    ) -> Result<(), Error> {
        let old = self.variables.get(name);
        let is_simple = match (flavor, old) {
            (Flavor::Append, Some(old)) => old.is_simple,
            (flavor, _) => flavor == Flavor::Simple,
        };
        let value = if is_simple {
            self.expand(value, &[], at, 0)?
        } else {
            value.to_owned()
        };
        match self.variables.get_mut(name) {
            Some(old) if flavor == Flavor::Append => {
                old.value.push(' ');
                old.value.push_str(&value);
                self.bytes += old.value.len();
                self.check(at)?;
            }
            _ => {
                let variable = Variable {
                    value,
                    is_simple,
                    is_expanding: false,
                };
                self.variables.insert(name.to_owned(), variable);
            }
        }
        Ok(())
    }

    /// Expands what stands between `$(` and `)`.
    pub(crate) fn reference(&mut self, inner: &str, at: &Location) -> Result<String, Error> {
        self.clause(inner, &[], at, 0)
    }

    /// Expands every `$(...)` in a text; a `$` before anything else is itself.
    fn expand(
        &mut self,
        text: &str,
        args: &[String],
        at: &Location,
        depth: usize,
    ) -> Result<String, Error> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            if rest.starts_with('(') {
                let Some(end) = reference_end(rest.as_bytes()) else {
                    return Err(unterminated(at, rest));
                };
                out.push_str(&self.clause(&rest[1..end], args, at, depth + 1)?);
                rest = &rest[end + 1..];
            } else {
                out.push('$');
            }
        }
        out.push_str(rest);
        self.bytes += out.len();
        self.check(at)?;
        Ok(out)
    }

    fn check(&self, at: &Location) -> Result<(), Error> {
        let limit = |what, limit| Error::Limit {
            at: at.clone(),
            what,
            limit,
        };
        if self.calls > MAX_CALLS {
            return Err(limit("the number of macro calls", MAX_CALLS));
        }
        if self.bytes > MAX_BYTES {
            return Err(limit(
                "the number of bytes that macros expand to",
                MAX_BYTES,
            ));
        }
        Ok(())
    }

    fn clause(
        &mut self,
        inner: &str,
        args: &[String],
        at: &Location,
        depth: usize,
    ) -> Result<String, Error> {
        self.calls += 1;
        self.check(at)?;
        if depth > MAX_DEPTH {
            let what = "the depth of macro calls";
            return Err(Error::Limit {
                at: at.clone(),
                what,
                limit: MAX_DEPTH,
            });
        }
        // $(1), $(2): an argument of the macro that is being expanded.
        if let Some(argument) = inner
            .parse::<usize>()
            .ok()
            .and_then(|n| args.get(n.checked_sub(1)?))
        {
            return Ok(argument.clone());
        }
        let mut parts = split_arguments(inner).into_iter();
        let name = self.expand(parts.next().unwrap_or_default(), args, at, depth)?;
        let mut call_args = Vec::with_capacity(parts.len());
        for part in parts {
            call_args.push(self.expand(part, args, at, depth)?);
        }
        if self.variables.contains_key(&name) {
            return self.variable(&name, &call_args, at, depth);
        }
        if let Some(result) = self.function(&name, &call_args, at)? {
            return Ok(result);
        }
        if !call_args.is_empty() || name.is_empty() {
            return Ok(String::new());
        }
        Ok(self.environment(&name))
    }

    fn variable(
        &mut self,
        name: &str,
        args: &[String],
        at: &Location,
        depth: usize,
    ) -> Result<String, Error> {
        let Some(variable) = self.variables.get_mut(name) else {
            return Ok(String::new());
        };
        if variable.is_simple {
            let value = variable.value.clone();
            self.bytes += value.len();
            self.check(at)?;
            return Ok(value);
        }
        if variable.is_expanding && args.is_empty() {
            let message = format!("the variable `{name}` refers to itself");
            return Err(Error::Syntax {
                at: at.clone(),
                message,
            });
        }
        let was_expanding = std::mem::replace(&mut variable.is_expanding, true);
        let value = variable.value.clone();
        let result = self.expand(&value, args, at, depth + 1);
        if let Some(variable) = self.variables.get_mut(name) {
            variable.is_expanding = was_expanding;
        }
        result
    }

    /// The built-in functions; nothing when there is none of this name.
    fn function(
        &mut self,
        name: &str,
        args: &[String],
        at: &Location,
    ) -> Result<Option<String>, Error> {
        let wanted = match name {
            "error-if" | "warning-if" => 2,
            "info" | "shell" => 1,
            "filename" | "lineno" => 0,
            _ => return Ok(None),
        };
        if args.len() != wanted {
            let message = format!(
                "`{name}` takes {wanted} argument(s), but {} are given",
                args.len()
            );
            return Err(Error::Syntax {
                at: at.clone(),
                message,
            });
        }
        Ok(Some(match name {
            "error-if" if args[0] == "y" => {
                return Err(Error::Refused {
                    at: at.clone(),
                    message: args[1].clone(),
                });
            }
            "filename" => at.file.to_string(),
            "lineno" => at.line.to_string(),
            "shell" => self.shell(&args[0]),
            // `info` and `warning-if` only print; a library does not.
            _ => String::new(),
        }))
    }

    fn environment(&self, name: &str) -> String {
        match (self.env.get(name), &self.shell) {
            (Some(value), _) => value.clone(),
            // The configuration was made with variables that are not known here (CC, ...).
            (None, Shell::Deny) => UNKNOWN.to_string(),
            (None, Shell::Run { .. }) => std::env::var(name).unwrap_or_default(),
        }
    }

    fn shell(&self, command: &str) -> String {
        let Shell::Run { workdir } = &self.shell else {
            return UNKNOWN.to_string();
        };
        let output = Command::new("sh")
            .arg("-c")
            .arg(command)
            .envs(&self.env)
            .current_dir(workdir)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        // A shell that cannot be started has no output, as a command that fails has none.
        let bytes = output.map(|output| output.stdout).unwrap_or_default();
        let bytes = &bytes[..bytes.len().min(SHELL_OUTPUT)];
        String::from_utf8_lossy(bytes)
            .trim_end_matches('\n')
            .replace(['\n', UNKNOWN], " ")
    }
}

/// Where the `)` is that closes the `(` which `text` begins with.
pub(crate) fn reference_end(text: &[u8]) -> Option<usize> {
    let mut nest = 0usize;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'(' => nest += 1,
            b')' => {
                nest = nest.saturating_sub(1);
                if nest == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

pub(crate) fn unterminated(at: &Location, text: &str) -> Error {
    let shown: Cow<'_, str> = match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}...", &text[..cut]).into(),
        None => text.into(),
    };
    let message = format!("`${shown}` has no closing parenthesis on this line");
    Error::Syntax {
        at: at.clone(),
        message,
    }
}

/// Splits at the commas that are in no parentheses.
fn split_arguments(inner: &str) -> Vec<&str> {
    let mut nest = 0i32;
    inner
        .split(|c: char| {
            match c {
                '(' => nest += 1,
                ')' => nest -= 1,
                _ => {}
            }
            c == ',' && nest == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Location {
        Location {
            file: "Kconfig".into(),
            line: 7,
        }
    }

    fn preprocessor(shell: Shell) -> Preprocessor {
        let env = BTreeMap::from([("ARCH".to_owned(), "x86".to_owned())]);
        Preprocessor::new(env, shell)
    }

    fn run() -> Preprocessor {
        preprocessor(Shell::Run {
            workdir: std::env::temp_dir(),
        })
    }

    fn expand(pp: &mut Preprocessor, text: &str) -> String {
        pp.expand(text, &[], &at(), 0).unwrap()
    }

    #[test]
    fn variables_are_expanded_when_used_or_when_assigned() {
        let mut pp = run();
        pp.assign("late", "$(x)", Flavor::Recursive, &at()).unwrap();
        pp.assign("now", "$(x)", Flavor::Simple, &at()).unwrap();
        pp.assign("x", "1", Flavor::Simple, &at()).unwrap();
        pp.assign("x", "2", Flavor::Append, &at()).unwrap();
        assert_eq!(
            expand(&mut pp, "[$(late)][$(now)][$ARCH][$(ARCH)][$(no-such)]"),
            "[1 2][][$ARCH][x86][]"
        );
    }

    #[test]
    fn user_functions_take_arguments() {
        let mut pp = run();
        pp.assign("greet", "$(1), $(2)$(3)!", Flavor::Recursive, &at())
            .unwrap();
        pp.assign("twice", "$(greet,$(1),$(1))", Flavor::Recursive, &at())
            .unwrap();
        assert_eq!(expand(&mut pp, "$(greet,a (b,c),d)"), "a (b,c), d!");
        assert_eq!(expand(&mut pp, "$(twice,x)"), "x, x!");
        assert_eq!(expand(&mut pp, "$(filename):$(lineno)"), "Kconfig:7");
    }

    #[test]
    fn the_shell_is_run_only_when_allowed() {
        let mut pp = run();
        assert_eq!(expand(&mut pp, "$(shell,printf 'a\\nb\\n\\n')"), "a b");
        let mut pp = preprocessor(Shell::Deny);
        assert_eq!(
            expand(&mut pp, "<$(shell,touch /)>"),
            format!("<{UNKNOWN}>")
        );
        assert_eq!(expand(&mut pp, "$(CC)"), UNKNOWN.to_string());
    }

    #[test]
    fn error_if_refuses_the_tree() {
        let mut pp = run();
        let error = pp
            .expand("$(error-if,y,no compiler)", &[], &at(), 0)
            .unwrap_err();
        assert_eq!(error.to_string(), "Kconfig:7: no compiler");
        assert_eq!(
            expand(&mut pp, "$(error-if,n,x)$(warning-if,y,w)$(info,i)"),
            ""
        );
        assert!(pp.expand("$(shell)", &[], &at(), 0).is_err());
    }

    #[test]
    fn a_variable_that_refers_to_itself_is_an_error() {
        let mut pp = run();
        pp.assign("a", "$(b)", Flavor::Recursive, &at()).unwrap();
        pp.assign("b", "$(a)", Flavor::Recursive, &at()).unwrap();
        assert!(matches!(
            pp.expand("$(a)", &[], &at(), 0),
            Err(Error::Syntax { .. })
        ));
        pp.assign("f", "$(f,$(1)x)", Flavor::Recursive, &at())
            .unwrap();
        assert!(matches!(
            pp.expand("$(f,)", &[], &at(), 0),
            Err(Error::Limit { .. })
        ));
    }

    #[test]
    fn an_expansion_that_doubles_each_time_is_stopped() {
        let mut pp = run();
        pp.assign("a0", "xxxxxxxx", Flavor::Recursive, &at())
            .unwrap();
        for n in 1..60 {
            let value = format!("$(a{0})$(a{0})", n - 1);
            pp.assign(&format!("a{n}"), &value, Flavor::Recursive, &at())
                .unwrap();
        }
        assert!(matches!(
            pp.expand("$(a59)", &[], &at(), 0),
            Err(Error::Limit { .. })
        ));
    }

    #[test]
    fn an_open_parenthesis_is_an_error() {
        let error = run().expand("$(shell,echo (a)", &[], &at(), 0).unwrap_err();
        assert!(
            error.to_string().contains("no closing parenthesis"),
            "{error}"
        );
    }
}
