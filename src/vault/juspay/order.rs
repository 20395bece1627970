//! Orders.

use serde_json::{Value, json};

use super::Error;
use super::status::shown;
use super::visit::{ORDER, body, merchant, query};
use crate::types::{Amount, Currency, UnixTime};
use crate::vault::body::{Fields, Text, Why};
use crate::vault::db::{Api, Merchant, NewOrder, Order};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};
use crate::vault::ids;
use crate::vault::words::currency as currency_of;

const URL: Text = Text { most: 2048, of: |c| c.is_ascii_graphic() };
const PHONE: Text = Text { most: 20, of: |c| c.is_ascii_digit() || c == '+' || c == '-' || c == ' ' };

/// An order as it was wanted.
struct Wanted<'f> {
    id: &'f str,
    amount: Amount,
    currency: Currency,
    customer: Option<&'f str>,
    details: Value,
}

/// `POST /orders` and `POST /order/create`. The same order again is the one that is there:
/// the libraries have no idempotency key.
pub fn create(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = body(call, &merchant)?;
    let wanted = wanted(&Fields::of(&body))?;
    let now = house.now();
    let order = match add(house, &merchant, &wanted, now)? {
        Some(order) => order,
        None => find(house, &merchant, wanted.id)?,
    };
    if !wanted.is(&order) {
        return Err(Error::invalid("order_already_exists", "there is another order with this order_id"));
    }
    tell(house, &order, &merchant)
}

/// `GET /order/status?order_id=…`
pub fn asked(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let asked = query(call, &merchant)?;
    let order = find(house, &merchant, Fields::of(&asked).needed("order_id", ORDER)?)?;
    tell(house, &order, &merchant)
}

/// `GET /orders/{order}`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    query(call, &merchant)?;
    let order = find(house, &merchant, call.at("order"))?;
    tell(house, &order, &merchant)
}

/// A merchant's order.
pub fn find(house: &House, merchant: &Merchant, id: &str) -> Result<Order, Error> {
    let found = house.db.read(|db| Order::by_id(db, merchant.pk, Api::Juspay, id))?;
    found.ok_or_else(|| Error::not_found("order"))
}

fn tell(house: &House, order: &Order, merchant: &Merchant) -> Result<Answer, Error> {
    let shown = house.db.read(|db| shown(db, order, merchant))?;
    Ok(Answer::json(200, &shown))
}

fn add(
    house: &House,
    merchant: &Merchant,
    wanted: &Wanted<'_>,
    now: UnixTime,
) -> Result<Option<Order>, Error> {
    let session = format!("ordeh_{}", ids::hex::<16>()?);
    let new = NewOrder {
        merchant: merchant.pk,
        api: Api::Juspay,
        id: wanted.id,
        // Nobody pays by it here; it is the order's other id.
        session: Some(&session),
        customer: wanted.customer,
        amount: wanted.amount,
        currency: wanted.currency,
        expires: None,
        details: &wanted.details,
    };
    Ok(house.db.write(|tx| new.add(tx, now))?)
}

fn wanted<'f>(fields: &Fields<'f>) -> Result<Wanted<'f>, Error> {
    let id = fields.needed("order_id", ORDER)?;
    let missing = if fields.get("amount").is_none() { Why::Missing } else { Why::Empty };
    let amount = fields.decimal("amount")?.ok_or_else(|| fields.fault("amount", missing))?;
    let letters = fields.text("currency", Text::ID.up_to(3))?.unwrap_or("INR");
    let currency = currency_of(letters).ok_or_else(|| fields.fault("currency", Why::Value))?;
    let return_url = fields.text("return_url", URL)?;
    if return_url.is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(fields.fault("return_url", Why::Value).into());
    }
    let details = json!({
        "email": fields.text("customer_email", Text::LINE)?,
        "phone": fields.text("customer_phone", PHONE)?,
        "product_id": fields.text("product_id", Text::LINE)?,
        "description": fields.text("description", Text::LINE)?,
        "return_url": return_url,
    });
    let customer = fields.text("customer_id", Text::ID)?;
    Ok(Wanted { id, amount: Amount::from_minor_units(amount), currency, customer, details })
}

impl Wanted<'_> {
    fn is(&self, order: &Order) -> bool {
        self.amount == order.amount
            && self.currency == order.currency
            && self.customer == order.customer.as_deref()
            && self.details == order.details
    }
}
