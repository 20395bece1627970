//! Tokens under attack: ten bad MACs within a quarter of an hour lock a token's
//! cryptograms for a quarter of an hour.

use std::collections::{BTreeSet, HashMap};

use crate::store::{Record, Space, StoreError, TokenSlot};
use crate::types::UnixTime;

/// Bad MACs that lock a token.
const MISSES: u8 = 10;
/// Seconds after the first miss for which misses are counted, and after the last
/// for which a token is locked.
const SECONDS: u64 = 900;
/// Tokens with misses at a time; past it the one whose time ends first is forgotten.
const MOST: usize = 65_536;
/// Bytes of a record: misses 1, their end 8.
const STORED: usize = 9;

/// The misses of all tokens that have any.
#[derive(Debug, Default)]
pub(super) struct Lockouts {
    of: HashMap<TokenSlot, Misses>,
    /// The same tokens, the first to be forgotten foremost.
    order: BTreeSet<(UnixTime, TokenSlot)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Misses {
    count: u8,
    until: UnixTime,
}

impl Misses {
    /// Whether they still count. A clock that was set far back would else keep
    /// them for as long as it was set back.
    const fn is_live(self, now: UnixTime) -> bool {
        let left = self.until.seconds().saturating_sub(now.seconds());
        0 < left && left <= 2 * SECONDS
    }
}

impl Lockouts {
    /// Whether the token's cryptograms are locked.
    pub fn is_locked(&self, slot: TokenSlot, now: UnixTime) -> bool {
        self.of.get(&slot).is_some_and(|misses| misses.count >= MISSES && misses.is_live(now))
    }

    /// Counts a bad MAC, and gives the records that make that durable.
    pub fn miss(&mut self, slot: TokenSlot, now: UnixTime) -> impl Iterator<Item = Record> + use<> {
        let end = UnixTime::from_seconds(now.seconds().saturating_add(SECONDS));
        let before = self.of.get(&slot).copied().filter(|misses| misses.is_live(now));
        let misses = before.map_or(Misses { count: 1, until: end }, |before| {
            let count = before.count.saturating_add(1);
            // The miss that locks begins the time of the lock.
            Misses { count, until: if count == MISSES { end } else { before.until } }
        });
        self.put(slot, misses);
        let forgotten = if self.of.len() > MOST { self.order.first().copied() } else { None };
        let forgotten = forgotten.and_then(|(_, slot)| self.clear(slot));
        forgotten.into_iter().chain([record(slot, Some(misses))])
    }

    /// Forgets the misses of a token.
    pub fn clear(&mut self, slot: TokenSlot) -> Option<Record> {
        let misses = self.of.remove(&slot)?;
        self.order.remove(&(misses.until, slot));
        Some(record(slot, None))
    }

    /// Takes a stored record back.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn restore(&mut self, stored: &Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a record of bad MACs cannot be read");
        let slot: [u8; 4] = stored.key.as_slice().try_into().map_err(|_| DAMAGED)?;
        let body: [u8; STORED] =
            stored.body.as_deref().unwrap_or_default().try_into().map_err(|_| DAMAGED)?;
        let [count, until @ ..] = body;
        let until = UnixTime::from_seconds(u64::from_be_bytes(until));
        self.put(TokenSlot(u32::from_be_bytes(slot)), Misses { count, until });
        Ok(())
    }

    fn put(&mut self, slot: TokenSlot, misses: Misses) {
        if let Some(before) = self.of.insert(slot, misses) {
            self.order.remove(&(before.until, slot));
        }
        self.order.insert((misses.until, slot));
    }
}

fn record(slot: TokenSlot, misses: Option<Misses>) -> Record {
    let body = misses.map(|misses| {
        let mut body = vec![misses.count];
        body.extend_from_slice(&misses.until.seconds().to_be_bytes());
        body
    });
    Record { space: Space::BadMacs, key: slot.0.to_be_bytes().to_vec(), expires: None, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: TokenSlot = TokenSlot(7);

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_seconds(1_000_000 + seconds)
    }

    fn missed(times: u8, seconds: u64) -> Lockouts {
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
        let mut again = Lockouts::default();
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
}
