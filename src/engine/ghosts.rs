//! Misses of nobody. A verification that is refused for another reason than a miss
//! counts one here, and writes it as the other would: whoever may not know the
//! reason cannot tell it by what it takes.

use super::cards::CardId;
use super::lockouts::{Lockouts, Target};
use super::short_values::ShortValues;
use crate::store::{Record, TokenSlot};
use crate::types::{TokenNumber, UnixTime};

/// The first slot that no token ever gets. Ghosts have the 65,536 slots from here.
const FIRST: u32 = 0xffff_0000;

/// The misses of ghosts.
#[derive(Debug, Default)]
pub(super) struct Ghosts {
    cryptograms: Lockouts<TokenSlot>,
    cards: Lockouts<CardId>,
    short_values: ShortValues,
}

impl Ghosts {
    /// Whether a stored record is a ghost's, and so of no more use.
    pub fn own(record: &Record) -> bool {
        let of_card = CardId::from_key(&record.key).is_some_and(CardId::is_ghost);
        of_card || TokenSlot::from_key(&record.key).is_some_and(|slot| slot.0 >= FIRST)
    }

    /// As [`Lockouts::miss`].
    pub fn miss(&mut self, token: TokenNumber, now: UnixTime) -> impl Iterator<Item = Record> + use<> {
        self.cryptograms.miss(slot(token), now)
    }

    /// As [`Lockouts::miss`], of a card.
    pub fn miss_card(&mut self, card: CardId, now: UnixTime) -> impl Iterator<Item = Record> + use<> {
        self.cards.miss(card.ghost(), now)
    }

    /// As [`ShortValues::miss`].
    pub fn miss_short(&mut self, token: TokenNumber) -> Record {
        self.short_values.miss(slot(token))
    }
}

/// The ghost of a token number, whether there is such a token or not: as one token
/// is refused again, so is one ghost.
fn slot(token: TokenNumber) -> TokenSlot {
    let [high, low, ..] = token.value().wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    TokenSlot(FIRST | u32::from(u16::from_be_bytes([high, low])))
}
