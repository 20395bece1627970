//! The issuer's answer to a card (EMV Book 2, section 8.2).

use super::key::Expanded;
use super::{DerivedKey, EmvError};
use crate::crypto::{BlockCipher, Padding};
use crate::types::emv::{Arpc, Arqc};

/// The most bytes of proprietary authentication data.
const MOST_PROPRIETARY: usize = 8;

/// What an issuer answers, and by which method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response<'a> {
    /// Method 1: an authorisation response code, the two bytes of 8A.
    Code([u8; 2]),
    /// Method 2.
    Status {
        /// The card status update.
        csu: [u8; 4],
        /// Proprietary authentication data, up to 8 bytes.
        proprietary: &'a [u8],
    },
}

/// Method 1 (8.2.1): `TDES(SK)[ARQC + (code || 00 six times)]`, where `+` is exclusive
/// or. The caller wipes the stack.
///
/// # Errors
/// [`EmvError::Algorithm`] if the key is one of AES, for which there is method 2.
pub fn arpc1(session: &DerivedKey, arqc: &Arqc, [high, low]: [u8; 2]) -> Result<Arpc, EmvError> {
    let [a, b, rest @ ..] = *arqc.as_bytes();
    let [c, d, e, f, g, h] = rest;
    let mut block = [a ^ high, b ^ low, c, d, e, f, g, h];
    session.pair()?.encrypt(&mut block);
    Ok(Arpc::method1(block))
}

/// Method 2 (8.2.2): the first 4 bytes of the MAC over ARQC, card status update and
/// proprietary data: ISO/IEC 9797-1 algorithm 3 with padding method 2, or AES-CMAC, as
/// the key is. The caller wipes the stack.
///
/// # Errors
/// [`EmvError::Response`] if the proprietary data has more than 8 bytes.
pub fn arpc2(session: &DerivedKey, arqc: &Arqc, csu: [u8; 4], proprietary: &[u8]) -> Result<Arpc, EmvError> {
    if proprietary.len() > MOST_PROPRIETARY {
        return Err(EmvError::Response);
    }
    let parts: [&[u8]; 3] = [arqc.as_bytes(), &csu, proprietary];
    let [a, b, c, d] = match session.expand()? {
        Expanded::Tdes(pair) => first_four(pair.retail_mac(&parts, Padding::Method2)),
        Expanded::Aes(cipher) => first_four(cipher.cmac(&parts)),
    };
    Ok(Arpc::method2([a, b, c, d]))
}

fn first_four<const N: usize>(mac: [u8; N]) -> [u8; 4] {
    mac.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the cryptogram has ones and where it has none.
    #[test]
    fn the_code_is_added_to_the_first_two_bytes() {
        let key = DerivedKey::tdes(&[0x31; 16]);
        let answer = |arqc, code| arpc1(&key, &Arqc::from_bytes(arqc), code).unwrap();
        let added = answer([0xc3, 0x3c, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0, 0]);
        assert_eq!(answer([0xff; 8], [0x3c, 0xc3]), added);
        assert_eq!(answer([0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0xc3, 0x3c]), added);
    }
}
