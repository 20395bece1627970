//! What an anchor holds, compared with what a start finds.

use std::sync::Arc;

use tallystick::engine::{Anchor, Engine, EngineError, Rollback};
use tallystick::store::{ChainHead, Epoch, GroupNumber, MemoryStore, Store};

use super::*;

/// A rig whose anchors have been told of nothing yet, with a group in its store.
fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.told = GroupNumber(0);
    rig.provision();
    rig
}

fn anchor(rig: &Rig) -> Anchor {
    let token_key = rig.keyring.token_derivation.active().0;
    Anchor { epoch: rig.chain.epoch(), head: rig.chain.head(), token_key }
}

fn start(rig: &Rig, mut store: MemoryStore, anchors: &[Option<Anchor>]) -> Result<(), Rollback> {
    let engine = Engine::new(support::config(rig.limits));
    let now = UnixTime::from_seconds(rig.now);
    match engine.unseal(Arc::clone(&rig.keyring), &mut store, anchors, now) {
        Ok(_) => Ok(()),
        Err(EngineError::Rollback(rollback)) => Err(rollback),
        Err(other) => panic!("{other}"),
    }
}

fn alone(rig: &Rig, anchors: &[Option<Anchor>]) -> Result<(), Rollback> {
    start(rig, MemoryStore::open(&rig.disk), anchors)
}

#[test]
fn only_a_store_in_which_nothing_is_needs_no_anchor() {
    let mut rig = Rig::new();
    assert_eq!(alone(&rig, &[None, None]), Ok(()));
    // An anchor of before the first group is one of this store.
    let early = Anchor { head: ChainHead::START, ..anchor(&rig) };
    assert_eq!(alone(&rig, &[Some(early), None]), Ok(()));
    rig.restart();
    rig.provision();
    assert_eq!(alone(&rig, &[None]), Err(Rollback::Missing));
    assert_eq!(alone(&rig, &[]), Ok(()));

    // Nothing is in it, and yet an anchor was told of it.
    let rig = Rig::new();
    let mut store = MemoryStore::open(&rig.disk);
    store.set_anchored().unwrap();
    assert_eq!(alone(&rig, &[None]), Err(Rollback::Missing));
}

#[test]
fn every_anchor_must_know_a_group_of_this_store() {
    let rig = rig();
    let good = anchor(&rig);
    assert_eq!(alone(&rig, &[Some(good)]), Ok(()));
    assert_eq!(alone(&rig, &[Some(good), Some(good)]), Ok(()));
    assert_eq!(alone(&rig, &[Some(good), None]), Err(Rollback::Missing));
    let GroupNumber(number) = good.head.number;
    let mut mac = good.head.mac;
    mac[31] ^= 1;
    for head in [
        ChainHead { mac, ..good.head },
        ChainHead { number: GroupNumber(number + 1), ..good.head },
        ChainHead { number: GroupNumber(number - 1), ..good.head },
    ] {
        let bad = Anchor { head, ..good };
        assert_eq!(alone(&rig, &[Some(bad)]), Err(Rollback::Store), "{head:?}");
        assert_eq!(alone(&rig, &[Some(good), Some(bad)]), Err(Rollback::Store), "{head:?}");
    }
}

#[test]
fn an_anchors_epoch_lies_below_that_of_the_start() {
    let rig = rig();
    for (behind, expected) in [(0, Err(Rollback::Store)), (1, Ok(()))] {
        let store = MemoryStore::open(&rig.disk);
        let Epoch(epoch) = store.epoch();
        let one = Anchor { epoch: Epoch(epoch - behind), ..anchor(&rig) };
        assert_eq!(start(&rig, store, &[Some(one)]), expected);
    }
    let store = MemoryStore::open(&rig.disk);
    let later = Anchor { epoch: Epoch(store.epoch().0 + 1), ..anchor(&rig) };
    assert_eq!(start(&rig, store, &[Some(later)]), Err(Rollback::Store));
}

#[test]
fn an_anchor_older_than_what_the_store_knows_it_was_told_is_refused() {
    let rig = rig();
    let before = anchor(&rig);
    let mut store = MemoryStore::open(&rig.disk);
    store.set_anchored().unwrap();
    assert_eq!(alone(&rig, &[Some(before)]), Err(Rollback::Anchor));
    assert_eq!(alone(&rig, &[Some(Anchor { epoch: store.epoch(), ..before })]), Ok(()));

    // The same of groups: the journal says which one an anchor was told of.
    let mut rig = self::rig();
    let first = anchor(&rig);
    rig.told = first.head.number;
    rig.provision();
    assert_eq!(alone(&rig, &[Some(first)]), Ok(()));
    rig.restart();
    let second = anchor(&rig);
    rig.told = second.head.number;
    rig.provision();
    assert_eq!(alone(&rig, &[Some(first)]), Err(Rollback::Anchor));
    assert_eq!(alone(&rig, &[Some(second)]), Ok(()));
    assert_eq!(alone(&rig, &[Some(second), Some(first)]), Err(Rollback::Anchor));
}

#[test]
fn a_keyring_without_the_key_that_was_in_use_is_refused() {
    let mut rig = rig();
    let before = anchor(&rig);
    let next = Anchor { token_key: KeyVersion::new(2).unwrap(), ..before };
    assert_eq!(alone(&rig, &[Some(next)]), Err(Rollback::Keyring));
    let now = UnixTime::from_seconds(rig.now);
    rig.keys.rotate(&SystemRandom, KeyPurpose::TokenDerivation, now).unwrap();
    rig.reload_keys();
    assert_eq!(alone(&rig, &[Some(next)]), Ok(()));
    assert_eq!(alone(&rig, &[Some(before)]), Ok(()));
}

#[test]
fn a_node_that_joins_or_was_long_away_needs_no_group_that_the_others_no_longer_keep() {
    let mut rig = rig();
    let first = anchor(&rig);
    assert_eq!(start(&rig, MemoryStore::join(&rig.disk, 7), &[None]), Ok(()));
    // One that is still kept must be the very one.
    let mut mac = first.head.mac;
    mac[0] ^= 1;
    let other = Anchor { head: ChainHead { mac, ..first.head }, ..first };
    let disk = rig.disk.clone();
    let node = || MemoryStore::join(&disk, 7);
    assert_eq!(start(&rig, node(), &[Some(first)]), Ok(()));
    assert_eq!(start(&rig, node(), &[Some(other)]), Err(Rollback::Store));
    // Another node writes until that group is no longer kept.
    rig.limits.journal_bytes = 1;
    rig.told = GroupNumber(u64::MAX);
    rig.join(8);
    for _ in 0..8 {
        rig.provision();
    }
    assert_eq!(start(&rig, node(), &[Some(first)]), Ok(()));
    assert_eq!(start(&rig, node(), &[Some(anchor(&rig))]), Ok(()));
    assert_eq!(alone(&rig, &[Some(first)]), Err(Rollback::Store));
}
