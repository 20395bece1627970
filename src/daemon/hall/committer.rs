//! The one thread that writes to the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::{Hall, Question, Stopped};
use crate::daemon::Metrics;
use crate::engine::{Chain, Fetched, Need, OpenGroup};
use crate::store::{GroupNumber, Store, StoreError};
use crate::types::UnixTime;

/// How often what has expired is removed.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// Takes groups from the engine, makes them durable, tells who waits.
pub struct Committer {
    hall: Arc<Hall>,
    store: Box<dyn Store>,
    chain: Chain,
    /// Bytes of journal after which it is folded.
    journal_limit: u64,
    clock: fn() -> UnixTime,
    expired: Instant,
    meters: Option<Meters>,
}

/// What is measured of commits.
struct Meters {
    commit_seconds: Histogram,
    group_size: Histogram,
    journal_bytes: Gauge,
    folds: Counter,
}

/// What the committer found at the desk.
struct Work {
    group: Option<OpenGroup>,
    questions: Vec<Question>,
}

impl Committer {
    /// A committer of a hall and the store that its engine was loaded from.
    #[must_use]
    pub fn new(
        hall: Arc<Hall>,
        store: Box<dyn Store>,
        chain: Chain,
        journal_limit: u64,
        clock: fn() -> UnixTime,
    ) -> Self {
        Self { hall, store, chain, journal_limit, clock, expired: Instant::now(), meters: None }
    }

    /// The same, measuring its commits.
    #[must_use]
    pub fn counting(mut self, metrics: &Metrics) -> Self {
        self.meters = Some(Meters {
            commit_seconds: metrics.commit_seconds.clone(),
            group_size: metrics.group_size.clone(),
            journal_bytes: metrics.journal_bytes.clone(),
            folds: metrics.folds.clone(),
        });
        self
    }

    /// Commits until the hall is closed and empty. A failed commit ends it at
    /// once: what it left behind cannot be known, so nothing is retried.
    ///
    /// # Errors
    /// What the store said.
    pub fn run(mut self) -> Result<(), StoreError> {
        let result = self.commit_all();
        // Whoever waits learns that nothing more will come.
        if let Ok(mut progress) = self.hall.progress.lock() {
            progress.stopped = true;
        }
        self.hall.done.notify_all();
        if let Ok(mut desk) = self.hall.desk() {
            desk.closing = true;
            desk.questions.clear();
        }
        result
    }

    fn commit_all(&mut self) -> Result<(), StoreError> {
        while let Some(work) = self.next_work() {
            for Question { need, answer } in work.questions {
                // One that no longer waits for its answer does not matter.
                let _ = answer.send(self.read(need));
            }
            if let Some(group) = work.group {
                self.commit(group)?;
            }
            self.tidy()?;
        }
        Ok(())
    }

    /// Waits for something to do; none when the hall is closed and empty.
    fn next_work(&self) -> Option<Work> {
        let mut desk = self.hall.desk().ok()?;
        loop {
            let group = desk.engine.take_group();
            let questions = std::mem::take(&mut desk.questions);
            if group.is_some() || !questions.is_empty() {
                return Some(Work { group, questions });
            }
            if desk.closing {
                return None;
            }
            desk = self.hall.work.wait(desk).ok()?;
        }
    }

    fn commit(&mut self, group: OpenGroup) -> Result<(), StoreError> {
        let (has_rows, size, begun) = (group.has_rows(), group.len(), Instant::now());
        let receipt = self.store.append(&self.chain.seal(group))?;
        if let Some(meters) = &self.meters {
            meters.commit_seconds.observe(begun.elapsed().as_secs_f64());
            meters.group_size.observe(u32::try_from(size).map_or(f64::INFINITY, f64::from));
            meters.journal_bytes.set(i64::try_from(self.store.journal_bytes()).unwrap_or(i64::MAX));
        }
        if let Ok(mut progress) = self.hall.progress.lock() {
            progress.receipt = receipt;
        }
        self.hall.done.notify_all();
        if has_rows && let Ok(mut desk) = self.hall.desk() {
            desk.engine.committed(receipt.newest());
        }
        Ok(())
    }

    fn read(&mut self, need: Need) -> Result<Fetched, StoreError> {
        match need {
            Need::Row(slot) => Ok(self.store.token(slot)?.map_or(Fetched::Nothing, Fetched::Row)),
            Need::Rows { trid, after, limit } => self.store.tokens_of(trid, after, limit).map(Fetched::Rows),
            Need::Range { after, limit } => self.store.tokens_after(after, limit).map(Fetched::Rows),
        }
    }

    /// Folds a long journal and, each minute, removes what has expired.
    fn tidy(&mut self) -> Result<(), StoreError> {
        if self.store.journal_bytes() >= self.journal_limit {
            self.store.fold()?;
            if let Some(meters) = &self.meters {
                meters.folds.inc();
            }
        }
        if self.expired.elapsed() >= EXPIRY_INTERVAL {
            self.expired = Instant::now();
            let now = (self.clock)();
            if let Ok(mut desk) = self.hall.desk() {
                desk.engine.expire(now);
            }
            self.store.expire(now.seconds())?;
        }
        Ok(())
    }
}

impl Hall {
    /// The newest group that is durable.
    ///
    /// # Errors
    /// [`Stopped`] if a thread panicked at it.
    pub fn durable(&self) -> Result<GroupNumber, Stopped> {
        self.progress.lock().map(|progress| progress.receipt.newest()).map_err(|_| Stopped)
    }
}
