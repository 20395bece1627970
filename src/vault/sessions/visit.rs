//! Who asks, and with which idempotency key.

use super::Error;
use crate::vault::db::{Api, Credential, Merchant, Session};
use crate::vault::house::House;
use crate::vault::http::Call;

/// The merchant whose credentials came with the request.
///
/// # Errors
/// Missing or wrong credentials, told alike.
pub fn merchant(house: &House, call: &Call) -> Result<Merchant, Error> {
    let basic = call.basic().ok_or_else(Error::credentials)?;
    let credential = Credential { api: Api::Sessions, id: &basic.user };
    house.db.read(|db| Merchant::known_by(db, &credential, &basic.password))?.ok_or_else(Error::credentials)
}

/// A merchant's session.
///
/// # Errors
/// There is none, or it is another merchant's: told alike.
pub fn session(house: &House, merchant: &Merchant, id: &str) -> Result<Session, Error> {
    let found = house.db.read(|db| Session::by_id(db, id))?;
    found.filter(|found| found.merchant == merchant.pk).ok_or_else(|| Error::not_found("session"))
}

/// The idempotency key, if there is one.
///
/// # Errors
/// One that is too long, or there twice.
pub fn key(call: &Call) -> Result<Option<&str>, Error> {
    Ok(call.key("idempotency-key")?)
}
