//! The store on SQLite: one file, one writer, one transaction a commit group.
//!
//! The hot path is the journal: a group of any number of counter moves is one
//! row. A few pages go with it, so that the journal need not grow for ever.

mod append;
mod change;
mod checkpointer;
mod connection;
mod disk;
mod expire;
mod failure;
mod file;
pub(crate) mod in_memory;
mod load;
mod lock;
mod log;
mod meta;
mod number;
mod page;
mod schema;
#[cfg(feature = "postgres")]
mod side;
mod snapshot;
mod token;

pub use disk::{Disk, Grip, Held, RealDisk};
pub use lock::StoreLock;
pub use log::LogLimits;
#[cfg(feature = "postgres")]
pub(super) use side::SqliteSide;
pub use snapshot::{Import, Row, Rows, Snapshot};

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::guard::Guard;
use super::{CommitReceipt, Epoch, Group, GroupNumber, Load, Room, Store, StoreError, TokenRow, TokenSlot};
use crate::types::{Trid, UnixTime};
use checkpointer::Checkpointer;
use log::Log;

/// A [`Store`] in a SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    // Fields drop in this order: the database is closed before the lock is let go.
    checkpointer: Checkpointer,
    connection: Connection,
    epoch: Epoch,
    anchored: Epoch,
    head: GroupNumber,
    oldest: GroupNumber,
    journal_bytes: u64,
    log: Log,
    guard: Guard,
    path: PathBuf,
    disk: Box<dyn Disk>,
    _lock: Box<dyn Held>,
}

impl SqliteStore {
    /// Opens the database at `path` and draws its next epoch, which is durable
    /// when this returns. A missing file is created, with mode 0600; beside it
    /// lie `path-wal` and `path-lock`.
    ///
    /// # Errors
    /// [`StoreError::InUse`] at once if any process has it open,
    /// [`StoreError::Schema`] if a newer version wrote it,
    /// [`StoreError::Corrupt`] if it is cut short, empty or no database of this
    /// store, [`StoreError::Full`] or [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // Absolute, so that no path can be taken for a "file:" URI.
        let path = std::path::absolute(path).map_err(|error| failure::io("the path", &error))?;
        Self::open_on(Box::new(RealDisk), path, LogLimits::default())
    }

    /// Opens the database at an absolute path on another disk, or with a log of
    /// another size.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(disk: Box<dyn Disk>, path: PathBuf, limits: LogLimits) -> Result<Self, StoreError> {
        Self::open_with(disk, path, limits, || ())
    }

    /// As [`open_on`](Self::open_on); the thread that the store starts does `begin`
    /// before anything else.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        disk: Box<dyn Disk>,
        path: PathBuf,
        limits: LogLimits,
        begin: fn(),
    ) -> Result<Self, StoreError> {
        let lock = disk.lock(&path)?;
        Self::open_under(lock, disk, path, limits, begin)
    }

    /// As [`open`](Self::open), under the lock of that database, which is held already.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for [`StoreError::InUse`].
    pub fn open_held(lock: StoreLock, path: &Path) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|error| failure::io("the path", &error))?;
        Self::open_under(Box::new(lock), Box::new(RealDisk), path, LogLimits::default(), || ())
    }

    /// The number of the last group in the database at `path`, 0 if there is none,
    /// while the caller holds its lock. No epoch is drawn.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Schema`] or [`StoreError::Io`].
    pub fn newest_group(path: &Path) -> Result<GroupNumber, StoreError> {
        let path = std::path::absolute(path).map_err(|error| failure::io("the path", &error))?;
        match RealDisk.length(&path).map_err(|error| failure::io("the database file", &error))? {
            None | Some(0) => Ok(GroupNumber(0)),
            Some(_) => meta::head(&connection::open(&RealDisk, &path)?),
        }
    }

    fn open_under(
        lock: Box<dyn Held>,
        disk: Box<dyn Disk>,
        path: PathBuf,
        limits: LogLimits,
        begin: fn(),
    ) -> Result<Self, StoreError> {
        file::ensure(&*disk, &path)?;
        let mut connection = connection::open(&*disk, &path)?;
        schema::migrate(&mut connection)?;
        schema::verify(&connection)?;
        let log = Log::open(&*disk, &path, limits)?;
        let beside = connection::open_beside(&*disk, &path)?;
        let checkpointer = Checkpointer::new(beside, limits.background.then_some(begin), log.database())?;
        let anchored = meta::anchored(&connection)?;
        let epoch = meta::draw_epoch(&mut connection)?;
        let head = meta::head(&connection)?;
        let (journal_bytes, oldest) = load::extent(&connection)?;
        let guard = Guard::default();
        Ok(Self {
            checkpointer,
            connection,
            epoch,
            anchored,
            head,
            oldest,
            journal_bytes,
            log,
            guard,
            path,
            disk,
            _lock: lock,
        })
    }
}

impl Store for SqliteStore {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn anchored(&self) -> Epoch {
        self.anchored
    }

    fn set_anchored(&mut self) -> Result<(), StoreError> {
        let Self { connection, epoch, guard, .. } = self;
        guard.write(|| meta::set_anchored(connection, *epoch))?;
        self.anchored = self.epoch;
        Ok(())
    }

    fn outgrow(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        let Self { connection, guard, .. } = self;
        self.epoch = guard.write(|| meta::outgrow(connection, self.epoch, epoch))?;
        Ok(())
    }

    fn receipt(&self) -> CommitReceipt {
        CommitReceipt::new(self.head)
    }

    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.guard.check()?;
        load::load(&mut self.connection, self.epoch, sink)
    }

    fn reserve(&mut self, group: Option<&Group>) -> Result<Room, StoreError> {
        let Self { connection, checkpointer, log, disk, path, guard, .. } = self;
        let bytes = group.map_or(0, Group::log_bytes);
        guard.write(|| log.make_room(connection, checkpointer, &**disk, path, bytes))
    }

    fn append(&mut self, group: &Group) -> Result<CommitReceipt, StoreError> {
        let Self { connection, epoch, oldest, log, guard, .. } = self;
        log.grow(group.log_bytes());
        let kept = guard.write(|| append::append(connection, *epoch, *oldest, group))?;
        self.journal_bytes =
            self.journal_bytes.saturating_add(group.journal_bytes()).saturating_sub(kept.removed);
        self.oldest = kept.oldest;
        self.head = group.number;
        Ok(CommitReceipt::new(group.number))
    }

    fn token(&mut self, slot: TokenSlot) -> Result<Option<TokenRow>, StoreError> {
        self.guard.check()?;
        token::token(&self.connection, slot)
    }

    fn tokens_of(
        &mut self,
        trid: Trid,
        after: Option<TokenSlot>,
        limit: usize,
    ) -> Result<Vec<TokenRow>, StoreError> {
        self.guard.check()?;
        token::tokens_of(&self.connection, trid, after, limit)
    }

    fn tokens_after(&mut self, after: Option<TokenSlot>, limit: usize) -> Result<Vec<TokenRow>, StoreError> {
        self.guard.check()?;
        token::tokens_after(&self.connection, after, limit)
    }

    fn checkpoints(&self) -> u64 {
        self.log.checkpoints()
    }

    fn journal_bytes(&self) -> u64 {
        self.journal_bytes
    }

    fn expire(&mut self, now: u64) -> Result<bool, StoreError> {
        let Self { connection, checkpointer, epoch, log, disk, path, guard, .. } = self;
        let bytes = log::removal_bytes(expire::AT_ONCE.into());
        guard.write(|| match log.make_room(connection, checkpointer, &**disk, path, bytes)? {
            Room::None => Ok(true),
            Room::Ample | Room::Scarce => {
                log.grow(bytes);
                expire::expire(connection, *epoch, UnixTime::from_seconds(now))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GroupNumber, journal};
    use super::*;

    fn opened() -> (tempfile::TempDir, SqliteStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("store")).unwrap();
        (dir, store)
    }

    fn group(store: &SqliteStore, number: u64, row: usize) -> Group {
        let trid = Trid::from_value(1).unwrap();
        Group {
            number: GroupNumber(number),
            epoch: store.epoch(),
            before: [0; 32],
            body: journal::encode(&[], &[], journal::Standing::default()),
            mac: [1; 32],
            tokens: vec![TokenRow { slot: TokenSlot(0), trid, revision: 0, body: vec![2; row] }],
            records: vec![],
            pages: vec![],
            keep_from: GroupNumber(0),
        }
    }

    #[test]
    fn a_full_disk_stores_nothing_and_poisons() {
        let (dir, mut store) = opened();
        store.append(&group(&store, 1, 10)).unwrap();
        let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        assert_eq!(store.append(&group(&store, 2, 100_000)), Err(StoreError::Full));
        assert_eq!(store.append(&group(&store, 2, 10)), Err(StoreError::Poisoned));
        drop(store);
        let mut store = SqliteStore::open(&dir.path().join("store")).unwrap();
        assert_eq!(store.token(TokenSlot(0)).unwrap().unwrap().body.len(), 10);
        store.append(&group(&store, 2, 10)).unwrap();
    }

    #[test]
    fn an_epoch_drawn_behind_its_back_fences_every_write() {
        type Write = fn(&mut SqliteStore) -> Result<(), StoreError>;
        let writes: [Write; 4] = [
            |store| store.append(&group(store, 1, 1)).map(drop),
            SqliteStore::set_anchored,
            |store| store.outgrow(Epoch(9)),
            |store| store.expire(0).map(drop),
        ];
        for write in writes {
            let (_dir, mut store) = opened();
            store.connection.execute("UPDATE meta SET epoch = epoch + 1", []).unwrap();
            assert_eq!(write(&mut store), Err(StoreError::Fenced));
            assert_eq!(write(&mut store), Err(StoreError::Poisoned));
        }
    }
}
