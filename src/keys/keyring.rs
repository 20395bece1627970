//! The loaded keyring.

use super::{ImportedInfo, ImportedKey, KeyError, KeyInfo, KeyState, Versions, WrappedImport, WrappedKey};
use crate::crypto::{
    Audit, FingerprintDerivation, KeyPurpose, LoadedKey, PanSealing, ParDerivation, Purpose, Root,
    TokenDerivation,
};
use crate::secmem::{Protection, Region};
use crate::types::KeyVersion;

/// Every key that the engine uses, in locked memory.
#[derive(Debug)]
pub struct Keyring {
    /// Derive token keys.
    pub token_derivation: Versions<TokenDerivation>,
    /// Derive PARs.
    pub par: Versions<ParDerivation>,
    /// Derive fingerprints.
    pub fingerprint: Versions<FingerprintDerivation>,
    /// Seal PANs.
    pub pan_sealing: Versions<PanSealing>,
    /// Chain the journal and digest requests.
    pub audit: Versions<Audit>,
    infos: Vec<KeyInfo>,
    /// By label. Those for key transport are not here: only who has the root key opens
    /// or writes key blocks.
    imported: Vec<ImportedKey>,
    imported_infos: Vec<ImportedInfo>,
    protection: Protection,
}

impl Keyring {
    /// Unwraps every key that is not destroyed.
    pub(super) fn load(
        root: &LoadedKey<Root>,
        region: &Region,
        wrapped: &[WrappedKey],
        imports: &[WrappedImport],
    ) -> Result<Self, KeyError> {
        let in_use =
            |key: &&WrappedImport| key.info().is_active() && key.info().purpose != KeyPurpose::KeyTransport;
        let imported = imports.iter().filter(in_use).map(|key| key.load(root, region));
        let mut imported = imported.collect::<Result<Vec<_>, KeyError>>()?;
        imported.sort_unstable_by_key(|key| key.info().label);
        let loader = Loader { root, region, wrapped };
        Ok(Self {
            token_derivation: loader.versions(KeyPurpose::TokenDerivation)?,
            par: loader.versions(KeyPurpose::Par)?,
            fingerprint: loader.versions(KeyPurpose::Fingerprint)?,
            pan_sealing: loader.versions(KeyPurpose::PanSealing)?,
            audit: loader.versions(KeyPurpose::Audit)?,
            infos: wrapped.iter().map(|key| *key.info()).collect(),
            imported,
            imported_infos: imports.iter().map(|key| key.info().clone()).collect(),
            protection: region.protection(),
        })
    }

    /// What may be shown of the keys, destroyed ones too.
    #[must_use]
    pub fn infos(&self) -> &[KeyInfo] {
        &self.infos
    }

    /// The imported key with this label, expanded; none if there is none, or it is
    /// destroyed or for key transport.
    #[must_use]
    pub fn imported(&self, label: &str) -> Option<&ImportedKey> {
        let found = self.imported.binary_search_by(|key| key.info().label.as_str().cmp(label));
        found.ok().and_then(|at| self.imported.get(at))
    }

    /// What may be shown of the imported keys: those for key transport and destroyed
    /// ones too.
    #[must_use]
    pub fn imported_infos(&self) -> &[ImportedInfo] {
        &self.imported_infos
    }

    /// How the memory that holds the keys is protected.
    #[must_use]
    pub const fn protection(&self) -> Protection {
        self.protection
    }
}

struct Loader<'a> {
    root: &'a LoadedKey<Root>,
    region: &'a Region,
    wrapped: &'a [WrappedKey],
}

impl Loader<'_> {
    fn versions<P: Purpose>(&self, purpose: KeyPurpose) -> Result<Versions<P>, KeyError> {
        let mut active = self.in_state(purpose, KeyState::Active)?;
        let retiring = self.in_state(purpose, KeyState::Retiring)?;
        match (active.pop(), active.is_empty()) {
            (Some(active), true) => Ok(Versions::new(active, retiring)),
            _ => Err(KeyError::ActiveKey(purpose)),
        }
    }

    fn in_state<P: Purpose>(
        &self,
        purpose: KeyPurpose,
        state: KeyState,
    ) -> Result<Vec<(KeyVersion, LoadedKey<P>)>, KeyError> {
        let wanted = |key: &&WrappedKey| key.info().purpose == purpose && key.info().state == state;
        let load = |key: &WrappedKey| Ok((key.info().version, key.unwrap_as(self.root, self.region)?));
        self.wrapped.iter().filter(wanted).map(load).collect()
    }
}
