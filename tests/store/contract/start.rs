//! Opening and loading.

use tallystick::store::{Load, PageKind, Record, Space, Store, StoreError, StoredGroup, TokenRow};

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::{holds, loaded};
use crate::model::Model;
use crate::sample::{Content, full, record, token};

held_by_all!(
    an_empty_store_holds_nothing,
    numbers_go_on_after_a_start,
    records_come_in_the_order_of_space_and_key,
    a_sink_that_refuses_ends_the_load,
);

fn an_empty_store_holds_nothing<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    assert_eq!(store.expire(5), Ok(false));
    for _ in 0..2 {
        holds(&mut store, &Model::default());
        fixture.crash(store);
        store = fixture.open();
    }
}

fn numbers_go_on_after_a_start<F: Fixture>() {
    let mut fixture = F::make();
    for number in 1..=3 {
        let mut store = fixture.open();
        store.append(&full().group(number, store.epoch())).unwrap();
    }
    let mut store = fixture.open();
    assert_eq!(store.append(&full().group(1, store.epoch())), Err(StoreError::OutOfOrder));
}

/// What shares a profile is numbered in the order in which profiles are loaded.
fn records_come_in_the_order_of_space_and_key<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let keys: [&[u8]; 5] = [&[0, 1, 0, 0], &[0, 0, 0, 255], &[], &[0, 0, 1, 0], &[255]];
    let spaces = [Space::Profile, Space::Idempotency, Space::ShortValues, Space::ParLink];
    let every = spaces.iter().flat_map(|space| keys.map(|key| record(*space, key, None, Some(key))));
    let content = Content { records: every.collect(), ..Content::default() };
    store.append(&content.group(1, store.epoch())).unwrap();
    // The sink itself looks at the order.
    assert_eq!(loaded(&mut store).records.len(), 20);
}

fn a_sink_that_refuses_ends_the_load<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    store.append(&full().group(1, store.epoch())).unwrap();
    let more = Content { tokens: vec![token(2, 7, 0, b"two")], ..Content::default() };
    store.append(&more.group(2, store.epoch())).unwrap();
    let order = ["record", "page", "token", "token", "token", "page", "journal", "journal"];
    for taken in 0..order.len() {
        let mut sink = Refusing { left: taken, calls: vec![] };
        assert_eq!(store.load(&mut sink), Err(StoreError::Corrupt("refused")), "{taken}");
        assert_eq!(sink.calls, order[..=taken]);
    }
    assert_eq!(store.load(&mut Refusing { left: order.len(), calls: vec![] }), Ok(()));
    store.append(&full().group(3, store.epoch())).unwrap();
}

/// Takes some, then refuses.
struct Refusing {
    left: usize,
    calls: Vec<&'static str>,
}

impl Refusing {
    fn take(&mut self, what: &'static str) -> Result<(), StoreError> {
        self.calls.push(what);
        self.left = self.left.checked_sub(1).ok_or(StoreError::Corrupt("refused"))?;
        Ok(())
    }
}

impl Load for Refusing {
    fn record(&mut self, _: Record) -> Result<(), StoreError> {
        self.take("record")
    }
    fn page(&mut self, _: PageKind, _: u32, _: &[u8]) -> Result<(), StoreError> {
        self.take("page")
    }
    fn token(&mut self, _: TokenRow) -> Result<(), StoreError> {
        self.take("token")
    }
    fn journal(&mut self, _: StoredGroup<'_>) -> Result<(), StoreError> {
        self.take("journal")
    }
}
