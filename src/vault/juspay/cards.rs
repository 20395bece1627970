//! Saved cards are listed and deleted.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Error;
use super::visit::{body, card_token, instrument, merchant, query};
use crate::types::{Network, TokenStatus, UnixTime};
use crate::vault::body::{Fields, Text};
use crate::vault::card::{CardFace, Issuer};
use crate::vault::db::{Instrument, Merchant};
use crate::vault::house::{House, Shown};
use crate::vault::http::{Answer, Call};

/// `GET /cards?customer_id=…` and `GET /card/list?customer_id=…`
pub fn list(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let asked = query(call, &merchant)?;
    let customer = Fields::of(&asked).needed("customer_id", Text::ID)?;
    let found = house.instruments_of(&merchant, customer)?;
    let now = house.now();
    let cards: Vec<_> = found.iter().map(|found| entry(found, &merchant, now)).collect();
    let body = json!({ "customer_id": customer, "merchantId": merchant.name, "cards": cards });
    Ok(Answer::json(200, &body))
}

/// `POST /card/delete`: to ask again does no harm.
pub fn delete(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = body(call, &merchant)?;
    let token = Fields::of(&body).needed("card_token", Text::ID)?;
    let found = instrument(house, &merchant, token)?;
    let deleted = house.delete(&found, house.now())?;
    let body = json!({
        "card_token": card_token(&deleted),
        "card_reference": reference(&deleted),
        "deleted": true,
    });
    Ok(Answer::json(200, &body))
}

/// What a customer's card is called for good: the same when it is deleted and added again.
#[must_use]
pub fn reference(instrument: &Instrument) -> String {
    let hash = Sha256::new()
        .chain_update("tallystick/vault/card-reference")
        .chain_update(instrument.merchant.to_be_bytes())
        .chain_update(instrument.fingerprint.as_bytes())
        .chain_update(instrument.customer.as_deref().unwrap_or_default())
        .finalize();
    HEXLOWER.encode(&hash).get(..32).unwrap_or_default().to_owned()
}

/// A network's name in this API.
#[must_use]
pub fn brand(network: Network) -> String {
    network.name().to_ascii_uppercase()
}

/// Credit or debit.
#[must_use]
pub const fn kind(issuer: &Issuer) -> &'static str {
    if issuer.credit { "CREDIT" } else { "DEBIT" }
}

fn entry(shown: &Shown, merchant: &Merchant, now: UnixTime) -> Value {
    let (instrument, card) = (&shown.instrument, &shown.instrument.card);
    let issuer = Issuer::of(card);
    let tokenised = shown.status() != TokenStatus::Initiated;
    json!({
        "card_token": card_token(instrument),
        "card_reference": reference(instrument),
        "card_number": mask(card, merchant.wide_mask),
        "card_isin": card.iin,
        "card_exp_year": card.year(),
        "card_exp_month": card.month(),
        "card_type": kind(&issuer),
        "card_issuer": issuer.bank,
        "card_brand": brand(card.network()),
        "nickname": card.nickname.as_deref().unwrap_or_default(),
        "name_on_card": card.name.as_deref().unwrap_or_default(),
        "expired": card.expiry().is_past(now),
        "card_fingerprint": instrument.fingerprint.to_short(),
        "juspay_bank_code": format!("JP_{}", issuer.code),
        "card_sub_type": "NA",
        "card_issuer_country": if issuer.country == "IN" { "INDIA" } else { issuer.country },
        "tokenize_support": card.network() != Network::Other,
        "provider_category": if tokenised { "NETWORK_TOKEN" } else { "VAULT" },
        "provider": if tokenised { brand(card.network()) } else { "JUSPAY".to_owned() },
    })
}

/// Four, what lies between, and four digits; the first four for who may see them.
fn mask(card: &CardFace, wide: bool) -> String {
    let front = if wide { card.iin.get(..4) } else { None };
    let between = usize::from(card.length).saturating_sub(8);
    format!("{}-{}-{}", front.unwrap_or("XXXX"), "X".repeat(between), card.last_four)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Expiry, TokenNumber};

    #[test]
    fn both_masks_are_four_eight_four() {
        let number = TokenNumber::parse(b"4012345678909454").unwrap();
        let card = CardFace::of_token(number, Expiry::parse(b"3012").unwrap(), Some("9454"));
        assert_eq!(mask(&card, false), "XXXX-XXXXXXXX-9454");
        assert_eq!(mask(&card, true), "4012-XXXXXXXX-9454");
    }
}
