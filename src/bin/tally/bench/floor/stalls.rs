//! How long the machine takes its processors away by itself.

use std::time::{Duration, Instant};

use crate::output::Failure;

/// The shortest that counts: what no turn of our threads lasts.
pub const SHORTEST: Duration = Duration::from_millis(1);

/// Times in which a thread that only reads the clock did not get on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stalls {
    pub count: u64,
    pub away: Duration,
    pub longest: Duration,
    /// How long was watched.
    pub watched: Duration,
}

impl Stalls {
    /// Keeps every processor counting for so long.
    pub fn watch(limit: Duration) -> Result<Self, Failure> {
        let processors = std::thread::available_parallelism()?.get();
        let mut all = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..processors).map(|_| scope.spawn(|| count(limit))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).fold(Self::default(), Self::beside)
        });
        all.watched = limit;
        Ok(all)
    }

    /// These and those of another time.
    pub fn then(self, other: Self) -> Self {
        Self { watched: self.watched + other.watched, ..self.beside(other) }
    }

    /// Nanoseconds of each second, of all processors together.
    pub fn per_second(&self) -> f64 {
        self.away.as_secs_f64() * 1e9 / self.watched.as_secs_f64().max(1e-9)
    }

    fn beside(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            away: self.away + other.away,
            longest: self.longest.max(other.longest),
            watched: self.watched,
        }
    }

    fn note(&mut self, gap: Duration) {
        if gap >= SHORTEST {
            self.count += 1;
            self.away += gap;
            self.longest = self.longest.max(gap);
        }
    }
}

fn count(limit: Duration) -> Stalls {
    let mut stalls = Stalls::default();
    let start = Instant::now();
    let mut last = start;
    while last.duration_since(start) < limit {
        let now = Instant::now();
        stalls.note(now.duration_since(last));
        last = now;
    }
    stalls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shorter_does_not_count() {
        let mut stalls = Stalls { watched: Duration::from_secs(2), ..Stalls::default() };
        for millis in [1, 5, 0] {
            stalls.note(Duration::from_millis(millis));
        }
        stalls.note(SHORTEST.saturating_sub(Duration::from_nanos(1)));
        let (away, longest) = (Duration::from_millis(6), Duration::from_millis(5));
        assert_eq!(stalls, Stalls { count: 2, away, longest, watched: Duration::from_secs(2) });
        assert!((stalls.per_second() - 3e6).abs() < 1.0);
        let twice = stalls.then(stalls);
        assert_eq!((twice.count, twice.longest), (4, longest));
        assert!((twice.per_second() - 3e6).abs() < 1.0);
    }
}
