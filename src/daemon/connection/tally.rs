//! Counts of one batch, added to the metrics once: a lookup by labels for each
//! request would cost more than the request.

use crate::daemon::Metrics;
use crate::daemon::metrics::RequestLabels;
use crate::wire::Status;

/// Requests of a batch by operation and status.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<(&'static str, Status, u64)>);

impl Tally {
    /// Counts one. A batch has few kinds, and mostly the one before.
    pub fn count(&mut self, operation: &'static str, status: Status) {
        let same = |entry: &&mut (&'static str, Status, u64)| entry.0 == operation && entry.1 == status;
        match self.0.iter_mut().find(same) {
            Some((_, _, count)) => *count += 1,
            None => self.0.push((operation, status, 1)),
        }
    }

    /// Adds everything to the metrics.
    pub fn add_to(self, metrics: &Metrics) {
        for (operation, status, count) in self.0 {
            let labels = RequestLabels { operation, status: status.name() };
            metrics.requests.get_or_create(&labels).inc_by(count);
        }
    }
}
