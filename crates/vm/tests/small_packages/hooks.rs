// SPDX-License-Identifier: MIT OR Apache-2.0

//! keep-kernel as pacman's hooks call it.

use std::fs;

use libtest_mimic::Failed;
use vm::machine::Machine;

use crate::{Shop, Test, runs, says, script};

pub const TESTS: &[(&str, Test)] = &[
    ("keep_kernel_keeps_what_dkms_does_not_build_for", keeps),
    (
        "keep_kernel_is_asked_about_each_kernel_of_a_transaction",
        several,
    ),
    ("keep_kernel_leaves_nothing_behind", removal),
];

/// mkinitcpio's two hooks: what it removes first and makes last.
fn mkinitcpio(machine: &Machine) -> vm::Result<()> {
    for (name, operations, when) in [
        ("60-mkinitcpio-remove", "Remove", "Pre"),
        (
            "90-mkinitcpio-install",
            "Install\nOperation = Upgrade",
            "Post",
        ),
    ] {
        machine.write(
            &format!("/etc/pacman.d/hooks/{name}.hook"),
            &format!(
                "[Trigger]\nOperation = {operations}\nType = Path\nTarget = usr/lib/modules/*/vmlinuz\n\
                 [Action]\nWhen = {when}Transaction\nExec = /opt/mkinitcpio {when}\nNeedsTargets\n"
            ),
        )?;
    }
    script(
        machine,
        "/opt/mkinitcpio",
        r#"#!/bin/sh
        while read -r image; do
          base=$(cat "/${image%/*}/pkgbase")
          rm -f "/boot/vmlinuz-$base" "/boot/initramfs-$base.img"
          [ "$1" = Pre ] || { cp "/$image" "/boot/vmlinuz-$base"; echo "for $image" >"/boot/initramfs-$base.img"; }
        done
        "#,
    )
}

/// Everything that is installed, and kernel 1 with its module.
fn machine(shop: &Shop) -> Result<Machine, Failed> {
    let machine = Machine::new(&shop.cache)?;
    mkinitcpio(&machine)?;
    let mut all = shop.own("keep-kernel")?;
    all.extend(shop.kernel("tiny", "1")?);
    all.extend(shop.dkms("1.0", "6.1.2-tiny")?);
    let said = shop.pacman(&machine, &all)?;
    assert!(has(&machine, "6.1.1-tiny/updates/dkms/small.ko*"), "{said}");
    Ok(machine)
}

fn has(machine: &Machine, pattern: &str) -> bool {
    let script = format!("ls -d /usr/lib/modules/{pattern} >/dev/null 2>&1 && echo yes || true");
    !runs(machine, true, &script).is_empty()
}

fn keeps(shop: &Shop) -> Result<(), Failed> {
    let machine = machine(shop)?;
    machine.write(
        "/boot/loader/entries/arch.conf",
        "title Arch\nlinux /vmlinuz-tiny\ninitrd /initramfs-tiny.img\n",
    )?;
    let second = shop.kernel("tiny", "2")?;
    let said = shop.pacman(&machine, &second)?;
    says(
        &said,
        &[
            "warning: not built for 6.1.2-tiny: small",
            "note: 6.1.1-tiny is kept, with its modules, in /usr/lib/modules/6.1.1-tiny",
            "help: to boot 6.1.1-tiny: choose it in the boot menu; the other entry boots 6.1.2-tiny",
        ],
    );
    assert!(
        has(&machine, "6.1.1-tiny/updates/dkms/small.ko*") && has(&machine, "6.1.1-tiny/vmlinuz")
    );
    assert!(!has(&machine, "6.1.1-tiny/build") && !has(&machine, "6.1.1-tiny/pkgbase"));
    let boot = |name: &str| fs::read_to_string(machine.path("/boot").join(name));
    assert_eq!(boot("vmlinuz-6.1.1-tiny")?, "image of 1\n");
    assert_eq!(
        boot("initramfs-6.1.1-tiny.img")?,
        "for usr/lib/modules/6.1.1-tiny/vmlinuz\n"
    );
    assert_eq!(boot("vmlinuz-tiny")?, "image of 2\n");
    assert_eq!(
        boot("loader/entries/-kept_6.1.1-tiny.conf")?,
        "title Arch (6.1.1-tiny, kept)\nlinux /vmlinuz-6.1.1-tiny\ninitrd /initramfs-6.1.1-tiny.img\n"
    );

    // The module's next release builds no better, and is not tried for a kernel without headers.
    let said = shop.pacman(&machine, &shop.dkms("1.1", "6.1.2-tiny")?)?;
    assert!(!said.contains("-k 6.1.1-tiny"), "{said}");
    says(&said, &["warning: not built for 6.1.2-tiny: small"]);

    // Back to the old packages, by the command that was printed.
    let help = "help: to install it again, where its packages are: sudo pacman -U ";
    let back = said.lines().find_map(|line| line.trim().strip_prefix(help));
    let back = back.ok_or_else(|| format!("no way back in {said}"))?;
    for file in shop.kernel("tiny", "1")? {
        let to = machine
            .path("/packages")
            .join(file.file_name().unwrap_or_default());
        fs::copy(&file, to)?;
    }
    runs(
        &machine,
        true,
        &format!("cd /packages; pacman -U --noconfirm {back}"),
    );
    runs(&machine, true, "pacman -Qk tiny tiny-headers");
    assert!(has(&machine, "6.1.1-tiny/updates/dkms/small.ko*") && !has(&machine, "6.1.2-tiny"));
    assert!(boot("vmlinuz-6.1.1-tiny").is_err() && boot("vmlinuz-tiny")? == "image of 1\n");

    // Forward once more, and then the module builds: the kept kernel goes.
    shop.pacman(&machine, &second)?;
    assert!(has(&machine, "6.1.1-tiny/vmlinuz"));
    let said = shop.pacman(&machine, &shop.dkms("1.2", "none")?)?;
    assert!(has(&machine, "6.1.2-tiny/updates/dkms/small.ko*"), "{said}");
    assert!(!has(&machine, "6.1.1-tiny"), "{said}");
    assert!(
        boot("vmlinuz-6.1.1-tiny").is_err()
            && boot("loader/entries/-kept_6.1.1-tiny.conf").is_err()
    );
    Ok(())
}

fn several(shop: &Shop) -> Result<(), Failed> {
    let machine = machine(shop)?;
    shop.pacman(&machine, &shop.kernel("other", "1")?)?;
    assert!(has(&machine, "6.1.1-other/updates/dkms/small.ko*"));
    let mut both = shop.kernel("tiny", "2")?;
    both.extend(shop.kernel("other", "2")?);
    let said = shop.pacman(&machine, &both)?;
    says(&said, &["6.1.1-tiny is kept"]);
    assert!(
        has(&machine, "6.1.1-tiny/vmlinuz") && !has(&machine, "6.1.1-other"),
        "{said}"
    );
    Ok(())
}

fn removal(shop: &Shop) -> Result<(), Failed> {
    let machine = machine(shop)?;
    let second = shop.kernel("tiny", "2")?;
    shop.pacman(&machine, &second)?;
    assert!(has(&machine, "6.1.1-tiny/vmlinuz"));
    runs(&machine, true, "pacman -R --noconfirm keep-kernel");
    assert!(!has(&machine, "6.1.1-tiny") && has(&machine, "6.1.2-tiny/vmlinuz"));

    shop.pacman(&machine, &shop.own("keep-kernel")?)?;
    shop.pacman(&machine, &shop.kernel("tiny", "3")?)?;
    runs(
        &machine,
        true,
        "pacman -R --noconfirm tiny tiny-headers tiny-src",
    );
    assert!(!has(&machine, "*-tiny") && !has(&machine, ".keep-kernel"));
    Ok(())
}
