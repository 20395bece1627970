//! A bare `fdatasync`.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bench::measured::{Counted, Measured};
use crate::output::Failure;

/// Bytes of the file that is written round and round.
const SIZE: u64 = 16 << 20;

/// A file that is there already, so that a write changes nothing but bytes.
pub struct Sync {
    file: File,
    bytes: Vec<u8>,
    at: u64,
}

impl Sync {
    /// Makes the file in a directory, to be written `bytes` at a time.
    pub fn new(dir: &Path, bytes: u64) -> Result<Self, Failure> {
        let path = dir.join("bare-sync");
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        file.write_all_at(&vec![0; usize::try_from(SIZE)?], 0)?;
        file.sync_all()?;
        // It is used by its descriptor only, and gone with it.
        std::fs::remove_file(&path)?;
        Ok(Self { file, bytes: vec![0x5a; usize::try_from(bytes)?], at: 0 })
    }

    /// Writes and syncs for so long, each behind the one before.
    pub fn measure(&mut self, limit: Duration) -> Result<Measured, Failure> {
        let (mut counted, mut measured) = (Counted::nothing()?, Measured::nothing()?);
        let start = Instant::now();
        let mut begun = start;
        while begun.duration_since(start) < limit {
            let size = u64::try_from(self.bytes.len())?;
            if self.at + size > SIZE {
                self.at = 0;
            }
            self.file.write_all_at(&self.bytes, self.at)?;
            self.file.sync_data()?;
            self.at += size;
            let done = Instant::now();
            counted.count(begun, done);
            begun = done;
        }
        measured.elapsed = start.elapsed();
        counted.hand_to(&mut measured)?;
        Ok(measured)
    }
}
