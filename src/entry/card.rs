//! A card as it is encrypted: our own layout in JSON (`docs/FORMATS.md`), read in place so
//! that no copy of it is left.

use std::fmt;

use zeroize::Zeroizing;

use crate::command::Refusal;
use crate::types::{Expiry, Pan};

/// Longest number with its spaces, in bytes.
const LONGEST: usize = 40;

/// A card that came in encrypted.
pub struct EnteredPlain {
    /// Its number.
    pub pan: Pan,
    /// Its expiry.
    pub expiry: Expiry,
    /// Whether a verification value came with it.
    pub cvc_given: bool,
}

impl fmt::Debug for EnteredPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnteredPlain(redacted)")
    }
}

/// Reads the plaintext. All that may be wrong with it is one refusal.
///
/// # Errors
/// [`Refusal::EntryRefused`].
pub(crate) fn read(plain: &[u8]) -> Result<EnteredPlain, Refusal> {
    parse(plain).ok_or(Refusal::EntryRefused)
}

/// The members of the object, as they stand.
#[derive(Default)]
struct Members<'p> {
    number: Option<&'p str>,
    month: Option<&'p str>,
    year: Option<&'p str>,
    cvc: Option<&'p str>,
    holder: Option<&'p str>,
}

fn parse(plain: &[u8]) -> Option<EnteredPlain> {
    let members = Members::read(std::str::from_utf8(plain).ok()?)?;
    let is_cvc = |cvc: &str| (3..=4).contains(&cvc.len()) && is_digits(cvc);
    if !members.cvc.is_none_or(is_cvc) {
        return None;
    }
    let expiry = expiry(members.month?, members.year?)?;
    Some(EnteredPlain { pan: pan(members.number?)?, expiry, cvc_given: members.cvc.is_some() })
}

/// The number without its spaces.
fn pan(number: &str) -> Option<Pan> {
    if number.len() > LONGEST {
        return None;
    }
    let mut digits = Zeroizing::new([0; LONGEST]);
    let mut count = 0;
    for (to, byte) in digits.iter_mut().zip(number.bytes().filter(|byte| *byte != b' ')) {
        *to = byte;
        count += 1;
    }
    Pan::parse(digits.get(..count)?).ok()
}

/// `MM` and `YY` or `20YY`.
fn expiry(month: &str, year: &str) -> Option<Expiry> {
    let year = if year.len() == 4 { year.strip_prefix("20")? } else { year };
    if !(month.len() == 2 && year.len() == 2 && is_digits(month) && is_digits(year)) {
        return None;
    }
    let (year, month) = (year.parse::<u16>().ok()?, month.parse::<u16>().ok()?);
    Expiry::from_value(year * 100 + month).ok()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

impl<'p> Members<'p> {
    /// Reads one object of text members (RFC 8259) and nothing behind it. A member twice,
    /// an unknown one, another type and an escape are refused.
    fn read(text: &'p str) -> Option<Self> {
        let mut members = Self::default();
        let mut rest = after(text, '{')?;
        loop {
            let (name, value);
            (name, rest) = string(rest)?;
            (value, rest) = string(after(rest, ':')?)?;
            let place = members.place(name)?;
            if place.replace(value).is_some() {
                return None;
            }
            match after(rest, ',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        skip(after(rest, '}')?).is_empty().then_some(members)
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<&'p str>> {
        match name {
            "number" => Some(&mut self.number),
            "expiryMonth" => Some(&mut self.month),
            "expiryYear" => Some(&mut self.year),
            "cvc" => Some(&mut self.cvc),
            "holderName" => Some(&mut self.holder),
            _ => None,
        }
    }
}

/// What comes after this sign, which may have white space before it.
fn after(text: &str, sign: char) -> Option<&str> {
    skip(text).strip_prefix(sign)
}

/// Without the white space at the front (RFC 8259, section 2).
fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// A string without escapes, and what comes after it.
fn string(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = after(text, '"')?.split_once('"')?;
    // A backslash before the closing quote would be inside too.
    let is_plain = !inside.chars().any(|sign| sign == '\\' || sign < ' ');
    is_plain.then_some((inside, rest))
}

#[cfg(test)]
mod tests;
