// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a log tells beside its failures: which tree was built, for which kernel, by which tools.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::block::{Block, Kind, is_progress};

/// The values that texts name as `{name}`.
#[derive(Debug, Default, Clone)]
pub struct Facts {
    values: BTreeMap<&'static str, String>,
    /// Whether a line shows that the kernel itself is built, not a module for it.
    is_kernel_build: bool,
    /// Whether a line shows that a module is built.
    is_module_build: bool,
    /// Whether make was sent to a tree by a name that only its next line tells in full.
    is_sent: bool,
}

/// Where a value stands in a line. The first line that has it counts.
const IN_LINES: &[&str] = &[
    // The headers, as make is sent there. Debian's and Ubuntu's are below /usr/src.
    r"Entering directory '(?P<kdir>/(?:usr/)?lib/modules/(?P<release>[^/']+)/build)'",
    r"Entering directory '(?P<kdir>/usr/src/(?:linux-headers-|kernels/)(?P<release>\d[^/']+))'",
    r"^make\b.* -C '?(?P<kdir>/(?:usr/)?lib/modules/(?P<release>\d[^/\s']+)/build)'?",
    r"^make\b.* -C '?(?P<kdir>/[^\s'$`]+)'? (?:.* )?M=",
    r"\*\*\* \[(?P<kdir>/(?:usr/)?lib/modules/(?P<release>\d[^/\s]+)/build)/(?:scripts/)?Makefile",
    r"\*\*\* \[(?P<kdir>/usr/src/(?:linux-headers-|kernels/)(?P<release>\d[^/\s]+))/(?:scripts/)?Makefile",
    r"\*\*\* \[(?P<kdir>/usr/src/linux-(?P<release>\d[^/\s]+))/(?:scripts/)?Makefile",
    r"/(?:usr/)?lib/modules/(?P<release>\d[^/\s'\x22]+)/",
    r"DKMS .*make\.log for .* for kernel (?P<release>(?P<dkms_release>\d\S+))",
    r"^(?:==> )?Starting build: '?(?P<release>\d[^\s']+)",
    r"\bKERNELRELEASE=(?P<dkms_release>\d\S+)",
    r"The kernel was built by: +(?P<kernel_cc>.+)",
    r"^Linux version (?P<release>\d\S+)",
    r"linux-(?:source-|headers-)?(?P<release>\d+\.\d+[\w.~+-]*)/",
    r"\*\*\* \[(?P<kdir>/[^\s\]:]+)/(?:scripts/Makefile\.\w+:\d+: |Makefile:\d+: __sub-make\])",
    // A source tree, where make gives up in it.
    r"\*\*\* \[(?P<tree>/[^\s\]:]+)/(?:Makefile|(?:scripts|rust)/Makefile[\w.]*):\d+: ",
];

/// What the lines below a banner's head say, by what the head is about.
const IN_BANNERS: &[(&str, &str)] = &[
    ("Rust compiler", r"Your version:\s+(?P<rustc>\d[\d.]*)"),
    (
        "Rust compiler",
        r"(?:Expected|Minimum) version:\s+(?P<rustc_wanted>\d[\d.]*)",
    ),
    (
        "Rust bindings generator",
        r"Your version:\s+(?P<bindgen>\d[\d.]*)",
    ),
    (
        "Rust bindings generator",
        r"(?:Expected|Minimum) version:\s+(?P<bindgen_wanted>\d[\d.]*)",
    ),
];

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}

impl Facts {
    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The kernel's series, such as (6, 12), where the log names a release.
    pub fn series(&self) -> Option<(u32, u32)> {
        let mut numbers = self.get("release")?.split(|c: char| !c.is_ascii_digit());
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// The tree that a module is built against, if it is one that a package installs, or if it is not.
    pub fn headers(&self, installed: bool) -> Option<String> {
        let kdir = self.get("kdir")?;
        let places = [
            "/lib/modules/",
            "/usr/lib/modules/",
            "/usr/src/linux-headers-",
            "/usr/src/kernels/",
        ];
        let is_installed = places.iter().any(|place| kdir.starts_with(place));
        (is_installed == installed).then(|| kdir.to_owned())
    }

    /// Whether the log is of the build of a kernel.
    pub fn is_kernel_build(&self) -> bool {
        self.is_kernel_build && !self.is_module_build
    }

    /// Reads a block. `names` are those that `captures` may have.
    pub fn read(&mut self, block: &Block) {
        static LINES: LazyLock<Vec<Regex>> =
            LazyLock::new(|| IN_LINES.iter().map(|pattern| compiled(pattern)).collect());
        static BANNERS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
            let rows = IN_BANNERS.iter();
            rows.map(|(head, pattern)| (*head, compiled(pattern)))
                .collect()
        });
        static MODULE: LazyLock<Regex> = LazyLock::new(|| {
            compiled(
                r"^ {2}[A-Z][A-Z ]* \[M\] +/|\bM=\S|/var/lib/dkms/|DKMS|^make\b.* -C \S*/lib/modules/|Entering directory '/(?:usr/)?lib/modules/",
            )
        });
        static KERNEL: LazyLock<Regex> = LazyLock::new(|| {
            compiled(
                r"^ {2}\S+(?: [A-Z]{1,2})? +(?:rust/|vmlinux|init/|\.tmp_vmlinux|include/config/)|\*\*\* \[(?:\S*/)?(?:Makefile|rust/Makefile|scripts/kconfig/Makefile|scripts/Makefile\.vmlinux):\d+: (?:rustavailable|prepare|vmlinux|syncconfig|olddefconfig|include/config|rust/)|modpost: .*\[[a-z]\w*/\S+\.ko\]|in archive vmlinux\.a",
            )
        });
        static SENT: LazyLock<Regex> = LazyLock::new(|| compiled(r"^make\b.* -C [^/\s'].*\bM="));
        static ENTERED: LazyLock<Regex> =
            LazyLock::new(|| compiled(r"Entering directory '(?P<kdir>/[^']+)'"));
        for line in &block.lines {
            let message = line.message();
            if std::mem::replace(&mut self.is_sent, SENT.is_match(message)) {
                self.keep(ENTERED.captures(message), &ENTERED);
            }
            self.is_module_build = self.is_module_build || MODULE.is_match(message);
            self.is_kernel_build = self.is_kernel_build || KERNEL.is_match(message);
            // Most lines of a build only say what is being made, and all that is looked for has one of
            // these in it.
            let may = [
                "/",
                "DKMS",
                "KERNELRELEASE",
                "Linux version",
                "build: ",
                "built by: ",
            ];
            if is_progress(message) || !may.iter().any(|text| message.contains(text)) {
                continue;
            }
            for pattern in LINES.iter() {
                self.keep(pattern.captures(message), pattern);
            }
        }
        if block.kind == Kind::Banner {
            self.is_kernel_build = true;
            let text = block.text();
            for (head, pattern) in BANNERS.iter() {
                if text.contains(head) && !text.contains("libclang") {
                    self.keep(pattern.captures(&text), pattern);
                }
            }
        }
    }

    fn keep(&mut self, captures: Option<Captures<'_>>, pattern: &Regex) {
        /// All names, for a map whose keys live as long as the program.
        const NAMES: &[&str] = &[
            "kdir",
            "tree",
            "release",
            "dkms_release",
            "kernel_cc",
            "rustc",
            "rustc_wanted",
            "bindgen",
            "bindgen_wanted",
        ];
        let Some(captures) = captures else { return };
        for name in NAMES {
            if pattern.capture_names().any(|other| other == Some(*name))
                && let Some(value) = captures.name(name)
            {
                self.values
                    .entry(name)
                    .or_insert_with(|| value.as_str().to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::Line;
    use super::*;

    fn of(log: &str) -> Facts {
        let mut facts = Facts::default();
        let mut parser = super::super::block::Parser::default();
        for (text, number) in log.lines().zip(1..) {
            if let Some(block) = parser.line(Line::new(number, text.as_bytes())) {
                facts.read(&block);
            }
        }
        facts.read(&parser.end().unwrap());
        facts
    }

    #[test]
    fn the_headers_of_a_module_build_are_known() {
        for (line, kdir, series) in [
            (
                "make[1]: Entering directory '/usr/lib/modules/7.1.2-arch1-1/build'",
                Some("/usr/lib/modules/7.1.2-arch1-1/build"),
                (7, 1),
            ),
            (
                "make: Entering directory '/usr/src/linux-headers-6.12.9-amd64'",
                Some("/usr/src/linux-headers-6.12.9-amd64"),
                (6, 12),
            ),
            (
                "make[3]: *** [/usr/src/linux-6.18.30/scripts/Makefile.build:556: /m] Error 2",
                Some("/usr/src/linux-6.18.30"),
                (6, 18),
            ),
            (
                "make -j2 -C /k/linux-6.12.9/ M=/m modules",
                Some("/k/linux-6.12.9/"),
                (6, 12),
            ),
            (
                "make -C ../linux-6.12.9 M=$PWD\nmake[1]: Entering directory '/k/linux-6.12.9'\nmake[2]: Entering directory '/m'\nmake: *** [/k/linux-6.12.9/Makefile:1: all] Error 2",
                Some("/k/linux-6.12.9"),
                (6, 12),
            ),
            (
                "DKMS (dkms-3.4.0) make.log for m/1 for kernel 6.6.1 (x86_64)",
                None,
                (6, 6),
            ),
        ] {
            let facts = of(line);
            assert_eq!(facts.get("kdir"), kdir, "{line}");
            assert_eq!(facts.series(), Some(series), "{line}");
        }
    }

    #[test]
    fn the_tree_of_a_kernel_build_is_known() {
        let facts =
            of("  RUSTC L rust/core.o\nmake[1]: *** [/b/source/Makefile:1260: prepare] Error 2\n");
        assert!(facts.is_kernel_build());
        assert_eq!(facts.get("tree"), Some("/b/source"));
        assert!(!of("  CC [M]  /m/m.o\n").is_kernel_build());
        assert!(of("ERROR: modpost: \"f\" [drivers/a/b.ko] undefined!\n").is_kernel_build());
        assert!(!of("ERROR: modpost: \"f\" [/m/b.ko] undefined!\n").is_kernel_build());
    }

    #[test]
    fn versions_belong_to_the_tool_of_their_banner() {
        let facts = of(
            "***\n*** Rust compiler 'rustc' is too new. This may or may not work.\n***   Your version:     1.75.0\n***   Expected version: 1.71.1\n***\n***\n*** Rust bindings generator 'bindgen' is too new. This may or may not work.\n***   Your version:     0.69.4\n***   Expected version: 0.65.1\n***\n",
        );
        assert_eq!(facts.get("rustc"), Some("1.75.0"));
        assert_eq!(facts.get("rustc_wanted"), Some("1.71.1"));
        assert_eq!(facts.get("bindgen"), Some("0.69.4"));
        assert_eq!(facts.get("bindgen_wanted"), Some("0.65.1"));
    }
}
