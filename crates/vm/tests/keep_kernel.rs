// SPDX-License-Identifier: MIT OR Apache-2.0

//! `keep-kernel` alone, in a directory that stands for `/`: no root, no kernel, no pacman. What
//! pacman and its other hooks do to the files is played; `pacman`, `depmod`, `uname`, `systemctl` and
//! `kernel-install` are scripts, because the real ones act on the machine that the test runs on.

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;
use vm::files::repository;

/// A machine that is only files.
struct Root {
    directory: TempDir,
}

/// What one call of keep-kernel ended with.
struct Said {
    success: bool,
    text: String,
}

impl Said {
    #[track_caller]
    fn says(&self, wanted: &[&str]) {
        for wanted in wanted {
            assert!(self.text.contains(wanted), "{wanted}\nin:\n{}", self.text);
        }
    }
}

impl Root {
    fn new() -> Self {
        let root = Self {
            directory: TempDir::new().unwrap(),
        };
        for (name, script) in [
            ("depmod", "echo depmod $* >>$KEEP_KERNEL_ROOT/called"),
            ("uname", "echo ${RUNNING:-another}"),
            ("systemctl", "exit 1"),
            (
                "pacman",
                r#"for file in "${@:2}"; do
                    release=${file#*/modules/} release=${release%%/*}
                    [[ -e $file ]] && ! grep -qsx "$release" $KEEP_KERNEL_ROOT/unowned &&
                        package=$(cat ${file%%/$release/*}/$release/pkgbase 2>&-) || exit 1
                    case $1:$file in
                      -Qqo:*) echo "$package" ;;
                      *:*/build/*) echo "$file is owned by $package-headers $release-1" ;;
                      *) echo "$file is owned by $package $release-1" ;;
                    esac
                done"#,
            ),
            (
                "kernel-install",
                r#"entries=$KEEP_KERNEL_ROOT/boot/loader/entries
                echo kernel-install $* >>$KEEP_KERNEL_ROOT/called
                case $1 in
                  add) [ -e "$3" ] && mkdir -p $entries && echo >$entries/token-$2.conf ;;
                  remove) rm -f $entries/token-$2.conf ;;
                esac"#,
            ),
        ] {
            root.program(name, script);
        }
        fs::create_dir_all(root.path("usr/lib/modules")).unwrap();
        root
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.directory.path().join("root").join(inside)
    }

    /// A program of this name instead of the real one.
    fn program(&self, name: &str, script: &str) {
        let file = self.directory.path().join("bin").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/bash\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The real one again.
    fn no_program(&self, name: &str) {
        fs::remove_file(self.directory.path().join("bin").join(name)).unwrap();
    }

    fn write(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, inside: &str) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    fn has(&self, inside: &str) -> bool {
        self.path(inside).exists()
    }

    /// keep-kernel, as a hook calls it for these releases, in a machine that runs `another` kernel.
    fn keep(&self, action: &str, releases: &[&str]) -> Said {
        self.keep_running("another", action, releases)
    }

    fn keep_running(&self, running: &str, action: &str, releases: &[&str]) -> Said {
        let paths: String = releases
            .iter()
            .map(|release| format!("usr/lib/modules/{release}/vmlinuz\n"))
            .collect();
        self.call(running, action, &paths)
    }

    fn call(&self, running: &str, action: &str, paths: &str) -> Said {
        let bin = self.directory.path().join("bin");
        let mut child = Command::new("bash")
            .arg(repository().join("keep-kernel/keep-kernel"))
            .arg(action)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("KEEP_KERNEL_ROOT", self.path(""))
            .env("RUNNING", running)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // Not every action reads it.
        let _ = input.write_all(paths.as_bytes());
        drop(input);
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Said {
            success: output.status.success(),
            text: String::from_utf8(text).unwrap(),
        }
    }

    /// What pacman and then DKMS install, with the hooks before and behind DKMS's: a kernel, its headers,
    /// and the modules that build.
    fn installs(&self, pkgbase: &str, release: &str, modules: &[&str]) -> String {
        self.installs_image(pkgbase, release, release, modules)
    }

    fn installs_image(
        &self,
        pkgbase: &str,
        release: &str,
        image: &str,
        modules: &[&str],
    ) -> String {
        let tree = format!("usr/lib/modules/{release}");
        self.write(&format!("{tree}/vmlinuz"), image);
        self.write(&format!("{tree}/pkgbase"), &format!("{pkgbase}\n"));
        self.write(&format!("{tree}/kernel/own.ko.zst"), release);
        self.write(&format!("{tree}/build/include/config"), release);
        self.write(&format!("{tree}/build/Makefile"), release);
        let mut said = self.keep("reclaim", &[release]).text;
        for module in modules {
            let file = format!("{tree}/updates/dkms/{module}.ko.zst");
            // dkms: "already installed (unversioned module), override by specifying --force".
            assert!(!self.has(&file), "{file} is there already");
            self.write(&file, &format!("{module} of {release}"));
        }
        said += &self.keep("restore", &[release]).text;
        said
    }

    /// What DKMS's hook and then pacman remove.
    fn removes(&self, release: &str) {
        let tree = self.path(&format!("usr/lib/modules/{release}"));
        for name in ["updates", "vmlinuz", "pkgbase", "kernel", "build"] {
            let path = tree.join(name);
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        let _ = fs::remove_dir(tree);
    }

    /// A transaction that goes to its end.
    fn upgrades(&self, pkgbase: &str, old: &str, new: &str, modules: &[&str]) -> Said {
        let saved = self.keep("save", &[old]);
        assert!(saved.success, "{}", saved.text);
        self.removes(old);
        self.installs(pkgbase, new, modules);
        self.keep("settle", &[old, new])
    }

    /// The releases that can be booted, `+` behind those whose DKMS module is theirs.
    fn kernels(&self) -> String {
        let mut kernels = Vec::new();
        for tree in fs::read_dir(self.path("usr/lib/modules")).unwrap() {
            let tree = tree.unwrap().path();
            let release = tree.file_name().unwrap().to_str().unwrap().to_owned();
            let content = |file: &str| fs::read_to_string(tree.join(file)).ok();
            let Some(vmlinuz) = content("vmlinuz") else {
                continue;
            };
            assert!(vmlinuz.starts_with(&release), "{vmlinuz} in {release}");
            assert!(content("kernel/own.ko.zst").is_some(), "{release} is empty");
            let module = content("updates/dkms/m.ko.zst");
            if let Some(module) = &module {
                assert_eq!(*module, format!("m of {release}"));
            }
            kernels.push(release + if module.is_some() { "+" } else { "" });
        }
        kernels.sort();
        kernels.join(" ")
    }

    /// Nothing but what belongs to the packages of these kernels.
    #[track_caller]
    fn is_clean(&self) {
        let own = |path: &Path| {
            let name = path.to_string_lossy().into_owned();
            name.contains("kept") || name.contains("keep-kernel")
        };
        let left: Vec<_> = vm::files::files(&self.path(""))
            .filter(|f| own(f))
            .collect();
        assert!(left.is_empty(), "{left:#?}");
        assert!(!self.has("usr/lib/modules/.keep-kernel"));
    }
}

/// Transactions of one kernel package: `+` installs a release with its module, `-` one whose module
/// does not build, `x` one that is another build of its release besides, `!` one that is killed after
/// the old files went, `r` removes it.
#[test]
fn keep_kernel_loses_nothing_in_any_order() {
    for (transactions, left) in [
        ("+A +B", "B+"),
        ("+A -B", "A+ B"),
        ("+A -B -C", "A+ C"),
        ("+A -B -B", "A+ B"),
        ("+A -B +C", "C+"),
        ("+A -B +B", "B+"),
        ("+A -B -A", "A+"),
        ("+A -B +A", "A+"),
        ("+A !B -B", "A+ B"),
        ("+A !B +B", "B+"),
        ("+A +B -A", "A B+"),
        ("+A -A", "A+"),
        ("-A -B", "B"),
        ("+A xA", "A"),
        ("+A -B xA", "A"),
        ("+A !B rA", ""),
        ("+A -B rB", ""),
    ] {
        let root = Root::new();
        let mut installed = String::new();
        let mut said = String::new();
        for transaction in transactions.split(' ') {
            let (kind, new) = transaction.split_at(1);
            let old = installed.clone();
            let touched: &[&str] = if old.is_empty() { &[] } else { &[&old] };
            said += &root.keep("save", touched).text;
            root.removes(&old);
            match kind {
                "!" => continue,
                "r" => said += &root.keep("settle", touched).text,
                _ => {
                    let image = match kind {
                        "x" => format!("{new}, built again"),
                        _ => new.to_owned(),
                    };
                    let modules: &[&str] = if kind == "+" { &["m"] } else { &[] };
                    said += &root.installs_image("linux", new, &image, modules);
                    said += &root.keep("settle", &[&old, new]).text;
                    new.clone_into(&mut installed);
                }
            }
        }
        assert_eq!(root.kernels(), left, "{transactions}:\n{said}");
        assert!(!root.has("usr/lib/modules/.keep-kernel"), "{transactions}");
        let again = said.contains("help: the initramfs was made without them: ");
        assert_eq!(again, transactions == "+A -A", "{transactions}:\n{said}");
    }
}

#[test]
fn keep_kernel_serves_several_kernels_in_one_transaction() {
    let root = Root::new();
    root.installs("linux", "7.1", &["m"]);
    root.installs("linux-lts", "6.12", &["m"]);
    root.keep("save", &["7.1", "6.12"]);
    root.removes("7.1");
    root.removes("6.12");
    root.installs("linux", "7.2", &["m"]);
    root.installs("linux-lts", "6.13", &[]);
    let said = root.keep("settle", &["7.1", "6.12", "7.2", "6.13"]);
    said.says(&[
        "warning: not built for 6.13: m",
        "note: 6.12 is kept, with its modules, in ",
        "sudo pacman -U --overwrite 'usr/lib/modules/6.12/*' \
         linux-lts-6.12-1-*.pkg.tar.zst linux-lts-headers-6.12-1-*.pkg.tar.zst",
    ]);
    assert_eq!(root.kernels(), "6.12+ 6.13 7.2+");
    // Its headers went with their package, so DKMS does not build for it.
    assert!(!root.has("usr/lib/modules/6.12/build"));

    // Of the other kernel it says nothing, and takes nothing.
    let said = root.upgrades("linux", "7.2", "7.3", &["m"]);
    assert_eq!(root.kernels(), "6.12+ 6.13 7.3+", "{}", said.text);
}

#[test]
fn keep_kernel_saves_before_a_full_disk_and_loses_nothing_on_it() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.keep("save", &["1"]);
    root.removes("1");
    root.installs("linux", "2", &[]);
    // Killed here, and there is no room for anything from now on.
    root.program("cp", "echo cp: No space left on device >&2; exit 1");
    let said = root.keep("save", &["2"]);
    said.says(&["warning: 2 could not be saved", "help: df -h "]);
    assert!(!said.success);
    root.removes("2");
    root.installs("linux", "3", &[]);
    assert!(root.keep("settle", &["2", "3"]).success);
    assert_eq!(root.kernels(), "1+ 3");
}

#[test]
fn keep_kernel_saves_by_hard_links_or_else_by_copies() {
    for links in [true, false] {
        let root = Root::new();
        root.installs("linux", "1", &["m"]);
        if !links {
            root.program("cp", "[[ $1 != -al ]] && exec /usr/bin/cp \"$@\"; exit 1");
        }
        assert!(root.keep("save", &["1"]).success);
        let inode = |tree: &str| {
            let file = root.path(&format!("usr/lib/modules/{tree}/kernel/own.ko.zst"));
            fs::metadata(file).unwrap().ino()
        };
        assert_eq!(inode("1") == inode(".keep-kernel/1"), links);
    }
}

/// After a transaction of one kernel that was cut off, one of another kernel.
#[test]
fn keep_kernel_does_not_take_a_cut_off_upgrade_for_a_removal() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.installs("linux-lts", "5", &[]);
    assert!(root.keep("save", &["1"]).success);
    // Once more, after it was cut off before anything was removed.
    assert!(root.keep("save", &["1"]).success);
    root.removes("1");
    root.upgrades("linux-lts", "5", "6", &[]);
    assert_eq!(root.kernels(), "1+ 6");
}

#[test]
fn keep_kernel_puts_trees_back_though_depmod_fails() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.installs("linux-lts", "2", &["m"]);
    root.program("depmod", "exit 1");
    root.keep("save", &["1", "2"]);
    root.removes("1");
    root.removes("2");
    root.installs("linux", "1", &[]);
    root.installs("linux-lts", "3", &[]);
    let said = root.keep("settle", &["1", "2", "3"]);
    said.says(&[
        "warning: modprobe does not find them",
        "help: sudo depmod 1",
    ]);
    assert_eq!(root.kernels(), "1+ 2+ 3");
}

#[test]
fn keep_kernel_goes_on_where_it_was_killed() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.keep("save", &["1"]);
    // What a save that was killed leaves.
    root.write("usr/lib/modules/.keep-kernel/.new/vmlinuz", "1");
    // The kernel alone is upgraded: its headers stay.
    for name in ["vmlinuz", "pkgbase"] {
        fs::remove_file(root.path("usr/lib/modules/1").join(name)).unwrap();
    }
    root.installs("linux", "2", &[]);
    root.program("mv", "[[ $1 != -T ]] && exec /usr/bin/mv \"$@\"; exit 1");
    let said = root.keep("settle", &["1", "2"]);
    assert!(!said.success);
    said.says(&[
        "warning: 1 could not be put back",
        "help: sudo keep-kernel settle </dev/null",
    ]);
    root.no_program("mv");
    assert!(root.keep("settle", &[]).success);
    assert_eq!(root.kernels(), "1+ 2");
    assert!(root.has("usr/lib/modules/1/build/include/config"));
    assert!(!root.has("usr/lib/modules/.keep-kernel"));
}

/// The copy of an upgrade to the same release that was cut off is all that there is of it.
#[test]
fn keep_kernel_does_not_trust_a_half_installed_tree() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.installs("linux-lts", "5", &["m"]);
    root.keep("save", &["1"]);
    root.removes("1");
    root.write("usr/lib/modules/1/pkgbase", "linux\n");
    root.write("usr/lib/modules/1/vmlinuz", "1, a ha");
    assert!(root.upgrades("linux-lts", "5", "6", &["m"]).success);
    // The next upgrade completes.
    root.installs("linux", "1", &[]);
    root.keep("settle", &["1"]);
    assert_eq!(root.kernels(), "1+ 6+");
    root.is_clean();
}

#[test]
fn keep_kernel_stays_until_dkms_has_built_what_was_missing() {
    let root = Root::new();
    root.installs("linux", "1", &["m", "other"]);
    root.upgrades("linux", "1", "2", &["other"])
        .says(&["not built for 2: m \n"]);
    // The module's package brings a source that builds.
    root.write("usr/lib/modules/2/updates/dkms/m.ko.zst", "m of 2");
    root.call("another", "settle", "usr/src/m-2.0/dkms.conf\n");
    assert_eq!(root.kernels(), "2+");
    root.is_clean();
}

#[test]
fn keep_kernel_keeps_what_is_running() {
    let root = Root::new();
    root.installs("linux", "1", &[]);
    root.keep("save", &["1"]);
    root.removes("1");
    root.installs("linux", "2", &[]);
    let said = root.keep_running("1", "settle", &["1", "2"]);
    said.says(&["1 is running: it is kept until the next upgrade."]);
    assert_eq!(root.kernels(), "1 2");
    // No tool that makes an image of each tree with a name makes one of this.
    assert!(!root.has("usr/lib/modules/1/pkgbase"));
    root.upgrades("linux", "2", "3", &[]);
    assert_eq!(root.kernels(), "3");
    root.is_clean();
}

/// kernel-modules-hook puts the running kernel's tree back, pkgbase and all, before the hook that settles.
#[test]
fn keep_kernel_asks_pacman_what_is_installed() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.keep("save", &["1"]);
    root.removes("1");
    root.installs("linux", "2", &[]);
    root.installs("linux", "1", &["m"]);
    root.write("unowned", "1\n");
    let said = root.keep("settle", &["1", "2"]);
    said.says(&[
        "warning: not built for 2: m",
        "note: 1 is kept, with its modules",
    ]);
    assert_eq!(root.kernels(), "1+ 2");
    // It is none of pacman's for others either, and goes when it is not needed any more.
    assert!(!root.has("usr/lib/modules/1/pkgbase"));
    root.upgrades("linux", "2", "3", &["m"]);
    assert_eq!(root.kernels(), "3+");
    root.is_clean();
}

#[test]
fn keep_kernel_names_who_would_remove_what_is_kept() {
    let root = Root::new();
    root.program(
        "systemctl",
        "[[ $* == '-q is-enabled linux-modules-cleanup.service' ]]",
    );
    root.installs("linux", "1", &["m"]);
    root.upgrades("linux", "1", "2", &[])
        .says(&["help: the next boot of 2 would remove it: sudo systemctl disable linux-modules-cleanup.service"]);
}

#[test]
fn keep_kernel_forgets_what_another_kernel_replaces() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.upgrades("linux", "1", "2", &[]);
    let said = root.keep_running("1", "forget", &[]);
    said.says(&[
        "warning: 1 is running: it stays",
        "help: boot 2, and then: sudo keep-kernel forget",
    ]);
    assert_eq!(root.kernels(), "1+ 2");
    root.keep("forget", &[]);
    assert_eq!(root.kernels(), "2");
    root.is_clean();
}

#[test]
fn keep_kernel_never_forgets_the_only_kernel() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    root.keep("save", &["1"]);
    root.removes("1");
    // Interrupted here.
    let said = root.keep("forget", &[]);
    said.says(&[
        "warning: 1 is the only kernel of linux: it stays",
        "help: to install it again, where its packages are: sudo pacman -U --overwrite ",
    ]);
    assert_eq!(root.kernels(), "1+");
}

// --- Booting what is kept

/// As mkinitcpio's hooks leave `/boot`.
fn images(root: &Root, pkgbase: &str, release: &str) {
    root.write(&format!("boot/vmlinuz-{pkgbase}"), release);
    root.write(
        &format!("boot/initramfs-{pkgbase}.img"),
        &format!("initramfs of {release}"),
    );
    root.write(
        &format!("boot/initramfs-{pkgbase}-fallback.img"),
        "fallback",
    );
}

/// An upgrade whose module does not build, with the images in `/boot` that mkinitcpio removes first
/// and makes last.
fn upgrade_with_images(root: &Root) -> Said {
    root.installs("linux", "1", &["m"]);
    images(root, "linux", "1");
    root.keep("save", &["1"]);
    for file in ["vmlinuz-linux", "initramfs-linux.img"] {
        fs::remove_file(root.path("boot").join(file)).unwrap();
    }
    root.removes("1");
    root.installs("linux", "2", &[]);
    images(root, "linux", "2");
    root.keep("settle", &["1", "2"])
}

const ENTRY: &str = "title Arch Linux\nsort-key arch\nlinux /vmlinuz-linux\n\
    initrd /intel-ucode.img\ninitrd /initramfs-linux.img\noptions root=/dev/sda2 rw\n";

#[test]
fn keep_kernel_gives_a_kept_kernel_images_and_an_entry_of_its_own() {
    let root = Root::new();
    root.write("boot/loader/entries/arch.conf", ENTRY);
    // It comes first, and its initramfs has no copy.
    let fallback = ENTRY.replace("linux.img", "linux-fallback.img");
    root.write("boot/loader/entries/arch-fallback.conf", &fallback);
    upgrade_with_images(&root)
        .says(&["help: to boot 1: choose it in the boot menu; the other entry boots 2"]);
    assert_eq!(root.read("boot/vmlinuz-1"), "1");
    assert_eq!(root.read("boot/initramfs-1.img"), "initramfs of 1");
    assert_eq!(
        root.read("boot/loader/entries/-kept_1.conf"),
        "title Arch Linux (1, kept)\nlinux /vmlinuz-1\ninitrd /intel-ucode.img\n\
         initrd /initramfs-1.img\noptions root=/dev/sda2 rw\n"
    );
    // What boots the new one is as it was.
    assert_eq!(root.read("boot/loader/entries/arch.conf"), ENTRY);
    assert_eq!(root.read("boot/vmlinuz-linux"), "2");

    root.upgrades("linux", "2", "3", &["m"]);
    root.is_clean();
    for gone in [
        "vmlinuz-1",
        "initramfs-1.img",
        "vmlinuz-2",
        "initramfs-2.img",
    ] {
        assert!(!root.has(&format!("boot/{gone}")), "{gone} is left");
    }
    assert!(root.has("boot/vmlinuz-linux"));
}

#[test]
fn keep_kernel_leaves_something_to_boot_when_an_upgrade_is_cut_off() {
    let root = Root::new();
    root.write("boot/loader/entries/arch.conf", ENTRY);
    root.installs("linux", "1", &["m"]);
    images(&root, "linux", "1");
    root.keep("save", &["1"]);
    assert!(root.has("boot/vmlinuz-1") && root.has("boot/loader/entries/-kept_1.conf"));
}

/// As grub-mkconfig writes it, shortened.
const GRUB_CFG: &str = "\
menuentry 'Arch Linux' --class os {
\tsearch --no-floppy --fs-uuid --set=root 1234
\tlinux\t/vmlinuz-linux-lts root=/dev/sda2
\tinitrd\t/initramfs-linux-lts.img
}
submenu 'Advanced options' {
\tmenuentry 'fallback' {
\t\tlinux\t/vmlinuz-linux root=/dev/sda2
\t\tinitrd\t/intel-ucode.img /initramfs-linux-fallback.img
\t}
\tmenuentry 'linux' --class os {
\t\tsavedefault
\t\tlinux\t/vmlinuz-linux root=/dev/sda2
\t\tinitrd\t/intel-ucode.img /initramfs-linux.img
\t}
}
if [ -f  ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
fi
";

#[test]
fn keep_kernel_gives_a_kept_kernel_an_entry_of_grub() {
    let root = Root::new();
    root.write("boot/grub/grub.cfg", GRUB_CFG);
    root.write("boot/grub/custom.cfg", "# of the user's\n");
    upgrade_with_images(&root).says(&["help: to boot 1: choose it in the boot menu"]);
    assert_eq!(
        root.read("boot/grub/custom.cfg"),
        "# of the user's\n# keep-kernel 1: begin\n\tmenuentry 'Linux 1 (kept)' {\n\
         \t\tlinux\t/vmlinuz-1 root=/dev/sda2\n\
         \t\tinitrd\t/intel-ucode.img /initramfs-1.img\n\t}\n# keep-kernel 1: end\n"
    );
    root.upgrades("linux", "2", "3", &["m"]);
    assert_eq!(root.read("boot/grub/custom.cfg"), "# of the user's\n");
    assert_eq!(root.read("boot/grub/grub.cfg"), GRUB_CFG);
}

/// A grub.cfg that somebody wrote.
#[test]
fn keep_kernel_says_how_grub_boots_what_has_no_entry() {
    let root = Root::new();
    root.write("boot/grub/grub.cfg", "menuentry");
    upgrade_with_images(&root).says(&[
        "in GRUB's menu, press e and write -1 for -linux, twice; the entry as it is boots 2",
        "sudo grub-mkconfig -o /boot/grub/grub.cfg",
    ]);
    assert!(!root.has("boot/grub/custom.cfg"));
}

#[test]
fn keep_kernel_leaves_the_room_that_the_new_kernel_needs() {
    let root = Root::new();
    root.write("etc/mkinitcpio.d/linux.preset", "");
    // 15 bytes to copy, and as many for the new ones.
    root.program("df", "printf 'Avail\\n29\\n'");
    root.installs("linux", "1", &["m"]);
    images(&root, "linux", "1");
    let said = root.keep("save", &["1"]);
    said.says(&[
        "warning: 1 has no images of its own",
        "/boot has no room for them beside the new kernel's: df -h ",
    ]);
    root.removes("1");
    root.installs("linux", "2", &[]);
    root.keep("settle", &["1", "2"])
        .says(&["/vmlinuz /boot/vmlinuz-1 && sudo mkinitcpio -k 1 -g /boot/initramfs-1.img"]);
    assert!(!root.has("boot/vmlinuz-1"));
    assert_eq!(root.kernels(), "1+ 2");

    let root = Root::new();
    root.program("df", "printf 'Avail\\n30\\n'");
    upgrade_with_images(&root);
    assert!(root.has("boot/vmlinuz-1"));
}

#[test]
fn keep_kernel_overwrites_no_image_of_others() {
    let root = Root::new();
    root.write("boot/vmlinuz-1", "somebody's");
    upgrade_with_images(&root);
    assert_eq!(root.read("boot/vmlinuz-1"), "somebody's");
    root.upgrades("linux", "2", "3", &["m"]);
    assert_eq!(root.read("boot/vmlinuz-1"), "somebody's");
}

/// A unified image is an entry by itself.
#[test]
fn keep_kernel_copies_a_unified_image() {
    let root = Root::new();
    root.write(
        "etc/mkinitcpio.d/linux.preset",
        "ALL_kver=\"/boot/vmlinuz-linux\"\nPRESETS=(default)\ndefault_uki=\"/efi/EFI/Linux/arch-linux.efi\"\n",
    );
    root.write("efi/EFI/Linux/arch-linux.efi", "all of 1");
    upgrade_with_images(&root).says(&["help: to boot 1: choose it in the boot menu"]);
    assert_eq!(root.read("efi/EFI/Linux/-kept_1.efi"), "all of 1");
}

#[test]
fn keep_kernel_has_kernel_install_make_an_entry_and_remove_it() {
    let root = Root::new();
    let entry = |release: &str| format!("boot/loader/entries/token-{release}.conf");
    root.installs("linux", "1", &["m"]);
    root.write(&entry("1"), "");
    // The pacman hooks of kernel-install.
    root.keep("save", &["1"]);
    fs::remove_file(root.path(&entry("1"))).unwrap();
    root.removes("1");
    root.installs("linux", "2", &[]);
    root.write(&entry("2"), "");
    let said = root.keep("settle", &["1", "2"]);
    said.says(&["help: to boot 1: choose it in the boot menu; the other entry boots 2"]);
    assert!(root.has(&entry("1")), "{}", said.text);
    root.keep("settle", &[]);
    assert_eq!(root.read("called").matches("kernel-install add").count(), 1);

    root.installs("linux", "2", &["m"]);
    root.call("another", "settle", "usr/src/m-2.0/dkms.conf\n");
    assert!(!root.has(&entry("1")) && root.has(&entry("2")));
    assert_eq!(root.kernels(), "2+");
}

/// pacman installs the old release over what is kept of it: the copies in `/boot` are not needed then.
#[test]
fn keep_kernel_gives_a_kernel_back_to_pacman() {
    let root = Root::new();
    upgrade_with_images(&root);
    root.keep("save", &["2"]);
    root.removes("2");
    root.installs("linux", "1", &[]);
    images(&root, "linux", "1");
    root.keep("settle", &["1", "2"]);
    assert_eq!(root.kernels(), "1+");
    root.is_clean();
    assert!(!root.has("boot/vmlinuz-1") && root.has("boot/vmlinuz-linux"));
}

#[test]
fn keep_kernel_leaves_no_image_of_a_kernel_that_is_installed_again() {
    let root = Root::new();
    root.installs("linux", "1", &["m"]);
    images(&root, "linux", "1");
    root.upgrades("linux", "1", "1", &["m"]);
    root.is_clean();
    assert!(!root.has("boot/vmlinuz-1") && root.has("boot/vmlinuz-linux"));
}
