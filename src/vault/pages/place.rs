//! Where a customer goes when a payment has ended.

use crate::vault::db::{Api, DbError, Order, Payment, Session, State};
use crate::vault::house::House;
use crate::vault::juspay;

/// Where the API's merchant wants the customer, if it said so.
pub fn place(house: &House, payment: &Payment) -> Result<Option<String>, DbError> {
    if payment.api == Api::Sessions {
        let session = house.db.read(|db| Session::by_payment(db, &payment.id))?;
        return Ok(session.and_then(|session| of_session(&session, payment.state == State::Charged)));
    }
    let Some(order) = house.db.read(|db| Order::by_pk(db, payment.order))? else { return Ok(None) };
    if payment.api == Api::Juspay {
        return Ok(juspay::back(&order, payment));
    }
    let given = order.detail("return_url").as_str();
    // Cashfree's placeholder; an id has no character that means something in an address.
    let place = given.filter(|url| is_of_the_web(url)).map(|url| url.replace("{order_id}", &order.id));
    Ok(place)
}

/// Where the customer goes from a session that is paid, or is not.
pub fn of_session(session: &Session, paid: bool) -> Option<String> {
    let name = if paid { "successUrl" } else { "failureUrl" };
    session.detail(name).as_str().map(str::to_owned)
}

fn is_of_the_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
