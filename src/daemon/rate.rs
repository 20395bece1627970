//! How many requests a peer may make: a token bucket that holds one second's worth.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::config::PeerRule;

/// Parts of a request that are counted: what is earned in a nanosecond at one a second.
const WHOLE: u64 = 1_000_000_000;

/// The bucket of a peer, shared by all its connections.
#[derive(Debug)]
pub struct Bucket {
    per_second: NonZeroU32,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    /// Requests left, in parts of [`WHOLE`].
    parts: u64,
    /// When that was so.
    at: Duration,
}

/// The buckets of all peers that have one, by their names.
#[derive(Debug, Default)]
pub struct Rates(HashMap<String, Arc<Bucket>>);

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Self {
        let level = Level { parts: u64::from(per_second.get()) * WHOLE, at: Duration::ZERO };
        Self { per_second, level: Mutex::new(level) }
    }

    /// Takes up to `wanted` requests out at `now`, a time since some beginning, and
    /// tells how many there were. A clock that goes back earns nothing.
    #[must_use]
    pub fn take(&self, wanted: usize, now: Duration) -> usize {
        let Ok(mut level) = self.level.lock() else { return 0 };
        let rate = u64::from(self.per_second.get());
        let passed = now.saturating_sub(level.at).min(Duration::from_secs(1));
        let nanoseconds = u64::try_from(passed.as_nanos()).unwrap_or(WHOLE);
        let full = rate * WHOLE;
        level.parts = level.parts.saturating_add(nanoseconds * rate).min(full);
        level.at = level.at.max(now);
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
        let granted = wanted.min(level.parts / WHOLE);
        level.parts -= granted * WHOLE;
        usize::try_from(granted).unwrap_or(usize::MAX)
    }
}

impl Rates {
    /// A full bucket for each peer that the configuration limits.
    #[must_use]
    pub fn of(peers: &[PeerRule]) -> Self {
        let limited = peers.iter().filter_map(|peer| {
            let bucket = Arc::new(Bucket::new(peer.requests_per_second?));
            Some((peer.caller.name().to_owned(), bucket))
        });
        Self(limited.collect())
    }

    /// The bucket of a peer, if it is limited.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Option<Arc<Bucket>> {
        self.0.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_second_s_worth_at_once_then_as_time_passes() {
        let bucket = Bucket::new(NonZeroU32::new(10).unwrap());
        let at = Duration::from_millis;
        assert_eq!(bucket.take(25, at(5000)), 10);
        assert_eq!(bucket.take(1, at(5099)), 0);
        assert_eq!(bucket.take(1, at(5100)), 1);
        assert_eq!(bucket.take(3, at(5250)), 1);
        assert_eq!(bucket.take(3, at(5300)), 1, "the half that was left over is not lost");
        assert_eq!(bucket.take(9, at(1000)), 0, "a clock set back earns nothing");
        assert_eq!(bucket.take(99, at(90_000)), 10, "it holds no more than a second's worth");
    }

    proptest! {
        /// Over any span, no more than a second's worth and what the span earned.
        #[test]
        fn never_more_than_the_rate(
            rate in 1u32..5000,
            steps in prop::collection::vec((0u64..700_000_000, 0usize..900), 1..60),
        ) {
            let bucket = Bucket::new(NonZeroU32::new(rate).unwrap());
            let (mut now, mut granted) = (0u64, 0u64);
            for (nanoseconds, wanted) in steps {
                now += nanoseconds;
                let got = bucket.take(wanted, Duration::from_nanos(now));
                prop_assert!(got <= wanted);
                granted += u64::try_from(got).unwrap();
                let most = u128::from(rate) + u128::from(rate) * u128::from(now) / u128::from(WHOLE);
                prop_assert!(u128::from(granted) <= most, "{granted} > {most}");
            }
        }
    }
}
