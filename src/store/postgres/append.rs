//! Appending: everything that a group is, in one round trip.

use std::collections::BTreeMap;

use super::super::{Group, GroupNumber, Page, Record, Space, StoreError, TokenRow};
use super::carried;
use super::fault::Fault;
use super::head::Head;
use super::session::Session;
use super::statement::{
    ADD_GROUP, COMMIT, MOVE_HEAD, PUT_PAGES, PUT_RECORDS, PUT_TOKENS, REMOVE_GROUPS, REMOVE_RECORDS,
};
use super::value::{Value, number};
use crate::types::UnixTime;

/// Journal rows removed with each one added, as with SQLite: enough to catch up, few
/// enough that no group waits for it.
const REMOVED: u64 = 3;

/// What was written, so that its answers can be read.
pub(super) struct Written {
    /// The oldest group that is left.
    oldest: GroupNumber,
    /// How many rows each of the calls between must change: none, if any number will do.
    counts: Vec<Option<u64>>,
}

/// Writes what appends `group` after `head` and ends the turn. Nothing is sent.
pub(super) fn write(session: &mut Session, head: &Head, group: &Group) -> Result<Written, Fault> {
    let until = GroupNumber(head.oldest.0.saturating_add(REMOVED));
    let oldest = head.oldest.max(group.keep_from.min(group.number).min(until));
    add(session, group)?;
    session.call(
        &MOVE_HEAD,
        &[
            number(group.number.0)?,
            Value::Bytes(&group.mac),
            number(oldest.0)?,
            number(group.journal_bytes())?,
            number(head.oldest.0)?,
            number(head.chain.number.0)?,
            Value::Bytes(&head.chain.mac),
        ],
    )?;
    let mut counts = Vec::new();
    put_tokens(session, &group.tokens, &mut counts)?;
    put_records(session, &group.records, &mut counts)?;
    put_pages(session, &group.pages, &mut counts)?;
    if oldest > head.oldest {
        session.call(&REMOVE_GROUPS, &[number(head.oldest.0)?, number(oldest.0)?])?;
        counts.push(None);
    }
    session.call(&COMMIT, &[])?;
    session.sync();
    Ok(Written { oldest, counts })
}

/// Reads that all of it was done, and committed. Returns the head as it is now.
pub(super) fn read(session: &mut Session, written: &Written, group: &Group) -> Result<Head, Fault> {
    session.take_warning();
    if session.count()? != 1 {
        return Err(Fault::Protocol("a group was not added"));
    }
    let row = session.one()?.ok_or(StoreError::Corrupt("the head moved in the middle of a turn"))?;
    let bytes = row.columns().number()?;
    for expected in &written.counts {
        let changed = session.count()?;
        if expected.is_some_and(|expected| expected != changed) {
            return Err(Fault::Protocol("a statement changed another number of rows"));
        }
    }
    // Whoever commits a transaction that failed is answered ROLLBACK, and it is no error.
    session.done("COMMIT")?;
    session.ready()?;
    session.check_warning()?;
    Ok(Head { chain: group.head(), oldest: written.oldest, bytes })
}

fn add(session: &mut Session, group: &Group) -> Result<(), Fault> {
    let carried = carried::encode(group)?;
    session.call(
        &ADD_GROUP,
        &[
            number(group.number.0)?,
            number(group.epoch.0)?,
            Value::Bytes(&group.before),
            Value::Bytes(&group.marks()),
            Value::Bytes(&group.body),
            Value::Bytes(&group.mac),
            Value::Bytes(&carried.tokens),
            Value::Bytes(&carried.records),
            Value::Bytes(&carried.pages),
        ],
    )
}

/// The last row of each slot: one statement cannot write a row twice.
fn put_tokens(session: &mut Session, rows: &[TokenRow], counts: &mut Vec<Option<u64>>) -> Result<(), Fault> {
    let last: BTreeMap<_, _> = rows.iter().map(|row| (row.slot, row)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let slots: Vec<_> = last.keys().map(|slot| Some(i64::from(slot.0))).collect();
    let trids = stored(last.values().map(|row| row.trid.value()))?;
    let revisions: Vec<_> = last.values().map(|row| Some(i64::from(row.revision))).collect();
    let bodies: Vec<_> = last.values().map(|row| row.body.as_slice()).collect();
    let values =
        [Value::Numbers(&slots), Value::Numbers(&trids), Value::Numbers(&revisions), Value::Blobs(&bodies)];
    counts.push(u64::try_from(last.len()).ok());
    session.call(&PUT_TOKENS, &values)
}

fn put_records(
    session: &mut Session,
    records: &[Record],
    counts: &mut Vec<Option<u64>>,
) -> Result<(), Fault> {
    type Kept<'a> = BTreeMap<(Space, &'a [u8]), &'a Record>;
    let last: Kept<'_> =
        records.iter().map(|record| ((record.space, record.key.as_slice()), record)).collect();
    let (kept, removed): (Kept<'_>, Kept<'_>) =
        last.into_iter().partition(|(_, record)| record.body.is_some());
    let spaces = |some: &Kept<'_>| -> Vec<_> {
        some.keys().map(|(space, _)| Some(i64::from(space.number()))).collect()
    };
    if !kept.is_empty() {
        let (spaces, keys): (_, Vec<_>) = (spaces(&kept), kept.keys().map(|(_, key)| *key).collect());
        let expiries: Vec<_> = kept.values().map(|record| record.expires.map(stored_time)).collect();
        let bodies: Vec<_> = kept.values().filter_map(|record| record.body.as_deref()).collect();
        let values =
            [Value::Numbers(&spaces), Value::Blobs(&keys), Value::Numbers(&expiries), Value::Blobs(&bodies)];
        counts.push(u64::try_from(kept.len()).ok());
        session.call(&PUT_RECORDS, &values)?;
    }
    if !removed.is_empty() {
        let (spaces, keys): (_, Vec<_>) = (spaces(&removed), removed.keys().map(|(_, key)| *key).collect());
        counts.push(None);
        session.call(&REMOVE_RECORDS, &[Value::Numbers(&spaces), Value::Blobs(&keys)])?;
    }
    Ok(())
}

fn put_pages(session: &mut Session, pages: &[Page], counts: &mut Vec<Option<u64>>) -> Result<(), Fault> {
    let last: BTreeMap<_, _> = pages.iter().map(|page| ((page.kind, page.number), page)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let kinds: Vec<_> = last.keys().map(|(kind, _)| Some(i64::from(kind.number()))).collect();
    let numbers: Vec<_> = last.keys().map(|(_, number)| Some(i64::from(*number))).collect();
    let bodies: Vec<_> = last.values().map(|page| page.body.as_slice()).collect();
    counts.push(u64::try_from(last.len()).ok());
    session.call(&PUT_PAGES, &[Value::Numbers(&kinds), Value::Numbers(&numbers), Value::Blobs(&bodies)])
}

fn stored(numbers: impl Iterator<Item = u64>) -> Result<Vec<Option<i64>>, Fault> {
    let all: Result<_, _> = numbers.map(|number| i64::try_from(number).map(Some)).collect();
    all.map_err(|_| Fault::Refused("a number is too large to be stored"))
}

/// A time as stored: what lies beyond 2^63 - 1 seconds becomes that.
pub(super) fn stored_time(time: UnixTime) -> i64 {
    i64::try_from(time.seconds()).unwrap_or(i64::MAX)
}
