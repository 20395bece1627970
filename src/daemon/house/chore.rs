//! What is done by the one thread that may open files, make sockets and start
//! threads: opening, and destroying a key, which is opening without it. A connection
//! reads what strangers send, so it may not; it sends an errand and waits.

use std::fmt;
use std::sync::mpsc::{SyncSender, sync_channel};

use secrecy::SecretSlice;

use super::{House, KeyChange};
use crate::crypto::{KeyPurpose, LoadedKey, Root};
use crate::daemon::{DaemonError, Metrics};
use crate::keys::{KeyError, OpenKeyring, SealedKeyring};
use crate::secmem::{Region, START_STACK, scrubbed};
use crate::types::KeyVersion;

/// What opens a keyring.
pub enum Unlock {
    /// Its passphrase.
    Passphrase(SecretSlice<u8>),
    /// Its wrapping key.
    Key(LoadedKey<Root>),
}

/// What is to be done.
#[derive(Debug)]
pub enum Chore {
    /// Open.
    Open(Unlock),
    /// Destroy a retiring key that nothing needs.
    Destroy(KeyPurpose, KeyVersion),
    /// Bring a key of the field in, or destroy it.
    ChangeKey(KeyChange),
}

/// A chore on its way.
#[derive(Debug)]
pub struct Errand {
    chore: Chore,
    done: SyncSender<Result<(), DaemonError>>,
}

impl Errand {
    /// Does it.
    pub fn run(self, house: &House, metrics: &Metrics) {
        // Whoever is gone needs no answer.
        let _ = self.done.send(house.work(self.chore, metrics));
    }
}

impl House {
    /// Has a chore done, and waits for it.
    pub(super) fn have_done(&self, chore: Chore, metrics: &Metrics) -> Result<(), DaemonError> {
        let Some(errands) = &self.errands else { return self.work(chore, metrics) };
        let (done, told) = sync_channel(1);
        errands(Errand { chore, done });
        // Dropped, it is done by nobody: the daemon is on its way out.
        told.recv().unwrap_or(Err(DaemonError::Stopping))
    }

    /// It leaves keys on its stack.
    fn work(&self, chore: Chore, metrics: &Metrics) -> Result<(), DaemonError> {
        scrubbed::<START_STACK, _>(|| match chore {
            Chore::Open(unlock) => self.open(&unlock, metrics),
            Chore::Destroy(purpose, version) => self.reopen_without(purpose, version, metrics),
            Chore::ChangeKey(change) => self.reopen_changed(change, metrics),
        })
    }
}

impl Unlock {
    /// Opens a keyring.
    pub(super) fn open(&self, sealed: SealedKeyring, region: &Region) -> Result<OpenKeyring, KeyError> {
        match self {
            Self::Passphrase(passphrase) => sealed.open(region, passphrase),
            Self::Key(key) => sealed.open_with(region, key),
        }
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(redacted)",
            Self::Key(_) => "Key(redacted)",
        })
    }
}
