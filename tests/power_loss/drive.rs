//! A disk in use: it has power or not, it fails as planned, and its files are
//! locked and shared by those who have them open.

mod directory;
mod faults;
mod locks;
mod shared;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use rusqlite::ffi;

pub use self::faults::{Act, Aim, Blow, Event, Faults, Lie, Of};
pub use self::locks::{Holder, Locks};
pub use self::shared::Shared;
use super::disk::{Disk, Inode, Style};

/// An error code of SQLite.
pub type Code = i32;

/// A drive, shared by all who have files open on it.
#[derive(Debug)]
pub struct Drive(Mutex<State>);

#[derive(Debug)]
pub struct State {
    pub disk: Disk,
    pub locks: Locks,
    pub shared: Shared,
    faults: Faults,
    rng: Rng,
    has_power: bool,
    /// Counts the processes that used the drive: the handles of a dead one fail.
    process: u64,
    opened: u64,
    trace: Vec<Event>,
    struck: Option<Event>,
    has_failed: bool,
}

/// An open file.
#[derive(Debug)]
pub struct Handle {
    pub drive: Arc<Drive>,
    pub inode: Inode,
    pub holder: Holder,
    of: Of,
    /// Whether the next sync is of the directory too, as SQLite's own VFS does
    /// for a journal or log that it may have made.
    pub syncs_directory: bool,
    /// The name to be removed when it is closed.
    pub temporary: Option<String>,
}

impl Drive {
    /// A drive with power whose faults are chosen by `seed` where they leave a choice.
    pub fn new(disk: Disk, seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            disk,
            locks: Locks::default(),
            shared: Shared::default(),
            faults: Faults::default(),
            rng: Rng::with_seed(seed),
            has_power: true,
            process: 0,
            opened: 0,
            trace: Vec::new(),
            struck: None,
            has_failed: false,
        })))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the drive a plan of faults in place of the one it had.
    pub fn plan(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Limits the bytes that all files may take together.
    pub fn set_quota(&self, bytes: Option<usize>) {
        self.state().faults.quota = bytes;
    }

    pub fn cut_power(&self) {
        self.state().has_power = false;
    }

    pub fn has_power(&self) -> bool {
        self.state().has_power
    }

    /// Ends the process that uses the drive; what it wrote stays in the cache.
    pub fn kill(&self) {
        self.state().process += 1;
    }

    /// The process that uses the drive now.
    pub fn process(&self) -> u64 {
        self.state().process
    }

    /// The disk that is found when power comes back.
    pub fn after_outage(&self, style: Option<Style>) -> Disk {
        let mut state = self.state();
        let State { disk, rng, .. } = &mut *state;
        disk.after_outage(style, rng)
    }

    /// Bytes taken by all files.
    pub fn used(&self) -> usize {
        self.state().disk.used()
    }

    /// All that was done so far.
    pub fn trace(&self) -> Vec<Event> {
        self.state().trace.clone()
    }

    /// What the outage struck.
    pub fn struck(&self) -> Option<Event> {
        self.state().struck
    }

    /// Whether an act failed as planned, other than for want of power.
    pub fn has_failed(&self) -> bool {
        self.state().has_failed
    }

    /// Opens a file, or makes a nameless one.
    pub fn open(self: &Arc<Self>, name: Option<&str>, create: bool, temporary: bool) -> Result<Handle, Code> {
        let mut state = self.state();
        let of = name.map_or(Of::Nameless, Of::name);
        let inode = match name.map(|name| (name, state.disk.find(name))) {
            None => state.disk.anonymous(),
            Some((_, Some(inode))) if state.has_power => inode,
            Some((name, None)) if create => state.create(name)?,
            Some(_) => return Err(ffi::SQLITE_CANTOPEN),
        };
        state.opened += 1;
        let holder = Holder { process: state.process, number: state.opened };
        let temporary = name.filter(|_| temporary).map(str::to_owned);
        drop(state);
        let syncs_directory = create && matches!(of, Of::Log | Of::Journal);
        Ok(Handle { drive: Arc::clone(self), inode, holder, of, syncs_directory, temporary })
    }
}

impl State {
    /// Whether a file can be read and changed at all.
    fn check(&self, handle: &Handle, code: Code) -> Result<(), Code> {
        let usable = self.has_power && handle.holder.process == self.process;
        if usable { Ok(()) } else { Err(code) }
    }

    /// Counts an act and says how it is to fail.
    fn begin(&mut self, event: Event, code: Code) -> Result<Option<Blow>, Code> {
        if !self.has_power {
            return Err(code);
        }
        let blow = self.faults.strike(event);
        self.trace.push(Event { blow, ..event });
        self.has_failed |= blow == Some(Blow::Error);
        Ok(blow)
    }

    /// Cuts the power at an act that is under way, if that is its fate.
    fn end(&mut self, event: Event, blow: Option<Blow>, code: Code) -> Result<(), Code> {
        if blow != Some(Blow::Outage) {
            return Ok(());
        }
        self.has_power = false;
        self.struck = Some(event);
        Err(code)
    }

    pub fn read(&self, handle: &Handle, offset: usize, data: &mut [u8]) -> Result<usize, Code> {
        self.check(handle, ffi::SQLITE_IOERR_READ)?;
        let found = self.disk.bytes(handle.inode).get(offset..).unwrap_or_default();
        let len = found.len().min(data.len());
        data[..len].copy_from_slice(&found[..len]);
        Ok(len)
    }

    pub fn len(&self, handle: &Handle) -> Result<usize, Code> {
        self.check(handle, ffi::SQLITE_IOERR_FSTAT)?;
        Ok(self.disk.bytes(handle.inode).len())
    }

    pub fn write(&mut self, handle: &Handle, offset: usize, data: &[u8]) -> Result<(), Code> {
        const FAILED: Code = ffi::SQLITE_IOERR_WRITE;
        self.check(handle, FAILED)?;
        if handle.of == Of::Nameless {
            self.disk.write(handle.inode, offset, data);
            return Ok(());
        }
        let event = Event { act: Act::Write, of: handle.of, offset, len: data.len(), blow: None };
        let blow = self.begin(event, FAILED)?;
        let room = self.room(handle.inode, offset, data.len());
        let fits = if blow == Some(Blow::Error) { self.rng.usize(..data.len().max(1)) } else { room };
        self.disk.write(handle.inode, offset, &data[..fits.min(room)]);
        self.end(event, blow, FAILED)?;
        match blow {
            Some(_) => Err(FAILED),
            None if room < data.len() => Err(ffi::SQLITE_FULL),
            None => Ok(()),
        }
    }

    /// How many of `len` bytes can be written: what a file already has needs no space.
    fn room(&self, inode: Inode, offset: usize, len: usize) -> usize {
        let Some(quota) = self.faults.quota else { return len };
        let end = self.disk.bytes(inode).len() + quota.saturating_sub(self.disk.used());
        len.min(end.saturating_sub(offset))
    }

    /// Makes a file as long as this at least, with room for all of it or none.
    pub fn allocate(&mut self, handle: &Handle, len: usize) -> Result<(), Code> {
        const FAILED: Code = ffi::SQLITE_IOERR_WRITE;
        self.check(handle, FAILED)?;
        let has = self.disk.bytes(handle.inode).len();
        if has >= len {
            return Ok(());
        }
        let event = Event { act: Act::Allocate, of: handle.of, offset: has, len: len - has, blow: None };
        match self.begin(event, FAILED)? {
            Some(Blow::Error) => Err(FAILED),
            _ if self.room(handle.inode, has, len - has) < len - has => Err(ffi::SQLITE_FULL),
            blow => {
                self.disk.truncate(handle.inode, len);
                self.end(event, blow, FAILED)
            }
        }
    }

    /// Bytes that are free.
    pub fn free(&self) -> usize {
        self.faults.quota.map_or(usize::MAX, |quota| quota.saturating_sub(self.disk.used()))
    }

    pub fn truncate(&mut self, handle: &Handle, len: usize) -> Result<(), Code> {
        const FAILED: Code = ffi::SQLITE_IOERR_TRUNCATE;
        self.check(handle, FAILED)?;
        let event = Event { act: Act::Truncate, of: handle.of, offset: len, len: 0, blow: None };
        let blow = if handle.of == Of::Nameless { None } else { self.begin(event, FAILED)? };
        if blow == Some(Blow::Error) {
            return Err(FAILED);
        }
        self.disk.truncate(handle.inode, len);
        self.end(event, blow, FAILED)
    }

    /// Syncs a file, and its directory if the handle is to.
    pub fn sync(&mut self, handle: &Handle) -> Result<(), Code> {
        const FAILED: Code = ffi::SQLITE_IOERR_FSYNC;
        self.check(handle, FAILED)?;
        if handle.of == Of::Nameless {
            return Ok(());
        }
        let event = Event { act: Act::Sync, of: handle.of, offset: 0, len: 0, blow: None };
        let blow = self.begin(event, FAILED)?;
        match blow {
            Some(Blow::Error) => {
                self.disk.fail_sync(handle.inode, &mut self.rng);
                return Err(FAILED);
            }
            None if !self.faults.lies_of(handle.of) => self.disk.sync(handle.inode),
            _ => {}
        }
        self.end(event, blow, FAILED)?;
        if handle.syncs_directory { self.sync_directory() } else { Ok(()) }
    }
}
