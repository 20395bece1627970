//! `POST /sessions`

use super::visit::{key, merchant};
use super::{Error, Pay, Paying, Wanted, keyed, open, pay, show};
use crate::types::UnixTime;
use crate::vault::body::{Fields, digest};
use crate::vault::db::{Asked, Before, Mode, Session, Stored};
use crate::vault::house::{Fault, House};
use crate::vault::http::{Answer, Call};

/// Makes a session; one in API mode that needs no confirmation is paid at once.
pub fn create(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let wanted = Wanted::read(&fields)?;
    let now = house.now();
    let at_once = wanted.mode == Mode::Api && wanted.auto_confirm;
    // Read before anything is made, so that a fault makes nothing.
    Paying::looked_at(&fields)?;
    let paying = if at_once { Some(Paying::read(&fields)?) } else { None };
    if let Some(Paying::Encrypted(_)) = paying {
        return Err(Error::new(409, "no_key", "a session that confirms itself has no key to encrypt under"));
    }
    let asked = key(call)?.map(|key| Asked {
        merchant: merchant.pk,
        operation: "sessions/create",
        key,
        digest: digest(&body, &without_cvc),
    });
    match asked.map(|asked| house.db.read(|db| asked.before(db, now))).transpose()? {
        Some(Before::Same(stored)) => return Ok(stored.into()),
        Some(Before::Other) => return Err(Fault::KeyReused.into()),
        Some(Before::Nothing) | None => {}
    }
    let mut session = house.db.write(|tx| open(tx, &merchant, &wanted, now))?;
    if let Some(paying) = &paying {
        let paid = Pay { session: &session, paying, save: wanted.save, asked: asked.as_ref() };
        let stored = pay(house, &paid, now, |db, session| told(db, session, house, now));
        if stored.is_err() {
            // Nobody has heard of the session.
            house.db.write(|tx| Session::cancel(tx, &session.id, now))?;
        }
        return Ok(stored?.into());
    }
    if wanted.has_key() {
        session = keyed(house, session, now)?;
    }
    let stored = house.db.write(|tx| {
        let stored = told(tx, &session, house, now)?;
        if let Some(asked) = &asked {
            // Two at once with one key: the first one's answer is both's.
            match asked.before(tx, now)? {
                Before::Same(before) => return Ok(before),
                Before::Other => return Err(Fault::KeyReused),
                Before::Nothing => asked.answer(tx, &stored, now)?,
            }
        }
        Ok(stored)
    })?;
    Ok(stored.into())
}

fn told(db: &rusqlite::Connection, session: &Session, house: &House, now: UnixTime) -> Result<Stored, Fault> {
    Ok(Stored { status: 201, body: show::shown(db, session, &house.public, now)?.to_string() })
}

/// For digests of bodies: a verification value is not in them.
pub fn without_cvc(path: &str) -> Option<String> {
    (path == "paymentMethodOptions.card.cvc").then(String::new)
}
