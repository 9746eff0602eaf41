// SPDX-License-Identifier: MIT OR Apache-2.0

//! What authors ask the kernel's make for besides the module, in every series: clippy, and what the
//! compiler made of a source.

use std::fs;

use libtest_mimic::Failed;
use vm::package_files::packages;

use crate::lab::{Lab, text, trials};

trials![
    clippy_finds_nothing_in_the_module,
    make_shows_what_the_compiler_makes_of_a_source,
];

fn clippy_finds_nothing_in_the_module(lab: &Lab) -> Result<(), Failed> {
    for (shop, machine) in lab.each_series()? {
        lab.pacman(&machine, "clippy", &packages(&lab.dkms.path)?)?;

        let module = machine.path("/usr/src/rust-out-of-tree-1.0");
        let make = |source: &str| -> Result<(bool, String), Failed> {
            let to = machine.path("/tmp/module");
            fs::create_dir_all(&to)?;
            for file in ["Kbuild", "Makefile"] {
                fs::copy(module.join(file), to.join(file))?;
            }
            fs::write(to.join("rust_out_of_tree.rs"), source)?;
            let output = machine
                .command("make")
                .args(["-C", "/tmp/module", "CLIPPY=1"])
                .arg(format!("KDIR=/usr/lib/modules/{}/build", machine.kernel()?))
                .output()?;
            fs::remove_dir_all(to)?;
            // The module is what it compiles, and clippy what it compiles it with.
            let text = text(&output);
            assert!(text.contains("CLIPPY [M]"), "{}: {text}", shop.series.name);
            Ok((output.status.success(), text))
        };
        let source = fs::read_to_string(module.join("rust_out_of_tree.rs"))?;
        let (good, clean) = make(&source)?;
        assert!(good, "{}: {clean}", shop.series.name);
        assert!(
            !clean.contains("warning: "),
            "{}: {clean}",
            shop.series.name
        );
        // And it looks: what it always objects to, it objects to here. (6.1 makes that an error.)
        let dirty = format!(
            "{source}\npub fn length(numbers: &[i32]) -> bool {{\n    numbers.len() == 0\n}}\n"
        );
        let (_, said) = make(&dirty)?;
        assert!(
            said.contains("length comparison to zero"),
            "{}: {said}",
            shop.series.name
        );
    }
    Ok(())
}

/// The module expanded, as LLVM's language and as assembly. It names a part of the kernel crate whose
/// option a configuration has only when it is told to.
fn make_shows_what_the_compiler_makes_of_a_source(lab: &Lab) -> Result<(), Failed> {
    for (shop, machine) in lab.each_series()? {
        let name = &shop.series.name;
        let part = match &**name {
            "6.1" => "ThisModule",
            _ => "firmware::Firmware",
        };
        machine.write("/tmp/module/Kbuild", "obj-m := author.o\n")?;
        machine.write(
            "/tmp/module/author.rs",
            &format!("//! Looked at.\n\n/// One more.\n#[inline(never)]\npub fn more(number: u32, _: &kernel::{part}) -> u32 {{ number + 1 }}\n"),
        )?;
        let kdir = format!("/usr/lib/modules/{}/build", machine.kernel()?);
        let output = machine
            .command("make")
            .args(["-C", &kdir, "M=/tmp/module"])
            .args(["author.rsi", "author.ll", "author.s"])
            .output()?;
        assert!(output.status.success(), "{name}: {}", text(&output));
        for (file, wanted) in [
            // Formatted with the tree's settings.
            ("author.rsi", "    number + 1\n"),
            ("author.ll", "define "),
            ("author.s", "more"),
        ] {
            let read = fs::read_to_string(machine.path("/tmp/module").join(file))?;
            assert!(read.contains(wanted), "{name}: {file}: {read}");
        }
    }
    Ok(())
}
