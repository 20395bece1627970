//! The second factor: where a transaction's customer is sent.

use serde_json::json;

use super::Error;
use super::status::{back, status};
use crate::vault::body::{Fields, Text, Why};
use crate::vault::db::{Api, Merchant, Order, Payment, State};
use crate::vault::house::{House, Outcome};
use crate::vault::http::{Answer, Call};

/// `GET /pay/start/{merchant}/{txn}`: a browser is sent to the sandbox's page for it.
/// Others pass it at once, or fail with `?outcome=failure`.
pub fn start(house: &House, call: &Call) -> Result<Answer, Error> {
    let asked = call.query()?;
    let fields = Fields::of(&asked);
    let outcome = match fields.text("outcome", Text::ID)? {
        None | Some("success") => Outcome::Succeeded,
        Some("failure") => Outcome::Failed,
        Some(_) => return Err(fields.fault("outcome", Why::Value).into()),
    };
    let (payment, order) = find(house, call)?;
    let browser = call.header("accept").is_some_and(|accept| accept.contains("text/html"));
    if browser && payment.state == State::Authenticating {
        return Ok(Answer::redirect(&format!("{}/acs/{}", house.public, payment.id)));
    }
    // Who only asks what is there does not pass it.
    let payment = match call.method.as_str() {
        "GET" => house.authenticate(&payment.id, outcome, house.now())?,
        _ => payment,
    };
    if browser && let Some(url) = back(&order, &payment) {
        return Ok(Answer::redirect(&url));
    }
    let (status, number) = status(Some(&payment));
    let body = json!({
        "order_id": order.id, "txn_id": payment.id, "status": status, "status_id": number,
    });
    Ok(Answer::json(200, &body))
}

fn find(house: &House, call: &Call) -> Result<(Payment, Order), Error> {
    let missing = || Error::not_found("transaction");
    house.db.read(|db| {
        let payment = Payment::by_id(db, call.at("txn"))?.filter(|payment| payment.api == Api::Juspay);
        let payment = payment.ok_or_else(missing)?;
        let merchant = Merchant::by_pk(db, payment.merchant)?.ok_or_else(missing)?;
        let order = Order::by_pk(db, payment.order)?.ok_or_else(missing)?;
        if merchant.name == call.at("merchant") { Ok((payment, order)) } else { Err(missing()) }
    })
}
