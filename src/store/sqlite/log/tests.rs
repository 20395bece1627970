//! What groups and expiry really write, as SQLite counts it, against what was
//! made room for.

use super::super::{RealDisk, SqliteStore, expire};
use super::*;
use crate::store::journal::{Standing, encode};
use crate::store::{CounterMove, Epoch, GroupNumber, Page, PageKind, Space, Store, TokenRow, TokenSlot};
use crate::types::{Atc, Trid, UnixTime};
use proptest::prelude::*;

/// Little is allocated ahead, so that what is asked for is what there is.
const LITTLE: LogLimits = LogLimits { reserved: 0, checkpoint: 1 << 20, free: 0, background: false };

/// A store that is quick, since only what it writes is looked at.
fn opened() -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open_on(Box::new(RealDisk), dir.path().join("store"), LITTLE).unwrap();
    store.connection.pragma_update(None, "synchronous", "OFF").unwrap();
    (dir, store)
}

/// Bytes of the log in use, as SQLite counts its frames.
fn in_use(store: &SqliteStore) -> u64 {
    let counts = "PRAGMA wal_checkpoint(NOOP)";
    let (frames, done): (u32, u32) =
        store.connection.query_row(counts, [], |row| Ok((row.get(1)?, row.get(2)?))).unwrap();
    if frames == done { 32 } else { 32 + 4120 * u64::from(frames) }
}

/// Makes room, then changes something: what that wrote must have fitted.
fn written(store: &mut SqliteStore, group: Option<&Group>, change: impl FnOnce(&mut SqliteStore)) -> u64 {
    assert_ne!(store.reserve(group), Ok(Room::None));
    let before = in_use(store);
    change(store);
    let after = in_use(store);
    assert!(after <= store.log.reserved, "{after} of {}", store.log.reserved);
    after - before
}

fn appended(store: &mut SqliteStore, number: u64, mut group: Group) -> u64 {
    (group.number, group.epoch) = (GroupNumber(number), store.epoch());
    let bytes = written(store, Some(&group), |store| assert!(store.append(&group).is_ok()));
    // No random group is the worst one, so half as much more must fit too.
    let most = group.log_bytes();
    assert!(bytes + bytes / 2 <= most, "{} frames of {}", bytes / FRAME, most / FRAME);
    most / bytes
}

fn blank() -> Group {
    Group {
        number: GroupNumber(0),
        epoch: Epoch(0),
        before: [0; 32],
        body: encode(&[], &[], Standing::default()),
        mac: [0; 32],
        tokens: vec![],
        records: vec![],
        pages: vec![],
        keep_from: GroupNumber(0),
    }
}

fn row(slot: u32, trid: u64, len: usize) -> TokenRow {
    TokenRow { slot: TokenSlot(slot), trid: Trid::from_value(trid).unwrap(), revision: 0, body: vec![1; len] }
}

/// Where the parts of a case's groups lie, and how long they are at most.
#[derive(Debug, Clone, Copy)]
struct Spread {
    keys: u32,
    trids: u64,
    most: usize,
}

#[derive(Debug, Clone)]
enum Part {
    Row(u32, u64, usize),
    Record(u32, usize, u64, Option<usize>),
    Page(u32, usize),
}

fn spread() -> impl Strategy<Value = Spread> {
    let keys = prop::sample::select(vec![10, 300, 4000, 100_000]);
    let most = prop::sample::select(vec![16, 350, 1500, 4032, 9000]);
    (keys, prop::sample::select(vec![2, 1_000_000]), most).prop_map(|(keys, trids, most)| Spread {
        keys,
        trids,
        most,
    })
}

/// Parts of one kind, or of all.
fn parts(Spread { keys, trids, most }: Spread, count: usize) -> impl Strategy<Value = Vec<Part>> {
    let row = (0..keys, 1..trids, 0..=most).prop_map(|(slot, trid, len)| Part::Row(slot, trid, len));
    let body = prop::option::weighted(0.7, 0..=most);
    let record = (0..keys, 4..300usize, 0..100_000u64, body)
        .prop_map(|(key, len, expires, body)| Part::Record(key, len, expires, body));
    let page = (0..keys, 1..=most).prop_map(|(number, len)| Part::Page(number, len));
    let mixed = prop_oneof![row.clone(), record.clone(), page.clone()];
    let many = move |part: BoxedStrategy<Part>| prop::collection::vec(part, 0..=count);
    prop_oneof![many(row.boxed()), many(record.boxed()), many(page.boxed()), many(mixed.boxed())]
}

fn group(spread: Spread, count: usize) -> impl Strategy<Value = Group> {
    let keep = prop_oneof![Just(0), Just(u64::MAX)];
    let moves = prop_oneof![0..400u32, 0..4000u32];
    // SQLite does not write what is as it was, so each group fills its bodies anew.
    (parts(spread, count), moves, keep, any::<u8>()).prop_map(|(parts, moves, keep, fill)| {
        let one = |slot| CounterMove { slot: TokenSlot(slot), atc: Atc::new(1).unwrap() };
        let moves: Vec<_> = (0..moves).map(one).collect();
        let body = encode(&moves, &[], Standing::default());
        let mut group = Group { body, keep_from: GroupNumber(keep), ..blank() };
        for part in parts {
            match part {
                Part::Row(slot, trid, len) => {
                    group.tokens.push(TokenRow { body: vec![fill; len], ..row(slot, trid, 0) });
                }
                Part::Record(key, len, expires, body) => group.records.push(Record {
                    space: Space::Idempotency,
                    key: key.to_be_bytes().into_iter().cycle().take(len).collect(),
                    expires: Some(UnixTime::from_seconds(expires)),
                    body: body.map(|len| vec![fill; len]),
                }),
                Part::Page(number, len) => {
                    group.pages.push(Page { kind: PageKind::Counters, number, body: vec![fill; len] });
                }
            }
        }
        group
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn nothing_writes_more_than_was_made_room_for(
        groups in (spread(), prop::sample::select(vec![1, 3, 12, 80]))
            .prop_flat_map(|(spread, count)| prop::collection::vec(group(spread, count), 20..120)),
        full: bool,
    ) {
        let (_dir, mut store) = opened();
        let mut numbers = 1..;
        // Leaves that rows filled in order are full to the brim: each that grows splits its leaf.
        for first in (0..4000).step_by(500).filter(|_| full) {
            let tokens = (first..first + 500).map(|slot| row(slot, 1 + u64::from(slot % 5), 330)).collect();
            appended(&mut store, numbers.next().unwrap(), Group { tokens, ..blank() });
        }
        for group in groups {
            appended(&mut store, numbers.next().unwrap(), group);
        }
        let mut more = true;
        while more {
            let bytes = written(&mut store, None, |store| more = store.expire(u64::MAX).unwrap());
            prop_assert!(bytes + bytes / 2 <= removal_bytes(expire::AT_ONCE.into()));
        }
    }
}

/// Bodies so long that what stands beside them hardly counts.
#[test]
fn long_bodies_fit() {
    let (_dir, mut store) = opened();
    let moves: Vec<_> =
        (0..60_000).map(|slot| CounterMove { slot: TokenSlot(slot), atc: Atc::new(1).unwrap() }).collect();
    for (number, len) in (1..).zip([400_000, 8_000_000, 300_000]) {
        let record =
            Record { space: Space::ParLink, key: vec![3; len], expires: None, body: Some(vec![4; len]) };
        let page = Page { kind: PageKind::Tokens, number: 0, body: vec![5; len] };
        let body = encode(&moves, &moves, Standing::default());
        let tokens = (0..60_000).map(|slot| row(slot, 1, 0)).collect();
        for group in [
            Group { tokens: vec![row(0, 1, len)], ..blank() },
            Group { records: vec![record], ..blank() },
            Group { pages: vec![page], ..blank() },
            Group { body, keep_from: GroupNumber(u64::MAX), ..blank() },
            Group { tokens, ..blank() },
        ] {
            let group =
                Group { number: GroupNumber(store.receipt().newest().0 + 1), epoch: store.epoch(), ..group };
            let bytes = written(&mut store, Some(&group), |store| assert!(store.append(&group).is_ok()));
            assert!(bytes <= group.log_bytes(), "{number}: {} frames", bytes / FRAME);
        }
    }
}

/// Records that lie one to a page, removed in another order than that of their keys.
#[test]
fn removed_records_fit() {
    let (_dir, mut store) = opened();
    for number in 1..=8 {
        let one = |at: u32| Record {
            space: Space::Idempotency,
            key: (at * 8 + u32::try_from(number).unwrap()).to_be_bytes().to_vec(),
            expires: Some(UnixTime::from_seconds(u64::from(at) * 7919 % 1009)),
            body: Some(vec![1; 990]),
        };
        appended(&mut store, number, Group { records: (0..400).map(one).collect(), ..blank() });
    }
    let (mut more, mut worst) = (true, 0);
    while more {
        let bytes = written(&mut store, None, |store| more = store.expire(u64::MAX).unwrap());
        worst = worst.max(bytes);
    }
    let most = removal_bytes(expire::AT_ONCE.into());
    assert!(2 * worst <= most, "{} frames of {}", worst / FRAME, most / FRAME);
}

/// Each third leaf, full to the brim, gets a row that is longer than it was.
#[test]
fn rows_that_split_their_leaves_fit() {
    let (_dir, mut store) = opened();
    let all = (0..6000).map(|slot| row(slot, 1, 330)).collect();
    appended(&mut store, 1, Group { tokens: all, ..blank() });
    for (number, len) in [(2, 400), (3, 900), (4, 2000)] {
        let longer = (0..6000).step_by(36).map(|slot| row(slot, number, len)).collect();
        assert!(appended(&mut store, number, Group { tokens: longer, ..blank() }) >= 2);
    }
}

/// An epoch is drawn and anchored without asking for room: a little is always left.
#[test]
fn epochs_fit_at_the_end() {
    let (_dir, mut store) = opened();
    for _ in 0..100 {
        written(&mut store, None, |store| {
            store.outgrow(Epoch(0)).unwrap();
            store.set_anchored().unwrap();
        });
    }
}
