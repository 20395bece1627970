//! Everything stored, as of one moment, read beside the one writer; and a store made of
//! what was read.
//!
//! Rows in a form of their own, not the file: it holds no free pages, and what reads it
//! back makes the tables itself. A row: its table (1), then each column: 0, or 1 and an
//! integer (8), or 2, a length (4) and bytes.

use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::super::{Epoch, GroupNumber, StoreError};
use super::disk::{Disk, RealDisk};
use super::failure::{failed, io};
use super::lock::beside;
use super::{connection, meta};

/// A table by its number: how it is read and written, and its columns.
pub(super) struct Table {
    number: u8,
    read: &'static str,
    pub(super) write: &'static str,
    columns: usize,
}

const TABLES: [Table; 5] = [
    Table {
        number: 1,
        read: "SELECT one, epoch, anchored FROM meta",
        write: "INSERT OR REPLACE INTO meta (one, epoch, anchored) VALUES (?1, ?2, ?3)",
        columns: 3,
    },
    Table {
        number: 2,
        read: "SELECT number, epoch, before, mac, marks, body FROM journal ORDER BY number",
        write: "INSERT INTO journal (number, epoch, before, mac, marks, body)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        columns: 6,
    },
    Table {
        number: 3,
        read: "SELECT id, body FROM page ORDER BY id",
        write: "INSERT INTO page (id, body) VALUES (?1, ?2)",
        columns: 2,
    },
    Table {
        number: 4,
        read: "SELECT slot, trid, revision, body FROM token ORDER BY slot",
        write: "INSERT INTO token (slot, trid, revision, body) VALUES (?1, ?2, ?3, ?4)",
        columns: 4,
    },
    Table {
        number: 5,
        read: "SELECT space, key, expires, body FROM record ORDER BY space, key",
        write: "INSERT INTO record (space, key, expires, body) VALUES (?1, ?2, ?3, ?4)",
        columns: 4,
    },
];

/// Bytes of the largest row that is read back.
const LARGEST_ROW: usize = 64 << 20;
/// Bytes of rows written before the log goes into the database.
const FLUSH: usize = 64 << 20;

/// Everything stored, as of the moment it was begun. While it is held, the log of the
/// store grows.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    epoch: Epoch,
    head: GroupNumber,
    bytes: u64,
}

impl Snapshot {
    /// Everything that is durable now in the store at an absolute path, which somebody
    /// in this process has open.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Corrupt`].
    pub fn begin(path: &Path) -> Result<Self, StoreError> {
        let connection = connection::open_beside(&RealDisk, path)?;
        connection.execute_batch("BEGIN").map_err(failed)?;
        // The first read decides what all others see.
        let head = meta::head(&connection)?;
        let number = |query| connection.query_row(query, [], |row| row.get::<_, i64>(0)).map_err(failed);
        let epoch = number("SELECT epoch FROM meta")?;
        let bytes = number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?;
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Self { epoch: Epoch(unsigned(epoch)), head, bytes: unsigned(bytes), connection })
    }

    /// The epoch of whoever writes.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The newest group in it.
    #[must_use]
    pub const fn head(&self) -> GroupNumber {
        self.head
    }

    /// About how many bytes it holds.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hands every row to `sink`, in pieces of `piece` bytes, the last shorter. Ends
    /// early if that says false.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Corrupt`].
    pub fn read(&self, piece: usize, sink: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<bool, StoreError> {
        let mut buffer = Vec::with_capacity(piece);
        for table in &TABLES {
            let mut statement = self.connection.prepare(table.read).map_err(failed)?;
            let mut rows = statement.query([]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                buffer.push(table.number);
                for column in 0..table.columns {
                    write_value(&mut buffer, row.get_ref(column).map_err(failed)?)?;
                }
                while buffer.len() >= piece {
                    let rest = buffer.split_off(piece);
                    if !sink(std::mem::replace(&mut buffer, rest)) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(buffer.is_empty() || sink(buffer))
    }
}

fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>) -> Result<(), StoreError> {
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Integer(number) => {
            out.push(1);
            out.extend_from_slice(&number.to_be_bytes());
        }
        ValueRef::Blob(bytes) => {
            let len = u32::try_from(bytes.len()).map_err(|_| FORM)?;
            out.push(2);
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(bytes);
        }
        ValueRef::Real(_) | ValueRef::Text(_) => return Err(FORM),
    }
    Ok(())
}

const FORM: StoreError = StoreError::Corrupt("a stored row has another form");

/// The rows of a snapshot, read from pieces that may end anywhere.
#[derive(Debug, Default)]
pub struct Rows {
    buffer: Vec<u8>,
    count: u64,
}

impl Rows {
    /// Takes a piece, and hands each row that is whole now to `sink`: its table and its
    /// columns.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is none of this form; what `sink` says.
    pub fn take(
        &mut self,
        piece: &[u8],
        sink: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(piece);
        let mut rest = self.buffer.as_slice();
        while let Some((row, after)) = Row::parse(rest)? {
            sink(row)?;
            self.count += 1;
            rest = after;
        }
        if rest.len() > LARGEST_ROW {
            return Err(FORM);
        }
        let consumed = self.buffer.len() - rest.len();
        self.buffer.drain(..consumed);
        Ok(())
    }

    /// Rows taken so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether the last row is whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.buffer.is_empty()
    }
}

/// A row of some table.
#[derive(Debug)]
pub struct Row {
    pub(super) table: &'static Table,
    pub(super) columns: Vec<Value>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "table {}", self.number)
    }
}

impl Row {
    /// The row at the beginning of `bytes`, and what is behind it; none if it is not
    /// whole yet.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, &[u8])>, StoreError> {
        let Some((number, mut rest)) = bytes.split_first() else { return Ok(None) };
        let table = TABLES.iter().find(|table| table.number == *number).ok_or(FORM)?;
        let mut columns = Vec::with_capacity(table.columns);
        for _ in 0..table.columns {
            let Some((kind, after)) = rest.split_first() else { return Ok(None) };
            let (value, after) = match kind {
                0 => (Value::Null, after),
                1 => match after.split_first_chunk() {
                    Some((number, after)) => (Value::Integer(i64::from_be_bytes(*number)), after),
                    None => return Ok(None),
                },
                2 => {
                    let Some((len, after)) = after.split_first_chunk() else { return Ok(None) };
                    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| FORM)?;
                    if len > LARGEST_ROW {
                        return Err(FORM);
                    }
                    let Some((bytes, after)) = after.split_at_checked(len) else { return Ok(None) };
                    (Value::Blob(bytes.to_vec()), after)
                }
                _ => return Err(FORM),
            };
            columns.push(value);
            rest = after;
        }
        Ok(Some((Self { table, columns }, rest)))
    }
}

/// A store that is being made of rows. It gets its name when it is whole.
#[derive(Debug)]
pub struct Import {
    connection: Connection,
    new: PathBuf,
    path: PathBuf,
    rows: Rows,
    since: usize,
}

impl Import {
    /// Begins a store at a path where there is none.
    ///
    /// # Errors
    /// [`StoreError::Io`], also if there is one; [`StoreError::Full`].
    pub fn begin(path: &Path) -> Result<Self, StoreError> {
        let (disk, new) = (RealDisk, beside(path, "-new"));
        let told = |error| io("the new database file", &error);
        for there in [path, &beside(path, "-wal")] {
            if disk.length(there).map_err(told)?.is_some() {
                return Err(StoreError::Io("there is a database already".to_owned()));
            }
        }
        for leftover in ["", "-wal", "-shm", "-journal"] {
            disk.remove(&beside(&new, leftover)).map_err(told)?;
        }
        disk.create(&new).map_err(told)?;
        let connection = connection::create(&disk, &new)?;
        // Nothing is promised before it is whole: then all of it is synced.
        connection.execute_batch("PRAGMA synchronous = OFF; BEGIN").map_err(failed)?;
        Ok(Self { connection, new, path: path.to_owned(), rows: Rows::default(), since: 0 })
    }

    /// Takes a piece of a snapshot.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Full`] or [`StoreError::Io`].
    pub fn take(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        let Self { connection, rows, .. } = self;
        rows.take(piece, &mut |row| {
            let mut statement = connection.prepare_cached(row.table.write).map_err(failed)?;
            statement.execute(params_from_iter(row.columns)).map(drop).map_err(failed)
        })?;
        self.since += piece.len();
        if self.since >= FLUSH {
            self.since = 0;
            self.connection.execute_batch("COMMIT").map_err(failed)?;
            connection::empty_log(&self.connection)?;
            self.connection.execute_batch("BEGIN").map_err(failed)?;
        }
        Ok(())
    }

    /// Gives the store its name, durably. Says how many rows it has.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if a row is not whole; [`StoreError::Full`] or
    /// [`StoreError::Io`].
    pub fn finish(self) -> Result<u64, StoreError> {
        if !self.rows.is_whole() {
            return Err(FORM);
        }
        self.connection.execute_batch("COMMIT; PRAGMA synchronous = FULL").map_err(failed)?;
        connection::empty_log(&self.connection)?;
        self.connection.close().map_err(|(_, error)| failed(error))?;
        RealDisk.publish(&self.new, &self.path).map_err(|error| io("the new database file", &error))?;
        Ok(self.rows.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_however_they_are_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let store = super::super::SqliteStore::open(&path).unwrap();
        store
            .connection
            .execute_batch(
                "INSERT INTO token VALUES (0, 5, 1, x'0102'), (1, 6, 2, x'');
                 INSERT INTO record VALUES (1, x'aa', NULL, x'bb'), (1, x'ab', 77, x'cc');
                 INSERT INTO page VALUES (1, zeroblob(9000));
                 INSERT INTO journal VALUES (1, 1, zeroblob(32), zeroblob(32), NULL, x'00');",
            )
            .unwrap();
        let snapshot = Snapshot::begin(&path).unwrap();
        store.connection.execute_batch("DELETE FROM token; UPDATE meta SET epoch = 99").unwrap();
        for piece in [1, 7, 100_000] {
            let copy = dir.path().join(format!("copy-{piece}"));
            let mut import = Import::begin(&copy).unwrap();
            let whole = snapshot.read(piece, &mut |piece| {
                import.take(&piece).unwrap();
                true
            });
            assert_eq!(whole, Ok(true));
            assert_eq!(import.finish(), Ok(7));
            let again = super::super::SqliteStore::open(&copy).unwrap();
            assert_eq!(again.epoch, Epoch(2), "the moment was kept");
            let sum: i64 = again
                .connection
                .query_row(
                    "SELECT (SELECT sum(slot + trid + revision + length(body)) FROM token)
                          + (SELECT sum(expires) FROM record) + (SELECT sum(length(body)) FROM page)",
                    [],
                    |row| row.get(0),
                )
                .unwrap();
            assert_eq!(sum, 17 + 77 + 9000);
            assert!(Import::begin(&copy).is_err(), "nothing is overwritten");
        }
        assert!(Rows::default().take(&[9], &mut |_| Ok(())).is_err());
        assert!(
            Rows::default()
                .take(&[3, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 255, 255, 255, 255], &mut |_| Ok(()))
                .is_err()
        );
    }
}
