//! The two sockets and their modes.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode};

use super::DaemonError;
use super::config::Config;
use super::paths;

/// Which of the two sockets a connection came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `tallyd.sock`, mode 0660: everything but administration.
    Data,
    /// `admin.sock`, mode 0600, or 0660 for a configured group: everything.
    Admin,
}

/// A listening socket that is removed when it is dropped.
#[derive(Debug)]
pub struct Socket {
    /// The listener.
    pub listener: UnixListener,
    /// Which it is.
    pub door: Door,
    path: PathBuf,
}

/// Binds both sockets. The caller holds the store, so a socket that stands there
/// is a dead daemon's and is removed.
///
/// # Errors
/// [`DaemonError::File`] names the socket.
pub fn bind(dir: &Path, config: &Config) -> Result<[Socket; 2], DaemonError> {
    let dir = config.socket_dir.as_deref().unwrap_or(dir);
    let data = Socket::bind(paths::data_socket(dir), Door::Data)?;
    if let Some(group) = config.socket_group {
        data.set_group(group)?;
    }
    data.open_to_group()?;
    let admin = Socket::bind(paths::admin_socket(dir), Door::Admin)?;
    if let Some(group) = config.admin_group {
        admin.set_group(group)?;
        admin.open_to_group()?;
    }
    Ok([data, admin])
}

impl Socket {
    fn bind(path: PathBuf, door: Door) -> Result<Self, DaemonError> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(DaemonError::at(&path)(error));
            }
            _ => {}
        }
        // The mask makes the socket 0600 from its first moment; a group may be let in after.
        let before = rustix::process::umask(Mode::from_raw_mode(0o177));
        let listener = UnixListener::bind(&path);
        rustix::process::umask(before);
        let listener = listener.map_err(DaemonError::at(&path))?;
        Ok(Self { listener, door, path })
    }

    fn set_group(&self, group: u32) -> Result<(), DaemonError> {
        let chown = rustix::fs::chown(&self.path, None, Some(Gid::from_raw(group)));
        chown.map_err(|errno| DaemonError::at(&self.path)(errno.into()))
    }

    fn open_to_group(&self) -> Result<(), DaemonError> {
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP;
        rustix::fs::chmod(&self.path, mode).map_err(|errno| DaemonError::at(&self.path)(errno.into()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}
