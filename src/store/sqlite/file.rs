//! The database file: made whole under another name, then given its own.

use std::path::Path;

use super::super::StoreError;
use super::connection;
use super::disk::Disk;
use super::failure::{failed, io};
use super::lock::beside;

/// Creates the database if there is none. The caller holds its lock.
///
/// A file under its own name is thus always whole: an empty one was emptied, and
/// is refused, for a store that starts anew would issue its counters again.
pub(super) fn ensure(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    match disk.length(path).map_err(|error| io("the database file", &error))? {
        Some(0) => Err(StoreError::Corrupt("the file is empty")),
        // A copied or restored file may have more rights than ours have.
        Some(_) => disk.tighten(path).map_err(|error| io("the database file", &error)),
        None => create(disk, path),
    }
}

fn create(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    let log = disk.length(&beside(path, "-wal")).map_err(|error| io("the write-ahead log", &error))?;
    // SQLite would replay a log without its database over the new one.
    if log.is_some() {
        return Err(StoreError::Corrupt("there is a write-ahead log without its database"));
    }
    let new = beside(path, "-new");
    for leftover in ["", "-wal", "-journal"] {
        disk.remove(&beside(&new, leftover)).map_err(|error| io("a leftover file", &error))?;
    }
    disk.create(&new).map_err(|error| io("the new database file", &error))?;
    connection::create(disk, &new)?.close().map_err(|(_, error)| failed(error))?;
    disk.publish(&new, path).map_err(|error| io("the new database file", &error))
}
