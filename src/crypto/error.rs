//! What can go wrong in the primitives.

use thiserror::Error;

use super::RandomError;
use crate::secmem::RegionError;

/// Why a cryptographic operation failed. No variant carries key or content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CryptoError {
    /// Locked memory could not be had.
    #[error(transparent)]
    Memory(#[from] RegionError),
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The text was not sealed by this key for this use, or was changed.
    #[error("the sealed text is not authentic")]
    NotAuthentic,
    /// The text is longer than the cipher may take.
    #[error("the text is too long to seal")]
    TooLong,
    /// No key of this cipher has that many bytes.
    #[error("no key of this cipher has that many bytes")]
    KeyLength,
    /// The text is not whole blocks of the cipher.
    #[error("the text is not whole blocks")]
    PartialBlock,
    /// The passphrase costs are out of range.
    #[error("the passphrase costs are out of range")]
    PassphraseCost,
}
