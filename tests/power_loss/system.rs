//! The file system of a process on a drive: what the store asks beside SQLite.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};

use rusqlite::ffi;
use tallystick::store::{Disk, Held, StoreError};

use crate::drive::{Code, Drive, State};
use crate::vfs;

/// The calls of one process.
#[derive(Debug)]
pub struct System {
    drive: Arc<Drive>,
    process: u64,
    /// Whether a store is open in it.
    locked: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Lock(Arc<AtomicBool>);

impl Held for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl System {
    pub fn new(drive: &Arc<Drive>) -> Self {
        let (process, locked) = (drive.process(), Arc::default());
        Self { drive: Arc::clone(drive), process, locked }
    }

    /// The drive, unless it has no power or the process is dead.
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let usable = self.drive.has_power() && self.drive.process() == self.process;
        if usable { Ok(self.drive.state()) } else { Err(failed(ffi::SQLITE_IOERR)) }
    }

    fn sync(&self, name: &str) -> Result<()> {
        drop(self.state()?);
        let file = self.drive.open(Some(name), false, false).map_err(failed)?;
        self.state()?.sync(&file).map_err(failed)
    }
}

impl Disk for System {
    fn vfs(&self) -> Option<&str> {
        Some(vfs::NAME)
    }

    fn lock(&self, _: &Path) -> std::result::Result<Box<dyn Held>, StoreError> {
        if self.locked.swap(true, Ordering::SeqCst) {
            return Err(StoreError::InUse);
        }
        Ok(Box::new(Lock(Arc::clone(&self.locked))))
    }

    fn length(&self, path: &Path) -> Result<Option<u64>> {
        let state = self.state()?;
        Ok(state.disk.find(name(path)).map(|file| state.disk.bytes(file).len() as u64))
    }

    fn create(&self, path: &Path) -> Result<()> {
        let mut state = self.state()?;
        if state.disk.find(name(path)).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.create(name(path)).map(drop).map_err(failed)
    }

    fn tighten(&self, _: &Path) -> Result<()> {
        self.state().map(drop)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        match self.state()?.remove(name(path)) {
            Err(ffi::SQLITE_IOERR_DELETE_NOENT) => Ok(()),
            other => other.map_err(failed),
        }
    }

    fn publish(&self, new: &Path, path: &Path) -> Result<()> {
        self.sync(name(new))?;
        self.state()?.rename(name(new), name(path)).map_err(failed)?;
        self.state()?.sync_directory().map_err(failed)
    }

    fn allocate(&self, path: &Path, bytes: u64) -> Result<()> {
        drop(self.state()?);
        let file = self.drive.open(Some(name(path)), true, false).map_err(failed)?;
        self.state()?.allocate(&file, usize::try_from(bytes).unwrap()).map_err(failed)?;
        drop(file);
        self.sync(name(path))?;
        self.state()?.sync_directory().map_err(failed)
    }

    fn rewrite(&self, path: &Path) -> Result<()> {
        if self.length(path)?.is_none() {
            return Ok(());
        }
        let file = self.drive.open(Some(name(path)), false, false).map_err(failed)?;
        let mut state = self.state()?;
        let bytes = state.disk.bytes(file.inode).to_vec();
        for (number, chunk) in bytes.chunks(1 << 16).enumerate() {
            // Compared as a whole, which is quick unoptimised too.
            if chunk != &[0; 1 << 16][..chunk.len()] {
                state.write(&file, number << 16, chunk).map_err(failed)?;
            }
        }
        state.sync(&file).map_err(failed)
    }

    fn free(&self, _: &Path) -> Result<u64> {
        Ok(self.state()?.free() as u64)
    }
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap()
}

fn failed(code: Code) -> Error {
    match code {
        ffi::SQLITE_FULL => ErrorKind::StorageFull.into(),
        _ => Error::other("the drive fails"),
    }
}
