//! Thirty-two secret bytes in locked memory.
#![allow(unsafe_code)]

use std::fmt;
use std::mem::ManuallyDrop;

use subtle::{Choice, ConstantTimeEq};

use super::error::RegionError;
use super::region::Region;
use super::slot::{SLOT_BYTES, Slot};

/// Thirty-two secret bytes in a slot of a [`Region`]. They stay where they
/// were written, are never shown, can't be copied by accident, and are wiped
/// on drop.
///
/// It is `Send` and `Sync`, for the same reasons as a `Box<[u8; 32]>`: the
/// slot belongs to this handle alone, nothing writes to it between
/// construction and drop, and the list it came from is behind a lock.
pub struct Secret32 {
    slot: ManuallyDrop<Slot>,
    region: Region,
}

impl Secret32 {
    /// Takes a slot and lets `fill` write the secret in place. The buffer is
    /// all zero at first. If `fill` fails or panics the slot is wiped and given
    /// back. The region is not locked meanwhile.
    ///
    /// # Errors
    /// [`RegionError::Full`] if no slot is free, and whatever `fill` returns.
    pub fn fill_with<E: From<RegionError>>(
        region: &Region,
        fill: impl FnOnce(&mut [u8; SLOT_BYTES]) -> Result<(), E>,
    ) -> Result<Self, E> {
        // Made before it is filled, so that every way out below drops it and so wipes it.
        let mut secret = Self { slot: ManuallyDrop::new(region.take()?), region: region.clone() };
        // SAFETY: the region beside the slot keeps it mapped.
        fill(unsafe { secret.slot.bytes_mut() })?;
        Ok(secret)
    }

    /// The bytes. A copy of them is no longer protected: pass the reference on.
    #[must_use]
    pub fn expose(&self) -> &[u8; SLOT_BYTES] {
        // SAFETY: the region beside the slot keeps it mapped.
        unsafe { self.slot.bytes() }
    }
}

impl Drop for Secret32 {
    fn drop(&mut self) {
        // SAFETY: the only take, and nobody sees the field after drop.
        let slot = unsafe { ManuallyDrop::take(&mut self.slot) };
        // SAFETY: it was taken from this region.
        unsafe { self.region.give_back(slot) };
    }
}

impl ConstantTimeEq for Secret32 {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.expose().ct_eq(other.expose())
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret32(redacted)")
    }
}

#[cfg(test)]
mod tests;
