// SPDX-License-Identifier: MIT OR Apache-2.0

//! The files of a new module. What is the same for every module is that of the sample module,
//! whose files they are: it is built and installed by this project's own tests.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::name::Name;

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

/// What a module is made from.
#[derive(Debug, Clone)]
pub struct Module {
    /// Its name.
    pub name: Name,
    /// Who writes it.
    pub author: String,
    /// The series whose `kernel` crate it is written for.
    pub series: (u32, u32),
}

/// One of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is, in the module's folder.
    pub name: String,
    /// What it holds.
    pub text: String,
    /// Whether it is a program.
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
    let source = file(&format!("{name}.rs"), source(module));
    let kbuild = file("Kbuild", renamed(&kbuild()));
    let check_headers = File {
        is_executable: true,
        ..file("check-headers", sample::CHECK_HEADERS.to_string())
    };
    let makefile = file("Makefile", sample::MAKEFILE.to_string());
    let dkms_conf = file("dkms.conf", renamed(sample::DKMS_CONF));
    // In the order of the PKGBUILD's `source`.
    let licence = file("LICENSE", renamed(sample::LICENSE));
    let packaged = [source, kbuild, makefile, dkms_conf, check_headers, licence];
    let pkgbuild = file("PKGBUILD", with_sums(&renamed(sample::PKGBUILD), &packaged));
    let mut files = Vec::from(packaged);
    files.push(pkgbuild);
    files.push(file(".gitignore", include_str!("gitignore.in").to_string()));
    files.push(file("README.md", readme(module)));
    files
}

/// The module itself, in plain code for its series.
fn source(module: &Module) -> String {
    let since = |version, patchlevel| module.series >= (version, patchlevel);
    // The strings of `module!` were bytes.
    let b = if since(6, 2) { "" } else { "b" };
    let author = &module.author;
    let author = if since(6, 15) {
        format!("authors: [\"{author}\"]")
    } else {
        format!("author: {b}\"{author}\"")
    };
    // 6.13 brought `KVec`, and so did the stable releases of 6.12.
    let vec = if since(6, 12) { "KVec" } else { "Vec" };
    let push = |number: u32| {
        if since(6, 10) {
            format!("push({number}, GFP_KERNEL)")
        } else {
            format!("try_push({number})")
        }
    };
    include_str!("module.rs.in")
        .replace("@TYPE@", &module.name.type_name())
        .replace("@NAME@", module.name.as_str())
        .replace("@B@", b)
        .replace("@VEC@", vec)
        .replace("@PUSH72@", &push(72))
        .replace("@PUSH108@", &push(108))
        // Last: what an author is called is not looked through.
        .replace("@AUTHOR@", &author)
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

/// The sample's Kbuild without what tells its one source the series.
fn kbuild() -> String {
    let (before, rest) = sample::KBUILD.split_once("obj-m").unwrap_or_default();
    let object = rest.lines().next().unwrap_or_default();
    format!("{before}obj-m{object}\n")
}

fn readme(module: &Module) -> String {
    let (version, patchlevel) = module.series;
    include_str!("README.md.in")
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
        files(&Module {
            name: Name::parse("hello_world").unwrap(),
            author: "A. Author <a@example.org>".into(),
            series,
        })
    }

    fn text(series: (u32, u32), name: &str) -> String {
        let all = made(series);
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
        for file in made((6, 12)) {
            for left in ["out_of_tree", "out-of-tree", "linux-rust maintainers"] {
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
    fn the_sums_are_those_of_the_files_in_their_order() {
        let pkgbuild = text((6, 1), "PKGBUILD");
        let list = |name: &str| -> Vec<String> {
            let (_, rest) = pkgbuild.split_once(&format!("\n{name}=(\n")).unwrap();
            let (inside, _) = rest.split_once("\n)").unwrap();
            inside.lines().map(|line| line.trim().to_string()).collect()
        };
        let (names, sums) = (list("source"), list("sha256sums"));
        assert_eq!(
            names,
            [
                "hello_world.rs",
                "Kbuild",
                "Makefile",
                "dkms.conf",
                "check-headers",
                "LICENSE"
            ]
        );
        for (name, sum) in names.iter().zip(&sums) {
            let digest = Sha256::digest(text((6, 1), name));
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(*sum, digest, "{name}");
        }
        assert_eq!(names.len(), sums.len());
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
