// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;

fn of(text: &str, series: (u32, u32)) -> Finding {
    finding(text, Some(series), "").unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn each_form_is_told_the_other() {
    for (text, series, message, help) in [
        (
            "error[E0599]: no method named `try_push` found for struct `Vec` in the current scope",
            (6, 12),
            "before 6.10",
            "v.push(x, GFP_KERNEL)?",
        ),
        (
            "error[E0599]: no method named `try_push` found for struct `kernel::alloc::kvec::Vec<T, A>` in the current scope",
            (7, 2),
            "before 6.10",
            "v.push(x, GFP_KERNEL)?",
        ),
        (
            "error[E0412]: cannot find type `KVec` in this scope",
            (6, 12),
            "6.13 or later",
            "Vec<T>",
        ),
        (
            "error[E0412]: cannot find type `Vec` in this scope",
            (6, 18),
            "before 6.13",
            "KVec<T>",
        ),
        (
            "error[E0433]: failed to resolve: use of undeclared type `Box`",
            (6, 13),
            "before 6.13",
            "KBox<T>",
        ),
        (
            "error[E0425]: cannot find value `GFP_KERNEL` in this scope",
            (6, 6),
            "6.10 or later",
            "without allocation flags",
        ),
        (
            "error: proc macro panicked\n  = help: message: Unknown key \"authors\". Valid keys are: [\"type\", \"name\"]",
            (6, 12),
            "6.15 or later",
            "author: ",
        ),
        (
            "error: proc macro panicked\n  = help: message: Unknown key \"params\". Valid keys are: [\"type\"]",
            (6, 18),
            "6.19 or later",
            "6.19",
        ),
        (
            "error: proc macro panicked\n  = help: message: Expected byte string",
            (6, 1),
            "6.2 or later",
            "b\"…\"",
        ),
        (
            "error[E0432]: unresolved import `kernel::miscdevice`",
            (6, 12),
            "6.13 or later",
            "6.13",
        ),
        (
            "error[E0432]: unresolved import `kernel::miscdev`",
            (6, 12),
            "no kernel series",
            "miscdevice",
        ),
        (
            "error[E0432]: unresolved imports `kernel::net::filter`, `kernel::net::filter`",
            (6, 12),
            "no kernel series has `kernel::net::filter`",
            "nothing",
        ),
        (
            "error[E0432]: unresolved import `kernel::types::ARef`",
            (7, 3),
            "before 6.18",
            "kernel::sync::aref",
        ),
        (
            "error: prefix `c` is unknown",
            (6, 1),
            "6.10 or later",
            "bytes that end",
        ),
        (
            "error: expected one of `!`, `,` or an operator, found `\"hello\"`\n --> m.rs:9:41\n  |\n9 |     let options = Options { name: c\"hello\" };",
            (6, 1),
            "6.10 or later",
            "bytes that end",
        ),
        // Of several that are missing the newest decides.
        (
            "error[E0432]: unresolved imports `kernel::c_str`, `kernel::fs`, `kernel::iov`, `kernel::types`",
            (6, 1),
            "6.18 or later: it has kernel::iov",
            "6.13",
        ),
        (
            "error[E0432]: unresolved imports `kernel::fs`, `kernel::miscdevice`",
            (6, 12),
            "6.13 or later",
            "6.13",
        ),
        (
            "error[E0433]: failed to resolve: could not find `sync` in `kernel`",
            (6, 1),
            "6.3 or later",
            "6.3",
        ),
        (
            "error: cannot find macro `pr_warn` in this scope",
            (6, 1),
            "6.2 or later",
            "6.2",
        ),
        (
            "error: cannot find macro `dev_info` in this scope",
            (6, 12),
            "6.13 or later",
            "6.13",
        ),
        (
            "error[E0405]: cannot find trait `InPlaceModule` in crate `kernel`",
            (6, 12),
            "6.13 or later",
            "6.13",
        ),
        (
            "error[E0283]: type annotations needed for `kernel::alloc::Vec<u8, _>`",
            (6, 12),
            "before 6.13",
            "KVec<T>",
        ),
        (
            "error[E0050]: method `open` has 0 parameters but the declaration in trait `open` has 2\n  = note: `open` from trait: `fn(&kernel::fs::File, &MiscDeviceRegistration<Self>) -> R`",
            (7, 3),
            "the module's `open` was written for another kernel series",
            "the trait: (&kernel::fs::File, &MiscDeviceRegistration<Self>)",
        ),
    ] {
        let finding = of(text, series);
        assert!(finding.message.contains(message), "{text}: {finding:?}");
        assert!(
            finding.help.iter().any(|h| h.text.contains(help)),
            "{text}: {finding:?}"
        );
    }
}

#[test]
fn a_part_that_the_configuration_leaves_out_has_its_option() {
    let gated =
        "note: found an item that was configured out\n  --> rust/kernel/lib.rs:75:6\n   |\n";
    for (text, path, option) in [
        (
            "error[E0432]: unresolved import `kernel::firmware`\n  --> m.rs:31:47\n",
            "firmware",
            "RUST_FW_LOADER_ABSTRACTIONS",
        ),
        (
            "error[E0433]: failed to resolve: could not find `phy` in `net`\n  --> m.rs:3:5\n",
            "phy",
            "RUST_PHYLIB_ABSTRACTIONS",
        ),
    ] {
        let text = format!("{text}{gated}");
        let found = left_out(&text).unwrap();
        let finding = found.finding("");
        assert_eq!((found.path, found.options), (path, vec![option]));
        assert!(finding.message.contains(path), "{finding:?}");
        assert!(finding.notes[0].contains(option), "{finding:?}");
    }
    for (cfg, options, note) in [
        (
            "74 | #[cfg(CONFIG_NEW_NAME)]\n",
            vec!["NEW_NAME"],
            "where CONFIG_NEW_NAME=y",
        ),
        (
            "5 |   #[cfg(any(\n6 | |   CONFIG_B = \"y\",\n7 | |   CONFIG_A = \"m\",\n8 | |   CONFIG_B = \"m\",\n",
            vec!["A", "B"],
            "depends on CONFIG_A and CONFIG_B",
        ),
        (
            "5 | #[cfg(not(CONFIG_FOO))]\n",
            vec!["FOO"],
            "only where CONFIG_FOO is off",
        ),
    ] {
        let shown = format!("error[E0432]: unresolved import `kernel::firmware`\n{gated}{cfg}");
        let found = left_out(&shown).unwrap();
        let finding = found.finding("");
        assert_eq!((found.path, found.options), ("firmware", options));
        assert!(finding.notes[0].contains(note), "{finding:?}");
    }
    assert_eq!(
        left_out("error[E0432]: unresolved import `kernel::firmware`\n"),
        None
    );
}

#[test]
fn names_of_the_branch_before_6_1_are_told_as_such() {
    for (text, item, now) in [
        (
            "error[E0412]: cannot find type `String` in this scope",
            "`String`",
            "kernel::str::CString",
        ),
        (
            "error[E0405]: cannot find trait `KernelModule` in this scope",
            "`KernelModule`",
            "mainline has kernel::Module",
        ),
        (
            "error[E0432]: unresolved import `kernel::pci`, `kernel::define_pci_id_table`",
            "`define_pci_id_table`",
            "pci_device_table!",
        ),
        // The first part that is missing is named, and the whole is shown.
        (
            "error[E0433]: failed to resolve: could not find `sync` in `kernel`\n --> m.rs:3:13\n  |\n3 | use kernel::sync::smutex::Mutex;\n  |             ^^^^",
            "`kernel::sync::smutex`",
            "kernel::sync::Mutex",
        ),
    ] {
        let found = of(text, (6, 12));
        assert_eq!(found.message, format!("no kernel series has {item}"));
        assert!(found.help[0].text.contains(now), "{:?}", found.help);
    }
    let codes = of(
        "error[E0425]: cannot find value `EINVAL` in this scope",
        (6, 1),
    );
    assert!(codes.message.contains("6.2 or later"), "{}", codes.message);
    let init =
        "error[E0050]: method `init` has 2 parameters but the declaration in trait `init` has 1";
    assert!(of(init, (6, 1)).notes[0].contains("it takes 2"));
}

#[test]
fn a_series_that_got_a_change_later_may_have_either_form() {
    let old = "error[E0107]: struct takes 2 generic arguments but 1 generic argument was supplied\n12 | numbers: Vec<i32>,";
    let new = "error[E0412]: cannot find type `KVec` in this scope";
    for (text, help) in [
        (old, "write KVec<T>"),
        (new, "for this kernel write Vec<T>"),
    ] {
        let finding = of(text, (6, 12));
        assert!(finding.help[0].text.starts_with(help), "{finding:?}");
    }
}

#[test]
fn without_a_series_both_sides_are_told() {
    let text = "error[E0412]: cannot find type `KVec` in this scope";
    let finding = finding(text, None, "").unwrap();
    assert!(
        finding.notes[0].contains("before 6.13: Vec<T>"),
        "{finding:?}"
    );
}

#[test]
fn errors_of_ones_own_code_are_not_drift() {
    for text in [
        "error[E0412]: cannot find type `Vex` in this scope",
        "error[E0308]: mismatched types",
        "error[E0432]: unresolved import `crate::x`",
        "error[E0432]: unresolved import `crate::sync`",
        "error[E0433]: failed to resolve: could not find `device` in `crate`",
        "error[E0050]: method `area` has 1 parameter but the declaration in trait `Shape::area` has 0",
    ] {
        assert_eq!(finding(text, None, ""), None, "{text}");
    }
    // What this kernel has is missing for another reason.
    let text = "error: cannot find macro `fmt` in this scope";
    assert_eq!(finding(text, Some((7, 3)), ""), None);
}

#[test]
fn changes_are_in_their_order() {
    assert!(ALL.change.is_sorted_by_key(|change| change.since));
}
