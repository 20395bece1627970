//! Card verification values, and which of them there are.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::ZeroizeOnDrop;

/// Digits of a value.
const DIGITS: usize = 3;

/// A service code of a magnetic stripe, three digits (ISO/IEC 7813).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServiceCode([u8; DIGITS]);

/// Which value of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CardValueKind {
    /// CVV or CVC, of the stripe with this service code.
    Stripe(ServiceCode),
    /// CVV2 or CVC2: service code 000.
    Printed,
    /// iCVV or chip CVC, of the stripe's image in a chip: service code 999.
    Chip,
}

/// In which order the expiry is taken in. Issuers differ for printed values; a value
/// verifies only in the order in which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DateOrder {
    /// `YYMM`, as on a stripe.
    #[default]
    YearMonth,
    /// `MMYY`, as embossed.
    MonthYear,
}

/// A card verification value, three digits. Compared in constant time.
///
/// As those of a [`Pan`](super::Pan), the digits live in one heap block that is wiped on
/// drop: requests and replies are moved about, and none may be stored (PCI DSS 3.3).
#[derive(ZeroizeOnDrop)]
pub struct CardValue(Box<[u8; DIGITS]>);

/// Why a card verification value or a service code is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CardValueError {
    /// A service code is three digits.
    #[error("a service code is three digits")]
    ServiceCode,
    /// 000 and 999 are on no stripe: they are those of printed and chip values.
    #[error("service codes 000 and 999 are on no stripe")]
    Reserved,
    /// A value is three digits.
    #[error("a card verification value is three digits")]
    Value,
}

impl ServiceCode {
    /// Reads three ASCII digits.
    ///
    /// # Errors
    /// [`CardValueError::ServiceCode`]; [`CardValueError::Reserved`] for 000 and 999,
    /// which would pass one kind of value off as another.
    pub fn parse(ascii: &[u8]) -> Result<Self, CardValueError> {
        match three_digits(ascii).ok_or(CardValueError::ServiceCode)? {
            [b'0', b'0', b'0'] | [b'9', b'9', b'9'] => Err(CardValueError::Reserved),
            digits => Ok(Self(digits)),
        }
    }
}

impl CardValueKind {
    /// The kind that has this service code: 000 printed, 999 chip, else the stripe's.
    ///
    /// # Errors
    /// [`CardValueError::ServiceCode`] unless it is three digits.
    pub fn of_service_code(ascii: &[u8]) -> Result<Self, CardValueError> {
        match ascii {
            b"000" => Ok(Self::Printed),
            b"999" => Ok(Self::Chip),
            _ => ServiceCode::parse(ascii).map(Self::Stripe),
        }
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stripe(_) => "cvv",
            Self::Printed => "cvv2",
            Self::Chip => "icvv",
        }
    }

    /// The service code that the value is computed with, three digits.
    #[must_use]
    pub const fn service_code(self) -> [u8; DIGITS] {
        match self {
            Self::Stripe(ServiceCode(digits)) => digits,
            Self::Printed => *b"000",
            Self::Chip => *b"999",
        }
    }
}

impl CardValue {
    /// Digits of a value.
    pub const LEN: usize = DIGITS;

    /// Reads three ASCII digits.
    ///
    /// # Errors
    /// [`CardValueError::Value`] on anything else.
    pub fn parse(ascii: &[u8]) -> Result<Self, CardValueError> {
        three_digits(ascii).map(Self::from_digits).ok_or(CardValueError::Value)
    }

    /// The value with these digits, each 0 to 9 in ASCII.
    pub(crate) fn from_digits(digits: [u8; DIGITS]) -> Self {
        Self(Box::new(digits))
    }

    /// The digits in ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DIGITS] {
        &self.0
    }
}

fn three_digits(ascii: &[u8]) -> Option<[u8; DIGITS]> {
    let digits: [u8; DIGITS] = ascii.try_into().ok()?;
    digits.iter().all(u8::is_ascii_digit).then_some(digits)
}

impl ConstantTimeEq for CardValue {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

impl PartialEq for CardValue {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for CardValue {}

impl fmt::Debug for CardValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardValue(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_wiped_and_not_shown() {
        let value = CardValue::parse(b"123").unwrap();
        assert_eq!(format!("{value:?}"), "CardValue(redacted)");
        assert!(std::mem::needs_drop::<CardValue>());
    }

    #[test]
    fn service_codes_of_other_kinds_are_refused_for_a_stripe() {
        assert_eq!(ServiceCode::parse(b"000"), Err(CardValueError::Reserved));
        assert_eq!(ServiceCode::parse(b"999"), Err(CardValueError::Reserved));
        for text in [&b"10"[..], b"1010", b"1a1", b""] {
            assert_eq!(ServiceCode::parse(text), Err(CardValueError::ServiceCode));
            assert_eq!(CardValue::parse(text), Err(CardValueError::Value));
        }
        assert_eq!(CardValueKind::of_service_code(b"201"), Ok(CardValueKind::Stripe(ServiceCode(*b"201"))));
        assert_eq!(CardValueKind::of_service_code(b"000"), Ok(CardValueKind::Printed));
        assert_eq!(CardValueKind::of_service_code(b"999"), Ok(CardValueKind::Chip));
    }
}
