//! Opening, loading and folding.

use tallystick::store::{
    ChainHead, Epoch, GroupNumber, Load, Record, Store, StoreError, TokenRow, TokenSlot,
};
use tallystick::types::Counters;

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::{loaded, seen};
use crate::model::Model;
use crate::sample::{full, head};

held_by_all!(
    an_empty_store_holds_nothing,
    every_opening_draws_a_higher_epoch,
    journal_rows_keep_their_epochs,
    a_fold_empties_the_journal_and_changes_nothing_else,
    numbers_go_on_after_a_fold,
    a_sink_that_refuses_ends_the_load,
);

fn an_empty_store_holds_nothing<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    store.fold().unwrap();
    store.expire(5).unwrap();
    let seen = seen(&mut store).unwrap();
    assert_eq!(seen.model, Model::default());
    assert_eq!((seen.folded, store.journal_bytes()), (Some(ChainHead::START), 0));
}

fn every_opening_draws_a_higher_epoch<F: Fixture>() {
    let mut fixture = F::make();
    for opening in 1..=6 {
        let store = fixture.open();
        assert_eq!(store.epoch(), Epoch(opening));
        // An epoch that was seen is durable, though nothing was appended under it.
        if opening % 2 == 0 { fixture.crash(store) } else { drop(store) }
    }
}

fn journal_rows_keep_their_epochs<F: Fixture>() {
    let mut fixture = F::make();
    let mut expected = Vec::new();
    for number in 1..=4 {
        let mut store = fixture.open();
        store.append(&full().group(number, store.epoch())).unwrap();
        expected.push((GroupNumber(number), store.epoch()));
        drop(store);
    }
    assert_eq!(seen(&mut fixture.open()).unwrap().journal, expected);
}

fn a_fold_empties_the_journal_and_changes_nothing_else<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let groups: Vec<_> = (1..=3).map(|number| full().group(number, store.epoch())).collect();
    for group in &groups {
        store.append(group).unwrap();
    }
    let before = loaded(&mut store);
    assert_eq!(store.journal_bytes(), groups.iter().map(|group| group.body.len() as u64).sum::<u64>());
    store.fold().unwrap();
    for _ in 0..2 {
        let after = seen(&mut store).unwrap();
        assert_eq!((&after.model, after.folded), (&before, Some(head(3))));
        assert_eq!((after.journal.len(), store.journal_bytes()), (0, 0));
        fixture.crash(store);
        store = fixture.open();
    }
}

fn numbers_go_on_after_a_fold<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    store.append(&full().group(1, store.epoch())).unwrap();
    store.fold().unwrap();
    store.append(&full().group(2, store.epoch())).unwrap();
    store.fold().unwrap();
    drop(store);
    let mut store = fixture.open();
    store.append(&full().group(3, store.epoch())).unwrap();
    store.fold().unwrap();
    assert_eq!(store.append(&full().group(1, store.epoch())), Err(StoreError::OutOfOrder));
}

fn a_sink_that_refuses_ends_the_load<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    store.append(&full().group(1, store.epoch())).unwrap();
    store.fold().unwrap();
    store.append(&full().group(2, store.epoch())).unwrap();
    // Two tokens, two counters, the head, a group, a record.
    for taken in 0..7 {
        let mut sink = Refusing { left: taken, calls: 0 };
        assert_eq!(store.load(&mut sink), Err(StoreError::Corrupt("refused")), "{taken}");
        assert_eq!(sink.calls, taken + 1);
    }
    assert_eq!(store.load(&mut Refusing { left: 7, calls: 0 }), Ok(()));
    store.append(&full().group(3, store.epoch())).unwrap();
}

/// Takes some, then refuses.
struct Refusing {
    left: u32,
    calls: u32,
}

impl Refusing {
    fn take(&mut self) -> Result<(), StoreError> {
        self.calls += 1;
        self.left = self.left.checked_sub(1).ok_or(StoreError::Corrupt("refused"))?;
        Ok(())
    }
}

impl Load for Refusing {
    fn token(&mut self, _: TokenRow) -> Result<(), StoreError> {
        self.take()
    }
    fn counters(&mut self, _: TokenSlot, _: Counters) -> Result<(), StoreError> {
        self.take()
    }
    fn folded(&mut self, _: ChainHead) -> Result<(), StoreError> {
        self.take()
    }
    fn journal(&mut self, _: GroupNumber, _: Epoch, _: &[u8], _: [u8; 32]) -> Result<(), StoreError> {
        self.take()
    }
    fn record(&mut self, _: Record) -> Result<(), StoreError> {
        self.take()
    }
}
