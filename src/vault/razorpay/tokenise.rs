//! A card is tokenised whose holder was authenticated by any processor. The same card
//! gives another token each time.

use serde_json::{Value, json};

use super::card::{Typed, typed};
use super::entity;
use super::find::customer_of;
use super::notes::notes;
use super::visit::{key, merchant};
use super::{Error, PROVIDERS};
use crate::command::HeldCard;
use crate::types::{Network, UnixTime};
use crate::vault::body::{Fields, Node, Text, Why, digest};
use crate::vault::card::CardFace;
use crate::vault::db::{Asked, Merchant, NewToken, Stored};
use crate::vault::house::{Entered, Fault, House};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;

/// Characters of an authentication reference number.
const REFERENCE: usize = 26;

/// A token as it was wanted.
struct Wanted<'n> {
    customer: Option<&'n str>,
    card: Typed<'n>,
    evidence: Evidence<'n>,
    notes: Value,
}

/// By whom the cardholder was authenticated.
struct Evidence<'n> {
    provider: &'n str,
    reference: &'n str,
    auth_reference: Option<&'n str>,
}

/// `POST /v1/tokens`
pub fn create(house: &House, call: &Call) -> Result<Answer, Error> {
    created(house, call).map_err(|error| error.at("token_initiation"))
}

fn created(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let wanted = wanted(house, &merchant, &Fields::of(&body))?;
    let key = key(call)?;
    let now = house.now();
    let Typed { number, expiry, cvv, .. } = wanted.card;
    let held = house.hold(&Entered { number, expiry, cvv }, now)?;
    let stored = stored(house, &merchant, &wanted, &held, (key, &body), now);
    house.release(held.handle);
    Ok(stored?.into())
}

fn stored(
    house: &House,
    merchant: &Merchant,
    wanted: &Wanted<'_>,
    held: &HeldCard,
    (key, body): (Option<&str>, &Node),
    now: UnixTime,
) -> Result<Stored, Fault> {
    let print = held.fingerprint.to_hex();
    let digest = digest(body, &|path| match path {
        "card.number" => Some(print.clone()),
        "card.cvv" => Some(String::new()),
        _ => None,
    });
    let asked = key.map(|key| Asked { merchant: merchant.pk, operation: "razorpay/token", key, digest });
    house.once(asked.as_ref(), now, || {
        let origin = match key {
            Some(key) => format!("razorpay:{}:{key}", merchant.pk),
            None => format!("razorpay:{}", ids::uuid()?),
        };
        let instrument = house.save(&new_token(merchant, wanted, held, origin), now)?;
        let shown = house.shown(instrument)?;
        Ok(Stored { status: 200, body: entity::token(&shown).to_string() })
    })
}

fn new_token(merchant: &Merchant, wanted: &Wanted<'_>, held: &HeldCard, origin: String) -> NewToken {
    NewToken {
        origin,
        merchant: merchant.pk,
        customer: wanted.customer.map(str::to_owned),
        handle: held.handle,
        card: CardFace::of(held).named(wanted.card.name, None),
        provider: wanted.evidence.provider.to_owned(),
        reference: wanted.evidence.reference.to_owned(),
        auth_reference: wanted.evidence.auth_reference.map(str::to_owned),
        details: json!({ "notes": wanted.notes }),
    }
}

fn wanted<'n>(house: &House, merchant: &Merchant, fields: &Fields<'n>) -> Result<Wanted<'n>, Error> {
    if fields.needed("method", Text::ID)? != "card" {
        return Err(fields.fault("method", Why::Value).into());
    }
    let card = fields.object("card")?;
    if !card.is_there() {
        return Err(fields.fault("card", Why::Missing).into());
    }
    let card = typed(&card)?;
    let evidence = evidence(fields, card.network())?;
    let (customer, notes) = (customer_of(house, merchant.pk, fields)?, notes(fields)?);
    Ok(Wanted { customer, card, evidence, notes })
}

fn evidence<'n>(fields: &Fields<'n>, network: Network) -> Result<Evidence<'n>, Error> {
    const PRINTABLE: Text = Text { most: 64, of: |c| c.is_ascii_graphic() };
    let given = fields.object("authentication")?;
    if !given.is_there() {
        return Err(fields.fault("authentication", Why::Missing).into());
    }
    let provider = given.needed("provider", Text::ID)?;
    if provider != "razorpay" && !PROVIDERS.contains(&provider) {
        return Err(given.fault("provider", Why::Value).into());
    }
    let reference = given.needed("provider_reference_id", PRINTABLE)?;
    const NAME: &str = "authentication_reference_number";
    let auth_reference = given.text(NAME, PRINTABLE)?;
    if network != Network::Rupay {
        // Only RuPay has such numbers. The API's own sample has one of 28 characters with
        // a Visa card, so what comes with other cards is looked at and left out.
        return Ok(Evidence { provider, reference, auth_reference: None });
    }
    match auth_reference {
        None => Err(given.fault(NAME, Why::Missing).into()),
        Some(number) if number.len() > REFERENCE => Err(given.fault(NAME, Why::TooLong).into()),
        number => Ok(Evidence { provider, reference, auth_reference: number }),
    }
}
