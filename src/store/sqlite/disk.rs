//! What the store asks of the file system beside what SQLite asks of it.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::super::StoreError;
use super::lock::StoreLock;

/// The mode of the database file; SQLite gives the write-ahead log the same.
const MODE: u32 = 0o600;

/// A file system. A test may put a simulated one in place of the real.
pub trait Disk: fmt::Debug + Send {
    /// The name of the SQLite VFS on which the same files lie; none: the default.
    fn vfs(&self) -> Option<&str>;

    /// Locks the database at `path` against every other opening.
    ///
    /// # Errors
    /// [`StoreError::InUse`] at once if it is locked.
    fn lock(&self, path: &Path) -> std::result::Result<Box<dyn Held>, StoreError>;

    /// The length of a file in bytes, or none if there is no file.
    ///
    /// # Errors
    /// What the system says.
    fn length(&self, path: &Path) -> Result<Option<u64>>;

    /// Creates an empty file that must not exist, for its owner alone.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> Result<()>;

    /// Takes the rights of group and others away.
    ///
    /// # Errors
    /// What the system says.
    fn tighten(&self, path: &Path) -> Result<()>;

    /// Removes a file if there is one.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> Result<()>;

    /// Gives a whole file its own name, durably.
    ///
    /// # Errors
    /// What the system says.
    fn publish(&self, new: &Path, path: &Path) -> Result<()>;

    /// Makes a file at least `bytes` long, each byte of it allocated, durably.
    ///
    /// # Errors
    /// [`ErrorKind::StorageFull`] and what else the system says.
    fn allocate(&self, path: &Path, bytes: u64) -> Result<()>;

    /// Writes a file's bytes over themselves, if there is a file, and makes them
    /// durable. What a failed sync did not write is still seen, but no later sync
    /// writes it either.
    ///
    /// # Errors
    /// What the system says.
    fn rewrite(&self, path: &Path) -> Result<()>;

    /// Holds a file that SQLite keeps open, so that it can be made longer or
    /// durable. None if SQLite has no such file on this disk.
    ///
    /// # Errors
    /// What the system says.
    fn hold(&self, path: &Path) -> Result<Option<Box<dyn Grip>>> {
        let _ = path;
        Ok(None)
    }

    /// Bytes free to us on the file system of `path`.
    ///
    /// # Errors
    /// What the system says.
    fn free(&self, path: &Path) -> Result<u64>;
}

/// A held lock; dropping it lets go.
pub trait Held: fmt::Debug + Send {}

/// A file held open. It must not be closed before SQLite has closed it: that would
/// give up SQLite's own locks on it.
pub trait Grip: fmt::Debug + Send + Sync {
    /// Makes the file at least `bytes` long, each byte of it allocated.
    ///
    /// # Errors
    /// [`ErrorKind::StorageFull`] and what else the system says.
    fn allocate(&self, bytes: u64) -> Result<()>;

    /// Makes what SQLite wrote to it durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self) -> Result<()>;
}

impl Grip for File {
    fn allocate(&self, bytes: u64) -> Result<()> {
        Ok(fallocate(self, FallocateFlags::empty(), 0, bytes)?)
    }

    fn sync(&self) -> Result<()> {
        self.sync_data()
    }
}

/// The real file system.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn lock(&self, path: &Path) -> std::result::Result<Box<dyn Held>, StoreError> {
        Ok(Box::new(StoreLock::take(path)?))
    }

    fn length(&self, path: &Path) -> Result<Option<u64>> {
        absent_is_none(fs::metadata(path).map(|found| found.len()))
    }

    fn create(&self, path: &Path) -> Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
        // Whatever the umask took away.
        file.set_permissions(Permissions::from_mode(MODE))
    }

    fn tighten(&self, path: &Path) -> Result<()> {
        if fs::metadata(path)?.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        fs::set_permissions(path, Permissions::from_mode(MODE))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        absent_is_none(fs::remove_file(path)).map(drop)
    }

    fn publish(&self, new: &Path, path: &Path) -> Result<()> {
        File::open(new)?.sync_all()?;
        fs::rename(new, path)?;
        sync_directory(path)
    }

    fn allocate(&self, path: &Path, bytes: u64) -> Result<()> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(path)?;
        file.set_permissions(Permissions::from_mode(MODE))?;
        let length = file.metadata()?.len();
        if length < bytes {
            // First the room, all or nothing; then zeros where every round of the log
            // passes, since the first write to a byte that was only allocated would
            // cost a commit a metadata write.
            fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
            if length == 0 {
                write_zeros(&file, bytes)?;
            }
        }
        file.sync_all()?;
        sync_directory(path)
    }

    fn rewrite(&self, path: &Path) -> Result<()> {
        match absent_is_none(OpenOptions::new().read(true).write(true).open(path))? {
            Some(file) => write_over_itself(&file),
            None => Ok(()),
        }
    }

    fn hold(&self, path: &Path) -> Result<Option<Box<dyn Grip>>> {
        let file = absent_is_none(OpenOptions::new().write(true).open(path))?;
        Ok(match file {
            Some(file) => Some(Box::new(file)),
            None => None,
        })
    }

    fn free(&self, path: &Path) -> Result<u64> {
        let found = statvfs(path)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
}

fn absent_is_none<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn write_zeros(file: &File, to: u64) -> Result<()> {
    const AT_ONCE: u64 = 1 << 20;
    let zeros = vec![0; 1 << 20];
    let mut at = 0;
    while at < to {
        let count = usize::try_from((to - at).min(AT_ONCE)).unwrap_or(zeros.len());
        file.write_all_at(zeros.get(..count).unwrap_or_default(), at)?;
        at += (to - at).min(AT_ONCE);
    }
    Ok(())
}

fn write_over_itself(file: &File) -> Result<()> {
    let mut bytes = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let count = file.read_at(&mut bytes, at)?;
        let found = bytes.get(..count).unwrap_or_default();
        if found.is_empty() {
            return file.sync_all();
        }
        // Zeros were allocated ahead and are durable.
        if found.iter().any(|byte| *byte != 0) {
            file.write_all_at(found, at)?;
        }
        at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

fn sync_directory(path: &Path) -> Result<()> {
    let directory = path.parent().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?;
    File::open(directory)?.sync_all()
}
