// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files out of a package.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use kernel_files::decompress;

use super::child;
use crate::call::Call;
use crate::error::{Error, Result};

/// Unpacks those files of a package that are wanted into a directory below `home`.
pub(super) fn unpack(
    package: &Path,
    home: &Path,
    directory: &Path,
    is_wanted: impl Fn(&Path) -> bool,
) -> Result<()> {
    let damaged = |error: std::io::Error| {
        Error::new(format!("{} cannot be unpacked", package.display()))
            .note(with_sources(&error))
            .run("fetch it again", Call::again("toolchain"))
    };
    let file = File::open(package).map_err(|error| Error::read(package.to_path_buf(), error))?;
    let stream = decompress::stream(BufReader::with_capacity(1 << 20, file)).map_err(damaged)?;
    let mut archive = tar::Archive::new(stream);
    for entry in archive.entries().map_err(damaged)? {
        child::not_interrupted()?;
        let mut entry = entry.map_err(damaged)?;
        if entry.path().is_ok_and(|path| is_wanted(&path)) {
            entry
                .unpack_in(directory)
                .map_err(|error| match of_the_system(&error) {
                    // No fault of the package's.
                    Some(source) => Error::write(home, &source),
                    None => damaged(error),
                })?;
        }
    }
    Ok(())
}

/// An error, and those behind it: tar says what it was doing, and its source why it failed.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text += &format!(": {error}");
        next = error.source();
    }
    text
}

/// The error of the system's that is behind one of tar's.
fn of_the_system(error: &std::io::Error) -> Option<std::io::Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<std::io::Error>();
        if let Some(code) = io.and_then(std::io::Error::raw_os_error) {
            return Some(std::io::Error::from_raw_os_error(code));
        }
        // Of an io::Error with another inside, `source` skips to what is behind that.
        next = match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A package in a directory that has room for what is in it.
    fn package(name: &str, files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(name);
        let mut archive = tar::Builder::new(File::create(&path).unwrap());
        for name in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, &b"x"[..]).unwrap();
        }
        archive.finish().unwrap();
        (home, path)
    }

    #[test]
    fn only_what_is_wanted_is_unpacked() {
        let (home, path) = package("p.pkg.tar", &["usr/lib/a", "usr/bin/b"]);
        let home = home.path();
        unpack(&path, home, home, |path| path.starts_with("usr/lib")).unwrap();
        assert!(home.join("usr/lib/a").exists() && !home.join("usr/bin").exists());
        // Cut off.
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 4]).unwrap();
        let error = unpack(&path, home, home, |_| true).unwrap_err();
        assert!(error.message.contains("cannot be unpacked"), "{error}");
    }

    #[test]
    fn what_the_system_refuses_is_not_the_packages_fault() {
        let (home, path) = package("p.pkg.tar", &["usr/lib/a", "usr/lib/a/b"]);
        let error = unpack(&path, home.path(), home.path(), |_| true).unwrap_err();
        assert!(error.message.ends_with(" cannot be written"), "{error}");
        assert!(!error.to_string().contains("p.pkg"), "{error}");
    }

    #[derive(Debug)]
    struct Outer(std::io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            out.write_str("failed to unpack `f`")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_is_told_with_what_is_behind_it() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = std::io::Error::other(Outer(full()));
        assert_eq!(
            with_sources(&error),
            format!("failed to unpack `f`: {}", full())
        );
        let refused = || std::io::Error::from_raw_os_error(nix::Error::EACCES as i32);
        let error = std::io::Error::other(Outer(refused()));
        let found = of_the_system(&error).and_then(|error| error.raw_os_error());
        assert_eq!(found, refused().raw_os_error());
    }
}
