// SPDX-License-Identifier: MIT OR Apache-2.0

//! `why SRCTREE CONFIG SYMBOL...`: prints the causes and the changes for each symbol.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use kconfig::{Answer, Config, Model, Options, Plan, Wanted};

fn show(plan: &Plan) {
    let note = if plan.is_smallest {
        ""
    } else {
        " (a smaller set may exist)"
    };
    println!("changes{note}:\n{}", plan.fragment());
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [tree, config, symbols @ ..] = &args[..] else {
        return Err("usage: why SRCTREE CONFIG SYMBOL...".into());
    };
    let start = Instant::now();
    let config = Config::read(Path::new(config))?;
    let options = Options::for_arch(config.arch().unwrap_or("x86"));
    let model = Model::load(Path::new(tree), &options)?;
    eprintln!("read {} files in {:?}", model.files(), start.elapsed());
    let start = Instant::now();
    let _ = model.evaluate(&config);
    eprintln!("evaluated in {:?}", start.elapsed());
    for symbol in symbols {
        let start = Instant::now();
        let why = model.why(symbol, &Wanted::On, &config)?;
        eprintln!("answered in {:?}", start.elapsed());
        print!("{}", why.symbol);
        match why.answer {
            Answer::Already => println!("it is on"),
            Answer::Changes(plan) => show(&plan),
            Answer::NotFound { tries, .. } => println!("no set of changes found in {tries} tries"),
            Answer::Impossible {
                blockers,
                afterwards,
            } => {
                for blocker in blockers {
                    println!("impossible: {blocker}");
                }
                if let Some(plan) = afterwards {
                    print!("once the tools say so, ");
                    show(&plan);
                }
            }
        }
    }
    Ok(())
}
