//! The master key of a card, from the issuer's (EMV Book 2, Annex A1.4).

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::{Card, DerivedKey, EmvError, IssuerMaster};
use crate::crypto::{AES_BLOCK, Aes, BlockCipher, TDES_BLOCK, Tdes};
use crate::cryptogram::decimal::decimalise;
use crate::secmem::{CIPHER_STACK, scrubbed};
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
            (Self::B, IssuerMaster::Tdes(issuer)) => Ok(both_halves(issuer, option_b(card))),
            (Self::C, IssuerMaster::Aes(issuer)) => Ok(option_c(issuer, packed(card))),
            _ => Err(EmvError::Algorithm),
        }
    }

    /// Works with what a card's key is derived from beside the issuer's, Y of Annex A1.4:
    /// 8 bytes, 16 of option C. Cards with the same Y have the same key, whatever their
    /// PANs: option A leaves out all but the last 14 digits, and none tells zeros before a
    /// PAN from none. It holds digits, and is wiped afterwards.
    pub fn with_data<T>(self, card: Card<'_>, work: impl FnOnce(&[u8]) -> T) -> T {
        scrubbed::<CIPHER_STACK, _>(|| match self {
            Self::A => work(&last_digits(card)),
            Self::B => work(&option_b(card)),
            Self::C => work(&packed::<AES_BLOCK>(card)),
        })
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
fn option_c(issuer: &Aes, mut left: [u8; AES_BLOCK]) -> DerivedKey {
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

/// Option B: that of A for PANs of up to 16 digits.
fn option_b(card: Card<'_>) -> [u8; TDES_BLOCK] {
    if card.pan.digit_count() <= SHORT_PAN { last_digits(card) } else { hashed_digits(card) }
}

/// Of longer ones: the first 16 digits of the decimalised SHA-1 of PAN and sequence number,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Pan;
    use crate::types::emv::Psn;

    /// PANs that some option does not tell apart, and some that all do.
    const PANS: [&[u8]; 7] = [
        b"4111111111111111",
        b"04111111111111111",
        b"0004111111111111111",
        b"5811111111111111",
        b"4111111111111129",
        b"411111111117",
        b"4000000000000000105",
    ];

    #[test]
    fn cards_have_one_key_if_and_only_if_they_have_one_y() {
        let (tdes, aes) = (Tdes::new(&[0x31; 16]), Aes::new(&[0x42; 32]));
        let (tdes, aes) = (tdes.unwrap(), aes.unwrap());
        let (mut same, mut other) = (0, 0);
        for option in [IccOption::A, IccOption::B, IccOption::C] {
            let issuer = match option {
                IccOption::C => IssuerMaster::Aes(&aes),
                _ => IssuerMaster::Tdes(&tdes),
            };
            let made = |digits: &[u8], psn: &[u8]| {
                let (pan, psn) = (Pan::parse(digits).unwrap(), Psn::parse(psn).unwrap());
                let card = Card { pan: &pan, psn };
                let key = option.derive(issuer, card).unwrap().expose().to_vec();
                (option.with_data(card, <[u8]>::to_vec), key)
            };
            let all = PANS.iter().flat_map(|pan| [made(pan, b"00"), made(pan, b"01")]);
            let all: Vec<_> = all.collect();
            for (n, (y, key)) in all.iter().enumerate() {
                for (other_y, other_key) in all.iter().skip(n + 1) {
                    assert_eq!(y == other_y, key == other_key, "{option:?}");
                    *(if y == other_y { &mut same } else { &mut other }) += 1;
                }
            }
        }
        // Pairs of the four spellings that A does not tell apart, of two and of three; each
        // with two sequence numbers.
        assert_eq!((same, other > same), (2 * (6 + 1 + 3), true));
    }
}
