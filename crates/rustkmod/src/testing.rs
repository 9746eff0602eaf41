// SPDX-License-Identifier: MIT OR Apache-2.0

//! A directory for the files of one test.

use std::path::Path;

use kernel_tree::system::System;

/// The root of a machine, or a kernel's tree. It goes with the test.
pub struct Root(tempfile::TempDir);

impl Root {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, and makes the directories that it lies in.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The machine that this is the root of.
    pub fn system(&self) -> System {
        System::bare(self.path())
    }
}
