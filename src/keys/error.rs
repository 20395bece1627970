//! What can go wrong with keys at rest.

use thiserror::Error;

use super::ShareError;
use crate::crypto::{CryptoError, KeyPurpose};

/// Why a keyring or key block was refused. No variant carries key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The file does not begin as a keyring does.
    #[error("this is not a Tallystick keyring")]
    NotAKeyring,
    /// The keyring has another format version.
    #[error("the keyring has format version {0}; this program reads version 1")]
    Version(u8),
    /// The bytes end early or go on too long.
    #[error("the keyring or key block has a wrong length")]
    Length,
    /// A field of a key block has a value that does not exist.
    #[error("the key block's {0} has an unknown value")]
    Field(&'static str),
    /// The passphrase is wrong, or the header was changed.
    #[error("the passphrase is wrong, or the keyring was changed")]
    WrongPassphrase,
    /// The keyring is opened by something else.
    #[error("the keyring is opened by {0}, not by what was given")]
    OtherProvider(&'static str),
    /// The wrapping key of custodians or a device is wrong, or the header was changed.
    #[error("the wrapping key is not this keyring's, or the keyring was changed")]
    WrongKey,
    /// A device's wrapping key has more bytes than there is room for.
    #[error("the wrapped key of the device is too long")]
    TooLong,
    /// A share, or the number of shares.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The keyring was changed after it was sealed.
    #[error("the keyring is not authentic: it was changed after it was sealed")]
    NotAuthentic,
    /// A purpose has no active key, or more than one.
    #[error("the keyring must have exactly one active key for {}", .0.name())]
    ActiveKey(KeyPurpose),
    /// Two keys have the same purpose and version.
    #[error("the keyring has two keys of one version for {}", .0.name())]
    Duplicate(KeyPurpose),
    /// Keys for the purpose are imported, not made here.
    #[error("keys for {} are imported, not made here", .0.name())]
    Imported(KeyPurpose),
    /// Two imported keys have the same label.
    #[error("the keyring has two imported keys of one label")]
    DuplicateLabel,
    /// There are more imported keys than there is room for.
    #[error("the keyring has too many imported keys")]
    TooManyImported,
    /// All 255 versions of a purpose are used.
    #[error("all versions of {} are used", .0.name())]
    VersionsExhausted(KeyPurpose),
    /// No such key.
    #[error("the keyring has no such key")]
    Unknown,
    /// Only a retiring key may be destroyed.
    #[error("only a retiring key may be destroyed")]
    NotRetiring,
    /// The passphrase cannot be used.
    #[error("the passphrase {0}")]
    Passphrase(&'static str),
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
