//! `POST /sessions/{session}/confirm`

use super::create::without_cvc;
use super::visit::{key, merchant, session};
use super::{Error, Pay, Paying, pay, show};
use crate::vault::body::{Fields, digest};
use crate::vault::db::{Asked, Before, Mode, Stored};
use crate::vault::house::{Fault, House};
use crate::vault::http::{Answer, Call};

/// Begins the session's payment: its second factor is at the address in the answer.
pub fn confirm(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let session = session(house, &merchant, call.at("session"))?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let paying = Paying::read(&fields)?;
    // It may come here as well as when the session was made.
    let save = fields.flag("savePaymentMethod")?.unwrap_or(session.detail("save") == true);
    let now = house.now();
    let operation = format!("sessions/confirm/{}", session.id);
    let asked = key(call)?.map(|key| Asked {
        merchant: merchant.pk,
        operation: &operation,
        key,
        digest: digest(&body, &without_cvc),
    });
    // Before the key of the session is used up.
    match asked.map(|asked| house.db.read(|db| asked.before(db, now))).transpose()? {
        Some(Before::Same(stored)) => return Ok(stored.into()),
        Some(Before::Other) => return Err(Fault::KeyReused.into()),
        Some(Before::Nothing) | None => {}
    }
    if session.mode == Mode::Redirect {
        return Err(Error::new(409, "session_confirms_itself", "the customer confirms it on its page"));
    }
    let paid = Pay { session: &session, paying: &paying, save, asked: asked.as_ref() };
    let stored = pay(house, &paid, now, |db, session| {
        let body = show::shown(db, session, &house.public, now)?;
        Ok(Stored { status: 200, body: body.to_string() })
    })?;
    Ok(stored.into())
}
