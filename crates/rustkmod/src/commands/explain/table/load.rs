// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rows about loading: what the kernel's loader says (kernel/module/, arch/x86/kernel/module.c,
//! kernel/bpf/btf.c and kernel/params.c of 6.1 to 7.3), and how insmod and modprobe end.

use super::super::help::{here, run, say};
use super::{
    CHECK, COMPILER_CALLS, COMPILER_CALLS_HELP, DOUBTFUL, FAILURE, HARMLESS, LIBM, REBUILD, Row,
};

/// A message of the kernel about one module, which stands in front.
macro_rules! of {
    ($message:literal) => {
        concat!(r"^(?:module:? )?(?P<module>[\w-]+): (?:", $message, ")")
    };
}

/// A failure that insmod, modprobe or systemd-modules-load passes on.
macro_rules! ending {
    ($error:literal) => {
        concat!(
            r"(?:could not insert|can't insert|Failed to insert|Failed to insert module|Error inserting|can't load module)(?: module)? ['\x22(]?(?P<module>[^'\x22:\s)]+)['\x22]?.*?: (?P<error>",
            $error,
            ")"
        )
    };
}

const KERNEL_LOG: super::Remedy = here("see the kernel's reason", "sudo dmesg | rustkmod explain");
const SIGN: super::Remedy = run(
    "sign it with a key that the kernel trusts",
    "{kdir}/scripts/sign-file sha256 KEY.pem CERT.x509 {file}",
);
const ENFORCED: super::Remedy = here(
    "see what asks for signatures",
    "cat /sys/module/module/parameters/sig_enforce /sys/kernel/security/lockdown",
);
const MOK_DKMS: super::Remedy = here(
    "let the firmware know DKMS's key, then reboot and confirm it on the blue screen (MOK)",
    "sudo mokutil --import /var/lib/dkms/mok.pub",
);

pub(super) const ROWS: &[Row] = &[
    // Which kernel the module is for.
    Row {
        id: "version-magic",
        class: "load",
        pattern: r"^(?:module:? )?(?P<module>[\w-]+): version magic '(?P<has>[^']*)' should be '(?P<wants>[^']*)'",
        meaning: "the module `{module}` was built for another kernel",
        notes: &["the module:  '{has}'\nthe kernel: '{wants}'"],
        help: &[
            REBUILD,
            CHECK,
            here(
                "if the kernel was upgraded since the last boot, the module may be for the new one: reboot",
                "uname -r; ls /lib/modules",
            ),
        ],
        examples: &[
            "[   12.3] m: version magic '6.1.0 SMP mod_unload ' should be '6.1.0 SMP preempt mod_unload '",
        ],
        ..FAILURE
    },
    Row {
        id: "this-module-size",
        class: "load",
        pattern: r"module (?P<module>.+?): \.gnu\.linkonce\.this_module section size must match",
        meaning: "the module `{module}` was compiled against another `struct module` than this kernel has",
        notes: &[
            "its headers are of another build or configuration of the kernel, though the version is the same: the size of that struct differs",
        ],
        help: &[
            say(
                "install the headers of exactly this build of the kernel, or build the kernel and its headers again, and both together",
            ),
            REBUILD,
            CHECK,
        ],
        examples: &[
            "[  104.9] module hello: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time",
        ],
        ..FAILURE
    },
    Row {
        id: "this-module",
        class: "load",
        pattern: r"module (?P<module>.+?): (?P<what>Exactly one \.gnu\.linkonce\.this_module section must exist|\.gnu\.linkonce\.this_module .*must .*)\.?$|^(?:module:? )?(?P<old>[\w-]+): No module found in object",
        meaning: "the file is not a whole kernel module: `{module}{old}`",
        notes: &[
            "the kernel says: {what}",
            "modpost makes the .gnu.linkonce.this_module section: an object file that was not linked by kbuild has none, and a file changed by other tools may have two",
        ],
        help: &[REBUILD, CHECK],
        examples: &[
            "[    1.0] module m: Exactly one .gnu.linkonce.this_module section must exist.",
            "[    1.0] module m: .gnu.linkonce.this_module section must have a size set",
            "[    1.0] module m: .gnu.linkonce.this_module must occupy memory during process execution",
            "[    1.0] m: No module found in object",
        ],
        ..FAILURE
    },
    Row {
        id: "symbol-version",
        class: "load",
        pattern: of!(r"disagrees about version of symbol (?P<symbol>\S+)"),
        meaning: "the module `{module}` was compiled against other types than this kernel has",
        notes: &["the checksums of {symbol} differ (CONFIG_MODVERSIONS)"],
        help: &[REBUILD, CHECK],
        examples: &["[    1.0] m: disagrees about version of symbol module_layout"],
        ..FAILURE
    },
    Row {
        id: "no-symbol-version",
        class: "load",
        pattern: of!(r"no (?:extended )?symbol version for (?P<symbol>\S+)"),
        meaning: "the module `{module}` lacks checksums that this kernel wants",
        notes: &["it has none for {symbol} (CONFIG_MODVERSIONS)"],
        help: &[REBUILD, CHECK],
        examples: &[
            "[    1.0] m: no symbol version for module_layout",
            "[    1.0] m: no extended symbol version for f",
        ],
        ..FAILURE
    },
    Row {
        id: "symbol-version-table",
        class: "load",
        pattern: r"(?P<what>extended version crc\+name presence does not match|more extended version crcs than names)",
        meaning: "the module's table of checksums is damaged",
        notes: &["the kernel says: {what}"],
        help: &[REBUILD, CHECK],
        examples: &[
            "[    1.0] extended version crc+name presence does not match",
            "[    1.0] more extended version crcs than names",
        ],
        ..FAILURE
    },
    // Symbols.
    Row {
        id: "relocation",
        class: "load",
        pattern: r"^(?:module:? )?(?P<module>[\w-]+): Unknown (?:(?:rela )?relocation: (?P<type>\d+)|symbol (?P<got>_GLOBAL_OFFSET_TABLE_))",
        meaning: "the module `{module}` was not compiled as kbuild does it: the kernel does not know how to link its code",
        notes: &[
            "it refers to {got}, which position-independent code does",
            "it has a relocation of type {type}. Position-independent code has some that the kernel does not resolve (9, 41, 42: GOTPCREL; 29: GOTPC64 and others)",
        ],
        help: &[
            say(
                "kbuild compiles with -C relocation-model=static -C code-model=kernel (in C: -fno-PIE -mcmodel=kernel)",
            ),
            run(
                "build through the kernel's Makefile",
                "make -C {kdir} M={dir} clean modules",
            ),
        ],
        examples: &[
            "[  201.1] module: hello_ll: Unknown rela relocation: 29",
            "[    1.0] m: Unknown relocation: 20",
            "[    1.0] m: Unknown symbol _GLOBAL_OFFSET_TABLE_ (err -2)",
        ],
        ..FAILURE
    },
    Row {
        id: "unknown-symbol-version",
        class: "load",
        pattern: of!(r"Unknown symbol (?P<symbol>\S+) \(err -(?:22|8)\)"),
        meaning: "the kernel does not let the module `{module}` use a symbol that it has",
        notes: &[
            "the first is {symbol}. The kernel has it, and refuses it: for its checksum or its namespace, mostly told in a line before",
        ],
        help: &[REBUILD, CHECK],
        under: &["symbol-version", "no-symbol-version", "namespace"],
        examples: &["[    1.0] m: Unknown symbol i2c_get_adapter (err -22)"],
        ..FAILURE
    },
    Row {
        id: "unknown-symbol-compiler",
        class: "load",
        pattern: concat!(
            r"^(?:module:? )?(?P<module>[\w-]+): Unknown symbol (?P<symbol>",
            super::of_compiler!(),
            ") "
        ),
        meaning: "the compiler put calls into the module `{module}` for which this kernel has no function",
        notes: &["the first is {symbol}", COMPILER_CALLS],
        help: &[COMPILER_CALLS_HELP, REBUILD, CHECK],
        examples: &[
            "[    1.0] m: Unknown symbol __stack_chk_fail (err -2)",
            "[    1.0] m: Unknown symbol __x86_indirect_alt_jmp_rax (err -2)",
        ],
        ..FAILURE
    },
    Row {
        id: "unknown-symbol-allocator",
        class: "load",
        pattern: of!(r"Unknown symbol (?P<symbol>__rust_\w+)"),
        meaning: "the module `{module}` uses Rust's `alloc`, and the kernel does not give it the allocator",
        notes: &[
            "kernels with Rust export {symbol} up to 6.12, to GPL modules only; later ones and those without Rust do not have it",
        ],
        help: &[REBUILD, CHECK],
        examples: &["[    1.0] m: Unknown symbol __rust_alloc (err -2)"],
        ..FAILURE
    },
    // The first crate in a mangled name is the one that defines it.
    Row {
        id: "unknown-symbol-rust",
        class: "load",
        pattern: of!(
            r"Unknown symbol (?P<symbol>_R(?:[^C\s]|s[0-9A-Za-z]*_)*?C(?:s[0-9A-Za-z]*_)?(?:4core|5alloc|6kernel|8bindings|4uapi|3ffi|8pin_init|17compiler_builtins|11build_error)\w*)"
        ),
        meaning: "the kernel has other Rust crates than those that the module `{module}` was built against",
        notes: &[
            "the first symbol that is missing is {symbol}",
            "either another rustc made this kernel's crates, or it is another kernel, or one without Rust, or the module's licence is not the GPL's, to which all Rust symbols are bound",
        ],
        help: &[
            run(
                "see which of these it is",
                "rustkmod check {file} {for_kernel}",
            ),
            REBUILD,
        ],
        examples: &[
            "[    1.0] m: Unknown symbol _RNvNtCs1q4c3E1xXYZ_6kernel5print11call_printk (err -2)",
            "[    1.0] m: Unknown symbol _RNvMsC_NtCsCqz_6kernel5errorNtB5_5Error4name (err -2)",
        ],
        ..FAILURE
    },
    Row {
        id: "unknown-symbol-of-module",
        class: "load",
        pattern: of!(r"Unknown symbol (?P<symbol>_R\w+)"),
        meaning: "the module `{module}` uses a Rust function of another module, which is not loaded",
        notes: &["the first symbol that is missing is {symbol}"],
        help: &[
            here(
                "load it with all modules that it needs, which insmod does not do",
                "sudo depmod -a && sudo modprobe {module}",
            ),
            CHECK,
        ],
        examples: &[
            "[    1.0] m: Unknown symbol _RINvCs1q4c3_5codec3crcNtCsXYZ_6kernel5ErrorE (err -2)",
        ],
        ..FAILURE
    },
    Row {
        id: "unknown-symbol",
        class: "load",
        pattern: of!(r"Unknown symbol (?P<symbol>\S+)(?: \(err (?P<err>-?\d+)\))?"),
        values: &[concat!(
            "Unknown symbol (?P<math>",
            super::of_libm!(),
            r")(?: |$)"
        )],
        meaning: "the module `{module}` needs symbols that nothing loaded exports",
        notes: &[
            "the first is {symbol}",
            LIBM,
            "it is of another module, or of a part of the kernel that this one was configured without; or of the module itself, whose Kbuild does not link it (kbuild links no .a)",
        ],
        help: &[
            CHECK,
            here(
                "let the modules that it needs be loaded as well, which insmod does not do",
                "sudo depmod -a && sudo modprobe {module}",
            ),
        ],
        examples: &["[    1.0] m: Unknown symbol other_function (err -2)"],
        ..FAILURE
    },
    Row {
        id: "namespace",
        class: "load",
        pattern: of!(
            r"module uses symbol \(?(?P<symbol>[^\s)]+)\)? from namespace (?P<ns>\S+), but does not import it"
        ),
        meaning: "the module `{module}` uses the namespace {ns} without importing it",
        notes: &["{symbol} is exported in it"],
        help: &[
            say(
                "import it: in C MODULE_IMPORT_NS(\"…\") (without the quotes before 6.13); in Rust imports_ns: [\"…\"] in `module!`",
            ),
            REBUILD,
        ],
        examples: &[
            "[    1.0] m: module uses symbol (dma_buf_get) from namespace DMA_BUF, but does not import it.",
        ],
        ..FAILURE
    },
    Row {
        id: "module-namespace",
        class: "load",
        pattern: of!(r"module tries to import module namespace: (?P<ns>\S+)"),
        meaning: "the module `{module}` imports a namespace that is for certain modules alone",
        notes: &["{ns} is one of EXPORT_SYMBOL_FOR_MODULES, which nobody can import"],
        help: &[say(
            "use other functions: these are not for modules from outside",
        )],
        examples: &["[    1.0] m: module tries to import module namespace: module:kvm"],
        ..FAILURE
    },
    Row {
        id: "proprietary-chain",
        class: "load",
        pattern: of!(
            r"module using GPL-only symbols uses symbols (?P<symbol>\S+) from proprietary module (?P<other>\S+?)\.?$"
        ),
        meaning: "the module `{module}` uses GPL-only symbols, and one of the proprietary module {other}",
        notes: &["the symbol is {symbol}. A module may have the one or the other"],
        help: &[say(
            "do without the symbols of {other}, or without GPL-only ones (all Rust symbols of the kernel are)",
        )],
        examples: &[
            "[    1.0] m: module using GPL-only symbols uses symbols f from proprietary module n.",
        ],
        ..FAILURE
    },
    Row {
        id: "built-in-export",
        class: "load",
        pattern: of!(r"exports duplicate symbol (?P<symbol>\S+) \(owned by kernel\)"),
        meaning: "the kernel itself exports {symbol}: what `{module}` is, is built into it",
        notes: &["a second copy of code that is built in cannot be loaded"],
        help: &[
            here(
                "see whether it is built in",
                "grep -w {module} \"/lib/modules/$(uname -r)/modules.builtin\"",
            ),
            say(
                "use what is built in, build a kernel without it (=m or =n), or give the module's exports other names",
            ),
        ],
        examples: &["[  118.6] fuse: exports duplicate symbol fuse_abort_conn (owned by kernel)"],
        ..FAILURE
    },
    Row {
        id: "duplicate-export",
        class: "load",
        pattern: of!(r"exports duplicate symbol (?P<symbol>\S+) \(owned by (?P<owner>[^)]+)\)"),
        meaning: "the module `{module}` exports {symbol}, which the loaded module `{owner}` exports already",
        notes: &["two copies of the same code cannot be loaded at once"],
        help: &[
            here("unload the other first", "sudo rmmod {owner}"),
            say("or give the module's exports other names"),
        ],
        examples: &["[  118.6] m: exports duplicate symbol f (owned by n)"],
        ..FAILURE
    },
    Row {
        id: "export-flags",
        class: "load",
        pattern: of!(r"no flags for exported symbols"),
        meaning: "the exports of the module `{module}` were made for an older series",
        notes: &["7.x wants the flags of exports in a section of their own (__kflagstab)"],
        help: &[REBUILD],
        examples: &["[    1.0] m: no flags for exported symbols"],
        ..FAILURE
    },
    Row {
        id: "gpl-only-get",
        class: "load",
        pattern: r"failing symbol_get of non-GPLONLY symbol (?P<symbol>\S+?)\.?$",
        meaning: "a module asks by symbol_get for {symbol}, which is not exported to GPL modules only",
        notes: &["since 6.6 symbol_get gives GPL-only symbols alone"],
        help: &[say(
            "link to the symbol, instead of asking for it when the module runs",
        )],
        examples: &["[    1.0] failing symbol_get of non-GPLONLY symbol f."],
        ..FAILURE
    },
    // The same module twice.
    Row {
        id: "already-loaded",
        class: "load",
        pattern: of!(r"module is already loaded|module sysfs not initialized"),
        meaning: "there is a module `{module}` in the kernel already",
        notes: &["it is loaded, or built into the kernel under this name"],
        help: &[here(
            "see which one",
            "lsmod | grep -w {module}; modinfo {module}",
        )],
        examples: &[
            "[    1.0] m: module is already loaded",
            "[    1.0] m: module sysfs not initialized",
        ],
        ..FAILURE
    },
    Row {
        id: "blacklisted",
        class: "load",
        pattern: r"Module (?P<module>\S+) is blacklisted",
        meaning: "the kernel's command line forbids the module `{module}` (module_blacklist=)",
        help: &[here("see it", "cat /proc/cmdline")],
        examples: &["[    1.0] Module nouveau is blacklisted"],
        ..FAILURE
    },
    Row {
        id: "hash-blacklisted",
        class: "load",
        pattern: r"Module hash (?P<hash>.+) is blacklisted",
        meaning: "the firmware's or the kernel's list of revoked code has this very module",
        notes: &["its hash is {hash}"],
        help: &[say("take a newer release of the module")],
        examples: &["[    1.0] Module hash 00 11 22 is blacklisted"],
        ..FAILURE
    },
    // Signatures.
    Row {
        id: "unsigned-rejected",
        class: "load",
        pattern: r"Loading of (?P<what>unsigned module|module with unsupported crypto) is rejected",
        meaning: "the kernel loads only modules signed with a key that it trusts, and this is an {what}",
        notes: &[
            "signatures are enforced by CONFIG_MODULE_SIG_FORCE, by module.sig_enforce=1 on the kernel's command line, or by lockdown",
        ],
        help: &[ENFORCED, SIGN],
        examples: &[
            "[    1.0] Loading of unsigned module is rejected",
            "[    1.0] Loading of module with unsupported crypto is rejected",
        ],
        ..FAILURE
    },
    Row {
        id: "unknown-key",
        class: "load",
        pattern: r"Loading of module with unavailable key is rejected",
        meaning: "the module is signed, with a key that the kernel does not know",
        notes: &[
            "the kernel trusts its own key and those that are enrolled in the firmware (MOK). Signing again with the same key does not help",
        ],
        help: &[
            MOK_DKMS,
            here("see which keys are enrolled", "mokutil --list-enrolled"),
            here("see whose key it is", "modinfo -F signer {file}"),
        ],
        examples: &["[   11.2] Loading of module with unavailable key is rejected"],
        ..FAILURE
    },
    Row {
        id: "signature-format",
        class: "load",
        pattern: r"(?P<module>\S+): (?P<what>module signature is not of PKCS#7 type|Module is not signed with expected PKCS#7 message|PKCS#7 signature .*)|PKCS7: (?P<pkcs7>.+)|(?P<alg>Unsupported (?:digest|public key) algorithm)",
        meaning: "the kernel cannot read the module's signature",
        notes: &[
            "it says: {what}",
            "it says: {pkcs7}",
            "it says: {alg}",
            "the signature is damaged, or made with a hash or a kind of key that this kernel was built without",
        ],
        help: &[SIGN],
        examples: &[
            "[    1.0] m: Module is not signed with expected PKCS#7 message",
            "[    1.0] PKCS7: Message signed outside of X.509 validity window",
        ],
        ..FAILURE
    },
    Row {
        id: "lockdown",
        class: "load",
        pattern: r"Lockdown: (?P<program>[^:]+): (?P<what>(?:Loading of )?unsigned module(?: loading)?|module .*) is restricted",
        meaning: "lockdown keeps the kernel from loading unsigned modules",
        notes: &["Secure Boot turns lockdown on in most distributions' kernels"],
        help: &[
            here("see its mode", "cat /sys/kernel/security/lockdown"),
            run(
                "sign the module with a key that is enrolled in the firmware",
                "{kdir}/scripts/sign-file sha256 KEY.pem CERT.x509 {file}",
            ),
        ],
        examples: &[
            "[    1.0] Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7",
            "[    1.0] Lockdown: insmod: Loading of unsigned module is restricted; see man kernel_lockdown.7",
        ],
        ..FAILURE
    },
    // The file.
    Row {
        id: "other-architecture",
        class: "load",
        pattern: r"Invalid (?:module )?architecture in ELF header: (?P<machine>\d+)",
        meaning: "the module is for another processor",
        notes: &["its ELF machine is {machine} (62 is x86-64, 183 arm64, 3 i386, 243 RISC-V)"],
        help: &[REBUILD, run("see what the file is", "file {file}")],
        examples: &[
            "[    1.0] Invalid architecture in ELF header: 183",
            "[    1.0] Invalid module architecture in ELF header: 62",
        ],
        ..FAILURE
    },
    Row {
        id: "damaged-module",
        class: "load",
        pattern: r"(?P<what>Invalid ELF \w.*|ELF Spec violation: .*|empty section name table|empty symbol string table|symbol name out of bounds in string table|symbol string table (?:isn't NUL terminated|missing leading NUL)|Only one \.modinfo section must exist\.?|(?:\S+): Symbol \S+ has an invalid section index.*|(?:\S+): section \S+ \(index \d+\) has invalid WRITE\|EXEC flags|(?:\S+): has both \.ctors and \.init_array.*)$",
        meaning: "the module's file is damaged, or not one that kbuild made",
        notes: &["the kernel says: {what}"],
        help: &[REBUILD, CHECK],
        examples: &[
            "[    1.0] Invalid ELF section header overflow",
            "[    1.0] Invalid ELF header magic: != \u{7f}ELF",
            "[    1.0] Only one .modinfo section must exist.",
            "[    1.0] m: section .text (index 4) has invalid WRITE|EXEC flags",
            "[    1.0] symbol string table isn't NUL terminated",
        ],
        ..FAILURE
    },
    Row {
        id: "stripped",
        class: "load",
        pattern: of!(r"module has no symbols \(stripped\?\)"),
        meaning: "the module `{module}` has no symbols: it was stripped too far",
        help: &[
            run(
                "strip debug information alone, of a module built anew",
                "strip --strip-debug -o STRIPPED.ko {file}",
            ),
            REBUILD,
        ],
        examples: &["[    1.0] m: module has no symbols (stripped?)"],
        ..FAILURE
    },
    Row {
        id: "common-symbols",
        class: "load",
        pattern: of!(r"please compile with -fno-common"),
        meaning: "the module `{module}` has common symbols: it was compiled outside kbuild",
        help: &[REBUILD],
        examples: &["[    1.0] m: please compile with -fno-common"],
        ..FAILURE
    },
    Row {
        id: "unpacking",
        class: "load",
        pattern: r"^(?:module: )?(?P<what>not an? \w+ compressed module|failed to initialize decompressor: .*|(?:ZSTD-)?decompression failed with status .*|ZSTD-compressed data has .*|Can't initialize ZSTD stream)",
        meaning: "the kernel cannot unpack the module",
        notes: &[
            "it says: {what}",
            "the kernel unpacks one format alone (CONFIG_MODULE_COMPRESS_*), or the file is damaged",
        ],
        help: &[
            here("see which format it unpacks", "cat /sys/module/compression"),
            here(
                "install the module unpacked, or packed so",
                "sudo depmod -a",
            ),
        ],
        examples: &[
            "[    1.0] not an xz compressed module",
            "[    1.0] decompression failed with status 7",
        ],
        ..FAILURE
    },
    // Relocations and the processor.
    Row {
        id: "relocation-overflow",
        class: "load",
        pattern: r"overflow in relocation type (?P<type>\d+) val (?P<value>\S+)|[\x60'](?P<module>[\w-]+)' likely not compiled with -mcmodel=kernel",
        meaning: "an address in the module does not fit: it was not compiled for the kernel's address range",
        notes: &["the relocation's type: {type}"],
        help: &[
            say("kbuild compiles with -C code-model=kernel (in C: -mcmodel=kernel)"),
            run(
                "build through the kernel's Makefile",
                "make -C {kdir} M={dir} clean modules",
            ),
        ],
        under: &["relocation-overflow"],
        examples: &[
            "[    1.0] overflow in relocation type 11 val ffffffffc0000000",
            "[    1.0] overflow in relocation type 11 val c000 sec 4 idx 2",
            "[    1.0] `m' likely not compiled with -mcmodel=kernel",
        ],
        ..FAILURE
    },
    // Of other processors' loaders: arch/*/kernel/module*.c.
    Row {
        id: "relocation-other",
        class: "load",
        pattern: r"^(?:\w+: )?(?:module:? )?(?:(?P<module>[\w-]+): )?(?P<what>Unknown relocation type \d+|unsupported RELA relocation: \d+|Unsupport relocation type \d+|[Uu]nknown (?:ADD )?relocation(?: operation|:) \d+|Invalid (?:\d+-bit|length \(\d+\) for) data relocation.*|section \d+ reloc \d+\b.*|target \S+ can ?not be addressed by .*|can ?not generate the GOT entry.*|Can not find HI20 relocation.*|(?:jump offset|opr1) = .* dangerous .*|(?:relocation overflow$|dangerous R_\w+ relocation)|value \S+ out of range for \S+-bit (?:field|relocation).*|module (?:PLT|GOT|symtab)\S* section(?:\(s\))? missing|The unexpected relocation type .*|error occurred (?:when applying alternatives|during dynamic SCS patching).*|(?:Dynamic linking|Thread local storage) not supported in kernel modules.*)",
        meaning: "this kernel's loader cannot link the code of the module: {what}",
        notes: &[
            "newer compilers, assemblers and linkers make relocations that an older series does not know; or the module was not compiled as kbuild does it",
        ],
        help: &[
            say("build the module with the compiler and the binutils that built the kernel"),
            REBUILD,
        ],
        under: &["relocation", "relocation-overflow"],
        examples: &[
            "[  158.6] m: Unknown relocation type 57",
            "[    1.0] module m: unsupported RELA relocation: 311",
            "[    1.0] m: Unsupport relocation type 110, please add its support.",
            "[    1.0] m: target ffffffff80000000 can not be addressed by the 32-bit offset from PC = 1",
            "[    1.0] m: section 4 reloc 2 sym 'f': relocation 28 out of range (0xbf000000 -> 0xc0000000)",
        ],
        ..FAILURE
    },
    Row {
        id: "relocation-target",
        class: "load",
        pattern: r"x86/modules: (?:Skipping invalid|Invalid) relocation target, existing value (?P<what>is nonzero|does not match)",
        meaning: "the module's sections were filled in before the kernel relocated them",
        notes: &[
            "another tool (ld -r, objcopy, a signing or stripping step) changed the file after kbuild, or an earlier load failed half-way and is told again",
        ],
        help: &[REBUILD],
        examples: &[
            "[    1.0] x86/modules: Skipping invalid relocation target, existing value is nonzero for type 1, loc 00000000f, val ffffffffc1",
            "[    1.0] x86/modules: Invalid relocation target, existing value does not match expected value for type 1, loc 0, val 1",
        ],
        ..FAILURE
    },
    Row {
        id: "livepatch",
        class: "load",
        pattern: of!(r"module is marked as livepatch module, but livepatch support is disabled"),
        meaning: "`{module}` is a live patch, and this kernel takes none (CONFIG_LIVEPATCH)",
        help: &[say("install the fixed kernel, and reboot")],
        examples: &[
            "[    1.0] m: module is marked as livepatch module, but livepatch support is disabled",
        ],
        ..FAILURE
    },
    Row {
        id: "livepatch-failed",
        class: "load",
        pattern: r"^livepatch: (?P<what>patch '[^']+' failed for module '[^']+', refusing to load module .*|.*(?:not found|is not marked as|not compatible|incorrectly formatted|failed to (?:apply|enable|initialize|patch)).*)",
        meaning: "a live patch does not fit this kernel or the module that is loaded",
        notes: &["the kernel says: {what}"],
        help: &[say(
            "take the live patch of exactly this build of the kernel, or install the fixed kernel and reboot",
        )],
        examples: &[
            "[    1.0] livepatch: patch 'p' failed for module 'm', refusing to load module 'm'",
            "[    1.0] livepatch: symbol 'f' not found in symbol table",
        ],
        ..FAILURE
    },
    Row {
        id: "percpu",
        class: "load",
        pattern: of!(r"Could not allocate (?P<bytes>\d+) bytes percpu data"),
        meaning: "the room for per-CPU data of modules is full: `{module}` needs {bytes} bytes of it",
        help: &[say(
            "unload other modules, or boot with more: percpu_alloc=page, or a kernel with a larger PERCPU_MODULE_RESERVE",
        )],
        examples: &["[    1.0] m: Could not allocate 65536 bytes percpu data"],
        ..FAILURE
    },
    Row {
        id: "forced",
        class: "load-taint",
        pattern: of!(
            r"(?:(?P<vermagic>bad vermagic)|(?P<versions>no versions for exported symbols)|(?P<symbol>\S+)): kernel tainted\.$"
        ),
        meaning: "the module `{module}` was loaded by force",
        notes: &[
            "{vermagic}: it has none, or modprobe --force had it ignored",
            "{versions}: it has no checksums of them",
            "it has no checksum of {symbol}",
            "what it does to memory that is laid out otherwise nobody knows",
        ],
        help: &[REBUILD],
        examples: &["[    1.0] m: bad vermagic: kernel tainted."],
        ..DOUBTFUL
    },
    // BTF.
    Row {
        id: "module-btf",
        class: "load",
        pattern: r"failed to validate module \[(?P<module>[^\]]+)\] BTF: (?P<error>-\d+)",
        meaning: "the kernel refused a module for its type information (BTF)",
        notes: &[
            "the first is {module}",
            "the BTF is of another vmlinux than the running one, or pahole and the compiler's debug information do not fit; where it is so of all modules, the latter",
            "the kernel answers with the error {error}, unless CONFIG_MODULE_ALLOW_BTF_MISMATCH is set",
        ],
        help: &[
            run(
                "build the module again, against the headers and vmlinux of the running kernel",
                "make -C {kdir} M={dir} clean modules",
            ),
            run(
                "or leave its BTF out, which tracing tools alone read",
                "objcopy --remove-section .BTF --remove-section .BTF.base {file} WITHOUT-BTF.ko",
            ),
            say(
                "for a whole kernel: build it with DWARF 4 (CONFIG_DEBUG_INFO_DWARF4) or another pahole, or without CONFIG_DEBUG_INFO_BTF_MODULES, or with CONFIG_MODULE_ALLOW_BTF_MISMATCH=y",
            ),
        ],
        examples: &["[    3.1] failed to validate module [soundwire_bus] BTF: -22"],
        ..FAILURE
    },
    // What the kernel lets pass it does not tell of, apart from 6.1.
    Row {
        id: "btf-detail",
        class: "btf",
        pattern: r"^BPF:(?:\s|\[|$)",
        values: &[r"(?P<what>Invalid .+)"],
        meaning: "the kernel does not take the type information (BTF) of a module",
        notes: &[
            "it says: {what}",
            "the line that names the module comes behind these, and is not here: failed to validate module",
        ],
        help: &[KERNEL_LOG],
        under: &["module-btf", "btf-mismatch"],
        examples: &[
            "[  129.2] BPF: [129365] Invalid name_offset:2322721",
            "[    0.6] BPF:     width type_id=54975 bits_offset=0",
        ],
        ..FAILURE
    },
    Row {
        id: "btf-mismatch",
        class: "btf",
        pattern: r"Kernel module BTF mismatch detected, BTF debug info may be unavailable|failed to register module \[[^\]]+\] BTF in sysfs",
        meaning: "modules are loaded without their type information (BTF), which does not fit this kernel's",
        notes: &["CONFIG_MODULE_ALLOW_BTF_MISMATCH lets them in; tracing tools miss their types"],
        help: &[REBUILD],
        examples: &[
            "[    1.0] Kernel module BTF mismatch detected, BTF debug info may be unavailable for some modules",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "kfunc-btf",
        class: "load",
        pattern: r"missing (?:vmlinux|module) BTF, cannot register (?P<what>.+)",
        meaning: "a module gives functions to BPF programs, and there is no type information (BTF) for them",
        notes: &["it cannot register {what}"],
        help: &[say(
            "build the module where the headers have vmlinux, for a kernel with CONFIG_DEBUG_INFO_BTF_MODULES",
        )],
        examples: &[
            "[    1.0] missing module BTF, cannot register kfuncs",
            "[    1.0] missing vmlinux BTF, cannot register dtor kfuncs",
        ],
        ..DOUBTFUL
    },
    // Parameters.
    Row {
        id: "parameter-unknown",
        class: "load",
        pattern: of!(
            r"(?:Unknown|unknown) parameter [\x60'](?P<parameter>[^']+)'(?P<ignored> ignored)?"
        ),
        meaning: "the module `{module}` has no parameter `{parameter}`",
        notes: &[
            "the kernel loads it without that parameter, and says so; older kernels refused it",
        ],
        help: &[
            here("see which it has", "modinfo -p {module}"),
            say("parameters of Rust modules (params in `module!`) are there since 6.19"),
        ],
        examples: &[
            "[    1.0] m: unknown parameter 'debug' ignored",
            "[    1.0] m: Unknown parameter `debug'",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "parameter-value",
        class: "load",
        pattern: of!(
            r"(?P<what>[\x60'](?P<value>[^']*)' (?:invalid|too large) for parameter [\x60'](?P<parameter>[^']+)'|can only take \d+ arguments|needs at least \d+ arguments|string doesn't fit in \d+ chars|string parameter too long)"
        ),
        meaning: "a parameter of the module `{module}` has a value that it does not take",
        notes: &["the kernel says: {what}"],
        help: &[
            here("see what it takes", "modinfo -p {module}"),
            here(
                "and where the value comes from",
                "grep -r {module} /etc/modprobe.d /usr/lib/modprobe.d; cat /proc/cmdline",
            ),
        ],
        examples: &[
            "[    1.0] m: `x' invalid for parameter `count'",
            "[    1.0] m: string parameter too long",
        ],
        ..FAILURE
    },
    // While it starts.
    Row {
        id: "init-odd",
        class: "load-odd",
        pattern: r"(?P<module>[\w-]+): '?(?:\S+->)?init suspiciously returned (?P<code>\d+)",
        meaning: "the init of the module `{module}` returned {code}, which is neither 0 nor an error",
        notes: &[
            "up to 6.12 the kernel loads it all the same; errors are negative, such as -EINVAL",
        ],
        help: &[say("return 0 or a negative error from init")],
        examples: &[
            "[    1.0] m: 'm_init'->init suspiciously returned 1, it should follow 0/-E convention",
            "[    1.0] m: init suspiciously returned 1, it should follow 0/-E convention",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "waits-for-module",
        class: "load",
        pattern: of!(r"gave up waiting for init of module (?P<other>\S+?)\.?$"),
        meaning: "the module `{module}` needs a symbol of {other}, whose init does not end",
        notes: &["the kernel waits 30 seconds for it"],
        help: &[say(
            "see what {other} waits for: its init may ask for this very module",
        )],
        examples: &["[   31.0] m: gave up waiting for init of module n."],
        ..FAILURE
    },
    Row {
        id: "kmod-busy",
        class: "load",
        pattern: r"request_module: modprobe (?P<module>\S+) cannot be processed, kmod busy",
        meaning: "the kernel asks for so many modules at once that `{module}` was not loaded",
        notes: &["fifty modprobes run: one of them mostly asks for itself"],
        help: &[here("see which", "ps -ef | grep modprobe")],
        examples: &[
            "[    9.0] request_module: modprobe m cannot be processed, kmod busy with 50 threads for more than 5 seconds now",
        ],
        ..FAILURE
    },
    Row {
        id: "duplicate-request",
        class: "load-odd",
        pattern: r"module-autoload: duplicate request for module (?P<module>\S+)",
        meaning: "the kernel was asked for the module `{module}` twice at once",
        notes: &[
            "it is told for those who look for such (CONFIG_MODULE_DEBUG_AUTOLOAD_DUPS), and harms nothing",
        ],
        examples: &["[    1.0] module-autoload: duplicate request for module m"],
        ..HARMLESS
    },
    // What the kernel notes and does not mind.
    Row {
        id: "licence",
        class: "load-taint",
        pattern: of!(r"module license (?:'(?P<license>[^']*)' )?taints kernel"),
        meaning: "the module `{module}` is not under the GPL, and gets no symbol that is bound to it",
        notes: &[
            "its licence is '{license}'",
            "all Rust symbols of the kernel are exported to GPL modules only",
        ],
        help: &[say(
            "state the licence in `module!`, if it is one of these: license: \"GPL\"",
        )],
        examples: &[
            "[    1.0] m: module license 'MIT' taints kernel.",
            "[    1.0] m: module license taints kernel.",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "inherits-taint",
        class: "load-taint",
        pattern: of!(
            r"module uses symbols (?P<symbol>\S+) from proprietary module (?P<other>[^,]+), inheriting taint"
        ),
        meaning: "the module `{module}` uses the proprietary module {other}, and is taken for one",
        examples: &[
            "[    1.0] m: module uses symbols f from proprietary module n, inheriting taint.",
        ],
        ..DOUBTFUL
    },
    Row {
        id: "no-retpoline",
        class: "load-taint",
        pattern: of!(r"loading module not compiled with retpoline compiler"),
        meaning: "the module `{module}` is loaded without the protection from Spectre v2 that the kernel has",
        help: &[REBUILD],
        examples: &["[    1.0] m: loading module not compiled with retpoline compiler."],
        ..DOUBTFUL
    },
    Row {
        id: "out-of-tree",
        class: "load-taint",
        pattern: of!(r"loading out-of-tree module taints kernel"),
        meaning: "the module `{module}` is not of the kernel's own tree, which the kernel notes",
        notes: &["the kernel is marked with the taint O, and goes on"],
        examples: &["[    1.0] m: loading out-of-tree module taints kernel."],
        ..HARMLESS
    },
    Row {
        id: "verification-failed",
        class: "load-taint",
        pattern: of!(r"module verification failed: signature and/or required key missing"),
        meaning: "the module `{module}` is not signed with a key that the kernel trusts, which the kernel notes",
        notes: &["the kernel is marked with the taint E, and goes on: this alone refuses nothing"],
        examples: &[
            "[    1.0] m: module verification failed: signature and/or required key missing - tainting kernel",
        ],
        ..HARMLESS
    },
    Row {
        id: "taint-notes",
        class: "load-taint",
        pattern: of!(
            r"(?P<what>module is from the staging directory|loading test module taints kernel|tainting kernel with TAINT_LIVEPATCH|Ignoring obsolete parameters|ignoring obsolete section|parameters '.*' after .* ignored|per-cpu alignment|module_enable_rodata_ro_after_init)"
        ),
        meaning: "the kernel notes something of the module `{module}`, and loads it",
        notes: &["it says: {what}"],
        examples: &[
            "[    1.0] m: module is from the staging directory, the quality is unknown, you have been warned.",
        ],
        ..HARMLESS
    },
    // How insmod, modprobe and systemd end.
    Row {
        id: "module-not-found",
        class: "not-found",
        pattern: r"(?:modprobe: )?FATAL: Module (?P<module>\S+) not found in directory (?P<dir>/\S*/modules/(?P<release>[^/\s]+))|(?:Failed to find module|could not find module by name=) ?'(?P<name>[^']+)'|modprobe: (?:module|can't) (?P<busybox>\S+) not found",
        meaning: "there is no module {module}{name}{busybox} for this kernel",
        notes: &[
            "it is not in {dir}",
            "it is built into the kernel, or not built for this release, or depmod did not run since it was installed",
        ],
        help: &[
            here(
                "if the kernel was upgraded since the last boot, the running one's modules are gone: reboot",
                "uname -r; ls /lib/modules",
            ),
            here("see whether DKMS built it", "dkms status"),
            here(
                "let modprobe see what was installed since",
                "sudo depmod -a",
            ),
        ],
        examples: &[
            "modprobe: FATAL: Module hello not found in directory /lib/modules/7.1.3-arch1-2",
            "systemd-modules-load[1]: Failed to find module 'nvidia'",
        ],
        ..FAILURE
    },
    Row {
        id: "depmod-usr",
        class: "not-found",
        pattern: r"depmod: ERROR: could not open directory (?P<root>/.*[^/])/usr/lib/modules/(?P<release>[^/:]+): No such file",
        meaning: "depmod looks for modules in {root}/usr/lib/modules, and make installed them in {root}/lib/modules",
        notes: &["this distribution's kmod looks for modules in /usr/lib/modules only"],
        help: &[run(
            "let lib be a link there before make modules_install, in an empty directory",
            "mkdir -p {root}/usr/lib && ln -sT usr/lib {root}/lib",
        )],
        examples: &[
            "depmod: ERROR: could not open directory /b/BUILDROOT/usr/lib/modules/6.8.0: No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "depmod-symbols",
        class: "depmod",
        pattern: r"depmod: WARNING: (?P<file_of>\S+) (?P<what>needs unknown symbol|disagrees about version of symbol) (?P<symbol>\S+)",
        meaning: "depmod foresees that modules will not load: nothing installed for this kernel has all that they need",
        notes: &["the first is {file_of}: it {what} {symbol}"],
        help: &[
            run("see what it is", "rustkmod check {file_of} {for_kernel}"),
            say("build it again for this kernel, or install the module that it needs"),
        ],
        examples: &["depmod: WARNING: /lib/modules/6.1/updates/m.ko needs unknown symbol f"],
        ..DOUBTFUL
    },
    Row {
        id: "depmod-cycle",
        class: "depmod",
        pattern: r"depmod: ERROR: (?:Cycle detected: (?P<cycle>.+)|Found \d+ modules in dependency cycles)",
        meaning: "modules need each other in a circle: none of them can be loaded",
        notes: &["{cycle}"],
        help: &[say(
            "move what both use into a third module, or make one of the two",
        )],
        examples: &[
            "depmod: ERROR: Cycle detected: a -> b -> a",
            "depmod: ERROR: Found 2 modules in dependency cycles!",
        ],
        ..FAILURE
    },
    Row {
        id: "depmod-link",
        class: "depmod",
        pattern: r"depmod: ERROR: fstatat\(\d+, (?P<file_linked>[^)]+)\): No such file or directory",
        meaning: "depmod passes over links that lead nowhere",
        notes: &[
            "the first is {file_linked}",
            "a package left them when its modules went (weak-updates/, extra/). All other modules are in modules.dep",
        ],
        help: &[here("see them", "find /lib/modules -xtype l")],
        examples: &["depmod: ERROR: fstatat(8, nvme-rdma.ko): No such file or directory"],
        ..DOUBTFUL
    },
    Row {
        id: "module-file-damaged",
        class: "load",
        pattern: r"depmod: ERROR: failed to load symbols from (?P<name>\S+): (?:Invalid argument|Exec format error)|modinfo: ERROR: could not get modinfo from '(?P<name__2>[^']+)': (?:Invalid argument|Exec format error)",
        meaning: "the file of the module {name} is not a module: it is empty, cut off, or of another kind",
        help: &[
            say("build and install it again; of DKMS's: dkms build --force, dkms install --force"),
            CHECK,
        ],
        examples: &[
            "depmod: ERROR: failed to load symbols from /lib/modules/5.3.0/updates/dkms/m.ko: Invalid argument",
            "modinfo: ERROR: could not get modinfo from 'm': Invalid argument",
        ],
        ..FAILURE
    },
    Row {
        id: "module-file-gone",
        class: "load",
        pattern: r"modinfo: ERROR: could not get modinfo from '(?P<name>[^']+)': No such file or directory",
        meaning: "modules.dep names a file of the module {name} that is not there",
        notes: &["it was removed or moved, and depmod did not run since"],
        help: &[
            here("bring modules.dep up to date", "sudo depmod -a"),
            here("see where the module is", "modinfo -n {name}"),
        ],
        examples: &["modinfo: ERROR: could not get modinfo from 'm': No such file or directory"],
        ..FAILURE
    },
    Row {
        id: "module-compression",
        class: "load",
        pattern: r"depmod: ERROR: failed to load symbols from (?P<name>\S+): Function not implemented|modinfo: ERROR: could not get modinfo from '(?P<name__2>[^']+)': Function not implemented",
        meaning: "this kmod was built without the compression of the module {name}",
        help: &[
            here(
                "see which ones it has (+ZSTD, +XZ, +ZLIB)",
                "kmod --version",
            ),
            say(
                "install a kmod that has it, or install the module uncompressed (CONFIG_MODULE_COMPRESS_NONE in the kernel's configuration)",
            ),
        ],
        examples: &[
            "depmod: ERROR: failed to load symbols from /lib/modules/6.9.0/kernel/fs/m.ko.zst: Function not implemented",
            "modinfo: ERROR: could not get modinfo from 'm': Function not implemented",
        ],
        ..FAILURE
    },
    Row {
        id: "modules-dir-gone",
        class: "not-found",
        pattern: r"could not open (?:moddep file|builtin file|directory) '?/?\S*modules/(?P<release>[^/'\s:]+)|/lib/modules/(?P<release__2>[^/\s]+)/modules\.dep(?:\.bin)?'?: No such file or directory",
        meaning: "there is no directory of modules for the kernel {release}",
        notes: &[
            "depmod and modprobe look for the running kernel's, also in a chroot or a container",
        ],
        help: &[
            here(
                "if the kernel was upgraded since the last boot, its modules are gone: reboot",
                "uname -r; ls /lib/modules",
            ),
            say("for a kernel that does not run, name it: depmod RELEASE"),
        ],
        under: &["not-found"],
        examples: &[
            "modprobe: ERROR: ../libkmod/libkmod.c:586 kmod_search_moddep() could not open moddep file '/lib/modules/6.1.0/modules.dep.bin'",
        ],
        ..FAILURE
    },
    Row {
        id: "key-rejected",
        class: "ending",
        pattern: ending!(
            "Key was rejected by service|Required key not available|Key has been revoked|Key has expired"
        ),
        meaning: "the kernel refused the module {module} for its signature",
        notes: &[
            "it says: {error}. The module is signed with a key that the kernel does not know, its signature is damaged, or it has none and the kernel insists on one",
        ],
        help: &[
            MOK_DKMS,
            here(
                "see whose key it is, and which are enrolled",
                "modinfo -F signer {module}; mokutil --list-enrolled",
            ),
            here(
                "the kernel log says which part it refused",
                "sudo dmesg | rustkmod explain",
            ),
        ],
        under: &["load"],
        examples: &[
            "insmod: ERROR: could not insert module m.ko: Key was rejected by service",
            "modprobe: ERROR: could not insert 'r8126': Required key not available",
        ],
        ..FAILURE
    },
    Row {
        id: "invalid-format",
        class: "ending",
        pattern: ending!("[Ii]nvalid module format|[Ee]xec format error"),
        meaning: "the kernel refused the module {module}; its reason is in the kernel's log",
        notes: &[
            "insmod and modprobe pass on the error alone (ENOEXEC): the version, checksums, exports that are there twice, relocations, or a file for another processor",
        ],
        help: &[KERNEL_LOG, CHECK],
        under: &["load"],
        examples: &[
            "insmod: ERROR: could not insert module m.ko: Invalid module format",
            "insmod: can't insert '/m.ko': invalid module format",
            "modprobe: ERROR: could not insert 'hello': Exec format error",
            "systemd-modules-load[580]: Failed to insert module 'nvhda': Exec format error",
        ],
        ..FAILURE
    },
    Row {
        id: "insmod-unknown-symbol",
        class: "ending",
        pattern: ending!("[Uu]nknown symbol in module.*"),
        meaning: "the kernel refused the module {module} for symbols that it lacks; the kernel's log names them",
        notes: &["insmod passes on the error alone (ENOENT)"],
        help: &[
            KERNEL_LOG,
            CHECK,
            here(
                "let the modules that it needs be loaded as well, which insmod does not do",
                "sudo depmod -a && sudo modprobe {module}",
            ),
        ],
        under: &["load"],
        examples: &[
            "insmod: ERROR: could not insert module m.ko: Unknown symbol in module",
            "modprobe: ERROR: could not insert 'm': Unknown symbol in module, or unknown parameter (see dmesg)",
        ],
        ..FAILURE
    },
    Row {
        id: "not-permitted",
        class: "ending",
        pattern: ending!("Operation not permitted|Permission denied"),
        meaning: "loading the module {module} is not permitted",
        notes: &[
            "{error}: who loads is not root (or is in a container), lockdown is on, kernel.modules_disabled is 1, or module_blacklist= names it",
        ],
        help: &[
            here(
                "see which",
                "id -u; cat /proc/sys/kernel/modules_disabled /sys/kernel/security/lockdown /proc/cmdline",
            ),
            KERNEL_LOG,
        ],
        under: &["load"],
        examples: &["insmod: ERROR: could not insert module m.ko: Operation not permitted"],
        ..FAILURE
    },
    Row {
        id: "file-exists",
        class: "ending",
        pattern: ending!("File exists"),
        meaning: "a module of the name {module} is loaded already, or what it registers is there",
        help: &[
            here("see whether it is loaded", "lsmod | grep -w {module}"),
            KERNEL_LOG,
        ],
        under: &["load"],
        examples: &["insmod: ERROR: could not insert module hello.ko: File exists"],
        ..FAILURE
    },
    Row {
        id: "no-such-device",
        class: "ending",
        pattern: ending!("No such device(?: or address)?"),
        meaning: "the module {module} found no device that it is for, and gave up",
        notes: &["its own init returned {error}; the module itself fits this kernel"],
        help: &[KERNEL_LOG],
        under: &["load", "kernel-report"],
        examples: &["modprobe: ERROR: could not insert 'nvidia': No such device"],
        ..FAILURE
    },
    Row {
        id: "init-failed",
        class: "ending",
        pattern: ending!("[A-Za-z].*"),
        meaning: "the module {module} was not loaded: {error}",
        notes: &[
            "the kernel refused it, or its own init returned that error: Invalid argument (EINVAL), for one, is both. The kernel's log tells which",
        ],
        help: &[KERNEL_LOG, CHECK],
        under: &["load", "kernel-report"],
        examples: &[
            "modprobe: ERROR: could not insert 'vhci_hcd': Invalid argument",
            "insmod: ERROR: could not insert module m.ko: Cannot allocate memory",
            "insmod: ERROR: could not insert module m.ko: Bad message",
        ],
        ..FAILURE
    },
    Row {
        id: "file-not-found",
        class: "ending",
        pattern: r"insmod: (?:ERROR: could not load module|can't read) '?(?P<file_given>[^':]+)'?: (?P<error>.+)",
        meaning: "insmod cannot read the file {file_given}",
        notes: &["it says: {error}", "insmod takes a file, modprobe a name"],
        examples: &[
            "insmod: ERROR: could not load module hello: No such file or directory",
            "insmod: can't read 'hello': No such file or directory",
        ],
        ..FAILURE
    },
    Row {
        id: "in-use",
        class: "ending",
        pattern: r"(?:rmmod: ERROR: |modprobe: FATAL: )?Module (?P<module>\S+) is (?:in use(?: by: (?P<by>.+))?|builtin\.?)",
        meaning: "the module {module} cannot be unloaded: it is in use, or built in",
        notes: &["these use it: {by}"],
        help: &[here("see who uses it", "lsmod | grep -w {module}")],
        examples: &[
            "rmmod: ERROR: Module fuse is in use by: cuse",
            "modprobe: FATAL: Module fuse is builtin.",
        ],
        ..FAILURE
    },
    Row {
        id: "not-loaded",
        class: "ending",
        pattern: r"rmmod: ERROR: Module (?P<module>\S+) is not currently loaded",
        meaning: "there is no module {module} to unload",
        help: &[here("see what is loaded", "lsmod")],
        examples: &["rmmod: ERROR: Module hello is not currently loaded"],
        ..FAILURE
    },
];
