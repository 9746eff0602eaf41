// SPDX-License-Identifier: MIT OR Apache-2.0

//! The fuzz targets for some seconds, without the nightly compiler that cargo-fuzz needs: inputs of
//! the kept corpus, mutated at random. It is blind where cargo-fuzz sees coverage; what it finds is
//! as real.
//!
//! `RUSTKMOD_FUZZ_SECONDS` is the time each parser gets (1), `RUSTKMOD_FUZZ_SEED` the first seed (a
//! new one every day). An input is made from its seed alone, so that one seed repeats a finding.

mod common;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kernel_files::hostile::Parser;
use mutatis::Session;

/// What ends later than this hangs: an input takes less than a thousandth of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// mutatis looks at every byte of what it changes: of a large input, one window is enough.
const WINDOW: usize = 4096;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let parsed = text.parse();
    Some(parsed.unwrap_or_else(|_| panic!("{variable} is not a number: '{text}'")))
}

/// The input of a seed: one of the corpus with a few changes, or its head and another's tail.
fn input(corpus: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut session = Session::new().seed(seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut below = |bound: usize| random.usize(..bound);
    let mut data = corpus[below(corpus.len())].clone();
    if below(4) == 0 {
        let other = &corpus[below(corpus.len())];
        data.truncate(below(data.len() + 1));
        data.extend_from_slice(&other[below(other.len() + 1)..]);
    }
    let changes = 1 + below(6);
    let start = below(data.len().saturating_sub(WINDOW) + 1);
    let end = data.len().min(start + WINDOW);
    let mut window = data[start..end].to_vec();
    for _ in 0..changes {
        // What cannot be changed is tried as it is.
        let _ = session.mutate(&mut window);
    }
    data.splice(start..end, window);
    data
}

/// Tries inputs from `first` on until the time is over: how many, or the seed that failed.
fn search(
    parse: Parser,
    corpus: &[Vec<u8>],
    first: u64,
    time: Duration,
    at: &AtomicU64,
) -> Result<u64, u64> {
    let start = Instant::now();
    let mut tried = 0;
    while tried == 0 || start.elapsed() < time {
        let seed = first.wrapping_add(tried);
        at.store(seed, Ordering::Relaxed);
        let data = input(corpus, seed);
        catch_unwind(AssertUnwindSafe(|| parse(&data))).map_err(|_| seed)?;
        tried += 1;
    }
    Ok(tried)
}

/// Runs the search beside this thread, which sees when it hangs.
fn watch(name: &str, parse: Parser, corpus: Vec<Vec<u8>>, first: u64, time: Duration) -> u64 {
    let at = Arc::new(AtomicU64::new(first));
    let (send, receive) = mpsc::channel();
    let seen = Arc::clone(&at);
    std::thread::spawn(move || {
        // Nobody listens any more where it was given up.
        let _ = send.send(search(parse, &corpus, first, time, &seen));
    });
    let again = |seed| format!("RUSTKMOD_FUZZ_SEED={seed} cargo test -p rustkmod --test fuzz");
    match receive.recv_timeout(time + PATIENCE) {
        Ok(Ok(tried)) => tried,
        Ok(Err(seed)) => panic!("{name} panics; to repeat it: {}", again(seed)),
        Err(_) => {
            let again = again(at.load(Ordering::Relaxed));
            panic!("{name} has not come back after {PATIENCE:?}; to repeat it: {again}")
        }
    }
}

/// A new seed a day: what one day finds can be looked for on the same day without knowing more.
fn today() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() / 86_400) << 32
}

#[test]
fn no_parser_panics_or_hangs_on_a_mutated_corpus() {
    let time = Duration::from_secs(number("RUSTKMOD_FUZZ_SECONDS").unwrap_or(1));
    let first = number("RUSTKMOD_FUZZ_SEED").unwrap_or_else(today);
    for (name, parse, directory) in common::parsers() {
        let name = &format!("{name} ({})", directory.display());
        let files = std::fs::read_dir(&directory).unwrap().flatten();
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        // A seed means the same everywhere.
        files.sort();
        let corpus: Vec<_> = files
            .iter()
            .map(|file| std::fs::read(file).unwrap())
            .collect();
        assert!(!corpus.is_empty(), "{name} has no corpus");
        let tried = watch(name, parse, corpus, first, time);
        println!("{name}: {tried} inputs from seed {first}");
    }
}

#[test]
fn a_panic_is_seen_and_repeated() {
    let corpus = || vec![b"a corpus".to_vec()];
    let fails = |parse: Parser| {
        let at = AtomicU64::new(0);
        search(parse, &corpus(), 7, Duration::from_secs(5), &at)
    };
    fn on_every_x(data: &[u8]) {
        assert!(!data.contains(&b'x'));
    }
    let seed = fails(on_every_x).expect_err("an x comes soon");
    assert!(
        input(&corpus(), seed).contains(&b'x'),
        "the seed repeats it"
    );
}
