//! Faults that are planted: `.ci/memcheck` runs each alone, and fails unless the
//! checker finds it. Nothing else runs them.

use std::hint::black_box;

use super::*;

fn look(place: *const Slot) {
    // SAFETY: none; that is what is to be found.
    black_box(unsafe { place.cast::<u8>().read_volatile() });
}

#[test]
#[ignore = "reads past the end of a list, for .ci/memcheck to find"]
fn past_the_last_slot() {
    let region = Region::new(4).unwrap();
    let free = region.free();
    look(free.as_ptr().wrapping_add(free.capacity()));
}

#[test]
#[ignore = "reads what was given back, for .ci/memcheck to find"]
fn after_the_region() {
    let region = Region::new(4).unwrap();
    let list = region.free().as_ptr();
    drop(region);
    look(list);
}
