//! The Token Vault's four operations: list, fetch, delete, cryptogram.

use serde_json::{Value, json};

use super::Error;
use super::payment::network;
use super::visit::{Version, key, merchant};
use crate::types::{Amount, Currency, TokenStatus};
use crate::vault::body::{Fields, Text, Why, digest, query};
use crate::vault::card::Issuer;
use crate::vault::db::{Asked, Instrument, Merchant, Stored};
use crate::vault::house::{House, Shown};
use crate::vault::http::{Answer, Call};
use crate::vault::words::{currency, india_plain};

/// `GET /pg/customers/{customer}/instruments?instrument_type=card`
pub fn list(house: &House, call: &Call) -> Result<Answer, Error> {
    Version::of(call)?;
    let merchant = merchant(house, call)?;
    key(call)?;
    // One version of a client library sends a question mark where an ampersand should be.
    let asked = query(call.query.replace('?', "&").as_bytes())?;
    let fields = Fields::of(&asked);
    if fields.needed("instrument_type", Text::ID)? != "card" {
        return Err(fields.fault("instrument_type", Why::Value).into());
    }
    let customer = call.at("customer");
    if customer.len() > Text::ID.most || !customer.chars().all(Text::ID.of) {
        return Err(Error::invalid(400, "customer_id_invalid", "customer_id : is not valid"));
    }
    let found = house.instruments_of(&merchant, customer)?;
    let shown: Vec<_> = found.iter().map(|found| instrument(&found.instrument, found.status())).collect();
    Ok(Answer::json(200, &shown.into()))
}

/// `GET /pg/customers/{customer}/instruments/{instrument}`
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    Version::of(call)?;
    let merchant = merchant(house, call)?;
    key(call)?;
    let shown = house.shown(find(house, call, &merchant)?)?;
    Ok(Answer::json(200, &told(&shown)))
}

/// `DELETE /pg/customers/{customer}/instruments/{instrument}`
pub fn delete(house: &House, call: &Call) -> Result<Answer, Error> {
    Version::of(call)?;
    let merchant = merchant(house, call)?;
    let found = find(house, call, &merchant)?;
    let now = house.now();
    let asked = key(call)?.map(|key| Asked {
        merchant: merchant.pk,
        operation: "cashfree/delete",
        key,
        digest: digest(&crate::vault::body::Node::Text(found.id.clone().into()), &|_| None),
    });
    let stored = house.once(asked.as_ref(), now, || {
        let shown = house.shown(house.delete(&found, now)?)?;
        Ok(Stored { status: 200, body: told(&shown).to_string() })
    })?;
    Ok(stored.into())
}

/// `GET /pg/customers/{customer}/instruments/{instrument}/cryptogram`
///
/// `?amount=100.50&currency=INR`, which is ours, binds the cryptogram to an amount.
pub fn cryptogram(house: &House, call: &Call) -> Result<Answer, Error> {
    Version::of(call)?;
    let merchant = merchant(house, call)?;
    let found = find(house, call, &merchant)?;
    let amount = amount(&Fields::of(&call.query()?))?;
    let fetched = house.cryptogram(found, amount, key(call)?)?;
    let expiry = fetched.issued.expiry;
    let body = json!({
        "instrument_id": fetched.instrument.id,
        "token_requestor_id": fetched.instrument.trid.to_string(),
        "card_number": fetched.instrument.token.to_string(),
        "card_expiry_mm": format!("{:02}", expiry.month()),
        // Four digits, whatever its name says.
        "card_expiry_yy": expiry.year().to_string(),
        "cryptogram": fetched.issued.cryptogram.to_base64(),
        // The card's, never the token's.
        "card_display": fetched.instrument.card.last_four,
    });
    Ok(Answer::json(200, &body))
}

fn amount(fields: &Fields<'_>) -> Result<Option<(Amount, Currency)>, Error> {
    let Some(amount) = fields.decimal("amount")? else { return Ok(None) };
    let known = currency(fields.needed("currency", Text::ID)?);
    let currency = known.ok_or_else(|| fields.fault("currency", Why::Value))?;
    Ok(Some((Amount::from_minor_units(amount), currency)))
}

fn find(house: &House, call: &Call, merchant: &Merchant) -> Result<Instrument, Error> {
    let found = house.db.read(|db| Instrument::by_id(db, merchant.pk, call.at("instrument")))?;
    let of_customer = |found: &Instrument| found.customer.as_deref() == Some(call.at("customer"));
    found.filter(of_customer).ok_or_else(|| Error::not_found("instrument"))
}

fn told(shown: &Shown) -> Value {
    instrument(&shown.instrument, shown.status())
}

fn instrument(instrument: &Instrument, status: TokenStatus) -> Value {
    let (card, issuer) = (&instrument.card, Issuer::of(&instrument.card));
    let active = instrument.deleted.is_none() && status == TokenStatus::Active;
    json!({
        "customer_id": instrument.customer,
        "afa_reference": instrument.afa_reference,
        "instrument_id": instrument.id,
        "instrument_type": "card",
        "instrument_uid": instrument.uid,
        // Twelve and four, however many digits the card has.
        "instrument_display": format!("xxxxxxxxxxxx{}", card.last_four),
        "instrument_status": if active { "ACTIVE" } else { "INACTIVE" },
        "created_at": india_plain(instrument.created),
        "instrument_meta": {
            "card_network": network(card.network()),
            "card_bank_name": issuer.bank,
            "card_country": issuer.country,
            "card_type": if issuer.credit { "CREDIT_CARD" } else { "DEBIT_CARD" },
            "card_token_details": {
                "par": instrument.par.as_str(),
                "expiry_month": format!("{:02}", instrument.token_expiry.month()),
                "expiry_year": format!("{:02}", instrument.token_expiry.year() % 100),
            },
        },
    })
}
