// SPDX-License-Identifier: MIT OR Apache-2.0

//! Any Kconfig file, and any `.config` after a zero byte: read, evaluated, and asked.

#![no_main]

use kconfig::{Config, Model, Options, Wanted};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |&byte| byte == 0);
    let (text, config) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let Ok(model) = Model::parse(text, &Options::for_arch("x86")) else { return };
    let config = Config::parse(config);
    assert!(model.evaluate(&config).lines().all(|(_, line)| line.contains("CONFIG_")));
    for name in model.names().take(3) {
        if let Ok(why) = model.why(name, &Wanted::On, &config) {
            let _ = why.symbol.to_string();
        }
    }
});
