//! Where anchors are kept: a file beside the database, and a service on the
//! host if one is configured. See [`Anchor`].

pub(crate) mod file;
mod keeper;
pub(crate) mod service;

pub use file::AnchorFile;
pub use keeper::{Keeper, Keeping};
pub use service::AnchorService;

use std::io::Result;

use super::DaemonError;
use super::config::AnchorConfig;
use crate::engine::{Anchor, AnchorError};
use crate::keys::Keyring;

/// The bytes of an anchor.
pub type Bytes = [u8; Anchor::LEN];

/// How new an anchor is: its epoch and group number. None if it is not authentic.
pub type Rank<'r> = &'r dyn Fn(&Bytes) -> Option<(u64, u64)>;

/// A place that keeps one anchor.
pub trait Place: Send {
    /// The newest anchor kept, authentic or not; none if it never kept one.
    ///
    /// # Errors
    /// What the system says.
    fn read(&mut self, rank: Rank<'_>) -> Result<Option<Bytes>>;

    /// Keeps an anchor durably in place of the one before. A failure leaves that.
    ///
    /// # Errors
    /// What the system says.
    fn write(&mut self, bytes: &Bytes) -> Result<()>;

    /// Its name in the log and in errors.
    fn name(&self) -> &'static str;
}

/// The places that the configuration names: the file is always one.
#[must_use]
pub fn places(config: &AnchorConfig, dir: &std::path::Path) -> Vec<Box<dyn Place>> {
    let path = config.file.clone().unwrap_or_else(|| super::paths::anchor(dir));
    let mut places: Vec<Box<dyn Place>> = vec![Box::new(AnchorFile::new(path))];
    if let Some(socket) = &config.service {
        places.push(Box::new(AnchorService::new(socket.clone())));
    }
    places
}

/// What each place keeps.
///
/// # Errors
/// [`DaemonError::Anchor`] if a place cannot be read or holds no anchor of this
/// keyring.
pub fn read_all(
    places: &mut [Box<dyn Place>],
    keyring: &Keyring,
) -> std::result::Result<Vec<Option<Anchor>>, DaemonError> {
    let read = |place: &mut Box<dyn Place>| {
        let name = place.name();
        let fault = |reason: &dyn std::fmt::Display| DaemonError::Anchor { name, reason: reason.to_string() };
        let anchor = read(&mut **place, keyring).map_err(|error| fault(&error))?;
        anchor.transpose().map_err(|error| fault(&error))
    };
    places.iter_mut().map(read).collect()
}

/// What a place keeps: nothing, an anchor of this keyring, or something else.
///
/// # Errors
/// What the system says.
pub fn read(
    place: &mut dyn Place,
    keyring: &Keyring,
) -> Result<Option<std::result::Result<Anchor, AnchorError>>> {
    let bytes = place.read(&|bytes| rank(keyring, bytes))?;
    Ok(bytes.map(|bytes| Anchor::from_bytes(keyring, &bytes)))
}

/// Has every place keep an anchor.
///
/// # Errors
/// [`DaemonError::Anchor`].
pub fn write_all(
    places: &mut [Box<dyn Place>],
    keyring: &Keyring,
    anchor: &Anchor,
) -> std::result::Result<(), DaemonError> {
    let bytes = anchor.to_bytes(keyring);
    for place in places {
        let name = place.name();
        let written = place.write(&bytes);
        written.map_err(|error| DaemonError::Anchor { name, reason: error.to_string() })?;
    }
    Ok(())
}

fn rank(keyring: &Keyring, bytes: &Bytes) -> Option<(u64, u64)> {
    let anchor = Anchor::from_bytes(keyring, bytes).ok()?;
    Some((anchor.epoch.0, anchor.head.number.0))
}
