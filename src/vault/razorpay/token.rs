//! Tokens are fetched, listed and deleted.

use serde_json::json;

use super::visit::merchant;
use super::{Error, entity, find};
use crate::vault::body::{Fields, Text};
use crate::vault::db::Instrument;
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};

/// `POST /v1/tokens/fetch`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    shown(house, named(house, call)?)
}

/// `POST /v1/tokens/delete`: to be asked again does no harm.
pub fn delete(house: &House, call: &Call) -> Result<Answer, Error> {
    house.delete(&named(house, call)?, house.now())?;
    Ok(Answer::json(200, &json!([])))
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

/// `DELETE /v1/customers/{customer}/tokens/{token}`: to be asked again does no harm.
pub fn delete_of_customer(house: &House, call: &Call) -> Result<Answer, Error> {
    house.delete(&of_customer(house, call)?, house.now())?;
    Ok(Answer::json(200, &json!({ "deleted": true })))
}

/// The token of which a body says the `id`.
fn named(house: &House, call: &Call) -> Result<Instrument, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    find::token(house, merchant.pk, Fields::of(&body).needed("id", Text::ID)?)
}

fn of_customer(house: &House, call: &Call) -> Result<Instrument, Error> {
    let merchant = merchant(house, call)?;
    find::token_of(house, merchant.pk, call.at("customer"), call.at("token"))
}

fn shown(house: &House, instrument: Instrument) -> Result<Answer, Error> {
    Ok(Answer::json(200, &entity::token(&house.shown(instrument)?)))
}
