// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel's exports: is there Rust among them.

use kernel_files::file;

use super::subject::Subject;
use crate::report::{Finding, counted};
use kernel_files::{rustsym, symvers};

/// Counts the Rust symbols in `Module.symvers` (`Documentation/kbuild/modules.rst`), which
/// modpost links modules by.
pub fn symvers(subject: &Subject) -> Vec<Finding> {
    let check = "symvers";
    let path = subject.kdir.path.join("Module.symvers");
    let shown = subject.system.shown(&path);
    let remedy = |finding: Finding, text| match subject.is_source() {
        true => finding.run(text, subject.make().shell("all")),
        false => subject.reinstall(finding),
    };
    if let Some(finding) = subject.may_not_read(check, &path) {
        return vec![finding];
    }
    let text = match file::read_text(&path, 256 << 20) {
        Ok(text) => text,
        Err(why) => {
            let finding = Finding::error(check, &shown, "there is no list of the kernel's exports")
                .note(why.to_string())
                .note("modpost would find every symbol undefined");
            let text = "build the kernel: only a whole build makes it";
            return vec![remedy(finding, text)];
        }
    };
    if let Some(line) = symvers::damaged_line(&text) {
        let line: String = line.chars().take(80).collect();
        let finding = Finding::error(check, &shown, "the list of the kernel's exports is damaged")
            .note(format!("a line of it is not of its format: {line}"))
            .note("modpost would find symbols undefined that the kernel has");
        return vec![remedy(finding, "build the kernel again")];
    }
    let (count, first) = symvers::count_rust(&text);
    if count == 0 {
        let finding = Finding::error(
            check,
            &shown,
            "the kernel has Rust, and its list of exports has no Rust symbol",
        )
        .versus(
            ("CONFIG_RUST", "y"),
            ("Rust symbols in Module.symvers", "0"),
        )
        .note("modpost would find every Rust symbol undefined: the list is of another build");
        return vec![remedy(finding, "build the kernel again")];
    }
    let example = first.and_then(rustsym::demangle).unwrap_or_default();
    vec![Finding::ok(
        check,
        &shown,
        format!(
            "the kernel exports {}, such as {example}",
            counted(count, "Rust symbol")
        ),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::testing::Tree;
    use crate::report::Status::{Error, Ok};

    #[test]
    fn rust_symbols_have_to_be_among_the_exports() {
        let tree = Tree::new();
        assert_eq!(tree.run(symvers), [Ok]);
        tree.write("Module.symvers", "<html>\n");
        let finding = &symvers(&tree.subject())[0];
        assert_eq!(finding.status, Error);
        assert!(finding.message.contains("damaged"), "{finding:?}");
        tree.write("Module.symvers", "0x0\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n");
        assert_eq!(tree.run(symvers), [Error]);
        tree.remove("Module.symvers");
        assert_eq!(tree.run(symvers), [Error]);
    }
}
