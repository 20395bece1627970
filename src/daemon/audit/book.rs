//! The log with what remembers its head.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::{self, Event, Head, Keys, Log, Opened, RealDisk, Tip};
use crate::daemon::DaemonError;
use crate::daemon::anchor::{AnchorFile, AnchorService, Bytes, Place};
use crate::daemon::config::AuditConfig;
use crate::daemon::paths;
use crate::keys::Keyring;
use crate::types::UnixTime;

/// An audit log and the places that remember its head. Whoever opens it holds the
/// lock of the database beside it.
pub struct Book {
    pub(super) log: Log,
    places: Vec<Box<dyn Place>>,
    pub(super) keyring: Arc<Keyring>,
    /// The record that every place remembers.
    kept: u64,
    /// The daemon before ended in order.
    pub is_ended: bool,
    /// Bytes behind the last record that a crash had left.
    pub dropped: u64,
}

impl Book {
    /// Opens the log of a state directory, or begins one.
    ///
    /// # Errors
    /// [`DaemonError::Audit`] if it is not what its head remembers, or cannot be
    /// read or made; [`DaemonError::AuditHead`].
    pub fn open(config: &AuditConfig, dir: &Path, keyring: Arc<Keyring>) -> Result<Self, DaemonError> {
        Self::open_behind(config, dir, keyring, Tip::START)
    }

    /// The same; a log that is begun has its first record behind `begin`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_behind(
        config: &AuditConfig,
        dir: &Path,
        keyring: Arc<Keyring>,
        begin: Tip,
    ) -> Result<Self, DaemonError> {
        let mut places = places(config, dir);
        let head = newest(&mut places, Some(&keyring.audit))?;
        let log_dir = log_dir(config, dir);
        if head.is_none() && audit::files(&log_dir).is_ok_and(|files| files.is_empty()) {
            // Told before there is a log, so that one without a head is always suspect.
            keep(&mut places, &keyring, begin)?;
        }
        let kept = head.map_or(begin.number, |head| head.0.number);
        let disk = Box::new(RealDisk);
        let opened = audit::open(disk, &log_dir, config.file_bytes, &keyring.audit, head, begin)?;
        let Opened { log, is_ended, dropped } = opened;
        Ok(Self { log, places, keyring, kept, is_ended, dropped })
    }

    /// Writes one record, and has its number remembered.
    ///
    /// # Errors
    /// What the system says, or that there is no number left.
    pub fn write(&mut self, event: &Event) -> Result<(), DaemonError> {
        if !self.log.push(&self.keyring.audit, UnixTime::from_system_clock(), event) {
            return Err(audit::AuditError::Exhausted.into());
        }
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
            keep(&mut self.places, &self.keyring, tip)?;
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

fn keep(places: &mut [Box<dyn Place>], keyring: &Keyring, tip: Tip) -> Result<(), DaemonError> {
    let bytes = Head(tip).to_bytes(&keyring.audit);
    for place in places {
        let name = place.name();
        place.write(&bytes).map_err(|error| DaemonError::AuditHead(format!("{name}: {error}")))?;
    }
    Ok(())
}
