//! Tests of giving out slots and taking them back.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::secmem::isolation::regions;
use crate::secmem::{RegionError, Secret32};

fn secret(region: &Region, byte: u8) -> Result<Secret32, RegionError> {
    Secret32::fill_with(region, |bytes| {
        assert_eq!(*bytes, [0; SLOT_BYTES], "a slot is given out wiped");
        bytes.fill(byte);
        Ok(())
    })
}

fn all_free_are_wiped(region: &Region) -> bool {
    region.peek_free().iter().all(|slot| *slot == [0; SLOT_BYTES])
}

#[test]
fn a_full_region_says_so_and_recovers() {
    for region in regions(3) {
        let mut held: Vec<_> = (1..=3).map(|n| secret(&region, n).unwrap()).collect();
        assert_eq!(region.free_slots(), 0);
        assert_eq!(secret(&region, 4).unwrap_err(), RegionError::Full);
        drop(held.pop());
        assert_eq!(region.free_slots(), 1);
        assert_eq!(secret(&region, 5).unwrap().expose(), &[5; SLOT_BYTES]);
        assert_eq!(region.slots(), 3);
    }
}

#[test]
fn a_dropped_secret_leaves_zeros() {
    for region in regions(2) {
        let held = secret(&region, 0xA5).unwrap();
        assert_eq!(held.expose(), &[0xA5; SLOT_BYTES]);
        drop(held);
        assert_eq!(region.peek_free().len(), 2);
        assert!(all_free_are_wiped(&region));
    }
}

#[test]
fn a_secret_outlives_the_region_it_came_from() {
    for region in regions(1) {
        let held = secret(&region, 9).unwrap();
        drop(region);
        assert_eq!(held.expose(), &[9; SLOT_BYTES]);
    }
}

#[test]
fn no_slots_and_too_many_are_refused() {
    for slots in [0, MAX_SLOTS + 1, usize::MAX] {
        assert_eq!(Region::new(slots).unwrap_err(), RegionError::Size { slots });
    }
}

#[test]
fn threads_never_share_a_slot() {
    for region in regions(64) {
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for id in 1..=4 {
                let (region, start) = (&region, &start);
                scope.spawn(move || {
                    start.wait();
                    for round in 0..500 {
                        let held: Vec<_> = (0..round % 16).map(|_| secret(region, id).unwrap()).collect();
                        thread::yield_now();
                        assert!(held.iter().all(|one| *one.expose() == [id; SLOT_BYTES]));
                    }
                });
            }
        });
        assert_eq!(region.free_slots(), 64);
        assert!(all_free_are_wiped(&region));
    }
}

proptest! {
    /// Against a plain list: what is held keeps its bytes and its own place,
    /// whatever comes and goes beside it.
    #[test]
    fn slots_are_distinct_whatever_comes_and_goes(
        steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 1u8..), 1..200)
    ) {
        const SLOTS: usize = 12;
        let region = Region::new(SLOTS).unwrap();
        let mut held: Vec<(Secret32, u8)> = Vec::new();
        for (free, index, byte) in steps {
            if free && !held.is_empty() {
                held.swap_remove(index.index(held.len()));
            } else {
                match secret(&region, byte) {
                    Ok(one) => held.push((one, byte)),
                    Err(error) => {
                        prop_assert_eq!(error, RegionError::Full);
                        prop_assert_eq!(held.len(), SLOTS);
                    }
                }
            }
            prop_assert_eq!(region.free_slots(), SLOTS - held.len());
            prop_assert!(all_free_are_wiped(&region));
            prop_assert!(held.iter().all(|(one, byte)| *one.expose() == [*byte; SLOT_BYTES]));
            let places: HashSet<_> = held.iter().map(|(one, _)| one.expose().as_ptr()).collect();
            prop_assert_eq!(places.len(), held.len());
        }
    }
}
