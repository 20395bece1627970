//! `tally init`: a state directory with a sealed keyring and a configuration.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde_json::json;
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::daemon::config::default_text;
use tallystick::daemon::paths;
use tallystick::keys::{OpenKeyring, read_passphrase};
use tallystick::secmem::{Region, harden};

use crate::output::{Failure, Output};

/// Slots of locked memory: the keys of a new keyring and those that wrap them.
const SLOTS: usize = 32;

/// Makes the directory. An existing keyring is never overwritten.
pub fn run(dir: &Path, passphrase_file: &Path, output: &Output) -> Result<(), Failure> {
    harden()?;
    let keyring_path = paths::keyring(dir);
    if keyring_path.exists() {
        return Err(Failure::new(format!("{} exists; it is not overwritten", keyring_path.display())));
    }
    let passphrase = read_passphrase(passphrase_file)?;
    let region = Region::new(SLOTS)?;
    let open = OpenKeyring::create(&region, &SystemRandom, &passphrase, PassphraseCost::RECOMMENDED)?;
    let bytes = open.seal(&SystemRandom)?.to_bytes();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Failure::new(format!("{}: {error}", dir.display())))?;
    let config_path = paths::config(dir);
    if !config_path.exists() {
        let uid = rustix::process::getuid().as_raw();
        write_new(&config_path, default_text(uid).as_bytes())?;
    }
    write_new(&keyring_path, &bytes)?;
    let keys: Vec<_> = open.infos().collect();
    output.item(
        || {
            let keys: Vec<_> = keys
                .iter()
                .map(|key| json!({"purpose": key.purpose.name(), "version": key.version.get(), "state": key.state.name(), "kcv": key.kcv.to_string()}))
                .collect();
            json!({"ok": true, "dir": dir, "keyring": keyring_path, "config": config_path, "protection": region.protection().to_string(), "keys": keys})
        },
        || {
            let mut text = format!("keyring        {}\n", keyring_path.display());
            text += &format!("configuration  {}\n", config_path.display());
            text += &format!("key memory     {}\n", region.protection());
            for key in &keys {
                text += &format!(
                    "key            {:<17} version {} {}, check value {}\n",
                    key.purpose.name(),
                    key.version,
                    key.state.name(),
                    key.kcv
                );
            }
            text += &format!("Start it with: tallyd --dir {} --passphrase-file FILE", dir.display());
            Some(text)
        },
    );
    Ok(())
}

/// Writes a file that must not exist, for its owner only, and syncs it.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let told = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(told)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(told)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(told)
}
