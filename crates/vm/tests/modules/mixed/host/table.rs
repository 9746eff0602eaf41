// SPDX-License-Identifier: GPL-2.0

//! Writes the table of CRC-32 as Rust code. Runs on the machine that builds.

fn main() {
    println!("pub(crate) static TABLE: [u32; 256] = [");
    for byte in 0..256u32 {
        let entry = (0..8).fold(byte, |rest, _| {
            if rest & 1 == 1 {
                rest >> 1 ^ 0xedb8_8320
            } else {
                rest >> 1
            }
        });
        println!("    {entry:#010x},");
    }
    println!("];");
}
