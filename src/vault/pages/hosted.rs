//! The page on which a session is paid.

use data_encoding::BASE64;

use super::Error;
use super::acs::from_here;
use super::place::of_session;
use super::view::{self, SavedCard, network, page, price};
use crate::types::UnixTime;
use crate::vault::body::{Fields, Text};
use crate::vault::db::{Merchant, Mode, Order, Payment, Session, Stored, Wallet};
use crate::vault::engine::EngineError;
use crate::vault::house::{Fault, House};
use crate::vault::http::{Answer, Call};
use crate::vault::sessions::{self, Kind, Pay, Paying, Standing, decoded, give_up, keyed};

/// `GET /pay/{session}`
pub fn show(house: &House, call: &Call) -> Result<Answer, Error> {
    let session = find(house, call)?;
    shown(house, session, None)
}

/// `POST /pay/{session}`
pub fn pay(house: &House, call: &Call) -> Result<Answer, Error> {
    from_here(call)?;
    let session = find(house, call)?;
    let form = call.form()?;
    let fields = Fields::of(&form);
    let may_save = session.detail("save") == true;
    // The box is the customer's consent, and counts only where the merchant asked for it.
    let save = fields.flag("save")?.unwrap_or(false) && may_save;
    let id = fields.text("id", Text::ID)?;
    let paying = match fields.needed("method", Text::ID)? {
        "cancel" => return shown(house, give_up(house, &session)?, None),
        "wallet" => Paying::Wallet { id },
        "saved" => Paying::Saved {
            id: id.unwrap_or_default(),
            // What is no such value is none.
            cvc: fields.text("cvc", Text::DIGITS.up_to(4)).unwrap_or_default(),
        },
        _ => match fields.text("encryptedCard", Text::BASE64.up_to(512))?.and_then(decoded) {
            Some(bytes) => Paying::Encrypted(bytes),
            None => {
                return shown(house, session, Some("Enter your card’s number, expiry and security code."));
            }
        },
    };
    let paid = Pay { session: &session, paying: &paying, save, asked: None };
    let begun = sessions::pay(house, &paid, house.now(), |_, session| {
        let payment = session.payment.as_deref().unwrap_or_default();
        Ok(Stored { status: 303, body: format!("{}/acs/{payment}", house.public) })
    });
    match begun {
        Ok(stored) => Ok(Answer::redirect(&stored.body)),
        Err(error) => {
            let session = find(house, call)?;
            shown(house, session, Some(said(&error)))
        }
    }
}

/// What a customer can do about it.
fn said(error: &sessions::Error) -> &'static str {
    match error.code() {
        "card_refused" => {
            "This card number, expiry or security code is not valid. Check them, and try again."
        }
        "cvc_invalid" => "Enter the security code of the card.",
        "card_expired" => "This card has expired.",
        "key_gone" | "no_key" => "The page was open for too long. Enter your card again.",
        "engine_timeout" | "busy" => "We cannot reach the bank at the moment. Try again in a while.",
        "not_found" | "payment_method_deleted" => {
            "This payment method is not available any more. Choose another one."
        }
        "order_paid" => "This order has been paid already.",
        _ => "That did not work. Choose another way to pay.",
    }
}

fn find(house: &House, call: &Call) -> Result<Session, Error> {
    let found = house.db.read(|db| Session::by_id(db, call.at("session")))?;
    found.filter(|found| found.mode == Mode::Redirect).ok_or_else(Error::nowhere)
}

/// The page of an open session; from another the customer is sent on.
fn shown(house: &House, session: Session, error: Option<&str>) -> Result<Answer, Error> {
    let now = house.now();
    let payment = match &session.payment {
        Some(id) => house.db.read(|db| Payment::by_id(db, id))?,
        None => None,
    };
    let place = match Standing::of(&session, payment.as_ref(), now) {
        Standing::Open => return open(house, session, error, now),
        Standing::AwaitingAuthentication | Standing::Processing => {
            payment.map(|payment| format!("{}/acs/{}", house.public, payment.id))
        }
        Standing::Succeeded => of_session(&session, true),
        Standing::Failed => of_session(&session, false),
        Standing::Expired => session.detail("expiredUrl").as_str().map(str::to_owned),
    };
    Ok(Answer::redirect(&place.ok_or_else(Error::nowhere)?))
}

fn open(house: &House, session: Session, error: Option<&str>, now: UnixTime) -> Result<Answer, Error> {
    let kind = session.detail("type").as_str().and_then(Kind::from_name);
    let (cards, wallet) = (kind != Some(Kind::Wallet), kind != Some(Kind::Card));
    let session = if cards { keyed(house, session, now)? } else { session };
    let (merchant, order) = house.db.read(|db| -> Result<_, Error> {
        let merchant = Merchant::by_pk(db, session.merchant)?.ok_or_else(Error::nowhere)?;
        Ok((merchant, Order::by_pk(db, session.order)?.ok_or_else(Error::nowhere)?))
    })?;
    let customer = order.customer.as_deref().filter(|_| session.detail("show") == true);
    let saved = match customer.filter(|_| cards) {
        Some(customer) => saved(house, &merchant, customer)?,
        None => Vec::new(),
    };
    let wallets = match customer.filter(|_| wallet) {
        Some(customer) => house.db.read(|db| Wallet::of_customer(db, merchant.pk, customer))?,
        None => Vec::new(),
    };
    let key = session.public_key.as_ref().filter(|_| cards).map(|key| BASE64.encode(key));
    let view = view::Pay {
        merchant: &merchant.name,
        price: &price(order.amount, order.currency),
        description: order.detail("description").as_str(),
        error,
        saved: &saved,
        saved_wallet: wallets.last().map(|wallet| wallet.id.as_str()),
        key: key.as_deref(),
        wallet,
        may_save: session.detail("save") == true,
        // A second later, so that it is over when the page is asked for again.
        seconds_left: session.expires.seconds().saturating_sub(now.seconds()).saturating_add(1),
    };
    Ok(page(if error.is_some() { 422 } else { 200 }, &view)?)
}

/// The customer's cards that can be paid with.
fn saved(house: &House, merchant: &Merchant, customer: &str) -> Result<Vec<SavedCard>, Fault> {
    let found = match house.instruments_of(merchant, customer) {
        Ok(found) => found,
        Err(Fault::Engine(EngineError::Refused(_))) => Vec::new(),
        Err(fault) => return Err(fault),
    };
    let usable = found.into_iter().filter(sessions::usable);
    Ok(usable
        .map(|saved| SavedCard {
            id: saved.instrument.id,
            network: network(saved.instrument.card.network()),
            expiry: format!(
                "{}/{}",
                saved.instrument.card.month(),
                saved.instrument.card.year().get(2..).unwrap_or_default()
            ),
            last_four: saved.instrument.card.last_four,
        })
        .collect())
}
