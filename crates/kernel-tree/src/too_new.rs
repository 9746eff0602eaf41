// SPDX-License-Identifier: MIT OR Apache-2.0

//! Compilers that are too new for a tree. A release of rustc changes something that the kernel's
//! build relies on, and stable releases of the kernel take the change in afterwards: whether a tree
//! has it is read in the tree itself.

use std::path::PathBuf;

use kernel_files::file;

use crate::kdir::Kdir;
use crate::makefile;

/// The first rustc that cannot build a tree, and where the tree says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its version, three numbers.
    pub first: &'static str,
    /// What the tree lacks.
    pub why: &'static str,
    /// How the build ends.
    pub says: &'static str,
    /// The file of the tree.
    pub file: PathBuf,
}

/// One thing that a release of rustc changed.
struct Change {
    first: &'static str,
    /// The file that shows whether a tree goes along; `ARCH` stands for the architecture.
    file: &'static str,
    /// Whether the tree of this file does not.
    is_old: fn(&str, &Kdir) -> bool,
    why: &'static str,
    says: &'static str,
}

/// All of them, the oldest first. The next one is a row more.
const CHANGES: &[Change] = &[
    Change {
        first: "1.87.0",
        file: "rust/Makefile",
        is_old: compiles_core_as_2021,
        why: "core is of edition 2024 from this rustc on, and the tree compiles it as 2021",
        says: "error[E0658]: `let` expressions in this position are unstable",
    },
    Change {
        first: "1.91.0",
        file: "scripts/generate_rust_target.rs",
        is_old: writes_pointer_width_as_text,
        why: "target-pointer-width is a number from this rustc on, and the tree writes it as text",
        says: "error loading target specification: target-pointer-width: invalid type",
    },
    Change {
        first: "1.93.0",
        file: "arch/ARCH/Makefile",
        is_old: knows_only_the_unstable_jump_tables,
        why: "-Zno-jump-tables is -Cjump-tables=n from this rustc on, and the tree has the former",
        says: "error: unknown unstable option: `no-jump-tables`",
    },
];

/// The first rustc that is too new for a tree, with each of its reasons; none where it is not
/// known that one is.
pub fn limits(kdir: &Kdir) -> Vec<Limit> {
    let arch = kdir.srcarch().unwrap_or("x86");
    CHANGES
        .iter()
        .filter_map(|change| {
            let file = kdir.file(&change.file.replace("ARCH", arch));
            let text = file::read_text(&file, makefile::LIMIT).ok()?;
            (change.is_old)(&text, kdir).then_some(Limit {
                first: change.first,
                why: change.why,
                says: change.says,
                file,
            })
        })
        .collect()
}

fn compiles_core_as_2021(text: &str, _: &Kdir) -> bool {
    let edition = text
        .lines()
        .find_map(|line| line.strip_prefix("core-edition")?.split_once('='));
    match edition {
        Some((_, value)) => !value.contains("2024"),
        // Before there was that variable.
        None => text.contains("$(obj)/core.o:"),
    }
}

fn writes_pointer_width_as_text(text: &str, kdir: &Kdir) -> bool {
    // Other architectures use a target that rustc knows.
    let uses_the_file = matches!(kdir.srcarch(), None | Some("x86" | "um"));
    let line = "\"target-pointer-width\", ";
    uses_the_file && text.contains(&format!("{line}\"64\"")) && !text.contains(&format!("{line}64"))
}

fn knows_only_the_unstable_jump_tables(text: &str, kdir: &Kdir) -> bool {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let is_old = lines
        .filter(|line| line.contains("-Zno-jump-tables"))
        .any(|line| !line.contains("-Cjump-tables"));
    // On x86 it goes with indirect branch tracking.
    let is_used = kdir.srcarch() != Some("x86")
        || kdir.config.is_y("X86_KERNEL_IBT")
        || !kdir.path.join("include/config/auto.conf").exists();
    is_old && is_used
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;

    /// The limits of a tree with these files.
    fn of(files: &[(&str, &str)]) -> Vec<&'static str> {
        let tree = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = tree.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let kdir = Kdir::open(&System::bare("/"), tree.path());
        limits(&kdir).iter().map(|limit| limit.first).collect()
    }

    #[test]
    fn limits_come_from_the_editions_of_core() {
        let with = |text: &str| of(&[("rust/Makefile", text)]);
        assert_eq!(with("core-edition := 2021\n"), ["1.87.0"]);
        let both = "core-edition := $(if $(call rustc-min-version,108700),2024,2021)\n";
        assert!(with(both).is_empty());
        assert_eq!(
            with("$(obj)/core.o: $(RUST_LIB_SRC)/core/src/lib.rs\n"),
            ["1.87.0"]
        );
        assert!(with("").is_empty() && of(&[]).is_empty());
    }

    #[test]
    fn limits_come_from_the_target_of_the_architecture() {
        let text = "ts.push(\"target-pointer-width\", \"64\");\n";
        let number = "ts.push(\"target-pointer-width\", 64);\n";
        let both = format!("{number}{text}");
        let with = |text: &str, config: &str| {
            of(&[
                ("scripts/generate_rust_target.rs", text),
                (".config", config),
            ])
        };
        assert_eq!(with(text, ""), ["1.91.0"]);
        assert_eq!(with(text, "CONFIG_X86=y\n"), ["1.91.0"]);
        assert!(with(text, "CONFIG_ARM64=y\n").is_empty());
        assert!(with(&both, "").is_empty());
    }

    #[test]
    fn limits_come_from_jump_tables_where_they_are_asked_for() {
        let old = "KBUILD_RUSTFLAGS += -Zcf-protection=branch -Zno-jump-tables\n";
        let new = "KBUILD_RUSTFLAGS += $(if $(call rustc-min-version,109300),-Cjump-tables=n,-Zno-jump-tables)\n";
        let with = |text: &str, config: &str| {
            of(&[
                ("arch/x86/Makefile", text),
                ("include/config/auto.conf", config),
            ])
        };
        let tracking = "CONFIG_X86=y\nCONFIG_X86_KERNEL_IBT=y\n";
        assert_eq!(with(old, tracking), ["1.93.0"]);
        assert!(with(new, tracking).is_empty());
        assert!(with(old, "CONFIG_X86=y\n").is_empty());
        assert_eq!(of(&[("arch/x86/Makefile", old)]), ["1.93.0"]);
    }
}
