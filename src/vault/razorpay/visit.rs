//! Who asks, and with which idempotency key.

use super::Error;
use crate::vault::db::{Api, Credential, Merchant};
use crate::vault::house::House;
use crate::vault::http::Call;

/// The header with an idempotency key. The API itself has one for payouts only, which
/// this follows in what it does.
pub const KEY: &str = "X-Razorpay-Idempotency-Key";

/// The merchant whose key id and secret came with the request.
///
/// # Errors
/// Missing or wrong credentials, told alike.
pub fn merchant(house: &House, call: &Call) -> Result<Merchant, Error> {
    let basic = call.basic().ok_or_else(Error::credentials)?;
    let credential = Credential { api: Api::Razorpay, id: &basic.user };
    house.db.read(|db| Merchant::known_by(db, &credential, &basic.password))?.ok_or_else(Error::credentials)
}

/// The idempotency key, if there is one.
///
/// # Errors
/// One that is too long, or there twice.
pub fn key(call: &Call) -> Result<Option<&str>, Error> {
    Ok(call.key(KEY)?)
}
