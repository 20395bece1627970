//! The lock that keeps a second opening out, beside SQLite's own.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::super::StoreError;
use super::disk::Held;
use super::failure;

/// The lock on a database, held: no store opens while it is. Dropping it lets go.
///
/// It is a lock on the file `path-lock`, which stays: removing it would let two
/// processes lock two files of one name.
///
/// SQLite locks ranges of the database file, and such locks are lost when any
/// code in this process opens and closes that file, a backup for example. A lock
/// of an open file of its own is not.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl Held for StoreLock {}

impl StoreLock {
    /// Takes the lock of the database at `path`, without waiting, for work that
    /// only a stopped daemon allows. The database need not exist.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if any process has it; [`StoreError::Io`].
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(path, "-lock"))
            .and_then(|file| {
                // Whatever the umask took away.
                file.set_permissions(Permissions::from_mode(0o600))?;
                Ok(file)
            })
            .map_err(|error| failure::io("the lock file", &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => Err(failure::io("the lock file", &error)),
        }
    }
}

/// The path with `suffix` behind its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_held_until_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let held = StoreLock::take(&path).unwrap();
        assert_eq!(StoreLock::take(&path).unwrap_err(), StoreError::InUse);
        drop(held);
        assert!(StoreLock::take(&path).is_ok());
    }
}
