//! What was measured.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::number::float;
use crate::output::Failure;

/// Operations, the time they took together, and the latency of each.
pub struct Measured {
    pub operations: u64,
    pub elapsed: Duration,
    /// In nanoseconds.
    pub latency: Histogram<u64>,
}

/// Counts the operations of one connection. Those that were let go and answered
/// by the same two reads have one latency and are recorded together.
pub struct Counted {
    operations: u64,
    latency: Histogram<u64>,
    last: u64,
    /// Operations of latency `last` that are not in the histogram yet.
    held: u64,
}

impl Measured {
    /// Nothing yet.
    pub fn nothing() -> Result<Self, Failure> {
        Ok(Self { operations: 0, elapsed: Duration::ZERO, latency: new_histogram()? })
    }

    /// Adds what was measured after this.
    pub fn then(&mut self, other: &Self) -> Result<(), Failure> {
        self.operations += other.operations;
        self.elapsed += other.elapsed;
        self.latency.add(&other.latency)?;
        Ok(())
    }

    /// Operations a second.
    pub fn per_second(&self) -> f64 {
        float(self.operations) / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// A quantile of latency, in nanoseconds.
    pub fn at(&self, quantile: f64) -> f64 {
        float(self.latency.value_at_quantile(quantile))
    }

    /// The fields of a JSON object.
    pub fn json(&self) -> Value {
        let at = |quantile| self.latency.value_at_quantile(quantile);
        let nanos = self.elapsed.as_nanos().max(1);
        let per_second = u128::from(self.operations) * 1_000_000_000 / nanos;
        json!({
            "operations": self.operations, "seconds": self.elapsed.as_secs_f64(),
            "per_second": u64::try_from(per_second).unwrap_or(u64::MAX),
            "latency_ns": {
                "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": self.latency.max(),
            },
        })
    }
}

impl Counted {
    /// Nothing yet.
    pub fn nothing() -> Result<Self, Failure> {
        Ok(Self { operations: 0, latency: new_histogram()?, last: 0, held: 0 })
    }

    /// Counts one operation.
    pub fn count(&mut self, begun: Instant, answered: Instant) {
        let latency = answered.saturating_duration_since(begun).as_nanos();
        let latency = u64::try_from(latency).unwrap_or(u64::MAX);
        self.operations += 1;
        if latency != self.last {
            self.record();
            self.last = latency;
        }
        self.held += 1;
    }

    /// Adds what was counted to what was measured, and begins again.
    pub fn hand_to(&mut self, measured: &mut Measured) -> Result<(), Failure> {
        self.record();
        measured.operations += std::mem::take(&mut self.operations);
        measured.latency.add(&self.latency)?;
        self.latency.reset();
        Ok(())
    }

    fn record(&mut self) {
        if self.held > 0 {
            self.latency.saturating_record_n(self.last, std::mem::take(&mut self.held));
        }
    }
}

/// A histogram of nanoseconds up to a minute, to three digits.
fn new_histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}
