//! Tests of a secret's making, showing and comparing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Region(RegionError),
    Fill,
}

impl From<RegionError> for Failure {
    fn from(error: RegionError) -> Self {
        Self::Region(error)
    }
}

fn filled(region: &Region, bytes: [u8; SLOT_BYTES]) -> Secret32 {
    Secret32::fill_with::<RegionError>(region, |buffer| {
        *buffer = bytes;
        Ok(())
    })
    .unwrap()
}

#[test]
fn a_failed_fill_leaves_zeros_and_the_slot() {
    let region = Region::new(1).unwrap();
    let failed = Secret32::fill_with(&region, |bytes| {
        bytes.fill(0xA5);
        Err(Failure::Fill)
    });
    assert_eq!(failed.unwrap_err(), Failure::Fill);
    assert_eq!(region.peek_free(), [[0; SLOT_BYTES]]);

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        Secret32::fill_with::<Failure>(&region, |bytes| {
            bytes.fill(0xA5);
            panic!("halfway")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(region.peek_free(), [[0; SLOT_BYTES]]);
}

#[test]
fn a_full_region_is_the_callers_kind_of_error() {
    let region = Region::new(1).unwrap();
    let inner = |_: &mut [u8; SLOT_BYTES]| -> Result<(), Failure> { Ok(()) };
    // The region is not locked while a slot is filled: the second answers, and does not hang.
    let outer = Secret32::fill_with(&region, |_| Secret32::fill_with(&region, inner).map(drop));
    assert_eq!(outer.unwrap_err(), Failure::Region(RegionError::Full));
    assert_eq!(region.free_slots(), 1);
}

#[test]
fn it_is_never_shown() {
    let region = Region::new(1).unwrap();
    let secret = filled(&region, *b"0123456789abcdef0123456789abcdef");
    assert_eq!(format!("{secret:?} {secret:#?}"), "Secret32(redacted) Secret32(redacted)");
}

#[test]
fn every_byte_counts_in_a_comparison() {
    let region = Region::new(2).unwrap();
    let first = filled(&region, [7; SLOT_BYTES]);
    assert!(bool::from(first.ct_eq(&filled(&region, [7; SLOT_BYTES]))));
    for index in 0..SLOT_BYTES {
        let mut other = [7; SLOT_BYTES];
        other[index] ^= 1;
        assert!(!bool::from(first.ct_eq(&filled(&region, other))));
    }
}

#[test]
fn threads_may_share_it() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Secret32>();
    shareable::<Region>();
}
