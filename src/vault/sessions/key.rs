//! A session's key: made by the engine, good for one card, and gone with the session.

use super::Error;
use crate::types::UnixTime;
use crate::vault::db::Session;
use crate::vault::house::House;

/// The session with a key: the one that it has, or a new one where none is left, as after
/// a card that was not accepted or a restart of the engine.
///
/// # Errors
/// [`Error`]; no key is left behind then.
pub fn keyed(house: &House, session: Session, now: UnixTime) -> Result<Session, Error> {
    if session.entry.is_some() {
        return Ok(session);
    }
    let opened = house.open_entry(session.merchant, session.expires, now)?;
    let done = house.db.write(|tx| Session::keyed(tx, &session.id, opened.session, &opened.public_key));
    if !matches!(done, Ok(true)) {
        house.close_entry(opened.session);
    }
    done?;
    // Another request may have been faster; then it is that one's key.
    let found = house.db.read(|db| Session::by_id(db, &session.id))?;
    found.ok_or_else(|| Error::not_found("session"))
}
