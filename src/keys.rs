//! The key hierarchy: a root key wraps the keyring, the keyring holds a key for
//! each purpose and version.
//!
//! A [`WrappedKey`] may be stored and cannot be used; a
//! [`LoadedKey`](crate::crypto::LoadedKey) may be used and cannot be stored. Keys of
//! other systems stand beside them, by label: see [`ImportedKey`] and [`tr31`].

mod block;
mod check_value;
mod error;
mod imported;
mod inventory;
mod keyring;
mod passphrase;
mod provider;
mod sealed;
mod self_test;
mod shamir;
mod share;
pub mod tr31;
mod versions;

pub use block::{BLOCK_LEN, Kcv, KeyBlock, KeyInfo, KeyState, WrappedKey};
pub use check_value::{CheckMethod, CheckValue, CheckValueError, MAX_CHECK_VALUE};
pub use error::KeyError;
pub use imported::{
    Components, ImportError, ImportedInfo, ImportedKey, MAX_IMPORTED, MAX_LISTED, MAX_OPTIONAL, WrappedImport,
};
pub use inventory::{Age, Inventory};
pub use keyring::Keyring;
pub use passphrase::{Stdin, read_passphrase};
pub use provider::{MAX_WRAPPED, Provider};
pub use sealed::{OpenKeyring, SealedKeyring};
pub use self_test::self_test;
pub(crate) use share::share_text;
pub use share::{Gathering, MAX_SHARES, Share, ShareError, Splitting};
pub use versions::Versions;
