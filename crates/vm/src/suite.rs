// SPDX-License-Identifier: MIT OR Apache-2.0

//! `make test`: everything that is tested, in the copy of the machine. A step that fails does not
//! keep the others from being run.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    cache::{CACHE, HELD},
    error::{Error, Result},
    files::repository,
    host::{self, Distribution, Site, find_program},
    root,
    run::{Program, Progress},
    series, source,
    workshop::Workshop,
};

/// Always the same packages and profile: with others, cargo would compile everything once more.
const TEST: [&str; 5] = [
    "test",
    "--release",
    "--locked",
    "--workspace",
    "--no-fail-fast",
];

/// The tests of rustkmod that need a kernel's headers.
const OF_HEADERS: [&str; 3] = ["kernel", "new", "ide"];

/// Tests the default series, or `all` of them.
pub fn run(series: Option<&str>) -> Result<()> {
    let all = match series {
        None => false,
        Some("all") => true,
        Some(other) => {
            return Err(Error::State {
                what: format!("series {other} cannot be tested alone"),
                note: "many tests are about the default series".into(),
                help: "make test, or make test SERIES=all".into(),
            });
        }
    };
    let rows = series::chosen(series)?;
    let progress = Progress::default();
    let cache = root::enter(&progress)?;
    let mut suite = Suite {
        progress,
        cache: cache.root().to_owned(),
        done: Vec::new(),
    };

    suite.cargo("the format", &["fmt", "--check"], &[]);
    let clippy = "clippy --workspace --all-targets --locked -- -D warnings";
    suite.cargo("clippy", &words(clippy), &[]);
    suite.test("compiling the tests", &["--no-run"], &[]);
    suite.test("what needs a checkout only", &[], &[]);
    let package = "package --quiet --locked --allow-dirty -p kconfig";
    suite.cargo("the package of kconfig", &words(package), &[]);

    let site = Site::open(cache, progress)?;
    let shop = Workshop::new(&site, rows[0].clone())?;
    shop.install_missing(host::NEEDED_BY_TESTS)?;
    let wanted = if all { "all" } else { "default" };
    let end_to_end = words("--test small_packages --test end_to_end");
    suite.test("the packages", &end_to_end, &[("LINUX_RUST_TEST", wanted)]);
    suite.of_this_machine(shop.distribution);
    for (number, row) in rows.into_iter().enumerate() {
        let name = row.name.clone();
        let shop = Workshop::new(&site, row);
        if let Err(error) = shop.and_then(|shop| suite.of_series(&shop, number == 0)) {
            suite.failed(&format!("the tests of {name}"), &error);
        }
    }
    suite.conclude()
}

/// Whether what takes as long as building a kernel is tested, too: `make test-all`.
pub fn all_trials() -> bool {
    env::var_os("LINUX_RUST_TEST_ALL").is_some_and(|value| value == "1")
}

struct Suite {
    progress: Progress,
    cache: PathBuf,
    /// What was run, how long it took, and whether it was good.
    done: Vec<(String, Duration, bool)>,
}

impl Suite {
    /// rustkmod against real packages, compilers and tools.
    fn of_this_machine(&mut self, distribution: Distribution) {
        let mut tests = words("--test predictions --test rustcs --test boot --test archive");
        if distribution == Distribution::Debian {
            tests.extend(words("--test debian"));
        }
        if let Some(dkms) = find_program("dkms") {
            let tests = words("--lib -- --ignored what_dkms_says");
            let variables = [("RUSTKMOD_DKMS", &*dkms.display().to_string())];
            self.test("rustkmod explain, of dkms", &tests, &variables);
        }
        if find_program("rustup").is_some() {
            tests.extend(words("--test install"));
        }
        tests.extend(["--", "--ignored"]);
        self.test("rustkmod, with what is installed", &tests, &[]);
        if distribution == Distribution::Debian {
            // Each module of a whole kernel takes minutes.
            let wanted = if all_trials() { "" } else { "damaged_modules" };
            let tests = ["--test", "loader", "--", "--ignored", wanted];
            self.test("rustkmod check, against a kernel's loader", &tests, &[]);
        }
    }

    /// rustkmod against make, with a series' headers; kconfig against the kernel's own evaluator, on
    /// its sources.
    fn of_series(&mut self, shop: &Workshop, language: bool) -> Result<()> {
        let series = &shop.series;
        let archive = source::tarball(series, shop)?;
        let archive = archive.display().to_string();
        let data = env::var_os("LINUX_RUST_DATA")
            .map_or_else(|| repository().join("../shared/data"), PathBuf::from);
        let data = data.canonicalize().unwrap_or_default();
        let data = data.display().to_string();
        let variables = [
            ("KCONFIG_TEST_ARCHIVE", &*archive),
            ("KCONFIG_TEST_CONFIGS", &*data),
        ];
        let name = &series.name;
        let tests = words("--test olddefconfig -- --ignored");
        self.test(&format!("kconfig, of {name}"), &tests, &variables);
        if language {
            let tests = words("--test language");
            self.test("kconfig's language", &tests, &variables);
        }

        let loader = loader_of(shop, &archive)?.display().to_string();
        let tests = words("--lib -- --ignored messages_of");
        let variables = [("RUSTKMOD_KERNEL_SOURCES", &*loader)];
        self.test(
            &format!("rustkmod explain, of {name}'s loader and modpost"),
            &tests,
            &variables,
        );

        let headers = shop.headers()?.display().to_string();
        let mut tests: Vec<_> = OF_HEADERS
            .iter()
            .flat_map(|name| ["--test", name])
            .collect();
        // The packages' tests do the same, with the rust-analyzer that goes with them.
        tests.extend(words("-- --ignored --skip an_editor_knows"));
        let variables = [("RUSTKMOD_TEST_HEADERS", &*headers)];
        self.test(&format!("rustkmod, of {name}"), &tests, &variables);
        Ok(())
    }

    fn test(&mut self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) {
        let arguments = [&TEST, arguments].concat();
        self.cargo(name, &arguments, variables);
    }

    /// Runs cargo, with its output shown.
    fn cargo(&mut self, name: &str, arguments: &[&str], variables: &[(&str, &str)]) {
        self.progress.say(format!("Testing: {name}..."));
        let start = Instant::now();
        let status = Command::new("cargo")
            .args(arguments)
            .current_dir(repository())
            .envs(variables.iter().copied())
            .envs([(HELD, &self.cache), (CACHE, &self.cache)])
            .status();
        let good = match status {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("error: cargo cannot be run: {error}");
                false
            }
        };
        self.done.push((name.to_owned(), start.elapsed(), good));
    }

    fn failed(&mut self, name: &str, error: &Error) {
        eprintln!("error: {error}");
        self.done.push((name.to_owned(), Duration::ZERO, false));
    }

    /// Says how long each step took, and which were bad.
    fn conclude(self) -> Result<()> {
        print!("{}", laid_out(&self.done));
        let bad = self.done.iter().filter(|(.., good)| !good);
        let bad: Vec<_> = bad.map(|(name, ..)| name.as_str()).collect();
        if bad.is_empty() {
            self.progress.say("Good: every test passed.");
            return Ok(());
        }
        Err(Error::State {
            what: format!("not every test passed: {}", bad.join(", ")),
            note: "each has its own messages above".into(),
            help: "make test, which builds nothing again that is kept".into(),
        })
    }
}

/// The part of a kernel's sources that loads modules, unpacked.
fn loader_of(shop: &Workshop, archive: &str) -> Result<PathBuf> {
    let directory = shop.cache.empty_directory("test-loader", 0)?;
    Program::new(
        "unpacking the loader and modpost",
        "bsdtar",
        &shop.cache.log("test-loader")?,
    )
    .args(["-xf", archive, "--strip-components=1"])
    .args([Path::new("-C"), &directory])
    .args([
        "--include=*/kernel/module/*.c",
        "--include=*/arch/*/kernel/module.c",
        "--include=*/scripts/mod/modpost.c",
    ])
    .run(&shop.progress)?;
    Ok(directory)
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

fn laid_out(done: &[(String, Duration, bool)]) -> String {
    let line = |(name, time, good): &(String, Duration, bool)| {
        let seconds = time.as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let verdict = if *good { "good" } else { "FAILED" };
        format!("{minutes:4}:{seconds:02}  {verdict:6}  {name}\n")
    };
    done.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suite_goes_on_after_a_failure_and_fails_in_the_end() {
        let mut suite = Suite {
            progress: Progress::default(),
            cache: PathBuf::from("/nonexistent"),
            done: Vec::new(),
        };
        suite.cargo("no such command", &["no-such-command"], &[]);
        suite.cargo("its version", &["--version"], &[]);
        assert_eq!(
            suite
                .done
                .iter()
                .map(|(.., good)| *good)
                .collect::<Vec<_>>(),
            [false, true]
        );
        let error = suite.conclude().unwrap_err().to_string();
        assert!(
            error.starts_with("not every test passed: no such command\n"),
            "{error}"
        );
    }
}
