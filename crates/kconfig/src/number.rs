// SPDX-License-Identifier: MIT OR Apache-2.0

//! Numbers as Kconfig reads them, which is as C's `strtoll` does.

use std::cmp::Ordering;

use crate::symbol::SymbolType;

/// What `strtoll` returns and where it stopped.
struct Parsed {
    value: i64,
    unsigned: u64,
    /// Bytes read; 0 when there was no number.
    used: usize,
    overflow: bool,
}

/// Reads the number at the start of `text`; base 0 takes `0x` for hexadecimal and `0` for octal.
fn parse(text: &str, base: u32, unsigned: bool) -> Parsed {
    let bytes = text.as_bytes();
    let mut at = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    let negative = bytes.get(at) == Some(&b'-');
    if matches!(bytes.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let prefixed = matches!(bytes.get(at..at + 2), Some(b"0x" | b"0X"))
        && bytes.get(at + 2).is_some_and(u8::is_ascii_hexdigit);
    let base = match base {
        0 | 16 if prefixed => {
            at += 2;
            16
        }
        0 if bytes.get(at) == Some(&b'0') => 8,
        0 => 10,
        base => base,
    };
    let start = at;
    let mut magnitude: u128 = 0;
    while let Some(digit) = bytes
        .get(at)
        .and_then(|&byte| char::from(byte).to_digit(base))
    {
        magnitude =
            (magnitude * u128::from(base) + u128::from(digit)).min(u128::from(u64::MAX) + 1);
        at += 1;
    }
    let signed_limit = if negative {
        1u128 << 63
    } else {
        (1u128 << 63) - 1
    };
    let overflow = if unsigned {
        magnitude > u128::from(u64::MAX)
    } else {
        magnitude > signed_limit
    };
    // Both clamps make the conversions below exact.
    let bits = u64::try_from(magnitude).unwrap_or(u64::MAX);
    let clamped = i64::try_from(magnitude.min((1u128 << 63) - 1)).unwrap_or(i64::MAX);
    Parsed {
        value: match (negative, overflow) {
            (true, true) => i64::MIN,
            (true, false) => bits.wrapping_neg().cast_signed(),
            (false, _) => clamped,
        },
        unsigned: if negative { bits.wrapping_neg() } else { bits },
        used: if at == start { 0 } else { at },
        overflow,
    }
}

/// The number at the start of `text`, 0 when there is none, clamped when it is too large.
pub(crate) fn leading(text: &str, base: u32) -> i64 {
    parse(text, base, false).value
}

enum Operand {
    Text,
    Signed(i64),
    Unsigned(u64),
}

fn operand(text: &str, kind: SymbolType) -> Operand {
    let (base, unsigned) = match kind {
        SymbolType::Bool | SymbolType::Tristate => {
            return Operand::Signed(match text {
                "n" => 0,
                "m" => 1,
                "y" => 2,
                _ => -1,
            });
        }
        SymbolType::Int => (10, false),
        SymbolType::Hex => (16, true),
        SymbolType::String | SymbolType::Unknown => (0, false),
    };
    let parsed = parse(text, base, unsigned);
    // Kconfig takes as a number only what is one to the last character.
    if parsed.overflow || parsed.used == 0 || parsed.used != text.len() {
        Operand::Text
    } else if unsigned {
        Operand::Unsigned(parsed.unsigned)
    } else {
        Operand::Signed(parsed.value)
    }
}

/// Compares two values as `=`, `<` and the others do: as numbers where both are, else as text.
pub(crate) fn compare(
    left: &str,
    left_kind: SymbolType,
    right: &str,
    right_kind: SymbolType,
) -> Ordering {
    if left_kind == SymbolType::String && right_kind == SymbolType::String {
        return left.cmp(right);
    }
    match (operand(left, left_kind), operand(right, right_kind)) {
        (Operand::Signed(left), Operand::Signed(right)) => left.cmp(&right),
        (Operand::Unsigned(left), Operand::Unsigned(right)) => left.cmp(&right),
        // One side unsigned: C compares the bits of both as unsigned.
        (Operand::Unsigned(left), Operand::Signed(right)) => left.cmp(&right.cast_unsigned()),
        (Operand::Signed(left), Operand::Unsigned(right)) => left.cast_unsigned().cmp(&right),
        _ => left.cmp(right),
    }
}

/// Whether `text` is a value that a symbol of this type can have, by Kconfig's own narrow rules.
pub(crate) fn is_valid(text: &str, kind: SymbolType) -> bool {
    match kind {
        SymbolType::String => true,
        SymbolType::Int => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0'))
        }
        SymbolType::Hex => {
            let digits = text
                .strip_prefix("0x")
                .or_else(|| text.strip_prefix("0X"))
                .unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        SymbolType::Bool | SymbolType::Tristate => {
            matches!(
                text.bytes().next(),
                Some(b'y' | b'Y' | b'm' | b'M' | b'n' | b'N')
            )
        }
        SymbolType::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SymbolType::{Hex, Int, String, Tristate, Unknown};

    #[test]
    fn numbers_compare_as_numbers_and_text_as_text() {
        assert_eq!(compare("9", Int, "10", Unknown), Ordering::Less);
        assert_eq!(compare("9", String, "10", String), Ordering::Greater);
        assert_eq!(compare("0x10", Hex, "16", Unknown), Ordering::Equal);
        assert_eq!(compare("m", Tristate, "y", Tristate), Ordering::Less);
        assert_eq!(compare("clang", Unknown, "10", Unknown), Ordering::Greater);
        assert_eq!(compare("010", Unknown, "8", Unknown), Ordering::Equal);
    }

    #[test]
    fn a_number_too_large_for_c_is_text() {
        let large = "99999999999999999999";
        assert_eq!(compare(large, Int, "1", Unknown), Ordering::Greater);
        assert_eq!(compare(large, Int, large, Unknown), Ordering::Equal);
        assert_eq!(leading(large, 10), i64::MAX);
        assert_eq!(leading("-9223372036854775808", 10), i64::MIN);
        assert_eq!(leading("0x", 16), 0);
        assert_eq!(leading("12abc", 10), 12);
    }

    #[test]
    fn validity_is_kconfigs() {
        assert!(is_valid("-5", Int) && !is_valid("05", Int) && !is_valid("", Int));
        assert!(is_valid("ff", Hex) && is_valid("0xFF", Hex) && !is_valid("0x", Hex));
        assert!(!is_valid("x", Tristate) && !is_valid("1", Unknown));
    }
}
