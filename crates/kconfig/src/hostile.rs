// SPDX-License-Identifier: MIT OR Apache-2.0

//! For the fuzz targets and the tests that replay their corpus: one function for each kind of
//! input. It takes any bytes, and must not panic, hang, or take memory without bounds.
//!
//! Not part of the public API.

use std::sync::LazyLock;

use crate::{Config, Model, Options, Wanted};

/// Takes any bytes, and neither panics nor hangs.
pub type Parser = fn(&[u8]);

/// Each function, by the name of its corpus.
pub const PARSERS: &[(&str, Parser)] = &[("kconfig", kconfig), ("config", config)];

/// A Kconfig file, and after a zero byte a `.config`: read, evaluated, and asked.
pub fn kconfig(data: &[u8]) {
    let mut parts = data.splitn(2, |&byte| byte == 0);
    let text = parts.next().unwrap_or_default();
    let config = Config::parse(parts.next().unwrap_or_default());
    let Ok(model) = Model::parse(text, &Options::for_arch("x86")) else {
        return;
    };
    let values = model.evaluate(&config);
    assert!(values.lines().all(|(_, line)| line.contains("CONFIG_")));
    for name in model.names().take(3) {
        if let Ok(why) = model.why(name, &Wanted::On, &config) {
            let _ = why.symbol.to_string();
        }
    }
}

/// A `.config`, for a few symbols of every kind.
pub fn config(data: &[u8]) {
    static MODEL: LazyLock<Model> = LazyLock::new(|| {
        let text = include_bytes!("../tests/every-kind.Kconfig");
        Model::parse(text, &Options::for_arch("x86")).expect("a Kconfig file of ours")
    });
    let written = |config: &Config| -> Vec<String> {
        MODEL
            .evaluate(config)
            .lines()
            .map(|(_, line)| line)
            .collect()
    };
    let again = |lines: &[String]| written(&Config::parse(lines.join("\n").as_bytes()));
    // What is written is read back as the same, but for numbers out of their range, which a
    // second round puts right.
    let second = again(&written(&Config::parse(data)));
    assert_eq!(again(&second), second);
}
