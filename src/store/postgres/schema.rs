//! The tables, who may use them, and whether a database is ours and keeps what it commits.

use super::super::StoreError;
use super::fault::Fault;
use super::session::Session;
use super::statement::{SCHEMA, SETTINGS};

/// Makes the tables. To be run once, by the role that is to own them.
pub const SCHEMA_SQL: &str = include_str!("schema.sql");
/// Makes the role of the nodes, `tallystick_node`.
pub const ROLE_SQL: &str = include_str!("role.sql");

/// The schema that this version knows, of a store that is whole.
pub(super) const COMPLETE: i64 = 1;
/// In its place while a store is being moved in,
pub(super) const INCOMPLETE: i64 = 0;
/// and once one is being moved out, for good.
pub(super) const MOVED: i64 = -1;

pub(super) const MOVED_AWAY: &str = "the store was moved out of this database";

/// Refuses a database whose commits a power loss could undo. Returns its version.
pub(super) fn check(session: &mut Session) -> Result<i64, Fault> {
    session.call(&SCHEMA, &[])?;
    session.call(&SETTINGS, &[])?;
    session.sync();
    session.send()?;
    let row = session.one()?.ok_or(StoreError::Corrupt("the database has no head"))?;
    let found = row.columns().signed()?;
    while let Some(row) = session.row()? {
        let mut columns = row.columns();
        if !keeps(columns.text()?, columns.text()?) {
            return Err(Fault::Refused(
                "the database is set not to keep what it commits: fsync or synchronous_commit",
            ));
        }
    }
    session.ready()?;
    Ok(found)
}

/// Refuses a database of another schema, or one that is not whole.
pub(super) fn check_version(found: i64) -> Result<(), StoreError> {
    match found {
        COMPLETE => Ok(()),
        INCOMPLETE => Err(StoreError::Corrupt("the store was not moved into the database to its end")),
        MOVED => Err(StoreError::Io(MOVED_AWAY.to_owned())),
        _ => Err(StoreError::Schema { found, known: COMPLETE }),
    }
}

fn keeps(name: &str, setting: &str) -> bool {
    match name {
        "synchronous_commit" => matches!(setting, "on" | "remote_apply"),
        _ => setting == "on",
    }
}
