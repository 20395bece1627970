//! Who asks, in which version, and with which idempotency key.

use serde_json::Value;

use super::Error;
use crate::vault::db::{Api, Credential, Merchant};
use crate::vault::house::House;
use crate::vault::http::Call;

/// The version of the API that a caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 2022-09-01 and before: ids that are ours are numbers.
    Numbers,
    /// 2023-08-01 and later: they are texts.
    Texts,
}

impl Version {
    /// The version in the header `x-api-version`, a date; 2022-09-01 where there is none.
    ///
    /// # Errors
    /// A header that is no date.
    pub fn of(call: &Call) -> Result<Self, Error> {
        if !call.headers.contains_key("x-api-version") {
            return Ok(Self::Numbers);
        }
        let version = call.header("x-api-version").filter(|text| is_date(text)).ok_or_else(|| {
            Error::invalid(
                400,
                "x-api-version_invalid",
                "x-api-version : is not a date of the form YYYY-MM-DD",
            )
        })?;
        Ok(if version < "2023-08-01" { Self::Numbers } else { Self::Texts })
    }

    /// An id that is a number here and a text there.
    #[must_use]
    pub fn id(self, id: &str) -> Value {
        match (self, id.parse::<u64>()) {
            (Self::Numbers, Ok(number)) => number.into(),
            _ => id.into(),
        }
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let digits = |part: &&str, count: usize| part.len() == count && part.bytes().all(|c| c.is_ascii_digit());
    matches!(&parts[..], [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

/// The merchant whose credentials came with the request.
///
/// # Errors
/// Missing or wrong credentials, told alike.
pub fn merchant(house: &House, call: &Call) -> Result<Merchant, Error> {
    let id = call.header("x-client-id").unwrap_or_default();
    let secret = call.header("x-client-secret").unwrap_or_default();
    let credential = Credential { api: Api::Cashfree, id };
    house.db.read(|db| Merchant::known_by(db, &credential, secret))?.ok_or_else(Error::credentials)
}

/// The idempotency key, if there is one.
///
/// # Errors
/// One that is too long, or there twice.
pub fn key(call: &Call) -> Result<Option<&str>, Error> {
    Ok(call.key("x-idempotency-key")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_date() {
        assert!(is_date("2022-09-01"));
        for other in ["", "2022-9-1", "2022-09-01T", "2022/09/01", "x022-09-01", "2022-09"] {
            assert!(!is_date(other), "{other}");
        }
    }

    #[test]
    fn ids_are_numbers_before_and_texts_after() {
        assert_eq!(Version::Numbers.id("123456789012"), serde_json::json!(123_456_789_012_u64));
        assert_eq!(Version::Texts.id("123456789012"), serde_json::json!("123456789012"));
    }
}
