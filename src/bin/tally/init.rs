//! `tally init`: a state directory with a sealed keyring and a configuration.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::daemon::config::default_text;
use tallystick::daemon::paths;
use tallystick::keys::{OpenKeyring, read_passphrase};
use tallystick::secmem::{Protection, Region, harden};

use crate::audit;
use crate::output::{Failure, Output};
use crate::show::{key_json, key_line};

/// Slots of locked memory: the keys of a new keyring and those that wrap them.
const SLOTS: usize = 32;

/// What was made, for telling.
pub struct Made {
    keyring: PathBuf,
    config: PathBuf,
    open: OpenKeyring,
    protection: Protection,
}

/// Makes the directory and tells of it.
pub fn run(dir: &Path, passphrase_file: &Path, output: &Output) -> Result<(), Failure> {
    harden()?;
    let made = make(dir, passphrase_file)?;
    output.item(|| json_of(dir, &made), || Some(text_of(dir, &made)));
    Ok(())
}

/// Makes the directory. An existing keyring is never overwritten.
pub fn make(dir: &Path, passphrase_file: &Path) -> Result<Made, Failure> {
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
    audit::record(dir, &open, "init", "a keyring was made".to_owned())?;
    Ok(Made { keyring: keyring_path, config: config_path, open, protection: region.protection() })
}

fn json_of(dir: &Path, made: &Made) -> Value {
    json!({
        "ok": true, "dir": dir, "keyring": made.keyring, "config": made.config,
        "key_memory": made.protection.to_string(), "keys": made.open.infos().map(key_json).collect::<Vec<_>>(),
    })
}

fn text_of(dir: &Path, made: &Made) -> String {
    let mut lines = vec![
        format!("keyring        {}", made.keyring.display()),
        format!("configuration  {}", made.config.display()),
        format!("key memory     {}", made.protection),
    ];
    lines.extend(made.open.infos().map(key_line));
    lines.push(format!("start it with: tallyd --dir {} --passphrase-file FILE", dir.display()));
    lines.join("\n")
}

/// Writes a file that must not exist, for its owner only, and syncs it.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let told = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(told)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(told)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(told)
}
