// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the fuzz targets started from and found, replayed: no parser panics or hangs, on it, on
//! every beginning of it, or on it with a byte changed.

mod common;

use std::time::{Duration, Instant};

#[test]
fn every_parser_survives_its_corpus() {
    for (name, parse, corpus) in common::parsers() {
        let files: Vec<_> = std::fs::read_dir(&corpus).unwrap().flatten().collect();
        assert!(!files.is_empty(), "{name} has no corpus");
        parse(b"");
        for file in files {
            let whole = std::fs::read(file.path()).unwrap();
            let start = Instant::now();
            parse(&whole);
            // At most some thousand variants, spread over the whole file.
            let step = whole.len() / 500 + 1;
            for at in (0..whole.len()).step_by(step) {
                parse(&whole[..at]);
                let mut changed = whole.clone();
                changed[at] ^= 0xff;
                parse(&changed);
            }
            let took = start.elapsed();
            assert!(
                took < Duration::from_secs(60),
                "{:?} took {took:?}",
                file.path()
            );
        }
    }
}
