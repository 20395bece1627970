//! Two clocks: time as it goes by, and the wall clock, which people set.

/// 2027-01-15 08:00:00 UTC.
pub const START: i64 = 1_800_000_000;

#[derive(Debug, Default)]
pub struct Clock {
    /// Milliseconds that have gone by.
    pub ms: u64,
    /// Seconds by which the wall clock was set forward, or backward.
    pub set: i64,
}

impl Clock {
    /// What the wall clock shows, in unix seconds.
    pub fn wall(&self) -> u64 {
        u64::try_from(self.true_time() + self.set).unwrap_or(0)
    }

    /// Sets the wall clock so that it shows `seconds`.
    pub fn show(&mut self, seconds: u64) {
        self.set = i64::try_from(seconds).unwrap() - self.true_time();
    }

    fn true_time(&self) -> i64 {
        START + i64::try_from(self.ms / 1000).unwrap()
    }
}
