//! Removing the records that may be forgotten.

use rusqlite::Connection;

use super::super::{Epoch, StoreError};
use super::failure::failed;
use super::{meta, schema};
use crate::types::UnixTime;

/// Removes records whose expiry lies at or before `now`.
pub(super) fn expire(connection: &mut Connection, ours: Epoch, now: UnixTime) -> Result<(), StoreError> {
    let change = schema::begin(connection)?;
    meta::check_epoch(&change, ours)?;
    change
        .prepare_cached("DELETE FROM record WHERE expires <= ?1")
        .and_then(|mut statement| statement.execute([stored_time(now)]))
        .map_err(failed)?;
    change.commit().map_err(failed)
}

/// A time as stored. SQLite counts to 2^63 - 1 only; what lies beyond, 292
/// thousand million years away, becomes that.
pub(super) fn stored_time(time: UnixTime) -> i64 {
    i64::try_from(time.seconds()).unwrap_or(i64::MAX)
}
