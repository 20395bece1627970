//! A card is added, without a payment.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::Error;
use super::cards::reference;
use super::visit::{body, card_token, merchant};
use crate::types::UnixTime;
use crate::vault::body::{Fields, Text};
use crate::vault::card::CardFace;
use crate::vault::db::{Instrument, Merchant};
use crate::vault::house::{Entered, House, Saved, card_expiry};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;

/// `POST /card/add`: the merchant says by it that the customer consents. The same card of
/// the same customer is added once: the libraries have no idempotency key.
pub fn add(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = body(call, &merchant)?;
    let fields = Fields::of(&body);
    let customer = fields.needed("customer_id", Text::ID)?;
    fields.text("customer_email", Text::LINE)?;
    let (name, nickname) = names(&fields)?;
    let now = house.now();
    let held = house.hold(&entered(&fields)?, now)?;
    let face = CardFace::of(&held).named(name, nickname);
    let known = known(house, &merchant, customer, &face);
    let kept = match known {
        Ok(Some(known)) => Ok(known),
        Ok(None) => keep(house, &merchant, customer, &face, held.handle, now),
        Err(error) => Err(error),
    };
    house.release(held.handle);
    let kept = kept?;
    let body = json!({
        "card_token": card_token(&kept),
        "card_reference": reference(&kept),
        "card_fingerprint": kept.fingerprint.to_short(),
    });
    Ok(Answer::json(200, &body))
}

/// A card as this API's fields have it.
pub fn entered<'f>(fields: &Fields<'f>) -> Result<Entered<'f>, Error> {
    use crate::vault::body::Why;
    let number = fields.needed("card_number", Text::SPACED_DIGITS)?;
    let month = fields.text_or_number("card_exp_month", Text::DIGITS.up_to(2))?;
    let year = fields.text_or_number("card_exp_year", Text::DIGITS.up_to(4))?;
    let month = month.ok_or_else(|| fields.fault("card_exp_month", Why::Missing))?;
    let year = year.ok_or_else(|| fields.fault("card_exp_year", Why::Missing))?;
    let cvv = fields.text("card_security_code", Text::DIGITS.up_to(8))?;
    Ok(Entered { number, expiry: card_expiry(&month, &year)?, cvv })
}

/// The name on a card, and what its owner calls it.
pub fn names<'f>(fields: &Fields<'f>) -> Result<(Option<&'f str>, Option<&'f str>), Error> {
    let name = fields.text("name_on_card", Text::LINE.up_to(100))?;
    Ok((name, fields.text("nickname", Text::LINE.up_to(100))?))
}

fn known(
    house: &House,
    merchant: &Merchant,
    customer: &str,
    face: &CardFace,
) -> Result<Option<Instrument>, Error> {
    let all = house.db.read(|db| Instrument::of_customer(db, merchant.pk, customer))?;
    let same =
        |one: &Instrument| Some(one.fingerprint) == face.fingerprint() && one.card.expiry() == face.expiry();
    Ok(all.into_iter().find(same))
}

fn keep(
    house: &House,
    merchant: &Merchant,
    customer: &str,
    face: &CardFace,
    handle: crate::types::CardHandle,
    now: UnixTime,
) -> Result<Instrument, Error> {
    // What the engine takes down as evidence is that this merchant asked for this card.
    let asked = Sha256::new().chain_update(&merchant.name).chain_update([0]).chain_update(customer);
    let reference = data_encoding::HEXLOWER.encode(&asked.finalize());
    let origin = format!("juspay:{}", ids::hex::<16>()?);
    let saved = Saved {
        merchant,
        customer: Some(customer),
        handle,
        card: face,
        provider: "juspay",
        reference: reference.get(..32).unwrap_or_default(),
        auth_reference: None,
        origin: &origin,
        details: json!({}),
    };
    Ok(house.keep(&saved, now)?)
}
