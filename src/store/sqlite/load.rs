//! Handing everything to whoever starts, row by row.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, Transaction};

use super::super::journal::{JournalBody, read_marks};
use super::super::{Epoch, GroupNumber, Load, PageKind, Record, Space, StoreError, StoredGroup};
use super::failure::failed;
use super::number::Number;
use super::{page, token};
use crate::types::UnixTime;

/// Keys of token pages lie below 2 x 2^32; whatever else lies there is met too.
const TOKEN_PAGES: &str = "SELECT id, body FROM page WHERE id < 8589934592 ORDER BY id";
const COUNTER_PAGES: &str = "SELECT id, body FROM page WHERE id >= 8589934592 ORDER BY id";
const MARKED: &str = "SELECT marks FROM journal WHERE marks IS NOT NULL ORDER BY number";
const JOURNAL: &str = "SELECT number, epoch, before, mac, marks, body FROM journal ORDER BY number";
const RECORDS: &str = "SELECT space, key, expires, body FROM record ORDER BY space, key";

/// Hands all that is stored to `sink`, in the order of [`Store::load`](crate::store::Store::load).
pub(super) fn load(
    connection: &mut Connection,
    newest: Epoch,
    sink: &mut dyn Load,
) -> Result<(), StoreError> {
    // One transaction, so that all of it is one state.
    let view = connection.transaction().map_err(failed)?;
    each(&view, RECORDS, |row| sink.record(record(row)?))?;
    sink.expect(token_pages(&view)?);
    pages(&view, PageKind::Tokens, sink)?;
    sink.token_pages_end();
    let mut slots = BTreeSet::new();
    each(&view, MARKED, |row| {
        let marks = read_marks(blob(row, 0)?);
        slots.extend(marks.map_err(|_| MARKS)?.map(|(slot, _)| slot));
        Ok(())
    })?;
    for slot in slots {
        let row = token::token(&view, slot)?;
        sink.token(row.ok_or(StoreError::Corrupt("a row that the journal wrote is missing"))?)?;
    }
    pages(&view, PageKind::Counters, sink)?;
    journal(&view, newest, sink)
}

/// How many token pages there seem to be, from the last one's number; no more than
/// the file has pages, whatever that number is.
fn token_pages(view: &Transaction<'_>) -> Result<u64, StoreError> {
    let last =
        "SELECT min(coalesce(max(id) & 4294967295, -1) + 1, (SELECT page_count FROM pragma_page_count))
         FROM page WHERE id < 8589934592";
    view.query_row(last, [], |row| row.get(0)).map(|Number(count)| count).map_err(failed)
}

fn pages(view: &Transaction<'_>, kind: PageKind, sink: &mut dyn Load) -> Result<(), StoreError> {
    let select = match kind {
        PageKind::Tokens => TOKEN_PAGES,
        PageKind::Counters => COUNTER_PAGES,
    };
    each(view, select, |row| {
        let (kind, number) = page::of_id(row.get(0).map_err(failed)?)?;
        sink.page(kind, number, blob(row, 1)?)
    })
}

/// Hands over each journal row. Numbers must follow each other, epochs must have been
/// drawn (a store that nodes shared once has theirs mixed), bodies must decode.
fn journal(view: &Transaction<'_>, newest: Epoch, sink: &mut dyn Load) -> Result<(), StoreError> {
    let mut last = None;
    each(view, JOURNAL, |row| {
        let group = stored_group(row)?;
        let GroupNumber(number) = group.number;
        if last.is_some_and(|last: u64| last.checked_add(1) != Some(number)) || number == 0 {
            return Err(StoreError::Corrupt("the journal has a gap"));
        }
        if group.epoch == Epoch(0) || group.epoch > newest {
            return Err(StoreError::Corrupt("a journal row has an epoch that was never drawn"));
        }
        last = Some(number);
        JournalBody::decode(group.body).map_err(|_| StoreError::Corrupt("a journal body does not decode"))?;
        sink.journal(group)
    })
}

/// Bytes of all journal bodies, and the number of the oldest group: the one that
/// comes next, if there is none.
pub(super) fn extent(connection: &Connection) -> Result<(u64, GroupNumber), StoreError> {
    let select = "SELECT coalesce(sum(length(body)), 0), coalesce(min(number), 1) FROM journal";
    connection
        .query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map(|(Number(bytes), Number(oldest))| (bytes, GroupNumber(oldest)))
        .map_err(failed)
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

fn stored_group<'a>(row: &'a Row<'_>) -> Result<StoredGroup<'a>, StoreError> {
    let (Number(number), Number(epoch)) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
    let marks = row.get_ref(4).map_err(failed)?.as_blob_or_null();
    let marks = marks.map_err(|_| MARKS)?.unwrap_or_default();
    read_marks(marks).map(drop).map_err(|_| MARKS)?;
    Ok(StoredGroup {
        number: GroupNumber(number),
        epoch: Epoch(epoch),
        before: row.get(2).map_err(failed)?,
        mac: row.get(3).map_err(failed)?,
        marks,
        body: blob(row, 5)?,
    })
}

const MARKS: StoreError = StoreError::Corrupt("the marks of a journal row have another length");

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
