// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is asked, and of which tree and configuration.

use std::path::{Path, PathBuf};

use kconfig::{Config, Model, Options, Tristate, Wanted};
use kernel_files::file;
use kernel_tree::kdir::Kdir;
use kernel_tree::system::{Distribution, System};

use crate::call::Call;
use crate::command::Command;
use crate::error::{Error, Result};

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
            return Err(self.no_kconfig(system));
        }
        let model = Model::load(&self.srctree, &Options::for_arch(&arch))
            .map_err(|error| self.unanswered(system, error))?;
        let why = model
            .why(&self.symbol, &self.wanted(), &config)
            .map_err(|error| self.unanswered(system, error))?;
        Ok((why, self.place(system, &config)))
    }

    /// The question as it stands on a command line.
    fn asked(&self, symbol: &str) -> String {
        match &self.value {
            Some(value) => format!("{symbol}={value}"),
            None => symbol.to_string(),
        }
    }

    /// The error of a tree or a question that kconfig refuses.
    fn unanswered(&self, system: &System, error: kconfig::Error) -> Error {
        use kconfig::Error as E;
        // What follows from it stands behind a semicolon.
        let text = error.to_string();
        let told = match text.split_once("; ") {
            Some((what, note)) => Error::new(system.seen(what)).note(system.seen(note)),
            None => Error::new(system.seen(&text)),
        };
        let ask = |other: &str| Call::again("why").with_word(self.asked(&self.symbol), other);
        match error {
            E::UnknownSymbol {
                nearest: Some(nearest),
                ..
            } => told.run("ask for that one", ask(&self.asked(&nearest))),
            E::UnknownSymbol { name, .. } => told.run(
                "look for its name in part",
                Command::new("grep -rnw --include='Kconfig*'")
                    .arg(format!("config.*{name}"))
                    .arg(system.shown(&self.srctree)),
            ),
            E::WrongValue { symbol, .. } => told.run("ask why it is what it is", ask(&symbol)),
            E::Source { .. } => told.run("name a tree that has it", self.of_tree(system, "SOURCE")),
            E::SourceLoop { at, .. }
            | E::SourceUnknown { at, .. }
            | E::Syntax { at, .. }
            | E::Refused { at, .. }
            | E::Limit { at, .. } => told.run(
                "look at that line",
                Command::new("sed -n")
                    .arg(format!("{}p", at.line))
                    .arg(system.shown(&self.srctree.join(&*at.file))),
            ),
            E::Read { path, .. } | E::ConfigTooLarge { path, .. } => told.run(
                "see what it is",
                Command::new("ls -ld").arg(system.shown(&path)),
            ),
            _ => told.run(
                "see what the kernel's own parser says",
                Command::new("make -C")
                    .arg(system.shown(&self.objtree))
                    .shell("listnewconfig"),
            ),
        }
    }

    /// The same question, of another tree.
    fn of_tree(&self, system: &System, tree: &str) -> Call {
        let call = Call::of(&["why", &self.asked(&self.symbol), "--kdir", tree]);
        call.with("--config", system.shown(&self.config))
    }

    /// Reads the configuration. One that is empty is one; what is not text, or has no line of one,
    /// is another file, to which nobody should be told to add lines.
    fn read_config(&self, system: &System) -> Result<Config> {
        let unmet = |what: String, why: String| {
            Error::new(format!("{} {what}", system.shown(&self.config)))
                .note(why)
                .run(
                    "name a configuration",
                    Call::again("why").with("--config", "FILE"),
                )
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

    fn no_kconfig(&self, system: &System) -> Error {
        let call = |tree| self.of_tree(system, tree);
        let tree = system.shown(&self.srctree);
        let error = Error::new(format!("there are no Kconfig files in {tree}")).note(
            "what a symbol depends on stands in them, and some distributions' headers leave them out",
        );
        let ask = "ask the kernel's source, with this configuration";
        match (system.distribution(), self.series) {
            // Ubuntu's package has the whole version in its name.
            (Distribution::Debian, Some((version, patchlevel))) if !system.is_ubuntu() => {
                let package = format!("linux-source-{version}.{patchlevel}");
                let install = Command::new("sudo apt install").arg(&package);
                let unpack = Command::new("tar xf").arg(format!("/usr/src/{package}.tar.xz"));
                error.run(ask, install.then(&unpack).line(&call(&package).into()))
            }
            (Distribution::Debian, _) => error.run(
                ask,
                Command::new("sudo apt install linux-source")
                    .then(&"tar xf /usr/src/linux-source-*.tar.xz".into())
                    .line(&call("linux-source-VERSION").into()),
            ),
            _ => error.run(ask, call("SOURCE")),
        }
    }
}

/// A configuration, as messages and commands call it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its file.
    pub(super) config: String,
    /// make, with all that goes before a goal for that file to be the one it reads and writes, for
    /// its architecture and by its compiler.
    pub(super) make: Command,
    /// The architecture it is of.
    pub(super) arch: String,
    /// The series of the tree, as far as it is known.
    pub(super) series: Option<(u32, u32)>,
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
