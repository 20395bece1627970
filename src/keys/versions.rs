//! The loaded versions of one purpose.

use crate::crypto::{LoadedKey, Purpose};
use crate::types::KeyVersion;

/// The active key of a purpose, and the retiring ones that still verify.
#[derive(Debug)]
pub struct Versions<P: Purpose> {
    active: (KeyVersion, LoadedKey<P>),
    retiring: Vec<(KeyVersion, LoadedKey<P>)>,
}

impl<P: Purpose> Versions<P> {
    /// The active key and those that are retiring.
    pub(crate) fn new(active: (KeyVersion, LoadedKey<P>), retiring: Vec<(KeyVersion, LoadedKey<P>)>) -> Self {
        Self { active, retiring }
    }

    /// The key that makes new things, and its version.
    #[must_use]
    pub const fn active(&self) -> (KeyVersion, &LoadedKey<P>) {
        (self.active.0, &self.active.1)
    }

    /// The key of a version, if it is known and not destroyed.
    #[must_use]
    pub fn get(&self, version: KeyVersion) -> Option<&LoadedKey<P>> {
        self.iter().find(|(known, _)| *known == version).map(|(_, key)| key)
    }

    /// Every usable version, the active one first.
    pub fn iter(&self) -> impl Iterator<Item = (KeyVersion, &LoadedKey<P>)> {
        std::iter::once(&self.active).chain(&self.retiring).map(|(version, key)| (*version, key))
    }
}
