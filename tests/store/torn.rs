//! A log that was torn or damaged leaves the groups before the damage, whole.

use std::fs;

use proptest::prelude::*;
use tallystick::store::{SqliteStore, Store};

use crate::fixture::{Fixture, Sqlite};
use crate::load::loaded;
use crate::model::Model;
use crate::sample::{Content, content};

/// A place whose log holds `contents` and a fold after every third, and the model
/// after each of its groups: a fold, torn or whole, changes none.
fn written(contents: &[Content]) -> (Sqlite, SqliteStore, Vec<Model>) {
    let mut fixture = Sqlite::make();
    drop(fixture.open());
    let mut store = fixture.open();
    let mut models = vec![Model::default()];
    for content in contents {
        let mut model = models[models.len() - 1].clone();
        let group = content.group(model.next_number(), store.epoch());
        store.append(&group).unwrap();
        model.apply(&group);
        models.push(model);
        if models.len() % 3 == 0 {
            store.fold().unwrap();
        }
    }
    (fixture, store, models)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_log_cut_anywhere(contents in prop::collection::vec(content(), 1..8), cuts: [prop::sample::Index; 6]) {
        let (fixture, store, models) = written(&contents);
        let whole = fs::metadata(fixture.wal()).unwrap().len() as usize;
        let mut found = Vec::new();
        for cut in cuts.iter().map(|cut| cut.index(whole)).chain([whole]) {
            let mut torn = fixture.copy();
            fs::OpenOptions::new().write(true).open(torn.wal()).unwrap().set_len(cut as u64).unwrap();
            let model = loaded(&mut torn.open());
            let groups = model.head.number.0 as usize;
            prop_assert_eq!(Some(&model), models.get(groups));
            found.push((cut, groups));
        }
        // A longer log never holds fewer groups, and the whole one holds all.
        found.sort_unstable();
        prop_assert!(found.is_sorted_by_key(|(_, groups)| *groups));
        prop_assert_eq!(found[found.len() - 1].1, contents.len());
        drop(store);
    }

    #[test]
    fn a_log_with_a_byte_changed(contents in prop::collection::vec(content(), 1..8), at: [prop::sample::Index; 6], bits in 1..=255u8) {
        let (fixture, store, models) = written(&contents);
        let whole = fs::read(fixture.wal()).unwrap();
        for at in at {
            let mut damaged = fixture.copy();
            let mut bytes = whole.clone();
            bytes[at.index(whole.len())] ^= bits;
            fs::write(damaged.wal(), bytes).unwrap();
            let model = loaded(&mut damaged.open());
            prop_assert_eq!(Some(&model), models.get(model.head.number.0 as usize));
        }
        drop(store);
    }
}
