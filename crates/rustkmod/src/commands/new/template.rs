// SPDX-License-Identifier: MIT OR Apache-2.0

//! The files of a new module. What is the same for every module is that of the sample module,
//! whose files they are: it is built and installed by this project's own tests.

use std::fmt::Write;

use clap::ValueEnum;
use sha2::{Digest, Sha256};

use super::name::Name;
use crate::drift;

/// The sample module's package, from which the new one's is made.
mod sample {
    pub const KBUILD: &str = include_str!("../../../../../rust-out-of-tree-dkms/Kbuild");
    pub const MAKEFILE: &str = include_str!("../../../../../rust-out-of-tree-dkms/Makefile");
    pub const CHECK_HEADERS: &str =
        include_str!("../../../../../rust-out-of-tree-dkms/check-headers");
    pub const DKMS_CONF: &str = include_str!("../../../../../rust-out-of-tree-dkms/dkms.conf");
    pub const PKGBUILD: &str = include_str!("../../../../../rust-out-of-tree-dkms/PKGBUILD");
    pub const LICENSE: &str = include_str!("../../../../../LICENSES/0BSD.txt");
    /// Its names: DKMS's and pacman's, and the module's.
    pub const NAMES: [&str; 2] = ["rust-out-of-tree", "rust_out_of_tree"];
    pub const AUTHOR: &str = "The linux-rust maintainers";
}

const HELLO: &str = include_str!("module.rs.in");

/// C and Rust. The C files are built and loaded by this project's own tests as they are.
mod mixed {
    pub const MAIN: &str = include_str!("mixed/main.rs.in");
    pub const HEADER: &str = include_str!("mixed/mixed.h");
    pub const DEVICE: &str = include_str!("mixed/device.c");
    pub const KBUILD: &str = include_str!("mixed/Kbuild.in");
}

/// What kind of module it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Template {
    /// One Rust file that logs a greeting
    #[default]
    Hello,
    /// A device written in C whose data is kept by Rust, with bindings made by bindgen
    Mixed,
}

/// What a module is made from.
#[derive(Debug, Clone)]
pub struct Module {
    /// What kind of module it is.
    pub template: Template,
    /// Whether continuous integration is to be set up, too.
    pub has_ci: bool,
    pub name: Name,
    pub author: String,
    /// The series whose `kernel` crate it is written for.
    pub series: (u32, u32),
}

/// One of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is, in the module's directory.
    pub name: String,
    pub text: String,
    pub is_executable: bool,
}

/// Every file of a new module.
pub fn files(module: &Module) -> Vec<File> {
    let name = module.name.as_str();
    let renamed = |text: &str| {
        let text = sample::NAMES
            .iter()
            .fold(text.to_string(), |text, old| text.replace(old, name));
        text.replace(sample::AUTHOR, &module.author)
    };
    let file = |name: &str, text: String| File {
        name: name.to_string(),
        text,
        is_executable: false,
    };
    let sources = match module.template {
        Template::Hello => vec![file(&format!("{name}.rs"), in_rust(module, HELLO))],
        Template::Mixed => vec![
            file(&format!("{name}_main.rs"), in_rust(module, mixed::MAIN)),
            file(&format!("{name}.h"), in_c(module, mixed::HEADER)),
            file(&format!("{name}_device.c"), in_c(module, mixed::DEVICE)),
        ],
    };
    let kbuild = file("Kbuild", renamed(&kbuild(module)));
    let program = |name: &str, text: String| File {
        is_executable: true,
        ..file(name, text)
    };
    let check_headers = program("check-headers", sample::CHECK_HEADERS.to_string());
    let makefile = file("Makefile", sample::MAKEFILE.to_string());
    let dkms_conf = file("dkms.conf", renamed(sample::DKMS_CONF));
    let licence = file("LICENSE", renamed(sample::LICENSE));
    let names: Vec<&str> = sources.iter().map(|file| file.name.as_str()).collect();
    let pkgbuild = renamed(sample::PKGBUILD)
        .replace(
            &format!("  {name}.rs\n"),
            &format!("  {}\n", names.join("\n  ")),
        )
        .replace(&format!(" {name}.rs "), &format!(" {} ", names.join(" ")));
    // In the order of the PKGBUILD's `source`.
    let mut files = sources;
    files.extend([kbuild, makefile, dkms_conf, check_headers, licence]);
    let pkgbuild = file("PKGBUILD", with_sums(&pkgbuild, &files));
    files.push(pkgbuild);
    if module.has_ci {
        let ci = include_str!("ci.in").replace("@SOURCE@", &files[0].name);
        files.push(program("ci", ci));
        let workflow = include_str!("workflow.yml.in").replace("@NAME@", name);
        files.push(file(".github/workflows/module.yml", workflow));
    }
    let ignored = include_str!("gitignore.in");
    let ignored = match module.template {
        Template::Hello => ignored.to_string(),
        Template::Mixed => format!("{ignored}/compile_commands.json\n/{name}_bindings.rs\n"),
    };
    files.push(file(".gitignore", ignored));
    files.push(file("README.md", readme(module)));
    files
}

/// A file in Rust, in plain code for the module's series.
fn in_rust(module: &Module, text: &str) -> String {
    let has = |id| drift::has(id, module.series);
    // The strings of `module!` were bytes.
    let b = if has("module-strings") { "" } else { "b" };
    let author = &module.author;
    let author = if has("authors") {
        format!("authors: [\"{author}\"]")
    } else {
        format!("author: {b}\"{author}\"")
    };
    // The stable releases of 6.12 have it, too.
    let vec = if has("kvec") || module.series == (6, 12) {
        "KVec"
    } else {
        "Vec"
    };
    let push = |value: &str| {
        if has("push") {
            format!("push({value}, GFP_KERNEL)")
        } else {
            format!("try_push({value})")
        }
    };
    text.replace("@TYPE@", &module.name.type_name())
        .replace("@NAME@", module.name.as_str())
        .replace("@B@", b)
        .replace("@VEC@", vec)
        .replace("@PUSH72@", &push("72"))
        .replace("@PUSH108@", &push("108"))
        .replace("@PUSH@", &push("byte"))
        // Last: what an author is called is not looked through.
        .replace("@AUTHOR@", &author)
}

/// A file in C, which has the names of the one that the tests build.
fn in_c(module: &Module, text: &str) -> String {
    let name = module.name.as_str();
    text.replace("mixed", name)
        .replace("MIXED", &name.to_uppercase())
}

/// What stands in the way of an author's name in `module!`, whose strings the macro pastes.
pub fn author_fault(author: &str, series: (u32, u32)) -> Option<&'static str> {
    if author.trim().is_empty() {
        return Some("it is empty");
    }
    if author.contains(['"', '\\']) {
        return Some("it has a '\"' or a '\\', which end or change a string in Rust");
    }
    if author.contains(char::is_control) {
        return Some("it has a line break or another control character");
    }
    // Strings of bytes, and since 6.15 `authors`, are ASCII; in between, the macro asks nothing.
    if !author.is_ascii() && !(((6, 2)..(6, 15)).contains(&series)) {
        return Some("`module!` of this series takes ASCII characters only");
    }
    None
}

/// The sample's Kbuild without what tells its one source the series; where there are more sources,
/// its head.
fn kbuild(module: &Module) -> String {
    let (before, rest) = sample::KBUILD.split_once("obj-m").unwrap_or_default();
    match module.template {
        Template::Hello => {
            let object = rest.lines().next().unwrap_or_default();
            format!("{before}obj-m{object}\n")
        }
        Template::Mixed => {
            before.to_string() + &mixed::KBUILD.replace("@NAME@", module.name.as_str())
        }
    }
}

fn readme(module: &Module) -> String {
    let (version, patchlevel) = module.series;
    let ci = "    ./ci                     # what continuous integration does\n";
    include_str!("README.md.in")
        .replace(
            "@WHAT@",
            match module.template {
                Template::Hello => "in Rust",
                Template::Mixed => "of C and Rust",
            },
        )
        .replace("@CI@\n", if module.has_ci { ci } else { "" })
        .replace("@NAME@", module.name.as_str())
        .replace("@SERIES@", &format!("{version}.{patchlevel}"))
}

/// The PKGBUILD with the sums of these files in place of its own.
fn with_sums(pkgbuild: &str, files: &[File]) -> String {
    const BEGIN: &str = "sha256sums=(\n";
    let (before, rest) = pkgbuild.split_once(BEGIN).unwrap_or((pkgbuild, ")"));
    let after = rest.split_once(')').map_or("", |(_, after)| after);
    let mut sums = String::new();
    for file in files {
        sums.push_str("  ");
        for byte in Sha256::digest(&file.text) {
            write!(sums, "{byte:02x}").expect("a string takes all");
        }
        sums.push('\n');
    }
    format!("{before}{BEGIN}{sums}){after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(series: (u32, u32)) -> Vec<File> {
        made_of(Template::Hello, series)
    }

    fn made_of(template: Template, series: (u32, u32)) -> Vec<File> {
        files(&Module {
            template,
            has_ci: template == Template::Mixed,
            name: Name::parse("hello_world").unwrap(),
            author: "A. Author <a@example.org>".into(),
            series,
        })
    }

    fn text(series: (u32, u32), name: &str) -> String {
        text_of(Template::Hello, series, name)
    }

    fn text_of(template: Template, series: (u32, u32), name: &str) -> String {
        let all = made_of(template, series);
        all.into_iter().find(|file| file.name == name).unwrap().text
    }

    #[test]
    fn each_series_gets_its_own_plain_code() {
        let of = |series| text(series, "hello_world.rs");
        let first = of((6, 1));
        assert!(
            first.contains("name: b\"hello_world\"") && first.contains("numbers.try_push(72)?")
        );
        assert!(of((6, 2)).contains("author: \"A. Author <a@example.org>\","));
        assert!(of((6, 10)).contains("Vec::new();\n        numbers.push(72, GFP_KERNEL)?"));
        assert!(of((6, 12)).contains(" KVec<i32>") && of((6, 12)).contains("    author: \""));
        assert!(of((7, 2)).contains("    authors: [\"A. Author <a@example.org>\"],"));
        for series in [(6, 1), (6, 10), (6, 12), (7, 2)] {
            assert_eq!(of(series).matches('@').count(), 1, "only the author's");
            assert!(!of(series).contains("cfg"));
        }
    }

    #[test]
    fn nothing_of_the_sample_is_left() {
        let mixed = made_of(Template::Mixed, (6, 12));
        for file in made((6, 12)).into_iter().chain(mixed) {
            for left in [
                "out_of_tree",
                "out-of-tree",
                "linux-rust maintainers",
                "mixed",
            ] {
                assert!(!file.text.contains(left), "{left} in {}", file.name);
            }
        }
    }

    #[test]
    fn kbuild_is_plain() {
        let kbuild = text((6, 1), "Kbuild");
        assert!(
            kbuild.ends_with("\nendif\n\nobj-m := hello_world.o\n"),
            "{kbuild}"
        );
        assert!(!kbuild.contains("since"));
    }

    #[test]
    fn pkgbuild_names_every_source_with_its_sum() {
        for (template, sources) in [
            (Template::Hello, &["hello_world.rs"][..]),
            (
                Template::Mixed,
                &[
                    "hello_world_main.rs",
                    "hello_world.h",
                    "hello_world_device.c",
                ],
            ),
        ] {
            let pkgbuild = text_of(template, (6, 1), "PKGBUILD");
            let list = |name: &str| -> Vec<String> {
                let (_, rest) = pkgbuild.split_once(&format!("\n{name}=(\n")).unwrap();
                let (inside, _) = rest.split_once("\n)").unwrap();
                inside.lines().map(|line| line.trim().to_string()).collect()
            };
            let (names, sums) = (list("source"), list("sha256sums"));
            let rest = [
                "Kbuild",
                "Makefile",
                "dkms.conf",
                "check-headers",
                "LICENSE",
            ];
            assert_eq!(names, [sources, &rest].concat());
            for (name, sum) in names.iter().zip(&sums) {
                let digest = Sha256::digest(text_of(template, (6, 1), name));
                let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(*sum, digest, "{name}");
            }
            assert_eq!(names.len(), sums.len());
            let installed = format!("-m644 {} Kbuild", sources.join(" "));
            assert!(pkgbuild.contains(&installed), "{pkgbuild}");
        }
    }

    #[test]
    fn mixed_module_is_one_for_its_series() {
        let main = |series| text_of(Template::Mixed, series, "hello_world_main.rs");
        assert!(main((6, 1)).contains("kept.try_push(byte)?"));
        assert!(main((7, 3)).contains("kept.push(byte, GFP_KERNEL)?"));
        assert!(main((7, 3)).contains("KVec<u8>") && !main((6, 1)).contains("KVec"));
        for series in [(6, 1), (6, 12), (7, 3)] {
            assert_eq!(main(series).matches('@').count(), 1, "only the author's");
        }
        let kbuild = text_of(Template::Mixed, (6, 1), "Kbuild");
        assert!(
            kbuild.contains("\nhello_world-y := hello_world_main.o hello_world_device.o\n"),
            "{kbuild}"
        );
        let header = text_of(Template::Mixed, (6, 1), "hello_world.h");
        assert!(header.contains("#ifndef HELLO_WORLD_H"), "{header}");
    }

    #[test]
    fn authors_that_break_the_code_are_refused() {
        for author in ["", " ", "a\"b", "a\\b", "a\nb"] {
            assert!(author_fault(author, (6, 12)).is_some(), "{author:?}");
        }
        assert!(author_fault("Jürgen", (6, 12)).is_none());
        assert!(
            author_fault("Jürgen", (6, 1)).is_some() && author_fault("Jürgen", (7, 2)).is_some()
        );
    }
}
