//! What a merchant is told of a payment that has come to its end.

use rusqlite::Transaction;
use serde_json::json;

use super::status::shown_by;
use crate::types::UnixTime;
use crate::vault::db::{DbError, Event, Merchant, Order, Payment, State};
use crate::vault::words::india;

/// Puts the event down, in the transaction in which the payment ends. A merchant without
/// an address for webhooks is told nothing.
///
/// # Errors
/// [`DbError`].
pub fn tell(tx: &Transaction<'_>, payment: &Payment, now: UnixTime) -> Result<(), DbError> {
    let (Some(merchant), Some(order)) =
        (Merchant::by_pk(tx, payment.merchant)?, Order::by_pk(tx, payment.order)?)
    else {
        return Err(DbError::Content("payment"));
    };
    let charged = payment.state == State::Charged;
    // An attempt that fails beside one that pays is not the order's failure.
    if merchant.webhook.is_none() || (!charged && Payment::is_order_taken(tx, order.pk)?) {
        return Ok(());
    }
    // A payment ends once, so its event has its id.
    let id = format!("evt_{}", payment.id);
    let name = if charged { "ORDER_SUCCEEDED" } else { "ORDER_FAILED" };
    let body = json!({
        "id": id,
        "date_created": india(now),
        "event_name": name,
        "content": { "order": shown_by(tx, &order, &merchant, Some(payment))? },
    });
    Event::add(tx, merchant.pk, &id, &body.to_string(), now)
}
