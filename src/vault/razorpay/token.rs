//! Tokens are fetched, listed and deleted.

use serde_json::{Value, json};

use super::visit::{key, merchant};
use super::{Error, entity, find};
use crate::vault::body::{Fields, Node, Text, digest};
use crate::vault::db::{Asked, Instrument, Stored};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};

/// `POST /v1/tokens/fetch`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    shown(house, named(house, call)?)
}

/// `POST /v1/tokens/delete`
pub fn delete(house: &House, call: &Call) -> Result<Answer, Error> {
    gone(house, call, &named(house, call)?, &json!([]))
}

/// `GET /v1/customers/{customer}/tokens`
pub fn list(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let customer = find::customer(house, merchant.pk, call.at("customer"))?;
    let found = house.instruments_of(&merchant, &customer.id)?;
    Ok(Answer::json(200, &entity::collection(found.iter().map(entity::token).collect())))
}

/// `GET /v1/customers/{customer}/tokens/{token}`
pub fn fetch_of_customer(house: &House, call: &Call) -> Result<Answer, Error> {
    shown(house, of_customer(house, call)?)
}

/// `DELETE /v1/customers/{customer}/tokens/{token}`
pub fn delete_of_customer(house: &House, call: &Call) -> Result<Answer, Error> {
    gone(house, call, &of_customer(house, call)?, &json!({ "deleted": true }))
}

/// The token of which a body says the `id`, also one that was deleted.
fn named(house: &House, call: &Call) -> Result<Instrument, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    find::token(house, merchant.pk, Fields::of(&body).needed("id", Text::ID)?)
}

/// The token that the path says, also one that was deleted.
fn of_customer(house: &House, call: &Call) -> Result<Instrument, Error> {
    let merchant = merchant(house, call)?;
    find::token_of(house, merchant.pk, call.at("customer"), call.at("token"))
}

fn shown(house: &House, instrument: Instrument) -> Result<Answer, Error> {
    Ok(Answer::json(200, &entity::token(&house.shown(instrument)?)))
}

/// Deletes a token: it is listed no more, and deactivated for good. To be asked again does
/// no harm.
fn gone(house: &House, call: &Call, instrument: &Instrument, told: &Value) -> Result<Answer, Error> {
    let now = house.now();
    let asked = key(call)?.map(|key| Asked {
        merchant: instrument.merchant,
        operation: "razorpay/delete",
        key,
        digest: digest(&Node::Text(instrument.id.clone().into()), &|_| None),
    });
    let stored = house.once(asked.as_ref(), now, || {
        house.delete(instrument, now)?;
        Ok(Stored { status: 200, body: told.to_string() })
    })?;
    Ok(stored.into())
}
