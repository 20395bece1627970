//! The loaded keyring.

use super::{KeyError, KeyInfo, KeyState, Versions, WrappedKey};
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
    protection: Protection,
}

impl Keyring {
    /// Unwraps every key that is not destroyed.
    pub(super) fn load(
        root: &LoadedKey<Root>,
        region: &Region,
        wrapped: &[WrappedKey],
    ) -> Result<Self, KeyError> {
        let loader = Loader { root, region, wrapped };
        Ok(Self {
            token_derivation: loader.versions(KeyPurpose::TokenDerivation)?,
            par: loader.versions(KeyPurpose::Par)?,
            fingerprint: loader.versions(KeyPurpose::Fingerprint)?,
            pan_sealing: loader.versions(KeyPurpose::PanSealing)?,
            audit: loader.versions(KeyPurpose::Audit)?,
            infos: wrapped.iter().map(|key| *key.info()).collect(),
            protection: region.protection(),
        })
    }

    /// What may be shown of the keys, destroyed ones too.
    #[must_use]
    pub fn infos(&self) -> &[KeyInfo] {
        &self.infos
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
