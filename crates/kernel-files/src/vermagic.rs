// SPDX-License-Identifier: MIT OR Apache-2.0

//! `vermagic`: the string by which a kernel tells its own modules from others'.
//!
//! The kernel's is put together by the preprocessor in `include/linux/vermagic.h` and the
//! architecture's `asm/vermagic.h`. Both are read here, with the tree's configuration, rather
//! than known by heart, since the fields differ between series. How two are compared stands in
//! `same_magic()` in `kernel/module/version.c`.

use std::collections::{BTreeSet, HashMap};

use crate::config::Config;

/// Puts the kernel's vermagic together from the two headers, the release and the configuration.
/// `None` when a header needs more of a preprocessor than is here.
pub fn from_headers(
    release: &str,
    config: &Config,
    arch_header: &str,
    header: &str,
) -> Option<String> {
    let mut defines = HashMap::new();
    defines.insert("UTS_RELEASE".to_string(), format!("\"{release}\""));
    for text in [arch_header, header] {
        preprocess(text, config, &mut defines);
    }
    expand("VERMAGIC_STRING", &defines, 0)
}

/// Remembers the `#define`s that the configuration leaves in.
fn preprocess(text: &str, config: &Config, defines: &mut HashMap<String, String>) {
    // For each open conditional: whether its lines count, and whether a branch was taken.
    let mut open: Vec<(bool, bool)> = Vec::new();
    let joined = text.replace("\\\n", " ");
    for line in joined.lines() {
        let Some(directive) = line.trim_start().strip_prefix('#') else {
            continue;
        };
        let directive = directive.trim();
        let (word, rest) = directive
            .split_once(char::is_whitespace)
            .map_or((directive, ""), |(w, r)| (w, r.trim()));
        let outer = open.iter().rev().skip(1).all(|(active, _)| *active);
        match word {
            "ifdef" | "ifndef" | "if" => {
                let holds = match word {
                    "ifndef" => !is_defined(rest, config, defines),
                    "ifdef" => is_defined(rest, config, defines),
                    _ => condition(rest, config, defines),
                };
                open.push((holds, holds));
            }
            "elif" => {
                if let Some((active, taken)) = open.last_mut() {
                    *active = !*taken && condition(rest, config, defines);
                    *taken |= *active;
                }
            }
            "else" => {
                if let Some((active, taken)) = open.last_mut() {
                    *active = !*taken;
                    *taken = true;
                }
            }
            "endif" => drop(open.pop()),
            "define" if outer && open.last().is_none_or(|(active, _)| *active) => {
                let (name, value) = rest
                    .split_once(char::is_whitespace)
                    .map_or((rest, ""), |(n, v)| (n, v.trim()));
                defines.insert(name.to_string(), value.to_string());
            }
            _ => {}
        }
    }
}

/// `defined(A) || defined(B) && !defined(C)`, without brackets around terms.
fn condition(text: &str, config: &Config, defines: &HashMap<String, String>) -> bool {
    text.split("||").any(|any| {
        any.split("&&").all(|term| {
            let term = term.trim();
            let (negated, term) = term
                .strip_prefix('!')
                .map_or((false, term), |rest| (true, rest));
            let name = term
                .trim_start_matches("defined")
                .trim_matches(['(', ')', ' ', '\t']);
            is_defined(name, config, defines) != negated
        })
    })
}

fn is_defined(name: &str, config: &Config, defines: &HashMap<String, String>) -> bool {
    let name = name.split_whitespace().next().unwrap_or_default();
    match name.strip_prefix("CONFIG_") {
        // An option that is `m` is defined with `_MODULE` behind its name.
        Some(option) => match option.strip_suffix("_MODULE") {
            Some(module) if config.get(module) == Some("m") => true,
            _ => config.get(option).is_some_and(|value| value != "m"),
        },
        None => defines.contains_key(name),
    }
}

/// Joins the string literals a macro stands for.
fn expand(name: &str, defines: &HashMap<String, String>, depth: u32) -> Option<String> {
    if depth > 16 {
        return None;
    }
    let mut result = String::new();
    let mut rest = defines.get(name)?.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('"') {
            let (literal, after) = after.split_once('"')?;
            result.push_str(literal);
            rest = after.trim_start();
        } else {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            result.push_str(&expand(&rest[..end], defines, depth + 1)?);
            rest = rest[end..].trim_start();
        }
    }
    Some(result)
}

/// What differs between two vermagic strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What the field says: the release, SMP, preemption, and so on.
    pub field: &'static str,
    /// What the module has, `None` when it lacks the field.
    pub module: Option<String>,
    /// What the kernel has, `None` when it lacks the field.
    pub kernel: Option<String>,
}

/// Whether the kernel passes over the release: the module has checksums (`__versions`), and a kernel with
/// MODVERSIONS compares these instead (`same_magic()`).
fn ignores_release(kernel: &str, has_checksums: bool) -> bool {
    has_checksums && kernel.split(' ').any(|word| word == "modversions")
}

/// Whether the kernel takes a module with this string: they are the same, or, where both have
/// checksums, the same from the first space on, behind the release.
pub fn is_same(module: &str, kernel: &str, has_checksums: bool) -> bool {
    let behind = ignores_release(kernel, has_checksums);
    let compared = |magic: &'_ str| match behind {
        true => magic.find(' ').map_or(magic.len(), |space| space),
        false => 0,
    };
    module[compared(module)..] == kernel[compared(kernel)..]
}

/// Explains what differs between two strings that are not the same, as far as their words tell.
pub fn differences(module: &str, kernel: &str, has_checksums: bool) -> Vec<Difference> {
    let split = |magic: &str| -> (String, Vec<String>) {
        let mut words = magic
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_string);
        (words.next().unwrap_or_default(), words.collect())
    };
    let ((module_release, module_words), (kernel_release, kernel_words)) =
        (split(module), split(kernel));
    let mut differences = Vec::new();
    if module_release != kernel_release && !ignores_release(kernel, has_checksums) {
        differences.push(Difference {
            field: "release",
            module: Some(module_release),
            kernel: Some(kernel_release),
        });
    }
    let find = |words: &[String], field| words.iter().find(|word| field_of(word) == field).cloned();
    let words = module_words.iter().chain(&kernel_words);
    let fields: BTreeSet<_> = words.map(|word| field_of(word)).collect();
    for field in fields {
        let (module, kernel) = (find(&module_words, field), find(&kernel_words, field));
        if module != kernel {
            differences.push(Difference {
                field,
                module,
                kernel,
            });
        }
    }
    differences
}

/// What a word of a vermagic says.
fn field_of(word: &str) -> &'static str {
    match word {
        "SMP" => "SMP",
        "preempt" | "preempt_rt" => "preemption",
        "mod_unload" => "unloading",
        "modversions" => "checksums",
        "aarch64" | "riscv" | "s390" | "loongarch" => "architecture",
        _ if word.starts_with("RANDSTRUCT") => "randomised structures",
        _ => "processor",
    }
}

/// The option that decides a field, for messages.
pub fn option_of(field: &str) -> Option<&'static str> {
    Some(match field {
        "SMP" => "CONFIG_SMP",
        "preemption" => "CONFIG_PREEMPT, CONFIG_PREEMPT_DYNAMIC or CONFIG_PREEMPT_RT",
        "unloading" => "CONFIG_MODULE_UNLOAD",
        "checksums" => "CONFIG_MODVERSIONS",
        "randomised structures" => "CONFIG_RANDSTRUCT",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#ifdef CONFIG_SMP\n#define SMP_PART \"SMP \"\n#else\n\
        #define SMP_PART \"\"\n#endif\n#ifdef CONFIG_PREEMPT_BUILD\n#define P \"preempt \"\n\
        #elif defined(CONFIG_PREEMPT_RT)\n#define P \"preempt_rt \"\n#else\n#define P \"\"\n#endif\n\
        #define VERMAGIC_STRING \\\n UTS_RELEASE \" \" \\\n SMP_PART P ARCH\n";

    fn magic(config: &str) -> Option<String> {
        from_headers(
            "6.1.0",
            &Config::parse(config),
            "#define ARCH \"\"\n",
            HEADER,
        )
    }

    #[test]
    fn the_headers_and_the_configuration_make_the_string() {
        assert_eq!(magic("").unwrap(), "6.1.0 ");
        assert_eq!(
            magic("CONFIG_SMP=y\nCONFIG_PREEMPT_BUILD=y\n").unwrap(),
            "6.1.0 SMP preempt "
        );
        assert_eq!(magic("CONFIG_PREEMPT_RT=y\n").unwrap(), "6.1.0 preempt_rt ");
    }

    #[test]
    fn a_macro_that_is_not_known_is_no_guess() {
        assert_eq!(from_headers("6.1.0", &Config::default(), "", HEADER), None);
    }

    #[test]
    fn fields_are_compared_one_by_one() {
        let module = "6.1.0 SMP mod_unload ";
        let found = differences(module, "6.2.0 SMP preempt mod_unload ", false);
        let fields: Vec<_> = found.iter().map(|difference| difference.field).collect();
        assert_eq!(fields, ["release", "preemption"]);
        assert_eq!(found[1].module, None);
        assert_eq!(found[1].kernel.as_deref(), Some("preempt"));
    }

    #[test]
    fn with_checksums_the_release_does_not_count() {
        let has = |release| format!("{release} SMP modversions ");
        assert_eq!(differences(&has("6.1.0"), &has("6.1.9"), true), []);
        assert!(is_same(&has("6.1.0"), &has("6.1.9"), true));
        // A kernel without checksums compares the release of a module with them, too.
        let fields = differences(&has("6.1.0"), "6.1.9 SMP ", true);
        let fields: Vec<_> = fields.iter().map(|found| found.field).collect();
        assert_eq!(fields, ["release", "checksums"]);
        assert_eq!(differences("6.1.0 SMP ", "6.1.9 SMP ", false).len(), 1);
    }
}
