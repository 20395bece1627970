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

/// A listening socket. One that was made here is removed when it is dropped.
#[derive(Debug)]
pub struct Socket {
    /// The listener.
    pub listener: UnixListener,
    /// Which it is.
    pub door: Door,
    made: Option<PathBuf>,
}

/// The sockets that a service manager has made and passed (`sd_listen_fds(3)`).
#[derive(Debug, Default)]
pub struct Passed {
    data: Option<UnixListener>,
    admin: Option<UnixListener>,
}

impl Passed {
    /// Takes what was passed, told apart by the names of their files. To be called
    /// before there are threads, since it changes the environment.
    ///
    /// # Errors
    /// [`DaemonError::Passed`] for anything but one of each.
    pub fn take() -> Result<Self, DaemonError> {
        let mut fds = listenfd::ListenFd::from_env();
        let mut passed = Self::default();
        for at in 0..fds.len() {
            let listener = fds.take_unix_listener(at).ok().flatten().ok_or(DaemonError::Passed)?;
            let address = listener.local_addr().map_err(|_| DaemonError::Passed)?;
            let name = address.as_pathname().and_then(Path::file_name).unwrap_or_default();
            let is = |path: PathBuf| path.file_name() == Some(name);
            let place = if is(paths::data_socket(Path::new(""))) {
                &mut passed.data
            } else if is(paths::admin_socket(Path::new(""))) {
                &mut passed.admin
            } else {
                return Err(DaemonError::Passed);
            };
            if place.replace(listener).is_some() {
                return Err(DaemonError::Passed);
            }
        }
        Ok(passed)
    }
}

/// Binds both sockets, but for those that were passed, whose owner and mode are
/// whoever's who made them. The caller holds the store, so a socket that stands there
/// is a dead daemon's and is removed. The data socket comes last: whoever can connect to
/// it finds the other one there, with its modes.
///
/// # Errors
/// [`DaemonError::File`] names the socket.
pub fn bind(passed: Passed, dir: &Path, config: &Config) -> Result<[Socket; 2], DaemonError> {
    let dir = config.socket_dir.as_deref().unwrap_or(dir);
    let admin = match passed.admin {
        Some(listener) => Socket { listener, door: Door::Admin, made: None },
        None => {
            let path = paths::admin_socket(dir);
            let admin = Socket::bind(path.clone(), Door::Admin)?;
            if config.admin_group.is_some() {
                open_to_group(&path, config.admin_group)?;
            }
            admin
        }
    };
    let data = match passed.data {
        Some(listener) => Socket { listener, door: Door::Data, made: None },
        None => {
            let path = paths::data_socket(dir);
            let data = Socket::bind(path.clone(), Door::Data)?;
            open_to_group(&path, config.socket_group)?;
            data
        }
    };
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
        Ok(Self { listener, door, made: Some(path) })
    }
}

/// Lets a group in, or the owner's.
fn open_to_group(path: &Path, group: Option<u32>) -> Result<(), DaemonError> {
    let fault = |errno: rustix::io::Errno| DaemonError::at(path)(errno.into());
    if let Some(group) = group {
        rustix::fs::chown(path, None, Some(Gid::from_raw(group))).map_err(fault)?;
    }
    rustix::fs::chmod(path, Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP).map_err(fault)
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next start.
        let _ = self.made.as_ref().map(std::fs::remove_file);
    }
}
