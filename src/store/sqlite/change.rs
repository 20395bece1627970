//! A transaction that writes, begun and ended by statements that are prepared once:
//! compiling them anew would cost a small group more than writing it.

use std::ops::Deref;

use rusqlite::Connection;

use super::super::StoreError;
use super::failure::failed;

/// A transaction under way. What is not committed is undone.
#[derive(Debug)]
pub(super) struct Change<'c> {
    connection: &'c Connection,
}

impl<'c> Change<'c> {
    /// Begins one, alone: nobody else can begin to write before it ends.
    pub(super) fn begin(connection: &'c mut Connection) -> Result<Self, StoreError> {
        run(connection, "BEGIN IMMEDIATE").map_err(failed)?;
        Ok(Self { connection })
    }

    /// Makes it durable.
    pub(super) fn commit(self) -> Result<(), StoreError> {
        run(self.connection, "COMMIT").map_err(failed)
    }
}

impl Deref for Change<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // One that fails leaves it open, and the next one cannot begin.
            let _ = run(self.connection, "ROLLBACK");
        }
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_is_not_committed_is_undone_and_the_next_begins() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n)").unwrap();
        for (commit, expected) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
            let change = Change::begin(&mut connection).unwrap();
            change.execute("INSERT INTO t VALUES (1)", []).unwrap();
            if commit {
                change.commit().unwrap();
            } else {
                drop(change);
            }
            assert!(connection.is_autocommit());
            assert_eq!(count(&connection), expected);
        }
    }
}
