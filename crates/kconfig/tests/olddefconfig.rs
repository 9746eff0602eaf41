// SPDX-License-Identifier: MIT OR Apache-2.0

//! Against the kernel's own `olddefconfig`, on a real tree and real configurations.

mod oracle;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use kconfig::{Answer, Config, Model, Options, Shell, SymbolType, Tristate, Value, Wanted};
use oracle::{Oracle, oracle};

/// The tree, read with its commands run, as `make LLVM=1` runs them.
fn model(oracle: &Oracle) -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let shell = Shell::Run {
            workdir: oracle.workdir().to_owned(),
        };
        let options = Options {
            arch: "x86".into(),
            shell,
            env: oracle.env.clone(),
        };
        Model::load(&oracle.tree, &options).unwrap()
    })
}

/// The lines of a configuration by symbol.
fn lines(config: &str) -> BTreeMap<String, String> {
    let name = |line: &str| {
        let rest = line
            .strip_prefix("# CONFIG_")
            .or_else(|| line.strip_prefix("CONFIG_"))?;
        Some(rest.split(['=', ' ']).next()?.to_owned())
    };
    config
        .lines()
        .filter_map(|line| Some((name(line)?, line.to_owned())))
        .collect()
}

/// Compares what is written for every symbol; says each difference, and how many agree.
fn compare(name: &str, model: &Model, config: &str, expected: &str) -> usize {
    let values = model.evaluate(&Config::parse(config.as_bytes()));
    let ours: BTreeMap<String, String> = values
        .lines()
        .map(|(name, line)| (name.to_owned(), line))
        .collect();
    let theirs = lines(expected);
    let symbols: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let differ: Vec<_> = symbols
        .iter()
        .filter(|&&s| ours.get(s) != theirs.get(s))
        .collect();
    eprintln!(
        "{name}: {} of {} symbols defined, {} lines written, {} differ",
        model
            .names()
            .filter(|&s| ours.get(s) == theirs.get(s))
            .count(),
        model.names().count(),
        theirs.len(),
        differ.len()
    );
    for &&symbol in differ.iter().take(40) {
        eprintln!(
            "  ours {:?}, olddefconfig {:?}",
            ours.get(symbol),
            theirs.get(symbol)
        );
    }
    differ.len()
}

#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn evaluate_writes_what_olddefconfig_writes() {
    let oracle = oracle();
    let model = model(oracle);
    let mut differ = 0;
    for (name, config) in oracle.configs() {
        differ += compare(&name, model, &config, &oracle.olddefconfig(&config));
    }
    assert_eq!(differ, 0);
}

/// What the series do differently, in small files: the kernel trees themselves hold no such case.
#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn evaluate_follows_the_rules_of_each_series() {
    let oracle = oracle();
    let directory = oracle.workdir().join("small");
    std::fs::create_dir_all(&directory).unwrap();
    let (version, level) = oracle.series();
    let makefile = format!("VERSION = {version}\nPATCHLEVEL = {level}\n");
    std::fs::write(directory.join("Makefile"), makefile).unwrap();
    let modules = "config MODULES\n\tbool \"modules\"\n\tmodules\n\tdefault y\n";
    let member = |name: &str| format!("config {name}\n\tbool \"{name}\"\n");
    let tristate = |name: &str| format!("config {name}\n\ttristate \"{name}\"\n");
    let abc = ["A", "B", "C"].map(member).concat();
    let hidden = format!("choice\n\tprompt \"one\" if X\n\tdefault B\n{abc}endchoice\n");
    let shown = format!("choice\n\tprompt \"one\"\n\tdefault B\n{abc}endchoice\n");
    let number = "config N\n\tint \"n\"\n\trange 1 9\n\tdefault 5\n\
                  config M\n\tint\n\tdefault N\nconfig H\n\thex \"h\"\nconfig I\n\tint \"i\"\n";
    let mut cases = vec![
        (
            member("X") + &hidden,
            vec!["", "CONFIG_C=y", "CONFIG_X=y\nCONFIG_C=y"],
        ),
        (
            shown,
            vec![
                "CONFIG_A=y\nCONFIG_C=y",
                "CONFIG_C=y\nCONFIG_A=y",
                "CONFIG_C=y\nCONFIG_A=y\n# CONFIG_A is not set",
                "# CONFIG_B is not set",
                "# CONFIG_C is not set\n# CONFIG_B is not set\n# CONFIG_A is not set",
                "# CONFIG_B is not set\n# CONFIG_A is not set\n# CONFIG_C is not set",
            ],
        ),
        (
            number.into(),
            vec!["", "CONFIG_N=0", "CONFIG_N=77", "CONFIG_N=8\nCONFIG_H=0x1"],
        ),
    ];
    // C was not a member, but a line below B; now it is one that depends on another.
    let submenu = format!(
        "{}{}config C\n\tbool \"C\"\n\tdepends on B\n",
        member("A"),
        member("B")
    );
    let submenu = format!("choice\n\tprompt \"one\"\n{submenu}endchoice\n");
    let submenus = vec!["", "CONFIG_B=y\nCONFIG_C=y", "CONFIG_C=y"];
    if oracle.series() < (6, 11) {
        cases.push((submenu, submenus));
    } else {
        std::fs::write(directory.join("Kconfig"), &submenu).unwrap();
        let refused = Model::load(&directory, &Options::for_arch("x86")).unwrap_err();
        assert!(refused.to_string().contains("B"), "{refused}");
        assert!(oracle.refuses_file(&directory, &submenu));
    }
    if oracle.series() >= (7, 0) {
        let depends = |condition: &str| {
            let of_three = ["X", "Y", "Z"].map(tristate).concat();
            format!(
                "{modules}{of_three}{}\tdepends on X if {condition}\n",
                tristate("A")
            )
        };
        let configs = vec![
            "CONFIG_A=y",
            "CONFIG_A=y\nCONFIG_Y=m",
            "CONFIG_A=y\nCONFIG_Y=y",
            "CONFIG_A=y\nCONFIG_X=m\nCONFIG_Y=y",
            "CONFIG_A=y\nCONFIG_Y=m\nCONFIG_Z=m",
            "CONFIG_A=y\nCONFIG_Y=y\nCONFIG_Z=y",
        ];
        for condition in [
            "Y",
            "!Y",
            "Y && Z",
            "!(Y && Z)",
            "Y || !Z",
            "Y = m",
            "Y != Z",
        ] {
            cases.push((depends(condition), configs.clone()));
        }
        cases.push((
            "config OLD\n\tint\n\ttransitional\n\
             config NEW\n\tint \"new\"\n\tdefault OLD\n"
                .into(),
            vec!["", "CONFIG_OLD=7", "CONFIG_OLD=7\nCONFIG_NEW=8"],
        ));
    }
    for (kconfig, configs) in cases {
        for config in configs {
            let theirs = oracle.of_file(&directory, &kconfig, config);
            let model = Model::load(&directory, &Options::for_arch("x86")).unwrap();
            let differ = compare("small", &model, config, &theirs);
            assert_eq!(differ, 0, "{kconfig}\nof\n{config}");
        }
    }
}

/// A configuration that nobody would write: values of every kind, wrong ones too, twice.
fn nonsense(model: &Model, seed: u64) -> String {
    let mut random = Random(seed);
    let mut names: Vec<&str> = model.names().collect();
    let count = random.below(names.len());
    let mut config = String::new();
    for name in random.pick(&mut names, count) {
        let values = match model.symbol(name).unwrap().kind {
            SymbolType::Bool | SymbolType::Tristate => ["y", "n", "m", "y"],
            SymbolType::Int => ["0", "-1", "4294967296", "17"],
            SymbolType::Hex => ["0x0", "ffffffffff", "0x10", "no"],
            SymbolType::String => ["\"a\\\"b\"", "\"\"", "bare", "\"open"],
            SymbolType::Unknown => continue,
        };
        for _ in 0..=random.below(2) {
            config += &format!("CONFIG_{name}={}\n", values[random.below(4)]);
        }
    }
    config
}

#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn evaluate_agrees_on_nonsense_and_random_configurations() {
    let oracle = oracle();
    let model = model(oracle);
    let mut differ = 0;
    for seed in 1..=12 {
        let config = nonsense(model, seed * 7919);
        differ += compare(
            &format!("nonsense {seed}"),
            model,
            &config,
            &oracle.olddefconfig(&config),
        );
    }
    for seed in 1..=12 {
        let config = oracle.conf("", "--randconfig", seed);
        differ += compare(
            &format!("random {seed}"),
            model,
            &config,
            &oracle.olddefconfig(&config),
        );
    }
    assert_eq!(differ, 0);
}

#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn shell_deny_rewrites_what_olddefconfig_wrote() {
    let oracle = oracle();
    let model = Model::load(&oracle.tree, &Options::for_arch("x86")).unwrap();
    let mut differ = 0;
    for (name, config) in oracle.configs() {
        let written = oracle.olddefconfig(&config);
        differ += compare(
            &format!("{name}, no command run"),
            &model,
            &written,
            &written,
        );
    }
    assert_eq!(differ, 0);
}

/// A shuffle that is the same on every machine (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }

    fn pick<T>(&mut self, from: &mut Vec<T>, count: usize) -> Vec<T> {
        (0..count.min(from.len()))
            .map(|_| from.swap_remove(self.below(from.len())))
            .collect()
    }
}

/// How the answers for some symbols fared.
#[derive(Debug, Default)]
struct Tally {
    agreed_on: usize,
    agreed_impossible: usize,
    not_found: usize,
    wrong: Vec<String>,
    changes: BTreeMap<usize, usize>,
    not_proven_smallest: usize,
    slowest: (std::time::Duration, String),
}

/// Symbols that some configuration turns on, whatever it is: none of these is impossible.
fn possible(oracle: &Oracle) -> &'static BTreeSet<String> {
    static POSSIBLE: OnceLock<BTreeSet<String>> = OnceLock::new();
    POSSIBLE.get_or_init(|| {
        let modes = [
            ("--allyesconfig", 0),
            ("--allmodconfig", 0),
            ("--allnoconfig", 0),
        ];
        let random = (1..12).map(|seed| ("--randconfig", seed));
        let mut all = BTreeSet::new();
        for (mode, seed) in modes.into_iter().chain(random) {
            let on = lines(&oracle.conf("", mode, seed)).into_iter();
            let on = on.filter(|(_, line)| line.ends_with("=y") || line.ends_with("=m"));
            all.extend(on.map(|(name, _)| name));
        }
        all
    })
}

/// Asks for symbols that are off, and `olddefconfig` whether the answers are right.
fn ask(oracle: &Oracle, model: &Model, name: &str, config: &str, count: usize) -> Tally {
    let base = oracle.olddefconfig(config);
    let parsed = Config::parse(base.as_bytes());
    let values = model.evaluate(&parsed);
    let is_off = |name: &&str| values.get(name) == Some(Value::Logic(Tristate::No));
    let mut off: Vec<&str> = model.names().filter(is_off).collect();
    let mut tally = Tally::default();
    eprintln!("{name}: {} symbols are off", off.len());
    for symbol in Random(0x6b63_6f6e_6669_6721).pick(&mut off, count) {
        let start = std::time::Instant::now();
        let why = model.why(symbol, &Wanted::On, &parsed).unwrap();
        if start.elapsed() > tally.slowest.0 {
            tally.slowest = (start.elapsed(), symbol.to_owned());
        }
        let is_on = |config: &str| {
            let line = lines(config).remove(symbol);
            line.is_some_and(|line| line.ends_with("=y") || line.ends_with("=m"))
        };
        match &why.answer {
            Answer::Changes(plan) => {
                let result = oracle.olddefconfig(&format!("{base}{}", plan.fragment()));
                if is_on(&result) {
                    tally.agreed_on += 1;
                    *tally.changes.entry(plan.changes.len()).or_default() += 1;
                    tally.not_proven_smallest += usize::from(!plan.is_smallest);
                } else {
                    tally
                        .wrong
                        .push(format!("{symbol} stays off with:\n{}", plan.fragment()));
                }
            }
            Answer::Impossible { blockers, .. } => {
                assert!(!blockers.is_empty(), "{symbol} is impossible for no reason");
                let result = oracle.olddefconfig(&format!("{base}CONFIG_{symbol}=y\n"));
                if is_on(&result) || possible(oracle).contains(symbol) {
                    tally.wrong.push(format!(
                        "{symbol} is said to be impossible: {}",
                        blockers[0]
                    ));
                } else {
                    tally.agreed_impossible += 1;
                }
            }
            Answer::NotFound { tries, .. } => {
                tally.not_found += 1;
                eprintln!("  nothing found in {tries} tries for:\n{}", why.symbol);
            }
            Answer::Already => tally.wrong.push(format!("{symbol} is on already")),
        }
    }
    eprintln!("{name}: {tally:#?}");
    tally
}

/// Asks for 40 symbols of each configuration, or as many as `KCONFIG_TEST_COUNT` says: 400 take
/// minutes, and their figures are in the README.
#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn why_agrees_with_olddefconfig() {
    let oracle = oracle();
    let model = model(oracle);
    let count = std::env::var("KCONFIG_TEST_COUNT");
    let count = count.map_or(40, |count| count.parse().expect("KCONFIG_TEST_COUNT"));
    for (name, config) in oracle.configs() {
        if name != "x86_64_defconfig" && !name.ends_with(".config") {
            continue;
        }
        let tally = ask(oracle, model, &name, &config, count);
        assert!(tally.wrong.is_empty(), "{name}: {:#?}", tally.wrong);
        // To give up a search is not a wrong answer, but it must stay rare.
        assert!(
            tally.not_found * 50 <= count,
            "{name}: {} not found",
            tally.not_found
        );
    }
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// RUST with each thing that keeps it off, added to a configuration in which it could be on.
#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn rust_names_each_of_its_blockers() {
    let oracle = oracle();
    let model = Model::load(&oracle.tree, &Options::for_arch("x86")).unwrap();
    let base = oracle
        .olddefconfig("CONFIG_MODULES=y\nCONFIG_DEBUG_KERNEL=y\nCONFIG_BPF_SYSCALL=y\n")
        + "CONFIG_RUST_IS_AVAILABLE=y\nCONFIG_PAHOLE_VERSION=123\n";
    let answer = |more: &str| {
        let config = Config::parse(format!("{base}{more}").as_bytes());
        let why = model.why("RUST", &Wanted::On, &config).unwrap();
        match why.answer {
            Answer::Changes(plan) => {
                assert!(
                    plan.changes
                        .iter()
                        .all(|change| !change.symbol.definitions.is_empty())
                );
                (why.symbol.to_string(), sorted(&plan.fragment()))
            }
            other => panic!("{other:?}\n{}", why.symbol),
        }
    };
    assert_eq!(answer("").1, ["CONFIG_RUST=y"]);
    let (tree, changes) = answer("CONFIG_MODVERSIONS=y\n");
    assert!(
        tree.contains("MODVERSIONS is y (kernel/module/Kconfig:"),
        "{tree}"
    );
    assert_eq!(
        changes,
        ["# CONFIG_MODVERSIONS is not set", "CONFIG_RUST=y"]
    );
    let (tree, changes) = answer(
        "CONFIG_DEBUG_INFO_DWARF4=y\nCONFIG_DEBUG_INFO_BTF=y\nCONFIG_PAHOLE_HAS_SPLIT_BTF=y\n",
    );
    // Since 7.0 the Makefile asks pahole, and hands the answer on.
    let fact = if oracle.series() < (7, 0) {
        "$(shell,$(srctree)/scripts/pahole-version.sh"
    } else {
        "$(PAHOLE_VERSION) says"
    };
    assert!(
        tree.contains(&format!("PAHOLE_VERSION is 123, as {fact}")),
        "{tree}"
    );
    assert_eq!(
        changes,
        ["# CONFIG_DEBUG_INFO_BTF is not set", "CONFIG_RUST=y"]
    );
    // What the plugins need is recorded as a build with gcc would. In 6.1 they all exclude Rust.
    // Without them there is no RANDSTRUCT either, and without that nothing selects MODVERSIONS: one
    // change removes three obstacles.
    let (tree, changes) = answer(
        "CONFIG_CC_IS_GCC=y\n# CONFIG_CC_IS_CLANG is not set\nCONFIG_GCC_VERSION=120200\n\
         # CONFIG_CC_HAS_RANDSTRUCT is not set\n\
         CONFIG_GCC_PLUGINS=y\nCONFIG_RANDSTRUCT_FULL=y\n",
    );
    assert!(
        tree.contains("RANDSTRUCT is y (security/Kconfig.hardening:"),
        "{tree}"
    );
    if oracle.series() < (6, 12) {
        assert!(
            tree.contains("GCC_PLUGINS is y (scripts/gcc-plugins/Kconfig:"),
            "{tree}"
        );
        assert!(
            tree.contains("MODVERSIONS is y (kernel/module/Kconfig:"),
            "{tree}"
        );
        assert_eq!(
            changes,
            ["# CONFIG_GCC_PLUGINS is not set", "CONFIG_RUST=y"]
        );
    } else {
        assert!(
            tree.contains("GCC_PLUGIN_RANDSTRUCT is y (security/Kconfig.hardening:"),
            "{tree}"
        );
        assert_eq!(changes, ["CONFIG_RANDSTRUCT_NONE=y", "CONFIG_RUST=y"]);
    }
}

/// Later series depend on rustc's version, which the configuration records.
#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn rust_names_a_rustc_that_is_too_old() {
    let oracle = oracle();
    if oracle.series() != (6, 12) {
        return;
    }
    let model = Model::load(&oracle.tree, &Options::for_arch("x86")).unwrap();
    // What clang 16 can is recorded, whichever is here.
    let base = oracle.olddefconfig("CONFIG_MODULES=y\n")
        + "CONFIG_CC_HAS_RETURN_THUNK=y\nCONFIG_CC_HAS_ENTRY_PADDING=y\nCONFIG_CPU_MITIGATIONS=y\n\
           CONFIG_MITIGATION_RETHUNK=y\nCONFIG_MITIGATION_CALL_DEPTH_TRACKING=y\n";
    let with = |rustc: u32| {
        let config = format!("{base}CONFIG_RUST_IS_AVAILABLE=y\nCONFIG_RUSTC_VERSION={rustc}\n");
        let config = Config::parse(config.as_bytes());
        model.why("RUST", &Wanted::On, &config).unwrap()
    };
    let Answer::Changes(plan) = with(108_501).answer else {
        panic!("{}", with(108_501).symbol)
    };
    assert_eq!(sorted(&plan.fragment()), ["CONFIG_RUST=y"]);
    let why = with(107_800);
    let tree = why.symbol.to_string();
    assert!(
        tree.contains("RUSTC_VERSION is 107800, as $(rustc-version) says"),
        "{tree}"
    );
    let Answer::Changes(plan) = why.answer else {
        panic!("{tree}")
    };
    assert_eq!(
        sorted(&plan.fragment()),
        [
            "# CONFIG_MITIGATION_CALL_DEPTH_TRACKING is not set",
            "CONFIG_RUST=y"
        ]
    );
}

/// Since 6.14 there is Rust beside MODVERSIONS, where the versions come from DWARF.
#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn rust_is_possible_with_versions_from_dwarf() {
    let oracle = oracle();
    if oracle.series() < (6, 14) {
        return;
    }
    let model = Model::load(&oracle.tree, &Options::for_arch("x86")).unwrap();
    let base = oracle.olddefconfig(
        "CONFIG_MODULES=y\nCONFIG_DEBUG_KERNEL=y\nCONFIG_DEBUG_INFO_DWARF5=y\n\
         CONFIG_MODVERSIONS=y\nCONFIG_GENDWARFKSYMS=y\n",
    );
    assert!(base.contains("CONFIG_GENDWARFKSYMS=y"), "{base}");
    let config = format!("{base}CONFIG_RUST_IS_AVAILABLE=y\n");
    let why = model
        .why("RUST", &Wanted::On, &Config::parse(config.as_bytes()))
        .unwrap();
    let Answer::Changes(plan) = why.answer else {
        panic!("{}", why.symbol)
    };
    assert_eq!(sorted(&plan.fragment()), ["CONFIG_RUST=y"]);
}

#[test]
#[ignore = "needs a kernel: KCONFIG_TEST_TREE or KCONFIG_TEST_ARCHIVE"]
fn rust_names_a_missing_toolchain() {
    let oracle = oracle();
    let model = Model::load(&oracle.tree, &Options::for_arch("x86")).unwrap();
    let written = oracle.olddefconfig("CONFIG_MODULES=y\nCONFIG_MODVERSIONS=y\n");
    let without = written.replace("CONFIG_RUST_IS_AVAILABLE=y\n", "");
    let why = model
        .why("RUST", &Wanted::On, &Config::parse(without.as_bytes()))
        .unwrap();
    let Answer::Impossible {
        blockers,
        afterwards,
    } = why.answer
    else {
        panic!("{why:?}")
    };
    let blocker = blockers[0].to_string();
    assert!(
        blocker.starts_with("RUST_IS_AVAILABLE (init/Kconfig:"),
        "{blocker}"
    );
    assert!(
        blocker.ends_with("$(success,$(srctree)/scripts/rust_is_available.sh) says"),
        "{blocker}"
    );
    let afterwards = sorted(&afterwards.unwrap().fragment());
    assert_eq!(
        afterwards,
        ["# CONFIG_MODVERSIONS is not set", "CONFIG_RUST=y"]
    );
}
