//! The key of a session, from a card's (EMV Book 2, Annex A1.3).

use super::key::Expanded;
use super::{DerivedKey, EmvError};
use crate::crypto::{AES_BLOCK, BlockCipher, TDES_BLOCK};
use crate::types::UnpredictableNumber;
use crate::types::emv::{Atc, Session, TreeShape};

impl Session {
    /// The session's key. The caller wipes the stack.
    ///
    /// # Errors
    /// [`EmvError::Algorithm`] if it is not for the card's cipher, or
    /// [`EmvError::Unpredictable`].
    pub fn derive(
        self,
        card: DerivedKey,
        atc: Atc,
        unpredictable: Option<UnpredictableNumber>,
    ) -> Result<DerivedKey, EmvError> {
        let [high, low] = atc.to_bytes();
        match self {
            Self::None => Ok(card),
            Self::Common if card.is_aes() => {
                common_aes(&card, [high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            }
            Self::Common => common_tdes(&card, [high, low, 0, 0, 0, 0, 0, 0]),
            Self::CommonWithUnpredictable => {
                let UnpredictableNumber([a, b, c, d]) = unpredictable.ok_or(EmvError::Unpredictable)?;
                common_tdes(&card, [high, low, 0, 0, a, b, c, d])
            }
            Self::Tree(shape) => tree(card, atc, shape),
        }
    }
}

/// `SK = TDES(MK)[R with F0 as third byte] || TDES(MK)[R with 0F]`, with odd parity.
///
/// # Errors
/// [`EmvError::Algorithm`] if the card's key is one of AES.
pub fn common_tdes(card: &DerivedKey, r: [u8; TDES_BLOCK]) -> Result<DerivedKey, EmvError> {
    let pair = card.pair()?;
    let (mut left, mut right) = (with_third(r, 0xf0), with_third(r, 0x0f));
    pair.encrypt(&mut left);
    pair.encrypt(&mut right);
    Ok(DerivedKey::joined(left.iter().chain(&right), 16, false).with_parity())
}

/// `SK = AES(MK)[R]` for keys of 16 bytes, else as many first bytes of
/// `AES(MK)[R with F0 as third byte] || AES(MK)[R with 0F]` as a key has.
///
/// # Errors
/// [`EmvError::Algorithm`] if the card's key is one of triple DES.
pub fn common_aes(card: &DerivedKey, r: [u8; AES_BLOCK]) -> Result<DerivedKey, EmvError> {
    let Expanded::Aes(cipher) = card.expand()? else { return Err(EmvError::Algorithm) };
    let len = card.expose().len();
    let is_long = len > AES_BLOCK;
    let mut left = if is_long { with_third(r, 0xf0) } else { r };
    let mut right = with_third(r, 0x0f);
    cipher.encrypt(&mut left);
    if is_long {
        cipher.encrypt(&mut right);
    }
    Ok(DerivedKey::joined(left.iter().chain(&right), len, true))
}

fn with_third<const N: usize>(mut r: [u8; N], byte: u8) -> [u8; N] {
    r.get_mut(2).into_iter().for_each(|place| *place = byte);
    r
}

/// Down the tree to the counter's leaf: each key is made of its parent and the one above
/// that, and the last two are added.
fn tree(card: DerivedKey, atc: Atc, shape: TreeShape) -> Result<DerivedKey, EmvError> {
    let atc = u64::from(atc.get());
    let (mut parent, mut grandparent) = (card, DerivedKey::tdes(&[0; 16]));
    for level in 1..shape.height() {
        let child = branch(&parent, &grandparent, atc / shape.leaves(shape.height() - level), shape)?;
        (parent, grandparent) = (child, parent);
    }
    let leaf = branch(&parent, &grandparent, atc, shape)?;
    let mut sum = [0; 16];
    sum.iter_mut().zip(leaf.expose()).zip(grandparent.expose()).for_each(|((sum, a), b)| *sum = a ^ b);
    Ok(DerivedKey::tdes(&sum).with_parity())
}

/// `TDES(X)[YL + j mod b] || TDES(X)[YR + j mod b + F0]`, where `+` is exclusive or.
fn branch(x: &DerivedKey, y: &DerivedKey, j: u64, shape: TreeShape) -> Result<DerivedKey, EmvError> {
    let pair = x.pair()?;
    let (halves, _) = y.expose().as_chunks::<TDES_BLOCK>();
    let [left, right] = halves else { return Err(EmvError::Algorithm) };
    let number = j % u64::from(shape.branches().max(1));
    let mut left = (u64::from_be_bytes(*left) ^ number).to_be_bytes();
    let mut right = (u64::from_be_bytes(*right) ^ number ^ 0xf0).to_be_bytes();
    pair.encrypt(&mut left);
    pair.encrypt(&mut right);
    Ok(DerivedKey::joined(left.iter().chain(&right), 16, false))
}
