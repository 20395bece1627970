//! Counts of what was done and checked, which show that a run was not empty.

use tallystick::wire::Status;

use crate::log::{Entry, Outcome, Told};

/// Counts of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub acknowledged: u64,
    pub refused: u64,
    pub unknown: u64,
    pub issued: u64,
    pub accepted: u64,
    /// Verifications refused because the counter was consumed.
    pub replays: u64,
    /// Acknowledged idempotency keys that gave their answer again.
    pub recalls: u64,
    /// Idempotency keys refused to another request.
    pub conflicts: u64,
    /// Keys of unknown requests that were asked for again, twice.
    pub resolved: u64,
    pub provisioned: u64,
    pub changes: u64,
    pub short_values: u64,
    /// Refusals because short values were locked.
    pub locks: u64,
}

impl Tally {
    pub(super) fn count(&mut self, entry: &Entry) {
        match &entry.outcome {
            Outcome::Acknowledged(answer) => {
                self.acknowledged += 1;
                match answer.told {
                    Told::Issued { .. } => self.issued += 1,
                    Told::IssuedShort { .. } => self.short_values += 1,
                    Told::Accepted { .. } => self.accepted += 1,
                    Told::Token(_) | Told::Pan { .. } => {}
                }
            }
            Outcome::Refused(status) => {
                self.refused += 1;
                self.replays += u64::from(matches!(status, Status::Replayed | Status::BehindWindow));
                self.locks += u64::from(*status == Status::ShortLocked);
            }
            Outcome::Unknown => self.unknown += 1,
        }
    }

    /// What must have happened in a run of some length, and did not.
    pub fn missing(&self) -> Vec<&'static str> {
        let counts = [
            (self.unknown, "unknown requests"),
            (self.issued, "issues"),
            (self.accepted, "acceptances"),
            (self.replays, "replays"),
            (self.recalls, "retries of acknowledged keys"),
            (self.conflicts, "conflicts of keys"),
            (self.resolved, "retries of unknown keys"),
            (self.provisioned, "tokens"),
            (self.changes, "changes of status"),
            (self.short_values, "short values"),
            (self.locks, "locks of short values"),
        ];
        counts.into_iter().filter(|(count, _)| *count == 0).map(|(_, name)| name).collect()
    }
}
