//! Token numbers: random, Luhn-valid, in a configured range.

use thiserror::Error;

use crate::crypto::{Random, RandomError};
use crate::types::{Pan, TokenNumber, luhn_check_digit};

/// A token BIN range: the leading digits that every token number of it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRange {
    prefix: Box<[u8]>,
}

/// The prefix is not 4 to 11 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a token BIN range is given by 4 to 11 leading digits")]
pub struct RangeError;

/// Why no token number was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenRangeError {
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// No free number was found in as many draws as are worth trying.
    #[error("the token BIN range is full")]
    Full,
}

/// Draws before a range counts as full. A range that is half full fails so
/// often by chance once in 10^38.
const DRAWS: u32 = 128;

impl TokenRange {
    /// The range of all numbers with these leading ASCII digits, 4 to 11 of them.
    ///
    /// # Errors
    /// [`RangeError`] for another length or other characters.
    pub fn parse(prefix: &str) -> Result<Self, RangeError> {
        let bytes = prefix.as_bytes();
        if (4..=11).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
            Ok(Self { prefix: bytes.into() })
        } else {
            Err(RangeError)
        }
    }

    /// Draws a number for a card: as long as its PAN, Luhn-valid, with other last
    /// four digits than the card's, and not `taken`.
    ///
    /// # Errors
    /// [`TokenRangeError`].
    pub fn draw(
        &self,
        random: &dyn Random,
        pan: &Pan,
        taken: impl Fn(TokenNumber) -> bool,
    ) -> Result<TokenNumber, TokenRangeError> {
        let mut digits = Digits::new(random);
        for _ in 0..DRAWS {
            let number = self.candidate(&mut digits, pan.digit_count())?;
            if let Some(number) = number
                && number.last_four() != pan.last_four()
                && !taken(number)
            {
                return Ok(number);
            }
        }
        Err(TokenRangeError::Full)
    }

    fn candidate(&self, drawn: &mut Digits<'_>, length: usize) -> Result<Option<TokenNumber>, RandomError> {
        let mut digits = Vec::with_capacity(length);
        digits.extend_from_slice(&self.prefix);
        while digits.len() + 1 < length {
            digits.push(drawn.next()?);
        }
        digits.push(luhn_check_digit(&digits));
        Ok(TokenNumber::parse(&digits).ok())
    }
}

/// Uniform digits. Random bytes are drawn some at a time: each draw asks the system.
struct Digits<'r> {
    random: &'r dyn Random,
    bytes: [u8; 32],
    used: usize,
}

impl<'r> Digits<'r> {
    const fn new(random: &'r dyn Random) -> Self {
        Self { random, bytes: [0; 32], used: 32 }
    }

    fn next(&mut self) -> Result<u8, RandomError> {
        loop {
            let Some(byte) = self.bytes.get(self.used).copied() else {
                self.random.fill(&mut self.bytes)?;
                self.used = 0;
                continue;
            };
            self.used += 1;
            // Bytes of 250 and above would make 0 to 5 likelier.
            if byte < 250 {
                return Ok(b'0' + byte % 10);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;
    use crate::types::luhn_valid;
    use proptest::prelude::*;
    use std::cell::Cell;

    fn pan(body: &str) -> Pan {
        let mut digits = body.as_bytes().to_vec();
        digits.push(luhn_check_digit(&digits));
        Pan::parse(&digits).unwrap()
    }

    proptest! {
        #[test]
        fn every_number_keeps_the_rules(body in "[1-9][0-9]{11,17}", prefix in "[1-9][0-9]{3,7}") {
            let pan = pan(&body);
            let token = TokenRange::parse(&prefix).unwrap().draw(&SystemRandom, &pan, |_| false).unwrap();
            let text = token.to_string();
            prop_assert_eq!(text.len(), pan.digit_count());
            prop_assert!(text.starts_with(&prefix) && luhn_valid(text.as_bytes()));
            prop_assert_ne!(token.last_four(), pan.last_four());
        }
    }

    #[test]
    fn a_taken_number_is_drawn_again_and_a_full_range_says_so() {
        let (range, pan) = (TokenRange::parse("4895").unwrap(), pan("411111111111111"));
        let asked = Cell::new(0);
        let taken = |_| {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        assert!(range.draw(&SystemRandom, &pan, taken).is_ok());
        assert_eq!(asked.get(), 3);
        assert_eq!(range.draw(&SystemRandom, &pan, |_| true), Err(TokenRangeError::Full));
    }

    /// Every byte in turn, and how many were asked for.
    struct Counting(std::sync::atomic::AtomicU32);

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            for slot in buffer {
                *slot = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_le_bytes()[0];
            }
            Ok(())
        }
    }

    #[test]
    fn every_digit_is_as_likely_and_no_byte_is_used_twice() {
        let random = Counting(0.into());
        let mut digits = Digits::new(&random);
        let mut counts = [0; 10];
        let drawn: Vec<u8> = (0..250 * 32).map(|_| digits.next().unwrap()).collect();
        for digit in &drawn {
            counts[usize::from(digit - b'0')] += 1;
        }
        assert_eq!(counts, [25 * 32; 10]);
        assert_eq!(random.0.into_inner(), 256 * 32);
        assert_eq!(&drawn[..12], b"012345678901");
    }

    #[test]
    fn last_four_never_equal_the_cards() {
        // Eleven fixed digits of twelve leave one number, whose last four are the card's own.
        let pan = pan("48951111111");
        let range = TokenRange::parse(std::str::from_utf8(&pan.expose_digits()[..11]).unwrap()).unwrap();
        assert_eq!(range.draw(&SystemRandom, &pan, |_| false), Err(TokenRangeError::Full));
    }
}
