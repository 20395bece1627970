//! The open loop: requests at a fixed rate, whether answered or not. A latency
//! counts from when its request was due, so waiting for a slow one counts too.
//!
//! What is due within a quarter of a millisecond is sent together, as callers
//! with much to do send: else this client would take the processor from what it
//! measures. That wait counts as well.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tallystick::client::ClientError;

use super::Worker;
use crate::ask::refused;
use crate::output::Failure;

/// Time from one sending to the next.
const GRAIN: Duration = Duration::from_micros(250);

/// When the requests of one connection are due.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// When the first one is.
    pub start: Instant,
    /// Nanoseconds from the first one of one connection to that of the next.
    pub offset: u64,
    /// Nanoseconds from one to the next.
    pub interval: u64,
    /// How long.
    pub limit: Duration,
}

/// Latencies by the slice of time in which their requests were due.
pub struct Sliced {
    slice: Duration,
    slices: Vec<Histogram<u64>>,
}

impl Pace {
    fn due(&self, nth: u64) -> Duration {
        Duration::from_nanos(self.offset.saturating_add(nth.saturating_mul(self.interval)))
    }
}

impl Sliced {
    /// Nothing yet, in slices that together hold `limit`.
    pub fn nothing(slice: Duration, limit: Duration) -> Result<Self, Failure> {
        let count = limit.as_nanos().div_ceil(slice.as_nanos().max(1));
        let one = || Histogram::new_with_bounds(1_000, 10_000_000_000, 2);
        Ok(Self { slice, slices: (0..count).map(|_| one()).collect::<Result<_, _>>()? })
    }

    /// Adds those of another connection.
    pub fn add(&mut self, other: &Self) -> Result<(), Failure> {
        for (ours, theirs) in self.slices.iter_mut().zip(&other.slices) {
            ours.add(theirs)?;
        }
        Ok(())
    }

    /// The latencies of each slice.
    pub fn slices(&self) -> &[Histogram<u64>] {
        &self.slices
    }

    fn record(&mut self, due: Duration, latency: Duration) {
        let at = due.as_nanos() / self.slice.as_nanos().max(1);
        let slice = usize::try_from(at).ok().and_then(|at| self.slices.get_mut(at));
        if let Some(slice) = slice {
            slice.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        }
    }
}

impl Worker {
    /// Asks at a pace and returns how long it took until all was answered. More
    /// than the agreed number is never under way: what is due then waits, and its
    /// waiting counts. What is not sent when the time is over is not sent at all.
    pub fn open(&mut self, pace: Pace, sliced: &mut Sliced) -> Result<Duration, Failure> {
        self.client.stream().set_waits(false);
        let done = self.paced(pace, sliced);
        self.client.stream().set_waits(true);
        done
    }

    fn paced(&mut self, pace: Pace, sliced: &mut Sliced) -> Result<Duration, Failure> {
        let (mut sent, mut more, mut resume) = (0, true, Duration::ZERO);
        std::thread::sleep(pace.start.saturating_duration_since(Instant::now()));
        loop {
            let now = pace.start.elapsed();
            more &= now < pace.limit && pace.due(sent) < pace.limit;
            let mut full = false;
            let begins = now >= resume && pace.due(sent) <= now;
            if begins {
                resume = now + GRAIN;
            }
            while begins && more && !full && pace.due(sent) <= now {
                match self.try_submit()? {
                    Some(true) => {
                        self.begun.push_back(pace.start + pace.due(sent));
                        sent += 1;
                    }
                    Some(false) => more = false,
                    None => full = true,
                }
            }
            full |= unless_waiting(self.client.flush())?.is_none();
            let taken = self.take_answers(pace.start, sliced)?;
            if self.begun.is_empty() && !more {
                return Ok(pace.start.elapsed());
            }
            if full && taken > 0 {
                continue; // There is room again, and perhaps nothing under way.
            }
            let next = (more && !full).then(|| pace.due(sent).max(resume));
            self.wait(next.map(|due| due.saturating_sub(pace.start.elapsed())))?;
        }
    }

    /// Puts the next request on its way, if there is one; none if answers must be
    /// taken first.
    fn try_submit(&mut self) -> Result<Option<bool>, Failure> {
        if self.client.has_room() { unless_waiting(self.submit()) } else { Ok(None) }
    }

    /// Takes what has been answered; how many.
    fn take_answers(&mut self, start: Instant, sliced: &mut Sliced) -> Result<usize, Failure> {
        let mut taken = 0;
        while !self.begun.is_empty() {
            let received = match self.client.receive() {
                Err(error) if is_waiting(&error) => break,
                received => received?,
            };
            received.1.map_err(|error| refused(&error))?;
            taken += 1;
            if let Some(due) = self.begun.pop_front() {
                let answered = self.client.stream().read_at();
                self.counted.count(due, answered);
                sliced.record(due.duration_since(start), answered.saturating_duration_since(due));
            }
        }
        Ok(taken)
    }

    /// Waits for something to arrive, or for so long.
    fn wait(&self, limit: Option<Duration>) -> Result<(), Failure> {
        let limit = limit.map(Timespec::try_from).transpose()?;
        let mut fds = [PollFd::new(self.client.stream(), PollFlags::IN)];
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_waiting(error: &ClientError) -> bool {
    matches!(error, ClientError::Io(error) if error.kind() == ErrorKind::WouldBlock)
}

/// What was done; none if it must wait for answers first.
fn unless_waiting<T>(done: Result<T, ClientError>) -> Result<Option<T>, Failure> {
    match done {
        Err(error) if is_waiting(&error) => Ok(None),
        done => Ok(Some(done?)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::arguments::bench::BenchOp;
    use crate::bench::echo::{Extra, answer_all};
    use crate::bench::measured::Measured;
    use crate::bench::tokens::Tokens;

    /// Pings an echo at a pace; operations, and those in slices.
    fn paced(interval: Duration, limit: Duration) -> (u64, u64) {
        let dir = tempfile::TempDir::new().unwrap();
        let socket = dir.path().join("echo.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || answer_all(&listener, BenchOp::Ping, Extra::Nothing, None));
        let hand = Tokens::shuffled(Vec::new()).unwrap().hand(0, 1);
        let mut worker = Worker::connect(&socket, BenchOp::Ping, 1, hand).unwrap();
        let interval = u64::try_from(interval.as_nanos()).unwrap();
        let pace = Pace { start: Instant::now() + limit / 10, offset: 0, interval, limit };
        let mut sliced = Sliced::nothing(limit / 4, limit).unwrap();
        worker.open(pace, &mut sliced).unwrap();
        let mut measured = Measured::nothing().unwrap();
        worker.hand_to(&mut measured).unwrap();
        assert_eq!(measured.operations, measured.latency.len());
        // One that was asked before it was due would have been answered at once.
        assert!(measured.latency.min() > 0);
        (measured.operations, sliced.slices().iter().map(Histogram::len).sum())
    }

    #[test]
    fn no_more_is_asked_than_is_due() {
        let (operations, in_slices) = paced(Duration::from_millis(1), Duration::from_millis(60));
        assert!((1..=60).contains(&operations), "{operations}");
        assert_eq!(in_slices, operations);
    }

    /// With everything due at once, the pipe is always full: it must neither stall
    /// with nothing under way nor lose an answer.
    #[test]
    fn a_rate_that_nobody_can_keep_comes_to_its_end() {
        let (operations, in_slices) = paced(Duration::from_nanos(1), Duration::from_millis(50));
        assert!(operations > 0);
        assert_eq!(in_slices, operations);
    }
}
