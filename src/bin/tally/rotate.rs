//! `tally rotate`: a new version of a key, while no daemon runs.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use serde_json::json;
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::daemon::paths;
use tallystick::keys::{KeyInfo, OpenKeyring, SealedKeyring, read_passphrase};
use tallystick::secmem::{Region, harden};
use tallystick::store::{StoreError, StoreLock};
use tallystick::types::KeyVersion;

use crate::arguments::PurposeName;
use crate::output::{Failure, Output};
use crate::show::{key_json, key_line};

/// Slots of locked memory: the keys that wrap, and one at a time of those wrapped.
const SLOTS: usize = 32;

/// Rotates and tells what the keyring holds.
pub fn run(dir: &Path, passphrase_file: &Path, purpose: PurposeName, output: &Output) -> Result<(), Failure> {
    harden()?;
    let purpose = rotatable(purpose)?;
    let (version, keys) = rotate(dir, passphrase_file, purpose)?;
    output.item(
        || {
            let keys: Vec<_> = keys.iter().map(key_json).collect();
            json!({"ok": true, "purpose": purpose.name(), "version": version.get(), "keys": keys})
        },
        || {
            let mut lines: Vec<_> = keys.iter().map(key_line).collect();
            lines.push(format!("{} has version {version}; back the keyring up", purpose.name()));
            if purpose == KeyPurpose::PanSealing {
                lines.push("start tallyd, then re-seal what is stored: tally reseal".to_owned());
            }
            Some(lines.join("\n"))
        },
    );
    Ok(())
}

/// The purpose, if its keys may be rotated at all.
fn rotatable(purpose: PurposeName) -> Result<KeyPurpose, Failure> {
    let lasting = |what, why: &str| {
        Err(Failure::new(format!("the {what} key is not rotated: a card keeps its {what} for ever, {why}")))
    };
    match purpose {
        PurposeName::TokenDerivation => Ok(KeyPurpose::TokenDerivation),
        PurposeName::PanSealing => Ok(KeyPurpose::PanSealing),
        PurposeName::Audit => Ok(KeyPurpose::Audit),
        PurposeName::Par => lasting("PAR", "and under a new key the same PAN would get another"),
        PurposeName::Fingerprint => {
            lasting("fingerprint", "and under a new key cards saved before would not be recognised")
        }
    }
}

/// Makes a new active version in the keyring file.
fn rotate(
    dir: &Path,
    passphrase_file: &Path,
    purpose: KeyPurpose,
) -> Result<(KeyVersion, Vec<KeyInfo>), Failure> {
    let path = paths::keyring(dir);
    let told = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    // First of all, and held to the end: a daemon has the keys in memory, and
    // would not know of what this makes.
    let _stopped = StoreLock::take(&paths::store(dir)).map_err(|error| match error {
        StoreError::InUse => Failure::new("tallyd is running on this directory; stop it first"),
        error => error.into(),
    })?;
    let bytes = std::fs::read(&path).map_err(told)?;
    let passphrase = read_passphrase(passphrase_file)?;
    let region = Region::new(SLOTS)?;
    let mut keyring = SealedKeyring::from_bytes(&bytes)?.open(&region, &passphrase)?;
    let version = keyring.rotate(&SystemRandom, purpose)?;
    let bytes = keyring.seal(&SystemRandom)?.to_bytes();
    // What does not open would be the end of every token: it is tried before it
    // takes the old one's place.
    let keys = infos(&SealedKeyring::from_bytes(&bytes)?.open(&region, &passphrase)?);
    if keys != infos(&keyring) {
        return Err(Failure::new("the new keyring does not read as it was written; nothing was changed"));
    }
    replace(&path, &bytes).map_err(told)?;
    Ok((version, keys))
}

fn infos(keyring: &OpenKeyring) -> Vec<KeyInfo> {
    keyring.infos().copied().collect()
}

/// Puts a file in another's place, whole or not at all, durably, with mode 0600
/// and the owner of the old one.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let old = std::fs::metadata(path)?;
    let mut new = tempfile::Builder::new().prefix(".keyring-").tempfile_in(dir)?;
    new.write_all(bytes)?;
    let made = new.as_file().metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}
