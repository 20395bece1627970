//! Things by their ids. What is another merchant's, or another API's, is not there.

use super::Error;
use crate::vault::body::{Fields, Text};
use crate::vault::db::{Api, Customer, Instrument, Order, Payment};
use crate::vault::house::House;

/// A customer.
///
/// # Errors
/// [`Error::unknown`].
pub fn customer(house: &House, merchant: i64, id: &str) -> Result<Customer, Error> {
    house.db.read(|db| Customer::by_id(db, merchant, id))?.ok_or_else(Error::unknown)
}

/// The customer that a request is about, if it is about any.
///
/// # Errors
/// [`Error::unknown`], or a field that is no id.
pub fn customer_of<'n>(house: &House, merchant: i64, fields: &Fields<'n>) -> Result<Option<&'n str>, Error> {
    let Some(id) = fields.text("customer_id", Text::ID)? else { return Ok(None) };
    customer(house, merchant, id).map(|_| Some(id))
}

/// A token, also one that was deleted.
///
/// # Errors
/// [`Error::unknown`].
pub fn token(house: &House, merchant: i64, id: &str) -> Result<Instrument, Error> {
    let tag = id.strip_prefix("token_").ok_or_else(Error::unknown)?;
    house.db.read(|db| Instrument::by_tag(db, merchant, tag))?.ok_or_else(Error::unknown)
}

/// A customer's token, also one that was deleted.
///
/// # Errors
/// [`Error::unknown`].
pub fn token_of(house: &House, merchant: i64, customer: &str, id: &str) -> Result<Instrument, Error> {
    let of_customer = |found: &Instrument| found.customer.as_deref() == Some(customer);
    Some(token(house, merchant, id)?).filter(of_customer).ok_or_else(Error::unknown)
}

/// An order.
///
/// # Errors
/// [`Error::unknown`].
pub fn order(house: &House, merchant: i64, id: &str) -> Result<Order, Error> {
    house.db.read(|db| Order::by_id(db, merchant, Api::Razorpay, id))?.ok_or_else(Error::unknown)
}

/// A payment; without a merchant anybody's, for its cardholder.
///
/// # Errors
/// [`Error::unknown`].
pub fn payment(house: &House, merchant: Option<i64>, id: &str) -> Result<Payment, Error> {
    let found = house.db.read(|db| Payment::by_id(db, id))?;
    let own = |found: &Payment| found.api == Api::Razorpay && merchant.is_none_or(|pk| found.merchant == pk);
    found.filter(own).ok_or_else(Error::unknown)
}
