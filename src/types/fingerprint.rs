//! The fingerprint of a card.

use std::fmt;

use data_encoding::{BASE32HEX_NOPAD, HEXLOWER};
use subtle::ConstantTimeEq;

/// The fingerprint of a PAN, 32 bytes: the same for every token of the card.
///
/// Comparison is in constant time.
#[derive(Clone, Copy)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Wraps 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hex digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// 26 characters of lower-case base32hex (RFC 4648 section 7), of the first
    /// 16 bytes.
    #[must_use]
    pub fn to_short(self) -> String {
        let (head, _) = self.0.split_at(16);
        BASE32HEX_NOPAD.encode(head).to_ascii_lowercase()
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Fingerprint {}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes() {
        let fingerprint = Fingerprint::from_bytes([0xff; 32]);
        assert_eq!(fingerprint.to_hex(), "ff".repeat(32));
        assert_eq!(fingerprint.to_short(), "vvvvvvvvvvvvvvvvvvvvvvvvvs");
        assert_eq!(Fingerprint::from_bytes([0; 32]).to_short(), "0".repeat(26));
    }
}
