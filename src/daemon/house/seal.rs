//! Sealing: nobody in, everybody out, every key wiped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{House, Opened, Porter};
use crate::store::StoreError;

/// For how long requests that are under way may end in order, from then on the committer,
/// and from then on the audit log. Past it they are answered `stopped`, and the keys go.
const ORDERLY: Duration = Duration::from_millis(250);
/// How long the audit log is waited for at the daemon's end, and before it is opened again.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

impl House {
    /// Wipes every key from memory and forgets shares that were given. What was
    /// acknowledged is durable; requests under way are answered first, if that takes
    /// no longer than a quarter of a second. An anchor that does not answer is not waited for.
    /// Nothing happens to a sealed house; one that is being opened gives that up.
    ///
    /// # Errors
    /// What the store said to the last commit, if it has said it.
    pub fn seal(&self) -> Result<(), StoreError> {
        let _wanted = self.site.as_ref().map(|site| site.sealing.want());
        self.seal_holding(&mut self.porter())
    }

    /// Seals, and waits for everything to end, the last anchor too. For the end of
    /// the daemon.
    ///
    /// # Errors
    /// What the store said to the last commit.
    pub fn close(&self) -> Result<(), StoreError> {
        let _wanted = self.site.as_ref().map(|site| site.sealing.want());
        let mut porter = self.porter();
        let taken = self.take(&mut porter);
        if let Some(opened) = &taken {
            opened.entry.close();
            opened.hall.close();
        }
        let committed = porter.join();
        if committed.is_ok()
            && let Err(error) = porter.join_clerk(PATIENCE)
        {
            tracing::error!(%error, "the audit log may lack its end");
        }
        committed
    }

    pub(super) fn seal_holding(&self, porter: &mut Porter) -> Result<(), StoreError> {
        if self.site.is_none() {
            return Ok(());
        }
        let Some(opened) = self.take(porter) else { return Ok(()) };
        let begun = Instant::now();
        wait_until(begun + ORDERLY, || Arc::strong_count(&opened) == 1);
        // Whoever stays longer finds no card and no session any more.
        opened.entry.close();
        opened.hall.close();
        let has_ended = |porter: &Porter| porter.committer.as_ref().is_none_or(JoinHandle::is_finished);
        // Then whoever still waited for a commit has been told.
        wait_until(begun + 2 * ORDERLY, || has_ended(porter) && Arc::strong_count(&opened) == 1);
        // It writes with a key of the keyring, and for as long as that is here.
        if let Err(error) = porter.join_clerk((begun + 3 * ORDERLY).saturating_duration_since(Instant::now()))
        {
            tracing::error!(%error, "sealed, and the audit log may lack its end");
        }
        drop(opened);
        if has_ended(porter) { porter.join() } else { Ok(()) }
    }

    /// Lets nobody in any more.
    fn take(&self, porter: &mut Porter) -> Option<Arc<Opened>> {
        (porter.gathering, porter.keys) = (None, None);
        self.control.clear();
        self.opened.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Those who want the house sealed: an opening that is under way is given up for them.
#[derive(Clone, Default)]
pub(super) struct Sealing(Arc<AtomicUsize>);

/// One of them, until it is dropped.
struct Wanted<'s>(&'s Sealing);

impl Sealing {
    /// Whether anybody is one.
    pub fn is_wanted(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    fn want(&self) -> Wanted<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Wanted(self)
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn wait_until(end: Instant, has_come: impl Fn() -> bool) {
    while !has_come() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
}
