//! One place in a region, owned by at most one holder.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use zeroize::Zeroize;

/// The size of a slot, in bytes.
pub const SLOT_BYTES: usize = 32;

/// One place in a region. It can't be copied, and a mapping makes each of its
/// slots once, so whoever has the slot is the only one to reach its bytes.
///
/// It does not keep the mapping alive: that is its holder's business, and the
/// reason for `unsafe` below.
#[derive(Debug)]
pub(super) struct Slot(NonNull<[u8; SLOT_BYTES]>);

// SAFETY: a slot owns its bytes as a `Box` does, and they are not tied to a thread.
unsafe impl Send for Slot {}

// SAFETY: a shared slot gives out shared references only, as a `Box` does.
unsafe impl Sync for Slot {}

impl Slot {
    /// The slot at this place.
    ///
    /// # Safety
    /// The bytes must be initialised, readable and writable for as long as the
    /// slot is used, and no other slot may overlap them.
    pub(super) const unsafe fn at(place: NonNull<[u8; SLOT_BYTES]>) -> Self {
        Self(place)
    }

    /// Where it is.
    pub(super) const fn place(&self) -> NonNull<[u8; SLOT_BYTES]> {
        self.0
    }

    /// The bytes.
    ///
    /// # Safety
    /// The mapping the slot was made from must outlive the reference.
    pub(super) const unsafe fn bytes(&self) -> &[u8; SLOT_BYTES] {
        // SAFETY: mapped by the caller's promise, and only `&mut self` writes.
        unsafe { self.0.as_ref() }
    }

    /// The bytes, to write them.
    ///
    /// # Safety
    /// As for [`Slot::bytes`].
    pub(super) const unsafe fn bytes_mut(&mut self) -> &mut [u8; SLOT_BYTES] {
        // SAFETY: mapped by the caller's promise, and `&mut self` is the only way in.
        unsafe { self.0.as_mut() }
    }

    /// Overwrites the bytes with zeros, in a way the compiler can't leave out.
    ///
    /// # Safety
    /// As for [`Slot::bytes`].
    pub(super) unsafe fn wipe(&mut self) {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.bytes_mut() }.zeroize();
    }
}
