//! How customers are reached.

use super::Error;
use crate::vault::body::{Fields, Text, Why};

/// An e-mail address: something before and after one `@`, no spaces.
///
/// # Errors
/// [`Why::Type`], [`Why::TooLong`], [`Why::Value`].
pub fn email<'n>(fields: &Fields<'n>) -> Result<Option<&'n str>, Error> {
    const EMAIL: Text = Text { most: 128, of: |c| !c.is_control() && !c.is_whitespace() };
    let Some(email) = fields.text("email", EMAIL)? else { return Ok(None) };
    let sound = email
        .split_once('@')
        .is_some_and(|(before, after)| !before.is_empty() && !after.is_empty() && !after.contains('@'));
    if sound { Ok(Some(email)) } else { Err(fields.fault("email", Why::Value).into()) }
}

/// A telephone number of 8 to 15 digits, with or without a plus sign before them. Some
/// libraries send it as a number.
///
/// # Errors
/// [`Why::Type`], [`Why::TooLong`], [`Why::Value`].
pub fn contact(fields: &Fields<'_>) -> Result<Option<String>, Error> {
    const NUMBER: Text = Text { most: 16, of: |c| c.is_ascii_digit() || c == '+' };
    let Some(contact) = fields.text_or_number("contact", NUMBER)? else { return Ok(None) };
    let digits = contact.strip_prefix('+').unwrap_or(&contact);
    let sound = (8..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
    if sound { Ok(Some(contact)) } else { Err(fields.fault("contact", Why::Value).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::body::json;

    #[test]
    fn addresses_and_numbers_are_looked_at() {
        let with =
            |text: &str| json(format!(r#"{{"email":"{text}","contact":"{text}"}}"#).as_bytes()).unwrap();
        for good in ["a@example.com", "ü@x"] {
            assert!(email(&Fields::of(&with(good))).is_ok(), "{good}");
        }
        for bad in ["a", "@", "a@", "@b", "a b@c", "a@b@c"] {
            assert!(email(&Fields::of(&with(bad))).is_err(), "{bad}");
        }
        for good in ["9876543210", "+919876543210", "12345678", "+123456789012345"] {
            assert!(contact(&Fields::of(&with(good))).is_ok(), "{good}");
        }
        for bad in ["1234567", "+1234567890123456", "+", "98765+43210", "98765 43210", "abcdefgh"] {
            assert!(contact(&Fields::of(&with(bad))).is_err(), "{bad}");
        }
        let number = json(br#"{"contact":9876543210}"#).unwrap();
        assert_eq!(contact(&Fields::of(&number)).unwrap().unwrap(), "9876543210");
    }
}
