// SPDX-License-Identifier: MIT OR Apache-2.0

//! Commands that a user is told to run. They are made of arguments, never of finished text: what
//! comes from a file, a log, a path or the environment is quoted, so a shell takes it as one word.

use std::ffi::OsStr;
use std::fmt;

use serde::Serialize;

use crate::call::Call;

/// A command line, as a shell takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Command(String);

/// A part of a word; see [`Command::word`].
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// Text that stands in this program and that the shell is to read as it is.
    Own(&'static str),
    /// A value from wherever it is, which is quoted.
    Value(&'a str),
}

impl Command {
    /// A command that begins with this text, which stands in this program.
    pub fn new(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// A command whose program is a file, from wherever its name is.
    pub fn program(path: impl AsRef<OsStr>) -> Self {
        Self(quoted(path))
    }

    /// Adds one argument, from wherever it is.
    #[must_use]
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.0.push(' ');
        self.0 += &quoted(word);
        self
    }

    /// Adds one word that is put together of text of this program and of values.
    #[must_use]
    pub fn word(mut self, parts: &[Part<'_>]) -> Self {
        self.0.push(' ');
        for part in parts {
            match part {
                Part::Own(text) => self.0 += text,
                Part::Value(value) => self.0 += &quoted(value),
            }
        }
        self
    }

    /// Adds `NAME=VALUE` as one argument.
    #[must_use]
    pub fn set(self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        let mut word = OsStr::new(name).to_owned();
        word.push("=");
        word.push(value);
        self.arg(word)
    }

    /// Adds one argument that ends in a pattern of this program, for the shell to expand.
    #[must_use]
    pub fn arg_and_pattern(self, word: impl AsRef<OsStr>, pattern: &'static str) -> Self {
        let mut command = self.arg(word);
        command.0 += pattern;
        command
    }

    /// Adds text that the shell is to read as it is. It stands in this program: `M="$PWD"`.
    #[must_use]
    pub fn shell(mut self, text: &'static str) -> Self {
        self.0.push(' ');
        self.0 += text;
        self
    }

    /// Adds `NAME="$(COMMAND)"`: what another command prints.
    #[must_use]
    pub fn set_to_output(mut self, name: &'static str, command: &Self) -> Self {
        self.0 += &format!(" {name}=\"$({command})\"");
        self
    }

    /// Runs another command afterwards, on a line of its own.
    #[must_use]
    pub fn line(mut self, command: &Self) -> Self {
        self.0 += &format!("\n{command}");
        self
    }

    /// Runs another command when this one succeeds.
    #[must_use]
    pub fn then(mut self, command: &Self) -> Self {
        self.0 += &format!(" && {command}");
        self
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<&'static str> for Command {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl Command {
    /// A command of this program, run as root.
    pub fn sudo(call: &Call) -> Self {
        Self(format!("sudo {call}"))
    }
}

impl From<Call> for Command {
    fn from(call: Call) -> Self {
        Self(call.to_string())
    }
}

/// A word as a shell takes it.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+=:,@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.into_owned();
    }
    // No word of a shell has a zero byte in it.
    let word = word.replace('\0', "");
    shlex::try_quote(&word).map_or_else(|_| "''".into(), |quoted| quoted.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of the arguments behind the first word.
    fn words(command: &Command) -> Vec<String> {
        let script = format!("set -- {command}; shift; printf '%s\\0' \"$@\"");
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{command}");
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn arg_is_one_word_of_a_shell_whatever_it_holds() {
        for hostile in [
            "$(x); y 'z\"",
            "`x`",
            "a b",
            "",
            "~",
            "*",
            "!x",
            "a\nb",
            "-",
            "{a,b}",
            "\\",
            "#",
            "é",
        ] {
            assert_eq!(words(&Command::new("run").arg(hostile)), [hostile]);
            let value = format!("NAME={hostile}");
            let parts = [Part::Own("NAME="), Part::Value(hostile)];
            assert_eq!(words(&Command::new("run").word(&parts))[0], value);
            assert_eq!(words(&Command::new("run").set("NAME", hostile)), [value]);
            let inner = Command::new("printf %s").arg(hostile);
            let outer = Command::new("run").set_to_output("NAME", &inner);
            // A substitution drops line ends at its end alone; none of these ends in one.
            assert_eq!(words(&outer), [format!("NAME={hostile}")]);
        }
        assert_eq!(words(&Command::new("run").arg("a\0b")), ["ab"]);
    }

    #[test]
    fn commands_are_joined() {
        let command =
            Command::new("sudo depmod -a").then(&Command::new("make").shell("M=\"$PWD\""));
        assert_eq!(command.to_string(), "sudo depmod -a && make M=\"$PWD\"");
    }
}
