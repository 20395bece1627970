//! The counters of one token: what was issued and what was consumed.

use thiserror::Error;

/// An application transaction counter: per token, from 1, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atc(u32);

impl Atc {
    /// The first counter of a token.
    pub const FIRST: Self = Self(1);

    /// The counter with this value; zero is no counter.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        if value == 0 { None } else { Some(Self(value)) }
    }

    /// The value, at least 1.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The last counter, 4,294,967,295, has been issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the token has issued its last counter")]
pub struct CounterExhausted;

/// What became of an attempt to consume a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumption {
    /// It was unused and is now used.
    Consumed,
    /// It lies above the newest issued.
    NeverIssued,
    /// It was consumed before.
    Replayed,
    /// It lies further behind the newest consumed than the window reaches.
    BehindWindow,
}

/// The newest counter issued, the newest consumed and a window of 64 behind it.
///
/// Sixteen bytes a token. Both transitions are monotonic and two histories of
/// the same token merge into one state in any order, so a journal may be
/// replayed over a snapshot that already holds part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    issued: u32,
    consumed: u32,
    /// Bit `i` set: counter `consumed - 1 - i` was consumed.
    window: u64,
}

/// Counters kept behind the newest consumed.
const WINDOW: u32 = u64::BITS;

impl Counters {
    /// Nothing issued, nothing consumed.
    pub const NONE: Self = Self { issued: 0, consumed: 0, window: 0 };

    /// Bytes of the packed form.
    pub const PACKED: usize = 16;

    /// Takes the next counter.
    ///
    /// # Errors
    /// [`CounterExhausted`] after 4,294,967,295.
    pub fn issue(&mut self) -> Result<Atc, CounterExhausted> {
        self.issued = self.issued.checked_add(1).ok_or(CounterExhausted)?;
        Ok(Atc(self.issued))
    }

    /// Consumes `atc` if it was issued, is not consumed and lies in the window.
    pub fn consume(&mut self, atc: Atc) -> Consumption {
        if atc.0 > self.issued {
            return Consumption::NeverIssued;
        }
        if atc.0 > self.consumed {
            self.advance(atc.0);
            return Consumption::Consumed;
        }
        if atc.0 == self.consumed {
            return Consumption::Replayed;
        }
        let behind = self.consumed - 1 - atc.0;
        if behind >= WINDOW {
            return Consumption::BehindWindow;
        }
        let bit = 1u64 << behind;
        if self.window & bit != 0 {
            return Consumption::Replayed;
        }
        self.window |= bit;
        Consumption::Consumed
    }

    /// Replays an issue from a journal.
    pub fn replay_issue(&mut self, atc: Atc) {
        self.issued = self.issued.max(atc.0);
    }

    /// Replays a consumption from a journal. A consumed counter was issued, so
    /// the newest issued follows even if its own record was never written.
    pub fn replay_consume(&mut self, atc: Atc) {
        self.replay_issue(atc);
        self.consume(atc);
    }

    /// The newest counter issued, 0 if none.
    #[must_use]
    pub fn newest_issued(&self) -> u32 {
        self.issued
    }

    /// The newest counter consumed, 0 if none.
    #[must_use]
    pub fn newest_consumed(&self) -> u32 {
        self.consumed
    }

    /// Packs into 16 bytes: issued (4), newest consumed (4), window (8).
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::PACKED] {
        let word = u128::from(self.issued) << 96 | u128::from(self.consumed) << 64 | u128::from(self.window);
        word.to_be_bytes()
    }

    /// Unpacks [`to_bytes`](Self::to_bytes).
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::PACKED]) -> Self {
        let [a, b, c, d, e, f, g, h, window @ ..] = bytes;
        Self {
            issued: u32::from_be_bytes([a, b, c, d]),
            consumed: u32::from_be_bytes([e, f, g, h]),
            window: u64::from_be_bytes(window),
        }
    }

    /// Moves the newest consumed up to `atc`, shifting the window with it.
    fn advance(&mut self, atc: u32) {
        let step = atc - self.consumed;
        let shifted = self.window.checked_shl(step).unwrap_or(0);
        // The old newest moves into the window, unless there was none or it falls out behind.
        let old = if self.consumed == 0 { 0 } else { 1u64.checked_shl(step - 1).unwrap_or(0) };
        self.window = shifted | old;
        self.consumed = atc;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn atc(value: u32) -> Atc {
        Atc::new(value).unwrap()
    }

    fn issued(count: u32) -> Counters {
        let mut counters = Counters::default();
        counters.replay_issue(atc(count));
        counters
    }

    #[test]
    fn starts_at_one_and_ends_at_the_top() {
        let mut counters = Counters::default();
        assert_eq!(counters.issue(), Ok(atc(1)));
        counters.replay_issue(atc(u32::MAX - 1));
        assert_eq!(counters.issue(), Ok(atc(u32::MAX)));
        assert_eq!(counters.issue(), Err(CounterExhausted));
        assert_eq!(counters.newest_issued(), u32::MAX);
    }

    #[test]
    fn window_reaches_exactly_sixty_four_behind() {
        let mut counters = issued(200);
        assert_eq!(counters.consume(atc(100)), Consumption::Consumed);
        assert_eq!(counters.consume(atc(35)), Consumption::BehindWindow);
        assert_eq!(counters.consume(atc(36)), Consumption::Consumed);
        assert_eq!(counters.consume(atc(36)), Consumption::Replayed);
        assert_eq!(counters.consume(atc(100)), Consumption::Replayed);
        assert_eq!(counters.consume(atc(201)), Consumption::NeverIssued);
    }

    /// The counters that a state says were consumed, of those that it still knows.
    fn known(counters: Counters) -> BTreeSet<u32> {
        let behind = (0..WINDOW).filter(|bit| counters.window >> bit & 1 == 1);
        let behind = behind.map(|bit| counters.consumed - 1 - bit);
        behind.chain(Some(counters.consumed).filter(|newest| *newest > 0)).collect()
    }

    /// Windows with no bit, each single bit and every bit that stands for a counter. What
    /// is decided of a counter depends on its own bit only, and bits move each by itself,
    /// so there are no other cases.
    fn windows(consumed: u32) -> impl Iterator<Item = u64> {
        let bits = consumed.saturating_sub(1).min(WINDOW);
        let all = 1u64.checked_shl(bits).map_or(u64::MAX, |bit| bit - 1);
        (0..bits).map(|bit| 1 << bit).chain([0, all])
    }

    /// Every transition from every kind of state, near the first counter, in the middle
    /// and near the last, against a set.
    #[test]
    fn every_transition_is_that_of_a_set() {
        let mut count = 0;
        for newest in (0..=200).chain(u32::MAX - 200..=u32::MAX) {
            for window in windows(newest) {
                for issued in [newest, newest.saturating_add(1), newest.saturating_add(130)] {
                    let before = Counters { issued, consumed: newest, window };
                    let set = known(before);
                    for value in newest.saturating_sub(67).max(1)..=newest.saturating_add(133) {
                        let mut after = before;
                        let told = after.consume(atc(value));
                        let expected = if value > issued {
                            Consumption::NeverIssued
                        } else if set.contains(&value) {
                            Consumption::Replayed
                        } else if value < newest && newest - value > WINDOW {
                            Consumption::BehindWindow
                        } else {
                            Consumption::Consumed
                        };
                        assert_eq!(told, expected, "{before:?} {value}");
                        let mut then = set.clone();
                        if told == Consumption::Consumed {
                            then.insert(value);
                        }
                        let oldest = after.consumed.saturating_sub(WINDOW);
                        then.retain(|known| *known >= oldest);
                        assert_eq!(known(after), then, "{before:?} {value}");
                        count += 1;
                    }
                }
            }
        }
        assert!(count > 10_000_000, "{count}");
    }

    proptest! {
        /// Against a set that forgets nothing: never twice, never unissued, and
        /// refused as too old only beyond 64.
        #[test]
        fn agrees_with_a_set(count in 1u32..300, tries in prop::collection::vec(1u32..320, 0..400)) {
            let mut counters = issued(count);
            let mut seen = BTreeSet::new();
            for value in tries {
                let newest = seen.last().copied().unwrap_or(0);
                let expected = if value > count {
                    Consumption::NeverIssued
                } else if value < newest && newest - value > 64 {
                    Consumption::BehindWindow
                } else if seen.insert(value) {
                    Consumption::Consumed
                } else {
                    Consumption::Replayed
                };
                prop_assert_eq!(counters.consume(atc(value)), expected);
            }
            prop_assert_eq!(Counters::from_bytes(counters.to_bytes()), counters);
        }

        /// A journal replayed over a state that holds a part of it changes nothing.
        #[test]
        fn replay_is_idempotent(tries in prop::collection::vec(1u32..200, 0..200)) {
            let mut counters = issued(200);
            let done: Vec<u32> = tries.into_iter()
                .filter(|value| counters.consume(atc(*value)) == Consumption::Consumed)
                .collect();
            let before = counters;
            for value in done {
                counters.replay_consume(atc(value));
            }
            prop_assert_eq!(counters, before);
        }
    }
}
