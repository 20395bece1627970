//! Reading token rows.

use rusqlite::{Connection, OptionalExtension, Row, Rows};

use super::super::{StoreError, TokenRow, TokenSlot};
use super::failure::failed;
use super::number::Number;
use crate::types::Trid;

const OF_TRID: &str =
    "SELECT slot, trid, revision, body FROM token WHERE trid = ?1 AND slot > ?2 ORDER BY slot LIMIT ?3";

const AFTER: &str = "SELECT slot, trid, revision, body FROM token WHERE slot > ?1 ORDER BY slot LIMIT ?2";

/// The row of a slot.
pub(super) fn token(connection: &Connection, slot: TokenSlot) -> Result<Option<TokenRow>, StoreError> {
    connection
        .prepare_cached("SELECT slot, trid, revision, body FROM token WHERE slot = ?1")
        .and_then(|mut statement| statement.query_row([slot.0], |row| Ok(token_row(row))).optional())
        .map_err(failed)?
        .transpose()
}

/// Up to `limit` rows of a requestor with slots above `after`.
pub(super) fn tokens_of(
    connection: &Connection,
    trid: Trid,
    after: Option<TokenSlot>,
    limit: usize,
) -> Result<Vec<TokenRow>, StoreError> {
    let mut statement = connection.prepare_cached(OF_TRID).map_err(failed)?;
    all(statement.query((Number(trid.value()), bound(after), most(limit))).map_err(failed)?)
}

/// Up to `limit` rows with slots above `after`.
pub(super) fn tokens_after(
    connection: &Connection,
    after: Option<TokenSlot>,
    limit: usize,
) -> Result<Vec<TokenRow>, StoreError> {
    let mut statement = connection.prepare_cached(AFTER).map_err(failed)?;
    all(statement.query((bound(after), most(limit))).map_err(failed)?)
}

fn bound(after: Option<TokenSlot>) -> i64 {
    after.map_or(-1, |slot| i64::from(slot.0))
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn all(mut rows: Rows<'_>) -> Result<Vec<TokenRow>, StoreError> {
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(token_row(row)?);
    }
    Ok(found)
}

/// A row of slot, TRID, revision and body.
fn token_row(row: &Row<'_>) -> Result<TokenRow, StoreError> {
    let Number(trid) = row.get(1).map_err(failed)?;
    Ok(TokenRow {
        slot: TokenSlot(row.get(0).map_err(failed)?),
        trid: Trid::from_value(trid).map_err(|_| StoreError::Corrupt("a token row has no TRID"))?,
        revision: row.get(2).map_err(failed)?,
        body: row.get(3).map_err(failed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::SqliteStore;
    use super::*;

    #[test]
    fn a_listing_reads_the_index_and_sorts_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("store")).unwrap();
        let plan: String = store
            .connection
            .query_row(&format!("EXPLAIN QUERY PLAN {OF_TRID}"), (1, -1, 10), |row| row.get(3))
            .unwrap();
        assert_eq!(plan, "SEARCH token USING INDEX token_by_trid (trid=? AND rowid>?)");
        let plan: String = store
            .connection
            .query_row(&format!("EXPLAIN QUERY PLAN {AFTER}"), (-1, 10), |row| row.get(3))
            .unwrap();
        assert_eq!(plan, "SEARCH token USING INTEGER PRIMARY KEY (rowid>?)");
    }
}
