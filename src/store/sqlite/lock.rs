//! The lock that keeps a second opening out, beside SQLite's own.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::super::StoreError;
use super::disk::Held;
use super::failure;

/// A held lock on `path-lock`; dropping it lets go. The file itself stays, since
/// removing it would let two processes lock two files of one name.
///
/// SQLite locks ranges of the database file, and such locks are lost when any
/// code in this process opens and closes that file, a backup for example. A lock
/// of an open file of its own is not.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Held for Lock {}

impl Lock {
    /// Takes the lock of the database at `path`, without waiting.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
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
        let held = Lock::take(&path).unwrap();
        assert_eq!(Lock::take(&path).unwrap_err(), StoreError::InUse);
        drop(held);
        assert!(Lock::take(&path).is_ok());
    }
}
