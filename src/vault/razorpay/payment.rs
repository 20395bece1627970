//! Payments.

use serde_json::{Value, json};

use super::visit::merchant;
use super::{Error, entity, find};
use crate::vault::db::{DbError, Instrument, Order, Payment, State};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};
use crate::vault::words::letters;

/// What is told of a failed payment.
struct Failure {
    code: &'static str,
    description: &'static str,
    source: &'static str,
    step: &'static str,
}

/// `GET /v1/payments/{payment}`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let payment = find::payment(house, Some(merchant.pk), call.at("payment"))?;
    let order = house.db.read(|db| Order::by_pk(db, payment.order))?.ok_or_else(Error::unknown)?;
    Ok(Answer::json(200, &shown(house, &payment, &order)?))
}

/// `GET /v1/orders/{order}/payments`
pub fn list(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let order = find::order(house, merchant.pk, call.at("order"))?;
    let payments = house.db.read(|db| Payment::of_order(db, order.pk))?;
    let items: Result<_, DbError> = payments.iter().map(|payment| shown(house, payment, &order)).collect();
    Ok(Answer::json(200, &entity::collection(items?)))
}

/// The word for how far a payment is.
pub const fn status(payment: &Payment) -> &'static str {
    match payment.state {
        State::Authenticating | State::Charging => "created",
        State::Charged => "captured",
        State::Failed => "failed",
    }
}

fn shown(house: &House, payment: &Payment, order: &Order) -> Result<Value, DbError> {
    let instrument = match payment.instrument {
        Some(pk) => house.db.read(|db| Instrument::by_pk(db, pk))?,
        None => None,
    };
    let reason = payment.reason.as_deref().filter(|_| payment.state == State::Failed);
    let failure = reason.map(failure);
    Ok(json!({
        "id": payment.id,
        "entity": "payment",
        "amount": payment.amount.minor_units(),
        "currency": letters(payment.currency),
        "status": status(payment),
        "order_id": order.id,
        "invoice_id": null,
        "international": false,
        "method": "card",
        "amount_refunded": 0,
        "refund_status": null,
        "captured": payment.state == State::Charged,
        "description": null,
        "card_id": null,
        "card": payment.card.as_ref().map(|card| entity::card(card, &card.last_four)),
        "bank": null,
        "wallet": null,
        "vpa": null,
        "email": payment.detail("email"),
        "contact": payment.detail("contact"),
        "customer_id": payment.customer,
        "token_id": instrument.as_ref().map(entity::token_id),
        "notes": payment.detail("notes"),
        "fee": null,
        "tax": null,
        "error_code": failure.as_ref().map(|failure| failure.code),
        "error_description": failure.as_ref().map(|failure| failure.description),
        "error_source": failure.as_ref().map(|failure| failure.source),
        "error_step": failure.as_ref().map(|failure| failure.step),
        "error_reason": reason,
        "created_at": payment.created.seconds(),
    }))
}

/// The API's words for why a payment failed.
fn failure(reason: &str) -> Failure {
    let (code, description, source, step) = match reason {
        "authentication_failed" => (
            "BAD_REQUEST_ERROR",
            "Payment failed because the cardholder could not be authenticated",
            "customer",
            "payment_authentication",
        ),
        "authentication_timed_out" => {
            ("BAD_REQUEST_ERROR", "Payment was not completed on time", "customer", "payment_authentication")
        }
        "order_paid" => (
            "BAD_REQUEST_ERROR",
            "Payment already done for this order.",
            "business",
            "payment_authentication",
        ),
        "issuer_timed_out" => (
            "GATEWAY_ERROR",
            "Payment failed because the card's bank did not answer in time",
            "bank",
            "payment_authorization",
        ),
        "card_declined" => (
            "BAD_REQUEST_ERROR",
            "Payment failed because the card was declined by its bank",
            "bank",
            "payment_authorization",
        ),
        // Of the token and its cryptogram: the reason says it.
        _ => (
            "BAD_REQUEST_ERROR",
            "Payment failed because the token was declined by its network",
            "service_provider",
            "payment_authorization",
        ),
    };
    Failure { code, description, source, step }
}
