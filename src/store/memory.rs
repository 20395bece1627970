//! A store in memory with the rules of a durable one, for tests and simulation.
//!
//! The [`MemoryDisk`] outlives the store: a crash is dropping the store, a start
//! is opening the disk again. What fails, and when, is planned by [`Faults`].

mod disk;
mod faults;

pub use disk::MemoryDisk;
pub use faults::{Fault, Faults, Operation};

use super::guard::Guard;
use super::{CommitReceipt, Epoch, Group, Load, Store, StoreError, TokenRow, TokenSlot};
use crate::types::{Trid, UnixTime};

/// A [`Store`] on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryStore {
    disk: MemoryDisk,
    epoch: Epoch,
    guard: Guard,
}

impl MemoryStore {
    /// Opens a disk and draws its next epoch. A store that had it open before is
    /// fenced off from then on.
    #[must_use]
    pub fn open(disk: &MemoryDisk) -> Self {
        let epoch = disk.state().draw_epoch();
        Self { disk: disk.clone(), epoch, guard: Guard::default() }
    }
}

impl Store for MemoryStore {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn receipt(&self) -> CommitReceipt {
        CommitReceipt::new(self.disk.state().head().number)
    }

    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.guard.check()?;
        // A copy, so that a sink that looks at the disk meets no held lock.
        let state = self.disk.state().clone();
        state.load(sink)
    }

    fn append(&mut self, group: &Group) -> Result<CommitReceipt, StoreError> {
        let Self { disk, epoch, guard } = self;
        guard.write(|| {
            let mut state = disk.state();
            group.check(state.head().number, *epoch, state.epoch())?;
            state.strike(Operation::Append, |state| state.append(group))
        })?;
        Ok(CommitReceipt::new(group.number))
    }

    fn token(&mut self, slot: TokenSlot) -> Result<Option<TokenRow>, StoreError> {
        self.guard.check()?;
        Ok(self.disk.state().token(slot))
    }

    fn tokens_of(
        &mut self,
        trid: Trid,
        after: Option<TokenSlot>,
        limit: usize,
    ) -> Result<Vec<TokenRow>, StoreError> {
        self.guard.check()?;
        Ok(self.disk.state().tokens_of(trid, after, limit))
    }

    fn tokens_after(&mut self, after: Option<TokenSlot>, limit: usize) -> Result<Vec<TokenRow>, StoreError> {
        self.guard.check()?;
        Ok(self.disk.state().tokens_after(after, limit))
    }

    fn journal_bytes(&self) -> u64 {
        self.disk.state().journal_bytes()
    }

    fn fold(&mut self) -> Result<(), StoreError> {
        self.write(Operation::Fold, disk::State::fold)
    }

    fn expire(&mut self, now: u64) -> Result<(), StoreError> {
        self.write(Operation::Expire, |state| {
            state.expire(UnixTime::from_seconds(now));
            Ok(())
        })
    }
}

impl MemoryStore {
    /// Fold and expiry: refused if fenced, then struck by the fault planned for them.
    fn write(
        &mut self,
        operation: Operation,
        change: impl FnOnce(&mut disk::State) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Self { disk, epoch, guard } = self;
        guard.write(|| {
            let mut state = disk.state();
            if state.epoch() != *epoch {
                return Err(StoreError::Fenced);
            }
            state.strike(operation, change)
        })
    }
}
