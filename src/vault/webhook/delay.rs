//! How long is waited before another try.

use crate::types::UnixTime;
use crate::vault::ids;

/// Longest wait, in seconds.
const LONGEST: u64 = 3600;
/// How long is tried, in seconds: three days.
const GIVEN_UP: u64 = 3 * 86_400;

/// When to try again after `tries` that failed before this one; never after three days.
#[must_use]
pub fn next(tries: u32, created: UnixTime, now: UnixTime) -> Option<UnixTime> {
    // Without random bytes everybody waits the whole time.
    let random = ids::bytes().map_or(u64::MAX, u64::from_be_bytes);
    let at = now.seconds().saturating_add(wait(tries, random));
    (at <= created.seconds().saturating_add(GIVEN_UP)).then(|| UnixTime::from_seconds(at))
}

/// Seconds, twice as many each time: between half of them and all, so that what failed
/// together is not tried together.
fn wait(tries: u32, random: u64) -> u64 {
    let whole = 1_u64.checked_shl(tries).map_or(LONGEST, |whole| whole.clamp(1, LONGEST));
    let half = whole / 2;
    let rest = whole.saturating_sub(half);
    half.saturating_add(random.checked_rem(rest.saturating_add(1)).unwrap_or(rest)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_double_up_to_an_hour(tries in 0_u32..100, random: u64) {
            let whole = if tries < 12 { 1 << tries } else { LONGEST };
            let waited = wait(tries, random);
            prop_assert!(waited >= 1 && waited >= whole / 2 && waited <= whole);
        }
    }

    #[test]
    fn waits_differ() {
        let waits: std::collections::HashSet<_> = (0..1000).map(|random| wait(8, random)).collect();
        assert!(waits.len() > 100);
        assert!(waits.contains(&128) && waits.contains(&256));
    }

    #[test]
    fn after_three_days_nothing_is_tried() {
        let at = UnixTime::from_seconds;
        assert!(next(0, at(1000), at(1000)).unwrap() > at(1000));
        assert!(next(20, at(1000), at(1000 + GIVEN_UP - LONGEST)).is_some());
        assert!(next(0, at(1000), at(1000 + GIVEN_UP)).is_none());
    }
}
