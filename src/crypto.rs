//! Keys by purpose, and the primitives they may be used with.
//!
//! A [`LoadedKey`] lives in locked memory and knows its purpose by type: a key
//! made for MACs has no method that encrypts, and the other way round.

mod aead;
mod aes;
mod cipher;
mod error;
mod key;
mod loaded_cipher;
mod mac;
mod passphrase;
mod purpose;
mod random;
mod self_test;
mod stream;
mod tdes;

pub use aead::{NONCE_LEN, Nonce, TAG_LEN};
pub use aes::{AES_BLOCK, Aes};
pub use cipher::BlockCipher;
pub use error::CryptoError;
pub use key::LoadedKey;
pub use loaded_cipher::{KeyAlgorithm, LoadedCipher};
pub use mac::{Mac, MacState, TransientMac};
pub use passphrase::{PassphraseCost, key_from_passphrase, root_from_passphrase};
pub use purpose::{
    AeadPurpose, Audit, Backup, FingerprintDerivation, KeyPurpose, MacPurpose, PanSealing, ParDerivation,
    Purpose, Root, Schedule, TokenDerivation,
};
pub use random::{Random, RandomError, SystemRandom};
pub use self_test::{SelfTestError, self_test};
pub use stream::{CHUNK, Stream};
pub use tdes::{DesPair, Padding, TDES_BLOCK, Tdes};
