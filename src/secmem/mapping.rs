//! The pages under a region: between two guard pages, locked, not dumped, not
//! inherited, wiped before they are given back.
#![allow(unsafe_code)]

use std::slice;

use zeroize::Zeroize;

use super::area::Area;
use super::error::RegionError;
use super::protection::Protection;
use super::secret_file::secret_file;
use super::slot::{SLOT_BYTES, Slot};

/// Pages that can be read and written, all zero at first, between two that
/// can't be touched.
#[derive(Debug)]
pub(super) struct Mapping {
    area: Area,
    protection: Protection,
}

impl Mapping {
    /// Maps at least `bytes` bytes with exactly this protection.
    ///
    /// # Errors
    /// Every [`RegionError`] but `Size` and `Full`.
    pub(super) fn new(bytes: usize, protection: Protection) -> Result<Self, RegionError> {
        let mut area = Area::reserve(bytes)?;
        match protection {
            Protection::SecretMemory => area.map_file(&secret_file(area.len())?)?,
            Protection::Locked => area.lock()?,
        }
        area.hide()?;
        let mut mapping = Self { area, protection };
        // Also touches every page: a shortage of memory shows now, not at the first payment.
        mapping.wipe();
        Ok(mapping)
    }

    /// How the pages are protected.
    pub(super) const fn protection(&self) -> Protection {
        self.protection
    }

    /// Divides the mapping into its first `count` slots, or fewer if it holds
    /// fewer.
    ///
    /// # Safety
    /// To be called once: a second call's slots would alias the first's. The
    /// mapping must outlive every use of a slot.
    pub(super) unsafe fn slots(&self, count: usize) -> Vec<Slot> {
        let places = (0..self.area.len() / SLOT_BYTES).take(count);
        places
            .map(|index| {
                // SAFETY: index * SLOT_BYTES + SLOT_BYTES <= len, so the place is in the mapping.
                let place = unsafe { self.area.data().add(index * SLOT_BYTES) };
                // SAFETY: zeroed pages, places a slot's size apart; the rest is the caller's promise.
                unsafe { Slot::at(place.cast()) }
            })
            .collect()
    }

    fn wipe(&mut self) {
        // SAFETY: `len` mapped writable bytes; whoever has `&mut self` made no slot or outlived all.
        unsafe { slice::from_raw_parts_mut(self.area.data().as_ptr(), self.area.len()) }.zeroize();
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests;
