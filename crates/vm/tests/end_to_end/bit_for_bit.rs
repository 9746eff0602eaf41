// SPDX-License-Identifier: MIT OR Apache-2.0

//! Two builds of the same are the same, whoever builds, where, when, and with how many jobs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::read::GzDecoder;
use libtest_mimic::Failed;
use vm::{
    cache::{Kept, file_hash},
    demo::MODULE,
    error::Context,
    host::{self, BUILDER},
    makepkg::Makepkg,
    package_files::{package_name, packages},
    workshop::Workshop,
};

use crate::lab::{self, Lab, content, ran, says, slow, slow_of_all_series, text, trials};

trials![
    a_difference_is_named_by_file_and_offset,
    two_builds_of_the_dkms_package_are_the_same,
    two_builds_of_the_module_are_the_same,
    two_builds_of_the_kernel_are_the_same => is_kept_or_slow,
    two_builds_of_each_later_series_are_the_same => slow_of_all_series,
];

/// Who builds the second time.
const ANOTHER: u32 = BUILDER - 1;

/// Lines of .BUILDINFO that tell one build from another: it is there to tell them. What was installed
/// grows with each series that is built on the machine.
const RECORDED: [&str; 3] = ["builddir = ", "startdir = ", "installed = "];

/// makepkg, as somebody else has it: another user, directory, host, language, clock and number of jobs.
fn elsewhere(shop: &Workshop, makepkg: &mut Makepkg<'_>, name: &str) -> Result<(), Failed> {
    let cache = &shop.cache;
    let place = cache.directory(&format!("test-{name}"), ANOTHER)?;
    // The kernel takes no blanks in its directory; where the PKGBUILD lies is free.
    let start = place.join("a directory of ours");
    if start.exists() {
        fs::remove_dir_all(&start)?;
    }
    let copied = Command::new("cp")
        .args([Path::new("-r"), &makepkg.start, &start])
        .status()?;
    assert!(copied.success(), "cp -r {}", makepkg.start.display());
    makepkg.start = start;
    makepkg.user = ANOTHER;
    // Names that mean something to a shell's patterns, to sed, and to who looks for arch/.
    makepkg.builddir = place.join("c++.arch/build");
    makepkg.srcdest = place.join("sources");
    fs::create_dir_all(place.join("c++.arch"))?;

    otherwise(shop, makepkg)
}

/// Another host, language, clock and number of jobs, in whatever directories.
fn otherwise(shop: &Workshop, makepkg: &mut Makepkg<'_>) -> Result<(), Failed> {
    let cache = &shop.cache;
    let locale = cache.directory("locale", 0)?;
    if !locale.join("de_DE.utf8").exists() {
        ran(Command::new("localedef")
            .args(["--inputfile=de_DE", "--charmap=UTF-8"])
            .arg(locale.join("de_DE.utf8")))?;
    }
    makepkg
        .set("LOCPATH", &locale.display().to_string())
        .set("LC_ALL", "de_DE.utf8")
        .set("TZ", "Asia/Kathmandu")
        .set("MAKEFLAGS", "-j3");
    let script = r#"hostname elsewhere; exec "$@""#;
    makepkg.through = ["unshare", "--uts", "--net", "sh", "-euc", script, "sh"]
        .map(str::to_owned)
        .into();
    Ok(())
}

/// The kernel's second build takes minutes, unless its packages are kept.
fn is_kept_or_slow(lab: Option<&Lab>) -> bool {
    let is_kept = |lab: &Lab| -> Result<bool, Failed> {
        let key = lab.shop.kernel_call(1)?.key()?;
        Ok(lab.shop.cache.path(&format!("again/{key}")).is_dir())
    };
    slow(lab) || lab.is_some_and(|lab| is_kept(lab).unwrap_or(false))
}

fn again(shop: &Workshop) -> Result<Kept, Failed> {
    let mut makepkg = shop.kernel_call(1)?;
    let key = makepkg.key()?;
    Ok(shop.cache.keep("again", &key, ANOTHER, |packages| {
        shop.progress
            .say("Building the kernel once more (minutes)...");
        elsewhere(shop, &mut makepkg, "again").expect("a place of another's");
        makepkg.pkgdest = packages.to_owned();

        let src = makepkg.src();
        fs::create_dir_all(&src).context("create", &src)?;
        for directory in [src.parent().expect("src lies in it"), &src] {
            chown(directory, Some(ANOTHER), Some(ANOTHER)).context("give away", directory)?;
        }
        shop.install_toolchain()?;
        // The same key, under another name.
        if let Some(key) = shop.signing_key()? {
            let copy = src.join("../../../key of ours.pem");
            fs::copy(&key, &copy).expect("a copy");
            chown(&copy, Some(ANOTHER), Some(ANOTHER)).expect("its owner");
            let copy = copy.canonicalize().expect("it is there");
            makepkg.set("_signing_key", &copy.display().to_string());
        }
        makepkg.run("building the kernel once more", &["--force"])?;
        fs::remove_dir_all(&makepkg.builddir).expect("removed");
        Ok(())
    })?)
}

fn two_builds_of_the_kernel_are_the_same(lab: &Lab) -> Result<(), Failed> {
    same(
        lab,
        &packages(&lab.first.path)?,
        &packages(&again(&lab.shop)?.path)?,
    )
}

fn two_builds_of_each_later_series_are_the_same(lab: &Lab) -> Result<(), Failed> {
    for shop in &lab.series()?[1..] {
        let (first, second) = (shop.kernel(1)?, again(shop)?);
        same(lab, &packages(&first.path)?, &packages(&second.path)?)?;
    }
    Ok(())
}

fn two_builds_of_the_dkms_package_are_the_same(lab: &Lab) -> Result<(), Failed> {
    let call = |pkgdest: PathBuf| -> Result<Makepkg<'_>, Failed> {
        let start = lab.shop.pkgbuild("rust-out-of-tree-dkms", 1)?;
        let mut makepkg = Makepkg::new(&lab.shop, start);
        makepkg.pkgdest = pkgdest;
        Ok(makepkg)
    };
    let built = |makepkg: &Makepkg<'_>| -> Result<Vec<PathBuf>, Failed> {
        makepkg.run(
            "building the module's package",
            &["--force", "--cleanbuild"],
        )?;
        Ok(packages(&makepkg.pkgdest)?)
    };
    // Not the kept one, which tells of the directories of its day.
    let first = built(&call(fresh(lab, "dkms-first")?)?)?;

    let mut makepkg = call(
        lab.shop
            .cache
            .directory("test-dkms-again/packages", ANOTHER)?,
    )?;
    elsewhere(&lab.shop, &mut makepkg, "dkms-again")?;
    same(lab, &first, &built(&makepkg)?)?;

    // In the same directories the package file is the same, too.
    let mut makepkg = call(fresh(lab, "dkms-here")?)?;
    otherwise(&lab.shop, &mut makepkg)?;
    let second = built(&makepkg)?;
    assert_eq!(file_hash(&first[0])?, file_hash(&second[0])?);
    Ok(())
}

/// DKMS in two machines, and make in two directories.
fn two_builds_of_the_module_are_the_same(lab: &Lab) -> Result<(), Failed> {
    let installed = format!(
        "/usr/lib/modules/{}/updates/dkms/{MODULE}.ko.zst",
        lab.release
    );
    let first = content(&lab.installed.path(&installed))?;
    let machine = lab.machine()?;
    let script = format!(
        "hostname elsewhere; dkms remove rust-out-of-tree/1.0 --all
         TZ=Asia/Kathmandu dkms install -j 3 rust-out-of-tree/1.0 -k {}",
        lab.release
    );
    ran(machine
        .command("unshare")
        .args(["--uts", "sh", "-euc", &script]))?;
    if let Some(at) = first_difference(&first, &content(&machine.path(&installed))?) {
        return Err(format!("{MODULE}.ko of dkms differs at byte {at}").into());
    }

    let mut made = Vec::new();
    // The second is one that kbuild takes no modules in.
    for directory in ["/tmp/one", "/tmp/another, and deeper"] {
        let source = "/usr/src/rust-out-of-tree-1.0";
        let script = format!(
            "cp -r {source} '{directory}'; make -C '{directory}' KDIR={} >&2",
            lab.kdir()
        );
        let output = machine.as_user(&script)?;
        assert!(output.status.success(), "{}", text(&output));
        made.push(fs::read(machine.path(&format!("{directory}/{MODULE}.ko")))?);
    }
    match first_difference(&made[0], &made[1]) {
        None => Ok(()),
        Some(at) => Err(format!("{MODULE}.ko of make differs at byte {at}").into()),
    }
}

/// One byte of one file in a package is another, and a mode.
fn a_difference_is_named_by_file_and_offset(lab: &Lab) -> Result<(), Failed> {
    let package = packages(&lab.dkms.path)?.remove(0);
    let place = fresh(lab, "named")?;
    let other = place.join(package.file_name().unwrap_or_default());
    let script = r#"mkdir "$2/tree"; cd "$2/tree"; bsdtar -xpf "$1"
        cd usr/src/*; printf X | dd of=Kbuild bs=1 seek=40 conv=notrunc status=none
        touch -d @1735689600 . Kbuild Makefile; chmod 755 Makefile; cd ../../..; rm .MTREE
        bsdtar -czf .MTREE --format=mtree --options='!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link' .BUILDINFO .PKGINFO usr
        bsdtar -cf "$3" --zstd .BUILDINFO .MTREE .PKGINFO usr"#;
    ran(Command::new("sh")
        .args(["-euc", script, "sh"])
        .args([&package, &place, &other]))?;
    let found = differences(lab, &package, &other)?.join("\n");
    says(
        &found,
        &[
            "usr/src/rust-out-of-tree-1.0/Kbuild differs from byte 40 on",
            "usr/src/rust-out-of-tree-1.0/Makefile: mode=644, mode=755",
        ],
    );
    // Nothing else, but for what diffoscope says of it.
    let own = found.lines().filter(|line| line.starts_with("usr/"));
    assert_eq!(own.count(), 2, "{found}");
    Ok(())
}

/// Fails with every difference between these packages.
pub fn same(lab: &Lab, first: &[PathBuf], second: &[PathBuf]) -> Result<(), Failed> {
    let names = |all: &[PathBuf]| -> Vec<_> {
        all.iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect()
    };
    assert_eq!(names(first), names(second));
    let mut found = Vec::new();
    for (one, other) in first.iter().zip(second) {
        for difference in differences(lab, one, other)? {
            found.push(format!("{}: {difference}", package_name(one)));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("two builds differ:\n{}", found.join("\n")).into())
}

fn fresh(lab: &Lab, name: &str) -> Result<PathBuf, Failed> {
    Ok(lab.shop.cache.empty_directory(&format!("test-{name}"), 0)?)
}

/// What differs between two packages, but for what .BUILDINFO is there to record: a line each.
fn differences(lab: &Lab, first: &Path, second: &Path) -> Result<Vec<String>, Failed> {
    let place = fresh(lab, "differences")?;
    let mut sides = Vec::new();
    for (name, package) in [("first", first), ("second", second)] {
        let directory = place.join(name);
        lab::unpack(package, &directory)?;
        let listed = Command::new("bsdtar").arg("-tf").arg(package).output()?;
        assert!(listed.status.success(), "{}", text(&listed));
        sides.push((directory, text(&listed)));
    }
    let [(one, order), (other, other_order)] = &sides[..] else {
        unreachable!("two were pushed")
    };

    let mut found = Vec::new();
    let (listed, also_listed) = (mtree(one)?, mtree(other)?);
    let paths: BTreeSet<_> = listed.keys().chain(also_listed.keys()).collect();
    for path in paths {
        let (Some(facts), Some(other_facts)) = (listed.get(path), also_listed.get(path)) else {
            let side = if listed.contains_key(path) {
                "first"
            } else {
                "second"
            };
            found.push(format!("{path} is in the {side} only"));
            continue;
        };
        let plain = |facts: &[String]| -> Vec<String> {
            let of_content = ["size=", "md5digest=", "sha256digest="];
            let other = |fact: &&String| !of_content.iter().any(|name| fact.starts_with(name));
            facts.iter().filter(other).cloned().collect()
        };
        let (facts, other_facts) = (plain(facts), plain(other_facts));
        let only = |facts: &[String], other: &[String]| {
            let mut facts = facts.to_owned();
            facts.retain(|fact| !other.contains(fact));
            facts.join(" ")
        };
        if facts != other_facts {
            let (here, there) = (only(&facts, &other_facts), only(&other_facts, &facts));
            found.push(format!("{path}: {here}, {there}"));
        }
        let (file, other_file) = (one.join(path), other.join(path));
        if !file.is_symlink() && file.is_file() {
            let at = first_difference(&content(&file)?, &content(&other_file)?);
            if let Some(at) = at {
                found.push(format!(
                    "{path} differs from byte {at} on{}",
                    diffoscope(&file, &other_file)
                ));
            }
        }
    }
    let facts = |directory: &Path| -> Result<Vec<String>, Failed> {
        Ok(fs::read_to_string(directory.join(".BUILDINFO"))?
            .lines()
            .filter(|line| !RECORDED.iter().any(|name| line.starts_with(name)))
            .map(str::to_owned)
            .collect())
    };
    if facts(one)? != facts(other)? {
        found.push(format!(
            ".BUILDINFO:{}",
            diffoscope(&one.join(".BUILDINFO"), &other.join(".BUILDINFO"))
        ));
    }
    if order != other_order && found.is_empty() {
        found.push("the same files are in another order".into());
    }
    Ok(found)
}

/// .MTREE by path, without what it says of .BUILDINFO.
fn mtree(package: &Path) -> Result<BTreeMap<String, Vec<String>>, Failed> {
    let mut lines = String::new();
    GzDecoder::new(fs::File::open(package.join(".MTREE"))?).read_to_string(&mut lines)?;
    let mut defaults = Vec::new();
    let mut listed = BTreeMap::new();
    for line in lines.lines() {
        let mut words = line.split(' ').map(str::to_owned);
        match words.next().unwrap_or_default() {
            set if set == "/set" => defaults = words.collect(),
            path if path.starts_with("./") && path != "./.BUILDINFO" => {
                // One line may say what the other has as its default.
                let mut facts: BTreeMap<_, _> = BTreeMap::new();
                for fact in defaults.iter().cloned().chain(words) {
                    let name = fact.split('=').next().unwrap_or_default().to_owned();
                    facts.insert(name, fact);
                }
                listed.insert(path[2..].to_owned(), facts.into_values().collect());
            }
            _ => {}
        }
    }
    assert!(!listed.is_empty(), "{} lists nothing", package.display());
    Ok(listed)
}

fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    at.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// The first lines of what diffoscope says, where it is installed.
fn diffoscope(one: &Path, other: &Path) -> String {
    if host::find_program("diffoscope").is_none() {
        return String::new();
    }
    let said = Command::new("diffoscope").args([one, other]).output();
    let said = said.map(|output| text(&output)).unwrap_or_default();
    let lines: Vec<_> = said.lines().take(30).collect();
    format!(":\n    {}", lines.join("\n    "))
}
