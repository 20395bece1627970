//! Counters of a card: a log without a fault, and changed ones.

use tallystick::wire::Status;

use crate::chips::Seen::{Accepted, Issued, Refused, Unanswered};
use crate::chips::{Known, Seen};

/// Four counters, of which 1 is consumed, 2 perhaps, and 4 not; and one far above.
const LOG: [Seen; 10] = [
    Issued(1),
    Issued(2),
    Issued(4),
    Issued(5),
    Accepted(1),
    Refused(1, Status::Replayed),
    Unanswered(2),
    Refused(2, Status::Replayed),
    Issued(100),
    Accepted(100),
];

/// What may not follow, and what may.
const WRONG: [Seen; 9] = [
    Issued(100),
    Issued(99),
    Accepted(1),
    Accepted(2),
    Accepted(5),
    Accepted(100),
    Refused(4, Status::NeverIssued),
    Refused(4, Status::Replayed),
    Refused(4, Status::BadMac),
];
const RIGHT: [Seen; 3] = [Issued(101), Refused(4, Status::BehindWindow), Refused(100, Status::Replayed)];

/// How many changed logs were reported, or what was not.
pub fn run() -> Result<usize, String> {
    let after = |last: Seen| {
        let mut known = Known::default();
        LOG.into_iter().try_for_each(|seen| known.see(0, seen))?;
        Ok::<_, String>(known.see(0, last))
    };
    for seen in RIGHT {
        after(seen)?.map_err(|what| format!("a log without a fault is reported: {what}"))?;
    }
    for seen in WRONG {
        if after(seen)?.is_ok() {
            return Err(format!("of a card, {seen:?} is not reported"));
        }
    }
    Ok(WRONG.len())
}
