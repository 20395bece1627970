//! A session is made, with its order.

use rusqlite::Transaction;
use serde_json::json;

use super::{Error, Wanted};
use crate::types::UnixTime;
use crate::vault::db::{Api, Customer, Merchant, NewOrder, Order, Session};
use crate::vault::ids;

/// Makes a session. An order that was wanted before may be tried again in another
/// session; it is paid once.
///
/// # Errors
/// An order of this id that says something else, or is paid.
pub fn open(
    tx: &Transaction<'_>,
    merchant: &Merchant,
    wanted: &Wanted,
    now: UnixTime,
) -> Result<Session, Error> {
    let order = order(tx, merchant, wanted, now)?;
    if let Some(who) = &wanted.customer {
        let customer = Customer {
            id: who.id.clone(),
            name: who.name.clone(),
            email: who.email.clone(),
            contact: who.phone.clone(),
            notes: None,
            created: now,
        };
        customer.add(tx, merchant.pk)?;
    }
    let session = Session {
        id: format!("ses_{}", ids::hex::<20>()?),
        merchant: merchant.pk,
        order: order.pk,
        mode: wanted.mode,
        entry: None,
        public_key: None,
        payment: None,
        cancelled: false,
        details: wanted.details(),
        created: now,
        expires: UnixTime::from_seconds(now.seconds().saturating_add(wanted.window)),
    };
    session.add(tx)?;
    Ok(session)
}

fn order(tx: &Transaction<'_>, merchant: &Merchant, wanted: &Wanted, now: UnixTime) -> Result<Order, Error> {
    let id = match &wanted.order {
        Some(id) => id.clone(),
        None => format!("order_{}", ids::hex::<10>()?),
    };
    let customer = wanted.customer.as_ref().map(|who| who.id.as_str());
    let new = NewOrder {
        merchant: merchant.pk,
        api: Api::Sessions,
        id: &id,
        session: None,
        customer,
        amount: wanted.amount,
        currency: wanted.currency,
        // The session's window is what counts.
        expires: None,
        details: &json!({ "description": wanted.description }),
    };
    if let Some(order) = new.add(tx, now)? {
        return Ok(order);
    }
    let before =
        Order::by_id(tx, merchant.pk, Api::Sessions, &id)?.ok_or_else(|| Error::not_found("order"))?;
    if before.paid {
        return Err(Error::new(409, "order_paid", "the order is paid already"));
    }
    let same = before.amount == wanted.amount
        && before.currency == wanted.currency
        && before.customer.as_deref() == customer;
    if !same {
        return Err(Error::new(
            409,
            "order_differs",
            "an order with this id has another amount, currency or customer",
        ));
    }
    Ok(before)
}
