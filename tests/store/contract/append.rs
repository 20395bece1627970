//! Appending: whole, in order, by the newest writer, and never after a failure.

use tallystick::store::{Epoch, Group, GroupNumber, Room, Store, StoreError, TokenSlot};

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::{holds, seen};
use crate::model::Model;
use crate::sample::{Content, full, trid_of};

held_by_all!(
    a_group_is_whole_after_a_crash,
    a_receipt_covers_up_to_its_group,
    a_gap_or_a_repetition_is_out_of_order,
    another_epoch_is_fenced,
    a_body_that_could_not_be_read_back_is_refused,
    looking_for_room_changes_nothing,
);

fn a_group_is_whole_after_a_crash<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    for number in 1..=3 {
        let group = full().group(number, store.epoch());
        store.append(&group).unwrap();
        model.apply(&group, F::REMOVED);
        fixture.crash(store);
        store = fixture.open();
        holds(&mut store, &model);
    }
}

fn a_receipt_covers_up_to_its_group<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    assert_eq!(store.receipt().newest(), GroupNumber(0));
    for number in 1..=3 {
        let receipt = store.append(&full().group(number, store.epoch())).unwrap();
        assert_eq!(receipt.newest(), GroupNumber(number));
        assert_eq!(store.receipt(), receipt);
        assert!(receipt.covers(GroupNumber(1)) && receipt.covers(GroupNumber(number)));
        assert!(!receipt.covers(GroupNumber(number + 1)));
    }
    drop(store);
    assert_eq!(fixture.open().receipt().newest(), GroupNumber(3));
}

fn a_gap_or_a_repetition_is_out_of_order<F: Fixture>() {
    for wrong in [0, 1, 2, 4, u64::MAX] {
        refused::<F>(StoreError::OutOfOrder, |epoch| full().group(wrong, epoch));
    }
}

fn another_epoch_is_fenced<F: Fixture>() {
    refused::<F>(StoreError::Fenced, |epoch| full().group(3, Epoch(epoch.0 - 1)));
    refused::<F>(StoreError::Fenced, |epoch| full().group(3, Epoch(epoch.0 + 1)));
}

fn a_body_that_could_not_be_read_back_is_refused<F: Fixture>() {
    let error = StoreError::Corrupt("a group to be appended has no journal body");
    refused::<F>(error, |epoch| Group { body: vec![0; 55], ..full().group(3, epoch) });
}

fn looking_for_room_changes_nothing<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    for number in 1..=40 {
        let group = full().group(number, store.epoch());
        for _ in 0..2 {
            assert_ne!(store.reserve(Some(&group)), Ok(Room::None));
            assert_ne!(store.reserve(None), Ok(Room::None));
            holds(&mut store, &model);
        }
        store.append(&group).unwrap();
        model.apply(&group, F::REMOVED);
    }
    fixture.crash(store);
    holds(&mut fixture.open(), &model);
}

/// After two groups, a third is refused with `error`; the store is poisoned by
/// it, and what it holds is what it held.
fn refused<F: Fixture>(error: StoreError, group: impl Fn(Epoch) -> Group) {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    for number in 1..=2 {
        let group = full().group(number, store.epoch());
        store.append(&group).unwrap();
        model.apply(&group, F::REMOVED);
    }
    let bytes = store.journal_bytes();
    assert_eq!(store.append(&group(store.epoch())), Err(error));
    assert_eq!((store.journal_bytes(), store.receipt().newest()), (bytes, GroupNumber(2)));
    poisoned(&mut store);
    fixture.crash(store);
    let mut store = fixture.open();
    holds(&mut store, &model);
    store.append(&Content::default().group(3, store.epoch())).unwrap();
}

/// Every call of a poisoned store is refused.
pub fn poisoned(store: &mut impl Store) {
    let next = full().group(3, store.epoch());
    assert_eq!(store.reserve(Some(&next)), Err(StoreError::Poisoned));
    assert_eq!(store.reserve(None), Err(StoreError::Poisoned));
    assert_eq!(store.append(&next), Err(StoreError::Poisoned));
    assert_eq!(store.expire(u64::MAX), Err(StoreError::Poisoned));
    assert_eq!(store.set_anchored(), Err(StoreError::Poisoned));
    assert_eq!(store.outgrow(Epoch(9)), Err(StoreError::Poisoned));
    assert_eq!(store.token(TokenSlot(0)), Err(StoreError::Poisoned));
    assert_eq!(store.tokens_of(trid_of(7), None, 1), Err(StoreError::Poisoned));
    assert_eq!(store.tokens_after(None, 1), Err(StoreError::Poisoned));
    assert_eq!(seen(store).unwrap_err(), StoreError::Poisoned);
}
