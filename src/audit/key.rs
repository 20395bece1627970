//! The keys of the log.

use crate::crypto::{Audit, LoadedKey};
use crate::types::KeyVersion;

/// The versions of the audit key.
pub trait Keys {
    /// The one that new records are made under.
    fn active(&self) -> (KeyVersion, &LoadedKey<Audit>);

    /// One by its version, if it is known and not destroyed.
    fn get(&self, version: KeyVersion) -> Option<&LoadedKey<Audit>>;
}
