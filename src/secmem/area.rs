//! Address space with a guard page at each end.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::os::fd::AsFd;
use std::ptr::{self, NonNull};

use rustix::io::Errno;
use rustix::mm::{self, Advice, MapFlags, MprotectFlags, ProtFlags};

use super::error::RegionError;

/// Address space of ours: `len` bytes of data with one guard page before and
/// one after. Given back on drop.
#[derive(Debug)]
pub(super) struct Area {
    data: NonNull<u8>,
    len: usize,
    page: usize,
}

// SAFETY: address space belongs to the process, not to a thread.
unsafe impl Send for Area {}

// SAFETY: a shared area reads or writes nothing by itself.
unsafe impl Sync for Area {}

impl Area {
    /// Reserves the address space, all of it still inaccessible.
    pub(super) fn reserve(bytes: usize) -> Result<Self, RegionError> {
        let page = rustix::param::page_size();
        let len = bytes.next_multiple_of(page);
        let flags = MapFlags::PRIVATE;
        // SAFETY: a new mapping where the kernel likes; it replaces nothing.
        let start = unsafe { mm::mmap_anonymous(ptr::null_mut(), len + 2 * page, ProtFlags::empty(), flags) };
        let start = start.map_err(RegionError::system("mmap"))?.cast::<u8>();
        // SAFETY: the mapping is longer than one page.
        let data = NonNull::new(unsafe { start.add(page) });
        let data = data.ok_or_else(|| RegionError::system("mmap")(Errno::FAULT))?;
        Ok(Self { data, len, page })
    }

    /// Puts a file of secret memory between the guard pages. The caller closes
    /// it: the mapping stays, and no descriptor is left to be inherited.
    pub(super) fn map_file(&mut self, file: impl AsFd) -> Result<(), RegionError> {
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED | MapFlags::FIXED);
        // SAFETY: replaces `len` bytes of our own reservation, which nothing refers to yet.
        let mapped = unsafe { mm::mmap(self.start(), self.len, prot, flags, file, 0) };
        match mapped {
            Ok(_) => Ok(()),
            // Secret memory counts as locked, and this is the answer past the limit.
            Err(source @ Errno::AGAIN) => Err(self.lock_error(source)),
            Err(source) => Err(RegionError::system("mmap")(source)),
        }
    }

    /// Makes the reserved pages themselves usable, and locks them.
    pub(super) fn lock(&mut self) -> Result<(), RegionError> {
        let prot = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: our own pages, which nothing refers to yet.
        unsafe { mm::mprotect(self.start(), self.len, prot) }.map_err(RegionError::system("mprotect"))?;
        // SAFETY: our own pages; locking changes none of their bytes.
        unsafe { mm::mlock(self.start(), self.len) }.map_err(|source| self.lock_error(source))
    }

    /// Keeps the pages out of core dumps and of forked children. The kernel
    /// sets the first by itself for secret memory and takes both for it; only
    /// to undo them is `EINVAL` there, so no error is let pass.
    pub(super) fn hide(&self) -> Result<(), RegionError> {
        for advice in [Advice::LinuxDontDump, Advice::LinuxDontFork] {
            // SAFETY: our own pages; neither advice changes their bytes.
            unsafe { mm::madvise(self.start(), self.len, advice) }.map_err(RegionError::system("madvise"))?;
        }
        Ok(())
    }

    /// The first byte between the guard pages.
    pub(super) const fn data(&self) -> NonNull<u8> {
        self.data
    }

    /// The bytes between the guard pages: whole pages.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    const fn start(&self) -> *mut c_void {
        self.data.as_ptr().cast()
    }

    const fn lock_error(&self, source: Errno) -> RegionError {
        RegionError::Lock { bytes: self.len, source }
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        // SAFETY: the reservation began one page before the data.
        let start = unsafe { self.data.as_ptr().sub(self.page) };
        // SAFETY: exactly our own reservation, and whoever used it is gone.
        let unmapped = unsafe { mm::munmap(start.cast(), self.len + 2 * self.page) };
        debug_assert!(unmapped.is_ok(), "munmap: {unmapped:?}");
    }
}
