//! The handle by which everybody else has things recorded.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::Notes;
use super::desk::Desk;
use crate::daemon::sync::{Condvar, Instant, Mutex, MutexGuard};
use crate::store::ChainHead;
use crate::types::UnixTime;
use crate::wire::Status;

/// For how long a write may go on before the log counts as one that cannot be
/// written.
const PATIENCE: Duration = Duration::from_secs(10);

/// It was done, and could not be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit log cannot be written")]
pub struct Unrecorded;

/// A handle on the audit log of a daemon, or on none.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Option<Arc<Shared>>);

/// What handles and the writing thread share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Rung when something is to be written at once, or the end has come.
    pub(super) urgent: Condvar,
    /// Rung when a write has ended, well or not.
    written: Condvar,
}

/// What they share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) desk: Desk,
    /// Batches with listed operations that were put down.
    put: u64,
    /// Those of them that are durable, and those that a failed write left waiting.
    done: u64,
    failed: u64,
    /// The log has no room for new work, or cannot be written.
    pub(super) blocked: bool,
    /// Since when a write goes on.
    pub(super) writing: Option<Instant>,
    pub(super) closing: bool,
    pub(super) ended: bool,
}

impl Recorder {
    /// A handle on no log: nothing is recorded, and nothing refused for it.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// A handle, and what the writing thread needs of it.
    pub(super) fn new(desk: Desk, blocked: bool) -> (Self, Arc<Shared>) {
        let state =
            State { desk, put: 0, done: 0, failed: 0, blocked, writing: None, closing: false, ended: false };
        let shared = Shared { state: Mutex::new(state), urgent: Condvar::new(), written: Condvar::new() };
        let shared = Arc::new(shared);
        (Self(Some(Arc::clone(&shared))), shared)
    }

    /// Says that a group is durable. It wakes nobody: the committer has other things
    /// to do.
    pub fn group(&self, head: ChainHead) {
        if let Some(shared) = &self.0 {
            shared.state().desk.group(head);
        }
    }

    /// Whether nothing new may be taken on: the log has no room ahead, or a write
    /// failed or hangs.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.state().is_blocked())
    }

    /// Records what became of a batch. If it holds what must be recorded before it is
    /// answered, waits until that is durable.
    ///
    /// # Errors
    /// [`Unrecorded`] if that is not durable. It is recorded once it can be.
    pub fn note(&self, now: UnixTime, caller: &str, notes: &Notes) -> Result<(), Unrecorded> {
        let Some(shared) = self.0.as_ref().filter(|_| !notes.is_empty()) else { return Ok(()) };
        let mut state = shared.state();
        state.desk.note(now, caller, notes);
        if notes.listed.is_empty() {
            return Ok(());
        }
        state.put += 1;
        let ours = state.put;
        shared.urgent.notify_one();
        while state.done < ours && state.failed < ours && !state.ended {
            state = shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.done >= ours { Ok(()) } else { Err(Unrecorded) }
    }

    /// Records that somebody was not let in.
    pub fn turned_away(&self, now: UnixTime, who: String, status: Status) {
        if let Some(shared) = &self.0 {
            shared.state().desk.turned_away(now, who, status);
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under this lock leaves it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write has ended: everything that was put down up to `put` is durable, or
    /// not.
    pub(super) fn settle(&self, put: u64, is_durable: bool, blocked: bool) {
        let mut state = self.state();
        if is_durable {
            state.done = state.done.max(put);
        } else {
            state.failed = state.put;
        }
        (state.blocked, state.writing) = (blocked, None);
        drop(state);
        self.written.notify_all();
    }

    /// Nothing will be written any more.
    pub(super) fn end(&self) {
        let mut state = self.state();
        (state.ended, state.blocked) = (true, true);
        drop(state);
        self.written.notify_all();
    }
}

impl State {
    fn is_blocked(&self) -> bool {
        self.blocked || self.writing.is_some_and(|since| since.elapsed() >= PATIENCE)
    }

    pub(super) const fn put(&self) -> u64 {
        self.put
    }
}
