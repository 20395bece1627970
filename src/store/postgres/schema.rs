//! The tables, who may use them, and whether a database is ours and keeps what it commits.

use super::super::StoreError;
use super::fault::Fault;
use super::session::Session;
use super::statement::{SCHEMA, SETTINGS};

/// Makes the tables. To be run once, by the role that is to own them.
pub const SCHEMA_SQL: &str = include_str!("schema.sql");
/// Makes the role of the nodes, `tallystick_node`.
pub const ROLE_SQL: &str = include_str!("role.sql");

/// The schema that this version knows.
const KNOWN: i64 = 1;

/// Refuses a database of another schema, or one whose commits a power loss could undo.
pub(super) fn check(session: &mut Session) -> Result<(), Fault> {
    session.call(&SCHEMA, &[])?;
    session.call(&SETTINGS, &[])?;
    session.sync();
    session.send()?;
    let row = session.one()?.ok_or(StoreError::Corrupt("the database has no head"))?;
    let found = i64::try_from(row.columns().number()?).unwrap_or(i64::MAX);
    while let Some(row) = session.row()? {
        let mut columns = row.columns();
        if !keeps(columns.text()?, columns.text()?) {
            return Err(Fault::Refused(
                "the database is set not to keep what it commits: fsync or synchronous_commit",
            ));
        }
    }
    session.ready()?;
    match found {
        KNOWN => Ok(()),
        0 => Err(StoreError::Corrupt("the database's tables are not complete").into()),
        _ => Err(StoreError::Schema { found, known: KNOWN }.into()),
    }
}

fn keeps(name: &str, setting: &str) -> bool {
    match name {
        "synchronous_commit" => matches!(setting, "on" | "remote_apply"),
        _ => setting == "on",
    }
}
