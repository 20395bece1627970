//! A token's number and a cryptogram, to be paid with anywhere.

use serde_json::json;

use super::order::amount;
use super::visit::{key, merchant};
use super::{Error, entity};
use crate::types::ProviderStatus;
use crate::vault::body::{Fields, Text};
use crate::vault::db::{Instrument, Merchant};
use crate::vault::house::House;
use crate::vault::http::{Answer, Call};

/// `POST /v1/tokens/service_provider_tokens/token_transactional_data`
///
/// `amount` and `currency`, which are ours, bind the cryptogram to an amount.
pub fn fetch(house: &House, call: &Call) -> Result<Answer, Error> {
    fetched(house, call).map_err(|error| error.at("token_transaction"))
}

fn fetched(house: &House, call: &Call) -> Result<Answer, Error> {
    let merchant = merchant(house, call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let id = fields.needed("id", Text::ID.up_to(128))?;
    let is_bound = fields.get("amount").or_else(|| fields.get("currency")).is_some();
    let amount = if is_bound { Some(amount(&fields)?) } else { None };
    let key = key(call)?;
    let fetched = house.cryptogram(active(house, &merchant, id)?, amount, key)?;
    let (expiry, number) = (fetched.issued.expiry, fetched.instrument.token.to_string());
    let cryptogram = fetched.issued.cryptogram.to_base64();
    let body = json!({
        "token_number": number,
        "cryptogram_value": cryptogram,
        "cvv": null,
        "token_expiry_month": expiry.month(),
        "token_expiry_year": expiry.year(),
        "card": {
            "number": number,
            "expiry_month": format!("{:02}", expiry.month()),
            "expiry_year": expiry.year(),
            "cryptogram_value": cryptogram,
        },
    });
    Ok(Answer::json(200, &body))
}

/// The token with this id at one of its providers, which must be active there.
fn active(house: &House, merchant: &Merchant, id: &str) -> Result<Instrument, Error> {
    let rest = id.strip_prefix("spt_").ok_or_else(Error::unknown)?;
    let tag = rest.split_once('_').map_or(rest, |(tag, _)| tag);
    let found = house.db.read(|db| Instrument::by_tag(db, merchant.pk, tag))?;
    let shown = house.shown(found.ok_or_else(Error::unknown)?)?;
    let mut providers = shown.token.providers.as_slice().iter().enumerate();
    let named = providers
        .find(|(at, (provider, _))| entity::provider_token_id(&shown.instrument, *at, provider) == id);
    let (_, (_, status)) = named.ok_or_else(Error::unknown)?;
    let refused = |reason| Err(Error::refused(format!("The token is {}", entity::word(*status)), reason));
    match status {
        ProviderStatus::Active => Ok(shown.instrument),
        ProviderStatus::Suspended => refused("token_suspended"),
        ProviderStatus::Deactivated(_) => refused("token_deactivated"),
    }
}
