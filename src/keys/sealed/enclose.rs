//! Another provider for a keyring, or the same one with another secret.
//!
//! Each time there is a new root key, and every key is wrapped anew. Whoever opened
//! the keyring before, and kept what it needs, opens old copies of the file only.

use secrecy::SecretSlice;
use zeroize::Zeroizing;

use super::{OpenKeyring, WRAPPED_ROOT};
use crate::crypto::{CryptoError, LoadedKey, PassphraseCost, Random, Root, TAG_LEN, root_from_passphrase};
use crate::keys::{KeyError, KeyState, MAX_WRAPPED, Provider, Share, Splitting, WrappedImport, WrappedKey};
use crate::secmem::Region;

impl OpenKeyring {
    /// Has a passphrase open the keyring, and nothing else any more.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub fn enclose_by_passphrase(
        &mut self,
        random: &dyn Random,
        passphrase: &SecretSlice<u8>,
        cost: PassphraseCost,
    ) -> Result<(), KeyError> {
        let (provider, wrapping) = self::passphrase(&self.region, random, passphrase, cost)?;
        self.enclose(random, provider, &wrapping)
    }

    /// Has any `threshold` of `count` shares open the keyring, and nothing else any
    /// more. The shares are given away one by one and then dropped.
    ///
    /// # Errors
    /// [`KeyError::Share`] for impossible numbers; [`KeyError::Crypto`].
    pub fn enclose_by_custodians(
        &mut self,
        random: &dyn Random,
        threshold: u8,
        count: u8,
    ) -> Result<Vec<Share>, KeyError> {
        let wrapping = LoadedKey::generate(&self.region, random)?;
        let (splitting, shares) = Splitting::of(&self.region, random, &wrapping, threshold, count)?;
        self.enclose(random, Provider::Custodians(splitting), &wrapping)?;
        Ok(shares)
    }

    /// Has a device open the keyring, and nothing else any more: `wrapped` is what
    /// it made of `wrapping`.
    ///
    /// # Errors
    /// [`KeyError::TooLong`]; [`KeyError::Crypto`].
    pub fn enclose_by_device(
        &mut self,
        random: &dyn Random,
        wrapping: &LoadedKey<Root>,
        wrapped: Vec<u8>,
    ) -> Result<(), KeyError> {
        if wrapped.len() > MAX_WRAPPED {
            return Err(KeyError::TooLong);
        }
        self.enclose(random, Provider::Device(wrapped), wrapping)
    }

    pub(super) fn enclose(
        &mut self,
        random: &dyn Random,
        provider: Provider,
        wrapping: &LoadedKey<Root>,
    ) -> Result<(), KeyError> {
        let root = LoadedKey::generate(&self.region, random)?;
        let wrapped_root = wrap(random, &provider, wrapping, &root)?;
        let anew = |key: &WrappedKey| {
            if key.info().state == KeyState::Destroyed {
                return Ok(key.clone());
            }
            // The purpose of the type does not matter: the key is wrapped and dropped.
            let loaded = key.unwrap_as::<Root>(&self.root, &self.region)?;
            WrappedKey::wrap(&root, random, *key.info(), &loaded)
        };
        let keys = self.keys.iter().map(anew).collect::<Result<Vec<_>, KeyError>>()?;
        let anew = |key: &WrappedImport| key.anew(&self.region, random, &self.root, &root);
        self.imported = self.imported.iter().map(anew).collect::<Result<Vec<_>, KeyError>>()?;
        (self.provider, self.wrapped_root, self.keys, self.root) = (provider, wrapped_root, keys, root);
        Ok(())
    }
}

/// A wrapping key from a passphrase and a fresh salt.
pub(super) fn passphrase(
    region: &Region,
    random: &dyn Random,
    passphrase: &SecretSlice<u8>,
    cost: PassphraseCost,
) -> Result<(Provider, LoadedKey<Root>), KeyError> {
    let mut salt = [0; 16];
    random.fill(&mut salt).map_err(CryptoError::from)?;
    let wrapping = root_from_passphrase(region, passphrase, &salt, cost)?;
    Ok((Provider::Passphrase { cost, salt }, wrapping))
}

/// The root key wrapped, with the provider's header authenticated beside it.
pub(super) fn wrap(
    random: &dyn Random,
    provider: &Provider,
    wrapping: &LoadedKey<Root>,
    root: &LoadedKey<Root>,
) -> Result<[u8; WRAPPED_ROOT], KeyError> {
    let mut text = Zeroizing::new(Vec::with_capacity(32 + TAG_LEN));
    text.extend_from_slice(root.expose());
    let nonce = wrapping.seal(random, &provider.to_bytes(), &mut text)?;
    let mut wrapped = [0; WRAPPED_ROOT];
    for (slot, byte) in wrapped.iter_mut().zip(nonce.iter().chain(text.iter())) {
        *slot = *byte;
    }
    Ok(wrapped)
}
