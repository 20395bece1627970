//! What may be asked with keys that were imported: the field's own cryptograms and
//! values, about cards and not about tokens.

use crate::types::emv::{Arqc, EmvData, Method, Psn};
use crate::types::{CardValue, CardValueKind, DateOrder, Expiry, KeyLabel, Pan};

/// A card, its key, and what a cryptogram is or was made of.
#[derive(Debug)]
pub struct EmvCard {
    /// The issuer master key.
    pub key: KeyLabel,
    /// The number that the chip holds: a card's PAN, or a token in its place.
    pub pan: Pan,
    /// Its sequence number.
    pub psn: Psn,
    /// How keys and cryptogram are derived.
    pub method: Method,
    /// What the cryptogram covers, by tags. To issue, without ATC.
    pub data: EmvData,
    /// What it covers instead, in order, if a scheme covers something else than EMV Book
    /// 2, section 8.1.1, names; then only ATC and unpredictable number of the data count.
    /// Not for a scheme without session key, where the ATC would count for nothing.
    pub text: Option<Vec<u8>>,
}

/// An application cryptogram wanted, under the card's next counter.
#[derive(Debug)]
pub struct EmvIssue(pub EmvCard);

/// An application cryptogram to be verified and its counter consumed.
#[derive(Debug)]
pub struct EmvVerify {
    /// What it is made of, ATC included.
    pub card: EmvCard,
    /// The cryptogram.
    pub arqc: Arqc,
    /// What to answer the card with, if it is accepted.
    pub answer: Option<EmvAnswer>,
}

/// The answer to an application cryptogram, wanted without consuming its counter. The
/// cryptogram must be right.
#[derive(Debug)]
pub struct EmvArpc {
    /// What the cryptogram is made of, ATC included.
    pub card: EmvCard,
    /// The cryptogram.
    pub arqc: Arqc,
    /// What to answer.
    pub answer: EmvAnswer,
}

/// What an issuer answers a card (EMV Book 2, section 8.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmvAnswer {
    /// Method 1: an authorisation response code.
    Code([u8; 2]),
    /// Method 2.
    Status {
        /// The card status update.
        csu: [u8; 4],
        /// Proprietary authentication data, up to 8 bytes.
        proprietary: Vec<u8>,
    },
}

/// A card verification value wanted.
#[derive(Debug)]
pub struct MakeCardValue {
    /// The card verification key.
    pub key: KeyLabel,
    /// The card's number.
    pub pan: Pan,
    /// Its expiry.
    pub expiry: Expiry,
    /// Which value.
    pub kind: CardValueKind,
    /// In which order the expiry is taken in.
    pub order: DateOrder,
}

/// A card verification value to be verified.
#[derive(Debug)]
pub struct VerifyCardValue {
    /// What it is made of.
    pub of: MakeCardValue,
    /// The value.
    pub value: CardValue,
}
