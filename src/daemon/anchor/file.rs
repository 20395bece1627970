//! An anchor in a file: two blocks, of which the older is overwritten, so that a
//! torn write leaves the newer.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use super::{Bytes, Place, Rank};

/// Where the blocks begin: in different pages of any disk.
const BLOCKS: [u64; 2] = [0, 4096];

/// A file that keeps an anchor. It is made when it first keeps one.
#[derive(Debug)]
pub struct AnchorFile {
    path: PathBuf,
    file: Option<File>,
    /// The block to be overwritten next.
    next: usize,
}

impl AnchorFile {
    /// The file at a path.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, file: None, next: 0 }
    }

    fn make(&self) -> Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)?;
        // Whatever the umask took away.
        file.set_permissions(Permissions::from_mode(0o600))?;
        let directory = self.path.parent().ok_or(ErrorKind::InvalidInput)?;
        // Its whole length now, so that no later write needs room on the disk.
        file.write_all_at(&[0; 8192], 0)?;
        file.sync_all()?;
        File::open(directory)?.sync_all()?;
        Ok(file)
    }
}

impl Place for AnchorFile {
    fn read(&mut self, rank: Rank<'_>) -> Result<Option<Bytes>> {
        if self.file.is_none() {
            match OpenOptions::new().read(true).write(true).open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &self.file else { return Ok(None) };
        let mut blocks = [[0; size_of::<Bytes>()]; BLOCKS.len()];
        for (block, at) in blocks.iter_mut().zip(BLOCKS) {
            file.read_exact_at(block, at)?;
        }
        let (kept, newest) = kept(&blocks, rank);
        self.next = newest.map_or(self.next, |newest| 1 - newest);
        Ok(kept)
    }

    fn write(&mut self, bytes: &Bytes) -> Result<()> {
        if self.file.is_none() {
            self.file = Some(self.make()?);
        }
        let (Some(file), Some(at)) = (&self.file, BLOCKS.get(self.next)) else { return Ok(()) };
        file.write_all_at(bytes, *at)?;
        file.sync_data()?;
        self.next = 1 - self.next;
        Ok(())
    }

    fn name(&self) -> &'static str {
        "anchor file"
    }
}

/// What two blocks keep, and which of them is the newest anchor, if any is one.
pub(crate) fn kept(blocks: &[Bytes; 2], rank: Rank<'_>) -> (Option<Bytes>, Option<usize>) {
    let mut newest: Option<((u64, u64), usize, Bytes)> = None;
    for (number, block) in blocks.iter().enumerate() {
        let Some(rank) = rank(block) else { continue };
        if newest.as_ref().is_none_or(|(known, ..)| rank > *known) {
            newest = Some((rank, number, *block));
        }
    }
    let [_, last] = blocks;
    match newest {
        Some((_, number, bytes)) => (Some(bytes), Some(number)),
        // Made, and never written: what a crash at the very first start leaves.
        None if blocks.as_flattened().iter().all(|byte| *byte == 0) => (None, None),
        // Blocks that are no anchor are handed out as they are, to be refused.
        None => (Some(*last), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Epoch, number, and a filling that only these two have.
    fn rank(bytes: &Bytes) -> Option<(u64, u64)> {
        let [epoch, number, ..] = *bytes;
        (*bytes == anchor(epoch, number)).then_some((epoch.into(), number.into()))
    }

    fn anchor(epoch: u8, number: u8) -> Bytes {
        let mut bytes = [epoch.wrapping_mul(100).wrapping_add(number); size_of::<Bytes>()];
        (bytes[0], bytes[1]) = (epoch, number);
        bytes[2] |= 1;
        bytes
    }

    #[test]
    fn a_torn_write_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("anchor");
        assert_eq!(AnchorFile::new(path.clone()).read(&rank).unwrap(), None);
        let mut file = AnchorFile::new(path.clone());
        for number in 1..20 {
            file.write(&anchor(1, number)).unwrap();
            let mut again = AnchorFile::new(path.clone());
            assert_eq!(again.read(&rank).unwrap(), Some(anchor(1, number)));
            let whole = std::fs::read(&path).unwrap();
            for kept in [0, 1, 2, 50, 95] {
                again.read(&rank).unwrap();
                again.write(&anchor(2, number)).unwrap();
                let at = usize::try_from(BLOCKS[1 - again.next]).unwrap();
                let mut torn = std::fs::read(&path).unwrap();
                torn[at + kept..at + 96].copy_from_slice(&whole[at + kept..at + 96]);
                std::fs::write(&path, &torn).unwrap();
                let mut after = AnchorFile::new(path.clone());
                assert_eq!(after.read(&rank).unwrap(), Some(anchor(1, number)), "torn after {kept} bytes");
                std::fs::write(&path, &whole).unwrap();
            }
        }
    }

    #[test]
    fn what_is_no_anchor_is_not_taken_for_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("anchor");
        std::fs::write(&path, [0; 8192]).unwrap();
        assert_eq!(AnchorFile::new(path.clone()).read(&rank).unwrap(), None, "never written");
        std::fs::write(&path, [7; 8192]).unwrap();
        let read = AnchorFile::new(path.clone()).read(&rank).unwrap();
        assert!(read.is_some_and(|bytes| rank(&bytes).is_none()));
        std::fs::write(&path, [7; 100]).unwrap();
        assert!(AnchorFile::new(path).read(&rank).is_err());
    }
}
