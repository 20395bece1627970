//! Locks of whole files among those who have them open: SQLite's five levels.

use std::collections::BTreeMap;

use rusqlite::ffi;
use sqlite_plugin::flags::LockLevel;

use super::Code;
use crate::disk::Inode;

/// Who has a file open. The locks of a dead process hold nobody up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    pub process: u64,
    pub number: u64,
}

#[derive(Debug, Default)]
pub struct Locks(BTreeMap<(Inode, Holder), LockLevel>);

impl Locks {
    /// Raises a lock to `level` if those of the others allow it.
    pub fn lock(&mut self, inode: Inode, holder: Holder, level: LockLevel) -> Result<(), Code> {
        let held = self.held(inode, holder);
        if held >= level {
            return Ok(());
        }
        let highest = self.highest_of_others(inode, holder);
        let granted = match level {
            LockLevel::Unlocked | LockLevel::Shared => highest < LockLevel::Pending,
            LockLevel::Reserved | LockLevel::Pending => highest < LockLevel::Reserved,
            LockLevel::Exclusive => highest < LockLevel::Shared,
        };
        if granted {
            self.0.insert((inode, holder), level);
        } else if level == LockLevel::Exclusive && highest == LockLevel::Shared {
            // Waits for the readers to leave and lets no new one in.
            self.0.insert((inode, holder), LockLevel::Pending);
        }
        if granted { Ok(()) } else { Err(ffi::SQLITE_BUSY) }
    }

    /// Lowers a lock to `level`.
    pub fn unlock(&mut self, inode: Inode, holder: Holder, level: LockLevel) {
        if level == LockLevel::Unlocked {
            self.0.remove(&(inode, holder));
        } else if self.held(inode, holder) > level {
            self.0.insert((inode, holder), level);
        }
    }

    /// Whether anyone means to write.
    pub fn is_reserved(&self, inode: Inode, holder: Holder) -> bool {
        self.held(inode, holder).max(self.highest_of_others(inode, holder)) >= LockLevel::Reserved
    }

    fn held(&self, inode: Inode, holder: Holder) -> LockLevel {
        self.0.get(&(inode, holder)).copied().unwrap_or(LockLevel::Unlocked)
    }

    fn highest_of_others(&self, inode: Inode, holder: Holder) -> LockLevel {
        let others = self.0.iter().filter(|((file, other), _)| {
            *file == inode && *other != holder && other.process == holder.process
        });
        others.map(|(_, level)| *level).max().unwrap_or(LockLevel::Unlocked)
    }
}

#[cfg(test)]
mod tests {
    use super::LockLevel::{Exclusive, Pending, Reserved, Shared, Unlocked};
    use super::*;
    use crate::disk::Disk;

    fn holder(number: u64) -> Holder {
        Holder { process: 0, number }
    }

    #[test]
    fn readers_share_one_writer_waits_for_them_and_keeps_new_ones_out() {
        let file = Disk::default().anonymous();
        let mut locks = Locks::default();
        let [a, b, c] = [1, 2, 3].map(holder);
        for reader in [a, b] {
            assert_eq!(locks.lock(file, reader, Shared), Ok(()));
        }
        assert_eq!(locks.lock(file, a, Reserved), Ok(()));
        assert_eq!(locks.lock(file, b, Reserved), Err(ffi::SQLITE_BUSY));
        assert_eq!(locks.lock(file, c, Shared), Ok(()));
        assert_eq!(locks.lock(file, a, Exclusive), Err(ffi::SQLITE_BUSY));
        assert_eq!(locks.held(file, a), Pending);
        locks.unlock(file, c, Unlocked);
        assert_eq!(locks.lock(file, c, Shared), Err(ffi::SQLITE_BUSY));
        locks.unlock(file, b, Unlocked);
        assert_eq!(locks.lock(file, a, Exclusive), Ok(()));
        assert!(locks.is_reserved(file, c));
        assert_eq!(locks.lock(file, c, Shared), Err(ffi::SQLITE_BUSY));
        // Not of a process that starts after this one has died.
        assert_eq!(locks.lock(file, Holder { process: 1, number: 4 }, Exclusive), Ok(()));
        locks.unlock(file, a, Shared);
        assert_eq!(locks.lock(file, c, Shared), Ok(()));
    }
}
