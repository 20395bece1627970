//! A store that is moved into a database and back: every row, whatever interrupts it.

use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tallystick::store::postgres::PostgresStore;
use tallystick::store::{Epoch, Migration, SqliteStore, Store, StoreError, StoreLock, TokenRow, TokenSlot};

use super::node::Node;
use crate::fixture::once_free;
use crate::load::loaded;
use crate::model::Model;
use crate::sample::{Content, Keep, content, full, token};
use crate::server::shared;

fn to_postgres(path: &Path, database: &str) -> Result<Migration, StoreError> {
    let lock = once_free(|| StoreLock::take(path))?;
    Migration::to_postgres(lock, path, &shared().config(database, "a"))
}

fn to_sqlite(database: &str, path: &Path) -> Result<Migration, StoreError> {
    let lock = once_free(|| StoreLock::take(path))?;
    Migration::to_sqlite(&shared().config(database, "a"), lock, path)
}

fn open(path: &Path) -> SqliteStore {
    once_free(|| SqliteStore::open(path)).unwrap()
}

fn carried(mut migration: Migration) {
    while migration.step().unwrap() {}
    let (done, total) = migration.progress();
    assert_eq!(done, total);
    migration.finish().unwrap();
}

fn rows(store: &mut impl Store) -> Vec<TokenRow> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let some = store.tokens_after(after, 10_000).unwrap();
        let Some(last) = some.last() else { return all };
        after = Some(last.slot);
        all.extend(some);
    }
}

/// All that can be seen of a store.
fn seen(store: &mut impl Store) -> (Model, Vec<TokenRow>, u64) {
    (loaded(store), rows(store), store.journal_bytes())
}

#[test]
fn whatever_is_in_a_store_comes_over_and_back() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..6 {
        let dir = tempfile::tempdir().unwrap();
        let (path, database) = (dir.path().join("store"), shared().database());
        let mut store = open(&path);
        let groups = prop::collection::vec(content(), 0..25).new_tree(&mut runner).unwrap().current();
        for (number, content) in (1..).zip(&groups) {
            store.append(&content.group(number, store.epoch())).unwrap();
        }
        store.set_anchored().unwrap();
        let before = seen(&mut store);
        drop(store);
        carried(to_postgres(&path, &database).unwrap());

        let mut store = PostgresStore::open(&shared().config(&database, "a")).unwrap();
        assert_eq!(seen(&mut store), before);
        assert_eq!((store.epoch(), store.anchored()), (Epoch(2), Epoch(1)));
        let next = groups.len() as u64 + 1;
        store.append(&full().group(next, store.epoch())).unwrap();
        // Another node, whose epoch is newer, and this one again: epochs are mixed then.
        let mut other = Node::open(&database, "b");
        other.append(&full()).unwrap();
        store.turn(&mut super::node::Log::default()).unwrap();
        let head = other.head();
        let mut group = full().group(next + 2, store.epoch());
        group.before = head.mac;
        store.append(&group).unwrap();
        store.set_anchored().unwrap();
        let before = seen(&mut store);

        let back = dir.path().join("back");
        let mut migration = to_sqlite(&database, &back).unwrap();
        assert_eq!(store.append(&full().group(next + 3, store.epoch())), Err(StoreError::Fenced));
        assert_eq!(other.turn(), Err(StoreError::Fenced), "nobody goes on");
        migration.step().unwrap();
        carried(migration);
        let mut store = open(&back);
        assert_eq!(seen(&mut store), before);
        assert_eq!((store.epoch(), store.anchored()), (Epoch(4), Epoch(2)));
        let moved = PostgresStore::open(&shared().config(&database, "a")).unwrap_err();
        assert!(moved.to_string().contains("moved out"), "{moved}");
    }
}

#[test]
fn only_an_empty_database_or_a_part_of_the_same_store_is_filled() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let refused = |database: &str| to_postgres(&path, database).unwrap_err().to_string();
    let mut store = open(&path);
    store.append(&full().group(1, store.epoch())).unwrap();
    drop(store);
    let used = shared().database();
    drop(Node::open(&used, "x"));
    assert!(refused(&used).contains("a store already"));

    let database = shared().database();
    let mut migration = to_postgres(&path, &database).unwrap();
    migration.step().unwrap();
    assert_eq!(migration.finish(), Err(StoreError::OutOfOrder), "it is not whole");
    let unfinished = PostgresStore::open(&shared().config(&database, "a")).unwrap_err();
    assert!(unfinished.to_string().contains("not moved into"), "{unfinished}");
    let unfinished = to_sqlite(&database, &dir.path().join("back")).unwrap_err();
    assert!(unfinished.to_string().contains("a part of a store"), "{unfinished}");
    // The file went on meanwhile, so it is another store.
    let mut store = open(&path);
    store.append(&full().group(2, store.epoch())).unwrap();
    drop(store);
    assert!(refused(&database).contains("a part of another store"));
    assert_eq!(
        to_sqlite(&shared().database(), &path).unwrap_err().to_string(),
        "the store failed: there is a database already"
    );
}

#[test]
fn a_row_that_differs_is_found_and_the_store_stays_shut() {
    let damages = [
        "UPDATE tallystick.token SET revision = 9 WHERE slot = 1",
        "UPDATE tallystick.record SET expires = NULL",
        "UPDATE tallystick.page SET body = body || 'x'::bytea WHERE kind = 2",
        "DELETE FROM tallystick.token WHERE slot = 0",
        "INSERT INTO tallystick.token VALUES (99, 1, 0, '')",
        "UPDATE tallystick.journal SET mac = before",
    ];
    for damage in damages {
        let dir = tempfile::tempdir().unwrap();
        let (path, database) = (dir.path().join("store"), shared().database());
        let mut store = open(&path);
        store.append(&full().group(1, store.epoch())).unwrap();
        drop(store);
        let mut migration = to_postgres(&path, &database).unwrap();
        // Each table has one step with rows and one without.
        for _ in 0..8 {
            migration.step().unwrap();
        }
        shared().psql(&database, damage);
        let ended = loop {
            match migration.step() {
                Ok(true) => {}
                other => break other,
            }
        };
        assert_eq!(
            ended,
            Err(StoreError::Corrupt("a row that was moved is not the same on both sides")),
            "{damage}"
        );
        assert!(PostgresStore::open(&shared().config(&database, "a")).is_err());
    }
}

/// The program itself, killed in the middle, both ways.
#[test]
fn a_hundred_thousand_tokens_and_a_program_that_is_killed() {
    const TOKENS: u32 = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let (path, database) = (dir.path().join("tally.db"), shared().database());
    let mut store = open(&path);
    for (number, first) in (1..).zip((0..TOKENS).step_by(10_000)) {
        let tokens =
            (first..first + 10_000).map(|slot| token(slot, u64::from(slot % 7), 1, &[slot as u8; 60]));
        let content = Content { tokens: tokens.collect(), keep: Keep::Back(0), ..full() };
        store.append(&content.group(number, store.epoch())).unwrap();
    }
    // The sink looks at what the journal marks one by one, so that is little.
    store.append(&Content { keep: Keep::Back(0), ..full() }.group(11, store.epoch())).unwrap();
    let before = seen(&mut store);
    drop(store);
    let config = format!(
        "{}\n[store]\nkind = \"postgres\"\nhosts = [\"127.0.0.1:{}\"]\ndatabase = \"{database}\"\n\
         user = \"node\"\npassword_file = \"{}\"\nnode = \"a\"\n",
        tallystick::daemon::config::default_text(0),
        shared().port(),
        shared().password_file().display()
    );
    std::fs::write(dir.path().join("tallyd.toml"), config).unwrap();

    let there = || shared().psql(&database, "SELECT count(*) FROM tallystick.token").parse().unwrap();
    killed(dir.path(), "to-postgres", || there() > TOKENS / 4);
    let part: u32 = there();
    assert!(part < TOKENS, "it was too fast");
    PostgresStore::open(&shared().config(&database, "a")).unwrap_err();
    assert!(migrate(dir.path(), "to-postgres").wait().unwrap().success());
    assert!(!path.exists() && dir.path().join("tally.db-moved").exists());
    let mut store = PostgresStore::open(&shared().config(&database, "a")).unwrap();
    assert!(seen(&mut store) == before);
    assert_eq!(store.token(TokenSlot(TOKENS - 1)).unwrap().unwrap().revision, 1);

    let new = dir.path().join("tally.db-moving");
    killed(dir.path(), "to-sqlite", || std::fs::metadata(&new).is_ok_and(|file| file.len() > 2 << 20));
    assert!(!path.exists());
    assert!(migrate(dir.path(), "to-sqlite").wait().unwrap().success());
    assert!(path.exists() && !new.exists());
    assert!(seen(&mut open(&path)) == before);
    assert!(!migrate(dir.path(), "to-sqlite").wait().unwrap().success(), "nothing is overwritten");
}

fn migrate(dir: &Path, way: &str) -> std::process::Child {
    let tally = Path::new(env!("CARGO_BIN_EXE_tally"));
    Command::new(tally)
        .args(["--json", "migrate", way, "--dir"])
        .arg(dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the program until something is so, and kills it.
fn killed(dir: &Path, way: &str, when: impl Fn() -> bool) {
    let mut child = migrate(dir, way);
    while !when() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
