//! The sandbox bank's page for the second factor (3-D Secure calls it the ACS), for
//! payments of every API; and the sandbox wallet's.

use super::Error;
use super::place::place;
use super::view::{Acs, Mark, Message, WalletPage, masked, page, price};
use crate::vault::body::{Fields, Text};
use crate::vault::db::{Merchant, Payment, Source, State};
use crate::vault::house::{House, Outcome};
use crate::vault::http::{Answer, Call};

/// The sandbox's one-time password that is right.
const RIGHT: &str = "111000";

/// `GET /acs/{payment}`
pub fn show(house: &House, call: &Call) -> Result<Answer, Error> {
    let payment = find(house, call)?;
    if payment.state != State::Authenticating {
        return on_to(house, &payment);
    }
    asked(house, &payment, None)
}

/// `POST /acs/{payment}`
pub fn decide(house: &House, call: &Call) -> Result<Answer, Error> {
    from_here(call)?;
    let payment = find(house, call)?;
    let form = call.form()?;
    let fields = Fields::of(&form);
    let outcome = match (fields.text("action", Text::ID)?, &payment.source) {
        (Some("cancel"), _) => Outcome::Failed,
        (Some("approve"), Source::Wallet) => Outcome::Succeeded,
        (Some("confirm"), source) if !matches!(source, Source::Wallet) => {
            match fields.text("otp", Text::DIGITS.up_to(8)) {
                Ok(Some(RIGHT)) => Outcome::Succeeded,
                Ok(Some(_)) => Outcome::Failed,
                _ => return asked(house, &payment, Some("Enter the digits of your one-time password.")),
            }
        }
        _ => return asked(house, &payment, Some("That cannot be done here.")),
    };
    let payment = house.authenticate(&payment.id, outcome, house.now())?;
    on_to(house, &payment)
}

/// A form comes from the page itself. Whoever knows the address could send it as well, so
/// this keeps nothing secret; it keeps other sites' forms out.
pub fn from_here(call: &Call) -> Result<(), Error> {
    match call.header("sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(Error::elsewhere()),
    }
}

fn find(house: &House, call: &Call) -> Result<Payment, Error> {
    house.db.read(|db| Payment::by_id(db, call.at("payment")))?.ok_or_else(Error::nowhere)
}

fn asked(house: &House, payment: &Payment, error: Option<&str>) -> Result<Answer, Error> {
    let merchant = house.db.read(|db| Merchant::by_pk(db, payment.merchant))?.ok_or_else(Error::nowhere)?;
    let (merchant, price) = (merchant.name.as_str(), &price(payment.amount, payment.currency));
    let status = if error.is_some() { 422 } else { 200 };
    if let Source::Wallet = payment.source {
        return Ok(page(status, &WalletPage { merchant, price })?);
    }
    let card = payment.card.as_ref().map(masked);
    Ok(page(status, &Acs { merchant, price, card: card.as_deref(), error })?)
}

/// To where the merchant wants the customer, or what happened.
fn on_to(house: &House, payment: &Payment) -> Result<Answer, Error> {
    let (title, text, mark, again) = match payment.state {
        State::Authenticating | State::Charging => {
            ("One moment", "We are waiting for your bank.", Mark::Wait, true)
        }
        State::Charged => ("Payment successful", "You can close this page.", Mark::Good, false),
        State::Failed => ("Payment failed", "You have not been charged.", Mark::Bad, false),
    };
    if !again && let Some(place) = place(house, payment)? {
        return Ok(Answer::redirect(&place));
    }
    Ok(page(200, &Message { title, text, mark, again, link: None })?)
}
