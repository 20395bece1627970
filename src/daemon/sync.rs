//! Threads, locks and time of hall and keeper: the system's. Under `--cfg shuttle`
//! they are shuttle's, which tries the orders in which threads may run one by one.

#[cfg(shuttle)]
mod scheduled;

#[cfg(shuttle)]
pub use scheduled::{
    Condvar, Instant, JoinHandle, Mutex, MutexGuard, SyncSender, sleep, spawn, sync_channel,
};
#[cfg(test)]
#[cfg(shuttle)]
pub use scheduled::{pass, reset};
#[cfg(not(shuttle))]
pub use system::{Condvar, Instant, JoinHandle, Mutex, MutexGuard, SyncSender, sleep, spawn, sync_channel};

#[cfg(not(shuttle))]
mod system {
    pub use std::sync::mpsc::{SyncSender, sync_channel};
    pub use std::sync::{Condvar, Mutex, MutexGuard};
    pub use std::thread::{JoinHandle, sleep};
    pub use std::time::Instant;

    /// Starts a thread of this name.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn<T: Send + 'static>(
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<JoinHandle<T>> {
        std::thread::Builder::new().name(name.to_owned()).spawn(work)
    }
}
