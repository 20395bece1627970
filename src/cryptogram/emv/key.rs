//! The keys of issuers, cards and sessions.

use std::fmt;

use zeroize::ZeroizeOnDrop;

use super::EmvError;
use crate::crypto::{Aes, CryptoError, DesPair, LoadedCipher, Tdes};
use crate::types::Pan;
use crate::types::emv::Psn;

/// The longest key, in bytes.
const LONGEST: usize = 32;

/// An issuer's master key for application cryptograms, expanded. In service it is in
/// locked memory.
#[derive(Clone, Copy, Debug)]
pub enum IssuerMaster<'k> {
    /// Triple DES, for options A and B.
    Tdes(&'k Tdes),
    /// AES, for option C.
    Aes(&'k Aes),
}

/// Which card: its PAN and the number that tells cards with one PAN apart.
#[derive(Clone, Copy, Debug)]
pub struct Card<'a> {
    /// The PAN.
    pub pan: &'a Pan,
    /// The PAN sequence number; [`Psn::NONE`] where the card has none.
    pub psn: Psn,
}

/// The key of a card or of a session: 16 bytes for triple DES, 16, 24 or 32 for AES.
/// Wiped on drop; have it inside [`scrubbed`](crate::secmem::scrubbed) only.
#[derive(ZeroizeOnDrop)]
pub struct DerivedKey {
    bytes: [u8; LONGEST],
    #[zeroize(skip)]
    len: usize,
    #[zeroize(skip)]
    is_aes: bool,
}

/// A [`DerivedKey`], expanded.
#[expect(clippy::large_enum_variant, reason = "a box would have the key in ordinary memory")]
pub(super) enum Expanded {
    Tdes(DesPair),
    Aes(Aes),
}

impl<'k> From<&'k LoadedCipher> for IssuerMaster<'k> {
    fn from(loaded: &'k LoadedCipher) -> Self {
        match loaded {
            LoadedCipher::Tdes(tdes) => Self::Tdes(tdes.get()),
            LoadedCipher::Aes(aes) => Self::Aes(aes.get()),
        }
    }
}

impl DerivedKey {
    /// A key of triple DES, whose bytes the caller wipes.
    #[must_use]
    pub fn tdes(bytes: &[u8; 16]) -> Self {
        Self::joined(bytes.as_slice(), 16, false)
    }

    /// A key of AES, whose bytes the caller wipes.
    ///
    /// # Errors
    /// [`EmvError::Crypto`] unless it has 16, 24 or 32 bytes.
    pub fn aes(bytes: &[u8]) -> Result<Self, EmvError> {
        match bytes.len() {
            16 | 24 | 32 => Ok(Self::joined(bytes, bytes.len(), true)),
            _ => Err(CryptoError::KeyLength.into()),
        }
    }

    /// The first `len` bytes of these.
    pub(super) fn joined<'a>(bytes: impl IntoIterator<Item = &'a u8>, len: usize, is_aes: bool) -> Self {
        let mut key = Self { bytes: [0; LONGEST], len, is_aes };
        key.bytes.iter_mut().take(len).zip(bytes).for_each(|(place, byte)| *place = *byte);
        key
    }

    /// The same with the parity bit of each byte set so that its ones are odd (FIPS 46-3).
    pub(super) fn with_parity(mut self) -> Self {
        for byte in &mut self.bytes {
            *byte ^= u8::from(byte.count_ones() % 2 == 0);
        }
        self
    }

    /// The bytes. A copy of them is no longer wiped.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) const fn is_aes(&self) -> bool {
        self.is_aes
    }

    pub(super) fn expand(&self) -> Result<Expanded, EmvError> {
        if self.is_aes {
            Ok(Expanded::Aes(Aes::new(self.expose())?))
        } else {
            self.pair().map(Expanded::Tdes)
        }
    }

    /// As the two halves of a key of triple DES.
    pub(super) fn pair(&self) -> Result<DesPair, EmvError> {
        match self.expose().first_chunk() {
            Some(key) if !self.is_aes => Ok(DesPair::new(key)),
            _ => Err(EmvError::Algorithm),
        }
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey(redacted)")
    }
}
