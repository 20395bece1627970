//! Payments of an order.

use serde_json::{Value, json};

use super::visit::{Version, merchant};
use super::{Error, order};
use crate::types::Network;
use crate::vault::card::{CardFace, Issuer};
use crate::vault::db::{Order, Payment, State};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};
use crate::vault::words::{india, letters, units};

/// `GET /pg/orders/{order}/payments`
pub fn list(house: &House, call: &Call) -> Result<Answer, Error> {
    let version = Version::of(call)?;
    let merchant = merchant(house, call)?;
    let order = order::find(house, merchant.pk, call.at("order"))?;
    let payments = house.db.read(|db| Payment::of_order(db, order.pk))?;
    let shown: Vec<_> = payments.iter().map(|payment| shown(payment, &order, version)).collect();
    Ok(Answer::json(200, &shown.into()))
}

/// `GET /pg/orders/{order}/payments/{payment}`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let version = Version::of(call)?;
    let merchant = merchant(house, call)?;
    let order = order::find(house, merchant.pk, call.at("order"))?;
    let payment = house.db.read(|db| Payment::by_id(db, call.at("payment")))?;
    let payment =
        payment.filter(|payment| payment.order == order.pk).ok_or_else(|| Error::not_found("payment"))?;
    Ok(Answer::json(200, &shown(&payment, &order, version)))
}

/// The word for how far a payment is.
pub fn status(payment: &Payment) -> &'static str {
    match payment.state {
        State::Authenticating => "NOT_ATTEMPTED",
        State::Charging => "PENDING",
        State::Charged => "SUCCESS",
        State::Failed => "FAILED",
    }
}

fn shown(payment: &Payment, order: &Order, version: Version) -> Value {
    let mut body = json!({
        "cf_payment_id": version.id(&payment.id),
        "order_id": order.id,
        "entity": "payment",
        "is_captured": payment.state == State::Charged,
        "order_amount": units(order.amount),
        "payment_amount": units(payment.amount),
        "payment_currency": letters(payment.currency),
        "payment_status": status(payment),
        "payment_group": "debit_card",
        "payment_message": payment.reason.as_deref().unwrap_or("ok"),
        "payment_time": india(payment.created),
        "payment_method": { "card": payment.card.as_ref().map_or_else(|| json!({}), |card| card_of(payment, card)) },
    });
    if let (State::Failed, Some(reason), Some(body)) = (payment.state, &payment.reason, body.as_object_mut())
    {
        let details = json!({
            "error_code": "TRANSACTION_DECLINED",
            "error_description": reason.replace('_', " "),
            "error_reason": reason,
            "error_source": if reason.starts_with("authentication") { "customer" } else { "bank" },
        });
        body.insert("error_details".to_owned(), details);
    }
    body
}

fn card_of(payment: &Payment, card: &CardFace) -> Value {
    let issuer = Issuer::of(card);
    json!({
        "channel": payment.detail("channel"),
        "card_number": format!("{}{}", "X".repeat(usize::from(card.length.saturating_sub(4))), card.last_four),
        "card_network": network(card.network()).to_ascii_lowercase(),
        "card_type": if issuer.credit { "credit_card" } else { "debit_card" },
        "card_country": issuer.country,
        "card_bank_name": issuer.bank,
    })
}

/// A network's name in this API.
pub fn network(network: Network) -> &'static str {
    match network {
        Network::Visa => "VISA",
        Network::Mastercard => "MASTERCARD",
        Network::Amex => "AMEX",
        Network::Rupay => "RUPAY",
        Network::Diners => "DINERS",
        Network::Discover => "DISCOVER",
        Network::Jcb => "JCB",
        Network::Unionpay => "UNIONPAY",
        Network::Maestro => "MAESTRO",
        Network::Other => "OTHER",
    }
}
