//! The dynamic token verification value (`docs/FORMATS.md`): 3 or 4 digits for
//! channels that have no room for 20 bytes.

use super::decimal::decimalise;
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
        let value: Vec<u8> = decimalise(mac.as_bytes()).take(digits).map(|digit| b'0' + digit).collect();
        ShortValue::parse(&value).map_err(|_| BindingMissing)
    }
}
