//! A store in memory with the rules of a durable one, for tests and simulation.
//!
//! The [`MemoryDisk`] outlives the store: a crash is dropping the store, a start
//! is opening the disk again. What fails, and when, is planned by [`Faults`].

mod disk;
mod faults;

pub use disk::MemoryDisk;
pub use faults::{Fault, Faults, Operation};

use super::guard::Guard;
use super::{CommitReceipt, Epoch, Group, Load, Room, Store, StoreError, TokenRow, TokenSlot};
use crate::types::{Trid, UnixTime};

/// A [`Store`] on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryStore {
    disk: MemoryDisk,
    epoch: Epoch,
    anchored: Epoch,
    guard: Guard,
}

impl MemoryStore {
    /// Opens a disk and draws its next epoch. A store that had it open before is
    /// fenced off from then on.
    #[must_use]
    pub fn open(disk: &MemoryDisk) -> Self {
        let mut state = disk.state();
        let (anchored, epoch) = (state.anchored(), state.draw_epoch(Epoch(0)));
        Self { disk: disk.clone(), epoch, anchored, guard: Guard::default() }
    }
}

impl Store for MemoryStore {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn anchored(&self) -> Epoch {
        self.anchored
    }

    fn set_anchored(&mut self) -> Result<(), StoreError> {
        let epoch = self.epoch;
        self.write(Operation::Anchor, |state| {
            state.set_anchored(epoch);
            Ok(())
        })?;
        self.anchored = epoch;
        Ok(())
    }

    fn outgrow(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        let Self { disk, epoch: ours, guard, .. } = self;
        *ours = guard.write(|| {
            let mut state = disk.state();
            if state.epoch() == *ours { Ok(state.draw_epoch(epoch)) } else { Err(StoreError::Fenced) }
        })?;
        Ok(())
    }

    fn receipt(&self) -> CommitReceipt {
        CommitReceipt::new(self.disk.state().head())
    }

    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.guard.check()?;
        // A copy, so that a sink that looks at the disk meets no held lock.
        let state = self.disk.state().clone();
        state.load(sink)
    }

    fn reserve(&mut self, _: Option<&Group>) -> Result<Room, StoreError> {
        self.guard.check()?;
        Ok(self.disk.state().room())
    }

    fn append(&mut self, group: &Group) -> Result<CommitReceipt, StoreError> {
        let Self { disk, epoch, guard, .. } = self;
        guard.write(|| {
            let mut state = disk.state();
            group.check(state.head(), *epoch, state.epoch())?;
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

    fn expire(&mut self, now: u64) -> Result<bool, StoreError> {
        self.write(Operation::Expire, |state| {
            state.expire(UnixTime::from_seconds(now));
            Ok(())
        })?;
        Ok(false)
    }
}

impl MemoryStore {
    /// Anchoring and expiry: refused if fenced, then struck by the fault planned for them.
    fn write(
        &mut self,
        operation: Operation,
        change: impl FnOnce(&mut disk::State) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Self { disk, epoch, guard, .. } = self;
        guard.write(|| {
            let mut state = disk.state();
            if state.epoch() != *epoch {
                return Err(StoreError::Fenced);
            }
            state.strike(operation, change)
        })
    }
}
