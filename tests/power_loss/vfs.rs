//! SQLite's way to the drives: one VFS, on which each directory is a drive.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rusqlite::ffi;
use sqlite_plugin::flags::{AccessFlags, CreateMode, LockLevel, OpenMode, OpenOpts, ShmLockMode};
use sqlite_plugin::vfs::{RegisterOpts, Vfs, VfsHandle, VfsResult, register_static};

use crate::drive::{Drive, Handle};

/// The name under which SQLite knows the VFS.
pub const NAME: &str = "power-loss";

static DRIVES: Mutex<BTreeMap<String, Arc<Drive>>> = Mutex::new(BTreeMap::new());

/// A drive on its directory, until it is dropped.
#[derive(Debug)]
pub struct Mount(String);

impl Mount {
    /// Puts a drive in the place of a directory, and of a drive that was there.
    pub fn new(directory: &Path, drive: &Arc<Drive>) -> Self {
        static REGISTERED: Once = Once::new();
        REGISTERED.call_once(|| {
            let name = CString::new(NAME).unwrap();
            register_static(name, Directories, RegisterOpts { make_default: false }).unwrap();
        });
        let directory = directory.to_str().unwrap().to_owned();
        drives().insert(directory.clone(), Arc::clone(drive));
        Self(directory)
    }

    /// Puts another drive there. What is open stays open on the one before.
    pub fn exchange(&self, drive: &Arc<Drive>) {
        drives().insert(self.0.clone(), Arc::clone(drive));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drives().remove(&self.0);
    }
}

fn drives() -> MutexGuard<'static, BTreeMap<String, Arc<Drive>>> {
    DRIVES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The drive of a path and the name on it.
fn find(path: &str) -> VfsResult<(Arc<Drive>, &str)> {
    let (directory, name) = path.rsplit_once('/').ok_or(ffi::SQLITE_CANTOPEN)?;
    let drive = drives().get(directory).cloned().ok_or(ffi::SQLITE_CANTOPEN)?;
    Ok((drive, name))
}

/// All drives, by directory.
struct Directories;

impl VfsHandle for Handle {
    fn readonly(&self) -> bool {
        false
    }

    fn in_memory(&self) -> bool {
        false
    }
}

impl Vfs for Directories {
    type Handle = Handle;

    fn canonical_path<'a>(&self, path: Cow<'a, str>) -> VfsResult<Cow<'a, str>> {
        if path.starts_with('/') { Ok(path) } else { Err(ffi::SQLITE_CANTOPEN) }
    }

    fn open(&self, path: Option<&str>, opts: OpenOpts) -> VfsResult<Handle> {
        let Some(path) = path else {
            return Drive::new(crate::disk::Disk::default(), 0).open(None, true, false);
        };
        let (drive, name) = find(path)?;
        match opts.mode() {
            OpenMode::ReadOnly => Err(ffi::SQLITE_CANTOPEN),
            OpenMode::ReadWrite { create } => {
                drive.open(Some(name), create != CreateMode::None, opts.delete_on_close())
            }
        }
    }

    fn delete(&self, path: &str) -> VfsResult<()> {
        let (drive, name) = find(path)?;
        drive.state().remove(name)
    }

    fn access(&self, path: &str, flags: AccessFlags) -> VfsResult<bool> {
        let (drive, name) = find(path)?;
        let state = drive.state();
        let found = state.disk.find(name);
        // As SQLite's own VFS has it: an empty file is none.
        Ok(found.is_some_and(|file| flags != AccessFlags::Exists || !state.disk.bytes(file).is_empty()))
    }

    fn file_size(&self, handle: &mut Handle) -> VfsResult<usize> {
        handle.drive.state().len(handle)
    }

    fn truncate(&self, handle: &mut Handle, size: usize) -> VfsResult<()> {
        handle.drive.state().truncate(handle, size)
    }

    fn write(&self, handle: &mut Handle, offset: usize, data: &[u8]) -> VfsResult<usize> {
        handle.drive.state().write(handle, offset, data).map(|()| data.len())
    }

    fn read(&self, handle: &mut Handle, offset: usize, data: &mut [u8]) -> VfsResult<usize> {
        handle.drive.state().read(handle, offset, data)
    }

    fn sync(&self, handle: &mut Handle) -> VfsResult<()> {
        handle.drive.state().sync(handle)?;
        handle.syncs_directory = false;
        Ok(())
    }

    fn lock(&self, handle: &mut Handle, level: LockLevel) -> VfsResult<()> {
        handle.drive.state().locks.lock(handle.inode, handle.holder, level)
    }

    fn unlock(&self, handle: &mut Handle, level: LockLevel) -> VfsResult<()> {
        handle.drive.state().locks.unlock(handle.inode, handle.holder, level);
        Ok(())
    }

    fn check_reserved_lock(&self, handle: &mut Handle) -> VfsResult<bool> {
        Ok(handle.drive.state().locks.is_reserved(handle.inode, handle.holder))
    }

    fn close(&self, handle: Handle) -> VfsResult<()> {
        let mut state = handle.drive.state();
        state.shared.unmap(handle.inode, handle.holder);
        state.locks.unlock(handle.inode, handle.holder, LockLevel::Unlocked);
        drop(state);
        handle.temporary.as_deref().map_or(Ok(()), |name| handle.drive.state().remove(name))
    }

    /// As SQLite's own VFS on Linux says of any file system.
    fn sector_size(&self, _: &mut Handle) -> VfsResult<i32> {
        Ok(4096)
    }

    /// As SQLite's own VFS on Linux says: a write leaves the bytes beside it
    /// alone. Nothing is atomic and nothing in order.
    fn device_characteristics(&self, _: &mut Handle) -> VfsResult<i32> {
        Ok(ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE | ffi::SQLITE_IOCAP_SUBPAGE_READ)
    }

    fn shm_map(
        &self,
        handle: &mut Handle,
        index: usize,
        size: usize,
        extend: bool,
    ) -> VfsResult<Option<NonNull<u8>>> {
        Ok(handle.drive.state().shared.map(handle.inode, handle.holder, index, size, extend))
    }

    fn shm_lock(&self, handle: &mut Handle, offset: u32, count: u32, mode: ShmLockMode) -> VfsResult<()> {
        let slots = offset..offset + count;
        handle.drive.state().shared.lock(handle.inode, handle.holder, slots, mode)
    }

    fn shm_barrier(&self, handle: &mut Handle) {
        // As SQLite's own: a fence, and a mutex for good measure.
        fence(Ordering::SeqCst);
        drop(handle.drive.state());
    }

    fn shm_unmap(&self, handle: &mut Handle, _delete: bool) -> VfsResult<()> {
        handle.drive.state().shared.unmap(handle.inode, handle.holder);
        Ok(())
    }
}
