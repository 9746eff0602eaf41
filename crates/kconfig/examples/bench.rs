// SPDX-License-Identifier: MIT OR Apache-2.0

//! `bench SRCTREE CONFIG`: how long reading, evaluating and answering for RUST take, in the
//! best of ten rounds.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use kconfig::{Config, Model, Options, Wanted};

fn best(mut run: impl FnMut()) -> Duration {
    let round = |()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    std::iter::repeat_n((), 10)
        .map(round)
        .min()
        .unwrap_or_default()
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [tree, path] = &args[..] else {
        return Err("usage: bench SRCTREE CONFIG".into());
    };
    let config = Config::read(Path::new(path))?;
    let options = Options::for_arch(config.arch().unwrap_or("x86"));
    let model = Model::load(Path::new(tree), &options)?;
    println!(
        "load {:?}",
        best(|| drop(Model::load(Path::new(tree), &options)))
    );
    println!("config {:?}", best(|| drop(Config::read(Path::new(path)))));
    println!("evaluate {:?}", best(|| drop(model.evaluate(&config))));
    println!(
        "why RUST {:?}",
        best(|| drop(model.why("RUST", &Wanted::On, &config)))
    );
    Ok(())
}
