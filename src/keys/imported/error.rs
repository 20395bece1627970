//! Why a key was not imported, exported or destroyed.

use thiserror::Error;

use super::{MAX_IMPORTED, MAX_LISTED, MAX_OPTIONAL};
use crate::crypto::{CryptoError, KeyPurpose};
use crate::keys::KeyError;
use crate::keys::tr31::{KeyUsage, KeyVersionNumber, ModeOfUse, Tr31Error};

/// Why a key was not imported, exported or destroyed. No variant carries key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImportError {
    /// A key has the label already, or had it before it was destroyed.
    #[error("the keyring has, or had, a key with this label")]
    LabelTaken,
    /// There is no room for another key.
    #[error("the keyring has {MAX_IMPORTED} imported keys already, or {MAX_LISTED} with destroyed ones")]
    TooMany,
    /// No key has the label, or it is destroyed.
    #[error("the keyring has no key with this label")]
    Unknown,
    /// The key that is to protect the block is not for key transport.
    #[error("the key that is to protect the block is not for key transport")]
    NotTransport,
    /// The mode of use of the transport key forbids this direction.
    #[error("the transport key may not be used so: its mode of use is {}", .0.letter())]
    TransportMode(ModeOfUse),
    /// No purpose of ours has the usage.
    #[error("usage {0} is for none of our purposes")]
    Usage(KeyUsage),
    /// Keys for the purpose are of another algorithm, or have another length.
    #[error("a key of this algorithm and length cannot be for {}", .0.name())]
    Algorithm(KeyPurpose),
    /// The mode of use contradicts the usage.
    #[error("mode of use {} does not fit the key's usage", .0.letter())]
    Mode(ModeOfUse),
    /// The block has one component of a key.
    #[error("key version number {0} says that this is one component of a key")]
    Component(KeyVersionNumber),
    /// The block is meant to be stored by who made it.
    #[error("the block is for storage by who made it, not for exchange")]
    StorageOnly,
    /// The optional blocks are too long to be kept.
    #[error("the optional blocks are longer than {MAX_OPTIONAL} characters")]
    OptionalBlocks,
    /// The key is not exportable.
    #[error("the key is not exportable")]
    NotExportable,
    /// A sensitive key leaves only under a key that is for nothing but key blocks (K1).
    #[error("a sensitive key is exported under a key block protection key (K1) only")]
    NotTrusted,
    /// The transport key is weaker than the key inside.
    #[error("the transport key is weaker than the key that it is to protect")]
    Weaker,
    /// The check value is not that of the key.
    #[error("the key check value does not fit")]
    CheckValue,
    /// A component is of another length, or one that was given before.
    #[error("the component has a wrong length, or was given before")]
    WrongComponent,
    /// Too few or too many components.
    #[error("a key is made of 2 to 8 components")]
    Components,
    /// The key is one that gives no protection: zeros, or TDES with equal parts.
    #[error("the key is weak: zeros, or TDES that is single DES")]
    Weak,
    /// The key block was refused.
    #[error(transparent)]
    Block(#[from] Tr31Error),
    /// The keyring refused.
    #[error(transparent)]
    Keyring(#[from] KeyError),
}

impl From<CryptoError> for ImportError {
    fn from(error: CryptoError) -> Self {
        Self::Keyring(error.into())
    }
}
