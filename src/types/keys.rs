//! The version of a key.

use std::fmt;
use std::num::NonZeroU8;

use thiserror::Error;

/// A key's version, 1 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyVersion(NonZeroU8);

/// Version zero does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key version is 1 to 255")]
pub struct KeyVersionError;

impl KeyVersion {
    /// The first version.
    pub const FIRST: Self = Self(NonZeroU8::MIN);

    /// The version with this number.
    ///
    /// # Errors
    /// [`KeyVersionError`] for zero.
    pub fn new(version: u8) -> Result<Self, KeyVersionError> {
        NonZeroU8::new(version).map(Self).ok_or(KeyVersionError)
    }

    /// The number, 1 to 255.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
