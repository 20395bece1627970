//! Where a log is read from, with which keys, and what remembers its head.

use std::path::PathBuf;

use data_encoding::HEXLOWER_PERMISSIVE;
use tallystick::audit::{self, Keys, Report, Seen, Tip};
use tallystick::daemon::audit::{log_dir, newest, places};
use tallystick::daemon::config::Config;
use tallystick::daemon::paths;
use tallystick::keys::Keyring;
use tallystick::secmem::{Region, harden};

use crate::arguments::Secrets;
use crate::arguments::audit::Source;
use crate::keys_at_rest;
use crate::output::Failure;

/// Slots of locked memory: every version of every key, and those that wrap them.
const SLOTS: usize = 1024;

/// Checks a log from its first record on; `sink` sees each good record, and the
/// newest that a head remembers.
pub fn walk(source: &Source, mut sink: impl FnMut(&Seen<'_>, u64)) -> Result<Report, Failure> {
    harden()?;
    let keyring = keyring(source)?;
    let keys: Option<&dyn Keys> = keyring.as_ref().map(|keyring| -> &dyn Keys { &keyring.audit });
    let dir = source.dir.dir.as_path();
    let mut heads = source.heads.iter().map(|text| parse_head(text)).collect::<Result<Vec<_>, _>>()?;
    let log = if let Some(log) = &source.log {
        log.clone()
    } else {
        let config = Config::read(&paths::config(dir))?.audit;
        // Before the log, which may grow meanwhile.
        heads.extend(newest(&mut places(&config, dir), keys)?.map(|head| head.0));
        log_dir(&config, dir)
    };
    let known = heads.iter().map(|head| head.number).max().unwrap_or(0);
    Ok(audit::verify(&log, keys, &heads, source.from, &mut |seen| sink(seen, known))?)
}

fn keyring(source: &Source) -> Result<Option<Keyring>, Failure> {
    let Source { passphrase_file, share_files, device, .. } = source;
    if passphrase_file.is_none() && share_files.is_empty() && device.pkcs11_module.is_none() {
        return Ok(None);
    }
    let passphrase_file = passphrase_file.clone().unwrap_or_else(|| PathBuf::from("-"));
    let secrets = Secrets { passphrase_file, share_files: share_files.clone() };
    let region = Region::new(SLOTS)?;
    Ok(Some(keys_at_rest::open(&source.dir.dir, &region, &secrets, Some(device))?.0.load_native()?))
}

fn parse_head(text: &str) -> Result<Tip, Failure> {
    let parsed = text.split_once(':').and_then(|(number, link)| {
        let link = HEXLOWER_PERMISSIVE.decode(link.as_bytes()).ok()?;
        Some(Tip { number: number.parse().ok()?, link: link.try_into().ok()? })
    });
    parsed.ok_or_else(|| Failure::new("--head: a head is a number, a colon, and 64 hex digits"))
}
