//! A value of any type in locked memory, such as a library's key schedule.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::mem::{align_of, size_of};
use std::ptr::{self, NonNull};

use super::error::RegionError;
use super::region::Region;
use super::slot::{SLOT_BYTES, Slot};
use super::stack::{CIPHER_STACK, scrubbed};

/// A value in neighbouring slots of a [`Region`]. It stays where it was put, is
/// dropped there, and its slots are wiped before they can be used again.
///
/// Only the value itself is protected: what it points to is not, so put nothing
/// here that owns memory elsewhere.
pub struct Placed<T> {
    run: Run,
    value: PhantomData<T>,
}

// SAFETY: it owns its value as a `Box<T>` does.
unsafe impl<T: Send> Send for Placed<T> {}

// SAFETY: a shared one gives out `&T` only, as a `Box<T>` does.
unsafe impl<T: Sync> Sync for Placed<T> {}

impl<T> Placed<T> {
    /// The slots that a value takes.
    pub const SLOTS: usize = size_of::<T>().div_ceil(SLOT_BYTES);

    /// Makes a value and moves it into the region. The stack on which `make` works,
    /// [`CIPHER_STACK`] bytes of it, is wiped.
    ///
    /// # Errors
    /// [`RegionError::Full`] if not so many neighbouring slots are free, and
    /// whatever `make` returns.
    pub fn build<E: From<RegionError>>(
        region: &Region,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Self, E> {
        const { assert!(align_of::<T>() <= SLOT_BYTES && size_of::<T>() > 0) };
        let run = Run { slots: region.take_run(Self::SLOTS)?, region: region.clone() };
        let place = run.start().ok_or(RegionError::Full)?.cast::<T>();
        scrubbed::<CIPHER_STACK, _>(|| {
            let value = make()?;
            // SAFETY: neighbouring slots of ours, long enough, and aligned as slots are.
            unsafe { place.write(value) };
            Ok::<_, E>(())
        })?;
        // Made only now: to drop it drops the value.
        Ok(Self { run, value: PhantomData })
    }

    /// The value. To work with it loads it into registers and onto the stack, so
    /// that is done inside [`scrubbed`].
    #[must_use]
    pub fn get(&self) -> &T {
        // SAFETY: there is a value since `build`, and only `drop` ends it.
        unsafe { self.place().as_ref() }
    }

    /// What the slots hold, for tests that look for copies of it.
    #[cfg(test)]
    pub(crate) fn peek(&self, words: &mut super::residue::Words) {
        // SAFETY: the region beside the slots keeps them mapped.
        self.run.slots.iter().for_each(|slot| words.add(unsafe { slot.bytes() }));
    }

    fn place(&self) -> NonNull<T> {
        // A run that was built upon has a start.
        self.run.start().map_or(NonNull::dangling(), NonNull::cast)
    }
}

impl<T> Drop for Placed<T> {
    fn drop(&mut self) {
        // SAFETY: the value is there, nobody sees it after drop, and it goes only once.
        unsafe { ptr::drop_in_place(self.place().as_ptr()) };
    }
}

impl<T> fmt::Debug for Placed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Placed(redacted)")
    }
}

/// Neighbouring slots, given back on drop.
struct Run {
    slots: Vec<Slot>,
    region: Region,
}

impl Run {
    fn start(&self) -> Option<NonNull<[u8; SLOT_BYTES]>> {
        self.slots.first().map(Slot::place)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for slot in self.slots.drain(..) {
            // SAFETY: it was taken from this region.
            unsafe { self.region.give_back(slot) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::secmem::Secret32;

    fn built<T>(region: &Region, value: T) -> Result<Placed<T>, RegionError> {
        Placed::build(region, || Ok(value))
    }

    #[test]
    fn a_value_lies_in_the_region_and_nothing_of_it_is_left() {
        let region = Region::new(8).unwrap();
        let placed = built(&region, [0xa5_u8; 100]).unwrap();
        assert_eq!(Placed::<[u8; 100]>::SLOTS, 4);
        assert_eq!((placed.get(), region.free_slots()), (&[0xa5; 100], 4));
        drop(placed);
        assert_eq!(region.peek_free(), vec![[0; SLOT_BYTES]; 8]);
    }

    #[test]
    fn it_is_dropped_once_where_it_is() {
        let region = Region::new(2).unwrap();
        let counted = Rc::new(());
        let placed = built(&region, (counted.clone(), 7_u64)).unwrap();
        assert_eq!(Rc::strong_count(&counted), 2);
        drop(placed);
        assert_eq!(Rc::strong_count(&counted), 1);
    }

    #[test]
    fn values_do_not_overlap_however_slots_come_and_go() {
        let region = Region::new(16).unwrap();
        let singles: Vec<_> = (0..16_u8)
            .map(|byte| {
                let fill = |slot: &mut [u8; SLOT_BYTES]| {
                    slot.fill(byte);
                    Ok::<_, RegionError>(())
                };
                Secret32::fill_with(&region, fill).unwrap()
            })
            .collect();
        // Every other is given back: eight are free, and no two of them neighbours.
        let kept: Vec<_> = singles.into_iter().enumerate().filter(|(index, _)| index % 2 == 0).collect();
        assert_eq!(region.free_slots(), 8);
        assert_eq!(built(&region, [1_u8; 64]).unwrap_err(), RegionError::Full);
        assert_eq!(region.free_slots(), 8, "what was refused took nothing");
        drop(kept);
        let values: Vec<_> = (0..5_u64).map(|value| built(&region, [value; 12]).unwrap()).collect();
        for (value, placed) in (0..).zip(&values) {
            assert_eq!(placed.get(), &[value; 12]);
        }
        assert_eq!(built(&region, [0_u64; 12]).unwrap_err(), RegionError::Full);
    }

    #[test]
    fn a_failed_or_panicking_make_gives_the_slots_back() {
        let region = Region::new(4).unwrap();
        let failed = Placed::<[u8; 64]>::build(&region, || Err(RegionError::Full));
        assert!(failed.is_err());
        let panicked = std::panic::catch_unwind(|| {
            let _ = Placed::<[u8; 64]>::build::<RegionError>(&region, || panic!("on purpose"));
        });
        assert!(panicked.is_err());
        assert_eq!(region.free_slots(), 4);
    }

    #[test]
    fn it_is_aligned() {
        #[repr(align(32))]
        struct Wide(u8);
        let region = Region::new(4).unwrap();
        let _byte = built(&region, 1_u8).unwrap();
        let wide = built(&region, Wide(7)).unwrap();
        assert!((&raw const *wide.get()).is_aligned());
        assert_eq!(wide.get().0, 7);
    }
}
