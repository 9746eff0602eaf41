// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reads a `.config`.
//!
//! The format is what `conf_read_simple` in the kernel's `scripts/kconfig/confdata.c` takes:
//! `CONFIG_NAME=value` and `# CONFIG_NAME is not set`, one a line; anything else is ignored.
//! The order is kept: of two lines for one symbol the later counts, but in a choice the last
//! member that was ever set to `y` does.

use std::path::Path;

use crate::error::Error;
use crate::file;

/// The most bytes of a `.config`; distributions' have 300 kB.
const MAX_BYTES: u64 = 64 << 20;

/// One line of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// What stands after the `=`, quotes included; `n` for `is not set`.
    pub(crate) value: String,
}

/// A configuration, as its file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub(crate) assignments: Vec<Assignment>,
    /// How many of the assignments were read, and not added by [`Config::set`].
    pub(crate) recorded: usize,
    arch: Option<String>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not a regular file, or has more than 64 MiB.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = file::read(path, MAX_BYTES).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let Some(bytes) = bytes else {
            return Err(Error::ConfigTooLarge {
                path: path.to_owned(),
                limit: MAX_BYTES,
            });
        };
        Ok(Self::parse(&bytes))
    }

    /// Reads the text of a file. Any text is accepted: lines that set nothing are skipped, as
    /// the kernel does, and bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut config = Self::default();
        for line in text.split(|&byte| byte == b'\n') {
            if let Some(assignment) = assignment(line) {
                config.assignments.push(assignment);
            } else if config.arch.is_none() {
                config.arch = heading_arch(line);
            }
        }
        config.recorded = config.assignments.len();
        config
    }

    /// The architecture that the heading names (`# Linux/x86 6.1.0 Kernel Configuration`), as
    /// `ARCH` of the kernel's Makefile.
    #[must_use]
    pub fn arch(&self) -> Option<&str> {
        self.arch.as_deref()
    }

    /// The value of the last line for a symbol, as the file writes it: `y`, `m`, `n` for
    /// `is not set`, a number, or a text in its quotes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let last = self
            .assignments
            .iter()
            .rev()
            .find(|line| line.name == name)?;
        Some(&last.value)
    }

    /// Adds a line at the end, as appending a fragment to the file does. `value` is as in a
    /// `.config`: `y`, `m`, `n`, a number, or a text in quotes.
    pub fn set(&mut self, name: &str, value: &str) {
        let assignment = Assignment {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.assignments.push(assignment);
    }

    /// How many lines set something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.assignments.len()
    }

    /// Whether no line sets anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.assignments.is_empty()
    }
}

fn assignment(line: &[u8]) -> Option<Assignment> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if let Some(rest) = line.strip_prefix(b"# CONFIG_") {
        let end = rest.iter().position(|&byte| byte == b' ')?;
        rest[end + 1..].starts_with(b"is not set").then_some(())?;
        return Some(Assignment {
            name: text(&rest[..end]),
            value: "n".to_owned(),
        });
    }
    let rest = line.strip_prefix(b"CONFIG_")?;
    let equal = rest.iter().position(|&byte| byte == b'=')?;
    let value = &rest[equal + 1..];
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    Some(Assignment {
        name: text(&rest[..equal]),
        value: text(value),
    })
}

fn heading_arch(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?.strip_prefix("# Linux/")?;
    let (arch, rest) = text.split_once(' ')?;
    rest.trim_end()
        .ends_with("Kernel Configuration")
        .then(|| arch.to_owned())
}

/// The text inside the quotes of a string's value, if it has them both.
pub(crate) fn unquoted(value: &str) -> Option<String> {
    let mut chars = value.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.extend(chars.next()),
            other => text.push(other),
        }
    }
}

/// A text in quotes, as a `.config` has it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_takes_the_last_line_of_a_symbol() {
        let text = b"# Linux/x86 6.1.0 Kernel Configuration\nCONFIG_A=y\r\n# CONFIG_A is not set\nCONFIG_B=\"x=\\\"y\\\"\"\n";
        let config = Config::parse(text);
        assert_eq!(config.get("A"), Some("n"));
        assert_eq!(
            config.get("B").and_then(unquoted).as_deref(),
            Some("x=\"y\"")
        );
        assert_eq!((config.arch(), config.len()), (Some("x86"), 3));
    }

    #[test]
    fn config_skips_lines_that_set_nothing() {
        let text = b"\xff\xfe\nCONFIG_\n# CONFIG_A\n#CONFIG_A is not set\n# CONFIG_A is set\n CONFIG_A=y\nCONFIG_\xff=\xff";
        let config = Config::parse(text);
        assert_eq!(config.len(), 1);
        assert_eq!(config.get("\u{fffd}"), Some("\u{fffd}"));
    }

    #[test]
    fn quoted_text_is_read_back_the_same() {
        for text in ["", "a", "\"", "\\", "a\\\"b"] {
            assert_eq!(unquoted(&quoted(text)).as_deref(), Some(text));
        }
        assert_eq!(unquoted("\"open"), None);
        assert_eq!(unquoted("bare"), None);
    }

    #[test]
    fn config_read_refuses_a_directory() {
        assert!(matches!(
            Config::read(Path::new("/")),
            Err(Error::Read { .. })
        ));
    }
}
