//! Why a key block was refused.

use thiserror::Error;

use super::BlockVersion;
use crate::crypto::CryptoError;

/// Why a key block was refused, or cannot be written. No variant carries key material;
/// characters of a header are no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Tr31Error {
    /// A character that the place does not allow, or no ASCII at all.
    #[error("the key block has a character that may not stand there")]
    Character,
    /// The version is none of A, B, C and D.
    #[error("key block version {0:?} is none of A, B, C and D")]
    Version(char),
    /// The length in the header is not four digits, or not that of the block.
    #[error("the key block has another length than its header says")]
    Length,
    /// The block ends early, or what is encrypted is no whole number of cipher blocks.
    #[error("the key block is cut short, or padded wrongly")]
    Cut,
    /// The algorithm is in no table.
    #[error("algorithm {0:?} is unknown")]
    Algorithm(char),
    /// The mode of use is in no table.
    #[error("mode of use {0:?} is unknown")]
    ModeOfUse(char),
    /// The exportability is in no table.
    #[error("exportability {0:?} is unknown")]
    Exportability(char),
    /// The key context is in no table.
    #[error("key context {0:?} is unknown")]
    KeyContext(char),
    /// The reserved character is not 0.
    #[error("the reserved character is {0:?}, not 0")]
    Reserved(char),
    /// The number of optional blocks is not two digits, or more than there is room for.
    #[error("the number of optional blocks is wrong")]
    OptionalCount,
    /// The length of an optional block is malformed or impossible.
    #[error("optional block {}{} has a wrong length", .0[0], .0[1])]
    OptionalLength([char; 2]),
    /// An optional block is there twice, or stands behind the padding block.
    #[error("optional block {}{} is there twice, or not where it may stand", .0[0], .0[1])]
    OptionalOrder([char; 2]),
    /// The optional blocks do not fill whole cipher blocks.
    #[error("the optional blocks do not fill whole blocks of the cipher")]
    OptionalPadding,
    /// The protection key is of another algorithm than the version, or has another length.
    #[error("the protection key does not fit key block version {}", .0.letter())]
    ProtectionKey(BlockVersion),
    /// The MAC is wrong: another protection key, or the block was changed.
    #[error("the key block is not authentic: it was changed, or the protection key is another")]
    NotAuthentic,
    /// The length of the key inside is impossible.
    #[error("the key inside the block has an impossible length")]
    KeyLength,
    /// Versions A and C are read only.
    #[error("key blocks of version {} are read only, not written", .0.letter())]
    ReadOnly(BlockVersion),
    /// The block would be longer than 9,999 characters.
    #[error("the key block would be too long")]
    TooLong,
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
