//! Handing everything to whoever starts, row by row, as it was at one moment.

use std::collections::BTreeSet;

use super::super::journal::{JournalBody, read_marks};
use super::super::{Epoch, Load, PageKind, Record, Space, StoreError};
use super::fault::Fault;
use super::head::{self, Head};
use super::row::Row;
use super::session::{Session, Statement};
use super::statement::{
    BEGIN_VIEW, COMMIT, COUNT_PAGES, HEAD, JOURNAL, MARKS as MARKED, PAGES, RECORDS, TOKENS, UNHURRIED,
};
use super::value::Value;
use super::{token, turn};
use crate::types::UnixTime;

pub(super) const MARKS: StoreError = StoreError::Corrupt("the marks of a journal row have another length");

/// Rows asked for at once.
const AT_ONCE: usize = 1024;

/// Begins a view in which nothing changes, unless this node has the turn, in which nothing
/// does either. Returns the head in it, and the newest epoch.
pub(super) fn begin(session: &mut Session, held: bool) -> Result<(Head, Epoch), Fault> {
    if !held {
        session.call(&BEGIN_VIEW, &[])?;
        call(session, &UNHURRIED, &[])?;
        session.done("BEGIN")?;
        session.done("SET")?;
        session.ready()?;
    }
    call(session, &HEAD, &[])?;
    let row = session.one()?;
    let found = head::read(row.as_ref())?;
    session.ready()?;
    Ok(found)
}

/// Ends what [`begin`] began.
pub(super) fn end(session: &mut Session, held: bool) -> Result<(), Fault> {
    if held {
        return Ok(());
    }
    call(session, &COMMIT, &[])?;
    session.done("COMMIT")?;
    session.ready()
}

/// Hands all that is stored to `sink`, in the order of [`Store::load`](crate::store::Store::load).
pub(super) fn load(
    session: &mut Session,
    (head, newest): (Head, Epoch),
    sink: &mut dyn Load,
) -> Result<(), Fault> {
    each(session, &RECORDS, &[], |row| sink.record(record(row)?))?;
    pages(session, PageKind::Tokens, sink)?;
    sink.token_pages_end();
    rows(session, sink)?;
    pages(session, PageKind::Counters, sink)?;
    journal(session, &head, newest, sink)
}

/// Refuses what is no journal body.
pub(super) fn check_body(body: &[u8]) -> Result<(), StoreError> {
    JournalBody::decode(body).map(drop).map_err(|_| StoreError::Corrupt("a journal body does not decode"))
}

fn call(session: &mut Session, statement: &Statement, values: &[Value<'_>]) -> Result<(), Fault> {
    session.call(statement, values)?;
    session.sync();
    session.send()
}

fn each(
    session: &mut Session,
    statement: &Statement,
    values: &[Value<'_>],
    mut take: impl FnMut(&Row) -> Result<(), StoreError>,
) -> Result<(), Fault> {
    call(session, statement, values)?;
    while let Some(row) = session.row()? {
        take(&row)?;
    }
    session.ready()
}

fn pages(session: &mut Session, kind: PageKind, sink: &mut dyn Load) -> Result<(), Fault> {
    let values = [Value::Number(i64::from(kind.number()))];
    if kind == PageKind::Tokens {
        each(session, &COUNT_PAGES, &values, |row| {
            sink.expect(row.columns().number()?);
            Ok(())
        })?;
    }
    each(session, &PAGES, &values, |row| {
        let mut columns = row.columns();
        let number =
            u32::try_from(columns.number()?).map_err(|_| StoreError::Corrupt("a page has no number"))?;
        sink.page(kind, number, columns.bytes()?)
    })
}

/// The rows that the journal marks.
fn rows(session: &mut Session, sink: &mut dyn Load) -> Result<(), Fault> {
    let mut slots = BTreeSet::new();
    each(session, &MARKED, &[], |row| {
        let marks = read_marks(row.columns().bytes()?).map_err(|_| MARKS)?;
        slots.extend(marks.map(|(slot, _)| Some(i64::from(slot.0))));
        Ok(())
    })?;
    let slots: Vec<_> = slots.into_iter().collect();
    for slots in slots.chunks(AT_ONCE) {
        let mut met = 0_usize;
        each(session, &TOKENS, &[Value::Numbers(slots)], |row| {
            met = met.saturating_add(1);
            sink.token(token::row(row)?)
        })?;
        if met != slots.len() {
            return Err(StoreError::Corrupt("a row that the journal wrote is missing").into());
        }
    }
    Ok(())
}

/// Hands over each group. Numbers must follow each other up to the head.
fn journal(session: &mut Session, head: &Head, newest: Epoch, sink: &mut dyn Load) -> Result<(), Fault> {
    let mut next = head.oldest.0;
    each(session, &JOURNAL, &[], |row| {
        let group = turn::group(&mut row.columns(), newest)?;
        if group.number.0 != next || next == 0 {
            return Err(StoreError::Corrupt("the journal has a gap"));
        }
        if group.number == head.chain.number && group.mac != head.chain.mac {
            return Err(StoreError::Corrupt("the head is not the last group of the journal"));
        }
        next = next.saturating_add(1);
        sink.journal(group)
    })?;
    if next == head.chain.number.0.saturating_add(1) {
        return Ok(());
    }
    Err(StoreError::Corrupt("the head is not the last group of the journal").into())
}

fn record(row: &Row) -> Result<Record, StoreError> {
    let mut columns = row.columns();
    let space = u8::try_from(columns.number()?).ok().and_then(Space::from_number);
    Ok(Record {
        space: space.ok_or(StoreError::Corrupt("a record lies in no known space"))?,
        key: columns.bytes()?.to_vec(),
        expires: columns.maybe_number()?.map(UnixTime::from_seconds),
        body: Some(columns.bytes()?.to_vec()),
    })
}
