// SPDX-License-Identifier: MIT OR Apache-2.0

//! Indirect branch tracking, which Arch's kernels have on: what is called by a pointer has to begin with
//! `endbr64`, or processors of Intel since 2020 stop the kernel there. QEMU's own processor has none of
//! it, so the code is looked at.

use std::{collections::BTreeSet, fs, path::Path};

use libtest_mimic::Failed;
use object::{Object, ObjectSection, ObjectSymbol};
use vm::{boot::put_program, demo::MODULE, machine::Machine};

use crate::{
    lab::{Lab, content, says, text, trials},
    stock_make::checkout,
};

trials![a_module_without_endbr_is_named];

/// As the Makefiles of Linux 6.1 build it.
fn a_module_without_endbr_is_named(lab: &Lab) -> Result<(), Failed> {
    let machine = lab.machine()?;
    put_program(&machine)?;
    let makefile = format!("{}/arch/x86/Makefile", lab.kdir());
    let lines = fs::read_to_string(machine.path(&makefile))?;
    let without: Vec<_> = lines
        .lines()
        .filter(|line| !line.contains("-Zcf-protection=branch"))
        .collect();
    machine.write(&makefile, &(without.join("\n") + "\n"))?;

    checkout(&machine, "/tmp/module")?;
    let script = format!(
        "cd /tmp/module && make -C {} M=$PWD && rustkmod check --kernel {} {MODULE}.ko",
        lab.kdir(),
        lab.release
    );
    let output = machine.as_user(&script)?;
    // Processors of other kinds take it.
    assert!(output.status.success(), "{}", text(&output));
    says(
        &text(&output),
        &[
            "warning[ibt]: a processor that tracks indirect branches stops the kernel at this module",
            "no endbr64 in front of ",
            "init_module",
            "cleanup_module",
        ],
    );
    Ok(())
}

const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];

/// Fails unless the Rust functions that a kernel exports, and those of the module that it calls, begin
/// as they have to.
pub fn rust_can_be_called(machine: &Machine, kernel: &str) -> Result<(), Failed> {
    let kdir = machine.path(&format!("/usr/lib/modules/{kernel}/build"));
    let exported = exported_functions(&kdir)?;
    assert!(exported.len() > 50, "{exported:?}");
    let vmlinux = fs::read(kdir.join("vmlinux"))?;
    let vmlinux = object::File::parse(&*vmlinux)?;
    for (name, address) in exported {
        let code = vmlinux
            .sections()
            .find_map(|section| section.data_range(address, 4).ok()?);
        assert_eq!(code, Some(&ENDBR64[..]), "{name} of the kernel");
    }

    let files = machine.module_files(kernel, MODULE)?;
    let module = content(files.last().ok_or("a file")?)?;
    let module = object::File::parse(&*module)?;
    for name in ["init_module", "cleanup_module"] {
        let symbol = module.symbol_by_name(name).ok_or(name)?;
        let section = module.section_by_index(symbol.section_index().ok_or(name)?)?;
        let at = symbol.address() as usize;
        let code = section.data()?.get(at..at + 4);
        assert_eq!(code, Some(&ENDBR64[..]), "{name} of the module");
    }

    let config = fs::read_to_string(kdir.join(".config"))?;
    assert!(
        config.contains("CONFIG_X86_KERNEL_IBT=y"),
        "all of this was for a kernel without IBT"
    );
    Ok(())
}

/// By name, and the address that `System.map` has for it.
fn exported_functions(kdir: &Path) -> Result<Vec<(String, u64)>, Failed> {
    let symvers = fs::read_to_string(kdir.join("Module.symvers"))?;
    let exported: BTreeSet<_> = symvers
        .lines()
        .filter_map(|line| line.split('\t').nth(1))
        .filter(|name| name.starts_with("_R"))
        .collect();
    let map = fs::read_to_string(kdir.join("System.map"))?;
    let mut found = Vec::new();
    for line in map.lines() {
        let mut words = line.split_whitespace();
        let (Some(address), Some("T" | "t"), Some(name)) =
            (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if exported.contains(name) {
            found.push((name.to_owned(), u64::from_str_radix(address, 16)?));
        }
    }
    Ok(found)
}
