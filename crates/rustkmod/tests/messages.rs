// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every message as a user sees it, kept as a snapshot.

mod common;

use std::path::Path;

use common::machine::{Machine, RELEASE, runs};
use common::{command, printed, write};

#[test]
fn doctor_without_headers() {
    let machine = Machine::new("arch");
    std::fs::remove_dir_all(machine.build()).unwrap();
    machine.write("lib/modules/6.1.0-test/pkgbase", "linux-lts\n");
    insta::assert_snapshot!(machine.run(&["doctor"]));
    let machine = Machine::new("debian");
    std::fs::remove_dir_all(machine.build()).unwrap();
    insta::assert_snapshot!(
        "doctor_without_headers_on_debian",
        machine.run(&["doctor", "-q"])
    );
}

#[test]
fn doctor_on_a_machine_without_tools() {
    insta::assert_snapshot!(Machine::new("arch").run(&["doctor"]));
}

#[test]
fn doctor_with_rust_off() {
    let machine = Machine::new("arch");
    let config = "CONFIG_X86=y\nCONFIG_X86_64=y\nCONFIG_BTF=y\n";
    machine.headers(".config", config);
    machine.headers("include/config/auto.conf", config);
    insta::assert_snapshot!(machine.run(&["doctor", "-q"]));
    machine.headers("Kconfig", "config BTF\n\tbool \"Type information\"\nconfig RUST\n\tbool \"Rust support\"\n\tdepends on !BTF\n");
    insta::assert_snapshot!(
        "doctor_with_rust_off_and_kconfig",
        machine.run(&["doctor", "-q"])
    );
}

#[test]
fn doctor_with_damaged_headers() {
    let machine = Machine::new("arch");
    machine.remove("rust/libkernel.rmeta");
    machine.crate_by("alloc", "rustc 1.63.0 (4b91a6ea7 2022-08-08)");
    machine.remove("rust/target.json");
    machine.headers(
        "Module.symvers",
        "0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n",
    );
    machine.headers("rust/libmacros.so", "no library");
    insta::assert_snapshot!(machine.run(&["doctor", "-q"]));
}

#[test]
fn doctor_with_no_crates_at_all() {
    for distribution in ["arch", "debian", "void"] {
        let machine = Machine::new(distribution);
        for name in ["core", "alloc", "kernel"] {
            machine.remove(&format!("rust/lib{name}.rmeta"));
        }
        let shown = machine.run(&["doctor", "-q"]);
        insta::assert_snapshot!(format!("doctor_with_no_crates_on_{distribution}"), shown);
    }
}

#[test]
fn doctor_with_dkms_and_lockdown() {
    let machine = Machine::new("arch");
    machine.write(
        "usr/src/hello-1.0/dkms.conf",
        "BUILD_EXCLUSIVE_CONFIG=\"CONFIG_RUST\"\n",
    );
    machine.write(
        "var/lib/dkms/hello/1.0/build/make.log",
        "DKMS make.log for hello-1.0 for kernel 6.1.0-test (x86_64)\nerror[E0514]: found crate `core` compiled by an incompatible version of rustc\n  = help: please recompile that crate using this compiler (rustc 1.95.0 (59807616e 2026-04-14))\n",
    );
    std::os::unix::fs::symlink(
        "/usr/src/hello-1.0",
        machine.path("var/lib/dkms/hello/1.0/source"),
    )
    .unwrap();
    machine.write(
        "sys/kernel/security/lockdown",
        "none [integrity] confidentiality\n",
    );
    insta::assert_snapshot!(machine.run(&["doctor", "-q"]));
}

#[test]
fn doctor_json() {
    let machine = Machine::new("arch");
    machine.remove("rust/libkernel.rmeta");
    insta::assert_snapshot!(machine.run(&["doctor", "--json"]));
}

#[test]
fn toolchain_that_is_not_here() {
    let machine = Machine::new("arch");
    insta::assert_snapshot!(machine.run(&["toolchain"]));
    insta::assert_snapshot!(
        "toolchain_path_that_is_not_here",
        machine.run(&["toolchain", "--path"])
    );
    machine.crate_by(
        "core",
        "rustc 1.75.0 (82e1608df 2023-12-21) (Arch Linux rust 1:1.75.0-2)",
    );
    insta::assert_snapshot!("toolchain_of_a_distribution", machine.run(&["toolchain"]));
    insta::assert_snapshot!("toolchain_json", machine.run(&["toolchain", "--json"]));
}

/// A module by the assembler, with what the kernel looks at before it runs it.
fn module(directory: &Path, name: &str, modinfo: &[&str], symbols: &[&str]) {
    let mut text = String::from(".section .modinfo,\"a\"\n");
    for pair in modinfo {
        text.push_str(&format!(".asciz \"{pair}\"\n"));
    }
    text.push_str(".section .gnu.linkonce.this_module,\"aw\"\n.quad 0\n.text\n");
    for symbol in symbols {
        text.push_str(&format!(".quad {symbol}\n"));
    }
    let source = directory.join("module.s");
    write(&source, text);
    let path = directory.join(name);
    let done = std::process::Command::new("as")
        .arg("-o")
        .arg(&path)
        .arg(&source)
        .status();
    if !done.is_ok_and(|status| status.success()) {
        common::lacks("there is no assembler (as)");
    }
}

/// The machine, with the headers that make its vermagic.
fn loading_machine() -> Machine {
    let machine = Machine::new("arch");
    machine.headers(
        "arch/x86/include/asm/vermagic.h",
        "#define MODULE_ARCH_VERMAGIC \"\"\n",
    );
    machine.headers(
        "include/linux/vermagic.h",
        "#define VERMAGIC_STRING UTS_RELEASE \" SMP preempt mod_unload \" MODULE_ARCH_VERMAGIC\n",
    );
    machine
}

const FITS: &str = "vermagic=6.1.0-test SMP preempt mod_unload ";

#[test]
fn check_says_each_reason() {
    let machine = loading_machine();
    let root = machine.directory.path();
    let foreign = "vermagic=6.1.0-other SMP mod_unload modversions ";
    let core = "_RNvNtCs5bOjHdn9oRG_4core9panicking5panic";
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("fits", &[FITS, "license=GPL"], &["_printk", core]),
        ("foreign", &[foreign, "license=GPL"], &["_printk"]),
        ("proprietary", &[FITS, "license=MIT"], &[core]),
        (
            "another-rustc",
            &[FITS, "license=GPL"],
            &[
                "_RNvNtCs5bOjHdn9oRH_4core9panicking5panic",
                "_RNvNtCs5bOjHdn9oRH_4core9panicking9panic_fmt",
            ],
        ),
        (
            "another-kernel",
            &[FITS, "license=GPL"],
            &["_RNvNtCs5bOjHdn9oRG_4core9panicking5panik"],
        ),
        (
            "no-crate",
            &[FITS, "license=GPL"],
            &["_RNvNtCs5bOjHdn9oRG_6kernel5print11call_printk"],
        ),
        ("allocator", &[FITS, "license=GPL"], &["__rust_alloc"]),
        (
            "unknown",
            &[FITS, "license=GPL", "depends=other"],
            &["nobody_has_this"],
        ),
    ];
    for (name, modinfo, symbols) in cases {
        module(root, &format!("{name}.ko"), modinfo, symbols);
        let shown = machine.run(&["check", "--kernel", RELEASE, &format!("{name}.ko")]);
        insta::assert_snapshot!(format!("check_{name}"), shown);
    }
    let shown = machine.run(&[
        "check",
        "--json",
        "--symbols",
        "--kernel",
        RELEASE,
        "another-rustc.ko",
    ]);
    insta::assert_snapshot!("check_json", shown);

    let config = "CONFIG_RUST=y\nCONFIG_X86=y\nCONFIG_X86_64=y\nCONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n";
    machine.headers("include/config/auto.conf", config);
    let shown = machine.run(&["check", "--kernel", RELEASE, "fits.ko"]);
    insta::assert_snapshot!("check_unsigned", shown);
}

#[test]
fn check_of_what_is_not_a_module() {
    let machine = loading_machine();
    machine.write("text.ko", "#!/bin/sh\n");
    machine.write("empty.ko", "");
    machine.write("bomb.ko.zst", "(\u{b5}/");
    std::fs::create_dir(machine.path("empty")).unwrap();
    let shown = machine.run(&[
        "check", "--kernel", RELEASE, "text.ko", "empty.ko", "none.ko",
    ]);
    insta::assert_snapshot!(shown);
    insta::assert_snapshot!(
        "check_of_an_empty_directory",
        machine.run(&["check", "--kernel", RELEASE, "empty"])
    );
    insta::assert_snapshot!(
        "check_for_no_kernel",
        machine.run(&["check", "--kernel", "5.0.0", "text.ko"])
    );
}

#[test]
fn explain_a_log() {
    let machine = Machine::new("arch");
    machine.write(
        "build.log",
        "make: Entering directory '/lib/modules/6.1.0-test/build'\n\
         error[E0514]: found crate `core` compiled by an incompatible version of rustc\n\
         \x20 = help: please recompile that crate using this compiler (rustc 1.63.0 (4b91a6ea7 2022-08-08)) (consider running `cargo clean` first)\n\
         \x20 = note: the following crate versions were found:\n\
         \x20         crate `core` compiled by rustc 1.62.0 (a8314ef7d 2022-06-27): /k/rust/libcore.rmeta\n\
         error[E0514]: found crate `kernel` compiled by an incompatible version of rustc\n\
         error: cannot find macro `pr_info` in this scope\n\
         error: aborting due to 3 previous errors\n\
         foo.c:3:1: error: expected ';' before '}' token\n\
         make: *** [Makefile:2081: modules] Error 2\n",
    );
    let explain = |name: &str| machine.run(&["explain", &machine.path(name).to_string_lossy()]);
    insta::assert_snapshot!(explain("build.log"));
    machine.write(
        "dmesg",
        "[    1.0] hello: version magic '6.1.0-other SMP mod_unload ' should be '6.1.0-test SMP preempt mod_unload '\n\
         [    1.1] hello: Unknown symbol _RNvNtCs5bOjHdn9oRG_4core9panicking5panic (err -2)\n\
         [    1.1] hello: Unknown symbol _RNvNtCs5bOjHdn9oRG_4core9panicking9panic_fmt (err -2)\n\
         [    1.2] Loading of unsigned module is rejected\n\
         [    1.3] hello: loading out-of-tree module taints kernel.\n",
    );
    insta::assert_snapshot!("explain_a_kernel_log", explain("dmesg"));
    machine.write("clean.log", "  CC [M]  a.o\n");
    insta::assert_snapshot!("explain_a_clean_log", explain("clean.log"));
    insta::assert_snapshot!("explain_no_log", explain("none"));
    let log = machine.path("build.log");
    let shown = machine.run(&["explain", "--json", &log.to_string_lossy()]);
    insta::assert_snapshot!("explain_json", shown);
}

#[test]
fn why_in_words_and_json() {
    let machine = Machine::new("arch");
    machine.headers("Kconfig", "config BTF\n\tbool \"Type information\"\nconfig TOOL\n\tbool\nconfig RUST\n\tbool \"Rust support\"\n\tdepends on !BTF\nconfig NEVER\n\tbool \"Never\"\n\tdepends on TOOL\n");
    machine.headers(".config", "CONFIG_BTF=y\n");
    let build = machine.build();
    let kdir = ["--kdir", build.to_str().unwrap()];
    let run = |arguments: &[&str]| machine.run(&[&["why"], arguments, &kdir].concat());
    insta::assert_snapshot!(run(&["RUST"]));
    insta::assert_snapshot!("why_fragment", run(&["RUST", "--fragment"]));
    insta::assert_snapshot!("why_json", run(&["RUST", "--json"]));
    insta::assert_snapshot!("why_never", run(&["NEVER"]));
    insta::assert_snapshot!("why_unknown", run(&["RUSTY"]));
}

#[test]
fn a_tree_without_kconfig_names_the_question_that_was_asked() {
    for distribution in ["arch", "debian"] {
        let said = Machine::new(distribution).run(&["why", "RUST=n"]);
        let tree = format!("/lib/modules/{RELEASE}/build");
        assert!(said.contains("rustkmod why RUST=n --kdir "), "{said}");
        assert!(said.contains(&format!("--config {tree}/.config")), "{said}");
    }
}

#[test]
fn a_directory_that_names_no_release_is_a_directory() {
    let machine = Machine::new("arch");
    machine.write("m.ko", "");
    let inside = machine.build();
    for (from, named) in [("..", "build"), (".", ".")] {
        let output = command()
            .args(["check", "m.ko", "--kernel", named])
            .current_dir(inside.join(from))
            .output()
            .unwrap();
        // It is known, and that there is no such module is a finding.
        assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    }
}

#[test]
fn a_rotated_log_is_unpacked() {
    use std::io::Write;
    let machine = Machine::new("arch");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(b"m: version magic '6.1.0 SMP ' should be '6.2.0 SMP '\n")
        .unwrap();
    let packed = packed.finish().unwrap();
    machine.write("kern.log.gz", &packed);
    let said = machine.run(&["explain", "kern.log.gz"]);
    assert!(
        said.contains("error[version-magic]") && said.contains("kern.log.gz:1"),
        "{said}"
    );
    // Cut off, it is not half read.
    machine.write("cut.gz", &packed[..packed.len() - 9]);
    let said = machine.run(&["explain", "cut.gz"]);
    assert!(
        said.contains("cut.gz cannot be read") && said.ends_with("[exit 2]\n"),
        "{said}"
    );
}

#[test]
fn what_is_in_the_place_of_a_file_is_a_finding() {
    let machine = Machine::new("arch");
    for name in [
        "Module.symvers",
        "rust/libcore.rmeta",
        "rust/target.json",
        ".config",
    ] {
        machine.remove(name);
        std::fs::create_dir(machine.build().join(name)).unwrap();
    }
    machine.remove("rust/liballoc.rmeta");
    std::os::unix::fs::symlink(
        "liballoc.rmeta",
        machine.build().join("rust/liballoc.rmeta"),
    )
    .unwrap();
    let shown = machine.run(&["doctor", "-q"]);
    assert!(shown.ends_with("[exit 1]\n"), "{shown}");
    assert!(
        shown.contains("error[crates-agree]: the crate `alloc` is damaged"),
        "{shown}"
    );
    assert!(shown.contains("is not a regular file"), "{shown}");
}

#[test]
fn new_makes_a_module() {
    let machine = Machine::new("arch");
    insta::assert_snapshot!(
        "new",
        machine.run(&["new", "hello", "--author", "A. Author <a@example.org>"])
    );
    let files = |name: &str| std::fs::read_to_string(machine.path("hello").join(name));
    insta::assert_snapshot!("new_source", files("hello.rs").unwrap());
    insta::assert_snapshot!("new_readme", files("README.md").unwrap());
    insta::assert_snapshot!(
        "new_json",
        machine.run(&[
            "--json", "new", "other", "--kernel", RELEASE, "--author", "A"
        ])
    );
}

#[test]
fn new_refuses() {
    let machine = Machine::new("arch");
    machine.write(
        &format!("lib/modules/{RELEASE}/modules.order"),
        "kernel/drivers/net/dummy-net.ko\n",
    );
    machine.write("full/file", "");
    machine.write("file", "");
    let mut shown = String::new();
    for arguments in [
        &["dummy_net"][..],
        &["hello-world"],
        &["alloc"],
        &["full"],
        &["file"],
        &["hello", "--author", "J\u{fc}rgen"],
        &["hello", "--kernel", "6.0.0"],
        &["hello", "--kernel", "./full"],
        &["hello", "--kdir", "full"],
        &["my-hello", "--kdir", "a b", "--author=A B"],
    ] {
        shown.push_str(&format!("$ rustkmod new {}\n", arguments.join(" ")));
        shown.push_str(&machine.run(&[&["new"], arguments].concat()));
    }
    insta::assert_snapshot!("new_refuses", shown);

    machine.remove("rust/libkernel.rmeta");
    let config = "CONFIG_X86=y\n";
    machine.headers("include/config/auto.conf", config);
    insta::assert_snapshot!("new_without_rust", machine.run(&["new", "hello"]));
    machine.headers("Makefile", "VERSION = 5\nPATCHLEVEL = 15\n");
    insta::assert_snapshot!("new_before_rust", machine.run(&["new", "hello"]));
    assert!(!machine.path("hello").exists());
}

#[test]
fn ide_says_what_is_not_installed() {
    let machine = Machine::new("arch");
    machine.write("hello/Kbuild", "obj-m := hello.o\n");
    machine.write("hello/hello.rs", "");
    insta::assert_snapshot!("ide_of_no_directory", machine.run(&["ide", "nonexist"]));
    insta::assert_snapshot!("ide_of_other_headers", machine.run(&["ide", "hello"]));
    machine.headers(
        "rust/toolchain.mk",
        "# headers: linux-rust-headers-6.1.172-1-x86_64.pkg.tar.zst\n",
    );
    insta::assert_snapshot!("ide_without_sources", machine.run(&["ide", "hello"]));
    machine.headers("rust/Makefile", "");
    machine.headers("rust/kernel/lib.rs", "");
    insta::assert_snapshot!("ide_without_core", machine.run(&["ide", "hello"]));
    machine.headers("include/config/auto.conf", "CONFIG_X86=y\n");
    insta::assert_snapshot!("ide_without_rust", machine.run(&["ide", "hello"]));
    assert!(!machine.path("hello/rust-project.json").exists());
}

#[test]
fn ide_json() {
    let machine = Machine::new("arch");
    let rustc = "rustc 1.62.0 (a8314ef7d 2022-06-27) (of this test)";
    for name in ["core", "alloc", "kernel"] {
        machine.crate_by(name, rustc);
    }
    machine.headers(
        "rust/Makefile",
        "$(obj)/core.o: $(RUST_LIB_SRC)/core/src/lib.rs ; $(call if_changed_dep,rustc)\n\
         $(obj)/kernel.o: $(src)/kernel/lib.rs $(obj)/core.o ; $(call if_changed_dep,rustc)\n",
    );
    machine.headers("rust/kernel/lib.rs", "");
    let toolchain = "home/.rustup/toolchains/test";
    machine.write(
        &format!("{toolchain}/lib/rustlib/src/rust/library/core/src/lib.rs"),
        "",
    );
    let program = machine.path(toolchain).join("bin/rustc");
    write(&program, format!("#!/bin/sh\necho '{rustc}'\n"));
    runs(&program);
    machine.write("hello/Kbuild", "obj-m := hello.o device.o\n");
    machine.write("hello/hello.rs", "");
    machine.write("hello/device.c", "");
    machine.write("hello/rust-project.json", "mine");
    // Another machine's rustc would not be run.
    let output = command()
        .args(["ide", "hello", "--json", "--kernel"])
        .arg(machine.build())
        .env("HOME", machine.path("home"))
        .env_remove("RUSTUP_HOME")
        .current_dir(machine.directory.path())
        .output()
        .unwrap();
    insta::assert_snapshot!(machine.shown(output));
}

#[test]
fn boot_json() {
    let machine = Machine::new("arch");
    let mut image = vec![0; 0x400];
    image[0x202..0x206].copy_from_slice(b"HdrS");
    write(machine.build().with_file_name("vmlinuz"), image);
    machine.headers(
        "Makefile",
        "modules: ; @echo 'm.c:1:24: error: undeclared'; false\n",
    );
    machine.write("hello/Kbuild", "");
    let shown = machine.run(&["boot", "hello", "--json", "--kernel", RELEASE]);
    let seconds = regex::Regex::new(r#""(build|total)": [^,\n]+"#).unwrap();
    insta::assert_snapshot!(seconds.replace_all(&shown, r#""$1": 0.5"#));
}
