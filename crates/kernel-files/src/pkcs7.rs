// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who signed a module: the issuer and serial number in a PKCS#7 message.
//!
//! A module's signature is a `SignedData` of RFC 2315 in DER, with one `SignerInfo`, which names
//! its certificate by issuer and serial number. Only the path to these is walked here; whether
//! the signature holds is for the kernel to say, which alone knows the keys it trusts.

/// The signer a signature names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signer {
    /// The common name of the certificate's issuer: the key's name, as `modinfo` shows it.
    pub name: String,
    /// The certificate's serial number in hexadecimal, as `modinfo` shows it under `sig_key`.
    pub key: String,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OID: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Reads the signer out of a DER message, `None` when it is not one of the expected form.
pub fn signer(message: &[u8]) -> Option<Signer> {
    let mut outer = Der(Der(message).expect(SEQUENCE)?);
    if outer.expect(OID)? != SIGNED_DATA {
        return None;
    }
    let mut data = Der(Der(outer.expect(CONTEXT_0)?).expect(SEQUENCE)?);
    data.expect(INTEGER)?;
    data.expect(SET)?;
    data.expect(SEQUENCE)?;
    let signers = loop {
        match data.next()? {
            // Certificates and revocation lists come before the signers, if at all.
            (CONTEXT_0 | CONTEXT_1, _) => {}
            (SET, signers) => break signers,
            _ => return None,
        }
    };
    let mut signer = Der(Der(signers).expect(SEQUENCE)?);
    signer.expect(INTEGER)?;
    let mut by = Der(signer.expect(SEQUENCE)?);
    let issuer = by.expect(SEQUENCE)?;
    let serial = by.expect(INTEGER)?;
    Some(Signer {
        name: common_name(issuer).unwrap_or_default(),
        key: serial_number(serial),
    })
}

/// A name is a sequence of sets of pairs, each a type and a value.
fn common_name(name: &[u8]) -> Option<String> {
    let mut sets = Der(name);
    while let Some((SET, set)) = sets.next() {
        let mut pair = Der(Der(set).expect(SEQUENCE)?);
        if pair.expect(OID)? == COMMON_NAME {
            let (_, value) = pair.next()?;
            return Some(String::from_utf8_lossy(value).into_owned());
        }
    }
    None
}

fn serial_number(bytes: &[u8]) -> String {
    // A leading zero only keeps the number from being negative.
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        _ => bytes,
    };
    let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    parts.join(":")
}

/// A reader of DER elements: tag, length, value.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(count)?;
            rest = after;
            bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte))
        };
        let (value, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, value))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(found, _)| *found == tag)
            .map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        let mut element = vec![tag, u8::try_from(value.len()).unwrap()];
        element.extend(value);
        element
    }

    fn message() -> Vec<u8> {
        let name = der(
            SEQUENCE,
            &[&der(OID, &[COMMON_NAME]), &der(0x0c, &[b"a key"])],
        );
        let issuer = der(SEQUENCE, &[&der(SET, &[&name])]);
        let by = der(SEQUENCE, &[&issuer, &der(INTEGER, &[&[0, 0xab, 0xcd]])]);
        let info = der(SEQUENCE, &[&der(INTEGER, &[&[1]]), &by]);
        let content = der(SEQUENCE, &[]);
        let data = der(
            SEQUENCE,
            &[
                &der(INTEGER, &[&[1]]),
                &der(SET, &[]),
                &content,
                &der(SET, &[&info]),
            ],
        );
        der(
            SEQUENCE,
            &[&der(OID, &[SIGNED_DATA]), &der(CONTEXT_0, &[&data])],
        )
    }

    #[test]
    fn the_signer_is_named_as_modinfo_names_it() {
        let signer = signer(&message()).unwrap();
        assert_eq!(signer.name, "a key");
        assert_eq!(signer.key, "AB:CD");
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_survived() {
        let whole = message();
        for length in 0..whole.len() {
            assert_eq!(signer(&whole[..length]), None, "{length} bytes");
        }
        for index in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[index] ^= 0xff;
            let _ = signer(&flipped);
        }
    }
}
