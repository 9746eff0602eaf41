// SPDX-License-Identifier: MIT OR Apache-2.0

//! What was built, installed from a signed repository over HTTP.

#[path = "../small_packages/served.rs"]
mod served;

use libtest_mimic::Failed;
use vm::repo;

use crate::{
    chain::loads,
    lab::{Lab, ran, trials},
};

trials![repo_has_all_that_a_module_needs_to_load];

fn repo_has_all_that_a_module_needs_to_load(lab: &Lab) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let directory = tempfile::tempdir()?;
    let repository = directory.path().join("repo");
    let log = lab.shop.cache.log("test-repo")?;
    let files = repo::files(&lab.shop)?;
    repo::collect(&files, &repository, &log, &lab.shop.progress)?;
    served::sign(&repository, home.path())?;

    let machine = lab.bare_machine()?;
    served::add(&machine, &served::serve(&repository)?)?;
    served::trust(&machine, &repository)?;
    let pkgbase = &lab.shop.pkgbase();
    ran(machine
        .command("pacman")
        .args(["-Sy", "--noconfirm"])
        .args(machine.assumed())
        .args([pkgbase, &format!("{pkgbase}-headers")])
        .args(["rust-out-of-tree-dkms", "keep-kernel"]))?;
    loads(lab, &machine, "repo", &lab.release)
}
