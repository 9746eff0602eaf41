// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernels that are installed in a copy of the machine, booted as `rustkmod boot` does it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use kernel_boot::{Boot, Choice, Guest, Kernel, Plan, Task, Userland};
use kernel_tree::system::System;

use crate::{
    cache::Cache,
    error::{Context, Error, Result},
    machine::Machine,
};

/// A boot takes seconds; what has not ended by then hangs. Loaded machines are slow.
const PATIENCE: Duration = Duration::from_secs(180);

/// Boots a kernel, loads modules there, files or names of its own, behind all that they need, and
/// unloads them. Under TCG, which works everywhere.
pub fn boot(
    cache: &Cache,
    name: &str,
    machine: &Machine,
    kernel: &str,
    modules: &[PathBuf],
    append: &str,
) -> Result<Boot> {
    let kernel = installed(machine, kernel)?;
    let plan = Plan::new(&kernel, modules)?;
    let guest = Guest {
        append,
        ..Guest::new(&kernel.image, &plan.modules)
    };
    by_tcg(cache, name, guest)
}

/// Boots a kernel with the copy as its userland, and runs a command there. Nothing is written to the
/// copy.
pub fn run_in(
    cache: &Cache,
    name: &str,
    machine: &Machine,
    kernel: &str,
    command: &str,
) -> Result<Boot> {
    let kernel = installed(machine, kernel)?;
    let userland = Userland::new(&kernel, &machine.root())?;
    let guest = Guest {
        task: &Task::Command(command.to_owned()),
        userland: Some(&userland),
        ..Guest::new(&kernel.image, &[])
    };
    by_tcg(cache, name, guest)
}

fn by_tcg(cache: &Cache, name: &str, guest: Guest<'_>) -> Result<Boot> {
    let guest = Guest {
        accel: Choice::Tcg,
        timeout: PATIENCE,
        ..guest
    };
    Ok(guest.boot(&cache.directory("guest", 0)?.join(name), &mut |_| ())?)
}

/// Puts the program and its init inside, where its package has them.
pub fn put_program(machine: &Machine) -> Result<()> {
    let here = env::current_exe().context("find", "this program")?;
    // Beside this one; a test lies one directory further down.
    let beside = here.ancestors().skip(1).take(2);
    let program = beside
        .map(|directory| directory.join("rustkmod"))
        .find(|path| path.is_file())
        .ok_or_else(|| Error::State {
            what: "rustkmod is not built".into(),
            note: format!("it is not beside {}", here.display()),
            help: "make build".into(),
        })?;
    for (from, to) in [
        (program, "/usr/bin/rustkmod"),
        (kernel_boot::init()?, "/usr/lib/rustkmod/init"),
    ] {
        let to = machine.path(to);
        let directory = to.parent().expect("a file lies in a directory");
        fs::create_dir_all(directory).context("create", directory)?;
        fs::copy(&from, &to).context("copy", &from)?;
    }
    Ok(())
}

/// A kernel inside.
pub fn installed(machine: &Machine, kernel: &str) -> Result<Kernel> {
    let system = System::here(Some(machine.root()));
    Ok(Kernel::of_release(&system, kernel)?)
}

/// The file that a module is loaded from.
pub fn module_file(machine: &Machine, kernel: &str, module: &str) -> Result<Option<PathBuf>> {
    let kernel = installed(machine, kernel)?;
    let file = kernel.module_file(module);
    Ok(file.map(Path::to_path_buf))
}
