//! Amount and currency.

use std::fmt;

use thiserror::Error;

/// An amount in minor units of its currency, for example paise or cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// The amount of so many minor units.
    #[must_use]
    pub const fn from_minor_units(units: u64) -> Self {
        Self(units)
    }

    /// Minor units.
    #[must_use]
    pub const fn minor_units(self) -> u64 {
        self.0
    }
}

/// A currency by its ISO 4217 numeric code, 1 to 999.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(u16);

/// Not a number of 1 to 999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a currency is an ISO 4217 numeric code, 001 to 999")]
pub struct CurrencyError;

impl Currency {
    /// The currency with this numeric code.
    ///
    /// # Errors
    /// [`CurrencyError`] outside 1 to 999.
    pub fn from_code(code: u16) -> Result<Self, CurrencyError> {
        if (1..=999).contains(&code) { Ok(Self(code)) } else { Err(CurrencyError) }
    }

    /// Reads the numeric code (`356`) or one of a few letter codes (`INR`).
    ///
    /// # Errors
    /// [`CurrencyError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let code = match text {
            "INR" => 356,
            "USD" => 840,
            "EUR" => 978,
            "GBP" => 826,
            "JPY" => 392,
            "SGD" => 702,
            "AED" => 784,
            "THB" => 764,
            "MYR" => 458,
            _ => text.parse().map_err(|_| CurrencyError)?,
        };
        Self::from_code(code)
    }

    /// The numeric code, 1 to 999.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_and_letter_codes() {
        assert_eq!(Currency::parse("INR"), Currency::from_code(356));
        assert_eq!(Currency::parse("036").unwrap().to_string(), "036");
        for text in ["", "0", "1000", "inr", "XYZ", "-1"] {
            assert_eq!(Currency::parse(text), Err(CurrencyError), "{text}");
        }
    }
}
