//! Tokens and cards under attack: ten bad MACs within a quarter of an hour lock the
//! cryptograms of one for a quarter of an hour, five wrong values within a day a
//! card's values for a day.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use super::misses::{Limit, Misses};
use crate::store::{Record, Space, StoreError, TokenSlot};
use crate::types::UnixTime;

/// Tokens, or cards, with misses at a time; past it the one whose time ends first is forgotten.
const MOST: usize = 65_536;
/// The same of what can be guessed, of which none is forgotten before its time: past it
/// those that have no misses yet are locked too.
const MOST_GUESSED: usize = 262_144;
/// Bytes of a record: misses 1, their end 8.
const STORED: usize = 9;

/// What misses are counted of.
pub(super) trait Target: Copy + Ord + Hash {
    /// Where its misses are stored.
    const SPACE: Space;

    /// How many lock it.
    fn limit(self) -> Limit;

    /// Whether so few values are possible that whoever has misses forgotten, by missing
    /// others, finds the right one.
    fn is_guessable(self) -> bool {
        false
    }

    /// The key of its record.
    fn to_key(self) -> Vec<u8>;

    /// Reads [`to_key`](Self::to_key).
    fn from_key(key: &[u8]) -> Option<Self>;
}

impl Target for TokenSlot {
    const SPACE: Space = Space::BadMacs;

    fn limit(self) -> Limit {
        Limit { misses: 10, seconds: 900 }
    }

    fn to_key(self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        Some(Self(u32::from_be_bytes(key.try_into().ok()?)))
    }
}

/// The misses of all that have any.
#[derive(Debug)]
pub(super) struct Lockouts<T> {
    of: HashMap<T, Misses>,
    /// Those that are not guessable, the first to be forgotten foremost.
    order: BTreeSet<(UnixTime, T)>,
    /// The others.
    guessed: BTreeSet<(UnixTime, T)>,
}

impl<T> Default for Lockouts<T> {
    fn default() -> Self {
        Self { of: HashMap::new(), order: BTreeSet::new(), guessed: BTreeSet::new() }
    }
}

impl<T: Target> Lockouts<T> {
    /// Whether misses have locked it.
    pub fn is_locked(&self, target: T, now: UnixTime) -> bool {
        match self.of.get(&target) {
            Some(misses) => misses.lock(now, target.limit()),
            // Its misses could not be counted.
            None if target.is_guessable() && self.guessed.len() >= MOST_GUESSED => {
                self.guessed.first().is_some_and(|(until, _)| *until > now)
            }
            None => false,
        }
    }

    /// Counts a miss, and gives the records that make that durable.
    pub fn miss(&mut self, target: T, now: UnixTime) -> impl Iterator<Item = Record> + use<T> {
        let misses = Misses::one_more(self.of.get(&target).copied(), now, target.limit());
        self.put(target, misses);
        let (order, most) =
            if target.is_guessable() { (&self.guessed, MOST_GUESSED) } else { (&self.order, MOST) };
        let forgotten = if order.len() > most { order.first().copied() } else { None };
        let forgotten = forgotten.and_then(|(_, target)| self.clear(target));
        forgotten.into_iter().chain([record(target, Some(misses))])
    }

    /// Forgets the misses of one.
    pub fn clear(&mut self, target: T) -> Option<Record> {
        let misses = self.of.remove(&target)?;
        self.order_of(target).remove(&(misses.until, target));
        Some(record(target, None))
    }

    /// Takes a stored record back.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn restore(&mut self, stored: &Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a record of misses cannot be read");
        let target = T::from_key(&stored.key).ok_or(DAMAGED)?;
        let body: [u8; STORED] =
            stored.body.as_deref().unwrap_or_default().try_into().map_err(|_| DAMAGED)?;
        let [count, until @ ..] = body;
        let until = UnixTime::from_seconds(u64::from_be_bytes(until));
        self.put(target, Misses { count, until });
        Ok(())
    }

    fn put(&mut self, target: T, misses: Misses) {
        let before = self.of.insert(target, misses);
        let order = self.order_of(target);
        if let Some(before) = before {
            order.remove(&(before.until, target));
        }
        order.insert((misses.until, target));
    }

    fn order_of(&mut self, target: T) -> &mut BTreeSet<(UnixTime, T)> {
        if target.is_guessable() { &mut self.guessed } else { &mut self.order }
    }
}

fn record<T: Target>(target: T, misses: Option<Misses>) -> Record {
    let body = misses.map(|misses| {
        let mut body = vec![misses.count];
        body.extend_from_slice(&misses.until.seconds().to_be_bytes());
        body
    });
    Record { space: T::SPACE, key: target.to_key(), expires: None, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CardId;

    const SLOT: TokenSlot = TokenSlot(7);

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_seconds(1_000_000 + seconds)
    }

    fn missed(times: u8, seconds: u64) -> Lockouts<TokenSlot> {
        let mut lockouts = Lockouts::default();
        for _ in 0..times {
            assert_eq!(lockouts.miss(SLOT, at(seconds)).count(), 1);
        }
        lockouts
    }

    #[test]
    fn the_tenth_locks_for_a_quarter_of_an_hour_from_then() {
        let mut lockouts = missed(9, 0);
        assert!(!lockouts.is_locked(SLOT, at(0)));
        lockouts.miss(SLOT, at(899)).for_each(drop);
        assert!(lockouts.is_locked(SLOT, at(899)) && lockouts.is_locked(SLOT, at(899 + 899)));
        assert!(!lockouts.is_locked(SLOT, at(899 + 900)));
        assert!(!lockouts.is_locked(TokenSlot(8), at(899)));
    }

    #[test]
    fn misses_of_long_ago_do_not_count() {
        let mut lockouts = missed(9, 0);
        lockouts.miss(SLOT, at(900)).for_each(drop);
        assert!(!lockouts.is_locked(SLOT, at(900)));
        let mut over = missed(10, 0);
        over.miss(SLOT, at(900)).for_each(drop);
        assert!(!over.is_locked(SLOT, at(900)), "the tries of the lock are over with it");
    }

    #[test]
    fn a_clock_set_back_lengthens_a_lock_a_little_and_never_for_ever() {
        let lockouts = missed(10, 100_000);
        assert!(lockouts.is_locked(SLOT, at(100_000 - 900)));
        assert!(!lockouts.is_locked(SLOT, at(100_000 - 901)));
        assert!(!lockouts.is_locked(SLOT, at(0)));
    }

    #[test]
    fn what_is_stored_comes_back() {
        let mut lockouts = missed(9, 0);
        let stored: Vec<_> = lockouts.miss(SLOT, at(5)).collect();
        let mut again = Lockouts::<TokenSlot>::default();
        again.restore(&stored[0]).unwrap();
        assert_eq!((again.of.len(), again.order.len()), (1, 1));
        assert!(again.is_locked(SLOT, at(904)) && !again.is_locked(SLOT, at(905)));
        for cut in 0..STORED {
            let body = stored[0].body.as_ref().map(|body| body[..cut].to_vec());
            assert!(again.restore(&Record { body, ..stored[0].clone() }).is_err());
        }
        assert_eq!(again.clear(SLOT).unwrap().body, None);
        assert!(!again.is_locked(SLOT, at(5)) && again.order.is_empty());
    }

    #[test]
    fn it_holds_so_many_and_forgets_the_one_that_ends_first() {
        let mut lockouts = Lockouts::default();
        let most = u32::try_from(MOST).unwrap();
        for slot in 0..most {
            assert_eq!(lockouts.miss(TokenSlot(slot), at(slot.into())).count(), 1);
        }
        let records: Vec<_> = lockouts.miss(TokenSlot(most), at(most.into())).collect();
        assert_eq!((records.len(), lockouts.of.len(), lockouts.order.len()), (2, MOST, MOST));
        assert_eq!((records[0].key.as_slice(), &records[0].body), (&[0; 4][..], &None));
    }

    /// Missing a great many of others does not give one more guess at any.
    #[test]
    fn what_can_be_guessed_is_not_forgotten_before_its_time() {
        let id = |what: u8, number: u32| {
            let mut key = [what; 17];
            key[1..5].copy_from_slice(&number.to_be_bytes());
            CardId::from_key(&key).unwrap()
        };
        let (value, cryptogram) = (|number| id(2, number), |number| id(1, number));
        let mut lockouts = Lockouts::default();
        let most = u32::try_from(MOST_GUESSED).unwrap();
        for number in 0..most {
            assert!(!lockouts.is_locked(value(number), at(0)));
            assert_eq!(lockouts.miss(value(number), at(0)).count(), 1);
        }
        // No place is left, so nothing is told of another.
        assert!(lockouts.is_locked(value(most), at(0)) && !lockouts.is_locked(value(7), at(0)));
        for _ in 1..5 {
            assert_eq!(lockouts.miss(value(7), at(1)).count(), 1);
        }
        assert!(lockouts.is_locked(value(7), at(1)) && lockouts.of.len() == MOST_GUESSED);
        // Cryptograms have places of their own.
        assert!(!lockouts.is_locked(cryptogram(most), at(1)));
        for _ in 0..10 {
            assert_eq!(lockouts.miss(cryptogram(most), at(1)).count(), 1);
        }
        assert!(lockouts.is_locked(cryptogram(most), at(1)));
        // A day later there are places again.
        let later = at(86_400);
        assert!(!lockouts.is_locked(value(most), later));
        assert_eq!(lockouts.miss(value(most), later).count(), 2);
        assert_eq!((lockouts.guessed.len(), lockouts.order.len()), (MOST_GUESSED, 1));
    }
}
