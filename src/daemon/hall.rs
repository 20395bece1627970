//! The hall where connections meet the engine and the store.
//!
//! One lock guards the engine, another the pen with which groups are written to
//! the store, a third the progress of commits. Connections hold the first only
//! while they decide a batch; whoever holds the pen takes it only to take a
//! group. Groups form by themselves: whatever is decided while one commit runs
//! goes into the next.
//!
//! Mostly the committer's thread holds the pen, so that cryptograms are computed
//! while their counters are written. A connection with only a handful has nothing
//! to compute meanwhile, and would wait for two threads to be woken one after the
//! other: it takes the pen itself, if that lies there.
//!
//! Where several nodes share a store, nothing is decided but at this node's turn: then the
//! committer waits for the turn when somebody has something to decide, and everybody who
//! came meanwhile decides in it.

mod behind;
mod committer;
mod turn;
mod writer;

pub use committer::Committer;

use super::sync::{Condvar, Mutex, MutexGuard, SyncSender, sync_channel};
use crate::engine::{Engine, Fetched, Need, Unsealed};
use crate::store::{CommitReceipt, GroupNumber, StoreError};
use turn::Turn;
use writer::{LOOK_INTERVAL, Writer};

/// The engine has stopped: its store failed, a thread panicked at it, or the
/// daemon is going down. Nothing more is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct Stopped;

/// What connections and the committer share. Locks are taken in the order pen,
/// desk, progress.
pub struct Hall {
    pen: Mutex<Pen>,
    desk: Mutex<Desk>,
    /// Rung when there is work for the committer.
    work: Condvar,
    /// Rung when the turn begins, and when all have decided who waited for it.
    turn: Condvar,
    progress: Mutex<Progress>,
    /// Rung when a group is durable, the one for even numbers and the other for odd,
    /// or when the committer has stopped. While one group is written the next forms, and
    /// never one more: so nobody is woken for a group that is not theirs.
    done: [Condvar; 2],
}

/// What groups are written with.
enum Pen {
    /// The committer has not begun, or has ended.
    Nobody,
    Writer(Box<Writer>),
    /// A commit failed.
    Broken(StoreError),
}

/// The duty to commit what was decided. Whoever drops it leaves it to the committer.
#[must_use]
pub struct Duty<'h> {
    hall: &'h Hall,
    is_done: bool,
}

/// The engine and the questions for the store.
struct Desk {
    engine: Engine<Unsealed>,
    questions: Vec<Question>,
    turn: Turn,
    closing: bool,
}

/// Something to be read from the store by its one thread.
struct Question {
    need: Need,
    answer: SyncSender<Result<Fetched, StoreError>>,
}

/// How far commits have come.
struct Progress {
    receipt: CommitReceipt,
    stopped: bool,
}

impl Hall {
    /// A hall around an engine; `receipt` is of what is durable at the start.
    #[must_use]
    pub fn new(engine: Engine<Unsealed>, receipt: CommitReceipt) -> Self {
        Self {
            pen: Mutex::new(Pen::Nobody),
            desk: Mutex::new(Desk { engine, questions: Vec::new(), turn: Turn::Always, closing: false }),
            work: Condvar::new(),
            turn: Condvar::new(),
            progress: Mutex::new(Progress { receipt, stopped: false }),
            done: [Condvar::new(), Condvar::new()],
        }
    }

    /// Decides something at the engine, and has the committer commit what it left.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn decide<T>(&self, decide: impl FnOnce(&mut Engine<Unsealed>) -> T) -> Result<T, Stopped> {
        self.decide_and_commit(decide).map(|(result, _)| result)
    }

    /// Decides something at the engine. If a group begins with it, the caller gets
    /// the duty to commit it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn decide_and_commit<T>(
        &self,
        decide: impl FnOnce(&mut Engine<Unsealed>) -> T,
    ) -> Result<(T, Option<Duty<'_>>), Stopped> {
        if self.is_stopped() {
            return Err(Stopped);
        }
        let mut desk = self.at_turn()?;
        let before = desk.engine.horizon();
        let result = decide(&mut desk.engine);
        // What is decided in a turn is committed when the turn ends, by the committer.
        let opened = desk.engine.horizon() != before && desk.turn == Turn::Always;
        drop(desk);
        // It was empty before, so the committer may be asleep.
        Ok((result, opened.then(|| Duty { hall: self, is_done: false })))
    }

    /// Looks at the engine as it stands at this node, which others may have left behind.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn look<T>(&self, look: impl FnOnce(&Engine<Unsealed>) -> T) -> Result<T, Stopped> {
        if self.is_stopped() { Err(Stopped) } else { self.desk().map(|desk| look(&desk.engine)) }
    }

    /// Waits until a group is durable.
    ///
    /// # Errors
    /// [`Stopped`] if it never will be, as far as anyone can tell.
    pub fn wait_for(&self, group: GroupNumber) -> Result<CommitReceipt, Stopped> {
        let mut progress = self.progress.lock().map_err(|_| Stopped)?;
        loop {
            if progress.receipt.covers(group) {
                return Ok(progress.receipt);
            }
            if progress.stopped {
                return Err(Stopped);
            }
            progress = self.done(group).wait(progress).map_err(|_| Stopped)?;
        }
    }

    /// Has the store's thread read something.
    ///
    /// # Errors
    /// [`Stopped`] if it is gone or cannot read.
    pub fn fetch(&self, need: Need) -> Result<Fetched, Stopped> {
        let (answer, answered) = sync_channel(1);
        let mut desk = self.desk()?;
        if desk.closing {
            return Err(Stopped);
        }
        desk.questions.push(Question { need, answer });
        drop(desk);
        self.work.notify_one();
        answered.recv().map_err(|_| Stopped)?.map_err(|_| Stopped)
    }

    /// Whether commits have ended.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.progress.lock().map_or(true, |progress| progress.stopped)
    }

    /// The newest group that is durable.
    ///
    /// # Errors
    /// [`Stopped`] if a thread panicked at it.
    pub fn durable(&self) -> Result<GroupNumber, Stopped> {
        self.progress.lock().map(|progress| progress.receipt.newest()).map_err(|_| Stopped)
    }

    /// Lets the committer end once nothing is left to commit. Call it when no
    /// connection is left.
    pub fn close(&self) {
        if let Ok(mut desk) = self.desk() {
            desk.closing = true;
        }
        self.work.notify_one();
    }

    /// Waits a while for something to do, and takes the questions; none when the
    /// hall is closed and empty.
    fn next_work(&self) -> Option<Vec<Question>> {
        let has_work =
            |desk: &Desk| !desk.questions.is_empty() || desk.engine.has_open_group() || desk.turn.is_wanted();
        let mut desk = self.desk().ok()?;
        if !has_work(&desk) && !desk.closing {
            desk = self.work.wait_timeout(desk, LOOK_INTERVAL).ok()?.0;
        }
        let is_over = desk.closing && !has_work(&desk);
        (!is_over).then(|| std::mem::take(&mut desk.questions))
    }

    /// Notes how a commit went: after a failed one nothing is written any more.
    fn note(&self, pen: &mut Pen, result: Result<(), StoreError>) {
        if let Err(error) = result {
            self.stop();
            *pen = Pen::Broken(error);
        }
    }

    /// Tells everybody who waits or will come that nothing more is committed.
    fn stop(&self) {
        if let Ok(mut desk) = self.desk() {
            desk.closing = true;
            desk.questions.clear();
        }
        self.work.notify_one();
        self.turn.notify_all();
        if let Ok(mut progress) = self.progress.lock() {
            progress.stopped = true;
        }
        self.done.iter().for_each(Condvar::notify_all);
    }

    /// Where a group is waited for.
    const fn done(&self, group: GroupNumber) -> &Condvar {
        let [even, odd] = &self.done;
        if group.0.is_multiple_of(2) { even } else { odd }
    }

    fn pen(&self) -> Result<MutexGuard<'_, Pen>, StoreError> {
        // A panic in the middle of a commit left behind what cannot be known.
        self.pen.lock().map_err(|_| StoreError::Poisoned)
    }

    fn desk(&self) -> Result<MutexGuard<'_, Desk>, Stopped> {
        // A panic under the lock may have left half a decision: nobody may build on it.
        self.desk.lock().map_err(|_| Stopped)
    }
}

impl Duty<'_> {
    /// Commits on this thread, unless another is at it.
    pub fn commit(mut self) {
        let Ok(mut pen) = self.hall.pen.try_lock() else { return };
        if let Pen::Writer(writer) = &mut *pen {
            let result = writer.commit_next(self.hall);
            self.hall.note(&mut pen, result);
            self.is_done = true;
        }
    }
}

impl Drop for Duty<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.hall.work.notify_one();
        }
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;
