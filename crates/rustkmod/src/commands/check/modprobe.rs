// SPDX-License-Identifier: MIT OR Apache-2.0

//! What `modprobe` does where `insmod` would load a file: it looks a name up.

use std::path::Path;

use kernel_files::kofile::KoFile;
use kernel_tree::modprobe_d::Instead;

use super::judge::Context;
use crate::command::Command;
use crate::report::Finding;

impl Context<'_> {
    /// Whether `modprobe NAME` loads this file: depmod lists one file for each name, and
    /// `modprobe.d(5)` may have a command run in its place. insmod asks neither.
    pub(super) fn modprobe(&self, path: &Path, file: &KoFile) -> Option<Finding> {
        let name = file.name(path);
        let warning = |message: &str| Finding::warning("modprobe", path.display(), message);
        let insmod = "or load this very file";
        let load = Command::new("sudo insmod").arg(path);
        if let Some(Instead { line, from }) = self.kernel.not_loaded.get(&name) {
            return Some(
                warning("modprobe does not load it")
                    .note(format!(
                        "{from} has `{line}`: modprobe runs that command instead"
                    ))
                    .run(
                        "see the line, and take it out",
                        Command::new("grep -n install").arg(from),
                    )
                    .run(insmod, load),
            );
        }
        if self.kernel.listed.is_empty() || !self.is_own(path) {
            return None;
        }
        let depmod = Command::new("sudo depmod").arg(self.kernel.name());
        let Some(listed) = self.kernel.listed.get(&name) else {
            return Some(
                warning("modprobe does not find it")
                    .note("depmod has not listed it since it was installed")
                    .run("have it listed", depmod),
            );
        };
        if listed == path || listed.canonicalize().ok() == path.canonicalize().ok() {
            return None;
        }
        Some(
            warning("modprobe loads another file of this name")
                .versus(
                    ("this is", &path.display().to_string()),
                    ("modprobe loads", &listed.display().to_string()),
                )
                .note("depmod lists one file for each name, and prefers those in updates/")
                .run(
                    "if the other one is out of date, see whose it is",
                    Command::new("dkms status"),
                )
                .run(insmod, load),
        )
    }
}
