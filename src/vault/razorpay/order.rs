//! Orders.

use serde_json::{Value, json};

use super::notes::notes;
use super::visit::{key, merchant};
use super::{Error, find};
use crate::types::{Amount, Currency};
use crate::vault::body::{Fields, Text, Why, digest};
use crate::vault::db::{Api, Asked, Before, NewOrder, Order, Stored};
use crate::vault::house::{Fault, House};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;
use crate::vault::words::{currency as currency_of, letters};

/// Least and most amounts, in minor units.
const AMOUNTS: std::ops::RangeInclusive<u64> = 100..=99_999_999_999_999;

/// `POST /v1/orders`
pub fn create(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let (amount, currency) = amount(&fields)?;
    let details =
        json!({ "receipt": fields.text("receipt", Text::LINE.up_to(40))?, "notes": notes(&fields)? });
    let now = house.now();
    let asked = key(call)?.map(|key| Asked {
        merchant: merchant.pk,
        operation: "razorpay/order",
        key,
        digest: digest(&body, &|_| None),
    });
    let id = format!("order_{}", ids::tag().map_err(Fault::from)?);
    let stored = house.db.write(|tx| {
        match asked.map(|asked| asked.before(tx, now)).transpose()? {
            Some(Before::Same(stored)) => return Ok(stored),
            Some(Before::Other) => return Err(Fault::KeyReused),
            Some(Before::Nothing) | None => {}
        }
        let new = NewOrder {
            merchant: merchant.pk,
            api: Api::Razorpay,
            id: &id,
            session: None,
            customer: None,
            amount,
            currency,
            expires: None,
            details: &details,
        };
        let order = new.add(tx, now)?.ok_or(Fault::NotFound("order"))?;
        let stored = Stored { status: 200, body: shown(&order).to_string() };
        if let Some(asked) = asked {
            asked.answer(tx, &stored, now)?;
        }
        Ok::<_, Fault>(stored)
    })?;
    Ok(stored.into())
}

/// `GET /v1/orders/{order}`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    Ok(Answer::json(200, &shown(&find::order(house, merchant.pk, call.at("order"))?)))
}

/// `amount`, a whole number of minor units, and `currency`.
///
/// # Errors
/// Faults of the fields, and an amount below the least that is served.
pub fn amount(fields: &Fields<'_>) -> Result<(Amount, Currency), Error> {
    let amount = fields.whole("amount")?.ok_or_else(|| fields.fault("amount", Why::Missing))?;
    if !AMOUNTS.contains(&amount) {
        let bounds = format!("The amount must be between {} and {}", AMOUNTS.start(), AMOUNTS.end());
        return Err(Error::field("amount", bounds));
    }
    let known = currency_of(fields.needed("currency", Text::ID.up_to(3))?);
    let currency = known.ok_or_else(|| fields.fault("currency", Why::Value))?;
    Ok((Amount::from_minor_units(amount), currency))
}

fn shown(order: &Order) -> Value {
    let amount = order.amount.minor_units();
    let status = match (order.paid, order.attempts) {
        (true, _) => "paid",
        (false, 0) => "created",
        (false, _) => "attempted",
    };
    json!({
        "id": order.id,
        "entity": "order",
        "amount": amount,
        "amount_paid": if order.paid { amount } else { 0 },
        "amount_due": if order.paid { 0 } else { amount },
        "currency": letters(order.currency),
        "receipt": order.detail("receipt"),
        "offer_id": null,
        "status": status,
        "attempts": order.attempts,
        "notes": order.detail("notes"),
        "created_at": order.created.seconds(),
    })
}
