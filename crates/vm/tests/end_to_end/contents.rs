// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is in the packages, and what is not.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::Failed;

use crate::lab::{self, Lab, content, files, trials};

trials![
    the_kernel_package_is_laid_out_as_archs,
    the_headers_have_what_modules_in_rust_need,
    the_toolchain_is_whole_and_outside_path,
    rustcs_licences_are_in_every_series,
    the_sources_are_those_of_this_build,
    the_documentation_is_read_offline,
    the_headers_depend_on_exactly_their_toolchain,
    uname_vermagic_and_package_agree,
    programs_find_their_libraries_in_what_the_package_depends_on,
    owners_and_modes_are_plain,
    no_package_runs_anything_but_the_kernels_hooks,
    no_path_of_the_build_is_inside,
];

/// A package of the default series, or of the module.
pub fn unpacked(lab: &Lab, name: &str) -> Result<PathBuf, Failed> {
    let is_dkms = lab::package(&lab.dkms.path, name).is_ok();
    let kept = match name {
        _ if is_dkms => &lab.dkms,
        "rust162" => &lab.toolchain,
        _ => &lab.first,
    };
    lab.unpacked(&kept.path, name)
}

pub fn all_unpacked(lab: &Lab) -> Result<Vec<(&'static str, PathBuf)>, Failed> {
    [
        "linux-rust-lts61-vm",
        "linux-rust-lts61-vm-headers",
        "rust162",
        "linux-rust-lts61-vm-src",
        "linux-rust-lts61-vm-rustdoc",
        "rust-out-of-tree-dkms",
    ]
    .into_iter()
    .map(|name| Ok((name, unpacked(lab, name)?)))
    .collect()
}

/// Values of a key in .PKGINFO, as makepkg writes it: "key = value".
fn pkginfo(package: &Path, key: &str) -> Result<Vec<String>, Failed> {
    let text = fs::read_to_string(package.join(".PKGINFO"))?;
    Ok(text
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        .map(str::to_owned)
        .collect())
}

/// What 6.1 makes of its Rust, for modules to be compiled with.
pub const CRATES: [&str; 6] = [
    "rust/libcore.rmeta",
    "rust/libcompiler_builtins.rmeta",
    "rust/liballoc.rmeta",
    "rust/libbindings.rmeta",
    "rust/libkernel.rmeta",
    "rust/libmacros.so",
];

/// Fails unless each of these is there, and not empty.
#[track_caller]
pub fn has(directory: &Path, wanted: &[&str]) {
    for file in wanted {
        let found = directory
            .join(file)
            .metadata()
            .is_ok_and(|file| file.len() > 0);
        assert!(
            found,
            "'{file}' is missing or empty in {}",
            directory.display()
        );
    }
}

fn the_kernel_package_is_laid_out_as_archs(lab: &Lab) -> Result<(), Failed> {
    let package = unpacked(lab, "linux-rust-lts61-vm")?;
    let modules = package.join("usr/lib/modules").join(&*lab.release);
    has(
        &modules,
        &[
            "vmlinuz",
            "modules.order",
            "modules.builtin",
            "modules.builtin.modinfo",
        ],
    );
    // With pkgbase it would get an image, and a place in boot menus.
    for other in ["build", "source", "modules.dep", "pkgbase"] {
        assert!(
            modules.join(other).symlink_metadata().is_err(),
            "{other} is not this package's"
        );
    }
    let kernel: Vec<_> = files(&modules.join("kernel"));
    assert!(!kernel.is_empty());
    for module in kernel {
        assert!(
            module.to_string_lossy().ends_with(".ko.zst"),
            "{}",
            module.display()
        );
    }
    // Nothing beside it.
    let allowed = ["usr/lib/modules/", "."];
    for file in files(&package) {
        let inside = file.strip_prefix(&package)?.to_string_lossy().into_owned();
        assert!(
            allowed.iter().any(|place| inside.starts_with(place)),
            "unexpected: {inside}"
        );
    }
    Ok(())
}

/// The kernel's build directory in what was unpacked.
fn build_directory(lab: &Lab, package: &Path) -> PathBuf {
    package
        .join("usr/lib/modules")
        .join(&*lab.release)
        .join("build")
}

fn the_headers_have_what_modules_in_rust_need(lab: &Lab) -> Result<(), Failed> {
    let package = unpacked(lab, "linux-rust-lts61-vm-headers")?;
    let build = build_directory(lab, &package);
    has(
        &build,
        &[
            // As in Arch's.
            ".config",
            "Makefile",
            "Module.symvers",
            "System.map",
            "localversion.10-pkgrel",
            "localversion.20-pkgname",
            "version",
            "vmlinux",
            "kernel/Makefile",
            "arch/x86/Makefile",
            "arch/x86/kernel/asm-offsets.s",
            "arch/x86/include/generated/asm/syscalls_64.h",
            "include/generated/autoconf.h",
            "include/config/auto.conf",
            "scripts/basic/fixdep",
            "scripts/mod/modpost",
            "tools/objtool/objtool",
            "drivers/md/dm.h",
            "net/mac80211/ieee80211_i.h",
            "drivers/media/i2c/msp3400-driver.h",
            "Kconfig",
            "init/Kconfig",
            // What Rust needs.
            "rust/target.json",
            "rust/toolchain.mk",
            "scripts/rust_rmeta_check.sh",
            "include/generated/rustc_cfg",
        ],
    );
    has(&build, &CRATES);
    let symvers = fs::read_to_string(build.join("Module.symvers"))?;
    assert!(
        symvers
            .lines()
            .any(|line| line.contains("\t_R") && line.contains("vmlinux"))
    );
    assert!(!build.join("arch/arm64").exists(), "another architecture's");
    for file in files(&build) {
        let name = file.to_string_lossy();
        assert!(
            !name.ends_with(".o") && !name.ends_with(".cmd"),
            "a build's leftover: {name}"
        );
    }
    let link = fs::read_link(package.join("usr/src/linux-rust-lts61-vm"))?;
    assert!(
        link.ends_with(format!("lib/modules/{}/build", lab.release)),
        "{}",
        link.display()
    );
    // Arch's have it since 6.14, where a debugger looks for it.
    has(
        &package.join("usr/lib/modules").join(&*lab.release),
        &["vdso/vdso64.so"],
    );
    let libmacros = build.join("rust/libmacros.so").metadata()?.len();
    assert!(
        libmacros < 4 << 20,
        "libmacros.so is not stripped: {libmacros} bytes"
    );
    Ok(())
}

fn the_toolchain_is_whole_and_outside_path(lab: &Lab) -> Result<(), Failed> {
    for shop in lab.series()? {
        let name = shop.series.toolchain();
        let package = lab.unpacked(&shop.toolchain()?.path, &name)?;
        let place = package.join("usr/lib").join(&name);
        let short = shop.series.rustc.rsplit_once('.').ok_or("a release")?.0;
        for program in ["rustc", "rustdoc", "rustfmt", "clippy-driver", "bindgen"] {
            let output = Command::new(place.join("bin").join(program))
                .arg("--version")
                .output()?;
            assert!(output.status.success(), "{name}: {program}: {output:?}");
            let link = package.join(format!("usr/bin/{program}-{short}"));
            let target = format!("../lib/{name}/bin/{program}");
            assert_eq!(fs::read_link(link)?, Path::new(&target));
        }
        let in_path = fs::read_dir(package.join("usr/bin"))?.count();
        assert_eq!(in_path, 5, "{name}: something unversioned is in PATH");
        has(
            &place,
            &[
                "lib/rustlib/src/rust/library/core/src/lib.rs",
                "lib/rustlib/src/rust/library/alloc/src/lib.rs",
            ],
        );
        if shop.series.rustc != "1.62.0" {
            has(&place, &["libexec/rust-analyzer-proc-macro-srv"]);
        }
    }
    Ok(())
}

/// What is rustc's comes with its licences, wherever that release of it has them.
fn rustcs_licences_are_in_every_series(lab: &Lab) -> Result<(), Failed> {
    for shop in lab.series()? {
        let name = shop.series.toolchain();
        let package = lab.unpacked(&shop.toolchain()?.path, &name)?;
        let found = files(&package.join("usr/share/licenses").join(&name));
        let is_there = |what: &str| {
            let mut names = found.iter().filter_map(|file| file.file_name());
            names.any(|name| name.to_string_lossy().contains(what))
        };
        assert!(is_there("COPYRIGHT"), "{name}: {found:?}");
        assert!(is_there("LICENSE-bindgen"), "{name}: {found:?}");
        assert!(
            is_there("MIT") && (is_there("APACHE") || is_there("Apache")),
            "{name}: {found:?}"
        );
    }
    Ok(())
}

fn the_sources_are_those_of_this_build(lab: &Lab) -> Result<(), Failed> {
    let package = unpacked(lab, "linux-rust-lts61-vm-src")?;
    let build = build_directory(lab, &package);
    has(
        &build,
        &[
            "rust/Makefile",
            "rust/kernel/lib.rs",
            "rust/kernel/prelude.rs",
            "rust/macros/lib.rs",
            "rust/bindings/lib.rs",
            "rust/bindings/bindings_generated.rs",
            "samples/rust/rust_minimal.rs",
        ],
    );
    let headers = unpacked(lab, "linux-rust-lts61-vm-headers")?;
    // It lies in the headers' directory: no file is both packages'.
    let names = |package: &Path| -> Result<BTreeSet<PathBuf>, Failed> {
        let inside = |file: &PathBuf| file.strip_prefix(package).map(Path::to_owned).ok();
        Ok(files(package).iter().filter_map(inside).collect())
    };
    let both: Vec<_> = names(&package)?
        .intersection(&names(&headers)?)
        .filter(|file| file.components().count() > 1)
        .cloned()
        .collect();
    assert!(both.is_empty(), "{both:?}");
    Ok(())
}

fn the_documentation_is_read_offline(lab: &Lab) -> Result<(), Failed> {
    let package = unpacked(lab, "linux-rust-lts61-vm-rustdoc")?;
    let docs = package.join("usr/share/doc/linux-rust-lts61-vm/rustdoc");
    has(
        &docs,
        &[
            "kernel/index.html",
            "kernel/trait.Module.html",
            "kernel/macro.pr_info.html",
            "macros/index.html",
            "core/index.html",
            "search-index.js",
        ],
    );
    // A page brings nothing in from elsewhere: no style, no script, no picture.
    let mut looked = 0;
    for file in files(&docs.join("kernel")) {
        if file.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let text = fs::read_to_string(&file)?;
        for tag in text.split('<').filter(|tag| {
            ["link ", "script ", "img "]
                .iter()
                .any(|name| tag.starts_with(name))
        }) {
            looked += 1;
            let tag = tag.split('>').next().unwrap_or_default();
            assert!(
                !tag.contains("http://") && !tag.contains("https://"),
                "{}: <{tag}>",
                file.display()
            );
        }
    }
    assert!(looked > 100, "{looked} tags");
    Ok(())
}

fn the_headers_depend_on_exactly_their_toolchain(lab: &Lab) -> Result<(), Failed> {
    let headers = unpacked(lab, "linux-rust-lts61-vm-headers")?;
    let depends = pkginfo(&headers, "depend")?;
    assert!(
        depends.contains(&format!("rust162={}", lab.shop.series.rustc)),
        "{depends:?}"
    );
    assert_eq!(pkginfo(&headers, "provides")?, ["LINUX-HEADERS"]);
    let dkms = unpacked(lab, "rust-out-of-tree-dkms")?;
    assert_eq!(pkginfo(&dkms, "depend")?, ["dkms"]);

    // pacman holds to it: headers alone are refused.
    let machine = lab.bare_machine()?;
    let alone = lab.some(&lab.first, &["linux-rust-lts61-vm-headers"])?;
    let error = lab
        .pacman(&machine, "headers-alone", &alone)
        .expect_err("installed alone");
    crate::lab::says(
        &error.to_string(),
        &["rust162=", "required by linux-rust-lts61-vm-headers"],
    );
    Ok(())
}

fn uname_vermagic_and_package_agree(lab: &Lab) -> Result<(), Failed> {
    let package = unpacked(lab, "linux-rust-lts61-vm")?;
    let version = pkginfo(&package, "pkgver")?.remove(0);
    // Modules that only Arch's configuration has, and what signs others in the headers.
    assert_eq!(pkginfo(&package, "provides")?, [""; 0]);
    let depends = pkginfo(&unpacked(lab, "linux-rust-lts61-vm-headers")?, "depend")?;
    assert!(
        depends.iter().any(|one| one == "libcrypto.so=3-64"),
        "{depends:?}"
    );
    // 6.1.192-1 and 6.1.192-1-rust-lts61-vm
    assert_eq!(*lab.release, format!("{version}-rust-lts61-vm"));
    let modules = package.join("usr/lib/modules").join(&*lab.release);
    let module = files(&modules.join("kernel")).remove(0);
    let modinfo = Command::new("modinfo")
        .args(["-F", "vermagic"])
        .arg(module)
        .output()?;
    let vermagic = String::from_utf8(modinfo.stdout)?;
    assert!(
        vermagic.starts_with(&format!("{} ", lab.release)),
        "{vermagic}"
    );
    let image = Command::new("file")
        .arg("-b")
        .arg(modules.join("vmlinuz"))
        .output()?;
    let image = String::from_utf8(image.stdout)?;
    assert!(
        image.contains(&format!(
            "version {} (linux-rust-lts61-vm@archlinux)",
            lab.release
        )),
        "{image}"
    );
    Ok(())
}

/// Sonames, and the Arch package that has them.
const PROVIDERS: &[(&str, &str)] = &[
    ("libc.so.", "glibc"),
    ("libm.so.", "glibc"),
    ("libdl.so.", "glibc"),
    ("librt.so.", "glibc"),
    ("libpthread.so.", "glibc"),
    ("ld-linux-x86-64.so.", "glibc"),
    ("libgcc_s.so.", "libgcc"),
    ("libstdc++.so.", "libgcc"),
    ("libz.so.", "zlib"),
    ("libelf.so.", "libelf"),
    ("libcrypto.so.", "libcrypto.so"),
    ("libxxhash.so.", "xxhash"),
    ("libzstd.so.", "zstd"),
    ("liblzma.so.", "xz"),
];

fn programs_find_their_libraries_in_what_the_package_depends_on(lab: &Lab) -> Result<(), Failed> {
    let mut packages = all_unpacked(lab)?;
    // The tools of later series are linked with more.
    for shop in &lab.series()?[1..] {
        let headers = format!("{}-headers", shop.pkgbase());
        let toolchain = shop.series.toolchain();
        packages.push((
            "headers of a later series",
            lab.unpacked(&shop.kernel(1)?.path, &headers)?,
        ));
        packages.push((
            "toolchain of a later series",
            lab.unpacked(&shop.toolchain()?.path, &toolchain)?,
        ));
    }
    for (name, package) in packages {
        let mut depends = pkginfo(&package, "depend")?;
        // Without versions, but for that of Rust.
        for depend in &mut depends {
            if depend.contains(".so=") {
                depend.truncate(depend.find('=').unwrap_or(depend.len()));
            }
        }
        let all = files(&package);
        let own: BTreeSet<_> = all
            .iter()
            .filter_map(|file| file.file_name()?.to_str().map(str::to_owned))
            .collect();
        for file in &all {
            let mut head = [0; 4];
            let read =
                fs::File::open(file).and_then(|mut file| std::io::Read::read(&mut file, &mut head));
            if read? < 4 || head != *b"\x7fELF" {
                continue;
            }
            let output = Command::new("readelf").args(["-dW"]).arg(file).output()?;
            let output = String::from_utf8_lossy(&output.stdout).into_owned();
            for needed in output
                .lines()
                .filter(|line| line.contains("(NEEDED)"))
                .filter_map(|line| line.split_once('[')?.1.split_once(']'))
                .map(|(soname, _)| soname)
                .filter(|soname| !own.contains(*soname))
            {
                let provider = PROVIDERS
                    .iter()
                    .find(|(soname, _)| needed.starts_with(soname))
                    .map(|(_, package)| *package);
                let provider = provider.unwrap_or_else(|| panic!("{}: {needed}?", file.display()));
                // The headers have libgcc by their rustc, whose library it is linked with.
                let by_rust = provider == "libgcc"
                    && depends.iter().any(|depend| depend.starts_with("rust1"));
                assert!(
                    by_rust || depends.iter().any(|depend| depend == provider),
                    "{name} has to depend on {provider}: {} needs {needed}",
                    file.display()
                );
            }
        }
    }
    Ok(())
}

fn owners_and_modes_are_plain(lab: &Lab) -> Result<(), Failed> {
    for (name, package) in all_unpacked(lab)? {
        for file in files(&package) {
            let meta = file.metadata()?;
            let mode = meta.permissions().mode();
            assert_eq!(
                (meta.uid(), meta.gid()),
                (0, 0),
                "{name}: owner of {}",
                file.display()
            );
            assert_eq!(
                mode & 0o7022,
                0,
                "{name}: mode {mode:o} of {}",
                file.display()
            );
            assert_eq!(
                mode & 0o444,
                0o444,
                "{name}: mode {mode:o} of {}",
                file.display()
            );
        }
    }
    Ok(())
}

/// No `.install`, and no hook: those that keep an old kernel are a package of their own.
fn no_package_runs_anything_but_the_kernels_hooks(lab: &Lab) -> Result<(), Failed> {
    for (name, package) in all_unpacked(lab)? {
        assert!(!package.join(".INSTALL").exists(), "{name} has a script");
        assert!(!package.join("usr/share/libalpm").exists(), "{name}");
    }
    Ok(())
}

fn no_path_of_the_build_is_inside(lab: &Lab) -> Result<(), Failed> {
    let cache = lab.shop.cache.path("");
    let cache = cache
        .to_string_lossy()
        .trim_end_matches('/')
        .as_bytes()
        .to_vec();
    for (name, package) in all_unpacked(lab)? {
        for file in files(&package) {
            // What makepkg writes for itself says where it built, on purpose.
            if file.file_name().is_some_and(|name| name == ".BUILDINFO") {
                continue;
            }
            let content = content(&file)?;
            // What is Rust's own is as it comes, and tells of its builds.
            let is_rusts = name == "rust162";
            let paths: &[&[u8]] = if is_rusts {
                &[&cache]
            } else {
                &[&cache, b"/root/"]
            };
            for path in paths {
                let found = content.windows(path.len()).position(|bytes| bytes == *path);
                let around = found.map(|at| {
                    let end = content.len().min(at + 100);
                    String::from_utf8_lossy(&content[at.saturating_sub(40)..end]).into_owned()
                });
                assert_eq!(around, None, "{name}: {}", file.display());
            }
        }
    }
    Ok(())
}
