//! Misses within a time, and the lock that so many of them are.

use crate::types::UnixTime;

/// How many misses lock, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// Misses that lock.
    pub misses: u8,
    /// Seconds after the first miss for which misses are counted, and after the one
    /// that locks for which the lock holds.
    pub seconds: u64,
}

/// Misses that were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Misses {
    pub count: u8,
    pub until: UnixTime,
}

impl Misses {
    /// One more miss than before.
    pub fn one_more(before: Option<Self>, now: UnixTime, limit: Limit) -> Self {
        let end = UnixTime::from_seconds(now.seconds().saturating_add(limit.seconds));
        before.filter(|misses| misses.is_live(now, limit)).map_or(Self { count: 1, until: end }, |before| {
            let count = before.count.saturating_add(1);
            // The miss that locks begins the time of the lock.
            Self { count, until: if count == limit.misses { end } else { before.until } }
        })
    }

    /// Whether they lock.
    pub const fn lock(self, now: UnixTime, limit: Limit) -> bool {
        self.count >= limit.misses && self.is_live(now, limit)
    }

    /// Whether they still count. A clock that was set far back would else keep
    /// them for as long as it was set back.
    const fn is_live(self, now: UnixTime, limit: Limit) -> bool {
        let left = self.until.seconds().saturating_sub(now.seconds());
        0 < left && left <= 2 * limit.seconds
    }
}
