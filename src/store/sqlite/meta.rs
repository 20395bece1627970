//! The one row of `meta`: epoch and folded head.

use rusqlite::{Connection, Transaction};

use super::super::{ChainHead, Epoch, GroupNumber, StoreError};
use super::failure::failed;
use super::number::Number;
use super::schema::begin;

/// Draws the next epoch. It is durable when this returns.
pub(super) fn draw_epoch(connection: &mut Connection) -> Result<Epoch, StoreError> {
    let change = begin(connection)?;
    let (Epoch(newest), _) = state(&change)?;
    let next = newest.checked_add(1).filter(|next| i64::try_from(*next).is_ok());
    let next = next.ok_or(StoreError::Corrupt("the epochs are used up"))?;
    change.execute("UPDATE meta SET epoch = ?1", [Number(next)]).map_err(failed)?;
    change.commit().map_err(failed)?;
    Ok(Epoch(next))
}

/// The newest epoch drawn and the number of the last group.
pub(super) fn state(change: &Transaction<'_>) -> Result<(Epoch, GroupNumber), StoreError> {
    change
        .prepare_cached("SELECT epoch, coalesce((SELECT max(number) FROM journal), folded_number) FROM meta")
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map(|(Number(epoch), Number(number))| (Epoch(epoch), GroupNumber(number)))
        .map_err(failed)
}

/// The number of the last group.
pub(super) fn head(connection: &Connection) -> Result<GroupNumber, StoreError> {
    connection
        .query_row("SELECT coalesce((SELECT max(number) FROM journal), folded_number) FROM meta", [], |row| {
            row.get(0)
        })
        .map(|Number(number)| GroupNumber(number))
        .map_err(failed)
}

/// Refuses if a newer epoch than `ours` was drawn.
pub(super) fn check_epoch(change: &Transaction<'_>, ours: Epoch) -> Result<(), StoreError> {
    let (newest, _) = state(change)?;
    if newest == ours { Ok(()) } else { Err(StoreError::Fenced) }
}

/// The head up to which the journal is folded.
pub(super) fn folded(connection: &Connection) -> Result<ChainHead, StoreError> {
    connection
        .prepare_cached("SELECT folded_number, folded_mac FROM meta")
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map(|(Number(number), mac)| ChainHead { number: GroupNumber(number), mac })
        .map_err(failed)
}

/// Writes the head up to which the journal is folded.
pub(super) fn set_folded(change: &Transaction<'_>, head: ChainHead) -> Result<(), StoreError> {
    change
        .prepare_cached("UPDATE meta SET folded_number = ?1, folded_mac = ?2")
        .and_then(|mut statement| statement.execute((Number(head.number.0), head.mac)))
        .map_err(failed)?;
    Ok(())
}
