//! Why a share is not taken.

use thiserror::Error;

use crate::crypto::CryptoError;
use crate::secmem::RegionError;

/// Why a share was refused. What was given before is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShareError {
    /// The text is not one of a share: a character is wrong, missing or too many.
    #[error("the share's text was mistyped: its checksum does not fit")]
    Text,
    /// The share belongs to another splitting: another keyring, or one whose shares
    /// were made anew since.
    #[error("share {0} belongs to another splitting: to another keyring, or to older shares")]
    AnotherSplitting(u8),
    /// The share has the number of one that was made, and another value.
    #[error("share {0} is not the one that was made")]
    Wrong(u8),
    /// The share was given before.
    #[error("share {0} was given already")]
    GivenAlready(u8),
    /// So many of so many cannot be made.
    #[error("between 2 and all of at most 16 shares must be needed")]
    Numbers,
    /// Locked memory could not be had.
    #[error(transparent)]
    Memory(#[from] RegionError),
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
