//! Times and amounts as the APIs write them.

use crate::types::{Amount, Currency, UnixTime};

/// India's time is five and a half hours ahead of UTC, all year.
const AHEAD: u64 = 19_800;

/// `2026-01-01T00:00:00+05:30`.
#[must_use]
pub fn india(time: UnixTime) -> String {
    let there = UnixTime::from_seconds(time.seconds().saturating_add(AHEAD)).to_rfc3339();
    format!("{}+05:30", there.trim_end_matches('Z'))
}

/// `2026-01-01 00:00:00`, India's time.
#[must_use]
pub fn india_plain(time: UnixTime) -> String {
    UnixTime::from_seconds(time.seconds().saturating_add(AHEAD))
        .to_rfc3339()
        .replace('T', " ")
        .replace('Z', "")
}

/// An amount in units, as a JSON number: `100.5`, and `100` for whole ones.
#[must_use]
pub fn units(amount: Amount) -> serde_json::Value {
    let minor = amount.minor_units();
    if minor.is_multiple_of(100) {
        return (minor / 100).into();
    }
    // Written out and read again: no arithmetic on floating point, and no cast.
    serde_json::from_str(&format!("{}.{:02}", minor / 100, minor % 100)).unwrap_or_default()
}

/// The currencies that are served: those with hundredths.
const CURRENCIES: [&str; 8] = ["INR", "USD", "EUR", "GBP", "SGD", "AED", "THB", "MYR"];

/// The currency of these three letters.
#[must_use]
pub fn currency(letters: &str) -> Option<Currency> {
    CURRENCIES.into_iter().find(|known| *known == letters).and_then(|known| Currency::parse(known).ok())
}

/// A currency's three letters.
#[must_use]
pub fn letters(of: Currency) -> &'static str {
    CURRENCIES.into_iter().find(|known| currency(known) == Some(of)).unwrap_or("XXX")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_indias() {
        let time = UnixTime::from_seconds(1_767_205_800);
        assert_eq!(india(time), "2026-01-01T00:00:00+05:30");
        assert_eq!(india_plain(time), "2026-01-01 00:00:00");
    }

    #[test]
    fn currencies_go_there_and_back() {
        assert!(CURRENCIES.into_iter().all(|known| letters(currency(known).unwrap()) == known));
        assert!(currency("JPY").is_none() && currency("356").is_none() && currency("inr").is_none());
    }

    #[test]
    fn amounts_are_exact() {
        for (minor, text) in
            [(10_050, "100.5"), (10_000, "100"), (1, "0.01"), (99_999_999_999_999, "999999999999.99")]
        {
            assert_eq!(units(Amount::from_minor_units(minor)).to_string(), text);
        }
    }
}
