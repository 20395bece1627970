//! Keys of the field: brought in, destroyed, and put into key blocks.

use std::fmt;

use super::{Chore, House, Site};
use crate::crypto::{KeyPurpose, SystemRandom};
use crate::daemon::{DaemonError, Metrics, keyring_file};
use crate::keys::tr31::Exportability;
use crate::keys::{CheckValue, Components, ImportError, KeyError, OpenKeyring};
use crate::secmem::Region;
use crate::types::KeyLabel;
use crate::wire::Status;

/// What becomes of an imported key.
pub enum KeyChange {
    /// It is taken out of a key block.
    Import {
        /// What it is to be called.
        label: KeyLabel,
        /// The transport key.
        transport: KeyLabel,
        /// The block.
        block: String,
    },
    /// It is made of components.
    Assemble {
        /// What it is to be called.
        label: KeyLabel,
        /// What it is for.
        purpose: KeyPurpose,
        /// Whether it may leave.
        exportability: Exportability,
        /// The components.
        components: Components,
        /// Its key check value.
        check: CheckValue,
    },
    /// It is destroyed.
    Remove(KeyLabel),
}

impl fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import { label, .. } => write!(f, "Import({label})"),
            Self::Assemble { label, .. } => write!(f, "Assemble({label})"),
            Self::Remove(label) => write!(f, "Remove({label})"),
        }
    }
}

impl House {
    /// Changes the keyring: in its file, durably, and then in memory. For that the
    /// house is sealed and opened again; requests meanwhile are refused as sealed.
    ///
    /// # Errors
    /// [`Status::Sealed`]; what `of_import` tells of the keyring's refusal, with
    /// nothing changed; [`Status::UnsealFailed`] if it is changed and the house did not
    /// open again.
    pub fn change_key(&self, change: KeyChange, metrics: &Metrics) -> Result<(), Status> {
        self.have_done(Chore::ChangeKey(change), metrics).map_err(|error| {
            tracing::error!(%error, "an imported key was to be changed");
            match error {
                DaemonError::Sealed => Status::Sealed,
                DaemonError::Import(error) => of_import(&error),
                DaemonError::NotWritten(_) | DaemonError::Store(_) | DaemonError::Stopping => Status::Stopped,
                _ => Status::UnsealFailed,
            }
        })
    }

    /// Puts a key into a key block.
    ///
    /// # Errors
    /// [`Status::Sealed`]; what `of_import` tells of the keyring's refusal.
    pub fn export_key(&self, label: KeyLabel, transport: KeyLabel) -> Result<String, Status> {
        let porter = self.porter();
        let keys = porter.keys.as_ref().ok_or(Status::Sealed)?;
        keys.export(&SystemRandom, &label, &transport).map_err(|error| {
            tracing::error!(%error, %label, "a key was to be exported");
            of_import(&error)
        })
    }

    /// The locked memory of the keys.
    pub(in crate::daemon) fn region(&self) -> Option<&Region> {
        self.site.as_ref().map(Site::region)
    }

    /// Writes the changed keyring, seals, and opens again.
    pub(super) fn reopen_changed(&self, change: KeyChange, metrics: &Metrics) -> Result<(), DaemonError> {
        let mut porter = self.porter();
        let site = self.site.as_ref().ok_or(DaemonError::NoSite)?;
        let mut keys = porter.keys.take().ok_or(DaemonError::Sealed)?;
        if let Err(error) = site.write_changed(&mut keys, change) {
            porter.keys = Some(keys);
            return Err(error);
        }
        self.seal_holding(&mut porter)?;
        self.settle(&mut porter, keys, metrics)
    }
}

impl Site {
    /// Changes the keyring, and writes it. If writing fails the keys in memory are
    /// those of before, and whether the file is the old or the new one is not known.
    fn write_changed(&self, keys: &mut OpenKeyring, change: KeyChange) -> Result<(), DaemonError> {
        let added = match change {
            KeyChange::Import { label, transport, block } => {
                keys.import(&SystemRandom, label, &transport, block.as_bytes())?;
                Some(label)
            }
            KeyChange::Assemble { label, purpose, exportability, components, check } => {
                keys.import_components(&SystemRandom, label, purpose, exportability, &components, check)?;
                Some(label)
            }
            KeyChange::Remove(label) => {
                keys.destroy_imported(&label)?;
                None
            }
        };
        self.write(keys).map_err(|error| {
            // A key that was added and is in no file is worth nothing: away with it.
            if let Some(label) = added {
                let _ = keys.destroy_imported(&label);
            }
            DaemonError::NotWritten(error.to_string())
        })
    }

    /// Writes the keyring.
    pub(super) fn write(&self, keys: &OpenKeyring) -> Result<(), DaemonError> {
        let sealed = keys.seal(&SystemRandom)?;
        // What does not open would be the end of every token.
        if !keys.is_sealed_as(&sealed) {
            return Err(KeyError::NotAuthentic.into());
        }
        let path = self.keyring_path();
        keyring_file::replace(&path, &sealed.to_bytes()).map_err(DaemonError::at(&path))
    }
}

/// What a caller is told of the keyring's refusal; the log has all of it.
#[must_use]
pub fn of_import(error: &ImportError) -> Status {
    match error {
        ImportError::LabelTaken => Status::KeyLabelTaken,
        ImportError::TooMany => Status::KeyLimit,
        ImportError::Unknown => Status::UnknownKey,
        ImportError::NotExportable | ImportError::NotTrusted => Status::KeyNotExportable,
        ImportError::CheckValue => Status::KeyCheckValue,
        ImportError::WrongComponent => Status::ComponentMalformed,
        ImportError::Components => Status::ComponentsMissing,
        _ => Status::KeyRefused,
    }
}
