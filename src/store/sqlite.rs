//! The store on SQLite: one file, one writer, one transaction a commit group.
//!
//! The hot path is the journal: a group of any number of counter moves is one
//! row. Packed counters are rewritten only when the journal is folded.

mod append;
mod chunk;
mod connection;
mod expire;
mod failure;
mod file;
mod fold;
mod load;
mod lock;
mod meta;
mod number;
mod schema;
mod token;

use std::path::Path;

use rusqlite::Connection;

use super::guard::Guard;
use super::{CommitReceipt, Epoch, Group, GroupNumber, Load, Store, StoreError, TokenRow, TokenSlot};
use crate::types::{Trid, UnixTime};
use lock::Lock;

/// A [`Store`] in a SQLite database.
#[derive(Debug)]
pub struct SqliteStore {
    // Fields drop in this order: the database is closed before the lock is let go.
    connection: Connection,
    epoch: Epoch,
    head: GroupNumber,
    journal_bytes: u64,
    guard: Guard,
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the database at `path` and draws its next epoch, which is durable
    /// when this returns. A missing file is created, with mode 0600; beside it
    /// lie `path-wal` and `path-lock`.
    ///
    /// # Errors
    /// [`StoreError::InUse`] at once if any process has it open,
    /// [`StoreError::Schema`] if a newer version wrote it,
    /// [`StoreError::Corrupt`] if it is damaged, empty or no database of this
    /// store, [`StoreError::Full`] or [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // Absolute, so that no path can be taken for a "file:" URI.
        let path = std::path::absolute(path).map_err(|error| failure::io("the path", &error))?;
        let lock = Lock::take(&path)?;
        file::ensure(&path)?;
        let mut connection = connection::open(&path)?;
        schema::migrate(&mut connection)?;
        schema::verify(&connection)?;
        let epoch = meta::draw_epoch(&mut connection)?;
        let head = meta::head(&connection)?;
        let journal_bytes = load::journal_bytes(&connection)?;
        Ok(Self { connection, epoch, head, journal_bytes, guard: Guard::default(), _lock: lock })
    }
}

impl Store for SqliteStore {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn receipt(&self) -> CommitReceipt {
        CommitReceipt::new(self.head)
    }

    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.guard.check()?;
        load::load(&mut self.connection, self.epoch, sink)
    }

    fn append(&mut self, group: &Group) -> Result<CommitReceipt, StoreError> {
        let Self { connection, epoch, guard, .. } = self;
        guard.write(|| append::append(connection, *epoch, group))?;
        self.journal_bytes = self.journal_bytes.saturating_add(group.journal_bytes());
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

    fn journal_bytes(&self) -> u64 {
        self.journal_bytes
    }

    fn fold(&mut self) -> Result<(), StoreError> {
        let Self { connection, epoch, guard, .. } = self;
        guard.write(|| fold::fold(connection, *epoch))?;
        self.journal_bytes = 0;
        Ok(())
    }

    fn expire(&mut self, now: u64) -> Result<(), StoreError> {
        let Self { connection, epoch, guard, .. } = self;
        guard.write(|| expire::expire(connection, *epoch, UnixTime::from_seconds(now)))
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
            body: journal::encode(&[], &[], [0; 32]),
            mac: [1; 32],
            tokens: vec![TokenRow { slot: TokenSlot(0), trid, body: vec![2; row] }],
            records: vec![],
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
        let writes: [Write; 3] = [
            |store| store.append(&group(store, 1, 1)).map(|_| ()),
            SqliteStore::fold,
            |store| store.expire(0),
        ];
        for write in writes {
            let (_dir, mut store) = opened();
            store.connection.execute("UPDATE meta SET epoch = epoch + 1", []).unwrap();
            assert_eq!(write(&mut store), Err(StoreError::Fenced));
            assert_eq!(write(&mut store), Err(StoreError::Poisoned));
        }
    }
}
