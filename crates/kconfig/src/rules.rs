// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel's `conf` does differently from one version to the next.

use std::path::Path;

use crate::file;

/// What later kernels' `conf` does otherwise than that of 6.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Since 6.8 a number out of its range is brought into it, where it was forgotten before; and
    /// one without a value is 0, not empty.
    pub(crate) clamps: bool,
    /// Since 6.11 choices are bool, their members can be seen without the choice's prompt, and
    /// which of them is taken is decided otherwise.
    pub(crate) bool_choices: bool,
}

impl Rules {
    /// The rules of the version that the tree's Makefile names. A tree that names none has those of
    /// 6.1.
    pub(crate) fn of_tree(root: &Path) -> Self {
        let makefile = file::read(&root.join("Makefile"), 1 << 20).ok().flatten();
        let makefile = String::from_utf8_lossy(&makefile.unwrap_or_default()).into_owned();
        let number = |name: &str| {
            let line = makefile.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start()
                .strip_prefix('=')?
                .trim()
                .parse::<u32>()
                .ok()
        };
        let version = number("VERSION").zip(number("PATCHLEVEL"));
        let since = |first| version.is_some_and(|version| version >= first);
        Self {
            clamps: since((6, 8)),
            bool_choices: since((6, 11)),
        }
    }
}
