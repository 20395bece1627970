//! Who asks, and with what.

use super::Error;
use crate::vault::body::{Fields, Node, Text};
use crate::vault::db::{Api, Credential, Instrument, Merchant};
use crate::vault::house::House;
use crate::vault::http::Call;
use crate::vault::merchants::key_id;

/// An id of an order: it stands in paths and addresses.
pub const ORDER: Text = Text { most: 64, of: |c| c.is_ascii_alphanumeric() || c == '_' || c == '-' };

const TOKEN: &str = "tkn_";
/// Where a UUID has its dashes.
const PARTS: [(usize, usize); 5] = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];

/// The merchant whose key came with the request; the header must not name another.
///
/// # Errors
/// A missing or wrong key, or another merchant's name, told alike.
pub fn merchant(house: &House, call: &Call) -> Result<Merchant, Error> {
    let basic = call.basic().filter(|basic| basic.password.is_empty()).ok_or_else(Error::credentials)?;
    let id = key_id(&basic.user);
    let credential = Credential { api: Api::Juspay, id: &id };
    let known = house.db.read(|db| Merchant::known_by(db, &credential, &basic.user))?;
    let merchant = known.ok_or_else(Error::credentials)?;
    if call.headers.contains_key("x-merchantid") && call.header("x-merchantid") != Some(&merchant.name) {
        return Err(Error::credentials());
    }
    Ok(merchant)
}

/// The body, a form unless it says that it is JSON; it must not name another merchant.
///
/// # Errors
/// What is no body, and another merchant's name.
pub fn body(call: &Call, merchant: &Merchant) -> Result<Node, Error> {
    let kind = call.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let node = if kind.eq_ignore_ascii_case("application/json") { call.json()? } else { call.form()? };
    named(&node, merchant)?;
    Ok(node)
}

/// The query, which must not name another merchant either.
///
/// # Errors
/// As [`body`].
pub fn query(call: &Call, merchant: &Merchant) -> Result<Node, Error> {
    let node = call.query()?;
    named(&node, merchant)?;
    Ok(node)
}

fn named(node: &Node, merchant: &Merchant) -> Result<(), Error> {
    match Fields::of(node).text("merchant_id", Text::ID)? {
        Some(name) if name != merchant.name => Err(Error::credentials()),
        _ => Ok(()),
    }
}

/// `tkn_` and the 32 digits of the instrument's UUID.
#[must_use]
pub fn card_token(instrument: &Instrument) -> String {
    format!("{TOKEN}{}", instrument.id.replace('-', ""))
}

/// The merchant's instrument with this token; of a deleted one it is left to say so.
///
/// # Errors
/// One that is not there.
pub fn instrument(house: &House, merchant: &Merchant, token: &str) -> Result<Instrument, Error> {
    let found = match uuid(token) {
        Some(id) => house.db.read(|db| Instrument::by_id(db, merchant.pk, &id))?,
        None => None,
    };
    found.ok_or_else(|| Error::not_found("card"))
}

fn uuid(token: &str) -> Option<String> {
    let digits = token.strip_prefix(TOKEN)?;
    let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if digits.len() != 32 || !digits.bytes().all(lower) {
        return None;
    }
    let parts: Option<Vec<_>> = PARTS.iter().map(|(from, to)| digits.get(*from..*to)).collect();
    Some(parts?.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::ids;

    #[test]
    fn a_token_names_its_uuid() {
        let id = ids::uuid().unwrap();
        let token = format!("tkn_{}", id.replace('-', ""));
        assert_eq!(uuid(&token).as_deref(), Some(id.as_str()));
        for other in ["", "tkn_", &token[4..], &token[..35], &format!("{token}0"), &token.to_uppercase()] {
            assert_eq!(uuid(other), None, "{other}");
        }
    }
}
