//! What may be answered.

use super::{EnteredCard, HeldCard, OpenedEntry};
use crate::types::emv::{Arpc, Arqc};
use crate::types::{
    Atc, CardValue, Cryptogram, Domain, Expiry, Fingerprint, KeyVersion, Network, Pan, Par, ProviderStates,
    ShortValue, TokenNumber, Trid, UnixTime,
};

/// The answer to a command that was not refused.
#[derive(Debug)]
pub enum Reply {
    /// A token: provision, show, status changes, renewal.
    Token(Box<TokenView>),
    /// A page of tokens.
    Page(Page),
    /// A PAN, in clear.
    Detokenized(Detokenized),
    /// A PAR.
    Par(Par),
    /// A fingerprint.
    Fingerprint(Fingerprint),
    /// A cryptogram.
    Issued(Issued),
    /// A cryptogram or value was accepted and is now consumed.
    Verified(Verified),
    /// A dynamic verification value.
    IssuedShort(IssuedShort),
    /// Rows were looked at and re-sealed.
    Resealed(Resealed),
    /// An application cryptogram.
    EmvIssued(EmvIssued),
    /// An application cryptogram was accepted, and its counter is now consumed.
    EmvVerified(EmvVerified),
    /// The answer to an application cryptogram.
    Arpc(Arpc),
    /// A card verification value.
    CardValue(CardValue),
    /// A card verification value is right.
    CardValueVerified,
    /// A card is held.
    CardHeld(Box<HeldCard>),
    /// A held card is forgotten.
    CardReleased,
    /// A payment session's key.
    EntryOpened(Box<OpenedEntry>),
    /// A card came in encrypted, and is held.
    CardEntered(Box<EnteredCard>),
    /// A payment session's key is no more.
    EntryClosed,
}

/// What may be shown of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// The token number.
    pub token: TokenNumber,
    /// Its expiry.
    pub expiry: Expiry,
    /// The card's expiry.
    pub card_expiry: Expiry,
    /// The card's last four digits, for showing.
    pub card_last_four: [u8; 4],
    /// The number of digits of the card's PAN.
    pub pan_length: u8,
    /// The card's network.
    pub network: Network,
    /// The requestor.
    pub trid: Trid,
    /// The PAR of the card.
    pub par: Par,
    /// The fingerprint of the card.
    pub fingerprint: Fingerprint,
    /// Its status at each provider, and so overall.
    pub providers: ProviderStates,
    /// Where and how it may be used.
    pub domain: Domain,
    /// When it was made.
    pub created: UnixTime,
}

/// A page of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The tokens, in the order in which they were made.
    pub tokens: Vec<TokenView>,
    /// Where the next page begins; none after the last.
    pub next: Option<u32>,
}

/// A PAN and its expiry, in clear. Wiped on drop.
#[derive(Debug)]
pub struct Detokenized {
    /// The card's number.
    pub pan: Pan,
    /// The card's expiry.
    pub expiry: Expiry,
}

/// A cryptogram, and what goes with it into a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// The cryptogram.
    pub cryptogram: Cryptogram,
    /// The token's expiry.
    pub expiry: Expiry,
}

/// A dynamic verification value, and what goes with it.
#[derive(Debug, Clone, Copy)]
pub struct IssuedShort {
    /// The value.
    pub value: ShortValue,
    /// The token's expiry.
    pub expiry: Expiry,
    /// The counter it used.
    pub atc: Atc,
}

/// An acceptance. It is given once for each counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The counter that was consumed.
    pub atc: Atc,
}

/// How far re-sealing has come. A pass from the beginning to where `next` is
/// none, all of whose replies tell the same version and nothing unopened, leaves
/// no PAN under another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// The version of the PAN sealing key that is active.
    pub version: KeyVersion,
    /// Rows looked at.
    pub looked_at: u32,
    /// Rows among them that were sealed under another version and now are under
    /// this one.
    pub resealed: u32,
    /// Rows among them whose PAN does not open: its key is destroyed, or the row
    /// was changed. They are left as they are.
    pub unopened: u32,
    /// Tokens held.
    pub tokens: u32,
    /// Where to go on; none at the end.
    pub next: Option<u32>,
}

/// An application cryptogram, and the counter that it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmvIssued {
    /// The counter, 1 to 65,535.
    pub atc: Atc,
    /// The cryptogram.
    pub arqc: Arqc,
}

/// An acceptance of an application cryptogram. It is given once for each counter of a
/// card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmvVerified {
    /// The counter that was consumed.
    pub atc: Atc,
    /// What to answer the card, if that was wanted.
    pub arpc: Option<Arpc>,
}
