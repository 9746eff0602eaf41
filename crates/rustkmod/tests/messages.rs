// SPDX-License-Identifier: MIT OR Apache-2.0

//! Every message as a user sees it, kept as a snapshot, and how the program ends.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::{command, printed, write};

/// A machine in a directory: `--root` looks at it.
struct Machine {
    directory: tempfile::TempDir,
}

const RELEASE: &str = "6.1.0-test";

impl Machine {
    /// A machine that has what most tests need: headers with Rust, crates, and nothing wrong.
    fn new(distribution: &str) -> Self {
        let machine = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        machine.write("etc/os-release", format!("ID={distribution}\n"));
        machine.write("proc/sys/kernel/osrelease", format!("{RELEASE}\n"));
        machine.headers("Makefile", "VERSION = 6\nPATCHLEVEL = 1\nRUSTC = rustc\nF := --target=target\nexport RUST_TARGET_PATH := $(objtree)/rust\n");
        machine.headers(
            "scripts/Makefile.build",
            "cmd = $(RUSTC) --extern alloc --extern kernel -L $(objtree)/rust/\n",
        );
        let config = "CONFIG_RUST=y\nCONFIG_X86=y\nCONFIG_X86_64=y\nCONFIG_CC_IS_CLANG=y\nCONFIG_CC_VERSION_TEXT=\"clang version 14.0.6\"\n";
        machine.headers(".config", config);
        machine.headers("include/config/auto.conf", config);
        machine.headers("include/generated/autoconf.h", "");
        machine.headers(
            "include/generated/utsrelease.h",
            &format!("#define UTS_RELEASE \"{RELEASE}\"\n"),
        );
        machine.headers("Module.symvers", "0x00000000\t_RNvNtCs5bOjHdn9oRG_4core9panicking5panic\tvmlinux\tEXPORT_SYMBOL_GPL\t\n0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
        for tool in ["scripts/basic/fixdep", "scripts/mod/modpost"] {
            machine.headers(tool, "#!/bin/sh\n");
            runs(&machine.build().join(tool));
        }
        machine.headers("rust/target.json", "{\"arch\": \"x86_64\"}");
        for name in ["core", "alloc", "kernel"] {
            machine.crate_by(name, "rustc 1.62.0 (a8314ef7d 2022-06-27)");
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        write(self.path(name), text);
    }

    fn build(&self) -> PathBuf {
        self.path("lib/modules").join(RELEASE).join("build")
    }

    fn headers(&self, name: &str, text: &str) {
        write(self.build().join(name), text);
    }

    /// A crate of format 6, as rustc 1.62 lays it out.
    fn crate_by(&self, name: &str, rustc: &str) {
        let string = |text: &str| {
            let mut bytes = vec![u8::try_from(text.len()).unwrap()];
            bytes.extend(text.bytes());
            bytes.push(0xC1);
            bytes
        };
        let version = string(rustc);
        let mut bytes = b"rust\0\0\0\x06".to_vec();
        bytes.extend(u32::try_from(12 + version.len()).unwrap().to_be_bytes());
        bytes.extend(version);
        bytes.extend(string(name));
        bytes.extend(b"\x00\x06target\xC1\x00\xC1\x07");
        write(self.build().join(format!("rust/lib{name}.rmeta")), bytes);
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.build().join(name)).unwrap();
    }

    /// What a command prints on this machine, with its exit status.
    fn run(&self, arguments: &[&str]) -> String {
        let output = command()
            .arg("--root")
            .arg(self.directory.path())
            .args(arguments)
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/home/user")
            .env_remove("RUSTUP_HOME")
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        self.shown(output)
    }

    /// What a command printed, and its exit status.
    fn shown(&self, output: std::process::Output) -> String {
        let mut text = printed(&output);
        text.push_str(&String::from_utf8(output.stderr).unwrap());
        text.push_str(&format!("[exit {}]\n", output.status.code().unwrap()));
        text.replace(self.directory.path().to_str().unwrap(), "ROOT")
    }
}

/// Makes a file a program.
fn runs(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

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
fn where_no_kernel_runs_each_command_says_how_to_name_one() {
    let machine = Machine::new("arch");
    std::fs::remove_file(machine.path("proc/sys/kernel/osrelease")).unwrap();
    machine.write("m.ko", "");
    for (given, wanted) in [
        (&["doctor", "-q"][..], "doctor -q KERNELRELEASE"),
        (&["toolchain"], "toolchain KERNELRELEASE"),
        (&["why", "RUST"], "why RUST --kdir DIR"),
        (&["check", "m.ko"], "check m.ko --kernel KERNELRELEASE"),
        (&["new", "hello"], "new hello --kernel KERNELRELEASE"),
        (&["ide"], "ide --kernel KERNELRELEASE"),
        (&["boot"], "boot --kernel KERNELRELEASE"),
    ] {
        let said = machine.run(given);
        assert!(said.contains("cannot be read"), "{said}");
        let help =
            format!("help: name a kernel\n            rustkmod --root ROOT {wanted}\n[exit 2]");
        assert!(said.contains(&help), "{said}");
    }
}

#[test]
fn what_is_of_no_use_is_refused_with_what_would_be() {
    let machine = Machine::new("arch");
    machine.write("m.ko", "");
    machine.write("a b/x", "");
    machine.write("module", "\u{7f}ELF");
    let utf16: Vec<u8> = "\u{feff}error"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    machine.write("utf16", utf16);
    for (given, wanted) in [
        (
            &["check", "m.ko", "--kernel", "./gone"][..],
            &["a kernel in ./gone", "No such file"][..],
        ),
        (
            &["check", "m.ko", "--kernel", "a b"],
            &["a kernel in a b", "neither include"],
        ),
        (
            &["check", "m.ko", "--kernel", "x y"],
            &["whoever built this kernel", "the kernel x y"],
        ),
        (&["check", "m.ko", "--kernel", ""], &["a value is required"]),
        (&["doctor", ""], &["a value is required"]),
        (&["new", "hello", "--kernel", ""], &["a value is required"]),
        (&["ide", "--kernel", ""], &["a value is required"]),
        (&["why", ""], &["no symbol is named"]),
        (&["why", "=y"], &["no symbol is named"]),
        (
            &["why", "RUST", "--config", "gone"],
            &["cannot be read", "why RUST --config FILE"],
        ),
        (
            &["why", "RUST", "--kdir", "a b"],
            &[
                "is not a kernel tree",
                "doctor --root ROOT --kdir 'ROOT/a b'",
            ],
        ),
        (
            &["explain", "/dev/null"],
            &["/dev/null is empty", "sudo dmesg | rustkmod explain"],
        ),
        (&["explain", "module"], &["ELF", "rustkmod check module"]),
        (
            &["explain", "utf16"],
            &[
                "UTF-16",
                "iconv -f UTF-16 -t UTF-8 utf16 | rustkmod explain",
            ],
        ),
    ] {
        let said = machine.run(given);
        assert!(said.ends_with("[exit 2]\n"), "{given:?}: {said}");
        for wanted in wanted {
            assert!(said.contains(wanted), "{given:?}, {wanted}: {said}");
        }
    }
    let output = command()
        .args(["--root", "/etc/passwd", "doctor"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/etc/passwd is not a directory"), "{said}");
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

/// Of a kernel without headers the release is all that its package could be found by.
#[test]
fn help_names_the_release_that_was_asked_for() {
    let machine = Machine::new("arch");
    std::fs::remove_dir_all(machine.build()).unwrap();
    machine.write("hello/Kbuild", "obj-m := hello.o\n");
    for command in [["ide", "hello"], ["new", "greeter"]] {
        let shown = machine.run(&[&command[..], &["--kernel", "6.9.9-none"]].concat());
        assert!(
            shown.contains("rustkmod doctor --root ROOT 6.9.9-none"),
            "{shown}"
        );
    }
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
fn the_program_ends_quietly_when_nobody_reads_on() {
    let machine = Machine::new("arch");
    let mut child = command()
        .args([
            "--root",
            machine.directory.path().to_str().unwrap(),
            "doctor",
        ])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A pipe that nobody reads.
fn unread() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

fn full() -> std::fs::File {
    std::fs::File::create("/dev/full").unwrap()
}

/// A verdict that is bad, on a machine where something is missing.
fn doctor(machine: &Machine, more: &[&str]) -> std::process::Command {
    let mut command = command();
    command
        .arg("--root")
        .arg(machine.directory.path())
        .args(["doctor", "6.0.0"])
        .args(more);
    command
}

#[test]
fn a_bad_verdict_stays_one_when_nobody_reads_on() {
    let machine = Machine::new("arch");
    for more in [&[][..], &["--json"]] {
        let output = doctor(&machine, more).stdout(unread()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn an_answer_that_finds_no_room_is_an_error() {
    let machine = Machine::new("arch");
    for more in [&[][..], &["--json"]] {
        let output = doctor(&machine, more).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("the output cannot be written\n  note: No space"),
            "{said}"
        );
    }
}

#[test]
fn an_error_that_cannot_be_said_is_the_exit_status() {
    let machine = Machine::new("arch");
    let new = ["new", "fn"];
    let toolchain = ["toolchain", "--path"];
    let root = machine.directory.path();
    for (arguments, status) in [(new, 2), (toolchain, 1)] {
        for stderr in [full().into(), std::process::Stdio::from(unread())] {
            let mut command = command();
            command.arg("--root").arg(root).args(arguments);
            let output = command.stderr(stderr).output().unwrap();
            assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        }
    }
}

#[test]
fn man_pages_and_completions_are_generated() {
    let directory = tempfile::tempdir().unwrap();
    let status = command()
        .arg("generate")
        .arg(directory.path())
        .status()
        .unwrap();
    assert!(status.success());
    for name in [
        "rustkmod.1",
        "rustkmod-doctor.1",
        "rustkmod-new.1",
        "rustkmod-ide.1",
        "rustkmod.bash",
        "_rustkmod",
        "rustkmod.fish",
    ] {
        assert!(directory.path().join(name).exists(), "{name}");
    }
}

/// What bash offers, by the script that is installed, at the end of a command line.
fn offered(machine: &Machine, words: &[&str]) -> Vec<String> {
    let scripts = tempfile::tempdir().unwrap();
    let generated = command().arg("generate").arg(scripts.path()).status();
    assert!(generated.unwrap().success());
    let program = Path::new(env!("CARGO_BIN_EXE_rustkmod")).parent().unwrap();
    let output = std::process::Command::new("bash")
        .args([
            "-euc",
            "source rustkmod.bash; cd \"$ROOT\"; COMP_WORDS=(rustkmod \"$@\"); \
            COMP_CWORD=$#; COMP_TYPE=9; _clap_complete_rustkmod rustkmod \"${@: -1}\" rustkmod; \
            printf '%s\\n' \"${COMPREPLY[@]}\"",
            "bash",
        ])
        .args(words)
        .current_dir(scripts.path())
        .env("ROOT", machine.directory.path())
        .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    printed(&output).lines().map(str::to_owned).collect()
}

#[test]
fn completion_offers_the_installed_kernels() {
    let machine = Machine::new("arch");
    machine.write("usr/lib/modules/6.12.1-1-lts/vmlinuz", "");
    machine.write("linux/Kbuild", "");
    let root = ["--root", machine.directory.path().to_str().unwrap()];
    let offered = |words: &[&str]| offered(&machine, &[&root, words].concat());
    for before in [
        &["doctor"][..],
        &["doctor", "--kernel"],
        &["toolchain"],
        &["check", "m.ko", "--kernel"],
        &["why", "RUST", "--kernel"],
        &["new", "hello", "--kernel"],
        &["ide", "--kernel"],
        &["boot", "--kernel"],
    ] {
        let at = |word| offered(&[before, &[word]].concat());
        assert_eq!(at("6."), [RELEASE, "6.12.1-1-lts"], "{before:?}");
        assert_eq!(at("6.12"), ["6.12.1-1-lts"], "{before:?}");
        // It may as well be a directory.
        assert_eq!(at("lin"), ["linux/"], "{before:?}");
    }
    assert_eq!(offered(&["toolc"]), ["toolchain"]);
}

#[test]
fn error_of_a_path_names_the_path() {
    let output = command().args(["generate", "/proc/x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/proc/x cannot be written"), "{said}");
}

#[test]
fn install_is_refused_for_another_root() {
    let said = Machine::new("arch").run(&["toolchain", "--install"]);
    assert!(said.contains("--root names another"), "{said}");
    assert!(said.ends_with("[exit 2]\n"), "{said}");
}

#[test]
fn json_of_an_error_is_a_document() {
    let output = command()
        .args(["--json", "explain", "/nowhere/log"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let document = common::json(&output);
    assert_eq!(document["schema"], 2);
    let message = document["error"]["message"].as_str().unwrap();
    assert_eq!(message, "/nowhere/log cannot be read");
    assert_eq!(document["error"]["help"][0]["command"], "ls /");
}

#[test]
fn color_is_where_it_is_asked_for() {
    for (choice, is_coloured) in [("auto", false), ("always", true), ("never", false)] {
        let mut command = command();
        command.args(["--color", choice, "explain", "/nowhere/log"]);
        let output = command.output().unwrap();
        assert_eq!(output.stderr.contains(&0x1b), is_coloured, "{choice}");
    }
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

/// The fields of a document, with those of what is in it.
fn fields(document: &serde_json::Value, found: &mut BTreeSet<String>) {
    match document {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                found.insert(name.clone());
                fields(value, found);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

/// Every command, but for what only packagers call.
const COMMANDS: [&str; 8] = [
    "doctor",
    "check",
    "why",
    "explain",
    "toolchain",
    "new",
    "ide",
    "boot",
];

/// docs/json.md has a section for each command, and one for what they share.
#[test]
fn json_of_every_command_is_documented() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(here.join("../../docs/json.md")).unwrap();
    let section = |title: &str| {
        let start = page.find(&format!("\n## {title}\n"));
        let text = &page[start.unwrap_or_else(|| panic!("no section {title}")) + 4..];
        text.split("\n## ").next().unwrap().to_owned()
    };
    let shared = section("Every document") + &section("Findings");
    for name in COMMANDS {
        let snapshot = here.join(format!("tests/snapshots/messages__{name}_json.snap"));
        let text = std::fs::read_to_string(snapshot).unwrap();
        let document = &text[text.find("\n{").unwrap()..=text.rfind("}\n").unwrap()];
        let mut found = BTreeSet::new();
        fields(&serde_json::from_str(document).unwrap(), &mut found);
        let own = section(&format!("`{name}`"));
        for field in found {
            let word = format!("`{field}`");
            let is_said = own.contains(&word) || shared.contains(&word);
            assert!(is_said, "{name}: docs/json.md does not say what {word} is");
        }
    }
}

#[test]
fn kernel_is_named_in_one_way_by_every_command() {
    let machine = Machine::new("arch");
    let build = machine.build();
    let (tree, modules) = (build.to_str().unwrap(), build.parent().unwrap());
    for named in [RELEASE, tree, modules.to_str().unwrap()] {
        for command in [&["doctor", "-q"][..], &["toolchain"], &["why", "RUST"]] {
            let by_option = machine.run(&[command, &["--kernel", named]].concat());
            let wanted = machine.run(&[command, &["--kdir", tree]].concat());
            // Only what installs the headers hangs on how the kernel was named.
            let lines = |said: &str| said.lines().next().map(str::to_owned);
            assert_eq!(lines(&by_option), lines(&wanted), "{command:?} {named}");
        }
    }
}

#[test]
fn help_of_every_command_has_examples() {
    for name in COMMANDS {
        // It is as wide as the terminal, and shows what the environment sets.
        let output = command()
            .args([name, "--help"])
            .env_remove("COLUMNS")
            .env_remove("RUSTKMOD_ACCEL")
            .output();
        let help = printed(&output.unwrap());
        insta::assert_snapshot!(format!("help_{name}"), help);
        assert!(help.contains("\nExamples:\n  "), "{help}");
        assert!(help.contains(&format!("rustkmod {name}")), "{help}");
        assert!(help.contains("\nGlobal options:\n"), "{help}");
        assert!(!help.contains("--kdir"), "{help}");
        let names_a_kernel = !matches!(name, "explain" | "boot");
        let option = "--kernel <RELEASE|DIRECTORY|IMAGE>";
        assert!(!names_a_kernel || help.contains(option), "{help}");
    }
}
