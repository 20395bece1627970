//! Sealing: nobody in, everybody out, every key wiped.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{House, Opened, Porter};
use crate::store::StoreError;

/// For how long requests that are under way may end in order, then the committer,
/// then the audit log. Past it they are answered `stopped`, and the keys go.
const ORDERLY: Duration = Duration::from_millis(250);
/// How long the audit log is waited for at the daemon's end, and before it is opened again.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

impl House {
    /// Wipes every key from memory and forgets shares that were given. What was
    /// acknowledged is durable; requests under way are answered first, if that takes
    /// no longer than a quarter of a second. An anchor that does not answer is not waited for.
    /// Nothing happens to a sealed house.
    ///
    /// # Errors
    /// What the store said to the last commit, if it has said it.
    pub fn seal(&self) -> Result<(), StoreError> {
        self.seal_holding(&mut self.porter())
    }

    /// Seals, and waits for everything to end, the last anchor too. For the end of
    /// the daemon.
    ///
    /// # Errors
    /// What the store said to the last commit.
    pub fn close(&self) -> Result<(), StoreError> {
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
        wait_while(|| Arc::strong_count(&opened) > 1);
        // Whoever stays longer finds no card and no session any more.
        opened.entry.close();
        opened.hall.close();
        let is_running = |porter: &Porter| porter.committer.as_ref().is_some_and(|one| !one.is_finished());
        wait_while(|| is_running(porter));
        // Whoever still waited for a commit has been told by now.
        wait_while(|| Arc::strong_count(&opened) > 1);
        // It writes with a key of the keyring, and for as long as that is here.
        if let Err(error) = porter.join_clerk(ORDERLY) {
            tracing::error!(%error, "sealed, and the audit log may lack its end");
        }
        drop(opened);
        if is_running(porter) { Ok(()) } else { porter.join() }
    }

    /// Lets nobody in any more.
    fn take(&self, porter: &mut Porter) -> Option<Arc<Opened>> {
        (porter.gathering, porter.keys) = (None, None);
        self.control.clear();
        self.opened.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn wait_while(lasts: impl Fn() -> bool) {
    let begun = Instant::now();
    while lasts() && begun.elapsed() < ORDERLY {
        std::thread::sleep(Duration::from_millis(1));
    }
}
