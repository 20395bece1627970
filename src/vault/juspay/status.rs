//! An order as it stands, with the card it was paid with and that card's token.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::cards::{brand, kind, reference};
use crate::vault::card::{CardFace, Issuer};
use crate::vault::db::{DbError, Instrument, Merchant, Order, Payment, Saving, Source, Standing, State};
use crate::vault::words::{india, letters, units};

/// The word and the number for how far an order is.
#[must_use]
pub fn status(payment: Option<&Payment>) -> (&'static str, u16) {
    let Some(payment) = payment else { return ("NEW", 10) };
    let authenticated = !payment.reason.as_deref().is_some_and(|reason| reason.starts_with("authentication"));
    match (payment.state, authenticated) {
        (State::Authenticating, _) => ("PENDING_VBV", 23),
        (State::Charging, _) => ("AUTHORIZING", 28),
        (State::Charged, _) => ("CHARGED", 21),
        (State::Failed, false) => ("AUTHENTICATION_FAILED", 26),
        (State::Failed, true) => ("AUTHORIZATION_FAILED", 27),
    }
}

/// The payment that an order's state is told by: the one that pays it, else the newest.
fn telling(db: &Connection, order: &Order) -> Result<Option<Payment>, DbError> {
    let mut payments = Payment::of_order(db, order.pk)?;
    let paying = |payment: &Payment| matches!(payment.state, State::Charging | State::Charged);
    let at = payments.iter().position(paying).unwrap_or(0);
    Ok(if payments.is_empty() { None } else { Some(payments.swap_remove(at)) })
}

/// The order, as it stands.
///
/// # Errors
/// [`DbError`].
pub fn shown(db: &Connection, order: &Order, merchant: &Merchant) -> Result<Value, DbError> {
    let payment = telling(db, order)?;
    shown_by(db, order, merchant, payment.as_ref())
}

/// The order, as one of its payments tells it.
///
/// # Errors
/// [`DbError`].
pub fn shown_by(
    db: &Connection,
    order: &Order,
    merchant: &Merchant,
    payment: Option<&Payment>,
) -> Result<Value, DbError> {
    let (status, number) = status(payment);
    let text = |name: &str| order.detail(name).as_str().unwrap_or_default().to_owned();
    let mut body = json!({
        "id": order.session,
        "order_id": order.id,
        "merchant_id": merchant.name,
        "status": status,
        "status_id": number,
        "amount": units(order.amount),
        "currency": letters(order.currency),
        "customer_id": order.customer.as_deref().unwrap_or_default(),
        "customer_email": text("email"),
        "customer_phone": text("phone"),
        "product_id": text("product_id"),
        "return_url": text("return_url"),
        "description": text("description"),
        "date_created": india(order.created),
        "refunded": false,
        "amount_refunded": 0,
        // There is no page to pay an order of this API at, but libraries want the links.
        "payment_links": { "web": "", "mobile": "", "iframe": "" },
    });
    let (Some(payment), Some(body_of)) = (payment, body.as_object_mut()) else { return Ok(body) };
    body_of.insert("txn_id".to_owned(), payment.id.clone().into());
    body_of.insert("payment_method_type".to_owned(), "CARD".into());
    if let Some(reason) = &payment.reason {
        body_of.insert("bank_error_code".to_owned(), reason.as_str().into());
        body_of.insert("bank_error_message".to_owned(), reason.replace('_', " ").into());
    }
    if let Some(card) = &payment.card {
        let instrument = payment.instrument.map(|pk| Instrument::by_pk(db, pk)).transpose()?.flatten();
        body_of.insert("payment_method".to_owned(), brand(card.network()).into());
        body_of.insert("card".to_owned(), card_of(payment, card, instrument.as_ref()));
    }
    Ok(body)
}

fn card_of(payment: &Payment, card: &CardFace, instrument: Option<&Instrument>) -> Value {
    let issuer = Issuer::of(card);
    let saved = matches!(payment.source, Source::Saved(_));
    let mut body = json!({
        "name_on_card": card.name.as_deref().unwrap_or_default(),
        "expiry_year": card.year(),
        "expiry_month": card.month(),
        "card_isin": card.iin,
        "last_four_digits": card.last_four,
        "card_fingerprint": card.fingerprint().map(|print| print.to_short()).unwrap_or_default(),
        "card_type": kind(&issuer),
        "card_issuer": issuer.bank,
        "card_brand": brand(card.network()),
        "card_sub_type": null,
        "using_saved_card": saved,
        "saved_to_locker": !saved && payment.saving == Saving::Saved,
        // A card that was only kept is itself what was paid with.
        "using_token": saved && payment.saving == Saving::No,
    });
    let tokenised = instrument.filter(|instrument| instrument.standing != Standing::Kept);
    if let (Some(instrument), Some(body)) = (tokenised, body.as_object_mut()) {
        body.insert("token".to_owned(), token_of(instrument));
    }
    body
}

/// The token is the merchant's to see, and never the customer's.
fn token_of(instrument: &Instrument) -> Value {
    let number = instrument.token.digits();
    let number = number.as_str();
    json!({
        "card_reference": reference(instrument),
        "last_four_digits": number.get(number.len().saturating_sub(4)..).unwrap_or_default(),
        // From the PAN: the same as the card's.
        "card_fingerprint": instrument.fingerprint.to_short(),
        "card_isin": number.get(..6).unwrap_or_default(),
        "expiry_year": instrument.token_expiry.year().to_string(),
        "expiry_month": format!("{:02}", instrument.token_expiry.month()),
        "par": instrument.par.as_str(),
        "tokenization_status": if instrument.standing == Standing::Tokenised { "SUCCESS" } else { "PENDING" },
    })
}

/// Where the customer's browser goes in the end, if the merchant said so: with the order
/// and its state, which the merchant must not take from there but ask for. None, if the
/// merchant wants no redirect after this payment.
#[must_use]
pub fn back(order: &Order, payment: &Payment) -> Option<String> {
    let url = order.detail("return_url").as_str().filter(|_| payment.detail("redirect") == true)?;
    let (page, fragment) = match url.split_once('#') {
        Some((page, fragment)) => (page, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let (status, number) = status(Some(payment));
    let joint = if page.contains('?') { '&' } else { '?' };
    Some(format!("{page}{joint}order_id={}&status={status}&status_id={number}{fragment}", order.id))
}
