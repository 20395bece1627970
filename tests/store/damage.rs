//! Damaged and foreign databases are refused, without a panic and unchanged.

use std::fs;
use std::sync::OnceLock;

use proptest::prelude::*;
use rusqlite::Connection;
use tallystick::store::{Load, PageKind, Record, Store, StoreError, StoredGroup, TokenRow, TokenSlot};

use crate::fixture::{Fixture, Sqlite, open_short};
use crate::sample::{Content, Keep, full, moved, page, token, trid_of};

/// A closed store with pages, four groups of its journal, tokens and records.
fn filled() -> Sqlite {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let fixture = Sqlite::make();
    fs::write(fixture.path(), BYTES.get_or_init(|| fs::read(fill().path()).unwrap())).unwrap();
    fixture
}

fn fill() -> Sqlite {
    let mut fixture = Sqlite::make();
    let mut store = fixture.open();
    let many = Content {
        tokens: (0..200).map(|slot| token(slot, 7, 1, &[9; 100])).collect(),
        pages: (0..6).map(|number| page(PageKind::Counters, number, &[number as u8; 4032])).collect(),
        ..full()
    };
    store.append(&many.group(1, store.epoch())).unwrap();
    for number in 2..=4 {
        let large = Content { issued: (0..600).map(|slot| moved(slot, number)).collect(), ..full() };
        store.append(&large.group(u64::from(number), store.epoch())).unwrap();
    }
    drop(store);
    fixture
}

/// Opens and reads everything there is, and goes on.
fn read_all(fixture: &Sqlite) -> Result<(), StoreError> {
    let mut store = open_short(&fixture.path())?;
    store.load(&mut Anything)?;
    for slot in 0..200 {
        store.token(TokenSlot(slot))?;
    }
    store.tokens_of(trid_of(7), None, 500)?;
    let group = Content { keep: Keep::Back(0), ..full() }.group(5, store.epoch());
    store.reserve(Some(&group))?;
    store.append(&group)?;
    store.expire(1000)?;
    store.set_anchored()
}

/// Takes whatever comes, in whatever order: what damage amounts to is not the
/// store's to judge.
struct Anything;

impl Load for Anything {
    fn record(&mut self, _: Record) -> Result<(), StoreError> {
        Ok(())
    }
    fn page(&mut self, _: PageKind, _: u32, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
    fn token(&mut self, _: TokenRow) -> Result<(), StoreError> {
        Ok(())
    }
    fn journal(&mut self, _: StoredGroup<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A filled store after `sql` changed it.
fn changed(sql: &str) -> Sqlite {
    let fixture = filled();
    Connection::open(fixture.path()).unwrap().execute_batch(sql).unwrap();
    fixture
}

fn after(sql: &str) -> Result<(), StoreError> {
    read_all(&changed(sql))
}

#[test]
fn an_undamaged_one_passes() {
    assert_eq!(after(""), Ok(()));
}

/// Found when it is opened or loaded, whatever else is wrong with it.
#[test]
fn rows_that_no_store_writes_are_corrupt() {
    let damages = [
        "DELETE FROM meta",
        "UPDATE meta SET epoch = 9223372036854775807",
        "DELETE FROM journal WHERE number = 3",
        "DELETE FROM journal WHERE number = 2",
        "UPDATE journal SET number = 7 WHERE number = 4",
        "UPDATE journal SET number = number - 1",
        "UPDATE journal SET number = number - 10",
        "UPDATE journal SET body = substr(body, 2) WHERE number = 3",
        "UPDATE journal SET body = CAST(body || x'00' AS BLOB) WHERE number = 3",
        "UPDATE journal SET body = x'' WHERE number = 3",
        "UPDATE journal SET body = CAST(x'00000001' || zeroblob(60) AS BLOB) WHERE number = 3",
        "UPDATE journal SET mac = zeroblob(31) WHERE number = 3",
        "UPDATE journal SET before = zeroblob(33) WHERE number = 3",
        "UPDATE journal SET epoch = 99 WHERE number = 4",
        "UPDATE journal SET epoch = 0 WHERE number = 3",
        "UPDATE journal SET epoch = -1 WHERE number = 1",
        "UPDATE journal SET marks = substr(marks, 2) WHERE number = 3",
        "UPDATE journal SET marks = x'00' WHERE number = 3",
        "UPDATE journal SET marks = x'000003e80000' WHERE number = 3",
        "DELETE FROM token WHERE slot = 150",
        "INSERT INTO page VALUES (0, x'00')",
        "INSERT INTO page VALUES (4294967295, x'00')",
        "INSERT INTO page VALUES (-1, x'00')",
        "INSERT INTO page VALUES (12884901888, x'00')",
        "UPDATE token SET trid = 100000000000 WHERE slot = 1",
        "UPDATE token SET trid = -1 WHERE slot = 1",
        "UPDATE token SET revision = 65536 WHERE slot = 1",
        "UPDATE token SET revision = -1 WHERE slot = 1",
        "UPDATE record SET space = 0",
        "UPDATE record SET space = 200",
        "UPDATE record SET space = 257",
        "UPDATE record SET expires = -1",
    ];
    for sql in damages {
        let found = open_short(&changed(sql).path()).and_then(|mut store| store.load(&mut Anything));
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{sql}: {found:?}");
    }
}

/// A row that no load meets is found by whoever reads it.
#[test]
fn rows_that_no_store_writes_are_corrupt_to_a_reader() {
    let unmarked = "UPDATE journal SET marks = NULL;";
    for sql in [
        "UPDATE token SET revision = 65536 WHERE slot = 1",
        "UPDATE token SET revision = -1 WHERE slot = 1",
        "INSERT INTO token VALUES (4294967296, 7, 0, x'')",
    ] {
        let fixture = changed(&[unmarked, sql].concat());
        let mut store = open_short(&fixture.path()).unwrap();
        store.load(&mut Anything).unwrap();
        let found = store.tokens_of(trid_of(if sql.starts_with("I") { 7 } else { 8 }), None, 500);
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{sql}: {found:?}");
        if sql.starts_with('U') {
            assert!(matches!(store.token(TokenSlot(1)), Err(StoreError::Corrupt(_))), "{sql}");
        }
    }
}

#[test]
fn tables_that_are_not_the_schema_are_corrupt() {
    let changes = [
        "DROP TABLE record",
        "DROP TABLE page",
        "DROP INDEX record_by_expiry",
        "DROP INDEX token_by_trid",
        "CREATE TABLE more (x)",
        "CREATE TRIGGER t AFTER INSERT ON journal BEGIN UPDATE page SET body = zeroblob(16); END",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE token ADD COLUMN more INTEGER",
    ];
    for sql in changes {
        let found = after(sql);
        assert_eq!(found, Err(StoreError::Corrupt("its tables are not those of its schema")), "{sql}");
    }
}

#[test]
fn two_tables_in_one_page_are_corrupt() {
    let shared = "PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'token_by_trid')
        WHERE name = 'record_by_expiry'";
    let found = after(shared);
    assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
}

#[test]
fn a_newer_schema_is_refused_unchanged() {
    let fixture = filled();
    Connection::open(fixture.path()).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(fixture.path()).unwrap();
    assert_eq!(read_all(&fixture), Err(StoreError::Schema { found: 2, known: 1 }));
    assert_eq!(fs::read(fixture.path()).unwrap(), before);
}

#[test]
fn a_foreign_database_is_refused_unchanged() {
    for sql in [
        "CREATE TABLE theirs (x)",
        "PRAGMA application_id = 7",
        "CREATE TABLE theirs (x); PRAGMA user_version = 1",
    ] {
        let fixture = Sqlite::make();
        Connection::open(fixture.path()).unwrap().execute_batch(sql).unwrap();
        let before = fs::read(fixture.path()).unwrap();
        assert!(matches!(read_all(&fixture), Err(StoreError::Corrupt(_))), "{sql}");
        assert_eq!(fs::read(fixture.path()).unwrap(), before);
    }
}

/// A store that started anew would issue its counters again. SQLite takes each
/// of these for an empty database, also the one of one byte.
#[test]
fn an_emptied_file_is_no_new_store() {
    for empty in [&b""[..], &[0]] {
        let fixture = filled();
        fs::write(fixture.path(), empty).unwrap();
        let found = read_all(&fixture);
        assert!(matches!(found, Err(StoreError::Corrupt(_))), "{found:?}");
    }
    let nothing_in_it = "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema; PRAGMA user_version = 0";
    assert_eq!(after(nothing_in_it), Err(StoreError::Corrupt("it is no database of this application")));
}

#[test]
fn a_lone_log_is_no_new_store() {
    let mut fixture = Sqlite::make();
    let store = fixture.open();
    let copy = fixture.copy();
    drop(store);
    fs::remove_file(copy.path()).unwrap();
    let refused = Err(StoreError::Corrupt("there is a write-ahead log without its database"));
    assert_eq!(read_all(&copy), refused);
}

#[test]
fn a_creation_that_was_cut_short_is_begun_again() {
    let mut fixture = Sqlite::make();
    let new = fixture.path().with_file_name("store-new");
    fs::write(&new, b"half a database").unwrap();
    fs::write(new.with_file_name("store-new-wal"), b"half a log").unwrap();
    drop(fixture.open());
    assert!(!new.exists() && !new.with_file_name("store-new-wal").exists());
}

/// SQLite would read zeros for what is missing of the last page.
#[test]
fn a_file_that_ends_within_a_page_is_corrupt() {
    let fixture = filled();
    let bytes = fs::read(fixture.path()).unwrap();
    for missing in [1, 32, 4095] {
        fs::write(fixture.path(), &bytes[..bytes.len() - missing]).unwrap();
        assert_eq!(read_all(&fixture), Err(StoreError::Corrupt("the database is cut short")));
    }
}

/// Damage is found, or harmless; never a panic, and never taken for anything else.
fn refused_or_harmless(fixture: &Sqlite) {
    match read_all(fixture) {
        Ok(()) | Err(StoreError::Corrupt(_) | StoreError::Schema { .. } | StoreError::OutOfOrder) => {}
        Err(other) => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_shorter_file(cut: prop::sample::Index) {
        let fixture = filled();
        let bytes = fs::read(fixture.path()).unwrap();
        fs::write(fixture.path(), &bytes[..cut.index(bytes.len())]).unwrap();
        let found = read_all(&fixture);
        prop_assert!(matches!(found, Err(StoreError::Corrupt(_))), "{} of {}: {found:?}", cut.index(bytes.len()), bytes.len());
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 1..9000)) {
        let fixture = Sqlite::make();
        fs::write(fixture.path(), bytes).unwrap();
        prop_assert!(matches!(read_all(&fixture), Err(StoreError::Corrupt(_))));
    }

    #[test]
    fn bytes_changed(at: [prop::sample::Index; 4], near in 0..400usize, with: [u8; 4]) {
        let fixture = filled();
        let mut bytes = fs::read(fixture.path()).unwrap();
        let pages = bytes.len() / 4096;
        for (at, with) in at.iter().zip(with) {
            // Near the start of a page, where its structure lies.
            bytes[at.index(pages) * 4096 + near] = with;
        }
        fs::write(fixture.path(), bytes).unwrap();
        refused_or_harmless(&fixture);
    }

    #[test]
    fn pages_swapped_or_wiped(one: prop::sample::Index, other: prop::sample::Index, wipe: bool) {
        let fixture = filled();
        let mut bytes = fs::read(fixture.path()).unwrap();
        let pages = bytes.len() / 4096;
        let (one, other) = (one.index(pages) * 4096, other.index(pages) * 4096);
        let page = bytes[one..one + 4096].to_vec();
        bytes.copy_within(other..other + 4096, one);
        bytes[other..other + 4096].copy_from_slice(&page);
        if wipe {
            bytes[other..other + 4096].fill(0);
        }
        fs::write(fixture.path(), bytes).unwrap();
        refused_or_harmless(&fixture);
    }
}
