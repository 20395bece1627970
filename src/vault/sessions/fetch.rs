//! `GET /sessions/{session}`

use super::visit::{merchant, session};
use super::{Error, Kind, keyed, show};
use crate::vault::db::{Mode, Session};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};

/// Shows a session. One that waits for a card has a key, a new one if need be.
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let mut session = session(house, &merchant, call.at("session"))?;
    let now = house.now();
    if takes_cards(&session) && !session.is_over(now) {
        session = keyed(house, session, now)?;
    }
    let body = house.db.read(|db| show::shown(db, &session, &house.public, now))?;
    Ok(Answer::json(200, &body))
}

/// Whether a card may be confirmed in it: only then it has a key.
fn takes_cards(session: &Session) -> bool {
    session.mode == Mode::Api
        && session.detail("autoConfirm") == false
        && session.detail("type") == Kind::Card.name()
        && session.payment.is_none()
        && !session.cancelled
}
