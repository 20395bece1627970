//! The one row of `meta`: the newest epoch, and the newest that was anchored.

use rusqlite::Connection;

use super::super::{Epoch, GroupNumber, StoreError};
use super::change::Change;
use super::failure::failed;
use super::number::Number;

/// Draws the next epoch. It is durable when this returns.
pub(super) fn draw_epoch(connection: &mut Connection) -> Result<Epoch, StoreError> {
    let change = Change::begin(connection)?;
    let (newest, _) = state(&change)?;
    draw_above(change, newest)
}

/// Draws the next epoch, above `floor` too, unless one newer than `ours` was drawn.
pub(super) fn outgrow(connection: &mut Connection, ours: Epoch, floor: Epoch) -> Result<Epoch, StoreError> {
    let change = Change::begin(connection)?;
    check_epoch(&change, ours)?;
    draw_above(change, ours.max(floor))
}

fn draw_above(change: Change<'_>, floor: Epoch) -> Result<Epoch, StoreError> {
    let next = floor.0.checked_add(1).filter(|next| i64::try_from(*next).is_ok());
    let next = next.ok_or(StoreError::Corrupt("the epochs are used up"))?;
    change.execute("UPDATE meta SET epoch = ?1", [Number(next)]).map_err(failed)?;
    change.commit()?;
    Ok(Epoch(next))
}

/// The newest epoch drawn and the number of the last group.
pub(super) fn state(change: &Change<'_>) -> Result<(Epoch, GroupNumber), StoreError> {
    change
        .prepare_cached("SELECT epoch, coalesce((SELECT max(number) FROM journal), 0) FROM meta")
        .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))))
        .map(|(Number(epoch), Number(number))| (Epoch(epoch), GroupNumber(number)))
        .map_err(failed)
}

/// The number of the last group.
pub(super) fn head(connection: &Connection) -> Result<GroupNumber, StoreError> {
    connection
        .query_row("SELECT coalesce((SELECT max(number) FROM journal), 0) FROM meta", [], |row| row.get(0))
        .map(|Number(number)| GroupNumber(number))
        .map_err(failed)
}

/// Refuses if a newer epoch than `ours` was drawn.
pub(super) fn check_epoch(change: &Change<'_>, ours: Epoch) -> Result<(), StoreError> {
    let (newest, _) = state(change)?;
    if newest == ours { Ok(()) } else { Err(StoreError::Fenced) }
}

/// The newest epoch of which the anchor was told.
pub(super) fn anchored(connection: &Connection) -> Result<Epoch, StoreError> {
    connection
        .query_row("SELECT anchored FROM meta", [], |row| row.get(0))
        .map(|Number(epoch)| Epoch(epoch))
        .map_err(failed)
}

/// Says that the anchor was told of `ours`.
pub(super) fn set_anchored(connection: &mut Connection, ours: Epoch) -> Result<(), StoreError> {
    let change = Change::begin(connection)?;
    check_epoch(&change, ours)?;
    change.execute("UPDATE meta SET anchored = ?1", [Number(ours.0)]).map_err(failed)?;
    change.commit()
}
