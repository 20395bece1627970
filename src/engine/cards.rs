//! Cards that the field's cryptography is about: the counters of their cryptograms.
//! No number of a card is here, only what a key makes of it.

use std::collections::HashMap;

use super::lockouts::Target;
use super::misses::Limit;
use crate::crypto::{FingerprintDerivation, LoadedKey};
use crate::keys::CheckValue;
use crate::store::{Record, Space, StoreError};
use crate::types::emv::Psn;
use crate::types::{Atc, Consumption, Counters, Pan};

const LABEL: &[u8] = b"tallystick/v1/card";
/// The last counter of a card: a chip's has 16 bits.
const LAST: u32 = 0xffff;
/// From here on, nine tenths, a card is worn.
const WORN: u32 = 58_982;
/// Bytes of a record: flags 1, counters 16.
const STORED: usize = 1 + Counters::PACKED;
/// The counters are ours: those of a chip are whatever it sends.
const OURS: u8 = 1;

/// What a card is known by: what of it (1), and the first 16 bytes of
/// `HMAC-SHA-256(FPK, "tallystick/v1/card" || what (1) || of what)`.
///
/// What is 1 for cryptograms, and the rest then what the card's key is made of: the
/// length (1) and bytes of the issuer master key's KCV, and the derivation data Y of the
/// card's option. PANs are spelled in many ways that give one key; by its digits each
/// would be a card with counters of its own, and one cryptogram accepted once by each.
///
/// What is 2 for verification values, which are of all digits: `00` and the PAN's.
/// Behind a ghost's there is no card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CardId([u8; 17]);

/// What is known of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Card {
    counters: Counters,
    is_ours: bool,
}

/// All cards that were seen.
#[derive(Debug, Default)]
pub(super) struct Cards {
    of: HashMap<CardId, Card>,
    worn: usize,
}

/// A counter that cannot be given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoCounter {
    /// The card has issued its last.
    Exhausted,
    /// The card's chip counts by itself.
    OfChip,
}

impl CardId {
    const CRYPTOGRAMS: u8 = 1;
    const VALUES: u8 = 2;
    const GHOST: u8 = 0x80;
    /// No card: what each begins after that is not known.
    const FLOOR: Self = Self([0; 17]);

    /// Of the cryptograms of the card whose key is derived from `data` with an issuer's key.
    #[must_use]
    pub fn of_cryptograms(key: &LoadedKey<FingerprintDerivation>, issuer: CheckValue, data: &[u8]) -> Self {
        let issuer = issuer.as_bytes();
        let length = u8::try_from(issuer.len()).unwrap_or(u8::MAX);
        Self::of(key, Self::CRYPTOGRAMS, [&[length], issuer, data])
    }

    /// Of a card's verification values.
    #[must_use]
    pub fn of_values(key: &LoadedKey<FingerprintDerivation>, pan: &Pan) -> Self {
        Self::of(key, Self::VALUES, [&Psn::NONE.digits(), pan.expose_digits(), &[]])
    }

    /// The ghost of a card, whether there is such a card or not.
    pub(super) const fn ghost(self) -> Self {
        let Self([what, mac @ ..]) = self;
        Self::join(what | Self::GHOST, &mac)
    }

    pub(super) const fn is_ghost(self) -> bool {
        let Self([what, ..]) = self;
        what & Self::GHOST != 0
    }

    fn of(key: &LoadedKey<FingerprintDerivation>, what: u8, [a, b, c]: [&[u8]; 3]) -> Self {
        let mac = key.mac_state().mac(&[LABEL, &[what], a, b, c]);
        Self::join(what, &mac.truncated())
    }

    const fn join(what: u8, mac: &[u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *mac;
        Self([what, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }
}

impl Target for CardId {
    const SPACE: Space = Space::CardMisses;

    fn limit(self) -> Limit {
        let Self([what, ..]) = self;
        match what & !Self::GHOST {
            // Of a thousand values, five a day are few.
            Self::VALUES => Limit { misses: 5, seconds: 86_400 },
            _ => Limit { misses: 10, seconds: 900 },
        }
    }

    fn is_guessable(self) -> bool {
        let Self([what, ..]) = self;
        what & !Self::GHOST == Self::VALUES
    }

    fn to_key(self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        key.try_into().ok().map(Self)
    }
}

impl Cards {
    /// The number of cards.
    pub fn len(&self) -> usize {
        self.of.len() - usize::from(self.has(CardId::FLOOR))
    }

    /// Cards of which nine tenths of the counters are used up.
    pub const fn worn(&self) -> usize {
        self.worn
    }

    /// Whether the card was seen.
    pub fn has(&self, id: CardId) -> bool {
        self.of.contains_key(&id)
    }

    /// The next counter of a card whose cryptograms are made here.
    pub fn next(&self, id: CardId) -> Result<Atc, NoCounter> {
        let card = self.begun(id);
        if !card.is_ours && card.counters.newest_consumed() > 0 {
            return Err(NoCounter::OfChip);
        }
        if card.counters.newest_issued() >= LAST {
            return Err(NoCounter::Exhausted);
        }
        Atc::new(card.counters.newest_issued() + 1).ok_or(NoCounter::Exhausted)
    }

    /// Takes the [`next`](Self::next) counter.
    pub fn issue(&mut self, id: CardId) -> Result<Atc, NoCounter> {
        let atc = self.next(id)?;
        let mut card = self.begun(id);
        card.counters.replay_issue(atc);
        card.is_ours = true;
        self.put(id, card);
        Ok(atc)
    }

    /// Consumes a counter: one that was issued here or, if none was, any that the
    /// card's chip sends.
    pub fn consume(&mut self, id: CardId, atc: Atc) -> Consumption {
        let mut card = self.get(id);
        if !card.is_ours {
            card.counters.replay_issue(atc);
        }
        let consumption = card.counters.consume(atc);
        if consumption == Consumption::Consumed {
            self.put(id, card);
        }
        consumption
    }

    /// Skips so many counters of every card whose cryptograms are made here, of those too
    /// that are not known; what came before is accepted no more. What is concerned.
    pub fn skip(&mut self, count: u32) -> Vec<CardId> {
        if !self.has(CardId::FLOOR) {
            self.put(CardId::FLOOR, Card { is_ours: true, ..Card::default() });
        }
        let ours: Vec<CardId> = self.of.iter().filter(|(_, card)| card.is_ours).map(|(id, _)| *id).collect();
        for id in &ours {
            let mut card = self.get(*id);
            let next = card.counters.newest_issued().saturating_add(count).min(LAST);
            Atc::new(next).into_iter().for_each(|atc| card.counters.replay_consume(atc));
            self.put(*id, card);
        }
        ours
    }

    /// The record that keeps what is known of a card now; one that removes it if
    /// nothing is.
    pub fn record(&self, id: CardId) -> Record {
        let body = self.of.get(&id).map(|card| {
            let mut body = Vec::with_capacity(STORED);
            body.push(if card.is_ours { OURS } else { 0 });
            body.extend_from_slice(&card.counters.to_bytes());
            body
        });
        Record { space: Space::Card, key: id.0.to_vec(), expires: None, body }
    }

    /// Takes a stored record back.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn restore(&mut self, record: &Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a record of a card cannot be read");
        let id = CardId::from_key(&record.key).ok_or(DAMAGED)?;
        let body: [u8; STORED] =
            record.body.as_deref().unwrap_or_default().try_into().map_err(|_| DAMAGED)?;
        let [flags, counters @ ..] = body;
        let counters = Counters::from_bytes(counters);
        if flags > OURS || counters.newest_issued().max(counters.newest_consumed()) > LAST {
            return Err(DAMAGED);
        }
        self.put(id, Card { counters, is_ours: flags == OURS });
        Ok(())
    }

    fn get(&self, id: CardId) -> Card {
        self.of.get(&id).copied().unwrap_or_default()
    }

    /// A card that makes its next cryptogram here, or its first.
    fn begun(&self, id: CardId) -> Card {
        self.of.get(&id).copied().unwrap_or_else(|| self.get(CardId::FLOOR))
    }

    fn put(&mut self, id: CardId, card: Card) {
        let before = self.of.insert(id, card).unwrap_or_default();
        if id != CardId::FLOOR {
            self.worn += usize::from(card.is_worn());
            self.worn -= usize::from(before.is_worn());
        }
    }
}

impl Card {
    fn is_worn(&self) -> bool {
        self.counters.newest_issued() >= WORN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: CardId = CardId([1; 17]);

    fn atc(value: u32) -> Atc {
        Atc::new(value).unwrap()
    }

    #[test]
    fn counters_of_ours_end_at_sixteen_bits_and_are_worn_before() {
        let mut cards = Cards::default();
        for expected in 1..=LAST {
            assert_eq!(cards.worn(), usize::from(expected > WORN), "{expected}");
            assert_eq!(cards.issue(ID), Ok(atc(expected)));
        }
        assert_eq!(cards.issue(ID), Err(NoCounter::Exhausted));
        assert_eq!((cards.worn(), cards.len()), (1, 1));
    }

    #[test]
    fn none_above_the_newest_of_ours_is_consumed_and_none_twice() {
        let mut cards = Cards::default();
        for _ in 0..3 {
            cards.issue(ID).unwrap();
        }
        assert_eq!(cards.consume(ID, atc(4)), Consumption::NeverIssued);
        assert_eq!(cards.consume(ID, atc(3)), Consumption::Consumed);
        assert_eq!(cards.consume(ID, atc(3)), Consumption::Replayed);
        assert_eq!(cards.consume(ID, atc(1)), Consumption::Consumed);
    }

    #[test]
    fn a_chip_counts_by_itself_and_no_counter_is_made_for_it() {
        let mut cards = Cards::default();
        assert_eq!(cards.consume(ID, atc(900)), Consumption::Consumed);
        assert_eq!(cards.consume(ID, atc(900)), Consumption::Replayed);
        assert_eq!(cards.consume(ID, atc(850)), Consumption::Consumed);
        assert_eq!(cards.consume(ID, atc(835)), Consumption::BehindWindow);
        assert_eq!(cards.consume(ID, atc(LAST)), Consumption::Consumed);
        assert_eq!(cards.issue(ID), Err(NoCounter::OfChip));
        assert_eq!(cards.worn(), 1);
    }

    #[test]
    fn what_was_issued_before_a_skip_is_accepted_no_more_and_no_counter_comes_twice() {
        let (mut cards, chip) = (Cards::default(), CardId([2; 17]));
        cards.issue(ID).unwrap();
        cards.consume(chip, atc(7));
        let mut skipped = cards.skip(1000);
        skipped.sort();
        assert_eq!(skipped, [CardId::FLOOR, ID]);
        assert_eq!(cards.consume(ID, atc(1)), Consumption::BehindWindow);
        assert_eq!(cards.issue(ID), Ok(atc(1002)));
        assert_eq!(cards.consume(chip, atc(8)), Consumption::Consumed);
        cards.skip(LAST);
        assert_eq!(cards.issue(ID), Err(NoCounter::Exhausted));
    }

    /// It may have issued since the copy was made that is gone on with.
    #[test]
    fn one_that_is_not_known_begins_behind_what_was_skipped_and_a_chip_where_it_is() {
        let (mut cards, chip) = (Cards::default(), CardId([2; 17]));
        cards.skip(1000);
        assert_eq!((cards.len(), cards.worn()), (0, 0));
        let mut again = Cards::default();
        again.restore(&cards.record(CardId::FLOOR)).unwrap();
        again.skip(24);
        assert_eq!(again.consume(chip, atc(7)), Consumption::Consumed);
        assert_eq!(again.issue(ID), Ok(atc(1025)));
        assert_eq!(again.consume(ID, atc(1024)), Consumption::Replayed);
        assert_eq!(again.consume(ID, atc(1025)), Consumption::Consumed);
        assert_eq!(again.len(), 2);
        again.skip(LAST);
        assert_eq!(again.next(CardId([3; 17])), Err(NoCounter::Exhausted));
    }

    #[test]
    fn a_ghost_is_no_card_and_is_locked_as_one() {
        assert!(ID.ghost().is_ghost() && !ID.is_ghost());
        assert_eq!(ID.ghost().limit().misses, ID.limit().misses);
        assert_eq!(CardId::from_key(&ID.ghost().to_key()), Some(ID.ghost()));
    }

    /// No part of what a card is known by runs into the next.
    #[test]
    fn another_issuer_or_other_data_is_another_card() {
        let key = LoadedKey::from_bytes(&crate::secmem::Region::new(4).unwrap(), &[7; 32]).unwrap();
        let id = |check: &[u8], data: &[u8]| {
            CardId::of_cryptograms(&key, CheckValue::from_bytes(check).unwrap(), data)
        };
        let one = id(&[1, 2, 3], &[4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(one, id(&[1, 2, 3], &[4, 5, 6, 7, 8, 9, 10, 11]));
        assert_ne!(one, id(&[1, 2, 4], &[4, 5, 6, 7, 8, 9, 10, 11]));
        assert_ne!(one, id(&[1, 2, 3], &[4, 5, 6, 7, 8, 9, 10, 12]));
        assert_ne!(one, id(&[1, 2, 3, 4, 5], &[6, 7, 8, 9, 10, 11]));
        let pan = Pan::parse(b"4111111111111111").unwrap();
        assert_ne!(
            CardId::of_values(&key, &pan),
            CardId::of_values(&key, &Pan::parse(b"04111111111111111").unwrap())
        );
    }

    #[test]
    fn what_is_stored_comes_back() {
        let mut cards = Cards::default();
        cards.issue(ID).unwrap();
        cards.consume(ID, atc(1));
        let record = cards.record(ID);
        let mut again = Cards::default();
        again.restore(&record).unwrap();
        assert_eq!(again.of, cards.of);
        for cut in 0..STORED {
            let body = record.body.as_ref().map(|body| body[..cut].to_vec());
            assert!(again.restore(&Record { body, ..record.clone() }).is_err());
        }
        let mut beyond = record.clone();
        beyond.body.as_mut().unwrap()[1] = 1;
        assert!(again.restore(&beyond).is_err(), "a counter of more than 16 bits");
        let mut strange = record.clone();
        strange.body.as_mut().unwrap()[0] = 2;
        assert!(again.restore(&strange).is_err(), "a flag that there is not");
        cards.skip(LAST);
        again.restore(&cards.record(ID)).unwrap();
        assert_eq!(again.next(ID), Err(NoCounter::Exhausted));
        assert_eq!(Cards::default().record(ID).body, None);
    }
}
