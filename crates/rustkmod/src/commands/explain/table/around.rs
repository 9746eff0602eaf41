// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rows about what is around a build: memory, disks, programs, packages, and code that does not
//! compile.

use super::super::help::{here, run, say};
use super::{CHECK, DOCTOR, DOUBTFUL, FAILURE, HARMLESS, NEEDED, REBUILD, Row, not_found};

const FEWER_JOBS: super::Remedy =
    say("where memory ran out: build with fewer jobs (make -j2), or add swap");

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "out-of-memory",
        class: "out-of-memory",
        pattern: r"signal: 9(?:, | \()SIGKILL|unable to execute command: Killed|command failed with exit code 137|\*\*\* \[.*\] (?:Killed|Error 137)$|: (?:line )?\d+: +\d+ Killed\s|terminated with signal 9|fatal error: Killed signal terminated program|Out of memory: Killed process \d+ \((?P<program>[^)]+)\)|memory allocation of \d+ bytes failed|LLVM ERROR: out of memory|virtual memory exhausted|: out of memory allocating \d+ bytes|: memory exhausted$|std::bad_alloc|^(?:\S*/)?(?:make\S*|\w*sh|ld\S*|as|xz|zstd|gzip): .*Cannot allocate memory",
        meaning: "a program of the build was killed or got no memory, most likely because memory ran out",
        notes: &["the kernel's log says which: Out of memory: Killed process"],
        help: &[
            here(
                "see whether it was that",
                "sudo dmesg | grep -i 'killed process'",
            ),
            FEWER_JOBS,
        ],
        examples: &[
            "gcc: fatal error: Killed signal terminated program cc1",
            "make[2]: *** [rust/Makefile:1: rust/core.o] Killed",
            "make[1]: *** [Makefile:1: vmlinux] Error 137",
            "scripts/link-vmlinux.sh: line 80: 6337 Killed                  ${LD} -o ${1}",
            "collect2: fatal error: ld terminated with signal 9 [Killed]",
            "clang: error: clang frontend command failed with exit code 137 (use -v to see invocation)",
            "cc1: out of memory allocating 65536 bytes after a total of 1000000 bytes",
            "/bin/sh: fork: Cannot allocate memory",
        ],
        ..FAILURE
    },
    Row {
        id: "killed",
        class: "out-of-memory",
        pattern: r"^Killed$",
        meaning: "a program was killed: memory ran out, or it met a fault in the kernel",
        notes: &[
            "insmod, rmmod and modprobe are killed when the module's own code faults; such a module stays loaded until the next boot",
        ],
        help: &[
            here("see which of the two", "sudo dmesg | rustkmod explain"),
            FEWER_JOBS,
        ],
        under: &["kernel-report", "kernel-oops", "out-of-memory"],
        examples: &["Killed"],
        ..FAILURE
    },
    Row {
        id: "lto-cache",
        class: "lto-cache",
        pattern: r"LLVM ERROR: (?P<what>ThinLTO: Can't get a temporary file|Failed to rename temporary file .*)|(?P<cache>can't create cache directory.*)",
        meaning: "lld could not use its cache for ThinLTO (.thinlto-cache)",
        notes: &[
            "it says: {what}",
            "it says: {cache}",
            "it has to be able to write there: for a module that is the module's directory, in older series the headers'. What is there must not be deleted while it links; the cache prunes itself",
        ],
        help: &[say(
            "delete .thinlto-cache, and build again, as a user who may write; make KBUILD_LDFLAGS+=--thinlto-cache-dir=DIRECTORY names another place",
        )],
        examples: &[
            "LLVM ERROR: ThinLTO: Can't get a temporary file",
            "LLVM ERROR: Failed to rename temporary file .thinlto-cache/Thin-e4.tmp.o to .thinlto-cache/llvmcache-B5: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "program-crash",
        class: "crash",
        pattern: r"PLEASE submit a bug report to https://|^0\.\s+Program arguments: (?P<program>\S+)|^\S*(?:gcc|cc1|\.[chS](?::\d+)+): internal compiler error: |(?:command failed|unable to execute command|linking with).*(?:signal|Segmentation fault|Aborted)|clang frontend command failed|^Segmentation fault",
        meaning: "a program of the build crashed",
        under: &["lto-cache", "out-of-memory"],
        notes: &["it was {program}"],
        help: &[say(
            "where it crashes each time over the same, it is a bug of that release: take another one. Where it comes and goes, suspect the machine's memory",
        )],
        examples: &[
            "PLEASE submit a bug report to https://github.com/llvm/llvm-project/issues/ and include the crash backtrace.",
            "0.\tProgram arguments: ld.lld -r -o vmlinux.o",
            "m.c:30:1: internal compiler error: Segmentation fault",
            "clang: error: unable to execute command: Segmentation fault (core dumped)",
            "clang: error: clang frontend command failed with exit code 139 (use -v to see invocation)",
            "Segmentation fault (core dumped)",
        ],
        ..FAILURE
    },
    Row {
        id: "disk-full",
        class: "disk",
        pattern: r"No space left on device",
        meaning: "the disk is full",
        help: &[run("see which", "df -h . /tmp /var/lib/dkms /boot")],
        examples: &[
            "error: failed to write /b/rust/core.o: No space left on device (os error 28)",
            "cp: error writing 'x': No space left on device",
        ],
        ..FAILURE
    },
    Row {
        id: "not-writable",
        class: "disk",
        pattern: r"^(?:mkdir|rm|mv|cp|touch|ln|install|\S*sh|\S*make\S*|(?:fatal )?[Ee]rror|scripts/\S+|fixdep|objcopy|depmod)\b.*: (?P<why>Permission denied|Read-only file system|Disk quota exceeded)",
        meaning: "the build may not write, or run, where it has to",
        under: &["lto-cache"],
        notes: &["{why}"],
        help: &[say(
            "build as the user whom the directories belong to, in a copy of your own; headers below /usr are only read by a module's build. Where a program could not be run: its file is not executable, or the filesystem is mounted noexec",
        )],
        examples: &[
            "mkdir: cannot create directory ‘/usr/src/m/.tmp’: Permission denied",
            "error: failed to write /usr/src/m/m.o: Read-only file system (os error 30)",
            "/bin/sh: 1: ./scripts/x.sh: Permission denied",
        ],
        ..FAILURE
    },
    Row {
        id: "clock-skew",
        class: "clock",
        pattern: r"Clock skew detected|has modification time .* in the future",
        meaning: "files are newer than the clock: make may have left out what it should make again",
        help: &[say(
            "set the clock right, touch the files, and build again from clean",
        )],
        examples: &[
            "make: warning:  Clock skew detected.  Your build may be incomplete.",
            "make[2]: Warning: File '/m/m.rs' has modification time 3600 s in the future",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "decoder-selftest",
        class: "selftest",
        pattern: r"insn_decoder_test: (?:error|warning): (?P<what>.+)",
        meaning: "x86's test of its instruction decoder could not read the listing of the kernel",
        notes: &[
            "it says: {what}",
            "older series cut the long names of Rust's symbols there",
        ],
        help: &[say(
            "build without CONFIG_X86_DECODER_SELFTEST: it is a test alone; or take a newer release of the series",
        )],
        examples: &["arch/x86/tools/insn_decoder_test: error: malformed line 120:"],
        ..FAILURE
    },
    Row {
        id: "modpost-differs",
        class: "headers",
        pattern: r"^(?P<place>\S+\.mod\.c:\d+)(?::\d+)?: (?:fatal )?error: (?P<what>.+)",
        meaning: "what modpost wrote for the module does not fit these headers: the two are of different builds",
        notes: &["at {place}: {what}"],
        help: &[
            say(
                "bring both to one state: on Debian linux-headers and linux-kbuild of one version (sudo apt full-upgrade); elsewhere install the headers again, whole",
            ),
            DOCTOR,
        ],
        examples: &["/m/m.mod.c:10:10: fatal error: asm/orc_header.h: No such file or directory"],
        ..FAILURE
    },
    Row {
        id: "host-header-missing",
        class: "c-header",
        // Programs that the kernel's build runs have the C library, which modules do not have.
        pattern: r"^(?:(?P<place>\S+:\d+(?::\d+)?): fatal error: '?(?P<file>openssl/[^\s:\']+|(?:libelf|gelf|elf|dwarf|libdw|libdwarf|zlib|zstd|lzma|n?curses|gmp|mpfr|mpc|numa|babeltrace)\.h|(?:elfutils|ncurses\w*|python[\d.]*)/[^\s:\']+)|(?P<program>(?:(?:(?:\.{1,2}/)*|/(?:\S*/)?(?:lib/modules/[^/]+/(?:build|source)|linux[^/]*|kernels/[^/]+)/)(?:scripts|tools|certs)|/usr/include)/\S+:\d+(?::\d+)?): fatal error: '?(?P<libc>(?:std\w+|string|errno|limits|float|inttypes|unistd|pthread)\.h|(?:sys|bits|gnu)/[^\s:\']+))'?(?:: No such file or directory| file not found|: .*)",
        meaning: "a C header is missing: {file}{libc}",
        notes: &[
            "{place} includes it; it is of a library of the machine that builds, not of the kernel",
            "{program} includes it; it is of the C library of the machine that builds, not of the kernel",
        ],
        help: &[say(
            "install the library's development package: openssl/ is in libssl-dev (openssl on Arch), libelf.h and gelf.h in libelf-dev (libelf on Arch, elfutils-libelf-devel on Fedora), the C library's in libc6-dev (glibc, glibc-devel)",
        )],
        examples: &[
            "scripts/sign-file.c:25:10: fatal error: openssl/opensslv.h: No such file or directory",
            "tools/objtool/elf.h:9:10: fatal error: 'gelf.h' file not found",
            "scripts/basic/fixdep.c:94:10: fatal error: sys/types.h: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "libc-header",
        class: "c-header",
        pattern: r"^(?P<place>\S+:\d+(?::\d+)?): fatal error: '?(?P<file>(?:std(?:arg|def|bool|int|io|lib|align|atomic)|string|errno|limits|float|inttypes|unistd|pthread)\.h)'?(?:: No such file or directory| file not found|: .*)",
        values: &[r"fatal error: '?(?P<of_compiler>(?:std(?:arg|def|bool|align)|float)\.h)"],
        meaning: "a kernel module cannot include {file}: kbuild passes -nostdinc, which leaves out the C library and the compiler's headers",
        notes: &[
            "{place} includes it",
            "up to 5.15 modules could include the compiler's {of_compiler}: this one was written for such a kernel",
            "this build is for {release}",
        ],
        help: &[
            say(
                "take a release of the module that names this series; in code of your own include the kernel's headers: <linux/stdarg.h> (since 5.15), <linux/types.h> for stddef.h, stdint.h and stdbool.h, <linux/string.h>, <linux/errno.h>, <linux/limits.h>",
            ),
            say(
                "where it is a program, and no part of the module: install the C library's headers (libc6-dev; glibc on Arch; glibc-devel on Fedora)",
            ),
        ],
        examples: &[
            "/var/lib/dkms/m/1/build/inc/m.h:18:10: fatal error: stdarg.h: No such file or directory",
            "m.c:1:10: fatal error: 'stdio.h' file not found",
        ],
        ..FAILURE
    },
    Row {
        id: "own-header-missing",
        class: "c-header",
        pattern: r"^(?P<place>\S+:\d+(?::\d+)?): fatal error: '?(?P<file>[^\s:'/]+)'?(?:: No such file or directory| file not found|: .*)",
        meaning: "a C header is missing: {file}",
        notes: &[
            "{place} includes it. The kernel's own are in directories (linux/, net/, …): it is the module's, or of a library that is not installed",
            "kbuild looks where -I in ccflags-y says. Since 6.15 it ignores EXTRA_CFLAGS, which older modules use for that",
            "this build is for {release}",
        ],
        help: &[say(
            "take a release of the module that names this series, or write ccflags-y in its Makefile where it has EXTRA_CFLAGS",
        )],
        examples: &[
            "platform/platform_ops.c:15:10: fatal error: drv_types.h: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "c-header-missing",
        class: "c-header",
        pattern: r"^(?P<place>\S+:\d+(?::\d+)?): fatal error: '?(?P<file>[^\s:']+)'?(?:: No such file or directory| file not found|: .*)",
        meaning: "a C header is missing: {file}",
        notes: &["{place} includes it"],
        help: &[say(
            "where the kernel removed or moved it, the module was written for another series: take a release of it that names this one. Where it is one of the module's own, -I in its ccflags-y has to name its directory. Where it is a library's, install that one's development package",
        )],
        examples: &["m.c:5:10: fatal error: linux/genhd.h: No such file or directory"],
        ..FAILURE
    },
    Row {
        id: "libelf",
        class: "c-code",
        pattern: r"(?P<what>Cannot (?:generate|resolve|use) .*), please install libelf-dev",
        meaning: "a C header is missing: that of libelf, which objtool and resolve_btfids are built with",
        notes: &[
            "make says: {what}",
            "make tries it with the C compiler: where that fails for another reason, told in the lines before, libelf may be there",
        ],
        help: &[
            run("on Arch", "sudo pacman -S libelf"),
            run("on Debian and Ubuntu", "sudo apt install libelf-dev"),
            run("on Fedora", "sudo dnf install elfutils-libelf-devel"),
        ],
        under: &["compiler"],
        examples: &[
            "Makefile:974: *** \"Cannot generate ORC metadata for CONFIG_UNWINDER_ORC=y, please install libelf-dev, libelf-devel or elfutils-libelf-devel\".  Stop.",
        ],
        ..FAILURE
    },
    Row {
        id: "build-program-missing",
        class: "build-program",
        pattern: not_found!(
            "program",
            "bc|flex|bison|perl|python3|cpio|rsync|zstd|xz|gzip|depmod|openssl|gawk|awk|make|xxd|lz4"
        ),
        meaning: "'{program}' is not installed, and the build runs it",
        help: &[
            run("on Arch", "sudo pacman -S {program}"),
            say("on Debian and Ubuntu: sudo apt build-dep linux brings all; depmod is in kmod"),
        ],
        examples: &[
            "/bin/sh: 1: bc: not found",
            "make[1]: flex: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "mok-missing",
        class: "signing",
        pattern: r"kmodsign: (?P<key>/\S+): No such file or directory",
        meaning: "there is no key to sign modules with: {key}",
        help: &[
            here(
                "on Debian and Ubuntu, make one, and let the firmware know it (then reboot and confirm it)",
                "sudo update-secureboot-policy --new-key && sudo update-secureboot-policy --enroll-key",
            ),
            say("without Secure Boot no signature is needed: install the module unsigned"),
        ],
        examples: &["kmodsign: /var/lib/shim-signed/mok/MOK.priv: No such file or directory"],
        ..FAILURE
    },
    Row {
        id: "sign-key-missing",
        class: "signing",
        pattern: r"At main\.c:\d+:|SSL error:.*(?:sign-file|certs/signing_key)|- SSL error:ffffffff80000002|Warning: modules_install: missing 'System\.map'|sign-file: certs/signing_key\.pem: No such file",
        meaning: "the module was installed without a signature: the headers have no key of the kernel's",
        notes: &["a kernel's key is thrown away after its build, or kept by who built it"],
        help: &[say(
            "nothing is wrong where the kernel takes unsigned modules; otherwise sign it with a key of your own that the firmware knows (MOK)",
        )],
        examples: &[
            "At main.c:167:",
            "sign-file: certs/signing_key.pem: No such file or directory",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "git-version",
        class: "git",
        pattern: r"^fatal: (?:not a git repository|detected dubious ownership in repository|No names found, cannot describe|No (?:annotated )?tags can describe|no tag exactly matches)",
        meaning: "a script asked git for the version of sources for which git has none",
        notes: &["most scripts take another version then, and the build goes on"],
        examples: &[
            "fatal: not a git repository (or any of the parent directories): .git",
            "fatal: No names found, cannot describe anything.",
        ],
        ..HARMLESS
    },
    // objtool ends a build over an error alone, and warnings are errors where the kernel says so.
    Row {
        id: "objtool-werror",
        class: "objtool",
        pattern: r"error: objtool: (?P<what>.*(?:UACCESS|with DF set|redundant CLD|recursive STD|instrumentation enabled|stack (?:frame|state|register|pointer|layout|exhausted)|unknown stack-related|leaves \.noinstr|unreachable instruction|'naked' return|missing int3|!ENDBR|RET before|frame pointer|scratch register|ELF size annotation|indirect call|falls through|unsupported instruction in callable|unexpected end of section|smart enough|CFI missing|section, skipping|function pointer reference|upgraded to errors).*)$",
        meaning: "objtool warns of code, and this kernel takes its warnings for errors (CONFIG_OBJTOOL_WERROR)",
        notes: &[
            "the first is: {what}",
            "what it warns of may make the kernel's unwinder or a mitigation fail; before 6.15 the same code was built all the same",
        ],
        help: &[
            say(
                "take a newer release of the module, which does without that; for a kernel of your own, a newer release of the series, or CONFIG_OBJTOOL_WERROR off",
            ),
            run(
                "or build the module all the same, as it was before",
                "make -C {kdir} M={dir} CONFIG_OBJTOOL_WERROR= modules",
            ),
        ],
        examples: &[
            "m.o: error: objtool: f+0x1a: call to {dynamic}() with UACCESS enabled",
            "m.o: error: objtool: f+0xa: redundant CLD",
            "m.o: error: objtool: f+0x5: 'naked' return found in MITIGATION_RETHUNK build",
        ],
        ..FAILURE
    },
    Row {
        id: "objtool-error",
        class: "objtool",
        pattern: r"error: objtool: (?P<what>.+)$",
        meaning: "objtool cannot read what the compiler made",
        notes: &[
            "it says: {what}",
            "the compiler is newer than the kernel's objtool knows, or code was linked in that the kernel's build did not compile (by cargo, say) and that has instructions which kernels do not use",
        ],
        help: &[
            say("build with the compiler that the kernel was built with"),
            REBUILD,
        ],
        examples: &["m.o: error: objtool: can't find jump dest instruction at .text+0x10"],
        ..FAILURE
    },
    Row {
        id: "naked-return",
        class: "objtool",
        pattern: r"objtool: (?P<function>[^\s+:]+)\S*: 'naked' return found in (?:MITIGATION_)?RETHUNK build",
        meaning: "{function} returns without the thunk that mitigates Retbleed",
        notes: &[
            "rustc can do that since 1.76. What an older one compiled is without this protection on the processors that need it, AMD's Zen 1 to 4 among them. It is built, and it works",
        ],
        help: &[say("where that matters, take a series of 6.12 or later")],
        examples: &[
            "vmlinux.o: warning: objtool: _RNvMNtCs3yuwAp0waWO_4core3f32f8classify+0x5a: 'naked' return found in RETHUNK build",
            "m.o: warning: objtool: f+0x5: 'naked' return found in MITIGATION_RETHUNK build",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "missing-int3",
        class: "objtool",
        pattern: r"objtool: (?P<function>[^\s+:]+)\S*: missing int3 after ",
        meaning: "nothing keeps the processor from guessing its way past the end of {function}",
        notes: &[
            "CONFIG_SLS asks for an int3 there, and older rustcs cannot put it behind what is written in Rust. It is built, and it works",
        ],
        help: &[say("where that matters, take a series of 6.12 or later")],
        examples: &["vmlinux.o: warning: objtool: rust_fmt_argument+0x71: missing int3 after ret"],
        ..DOUBTFUL
    },
    Row {
        id: "objtool-fallthrough",
        class: "objtool",
        pattern: r"objtool: (?P<function>[^\s+:()]+).*falls through to next function (?P<next>\S+)",
        meaning: "objtool does not know that a function which {function} calls never returns",
        notes: &[
            "Rust has many such functions, and objtool has a list of them (tools/objtool/check.c), which a newer rustc's core outgrew. It is built, and it works",
        ],
        examples: &[
            "rust/core.o: warning: objtool: _RNvXNtNtCs1_4core5slice5index() falls through to next function f()",
        ],
        ..HARMLESS
    },
    Row {
        id: "target-feature",
        pattern: r"^warning: unknown and unstable feature specified for `-Ctarget-feature`|^warning: unstable feature specified for `-Ctarget-feature`",
        meaning: "rustc does not know by name a processor feature that the tree passes on to LLVM",
        notes: &["LLVM does: it is built, and it works"],
        examples: &[
            "warning: unknown and unstable feature specified for `-Ctarget-feature`: `fp-armv8`",
        ],
        ..HARMLESS
    },
    Row {
        id: "mkinitcpio-firmware",
        pattern: r"==> WARNING: Possibly missing firmware for module",
        meaning: "the initramfs is made without firmware for hardware that is mostly not there",
        examples: &["==> WARNING: Possibly missing firmware for module: 'xhci_pci'"],
        ..HARMLESS
    },
    Row {
        id: "mkinitcpio-module",
        class: "initramfs",
        pattern: r"==> ERROR: module not found: [\x60'](?P<module>[^']+)'",
        meaning: "the initramfs was made without the module {module}, which this kernel does not have",
        notes: &[
            "where it is built in, or only another kernel has it, nothing is lost; where the root filesystem needs it, that kernel does not boot",
        ],
        help: &[
            here("see whether this kernel has it", "modinfo {module}"),
            CHECK,
        ],
        examples: &["==> ERROR: module not found: 'bcachefs'"],
        ..DOUBTFUL
    },
    Row {
        id: "mkinitcpio-no-kernel",
        class: "initramfs",
        pattern: r"==> ERROR: (?:specified kernel image does not exist|Unable to locate kernel|kernel image does not exist|'/lib/modules/\S+' is not a valid kernel module directory)",
        meaning: "mkinitcpio finds no kernel or no modules where its preset says",
        help: &[say(
            "a preset of a kernel that is not installed any more is in /etc/mkinitcpio.d/: install that kernel again, or move the preset away",
        )],
        examples: &["==> ERROR: '/lib/modules/6.1.0' is not a valid kernel module directory"],
        ..FAILURE
    },
    Row {
        id: "makepkg-sums",
        class: "makepkg",
        pattern: r"==> ERROR: One or more files did not pass the validity check",
        meaning: "a source file is not the one that the PKGBUILD names",
        help: &[say(
            "delete the file that the lines above call FAILED from SRCDEST, and let makepkg fetch it again; if it fails again, do not build it",
        )],
        examples: &["==> ERROR: One or more files did not pass the validity check!"],
        ..FAILURE
    },
    Row {
        id: "makepkg-pgp",
        class: "makepkg",
        pattern: r"==> ERROR: One or more PGP signatures could not be verified",
        meaning: "makepkg does not know the key that signed a source",
        help: &[say(
            "import the keys that the PKGBUILD lists in validpgpkeys: gpg --recv-keys KEY, for each whose person you trust",
        )],
        examples: &["==> ERROR: One or more PGP signatures could not be verified!"],
        ..FAILURE
    },
    Row {
        id: "makepkg-deps",
        class: "makepkg",
        pattern: r"==> ERROR: (?:Could not resolve all dependencies|'pacman' failed to install missing dependencies)|error: target not found: (?P<package>\S+)",
        meaning: "a package that the build needs is not installed, and pacman does not find it",
        notes: &["pacman does not know {package}"],
        help: &[say(
            "it may be of the AUR, or of the project's own repository: build and install it first",
        )],
        examples: &[
            "error: target not found: rust197",
            "==> ERROR: Could not resolve all dependencies.",
        ],
        ..FAILURE
    },
    Row {
        id: "package-unknown",
        class: "package",
        pattern: r"^E: Unable to locate package (?P<package>\S+)|^E: Package '(?P<package__apt>[^']+)' has no installation candidate|^E: Couldn't find any package by (?:glob|regex) '(?P<package__glob>[^']+)'|^(?:Error: )?(?:No match for argument|Unable to find a match): (?P<package__dnf>\S+)",
        meaning: "the package manager knows no package {package}",
        notes: &[
            "archives keep headers of their newest kernels alone. Those of an older kernel, or of one that somebody else built, come from where that kernel came from",
        ],
        help: &[
            say("bring its list of packages up to date, and try again: apt update, dnf makecache"),
            DOCTOR,
        ],
        examples: &[
            "E: Unable to locate package linux-headers-6.18.44-custom",
            "E: Package 'linux-headers-6.1.0-9-amd64' has no installation candidate",
            "E: Couldn't find any package by glob 'linux-headers-6.18.44-custom'",
            "No match for argument: kernel-devel-6.12.9-200.fc41.x86_64",
        ],
        ..FAILURE
    },
    Row {
        id: "pacman-conflict",
        class: "makepkg",
        pattern: r"^error: failed to commit transaction \(conflicting files\)|^\S+: (?P<file>/\S+) exists in filesystem",
        meaning: "a file of the package is on the disk already, and belongs to no package or another",
        notes: &["the file: {file}"],
        help: &[run("see whose it is", "pacman -Qo {file}")],
        examples: &["linux-rust: /usr/lib/modules/7.3.4/vmlinuz exists in filesystem"],
        ..FAILURE
    },
    // Of a module's own code; see also `drift`.
    Row {
        id: "feature-not-allowed",
        class: "module-code",
        pattern: r"^error\[E0725\]: the feature `(?P<feature>\w+)` is not in the list of allowed features",
        values: &[r" --> (?P<place>\S+)"],
        meaning: "the module switches on `{feature}`, which the kernel's build does not allow",
        notes: &[
            "at {place}",
            "kbuild passes the unstable features that modules may use (rust_allowed_features in scripts/Makefile.build)",
        ],
        help: &[say(
            "remove #![feature({feature})]: what was written for the branch of Rust for Linux from before 6.1 began with such lines, and no series needs them",
        )],
        examples: &[
            "error[E0725]: the feature `allocator_api` is not in the list of allowed features\n --> /m/m.rs:5:12",
        ],
        ..FAILURE
    },
    Row {
        id: "cargo-crate",
        class: "cargo",
        pattern: r"^error(?:\[E\d+\])?: (?P<what>.*)\n(?: *[^\s-].*\n)*? *--> \S*/registry/src/[^/\s]+/(?P<crate>[^/\s]+)/",
        meaning: "the crate {crate}, which cargo fetched, does not compile with this rustc",
        notes: &["it says: {what}"],
        help: &[say(
            "take the rustc that the project names (rust-toolchain, rust-version in Cargo.toml), or another release of the crate: cargo update",
        )],
        breaks_rustc: true,
        examples: &[
            "error[E0658]: `cfg(x)` is experimental\n  --> /home/u/.cargo/registry/src/index.crates.io-1/memchr-2.5.0/src/lib.rs:52:15",
        ],
        ..FAILURE
    },
    Row {
        id: "log-prefix",
        class: "module-code",
        pattern: r"cannot find value `__LOG_PREFIX` in",
        meaning: "pr_info! and its like have no prefix: nothing in the crate root makes one",
        notes: &["module! makes it; where that fails, its own error is the one to fix"],
        help: &[say(
            "in an object without module!, declare it in the object's first file: const __LOG_PREFIX: &[u8] = b\"NAME\\0\";",
        )],
        under: &["*"],
        examples: &["error[E0425]: cannot find value `__LOG_PREFIX` in the crate root"],
        ..FAILURE
    },
    // After all that say more: C code, and Rust code that is not the module's own.
    Row {
        id: "rust-helpers",
        class: "c-code",
        pattern: r"^(?P<place>(?:\S*/)?rust/helpers(?:/\w+)?\.c:\d+)(?::\d+)?: (?:fatal )?error: (?P<what>.+)",
        values: &[r"'(?P<name>\w+)'"],
        meaning: "a C helper of the kernel's Rust code does not compile in this configuration",
        notes: &[
            "at {place}: {what}",
            "mostly it uses what an option brings that is off, and does not ask for it: a mistake of the tree, which newer releases of the series may have corrected",
        ],
        help: &[
            run(
                "see where it is declared, and under which option; switch that on",
                "grep -rnw {name} {kdir}/include",
            ),
            say("or take a newer release of the series"),
        ],
        examples: &[
            "../rust/helpers/pci.c:36:2: error: call to undeclared function 'pci_x'; ISO C99 and later do not support implicit function declarations [-Wimplicit-function-declaration]",
        ],
        ..FAILURE
    },
    Row {
        id: "rust-analyzer-script",
        class: "rust-analyzer",
        pattern: r"^Traceback \(most recent call last\):(?:.|\n)*generate_rust_analyzer\.py(?:.|\n)*\n(?P<what>\w*(?:Error|Exception)\b.*)",
        values: &[r"FileNotFoundError: .*'(?P<file_wanted>[^']*/(?:Makefile|Kbuild))'"],
        meaning: "the script that writes rust-project.json for rust-analyzer failed; nothing else is concerned",
        notes: &[
            "it says: {what}",
            "it reads {file_wanted} to learn whether the Rust files beside it are crates",
        ],
        help: &[
            run(
                "for a module, make the file without the script",
                "rustkmod ide {dir}",
            ),
            run(
                "in a tree of your own, an empty one will do",
                "touch {file_wanted}",
            ),
        ],
        examples: &[
            "Traceback (most recent call last):\n  File \"/b/scripts/generate_rust_analyzer.py\", line 143, in <module>\n    main()\nFileNotFoundError: [Errno 2] No such file or directory: 'kernel/x/Makefile'",
        ],
        ..FAILURE
    },
    Row {
        id: "c-code",
        class: "c-code",
        pattern: r"^(?P<place>[^\s:]+\.[chS]:\d+)(?::\d+)?: (?:error|erreur|Fehler|errore|erro|błąd|ошибка|错误|錯誤|エラー) ?[:：] ?(?P<what>.+)",
        values: &[
            r"\[-Werror(?:=|,-W)(?P<werror>[\w-]+)",
            r"(?P<drift>no member named|implicit declaration|undeclared|too (?:few|many) arguments|incompatible (?:function )?pointer|unknown type name|incomplete type|conflicting types|passing argument|-W(?:implicit-function-declaration|incompatible-pointer-types|int-conversion))",
        ],
        meaning: "C code does not compile",
        notes: &[
            "the first error is at {place}: {what}",
            "-W{werror} is a warning that this build takes for an error",
            "functions and fields of the kernel change from series to series: '{drift}' mostly means that the code was written for another one",
            "this build is for {release}",
        ],
        help: &[say(
            "of a module with '{drift}': take a release (of its -dkms package) that names this series, or keep a kernel that it names",
        )],
        under: &["compiler", "not-prepared", "c-header", "modpost-differs"],
        examples: &[
            "m.c:64:55: error: ‘struct tty_driver’ has no member named ‘magic’",
            "m.c:12:5: error: call to undeclared function 'del_timer' [-Werror,-Wimplicit-function-declaration]\n   12 |     del_timer(&t);",
        ],
        ..FAILURE
    },
    Row {
        id: "bindings",
        class: "bindings",
        pattern: r"^error\[E0(?:412|422|423|425|433)\]: cannot find [^`]*`(?P<name>\w+)` in (?:module|crate) `(?:kernel::)?bindings`|^error\[E0(?:560|609)\]: (?:struct `[^`]*\bbindings::[^`]*` has no field named `(?P<field>\w+)`|no field `(?P<field__2>\w+)` on type `[^`]*\bbindings::)",
        values: &[r" --> (?P<place>\S+)"],
        meaning: "the kernel's C bindings lack what Rust code uses",
        notes: &[
            "the first is {name}, at {place}",
            "the first is the field {field}, at {place}",
            "bindgen makes them of C headers, the kernel's own of those in rust/bindings/bindings_helper.h, with this configuration: an option that declares it is off, no header there has it, a patch is only half applied, or the code was written for a series whose headers differ",
        ],
        help: &[
            run(
                "see which headers declare it, and under which option",
                "grep -rnw {name} {kdir}/include",
            ),
            run(
                "see which headers declare it, and under which option",
                "grep -rnw {field} {kdir}/include",
            ),
        ],
        breaks_rustc: true,
        examples: &[
            "error[E0425]: cannot find function `skb_x` in module `bindings`\n  --> rust/kernel/skbuff.rs:11:24",
            "error[E0412]: cannot find type `skb_x` in crate `bindings`\n  --> m.rs:11:24",
            "error[E0560]: struct `bindings::bindings::file_operations` has no field named `x`\n  --> m.rs:11:24",
            "error[E0609]: no field `x` on type `kernel::bindings::file`\n  --> m.rs:11:24",
        ],
        ..FAILURE
    },
    Row {
        id: "core-does-not-compile",
        class: "too-new",
        pattern: r"^error(?:\[E\d+\])?: (?P<what>.*)\n(?: *[^\s-].*\n)*? *--> \S*/core/src/",
        meaning: "this rustc's `core` does not compile with the options and the edition of this tree",
        notes: &[
            "it says: {what}",
            "the build found: {rustc}\nthe tree wants:  {rustc_wanted}",
        ],
        help: &[NEEDED],
        breaks_rustc: true,
        examples: &[
            "error[E0599]: no method named `f` found\n  --> /usr/lib/rustlib/src/rust/library/core/src/lib.rs:100:12",
        ],
        ..FAILURE
    },
    Row {
        id: "tree-does-not-compile",
        class: "too-new",
        pattern: r"^error(?:\[E\d+\])?: (?P<what>.*)\n(?: *[^\s-].*\n)*? *--> (?:\S*/)?rust/(?:kernel|macros|pin-init|bindings|uapi|helpers|syn|quote|proc-macro2|build_error|ffi|compiler_builtins)[/.]",
        meaning: "Rust code of the tree itself does not compile with this rustc",
        notes: &[
            "it says: {what}",
            "the build found: {rustc}\nthe tree wants:  {rustc_wanted}",
            "this rustc is newer or older than those that the tree was made for, or the tree was patched",
        ],
        help: &[NEEDED],
        breaks_rustc: true,
        examples: &[
            "error[E0599]: no method named `write` found\n  --> rust/kernel/alloc/box_ext.rs:25:12",
        ],
        ..FAILURE
    },
];
