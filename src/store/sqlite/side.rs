//! A file as one side of a [migration](crate::store::Migration).

use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::super::migration::{About, Cell, Side, Table};
use super::super::{ChainHead, Epoch, StoreError};
use super::disk::{Disk, RealDisk};
use super::failure::{failed, io};
use super::lock::{StoreLock, beside};
use super::{connection, load, meta, number::Number};

/// A file, under its lock.
pub(in super::super) struct SqliteSide {
    connection: Connection,
    /// The name that the file has while it is not whole, and the one that it gets.
    named: Option<(PathBuf, PathBuf)>,
    _lock: StoreLock,
}

impl SqliteSide {
    /// The store at `path`, to be read.
    pub(in super::super) fn source(lock: StoreLock, path: &Path) -> Result<(Self, About), StoreError> {
        let path = std::path::absolute(path).map_err(|error| io("the path", &error))?;
        let connection = connection::open(&RealDisk, &path)?;
        let (bytes, oldest) = load::extent(&connection)?;
        let number = meta::head(&connection)?;
        let mac = connection
            .query_row("SELECT mac FROM journal WHERE number = ?1", [Number(number.0)], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        let Number(epoch) =
            connection.query_row("SELECT epoch FROM meta", [], |row| row.get(0)).map_err(failed)?;
        let anchored = meta::anchored(&connection)?;
        let head = ChainHead { number, mac: mac.unwrap_or_default() };
        let about = About { epoch: Epoch(epoch), anchored, head, oldest, bytes };
        Ok((Self { connection, named: None, _lock: lock }, about))
    }

    /// Refuses if there is a store at `path`.
    pub(in super::super) fn check_absent(path: &Path) -> Result<(), StoreError> {
        for there in [path, &beside(path, "-wal")] {
            if RealDisk.length(there).map_err(|error| io("the database file", &error))?.is_some() {
                return Err(StoreError::Io("there is a database already".to_owned()));
            }
        }
        Ok(())
    }

    /// A store to be made at `path`, under another name until it is whole. What an earlier try
    /// left of it is gone on with.
    pub(in super::super) fn target(lock: StoreLock, path: &Path, about: &About) -> Result<Self, StoreError> {
        let path = std::path::absolute(path).map_err(|error| io("the path", &error))?;
        let new = beside(&path, "-moving");
        let told = |error| io("the new database file", &error);
        let there = match RealDisk.length(&new).map_err(told)? {
            Some(length) if length > 0 => match connection::open(&RealDisk, &new) {
                // It ended before it had its tables.
                Err(StoreError::Corrupt(_)) => None,
                opened => Some(opened?),
            },
            _ => None,
        };
        let connection = match there {
            Some(connection) => connection,
            None => {
                for leftover in ["", "-wal", "-shm", "-journal"] {
                    RealDisk.remove(&beside(&new, leftover)).map_err(told)?;
                }
                RealDisk.create(&new).map_err(told)?;
                connection::create(&RealDisk, &new)?
            }
        };
        connection
            .execute(
                "UPDATE meta SET epoch = ?1, anchored = ?2",
                (Number(about.epoch.0), Number(about.anchored.0)),
            )
            .map_err(failed)?;
        Ok(Self { connection, named: Some((new, path)), _lock: lock })
    }
}

impl Side for SqliteSide {
    fn read(&mut self, table: Table, after: &[Cell], limit: usize) -> Result<Vec<Vec<Cell>>, StoreError> {
        let select = match table {
            Table::Journal => {
                "SELECT number, epoch, before, mac, coalesce(marks, x''), body FROM journal
                 WHERE number > ?1 ORDER BY number LIMIT ?2"
            }
            Table::Page => {
                "SELECT id >> 32, id & 4294967295, body FROM page
                 WHERE id > (?1 << 32 | ?2) ORDER BY id LIMIT ?3"
            }
            Table::Token => {
                "SELECT slot, trid, revision, body FROM token WHERE slot > ?1 ORDER BY slot LIMIT ?2"
            }
            Table::Record => {
                "SELECT space, key, expires, body FROM record
                 WHERE (space, key) > (?1, ?2) ORDER BY space, key LIMIT ?3"
            }
        };
        let limit = Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let values = after.iter().map(value).chain([limit]);
        let mut statement = self.connection.prepare_cached(select).map_err(failed)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let cells = (0..columns).map(|column| cell(row.get_ref(column).map_err(failed)?));
            found.push(cells.collect::<Result<_, _>>()?);
        }
        Ok(found)
    }

    fn write(&mut self, table: Table, rows: &[Vec<Cell>]) -> Result<(), StoreError> {
        let insert = match table {
            Table::Journal => {
                "INSERT OR REPLACE INTO journal (number, epoch, before, mac, marks, body)
                 VALUES (?1, ?2, ?3, ?4, nullif(?5, x''), ?6)"
            }
            Table::Page => "INSERT OR REPLACE INTO page (id, body) VALUES (?1 << 32 | ?2, ?3)",
            Table::Token => {
                "INSERT OR REPLACE INTO token (slot, trid, revision, body) VALUES (?1, ?2, ?3, ?4)"
            }
            Table::Record => {
                "INSERT OR REPLACE INTO record (space, key, expires, body) VALUES (?1, ?2, ?3, ?4)"
            }
        };
        let change = self.connection.unchecked_transaction().map_err(failed)?;
        let mut statement = change.prepare_cached(insert).map_err(failed)?;
        for row in rows {
            statement.execute(params_from_iter(row.iter().map(value))).map_err(failed)?;
        }
        drop(statement);
        change.commit().map_err(failed)?;
        connection::empty_log(&self.connection)
    }

    fn last(&mut self, table: Table) -> Result<Option<Vec<Cell>>, StoreError> {
        let select = match table {
            Table::Journal => "SELECT number FROM journal ORDER BY number DESC LIMIT 1",
            Table::Page => "SELECT id >> 32, id & 4294967295 FROM page ORDER BY id DESC LIMIT 1",
            Table::Token => "SELECT slot FROM token ORDER BY slot DESC LIMIT 1",
            Table::Record => "SELECT space, key FROM record ORDER BY space DESC, key DESC LIMIT 1",
        };
        let mut statement = self.connection.prepare_cached(select).map_err(failed)?;
        let columns = statement.column_count();
        let mut rows = statement.query([]).map_err(failed)?;
        let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
        (0..columns)
            .map(|column| cell(row.get_ref(column).map_err(failed)?))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn count(&mut self, table: Table) -> Result<u64, StoreError> {
        let select = match table {
            Table::Journal => "SELECT count(*) FROM journal",
            Table::Page => "SELECT count(*) FROM page",
            Table::Token => "SELECT count(*) FROM token",
            Table::Record => "SELECT count(*) FROM record",
        };
        self.connection.query_row(select, [], |row| row.get(0)).map(|Number(count)| count).map_err(failed)
    }

    fn complete(self: Box<Self>) -> Result<(), StoreError> {
        connection::empty_log(&self.connection)?;
        self.connection.close().map_err(|(_, error)| failed(error))?;
        let Some((new, path)) = self.named else { return Ok(()) };
        RealDisk.publish(&new, &path).map_err(|error| io("the new database file", &error))
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(number) => Value::Integer(*number),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
    }
}

fn cell(value: ValueRef<'_>) -> Result<Cell, StoreError> {
    match value {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Number(number)),
        ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes.to_vec())),
        ValueRef::Real(_) | ValueRef::Text(_) => Err(StoreError::Corrupt("a stored row has another form")),
    }
}
