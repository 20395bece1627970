//! Expiry of a card or token.

use std::fmt;

use thiserror::Error;

use super::UnixTime;

/// An expiry, `YYMM`: valid to the end of the month, in UTC, years 2000 to 2099.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Expiry(u16);

/// The text is not a year and month of the form `YYMM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an expiry is four digits, YYMM, with a month of 01 to 12")]
pub struct ExpiryError;

impl Expiry {
    /// January 2000, the earliest.
    pub const MIN: Self = Self(1);

    /// Reads four ASCII digits, `YYMM`.
    ///
    /// # Errors
    /// [`ExpiryError`] on another shape or a month outside 01 to 12.
    pub fn parse(ascii: &[u8]) -> Result<Self, ExpiryError> {
        if ascii.len() != 4 || !ascii.iter().all(u8::is_ascii_digit) {
            return Err(ExpiryError);
        }
        Self::from_value(ascii.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0')))
    }

    /// The expiry with this decimal value, `YY * 100 + MM`.
    ///
    /// # Errors
    /// [`ExpiryError`] above 9912 or with a month outside 1 to 12.
    pub fn from_value(value: u16) -> Result<Self, ExpiryError> {
        if value <= 9912 && (1..=12).contains(&(value % 100)) { Ok(Self(value)) } else { Err(ExpiryError) }
    }

    /// The decimal value, `YY * 100 + MM`.
    #[must_use]
    pub fn value(self) -> u16 {
        self.0
    }

    /// The four ASCII digits, `YYMM`.
    #[must_use]
    pub fn digits(self) -> [u8; 4] {
        let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
        [digit(self.0 / 1000), digit(self.0 / 100), digit(self.0 / 10), digit(self.0)]
    }

    /// The full year, 2000 to 2099.
    #[must_use]
    pub fn year(self) -> u16 {
        2000 + self.0 / 100
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u16 {
        self.0 % 100
    }

    /// Whether the last moment of the month has passed.
    #[must_use]
    pub fn is_past(self, now: UnixTime) -> bool {
        let (year, month) = now.year_month();
        (u64::from(self.year()), u64::from(self.month())) < (year, month)
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expiry({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_good_through_the_last_second_of_its_month() {
        let expiry = Expiry::parse(b"2912").unwrap();
        // 2029-12-31 23:59:59 and the second after it.
        assert!(!expiry.is_past(UnixTime::from_seconds(1_893_455_999)));
        assert!(expiry.is_past(UnixTime::from_seconds(1_893_456_000)));
        // 2024-02-29 and 2024-03-01.
        let leap = Expiry::parse(b"2402").unwrap();
        assert!(!leap.is_past(UnixTime::from_seconds(1_709_251_199)));
        assert!(leap.is_past(UnixTime::from_seconds(1_709_251_200)));
    }

    #[test]
    fn refuses_other_shapes() {
        for text in ["", "291", "29012", "2900", "2913", "29a1"] {
            assert_eq!(Expiry::parse(text.as_bytes()), Err(ExpiryError), "{text}");
        }
        assert_eq!(&Expiry::parse(b"0307").unwrap().digits(), b"0307");
    }
}
