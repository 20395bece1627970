//! Memory that the connections of one process share, and its locks: the index
//! of a write-ahead log.

use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::ffi;
use sqlite_plugin::flags::ShmLockMode;

use super::Code;
use super::locks::Holder;
use crate::disk::Inode;

/// A piece of shared memory. It is never freed, so that a pointer to it stays
/// good; atomics, so that it may be cleared while one is out.
type Region = &'static [AtomicU64];

/// Regions that nobody uses: thousands of stores are opened in a run.
static SPARE: Mutex<Vec<Region>> = Mutex::new(Vec::new());

/// The shared memory of each file, for each process that used it.
#[derive(Debug, Default)]
pub struct Shared(BTreeMap<(Inode, u64), Node>);

#[derive(Debug, Default)]
struct Node {
    regions: Vec<Region>,
    users: BTreeSet<Holder>,
    slots: BTreeMap<u32, Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    shared: BTreeSet<Holder>,
    exclusive: Option<Holder>,
}

impl Shared {
    /// The region of an index; none if there is none yet and it is not to be made.
    pub fn map(
        &mut self,
        inode: Inode,
        holder: Holder,
        index: usize,
        size: usize,
        extend: bool,
    ) -> Option<NonNull<u8>> {
        let node = self.0.entry((inode, holder.process)).or_default();
        node.users.insert(holder);
        while extend && node.regions.len() <= index {
            node.regions.push(region(size));
        }
        node.regions.get(index).map(|region| NonNull::from(*region).cast())
    }

    /// Takes or lets go of the locks of `slots`, all or none.
    pub fn lock(
        &mut self,
        inode: Inode,
        holder: Holder,
        slots: std::ops::Range<u32>,
        mode: ShmLockMode,
    ) -> Result<(), Code> {
        let node = self.0.entry((inode, holder.process)).or_default();
        let free = |slot: &Slot| match mode {
            ShmLockMode::LockShared => slot.exclusive.is_none_or(|other| other == holder),
            ShmLockMode::LockExclusive => {
                slot.exclusive.is_none() && slot.shared.iter().all(|other| *other == holder)
            }
            ShmLockMode::UnlockShared | ShmLockMode::UnlockExclusive => true,
        };
        if !slots.clone().all(|number| node.slots.get(&number).is_none_or(free)) {
            return Err(ffi::SQLITE_BUSY);
        }
        for number in slots {
            node.slots.entry(number).or_default().set(holder, mode);
        }
        Ok(())
    }

    /// Forgets a user; the last one leaves nothing behind.
    pub fn unmap(&mut self, inode: Inode, holder: Holder) {
        let key = (inode, holder.process);
        let Some(node) = self.0.get_mut(&key) else { return };
        node.users.remove(&holder);
        for slot in node.slots.values_mut() {
            slot.set(holder, ShmLockMode::UnlockShared);
            slot.set(holder, ShmLockMode::UnlockExclusive);
        }
        if node.users.is_empty()
            && let Some(node) = self.0.remove(&key)
        {
            spare().extend(node.regions);
        }
    }
}

impl Slot {
    fn set(&mut self, holder: Holder, mode: ShmLockMode) {
        match mode {
            ShmLockMode::LockShared => drop(self.shared.insert(holder)),
            ShmLockMode::LockExclusive => self.exclusive = Some(holder),
            ShmLockMode::UnlockShared => drop(self.shared.remove(&holder)),
            ShmLockMode::UnlockExclusive => self.exclusive = self.exclusive.filter(|held| *held != holder),
        }
    }
}

/// A region of zeros.
fn region(size: usize) -> Region {
    let words = size.div_ceil(size_of::<u64>());
    let mut spare = spare();
    let Some(at) = spare.iter().position(|region| region.len() == words) else {
        return Box::leak((0..words).map(|_| AtomicU64::new(0)).collect());
    };
    let region = spare.swap_remove(at);
    region.iter().for_each(|word| word.store(0, Ordering::Relaxed));
    region
}

fn spare() -> std::sync::MutexGuard<'static, Vec<Region>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::ShmLockMode::{LockExclusive, LockShared, UnlockExclusive, UnlockShared};
    use super::*;
    use crate::disk::Disk;

    const SIZE: usize = 32_768;

    fn holder(number: u64) -> Holder {
        Holder { process: 0, number }
    }

    #[test]
    fn a_slot_is_shared_by_many_or_held_by_one_and_ranges_are_taken_whole() {
        let file = Disk::default().anonymous();
        let mut shared = Shared::default();
        let [a, b] = [1, 2].map(holder);
        let mut lock = |who, slots, mode| shared.lock(file, who, slots, mode);
        assert_eq!(lock(a, 0..1, LockShared), Ok(()));
        assert_eq!(lock(b, 0..1, LockShared), Ok(()));
        assert_eq!(lock(a, 0..1, UnlockShared), Ok(()));
        assert_eq!(lock(a, 0..3, LockExclusive), Err(ffi::SQLITE_BUSY));
        assert_eq!(lock(b, 1..3, LockExclusive), Ok(()));
        assert_eq!(lock(a, 2..3, LockShared), Err(ffi::SQLITE_BUSY));
        // Letting go of what another holds does nothing.
        assert_eq!(lock(a, 1..3, UnlockExclusive), Ok(()));
        assert_eq!(lock(a, 2..3, LockShared), Err(ffi::SQLITE_BUSY));
        assert_eq!(lock(b, 0..1, UnlockShared), Ok(()));
        assert_eq!(lock(b, 1..3, UnlockExclusive), Ok(()));
        assert_eq!(lock(a, 0..3, LockExclusive), Ok(()));
    }

    #[test]
    fn memory_is_one_for_a_file_and_zeros_after_its_last_user() {
        let file = Disk::default().anonymous();
        let mut shared = Shared::default();
        let [a, b] = [1, 2].map(holder);
        assert_eq!(shared.map(file, a, 0, SIZE, false), None);
        let at = shared.map(file, a, 0, SIZE, true);
        assert_eq!(shared.map(file, b, 0, SIZE, false), at);
        let dead = Holder { process: 1, number: 3 };
        assert_ne!(shared.map(file, dead, 0, SIZE, true), at);
        shared.lock(file, a, 0..1, LockExclusive).unwrap();
        shared.unmap(file, a);
        assert_eq!(shared.lock(file, b, 0..1, LockShared), Ok(()));
        shared.0[&(file, 0)].regions[0][7].store(7, Ordering::Relaxed);
        shared.unmap(file, b);
        shared.map(file, b, 1, SIZE, true);
        assert!(
            shared.0[&(file, 0)].regions.iter().all(|region| region[7].load(Ordering::Relaxed) == 0),
            "cleared before it is used again"
        );
    }
}
