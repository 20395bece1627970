//! `POST /sessions/{session}/cancel`

use super::visit::{merchant, session};
use super::{Error, Standing, show};
use crate::vault::db::{Payment, Session};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};

/// Gives a session up in which nothing was begun; its key dies. To be asked again does no
/// harm.
pub fn cancel(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let session = session(house, &merchant, call.at("session"))?;
    let now = house.now();
    let session = give_up(house, &session)?;
    let payment = match &session.payment {
        Some(id) => house.db.read(|db| Payment::by_id(db, id))?,
        None => None,
    };
    match Standing::of(&session, payment.as_ref(), now) {
        Standing::Failed if session.cancelled => {
            let body = house.db.read(|db| show::shown(db, &session, &house.public, now))?;
            Ok(Answer::json(200, &body))
        }
        Standing::Expired => Err(Error::expired()),
        _ => Err(Error::confirmed()),
    }
}

/// Gives it up if that can still be.
pub fn give_up(house: &House, session: &Session) -> Result<Session, Error> {
    let now = house.now();
    if house.db.write(|tx| Session::cancel(tx, &session.id, now))? {
        house.drop_key(session)?;
    }
    let found = house.db.read(|db| Session::by_id(db, &session.id))?;
    found.ok_or_else(|| Error::not_found("session"))
}
