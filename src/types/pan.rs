//! The primary account number, the one secret of this room.

use std::fmt;

use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Network;

/// Shortest PAN accepted, in digits.
const MIN_DIGITS: usize = 12;
/// Longest PAN of ISO/IEC 7812-1, in digits.
const MAX_DIGITS: usize = 19;

/// A primary account number: 12 to 19 digits that pass the Luhn check
/// (ISO/IEC 7812-1, annex B).
///
/// The digits live in one heap block that is wiped on drop: moving a `Pan`
/// moves a pointer, so no copy of the digits is left on a stack.
#[derive(ZeroizeOnDrop)]
pub struct Pan {
    digits: Box<[u8; MAX_DIGITS]>,
    #[zeroize(skip)]
    len: usize,
}

/// Why a PAN was refused. No variant carries a digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PanError {
    /// Not 12 to 19 characters long.
    #[error("a PAN has 12 to 19 digits")]
    Length,
    /// A character other than `0` to `9`.
    #[error("a PAN holds digits only")]
    NotDigits,
    /// The Luhn check digit is wrong.
    #[error("the PAN fails the Luhn check")]
    Luhn,
}

impl Pan {
    /// Reads ASCII digits, without separators.
    ///
    /// # Errors
    /// [`PanError`] names the first rule broken: length, digits, Luhn.
    pub fn parse(ascii: &[u8]) -> Result<Self, PanError> {
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&ascii.len()) {
            return Err(PanError::Length);
        }
        if !ascii.iter().all(u8::is_ascii_digit) {
            return Err(PanError::NotDigits);
        }
        if !luhn_valid(ascii) {
            return Err(PanError::Luhn);
        }
        let mut pan = Self { digits: Box::new([0; MAX_DIGITS]), len: ascii.len() };
        for (slot, digit) in pan.digits.iter_mut().zip(ascii) {
            *slot = *digit;
        }
        Ok(pan)
    }

    /// The digits in ASCII. The caller must not copy them anywhere that is not
    /// wiped.
    #[must_use]
    pub fn expose_digits(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    /// The last four digits, which may be shown (PCI DSS 3.4).
    #[must_use]
    pub fn last_four(&self) -> [u8; 4] {
        self.expose_digits().last_chunk().copied().unwrap_or([b'0'; 4])
    }

    /// The first six digits, which may be shown (PCI DSS 3.4).
    #[must_use]
    pub fn iin(&self) -> [u8; 6] {
        self.expose_digits().first_chunk().copied().unwrap_or([b'0'; 6])
    }

    /// The number of digits, 12 to 19.
    #[must_use]
    pub fn digit_count(&self) -> usize {
        self.len
    }

    /// The card network that the leading digits belong to.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::of_digits(self.expose_digits())
    }
}

impl Zeroize for Pan {
    fn zeroize(&mut self) {
        self.digits.zeroize();
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pan(redacted)")
    }
}

/// Whether ASCII digits pass the Luhn check (ISO/IEC 7812-1, annex B).
#[must_use]
pub fn luhn_valid(ascii: &[u8]) -> bool {
    luhn_sum(ascii, false) == 0
}

/// The ASCII check digit that makes `ascii || digit` pass the Luhn check.
#[must_use]
pub fn luhn_check_digit(ascii: &[u8]) -> u8 {
    b'0' + (10 - luhn_sum(ascii, true)) % 10
}

/// The Luhn sum mod 10; `double` says whether the rightmost digit is doubled.
fn luhn_sum(ascii: &[u8], mut double: bool) -> u8 {
    let mut sum = 0;
    for byte in ascii.iter().rev() {
        let digit = byte.wrapping_sub(b'0') % 10;
        let term = if double { digit * 2 } else { digit };
        sum = (sum + term / 10 + term % 10) % 10;
        double = !double;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_published_test_numbers() {
        for pan in ["4111111111111111", "378282246310005", "6304000000000000", "5555555555554444"] {
            assert!(Pan::parse(pan.as_bytes()).is_ok(), "{pan}");
        }
    }

    #[test]
    fn each_rule_has_its_error() {
        assert_eq!(Pan::parse(b"41111111111").unwrap_err(), PanError::Length);
        assert_eq!(Pan::parse(b"41111111111111111111").unwrap_err(), PanError::Length);
        assert_eq!(Pan::parse(b"411111111111111x").unwrap_err(), PanError::NotDigits);
        assert_eq!(Pan::parse(b"4111111111111112").unwrap_err(), PanError::Luhn);
    }

    #[test]
    fn debug_shows_no_digit() {
        let pan = Pan::parse(b"4111111111111111").unwrap();
        assert_eq!(format!("{pan:?}"), "Pan(redacted)");
        assert_eq!(&pan.last_four(), b"1111");
    }

    proptest! {
        #[test]
        fn check_digit_makes_it_valid_and_any_other_does_not(body in "[0-9]{11,18}") {
            let good = luhn_check_digit(body.as_bytes());
            for digit in b'0'..=b'9' {
                let mut full = body.clone().into_bytes();
                full.push(digit);
                prop_assert_eq!(Pan::parse(&full).is_ok(), digit == good);
            }
        }
    }
}
