// SPDX-License-Identifier: MIT OR Apache-2.0

//! Any bytes as a `.config`, for a few symbols of every kind.

#![no_main]

use std::sync::LazyLock;

use kconfig::{Config, Model, Options};

const KCONFIG: &[u8] = include_bytes!("../../tests/every-kind.Kconfig");

static MODEL: LazyLock<Model> =
    LazyLock::new(|| Model::parse(KCONFIG, &Options::for_arch("x86")).unwrap());

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let values: Vec<_> = MODEL.evaluate(&Config::parse(data)).lines().map(|(_, l)| l).collect();
    // What is written is read back as the same, but for numbers out of their range, which a
    // second round puts right.
    let again = |lines: &[String]| -> Vec<String> {
        let config = Config::parse(lines.join("\n").as_bytes());
        MODEL.evaluate(&config).lines().map(|(_, line)| line).collect()
    };
    let second = again(&values);
    assert_eq!(again(&second), second);
});
