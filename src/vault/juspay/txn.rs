//! An order is paid: by a new card, or by a saved one.

use serde_json::json;

use super::Error;
use super::add::{entered, names};
use super::order::find;
use super::visit::{ORDER, body, instrument, merchant};
use crate::types::UnixTime;
use crate::vault::body::{Fields, Text, Why};
use crate::vault::card::CardFace;
use crate::vault::db::{Merchant, Order, Payment, Source, Stored};
use crate::vault::house::{Begin, Fault, House};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;

/// `POST /txns`
pub fn begin(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = body(call, &merchant)?;
    let fields = Fields::of(&body);
    let order = fields.needed("order_id", ORDER)?;
    if fields.needed("payment_method_type", Text::ID)? != "CARD" {
        return Err(fields.fault("payment_method_type", Why::Value).into());
    }
    if !["", "json"].contains(&fields.text("format", Text::ID)?.unwrap_or_default()) {
        return Err(fields.fault("format", Why::Value).into());
    }
    let save = fields.flag("save_to_locker")?.unwrap_or(false);
    let redirect = fields.flag("redirect_after_payment")?.unwrap_or(true);
    let order = find(house, &merchant, order)?;
    let now = house.now();
    // 26 characters: as many as RuPay's number of an authentication has.
    let id = ids::hex::<13>()?;
    let (source, card) = match fields.text("card_token", Text::ID)? {
        Some(token) => saved(house, &merchant, &order, &fields, token)?,
        None => entered_card(house, &order, &fields, save, now)?,
    };
    let save = save && matches!(source, Source::Card(_));
    let details = json!({ "redirect": redirect });
    let begin = Begin { order: &order, id, customer: None, source, card: Some(card), save, details };
    let stored = house.begin(&begin, None, now, |payment| told(house, &merchant, &order, payment))?;
    Ok(stored.into())
}

fn entered_card(
    house: &House,
    order: &Order,
    fields: &Fields<'_>,
    save: bool,
    now: UnixTime,
) -> Result<(Source, CardFace), Error> {
    let (name, nickname) = names(fields)?;
    let card = entered(fields)?;
    if card.cvv.is_none() {
        return Err(fields.fault("card_security_code", Why::Missing).into());
    }
    if save && order.customer.is_none() {
        let message = "save_to_locker needs an order with a customer_id";
        return Err(Error::invalid("customer_missing", message));
    }
    let held = house.hold(&card, now)?;
    let face = CardFace::of(&held).named(name, nickname);
    Ok((Source::Card(held.handle), face))
}

fn saved(
    house: &House,
    merchant: &Merchant,
    order: &Order,
    fields: &Fields<'_>,
    token: &str,
) -> Result<(Source, CardFace), Error> {
    if let Some(name) = fields.names().find(|name| *name == "card_number" && fields.get(name).is_some()) {
        let message = "a card_token stands for the card: card_number must not be there";
        return Err(Error::from(fields.fault(name, Why::Value)).saying(message));
    }
    let found = instrument(house, merchant, token)?;
    if found.customer.is_none() || found.customer != order.customer {
        return Err(Error::not_found("card"));
    }
    if found.deleted.is_some() {
        return Err(Fault::Deleted.into());
    }
    // Optional for a card that is saved, but wrong is wrong. It is looked at and forgotten.
    let cvv = fields.text("card_security_code", Text::DIGITS.up_to(8))?;
    if cvv.is_some_and(|cvv| cvv.len() != found.card.network().verification_digits()) {
        return Err(Fault::Cvv.into());
    }
    Ok((Source::Saved(found.pk), found.card))
}

fn told(house: &House, merchant: &Merchant, order: &Order, payment: &Payment) -> Stored {
    let body = json!({
        "order_id": order.id,
        "txn_id": payment.id,
        "status": super::status::status(Some(payment)).0,
        "payment": {
            "authentication": {
                "method": "GET",
                "url": format!("{}/pay/start/{}/{}", house.public, merchant.name, payment.id),
            },
        },
    });
    Stored { status: 200, body: body.to_string() }
}
