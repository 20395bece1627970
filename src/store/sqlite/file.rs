//! The database file: made whole under another name, then given its own.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::super::StoreError;
use super::connection;
use super::failure::{failed, io};
use super::lock::beside;

/// The mode of the file; SQLite gives the write-ahead log the same.
const MODE: u32 = 0o600;

/// Creates the database if there is none. The caller holds its lock.
///
/// A file under its own name is thus always whole: an empty one was emptied, and
/// is refused, for a store that starts anew would issue its counters again.
pub(super) fn ensure(path: &Path) -> Result<(), StoreError> {
    match fs::metadata(path) {
        Ok(found) if found.len() == 0 => Err(StoreError::Corrupt("the file is empty")),
        Ok(found) => tighten(path, &found.permissions()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(path),
        Err(error) => Err(io("the database file", &error)),
    }
}

/// Takes the rights of group and others away, which a copied or restored file may have.
fn tighten(path: &Path, found: &Permissions) -> Result<(), StoreError> {
    if found.mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(|error| io("the database file", &error))
}

fn create(path: &Path) -> Result<(), StoreError> {
    // SQLite would replay a log without its database over the new one.
    if fs::exists(beside(path, "-wal")).map_err(|error| io("the write-ahead log", &error))? {
        return Err(StoreError::Corrupt("there is a write-ahead log without its database"));
    }
    let new = beside(path, "-new");
    for leftover in ["", "-wal", "-journal"] {
        remove(&beside(&new, leftover))?;
    }
    make_file(&new).map_err(|error| io("the new database file", &error))?;
    connection::create(&new)?.close().map_err(|(_, error)| failed(error))?;
    publish(&new, path).map_err(|error| io("the new database file", &error))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io("a leftover file", &error)),
        _ => Ok(()),
    }
}

fn make_file(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    // Whatever the umask took away.
    file.set_permissions(Permissions::from_mode(MODE))
}

fn publish(new: &Path, path: &Path) -> std::io::Result<()> {
    File::open(new)?.sync_all()?;
    fs::rename(new, path)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    File::open(directory)?.sync_all()
}
