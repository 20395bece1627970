//! The idempotency key.

use thiserror::Error;

/// A caller's name for one request: 1 to 64 bytes of any value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdempotencyKey<'a>(&'a [u8]);

/// The key is empty or longer than 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an idempotency key has 1 to 64 bytes")]
pub struct IdempotencyKeyError;

impl<'a> IdempotencyKey<'a> {
    /// Takes 1 to 64 bytes.
    ///
    /// # Errors
    /// [`IdempotencyKeyError`] for none or more.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, IdempotencyKeyError> {
        if (1..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(IdempotencyKeyError) }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_sixty_four() {
        for (len, good) in [(0, false), (1, true), (64, true), (65, false)] {
            assert_eq!(IdempotencyKey::parse(&vec![0; len]).is_ok(), good, "{len}");
        }
    }
}
