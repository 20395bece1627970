//! The log with what remembers its head.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use crate::audit::{self, Event, Head, Keys, Log, Opened, RealDisk, Tip};
use crate::daemon::DaemonError;
use crate::daemon::anchor::{AnchorFile, AnchorService, Bytes, Place};
use crate::daemon::config::AuditConfig;
use crate::daemon::paths;
use crate::keys::Keyring;
use crate::store::GroupNumber;
use crate::types::UnixTime;

/// An audit log and the places that remember its head. Whoever opens it holds the
/// lock of the database beside it.
pub struct Book {
    pub(super) log: Log,
    places: Vec<Box<dyn Place>>,
    /// Not held: a disk that hangs must not keep keys in memory that are to be wiped.
    keyring: Weak<Keyring>,
    /// The record that every place remembers.
    kept: u64,
    /// The daemon before ended in order.
    pub is_ended: bool,
    /// Bytes behind the last record that a crash had left.
    pub dropped: u64,
}

impl Book {
    /// Opens the log of a state directory. It is begun if there is neither log nor
    /// head, and the database beside it has no group yet: `group` says which it has.
    ///
    /// # Errors
    /// [`DaemonError::Audit`] if it is not what its head remembers, or cannot be
    /// read or made; [`DaemonError::AuditHead`]; what `group` says.
    pub fn open(
        config: &AuditConfig,
        dir: &Path,
        keyring: &Arc<Keyring>,
        group: impl FnOnce() -> Result<GroupNumber, DaemonError>,
    ) -> Result<Self, DaemonError> {
        if Self::is_new(config, dir)? {
            match group()?.0 {
                0 => {}
                number => return Err(audit::AuditError::Removed(number).into()),
            }
        }
        Self::open_behind(config, dir, keyring, Tip::START)
    }

    /// Whether there is neither log nor a head that remembers a record.
    ///
    /// # Errors
    /// [`DaemonError::AuditHead`].
    pub fn is_new(config: &AuditConfig, dir: &Path) -> Result<bool, DaemonError> {
        let head = newest(&mut places(config, dir), None)?;
        let has_none = || audit::files(&log_dir(config, dir)).is_ok_and(|files| files.is_empty());
        Ok(head.is_none_or(|head| head.0.number == 0) && has_none())
    }

    /// Opens the log of a state directory, or begins one whose first record, behind
    /// `begin`, says why.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_behind(
        config: &AuditConfig,
        dir: &Path,
        keyring: &Arc<Keyring>,
        begin: Tip,
    ) -> Result<Self, DaemonError> {
        let mut places = places(config, dir);
        let head = newest(&mut places, Some(&keyring.audit))?;
        let log_dir = log_dir(config, dir);
        if head.is_none() && audit::files(&log_dir).is_ok_and(|files| files.is_empty()) {
            // Told before there is a log, so that one without a head is always suspect.
            keep(&mut places, &Head(begin).to_bytes(&keyring.audit))?;
        }
        let kept = head.map_or(begin.number, |head| head.0.number);
        let disk = Box::new(RealDisk);
        let opened = audit::open(disk, &log_dir, config.file_bytes, &keyring.audit, head, begin)?;
        let Opened { log, is_ended, dropped } = opened;
        Ok(Self { log, places, keyring: Arc::downgrade(keyring), kept, is_ended, dropped })
    }

    /// The keys, while they are in memory. Not to be held across anything that may hang.
    pub(super) fn keyring(&self) -> Option<Arc<Keyring>> {
        self.keyring.upgrade()
    }

    /// Puts a record down, to be written.
    ///
    /// # Errors
    /// That there is no number left.
    pub(super) fn push(
        &mut self,
        keyring: &Keyring,
        time: UnixTime,
        event: &Event,
    ) -> Result<(), DaemonError> {
        let is_put = self.log.push(&keyring.audit, time, event);
        if is_put { Ok(()) } else { Err(audit::AuditError::Exhausted.into()) }
    }

    /// Writes one record, and has its number remembered. The keyring must be held.
    ///
    /// # Errors
    /// What the system says, that there is no number left, or [`DaemonError::Sealed`].
    pub fn write(&mut self, event: &Event) -> Result<(), DaemonError> {
        let keyring = self.keyring().ok_or(DaemonError::Sealed)?;
        self.push(&keyring, UnixTime::from_system_clock(), event)?;
        drop(keyring);
        self.log.flush().map_err(DaemonError::System)?;
        self.keep_head()
    }

    /// Has every place remember the last durable record.
    ///
    /// # Errors
    /// [`DaemonError::AuditHead`].
    pub fn keep_head(&mut self) -> Result<(), DaemonError> {
        let tip = self.log.durable();
        if tip.number > self.kept {
            let bytes = Head(tip).to_bytes(&self.keyring.upgrade().ok_or(DaemonError::Sealed)?.audit);
            keep(&mut self.places, &bytes)?;
            self.kept = tip.number;
        }
        Ok(())
    }
}

/// The directory of the log.
#[must_use]
pub fn log_dir(config: &AuditConfig, dir: &Path) -> PathBuf {
    config.dir.clone().unwrap_or_else(|| paths::audit(dir))
}

/// Makes the directory of the log if it is not there: a confined daemon makes none.
///
/// # Errors
/// [`DaemonError::File`].
pub fn make_dir(config: &AuditConfig, dir: &Path) -> Result<(), DaemonError> {
    let path = log_dir(config, dir);
    audit::make_dir(&path).map_err(DaemonError::at(&path))
}

/// The places that remember the head.
#[must_use]
pub fn places(config: &AuditConfig, dir: &Path) -> Vec<Box<dyn Place>> {
    let path = config.head.clone().unwrap_or_else(|| paths::audit_head(dir));
    let mut places: Vec<Box<dyn Place>> = vec![Box::new(AnchorFile::new(path))];
    if let Some(socket) = &config.service {
        places.push(Box::new(AnchorService::new(socket.clone())));
    }
    places
}

/// The newest head that any place remembers. Without keys their MACs are not checked.
///
/// # Errors
/// [`DaemonError::AuditHead`] if a place cannot be read, or remembers something else.
pub fn newest(places: &mut [Box<dyn Place>], keys: Option<&dyn Keys>) -> Result<Option<Head>, DaemonError> {
    let rank = |bytes: &Bytes| Head::from_bytes(keys, bytes).ok().map(|head| (head.0.number, 0));
    let mut newest: Option<Head> = None;
    for place in places {
        let name = place.name();
        let told = |reason: &dyn std::fmt::Display| DaemonError::AuditHead(format!("{name}: {reason}"));
        let Some(bytes) = place.read(&rank).map_err(|error| told(&error))? else { continue };
        let head = Head::from_bytes(keys, &bytes).map_err(|error| told(&error))?;
        if newest.is_none_or(|known| head.0.number > known.0.number) {
            newest = Some(head);
        }
    }
    Ok(newest)
}

fn keep(places: &mut [Box<dyn Place>], bytes: &Bytes) -> Result<(), DaemonError> {
    for place in places {
        let name = place.name();
        place.write(bytes).map_err(|error| DaemonError::AuditHead(format!("{name}: {error}")))?;
    }
    Ok(())
}
