//! The thread that tells the anchor how far commits have come.
//!
//! It runs behind the commits: an anchor that had to be written before each
//! answer would double what a commit costs. So a copy put back that is newer
//! than the last anchoring, at most the interval, is not noticed; the journal
//! keeps every group from the last anchored on, so that an honest start after a
//! crash always finds it.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::{Bytes, Place, rank};
use crate::daemon::sandbox::{self, Role};
use crate::daemon::sync::{Condvar, Instant, JoinHandle, Mutex, MutexGuard, spawn};
use crate::engine::Anchor;
use crate::keys::Keyring;
use crate::secmem::{TURN_STACK, scrubbed};
use crate::store::{ChainHead, Epoch, GroupNumber};

/// For how long the anchor may fail before no new work is taken on.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the anchor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// The newest group of which every place was told.
    pub anchored: GroupNumber,
    /// The anchor could not be written for longer than it may be.
    pub is_failing: bool,
    /// A newer opening of the store has written it.
    pub is_fenced: bool,
}

/// Keeps the anchor up to date.
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Rung when there is a newer head and the thread waits for one, or the end has come.
    changed: Condvar,
}

struct State {
    head: ChainHead,
    anchored: GroupNumber,
    failing: Option<Instant>,
    fenced: bool,
    /// The thread waits for a newer head. Between two anchorings it does not, and
    /// is not woken by every commit.
    idle: bool,
    closing: bool,
}

impl Keeper {
    /// Starts keeping what each place was just told: `epoch` and `head`. It ends, at the
    /// latest, when the keyring is gone.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        places: Vec<Box<dyn Place>>,
        keyring: &Arc<Keyring>,
        epoch: Epoch,
        head: ChainHead,
        interval: Duration,
    ) -> std::io::Result<Self> {
        let state =
            State { head, anchored: head.number, failing: None, fenced: false, idle: false, closing: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let keyring = Arc::downgrade(keyring);
        let worker = Worker { places, keyring, epoch, interval, shared: Arc::clone(&shared) };
        let thread = spawn("anchor", move || worker.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A keeper without a place, to which nothing ever gets lost.
    #[must_use]
    pub fn none() -> Self {
        let state = State {
            head: ChainHead::START,
            anchored: GroupNumber(u64::MAX),
            failing: None,
            fenced: false,
            idle: false,
            closing: false,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }), thread: None }
    }

    /// Says that a newer group is durable.
    pub fn tell(&self, head: ChainHead) {
        let mut state = self.shared.state();
        state.head = head;
        if state.idle {
            self.shared.changed.notify_one();
        }
    }

    /// How the anchor stands.
    #[must_use]
    pub fn keeping(&self) -> Keeping {
        let state = self.shared.state();
        Keeping {
            anchored: state.anchored,
            is_failing: state.failing.is_some_and(|since| since.elapsed() >= PATIENCE),
            is_fenced: state.fenced,
        }
    }
}

impl Drop for Keeper {
    /// Tells the anchor of the last group, and ends.
    fn drop(&mut self) {
        self.shared.state().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was its own end.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change to it is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Worker {
    places: Vec<Box<dyn Place>>,
    /// Not held: a place that hangs must not keep keys in memory that are to be wiped.
    keyring: Weak<Keyring>,
    epoch: Epoch,
    interval: Duration,
    shared: Arc<Shared>,
}

impl Worker {
    fn run(mut self) {
        sandbox::enter(Role::Anchor);
        loop {
            let (head, closing) = self.next();
            let is_news = head.number > self.shared.state().anchored;
            let result = if is_news { scrubbed::<TURN_STACK, _>(|| self.anchor(head)) } else { Ok(true) };
            let mut state = self.shared.state();
            match result {
                Ok(true) => (state.anchored, state.failing) = (head.number.max(state.anchored), None),
                Ok(false) => state.fenced = true,
                Err((name, error)) => {
                    if state.failing.is_none() {
                        tracing::error!(%error, "the {name} cannot be written");
                    }
                    state.failing.get_or_insert_with(Instant::now);
                }
            }
            if closing || state.fenced {
                return;
            }
            // Whatever commits meanwhile is told at once afterwards.
            let _ = self.shared.changed.wait_timeout_while(state, self.interval, |state| !state.closing);
        }
    }

    /// Waits for something to tell.
    fn next(&self) -> (ChainHead, bool) {
        let idle = |state: &mut State| {
            state.idle = state.head.number <= state.anchored && !state.closing;
            state.idle
        };
        let state = self.shared.changed.wait_while(self.shared.state(), idle);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (state.head, state.closing)
    }

    /// Tells every place. False if one knows of a newer epoch, or if the keyring is
    /// gone: nobody goes on in this epoch then.
    fn anchor(&mut self, head: ChainHead) -> Result<bool, (&'static str, std::io::Error)> {
        let Self { places, keyring, epoch: this, .. } = self;
        let anchor = |keyring: Arc<Keyring>| {
            let token_key = keyring.token_derivation.active().0;
            Anchor { epoch: *this, head, token_key }.to_bytes(&keyring)
        };
        let Some(bytes) = keyring.upgrade().map(anchor) else { return Ok(false) };
        let rank = |bytes: &Bytes| keyring.upgrade().and_then(|keyring| rank(&keyring, bytes));
        for place in places {
            let name = place.name();
            let fault = |error| (name, error);
            let kept = place.read(&rank).map_err(fault)?;
            let kept = kept.and_then(|bytes| rank(&bytes));
            if keyring.strong_count() == 0 {
                return Ok(false);
            }
            if kept.is_some_and(|(epoch, _)| epoch > this.0) {
                return Ok(false);
            }
            place.write(&bytes).map_err(fault)?;
        }
        Ok(true)
    }
}
