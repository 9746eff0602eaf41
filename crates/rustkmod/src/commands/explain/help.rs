// SPDX-License-Identifier: MIT OR Apache-2.0

//! The commands that fix failures: templates, and the kernel and module they are filled in for.
//!
//! In a template `{name}` is a value of the log, or one of the target: `{kdir}`, `{dir}` (of the
//! module's sources), `{file}` (the module). `{for_kdir}` and `{for_kernel}` are the options that
//! name a tree or a kernel to this program, or nothing. A value becomes one word, quoted for the
//! shell; a template that names a value which is not known is left out.

use std::borrow::Cow;

use serde::Deserialize;

use crate::command::{Command, Part};
use crate::report::Help;

use super::facts::Facts;

/// What a name in a template stands for.
pub type Values<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A remedy of the table: what to do and, where one command does it, the command as a template.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// What to do.
    pub text: Cow<'static, str>,
    run: Option<Cow<'static, str>>,
    /// A command that is of use on the machine alone whose kernel refused the module.
    here: Option<Cow<'static, str>>,
}

impl Remedy {
    /// One that is a command.
    pub const fn run(text: &'static str, command: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            run: Some(Cow::Borrowed(command)),
            here: None,
        }
    }

    /// The command, as a template.
    pub fn command(&self) -> Option<&str> {
        self.run.as_deref().or(self.here.as_deref())
    }
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// Text that the shell is to read: a variable, or a name for the reader to replace.
    Shell(&'static str),
    /// A value, which is quoted.
    Value(String),
}

/// What commands are to name.
#[derive(Debug, Clone)]
pub struct Target {
    kdir: Option<Word>,
    dir: Option<Word>,
    file: Option<Word>,
    /// The tree for `rustkmod doctor` and `toolchain`, where it is not the running kernel's.
    for_kdir: Option<String>,
    /// The kernel for `rustkmod check`, where it is not the running one.
    for_kernel: Option<String>,
    /// What builds the module where its headers are not there afterwards.
    build: Option<Command>,
    is_here: bool,
}

/// What a caller knows of a kernel that is not the running one; see [`Target::other`].
#[derive(Debug, Default, Clone)]
pub struct Other {
    /// The headers, if they are there afterwards, too.
    pub kdir: Option<String>,
    /// The kernel for `rustkmod check`.
    pub kernel: Option<String>,
    /// The directory that the module is built in.
    pub dir: Option<String>,
    /// The module's file.
    pub file: Option<String>,
    /// The command that builds the module for that kernel, where the headers are not kept.
    pub build: Option<Command>,
}

impl Target {
    /// The kernel and the module that a log is of, as far as it says.
    pub fn of(facts: &Facts) -> Self {
        let kdir = match (facts.get("kdir"), facts.get("tree"), facts.get("release")) {
            (Some(kdir), ..) => Some(kdir.to_string()),
            (None, Some(tree), _) if facts.is_kernel_build() => Some(tree.to_string()),
            _ if facts.is_kernel_build() => Some(".".to_string()),
            (None, _, Some(release)) => Some(format!("/lib/modules/{release}/build")),
            _ => None,
        };
        Self {
            for_kdir: kdir.clone(),
            kdir: Some(kdir.map_or(
                Word::Shell("\"/lib/modules/$(uname -r)/build\""),
                Word::Value,
            )),
            // Of a kernel that is built there is no module to build again.
            dir: (!facts.is_kernel_build()).then_some(Word::Shell("\"$PWD\"")),
            file: Some(Word::Shell("FILE.ko")),
            for_kernel: None,
            build: None,
            is_here: true,
        }
    }

    /// A kernel that is not the one that runs here. What is not known is not named.
    pub fn other(other: Other) -> Self {
        Self {
            for_kdir: other.kdir.clone(),
            kdir: other.kdir.map(Word::Value),
            dir: Some(other.dir.map_or(Word::Shell("\"$PWD\""), Word::Value)),
            file: other.file.map(Word::Value),
            for_kernel: other.kernel,
            build: other.build,
            is_here: false,
        }
    }

    /// How the module is built for this kernel.
    pub fn build(&self) -> Option<Command> {
        self.command("make -C {kdir} M={dir} clean modules", &|_| None)
    }

    /// A remedy filled in, if all that it names is known.
    pub fn help(&self, remedy: &'static Remedy, value: Values<'_>) -> Option<Help> {
        if remedy.here.is_some() && !self.is_here {
            return None;
        }
        let text = fill(&remedy.text, value)?;
        let command = match remedy.command() {
            Some(template) => Some(self.command(template, value)?),
            None => None,
        };
        Some(Help { text, command })
    }

    /// A command filled in, if all that it names is known.
    fn command(&self, template: &'static str, value: Values<'_>) -> Option<Command> {
        if template.starts_with("make -C {kdir}") && self.kdir.is_none() {
            return self.build.clone();
        }
        let Some((before, rest)) = template.split_once("=\"$(") else {
            return self.words(None, template, value);
        };
        let (inner, after) = rest.split_once(")\"")?;
        let (before, name) = before.rsplit_once(' ')?;
        let inner = self.words(None, inner, value)?;
        let outer = self.words(None, before, value)?;
        self.words(
            Some(outer.set_to_output(name, &inner)),
            after.trim_start(),
            value,
        )
    }

    /// Adds the words of a template to a command, or begins one with them.
    fn words(
        &self,
        mut command: Option<Command>,
        template: &'static str,
        value: Values<'_>,
    ) -> Option<Command> {
        for word in template.split(' ').filter(|word| !word.is_empty()) {
            let add = |own: &'static str| match &command {
                Some(command) => command.clone().shell(own),
                None => Command::new(own),
            };
            command = Some(match placeholder(word) {
                None => add(word),
                Some((_, "for_kdir", _)) => match &self.for_kdir {
                    Some(kdir) => add("--kdir").arg(safe(kdir)?),
                    // `doctor` of the running kernel is not meant where another is.
                    None if self.is_here => continue,
                    None => return None,
                },
                Some((_, "for_kernel", _)) => match &self.for_kernel {
                    Some(kernel) => add("--kernel").arg(safe(kernel)?),
                    None if self.is_here => continue,
                    None => return None,
                },
                Some((before, name, after)) => {
                    let word = match name {
                        "kdir" => self.kdir.clone()?,
                        "dir" => self.dir.clone()?,
                        "file" => self.file.clone()?,
                        _ => Word::Value(value(name)?),
                    };
                    let part = match &word {
                        Word::Shell(text) => Part::Own(text),
                        Word::Value(text) if before.is_empty() => Part::Value(safe(text)?),
                        Word::Value(text) => Part::Value(text),
                    };
                    let parts = [Part::Own(before), part, Part::Own(after)];
                    // A command does not begin with a value.
                    command?.word(&parts)
                }
            });
        }
        command
    }
}

/// A value that no program takes for an option.
fn safe(value: &str) -> Option<&str> {
    (!value.is_empty() && !value.starts_with('-')).then_some(value)
}

/// The text before a `{name}`, the name, and the text behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let end = text[open..].find('}')? + open;
        let name = &text[open + 1..end];
        if !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            return Some((&text[..open], name, &text[end + 1..]));
        }
        from = open + 1;
    }
    None
}

/// A sentence with its values, unless one of them is not known.
pub fn fill(template: &str, value: Values<'_>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, name, after)) = placeholder(rest) {
        filled.push_str(before);
        filled.push_str(&value(name)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    fn other() -> Target {
        Target::other(Other {
            kdir: Some("/k 6".into()),
            kernel: Some("/k 6".into()),
            dir: Some("/m".into()),
            file: Some("/m/m.ko".into()),
            build: None,
        })
    }

    #[test]
    fn commands_name_the_kernel_and_the_module() {
        let running = Target::of(&Facts::default());
        for (template, wanted, wanted_here) in [
            (
                "make -C {kdir} M={dir} clean modules",
                "make -C '/k 6' M=/m clean modules",
                "make -C \"/lib/modules/$(uname -r)/build\" M=\"$PWD\" clean modules",
            ),
            (
                "rustkmod check {file} {for_kernel}",
                "rustkmod check /m/m.ko --kernel '/k 6'",
                "rustkmod check FILE.ko",
            ),
            (
                "make RUSTC=\"$(rustkmod toolchain --path {for_kdir})\" clean",
                "make RUSTC=\"$(rustkmod toolchain --path --kdir '/k 6')\" clean",
                "make RUSTC=\"$(rustkmod toolchain --path)\" clean",
            ),
        ] {
            assert_eq!(
                other().command(template, &none).unwrap().to_string(),
                wanted
            );
            assert_eq!(
                running.command(template, &none).unwrap().to_string(),
                wanted_here
            );
        }
    }

    #[test]
    fn what_is_gone_or_not_known_is_not_named() {
        let package = Target::other(Other {
            build: Some("rustkmod boot /m --kernel k.pkg.tar.zst".into()),
            ..Other::default()
        });
        assert_eq!(
            package.build(),
            Some("rustkmod boot /m --kernel k.pkg.tar.zst".into())
        );
        static REMEDIES: [Remedy; 3] = [
            Remedy::run("", "rustkmod check {file} {for_kernel}"),
            Remedy::run("", "rustkmod doctor {for_kdir}"),
            Remedy {
                text: Cow::Borrowed(""),
                run: None,
                here: Some(Cow::Borrowed("sudo dmesg")),
            },
        ];
        for remedy in &REMEDIES {
            assert_eq!(package.help(remedy, &none), None);
        }
    }

    #[test]
    fn values_of_a_log_are_words_and_no_options() {
        let target = Target::of(&Facts::default());
        let with = |text: &'static str| {
            let command = target.command("modprobe {m}", &move |_: &str| Some(text.to_string()));
            command.map(|command| command.to_string())
        };
        assert_eq!(with("a$(x)").unwrap(), "modprobe 'a$(x)'");
        assert_eq!(with("-r"), None);
    }

    #[test]
    fn braces_that_are_no_names_stay() {
        let filled = fill("#![x] { a } {} {m}!", &|name| Some(name.to_uppercase()));
        assert_eq!(filled.unwrap(), "#![x] { a } {} M!");
    }
}
