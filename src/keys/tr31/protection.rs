//! A key block protection key, and the key that comes out of a block.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::{CryptoError, KeyAlgorithm};

/// A key block protection key: its bytes stay where their owner has them.
#[derive(Clone, Copy)]
pub struct ProtectionKey<'k> {
    algorithm: KeyAlgorithm,
    bytes: &'k [u8],
}

/// A key out of a block: one buffer that was never longer nor moved, wiped on drop.
pub struct ClearKey(Zeroizing<Vec<u8>>);

impl<'k> ProtectionKey<'k> {
    /// A key of 16 or 24 bytes for TDES, of 16, 24 or 32 for AES.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`] if it is not as long as its algorithm's are.
    pub const fn new(algorithm: KeyAlgorithm, bytes: &'k [u8]) -> Result<Self, CryptoError> {
        if bytes.len() == algorithm.key_len() {
            Ok(Self { algorithm, bytes })
        } else {
            Err(CryptoError::KeyLength)
        }
    }

    /// Whether it is a TDES key: for versions A to C. An AES key is for D.
    #[must_use]
    pub const fn is_tdes(self) -> bool {
        matches!(self.algorithm, KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3)
    }

    pub(super) const fn bytes(self) -> &'k [u8] {
        self.bytes
    }
}

impl ClearKey {
    pub(super) const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes. A copy of them is not wiped: pass the reference on.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ProtectionKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProtectionKey({}, redacted)", self.algorithm.name())
    }
}

impl fmt::Debug for ClearKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClearKey(redacted)")
    }
}
