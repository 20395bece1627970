//! The bare HMACs of an issue, by the libraries alone.

use std::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tallystick::types::Cryptogram;

use crate::output::Failure;

/// Bytes of the first MAC's text, which makes a token's key: label, digits of
/// the token, a counter (`docs/FORMATS.md`).
const KEY_TEXT: usize = "tallystick/v1/token-key".len() + 16 + 1;
/// The label of the second.
const LABEL: &[u8] = b"tallystick/v1/cryptogram";
/// Its text: label, header, TRID, expiry, amount and currency.
const TEXT: usize = LABEL.len() + 8 + 11 + 4 + 10;

/// Both MACs, ready.
pub struct BareMacs {
    derivation: Hmac<Sha256>,
    key_text: [u8; KEY_TEXT],
    text: [u8; TEXT],
}

impl BareMacs {
    /// Readies them, of anything. The derivation key is keyed once, as for a batch.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self { derivation: keyed(&[0x42; 32])?, key_text: [0x31; KEY_TEXT], text: [0x31; TEXT] })
    }

    /// Whether the second MAC is over as much as the engine's.
    ///
    /// `cryptogram` is one of the engine's, of a payment of amount and currency
    /// alone, `key` its token's and `covered` the digits and numbers behind its
    /// header. If the same bytes under the same key give another MAC, or are not as
    /// many as ours, the floor is no floor.
    pub fn check(&self, key: &[u8; 32], cryptogram: &Cryptogram, covered: &[u8]) -> Result<(), Failure> {
        let bytes = cryptogram.as_bytes();
        let header = bytes.get(..8).unwrap_or_default();
        let text = [LABEL, header, covered].concat();
        let mac = keyed(key)?.chain_update(&text).finalize().into_bytes();
        if mac.get(..12) != bytes.get(8..) || text.len() != self.text.len() {
            return Err(Failure::new("the bare HMAC is not the cryptogram's"));
        }
        Ok(())
    }

    /// The MACs of the `nth` issue.
    pub fn compute(&mut self, nth: u32) -> Result<(), Failure> {
        for (byte, with) in self.key_text.iter_mut().zip(nth.to_be_bytes()) {
            *byte ^= with;
        }
        let key = self.derivation.clone().chain_update(self.key_text).finalize().into_bytes();
        let mac = keyed(&key)?.chain_update(black_box(&self.text)).finalize().into_bytes();
        black_box(mac);
        Ok(())
    }
}

fn keyed(key: &[u8]) -> Result<Hmac<Sha256>, Failure> {
    Hmac::new_from_slice(key).map_err(|_| Failure::new("HMAC takes any key"))
}
