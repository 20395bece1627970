//! Writing the log.
//!
//! One file is written, and the room of the next is always allocated ahead. When
//! it cannot be, nothing is lost yet: a whole file is left for what is under way,
//! and [`Log::has_room`] says that no more should be begun.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;

use super::disk::{Disk, Reserved};
use super::file::{HEADER, RESERVED, file_name, header};
use super::record::seal;
use super::{Event, Keys, Tip};
use crate::types::UnixTime;

/// A log that records are added to.
#[derive(Debug)]
pub struct Log {
    pub(super) dir: PathBuf,
    pub(super) disk: Box<dyn Disk>,
    /// Bytes of each file.
    pub(super) bytes: u64,
    pub(super) file: Box<dyn Reserved>,
    /// Where the file is written next, and where it ends.
    pub(super) at: u64,
    pub(super) end: u64,
    /// The next file.
    pub(super) next: Option<Box<dyn Reserved>>,
    /// The last record sealed.
    pub(super) tip: Tip,
    /// The last record that is durable.
    pub(super) durable: Tip,
    /// Records that are not durable yet.
    pub(super) pending: VecDeque<Pending>,
}

/// A record on its way.
#[derive(Debug)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    tip: Tip,
}

impl Log {
    /// Adds a record, to be made durable by [`flush`](Self::flush). False if it has
    /// no place: it is too long, or all numbers are used.
    #[must_use]
    pub fn push(&mut self, keys: &dyn Keys, time: UnixTime, event: &Event) -> bool {
        let Some((bytes, tip)) = seal(keys, &self.tip, time, event) else { return false };
        self.tip = tip;
        self.pending.push_back(Pending { bytes, tip });
        true
    }

    /// Makes every record durable. After a failure those that are not are kept, and
    /// written again by the next call: the same bytes at the same place, so that it
    /// does not matter what the failed write left there.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> Result<()> {
        while let Some(first) = self.pending.front() {
            if self.at.saturating_add(length(&first.bytes)) > self.end {
                self.go_on_in_next()?;
                continue;
            }
            let (mut together, mut count) = (Vec::new(), 0);
            let room = self.end.saturating_sub(self.at);
            for record in &self.pending {
                if length(&together).saturating_add(length(&record.bytes)) > room {
                    break;
                }
                together.extend_from_slice(&record.bytes);
                count += 1;
            }
            self.file.write(&together, self.at)?;
            self.at = self.at.saturating_add(length(&together));
            if let Some(last) = self.pending.drain(..count).next_back() {
                self.durable = last.tip;
            }
        }
        Ok(())
    }

    /// Whether the next file is there: room for whatever is begun now.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.next.is_some()
    }

    /// Allocates the next file, unless it is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn reserve(&mut self) -> Result<()> {
        if self.next.is_none() {
            self.next = Some(self.disk.reserve(&self.dir.join(RESERVED), self.bytes)?);
        }
        Ok(())
    }

    /// The last record that is durable.
    #[must_use]
    pub const fn durable(&self) -> Tip {
        self.durable
    }

    /// Records that are not durable yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Gives the next file its header and its name. The one after it is allocated
    /// by and by.
    fn go_on_in_next(&mut self) -> Result<()> {
        self.reserve()?;
        let next = self.next.take().ok_or(Error::from(ErrorKind::StorageFull))?;
        let first = self.durable.number.saturating_add(1);
        let named = next
            .write(&header(&self.durable), 0)
            .and_then(|()| self.disk.rename(&self.dir.join(RESERVED), &self.dir.join(file_name(first))));
        if let Err(error) = named {
            self.next = Some(next);
            return Err(error);
        }
        (self.file, self.at, self.end) = (next, length(&[0; HEADER]), self.bytes);
        Ok(())
    }
}

pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
