//! The hall where connections meet the engine and the committer.
//!
//! One lock guards the engine, another the progress of commits. Connections
//! hold the first only while they decide a batch; the committer holds it only
//! to take a group. Groups form by themselves: whatever is decided while one
//! commit runs goes into the next.

mod committer;

pub use committer::Committer;

use super::sync::{Condvar, Mutex, MutexGuard, SyncSender, sync_channel};
use crate::engine::{Engine, Fetched, Need, Unsealed};
use crate::store::{CommitReceipt, GroupNumber, StoreError};

/// The engine has stopped: its store failed, a thread panicked at it, or the
/// daemon is going down. Nothing more is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct Stopped;

/// What connections and the committer share.
pub struct Hall {
    desk: Mutex<Desk>,
    /// Rung when there is work for the committer.
    work: Condvar,
    progress: Mutex<Progress>,
    /// Rung when a commit is done or the committer has stopped.
    done: Condvar,
}

/// The engine and the questions for the store.
struct Desk {
    engine: Engine<Unsealed>,
    questions: Vec<Question>,
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
            desk: Mutex::new(Desk { engine, questions: Vec::new(), closing: false }),
            work: Condvar::new(),
            progress: Mutex::new(Progress { receipt, stopped: false }),
            done: Condvar::new(),
        }
    }

    /// Decides something at the engine, and wakes the committer if it left
    /// something to commit.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn decide<T>(&self, decide: impl FnOnce(&mut Engine<Unsealed>) -> T) -> Result<T, Stopped> {
        if self.is_stopped() {
            return Err(Stopped);
        }
        let mut desk = self.desk()?;
        let before = desk.engine.horizon();
        let result = decide(&mut desk.engine);
        let opened = desk.engine.horizon() != before;
        drop(desk);
        if opened {
            // It was empty before, so the committer may be asleep.
            self.work.notify_one();
        }
        Ok(result)
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
            progress = self.done.wait(progress).map_err(|_| Stopped)?;
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

    /// Lets the committer end once nothing is left to commit. Call it when no
    /// connection is left.
    pub fn close(&self) {
        if let Ok(mut desk) = self.desk() {
            desk.closing = true;
        }
        self.work.notify_one();
    }

    fn desk(&self) -> Result<MutexGuard<'_, Desk>, Stopped> {
        // A panic under the lock may have left half a decision: nobody may build on it.
        self.desk.lock().map_err(|_| Stopped)
    }
}

#[cfg(test)]
#[cfg(shuttle)]
mod schedules;
#[cfg(test)]
#[cfg(not(shuttle))]
mod tests;
