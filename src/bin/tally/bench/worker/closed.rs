//! The closed loop: a new request when one was answered.

use std::time::{Duration, Instant};

use super::Worker;
use crate::ask::refused;
use crate::output::Failure;

impl Worker {
    /// Keeps `depth` requests under way until the time is over or there is
    /// nothing more to ask, and returns how long it took.
    ///
    /// A latency reaches from the read that let the request be asked to the read
    /// that brought its answer, so it holds what the client did in between.
    pub fn closed(&mut self, limit: Duration) -> Result<Duration, Failure> {
        let start = Instant::now();
        let (mut now, mut more) = (start, true);
        loop {
            while more && self.begun.len() < self.depth {
                more = now.duration_since(start) < limit && self.submit()?;
                if more {
                    self.begun.push_back(now);
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
