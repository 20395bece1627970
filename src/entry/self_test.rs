//! The start-up self-test of RSA-OAEP.

use super::key::EntryKey;
use super::{Entry, EntryRegions};
use crate::command::{EnterCard, Refusal};
use crate::crypto::SelfTestError;
use crate::types::{EntrySession, HoldSeconds};
use std::time::{Duration, Instant};

/// A key of OpenSSL's, and a card that OpenSSL encrypted under it (`pkeyutl` with
/// `rsa_padding_mode:oaep`, `rsa_oaep_md:sha256`, `rsa_mgf1_md:sha256`). It guards nothing.
const KEY: &[u8] = include_bytes!("self_test/key.der");
const CARD: &[u8; EnterCard::CIPHERTEXT] = include_bytes!("self_test/card.oaep");
const PAN: &[u8] = b"4111111111111111";

/// Decrypts a card that another implementation encrypted, and not one with a bit flipped.
/// It also has the library do once what it does before its first use, which a sandbox may
/// not allow later. The regions are to have room for two keys.
///
/// # Errors
/// [`SelfTestError`].
pub fn self_test(regions: EntryRegions) -> Result<(), SelfTestError> {
    const FAILED: SelfTestError = SelfTestError("RSA-OAEP");
    let region = regions.sessions().clone();
    let entry = Entry::new(Some(regions));
    let (now, session) = (Instant::now(), EntrySession::from_bytes([0; EntrySession::LEN]));
    let key = EntryKey::of(&region, KEY).map_err(|_| FAILED)?;
    entry.open("", session, key, now + Duration::from_secs(60)).map_err(|_| FAILED)?;
    let seconds = HoldSeconds::new(1).ok_or(FAILED)?;
    let mut flipped = *CARD;
    if let Some(last) = flipped.last_mut() {
        *last ^= 1;
    }
    let enter = |ciphertext| entry.enter("", &EnterCard { session, ciphertext, seconds }, now);
    let refused = matches!(enter(&flipped), Err(Refusal::EntryRefused));
    let entered = enter(CARD).is_ok_and(|card| card.pan.expose_digits() == PAN && card.cvc_given);
    // Another key does not decrypt it.
    let (other, _) = EntryKey::generate(&region).map_err(|_| FAILED)?;
    if refused && entered && other.open(CARD).is_err() { Ok(()) } else { Err(FAILED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_here() {
        assert_eq!(self_test(EntryRegions::of(1, 2).unwrap()), Ok(()));
    }
}
