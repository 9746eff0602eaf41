// SPDX-License-Identifier: MIT OR Apache-2.0

//! How a tree that somebody else packaged is made to use one rustc: by a `GNUmakefile`, which make
//! reads in the place of the Makefile beside it. No file of a package is changed, and DKMS and stock
//! make use it alike.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kernel_files::file;
use kernel_tree::makefile::{GNUMAKEFILE, LIMIT};

use crate::command::Command;
use crate::error::{Error, Result};

/// The first line of such a file, which tells it from anybody else's.
const MARK: &str =
    "# Made by `rustkmod toolchain --install`; `rustkmod toolchain --remove` removes it.";

/// What kbuild calls the programs.
const VARIABLES: [(&str, &str); 5] = [
    ("RUSTC", "rustc"),
    ("HOSTRUSTC", "rustc"),
    ("RUSTDOC", "rustdoc"),
    ("RUSTFMT", "rustfmt"),
    ("CLIPPY_DRIVER", "clippy-driver"),
];

/// Whose the `GNUmakefile` of a tree is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Nobody,
    /// This program's.
    Ours,
    Another,
}

/// Whose the `GNUmakefile` of a tree is.
pub(super) fn owner(tree: &Path) -> Owner {
    match file::read_text(&tree.join(GNUMAKEFILE), LIMIT) {
        Ok(text) if text.lines().next() == Some(MARK) => Owner::Ours,
        Err(file::Error::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Owner::Nobody
        }
        _ => Owner::Another,
    }
}

/// Whether a tree uses a toolchain, by the path that it has on its machine.
pub(super) fn uses(tree: &Path, toolchain: &str) -> bool {
    owner(tree) == Owner::Ours
        && file::read_text(&tree.join(GNUMAKEFILE), LIMIT)
            .is_ok_and(|text| text.contains(&format!(" := {toolchain}/bin/rustc\n")))
}

/// Says whether a tree can be made to use a toolchain, before anything is fetched.
pub(super) fn can_be_written(tree: &Path, again: impl FnOnce() -> Command) -> Result<()> {
    let path = tree.join(GNUMAKEFILE);
    if owner(tree) == Owner::Another {
        return Err(Error::new(format!(
            "{} is there, and not this program's",
            path.display()
        ))
        .note("make would read a file of this name first: it would name the fetched rustc")
        .run("see what it is for", Command::new("head").arg(&path)));
    }
    nix::unistd::access(tree, nix::unistd::AccessFlags::W_OK)
        .map_err(|error| not_root(&path, &error.into(), again))
}

/// The error of a file that only root may write.
pub(super) fn not_root(path: &Path, error: &io::Error, again: impl FnOnce() -> Command) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied => Error::new(format!("{} cannot be written", path.display()))
            .note(error.to_string())
            .run("run it as root", again()),
        _ => Error::write(path, error),
    }
}

/// Makes a tree use a toolchain, whose path on its machine is `shown` and whose files are in
/// `toolchain`.
pub(super) fn attach(tree: &Path, toolchain: &Path, shown: &str, rustc: &str) -> Result<()> {
    let path = tree.join(GNUMAKEFILE);
    let has = |program: &str| toolchain.join("bin").join(program).is_file();
    let text = text(shown, rustc, has);
    tempfile::Builder::new()
        .prefix(".rustkmod-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(tree)
        .and_then(|mut staged| {
            staged.write_all(text.as_bytes())?;
            staged.persist(&path).map_err(|error| error.error)
        })
        .map(drop)
        .map_err(|error| Error::write(&path, &error))
}

/// A value on make's command line wins, as it would without this file. The values stand in
/// MAKEOVERRIDES for the makes that kbuild starts with `-f Makefile`.
fn text(toolchain: &str, rustc: &str, has: impl Fn(&str) -> bool) -> String {
    let mut text = format!(
        "{MARK}\n# The crates of these headers were made by\n#   {}\n# and no other rustc can read them.\n",
        crate::report::printable(rustc).replace('\n', " ")
    );
    for (name, program) in VARIABLES.iter().filter(|(_, program)| has(program)) {
        let path = format!("{toolchain}/bin/{program}");
        text += &format!(
            "ifneq ($(origin {name}),command line)\n\
             override {name} := {path}\n\
             MAKEOVERRIDES += {name}={path}\n\
             endif\n"
        );
    }
    text + "include Makefile\n"
}

/// Takes the `GNUmakefile` of this program's out of a tree, and what is an empty directory then:
/// pacman leaves the directories of a kernel that it removed because of this file.
pub(super) fn detach(tree: &Path) -> Result<Option<PathBuf>> {
    let path = tree.join(GNUMAKEFILE);
    if owner(tree) != Owner::Ours {
        return Ok(None);
    }
    fs::remove_file(&path).map_err(|error| Error::write(&path, &error))?;
    // Those that are not empty stay: /usr/lib/modules/RELEASE/build.
    if tree.ends_with("build") && fs::remove_dir(tree).is_ok() {
        let _ = tree.parent().map(fs::remove_dir);
    }
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(tree: &Path, arguments: &[&str]) -> String {
        let output = std::process::Command::new("make")
            .env_remove("MAKEFLAGS")
            .arg("-s")
            .arg("-C")
            .arg(tree)
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// A Makefile that starts another make, as kbuild of 6.13 and later does for a module, and that
    /// one a third.
    const MAKEFILE: &str = "ifneq ($(done),1)\n\
        export done := 1\n\
        export top := $(CURDIR)\n\
        all: ; @$(MAKE) --no-print-directory -C sub -f $(top)/Makefile all\n\
        else\n\
        RUSTC = rustc\n\
        export RUSTC\n\
        all: ; @echo $(RUSTC) $$RUSTC; $(MAKE) --no-print-directory -f $(top)/Build\n\
        endif\n";

    #[test]
    fn make_uses_the_toolchain_at_every_depth_and_the_command_line_wins() {
        let keep = tempfile::tempdir().unwrap();
        let (tree, toolchain) = (keep.path().join("build"), keep.path().join("toolchain"));
        for directory in [tree.join("sub"), toolchain.join("bin")] {
            fs::create_dir_all(directory).unwrap();
        }
        fs::write(tree.join("Makefile"), MAKEFILE).unwrap();
        fs::write(tree.join("Build"), "all: ; @echo $(RUSTC)\n").unwrap();
        fs::write(toolchain.join("bin/rustc"), "").unwrap();
        assert_eq!(make(&tree, &[]), "rustc rustc\nrustc\n");
        attach(&tree, &toolchain, "/t", "rustc 1.97.1 (x)").unwrap();
        assert!(uses(&tree, "/t") && !uses(&tree, "/other"));
        for arguments in [&[][..], &["M=/m"], &["-j2", "M=/m"]] {
            let printed = make(&tree, arguments);
            assert_eq!(printed, "/t/bin/rustc /t/bin/rustc\n/t/bin/rustc\n");
        }
        let printed = make(&tree, &["RUSTC=/mine"]);
        assert_eq!(printed, "/mine /mine\n/mine\n");

        assert!(detach(&tree).unwrap().is_some());
        assert_eq!(make(&tree, &[]), "rustc rustc\nrustc\n");
        assert_eq!(detach(&tree).unwrap(), None);
    }

    #[test]
    fn directories_that_pacman_left_go_and_another_file_stays() {
        let keep = tempfile::tempdir().unwrap();
        let tree = keep.path().join("modules/7/build");
        fs::create_dir_all(&tree).unwrap();
        attach(&tree, keep.path(), "/t", "rustc").unwrap();
        detach(&tree).unwrap();
        assert!(!keep.path().join("modules/7").exists());
        assert!(keep.path().join("modules").exists());

        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join(GNUMAKEFILE), "include Makefile\n").unwrap();
        assert_eq!(owner(&tree), Owner::Another);
        let again = || Command::new("again");
        assert!(can_be_written(&tree, again).is_err());
        assert_eq!(detach(&tree).unwrap(), None);
        assert!(tree.join(GNUMAKEFILE).exists());
    }

    #[test]
    fn version_text_stays_a_comment() {
        let text = text("/t", "rustc 1\n$(shell x) (Arch Linux rust 1-1)", |_| true);
        let mut with_it = text.lines().filter(|line| line.contains("shell"));
        assert!(with_it.all(|line| line.starts_with('#')), "{text}");
    }
}
