//! The token number: what stands in the card's place.

use std::fmt;

use thiserror::Error;

const MIN_DIGITS: usize = 12;
const MAX_DIGITS: usize = 19;

/// A token number, 12 to 19 digits. Not a secret: without a cryptogram it pays
/// nothing.
///
/// Parsing does not demand a valid Luhn digit, since published samples of other
/// systems have numbers without one; those that we make are always valid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenNumber {
    value: u64,
    len: u8,
}

/// The text is not 12 to 19 ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a token number has 12 to 19 digits")]
pub struct TokenNumberError;

impl TokenNumber {
    /// Reads ASCII digits.
    ///
    /// # Errors
    /// [`TokenNumberError`] on any other length or character.
    pub fn parse(ascii: &[u8]) -> Result<Self, TokenNumberError> {
        let in_range = (MIN_DIGITS..=MAX_DIGITS).contains(&ascii.len());
        if !in_range || !ascii.iter().all(u8::is_ascii_digit) {
            return Err(TokenNumberError);
        }
        let value = ascii.iter().fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0'));
        let len = u8::try_from(ascii.len()).map_err(|_| TokenNumberError)?;
        Ok(Self { value, len })
    }

    /// The number whose decimal value is `value`, zero-padded to `len` digits.
    ///
    /// # Errors
    /// [`TokenNumberError`] if `len` is out of range or too short for `value`.
    pub fn from_parts(value: u64, len: u8) -> Result<Self, TokenNumberError> {
        let in_range = (MIN_DIGITS..=MAX_DIGITS).contains(&usize::from(len));
        // 10^19 is the last power of ten that a u64 holds, so the power cannot overflow.
        if !in_range || value >= 10u64.pow(u32::from(len)) {
            return Err(TokenNumberError);
        }
        Ok(Self { value, len })
    }

    /// The decimal value; with [`digit_count`](Self::digit_count) it is the number.
    #[must_use]
    pub fn value(self) -> u64 {
        self.value
    }

    /// The number of digits, 12 to 19.
    #[must_use]
    pub fn digit_count(self) -> u8 {
        self.len
    }

    /// The digits in ASCII: a buffer and how many of its last bytes are the number.
    #[must_use]
    pub fn digits(self) -> TokenDigits {
        let mut buffer = [b'0'; MAX_DIGITS];
        let mut rest = self.value;
        for slot in buffer.iter_mut().rev() {
            // A remainder of ten always fits a byte.
            *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        TokenDigits { buffer, len: self.len }
    }

    /// The last four digits. Never show them in a card's place.
    #[must_use]
    pub fn last_four(self) -> [u8; 4] {
        self.digits().as_bytes().last_chunk().copied().unwrap_or([b'0'; 4])
    }
}

/// The ASCII digits of a [`TokenNumber`].
#[derive(Clone, Copy)]
pub struct TokenDigits {
    buffer: [u8; MAX_DIGITS],
    len: u8,
}

impl TokenDigits {
    /// The digits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let start = MAX_DIGITS.saturating_sub(usize::from(self.len));
        self.buffer.get(start..).unwrap_or_default()
    }

    /// The digits as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for TokenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits().as_str())
    }
}

impl fmt::Debug for TokenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenNumber({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nineteen_nines_and_leading_zeros_survive() {
        for text in ["9999999999999999999", "000000000000", "0123456789012"] {
            assert_eq!(TokenNumber::parse(text.as_bytes()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_other_shapes() {
        for text in ["", "12345678901", "12345678901234567890", "123456789012x", "12345678901 "] {
            assert_eq!(TokenNumber::parse(text.as_bytes()), Err(TokenNumberError), "{text}");
        }
        assert_eq!(TokenNumber::from_parts(1_000_000_000_000, 12), Err(TokenNumberError));
        assert_eq!(TokenNumber::from_parts(1, 20), Err(TokenNumberError));
    }

    proptest! {
        #[test]
        fn digits_and_parts_round_trip(text in "[0-9]{12,19}") {
            let token = TokenNumber::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(token.to_string(), text);
            prop_assert_eq!(TokenNumber::from_parts(token.value(), token.digit_count()), Ok(token));
        }
    }
}
