//! `tally rotate`: a new version of a key, while no daemon runs.

use std::path::Path;

use serde_json::json;
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::keys::KeyInfo;
use tallystick::secmem::{Region, harden};
use tallystick::types::{KeyVersion, UnixTime};

use crate::arguments::{Opener, PurposeName};
use crate::keys_at_rest;
use crate::output::{Failure, Output};
use crate::show::{key_json, key_line};

/// Slots of locked memory: every version of every key, twice.
const SLOTS: usize = 2048;

/// Rotates and tells what the keyring holds.
pub fn run(dir: &Path, opener: &Opener, purpose: PurposeName, output: &Output) -> Result<(), Failure> {
    harden()?;
    let purpose = rotatable(purpose)?;
    let (version, keys) = rotate(dir, opener, purpose)?;
    output.item(
        || {
            let keys: Vec<_> = keys.iter().map(key_json).collect();
            json!({"ok": true, "purpose": purpose.name(), "version": version.get(), "keys": keys})
        },
        || {
            let mut lines: Vec<_> = keys.iter().map(key_line).collect();
            lines.push(format!("{} has version {version}; back the keyring up", purpose.name()));
            lines.push(
                "the version before verifies for keys.grace_seconds more; then it may be destroyed"
                    .to_owned(),
            );
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
fn rotate(dir: &Path, opener: &Opener, purpose: KeyPurpose) -> Result<(KeyVersion, Vec<KeyInfo>), Failure> {
    // First of all, and held to the end: a daemon has the keys in memory, and
    // would not know of what this makes.
    let _alone = keys_at_rest::alone(dir)?;
    let region = Region::new(SLOTS)?;
    let (mut keyring, secret) = keys_at_rest::open(dir, &region, &opener.secrets, Some(&opener.device))?;
    let version = keyring.rotate(&SystemRandom, purpose, UnixTime::from_system_clock())?;
    let keys = keys_at_rest::replace(dir, &keyring, &region, &secret)?;
    Ok((version, keys))
}
