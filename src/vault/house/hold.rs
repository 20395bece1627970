//! Cards come in, and go to the engine at once.

use zeroize::Zeroizing;

use super::{Fault, House};
use crate::client::ClientError;
use crate::command::{HeldCard, HoldCard};
use crate::types::{CardHandle, Expiry, HoldSeconds, Pan, UnixTime};
use crate::wire::Status;

/// How long the engine holds a card for its second factor: a little longer than that is
/// awaited.
pub(super) const HELD: Option<HoldSeconds> = HoldSeconds::new(1200);

/// A card as it came in.
#[derive(Debug)]
pub struct Entered<'a> {
    /// The number; spaces are left out.
    pub number: &'a str,
    /// The expiry.
    pub expiry: Expiry,
    /// The card verification value, if there is one. It is looked at and forgotten.
    pub cvv: Option<&'a str>,
}

/// The expiry of a month of two digits (or one) and a year of two or four.
///
/// # Errors
/// [`Fault::Expiry`].
pub fn card_expiry(month: &str, year: &str) -> Result<Expiry, Fault> {
    let month = if month.len() == 1 { format!("0{month}") } else { month.to_owned() };
    let year = match year.len() {
        4 => year.strip_prefix("20").unwrap_or_default(),
        _ => year,
    };
    Ok(Expiry::parse(format!("{year}{month}").as_bytes())?)
}

impl House {
    /// Has the engine hold a card.
    ///
    /// # Errors
    /// [`Fault::Pan`], [`Fault::CardExpired`], [`Fault::Cvv`], [`Fault::Engine`].
    pub fn hold(&self, card: &Entered<'_>, now: UnixTime) -> Result<HeldCard, Fault> {
        // Nineteen digits at most, so that the room never grows and leaves a copy behind.
        let mut digits = Zeroizing::new(Vec::with_capacity(card.number.len()));
        digits.extend(card.number.bytes().filter(|byte| *byte != b' '));
        let network = Pan::parse(&digits)?.network();
        if card.expiry.is_past(now) {
            return Err(Fault::CardExpired);
        }
        check_cvv(card.cvv, network.verification_digits())?;
        let Some(seconds) = HELD else { return Err(Fault::CardGone) };
        let held = self.engine.ask(|client| {
            let pan = Pan::parse(&digits).map_err(|_| ClientError::Request(Status::PanLuhn.into()))?;
            client.hold_card(HoldCard { pan, expiry: card.expiry, seconds })
        })?;
        Ok(held)
    }

    /// Lets a card go. That it may be gone, or the engine be away, does no harm: the
    /// engine lets it go by itself in time.
    pub fn release(&self, handle: CardHandle) {
        let _ = self.engine.ask(|client| client.release_card(handle));
    }
}

fn check_cvv(cvv: Option<&str>, digits: usize) -> Result<(), Fault> {
    match cvv {
        Some(cvv) if cvv.len() != digits || !cvv.bytes().all(|c| c.is_ascii_digit()) => Err(Fault::Cvv),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiries_of_two_and_four_digits_are_one() {
        let wanted = Expiry::parse(b"3012").unwrap();
        for (month, year) in [("12", "30"), ("12", "2030")] {
            assert_eq!(card_expiry(month, year).unwrap(), wanted);
        }
        assert_eq!(card_expiry("2", "2030").unwrap(), Expiry::parse(b"3002").unwrap());
        for (month, year) in
            [("13", "30"), ("00", "30"), ("12", "1930"), ("12", "030"), ("", "30"), ("1x", "30")]
        {
            assert!(card_expiry(month, year).is_err(), "{month}/{year}");
        }
    }

    #[test]
    fn a_verification_value_has_the_networks_digits() {
        assert!(check_cvv(None, 3).is_ok());
        assert!(check_cvv(Some("123"), 3).is_ok());
        for (cvv, digits) in [("12", 3), ("12345", 3), ("1234", 3), ("123", 4), ("12a", 3)] {
            assert!(check_cvv(Some(cvv), digits).is_err());
        }
    }
}
