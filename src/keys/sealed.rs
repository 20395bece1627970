//! The keyring at rest.
//!
//! Layout: the header of its [`Provider`]; the root key wrapped by the key from
//! the provider (nonce 12, ciphertext and tag 48, the bytes before it
//! authenticated); count of blocks 2, the blocks; if there are imported keys, their
//! count 2 and for each the length of its block 2 and the block; and a seal by the root
//! key over all before it (nonce 12, tag 16), so that no block can be removed, put
//! back or moved between keyrings.

mod enclose;
mod export;
mod import;
mod imports;

use secrecy::SecretSlice;
use zeroize::Zeroizing;

use super::block::{seal_over, whole_slot};
use super::{BLOCK_LEN, KeyError, KeyInfo, KeyState, Keyring, Provider, WrappedImport, WrappedKey};
use crate::crypto::{
    KeyPurpose, LoadedKey, NONCE_LEN, PassphraseCost, Random, Root, TAG_LEN, root_from_passphrase,
};
use crate::secmem::Region;
use crate::types::{KeyVersion, UnixTime};

const WRAPPED_ROOT: usize = NONCE_LEN + 32 + TAG_LEN;
const SEAL: usize = NONCE_LEN + TAG_LEN;

/// A keyring that needs what its provider gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKeyring {
    provider: Provider,
    wrapped_root: [u8; WRAPPED_ROOT],
    keys: Vec<WrappedKey>,
    imported: Vec<WrappedImport>,
    seal: [u8; SEAL],
}

/// A keyring whose root key is at hand: keys can be loaded, added and ended.
#[derive(Debug)]
pub struct OpenKeyring {
    provider: Provider,
    wrapped_root: [u8; WRAPPED_ROOT],
    keys: Vec<WrappedKey>,
    imported: Vec<WrappedImport>,
    root: LoadedKey<Root>,
    region: Region,
}

impl SealedKeyring {
    /// Reads the bytes of a keyring. Whether they are authentic shows when it is
    /// opened.
    ///
    /// # Errors
    /// [`KeyError`] names what is wrong with the form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let (provider, rest) = Provider::read(bytes)?;
        let (wrapped_root, rest) = rest.split_first_chunk::<WRAPPED_ROOT>().ok_or(KeyError::Length)?;
        let (count, rest) = rest.split_first_chunk::<2>().ok_or(KeyError::Length)?;
        let (blocks, seal) = rest.split_last_chunk::<SEAL>().ok_or(KeyError::Length)?;
        let length = usize::from(u16::from_be_bytes(*count)) * BLOCK_LEN;
        let (blocks, rest) = blocks.split_at_checked(length).ok_or(KeyError::Length)?;
        let keys =
            blocks.chunks_exact(BLOCK_LEN).map(WrappedKey::from_block).collect::<Result<Vec<_>, _>>()?;
        check_unique(&keys)?;
        let imported = imports::read(rest)?;
        Ok(Self { provider, wrapped_root: *wrapped_root, keys, imported, seal: *seal })
    }

    /// The bytes to be stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = sealed_part(&self.provider, &self.wrapped_root, &self.keys, &self.imported);
        bytes.extend_from_slice(&self.seal);
        bytes
    }

    /// What opens it.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Opens the keyring with its passphrase.
    ///
    /// # Errors
    /// [`KeyError::OtherProvider`] if it is not opened by one;
    /// [`KeyError::WrongPassphrase`]; [`KeyError::NotAuthentic`] if the keyring
    /// was changed; [`KeyError::Crypto`].
    pub fn open(self, region: &Region, passphrase: &SecretSlice<u8>) -> Result<OpenKeyring, KeyError> {
        let Provider::Passphrase { cost, salt } = &self.provider else {
            return Err(KeyError::OtherProvider(self.provider.name()));
        };
        let wrapping = root_from_passphrase(region, passphrase, salt, *cost)?;
        self.unwrap(region, &wrapping)?.ok_or(KeyError::WrongPassphrase)
    }

    /// Opens the keyring with its wrapping key, from custodians or a device.
    ///
    /// # Errors
    /// [`KeyError::WrongKey`]; [`KeyError::NotAuthentic`] if the keyring was
    /// changed; [`KeyError::Crypto`].
    pub fn open_with(self, region: &Region, wrapping: &LoadedKey<Root>) -> Result<OpenKeyring, KeyError> {
        self.unwrap(region, wrapping)?.ok_or(KeyError::WrongKey)
    }

    /// None if the wrapping key is another.
    fn unwrap(self, region: &Region, wrapping: &LoadedKey<Root>) -> Result<Option<OpenKeyring>, KeyError> {
        let Self { provider, wrapped_root, keys, imported, seal } = self;
        let (nonce, sealed) = wrapped_root.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::Length)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let Ok(opened) = wrapping.open(*nonce, &provider.to_bytes(), &mut sealed) else { return Ok(None) };
        let root: &[u8; 32] = (&*opened).try_into().map_err(|_| KeyError::Length)?;
        let root = LoadedKey::from_bytes(region, root)?;
        let covered = sealed_part(&provider, &wrapped_root, &keys, &imported);
        let (nonce, tag) = seal.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::Length)?;
        root.open(*nonce, &covered, &mut tag.to_vec()).map_err(|_| KeyError::NotAuthentic)?;
        Ok(Some(OpenKeyring { provider, wrapped_root, keys, imported, root, region: region.clone() }))
    }
}

impl OpenKeyring {
    /// Makes a keyring with a first key for each purpose, under a new root key
    /// that the passphrase wraps.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn create(
        region: &Region,
        random: &dyn Random,
        passphrase: &SecretSlice<u8>,
        cost: PassphraseCost,
    ) -> Result<Self, KeyError> {
        let (provider, wrapping) = enclose::passphrase(region, random, passphrase, cost)?;
        let root = LoadedKey::<Root>::generate(region, random)?;
        let wrapped_root = enclose::wrap(random, &provider, &wrapping, &root)?;
        let keys = KeyPurpose::NATIVE
            .into_iter()
            .map(|purpose| WrappedKey::generate(&root, region, random, purpose, KeyVersion::FIRST))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { provider, wrapped_root, keys, imported: Vec::new(), root, region: region.clone() })
    }

    /// Loads every key that is not destroyed into locked memory.
    ///
    /// # Errors
    /// [`KeyError::ActiveKey`] unless each purpose has exactly one active key;
    /// [`KeyError::NotAuthentic`]; [`KeyError::Crypto`].
    pub fn load(&self) -> Result<Keyring, KeyError> {
        Keyring::load(&self.root, &self.region, &self.keys, &self.imported)
    }

    /// As [`OpenKeyring::load`], but without imported keys: for who needs none of them, in
    /// locked memory that has no room for them.
    ///
    /// # Errors
    /// As [`OpenKeyring::load`].
    pub fn load_native(&self) -> Result<Keyring, KeyError> {
        Keyring::load(&self.root, &self.region, &self.keys, &[])
    }

    /// Makes a new active version for a purpose; the one before is retiring from
    /// `now` on.
    ///
    /// # Errors
    /// [`KeyError::Imported`] for the purpose of imported keys;
    /// [`KeyError::VersionsExhausted`] after version 255; [`KeyError::Crypto`].
    pub fn rotate(
        &mut self,
        random: &dyn Random,
        purpose: KeyPurpose,
        now: UnixTime,
    ) -> Result<KeyVersion, KeyError> {
        if !KeyPurpose::NATIVE.contains(&purpose) {
            return Err(KeyError::Imported(purpose));
        }
        let newest = self.infos().filter(|info| info.purpose == purpose).map(|info| info.version.get()).max();
        let next = newest.unwrap_or(0).checked_add(1).ok_or(KeyError::VersionsExhausted(purpose))?;
        let version = KeyVersion::new(next).map_err(|_| KeyError::VersionsExhausted(purpose))?;
        let fresh = WrappedKey::generate(&self.root, &self.region, random, purpose, version)?;
        let mut keys = Vec::with_capacity(self.keys.len() + 1);
        for key in &self.keys {
            let info = *key.info();
            if info.purpose == purpose && info.state == KeyState::Active {
                let loaded = key.unwrap_as::<Root>(&self.root, &self.region)?;
                let info = KeyInfo { state: KeyState::Retiring, retired: Some(whole_slot(now)), ..info };
                keys.push(WrappedKey::wrap(&self.root, random, info, &loaded)?);
            } else {
                keys.push(key.clone());
            }
        }
        keys.push(fresh);
        self.keys = keys;
        Ok(version)
    }

    /// Destroys a retiring key.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] or [`KeyError::NotRetiring`].
    pub fn destroy(&mut self, purpose: KeyPurpose, version: KeyVersion) -> Result<(), KeyError> {
        let wanted = |key: &&mut WrappedKey| key.info().purpose == purpose && key.info().version == version;
        let key = self.keys.iter_mut().find(wanted).ok_or(KeyError::Unknown)?;
        if key.info().state != KeyState::Retiring {
            return Err(KeyError::NotRetiring);
        }
        *key = key.destroyed();
        Ok(())
    }

    /// What may be shown of the keys.
    pub fn infos(&self) -> impl Iterator<Item = &KeyInfo> {
        self.keys.iter().map(WrappedKey::info)
    }

    /// What opens it once it is sealed.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Whether a sealed keyring is this one: it opens with the same root key, and
    /// holds the same keys.
    #[must_use]
    pub fn is_sealed_as(&self, sealed: &SealedKeyring) -> bool {
        let Ok(read) = SealedKeyring::from_bytes(&sealed.to_bytes()) else { return false };
        let covered = sealed_part(&read.provider, &read.wrapped_root, &read.keys, &read.imported);
        let Some((nonce, tag)) = read.seal.split_first_chunk::<NONCE_LEN>() else { return false };
        let same = (&read.provider, &read.wrapped_root, &read.keys, &read.imported)
            == (&self.provider, &self.wrapped_root, &self.keys, &self.imported);
        same && self.root.open(*nonce, &covered, &mut tag.to_vec()).is_ok()
    }

    /// Seals the keyring as it is now.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn seal(&self, random: &dyn Random) -> Result<SealedKeyring, KeyError> {
        let covered = sealed_part(&self.provider, &self.wrapped_root, &self.keys, &self.imported);
        let seal = seal_over(&self.root, random, &covered)?;
        Ok(SealedKeyring {
            provider: self.provider.clone(),
            wrapped_root: self.wrapped_root,
            keys: self.keys.clone(),
            imported: self.imported.clone(),
            seal,
        })
    }
}

fn sealed_part(
    provider: &Provider,
    wrapped_root: &[u8],
    keys: &[WrappedKey],
    imported: &[WrappedImport],
) -> Vec<u8> {
    let header = provider.to_bytes();
    let mut bytes = Vec::with_capacity(header.len() + WRAPPED_ROOT + 2 + keys.len() * BLOCK_LEN + SEAL);
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(wrapped_root);
    // At most 255 versions of a handful of purposes.
    bytes.extend_from_slice(&u16::try_from(keys.len()).unwrap_or(u16::MAX).to_be_bytes());
    for key in keys {
        bytes.extend_from_slice(&key.to_block());
    }
    imports::write(&mut bytes, imported);
    bytes
}

fn check_unique(keys: &[WrappedKey]) -> Result<(), KeyError> {
    let mut seen = std::collections::BTreeSet::new();
    for info in keys.iter().map(WrappedKey::info) {
        if !seen.insert((info.purpose, info.version)) {
            return Err(KeyError::Duplicate(info.purpose));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
