//! The payment account reference.

use std::fmt;

use thiserror::Error;

/// A payment account reference (EMV Payment Tokenisation 2.3, section 5).
///
/// Ours has 29 characters of 0-9A-Z. One received from a network is opaque:
/// published samples are shorter, so 1 to 64 printable ASCII characters pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Par(String);

/// Not 1 to 64 printable ASCII characters without spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a PAR has 1 to 64 printable ASCII characters")]
pub struct ParError;

impl Par {
    /// Characters of a PAR that we derive: BIN controller id (4) and 25.
    pub const DERIVED_LEN: usize = 29;
    /// Most characters of a PAR from outside.
    pub const MAX_LEN: usize = 64;

    /// Takes the text as given.
    ///
    /// # Errors
    /// [`ParError`] if it is empty, longer than 64 or not printable ASCII.
    pub fn parse(text: &str) -> Result<Self, ParError> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if printable && (1..=Self::MAX_LEN).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Par {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
