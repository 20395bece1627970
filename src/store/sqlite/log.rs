//! The write-ahead log: how long it may be, and when it goes into the database.
//!
//! Its room is allocated ahead, and no group is appended that might not find
//! room in it. So a full disk is met where refusing loses nothing: when the log
//! should go into the database and the database cannot grow, the log stays as it
//! is, and is tried again later. A failed sync is another matter: it poisons.
//!
//! Most of a log goes into the database beside the commits, by a thread and a
//! connection of its own. What was appended meanwhile goes in between two
//! commits; that is little, and after it the log starts anew.

use std::path::Path;

use rusqlite::Connection;

use super::super::{Group, Room, StoreError};
use super::checkpointer::{Checkpointer, Progress, pass};
use super::disk::Disk;
use super::failure::io;
use super::file;

/// Bytes of a frame in the log: a page and its header.
const FRAME: u64 = 4096 + 24;

/// Frames that a group of counter moves may write beside its body: the table's
/// inner pages, the file's first page, freed pages.
const OVERHEAD: u64 = 10;

/// Frames that a row or record may write: its leaf, an index's, and a split of each.
const ROW: u64 = 5;

/// Settings of the log.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// Bytes allocated ahead.
    pub reserved: u64,
    /// Bytes after which the log goes into the database.
    pub checkpoint: u64,
    /// Bytes that must be free on the disk beside the log; below, room is scarce.
    pub free: u64,
    /// Whether that happens on a thread of its own, or in [`reserve`](crate::store::Store::reserve),
    /// which gives a seeded test the same order every time.
    pub background: bool,
}

impl Default for LogLimits {
    /// 64 MiB allocated, a checkpoint every 32 MiB, 16 MiB free.
    fn default() -> Self {
        Self { reserved: 64 << 20, checkpoint: 32 << 20, free: 16 << 20, background: true }
    }
}

/// How much of the log may be in use: never less than really is.
#[derive(Debug)]
pub(super) struct Log {
    limits: LogLimits,
    reserved: u64,
    used: u64,
    /// `used` is what was measured, or more by what was counted since.
    is_measured: bool,
}

impl Log {
    /// A log that was just emptied, with its first bytes allocated.
    pub(super) const fn new(limits: LogLimits) -> Self {
        Self { limits, reserved: limits.reserved, used: FRAME, is_measured: false }
    }

    /// Counts what is about to be appended.
    pub(super) fn count(&mut self, bytes: u64) {
        self.used = self.used.saturating_add(bytes);
        self.is_measured = false;
    }

    /// Makes room for `bytes` more: a long log is sent into the database, and more
    /// is allocated if they would not fit.
    pub(super) fn make_room(
        &mut self,
        connection: &Connection,
        checkpointer: &mut Checkpointer,
        disk: &dyn Disk,
        path: &Path,
        bytes: u64,
    ) -> Result<Room, StoreError> {
        if self.used >= self.limits.checkpoint && !self.is_measured {
            self.measure(connection)?;
        }
        if checkpointer.is_done()? {
            self.finish(connection)?;
        } else if self.used.saturating_add(bytes) > self.reserved {
            // Commits come faster than checkpoints end: now they wait for one.
            checkpointer.wait()?;
            self.finish(connection)?;
        }
        if self.used >= self.limits.checkpoint {
            checkpointer.begin()?;
        }
        let needed = self.used.saturating_add(bytes);
        if needed > self.reserved {
            match file::reserve_log(disk, path, needed) {
                Ok(()) => self.reserved = needed,
                Err(StoreError::Full) => return Ok(Room::None),
                Err(error) => return Err(error),
            }
        }
        let free = disk.free(path).map_err(|error| io("the file system", &error))?;
        let scarce = free < self.limits.free || self.used > self.limits.reserved / 4 * 3;
        Ok(if scarce { Room::Scarce } else { Room::Ample })
    }

    /// Puts what is left of the log into the database. The next group then starts
    /// it anew. On a full disk it stays as it is.
    fn finish(&mut self, connection: &Connection) -> Result<(), StoreError> {
        match pass(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
            Ok(Progress { frames, done }) if frames == done => {
                (self.used, self.is_measured) = (FRAME, false);
                Ok(())
            }
            Ok(_) | Err(StoreError::Full) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Replaces what was counted by what is.
    fn measure(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let Progress { frames, .. } = pass(connection, "PRAGMA wal_checkpoint(NOOP)")?;
        self.used = frames.saturating_add(1).saturating_mul(FRAME);
        self.is_measured = true;
        Ok(())
    }
}

impl Group {
    /// The most bytes of log that the group may write.
    pub(super) fn log_bytes(&self) -> u64 {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let body = |bytes: usize| count(bytes) / 4000 + 1;
        let rows = self.tokens.iter().map(|row| ROW + body(row.body.len())).sum::<u64>();
        let records = self.records.iter();
        let records = records.map(|record| ROW + body(record.body.as_ref().map_or(0, Vec::len))).sum::<u64>();
        let pages = self.pages.iter().map(|page| 1 + body(page.body.len())).sum::<u64>();
        let journal = body(self.body.len()) + body(self.tokens.len().saturating_mul(6));
        (OVERHEAD + journal + rows + records + pages).saturating_mul(FRAME)
    }
}

/// The most bytes of log that writing so many small rows may take.
pub(super) const fn rows_bytes(rows: u64) -> u64 {
    (OVERHEAD + ROW * rows) * FRAME
}
