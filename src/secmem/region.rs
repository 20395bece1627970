//! A fixed number of slots in locked memory.
#![allow(unsafe_code)]

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::error::RegionError;
use super::mapping::Mapping;
use super::protection::Protection;
use super::slot::{SLOT_BYTES, Slot};

/// The most slots a region can have: 32 MiB, four times what a process may
/// lock by default.
pub const MAX_SLOTS: usize = 1 << 20;

/// A fixed number of 32-byte slots in locked memory. A clone is the same
/// region. The pages are wiped and unmapped when the last clone and the last
/// [`Secret32`](super::Secret32) are gone.
#[derive(Clone)]
pub struct Region(Arc<Inner>);

struct Inner {
    mapping: Mapping,
    slots: usize,
    /// The slots nobody has. Each is wiped before it comes back here.
    free: Mutex<Vec<Slot>>,
    fallback_cause: Option<Errno>,
}

impl Region {
    /// A region of `slots` slots, 1 to [`MAX_SLOTS`], in secret memory where
    /// the kernel offers it, else in locked memory:
    /// [`protection`](Self::protection) tells, and the caller is to say it
    /// aloud.
    ///
    /// # Errors
    /// `Size`; `Lock` if the memory can't be locked, or `System`.
    pub fn new(slots: usize) -> Result<Self, RegionError> {
        match Self::make(slots, Protection::SecretMemory, None) {
            Err(RegionError::NoSecretMemory(cause)) => Self::make(slots, Protection::Locked, Some(cause)),
            made => made,
        }
    }

    /// As [`new`](Self::new), but with this protection or none.
    ///
    /// # Errors
    /// As [`new`](Self::new), and `NoSecretMemory`.
    pub fn with_protection(slots: usize, protection: Protection) -> Result<Self, RegionError> {
        Self::make(slots, protection, None)
    }

    /// How the pages are protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.0.mapping.protection()
    }

    /// Why [`new`](Self::new) had to do without secret memory, if it had to.
    #[must_use]
    pub fn fallback_cause(&self) -> Option<Errno> {
        self.0.fallback_cause
    }

    /// The number of slots, free or not.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.0.slots
    }

    /// The number of free slots: already old when it is read, if other threads
    /// use the region.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.free().len()
    }

    /// A free slot, all zero, to be given back with [`give_back`](Self::give_back).
    pub(super) fn take(&self) -> Result<Slot, RegionError> {
        self.free().pop().ok_or(RegionError::Full)
    }

    /// `count` free slots, all zero, each right behind the one before, to be given
    /// back with [`give_back`](Self::give_back).
    pub(super) fn take_run(&self, count: usize) -> Result<Vec<Slot>, RegionError> {
        let mut free = self.free();
        free.sort_unstable_by_key(Slot::place);
        let neighbours = |pair: &[Slot]| matches!(pair, [a, b] if a.place().addr().get() + SLOT_BYTES == b.place().addr().get());
        let start = free.windows(count).position(|run| run.windows(2).all(neighbours));
        let start = start.ok_or(RegionError::Full)?;
        Ok(free.drain(start..start + count).collect())
    }

    /// Takes back a slot of this region.
    ///
    /// # Safety
    /// The slot must come from [`take`](Self::take) of this same region: in
    /// another's list it would outlive its pages.
    pub(super) unsafe fn give_back(&self, mut slot: Slot) {
        // SAFETY: the slot is of this region, by the caller's promise, and the region is here.
        unsafe { slot.wipe() };
        self.free().push(slot);
    }

    fn make(
        slots: usize,
        protection: Protection,
        fallback_cause: Option<Errno>,
    ) -> Result<Self, RegionError> {
        if slots == 0 || slots > MAX_SLOTS {
            return Err(RegionError::Size { slots });
        }
        let mapping = Mapping::new(slots * SLOT_BYTES, protection)?;
        // SAFETY: called once; each slot stays beside this mapping or beside a clone of the region.
        let free = Mutex::new(unsafe { mapping.slots(slots) });
        Ok(Self(Arc::new(Inner { mapping, slots, free, fallback_cause })))
    }

    /// A poisoned list is still a whole one: nothing under the lock can stop
    /// halfway, and refusing here would only leak slots.
    fn free(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the free slots hold.
    #[cfg(test)]
    pub(super) fn peek_free(&self) -> Vec<[u8; SLOT_BYTES]> {
        // SAFETY: the lock is held and the region is here.
        let copy = |slot: &Slot| *unsafe { slot.bytes() };
        self.free().iter().map(copy).collect()
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("slots", &self.slots())
            .field("protection", &self.protection())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod planted;
#[cfg(test)]
mod tests;
