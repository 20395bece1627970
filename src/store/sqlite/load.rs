//! Handing everything to whoever starts, row by row.

use rusqlite::{Connection, Row, Transaction};

use super::super::journal::JournalBody;
use super::super::{ChainHead, Epoch, GroupNumber, Load, Record, Space, StoreError};
use super::chunk::Chunk;
use super::failure::failed;
use super::number::Number;
use super::{meta, token};
use crate::types::UnixTime;

/// A row of the journal, borrowed from the statement that reads it.
#[derive(Debug, Clone, Copy)]
pub(super) struct JournalRow<'a> {
    pub(super) number: GroupNumber,
    pub(super) epoch: Epoch,
    pub(super) bytes: &'a [u8],
    pub(super) body: JournalBody<'a>,
    pub(super) mac: [u8; 32],
}

/// Hands all that is stored to `sink`, in the order of [`Store::load`](crate::store::Store::load).
pub(super) fn load(
    connection: &mut Connection,
    newest: Epoch,
    sink: &mut dyn Load,
) -> Result<(), StoreError> {
    // One transaction, so that all of it is one state.
    let view = connection.transaction().map_err(failed)?;
    each(&view, "SELECT slot, trid, body FROM token ORDER BY slot", |row| {
        sink.token(token::token_row(row)?)
    })?;
    each(&view, "SELECT chunk, body FROM counters ORDER BY chunk", |row| {
        let chunk = Chunk::from_bytes(row.get(0).map_err(failed)?, blob(row, 1)?)?;
        chunk.moved().try_for_each(|(slot, counters)| sink.counters(slot, counters))
    })?;
    sink.folded(meta::folded(&view)?)?;
    journal(&view, newest, |row| sink.journal(row.number, row.epoch, row.bytes, row.mac))?;
    each(&view, "SELECT space, key, expires, body FROM record ORDER BY space, key", |row| {
        sink.record(record(row)?)
    })
}

/// Hands each journal row to `take` and returns the head: the last row's, or the
/// folded one if there is none. Numbers must follow each other from the folded
/// one, epochs must not fall or exceed `newest`, bodies must decode.
pub(super) fn journal(
    view: &Transaction<'_>,
    newest: Epoch,
    mut take: impl FnMut(JournalRow<'_>) -> Result<(), StoreError>,
) -> Result<ChainHead, StoreError> {
    let mut head = meta::folded(view)?;
    let mut epoch = Epoch(0);
    each(view, "SELECT number, epoch, body, mac FROM journal ORDER BY number", |row| {
        let row = journal_row(row)?;
        if head.number.0.checked_add(1) != Some(row.number.0) {
            return Err(StoreError::Corrupt("the journal has a gap"));
        }
        if row.epoch < epoch || row.epoch > newest {
            return Err(StoreError::Corrupt("a journal row has an epoch out of order"));
        }
        epoch = row.epoch;
        head = ChainHead { number: row.number, mac: row.mac };
        take(row)
    })?;
    Ok(head)
}

/// Bytes of all journal bodies.
pub(super) fn journal_bytes(connection: &Connection) -> Result<u64, StoreError> {
    let sum = "SELECT coalesce(sum(length(body)), 0) FROM journal";
    connection.query_row(sum, [], |row| row.get(0)).map(|Number(sum)| sum).map_err(failed)
}

fn each(
    view: &Transaction<'_>,
    select: &str,
    mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = view.prepare_cached(select).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        take(row)?;
    }
    Ok(())
}

fn journal_row<'a>(row: &'a Row<'_>) -> Result<JournalRow<'a>, StoreError> {
    let (Number(number), Number(epoch)) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
    let bytes = blob(row, 2)?;
    Ok(JournalRow {
        number: GroupNumber(number),
        epoch: Epoch(epoch),
        bytes,
        body: JournalBody::decode(bytes)
            .map_err(|_| StoreError::Corrupt("a journal body does not decode"))?,
        mac: row.get(3).map_err(failed)?,
    })
}

fn record(row: &Row<'_>) -> Result<Record, StoreError> {
    let space = Space::from_number(row.get(0).map_err(failed)?);
    let expires: Option<Number> = row.get(2).map_err(failed)?;
    Ok(Record {
        space: space.ok_or(StoreError::Corrupt("a record lies in no known space"))?,
        key: row.get(1).map_err(failed)?,
        expires: expires.map(|Number(seconds)| UnixTime::from_seconds(seconds)),
        body: Some(row.get(3).map_err(failed)?),
    })
}

fn blob<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a [u8], StoreError> {
    let value = row.get_ref(column).map_err(failed)?;
    value.as_blob().map_err(|_| StoreError::Corrupt("a stored value has another form"))
}
