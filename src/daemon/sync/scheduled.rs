//! Shuttle's threads and locks, and a time that goes by only when it is told to.
//!
//! Shuttle knows no time: its waits never end by themselves. Here they do, but
//! only when [`pass`] is called. So a wake-up that gets lost shows as a deadlock
//! and is not made good by a timeout.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LockResult, PoisonError};
use std::time::Duration;

pub use shuttle::sync::mpsc::{SyncSender, sync_channel};
pub use shuttle::sync::{Mutex, MutexGuard};
pub use shuttle::thread::JoinHandle;

thread_local! {
    // All threads of shuttle are on one of the system's.
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static WAITS: RefCell<Vec<Wait>> = const { RefCell::new(Vec::new()) };
}

/// A wait that ends when its time has come.
#[derive(Clone)]
struct Wait {
    until: Duration,
    is_over: Arc<AtomicBool>,
    condvar: Arc<shuttle::sync::Condvar>,
}

/// Lets time go by: who has waited long enough wakes up.
pub fn pass(time: Duration) {
    let now = NOW.get() + time;
    NOW.set(now);
    let over: Vec<_> =
        WAITS.with_borrow(|waits| waits.iter().filter(|wait| wait.until <= now).cloned().collect());
    for wait in over {
        // It stays until it has seen it: one that is about to wait is woken by the next.
        wait.is_over.store(true, Ordering::Relaxed);
        wait.condvar.notify_all();
    }
}

/// Forgets the waits of an execution before.
pub fn reset() {
    WAITS.with_borrow_mut(Vec::clear);
}

/// A moment of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self(NOW.get())
    }

    /// Time gone by since.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        NOW.get().saturating_sub(self.0)
    }

    /// Time gone by from then to this moment.
    #[must_use]
    pub fn duration_since(&self, then: Self) -> Duration {
        self.0.saturating_sub(then.0)
    }
}

/// Sleeps: others run meanwhile.
pub fn sleep(time: Duration) {
    pass(time);
    shuttle::thread::yield_now();
}

/// Starts a thread.
///
/// # Errors
/// None.
pub fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    shuttle::thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// A condition variable whose timed waits end by [`pass`].
#[derive(Debug, Default)]
pub struct Condvar(Arc<shuttle::sync::Condvar>);

/// Whether a wait ended because its time had come.
#[derive(Debug, Clone, Copy)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether it did.
    #[must_use]
    pub const fn timed_out(self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes one.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits to be woken.
    ///
    /// # Errors
    /// If the lock is poisoned.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    /// Waits while a condition holds.
    ///
    /// # Errors
    /// If the lock is poisoned.
    pub fn wait_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait_while(guard, condition)
    }

    /// Waits to be woken, or until its time has come.
    ///
    /// # Errors
    /// If the lock is poisoned.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.wait_timeout_while(guard, time, {
            let mut first = true;
            move |_| std::mem::replace(&mut first, false)
        })
    }

    /// Waits while a condition holds, or until its time has come.
    ///
    /// # Errors
    /// If the lock is poisoned.
    pub fn wait_timeout_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let is_over = Arc::new(AtomicBool::new(false));
        let wait =
            Wait { until: NOW.get() + time, is_over: Arc::clone(&is_over), condvar: Arc::clone(&self.0) };
        WAITS.with_borrow_mut(|waits| waits.push(wait));
        let waiting = |state: &mut T| !is_over.load(Ordering::Relaxed) && condition(state);
        let waited = self.0.wait_while(guard, waiting);
        WAITS.with_borrow_mut(|waits| waits.retain(|wait| !Arc::ptr_eq(&wait.is_over, &is_over)));
        let result = WaitTimeoutResult(is_over.load(Ordering::Relaxed));
        match waited {
            Ok(guard) => Ok((guard, result)),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), result))),
        }
    }
}
