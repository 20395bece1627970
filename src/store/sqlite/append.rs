//! Appending a group: one transaction, and for counter moves alone one row.

use rusqlite::{Connection, Transaction};

use super::super::{Epoch, Group, Record, StoreError, TokenRow};
use super::expire::stored_time;
use super::failure::failed;
use super::number::Number;
use super::{meta, schema};

/// Makes `group` durable if it follows the last one and `ours` is the newest epoch.
pub(super) fn append(connection: &mut Connection, ours: Epoch, group: &Group) -> Result<(), StoreError> {
    let change = schema::begin(connection)?;
    let (newest, head) = meta::state(&change)?;
    group.check(head, ours, newest)?;
    write(&change, group).map_err(failed)?;
    change.commit().map_err(failed)
}

fn write(change: &Transaction<'_>, group: &Group) -> rusqlite::Result<()> {
    change
        .prepare_cached("INSERT INTO journal (number, epoch, body, mac) VALUES (?1, ?2, ?3, ?4)")?
        .execute((Number(group.number.0), Number(group.epoch.0), &group.body, group.mac))?;
    group.tokens.iter().try_for_each(|row| write_token(change, row))?;
    group.records.iter().try_for_each(|record| write_record(change, record))
}

fn write_token(change: &Transaction<'_>, row: &TokenRow) -> rusqlite::Result<()> {
    change
        .prepare_cached(
            "INSERT INTO token (slot, trid, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (slot) DO UPDATE SET trid = excluded.trid, body = excluded.body",
        )?
        .execute((row.slot.0, Number(row.trid.value()), &row.body))?;
    Ok(())
}

fn write_record(change: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
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
