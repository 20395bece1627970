//! A key in locked memory.

use std::fmt;
use std::marker::PhantomData;

use super::{CryptoError, Purpose, Random, Schedule};
use crate::secmem::{Region, Secret32};

/// A 256-bit key in locked memory that can be used for one purpose only.
pub struct LoadedKey<P: Purpose> {
    secret: Secret32,
    schedule: P::Schedule,
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
        let secret = Secret32::fill_with(region, fill)?;
        let schedule = P::Schedule::of(region, secret.expose())?;
        Ok(Self { secret, schedule, purpose: PhantomData })
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
        Self::build(region, |slot| {
            slot.copy_from_slice(bytes);
            Ok(())
        })
    }

    /// The bytes, for the primitives of this crate.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }

    /// What was made of it when it was loaded.
    pub(super) const fn schedule(&self) -> &P::Schedule {
        &self.schedule
    }
}

impl<P: Purpose> fmt::Debug for LoadedKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedKey({}, redacted)", P::NAME)
    }
}
