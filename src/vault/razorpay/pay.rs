//! An order is paid: by card, by one's own token, or by a token of another provider with
//! its cryptogram.

use serde_json::{Value, json};

use super::card::{cvv, typed};
use super::contact::{contact, email};
use super::find::{self, customer_of};
use super::notes::notes;
use super::order::amount;
use super::visit::{key, merchant};
use super::{Error, PROVIDERS};
use crate::types::{Cryptogram, TokenNumber, TokenStatus, UnixTime};
use crate::vault::body::{Fields, Text, Why, digest};
use crate::vault::card::CardFace;
use crate::vault::db::{Asked, Merchant, Order, Payment, Source, Stored};
use crate::vault::house::{Begin, Entered, Fault, House};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;

/// What is paid with, and what may be shown of it.
struct Means {
    source: Source,
    card: CardFace,
}

/// `POST /v1/payments/create/json`
pub fn create(house: &House, call: &Call) -> Result<Answer, Error> {
    created(house, call).map_err(|error| error.at("payment_initiation"))
}

fn created(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let order = order(house, &merchant, &fields)?;
    let details = details(&fields)?;
    if fields.needed("method", Text::ID)? != "card" {
        return Err(fields.fault("method", Why::Value).into());
    }
    let customer = customer_of(house, merchant.pk, &fields)?;
    let save = fields.flag("save")?.unwrap_or(false);
    if save && customer.is_none() {
        return Err(fields.fault("customer_id", Why::Missing).into());
    }
    let (key, now) = (key(call)?, house.now());
    let id = format!("pay_{}", ids::tag().map_err(Fault::from)?);
    let Means { source, card } = means(house, &merchant, &fields, customer, save, now)?;
    let is_card = matches!(source, Source::Card(_));
    let print = card.fingerprint().map(|print| print.to_hex()).unwrap_or_default();
    let digest = digest(&body, &|path| match path {
        "card.number" => source.instead_of_number(Some(&print)),
        "card.cvv" => Some(String::new()),
        _ => None,
    });
    let asked = key.map(|key| Asked { merchant: merchant.pk, operation: "razorpay/payment", key, digest });
    let begin =
        Begin { order: &order, id, customer, source, card: Some(card), save: save && is_card, details };
    Ok(house.begin(&begin, asked.as_ref(), now, |payment| told(house, payment))?.into())
}

fn told(house: &House, payment: &Payment) -> Stored {
    let url = format!("{}/v1/payments/{}/authenticate", house.public, payment.id);
    let body = json!({ "razorpay_payment_id": payment.id, "next": [{ "action": "redirect", "url": url }] });
    Stored { status: 200, body: body.to_string() }
}

/// The order, of which the request must say the amount as it is.
fn order(house: &House, merchant: &Merchant, fields: &Fields<'_>) -> Result<Order, Error> {
    let (amount, currency) = amount(fields)?;
    let order = find::order(house, merchant.pk, fields.needed("order_id", Text::ID)?)?;
    if amount != order.amount {
        return Err(Error::field("amount", "Your payment amount is different from your order amount"));
    }
    if currency != order.currency {
        return Err(Error::field("currency", "Your payment currency is different from your order currency"));
    }
    Ok(order)
}

fn details(fields: &Fields<'_>) -> Result<Value, Error> {
    let email = email(fields)?.ok_or_else(|| fields.fault("email", Why::Missing))?;
    let contact = contact(fields)?.ok_or_else(|| fields.fault("contact", Why::Missing))?;
    Ok(json!({ "email": email, "contact": contact, "notes": notes(fields)? }))
}

fn means(
    house: &House,
    merchant: &Merchant,
    fields: &Fields<'_>,
    customer: Option<&str>,
    save: bool,
    now: UnixTime,
) -> Result<Means, Error> {
    let card = fields.object("card")?;
    let tokenised = [card.flag("tokenised")?, card.flag("tokenised_card")?].contains(&Some(true));
    if let Some(id) = fields.text("token", Text::ID)? {
        if tokenised || card.get("number").is_some() {
            return Err(Error::field("token", "The token must not come with another card"));
        }
        return own(house, merchant, id, customer, &card);
    }
    if !card.is_there() {
        return Err(fields.fault("card", Why::Missing).into());
    }
    if tokenised {
        return anothers(house, &card, save);
    }
    if card.text("cryptogram_value", Text::BASE64)?.is_some() {
        return Err(Error::field("tokenised", "The tokenised must be true with a cryptogram_value"));
    }
    let typed = typed(&card)?;
    let given = Some(typed.cvv.ok_or_else(|| card.fault("cvv", Why::Missing))?);
    let held = house.hold(&Entered { number: typed.number, expiry: typed.expiry, cvv: given }, now)?;
    Ok(Means { source: Source::Card(held.handle), card: CardFace::of(&held).named(typed.name, None) })
}

/// By a token of one's own. A card verification value is optional with it, but wrong is
/// wrong.
fn own(
    house: &House,
    merchant: &Merchant,
    id: &str,
    customer: Option<&str>,
    card: &Fields<'_>,
) -> Result<Means, Error> {
    let cvv = cvv(card)?;
    let instrument = match customer {
        Some(customer) => find::token_of(house, merchant.pk, customer, id)?,
        None => find::token(house, merchant.pk, id)?,
    };
    if instrument.deleted.is_some() {
        return Err(Fault::Deleted.into());
    }
    if cvv.is_some_and(|cvv| cvv.len() != instrument.card.network().verification_digits()) {
        return Err(Fault::Cvv.into());
    }
    let shown = house.shown(instrument)?;
    let reason = match shown.status() {
        TokenStatus::Active => {
            let instrument = shown.instrument;
            return Ok(Means { source: Source::Saved(instrument.pk), card: instrument.card });
        }
        TokenStatus::Initiated => "token_not_active",
        TokenStatus::Suspended => "token_suspended",
        TokenStatus::Deactivated(_) => "token_deactivated",
    };
    Err(Error::refused(format!("The token is {}", shown.status().name()), reason))
}

/// By a token that another provider gave, and a cryptogram of that provider.
fn anothers(house: &House, card: &Fields<'_>, save: bool) -> Result<Means, Error> {
    if save {
        return Err(Error::field("save", "The save must be false with a token"));
    }
    let typed = typed(card)?;
    let cryptogram = card.needed("cryptogram_value", Text::BASE64.up_to(64))?;
    let cryptogram = Cryptogram::from_base64_lenient(cryptogram)
        .map_err(|_| card.fault("cryptogram_value", Why::Value))?;
    if !PROVIDERS.contains(&card.needed("token_provider", Text::ID)?) {
        return Err(card.fault("token_provider", Why::Value).into());
    }
    if typed.cvv.is_some_and(|cvv| cvv.len() != typed.network().verification_digits()) {
        return Err(Fault::Cvv.into());
    }
    let digits: String = typed.number.chars().filter(|c| *c != ' ').collect();
    let token = TokenNumber::parse(digits.as_bytes()).map_err(|_| card.fault("number", Why::Value))?;
    house.known(token)?;
    let source = Source::Token { token, expiry: typed.expiry, trid: None, cryptogram: Some(cryptogram) };
    Ok(Means { source, card: CardFace::of_token(token, typed.expiry, None).named(typed.name, None) })
}
