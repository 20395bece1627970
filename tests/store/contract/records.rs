//! Records: replaced, removed, expired.

use tallystick::store::{Record, Space, Store};

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::loaded;
use crate::sample::{Content, record};

held_by_all!(a_record_is_replaced_and_removed, a_record_expires_at_its_second);

fn written(store: &mut impl Store, number: u64, records: Vec<Record>) {
    let content = Content { records, ..Content::default() };
    store.append(&content.group(number, store.epoch())).unwrap();
}

fn held(store: &mut impl Store) -> Vec<Record> {
    loaded(store).records.into_values().collect()
}

fn a_record_is_replaced_and_removed<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let one = |space, body| record(space, b"key", Some(9), body);
    let elsewhere = one(Space::ParLink, Some(b"elsewhere"));
    written(&mut store, 1, vec![one(Space::Idempotency, Some(b"old")), elsewhere.clone()]);
    let newer = record(Space::Idempotency, b"key", None, Some(b""));
    written(&mut store, 2, vec![newer.clone()]);
    assert_eq!(held(&mut store), [newer, elsewhere.clone()]);
    let absent = record(Space::ShortValues, b"never there", None, None);
    written(&mut store, 3, vec![one(Space::Idempotency, None), absent]);
    fixture.crash(store);
    assert_eq!(held(&mut fixture.open()), [elsewhere]);
}

fn a_record_expires_at_its_second<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let until = |key: &[u8], expires| record(Space::Idempotency, key, expires, Some(b"x"));
    let [a, b, c] = [until(b"a", Some(100)), until(b"b", Some(101)), until(b"c", None)];
    written(&mut store, 1, vec![a.clone(), b.clone(), c.clone()]);
    store.expire(99).unwrap();
    assert_eq!(held(&mut store), [a, b.clone(), c.clone()]);
    store.expire(100).unwrap();
    assert_eq!(held(&mut store), [b, c.clone()]);
    fixture.crash(store);
    let mut store = fixture.open();
    store.expire(u64::MAX).unwrap();
    assert_eq!(held(&mut store), [c]);
}
