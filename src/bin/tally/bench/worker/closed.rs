//! The closed loop: a new request when one was answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Worker;
use crate::ask::refused;
use crate::output::Failure;

impl Worker {
    /// Keeps `depth` requests under way until the time is over or one of the
    /// connections has nothing more to ask, and returns how long it took. `over`
    /// is what they tell each other by: a load with one of them missing is another.
    ///
    /// A latency reaches from the read that let the request be asked to the read
    /// that brought its answer, so it holds what the client did in between.
    pub fn closed(&mut self, limit: Duration, over: &AtomicBool) -> Result<Duration, Failure> {
        let start = Instant::now();
        let (mut now, mut more) = (start, true);
        loop {
            while more && self.begun.len() < self.depth {
                let goes_on = now.duration_since(start) < limit && !over.load(Ordering::Relaxed);
                more = goes_on && self.submit()?;
                if more {
                    self.begun.push_back(now);
                } else {
                    over.store(true, Ordering::Relaxed);
                }
            }
            let Some(begun) = self.begun.pop_front() else { return Ok(start.elapsed()) };
            let (_, answer) = self.client.receive()?;
            answer.map_err(|error| refused(&error))?;
            now = self.client.stream().read_at();
            self.counted.count(begun, now);
        }
    }
}
