//! Card verification values: CVV and CVC of the magnetic stripe, CVV2 and CVC2 printed
//! on the card, iCVV and chip CVC in the chip (the algorithm is Visa's; it is published
//! as that of IBM's CCA verb CSNBCSG).

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::decimal::decimalise;
use crate::crypto::{CryptoError, TDES_BLOCK, Tdes};
use crate::secmem::{CIPHER_STACK, scrubbed};
use crate::types::{Expiry, Pan};

/// Digits of a value.
const DIGITS: usize = 3;

/// A service code of a magnetic stripe, three digits (ISO/IEC 7813).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServiceCode([u8; DIGITS]);

/// Which value of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
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
#[derive(Clone, Copy)]
pub struct CardValue([u8; DIGITS]);

/// Why a card verification value cannot be made or read.
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
    /// The key is not one of triple DES with 16 bytes.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
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

impl Kind {
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

    const fn service_code(self) -> [u8; DIGITS] {
        match self {
            Self::Stripe(ServiceCode(digits)) => digits,
            Self::Printed => *b"000",
            Self::Chip => *b"999",
        }
    }
}

/// The value of a card: PAN, expiry and service code as 32 digits, zeros behind them, are
/// two blocks; the first is encrypted with the left half of the key, added to the second,
/// and the sum encrypted with the whole key. Its first three digits, decimal ones before
/// letters.
///
/// # Errors
/// [`CardValueError::Crypto`] if the key has 24 bytes.
pub fn card_value(
    key: &Tdes,
    pan: &Pan,
    expiry: Expiry,
    order: DateOrder,
    kind: Kind,
) -> Result<CardValue, CardValueError> {
    let pair = key.pair()?;
    let [a, b, c, d] = expiry.digits();
    let date = match order {
        DateOrder::YearMonth => [a, b, c, d],
        DateOrder::MonthYear => [c, d, a, b],
    };
    Ok(scrubbed::<CIPHER_STACK, _>(|| {
        let service_code = kind.service_code();
        let mut digits =
            pan.expose_digits().iter().chain(&date).chain(&service_code).map(|digit| digit & 0x0f);
        let mut next_block = || {
            let mut block = [0; TDES_BLOCK];
            block.fill_with(|| digits.next().unwrap_or(0) << 4 | digits.next().unwrap_or(0));
            block
        };
        let (mut block, second) = (next_block(), next_block());
        pair.encrypt_left(&mut block);
        block.iter_mut().zip(second).for_each(|(byte, other)| *byte ^= other);
        pair.encrypt(&mut block);
        let mut value = [0; DIGITS];
        value.iter_mut().zip(decimalise(&block)).for_each(|(place, digit)| *place = b'0' + digit);
        CardValue(value)
    }))
}

impl CardValue {
    /// Reads three ASCII digits.
    ///
    /// # Errors
    /// [`CardValueError::Value`] on anything else.
    pub fn parse(ascii: &[u8]) -> Result<Self, CardValueError> {
        three_digits(ascii).map(Self).ok_or(CardValueError::Value)
    }

    /// The digits in ASCII.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; DIGITS] {
        &self.0
    }
}

fn three_digits(ascii: &[u8]) -> Option<[u8; DIGITS]> {
    let digits: [u8; DIGITS] = ascii.try_into().ok()?;
    digits.iter().all(u8::is_ascii_digit).then_some(digits)
}

impl ConstantTimeEq for CardValue {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
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

    /// Computed with `psec.cvv`.
    #[test]
    fn a_known_value_and_no_other_date_or_code() {
        let key =
            [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
        let key = Tdes::new(&key).unwrap();
        let pan = Pan::parse(b"4123456789012349").unwrap();
        let value = |expiry: &[u8], order, code: &[u8]| {
            let kind = Kind::of_service_code(code).unwrap();
            card_value(&key, &pan, Expiry::parse(expiry).unwrap(), order, kind).unwrap()
        };
        let right = value(b"8701", DateOrder::YearMonth, b"101");
        assert_eq!(right.as_bytes(), b"766");
        assert_eq!(CardValue::parse(right.as_bytes()), Ok(right));
        for other in [
            value(b"8702", DateOrder::YearMonth, b"101"),
            value(b"8701", DateOrder::MonthYear, b"101"),
            value(b"8701", DateOrder::YearMonth, b"000"),
            value(b"8701", DateOrder::YearMonth, b"999"),
        ] {
            assert_ne!(other, right);
        }
    }

    #[test]
    fn service_codes_of_other_kinds_are_refused_for_a_stripe() {
        assert_eq!(ServiceCode::parse(b"000"), Err(CardValueError::Reserved));
        assert_eq!(ServiceCode::parse(b"999"), Err(CardValueError::Reserved));
        for text in [&b"10"[..], b"1010", b"1a1", b""] {
            assert_eq!(ServiceCode::parse(text), Err(CardValueError::ServiceCode));
            assert_eq!(CardValue::parse(text), Err(CardValueError::Value));
        }
        assert_eq!(Kind::of_service_code(b"201"), Ok(Kind::Stripe(ServiceCode(*b"201"))));
        assert_eq!(Kind::of_service_code(b"000"), Ok(Kind::Printed));
        assert_eq!(Kind::of_service_code(b"999"), Ok(Kind::Chip));
    }

    #[test]
    fn a_key_of_24_bytes_is_refused() {
        let pan = Pan::parse(b"4111111111111111").unwrap();
        let (key, expiry) = (Tdes::new(&[7; 24]).unwrap(), Expiry::parse(b"3001").unwrap());
        let refused = card_value(&key, &pan, expiry, DateOrder::YearMonth, Kind::Chip);
        assert_eq!(refused, Err(CardValueError::Crypto(CryptoError::KeyLength)));
    }
}
