//! The write-ahead log: how long it may be, and when it goes into the database.
//!
//! Its room is allocated ahead, and no group is appended that might not find
//! room in it. So a full disk is met where refusing loses nothing: when the log
//! should go into the database and the database cannot grow, the log stays as it
//! is, and is tried again later. A failed sync is another matter: it poisons.
//!
//! A log goes into the database beside the commits, by a thread and a connection
//! of its own, a little at a time, so that the disk is never busy with it for
//! long. When the log is long, what is left goes in between two commits; that is
//! little, and after it the log starts anew.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::super::{Group, Record, Room, StoreError};
use super::checkpointer::{Checkpointer, Progress, pass};
use super::disk::{Disk, Grip};
use super::failure::io;
use super::lock::beside;

/// Bytes of the log's own header.
const HEADER: u64 = 32;

/// Bytes of a frame in the log: a page and its header.
const FRAME: u64 = 4096 + 24;

/// Frames that any change may write beside its parts: the journal's new leaf, those
/// of groups removed, their neighbours and the pages above, the lists of free pages,
/// the file's first page.
const OVERHEAD: u64 = 16;

/// Frames always left behind a group for what asks for no room: drawing an epoch
/// and anchoring it.
const SPARE: u64 = 8;

/// Frames that a row or record may write beside its body: its leaf and an index's,
/// each spread over its neighbours and a new one, the pages above.
const ROW: u64 = 10;

/// Frames that a page may write beside its body: the same without an index.
const PAGE: u64 = 6;

/// Frames that a removed record may write: its leaf, the leaf's neighbours and the
/// page above, for itself and in the index.
const REMOVAL: u64 = 4;

/// Bytes of log that are sent into the database at a time. Much more, and commits
/// wait behind them; much less, and most of it is syncing.
const AT_ONCE: u64 = 4 << 20;

/// Settings of the log.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// Bytes allocated ahead.
    pub reserved: u64,
    /// Bytes after which the log is wholly in the database and starts anew.
    pub checkpoint: u64,
    /// Bytes that must be free on the disk beside the log; below, room is scarce.
    pub free: u64,
    /// Whether that happens on a thread of its own, or in [`reserve`](crate::store::Store::reserve),
    /// which gives a seeded test the same order every time.
    pub background: bool,
}

impl Default for LogLimits {
    /// 64 MiB allocated, a new log after 32 MiB, 16 MiB free.
    fn default() -> Self {
        Self { reserved: 64 << 20, checkpoint: 32 << 20, free: 16 << 20, background: true }
    }
}

/// How much of the log is allocated.
#[derive(Debug)]
pub(super) struct Log {
    limits: LogLimits,
    reserved: u64,
    /// SQLite's index of the log, which grows with it.
    index: Option<Box<dyn Grip>>,
    /// The database itself, held until every connection is closed.
    database: Option<Arc<dyn Grip>>,
    /// Bytes of the log that were sent into the database.
    sent: u64,
    /// Bytes of the log that can be in use at most since it was last looked at.
    most: u64,
    checkpoints: u64,
}

impl Log {
    /// The log of a database that SQLite has open, its first bytes allocated.
    pub(super) fn open(disk: &dyn Disk, path: &Path, limits: LogLimits) -> Result<Self, StoreError> {
        let index = disk.hold(&beside(path, "-shm")).map_err(|error| io(INDEX, &error))?;
        let database = disk.hold(path).map_err(|error| io("the database", &error))?.map(Arc::from);
        let mut log = Self { limits, reserved: 0, index, database, sent: 0, most: u64::MAX, checkpoints: 0 };
        log.reserve(disk, path, limits.reserved)?;
        Ok(log)
    }

    /// Allocates the log ahead, and its index, so that a commit finds its room.
    fn reserve(&mut self, disk: &dyn Disk, path: &Path, bytes: u64) -> Result<(), StoreError> {
        let log = disk.allocate(&beside(path, "-wal"), bytes);
        log.map_err(|error| io("the write-ahead log", &error))?;
        if let Some(index) = &self.index {
            index.allocate(index_bytes(bytes)).map_err(|error| io(INDEX, &error))?;
        }
        self.reserved = bytes;
        Ok(())
    }

    /// The database's file.
    pub(super) fn database(&self) -> Option<Arc<dyn Grip>> {
        self.database.clone()
    }

    /// How often the log has gone into the database.
    pub(super) const fn checkpoints(&self) -> u64 {
        self.checkpoints
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
        let next = self.sent.saturating_add(AT_ONCE).min(self.limits.checkpoint);
        let with = |used: u64| used.saturating_add(bytes).saturating_add(SPARE * FRAME);
        let most = with(self.most);
        if most < next.min(self.reserved) && !checkpointer.is_running() {
            // Surely short, so it is not even looked at.
            self.most = most;
            return self.room(disk, path, most);
        }
        let found = pass(connection, NOTHING)?;
        // One that is just ending may still keep the next group from starting the log anew.
        let mut used = if checkpointer.is_running() { length(found) } else { used(found) };
        if checkpointer.is_done()? && used >= self.limits.checkpoint {
            used = finish(connection, used)?;
        }
        // One that is wholly in the database has started anew.
        self.sent = self.sent.min(used);
        let next = self.sent.saturating_add(AT_ONCE).min(self.limits.checkpoint);
        if used >= next && !checkpointer.is_running() {
            (self.sent, self.checkpoints) = (used, self.checkpoints + 1);
            if checkpointer.begin()? {
                used = self::used(pass(connection, NOTHING)?);
            }
        }
        if with(used) > self.reserved && checkpointer.wait()? {
            // Commits came faster than the checkpoint ended: now they wait for it.
            used = finish(connection, used)?;
        }
        if with(used) > self.reserved {
            match self.reserve(disk, path, with(used)) {
                Ok(()) => {}
                Err(StoreError::Full) => return Ok(Room::None),
                Err(error) => return Err(error),
            }
        }
        self.most = with(used);
        self.room(disk, path, used)
    }

    /// Whether there is more room than what is under way may need.
    fn room(&self, disk: &dyn Disk, path: &Path, used: u64) -> Result<Room, StoreError> {
        let free = disk.free(path).map_err(|error| io("the file system", &error))?;
        let scarce = free < self.limits.free || used > self.limits.reserved / 4 * 3;
        Ok(if scarce { Room::Scarce } else { Room::Ample })
    }
}

const INDEX: &str = "the index of the write-ahead log";

/// Bytes of the index of so long a log: 32 KiB for each 4096 frames, of which its
/// header takes 34.
const fn index_bytes(log: u64) -> u64 {
    (log / FRAME + 1 + 34).div_ceil(4096) * (32 << 10)
}

/// Asks how far the log has come, and does nothing.
const NOTHING: &str = "PRAGMA wal_checkpoint(NOOP)";

/// Puts what is left of the log into the database. On a full disk it stays.
fn finish(connection: &Connection, before: u64) -> Result<u64, StoreError> {
    match pass(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
        Err(StoreError::Full) => Ok(before),
        other => other.map(used),
    }
}

/// Bytes of the log in use. One that is wholly in the database starts anew with
/// the next frame.
const fn used(progress: Progress) -> u64 {
    if progress.frames == progress.done { HEADER } else { length(progress) }
}

/// Bytes of the log up to its end.
const fn length(progress: Progress) -> u64 {
    HEADER.saturating_add(progress.frames.saturating_mul(FRAME))
}

impl Group {
    /// The most bytes of log that the group may write.
    pub(super) fn log_bytes(&self) -> u64 {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let body = |bytes: usize| count(bytes) / 4000 + 1;
        let rows = self.tokens.iter().map(|row| ROW + body(row.body.len())).sum::<u64>();
        let records = self.records.iter();
        let bytes = |record: &Record| record.key.len() + record.body.as_ref().map_or(0, Vec::len);
        let records = records.map(|record| ROW + body(bytes(record))).sum::<u64>();
        let pages = self.pages.iter().map(|page| PAGE + body(page.body.len())).sum::<u64>();
        let journal = body(self.body.len()) + body(self.tokens.len().saturating_mul(6));
        (OVERHEAD + journal + rows + records + pages).saturating_mul(FRAME)
    }
}

/// The most bytes of log that removing so many records may take.
pub(super) const fn removal_bytes(records: u64) -> u64 {
    (OVERHEAD + REMOVAL * records) * FRAME
}

#[cfg(test)]
mod tests;
