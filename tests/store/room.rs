//! Room: allocated ahead, so that a full disk is met where nothing is lost.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use proptest::prelude::*;
use tallystick::store::{
    Disk, Grip, Group, Held, LogLimits, PageKind, RealDisk, Room, Space, SqliteStore, Store, StoreError,
};

use crate::contract::poisoned;
use crate::fixture::{Fixture, Sqlite};
use crate::load::holds;
use crate::model::Model;
use crate::sample::{Content, Keep, content, full, page, record, token};
use crate::wal::{FRAME, salts, used};

/// A real disk that says what it is told to say about its room.
#[derive(Debug, Clone)]
struct Told(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// No log can be longer than this.
    most: u64,
    free: u64,
    /// The lengths of logs allocated.
    allocated: Vec<u64>,
    /// Another failure than a full disk.
    broken: bool,
}

impl Told {
    fn ample() -> Self {
        let state = State { most: u64::MAX, free: u64::MAX, allocated: vec![], broken: false };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn open(&self, fixture: &Sqlite, limits: LogLimits) -> std::result::Result<SqliteStore, StoreError> {
        SqliteStore::open_on(Box::new(self.clone()), fixture.path(), limits)
    }
}

impl Disk for Told {
    fn vfs(&self) -> Option<&str> {
        RealDisk.vfs()
    }
    fn lock(&self, path: &Path) -> std::result::Result<Box<dyn Held>, StoreError> {
        RealDisk.lock(path)
    }
    fn length(&self, path: &Path) -> Result<Option<u64>> {
        RealDisk.length(path)
    }
    fn create(&self, path: &Path) -> Result<()> {
        RealDisk.create(path)
    }
    fn tighten(&self, path: &Path) -> Result<()> {
        RealDisk.tighten(path)
    }
    fn remove(&self, path: &Path) -> Result<()> {
        RealDisk.remove(path)
    }
    fn publish(&self, new: &Path, path: &Path) -> Result<()> {
        RealDisk.publish(new, path)
    }
    fn allocate(&self, path: &Path, bytes: u64) -> Result<()> {
        let mut state = self.state();
        if state.broken {
            return Err(Error::from(ErrorKind::PermissionDenied));
        }
        if bytes > state.most {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        state.allocated.push(bytes);
        RealDisk.allocate(path, bytes)
    }
    fn rewrite(&self, path: &Path) -> Result<()> {
        RealDisk.rewrite(path)
    }
    fn hold(&self, path: &Path) -> Result<Option<Box<dyn Grip>>> {
        RealDisk.hold(path)
    }
    fn free(&self, _: &Path) -> Result<u64> {
        let state = self.state();
        if state.broken { Err(Error::from(ErrorKind::PermissionDenied)) } else { Ok(state.free) }
    }
}

fn len(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// A log of which hardly anything is allocated ahead.
const TIGHT: LogLimits =
    LogLimits { reserved: 2 * FRAME as u64, checkpoint: u64::MAX, free: 0, background: false };

#[test]
fn the_log_is_allocated_at_every_opening() {
    let fixture = Sqlite::make();
    for _ in 0..2 {
        let limits = LogLimits::default();
        let store = SqliteStore::open(&fixture.path()).unwrap();
        let log = fs::metadata(fixture.wal()).unwrap();
        assert_eq!((log.len(), log.permissions().mode() & 0o7777), (limits.reserved, 0o600));
        assert!(log.blocks() * 512 >= limits.reserved, "it is no hole");
        drop(store);
        assert!(!fixture.wal().exists(), "and given back at the end");
    }
}

#[test]
fn a_disk_that_is_full_at_the_opening_refuses_it_and_nothing_is_lost() {
    let fixture = Sqlite::make();
    let disk = Told::ample();
    let mut model = Model::default();
    let mut store = disk.open(&fixture, TIGHT).unwrap();
    let group = full().group(1, store.epoch());
    store.append(&group).unwrap();
    model.apply(&group, Sqlite::REMOVED);
    drop(store);
    disk.state().most = 100;
    assert_eq!(disk.open(&fixture, TIGHT).unwrap_err(), StoreError::Full);
    disk.state().most = u64::MAX;
    holds(&mut disk.open(&fixture, TIGHT).unwrap(), &model);
}

#[test]
fn a_group_without_room_waits_and_is_appended_later() {
    let mut fixture = Sqlite::make();
    let disk = Told::ample();
    let mut store = disk.open(&fixture, TIGHT).unwrap();
    let mut model = Model::default();
    let first = full().group(1, store.epoch());
    assert_ne!(store.reserve(Some(&first)), Ok(Room::None));
    store.append(&first).unwrap();
    model.apply(&first, Sqlite::REMOVED);
    // Just as long as it is.
    let most = *disk.state().allocated.last().unwrap();
    disk.state().most = most;
    let big = vec![token(5, 7, 0, &[1; 200_000])];
    let second = Content { tokens: big, ..full() }.group(2, store.epoch());
    for _ in 0..3 {
        assert_eq!(store.reserve(Some(&second)), Ok(Room::None));
        // It is not poisoned: it is read meanwhile, and nothing was changed.
        holds(&mut store, &model);
    }
    assert_eq!(len(&fixture.wal()), most);
    disk.state().most = u64::MAX;
    assert_ne!(store.reserve(Some(&second)), Ok(Room::None));
    store.append(&second).unwrap();
    model.apply(&second, Sqlite::REMOVED);
    holds(&mut store, &model);
    fixture.crash(store);
    holds(&mut fixture.open(), &model);
}

#[test]
fn little_free_space_is_scarce_until_there_is_more() {
    let fixture = Sqlite::make();
    let disk = Told::ample();
    let mut store = disk.open(&fixture, LogLimits { free: 1000, ..LogLimits::default() }).unwrap();
    for (free, room) in [(1000, Room::Ample), (999, Room::Scarce), (0, Room::Scarce), (1001, Room::Ample)] {
        disk.state().free = free;
        assert_eq!(store.reserve(None), Ok(room), "{free}");
        let group = full().group(store.receipt().newest().0 + 1, store.epoch());
        assert_eq!(store.reserve(Some(&group)), Ok(room), "{free}");
        // Scarce is enough for what is decided already.
        store.append(&group).unwrap();
    }
}

/// SQLite keeps an index of the log in a file of its own, which grows with it.
#[test]
fn the_index_of_a_long_log_is_allocated_too() {
    let fixture = Sqlite::make();
    let index = fixture.path().with_file_name("store-shm");
    let limits = LogLimits { reserved: 20 << 20, checkpoint: u64::MAX, free: 0, background: false };
    let mut store = Told::ample().open(&fixture, limits).unwrap();
    let allocated = || {
        let found = fs::metadata(&index).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o600);
        assert!(found.blocks() * 512 >= found.len(), "it is no hole");
        found.len()
    };
    let mut number = 0;
    while used(&fixture.wal()) < 36 << 20 {
        number += 1;
        // Other bytes each time: SQLite does not write what is as it was.
        let pages = (0..300).map(|at| page(PageKind::Counters, at, &[number as u8; 4032])).collect();
        let group = Content { pages, ..Content::default() }.group(number, store.epoch());
        assert_ne!(store.reserve(Some(&group)), Ok(Room::None));
        let before = allocated();
        store.append(&group).unwrap();
        assert_eq!(allocated(), before, "after {} bytes of log", used(&fixture.wal()));
    }
}

/// Where the log cannot go into the database, the last quarter of it is scarce.
#[test]
fn a_log_that_is_three_quarters_full_is_scarce() {
    let fixture = Sqlite::make();
    let limits = LogLimits { reserved: 400_000, checkpoint: u64::MAX, free: 0, background: false };
    let mut store = Told::ample().open(&fixture, limits).unwrap();
    for number in 1..200 {
        let scarce = used(&fixture.wal()) as u64 > limits.reserved / 4 * 3;
        assert_eq!(store.reserve(None), Ok(if scarce { Room::Scarce } else { Room::Ample }));
        if scarce {
            return;
        }
        store.append(&full().group(number, store.epoch())).unwrap();
    }
    panic!("the log goes into the database, though nobody said so");
}

#[test]
fn another_failure_of_the_disk_poisons() {
    let fixture = Sqlite::make();
    let disk = Told::ample();
    for limits in [TIGHT, LogLimits::default()] {
        let mut store = disk.open(&fixture, limits).unwrap();
        disk.state().broken = true;
        let group = full().group(1, store.epoch());
        assert!(matches!(store.reserve(Some(&group)), Err(StoreError::Io(_))));
        disk.state().broken = false;
        poisoned(&mut store);
    }
}

#[test]
fn a_long_log_goes_into_the_database_and_starts_anew() {
    let mut fixture = Sqlite::make();
    let limits = LogLimits { reserved: 1 << 20, checkpoint: 100_000, free: 0, background: false };
    let disk = Told::ample();
    let mut store = disk.open(&fixture, limits).unwrap();
    let mut model = Model::default();
    let (mut rounds, mut longest) = (0, 0);
    for number in 1..=200 {
        let length = len(&fixture.path());
        let old = salts(&fixture.wal());
        let tokens = vec![token(number as u32, 7, 0, &[3; 900])];
        let group = Content { tokens, keep: Keep::Back(3), ..full() }.group(number, store.epoch());
        let was_long = used(&fixture.wal()) as u64 >= limits.checkpoint;
        assert_eq!(store.reserve(Some(&group)), Ok(Room::Ample));
        store.append(&group).unwrap();
        model.apply(&group, Sqlite::REMOVED);
        let anew = salts(&fixture.wal()) != old;
        assert_eq!(anew, was_long, "group {number}");
        if anew {
            rounds += 1;
            assert!(len(&fixture.path()) > length, "the database holds what the log held");
        }
        longest = longest.max(used(&fixture.wal()));
    }
    assert!(rounds >= 10, "{rounds} rounds");
    assert!((longest as u64) < 2 * limits.checkpoint);
    assert_eq!((disk.state().allocated.len(), len(&fixture.wal())), (1, limits.reserved));
    holds(&mut store, &model);
    fixture.crash(store);
    holds(&mut fixture.open(), &model);
}

/// It removes nothing that might not fit into the log, and says that more is left.
#[test]
fn expiry_waits_for_room_too() {
    let fixture = Sqlite::make();
    let disk = Told::ample();
    let mut store = disk.open(&fixture, TIGHT).unwrap();
    for number in 1..=300 {
        // Keys far apart, so that each lies in a leaf of its own.
        let key = (number as u32).wrapping_mul(0x9E37_79B9).to_be_bytes();
        let records = vec![record(Space::Idempotency, &key, Some(5), Some(&[1; 900]))];
        let group = Content { records, ..Content::default() }.group(number, store.epoch());
        assert_ne!(store.reserve(Some(&group)), Ok(Room::None));
        store.append(&group).unwrap();
    }
    let most = *disk.state().allocated.last().unwrap();
    disk.state().most = most;
    assert_eq!(store.expire(9), Ok(true));
    assert_eq!(crate::load::loaded(&mut store).records.len(), 300);
    disk.state().most = u64::MAX;
    assert_eq!(store.expire(9), Ok(true));
    assert_eq!(crate::load::loaded(&mut store).records.len(), 300 - 256);
    assert_eq!(store.expire(9), Ok(false));
    assert!(crate::load::loaded(&mut store).records.is_empty());
    assert_eq!(len(&fixture.wal()), *disk.state().allocated.last().unwrap());
}

#[derive(Debug, Clone)]
enum Step {
    Append(Content),
    Look,
    Expire,
    Epoch,
}

fn step() -> impl Strategy<Value = Step> {
    let large = (1..60_000usize).prop_map(|bytes| Content {
        pages: vec![page(PageKind::Counters, 9, &vec![7; bytes])],
        ..Content::default()
    });
    prop_oneof![
        8 => content().prop_map(Step::Append),
        2 => large.prop_map(Step::Append),
        1 => Just(Step::Look),
        1 => Just(Step::Expire),
        1 => Just(Step::Epoch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    /// SQLite never makes the log longer itself, so no commit ever meets a full disk.
    #[test]
    fn the_log_is_never_longer_than_it_was_allocated(
        steps in prop::collection::vec(step(), 1..60),
        checkpoint in prop::sample::select(vec![0, 30_000, 200_000, u64::MAX]),
        background: bool,
    ) {
        let fixture = Sqlite::make();
        let disk = Told::ample();
        let mut store = disk.open(&fixture, LogLimits { checkpoint, background, ..TIGHT }).unwrap();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Append(content) => {
                    number += 1;
                    let group: Group = content.group(number, store.epoch());
                    prop_assert_ne!(store.reserve(Some(&group)), Ok(Room::None));
                    store.append(&group).unwrap();
                }
                Step::Look => drop(store.reserve(None).unwrap()),
                Step::Expire => drop(store.expire(30).unwrap()),
                Step::Epoch => {
                    store.reserve(None).unwrap();
                    store.outgrow(tallystick::store::Epoch(0)).unwrap();
                    store.set_anchored().unwrap();
                }
            }
            let allocated = *disk.state().allocated.iter().max().unwrap();
            prop_assert_eq!(len(&fixture.wal()), allocated);
            prop_assert!(used(&fixture.wal()) as u64 <= allocated);
        }
    }
}
