// SPDX-License-Identifier: MIT OR Apache-2.0

//! Killed, out of space, without permission, at the wrong time, twice at once: what was running
//! says what is wrong, the next run completes, and nothing that was installed is broken. What was
//! seen is a table, `docs/interrupted.md`, which is written here and nowhere else.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::Duration,
};

use kernel_boot::Verdict;
use libtest_mimic::{Failed, Trial};
use nix::mount::MsFlags;
use vm::{
    cache::Cache,
    demo::{MODULE, boot_installed},
    files::repository,
    host::BUILDER,
    machine::Machine,
    makepkg::Makepkg,
    mounts::{Unmount, mount},
    package_files::{for_modules, packages},
    suite::all_trials,
};

use crate::chain::nothing_is_missing;
use crate::killed::{Killed, together};
use crate::lab::{self, Lab, ran, says, text};

/// What was seen, and what came afterwards.
type Seen = Result<(String, String), Failed>;

/// One row of the table.
struct Case {
    name: &'static str,
    /// What was running.
    running: &'static str,
    /// What happened to it.
    happened: &'static str,
    /// Whether it builds a kernel.
    long: bool,
    run: fn(&Lab) -> Seen,
}

const CASES: &[Case] = &[
    Case {
        name: "a_kernel_build_killed_in_each_part_completes_the_same",
        running: "`makepkg` of the kernel, in `prepare()`, `build()` and `package()`",
        happened: "`kill -9`, once in each",
        long: true,
        run: kernel_killed,
    },
    Case {
        name: "a_kernel_build_without_space_completes_with_more",
        running: "`makepkg` of the kernel, in `build()`",
        happened: "the disk is full",
        long: true,
        run: kernel_without_space,
    },
    Case {
        name: "a_package_without_space_is_named_and_replaced",
        running: "`makepkg`, packing",
        happened: "the disk of `PKGDEST` is full",
        long: false,
        run: package_without_space,
    },
    Case {
        name: "a_pkgdest_that_is_read_only_is_named",
        running: "`makepkg`",
        happened: "`PKGDEST` is read-only",
        long: false,
        run: read_only,
    },
    Case {
        name: "an_upgrade_killed_leaves_a_kernel_and_can_be_repeated",
        running: "`pacman -U`, the upgrade, while DKMS builds",
        happened: "`kill -9`",
        long: false,
        run: upgrade_killed,
    },
    Case {
        name: "an_installation_without_space_can_be_repeated",
        running: "`pacman -U`",
        happened: "the disk of `/usr/lib/modules` is full",
        long: false,
        run: pacman_without_space,
    },
    Case {
        name: "a_second_pacman_is_refused",
        running: "`pacman -U`",
        happened: "a second one at the same time",
        long: false,
        run: two_pacmans,
    },
    Case {
        name: "a_dkms_build_killed_can_be_repeated",
        running: "`dkms install`",
        happened: "`kill -9` while rustc runs",
        long: false,
        run: dkms_killed,
    },
    Case {
        name: "a_dkms_build_without_space_can_be_repeated",
        running: "`dkms install`",
        happened: "the disk of `/var/lib/dkms` is full",
        long: false,
        run: dkms_without_space,
    },
    Case {
        name: "a_clock_that_was_set_back_stops_no_module",
        running: "`dkms install`, `make`",
        happened: "the clock is set back: headers and sources are of the future",
        long: false,
        run: clock_set_back,
    },
    Case {
        name: "make_vm_killed_leaves_nothing_mounted_and_completes",
        running: "`make vm`, installing",
        happened: "`kill -9`",
        long: true,
        run: vm_killed,
    },
    Case {
        name: "make_vm_waits_for_another",
        running: "`make vm`",
        happened: "a second one at the same time",
        long: true,
        run: two_vms,
    },
];

pub fn trials(lab: Option<&Arc<Lab>>) -> Vec<Trial> {
    let mut trials: Vec<_> = CASES
        .iter()
        .map(|case| {
            let trial = lab::trial(lab, case.name, move |lab| {
                let (seen, after) = (case.run)(lab)?;
                let row = format!(
                    "| {} | {} | {seen} | {after} |\n",
                    case.running, case.happened
                );
                let path = kept_row(&lab.shop.cache, case.name);
                fs::create_dir_all(path.parent().expect("it has one"))?;
                Ok(fs::write(path, row)?)
            });
            trial.with_ignored_flag(case.long && !all_trials())
        })
        .collect();
    trials.push(lab::trial(
        lab,
        "the_table_of_interruptions_is_what_was_seen",
        table,
    ));
    trials
}

fn kept_row(cache: &Cache, name: &str) -> PathBuf {
    cache.path(&format!("interrupted/{name}"))
}

const HEAD: &str = "# Interrupted, out of space, twice at once

What was tried with these packages, and what came of it. The tests write this table \
(`crates/vm/tests/end_to_end/interrupted.rs`): each row was asserted, not only looked at.

| what ran | what happened to it | what it said | afterwards |
|---|---|---|---|
";

/// Writes the table anew, and fails if it was another. A row that was not tried here (those of
/// `make test-all`, unless it ran) stays as it was when it was tried last.
fn table(lab: &Lab) -> Result<(), Failed> {
    let path = repository().join("docs/interrupted.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let mut after = HEAD.to_owned();
    for case in CASES {
        let begins = format!("| {} | {} |", case.running, case.happened);
        let old = before.lines().find(|line| line.starts_with(&begins));
        after += &match fs::read_to_string(kept_row(&lab.shop.cache, case.name)) {
            Ok(row) => row,
            Err(_) => old.map(|line| format!("{line}\n")).unwrap_or_default(),
        };
    }
    if after == before {
        return Ok(());
    }
    fs::create_dir_all(path.parent().ok_or("a directory")?)?;
    fs::write(&path, after)?;
    Err("docs/interrupted.md said something else; it is written anew: look at git diff".into())
}

fn small<'a>(directory: &'a Path, size: &str) -> Result<Unmount<&'a Path>, Failed> {
    fs::create_dir_all(directory)?;
    mount("tmpfs", directory, &format!("size={size},mode=0755"))?;
    Ok(Unmount(directory))
}

/// The same file system, with more room.
fn grow(directory: &Path) -> Result<(), Failed> {
    let (none, flags) = (None::<&str>, MsFlags::MS_REMOUNT);
    Ok(nix::mount::mount(
        none,
        directory,
        none,
        flags,
        Some("size=8g"),
    )?)
}

/// The installed kernel boots, and the module loads.
fn boots(lab: &Lab, machine: &Machine, name: &str, release: &str) -> Result<(), Failed> {
    let boot = boot_installed(&lab.shop, machine, name, release, "")?;
    let console = boot.console.display();
    assert_eq!(boot.verdict, Verdict::Good, "console: {console}");
    Ok(())
}

fn module(release: &str) -> String {
    format!("/usr/lib/modules/{release}/updates/dkms/{MODULE}.ko.zst")
}

/// The line of a log that has this in it.
fn line(said: &str, wanted: &str) -> String {
    says(said, &[wanted]);
    let found = said.lines().find(|line| line.contains(wanted));
    found.unwrap_or_default().trim().to_owned()
}

// --- makepkg

/// The kernel's call, in a build directory of its own.
fn kernel_call<'a>(lab: &'a Lab, name: &str) -> Result<Makepkg<'a>, Failed> {
    let place = lab
        .shop
        .cache
        .empty_directory(&format!("test-{name}"), BUILDER)?;
    let mut makepkg = lab.shop.kernel_call(1)?;
    makepkg.builddir = place.join("build");
    makepkg.pkgdest = place.join("packages");
    Ok(makepkg)
}

fn kernel_killed(lab: &Lab) -> Seen {
    let makepkg = kernel_call(lab, "killed")?;
    let log = lab.shop.cache.log("test-killed")?;
    let kill = |options: &[&str], mark: &str| -> Result<(), Failed> {
        let mut program = makepkg.program("building", &log, options)?;
        Killed::when(program.command(), &log, |said| said.contains(mark))
    };
    let prepare: &[&str] = &["--force", "--nobuild"];
    kill(prepare, "with bsdtar")?;
    kill(prepare, "Checking that Rust is available...")?;
    kill(prepare, "Setting config")?;
    makepkg
        .program("preparing", &log, prepare)?
        .run(&lab.shop.progress)?;
    let build: &[&str] = &["--force", "--noextract"];
    // In its Rust, and far into its C.
    kill(build, "RUSTC L rust/core.o")?;
    kill(build, "fs/namei.o")?;
    kill(build, "Installing modules...")?;
    kill(build, "Compressing package...")?;
    makepkg
        .program("building", &log, build)?
        .run(&lab.shop.progress)?;
    crate::bit_for_bit::same(
        lab,
        &packages(&lab.first.path)?,
        &packages(&makepkg.pkgdest)?,
    )?;
    fs::remove_dir_all(&makepkg.builddir)?;
    Ok((
        "nothing".into(),
        "`makepkg -f` (or `-ef`, after `prepare()`) completes, and its packages are those of a \
         build that nobody killed, byte for byte"
            .into(),
    ))
}

fn kernel_without_space(lab: &Lab) -> Seen {
    let makepkg = kernel_call(lab, "space")?;
    let log = lab.shop.cache.log("test-space")?;
    makepkg
        .program("preparing", &log, &["--force", "--nobuild"])?
        .run(&lab.shop.progress)?;
    // The tree, on a disk with hardly any room left.
    let tree = makepkg.tree()?;
    let whole = tree.with_extension("whole");
    fs::rename(&tree, &whole)?;
    fs::create_dir(&tree)?;
    let used = text(&Command::new("du").arg("-sk").arg(&whole).output()?);
    let used: u64 = used.split('\t').next().unwrap_or_default().parse()?;
    let mounted = small(&tree, &format!("{}k", used + (60 << 10)))?;
    let copied = Command::new("cp")
        .arg("-a")
        .arg(whole.join("."))
        .arg(&tree)
        .status()?;
    assert!(copied.success(), "cp -a {}", whole.display());
    let build = ["--force", "--noextract"];
    let error = makepkg
        .program("building", &log, &build)?
        .run(&lab.shop.progress)
        .expect_err("it had room");
    says(&error.to_string(), &["A failure occurred in build()."]);
    let said = fs::read_to_string(&log)?;
    says(&said, &["No space left on device"]);
    assert!(packages(&makepkg.pkgdest)?.is_empty());
    grow(&tree)?;
    makepkg
        .program("building", &log, &build)?
        .run(&lab.shop.progress)?;
    crate::bit_for_bit::same(
        lab,
        &packages(&lab.first.path)?,
        &packages(&makepkg.pkgdest)?,
    )?;
    drop(mounted);
    fs::remove_dir_all(&makepkg.builddir)?;
    Ok((
        "`No space left on device`, `A failure occurred in build().`; no package".into(),
        "with more room `makepkg -ef` completes, and its packages are the same".into(),
    ))
}

/// The DKMS package's call, in directories of its own.
fn dkms_call<'a>(lab: &'a Lab, name: &str) -> Result<(Makepkg<'a>, PathBuf), Failed> {
    let place = lab
        .shop
        .cache
        .empty_directory(&format!("test-{name}"), BUILDER)?;
    let mut makepkg = Makepkg::new(&lab.shop, lab.shop.pkgbuild("rust-out-of-tree-dkms", 1)?);
    makepkg.builddir = place.join("build");
    makepkg.pkgdest = place.join("packages");
    Ok((makepkg, lab.shop.cache.log(&format!("test-{name}"))?))
}

fn package_without_space(lab: &Lab) -> Seen {
    let (makepkg, log) = dkms_call(lab, "full")?;
    let mounted = small(&makepkg.pkgdest, "4k")?;
    makepkg
        .program("building", &log, &[])?
        .run(&lab.shop.progress)
        .expect_err("it had room");
    let said = fs::read_to_string(&log)?;
    says(&said, &["No space left on device"]);
    let failed = line(&said, "Failed to create package file.");
    // makepkg leaves a piece of the package, and takes it for the package: it says so.
    makepkg
        .program("building", &log, &[])?
        .run(&lab.shop.progress)
        .expect_err("it took the piece away");
    let again = line(
        &fs::read_to_string(&log)?,
        "A package has already been built.",
    );
    grow(&makepkg.pkgdest)?;
    makepkg
        .program("building", &log, &["--force"])?
        .run(&lab.shop.progress)?;
    crate::bit_for_bit::same(
        lab,
        &packages(&lab.dkms.path)?,
        &packages(&makepkg.pkgdest)?,
    )?;
    drop(mounted);
    let plain = |said: &str| said.replace("==> ERROR: ", "");
    Ok((
        format!("`{}`", plain(&failed)),
        format!(
            "makepkg leaves a piece of the package, and says of it `{}`; with `-f` it completes",
            plain(&again)
        ),
    ))
}

fn read_only(lab: &Lab) -> Seen {
    let (makepkg, log) = dkms_call(lab, "read-only")?;
    // Made before makepkg is called: `program` gives it to the user.
    let mut program = makepkg.program("building", &log, &[])?;
    let directory = &makepkg.pkgdest;
    chown(directory, Some(0), Some(0))?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o555))?;
    let status = program.wait(&lab.shop.progress)?;
    assert!(!status.success());
    let said = fs::read_to_string(&log)?;
    let refused = line(&said, "You do not have write permission");
    assert!(
        !makepkg.builddir.join("rust-out-of-tree-dkms/pkg").exists(),
        "{said}"
    );
    chown(directory, Some(BUILDER), Some(BUILDER))?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    makepkg
        .program("building", &log, &[])?
        .run(&lab.shop.progress)?;
    crate::bit_for_bit::same(lab, &packages(&lab.dkms.path)?, &packages(directory)?)?;
    let refused = refused.replace("==> ERROR: ", "");
    let refused = refused.split(" (").next().unwrap_or_default().to_owned();
    Ok((
        format!("`{refused}`, before anything is built"),
        "with permission it completes".into(),
    ))
}

// --- pacman

/// `pacman -U` of these, as a script for a machine where they lie.
fn pacman_script(machine: &Machine, files: &[PathBuf]) -> Result<String, Failed> {
    let mut script = "pacman -U --noconfirm --noprogressbar --color=never -dd".to_owned();
    for file in files {
        let name = file
            .file_name()
            .ok_or("a name")?
            .to_string_lossy()
            .into_owned();
        fs::copy(file, machine.path(&format!("/packages/{name}")))?;
        script += &format!(" /packages/{name}");
    }
    Ok(script)
}

fn upgrade_killed(lab: &Lab) -> Seen {
    let machine = lab.machine()?;
    let second = for_modules(&lab.second.path)?;
    let script = pacman_script(&machine, &second)?;
    let log = lab.shop.cache.log("test-upgrade-killed")?;
    // The old files are gone by then, and nothing is built for the new kernel.
    Killed::when(&mut together(&machine, &script), &log, |said| {
        said.contains("==> dkms install")
    })?;
    let new = lab.release.replace("-1-", "-2-");
    assert!(!machine.path(&module(&new)).exists(), "it was too fast");
    // What there is of the old kernel was saved before it went.
    let saved = machine.path(&format!("/usr/lib/modules/.keep-kernel/{}", lab.release));
    for file in [
        "vmlinuz".to_owned(),
        format!("updates/dkms/{MODULE}.ko.zst"),
    ] {
        assert!(saved.join(&file).exists(), "{file} is not saved");
    }
    let output = machine.sh(&script).output()?;
    let locked = line(&text(&output), "unable to lock database");
    says(&text(&output), &["you can remove /var/lib/pacman/db.lck"]);
    ran(&mut machine.sh(&format!("rm /var/lib/pacman/db.lck; {script}")))?;
    assert_eq!(machine.kernels()?.as_slice(), std::slice::from_ref(&new));
    boots(lab, &machine, "upgrade-killed", &new)?;
    let left = machine.path("/usr/lib/modules/.keep-kernel");
    assert!(!left.exists(), "the saved kernel is left");
    Ok((
        "nothing".into(),
        format!(
            "the old kernel and its module are saved under `/usr/lib/modules`; pacman says \
             `{locked}`, and to remove `/var/lib/pacman/db.lck`; then the same command completes, \
             the new kernel boots and the module loads"
        ),
    ))
}

fn pacman_without_space(lab: &Lab) -> Seen {
    let machine = lab.bare_machine()?;
    let modules = machine.path("/usr/lib/modules");
    let _mounted = small(&modules, "16m")?;
    let mut files = for_modules(&lab.first.path)?;
    files.extend(packages(&lab.shop.toolchain()?.path)?);
    files.extend(packages(&lab.dkms.path)?);
    let script = pacman_script(&machine, &files)?;
    let output = machine.sh(&script).output()?;
    says(
        &text(&output),
        &["could not extract /usr/lib/modules/", "(Write failed)"],
    );
    grow(&modules)?;
    ran(&mut machine.sh(&script))?;
    let names = [
        "linux-rust-lts61-vm",
        "linux-rust-lts61-vm-headers",
        "rust162",
    ];
    nothing_is_missing(&machine, names.map(str::to_owned))?;
    boots(lab, &machine, "pacman-space", &lab.release)?;
    Ok((
        "`could not extract … (Write failed)`".into(),
        "with more room the same command completes, and the module loads".into(),
    ))
}

fn two_pacmans(lab: &Lab) -> Seen {
    let machine = lab.machine()?;
    let script = pacman_script(&machine, &for_modules(&lab.second.path)?)?;
    let log = lab.shop.cache.log("test-two-pacmans")?;
    let out = fs::File::create(&log)?;
    let mut first = together(&machine, &script)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()?;
    while !machine.path("/var/lib/pacman/db.lck").exists() {
        assert!(first.try_wait()?.is_none(), "{}", fs::read_to_string(&log)?);
        sleep(Duration::from_millis(2));
    }
    let second = machine.sh(&script).output()?;
    let status = first.wait()?;
    assert!(status.success(), "{}", fs::read_to_string(&log)?);
    assert!(!second.status.success(), "{}", text(&second));
    let locked = line(&text(&second), "unable to lock database");
    boots(lab, &machine, "two-pacmans", &machine.kernel()?)?;
    Ok((
        format!("the second: `{locked}`"),
        "the first completes, and the module loads".into(),
    ))
}

// --- DKMS

const REMOVE: &str = "dkms remove rust-out-of-tree/1.0 --all";

fn install(release: &str) -> String {
    format!("dkms install rust-out-of-tree/1.0 -k {release}")
}

fn dkms_killed(lab: &Lab) -> Seen {
    let machine = lab.machine()?;
    ran(&mut machine.sh(REMOVE))?;
    let log = lab.shop.cache.log("test-dkms-killed")?;
    let build = machine.path("/var/lib/dkms/rust-out-of-tree/1.0/build");
    Killed::when(
        &mut together(&machine, &install(&lab.release)),
        &log,
        |_| {
            // The dependencies that rustc writes first.
            fs::read_dir(&build).is_ok_and(|mut files| {
                files.any(|file| {
                    file.is_ok_and(|file| {
                        file.file_name() == ".module-common.o.cmd"
                            || file.file_name() == ".rust_out_of_tree.o.d"
                    })
                })
            })
        },
    )?;
    assert!(
        !machine.path(&module(&lab.release)).exists(),
        "it was too fast"
    );
    ran(&mut machine.sh(&install(&lab.release)))?;
    boots(lab, &machine, "dkms-killed", &lab.release)?;
    Ok((
        "nothing; no half of a module is installed".into(),
        "the same command completes, and the module loads".into(),
    ))
}

fn dkms_without_space(lab: &Lab) -> Seen {
    let machine = lab.machine()?;
    let script = format!("{REMOVE}; rm -rf /var/lib/dkms/*");
    ran(&mut machine.sh(&script))?;
    let directory = machine.path("/var/lib/dkms");
    let _mounted = small(&directory, "96k")?;
    let install = format!(
        "dkms add rust-out-of-tree/1.0 || true; {}",
        install(&lab.release)
    );
    let output = machine.sh(&install).output()?;
    assert!(!output.status.success(), "{}", text(&output));
    assert!(!machine.path(&module(&lab.release)).exists());
    grow(&directory)?;
    ran(&mut machine.sh(&install))?;
    boots(lab, &machine, "dkms-space", &lab.release)?;
    Ok((
        "the build fails, and dkms with it; no half of a module is installed".into(),
        "with more room the same command completes, and the module loads".into(),
    ))
}

fn clock_set_back(lab: &Lab) -> Seen {
    let machine = lab.machine()?;
    let script = format!(
        "find /usr/lib/modules/{0}/ /usr/src/rust-out-of-tree-1.0/ -exec touch -hd 2040-01-01 {{}} +
         {REMOVE}
         {1}",
        lab.release,
        install(&lab.release)
    );
    ran(&mut machine.sh(&script))?;
    boots(lab, &machine, "clock", &lab.release)?;
    let script = format!(
        "cp -r --preserve=timestamps /usr/src/rust-out-of-tree-1.0 /tmp/clock
         make -C /tmp/clock KDIR={}",
        lab.kdir()
    );
    let output = machine.as_user(&script)?;
    assert!(output.status.success(), "{}", text(&output));
    says(&text(&output), &["has modification time", "in the future"]);
    assert!(machine.path(&format!("/tmp/clock/{MODULE}.ko")).exists());
    Ok((
        "make: `Warning: File … has modification time … in the future`".into(),
        "the module is built, and loads".into(),
    ))
}

// --- make vm

/// `make vm`, in a cache of its own that has the packages.
fn vm_run(lab: &Lab, name: &str) -> Result<(Command, PathBuf), Failed> {
    let cache = lab.shop.cache.empty_directory(&format!("test-{name}"), 0)?;
    // Where kernel.org is reached, no source is kept.
    let script = r#"cd "$1"; to=$2; shift 2; for name; do
        [ ! -e "$name" ] || cp -al "$name" "$to"/; done"#;
    let shop = &lab.shop;
    ran(Command::new("sh")
        .args(["-euc", script, "sh"])
        .args([&lab.shop.cache.path(""), &cache])
        .args([shop.pkgbase(), shop.series.toolchain()])
        .args(["rust-out-of-tree-dkms", "source", "signing-key.pem"]))?;
    // Alone: what it started has to end with it.
    let mut command = Command::new(env!("CARGO_BIN_EXE_vm"));
    command.arg("run").env("LINUX_RUST_CACHE", &cache);
    Ok((command, cache))
}

fn vm_killed(lab: &Lab) -> Seen {
    let (mut command, cache) = vm_run(lab, "vm-killed")?;
    let log = lab.shop.cache.log("test-vm-killed")?;
    let pacman = cache.join("log/pacman.log");
    Killed::when(&mut command, &log, |_| {
        fs::read_to_string(&pacman).is_ok_and(|said| said.contains("==> dkms install"))
    })?;
    let cache_name = cache.display().to_string();
    let mut left = mounting(&cache_name);
    for _ in 0..100 {
        if left.is_empty() {
            break;
        }
        sleep(Duration::from_millis(100));
        left = mounting(&cache_name);
    }
    assert!(left.is_empty(), "they go on, with mounts: {left:?}");
    let output = ran(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    says(&output, &["Good: ", "were built, installed by pacman"]);
    fs::remove_dir_all(&cache)?;
    Ok((
        "nothing; no mount is left".into(),
        "the next run completes".into(),
    ))
}

/// Processes that have something mounted below a directory.
fn mounting(directory: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter(|process| {
            let mounts = fs::read_to_string(process.path().join("mountinfo"));
            mounts.is_ok_and(|mounts| mounts.contains(directory))
        })
        .map(|process| {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            format!("{} {}", process.file_name().display(), name.trim())
        })
        .collect()
}

fn two_vms(lab: &Lab) -> Seen {
    let (mut command, cache) = vm_run(lab, "two-vms")?;
    let log = lab.shop.cache.log("test-two-vms")?;
    let out = fs::File::create(&log)?;
    let mut first = command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()?;
    while !cache.join("lock").exists() {
        sleep(Duration::from_millis(2));
    }
    sleep(Duration::from_millis(200));
    let second = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()?;
    let status = first.wait()?;
    assert!(status.success(), "{}", fs::read_to_string(&log)?);
    assert!(second.status.success(), "{}", text(&second));
    let waits = line(&text(&second), "Another run uses");
    says(&waits, &["waiting for its end..."]);
    fs::remove_dir_all(&cache)?;
    Ok((
        "the second: `Another run uses …: waiting for its end...`".into(),
        "both complete".into(),
    ))
}
