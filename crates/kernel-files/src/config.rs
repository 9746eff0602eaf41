// SPDX-License-Identifier: MIT OR Apache-2.0

//! A kernel's configuration, `.config` or `include/config/auto.conf`.
//!
//! `CONFIG_NAME=value` or `# CONFIG_NAME is not set`, one a line; the last line of a name
//! counts (`Documentation/kbuild/kconfig.rst`).

use std::collections::HashMap;
use std::path::Path;

use crate::file;

/// The options of a kernel that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    values: HashMap<String, String>,
}

impl Config {
    /// Reads a configuration.
    pub fn read(path: &Path) -> file::Result<Self> {
        Ok(Self::parse(&file::read_text(path, 64 << 20)?))
    }

    /// Reads a configuration that is in memory.
    pub fn parse(text: &str) -> Self {
        let mut config = Self::default();
        config.values.reserve(text.len() / 48);
        for line in text.lines() {
            if let Some((name, value)) = line
                .strip_prefix("CONFIG_")
                .and_then(|line| line.split_once('='))
            {
                let value = value
                    .strip_prefix('"')
                    .and_then(|value| value.strip_suffix('"'))
                    .map_or_else(|| value.to_string(), unescape);
                config.values.insert(name.to_string(), value);
            } else if let Some(name) = line
                .strip_prefix("# CONFIG_")
                .and_then(|line| line.trim_end().strip_suffix(" is not set"))
            {
                config.values.remove(name);
            }
        }
        config
    }

    /// The value of an option, without `CONFIG_` and without quotes; `None` when it is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether an option is `y`.
    pub fn is_y(&self, name: &str) -> bool {
        self.get(name) == Some("y")
    }

    /// The number of options that are set.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no option is set.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How the option is written in a configuration.
    pub fn line(&self, name: &str) -> String {
        match self.get(name) {
            Some(value) if matches!(value, "y" | "m" | "n") => format!("CONFIG_{name}={value}"),
            Some(value) => format!("CONFIG_{name}=\"{value}\""),
            None => format!("# CONFIG_{name} is not set"),
        }
    }
}

fn unescape(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' {
            characters.next()
        } else {
            Some(character)
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() {
        let config = Config::parse("CONFIG_RUST=y\n# CONFIG_RUST is not set\nCONFIG_A=m\n");
        assert!(!config.is_y("RUST"));
        assert_eq!(config.line("RUST"), "# CONFIG_RUST is not set");
        assert_eq!(config.line("A"), "CONFIG_A=m");
    }

    #[test]
    fn strings_lose_their_quotes() {
        let config = Config::parse("CONFIG_V=\"a \\\"b\\\" \\\\\"\nCONFIG_H=0x10\n");
        assert_eq!(config.get("V"), Some("a \"b\" \\"));
        assert_eq!(config.get("H"), Some("0x10"));
    }
}
