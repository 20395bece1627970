//! What is kept of the journal, and what is removed.

use tallystick::store::Store;

use super::held_by_all;
use crate::fixture::Fixture;
use crate::load::{holds, loaded};
use crate::model::Model;
use crate::sample::{Content, Keep, moved, token};

held_by_all!(
    what_is_to_be_kept_is_never_removed,
    the_last_group_is_never_removed,
    removal_catches_up,
    what_is_gone_stays_gone,
    marks_lead_to_exactly_the_rows_of_the_journal,
);

/// Bodies of different lengths, so that a wrong one removed is a wrong count of bytes.
fn content(number: u64, keep: Keep) -> Content {
    let issued = (0..u32::try_from(number % 7).unwrap()).map(|slot| moved(slot, 1)).collect();
    Content { issued, keep, ..Content::default() }
}

/// Appends one group after the other, each with what it is to keep, checks after
/// each what is left, and how much an append removed.
fn appended<F: Fixture>(fixture: &mut F, keeps: &[Keep]) -> Model {
    let mut store = fixture.open();
    let mut model = Model::default();
    let mut kept_from = 0;
    for (number, keep) in (1..).zip(keeps) {
        let before = model.journal.len() as u64;
        let group = content(number, *keep).group(number, store.epoch());
        store.append(&group).unwrap();
        model.apply(&group, F::REMOVED);
        kept_from = kept_from.max(group.keep_from.0.min(number));
        holds(&mut store, &model);
        let journal = loaded(&mut store).journal;
        assert!((kept_from..=number).filter(|kept| *kept > 0).all(|kept| journal.contains_key(&kept)));
        assert!((before + 1).saturating_sub(journal.len() as u64) <= F::REMOVED);
        if number % 3 == 0 {
            fixture.crash(store);
            store = fixture.open();
            holds(&mut store, &model);
        }
    }
    drop(store);
    model
}

fn oldest(model: &Model) -> u64 {
    *model.journal.first_key_value().unwrap().0
}

fn what_is_to_be_kept_is_never_removed<F: Fixture>() {
    let model = appended(&mut F::make(), &[Keep::All; 20]);
    assert_eq!(model.journal.len(), 20);
    let model = appended(&mut F::make(), &[Keep::From(1); 20]);
    assert_eq!(model.journal.len(), 20);
    let model = appended(&mut F::make(), &[Keep::Back(4); 20]);
    assert_eq!((oldest(&model), model.journal.len()), (16, 5));
}

fn the_last_group_is_never_removed<F: Fixture>() {
    for keep in [Keep::From(u64::MAX), Keep::From(8), Keep::Back(0)] {
        let mut fixture = F::make();
        let model = appended(&mut fixture, &[keep; 7]);
        assert_eq!((oldest(&model), model.journal.len()), (7, 1));
        let mut store = fixture.open();
        store.append(&content(8, Keep::All).group(8, store.epoch())).unwrap();
    }
}

fn removal_catches_up<F: Fixture>() {
    let mut keeps = vec![Keep::All; 30];
    keeps.extend([Keep::From(31); 14]);
    let model = appended(&mut F::make(), &keeps[..31]);
    assert_eq!(oldest(&model), 31.min(1 + F::REMOVED.min(30)), "some at a time");
    let model = appended(&mut F::make(), &keeps);
    assert_eq!(oldest(&model), 31, "and in the end all");
}

fn what_is_gone_stays_gone<F: Fixture>() {
    let mut keeps = vec![Keep::From(u64::MAX); 6];
    keeps.extend([Keep::From(3), Keep::All, Keep::From(5), Keep::From(7)]);
    let model = appended(&mut F::make(), &keeps);
    assert_eq!((oldest(&model), model.head()), (7, 10));
}

fn marks_lead_to_exactly_the_rows_of_the_journal<F: Fixture>() {
    let mut fixture = F::make();
    let mut store = fixture.open();
    let mut model = Model::default();
    // Descending, some twice, with the highest slot there is.
    let slots: [&[u32]; 6] = [&[9, 3], &[], &[u32::MAX], &[3, 1], &[0], &[]];
    for (number, slots) in (1..).zip(slots) {
        let row = |slot: &u32| token(*slot, 7, number as u16, &[*slot as u8]);
        let tokens = slots.iter().map(row).collect();
        let group =
            Content { tokens, keep: Keep::Back(2), ..Content::default() }.group(number, store.epoch());
        store.append(&group).unwrap();
        model.apply(&group, F::REMOVED);
        holds(&mut store, &model);
        fixture.crash(store);
        store = fixture.open();
        holds(&mut store, &model);
    }
    // Of the groups 4 to 6; slot 3 as group 4 wrote it.
    let rows: Vec<_> =
        loaded(&mut store).tokens.into_values().map(|row| (row.slot.0, row.revision)).collect();
    assert_eq!(rows, [(0, 5), (1, 4), (3, 4)]);
}
