//! How often a token may be paid with: a token bucket each that holds a minute's
//! worth, for as many tokens as are paid with at a time.
//!
//! A table of fixed size: it costs nothing a token, and nothing at all where no
//! limit is configured. A slot has its place in one set of four; where all four
//! are taken, the one that is nearest to being full again gives way, and so gets
//! at most a minute's worth too much. It is forgotten at a restart.

use std::num::NonZeroU32;

use crate::store::TokenSlot;
use crate::types::UnixTime;

/// Places of a set.
const WAYS: usize = 4;
/// Sets of the table: sixteen bytes for each of 65,536 places.
const SETS: usize = 1 << 14;
/// What a full bucket holds, in milliseconds of earning.
const FULL: u64 = 60_000;

/// The buckets of tokens.
#[derive(Debug)]
pub(super) struct Rates(Option<Table>);

#[derive(Debug)]
struct Table {
    /// Milliseconds of earning that an operation costs.
    cost: u64,
    sets: Vec<[Place; WAYS]>,
}

/// A bucket: when it is full again, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    slot: u32,
    full_at: u64,
}

impl Rates {
    /// Buckets that earn so many operations a minute, 1 to 60,000, if there is a limit.
    pub fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self(per_minute.map(|rate| Table {
            cost: FULL / u64::from(rate.get()).clamp(1, FULL),
            sets: vec![[Place::default(); WAYS]; SETS],
        }))
    }

    /// Whether the token may be paid with at `now`.
    pub fn may(&self, slot: TokenSlot, now: UnixTime) -> bool {
        self.0.as_ref().is_none_or(|table| table.owed(slot, now) + table.cost <= FULL)
    }

    /// Takes an operation out of a token's bucket.
    pub fn charge(&mut self, slot: TokenSlot, now: UnixTime) {
        let Some(table) = &mut self.0 else { return };
        let full_at = milliseconds(now).saturating_add(table.owed(slot, now)).saturating_add(table.cost);
        let Some(set) = table.sets.get_mut(set_of(slot)) else { return };
        let own = set.iter().position(|place| place.slot == slot.0 && place.full_at > 0);
        let place = match own {
            Some(at) => set.get_mut(at),
            None => set.iter_mut().min_by_key(|place| place.full_at),
        };
        place.into_iter().for_each(|place| *place = Place { slot: slot.0, full_at });
    }
}

impl Table {
    /// What a token's bucket lacks, in milliseconds of earning. A clock that was set
    /// back owes no more than an empty bucket.
    fn owed(&self, slot: TokenSlot, now: UnixTime) -> u64 {
        let set = self.sets.get(set_of(slot)).map(<[Place; WAYS]>::as_slice).unwrap_or_default();
        let own = set.iter().find(|place| place.slot == slot.0);
        own.map_or(0, |place| place.full_at.saturating_sub(milliseconds(now)).min(FULL))
    }
}

/// Neighbours are in different sets, so no requestor's tokens crowd one.
fn set_of(slot: TokenSlot) -> usize {
    usize::try_from(slot.0).unwrap_or(0) % SETS
}

const fn milliseconds(time: UnixTime) -> u64 {
    time.seconds().saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SLOT: TokenSlot = TokenSlot(5);

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_seconds(1_000_000 + seconds)
    }

    /// Pays until it may no more, and tells how often.
    fn spend(rates: &mut Rates, slot: TokenSlot, now: UnixTime) -> u32 {
        let mut count = 0;
        while rates.may(slot, now) && count < 1_000_000 {
            rates.charge(slot, now);
            count += 1;
        }
        count
    }

    #[test]
    fn a_minute_s_worth_at_once_then_as_time_passes() {
        let mut rates = Rates::new(NonZeroU32::new(30));
        assert_eq!(spend(&mut rates, SLOT, at(0)), 30);
        assert_eq!(spend(&mut rates, SLOT, at(1)), 0);
        assert_eq!(spend(&mut rates, SLOT, at(2)), 1);
        assert_eq!(spend(&mut rates, SLOT, at(20)), 9);
        assert_eq!(spend(&mut rates, TokenSlot(6), at(20)), 30, "another token has its own");
        assert_eq!(spend(&mut rates, SLOT, at(9_000)), 30);
        assert_eq!(spend(&mut rates, SLOT, UnixTime::from_seconds(5)), 0, "set back: empty, not for ever");
        assert_eq!(spend(&mut rates, SLOT, UnixTime::from_seconds(1_000_000 + 9_060)), 30);
    }

    #[test]
    fn without_a_limit_there_is_none_and_it_takes_no_room() {
        let mut rates = Rates::new(None);
        assert_eq!(spend(&mut rates, SLOT, at(0)), 1_000_000);
        assert!(rates.0.is_none());
    }

    #[test]
    fn as_many_tokens_as_there_are_places_are_told_apart() {
        let mut rates = Rates::new(NonZeroU32::new(1));
        let places = u32::try_from(SETS * WAYS).unwrap();
        (0..places).for_each(|slot| rates.charge(TokenSlot(slot), at(0)));
        assert!((0..places).all(|slot| !rates.may(TokenSlot(slot), at(0))));
        assert!((0..places).all(|slot| rates.may(TokenSlot(slot), at(60))));
    }

    #[test]
    fn a_crowded_set_forgets_the_fullest_and_goes_on() {
        let mut rates = Rates::new(NonZeroU32::new(10));
        let crowd: Vec<_> = (0..5).map(|nth| TokenSlot(nth * u32::try_from(SETS).unwrap())).collect();
        // The first owes least.
        rates.charge(crowd[0], at(0));
        for slot in &crowd[1..4] {
            assert_eq!(spend(&mut rates, *slot, at(0)), 10);
        }
        assert_eq!(spend(&mut rates, crowd[4], at(0)), 10);
        for slot in &crowd[1..] {
            assert!(!rates.may(*slot, at(0)), "who owes more is not forgotten");
        }
        assert!(rates.may(crowd[0], at(0)));
    }

    proptest! {
        /// A token alone in its set: never more than a minute's worth and what was earned.
        #[test]
        fn never_more_than_the_rate(
            rate in 1u32..2000,
            steps in prop::collection::vec((0u64..90, 0u32..500), 1..40),
        ) {
            let mut rates = Rates::new(NonZeroU32::new(rate));
            let (mut now, mut paid) = (0, 0u64);
            for (seconds, wanted) in steps {
                now += seconds;
                for _ in 0..wanted {
                    if rates.may(SLOT, at(now)) {
                        rates.charge(SLOT, at(now));
                        paid += 1;
                    }
                }
                // The cost is rounded down to a millisecond.
                let cost = FULL / u64::from(rate);
                prop_assert!(paid <= (FULL + now * 1000) / cost);
            }
        }
    }
}
