//! A key in locked memory.

use std::fmt;
use std::marker::PhantomData;

use super::{CryptoError, Purpose, Random};
use crate::secmem::{Region, RegionError, Secret32};

/// A 256-bit key in locked memory that can be used for one purpose only.
pub struct LoadedKey<P: Purpose> {
    secret: Secret32,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Purpose> LoadedKey<P> {
    /// Builds a key in place: `fill` writes the 32 bytes into locked memory.
    ///
    /// # Errors
    /// What `fill` returns, or [`CryptoError::Memory`] if no slot is free.
    pub fn build(
        region: &Region,
        fill: impl FnOnce(&mut [u8; 32]) -> Result<(), CryptoError>,
    ) -> Result<Self, CryptoError> {
        Ok(Self { secret: Secret32::fill_with(region, fill)?, purpose: PhantomData })
    }

    /// Makes a new random key.
    ///
    /// # Errors
    /// [`CryptoError::Random`] or [`CryptoError::Memory`].
    pub fn generate(region: &Region, random: &dyn Random) -> Result<Self, CryptoError> {
        Self::build(region, |bytes| Ok(random.fill(bytes)?))
    }

    /// Loads a key whose bytes the caller holds and wipes, such as a test vector.
    ///
    /// # Errors
    /// [`CryptoError::Memory`] if no slot is free.
    pub fn from_bytes(region: &Region, bytes: &[u8; 32]) -> Result<Self, CryptoError> {
        let filled = Secret32::fill_with(region, |slot| -> Result<(), RegionError> {
            slot.copy_from_slice(bytes);
            Ok(())
        });
        Ok(Self { secret: filled?, purpose: PhantomData })
    }

    /// The bytes, for the primitives of this crate.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }
}

impl<P: Purpose> fmt::Debug for LoadedKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedKey({}, redacted)", P::NAME)
    }
}
