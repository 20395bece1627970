//! Cards that are held for a while, and the keys of payment sessions under which cards
//! come in encrypted.

use crate::types::{
    CardHandle, EntrySeconds, EntrySession, Expiry, Fingerprint, HoldSeconds, Network, Pan, Par, UnixTime,
};

/// Where the card of a request comes from.
#[derive(Debug)]
pub enum CardSource {
    /// In clear.
    Clear {
        /// The card's number.
        pan: Pan,
        /// The card's expiry.
        expiry: Expiry,
    },
    /// Held under this handle. Whoever has the held cards puts the card in its place
    /// on the way to the engine.
    Held(CardHandle),
}

/// A card to be held, in locked memory only, until it is released or its time is over.
#[derive(Debug)]
pub struct HoldCard {
    /// The card's number.
    pub pan: Pan,
    /// The card's expiry. It may have passed: only saving a card asks for that.
    pub expiry: Expiry,
    /// For how long.
    pub seconds: HoldSeconds,
}

/// A payment session's key wanted.
#[derive(Debug, Clone, Copy)]
pub struct OpenEntry {
    /// For how long.
    pub seconds: EntrySeconds,
}

/// A card that was encrypted under a payment session's key.
#[derive(Debug, Clone, Copy)]
pub struct EnterCard<'a> {
    /// The session.
    pub session: EntrySession,
    /// The card of `docs/FORMATS.md`, in RSA-OAEP (RFC 8017, section 7.1): 256 bytes.
    pub ciphertext: &'a [u8],
    /// For how long the card is to be held.
    pub seconds: HoldSeconds,
}

impl EnterCard<'_> {
    /// Bytes of a ciphertext: those of the key's modulus.
    pub const CIPHERTEXT: usize = 256;
}

/// A card that is held, without its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCard {
    /// Names it to whoever had it held.
    pub handle: CardHandle,
    /// The first six digits, which may be shown (PCI DSS 3.4).
    pub iin: [u8; 6],
    /// The last four digits, which may be shown (PCI DSS 3.4).
    pub last_four: [u8; 4],
    /// The number of digits of its PAN.
    pub pan_length: u8,
    /// Its network.
    pub network: Network,
    /// Its expiry.
    pub expiry: Expiry,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its PAR, as its tokens have it.
    pub par: Par,
    /// When it is forgotten.
    pub until: UnixTime,
}

/// A card that came in encrypted and is held now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnteredCard {
    /// The card.
    pub card: HeldCard,
    /// Whether a verification value came with it. It was not kept.
    pub cvc_given: bool,
}

/// A payment session's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedEntry {
    /// Names it to whoever opened it.
    pub session: EntrySession,
    /// The public key: `SubjectPublicKeyInfo` in DER (RFC 5280, section 4.1), RSA of
    /// 2,048 bits.
    pub public_key: Vec<u8>,
    /// When it dies.
    pub until: UnixTime,
}
