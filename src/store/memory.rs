//! A store in memory with the rules of a durable one, for tests and simulation.
//!
//! The [`MemoryDisk`] outlives the store: a crash is dropping the store, a start
//! is opening the disk again. What fails, and when, is planned by [`Faults`].

mod disk;
mod faults;

pub use disk::MemoryDisk;
pub use faults::{Fault, Faults, Operation};

use super::guard::Guard;
use super::{
    CommitReceipt, Epoch, Follow, Group, GroupNumber, Load, Room, Store, StoreError, TokenRow, TokenSlot,
};
use crate::types::{Trid, UnixTime};

/// A [`Store`] on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryStore {
    disk: MemoryDisk,
    epoch: Epoch,
    anchored: Epoch,
    guard: Guard,
    /// Its name among several, and the newest group that it has seen; none if it is alone.
    node: Option<(u32, GroupNumber)>,
}

impl MemoryStore {
    /// Opens a disk and draws its next epoch. A store that had it open before is
    /// fenced off from then on.
    #[must_use]
    pub fn open(disk: &MemoryDisk) -> Self {
        let mut state = disk.state();
        let (anchored, epoch) = (state.anchored(), state.draw_epoch(Epoch(0)));
        Self { disk: disk.clone(), epoch, anchored, guard: Guard::default(), node: None }
    }

    /// Opens a disk that several nodes share, as the node of this name. One that had it
    /// open under the same name is fenced off from then on.
    #[must_use]
    pub fn join(disk: &MemoryDisk, node: u32) -> Self {
        let mut state = disk.state();
        let (epoch, head) = (state.join(node), state.head());
        let node = Some((node, head));
        Self { disk: disk.clone(), epoch, anchored: Epoch(0), guard: Guard::default(), node }
    }

    /// As a node: at its turn, and nothing has come that it has not followed.
    fn append_shared(&mut self, node: u32, seen: GroupNumber, group: &Group) -> Result<(), StoreError> {
        let Self { disk, epoch, guard, .. } = self;
        guard
            .write(|| {
                let mut state = disk.turn(*epoch);
                if !state.is_of(node, *epoch) || state.head() != seen {
                    return Err(StoreError::Fenced);
                }
                group.check(state.head(), *epoch, *epoch)?;
                state.strike(Operation::Append, |state| state.append(group))
            })
            // Whatever came of it, the turn is over.
            .inspect(|()| disk.end_turn(*epoch))
            .inspect_err(|_| disk.end_turn(*epoch))
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
        CommitReceipt::new(self.node.map_or_else(|| self.disk.state().head(), |(_, seen)| seen))
    }

    fn is_shared(&self) -> bool {
        self.node.is_some()
    }

    fn turn(&mut self, sink: &mut dyn Follow) -> Result<(), StoreError> {
        let Self { disk, epoch, guard, node: Some((name, seen)), .. } = self else { return Ok(()) };
        let followed = guard.write(|| {
            // A copy, so that a sink that looks at the disk meets no held lock.
            let state = disk.turn(*epoch).clone();
            if !state.is_of(*name, *epoch) {
                return Err(StoreError::Fenced);
            }
            state.follow(*seen, sink)?;
            Ok(state.head())
        });
        *seen = followed.inspect_err(|_| disk.end_turn(*epoch))?;
        Ok(())
    }

    fn rest(&mut self) -> Result<(), StoreError> {
        self.guard.check()?;
        if self.is_shared() {
            self.disk.end_turn(self.epoch);
        }
        Ok(())
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
        if let Some((node, seen)) = self.node {
            self.append_shared(node, seen, group)?;
            self.node = Some((node, group.number));
            return Ok(CommitReceipt::new(group.number));
        }
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
        let Self { disk, epoch, guard, node, .. } = self;
        guard.write(|| {
            let mut state = disk.state();
            if node.is_none() && state.epoch() != *epoch {
                return Err(StoreError::Fenced);
            }
            state.strike(operation, change)
        })
    }
}
