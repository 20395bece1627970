//! The tables, how they came to be, and whether a database is ours.

use rusqlite::Connection;

use super::super::StoreError;
use super::change::Change;
use super::failure::failed;

/// "TLLY", in the file's header: whose database it is.
const APPLICATION: i32 = 0x544C_4C59;

/// The steps from an empty database to the newest schema, by `user_version`. A
/// step that was ever released is never changed.
const STEPS: [&str; 1] = [FIRST];

/// The last number of the journal is the head, and the last group is
/// never removed. Pages have a size that fits one page of the
/// file. A token index holds the slot too, as SQLite appends the row's key to
/// each entry.
const FIRST: &str = "
    CREATE TABLE meta (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL CHECK (epoch >= 0),
        anchored INTEGER NOT NULL CHECK (anchored >= 0)
    ) STRICT;
    INSERT INTO meta VALUES (1, 0, 0);
    CREATE TABLE journal (
        number INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL,
        before BLOB NOT NULL,
        mac BLOB NOT NULL,
        marks BLOB,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE page (
        id INTEGER PRIMARY KEY,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE token (
        slot INTEGER PRIMARY KEY,
        trid INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE INDEX token_by_trid ON token (trid);
    CREATE TABLE record (
        space INTEGER NOT NULL,
        key BLOB NOT NULL,
        expires INTEGER,
        body BLOB NOT NULL,
        PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX record_by_expiry ON record (expires) WHERE expires IS NOT NULL;
";

/// Makes an empty database ours, at the newest schema.
pub(super) fn create(connection: &mut Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    migrate(connection)
}

/// Refuses a database of another application, or of a newer schema, or an empty
/// one: a store under its own name is never empty, unless it was emptied.
pub(super) fn recognise(connection: &Connection) -> Result<(), StoreError> {
    let application: i32 = pragma(connection, "application_id")?;
    let (found, known) = (version(connection)?, newest());
    if application != APPLICATION || found < 1 {
        return Err(StoreError::Corrupt("it is no database of this application"));
    }
    if found > known { Err(StoreError::Schema { found, known }) } else { Ok(()) }
}

/// Takes the steps that the database has not taken yet, each in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let taken =
        usize::try_from(version(connection)?).map_err(|_| StoreError::Corrupt("a negative schema"))?;
    for (step, number) in STEPS.iter().zip(1_i64..).skip(taken) {
        let change = Change::begin(connection)?;
        change.execute_batch(step).map_err(failed)?;
        change.pragma_update(None, "user_version", number).map_err(failed)?;
        change.commit()?;
    }
    Ok(())
}

/// Refuses a database whose tables, indexes or triggers are not exactly those
/// that the steps make.
pub(super) fn verify(connection: &Connection) -> Result<(), StoreError> {
    let mut fresh = Connection::open_in_memory().map_err(failed)?;
    create(&mut fresh)?;
    let same = objects(connection).map_err(failed)? == objects(&fresh).map_err(failed)?;
    if same { Ok(()) } else { Err(StoreError::Corrupt("its tables are not those of its schema")) }
}

fn objects(connection: &Connection) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut statement =
        connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

fn newest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    pragma(connection, "user_version")
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<T, StoreError> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(failed)
}
