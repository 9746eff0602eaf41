// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod why`: why a configuration has not what is wanted, and which changes give it.
//!
//! The evaluating is done by the crate `kconfig`; here its answer is put into words and JSON.

use std::path::PathBuf;

use kconfig::{Answer, Blocker, Change, Config, Involved, Model, Options, Plan, Tristate, Wanted};
use serde::Serialize;

use crate::call::Call;
use crate::error::{Error, Result};
use crate::kdir::Kdir;
use crate::report::{Finding, counted};
use crate::system::{Distribution, System};

/// What is asked, and of which tree.
#[derive(Debug)]
pub struct Question {
    /// The symbol, with or without `CONFIG_`.
    pub symbol: String,
    /// The value it should have; nothing for on.
    pub value: Option<String>,
    /// The folder with the Kconfig files.
    pub srctree: PathBuf,
    /// The configuration.
    pub config: PathBuf,
    /// `ARCH`, when the configuration's heading does not name it.
    pub arch: String,
}

impl Question {
    /// A question about a tree, and its own configuration unless another is given.
    pub fn new(kdir: &Kdir, symbol: &str, config: Option<PathBuf>) -> Self {
        let (symbol, value) = match symbol.split_once('=') {
            Some((symbol, value)) => (symbol, Some(value.to_string())),
            None => (symbol, None),
        };
        let srctree = match kdir.path.join("Kconfig").exists() {
            true => kdir.path.clone(),
            false => kdir.srctree.clone(),
        };
        let own = kdir.path.join(".config");
        Self {
            symbol: symbol.to_string(),
            value,
            srctree,
            config: config.unwrap_or(own),
            arch: kdir.srcarch().unwrap_or("x86").to_string(),
        }
    }

    fn wanted(&self) -> Wanted {
        match self.value.as_deref() {
            None => Wanted::On,
            Some("y") => Wanted::Exactly(Tristate::Yes),
            Some("m") => Wanted::Exactly(Tristate::Module),
            Some("n") => Wanted::Exactly(Tristate::No),
            Some(text) => Wanted::Text(text.to_string()),
        }
    }

    /// Reads the tree and the configuration, and answers.
    pub fn answer(&self, system: &System) -> Result<kconfig::Why> {
        let config =
            Config::read(&self.config).map_err(|error| Error::Unmet(format!("{error}")))?;
        let arch = config.arch().unwrap_or(&self.arch).to_string();
        let kconfig = self.srctree.join("Kconfig");
        if !kconfig.exists() {
            return Err(Error::Unmet(self.no_kconfig(system)));
        }
        let model = Model::load(&self.srctree, &Options::for_arch(&arch))
            .map_err(|error| Error::Unmet(error.to_string()))?;
        model
            .why(&self.symbol, &self.wanted(), &config)
            .map_err(|error| Error::Unmet(error.to_string()))
    }

    fn no_kconfig(&self, system: &System) -> String {
        let asked = self.value.as_ref().map_or_else(
            || self.symbol.clone(),
            |value| format!("{}={value}", self.symbol),
        );
        let call = Call::of(&["why", &asked, "--kdir"]);
        let with = |tree: &str| {
            let config = system.shown(&self.config);
            call.clone().and(tree).with("--config", config)
        };
        let help = match system.distribution() {
            Distribution::Debian => format!(
                "ask the kernel's source, with this configuration\n            \
                 sudo apt install linux-source && tar xf /usr/src/linux-source-*.tar.xz\n            \
                 {}",
                with("linux-source-VERSION")
            ),
            _ => format!("name a tree that has them\n            {}", with("SOURCE")),
        };
        format!(
            "there are no Kconfig files in {}\n  \
             note: what a symbol depends on stands in them, and some distributions' headers leave \
             them out\n  help: {help}",
            system.shown(&self.srctree)
        )
    }
}

/// An answer, for JSON.
#[derive(Debug, Serialize)]
pub struct Document {
    symbol: String,
    value: String,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blockers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    afterwards: Option<PlanDocument>,
    chain: SymbolDocument,
}

#[derive(Debug, Serialize)]
struct PlanDocument {
    changes: Vec<ChangeDocument>,
    is_smallest: bool,
    fragment: String,
}

#[derive(Debug, Serialize)]
struct ChangeDocument {
    symbol: String,
    from: String,
    to: String,
    line: String,
    defined_at: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SymbolDocument {
    symbol: String,
    value: String,
    needed: String,
    defined_at: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<CauseDocument>,
}

#[derive(Debug, Serialize)]
struct CauseDocument {
    statement: &'static str,
    condition: String,
    any_is_enough: bool,
    symbols: Vec<SymbolDocument>,
}

fn plan_document(plan: &Plan) -> PlanDocument {
    let change = |change: &Change| ChangeDocument {
        symbol: change.symbol.name.clone(),
        from: change.from.clone(),
        to: change.to.clone(),
        line: change.line(),
        defined_at: change
            .symbol
            .definitions
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    PlanDocument {
        changes: plan.changes.iter().map(change).collect(),
        is_smallest: plan.is_smallest,
        fragment: plan.fragment(),
    }
}

fn symbol_document(involved: &Involved) -> SymbolDocument {
    SymbolDocument {
        symbol: involved.symbol.name.clone(),
        value: involved.value.clone(),
        needed: involved.needed.clone(),
        defined_at: involved
            .symbol
            .definitions
            .iter()
            .map(ToString::to_string)
            .collect(),
        causes: involved
            .causes
            .iter()
            .map(|cause| CauseDocument {
                statement: cause.statement,
                condition: cause.condition.clone(),
                any_is_enough: cause.is_any_enough,
                symbols: cause.symbols.iter().map(symbol_document).collect(),
            })
            .collect(),
    }
}

/// An answer as JSON has it.
pub fn document(why: &kconfig::Why) -> Document {
    let mut document = Document {
        symbol: why.symbol.symbol.name.clone(),
        value: why.symbol.value.clone(),
        answer: "already",
        plan: None,
        blockers: Vec::new(),
        afterwards: None,
        chain: symbol_document(&why.symbol),
    };
    match &why.answer {
        Answer::Already => {}
        Answer::Changes(plan) => {
            document.answer = "changes";
            document.plan = Some(plan_document(plan));
        }
        Answer::Impossible {
            blockers,
            afterwards,
        } => {
            document.answer = "impossible";
            document.blockers = blockers.iter().map(Blocker::to_string).collect();
            document.afterwards = afterwards.as_ref().map(plan_document);
        }
        Answer::NotFound { .. } => document.answer = "not-found",
    }
    document
}

/// The changes of an answer as a config fragment, also where a tool has to be mended besides;
/// nothing when no changes do it.
pub fn fragment(why: &kconfig::Why) -> Option<String> {
    match &why.answer {
        Answer::Already => Some(String::new()),
        Answer::Changes(plan) => Some(plan.fragment()),
        Answer::Impossible { afterwards, .. } => afterwards.as_ref().map(Plan::fragment),
        Answer::NotFound { .. } => None,
    }
}

/// Whether the symbol has what is wanted, or can be given it.
pub fn is_possible(why: &kconfig::Why) -> bool {
    matches!(why.answer, Answer::Already | Answer::Changes(_))
}

/// An answer in words, as a finding.
pub fn finding(why: &kconfig::Why, config: &str, srctree: &str) -> Finding {
    let check = "why";
    let name = &why.symbol.symbol.name;
    let value = &why.symbol.value;
    let is_now = format!("CONFIG_{name} is {value}");
    match &why.answer {
        Answer::Already => Finding::ok(check, config, format!("{is_now}, as wanted")),
        Answer::Changes(plan) => {
            let message = format!(
                "{is_now}, and {} it {}",
                match plan.changes.as_slice() {
                    [_] => "one change makes".to_string(),
                    many => format!("{} make", counted(many.len(), "change")),
                },
                plan.value
            );
            let finding = with_chain(Finding::warning(check, config, message), why);
            with_plan(
                finding,
                plan,
                config,
                srctree,
                "make these changes, and let the kernel check them",
            )
        }
        Answer::Impossible {
            blockers,
            afterwards,
        } => {
            let message = format!("{is_now}, and no change of the configuration alone turns it on");
            let mut finding = with_chain(Finding::error(check, config, message), why);
            for blocker in blockers.iter().take(8) {
                finding = finding.note(format!("in the way: {blocker}"));
            }
            if blockers
                .iter()
                .any(|blocker| blocker.to_string().contains("rust_is_available.sh"))
            {
                finding = finding
                    .note("that script looks for rustc, bindgen and libclang when the kernel is configured; the configuration has what it said then")
                    .run("see what it says here", format!("make -C {srctree} LLVM=1 rustavailable"));
            }
            match afterwards {
                Some(plan) => with_plan(
                    finding,
                    plan,
                    config,
                    srctree,
                    "mend that first; then make these changes",
                ),
                None => finding.advise("mend what stands in the way; the configuration cannot"),
            }
        }
        Answer::NotFound { tries } => {
            let message = format!("{is_now}, and no set of changes was found that gives it");
            with_chain(Finding::error(check, config, message), why)
                .note(format!(
                    "{tries} configurations were tried: each change undid another"
                ))
                .run(
                    "look at its dependencies yourself",
                    format!("make -C {srctree} menuconfig"),
                )
        }
    }
}

fn with_chain(finding: Finding, why: &kconfig::Why) -> Finding {
    finding.note(format!("why it is so:\n{}", chain(why)))
}

/// The chain of causes, cut off where nobody reads on.
pub fn chain(why: &kconfig::Why) -> String {
    const SHOWN: usize = 40;
    let text = why.symbol.to_string();
    let mut lines: Vec<&str> = text.lines().collect();
    let count = lines.len();
    lines.truncate(SHOWN);
    let mut text = lines.join("\n");
    if count > SHOWN {
        text.push_str(&format!("\nand {} more", counted(count - SHOWN, "line")));
    }
    text
}

/// Adds the changes and where each is defined, and the command that applies them.
pub fn with_plan(
    finding: Finding,
    plan: &Plan,
    config: &str,
    srctree: &str,
    text: &str,
) -> Finding {
    let mut changes: Vec<String> = Vec::new();
    for change in &plan.changes {
        let at = change
            .symbol
            .definitions
            .first()
            .map(|at| format!("  ({at})"))
            .unwrap_or_default();
        changes.push(format!("{}{at}", change.line()));
    }
    let smallest = match plan.is_smallest {
        true => "the smallest set of changes:",
        false => "changes (a smaller set may exist):",
    };
    let finding = finding.note(format!("{smallest}\n{}", changes.join("\n")));
    let lines = plan.fragment().replace('\n', "\\n");
    finding.run(
        text,
        format!(
            "printf '{}' >> {config} && make -C {srctree} olddefconfig",
            lines.replace('\'', "'\\''")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KCONFIG: &str = "config BTF\n\tbool \"types\"\nconfig TOOL\n\tbool\n\
        config RUST\n\tbool \"Rust\"\n\tdepends on !BTF\n\
        config NEVER\n\tbool \"never\"\n\tdepends on TOOL\n";

    fn ask(symbol: &str) -> kconfig::Why {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Kconfig"), KCONFIG).unwrap();
        std::fs::write(folder.path().join(".config"), "CONFIG_BTF=y\n").unwrap();
        let kdir = Kdir::open(&System::bare("/"), folder.path());
        Question::new(&kdir, symbol, None)
            .answer(&System::bare("/"))
            .unwrap()
    }

    #[test]
    fn the_changes_and_the_chain_are_told() {
        let why = ask("RUST");
        assert_eq!(
            fragment(&why).unwrap(),
            "# CONFIG_BTF is not set\nCONFIG_RUST=y\n"
        );
        let finding = finding(&why, ".config", ".");
        assert_eq!(finding.message, "CONFIG_RUST is n, and 2 changes make it y");
        assert!(finding.notes[0].contains("depends on !BTF"), "{finding:?}");
        assert!(
            finding.help[0]
                .command
                .as_ref()
                .unwrap()
                .contains("olddefconfig")
        );
    }

    #[test]
    fn what_is_impossible_says_what_is_in_the_way() {
        let why = ask("NEVER");
        assert!(fragment(&why).is_none() && !is_possible(&why));
        let finding = finding(&why, ".config", ".");
        assert!(
            finding
                .notes
                .iter()
                .any(|note| note.starts_with("in the way: TOOL"))
        );
    }

    #[test]
    fn any_value_can_be_asked_for() {
        assert_eq!(
            fragment(&ask("CONFIG_BTF=n")).unwrap(),
            "# CONFIG_BTF is not set\n"
        );
        assert_eq!(fragment(&ask("BTF=y")).unwrap(), "");
    }

    #[test]
    fn a_tree_without_kconfig_is_an_error_that_helps() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".config"), "").unwrap();
        let kdir = Kdir::open(&System::bare("/"), folder.path());
        let error = Question::new(&kdir, "RUST", None)
            .answer(&System::bare("/"))
            .unwrap_err();
        assert!(error.to_string().starts_with("there are no Kconfig files"));
    }
}
