//! Appending a group: one transaction, and for counter moves alone one row.

use rusqlite::Connection;

use super::super::{Epoch, Group, GroupNumber, Page, Record, StoreError, TokenRow};
use super::change::Change;
use super::expire::stored_time;
use super::failure::failed;
use super::number::Number;
use super::{meta, page};

/// Journal rows removed with each one added: enough to catch up, few enough
/// that no group waits for it.
const REMOVED: u64 = 3;

/// What an append left in the journal.
pub(super) struct Kept {
    /// The oldest group.
    pub(super) oldest: GroupNumber,
    /// Bytes of the bodies removed.
    pub(super) removed: u64,
}

/// Makes `group` durable if it follows the last one and `ours` is the newest
/// epoch. `oldest` is the oldest group in the journal.
pub(super) fn append(
    connection: &mut Connection,
    ours: Epoch,
    oldest: GroupNumber,
    group: &Group,
) -> Result<Kept, StoreError> {
    let change = Change::begin(connection)?;
    let (newest, head) = meta::state(&change)?;
    group.check(head, ours, newest)?;
    write(&change, group).map_err(failed)?;
    let kept = remove(&change, oldest, group).map_err(failed)?;
    change.commit()?;
    Ok(kept)
}

fn write(change: &Change<'_>, group: &Group) -> rusqlite::Result<()> {
    let marks = group.marks();
    change
        .prepare_cached(
            "INSERT INTO journal (number, epoch, before, mac, marks, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            Number(group.number.0),
            Number(group.epoch.0),
            group.before,
            group.mac,
            (!marks.is_empty()).then_some(marks),
            &group.body,
        ))?;
    group.tokens.iter().try_for_each(|row| write_token(change, row))?;
    group.records.iter().try_for_each(|record| write_record(change, record))?;
    group.pages.iter().try_for_each(|page| write_page(change, page))
}

fn write_token(change: &Change<'_>, row: &TokenRow) -> rusqlite::Result<()> {
    change
        .prepare_cached(
            "INSERT INTO token (slot, trid, revision, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (slot) DO UPDATE
             SET trid = excluded.trid, revision = excluded.revision, body = excluded.body",
        )?
        .execute((row.slot.0, Number(row.trid.value()), row.revision, &row.body))?;
    Ok(())
}

fn write_record(change: &Change<'_>, record: &Record) -> rusqlite::Result<()> {
    let (space, key) = (record.space.number(), &record.key);
    match &record.body {
        Some(body) => change
            .prepare_cached(
                "INSERT INTO record (space, key, expires, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (space, key) DO UPDATE SET expires = excluded.expires, body = excluded.body",
            )?
            .execute((space, key, record.expires.map(stored_time), body))?,
        None => change
            .prepare_cached("DELETE FROM record WHERE space = ?1 AND key = ?2")?
            .execute((space, key))?,
    };
    Ok(())
}

fn write_page(change: &Change<'_>, page: &Page) -> rusqlite::Result<()> {
    change
        .prepare_cached(
            "INSERT INTO page (id, body) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        )?
        .execute((page::id(page.kind, page.number), &page.body))?;
    Ok(())
}

/// Removes some of the oldest groups that are kept no more.
fn remove(change: &Change<'_>, oldest: GroupNumber, group: &Group) -> rusqlite::Result<Kept> {
    let until = group.keep_from.min(group.number).min(GroupNumber(oldest.0.saturating_add(REMOVED)));
    let mut removed = 0_u64;
    for number in oldest.0..until.0 {
        let bytes: Number = change
            .prepare_cached("DELETE FROM journal WHERE number = ?1 RETURNING length(body)")?
            .query_row([Number(number)], |row| row.get(0))?;
        removed = removed.saturating_add(bytes.0);
    }
    Ok(Kept { oldest: oldest.max(until), removed })
}
