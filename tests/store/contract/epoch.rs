//! Epochs: drawn, anchored, outgrown.

use tallystick::store::{Epoch, Store, StoreError};

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::loaded;
use crate::sample::full;

held_by_all!(
    every_opening_draws_a_higher_epoch,
    the_anchored_epoch_is_remembered,
    outgrowing_draws_above_both,
    journal_rows_keep_their_epochs,
);

fn every_opening_draws_a_higher_epoch<F: Fixture>() {
    let mut fixture = F::make();
    for opening in 1..=6 {
        let store = fixture.open();
        assert_eq!(store.epoch(), Epoch(opening));
        // An epoch that was seen is durable, though nothing was appended under it.
        if opening % 2 == 0 { fixture.crash(store) } else { drop(store) }
    }
}

fn the_anchored_epoch_is_remembered<F: Fixture>() {
    let mut fixture = F::make();
    let store = fixture.open();
    assert_eq!(store.anchored(), Epoch(0));
    fixture.crash(store);
    let mut store = fixture.open();
    store.set_anchored().unwrap();
    assert_eq!(store.anchored(), Epoch(2));
    fixture.crash(store);
    let mut store = fixture.open();
    assert_eq!((store.epoch(), store.anchored()), (Epoch(3), Epoch(2)), "until the anchor is told again");
    // What is remembered is the epoch that is told, the outgrown one.
    store.outgrow(Epoch(10)).unwrap();
    store.set_anchored().unwrap();
    assert_eq!(store.anchored(), Epoch(11));
    drop(store);
    assert_eq!(fixture.open().anchored(), Epoch(11));
}

fn outgrowing_draws_above_both<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut epoch = 1;
    for (number, floor) in (1..).zip([0, 1, 3, 100, 101, 7]) {
        let old = store.epoch();
        store.outgrow(Epoch(floor)).unwrap();
        epoch = epoch.max(floor) + 1;
        assert_eq!(store.epoch(), Epoch(epoch));
        store.append(&full().group(number, store.epoch())).unwrap();
        assert_eq!(store.append(&full().group(number + 1, old)), Err(StoreError::Fenced));
        fixture.crash(store);
        store = fixture.open();
        epoch += 1;
        assert_eq!(store.epoch(), Epoch(epoch), "what was drawn is durable");
    }
}

fn journal_rows_keep_their_epochs<F: Fixture>() {
    let mut fixture = F::make();
    let mut expected = Vec::new();
    for number in 1..=4 {
        let mut store = fixture.open();
        if number == 3 {
            store.outgrow(Epoch(30)).unwrap();
        }
        store.append(&full().group(number, store.epoch())).unwrap();
        expected.push((number, store.epoch()));
        drop(store);
    }
    let journal = loaded(&mut fixture.open()).journal;
    let epochs: Vec<_> = journal.iter().map(|(number, group)| (*number, group.epoch)).collect();
    assert_eq!(epochs, expected);
    assert_eq!(epochs[2].1, Epoch(31));
}
