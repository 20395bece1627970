//! The commit group and its parts.

use super::StoreError;
use super::journal::{JournalBody, marks};
use crate::types::{Atc, Trid, UnixTime};

/// The writer's epoch: each opening of a store draws one above any before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// The number of a commit group, consecutive from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupNumber(pub u64);

/// The index of a token, dense from 0 in the order of provisioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenSlot(pub u32);

/// A group number and the chain MAC of that group; zeros before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// The group.
    pub number: GroupNumber,
    /// Its MAC.
    pub mac: [u8; 32],
}

impl ChainHead {
    /// The head before the first group.
    pub const START: Self = Self { number: GroupNumber(0), mac: [0; 32] };
}

/// One counter issued or consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterMove {
    /// Whose counter.
    pub slot: TokenSlot,
    /// Which.
    pub atc: Atc,
}

/// What one commit makes durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its number, one above the last.
    pub number: GroupNumber,
    /// The writer's epoch.
    pub epoch: Epoch,
    /// The MAC of the group before; zeros before the first.
    pub before: [u8; 32],
    /// The journal body: see [`journal`](super::journal).
    pub body: Vec<u8>,
    /// The MAC that chains the group to the one before it.
    pub mac: [u8; 32],
    /// Token rows to be written, each whole.
    pub tokens: Vec<TokenRow>,
    /// Records to be written or removed.
    pub records: Vec<Record>,
    /// Pages to be written, each whole.
    pub pages: Vec<Page>,
    /// Groups before this one are needed no more: every page holds what they did.
    pub keep_from: GroupNumber,
}

/// What pages hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageKind {
    /// What hot operations need of tokens, but for their counters.
    Tokens,
    /// Counters.
    Counters,
}

impl PageKind {
    /// Every kind, in the order in which pages are loaded.
    pub const ALL: [Self; 2] = [Self::Tokens, Self::Counters];

    /// The number stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tokens => 1,
            Self::Counters => 2,
        }
    }
}

/// A page: what memory holds of a run of neighbouring tokens, as of the group
/// that it is written with. Opaque to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it holds.
    pub kind: PageKind,
    /// Its number, dense from 0.
    pub number: u32,
    /// Its content.
    pub body: Vec<u8>,
}

impl Group {
    /// Whether the group may be appended after the group `head` by the writer
    /// `ours` to a store whose newest epoch is `newest`.
    ///
    /// A body that could not be read back is refused here, where it costs a
    /// restart; once durable it would cost the store.
    pub(super) fn check(&self, head: GroupNumber, ours: Epoch, newest: Epoch) -> Result<(), StoreError> {
        if newest != ours || self.epoch != ours {
            return Err(StoreError::Fenced);
        }
        if head.0.checked_add(1) != Some(self.number.0) {
            return Err(StoreError::OutOfOrder);
        }
        match JournalBody::decode(&self.body) {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Corrupt("a group to be appended has no journal body")),
        }
    }

    /// The head of the chain once the group is its last.
    #[must_use]
    pub const fn head(&self) -> ChainHead {
        ChainHead { number: self.number, mac: self.mac }
    }

    /// The bytes that the group adds to the journal.
    #[must_use]
    pub fn journal_bytes(&self) -> u64 {
        u64::try_from(self.body.len()).unwrap_or(u64::MAX)
    }

    /// Which rows it writes, as the journal holds it: see [`marks`].
    #[must_use]
    pub fn marks(&self) -> Vec<u8> {
        marks(&self.tokens)
    }
}

/// A token's row. The body is opaque to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The token's index, the row's key.
    pub slot: TokenSlot,
    /// The requestor, by which rows are listed.
    pub trid: Trid,
    /// Counts the writes of the row, to tell a stale one.
    pub revision: u16,
    /// The rest.
    pub body: Vec<u8>,
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    /// Replies kept for idempotency keys.
    Idempotency,
    /// PARs linked to fingerprints.
    ParLink,
    /// Outstanding dynamic verification values.
    ShortValues,
    /// Requestors and domains that tokens share.
    Profile,
    /// Bad MACs of tokens.
    BadMacs,
    /// Counters of cards.
    Card,
    /// Bad MACs and wrong values of cards.
    CardMisses,
    /// Which keys the keyring has, where several nodes share a store.
    Keyring,
}

impl Space {
    /// Every space, in the order of their numbers from 1.
    pub const ALL: [Self; 8] = [
        Self::Idempotency,
        Self::ParLink,
        Self::ShortValues,
        Self::Profile,
        Self::BadMacs,
        Self::Card,
        Self::CardMisses,
        Self::Keyring,
    ];

    /// The number stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Idempotency => 1,
            Self::ParLink => 2,
            Self::ShortValues => 3,
            Self::Profile => 4,
            Self::BadMacs => 5,
            Self::Card => 6,
            Self::CardMisses => 7,
            Self::Keyring => 8,
        }
    }

    /// The space with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|space| space.number() == number)
    }
}

/// An opaque record under a key; writing one replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub space: Space,
    /// Its key.
    pub key: Vec<u8>,
    /// When it may be forgotten, if ever.
    pub expires: Option<UnixTime>,
    /// Its content; none removes the record.
    pub body: Option<Vec<u8>>,
}
