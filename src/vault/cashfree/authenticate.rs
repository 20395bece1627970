//! The second factor, by one-time password or simulated.

use serde_json::json;

use super::Error;
use super::visit::{Version, merchant};
use crate::vault::body::{Fields, Text, Why};
use crate::vault::db::{Api, Payment, State};
use crate::vault::house::{House, Outcome};
use crate::vault::http::{Answer, Call};

/// The sandbox's one-time password that is right.
const RIGHT: &str = "111000";

/// `POST /pg/orders/pay/authenticate/{payment}`
pub fn submit(house: &House, call: &Call) -> Result<Answer, Error> {
    let version = Version::of(call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let action = fields.text("action", Text::ID)?.unwrap_or("SUBMIT_OTP");
    if action == "RESEND_OTP" {
        let payment = find(house, call.at("payment"))?;
        return Ok(told(&payment, version, action));
    }
    if action != "SUBMIT_OTP" {
        return Err(fields.fault("action", Why::Value).into());
    }
    let otp = fields.needed("otp", Text::DIGITS.up_to(8))?;
    let payment = find(house, call.at("payment"))?;
    let outcome = if otp == RIGHT { Outcome::Succeeded } else { Outcome::Failed };
    let payment = house.authenticate(&payment.id, outcome, house.now())?;
    Ok(told(&payment, version, action))
}

/// `POST /pg/simulate`: the sandbox's customer.
pub fn simulate(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    if fields.needed("entity", Text::ID)? != "PAYMENTS" {
        return Err(fields.fault("entity", Why::Value).into());
    }
    let id = fields.text_or_number("entity_id", Text::DIGITS)?;
    let id = id.ok_or_else(|| fields.fault("entity_id", Why::Missing))?;
    let wanted = fields.object("entity_simulation")?;
    let outcome = match wanted.needed("payment_status", Text::ID)? {
        "SUCCESS" => Outcome::Succeeded,
        "FAILED" | "USER_DROPPED" => Outcome::Failed,
        _ => return Err(wanted.fault("payment_status", Why::Value).into()),
    };
    let payment = find(house, &id)?;
    if payment.merchant != merchant.pk {
        return Err(Error::not_found("payment"));
    }
    let payment = house.authenticate(&payment.id, outcome, house.now())?;
    Ok(simulation(&payment))
}

/// `GET /pg/simulate/{simulation}`
pub fn simulated(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let id = call.at("simulation").strip_prefix("sim_").ok_or_else(|| Error::not_found("simulation"))?;
    let payment = find(house, id).map_err(|_| Error::not_found("simulation"))?;
    if payment.merchant != merchant.pk {
        return Err(Error::not_found("simulation"));
    }
    Ok(simulation(&payment))
}

fn simulation(payment: &Payment) -> Answer {
    let body = json!({
        "simulation_id": format!("sim_{}", payment.id),
        "entity": "PAYMENTS",
        "entity_id": payment.id,
        "entity_simulation": { "payment_status": super::payment::status(payment) },
    });
    Answer::json(200, &body)
}

fn find(house: &House, id: &str) -> Result<Payment, Error> {
    let payment = house.db.read(|db| Payment::by_id(db, id))?;
    payment.filter(|payment| payment.api == Api::Cashfree).ok_or_else(|| Error::not_found("payment"))
}

fn told(payment: &Payment, version: Version, action: &str) -> Answer {
    // What the issuer says is another matter: the payment tells it.
    let authenticated = payment.reason.as_deref().is_none_or(|reason| !reason.starts_with("authentication"));
    let (status, message) = match (payment.state, authenticated) {
        // Of the sending: client libraries know no third word.
        (State::Authenticating, _) => ("SUCCESS", "one-time password sent"),
        (State::Failed, false) => ("FAILED", "authentication failed"),
        (State::Failed, true) => ("SUCCESS", "payment declined"),
        _ => ("SUCCESS", "payment authenticated"),
    };
    let body = json!({
        "action": action,
        "cf_payment_id": version.id(&payment.id),
        "authenticate_status": status,
        "payment_message": message,
    });
    Answer::json(200, &body)
}
