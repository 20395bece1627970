//! `tally audit accept`: the way on from a log that is damaged.
//!
//! Nothing of it is mended or thrown away. It is kept under another name, and a new
//! one begins whose first record, under the audit key, says what was found.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tallystick::audit::{self, Accepted, Event, NO_LINK, Tip};
use tallystick::daemon::audit::{Book, log_dir, newest, places};
use tallystick::daemon::config::Config;
use tallystick::daemon::paths;
use tallystick::secmem::{Region, harden};
use tallystick::store::StoreLock;
use tallystick::types::UnixTime;

use crate::arguments::Opener;
use crate::keys_at_rest;
use crate::output::{Failure, Output};

/// Slots of locked memory: every version of every key, and those that wrap them.
const SLOTS: usize = 1024;

/// Begins a log anew, if the one that is there cannot be gone on with.
pub fn run(dir: &Path, opener: &Opener, output: &Output) -> Result<(), Failure> {
    harden()?;
    let _stopped = StoreLock::take(&paths::store(dir))?;
    let config = Config::read(&paths::config(dir))?.audit;
    let region = Region::new(SLOTS)?;
    let keys = keys_at_rest::open(dir, &region, &opener.secrets, Some(&opener.device))?.0;
    let keyring = Arc::new(keys.load_native()?);
    let Err(damage) = Book::open(&config, dir, &keyring, || super::newest_group(dir)) else {
        return Err(Failure::new("the audit log can be gone on with as it is; nothing was changed"));
    };
    let log = log_dir(&config, dir);
    let found = audit::verify(&log, Some(&keyring.audit), &[], None, &mut |_| ())?.tip.number;
    let head = newest(&mut places(&config, dir), Some(&keyring.audit)).ok().flatten();
    let head = head.map_or(0, |head| head.0.number);
    let seconds = UnixTime::from_system_clock().seconds();
    let kept = put_aside(&log, seconds)?;
    put_aside(&config.head.clone().unwrap_or_else(|| paths::audit_head(dir)), seconds)?;
    // No number comes twice.
    let begin = Tip { number: found.max(head), link: NO_LINK };
    let uid = rustix::process::getuid().as_raw();
    let accepted = Accepted { uid, found, head, reason: damage.to_string() };
    Book::open_behind(&config, dir, &keyring, begin)?.write(&Event::Accepted(accepted))?;
    let first = begin.number.saturating_add(1);
    output.item(
        || json!({"ok": true, "first": first, "found": found, "head": head, "kept": kept}),
        || {
            let kept = kept.as_ref().map_or("nowhere".to_owned(), |kept| kept.display().to_string());
            Some(format!(
                "damage         {damage}\n\
                 kept           {kept}\n\
                 begins anew    with record {first}; of the old log {found} was good, {head} remembered"
            ))
        },
    );
    Ok(())
}

/// Gives a file or directory another name; none if there is none.
fn put_aside(path: &Path, seconds: u64) -> Result<Option<PathBuf>, Failure> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("-damaged-{seconds}"));
    match fs::rename(path, &name) {
        Ok(()) => Ok(Some(PathBuf::from(name))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
    }
}
