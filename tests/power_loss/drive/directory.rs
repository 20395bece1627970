//! What changes the directory of a drive.

use rusqlite::ffi;

use super::{Act, Blow, Code, Event, Of, State};
use crate::disk::Inode;

impl State {
    /// Makes an empty file.
    pub fn create(&mut self, name: &str) -> Result<Inode, Code> {
        self.change(Act::Create, name, ffi::SQLITE_CANTOPEN, |disk| disk.create(name))
    }

    /// Removes a file.
    pub fn remove(&mut self, name: &str) -> Result<(), Code> {
        if self.disk.find(name).is_none() {
            return Err(ffi::SQLITE_IOERR_DELETE_NOENT);
        }
        self.change(Act::Remove, name, ffi::SQLITE_IOERR_DELETE, |disk| disk.remove(name)).map(drop)
    }

    /// Gives a file another name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Code> {
        self.change(Act::Rename, to, ffi::SQLITE_IOERR, |disk| disk.rename(from, to)).map(drop)
    }

    /// Makes all names durable.
    pub fn sync_directory(&mut self) -> Result<(), Code> {
        const FAILED: Code = ffi::SQLITE_IOERR_DIR_FSYNC;
        let event = Event { act: Act::Sync, of: Of::Directory, offset: 0, len: 0, blow: None };
        let blow = self.begin(event, FAILED)?;
        match blow {
            Some(Blow::Error) => return Err(FAILED),
            None if !self.faults.lies_of(Of::Directory) => self.disk.sync_directory(),
            _ => {}
        }
        self.end(event, blow, FAILED)
    }

    fn change<T>(
        &mut self,
        act: Act,
        name: &str,
        code: Code,
        change: impl FnOnce(&mut crate::disk::Disk) -> T,
    ) -> Result<T, Code> {
        let event = Event { act, of: Of::name(name), offset: 0, len: 0, blow: None };
        match self.begin(event, code)? {
            Some(Blow::Error) => Err(code),
            blow => {
                let done = change(&mut self.disk);
                self.end(event, blow, code)?;
                Ok(done)
            }
        }
    }
}
