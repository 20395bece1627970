//! A session as it is shown to its merchant.

use data_encoding::BASE64;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Kind, Standing};
use crate::types::UnixTime;
use crate::vault::card::CardFace;
use crate::vault::db::{Customer, DbError, Instrument, Mode, Order, Payment, Session, Source, Wallet};
use crate::vault::words::{letters, units};

/// The session as JSON.
///
/// # Errors
/// [`DbError`].
pub fn shown(db: &Connection, session: &Session, public: &str, now: UnixTime) -> Result<Value, DbError> {
    let order = Order::by_pk(db, session.order)?.ok_or(DbError::Content("session"))?;
    let payment = session.payment.as_deref().map(|id| Payment::by_id(db, id)).transpose()?.flatten();
    let standing = Standing::of(session, payment.as_ref(), now);
    let open = standing == Standing::Open;
    let key = session.public_key.as_ref().filter(|_| open && session.mode == Mode::Api);
    Ok(json!({
        "id": session.id,
        "status": standing.name(),
        "mode": session.mode.name(),
        "autoConfirm": session.detail("autoConfirm"),
        "createdAt": session.created.to_rfc3339(),
        "expiresAt": session.expires.to_rfc3339(),
        "customer": customer(db, &order)?,
        "orderInformation": {
            "orderId": order.id,
            "amount": units(order.amount),
            "currency": letters(order.currency),
            "description": order.detail("description"),
        },
        "redirect": {
            "successUrl": session.detail("successUrl"),
            "failureUrl": session.detail("failureUrl"),
            "expiredUrl": session.detail("expiredUrl"),
        },
        "savePaymentMethod": session.detail("save"),
        "showSavedPaymentMethods": session.detail("show"),
        "paymentMethod": session.detail("type").as_str().map(|kind| json!({ "type": kind })),
        "encryptionKey": key.map(|key| BASE64.encode(key)),
        "encryptionAlgorithm": key.map(|_| "RSA-OAEP-256"),
        "redirectUrl": place(session, standing, public),
        "payment": payment.map(|payment| paid(db, &payment)).transpose()?,
    }))
}

/// Where the merchant sends the customer next.
fn place(session: &Session, standing: Standing, public: &str) -> Option<String> {
    match (standing, session.mode, &session.payment) {
        (Standing::Open, Mode::Redirect, _) => Some(format!("{public}/pay/{}", session.id)),
        (Standing::AwaitingAuthentication, _, Some(payment)) => Some(format!("{public}/acs/{payment}")),
        _ => None,
    }
}

fn customer(db: &Connection, order: &Order) -> Result<Option<Value>, DbError> {
    let Some(id) = &order.customer else { return Ok(None) };
    let known = Customer::by_id(db, order.merchant, id)?;
    let known = known.as_ref();
    Ok(Some(json!({
        "id": id,
        "name": known.and_then(|known| known.name.as_deref()),
        "email": known.and_then(|known| known.email.as_deref()),
        "phone": known.and_then(|known| known.contact.as_deref()),
    })))
}

fn paid(db: &Connection, payment: &Payment) -> Result<Value, DbError> {
    let (kind, saved) = if let Source::Wallet = payment.source {
        (Kind::Wallet, Wallet::by_origin(db, &payment.id)?.map(|wallet| wallet.id))
    } else {
        let saved = payment.instrument.map(|pk| Instrument::by_pk(db, pk)).transpose()?.flatten();
        (Kind::Card, saved.map(|saved| saved.id))
    };
    Ok(json!({
        "id": payment.id,
        "reason": payment.reason,
        "type": kind.name(),
        "card": payment.card.as_ref().map(card),
        "saving": payment.saving.name(),
        "paymentMethodId": saved,
        "createdAt": payment.created.to_rfc3339(),
    }))
}

/// What is shown of a card.
pub fn card(card: &CardFace) -> Value {
    json!({
        "network": card.network().name(),
        "lastFour": card.last_four,
        "expiryMonth": card.month(),
        "expiryYear": card.year(),
    })
}
