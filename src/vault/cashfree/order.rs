//! Orders.

use serde_json::{Value, json};

use super::Error;
use super::visit::{Version, key, merchant};
use crate::types::{Amount, Currency, UnixTime};
use crate::vault::body::{FieldFault, Fields, Text, Why, digest};
use crate::vault::db::{Api, Asked, Before, NewOrder, Order, Stored};
use crate::vault::house::{Fault, House};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;
use crate::vault::words::{currency as currency_of, india, letters, units};

/// How long an order may be paid, in seconds: thirty days.
const WINDOW: u64 = 30 * 86_400;
/// Ids of orders are shown as numbers, too; they begin here.
const FIRST: u64 = 2_149_460_580;

/// An order as it was wanted.
struct Wanted<'c> {
    id: String,
    amount: Amount,
    currency: Currency,
    customer: &'c str,
    details: Value,
}

/// `POST /pg/orders`
pub fn create(house: &House, call: &Call) -> Result<Answer, Error> {
    let version = Version::of(call)?;
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let wanted = wanted(&Fields::of(&body))?;
    let now = house.now();
    let asked = key(call)?.map(|key| Asked {
        merchant: merchant.pk,
        operation: "cashfree/order",
        key,
        digest: digest(&body, &|_| None),
    });
    let session = format!("session_{}payment", ids::hex::<20>().map_err(Fault::from)?);
    let stored = house.db.write(|tx| {
        match asked.map(|asked| asked.before(tx, now)).transpose()? {
            Some(Before::Same(stored)) => return Ok(stored),
            Some(Before::Other) => return Err(Fault::KeyReused.into()),
            Some(Before::Nothing) | None => {}
        }
        let new = NewOrder {
            merchant: merchant.pk,
            api: Api::Cashfree,
            id: &wanted.id,
            session: Some(&session),
            customer: Some(wanted.customer),
            amount: wanted.amount,
            currency: wanted.currency,
            expires: Some(UnixTime::from_seconds(now.seconds().saturating_add(WINDOW))),
            details: &wanted.details,
        };
        let order = new.add(tx, now)?.ok_or_else(|| {
            Error::invalid(409, "order_already_exists", "order with same id is already present")
        })?;
        let stored = Stored { status: 200, body: shown(&order, version, now).to_string() };
        if let Some(asked) = asked {
            asked.answer(tx, &stored, now)?;
        }
        Ok::<_, Error>(stored)
    })?;
    Ok(stored.into())
}

/// `GET /pg/orders/{order}`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let version = Version::of(call)?;
    let merchant = merchant(house, call)?;
    let order = find(house, merchant.pk, call.at("order"))?;
    Ok(Answer::json(200, &shown(&order, version, house.now())))
}

/// A merchant's order.
pub fn find(house: &House, merchant: i64, id: &str) -> Result<Order, Error> {
    house
        .db
        .read(|db| Order::by_id(db, merchant, Api::Cashfree, id))?
        .ok_or_else(|| Error::not_found("order"))
}

fn wanted<'c>(fields: &Fields<'c>) -> Result<Wanted<'c>, Error> {
    const ORDER: Text = Text { most: 45, of: |c| c.is_ascii_alphanumeric() || c == '_' || c == '-' };
    let amount = fields.decimal("order_amount")?.ok_or_else(|| fields.fault("order_amount", Why::Missing))?;
    let currency = fields.needed("order_currency", Text::ID.up_to(3))?;
    let currency = currency_of(currency).ok_or_else(|| fields.fault("order_currency", Why::Value))?;
    let customer = fields.object("customer_details")?;
    if !customer.is_there() {
        return Err(fields.fault("customer_details", Why::Missing).into());
    }
    let id = customer.needed("customer_id", Text::ID)?;
    let phone =
        customer.needed("customer_phone", Text { most: 16, of: |c| c.is_ascii_digit() || c == '+' })?;
    if phone.len() < 10 {
        return Err(customer.fault("customer_phone", Why::Value).into());
    }
    let meta = fields.object("order_meta")?;
    let url = |name| address(&meta, name);
    let details = json!({
        "phone": phone,
        "email": customer.text("customer_email", Text::LINE)?,
        "name": customer.text("customer_name", Text::LINE)?,
        "note": fields.text("order_note", Text::LINE)?,
        "return_url": url("return_url")?,
        "notify_url": url("notify_url")?,
    });
    let given = fields.text("order_id", ORDER)?;
    if given.is_some_and(|id| id.len() < 3) {
        return Err(fields.fault("order_id", Why::Value).into());
    }
    let order = match given {
        Some(id) => id.to_owned(),
        None => format!("order_{}", ids::hex::<10>().map_err(Fault::from)?),
    };
    Ok(Wanted { id: order, amount: Amount::from_minor_units(amount), currency, customer: id, details })
}

/// An address that a browser is sent to.
fn address<'c>(fields: &Fields<'c>, name: &str) -> Result<Option<&'c str>, FieldFault> {
    let url = fields.text(name, Text { most: 1024, of: |c| c.is_ascii_graphic() })?;
    match url {
        Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
            Err(fields.fault(name, Why::Value))
        }
        url => Ok(url),
    }
}

fn shown(order: &Order, version: Version, now: UnixTime) -> Value {
    let status = match (order.paid, order.is_over(now)) {
        (true, _) => "PAID",
        (false, true) => "EXPIRED",
        (false, false) => "ACTIVE",
    };
    let number = FIRST.saturating_add(u64::try_from(order.pk).unwrap_or(0));
    json!({
        "cf_order_id": version.id(&number.to_string()),
        "order_id": order.id,
        "entity": "order",
        "order_currency": letters(order.currency),
        "order_amount": units(order.amount),
        "order_status": status,
        "payment_session_id": order.session,
        "order_expiry_time": order.expires.map(india),
        "order_note": order.detail("note"),
        "created_at": india(order.created),
        "customer_details": {
            "customer_id": order.customer,
            "customer_phone": order.detail("phone"),
            "customer_email": order.detail("email"),
            "customer_name": order.detail("name"),
        },
        "order_meta": { "return_url": order.detail("return_url"), "notify_url": order.detail("notify_url") },
    })
}
