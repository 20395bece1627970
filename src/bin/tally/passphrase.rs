//! `tally passphrase`: another passphrase for the keyring, or a passphrase in the
//! place of shares.

use serde_json::json;
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::keys::read_passphrase;
use tallystick::secmem::{Region, harden};

use crate::arguments::Passphrase;
use crate::keys_at_rest::{self, Secret};
use crate::output::{Failure, Output};
use crate::show::{key_json, key_line};

/// Slots of locked memory: every version of every key, one at a time, and shares.
const SLOTS: usize = 64;

/// Changes what opens the keyring and tells what it holds.
pub fn run(arguments: &Passphrase, output: &Output) -> Result<(), Failure> {
    harden()?;
    let dir = arguments.dir.dir.as_path();
    let _alone = keys_at_rest::alone(dir)?;
    let region = Region::new(SLOTS)?;
    let new = read_passphrase(&arguments.new_passphrase_file)?;
    let (mut keyring, _) =
        keys_at_rest::open(dir, &region, &arguments.opener.secrets, Some(&arguments.opener.device))?;
    keyring.enclose_by_passphrase(&SystemRandom, &new, PassphraseCost::RECOMMENDED)?;
    let keys = keys_at_rest::replace(dir, &keyring, &region, &Secret::Passphrase(new))?;
    output.item(
        || json!({"ok": true, "provider": "passphrase", "keys": keys.iter().map(key_json).collect::<Vec<_>>()}),
        || {
            let mut lines: Vec<_> = keys.iter().map(key_line).collect();
            lines.push(
                "The new passphrase opens the keyring, and nothing else does. Copies made before\n\
                 still open as they did: replace them."
                    .to_owned(),
            );
            Some(lines.join("\n"))
        },
    );
    Ok(())
}
