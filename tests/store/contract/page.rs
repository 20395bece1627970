//! Pages: written whole, replaced whole, never anything between.

use tallystick::store::{PageKind, Store};

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::{holds, loaded};
use crate::model::Model;
use crate::sample::{Content, page};

held_by_all!(a_page_is_replaced_whole, pages_of_two_kinds_do_not_meet, pages_outlive_the_journal);

use PageKind::{Counters, Tokens};

fn a_page_is_replaced_whole<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    let bodies: [&[u8]; 5] = [&[1; 4032], &[2; 3], &[], &[3; 20_000], &[4; 4032]];
    for (number, body) in (1..).zip(bodies) {
        let pages = vec![page(Tokens, 5, body), page(Counters, 0, &[number as u8; 16])];
        let group = Content { pages, ..Content::default() }.group(number, store.epoch());
        store.append(&group).unwrap();
        model.apply(&group, F::REMOVED);
        fixture.crash(store);
        store = fixture.open();
        holds(&mut store, &model);
        assert_eq!(loaded(&mut store).pages[&(Tokens, 5)], body);
    }
}

fn pages_of_two_kinds_do_not_meet<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    // Descending, so that the order of loading is not the order of writing.
    for (number, at) in (1..).zip([u32::MAX, 1 << 31, 1, 0]) {
        let pages = vec![page(Counters, at, &[2, number as u8]), page(Tokens, at, &[1, number as u8])];
        let group = Content { pages, ..Content::default() }.group(number, store.epoch());
        store.append(&group).unwrap();
        model.apply(&group, F::REMOVED);
    }
    drop(store);
    let mut store = fixture.open();
    holds(&mut store, &model);
    assert_eq!(loaded(&mut store).pages.len(), 8);
}

fn pages_outlive_the_journal<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let pages = vec![page(Tokens, 0, b"tokens"), page(Counters, 0, b"counters")];
    let first = Content { pages, ..Content::default() };
    store.append(&first.group(1, store.epoch())).unwrap();
    for number in 2..6 {
        let keep = crate::sample::Keep::Back(0);
        store.append(&Content { keep, ..Content::default() }.group(number, store.epoch())).unwrap();
    }
    drop(store);
    let model = loaded(&mut fixture.open());
    assert_eq!((model.pages.len(), model.journal.len()), (2, 1));
}
