//! A store under test, and how it is closed, crashed and opened again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tallystick::store::{LogLimits, MemoryDisk, MemoryStore, RealDisk, SqliteStore, Store, StoreError};
use tempfile::TempDir;

/// A place where a store lies.
pub trait Fixture {
    type Store: Store;

    /// The most groups that one append removes from the journal.
    const REMOVED: u64;
    /// The most records that one expiry removes.
    const EXPIRED: usize;

    /// A place with nothing in it.
    fn make() -> Self;

    /// Opens what lies there.
    fn open(&mut self) -> Self::Store;

    /// Ends the store as a power loss would: what is durable stays.
    fn crash(&mut self, store: Self::Store);
}

pub struct Memory(pub MemoryDisk);

impl Fixture for Memory {
    type Store = MemoryStore;
    const REMOVED: u64 = u64::MAX;
    const EXPIRED: usize = usize::MAX;

    fn make() -> Self {
        Self(MemoryDisk::new())
    }

    fn open(&mut self) -> MemoryStore {
        MemoryStore::open(&self.0)
    }

    fn crash(&mut self, store: MemoryStore) {
        drop(store);
    }
}

/// A log so short that it goes into the database every few groups.
pub const SHORT: LogLimits =
    LogLimits { reserved: 160 << 10, checkpoint: 80 << 10, free: 0, background: false };

/// Opens what was let go just now. A child that another test of this program is about to
/// start has our files open until it runs its own program, and with them the lock.
pub fn once_free<T>(open: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match open() {
            Err(StoreError::InUse) if Instant::now() < until => std::thread::yield_now(),
            opened => return opened,
        }
    }
}

/// Opens a database with a short log.
pub fn open_short(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open_on(Box::new(RealDisk), path.to_owned(), SHORT)
}

pub struct Sqlite(TempDir);

impl Sqlite {
    pub fn path(&self) -> PathBuf {
        self.0.path().join("store")
    }

    pub fn wal(&self) -> PathBuf {
        self.0.path().join("store-wal")
    }

    /// A second place with a copy of the database and its log as they are.
    pub fn copy(&self) -> Self {
        let copy = Self::make();
        copy_file(&self.path(), &copy.path());
        copy_file(&self.wal(), &copy.wal());
        copy
    }
}

impl Fixture for Sqlite {
    type Store = SqliteStore;
    const REMOVED: u64 = 3;
    const EXPIRED: usize = 256;

    fn make() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&mut self) -> SqliteStore {
        once_free(|| open_short(&self.path())).unwrap()
    }

    /// Goes on with a copy taken before closing tidies up.
    fn crash(&mut self, store: SqliteStore) {
        let copy = self.copy();
        drop(store);
        *self = copy;
    }
}

fn copy_file(from: &Path, to: &Path) {
    if from.exists() {
        fs::copy(from, to).unwrap();
    }
}

/// A database of its own on the server that all tests share.
#[cfg(feature = "postgres")]
pub struct Postgres(pub String);

#[cfg(feature = "postgres")]
impl Fixture for Postgres {
    type Store = tallystick::store::postgres::PostgresStore;
    const REMOVED: u64 = 3;
    const EXPIRED: usize = 256;

    fn make() -> Self {
        Self(crate::server::shared().database())
    }

    fn open(&mut self) -> Self::Store {
        Self::Store::open(&crate::server::shared().config(&self.0, "node-1")).unwrap()
    }

    fn crash(&mut self, store: Self::Store) {
        crate::server::shared().end_sessions(&self.0);
        drop(store);
    }
}
