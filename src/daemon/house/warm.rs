//! Opening in two steps, so that the slow one, opening the keyring, is done while
//! another daemon still has the store.

use super::{House, Unlock};
use crate::daemon::{DaemonError, Metrics};
use crate::keys::{OpenKeyring, SealedKeyring};

/// A keyring that was opened before the store is at hand.
pub struct Warm {
    unlock: Unlock,
    /// What its file held.
    file: Vec<u8>,
    keys: OpenKeyring,
}

impl House {
    /// Opens the keyring and nothing else.
    ///
    /// # Errors
    /// [`DaemonError`]; [`DaemonError::Key`] if this does not open it.
    pub fn warm(&self, unlock: Unlock) -> Result<Warm, DaemonError> {
        let site = self.site.as_ref().ok_or(DaemonError::NoSite)?;
        let file = site.keyring_file()?;
        let keys = unlock.open(SealedKeyring::from_bytes(&file)?, site.region())?;
        Ok(Warm { unlock, file, keys })
    }

    /// Goes on from there, once nobody else has the store. A keyring that was changed
    /// meanwhile is opened anew.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_warm(&self, warm: Warm, metrics: &Metrics) -> Result<(), DaemonError> {
        let Warm { unlock, file, keys } = warm;
        let site = self.site.as_ref().ok_or(DaemonError::NoSite)?;
        if site.keyring_file()? == file {
            return self.settle(&mut self.porter(), keys, metrics);
        }
        drop(keys);
        tracing::info!("the keyring was changed while the other daemon ran; opening it anew");
        self.open(&unlock, metrics)
    }
}
