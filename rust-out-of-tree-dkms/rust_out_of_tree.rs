// SPDX-License-Identifier: GPL-2.0

//! A Rust module outside the kernel tree: says hello, keeps a few numbers, and
//! gives them back when it goes.

use kernel::prelude::*;

module! {
    type: RustOutOfTree,
    name: b"rust_out_of_tree",
    author: b"The linux-rust maintainers",
    description: b"A Rust module built outside the kernel tree",
    license: b"GPL",
}

struct RustOutOfTree {
    numbers: Vec<i32>,
}

impl kernel::Module for RustOutOfTree {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pr_info!("Hello from Rust, outside the kernel tree (init)\n");

        // Memory for each push is asked for, and may be refused.
        let mut numbers = Vec::new();
        numbers.try_push(72)?;
        numbers.try_push(108)?;
        numbers.try_push(200)?;

        Ok(Self { numbers })
    }
}

impl Drop for RustOutOfTree {
    fn drop(&mut self) {
        pr_info!("My numbers are {:?}\n", self.numbers);
        pr_info!("Goodbye from Rust, outside the kernel tree (exit)\n");
    }
}
