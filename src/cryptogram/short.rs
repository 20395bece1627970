//! The dynamic token verification value (`docs/FORMATS.md`): 3 or 4 digits for
//! channels that have no room for 20 bytes.

use super::native::{BindingMissing, Covered, TokenKey};
use crate::types::{CryptogramHeader, ShortValue};

const LABEL: &[u8] = b"tallystick/v1/dtvv";

impl TokenKey {
    /// The value of `digits` decimal digits (3 or 4) for a header:
    /// `HMAC-SHA-256(TK, "tallystick/v1/dtvv" || a cryptogram's input)` as hex
    /// digits, of which the decimal ones from left to right are taken, then the
    /// letters minus 10 (the rule of CVV, Visa and Mastercard alike).
    ///
    /// # Errors
    /// [`BindingMissing`] if the header binds what the transaction lacks.
    pub fn short_value(
        &self,
        header: &CryptogramHeader,
        covered: &Covered<'_>,
        digits: usize,
    ) -> Result<ShortValue, BindingMissing> {
        let mac = self.mac(LABEL, header, covered)?;
        let value = decimalise(mac.as_bytes(), digits);
        ShortValue::parse(&value).map_err(|_| BindingMissing)
    }
}

/// The first `count` digits of a MAC by the rule above. Sixty-four hex digits
/// are decimal or letters, so there are always enough of both together.
fn decimalise(mac: &[u8; 32], count: usize) -> Vec<u8> {
    let nibbles = || mac.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let decimal = nibbles().filter(|nibble| *nibble < 10);
    let letters = nibbles().filter(|nibble| *nibble >= 10).map(|nibble| nibble - 10);
    decimal.chain(letters).take(count).map(|digit| b'0' + digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_digits_come_before_letters() {
        let mut mac = [0xff; 32];
        assert_eq!(decimalise(&mac, 4), b"5555");
        mac[0] = 0xa1;
        mac[31] = 0xb2;
        assert_eq!(decimalise(&mac, 4), b"1205");
        assert_eq!(decimalise(&[0x98; 32], 3), b"989");
    }
}
