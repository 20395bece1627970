//! Bringing keys of other systems into the keyring, and destroying them.

use super::OpenKeyring;
use crate::crypto::{CryptoError, KeyAlgorithm, KeyPurpose, Random};
use crate::keys::imported::{Opened, Rules, is_weak, key_algorithm, may_protect, purpose_of};
use crate::keys::tr31::{
    Block, ClearKey, Exportability, Header, KeyContext, KeyUsage, KeyVersionNumber, ModeOfUse,
    OptionalBlocks, ProtectionKey,
};
use crate::keys::{
    CheckMethod, CheckValue, Components, ImportError, ImportedInfo, KeyError, KeyState, MAX_IMPORTED,
    MAX_LISTED, MAX_OPTIONAL, WrappedImport,
};
use crate::types::KeyLabel;

impl OpenKeyring {
    /// Imports the key of a key block (version A, B, C or D) that the transport key
    /// `under` protects. The block's attributes are kept with it.
    ///
    /// # Errors
    /// [`ImportError::LabelTaken`] or [`ImportError::TooMany`]; [`ImportError::Unknown`],
    /// [`ImportError::NotTransport`] or [`ImportError::TransportMode`] about `under`;
    /// [`ImportError::Block`] if the block is malformed or not authentic. Then what its
    /// header says: [`ImportError::Usage`], [`ImportError::Algorithm`],
    /// [`ImportError::Mode`], [`ImportError::Component`], [`ImportError::StorageOnly`],
    /// [`ImportError::OptionalBlocks`], [`ImportError::CheckValue`] of its optional block
    /// KC, [`ImportError::Weaker`] or [`ImportError::Weak`].
    pub fn import(
        &mut self,
        random: &dyn Random,
        label: KeyLabel,
        under: &KeyLabel,
        block: &[u8],
    ) -> Result<ImportedInfo, ImportError> {
        self.check_room(&label)?;
        let (info, protection) = self.transport(under)?;
        if !info.rules().may_unwrap() {
            return Err(ImportError::TransportMode(info.mode));
        }
        let algorithm = info.algorithm;
        let block = Block::parse(block)?;
        let key = block.unwrap(ProtectionKey::new(algorithm, protection.expose())?)?;
        let info = info_of(random, label, block.header(), &key)?;
        if !may_protect(algorithm, info.algorithm) {
            return Err(ImportError::Weaker);
        }
        self.add(random, info, key.expose())
    }

    /// Imports a key that came in components. It gets the attributes that go with its
    /// purpose: for application cryptograms usage E0 and mode X, for card verification C0
    /// and C, for key transport K1 and B. `check` is what the key's check value must be.
    ///
    /// # Errors
    /// [`ImportError::LabelTaken`] or [`ImportError::TooMany`];
    /// [`ImportError::Components`] with fewer than two; [`ImportError::Algorithm`];
    /// [`ImportError::CheckValue`]; [`ImportError::Weak`].
    pub fn import_components(
        &mut self,
        random: &dyn Random,
        label: KeyLabel,
        purpose: KeyPurpose,
        exportability: Exportability,
        components: &Components,
        check: CheckValue,
    ) -> Result<ImportedInfo, ImportError> {
        self.check_room(&label)?;
        let algorithm = components.algorithm();
        let (usage, mode) = match purpose {
            KeyPurpose::EmvIssuerMaster => (KeyUsage::EMV_APPLICATION_CRYPTOGRAMS, ModeOfUse::Derive),
            KeyPurpose::CardVerification => (KeyUsage::CARD_VERIFICATION, ModeOfUse::GenerateVerify),
            KeyPurpose::KeyTransport => (KeyUsage::KEY_BLOCK_PROTECTION, ModeOfUse::EncryptDecrypt),
            _ => return Err(ImportError::Algorithm(purpose)),
        };
        Rules { purpose, algorithm, mode }.check()?;
        let own = components.check_value()?;
        if !own.fits(&check) {
            return Err(ImportError::CheckValue);
        }
        let (key_version, optional) = (KeyVersionNumber::NONE, OptionalBlocks::default());
        let (id, state, check) = (fresh_id(random)?, KeyState::Active, own);
        let info = ImportedInfo {
            id,
            label,
            purpose,
            algorithm,
            state,
            check,
            usage,
            mode,
            key_version,
            exportability,
            optional,
        };
        self.add(random, info, components.key()?)
    }

    /// Destroys an imported key. Its label stays taken, and what may be shown of it stays.
    ///
    /// # Errors
    /// [`ImportError::Unknown`] if there is none, or it is destroyed already.
    pub fn destroy_imported(&mut self, label: &KeyLabel) -> Result<(), ImportError> {
        let wanted = |key: &&mut WrappedImport| key.info().label == *label && key.info().is_active();
        let key = self.imported.iter_mut().find(wanted).ok_or(ImportError::Unknown)?;
        *key = key.destroyed();
        Ok(())
    }

    /// What may be shown of the imported keys, destroyed ones too.
    pub fn imported_infos(&self) -> impl Iterator<Item = &ImportedInfo> {
        self.imported.iter().map(WrappedImport::info)
    }

    /// A transport key, in locked memory until it is dropped.
    pub(super) fn transport(&self, label: &KeyLabel) -> Result<(&ImportedInfo, Opened), ImportError> {
        let key = self.active(label)?;
        if key.info().purpose != KeyPurpose::KeyTransport {
            return Err(ImportError::NotTransport);
        }
        Ok((key.info(), key.unwrap(&self.root, &self.region)?))
    }

    /// An imported key that is not destroyed.
    pub(super) fn active(&self, label: &KeyLabel) -> Result<&WrappedImport, ImportError> {
        let wanted = |key: &&WrappedImport| key.info().label == *label && key.info().is_active();
        self.imported.iter().find(wanted).ok_or(ImportError::Unknown)
    }

    fn check_room(&self, label: &KeyLabel) -> Result<(), ImportError> {
        if self.imported_infos().any(|info| info.label == *label) {
            return Err(ImportError::LabelTaken);
        }
        let active = self.imported_infos().filter(|info| info.is_active()).count();
        if active >= MAX_IMPORTED || self.imported.len() >= MAX_LISTED {
            return Err(ImportError::TooMany);
        }
        Ok(())
    }

    fn add(
        &mut self,
        random: &dyn Random,
        info: ImportedInfo,
        key: &[u8],
    ) -> Result<ImportedInfo, ImportError> {
        self.imported.push(WrappedImport::wrap(&self.root, random, info.clone(), key)?);
        Ok(info)
    }
}

/// What is kept of the header of an authentic block, if its key may be used here.
fn info_of(
    random: &dyn Random,
    label: KeyLabel,
    header: &Header,
    key: &ClearKey,
) -> Result<ImportedInfo, ImportError> {
    let purpose = purpose_of(header.usage).ok_or(ImportError::Usage(header.usage))?;
    let algorithm = key_algorithm(header.algorithm, key.expose().len());
    let algorithm = algorithm.ok_or(ImportError::Algorithm(purpose))?;
    Rules { purpose, algorithm, mode: header.mode }.check()?;
    if header.key_version.is_component() {
        return Err(ImportError::Component(header.key_version));
    }
    if header.context == KeyContext::Storage {
        return Err(ImportError::StorageOnly);
    }
    if is_weak(algorithm, key.expose()) {
        return Err(ImportError::Weak);
    }
    check_told_value(&header.optional, algorithm, key)?;
    let optional = header.optional.kept(|_| true);
    if optional.to_bytes().len() > MAX_OPTIONAL {
        return Err(ImportError::OptionalBlocks);
    }
    Ok(ImportedInfo {
        id: fresh_id(random)?,
        label,
        purpose,
        algorithm,
        state: KeyState::Active,
        check: CheckValue::of(algorithm, CheckMethod::of(algorithm), key.expose())?,
        usage: header.usage,
        mode: header.mode,
        key_version: header.key_version,
        exportability: header.exportability,
        optional,
    })
}

/// The check value of the optional block KC, if there is one, must be that of the key:
/// method 2 ("00" legacy, "01" CMAC), value in hex (X9.143:2021, 6.3.6.7, table 15).
fn check_told_value(
    optional: &OptionalBlocks,
    algorithm: KeyAlgorithm,
    key: &ClearKey,
) -> Result<(), ImportError> {
    let Some(block) = optional.get(*b"KC") else { return Ok(()) };
    let (method, value) = match block.data() {
        [b'0', b'0', value @ ..] => (CheckMethod::Legacy, value),
        [b'0', b'1', value @ ..] => (CheckMethod::Cmac, value),
        _ => return Err(ImportError::CheckValue),
    };
    let told = std::str::from_utf8(value).ok().and_then(|value| CheckValue::parse(value).ok());
    let own = CheckValue::of(algorithm, method, key.expose())?;
    if told.is_some_and(|told| own.fits(&told)) { Ok(()) } else { Err(ImportError::CheckValue) }
}

fn fresh_id(random: &dyn Random) -> Result<[u8; 16], KeyError> {
    let mut id = [0; 16];
    random.fill(&mut id).map_err(CryptoError::from)?;
    Ok(id)
}

#[cfg(test)]
mod tests;
