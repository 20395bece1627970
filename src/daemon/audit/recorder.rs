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

/// What was put down, by its number; none if nobody is to wait for it.
#[derive(Debug, Clone, Copy)]
pub struct Put(Option<u64>);

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
    pub(super) written: Condvar,
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
    /// The thread that writes.
    pub(super) clerk: Working,
}

/// How the writing thread stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Working {
    /// There is none: no key to write with is in memory. What is put down waits.
    Absent,
    /// It writes.
    Present,
    /// It is to end, in order or as in a crash.
    Closing {
        /// The log is to say that the daemon stopped.
        in_order: bool,
    },
    /// It has ended by itself.
    Dead,
}

impl Recorder {
    /// A handle on no log: nothing is recorded, and nothing refused for it.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// A handle on the log of a daemon that has not opened it yet.
    #[must_use]
    pub fn new() -> Self {
        let state = State {
            desk: Desk::new(),
            put: 0,
            done: 0,
            failed: 0,
            blocked: false,
            writing: None,
            clerk: Working::Absent,
        };
        let shared = Shared { state: Mutex::new(state), urgent: Condvar::new(), written: Condvar::new() };
        Self(Some(Arc::new(shared)))
    }

    /// What the writing thread needs of it.
    pub(super) fn shared(&self) -> Option<Arc<Shared>> {
        self.0.clone()
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
    /// answered, waits until that is durable; while no log is open, it is written once
    /// one is.
    ///
    /// # Errors
    /// [`Unrecorded`] if that is not durable. It is recorded once it can be.
    pub fn note(&self, now: UnixTime, caller: &str, notes: &Notes) -> Result<(), Unrecorded> {
        let put = self.put_down(now, caller, notes);
        let (Some(shared), Put(Some(ours))) = (&self.0, put) else { return Ok(()) };
        let mut state = shared.state();
        while state.done < ours && state.failed < ours && state.is_attended() {
            state = shared.written.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.is_durable(put)
    }

    /// The same without waiting: [`is_durable`](Self::is_durable) tells it later.
    #[must_use]
    pub fn put_down(&self, now: UnixTime, caller: &str, notes: &Notes) -> Put {
        let Some(shared) = self.0.as_ref().filter(|_| !notes.is_empty()) else { return Put(None) };
        let mut state = shared.state();
        state.desk.note(now, caller, notes);
        if notes.listed.is_empty() || state.clerk == Working::Absent {
            return Put(None);
        }
        state.put += 1;
        shared.urgent.notify_one();
        Put(Some(state.put))
    }

    /// Whether what was put down is durable by now, if it must be before it is answered.
    ///
    /// # Errors
    /// [`Unrecorded`] if it is not.
    pub fn is_durable(&self, Put(put): Put) -> Result<(), Unrecorded> {
        let (Some(shared), Some(ours)) = (&self.0, put) else { return Ok(()) };
        if shared.state().done >= ours { Ok(()) } else { Err(Unrecorded) }
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

    /// Nothing will be written any more, unless another thread begins.
    pub(super) fn end(&self) {
        let mut state = self.state();
        let was_asked = matches!(state.clerk, Working::Closing { .. });
        state.clerk = if was_asked { Working::Absent } else { Working::Dead };
        (state.blocked, state.writing) = (!was_asked, None);
        drop(state);
        self.written.notify_all();
    }
}

impl State {
    /// Whether somebody will write what is put down now.
    pub(super) const fn is_attended(&self) -> bool {
        matches!(self.clerk, Working::Present | Working::Closing { .. })
    }

    fn is_blocked(&self) -> bool {
        self.blocked || self.writing.is_some_and(|since| since.elapsed() >= PATIENCE)
    }

    pub(super) const fn put(&self) -> u64 {
        self.put
    }
}
