//! The payment account reference, derived from the PAN alone.

use thiserror::Error;

use crate::crypto::{LoadedKey, ParDerivation};
use crate::types::{Pan, Par};

const LABEL: &[u8] = b"tallystick/v1/par";
const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Base 36 digits after the BIN controller id.
const DIGITS: usize = 25;

/// The BIN controller id that begins every PAR: 4 characters of 0-9A-Z (EMV
/// Payment Tokenisation 2.3, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinController([u8; 4]);

/// Not 4 characters of 0-9A-Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a BIN controller id has 4 characters of 0-9 and A-Z")]
pub struct BinControllerError;

impl BinController {
    /// Reads 4 characters of 0-9A-Z.
    ///
    /// # Errors
    /// [`BinControllerError`] otherwise.
    pub fn parse(text: &str) -> Result<Self, BinControllerError> {
        let bytes: [u8; 4] = text.as_bytes().try_into().map_err(|_| BinControllerError)?;
        if bytes.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
            Ok(Self(bytes))
        } else {
            Err(BinControllerError)
        }
    }
}

/// The PAR of a PAN, 29 characters: the BIN controller id, then
/// `HMAC-SHA-256(PARK, "tallystick/v1/par" || PAN digits)` as a big-endian
/// integer mod 36^25, in 25 digits of base 36, zero-padded.
#[must_use]
pub fn par(key: &LoadedKey<ParDerivation>, controller: BinController, pan: &Pan) -> Option<Par> {
    let mac = key.mac_state().mac(&[LABEL, pan.expose_digits()]);
    let mut text = [0u8; 4 + DIGITS];
    let (head, tail) = text.split_at_mut(4);
    head.copy_from_slice(&controller.0);
    base36(mac.as_bytes(), tail);
    std::str::from_utf8(&text).ok().and_then(|text| Par::parse(text).ok())
}

/// The last digits in base 36 of a 256-bit integer: repeated division by 36
/// gives them from the right, and stopping early is the reduction.
fn base36(integer: &[u8; 32], digits: &mut [u8]) {
    let (words, _) = integer.as_chunks::<4>();
    let mut rest = [0u32; 8];
    for (word, bytes) in rest.iter_mut().zip(words) {
        *word = u32::from_be_bytes(*bytes);
    }
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0u64;
        for word in &mut rest {
            let value = remainder << 32 | u64::from(*word);
            // A remainder below 36 before it leaves a quotient that fits a word.
            *word = u32::try_from(value / 36).unwrap_or(0);
            remainder = value % 36;
        }
        let place = usize::try_from(remainder).unwrap_or(0);
        *digit = BASE36.get(place).copied().unwrap_or(b'0');
    }
    zeroize::Zeroize::zeroize(&mut rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base36_of_small_and_padded() {
        let mut digits = [0; 25];
        let mut integer = [0; 32];
        integer[30] = 5;
        integer[31] = 15; // 5 * 256 + 15 = 1295 = ZZ
        base36(&integer, &mut digits);
        assert_eq!(&digits, b"00000000000000000000000ZZ");
    }

    #[test]
    fn controllers() {
        assert!(BinController::parse("TLY1").is_ok());
        for text in ["", "TLY", "TLY12", "tly1", "TL-1"] {
            assert_eq!(BinController::parse(text), Err(BinControllerError), "{text}");
        }
    }
}
