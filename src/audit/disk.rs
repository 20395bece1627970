//! What the log asks of the file system when it writes.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

use super::file::HEADER;

const MODE: u32 = 0o600;

/// A file system. A test may put one that fails in place of the real.
pub trait Disk: fmt::Debug + Send {
    /// A file of `bytes` zeros, each allocated, durably. One that is there already
    /// is taken if it is as long, and its header wiped. A failure leaves none that
    /// is shorter.
    ///
    /// # Errors
    /// [`ErrorKind::StorageFull`] and what else the system says.
    fn reserve(&self, path: &Path, bytes: u64) -> Result<Box<dyn Reserved>>;

    /// A file that is there, and its length.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> Result<(Box<dyn Reserved>, u64)>;

    /// Gives a file another name, durably.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;
}

/// A file whose room is allocated.
pub trait Reserved: fmt::Debug + Send {
    /// Writes bytes and makes them durable. After a failure nothing is known of
    /// them: the same bytes are written again.
    ///
    /// # Errors
    /// What the system says.
    fn write(&self, bytes: &[u8], at: u64) -> Result<()>;
}

/// The real file system.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn reserve(&self, path: &Path, bytes: u64) -> Result<Box<dyn Reserved>> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(MODE).open(path)?;
        file.set_permissions(Permissions::from_mode(MODE))?;
        if file.metadata()?.len() == bytes {
            file.write_all_at(&[0; HEADER], 0)?;
            file.sync_all()?;
            return Ok(Box::new(file));
        }
        match fill(&file, bytes) {
            Ok(()) => {
                sync_directory(path)?;
                Ok(Box::new(file))
            }
            Err(error) => {
                // What it got would be missed elsewhere.
                let _ = fs::remove_file(path);
                Err(error)
            }
        }
    }

    fn open(&self, path: &Path) -> Result<(Box<dyn Reserved>, u64)> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let len = file.metadata()?.len();
        Ok((Box::new(file), len))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to)?;
        sync_directory(to)
    }
}

impl Reserved for File {
    fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.write_all_at(bytes, at)?;
        self.sync_data()
    }
}

/// First the room, all or nothing; then zeros, so that no later write changes
/// anything but data.
fn fill(file: &File, bytes: u64) -> Result<()> {
    file.set_len(0)?;
    fallocate(file, FallocateFlags::empty(), 0, bytes)?;
    let zeros = vec![0; 1 << 16];
    let mut at = 0;
    while at < bytes {
        let count = usize::try_from(bytes - at).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all_at(zeros.get(..count).unwrap_or_default(), at)?;
        at += u64::try_from(count).unwrap_or(0);
    }
    file.sync_all()
}

fn sync_directory(path: &Path) -> Result<()> {
    let directory = path.parent().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
    File::open(directory)?.sync_all()
}
