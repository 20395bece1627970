//! A bare group commit: what was counted goes into a file, together, synced.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::output::Failure;

/// Bytes of the file, which is written round and round.
const SIZE: u64 = 16 << 20;
/// Bytes that a request adds to a group, as a counter move does.
const EACH: u64 = 8;
/// Groups are written in whole pages.
const PAGE: u64 = 4096;

/// Requests that wait for their group, and the thread that syncs.
#[derive(Debug, Default)]
pub struct Ledger {
    state: Mutex<State>,
    work: Condvar,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Requests of the open group.
    open: u64,
    /// Groups taken, and groups synced.
    taken: u64,
    synced: u64,
}

impl Ledger {
    /// A ledger that writes to a new file, as long as the process lives.
    pub fn open(path: &Path) -> Result<Arc<Self>, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        // What is there already costs a sync no metadata.
        file.write_all_at(&vec![0; usize::try_from(SIZE)?], 0)?;
        file.sync_all()?;
        let ledger = Arc::new(Self::default());
        let writer = Arc::clone(&ledger);
        std::thread::spawn(move || writer.sync_all(&file));
        Ok(ledger)
    }

    /// Counts requests into the open group, and returns its number.
    pub fn count(&self, requests: u64) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open += requests;
        let group = state.taken + 1;
        drop(state);
        self.work.notify_one();
        group
    }

    /// Waits until a group is synced.
    pub fn wait(&self, group: u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.done.wait_while(state, |state| state.synced < group));
    }

    fn sync_all(&self, file: &File) -> Result<(), Failure> {
        let zeros = vec![0; usize::try_from(SIZE)?];
        let mut at = 0;
        loop {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.work.wait_while(state, |state| state.open == 0);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner);
            let bytes = (std::mem::take(&mut state.open) * EACH).next_multiple_of(PAGE).min(SIZE);
            state.taken += 1;
            drop(state);
            at = if at + bytes > SIZE { 0 } else { at };
            file.write_all_at(zeros.get(..usize::try_from(bytes)?).unwrap_or_default(), at)?;
            file.sync_data()?;
            at += bytes;
            self.state.lock().unwrap_or_else(PoisonError::into_inner).synced += 1;
            self.done.notify_all();
        }
    }
}
