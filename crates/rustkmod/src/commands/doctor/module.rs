// SPDX-License-Identifier: MIT OR Apache-2.0

//! One module, with `--module`: what `rustkmod check` finds, among the other checks.

use super::subject::Subject;
use crate::commands::check::{self, Kernel, Options};
use crate::report::Finding;
use kernel_tree::kdir;

/// Checks the module given on the command line as `rustkmod check` does.
pub fn module(subject: &Subject) -> Vec<Finding> {
    let name = "module";
    let Some(path) = &subject.module else {
        return Vec::new();
    };
    let directory = subject
        .release
        .as_ref()
        .map(|release| kdir::modules_directory(&subject.system, release));
    let kernel = Kernel::read(
        &subject.system,
        &subject.kdir.path,
        directory.as_deref(),
        subject.release.clone(),
        subject.is_running,
    );
    let reports = check::check(&kernel, std::slice::from_ref(path), Options::default());
    let mut findings: Vec<_> = (reports.iter())
        .flat_map(|report| report.findings.clone())
        .collect();
    if findings.is_empty() {
        let message = format!("{} would load", path.display());
        findings.push(Finding::ok(name, path.display(), message));
    }
    if let (Some(list), Some(last)) = (check::not_looked_at(&reports), findings.last_mut()) {
        last.notes.push(format!("not looked at: {list}"));
    }
    findings
}
