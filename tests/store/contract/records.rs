//! Records: replaced, removed, expired.

use tallystick::store::{Record, Space, Store};

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::loaded;
use crate::sample::{Content, record};

held_by_all!(a_record_is_replaced_and_removed, a_record_expires_at_its_second, many_expire_by_and_by);

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
    assert_eq!(store.expire(99), Ok(false));
    assert_eq!(held(&mut store), [a, b.clone(), c.clone()]);
    assert_eq!(store.expire(100), Ok(false));
    assert_eq!(held(&mut store), [b, c.clone()]);
    fixture.crash(store);
    let mut store = fixture.open();
    assert_eq!(store.expire(u64::MAX), Ok(false));
    assert_eq!(held(&mut store), [c]);
}

fn many_expire_by_and_by<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let end = |number: u64| (number < 600).then_some(number);
    let one = |number: u64| record(Space::Idempotency, &number.to_be_bytes(), end(number), Some(b"x"));
    written(&mut store, 1, (0..610).map(one).collect());
    let mut left = 600;
    for _ in 0..600 {
        let more = store.expire(599).unwrap();
        let now = held(&mut store);
        let removed = 610 - now.len() - (600 - left);
        left -= removed;
        assert!(removed <= F::EXPIRED, "{removed} at once");
        assert!(more || left == 0, "{left} are left");
        // Those whose time was over first went first, and none that had none.
        assert!(now.iter().all(|record| record.expires.is_none_or(|end| end.seconds() >= 600 - left as u64)));
        fixture.crash(store);
        store = fixture.open();
        assert_eq!(held(&mut store), now);
        if !more {
            break;
        }
    }
    assert_eq!((left, held(&mut store).len()), (0, 10));
}
