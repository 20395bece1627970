//! The keyring file, while no daemon has its keys in memory.

use std::path::Path;

use secrecy::SecretSlice;
use tallystick::crypto::{LoadedKey, Root, SystemRandom};
use tallystick::daemon::{keyring_file, paths};
use tallystick::keys::{
    Gathering, KeyError, KeyInfo, OpenKeyring, Provider, SealedKeyring, Share, read_passphrase,
};
use tallystick::secmem::Region;
use tallystick::store::{StoreError, StoreLock};

use crate::arguments::{Device, Secrets};
use crate::audit;
use crate::device;
use crate::output::Failure;
use crate::secret_text;

/// What opens a keyring, read.
pub enum Secret {
    /// Its passphrase.
    Passphrase(SecretSlice<u8>),
    /// Its wrapping key, from shares or a device.
    WrappingKey(LoadedKey<Root>),
}

impl Secret {
    /// Opens a keyring.
    fn open(&self, sealed: SealedKeyring, region: &Region) -> Result<OpenKeyring, KeyError> {
        match self {
            Self::Passphrase(passphrase) => sealed.open(region, passphrase),
            Self::WrappingKey(key) => sealed.open_with(region, key),
        }
    }
}

/// Held, no daemon has the store, nor so its keys in memory. One that is sealed may
/// run: it reads the keyring when it is unsealed.
pub fn alone(dir: &Path) -> Result<StoreLock, Failure> {
    StoreLock::take(&paths::store(dir)).map_err(|error| match error {
        StoreError::InUse => Failure::new("tallyd is running on this directory; stop or seal it first"),
        error => error.into(),
    })
}

/// The keyring of a state directory as it stands in its file.
pub fn read(dir: &Path) -> Result<SealedKeyring, Failure> {
    let path = paths::keyring(dir);
    let bytes = std::fs::read(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    Ok(SealedKeyring::from_bytes(&bytes)?)
}

/// Opens the keyring of a state directory.
pub fn open(
    dir: &Path,
    region: &Region,
    secrets: &Secrets,
    device: Option<&Device>,
) -> Result<(OpenKeyring, Secret), Failure> {
    let sealed = read(dir)?;
    let secret = match sealed.provider() {
        Provider::Passphrase { .. } if secrets.share_files.is_empty() => {
            Secret::Passphrase(read_passphrase(&secrets.passphrase_file)?)
        }
        Provider::Custodians(splitting) => {
            let mut gathering = Gathering::new(splitting.clone());
            for file in &secrets.share_files {
                let shown = file.display();
                let share = Share::parse(region, &secret_text::read(file)?);
                share
                    .and_then(|share| gathering.give(share))
                    .map_err(|error| Failure::new(format!("{shown}: {error}")))?;
            }
            Secret::WrappingKey(gathered(&gathering, region)?)
        }
        Provider::Device(wrapped) if device.is_some() => {
            let key = device.map(|device| device::unwrap(device, wrapped, region)).transpose()?;
            Secret::WrappingKey(key.ok_or(KeyError::Unknown)?)
        }
        provider => return Err(KeyError::OtherProvider(provider.name()).into()),
    };
    Ok((secret.open(sealed, region)?, secret))
}

/// The wrapping key of shares that are enough.
pub fn gathered(gathering: &Gathering, region: &Region) -> Result<LoadedKey<Root>, Failure> {
    gathering.key(region)?.ok_or_else(|| {
        let (given, needed) = (gathering.given().count(), gathering.splitting().threshold());
        Failure::new(format!(
            "{given} of {needed} shares that are needed: give the others with --share-files"
        ))
    })
}

/// Puts a changed keyring in the old one's place. That is recorded in the audit log
/// first: no change of keys goes by it.
pub fn replace(
    dir: &Path,
    keyring: &OpenKeyring,
    region: &Region,
    secret: &Secret,
) -> Result<Vec<KeyInfo>, Failure> {
    let path = paths::keyring(dir);
    let bytes = keyring.seal(&SystemRandom)?.to_bytes();
    // What does not open would be the end of every token: it is tried before it
    // takes the old one's place.
    let keys = infos(&secret.open(SealedKeyring::from_bytes(&bytes)?, region)?);
    if keys != infos(keyring) {
        return Err(Failure::new("the new keyring does not read as it was written; nothing was changed"));
    }
    let told = keys.iter().map(|key| format!("{} {} {}", key.purpose.name(), key.version, key.state.name()));
    audit::record(dir, keyring, "keyring", told.collect::<Vec<_>>().join(", "))?;
    keyring_file::replace(&path, &bytes)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    Ok(keys)
}

fn infos(keyring: &OpenKeyring) -> Vec<KeyInfo> {
    keyring.infos().copied().collect()
}
