// SPDX-License-Identifier: MIT OR Apache-2.0

//! Input that no kernel has. The answer is an error or a value, never a panic, and comes within
//! seconds.

use std::fmt::Write as _;
use std::path::PathBuf;

use kconfig::hostile::PARSERS;
use kconfig::{Answer, Config, Error, Model, Options, Wanted};

/// A directory for one test, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn with(name: &str, files: &[(&str, &[u8])]) -> Self {
        let directory = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
        let _ = std::fs::remove_dir_all(&directory.0);
        std::fs::create_dir_all(&directory.0).unwrap();
        for (file, bytes) in files {
            std::fs::write(directory.0.join(file), bytes).unwrap();
        }
        directory
    }

    fn load(&self) -> Result<Model, Error> {
        Model::load(&self.0, &Options::for_arch("x86"))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn parse(text: &str) -> Result<Model, Error> {
    Model::parse(text.as_bytes(), &Options::for_arch("x86"))
}

#[test]
fn tree_without_kconfig_is_an_error_that_names_the_file() {
    let directory = Directory::with("no-kconfig", &[]);
    let error = directory.load().unwrap_err().to_string();
    assert!(error.contains("no-kconfig/Kconfig"), "{error}");
}

#[test]
fn source_of_a_file_that_is_being_read_is_an_error() {
    let directory = Directory::with(
        "loop",
        &[
            ("Kconfig", b"source \"a\"\n"),
            ("a", b"source \"Kconfig\"\n"),
        ],
    );
    let error = directory.load().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("a:1: `Kconfig` is already being read"),
        "{error}"
    );
}

#[test]
fn source_loop_behind_a_link_is_an_error() {
    let directory = Directory::with("linked", &[("Kconfig", b"source \"l/Kconfig\"\n")]);
    // l/Kconfig sources l/Kconfig from the same root, but a chain of names would go on.
    std::os::unix::fs::symlink(".", directory.0.join("l")).unwrap();
    assert!(matches!(directory.load(), Err(Error::SourceLoop { .. })));
    let directory = Directory::with("chain", &[]);
    for n in 0..60 {
        let text = format!("source \"f{}\"\n", n + 1);
        let name = if n == 0 {
            "Kconfig".to_owned()
        } else {
            format!("f{n}")
        };
        std::fs::write(directory.0.join(name), text).unwrap();
    }
    assert!(matches!(directory.load(), Err(Error::Limit { .. })));
}

#[test]
fn source_of_each_file_twice_is_stopped_at_a_limit() {
    let mut files = Vec::new();
    for n in 0..40 {
        let text = format!("source \"f{0}\"\nsource \"f{0}\"\n", n + 1);
        files.push((
            if n == 0 {
                "Kconfig".to_owned()
            } else {
                format!("f{n}")
            },
            text,
        ));
    }
    files.push(("f40".to_owned(), String::new()));
    let files: Vec<_> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_bytes()))
        .collect();
    let directory = Directory::with("bomb", &files);
    assert!(matches!(directory.load(), Err(Error::Limit { .. })));
}

#[test]
fn source_refuses_devices_and_directories() {
    for path in ["/dev/zero", "/dev/stdin", "/proc", "."] {
        let error = parse(&format!("source \"{path}\"\n")).unwrap_err();
        assert!(matches!(error, Error::Source { .. }), "{path}: {error}");
    }
}

#[test]
fn file_above_the_limit_is_an_error() {
    let directory = Directory::with("large", &[]);
    let file = std::fs::File::create(directory.0.join("Kconfig")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(directory.load(), Err(Error::Limit { .. })));
    let config = directory.0.join("config");
    std::fs::File::create(&config)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    assert!(matches!(
        Config::read(&config),
        Err(Error::ConfigTooLarge { .. })
    ));
}

#[test]
fn parser_accepts_bytes_that_are_not_utf8() {
    let model = Model::parse(
        b"# \xff\nconfig A\n\tstring \"\xfe\"\n\tdefault \"\xc3\x28\"\n\thelp\n\t  \xff\xff\n\xff\n",
        &Options::for_arch("x86"),
    )
    .unwrap();
    let values = model.evaluate(&Config::parse(b"CONFIG_A=\"\xff\"\n"));
    assert_eq!(values.line("A").as_deref(), Some("CONFIG_A=\"\u{fffd}\""));
}

#[test]
fn parser_survives_every_prefix_and_every_lost_byte() {
    let text = include_bytes!("every-kind.Kconfig");
    for end in 0..text.len() {
        let _ = Model::parse(&text[..end], &Options::for_arch("x86"));
        let mut changed = text.to_vec();
        changed.remove(end);
        let _ = Model::parse(&changed, &Options::for_arch("x86"));
    }
}

#[test]
fn string_or_help_without_an_end_stops_at_its_line_or_file() {
    assert!(parse("config A\n\tbool \"a\nconfig B\n\tbool 'b").is_ok());
    assert!(parse("config A\n\tbool\n\thelp").is_ok());
    assert!(parse("config A\n\tbool\n\thelp\n").is_ok());
    assert!(parse("config A\n\tbool \"a\\").is_ok());
}

#[test]
fn nesting_above_the_limit_is_an_error() {
    let deep = 100_000;
    let open = "(".repeat(deep);
    let error = parse(&format!("config A\n\tbool\n\tdepends on {open}\n")).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    assert!(matches!(
        parse(&"if A\n".repeat(deep)),
        Err(Error::Limit { .. })
    ));
    assert!(matches!(
        parse(&"menu \"m\"\n".repeat(deep)),
        Err(Error::Limit { .. })
    ));
    assert!(
        parse(&format!(
            "config A\n\tbool\n\tdepends on {}B\n",
            "!".repeat(deep)
        ))
        .is_ok()
    );
    let macros = format!("a := {}x{}\n", "$(f,".repeat(deep), ")".repeat(deep));
    assert!(matches!(
        parse(&format!("f = $(1)\n{macros}")),
        Err(Error::Limit { .. })
    ));
}

#[test]
fn expression_of_many_operands_is_not_deep() {
    let many = "A && ".repeat(200_000);
    let model = parse(&format!(
        "config A\n\tdef_bool y\nconfig B\n\tdef_bool {many}A\n"
    ))
    .unwrap();
    let values = model.evaluate(&Config::default());
    assert_eq!(values.line("B").as_deref(), Some("CONFIG_B=y"));
}

#[test]
fn dependency_chain_of_any_length_is_evaluated() {
    let count = 200_000;
    let mut text = String::from("config A0\n\tbool \"a\"\n");
    for n in 1..count {
        write!(text, "config A{n}\n\tbool \"a\"\n\tdepends on A{}\n", n - 1).unwrap();
    }
    let model = parse(&text).unwrap();
    let last = format!("A{}", count - 1);
    let _ = model.evaluate(&Config::parse(b"CONFIG_A0=y"));
    // Longer than is followed, so that the answer is one of not knowing.
    let why = model.why(&last, &Wanted::On, &Config::default()).unwrap();
    assert!(!matches!(why.answer, Answer::Already));
    assert!(why.symbol.to_string().lines().count() < 1000);
}

#[test]
fn dependency_circle_of_any_length_is_an_error() {
    let count = 100_000;
    let mut text = String::new();
    for n in 0..count {
        write!(
            text,
            "config A{n}\n\tbool \"a\"\n\tdepends on A{}\n",
            (n + 1) % count
        )
        .unwrap();
    }
    let error = parse(&text).unwrap_err();
    assert!(matches!(error, Error::Circular { .. }), "{error}");
    assert!(error.to_string().len() < 1000);
}

#[test]
fn search_gives_up_on_many_dead_ends() {
    // Each symbol can be selected by any of the next layer, and none of the last can be on.
    let (layers, width) = (12, 12);
    let mut text = String::new();
    for layer in 0..layers {
        for n in 0..width {
            writeln!(text, "config S{layer}_{n}\n\tbool").unwrap();
            for target in 0..width {
                if layer > 0 {
                    writeln!(text, "\tselect S{}_{target}", layer - 1).unwrap();
                }
            }
        }
    }
    let model = parse(&text).unwrap();
    let why = model.why("S0_0", &Wanted::On, &Config::default()).unwrap();
    assert!(matches!(why.answer, Answer::Impossible { .. }));
}

#[test]
fn config_with_many_unknown_symbols_is_read() {
    let model = parse(include_str!("every-kind.Kconfig")).unwrap();
    let mut config = String::new();
    for n in 0..300_000 {
        writeln!(config, "CONFIG_X{n}=y\nCONFIG_INT={n}").unwrap();
    }
    let values = model.evaluate(&Config::parse(config.as_bytes()));
    assert_eq!(values.line("INT").as_deref(), Some("CONFIG_INT=299999"));
}

/// What the fuzzer found worth keeping, and every input that ever failed.
#[test]
fn corpus_of_the_fuzz_targets_is_survived() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");
    for &(name, parse) in PARSERS {
        let mut count = 0;
        for entry in std::fs::read_dir(format!("{corpus}/{name}")).unwrap() {
            parse(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no corpus");
    }
}
