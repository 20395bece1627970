//! Removing the records that may be forgotten.

use rusqlite::Connection;

use super::super::{Epoch, StoreError};
use super::change::Change;
use super::failure::failed;
use super::meta;
use crate::types::UnixTime;

/// Records removed at once: few enough that no group waits for it.
pub(super) const AT_ONCE: u32 = 256;

/// Removes some records whose expiry lies at or before `now`. Whether more may
/// be left.
pub(super) fn expire(connection: &mut Connection, ours: Epoch, now: UnixTime) -> Result<bool, StoreError> {
    let change = Change::begin(connection)?;
    meta::check_epoch(&change, ours)?;
    let removed = change
        .prepare_cached(
            "DELETE FROM record WHERE (space, key) IN
             (SELECT space, key FROM record WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
        )
        .and_then(|mut statement| statement.execute((stored_time(now), AT_ONCE)))
        .map_err(failed)?;
    change.commit()?;
    Ok(u32::try_from(removed) == Ok(AT_ONCE))
}

/// A time as stored. SQLite counts to 2^63 - 1 only; what lies beyond, 292
/// thousand million years away, becomes that.
pub(super) fn stored_time(time: UnixTime) -> i64 {
    i64::try_from(time.seconds()).unwrap_or(i64::MAX)
}
