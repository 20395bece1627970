//! The token requestor id.

use std::fmt;

use thiserror::Error;

/// A token requestor id (EMV Payment Tokenisation 2.3, section 3): 11 digits,
/// a token service provider code of 3 and a requestor of 8.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Trid(u64);

/// The text or number is not 11 decimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a TRID has 11 digits: 3 for the token service provider, 8 for the requestor")]
pub struct TridError;

/// One more than the largest TRID.
const LIMIT: u64 = 100_000_000_000;

impl Trid {
    /// Reads 11 ASCII digits.
    ///
    /// # Errors
    /// [`TridError`] on any other length or character.
    pub fn parse(ascii: &[u8]) -> Result<Self, TridError> {
        if ascii.len() != 11 || !ascii.iter().all(u8::is_ascii_digit) {
            return Err(TridError);
        }
        Ok(Self(ascii.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0'))))
    }

    /// The TRID with this decimal value.
    ///
    /// # Errors
    /// [`TridError`] for 10^11 and above.
    pub fn from_value(value: u64) -> Result<Self, TridError> {
        if value < LIMIT { Ok(Self(value)) } else { Err(TridError) }
    }

    /// The decimal value, below 10^11.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }

    /// The 11 ASCII digits.
    #[must_use]
    pub fn digits(self) -> [u8; 11] {
        let mut digits = [b'0'; 11];
        let mut rest = self.0;
        for slot in digits.iter_mut().rev() {
            // A remainder of ten always fits a byte.
            *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        digits
    }

    /// The token service provider code, 0 to 999.
    #[must_use]
    pub fn provider_code(self) -> u64 {
        self.0 / 100_000_000
    }

    /// The requestor at that provider, 0 to 99,999,999.
    #[must_use]
    pub fn requestor(self) -> u64 {
        self.0 % 100_000_000
    }
}

impl fmt::Display for Trid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:011}", self.0)
    }
}

impl fmt::Debug for Trid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_into_provider_and_requestor() {
        let trid = Trid::parse(b"08941536034").unwrap();
        assert_eq!((trid.provider_code(), trid.requestor()), (89, 41_536_034));
        assert_eq!(&trid.digits(), b"08941536034");
        assert_eq!(trid.to_string(), "08941536034");
        assert_eq!(Trid::from_value(trid.value()), Ok(trid));
    }

    #[test]
    fn refuses_other_shapes() {
        for text in ["", "1234567890", "123456789012", "1234567890a", "-1234567890"] {
            assert_eq!(Trid::parse(text.as_bytes()), Err(TridError), "{text}");
        }
        assert_eq!(Trid::from_value(LIMIT), Err(TridError));
    }
}
