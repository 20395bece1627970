//! The SQLite store beside the contract: one opening, file modes, traces.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tallystick::store::{Space, SqliteStore, Store, StoreError};

use crate::fixture::{Fixture, Sqlite};
use crate::load::loaded;
use crate::sample::{Content, full, record};

/// The mode of each file at a place, by name.
pub fn modes(fixture: &Sqlite) -> Vec<(String, u32)> {
    let files = fs::read_dir(fixture.path().parent().unwrap()).unwrap().map(Result::unwrap);
    let mut modes: Vec<_> = files
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode() & 0o7777;
            (file.file_name().into_string().unwrap(), mode)
        })
        .collect();
    modes.sort_unstable();
    modes
}

/// The files of an open store, all for the owner alone.
pub fn private() -> Vec<(String, u32)> {
    ["store", "store-lock", "store-shm", "store-wal"].map(|name| (name.to_owned(), 0o600)).to_vec()
}

fn refused_at_once(fixture: &Sqlite) {
    let start = Instant::now();
    assert_eq!(SqliteStore::open(&fixture.path()).unwrap_err(), StoreError::InUse);
    assert!(start.elapsed() < Duration::from_millis(500));
}

#[test]
fn a_second_opening_is_refused_at_once_and_disturbs_nothing() {
    let mut fixture = Sqlite::make();
    let mut store = fixture.open();
    refused_at_once(&fixture);
    let epoch = store.epoch();
    store.append(&full().group(1, epoch)).unwrap();
    drop(store);
    assert_eq!(fixture.open().epoch().0, epoch.0 + 1, "the refused opening drew no epoch");
}

#[test]
fn another_program_that_holds_the_database_keeps_it() {
    let mut fixture = Sqlite::make();
    drop(fixture.open());
    let other = rusqlite::Connection::open(fixture.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    refused_at_once(&fixture);
    drop(other);
    drop(fixture.open());
}

#[test]
fn files_are_for_the_owner_alone() {
    let mut fixture = Sqlite::make();
    let mut store = fixture.open();
    store.append(&full().group(1, store.epoch())).unwrap();
    assert_eq!(modes(&fixture), private());
}

#[test]
fn a_file_that_others_may_read_is_closed_to_them() {
    let mut fixture = Sqlite::make();
    drop(fixture.open());
    fs::set_permissions(fixture.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let _store = fixture.open();
    assert_eq!(modes(&fixture), private());
}

#[test]
fn a_removed_record_leaves_no_trace_in_the_database() {
    let marker: &[u8] = b"what a record held and nothing else does";
    let traced = |fixture: &Sqlite| {
        fs::read(fixture.path()).unwrap().windows(marker.len()).any(|window| window == marker)
    };
    let written = |store: &mut SqliteStore, number, body| {
        let records = vec![record(Space::Idempotency, b"key", None, body)];
        let content = Content { records, ..Content::default() };
        store.append(&content.group(number, store.epoch())).unwrap();
    };
    let mut fixture = Sqlite::make();
    let mut store = fixture.open();
    written(&mut store, 1, Some(marker));
    drop(store);
    assert!(traced(&fixture));
    let mut store = fixture.open();
    written(&mut store, 2, None);
    drop(store);
    assert!(!traced(&fixture));
    assert!(loaded(&mut fixture.open()).records.is_empty());
}

#[test]
fn a_missing_directory_is_an_io_error() {
    let path = Sqlite::make().path().join("nowhere");
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Io(_))));
}
