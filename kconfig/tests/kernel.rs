// SPDX-License-Identifier: MIT OR Apache-2.0

//! Against the kernel's own `olddefconfig`, on a real tree and real configurations.

mod oracle;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use kconfig::{Config, Model, Options, Shell};
use oracle::{Oracle, oracle};

/// The tree, read with its commands run, as `make LLVM=1` runs them.
fn model(oracle: &Oracle) -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let shell = Shell::Run { workdir: oracle.workdir().to_owned() };
        let options = Options { arch: "x86".into(), shell, env: oracle.env.clone() };
        Model::load(&oracle.tree, &options).unwrap()
    })
}

/// The lines of a configuration by symbol.
fn lines(config: &str) -> BTreeMap<String, String> {
    let name = |line: &str| {
        let rest = line.strip_prefix("# CONFIG_").or_else(|| line.strip_prefix("CONFIG_"))?;
        Some(rest.split(['=', ' ']).next()?.to_owned())
    };
    config.lines().filter_map(|line| Some((name(line)?, line.to_owned()))).collect()
}

/// Compares what is written for every symbol; says each difference, and how many agree.
fn compare(name: &str, model: &Model, config: &str, expected: &str) -> usize {
    let values = model.evaluate(&Config::parse(config.as_bytes()));
    let ours: BTreeMap<String, String> =
        values.lines().map(|(name, line)| (name.to_owned(), line)).collect();
    let theirs = lines(expected);
    let symbols: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let differ: Vec<_> = symbols.iter().filter(|&&s| ours.get(s) != theirs.get(s)).collect();
    eprintln!(
        "{name}: {} of {} symbols defined, {} lines written, {} differ",
        model.names().filter(|&s| ours.get(s) == theirs.get(s)).count(),
        model.names().count(),
        theirs.len(),
        differ.len()
    );
    for &&symbol in differ.iter().take(40) {
        eprintln!("  ours {:?}, olddefconfig {:?}", ours.get(symbol), theirs.get(symbol));
    }
    differ.len()
}

#[test]
fn every_symbol_is_what_olddefconfig_writes() {
    let Some(oracle) = oracle() else { return };
    let model = model(oracle);
    let mut differ = 0;
    for (name, config) in oracle.configs() {
        differ += compare(name, model, &config, &oracle.olddefconfig(&config));
    }
    assert_eq!(differ, 0);
}

#[test]
fn a_written_config_says_what_the_shell_would() {
    let Some(oracle) = oracle() else { return };
    let model = Model::load(&oracle.tree, &Options::for_arch("x86")).unwrap();
    let mut differ = 0;
    for (name, config) in oracle.configs() {
        let written = oracle.olddefconfig(&config);
        differ += compare(&format!("{name}, no command run"), &model, &written, &written);
    }
    assert_eq!(differ, 0);
}
