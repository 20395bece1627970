//! A connection as this store needs it.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::super::StoreError;
use super::disk::Disk;
use super::failure::{failed, io};
use super::lock::beside;
use super::number::Number;
use super::schema;

/// Statements kept prepared: more than this store has.
const STATEMENTS: usize = 32;

/// Settings that change nothing in a database of someone else.
const HARMLESS: &str = "
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
";

/// Settings for a database of ours.
///
/// `synchronous = FULL` syncs the log at every commit: the promise of a receipt.
/// `secure_delete = FAST` overwrites card ciphertext that a row no longer holds;
/// journal rows, which hold no secrets, are not overwritten.
/// Checkpoints are ours to make, since SQLite would hide a failed one; and the
/// log keeps the length that was allocated for it.
const OURS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = FAST;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = -1;
    PRAGMA cache_size = -16384;
";

/// Makes a store of the empty file at `path`.
pub(super) fn create(disk: &dyn Disk, path: &Path) -> Result<Connection, StoreError> {
    let mut connection = connect(disk, path)?;
    make_ours(&connection)?;
    schema::create(&mut connection)?;
    // Closing would do it too, and hide that it failed.
    empty_log(&connection)?;
    Ok(connection)
}

/// Opens the store at `path`. A file that is not
/// ours is refused unchanged, then one that is cut short.
pub(super) fn open(disk: &dyn Disk, path: &Path) -> Result<Connection, StoreError> {
    // A writer whose sync failed may have been killed. What it left in the cache
    // must be durable before any of it goes into the database.
    disk.rewrite(&beside(path, "-wal")).map_err(|error| io("the write-ahead log", &error))?;
    let connection = connect(disk, path)?;
    schema::recognise(&connection)?;
    make_ours(&connection)?;
    check_length(disk, &connection, path)?;
    Ok(connection)
}

/// Opens the store at `path` again, beside a first connection of this process.
pub(super) fn open_beside(disk: &dyn Disk, path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(disk, path)?;
    connection.execute_batch(OURS).map_err(failed)?;
    Ok(connection)
}

fn connect(disk: &dyn Disk, path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match disk.vfs() {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    }
    .map_err(failed)?;
    configure(&connection).map_err(failed)?;
    Ok(connection)
}

fn make_ours(connection: &Connection) -> Result<(), StoreError> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::Io("the file system cannot hold a write-ahead log".to_owned()));
    }
    connection.execute_batch(OURS).map_err(failed)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // Whoever holds the lock holds it for as long as it runs: waiting is for nothing.
    connection.busy_timeout(Duration::ZERO)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute_batch(HARMLESS)
}

/// Refuses a file that ends within its last page; SQLite would read zeros there.
fn check_length(disk: &dyn Disk, connection: &Connection, path: &Path) -> Result<(), StoreError> {
    // The log may rightly hold what the file lacks, so it goes into the file first.
    empty_log(connection)?;
    let Number(bytes) = connection
        .query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| {
            row.get(0)
        })
        .map_err(failed)?;
    let length = disk.length(path).map_err(|error| io("the database file", &error))?;
    if length.is_none_or(|length| length < bytes) {
        return Err(StoreError::Corrupt("the database is cut short"));
    }
    Ok(())
}

/// Puts the whole log into the database, durably.
pub(super) fn empty_log(connection: &Connection) -> Result<(), StoreError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    if busy == 0 { Ok(()) } else { Err(StoreError::InUse) }
}

#[cfg(test)]
mod tests {
    use super::super::SqliteStore;

    #[test]
    fn has_the_settings_it_promises() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("store")).unwrap();
        let text = |pragma| store.connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0));
        let number = |pragma| store.connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        assert_eq!(text("journal_mode").unwrap(), "wal");
        let settings = [
            ("synchronous", 2),
            ("secure_delete", 2),
            ("cell_size_check", 1),
            ("trusted_schema", 0),
            ("mmap_size", 0),
            ("busy_timeout", 0),
            ("wal_autocheckpoint", 0),
        ];
        for (pragma, value) in settings {
            assert_eq!(number(pragma).unwrap_or(0), value, "{pragma}");
        }
    }
}
