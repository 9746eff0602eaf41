// SPDX-License-Identifier: MIT OR Apache-2.0

//! One small Kconfig file for each feature of the language.

mod oracle;

use std::sync::atomic::{AtomicUsize, Ordering};

use kconfig::{Config, Error, Model, Options, Shell};

use oracle::oracle_if_named;

fn model(kconfig: &str) -> Model {
    Model::parse(kconfig.as_bytes(), &Options::for_arch("x86")).unwrap()
}

/// What `olddefconfig` would write, without `CONFIG_`: `MODULES` first, then by name.
fn written(kconfig: &str, config: &str) -> String {
    let model = model(kconfig);
    let values = model.evaluate(&Config::parse(config.as_bytes()));
    let mut lines: Vec<_> = values.lines().collect();
    lines.sort_by_key(|&(name, _)| (name != "MODULES", name));
    let lines: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
    // Compared with the kernel's own answer if the environment names a tree of 6.1.
    let is_for_6_1 = !kconfig.contains("$(shell") && !kconfig.contains("# Linux 7");
    let oracle = oracle_if_named().filter(|oracle| is_for_6_1 && oracle.series() == (6, 1));
    if let Some(oracle) = oracle {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = oracle.workdir().join(format!("language-{number}"));
        std::fs::create_dir(&directory).unwrap();
        let theirs = oracle.of_file(&directory, kconfig, config);
        let is_line = |line: &&str| line.contains("CONFIG_");
        let mut theirs: Vec<_> = theirs.lines().filter(is_line).collect();
        let mut ours = lines.clone();
        theirs.sort_unstable();
        ours.sort();
        assert_eq!(ours, theirs, "the kernel's conf disagrees: {kconfig}");
    }
    lines.join(" | ").replace("CONFIG_", "")
}

fn refused(kconfig: &str) -> String {
    Model::parse(kconfig.as_bytes(), &Options::for_arch("x86"))
        .unwrap_err()
        .to_string()
}

const MODULES: &str = "config MODULES\n\tbool \"modules\"\n\tmodules\n\tdefault y\n";

#[test]
fn symbol_without_a_prompt_has_its_default() {
    assert_eq!(
        written("config A\n\tdef_bool y\nconfig B\n\tbool\n", "CONFIG_B=y"),
        "A=y"
    );
}

#[test]
fn symbol_with_a_prompt_has_the_users_value() {
    let kconfig = "config A\n\tbool \"a\"\n\tdefault y\n";
    assert_eq!(written(kconfig, ""), "A=y");
    assert_eq!(written(kconfig, "# CONFIG_A is not set"), "# A is not set");
}

#[test]
fn dependency_hides_the_prompt_and_limits_the_value() {
    let kconfig = format!(
        "{MODULES}config A\n\ttristate \"a\"\nconfig B\n\ttristate \"b\"\n\tdepends on A\n"
    );
    assert_eq!(
        written(&kconfig, "CONFIG_B=y"),
        "MODULES=y | # A is not set"
    );
    assert_eq!(
        written(&kconfig, "CONFIG_A=m\nCONFIG_B=y"),
        "MODULES=y | A=m | B=m"
    );
}

#[test]
fn m_is_y_without_modules() {
    let kconfig = format!(
        "{MODULES}config A\n\ttristate \"a\"\nconfig B\n\tbool \"b\"\n\tdepends on A = m\nconfig C\n\tbool \"c\"\n\tdepends on m\n"
    );
    assert_eq!(
        written(&kconfig, "CONFIG_A=m"),
        "MODULES=y | A=m | # B is not set | # C is not set"
    );
    assert_eq!(
        written(&kconfig, "# CONFIG_MODULES is not set\nCONFIG_A=m"),
        "# MODULES is not set | A=y"
    );
}

#[test]
fn select_forces_and_ignores_dependencies() {
    let kconfig = "config A\n\tbool \"a\"\n\tselect B if C\nconfig B\n\tbool \"b\"\n\tdepends on NONE\nconfig C\n\tbool \"c\"\n";
    assert_eq!(
        written(kconfig, "CONFIG_A=y\nCONFIG_C=y"),
        "A=y | B=y | C=y"
    );
    assert_eq!(written(kconfig, "CONFIG_A=y"), "A=y | # C is not set");
}

#[test]
fn imply_is_a_default_that_dependencies_limit() {
    let kconfig = "config A\n\tbool \"a\"\n\timply B\nconfig B\n\tbool \"b\"\n\tdepends on C\nconfig C\n\tbool \"c\"\n";
    assert_eq!(
        written(kconfig, "CONFIG_A=y\nCONFIG_C=y"),
        "A=y | B=y | C=y"
    );
    assert_eq!(
        written(kconfig, "CONFIG_A=y\nCONFIG_C=y\n# CONFIG_B is not set"),
        "A=y | # B is not set | C=y"
    );
    assert_eq!(
        written(kconfig, "CONFIG_A=y"),
        "A=y | # B is not set | # C is not set"
    );
}

#[test]
fn default_is_the_first_whose_condition_holds() {
    let kconfig = "config A\n\tint\n\tdefault 1 if B\n\tdefault 2 if \"x\" = \"x\"\n\tdefault 3\nconfig B\n\tbool \"b\"\n";
    assert_eq!(written(kconfig, ""), "A=2 | # B is not set");
    assert_eq!(written(kconfig, "CONFIG_B=y"), "A=1 | B=y");
}

#[test]
fn number_out_of_its_range_has_its_default() {
    let kconfig = "config A\n\tint \"a\"\n\trange 1 10\n\tdefault 5\nconfig B\n\thex \"b\"\n\trange 0x10 0x20\n\tdefault 0x5\n";
    assert_eq!(written(kconfig, "CONFIG_A=11"), "A=5 | B=0x10");
    assert_eq!(written(kconfig, "CONFIG_A=10\nCONFIG_B=20"), "A=10 | B=20");
    assert_eq!(written(kconfig, "CONFIG_A=ten"), "A=5 | B=0x10");
}

#[test]
fn range_end_is_read_in_the_base_of_its_own_type() {
    let kconfig = "config H\n\thex\n\tdefault 10\nconfig A\n\tint\n\trange H 99\n\tdefault 12\n\
                   config B\n\thex\n\trange 10 20\n\tdefault 0x5\nconfig I\n\tint\n\tdefault 10\n\
                   config C\n\thex\n\trange I 0x20\n\tdefault 0xc\n";
    // 12 is less than 0x10, and 0xc more than 10.
    assert_eq!(written(kconfig, ""), "A=10 | B=10 | C=0xc | H=10 | I=10");
}

/// Both numbers are out of their range. K comes before P in the hash table of the kernel's `conf`, so
/// that it is forgotten while its range still holds; L comes after P.
#[test]
fn number_out_of_its_range_is_forgotten_in_the_order_of_the_hash_table() {
    let kconfig = |name: &str| {
        format!(
            "config P\n\tint \"p\"\n\trange 0 5\n\tdefault 5\n\
             config {name}\n\tint \"{name}\"\n\tdepends on P = 0\n\trange 0 3\n\tdefault 0\n"
        )
    };
    assert_eq!(written(&kconfig("K"), "CONFIG_P=-1\nCONFIG_K=17"), "P=5");
    assert_eq!(
        written(&kconfig("L"), "CONFIG_P=-1\nCONFIG_L=17"),
        "L=3 | P=5"
    );
}

#[test]
fn comparison_is_of_numbers_or_of_texts() {
    let kconfig = "config A\n\tint\n\tdefault 120000\nconfig B\n\tdef_bool A >= 9000\nconfig C\n\tdef_bool A < 9000\nconfig D\n\tdef_bool \"abc\" < \"b\"\n";
    assert_eq!(written(kconfig, ""), "A=120000 | B=y | D=y");
}

#[test]
fn string_is_escaped() {
    let kconfig = "config A\n\tstring \"a\"\n\tdefault \"x\\\"y\"\n";
    assert_eq!(written(kconfig, ""), "A=\"x\\\"y\"");
    assert_eq!(written(kconfig, "CONFIG_A=\"a\\\\b\""), "A=\"a\\\\b\"");
}

#[test]
fn menu_and_if_hand_their_dependencies_down() {
    let kconfig = "config A\n\tbool \"a\"\nmenu \"m\"\n\tdepends on A\nif B\nconfig C\n\tbool \"c\"\nendif\nconfig D\n\tbool \"d\"\nendmenu\nconfig B\n\tdef_bool y\n";
    assert_eq!(
        written(kconfig, "CONFIG_C=y\nCONFIG_D=y"),
        "# A is not set | B=y"
    );
    assert_eq!(
        written(kconfig, "CONFIG_A=y\nCONFIG_C=y\nCONFIG_D=y"),
        "A=y | B=y | C=y | D=y"
    );
}

#[test]
fn visible_if_hides_prompts_but_keeps_defaults() {
    let kconfig = "menu \"m\"\n\tvisible if A\nconfig B\n\tbool \"b\"\n\tdefault y\nendmenu\nconfig A\n\tbool \"a\"\n";
    assert_eq!(
        written(kconfig, "# CONFIG_B is not set"),
        "# A is not set | B=y"
    );
}

#[test]
fn prompt_may_have_its_own_condition() {
    let kconfig = "config A\n\tbool \"a\" if B\n\tdefault y\nconfig B\n\tbool \"b\"\n";
    assert_eq!(
        written(kconfig, "# CONFIG_A is not set"),
        "A=y | # B is not set"
    );
    assert_eq!(
        written(kconfig, "# CONFIG_A is not set\nCONFIG_B=y"),
        "# A is not set | B=y"
    );
}

#[test]
fn definitions_of_one_symbol_add_up() {
    let kconfig = "config A\n\tbool \"a\"\n\tdepends on B\nconfig A\n\tbool\n\tdefault y\n\tdepends on C\nconfig B\n\tbool \"b\"\nconfig C\n\tbool \"c\"\n";
    assert_eq!(written(kconfig, "CONFIG_C=y"), "A=y | # B is not set | C=y");
    assert_eq!(model(kconfig).symbol("A").unwrap().definitions.len(), 2);
}

#[test]
fn choice_has_one_member_on() {
    let kconfig = "choice\n\tprompt \"c\"\n\tdefault B\nconfig A\n\tbool \"a\"\nif X\nconfig B\n\tbool \"b\"\nendif\nconfig C\n\tbool \"c\"\nendchoice\nconfig X\n\tbool \"x\"\n";
    assert_eq!(
        written(kconfig, ""),
        "A=y | # C is not set | # X is not set"
    );
    assert!(written(kconfig, "CONFIG_X=y").contains("B=y"));
    assert!(written(kconfig, "CONFIG_A=y\nCONFIG_C=y").contains("C=y"));
}

#[test]
fn choice_of_tristates_may_have_several_modules() {
    let kconfig = format!(
        "{MODULES}choice\n\tprompt \"c\"\n\toptional\nconfig A\n\ttristate \"a\"\nconfig B\n\ttristate \"b\"\nendchoice\n"
    );
    assert_eq!(
        written(&kconfig, "CONFIG_A=m\nCONFIG_B=m"),
        "MODULES=y | A=m | B=m"
    );
    assert_eq!(
        written(&kconfig, "CONFIG_A=m\nCONFIG_B=y"),
        "MODULES=y | # A is not set | B=y"
    );
    assert_eq!(written(&kconfig, ""), "MODULES=y");
}

#[test]
fn choice_does_not_count_what_depends_on_a_member() {
    let kconfig = "choice\n\tprompt \"c\"\nconfig A\n\tbool \"a\"\nconfig SUB\n\tbool \"sub\"\n\tdepends on A\nconfig B\n\tbool \"b\"\nendchoice\n";
    assert_eq!(
        written(kconfig, "CONFIG_A=y\nCONFIG_SUB=y"),
        "A=y | # B is not set | SUB=y"
    );
}

#[test]
fn macro_makes_words_and_conditions() {
    let kconfig = "yes := y\nisx86 = $(if-arch,$(ARCH),x86)\nif-arch = $(1)-$(2)\nconfig A\n\tbool\n\tdefault $(yes)\nconfig B\n\tdef_bool \"$(isx86)\" = \"x86-x86\"\nconfig C$(yes)\n\tstring\n\tdefault \"$(filename):$(lineno)\"\n";
    assert_eq!(written(kconfig, ""), "A=y | B=y | Cy=\"Kconfig:11\"");
}

#[test]
fn shell_deny_takes_results_from_the_config() {
    let kconfig = "success = $(shell,$(1))\ncc-option = $(success,$(CC) $(1))\nconfig A\n\tdef_bool $(success,true)\nconfig V\n\tint\n\tdefault $(shell,echo 7)\nconfig B\n\tbool \"b\"\n\tdepends on $(cc-option,-x)\nconfig C\n\tdef_bool V > 5 && A\n";
    assert_eq!(written(kconfig, ""), "");
    let config = "CONFIG_A=y\nCONFIG_V=7\n# CONFIG_B is not set";
    assert_eq!(written(kconfig, config), "A=y | # B is not set | C=y | V=7");
}

#[test]
fn shell_run_runs_the_commands() {
    let kconfig = "success = $(shell,if $(1); then echo y; else echo n; fi)\nconfig A\n\tdef_bool $(success,true)\nconfig B\n\tdef_bool $(success,false)\nconfig V\n\tint\n\tdefault $(shell,echo $NUMBER)\n";
    let options = Options {
        shell: Shell::Run {
            workdir: std::env::temp_dir(),
        },
        env: [("NUMBER".to_owned(), "7".to_owned())].into(),
        ..Options::for_arch("x86")
    };
    let model = Model::parse(kconfig.as_bytes(), &options).unwrap();
    let values = model.evaluate(&Config::parse(b"CONFIG_B=y"));
    let lines: Vec<_> = values.lines().map(|(_, line)| line).collect();
    assert_eq!(lines, ["CONFIG_A=y", "CONFIG_V=7"]);
}

#[test]
fn dependency_may_have_a_condition_since_linux_7() {
    let kconfig = "# Linux 7\nconfig A\n\tbool \"a\"\n\tdepends on B if C\nconfig B\n\tbool \"b\"\nconfig C\n\tbool \"c\"\n";
    assert!(written(kconfig, "CONFIG_A=y\nCONFIG_C=y").starts_with("# B"));
    assert!(written(kconfig, "CONFIG_A=y").starts_with("A=y"));
}

#[test]
fn parser_refuses_what_the_kernel_refuses() {
    for (kconfig, message) in [
        (
            "config A\n\tbool \"a\"\n\tfoo\n",
            "Kconfig:3: `foo` begins no statement",
        ),
        ("config A B\n", "Kconfig:1: `B` is not expected here"),
        (
            "config A\n\tdepends A\n",
            "Kconfig:2: `depends` is followed by `on`",
        ),
        (
            "config A\n\tdepends on (A || B\n",
            "Kconfig:2: a `)` is missing here",
        ),
        (
            "menu \"m\"\nconfig A\n",
            "Kconfig:1: this block is not ended in its file",
        ),
        (
            "menu \"m\"\nendif\n",
            "Kconfig:2: `endif` does not end the block begun at Kconfig:1",
        ),
        (
            "endmenu\n",
            "Kconfig:1: `endmenu` ends no block of this file",
        ),
        (
            "$(shell,echo\n",
            "Kconfig:1: `$(shell,echo` has no closing parenthesis on this line",
        ),
        (
            "source \"no/such\"\n",
            "Kconfig:1: cannot read the sourced file `no/such`",
        ),
        (
            "source \"$(shell,x)\"\n",
            "Kconfig:1: the sourced path `\"$(shell,x)\"` needs",
        ),
        ("$(error-if,y,no compiler)\n", "Kconfig:1: no compiler"),
        ("config y\n", "Kconfig:1: a constant cannot be defined"),
    ] {
        let found = refused(kconfig);
        assert!(found.starts_with(message), "{kconfig:?} gives {found:?}");
    }
}

#[test]
fn circular_dependency_is_refused_with_its_chain() {
    let kconfig = "config A\n\tbool \"a\"\n\tdepends on B\nconfig B\n\tbool \"b\"\n\tdepends on C\nconfig C\n\tbool \"c\"\n\tselect A\n\tdepends on A\n";
    let found = refused(kconfig);
    assert!(found.contains("A (Kconfig:1) -> "), "{found}");
    assert!(matches!(
        Model::parse(b"config A\n\tbool \"a\" if A\n", &Options::default()),
        Err(Error::Circular { .. })
    ));
}

/// What the `conf` of a kernel of this version writes, as `written` shows it. What is expected here
/// is compared with real kernels in `olddefconfig.rs`.
fn written_by(version: (u32, u32), kconfig: &str, config: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory = format!("{}/series-{number}", env!("CARGO_TARGET_TMPDIR"));
    let directory = std::path::Path::new(&directory);
    std::fs::create_dir_all(directory).unwrap();
    let (major, minor) = version;
    let makefile = format!("# a kernel\nVERSION = {major}\nPATCHLEVEL = {minor}\nSUBLEVEL = 9\n");
    std::fs::write(directory.join("Makefile"), makefile).unwrap();
    std::fs::write(directory.join("Kconfig"), kconfig).unwrap();
    let model = Model::load(directory, &Options::for_arch("x86"));
    std::fs::remove_dir_all(directory).unwrap();
    let model = model.unwrap();
    let values = model.evaluate(&Config::parse(config.as_bytes()));
    let lines: Vec<_> = values.lines().map(|(_, line)| line).collect();
    lines.join(" | ").replace("CONFIG_", "")
}

#[test]
fn number_out_of_its_range_is_clamped_since_6_8() {
    let kconfig = "config N\n\tint \"n\"\n\trange 1 9\n\tdefault 5\nconfig M\n\tint\n\tdefault N\n\
                   config H\n\thex \"h\"\nconfig I\n\tint \"i\"\n";
    let with = |version, config| written_by(version, kconfig, config);
    assert_eq!(with((6, 7), ""), "N=5 | M=5 | H= | I=");
    assert_eq!(with((6, 8), ""), "N=5 | M=5 | H=0x0 | I=0");
    assert_eq!(with((6, 7), "CONFIG_N=77"), "N=5 | M=9 | H= | I=");
    assert_eq!(with((6, 8), "CONFIG_N=77"), "N=9 | M=9 | H=0x0 | I=0");
    assert_eq!(with((7, 0), "CONFIG_N=0"), "N=1 | M=1 | H=0x0 | I=0");
}

#[test]
fn choice_takes_another_member_since_6_11() {
    let members = ["A", "B", "C"].map(|name| format!("config {name}\n\tbool \"{name}\"\n"));
    let kconfig = format!(
        "choice\n\tprompt \"one\"\n\tdefault B\n{}endchoice\n",
        members.concat()
    );
    let picked = |version, config| {
        let lines = written_by(version, &kconfig, config);
        let on = lines.split(" | ").find(|line| line.ends_with("=y"));
        on.unwrap_or_default().to_owned()
    };
    let off = "# CONFIG_B is not set\n";
    for (config, before, since) in [
        ("", "B=y", "B=y"),
        ("CONFIG_A=y\nCONFIG_C=y", "C=y", "C=y"),
        // Before, what was ever set counts; since, what is set in the end.
        (
            "CONFIG_C=y\nCONFIG_A=y\n# CONFIG_A is not set",
            "A=y",
            "C=y",
        ),
        // A default that is set to `n` is passed over for one that is not set.
        (off, "B=y", "A=y"),
        // All are set to `n`: the default before, and the first that was set since.
        (
            "# CONFIG_C is not set\n# CONFIG_B is not set\n# CONFIG_A is not set",
            "B=y",
            "C=y",
        ),
    ] {
        assert_eq!(picked((6, 10), config), before, "{config}");
        assert_eq!(picked((6, 11), config), since, "{config}");
    }
}

#[test]
fn choice_members_need_no_prompt_of_the_choice_since_6_11() {
    let kconfig = "config X\n\tbool \"x\"\nchoice\n\tprompt \"one\" if X\n\tdefault B\n\
                   config A\n\tbool \"a\"\nconfig B\n\tbool \"b\"\nendchoice\n";
    assert_eq!(written_by((6, 10), kconfig, "CONFIG_A=y"), "# X is not set");
    assert_eq!(
        written_by((6, 11), kconfig, "CONFIG_A=y"),
        "# X is not set | # B is not set | A=y"
    );
}

#[test]
fn transitional_symbol_hands_its_value_on_and_is_not_written() {
    let kconfig = "config OLD\n\tint\n\ttransitional\nconfig NEW\n\tint \"new\"\n\tdefault OLD\n\
                   config WAS\n\tbool\n\ttransitional\nconfig IS\n\tbool \"is\"\n\tdefault WAS\n";
    let with = |config| written_by((7, 0), kconfig, config);
    assert_eq!(with(""), "NEW=0 | # IS is not set");
    assert_eq!(with("CONFIG_OLD=7\nCONFIG_WAS=y"), "NEW=7 | IS=y");
    assert_eq!(
        with("CONFIG_OLD=7\nCONFIG_NEW=8\nCONFIG_WAS=y\n# CONFIG_IS is not set"),
        "NEW=8 | # IS is not set"
    );
}
