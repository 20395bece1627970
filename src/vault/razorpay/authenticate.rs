//! The second factor. Who has a payment's address is its cardholder: the id in it cannot
//! be guessed.

use serde_json::json;

use super::payment::status;
use super::{Error, find};
use crate::vault::body::{Fields, Text, Why};
use crate::vault::house::{House, Outcome};
use crate::vault::http::{Answer, Call};

/// `GET /v1/payments/{payment}/authenticate?outcome=success|failure`
///
/// A browser goes on to the page where the cardholder is asked; who is none, as a test
/// of the sandbox, says how it goes.
pub fn submit(house: &House, call: &Call) -> Result<Answer, Error> {
    submitted(house, call).map_err(|error| error.at("payment_authentication"))
}

fn submitted(house: &House, call: &Call) -> Result<Answer, Error> {
    let payment = find::payment(house, None, call.at("payment"))?;
    let is_browser = call.headers.get_all("accept").iter().any(|accepted| {
        accepted.to_str().is_ok_and(|accepted| accepted.to_ascii_lowercase().contains("text/html"))
    });
    if is_browser {
        return Ok(Answer::redirect(&format!("{}/acs/{}", house.public, payment.id)));
    }
    let query = call.query()?;
    let fields = Fields::of(&query);
    let outcome = match fields.text("outcome", Text::ID)? {
        None | Some("success") => Outcome::Succeeded,
        Some("failure") => Outcome::Failed,
        Some(_) => return Err(fields.fault("outcome", Why::Value).into()),
    };
    // Who only asks what is there does not pass it.
    let payment = match call.method.as_str() {
        "GET" => house.authenticate(&payment.id, outcome, house.now())?,
        _ => payment,
    };
    Ok(Answer::json(200, &json!({ "status": status(&payment) })))
}
