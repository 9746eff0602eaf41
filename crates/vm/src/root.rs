// SPDX-License-Identifier: MIT OR Apache-2.0

//! The workshop's root: a copy of this machine in which everything runs. Whatever is installed or
//! written goes into a directory of the cache, and the machine itself stays as it was.
//!
//! It is an overlay over `/`, with a process namespace of its own, so that nothing that was started
//! in it outlives the program. Inside, [`STAGE`] has what the overlay is made of:
//!
//! ```text
//! /run/linux-rust/host            this machine's root, read-only
//! /run/linux-rust/workshop/upper  all that differs from it
//! ```

use std::{
    env, fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    process::exit,
};

use nix::{
    mount::{MntFlags, MsFlags, umount2},
    sched::{CloneFlags, unshare},
    sys::{
        prctl::set_pdeathsig,
        signal::Signal,
        stat::{Mode, umask},
        wait::{WaitStatus, wait},
    },
    unistd::{ForkResult, Pid, Uid, chdir, fork, pivot_root},
};

use crate::{
    cache::{Cache, Key, file_hash},
    error::{Context, Error, Result},
    files::{make_executable, repository},
    machine::Machine,
    mounts::{bind, mount, rbind, read_only},
    package_files::package_name,
    run::Progress,
};

/// The lower directories of an overlay that shows what the workshop's root shows.
pub const LAYERS: &str = "/run/linux-rust/workshop/upper:/run/linux-rust/host";

/// Where the machine's copies are mounted. In memory.
pub const MACHINES: &str = "/run/linux-rust/machine";

/// Where the workshop's root has what it is made of.
const STAGE: &str = "/run/linux-rust";

/// A file that only the workshop's root has: the packages that [`install`] put there, a line each.
const MARK: &str = "/etc/linux-rust-workshop";

/// Where the cache is seen whose own path the kernel's make would not take.
const PLAIN_CACHE: &str = "/var/cache/linux-rust";

/// It is there while packages are being installed.
const UNFINISHED: &str = "/run/linux-rust/workshop/unfinished";

/// Goes into the workshop's root, and opens the cache, which is at the same path inside unless that
/// has blanks or the like. To be called first, before there is a second thread: what follows runs in
/// another process, and this one waits for it.
///
/// Does nothing but open the cache where it is in such a root already.
pub fn enter(progress: &Progress) -> Result<Cache> {
    require_root()?;
    // What is written here is read by the builder.
    umask(Mode::from_bits_truncate(0o022));
    namespaces().map_err(refused)?;
    if Path::new(MARK).exists() {
        mount("proc", Path::new("/proc"), "").map_err(refused)?;
        return Cache::open(progress);
    }
    for place in ["/usr", "/var"].map(Path::new) {
        if is_mounted(place) {
            return Err(Error::State {
                what: "a throwaway copy of this machine cannot be made".into(),
                note: format!(
                    "{} is a file system of its own, which the copy lacks",
                    place.display()
                ),
                help: "run it where / has both: in a container or a virtual machine, for example"
                    .into(),
            });
        }
    }
    // Nothing of ours lies below /proc, and this one is of the outer process namespace.
    let stage = Path::new("/proc");
    mount("tmpfs", stage, "mode=0755").map_err(refused)?;
    let ours = stage.join("linux-rust");
    let at = |name: &str| ours.join(name);
    for name in ["empty", "host", "workshop", "root", "old"] {
        fs::create_dir_all(at(name)).context("create", at(name))?;
    }
    let host = at("host");
    // An overlay's changes may not lie below its own lower directory, as the cache mostly does. They
    // may lie below what an overlay shows.
    let nothing_over_the_root = format!("lowerdir={}:/", at("empty").display());
    mount("overlay", &host, &nothing_over_the_root).map_err(refused)?;

    let mut cache = Cache::open(progress)?;
    let changes = changes(&cache)?;
    bind(&changes, &at("workshop"))?;
    let root = at("root");
    let over_host = |lower: &Path| {
        let lower = lower.display();
        let upper = at("workshop").display().to_string();
        format!("lowerdir={lower},upperdir={upper}/upper,workdir={upper}/work,index=off")
    };
    if mount("overlay", &root, &over_host(&host)).is_err() {
        // Overlays can be stacked twice, and where / is one, this was one too many.
        umount2(&host, MntFlags::empty()).context("unmount", &host)?;
        bind(Path::new("/"), &host)?;
        read_only(&host)?;
        mount("overlay", &root, &over_host(&host)).map_err(|error| cannot_keep(&changes, error))?;
    }

    let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
    mount("proc", &inside(Path::new("/proc")), "").map_err(refused)?;
    rbind(Path::new("/dev"), &root.join("dev"))?;
    // Scripts of packages write there, to what is this machine's.
    bind(Path::new("/sys"), &root.join("sys"))?;
    read_only(&root.join("sys"))?;
    // What is there is seen, and not changed. An overlay over / has nothing of what is mounted below.
    for place in ["/tmp", "/home", "/root", "/opt", "/srv"].map(Path::new) {
        if place == Path::new("/tmp") || is_mounted(place) {
            let changes = ours.join(place.strip_prefix("/").unwrap_or(place));
            let changes = changes.with_extension("changes");
            let (upper, work) = (changes.join("upper"), changes.join("work"));
            fs::create_dir_all(&upper).context("create", &upper)?;
            fs::create_dir_all(&work).context("create", &work)?;
            let mode = place.metadata().context("read", place)?.permissions();
            fs::set_permissions(&upper, mode).context("open", &upper)?;
            let (lower, upper, work) = (place.display(), upper.display(), work.display());
            let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
            mount("overlay", &inside(place), &options).context("mount an overlay on", place)?;
        }
    }
    // The machine's /run is where its daemons listen: an empty one keeps packages from restarting them.
    let resolver = Path::new("/etc/resolv.conf").canonicalize();
    if let Some((path, text)) = resolver
        .ok()
        .and_then(|path| Some((stage.join(path.strip_prefix("/run").ok()?), path)))
        .and_then(|(to, from)| Some((to, fs::read(from).ok()?)))
    {
        let directory = path.parent().expect("a file lies in a directory");
        fs::create_dir_all(directory).context("create", directory)?;
        fs::write(&path, text).context("write", &path)?;
    }
    bind(stage, &root.join("run"))?;
    for name in ["host", "workshop"] {
        bind(&at(name), &inside(Path::new(STAGE)).join(name))?;
    }
    let checkout = repository();
    let real_checkout = checkout.canonicalize().context("find", &checkout)?;
    let cache_outside = cache.root().to_owned();
    if !is_plain(&cache_outside) {
        cache = cache.seen_at(PLAIN_CACHE.into());
        progress.say(format!(
            "In all that follows {PLAIN_CACHE} is '{}': the kernel's make takes plain paths only",
            cache_outside.display()
        ));
    }
    let mut shared = [
        (real_checkout.clone(), real_checkout.clone()),
        (cache.root().to_owned(), cache_outside),
    ];
    // What lies in another comes after it.
    shared.sort();
    for (place, path) in &shared {
        fs::create_dir_all(inside(place)).context("create", place)?;
        rbind(path, &inside(place))?;
    }

    pivot_root(&root, &inside(Path::new(STAGE)).join("old")).context("change to", &root)?;
    chdir("/").context("change to", "/")?;
    umount2("/run/linux-rust/old", MntFlags::MNT_DETACH).context("unmount", STAGE)?;
    // A link in a file system that is not seen here leads nowhere, or to what lies below that.
    if checkout.canonicalize().ok().as_ref() != Some(&real_checkout) {
        fs::create_dir_all(&checkout).context("create", &checkout)?;
        rbind(&real_checkout, &checkout)?;
    }
    set_up()?;
    Ok(cache)
}

/// Gives what follows mounts and processes of its own, which end with it: this process waits.
fn namespaces() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)?;
    let (none, flags) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
    nix::mount::mount(none, "/", none, flags, none)?;
    // The first child is the namespace's init, which waits for orphans as well.
    for _ in 0..2 {
        // SAFETY: there is one thread, so nothing is locked or half-changed by another in the child.
        #[expect(unsafe_code, reason = "there is no other way to fork")]
        let forked = unsafe { fork() }?;
        if let ForkResult::Parent { child } = forked {
            exit(status_of(child));
        }
        set_pdeathsig(Signal::SIGKILL)?;
    }
    Ok(())
}

/// Waits for this child, and for all others on the way.
fn status_of(child: Pid) -> i32 {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, status)) if pid == child => return status,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return 128 + signal as i32,
            Err(nix::errno::Errno::ECHILD) => return 1,
            _ => {}
        }
    }
}

/// Where the changes to this machine are kept: others for each set of packages that it has, because
/// those are what they go with. They are given up where packages were not installed to the end.
fn changes(cache: &Cache) -> Result<PathBuf> {
    let mut key = Key::default();
    let debian = Path::new("/var/lib/dpkg/status");
    if debian.exists() {
        key.text("dpkg", &file_hash(debian)?);
    }
    let mut packages: Vec<_> = names(Path::new("/var/lib/pacman/local"));
    packages.sort();
    key.text("pacman", &packages.join("\n"));
    let key = key.to_string();

    let all = cache.directory("workshop", 0)?;
    let changes = all.join(&key);
    for name in names(&all) {
        if name != key || changes.join("unfinished").exists() {
            let old = all.join(name);
            fs::remove_dir_all(&old).context("remove", &old)?;
        }
    }
    for name in ["upper", "work"] {
        fs::create_dir_all(changes.join(name)).context("create", changes.join(name))?;
    }
    Ok(changes)
}

/// Whether a directory of / is on another file system.
fn is_mounted(place: &Path) -> bool {
    let device = |path: &Path| path.metadata().map(|path| path.dev());
    device(place).is_ok_and(|own| device(Path::new("/")).is_ok_and(|root| own != root))
}

fn is_plain(path: &Path) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    path.as_os_str().as_bytes().iter().all(is_plain)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

fn set_up() -> Result<()> {
    if !Path::new(MARK).exists() {
        fs::write(MARK, "").context("write", MARK)?;
    }
    // Debian's packages start their daemons unless this says no.
    let policy = Path::new("/usr/sbin/policy-rc.d");
    fs::write(policy, "#!/bin/sh\nexit 101\n").context("write", policy)?;
    make_executable(policy)?;
    // An index of all manual pages takes Debian minutes.
    let index = Path::new("/var/lib/man-db/auto-update");
    if index.exists() {
        fs::remove_file(index).context("remove", index)?;
    }
    Ok(())
}

/// Runs what installs packages in the workshop's root. Where it fails or is killed, the next run
/// begins with a fresh root.
pub fn change<T>(install: impl FnOnce() -> Result<T>) -> Result<T> {
    // Not there in a copy of the machine, where the program may run as well.
    let place = Path::new(UNFINISHED)
        .parent()
        .expect("it is in a directory");
    fs::create_dir_all(place).context("create", place)?;
    fs::write(UNFINISHED, "").context("write", UNFINISHED)?;
    let result = install()?;
    fs::remove_file(UNFINISHED).context("remove", UNFINISHED)?;
    Ok(result)
}

/// Installs package files into the workshop's root, by its pacman. Copies of the machine are made
/// without them. Files that were installed there before are left alone.
pub fn install(files: &[PathBuf], cache: &Cache, progress: &Progress) -> Result<()> {
    let mut here: Vec<_> = lines();
    let mut new = Vec::new();
    for file in files {
        let name = package_name(file);
        let line = format!("{name} {}", file_hash(file)?);
        if !here.contains(&line) {
            here.retain(|line| line.split(' ').next() != Some(name));
            here.push(line);
            new.push(file.clone());
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    change(|| {
        Machine::workshop()?.pacman_upgrade(&new, &cache.log("install-packages")?, progress)
    })?;
    here.push(String::new());
    fs::write(MARK, here.join("\n")).context("write", MARK)
}

/// The packages that [`install`] put into the workshop's root.
pub fn installed() -> Vec<String> {
    let names = lines().into_iter();
    names
        .filter_map(|line| Some(line.split(' ').next()?.to_owned()))
        .collect()
}

fn lines() -> Vec<String> {
    let text = fs::read_to_string(MARK).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn refused(error: io::Error) -> Error {
    Error::State {
        what: "a throwaway copy of this machine cannot be made".into(),
        note: format!(
            "everything runs in one, so that nothing is installed on the machine itself; making \
             namespaces and mounting an overlay is not allowed here: {error}"
        ),
        help:
            "run it as root of a machine, of a virtual machine, or of a container that may mount \
               (podman run --privileged)"
                .into(),
    }
}

fn cannot_keep(changes: &Path, error: io::Error) -> Error {
    Error::State {
        what: format!(
            "'{}' cannot keep a throwaway copy of this machine",
            changes.display()
        ),
        note: format!("its file system cannot be the upper directory of an overlay: {error}"),
        help:
            "keep it on another one, ext4 for example: LINUX_RUST_CACHE=/another/directory make vm"
                .into(),
    }
}

/// Stops unless the user is root.
fn require_root() -> Result<()> {
    let uid = Uid::effective();
    if uid.is_root() {
        return Ok(());
    }
    let mut command: Vec<_> = env::args().collect();
    if let Ok(program) = env::current_exe() {
        command[0] = program.display().to_string();
    }
    Err(Error::NotRoot {
        uid: uid.as_raw(),
        command,
    })
}
