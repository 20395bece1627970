//! Numbers and cryptograms of EMV.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

/// An application transaction counter of a card: 16 bits (EMV Book 3, Annex A, 9F36).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atc(u16);

/// A PAN sequence number, 0 to 99, which tells cards with one PAN apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Psn(u8);

/// The text or number is not that of two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a PAN sequence number is two digits")]
pub struct PsnError;

/// An application cryptogram, of 8 bytes: ARQC, TC or AAC, which are made alike.
/// Compared in constant time.
#[derive(Clone, Copy)]
pub struct Arqc([u8; 8]);

/// An authorisation response cryptogram: 8 bytes by method 1, 4 by method 2. Compared
/// in constant time.
#[derive(Clone, Copy)]
pub struct Arpc {
    bytes: [u8; 8],
    len: usize,
}

impl Atc {
    /// The last: a card that has used it is at its end.
    pub const MAX: Self = Self(u16::MAX);

    /// The counter with this value.
    #[must_use]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The two bytes of 9F36.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

impl Psn {
    /// What counts where a card has none.
    pub const NONE: Self = Self(0);

    /// Two ASCII digits.
    ///
    /// # Errors
    /// [`PsnError`] on anything else.
    pub fn parse(ascii: &[u8]) -> Result<Self, PsnError> {
        match ascii {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Ok(Self((tens - b'0') * 10 + (ones - b'0'))),
            _ => Err(PsnError),
        }
    }

    /// From the byte of 5F34: a digit in each half.
    ///
    /// # Errors
    /// [`PsnError`] if a half is no digit.
    pub const fn from_bcd(byte: u8) -> Result<Self, PsnError> {
        let (tens, ones) = (byte >> 4, byte & 0x0f);
        if tens > 9 || ones > 9 { Err(PsnError) } else { Ok(Self(tens * 10 + ones)) }
    }

    /// The number, 0 to 99.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Two ASCII digits.
    #[must_use]
    pub const fn digits(self) -> [u8; 2] {
        [b'0' + self.0 / 10, b'0' + self.0 % 10]
    }
}

impl Arqc {
    /// From the 8 bytes of 9F26.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The 8 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl Arpc {
    /// One of method 1.
    #[must_use]
    pub const fn method1(bytes: [u8; 8]) -> Self {
        Self { bytes, len: 8 }
    }

    /// One of method 2.
    #[must_use]
    pub const fn method2([a, b, c, d]: [u8; 4]) -> Self {
        Self { bytes: [a, b, c, d, 0, 0, 0, 0], len: 4 }
    }

    /// One of 8 bytes by method 1, or of 4 by method 2; none of any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        if let Ok(bytes) = <[u8; 8]>::try_from(bytes) {
            return Some(Self::method1(bytes));
        }
        bytes.try_into().ok().map(Self::method2)
    }

    /// Its 8 or 4 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl ConstantTimeEq for Arqc {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Arqc {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Arqc {}

impl ConstantTimeEq for Arpc {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        // What is behind the length is zero; the length is no secret.
        self.bytes.ct_eq(&other.bytes) & subtle::Choice::from(u8::from(self.len == other.len))
    }
}

impl PartialEq for Arpc {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Arpc {}

impl fmt::Debug for Arqc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arqc(redacted)")
    }
}

impl fmt::Debug for Arpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arpc(redacted)")
    }
}
