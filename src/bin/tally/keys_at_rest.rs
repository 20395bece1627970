//! The keyring file, while no daemon runs.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use secrecy::SecretSlice;
use tallystick::crypto::SystemRandom;
use tallystick::daemon::paths;
use tallystick::keys::{KeyInfo, OpenKeyring, SealedKeyring};
use tallystick::secmem::Region;

use crate::audit;
use crate::output::Failure;

/// Opens the keyring of a state directory.
pub fn open(dir: &Path, region: &Region, passphrase: &SecretSlice<u8>) -> Result<OpenKeyring, Failure> {
    let path = paths::keyring(dir);
    let bytes = std::fs::read(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    Ok(SealedKeyring::from_bytes(&bytes)?.open(region, passphrase)?)
}

/// Puts a changed keyring in the old one's place. That is recorded in the audit log
/// first: no change of keys goes by it.
pub fn replace(
    dir: &Path,
    keyring: &OpenKeyring,
    region: &Region,
    passphrase: &SecretSlice<u8>,
) -> Result<Vec<KeyInfo>, Failure> {
    let path = paths::keyring(dir);
    let bytes = keyring.seal(&SystemRandom)?.to_bytes();
    // What does not open would be the end of every token: it is tried before it
    // takes the old one's place.
    let keys = infos(&SealedKeyring::from_bytes(&bytes)?.open(region, passphrase)?);
    if keys != infos(keyring) {
        return Err(Failure::new("the new keyring does not read as it was written; nothing was changed"));
    }
    let told = keys.iter().map(|key| format!("{} {} {}", key.purpose.name(), key.version, key.state.name()));
    audit::record(dir, keyring, "keyring", told.collect::<Vec<_>>().join(", "))?;
    write(&path, &bytes).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    Ok(keys)
}

fn infos(keyring: &OpenKeyring) -> Vec<KeyInfo> {
    keyring.infos().copied().collect()
}

/// Puts a file in another's place, whole or not at all, durably, with mode 0600
/// and the owner of the old one.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
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
