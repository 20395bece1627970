//! Which groups other nodes may still have to follow.

use std::collections::VecDeque;
use std::time::Duration;

use crate::daemon::sync::Instant;
use crate::store::GroupNumber;

/// For so long a node may hang and still follow; then it must load everything again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is noted which group is the newest.
const STEP: Duration = Duration::from_secs(1);

/// The newest groups of the last while, and when they were the newest.
pub(super) struct Behind(VecDeque<(Instant, GroupNumber)>);

impl Behind {
    /// Nothing is removed in the first while: what others have followed is not known.
    pub fn new(now: Instant) -> Self {
        Self(VecDeque::from([(now, GroupNumber(0))]))
    }

    /// Notes the newest group, and gives the oldest that must be kept.
    pub fn keep(&mut self, newest: GroupNumber, now: Instant) -> GroupNumber {
        if self.0.back().is_none_or(|(noted, _)| now.duration_since(*noted) >= STEP) {
            self.0.push_back((now, newest));
        }
        while self.0.get(1).is_some_and(|(noted, _)| now.duration_since(*noted) >= PATIENCE) {
            self.0.pop_front();
        }
        self.0.front().map_or(newest, |(_, group)| *group)
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use super::*;

    #[test]
    fn groups_of_the_last_half_minute_are_kept_and_no_more_than_one_second_longer() {
        let (mut behind, start) = (Behind::new(Instant::now()), Instant::now());
        for tenth in 0..1000 {
            let now = start + Duration::from_millis(100 * tenth);
            let kept = behind.keep(GroupNumber(tenth), now);
            let needed = tenth.saturating_sub(300);
            assert!(kept.0 <= needed && kept.0 + 10 >= needed, "{kept:?} at {tenth}");
        }
    }
}
