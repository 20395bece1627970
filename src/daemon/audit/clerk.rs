//! The thread that writes the log.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::recorder::{Shared, Working};
use super::{Book, Recorder};
use crate::audit::{Event, Started};
use crate::daemon::sandbox::{self, Role};
use crate::daemon::sync::{Instant, JoinHandle, spawn};
use crate::daemon::{DaemonError, SERVER};
use crate::secmem::{TURN_STACK, scrubbed};
use crate::store::{ChainHead, Epoch};
use crate::types::UnixTime;

/// How long anything waits at most before it is written, but for counts.
const ROUND: Duration = Duration::from_millis(100);
/// How often counts are written.
const SECOND: Duration = Duration::from_secs(1);
/// For how long what remembers the head may fail before nothing new is taken on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes the log until it is told to stop, or dropped.
pub struct Clerk {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), DaemonError>>>,
}

struct Worker {
    book: Book,
    shared: Arc<Shared>,
    counted: Instant,
    kept: Instant,
    /// Since when the head could not be kept.
    headless: Option<Instant>,
    /// Whether the log could be written last.
    is_well: bool,
}

impl Clerk {
    /// Records the start of a daemon, durably, and goes on from there with what is put
    /// down with the recorder. Whoever starts it holds the keyring for as long as it is
    /// to write.
    ///
    /// # Errors
    /// [`DaemonError`] if it cannot be recorded, or the recorder is one of no log.
    pub fn start(
        mut book: Book,
        recorder: &Recorder,
        epoch: Epoch,
        head: ChainHead,
    ) -> Result<Self, DaemonError> {
        let shared = recorder.shared().ok_or(DaemonError::NoSite)?;
        shared.state().desk.begin(epoch, head);
        let started = Started {
            server: SERVER.to_owned(),
            stand: shared.state().desk.stand(),
            after_crash: !book.is_ended,
            dropped: book.dropped,
        };
        book.write(&Event::Started(started))?;
        let has_room = book.log.has_room();
        let (now, ours) = (Instant::now(), Arc::clone(&shared));
        let worker =
            Worker { book, shared: ours, counted: now, kept: now, headless: None, is_well: has_room };
        {
            let mut state = shared.state();
            (state.clerk, state.blocked, state.writing) = (Working::Present, !has_room, None);
        }
        let thread = spawn("audit", move || worker.run());
        if thread.is_err() {
            shared.end();
        }
        Ok(Self { shared, thread: Some(thread.map_err(DaemonError::System)?) })
    }

    /// Writes what waits, and that the daemon stopped in order. Call it when the
    /// committer has ended, and well. Waits for no longer than `patience`.
    ///
    /// # Errors
    /// [`DaemonError`] if it cannot be written, [`DaemonError::AuditHangs`] if it takes
    /// longer; it may be tried again then.
    pub fn stop(&mut self, patience: Duration) -> Result<(), DaemonError> {
        self.end(true, patience)
    }

    fn end(&mut self, in_order: bool, patience: Duration) -> Result<(), DaemonError> {
        if self.thread.is_none() {
            return Ok(());
        }
        let mut state = self.shared.state();
        if state.clerk == Working::Present {
            state.clerk = Working::Closing { in_order };
        }
        self.shared.urgent.notify_one();
        let waited = self.shared.written.wait_timeout_while(state, patience, |state| state.is_attended());
        let hangs = waited.unwrap_or_else(PoisonError::into_inner).0.is_attended();
        if hangs {
            return Err(DaemonError::AuditHangs);
        }
        // A panic there was its own end.
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Ok(())))
    }
}

impl Drop for Clerk {
    /// Writes what waits, and leaves it as a crash would.
    fn drop(&mut self) {
        if let Err(error) = self.end(false, PATIENCE) {
            tracing::error!(%error, "the audit log did not end in order");
        }
    }
}

impl Worker {
    fn run(mut self) -> Result<(), DaemonError> {
        sandbox::enter(Role::Audit);
        let _ending = Ending(Arc::clone(&self.shared));
        loop {
            let closing = self.wait();
            scrubbed::<TURN_STACK, _>(|| self.write(closing.is_some()));
            match closing {
                Some(true) => {
                    let stand = self.shared.state().desk.stand();
                    return scrubbed::<TURN_STACK, _>(|| self.book.write(&Event::Stopped(stand)));
                }
                Some(false) => return Ok(()),
                None => {}
            }
        }
    }

    /// Waits for a round to be over, or for something urgent. Whether the end has
    /// come, and if so, in order.
    fn wait(&self) -> Option<bool> {
        // After a failure nothing is urgent: it would be tried without a pause.
        let is_well = self.is_well;
        let shared = &self.shared;
        let idle = |state: &mut super::recorder::State| {
            state.clerk == Working::Present && !(is_well && state.desk.is_urgent())
        };
        let waited = shared.urgent.wait_timeout_while(shared.state(), ROUND, idle);
        match waited.unwrap_or_else(PoisonError::into_inner).0.clerk {
            Working::Closing { in_order } => Some(in_order),
            _ => None,
        }
    }

    fn write(&mut self, closing: bool) {
        self.shared.state().writing = Some(Instant::now());
        // What waits still was put down before, and its callers were told already.
        let put = if self.book.log.waiting() == 0 { self.push_all(closing) } else { 0 };
        let flushed = self.book.log.flush();
        let reserved = self.book.log.reserve();
        if flushed.is_ok() {
            self.keep_head(closing);
        }
        let is_headless = self.headless.is_some_and(|since| since.elapsed() >= PATIENCE);
        let is_well = flushed.is_ok() && reserved.is_ok() && !is_headless;
        if is_well != self.is_well {
            match flushed.as_ref().err().or(reserved.as_ref().err()) {
                Some(error) => tracing::error!(%error, "the audit log cannot be written"),
                None if is_headless => tracing::error!("the head of the audit log cannot be written"),
                None => tracing::info!("the audit log can be written again"),
            }
        }
        self.is_well = is_well;
        self.shared.settle(put, flushed.is_ok(), !is_well);
    }

    /// Pushes everything that was put down; up to which of it. Once the keys are gone it
    /// stays where it is, for the log that is opened next.
    fn push_all(&mut self, closing: bool) -> u64 {
        let Some(keyring) = self.book.keyring() else { return 0 };
        let is_second_over = closing || self.counted.elapsed() >= SECOND;
        let mut state = self.shared.state();
        let events = state.desk.take(UnixTime::from_system_clock(), is_second_over);
        let put = state.put();
        drop(state);
        if is_second_over {
            self.counted = Instant::now();
        }
        for (time, event) in events {
            if let Err(error) = self.book.push(&keyring, time, &event) {
                tracing::error!(%error, kind = event.kind(), "a record has no place in the audit log");
            }
        }
        put
    }

    /// Has the head remembered, each round.
    fn keep_head(&mut self, closing: bool) {
        if !closing && self.kept.elapsed() < ROUND {
            return;
        }
        self.kept = Instant::now();
        match self.book.keep_head() {
            Ok(()) => self.headless = None,
            Err(error) => {
                if self.headless.is_none() {
                    tracing::error!(%error, "the audit log goes on");
                }
                self.headless.get_or_insert_with(Instant::now);
            }
        }
    }
}

/// Tells those who wait, however the thread ends.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}
