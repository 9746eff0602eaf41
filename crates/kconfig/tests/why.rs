// SPDX-License-Identifier: MIT OR Apache-2.0

//! The answers, on small files. Those for RUST on a real tree are in `olddefconfig.rs`.

use kconfig::{Answer, BlockerKind, Config, Model, Options, Standing, Tristate, Wanted};

fn model(kconfig: &str) -> Model {
    Model::parse(kconfig.as_bytes(), &Options::for_arch("x86")).unwrap()
}

/// The fragment that turns a symbol on, its lines sorted.
fn fragment(kconfig: &str, config: &str, symbol: &str) -> Vec<String> {
    let config = Config::parse(config.as_bytes());
    match model(kconfig)
        .why(symbol, &Wanted::On, &config)
        .unwrap()
        .answer
    {
        Answer::Changes(plan) => sorted(&plan.fragment()),
        other => panic!("{other:?}"),
    }
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn plan_follows_a_chain_to_its_end() {
    let kconfig = "config A\n\tbool \"a\"\nconfig B\n\tbool\n\tdefault y if A\nconfig C\n\tbool \"c\"\n\tdepends on B\n";
    assert_eq!(fragment(kconfig, "", "C"), ["CONFIG_A=y", "CONFIG_C=y"]);
}

#[test]
fn plan_turns_off_what_is_in_the_way() {
    let kconfig = "config A\n\tbool \"a\"\n\tdepends on !B\nconfig B\n\tbool \"b\"\nconfig C\n\tbool \"c\"\n\tselect B\n";
    assert_eq!(
        fragment(kconfig, "CONFIG_B=y\nCONFIG_C=y", "A"),
        [
            "# CONFIG_B is not set",
            "# CONFIG_C is not set",
            "CONFIG_A=y"
        ]
    );
}

#[test]
fn plan_is_the_smaller_of_two_ways() {
    let kconfig = "config A\n\tbool \"a\"\n\tdepends on (B && C) || D\nconfig B\n\tbool \"b\"\nconfig C\n\tbool \"c\"\nconfig D\n\tbool \"d\"\n";
    assert_eq!(fragment(kconfig, "", "A"), ["CONFIG_A=y", "CONFIG_D=y"]);
}

#[test]
fn plan_has_no_setting_that_undoes_another() {
    // B needs !D, and C selects D: only E is left.
    let kconfig = "config A\n\tbool \"a\"\n\tdepends on B && (C || E)\nconfig B\n\tbool \"b\"\n\tdepends on !D\nconfig C\n\tbool \"c\"\n\tselect D\nconfig D\n\tbool\nconfig E\n\tbool \"e\"\n";
    assert_eq!(
        fragment(kconfig, "", "A"),
        ["CONFIG_A=y", "CONFIG_B=y", "CONFIG_E=y"]
    );
}

#[test]
fn plan_turns_a_choice_member_off_by_another() {
    let kconfig = "choice\n\tprompt \"c\"\nconfig A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\nendchoice\nconfig C\n\tbool \"c\"\n\tdepends on !A\n";
    assert_eq!(
        fragment(kconfig, "CONFIG_A=y", "C"),
        ["CONFIG_B=y", "CONFIG_C=y"]
    );
    assert_eq!(fragment(kconfig, "CONFIG_A=y", "B"), ["CONFIG_B=y"]);
}

#[test]
fn plan_sets_numbers_and_texts() {
    let kconfig = "config A\n\tbool \"a\"\n\tdepends on N > 9 && S = \"x\"\nconfig N\n\tint \"n\"\n\tdefault 1\nconfig S\n\tstring \"s\"\n";
    assert_eq!(
        fragment(kconfig, "", "A"),
        ["CONFIG_A=y", "CONFIG_N=10", "CONFIG_S=\"x\""]
    );
    let wanted = Wanted::Text("7".into());
    let why = model(kconfig)
        .why("N", &wanted, &Config::default())
        .unwrap();
    let Answer::Changes(plan) = why.answer else {
        panic!("{why:?}")
    };
    assert_eq!(plan.fragment(), "CONFIG_N=7\n");
}

#[test]
fn plan_can_turn_a_symbol_off() {
    let kconfig = "config A\n\tbool\nconfig B\n\tbool \"b\"\n\tselect A\n";
    let config = Config::parse(b"CONFIG_B=y\n");
    let wanted = Wanted::Exactly(Tristate::No);
    let why = model(kconfig).why("A", &wanted, &config).unwrap();
    assert_eq!(why.symbol.state, Standing::Selected);
    let Answer::Changes(plan) = why.answer else {
        panic!("{why:?}")
    };
    assert_eq!(plan.fragment(), "# CONFIG_B is not set\n");
}

#[test]
fn impossible_names_its_blocker() {
    let kind = |kconfig: &str, config: &str| {
        let config = Config::parse(config.as_bytes());
        match model(kconfig)
            .why("A", &Wanted::On, &config)
            .unwrap()
            .answer
        {
            Answer::Impossible {
                mut blockers,
                afterwards,
            } => (blockers.remove(0), afterwards.map(|plan| plan.fragment())),
            other => panic!("{other:?}"),
        }
    };
    let (blocker, _) = kind("config A\n\tbool \"a\"\n\tdepends on ARM64\n", "");
    assert_eq!(blocker.kind, BlockerKind::Undefined);
    assert_eq!(
        blocker.to_string(),
        "ARM64 is not defined for this architecture"
    );
    let (blocker, _) = kind(
        "config A\n\tbool \"a\"\n\tdepends on BROKEN\nconfig BROKEN\n\tbool\n",
        "",
    );
    assert_eq!(blocker.kind, BlockerKind::NotSettable);
    let (blocker, _) = kind("config A\n\tbool \"a\"\n\tdepends on n\n", "");
    assert_eq!(blocker.kind, BlockerKind::Constant);
    let tool = "config A\n\tbool \"a\"\n\tdepends on HAS && B\nconfig HAS\n\tdef_bool $(shell,test)\nconfig B\n\tbool \"b\"\n";
    let (blocker, afterwards) = kind(tool, "");
    let BlockerKind::Tool(fact) = &blocker.kind else {
        panic!("{blocker:?}")
    };
    assert_eq!((fact.text.as_str(), fact.at.line), ("$(shell,test)", 5));
    assert_eq!(sorted(&afterwards.unwrap()), ["CONFIG_A=y", "CONFIG_B=y"]);
}

#[test]
fn why_refuses_unknown_names_and_wrong_values() {
    let model = model("config ALPHA\n\tbool \"a\"\n");
    let config = Config::default();
    let error = model
        .why("ALPHE", &Wanted::On, &config)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("the nearest name that is defined is ALPHA"),
        "{error}"
    );
    assert!(model.why("CONFIG_ALPHA", &Wanted::On, &config).is_ok());
    assert!(
        model
            .why("ALPHA", &Wanted::Exactly(Tristate::Module), &config)
            .is_err()
    );
    assert!(
        model
            .why("ALPHA", &Wanted::Text("5".into()), &config)
            .is_err()
    );
}
