//! Cards and tokens as they are typed in.

use super::Error;
use crate::types::{Expiry, Network};
use crate::vault::body::{FieldFault, Fields, Node, Text, Why};
use crate::vault::house::card_expiry;

/// The members of `card`, of a card or of a token.
#[derive(Debug)]
pub struct Typed<'n> {
    /// The number, with its spaces.
    pub number: &'n str,
    /// The expiry.
    pub expiry: Expiry,
    /// The name on it.
    pub name: Option<&'n str>,
    /// The card verification value. Omitted, null and empty are all none.
    pub cvv: Option<&'n str>,
}

impl Typed<'_> {
    /// The network of the number.
    #[must_use]
    pub fn network(&self) -> Network {
        let mut front = [b'0'; 6];
        let digits = self.number.bytes().filter(u8::is_ascii_digit);
        front.iter_mut().zip(digits).for_each(|(place, digit)| *place = digit);
        Network::of_digits(&front)
    }
}

/// Reads what is typed.
///
/// # Errors
/// Faults of the fields.
pub fn typed<'n>(card: &Fields<'n>) -> Result<Typed<'n>, Error> {
    let number = card.needed("number", Text::SPACED_DIGITS)?;
    let expiry = expiry(card)?;
    Ok(Typed { number, expiry, name: card.text("name", Text::LINE.up_to(100))?, cvv: cvv(card)? })
}

/// The card verification value.
///
/// # Errors
/// Another value than 3 or 4 digits.
pub fn cvv<'n>(card: &Fields<'n>) -> Result<Option<&'n str>, FieldFault> {
    let cvv = card.text("cvv", Text::DIGITS.up_to(4))?;
    if cvv.is_some_and(|cvv| cvv.len() < 3) {
        return Err(card.fault("cvv", Why::Value));
    }
    Ok(cvv)
}

/// A month of two digits and a year of two or four; as numbers they have no noughts
/// before them.
fn expiry(card: &Fields<'_>) -> Result<Expiry, Error> {
    let part = |name: &str, most: usize| {
        let part = card.text_or_number(name, Text::DIGITS.up_to(most))?;
        part.ok_or_else(|| card.fault(name, Why::Missing))
    };
    let (month, year) = (part("expiry_month", 2)?, part("expiry_year", 4)?);
    let is_number = matches!(card.get("expiry_month"), Some(Node::Number(_)));
    let is_month = (month.len() == 2 || is_number) && matches!(month.parse(), Ok(1..=12));
    if !is_month {
        return Err(card.fault("expiry_month", Why::Value).into());
    }
    if year.len() != 2 && year.len() != 4 {
        return Err(card.fault("expiry_year", Why::Value).into());
    }
    // The month is one, so what is wrong now is the year.
    card_expiry(&month, &year).map_err(|_| card.fault("expiry_year", Why::Value).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::body::json;

    fn of(month: &str, year: &str) -> Option<u16> {
        let body = format!(r#"{{"expiry_month":{month},"expiry_year":{year}}}"#);
        expiry(&Fields::of(&json(body.as_bytes()).unwrap())).ok().map(Expiry::value)
    }

    #[test]
    fn a_month_has_two_digits_and_a_year_two_or_four() {
        for (month, year) in [(r#""02""#, r#""30""#), (r#""02""#, r#""2030""#), ("2", "2030"), ("2", "30")] {
            assert_eq!(of(month, year), Some(3002), "{month}/{year}");
        }
        for (month, year) in [
            (r#""2""#, r#""30""#),
            (r#""13""#, r#""30""#),
            (r#""00""#, r#""30""#),
            ("0", "30"),
            ("-1", "30"),
            ("1.5", "30"),
            (r#""02""#, r#""203""#),
            (r#""02""#, r#""1930""#),
            (r#""02""#, "3"),
            (r#""""#, r#""30""#),
            (r#""02""#, "null"),
            ("[]", r#""30""#),
        ] {
            assert_eq!(of(month, year), None, "{month}/{year}");
        }
    }

    #[test]
    fn verification_values_are_none_or_three_or_four_digits() {
        let of = |value: &str| {
            let body = json(format!(r#"{{"cvv":{value}}}"#).as_bytes()).unwrap();
            cvv(&Fields::of(&body)).map(|cvv| cvv.map(str::len)).ok()
        };
        for none in ["null", r#""""#] {
            assert_eq!(of(none), Some(None));
        }
        assert_eq!(of(r#""123""#), Some(Some(3)));
        assert_eq!(of(r#""1234""#), Some(Some(4)));
        for bad in [r#""12""#, r#""12345""#, r#""12a""#, "123", "[]", r#"" 123""#] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_network_is_that_of_the_digits_whatever_stands_between() {
        let body =
            json(br#"{"number":" 6 074 8200 0000 0007","expiry_month":"12","expiry_year":"30"}"#).unwrap();
        assert_eq!(typed(&Fields::of(&body)).unwrap().network(), Network::Rupay);
    }
}
