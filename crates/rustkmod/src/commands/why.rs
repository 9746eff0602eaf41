// SPDX-License-Identifier: MIT OR Apache-2.0

//! `rustkmod why`: why a configuration has not what is wanted, and which changes give it.
//!
//! The evaluating is done by the crate `kconfig`; here its answer is put into words and JSON.

pub mod command;

use std::path::{Path, PathBuf};

use kconfig::{Answer, Blocker, Change, Config, Involved, Model, Options, Plan, Tristate, Wanted};
use serde::Serialize;

use kernel_files::file;

use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};
use crate::report::{Finding, counted};
use kernel_tree::kdir::Kdir;
use kernel_tree::system::{Distribution, System};

/// More than any configuration has: distributions' have 300 kB.
const CONFIG_LIMIT: u64 = 64 << 20;

/// What is asked, and of which tree.
#[derive(Debug)]
pub struct Question {
    /// The symbol, with or without `CONFIG_`.
    pub symbol: String,
    /// The value it should have; nothing for on.
    pub value: Option<String>,
    /// The directory with the Kconfig files.
    pub srctree: PathBuf,
    /// The configuration.
    pub config: PathBuf,
    /// The directory that make is run in: the one that was built in, where the source is another.
    pub objtree: PathBuf,
    /// `ARCH`, when the configuration's heading does not name it.
    pub arch: String,
    /// The series of the tree, as far as it is known.
    pub series: Option<(u32, u32)>,
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
            objtree: kdir.path.clone(),
            arch: kdir.srcarch().unwrap_or("x86").to_string(),
            series: kdir.series(),
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
    pub fn answer(&self, system: &System) -> Result<(kconfig::Why, Place)> {
        let config = self.read_config(system)?;
        let arch = config.arch().unwrap_or(&self.arch).to_string();
        let kconfig = self.srctree.join("Kconfig");
        if !kconfig.exists() {
            return Err(Error::Unmet(self.no_kconfig(system)));
        }
        let model = Model::load(&self.srctree, &Options::for_arch(&arch))
            .map_err(|error| Error::Unmet(error.to_string()))?;
        let why = model
            .why(&self.symbol, &self.wanted(), &config)
            .map_err(|error| Error::Unmet(self.unanswered(&error)))?;
        Ok((why, self.place(system, &config)))
    }

    /// The question as it stands on a command line.
    fn asked(&self, symbol: &str) -> String {
        match &self.value {
            Some(value) => format!("{symbol}={value}"),
            None => symbol.to_string(),
        }
    }

    fn unanswered(&self, error: &kconfig::Error) -> String {
        let kconfig::Error::UnknownSymbol {
            nearest: Some(nearest),
            ..
        } = error
        else {
            return error.to_string();
        };
        let call = Call::again("why");
        let call = call.with_word(self.asked(&self.symbol), self.asked(nearest));
        format!("{error}\n  help: ask for that one: {call}")
    }

    /// Reads the configuration. One that is empty is one; what is not text, or has no line of one,
    /// is another file, to which nobody should be told to add lines.
    fn read_config(&self, system: &System) -> Result<Config> {
        let unmet = |what: String, why: String| {
            let call = Call::again("why").with("--config", "FILE");
            Error::Unmet(format!(
                "{} {what}\n  note: {why}\n  help: name a configuration: {call}",
                system.shown(&self.config)
            ))
        };
        let text = file::read(&self.config, CONFIG_LIMIT).map_err(|error| match error {
            file::Error::Read { source, .. } => unmet(
                "cannot be read".into(),
                format!("it should hold the configuration: {source}"),
            ),
            other => unmet("is not a kernel's configuration".into(), other.to_string()),
        })?;
        let config = Config::parse(&text);
        if text.contains(&0) || (config.is_empty() && !text.is_empty()) {
            return Err(unmet(
                "is not a kernel's configuration".into(),
                "no line in it is CONFIG_NAME=VALUE or # CONFIG_NAME is not set".into(),
            ));
        }
        Ok(config)
    }

    /// Where the changes of an answer go, and what applies them.
    fn place(&self, system: &System, config: &Config) -> Place {
        let shown = |path: &Path| system.shown(path);
        let arch = config.arch().unwrap_or(&self.arch);
        let make = Command::new("make -C").arg(shown(&self.objtree));
        // Without it make takes this machine's, and turns the configuration into one of that.
        let mut make = make.set("ARCH", arch);
        if self.config != self.objtree.join(".config") {
            make = make.set("KCONFIG_CONFIG", shown(&self.config));
        }
        make = with_compiler(make, config);
        Place {
            config: shown(&self.config),
            make,
            arch: arch.to_string(),
            series: self.series,
        }
    }

    fn no_kconfig(&self, system: &System) -> String {
        let call = Call::of(&["why", &self.asked(&self.symbol), "--kdir"]);
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

/// A configuration, as messages and commands call it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its file.
    config: String,
    /// make, with all that goes before a goal for that file to be the one it reads and writes, for
    /// its architecture and by its compiler.
    make: Command,
    /// The architecture it is of.
    arch: String,
    /// The series of the tree, as far as it is known.
    series: Option<(u32, u32)>,
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

/// The changes of an answer as a config fragment, also where a tool has to be fixed besides;
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
pub fn finding(why: &kconfig::Why, place: &Place) -> Finding {
    let check = "why";
    let config = &place.config;
    let name = &why.symbol.symbol.name;
    let is_now = format!("CONFIG_{name} is {}", why.symbol.shown_value());
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
                place,
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
                .any(|blocker| blocker.to_string().contains("HAVE_RUST"))
                && let Some(note) = rust_of_arch(&place.arch, place.series)
            {
                finding = finding.note(note);
            }
            if blockers
                .iter()
                .any(|blocker| blocker.to_string().contains("rust_is_available.sh"))
            {
                finding = finding
                    .note("that script looks for rustc, bindgen and libclang when the kernel is configured; the configuration has what it said then")
                    .run("see what it says here", place.make.clone().shell("rustavailable"));
            }
            match afterwards {
                Some(plan) => with_plan(
                    finding,
                    plan,
                    place,
                    "fix that first; then make these changes",
                ),
                None => finding.advise("fix what stands in the way; the configuration cannot"),
            }
        }
        Answer::NotFound { tries, range } => {
            let message = format!("{is_now}, and no set of changes was found that gives it");
            let mut finding = with_chain(Finding::error(check, config, message), why);
            if let Some((low, high)) = range {
                finding = finding.note(format!(
                    "as it is configured, the range of {name} is {low} to {high}"
                ));
            }
            finding
                .note(format!(
                    "{tries} configurations were tried: none of them had it"
                ))
                .run(
                    "look at its dependencies yourself",
                    place.make.clone().shell("menuconfig"),
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
pub fn with_plan(finding: Finding, plan: &Plan, place: &Place, text: &str) -> Finding {
    let mut changes: Vec<String> = Vec::new();
    let mut print = Command::new("printf '%s\\n'");
    for change in &plan.changes {
        let at = change
            .symbol
            .definitions
            .first()
            .map(|at| format!("  ({at})"))
            .unwrap_or_default();
        changes.push(format!("{}{at}", change.line()));
        print = print.arg(change.line());
    }
    let smallest = match plan.is_smallest {
        true => "the smallest set of changes:",
        false => "changes (a smaller set may exist):",
    };
    let finding = finding.note(format!("{smallest}\n{}", changes.join("\n")));
    // Each run keeps a copy: cp gives those from before other names.
    let kept = format!("{}.kept", place.config);
    let keep = Command::new("cp --backup=numbered --")
        .arg(&place.config)
        .arg(&kept);
    let append = print.shell(">>").arg(&place.config);
    let make = place.make.clone().shell("olddefconfig");
    finding
        .note(format!("the configuration as it is now is kept in {kept}"))
        .run(text, keep.then(&append).then(&make))
}

/// What make has to be told of the compiler that a configuration was made with.
fn with_compiler(make: Command, config: &Config) -> Command {
    let is_on = |name| config.get(name) == Some("y");
    if is_on("CC_IS_CLANG") {
        // LLVM=1 is clang with the linker and the tools beside it.
        let is_mixed = is_on("LD_IS_BFD");
        return make.shell(if is_mixed { "CC=clang" } else { "LLVM=1" });
    }
    // `"aarch64-linux-gnu-gcc-14 (Debian 14.2.0) 14.2.0"`
    let text = config.get("CC_VERSION_TEXT").unwrap_or_default();
    let compiler = text.trim_matches('"').split(' ').next().unwrap_or_default();
    match compiler
        .strip_suffix("gcc")
        .filter(|prefix| prefix.ends_with('-'))
    {
        Some(prefix) => make.set("CROSS_COMPILE", prefix),
        None if compiler.contains("gcc-") => make.set("CC", compiler),
        None => make,
    }
}

/// Whether a series has Rust for an architecture: the first one that does.
fn rust_of_arch(arch: &str, series: Option<(u32, u32)>) -> Option<String> {
    let (version, patchlevel) = match arch {
        "arm64" | "loongarch" => (6, 9),
        "riscv" => (6, 10),
        "arm" => (6, 16),
        _ => return None,
    };
    let own = series.filter(|series| *series < (version, patchlevel))?;
    Some(format!(
        "Linux {}.{} has no Rust for {arch} (HAVE_RUST): it came with {version}.{patchlevel}",
        own.0, own.1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KCONFIG: &str = "config BTF\n\tbool \"types\"\nconfig TOOL\n\tbool\n\
        config RUST\n\tbool \"Rust\"\n\tdepends on !BTF\n\
        config NEVER\n\tbool \"never\"\n\tdepends on TOOL\n\
        config TEXT\n\tstring \"text\"\n\
        config NUMBER\n\tint \"number\"\n\trange 2 512\n\tdefault 64\n";

    fn place() -> Place {
        Place {
            config: ".config".into(),
            make: Command::new("make -C ."),
            arch: "x86".into(),
            series: None,
        }
    }

    fn ask(symbol: &str) -> kconfig::Why {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("Kconfig"), KCONFIG).unwrap();
        std::fs::write(directory.path().join(".config"), "CONFIG_BTF=y\n").unwrap();
        let kdir = Kdir::open(&System::bare("/"), directory.path());
        Question::new(&kdir, symbol, None)
            .answer(&System::bare("/"))
            .unwrap()
            .0
    }

    #[test]
    fn the_changes_and_the_chain_are_told() {
        let why = ask("RUST");
        assert_eq!(
            fragment(&why).unwrap(),
            "# CONFIG_BTF is not set\nCONFIG_RUST=y\n"
        );
        let finding = finding(&why, &place());
        assert_eq!(finding.message, "CONFIG_RUST is n, and 2 changes make it y");
        assert!(finding.notes[0].contains("depends on !BTF"), "{finding:?}");
        assert!(
            finding.help[0]
                .command
                .as_ref()
                .unwrap()
                .to_string()
                .contains("olddefconfig")
        );
    }

    #[test]
    fn what_is_impossible_says_what_is_in_the_way() {
        let why = ask("NEVER");
        assert!(fragment(&why).is_none() && !is_possible(&why));
        let finding = finding(&why, &place());
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
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".config"), "").unwrap();
        let kdir = Kdir::open(&System::bare("/"), directory.path());
        let error = Question::new(&kdir, "RUST", None)
            .answer(&System::bare("/"))
            .unwrap_err();
        assert!(error.to_string().starts_with("there are no Kconfig files"));
    }

    #[test]
    fn the_command_writes_the_lines_and_lets_make_read_that_file() {
        let directory = tempfile::Builder::new().prefix("a b").tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::create_dir(at("tree")).unwrap();
        std::fs::write(at("tree/Kconfig"), KCONFIG).unwrap();
        // make that says what it was asked, in place of the kernel's.
        let makefile = "olddefconfig:\n\t@echo '$(KCONFIG_CONFIG)' '$(LLVM)'\n";
        std::fs::write(at("tree/Makefile"), makefile).unwrap();
        std::fs::write(at("my config"), "CONFIG_CC_IS_CLANG=y\n").unwrap();
        let system = System::bare("/");
        let kdir = Kdir::open(&system, &at("tree"));
        for (asked, line) in [
            ("TEXT=50%s it's", "CONFIG_TEXT=\"50%s it's\""),
            ("BTF", "CONFIG_BTF=y"),
        ] {
            let question = Question::new(&kdir, asked, Some(at("my config")));
            let (why, place) = question.answer(&system).unwrap();
            let finding = finding(&why, &place);
            let command = finding.help[0].command.as_ref().unwrap();
            let ran = std::process::Command::new("sh")
                .args(["-euc", &command.to_string()])
                .output()
                .unwrap();
            assert!(ran.status.success(), "{command}: {ran:?}");
            let said = String::from_utf8_lossy(&ran.stdout);
            let wanted = format!("{} 1\n", at("my config").display());
            assert!(said.contains(&wanted), "{said}");
            let written = std::fs::read_to_string(at("my config")).unwrap();
            assert!(written.ends_with(&format!("{line}\n")), "{written}");
        }
    }

    #[test]
    fn commands_name_the_architecture_and_the_compiler_and_keep_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("Kconfig"), KCONFIG).unwrap();
        std::fs::write(
            at("Makefile"),
            "olddefconfig:\n\t@echo \"$(ARCH) $(LLVM) $(CROSS_COMPILE) $(CC)\"\n",
        )
        .unwrap();
        let heading = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/arm64 6.12.1 Kernel Configuration\n#\n";
        for (text, said) in [
            ("CONFIG_CC_IS_CLANG=y\n", "arm64 1  cc"),
            (
                "CONFIG_CC_IS_CLANG=y\nCONFIG_LD_IS_BFD=y\n",
                "arm64   clang",
            ),
            (
                "CONFIG_CC_VERSION_TEXT=\"aarch64-linux-gnu-gcc (Debian 12) 12.2.0\"\n",
                "arm64  aarch64-linux-gnu- cc",
            ),
            (
                "CONFIG_CC_VERSION_TEXT=\"gcc-12; touch x (Debian) 12.2.0\"\n",
                "arm64   gcc-12;",
            ),
            (
                "CONFIG_CC_VERSION_TEXT=\"gcc (Debian) 12.2.0\"\n",
                "arm64   cc",
            ),
        ] {
            let text = format!("{heading}{text}");
            std::fs::write(at(".config"), &text).unwrap();
            let kdir = Kdir::open(&System::bare("/"), directory.path());
            let question = Question::new(&kdir, "BTF", None);
            let (why, place) = question.answer(&System::bare("/")).unwrap();
            let finding = finding(&why, &place);
            let command = finding.help[0].command.as_ref().unwrap().to_string();
            let ran = std::process::Command::new("sh")
                .args(["-euc", &command])
                .output()
                .unwrap();
            assert!(ran.status.success(), "{command}: {ran:?}");
            let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert!(
                printed.lines().any(|line| line.trim_end() == said),
                "{command}: {printed}"
            );
            assert_eq!(std::fs::read_to_string(at(".config.kept")).unwrap(), text);
        }
        // What was kept before is still there.
        assert!(at(".config.kept.~4~").exists() && !at("x").exists());
    }

    #[test]
    fn rust_came_to_each_architecture_with_a_series() {
        let of = |arch, series| rust_of_arch(arch, Some(series)).is_some();
        assert!(of("arm64", (6, 8)) && !of("arm64", (6, 9)));
        assert!(of("riscv", (6, 9)) && of("arm", (6, 15)));
        assert!(!of("x86", (6, 1)) && rust_of_arch("arm64", None).is_none());
    }

    #[test]
    fn what_is_not_a_configuration_is_not_to_be_added_to() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("Kconfig"), KCONFIG).unwrap();
        let kdir = Kdir::open(&System::bare("/"), directory.path());
        let config = directory.path().join("file");
        for text in ["a program\n", "\u{7f}ELF\0CONFIG_A=y\n", "\nCONFIG_A=y\n\0"] {
            std::fs::write(&config, text).unwrap();
            let said = Question::new(&kdir, "RUST", Some(config.clone()))
                .answer(&System::bare("/"))
                .unwrap_err()
                .to_string();
            assert!(said.contains("is not a kernel's configuration"), "{said}");
        }
        std::fs::write(&config, "").unwrap();
        let question = Question::new(&kdir, "RUST", Some(config));
        assert!(question.answer(&System::bare("/")).is_ok());
    }

    #[test]
    fn a_number_out_of_its_range_shows_the_range() {
        let finding = finding(&ask("NUMBER=99999"), &place());
        let range = "as it is configured, the range of NUMBER is 2 to 512";
        assert!(
            finding.notes.iter().any(|note| note == range),
            "{finding:?}"
        );
    }

    #[test]
    fn a_text_that_is_empty_is_seen() {
        let finding = finding(&ask("TEXT=x"), &place());
        assert!(
            finding.message.starts_with("CONFIG_TEXT is \"\", and"),
            "{finding:?}"
        );
    }
}
