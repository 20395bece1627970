//! What writes to the store, and what it must see to between two groups.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::behind::Behind;
use super::{Hall, Question};
use crate::command::Refusal;
use crate::daemon::Metrics;
use crate::daemon::anchor::Keeper;
use crate::daemon::audit::Recorder;
use crate::daemon::sync::{Instant, sleep};
use crate::engine::{Chain, Fetched, Need, OpenGroup};
use crate::store::{Follow, Followed, Group, GroupNumber, Room, Store, StoreError};
use crate::types::UnixTime;

/// How often what has expired is removed.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);
/// How often other nodes are followed when there is nothing to decide.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(500);
/// How often room and anchor are looked at when there is nothing to commit.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Takes groups from the engine, makes them durable, tells who waits. Whoever
/// holds it writes: there is one, so groups keep their order.
pub(super) struct Writer {
    store: Box<dyn Store>,
    chain: Chain,
    keeper: Keeper,
    recorder: Recorder,
    clock: fn() -> UnixTime,
    expired: Instant,
    looked: Instant,
    behind: Behind,
    /// When other nodes were followed last.
    followed: Instant,
    /// Why the engine takes nothing new on, if so.
    closed: Option<Refusal>,
    meters: Option<Meters>,
}

/// Takes what other nodes appended into the engine.
struct Following<'w> {
    hall: &'w Hall,
    chain: &'w mut Chain,
}

impl Follow for Following<'_> {
    fn follow(&mut self, group: Followed<'_>) -> Result<(), StoreError> {
        let mut desk = self.hall.desk().map_err(|_| StoreError::Poisoned)?;
        desk.engine.follow(self.chain, group)
    }
}

/// What is measured of commits.
struct Meters {
    commit_seconds: Histogram,
    group_size: Histogram,
    journal_bytes: Gauge,
    pages: Counter,
    checkpoints: Counter,
    turn_seconds: Histogram,
    followed: Counter,
}

impl Writer {
    pub fn new(store: Box<dyn Store>, chain: Chain, keeper: Keeper, clock: fn() -> UnixTime) -> Self {
        let (now, recorder) = (Instant::now(), Recorder::none());
        Self {
            store,
            chain,
            keeper,
            recorder,
            clock,
            expired: now,
            looked: now,
            behind: Behind::new(now),
            followed: now,
            closed: None,
            meters: None,
        }
    }

    /// Records groups from now on.
    pub fn record(&mut self, recorder: Recorder) {
        self.recorder = recorder;
    }

    /// Measures commits from now on.
    pub fn count(&mut self, metrics: &Metrics) {
        self.meters = Some(Meters {
            commit_seconds: metrics.commit_seconds.clone(),
            group_size: metrics.group_size.clone(),
            journal_bytes: metrics.journal_bytes.clone(),
            pages: metrics.pages.clone(),
            checkpoints: metrics.checkpoints.clone(),
            turn_seconds: metrics.turn_seconds.clone(),
            followed: metrics.followed.clone(),
        });
    }

    /// Answers questions, commits what is decided, and tidies up.
    pub fn work(&mut self, hall: &Hall, questions: Vec<Question>) -> Result<(), StoreError> {
        self.answer(questions);
        self.commit_next(hall)?;
        self.tidy(hall)
    }

    /// Makes what is decided durable, if anything is.
    pub fn commit_next(&mut self, hall: &Hall) -> Result<(), StoreError> {
        if self.store.is_shared() {
            return self.take_turn(hall);
        }
        // Taken while holding the pen, so that groups are sealed in their order.
        let group = hall.desk().ok().and_then(|mut desk| desk.engine.take_group());
        group.map_or(Ok(()), |group| self.commit(hall, group))
    }

    /// Follows other nodes, lets everybody decide who waits, and commits that. Now and
    /// then although nobody waits, so that this node is never far behind.
    fn take_turn(&mut self, hall: &Hall) -> Result<(), StoreError> {
        if !hall.wants_turn() && self.followed.elapsed() < FOLLOW_INTERVAL {
            return Ok(());
        }
        let Self { store, chain, .. } = self;
        let (begun, GroupNumber(before)) = (Instant::now(), chain.head().number);
        store.turn(&mut Following { hall, chain })?;
        self.followed = Instant::now();
        if let Some(meters) = &self.meters {
            meters.turn_seconds.observe(begun.elapsed().as_secs_f64());
            meters.followed.inc_by(self.chain.head().number.0.saturating_sub(before));
        }
        if let Ok(mut progress) = hall.progress.lock() {
            progress.receipt = self.store.receipt();
        }
        self.keeper.tell(self.chain.head());
        match hall.decide_in_turn() {
            Some(group) => self.commit(hall, group),
            None => self.store.rest(),
        }
    }

    fn answer(&mut self, questions: Vec<Question>) {
        for Question { need, answer } in questions {
            // One that no longer waits for its answer does not matter.
            let _ = answer.send(self.read(need));
        }
    }

    fn commit(&mut self, hall: &Hall, group: OpenGroup) -> Result<(), StoreError> {
        let keeping = self.keeper.keeping();
        if keeping.is_fenced {
            return Err(StoreError::Fenced);
        }
        let (has_rows, size, begun) = (group.has_rows(), group.len(), Instant::now());
        let mut anchored = keeping.anchored;
        if self.store.is_shared() {
            anchored = anchored.min(self.behind.keep(self.chain.head().number, begun));
        }
        let group = self.chain.seal(group, anchored);
        self.wait_for_room(hall, &group)?;
        // Who came meanwhile decides next: the turn for that is asked for with the group.
        self.store.want_turn(hall.wants_turn());
        let receipt = self.store.append(&group)?;
        if let Ok(mut progress) = hall.progress.lock() {
            progress.receipt = receipt;
        }
        hall.done(receipt.newest()).notify_all();
        self.keeper.tell(self.chain.head());
        self.recorder.group(self.chain.head());
        if has_rows && let Ok(mut desk) = hall.desk() {
            desk.engine.committed(receipt.newest());
        }
        if let Some(meters) = &self.meters {
            meters.commit_seconds.observe(begun.elapsed().as_secs_f64());
            meters.group_size.observe(u32::try_from(size).map_or(f64::INFINITY, f64::from));
            meters.journal_bytes.set(i64::try_from(self.store.journal_bytes()).unwrap_or(i64::MAX));
            meters.checkpoints.inc_by(self.store.checkpoints().saturating_sub(meters.checkpoints.get()));
            meters.pages.inc_by(u64::try_from(group.pages.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Waits until a group that is decided has room. Reading goes on meanwhile.
    fn wait_for_room(&mut self, hall: &Hall, group: &Group) -> Result<(), StoreError> {
        while self.look(hall, Some(group))? == Room::None {
            let Ok(mut desk) = hall.desk() else { return Err(StoreError::Full) };
            if desk.closing {
                // Nobody was answered, so nothing that was promised is lost.
                return Err(StoreError::Full);
            }
            let questions = std::mem::take(&mut desk.questions);
            drop(desk);
            self.answer(questions);
            sleep(LOOK_INTERVAL / 10);
        }
        Ok(())
    }

    /// Looks for room, and has the engine take on new work or not.
    fn look(&mut self, hall: &Hall, group: Option<&Group>) -> Result<Room, StoreError> {
        let room = self.store.reserve(group)?;
        let why = match room {
            _ if self.keeper.keeping().is_failing => Some(Refusal::Unanchored),
            _ if self.recorder.is_blocked() => Some(Refusal::AuditUnwritable),
            Room::Ample => None,
            Room::Scarce | Room::None => Some(Refusal::StorageFull),
        };
        if why != self.closed {
            match why {
                Some(why) => tracing::error!("{why}"),
                None => tracing::info!("new work is taken on again"),
            }
            if let Ok(mut desk) = hall.desk() {
                desk.engine.close(why);
                self.closed = why;
            }
        }
        self.looked = Instant::now();
        Ok(room)
    }

    fn read(&mut self, need: Need) -> Result<Fetched, StoreError> {
        match need {
            Need::Row(slot) => Ok(self.store.token(slot)?.map_or(Fetched::Missing, Fetched::Row)),
            Need::Rows { trid, after, limit } => self.store.tokens_of(trid, after, limit).map(Fetched::Rows),
            Need::Range { after, limit } => self.store.tokens_after(after, limit).map(Fetched::Rows),
        }
    }

    /// Looks around now and then and, each minute, removes what has expired, a
    /// little at a time.
    fn tidy(&mut self, hall: &Hall) -> Result<(), StoreError> {
        if self.looked.elapsed() >= LOOK_INTERVAL {
            self.look(hall, None)?;
        }
        if self.expired.elapsed() >= EXPIRY_INTERVAL {
            let now = (self.clock)();
            let in_memory = hall.desk().is_ok_and(|mut desk| desk.engine.expire(now));
            let is_done = !self.store.expire(now.seconds())? && !in_memory;
            if is_done {
                self.expired = Instant::now();
            }
        }
        Ok(())
    }
}
