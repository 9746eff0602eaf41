// SPDX-License-Identifier: GPL-2.0

//! A Rust module outside the kernel tree: says hello, keeps a few numbers, and
//! gives them back when it goes.
//!
//! One source for every series since 6.1. Kbuild says by `cfg` what the kernel
//! crate offers: `has_str`, since 6.2 `module!` takes strings; `has_gfp`, since
//! 6.10 who allocates says how; `has_kvec`, since 6.13 there is `KVec`, which the
//! stable releases of 6.12 have too; `has_authors`, since 6.15 `module!` takes many authors.

use kernel::prelude::*;

#[cfg(not(has_str))]
module! {
    type: RustOutOfTree,
    name: b"rust_out_of_tree",
    author: b"The linux-rust maintainers",
    description: b"A Rust module built outside the kernel tree",
    license: b"GPL",
}

#[cfg(all(has_str, not(has_authors)))]
module! {
    type: RustOutOfTree,
    name: "rust_out_of_tree",
    author: "The linux-rust maintainers",
    description: "A Rust module built outside the kernel tree",
    license: "GPL",
}

#[cfg(has_authors)]
module! {
    type: RustOutOfTree,
    name: "rust_out_of_tree",
    authors: ["The linux-rust maintainers"],
    description: "A Rust module built outside the kernel tree",
    license: "GPL",
}

#[cfg(has_kvec)]
type Numbers = KVec<i32>;
#[cfg(not(has_kvec))]
type Numbers = Vec<i32>;

struct RustOutOfTree {
    numbers: Numbers,
}

/// Memory for each number is asked for, and may be refused.
fn push(numbers: &mut Numbers, number: i32) -> Result {
    #[cfg(not(has_gfp))]
    numbers.try_push(number)?;
    #[cfg(has_gfp)]
    numbers.push(number, GFP_KERNEL)?;
    Ok(())
}

impl kernel::Module for RustOutOfTree {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pr_info!("Hello from Rust, outside the kernel tree (init)\n");

        let mut numbers = Numbers::new();
        for number in [72, 108, 200] {
            push(&mut numbers, number)?;
        }

        Ok(Self { numbers })
    }
}

impl Drop for RustOutOfTree {
    fn drop(&mut self) {
        pr_info!("My numbers are {:?}\n", self.numbers);
        pr_info!("Goodbye from Rust, outside the kernel tree (exit)\n");
    }
}
