//! The master key of a card, from the issuer's (EMV Book 2, Annex A1.4).

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::{Card, DerivedKey, EmvError, IssuerMaster};
use crate::crypto::{AES_BLOCK, Aes, BlockCipher, TDES_BLOCK, Tdes};
use crate::cryptogram::decimal::decimalise;
use crate::types::emv::IccOption;

/// The longest PAN for which option B is option A.
const SHORT_PAN: usize = 16;

impl IccOption {
    /// The card's master key. The caller wipes the stack.
    ///
    /// # Errors
    /// [`EmvError::Algorithm`] if the issuer's key is of another cipher.
    pub fn derive(self, issuer: IssuerMaster<'_>, card: Card<'_>) -> Result<DerivedKey, EmvError> {
        match (self, issuer) {
            (Self::A, IssuerMaster::Tdes(issuer)) => Ok(both_halves(issuer, last_digits(card))),
            (Self::B, IssuerMaster::Tdes(issuer)) if card.pan.digit_count() <= SHORT_PAN => {
                Ok(both_halves(issuer, last_digits(card)))
            }
            (Self::B, IssuerMaster::Tdes(issuer)) => Ok(both_halves(issuer, hashed_digits(card))),
            (Self::C, IssuerMaster::Aes(issuer)) => Ok(option_c(issuer, card)),
            _ => Err(EmvError::Algorithm),
        }
    }
}

/// `MK = TDES(IMK)[Y] || TDES(IMK)[not Y]`, with odd parity.
fn both_halves(issuer: &Tdes, mut left: [u8; TDES_BLOCK]) -> DerivedKey {
    let mut right = left.map(|byte| !byte);
    issuer.encrypt(&mut left);
    issuer.encrypt(&mut right);
    DerivedKey::joined(left.iter().chain(&right), 16, false).with_parity()
}

/// `AES(IMK)[Y]`, and for longer keys the first bytes of `AES(IMK)[Y] || AES(IMK)[not Y]`;
/// a card's key is as long as the issuer's.
fn option_c(issuer: &Aes, card: Card<'_>) -> DerivedKey {
    let mut left: [u8; AES_BLOCK] = packed(card);
    let mut right = left.map(|byte| !byte);
    issuer.encrypt(&mut left);
    if issuer.key_len() > AES_BLOCK {
        issuer.encrypt(&mut right);
    }
    DerivedKey::joined(left.iter().chain(&right), issuer.key_len(), true)
}

/// The digits of PAN and sequence number from right to left, one a number.
fn digits_from_right(card: Card<'_>) -> impl Iterator<Item = u8> {
    let Card { pan, psn } = card;
    let psn = psn.digits().into_iter().rev();
    psn.chain(pan.expose_digits().iter().rev().copied()).map(|digit| digit & 0x0f)
}

/// PAN and sequence number, two digits a byte, right-justified in `N` bytes.
fn packed<const N: usize>(card: Card<'_>) -> [u8; N] {
    let mut packed = [0; N];
    let mut digits = digits_from_right(card);
    for place in packed.iter_mut().rev() {
        let low = digits.next().unwrap_or(0);
        *place = digits.next().unwrap_or(0) << 4 | low;
    }
    packed
}

/// Option A: the last 16 digits of PAN and sequence number, zeros before fewer.
fn last_digits(card: Card<'_>) -> [u8; TDES_BLOCK] {
    packed(card)
}

/// Option B: the first 16 digits of the decimalised SHA-1 of PAN and sequence number,
/// which are whole bytes with a zero before an odd number of digits.
fn hashed_digits(card: Card<'_>) -> [u8; TDES_BLOCK] {
    let all: [u8; 11] = packed(card);
    let bytes = (card.pan.digit_count() + 2).div_ceil(2);
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(all.get(all.len().saturating_sub(bytes)..).unwrap_or_default());
    let digest = hash.finish();
    let mut digits = decimalise(digest.as_ref());
    let mut packed = [0; TDES_BLOCK];
    for place in &mut packed {
        *place = digits.next().unwrap_or(0) << 4 | digits.next().unwrap_or(0);
    }
    packed
}
