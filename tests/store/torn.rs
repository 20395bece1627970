//! A log that was torn or damaged leaves the groups before the damage, whole.
//!
//! The log is allocated ahead, so behind what was written stand zeros, or what
//! an earlier round of the log left.

use std::fs;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use tallystick::store::{LogLimits, RealDisk, Room, SqliteStore, Store};

use crate::fixture::{Fixture, Sqlite};
use crate::load::{holds, loaded};
use crate::model::Model;
use crate::sample::{Content, content};
use crate::wal::{salts, used};

/// A log that goes into the database whenever it is asked for room.
const ALWAYS: LogLimits = LogLimits { reserved: 160 << 10, checkpoint: 0, free: 0, background: false };

/// A place whose log was put into the database after the first `settled` groups
/// and holds the rest, and the model after each of its groups.
struct Written {
    fixture: Sqlite,
    _store: SqliteStore,
    models: Vec<Model>,
    settled: usize,
}

impl Written {
    fn of(contents: &[Content], settled: usize) -> Self {
        let fixture = Sqlite::make();
        let mut store = SqliteStore::open_on(Box::new(RealDisk), fixture.path(), ALWAYS).unwrap();
        let mut models = vec![Model::default()];
        for content in contents {
            if models.len() - 1 == settled {
                let before = salts(&fixture.wal());
                assert_ne!(store.reserve(None), Ok(Room::None));
                append(&mut store, &mut models, content);
                assert_ne!(salts(&fixture.wal()), before, "the log starts anew");
            } else {
                append(&mut store, &mut models, content);
            }
        }
        Self { fixture, _store: store, models, settled }
    }

    /// What a copy holds, whose log was changed.
    fn after(&self, change: impl FnOnce(&mut Vec<u8>)) -> usize {
        let mut torn = self.fixture.copy();
        let mut bytes = fs::read(torn.wal()).unwrap();
        change(&mut bytes);
        fs::write(torn.wal(), bytes).unwrap();
        let mut store = torn.open();
        let groups = loaded(&mut store).head() as usize;
        assert!((self.settled..self.models.len()).contains(&groups), "{groups} groups");
        holds(&mut store, &self.models[groups]);
        groups
    }
}

fn append(store: &mut SqliteStore, models: &mut Vec<Model>, content: &Content) {
    let mut model = models[models.len() - 1].clone();
    let group = content.group(model.next_number(), store.epoch());
    store.append(&group).unwrap();
    model.apply(&group, Sqlite::REMOVED);
    models.push(model);
}

/// What became of the bytes from the tear on.
#[derive(Debug, Clone, Copy)]
enum Tear {
    Gone,
    Zeros,
    Other(u8),
}

fn tear() -> impl Strategy<Value = Tear> {
    prop_oneof![Just(Tear::Gone), Just(Tear::Zeros), any::<u8>().prop_map(Tear::Other)]
}

fn contents() -> impl Strategy<Value = Vec<Content>> {
    prop::collection::vec(content(), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn a_log_torn_anywhere(contents in contents(), settled: Index, cuts: [Index; 6], tear in tear()) {
        let written = Written::of(&contents, settled.index(contents.len()));
        let whole = used(&written.fixture.wal());
        let mut found = Vec::new();
        for cut in cuts.iter().map(|cut| cut.index(whole)).chain([whole]) {
            let groups = written.after(|bytes| match tear {
                Tear::Gone => bytes.truncate(cut),
                Tear::Zeros => bytes[cut..].fill(0),
                Tear::Other(with) => bytes[cut..].fill(with),
            });
            found.push((cut, groups));
        }
        // A longer log never holds fewer groups, and the whole one holds all.
        found.sort_unstable();
        prop_assert!(found.is_sorted_by_key(|(_, groups)| *groups), "{found:?}");
        prop_assert_eq!(found[found.len() - 1].1, contents.len());
    }

    #[test]
    fn a_log_with_a_byte_changed(contents in contents(), settled: Index, at: [Index; 6], bits in 1..=255u8) {
        let written = Written::of(&contents, settled.index(contents.len()));
        let whole = used(&written.fixture.wal());
        for at in at {
            written.after(|bytes| bytes[at.index(whole)] ^= bits);
        }
    }

    /// A block of the disk that was never written, while later ones were.
    #[test]
    fn a_log_with_a_block_missing(contents in contents(), settled: Index, at: [Index; 6]) {
        let written = Written::of(&contents, settled.index(contents.len()));
        let blocks = used(&written.fixture.wal()).div_ceil(4096);
        for at in at {
            written.after(|bytes| {
                let block = block(at.index(blocks), bytes.len());
                bytes[block].fill(0);
            });
        }
    }

    /// Half of the pages written, in whatever order: the log is still whole, and wins.
    #[test]
    fn a_log_that_went_half_into_the_database(contents in contents(), pick: [u8; 32]) {
        let mut fixture = Sqlite::make();
        let mut store = SqliteStore::open_on(Box::new(RealDisk), fixture.path(), ALWAYS).unwrap();
        let mut models = vec![Model::default()];
        contents.iter().for_each(|content| append(&mut store, &mut models, content));
        let mut torn = fixture.copy();
        let mut half = fs::read(torn.path()).unwrap();
        prop_assert_ne!(store.reserve(None), Ok(Room::None));
        let done = fs::read(fixture.path()).unwrap();
        prop_assert!(done != half, "it went into the database");
        half.resize(done.len(), 0);
        for (number, page) in done.chunks_exact(4096).enumerate() {
            if pick[number / 8 % 32] >> (number % 8) & 1 == 1 {
                half[number * 4096..][..4096].copy_from_slice(page);
            }
        }
        fs::write(torn.path(), half).unwrap();
        holds(&mut torn.open(), models.last().unwrap());
        fixture.crash(store);
        holds(&mut fixture.open(), models.last().unwrap());
    }
}

fn block(number: usize, len: usize) -> Range<usize> {
    number * 4096..(number * 4096 + 4096).min(len)
}
