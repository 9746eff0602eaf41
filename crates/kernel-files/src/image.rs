// SPDX-License-Identifier: MIT OR Apache-2.0

//! The header of a kernel's image (bzImage), of `Documentation/arch/x86/boot.rst`.

/// As much of an image as says what it is: the header, and for all kernels so far their release.
pub const HEAD: u64 = 64 << 10;

/// Whether it is an image.
pub fn is_one(head: &[u8]) -> bool {
    head.get(0x202..0x206) == Some(b"HdrS")
}

/// How long an image says it is: the sectors of its setup, of which 0 means 4, and the paragraphs
/// behind them (`setup_sects`, `syssize`).
pub fn size(head: &[u8]) -> Option<u64> {
    let setup = match *head.get(0x1f1)? {
        0 => 4,
        sectors => u64::from(sectors),
    };
    let rest = u32::from_le_bytes(head.get(0x1f4..0x1f8)?.try_into().ok()?);
    (rest != 0).then(|| (setup + 1) * 512 + u64::from(rest) * 16)
}

/// The release it says it is of (`kernel_version`). It may say none.
pub fn release(head: &[u8]) -> Option<String> {
    let pointer = u16::from_le_bytes(head.get(0x20e..0x210)?.try_into().ok()?);
    let text = head.get(usize::from(pointer).checked_add(0x200)?..)?;
    let text = text.split(|byte| *byte == 0 || *byte == b' ').next()?;
    let text = std::str::from_utf8(text).ok()?;
    (pointer != 0 && !text.is_empty()).then(|| text.to_owned())
}
