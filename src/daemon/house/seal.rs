//! Sealing: nobody in, everybody out, every key wiped.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{House, Opened, Porter};
use crate::store::StoreError;

/// For how long requests that are under way may end in order. Past it they are
/// answered `stopped`, and the keys go.
const ORDERLY: Duration = Duration::from_millis(400);

impl House {
    /// Wipes every key from memory and forgets shares that were given. What was
    /// acknowledged is durable; requests under way are answered first, if that takes
    /// no longer than [`ORDERLY`]. Nothing happens to a sealed house.
    ///
    /// # Errors
    /// What the store said to the last commit.
    pub fn seal(&self) -> Result<(), StoreError> {
        self.seal_holding(&mut self.porter())
    }

    pub(super) fn seal_holding(&self, porter: &mut Porter) -> Result<(), StoreError> {
        (porter.gathering, porter.keys) = (None, None);
        self.control.clear();
        let taken = self.opened.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(opened) = taken else { return Ok(()) };
        wait_until_alone(&opened);
        opened.hall.close();
        let result = match porter.committer.take().map(std::thread::JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(_)) => Err(StoreError::Poisoned),
        };
        // Whoever still waited for a commit has been told by now.
        wait_until_alone(&opened);
        drop(opened);
        result
    }
}

fn wait_until_alone(opened: &Arc<Opened>) {
    let begun = Instant::now();
    while Arc::strong_count(opened) > 1 && begun.elapsed() < ORDERLY {
        std::thread::sleep(Duration::from_millis(1));
    }
}
